// Package playlist keeps playlists: lists of videos by users of this instance
// and of others, and the list "watch later" of each user.
//
// Invariants
//   - a playlist belongs to one account; its channel, if any, is that account's
//     (SEC-16), and a remote one lies with both on one host (SEC-12)
//   - elements of a local playlist stand at the positions 1, 2, 3, …
//   - what others know of a local playlist follows from its row: a job compares
//     it with federated_at and may run any number of times
//   - the elements of a remote playlist are read at its origin
//
// Specifications: PT federation 2 to 4 (Playlist, PlaylistElement); reference
// REST 22. Imports no sibling but catalog and listing.
package playlist
