// Package webfinger finds actors and servers by name: WebFinger (RFC 7033),
// host-meta (RFC 6415) and NodeInfo 2.0 and 2.1, as a client and as the
// documents of a server. It has no routes and no tables: the engine registers
// the former and looks up the latter.
//
// Imports nobody of the project but iri.
package webfinger
