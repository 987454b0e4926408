// Package notify turns what happens to videos, comments and reports into
// notifications: it hears of it, knows whom it concerns, and says what it is
// about to those who may see that.
//
// Invariants
//   - nobody hears of a video or comment that they may not see, and a
//     notification shows nothing that was hidden from its reader since (SEC-54)
//   - what came from another server long after it was made is no news
//
// Imported by: video. Imports block, catalog, comment and report.
package notify
