// Package swarm holds the peers of all torrents in memory: who is in which
// swarm, how to reach them, and which of them to name to a newcomer.
//
// There are two kinds of peers. Address peers speak BitTorrent over TCP and
// are named by address and port; socket peers are browsers, reached through
// the open connection that announced them. Neither can talk to the other, so
// each kind is only told of its own.
//
// Invariants
//   - an address peer is its endpoint: another address can neither replace nor
//     remove it, whatever peer id it claims
//   - a socket peer belongs to the connection that brought it until that
//     connection leaves or the peer expires
//   - peers of private networks are named to private networks only, peers of
//     this machine to this machine only (SEC-65)
//   - memory is bounded by Options; beyond the bounds an announce is answered
//     but not remembered
//   - no lock is held while anything but memory is touched
//
// Nothing is stored: after a restart the swarms fill again within one announce
// interval.
//
// Specifications: BEP 3, BEP 7, BEP 21, BEP 48; SEC-65.
// Imported by: tracker and its transports. Imports nothing of the project.
package swarm
