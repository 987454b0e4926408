// Package tracker tells the viewers of a video about each other: BitTorrent
// clients by HTTP announce and scrape, browsers by WebSocket, over which it
// also relays the WebRTC offers and answers that connect two of them.
//
// Routes
//
//	/tracker/announce  BEP 3, answers in bencode
//	/tracker/scrape    BEP 48
//	/tracker/socket    the WebTorrent protocol, JSON text messages
//
// Invariants
//   - a private tracker serves only the torrents that Options.Allow admits
//   - the address of a peer is that of its connection; what a request claims
//     is ignored (SEC-65)
//   - every failure of HTTP is a bencoded answer with status 200, since clients
//     read nothing else; every failure on a socket carries action and
//     info_hash, since clients drop the connection of all their torrents when
//     the action is missing
//   - an offer or answer reaches exactly one other socket, its bytes unchanged;
//     an answer only against an offer that was relayed to its sender
//   - whatever a client sends costs a bounded amount of memory
//   - addresses of viewers appear in logs only at debug level, shortened when
//     Options.AnonymizeIP is set (SEC-68)
//
// Peers live in memory only (package swarm). One process must serve all
// announces of a torrent.
//
// Specifications: BEP 3, 7, 21, 23, 24, 31, 48, 52; SEC-50, SEC-65, SEC-67, SEC-68.
// Imported by: main. Imports nothing of the project but tracker/swarm.
package tracker
