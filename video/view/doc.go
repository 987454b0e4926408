// Package view counts who has watched what, and who watches now.
//
// A view is a viewer who has watched long enough, once within a while. It is
// committed before the player that reported it is answered; players that report
// at once share a commit. Of another server's View the inbox row is the promise,
// and many rows are taken together, each exactly once.
//
// Invariants
//   - the views of a local video are counted from our viewers and from others'
//     Views; those of a remote video are its origin's to say
//   - a server's word about a number of viewers counts when it is the video's
//     origin, else as one viewer (SEC-17)
//   - a video that the public may not see takes nothing from outside (SEC-18)
//   - no address of a viewer is stored; what tells viewers apart is a hash whose
//     key dies with the process
//
// Who watches now is kept in video_viewers, one row a source with the time when
// it is not true any more; each process reads it every few seconds and adds its
// own players. What is on the way there may be lost with the process.
//
// Specifications: PT federation 3, 4 (View, WatchAction, Download), REST 9.
// Imports no sibling but catalog.
package view
