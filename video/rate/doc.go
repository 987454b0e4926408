// Package rate holds what people think of videos: likes and dislikes, ours of
// all videos and everybody's of ours.
//
// Invariants
//   - an actor likes a video, or dislikes it, or neither: one row at most
//   - the counts of a local video follow its rows, in the same transaction; those
//     of a remote one are what its server says (SEC-17)
//   - a Like goes to the server of a remote video; of a local one others learn by
//     its Update (PT federation 3)
//
// Specifications: PT federation 3, 4 Others, 6; PT wire 6.3 Rates; reference REST
// 12 Videos. Imports no sibling but catalog and listing.
package rate
