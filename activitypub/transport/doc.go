// Package transport is the server's only way out over HTTP. Everything that
// is fetched from others or delivered to them goes through one Client, which
// checks the address at dial time, limits time, size and redirects, and signs
// each request at the moment of sending. A test of this package fails when
// any other package makes an HTTP client or dials (SEC-22).
//
// What a fetch promises:
//   - only https, or http in test mode; ports 80, 443 and the configured ones
//   - no connection to an address outside of the public internet, whatever
//     name or redirect led there, unless federation.allow_networks holds it
//   - at most 3 redirects, each checked and signed anew; a POST has none
//   - 10 s in all, 5 s to the first byte, 1 MiB after decompression
//   - a document is JSON of the demanded type within the limits of strict
//   - the budget of the context: so many requests for one incoming activity
//
// A signed request whose answer doubts the signature is sent a second time at
// once, signed in the other scheme or as the server asks by Accept-Signature.
// What a host takes is remembered; its first knock is then the right one.
//
// Imports nobody of the project but iri, signature and strict.
package transport
