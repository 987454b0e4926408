// Package federation carries videos between servers: their documents out and
// in, the activities Create, Update, Delete and Announce, and the pictures of
// remote videos.
//
// Invariants
//   - what went out is noted in videos.federated_at and in the shares of the
//     channel and the instance, in the transaction that publishes it, so the
//     federation job can run any number of times
//   - an incoming document counts only when its id, channel, owner and
//     collections lie on one host (SEC-12), and when the one who sends it owns
//     the video as it is stored here, not as the document claims (SEC-14); any
//     other sender of the same host makes us ask the origin
//   - an Announce counts for Application and Group actors only
//   - pictures are fetched, re-encoded and served from here (SEC-41)
//
// Specifications: AS2 Video, Create, Update, Delete, Announce, Undo; PT
// federation 2 to 6. Imports no sibling but catalog and
// chapter.
package federation
