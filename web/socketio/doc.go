// Package socketio is a server for the clients of Socket.IO 3 and 4: protocol 5
// of Socket.IO over protocol 4 of Engine.IO, by long polling, WebSocket, and the
// upgrade from the first to the second. It pushes events to clients and takes
// theirs. Binary events and acknowledgements, which nobody needs here, are left
// out.
//
// Invariants
//   - everything of a client is bounded: sessions in all and an address, the size
//     of a message, and what waits to be sent; a client that is too slow or silent
//     for too long is closed
//   - functions of a namespace are called without locks held, those of one session
//     one after the other as its messages come
//
// Specifications: Engine.IO protocol 4, Socket.IO protocol 5.
package socketio
