// Package comment holds what people say below videos: threads, their policy and
// review, and the Notes they are in the fediverse.
//
// A comment belongs to one video, ours or another server's, and its author's
// server owns its text. Whether it is shown is for the owner of the video, who
// may ask to see it first: then it is held, and approval travels as PeerTube's
// ApproveReply. The video's server passes on what others say below it, unchanged
// (AP 7.1.2).
//
// Invariants
//   - texts pass package markup on their way in, and are safe from then on (SEC-37)
//   - counts of threads and videos hold what readers see, and change in the
//     transaction that changes it
//   - a deleted comment keeps its place while answers hang below it
//   - only the author and the owner of the video delete (SEC-14)
//
// Specifications: PT federation 3, 4 Note; PT wire 6.3 Comments; reference REST
// 12 Video Comments. Imports no sibling but catalog and watchedword.
package comment
