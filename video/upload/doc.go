// Package upload takes files from users and makes videos of them: in one
// multipart request, or by the resumable protocol in chunks that survive broken
// connections and killed processes.
//
// An upload is a row of uploads and a part, a file in [Options.Dir] with the
// row's id as its name. The row's received says how many bytes of the part are
// on the disk; what the part holds beyond that is not trusted and written anew.
//
//	open       chunks come in
//	finishing  all bytes are there and are being examined; whoever holds the
//	           lock of the part does it, so a killed process leaves no trace
//	done       video_id is the video; kept for a while, so that a client that
//	           missed the answer gets it again and nothing is made twice
//
// Invariants
//   - a client is told of a byte only after it is on the disk (REL-14)
//   - the source in storage is a second name of the part; the part goes after
//     the transaction that made the video, so a crash at any point leaves an
//     upload that can go on, or a video
//   - a running upload counts against the quota from its first request, under
//     a lock on the user (SEC-61)
//   - the content decides what a file is, before any tool sees it (SEC-57)
//
// Specifications: reference REST section 6 and the protocol of node-uploadx.
package upload
