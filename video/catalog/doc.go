// Package catalog is the aggregate of the video module: the rows of videos with
// their files, playlists, thumbnails, tags and shares; the states a video goes
// through; who may see it; and the REST endpoints on one video. Every
// other feature of the module stands on it and none is imported by it.
//
// Invariants
//   - a local video's state changes in [Service.Advance] alone; publishing sets
//     published_at and inserts the federation job in the same transaction
//   - a file's row exists only after its bytes are stored; what a row stops
//     naming is deleted by a job ([DeleteFilesArgs])
//   - [Service.CanSee] is asked by every way to a video or its bytes (SEC-54)
//   - a remote video changes by [Service.SaveRemote] alone, which ignores a
//     document older than the stored one
//   - text is cleaned when it comes in (SEC-38); descriptions stay Markdown as
//     written and are made safe where they are shown
//
// Specifications: PT federation 4 (Video), reference REST sections 1 to 3, 12.
package catalog
