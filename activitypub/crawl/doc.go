// Package crawl reads the collections of other servers: outboxes when a follow
// is accepted, comments and shares of an object when it is seen first.
//
// [Crawler.Walk] goes over a collection at once. [Crawler.Start] leaves it to
// jobs: a row says which page is next, each job reads a few pages and inserts
// the next job in the transaction that moves the row on. So a crawl that is
// killed goes on at the page where it stopped, and its progress can be shown.
//
// Invariants
//   - a page counts as work whether or not it had to be fetched; there are at
//     most [MaxPages] pages, [MaxItems] items and [MaxTime] in a crawl (SEC-28)
//   - a page that was read before, on another host than the collection, or on
//     ours ends the crawl
//   - an item that nobody can take does not end it; the items of the page that
//     was interrupted may be taken twice
//
// Specifications: AS2 5.2; PT federation 6.
// Imports vocab, iri, transport, jobs and config/db; imported by the engine.
package crawl
