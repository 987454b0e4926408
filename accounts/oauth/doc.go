// Package oauth lets users in: the token endpoint that PeerTube's clients use,
// the browser sessions of the server's own pages, and the check that every
// request passes.
//
// Invariants
//   - tokens are 256 random bits in hex; the database holds their SHA-256 only
//     (SEC-47)
//   - a pair of tokens belongs to a family that began with one login; a refresh
//     replaces the pair, and a second use of a refresh token ends the family
//   - a session cookie counts for changes only on requests from our own origin
//     (SEC-48); tokens are never read from a query
//
// Specifications: RFC 6749 4.3, 5, 6; RFC 6750 2.1; PT rest 4.
// Imported by: accounts, web. Imports no sibling but user.
package oauth
