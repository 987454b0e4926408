// Package torrent makes the .torrent of a video file, reads and writes magnet
// links, and remembers which info hashes the tracker may serve.
//
// A file is hashed while it is written: [Hasher] is an io.Writer that stands
// beside the file in an io.MultiWriter, so its bytes are never read again.
//
// A .torrent is a function of its fields; the same ones give the same bytes and
// the same info hash. The name of the file inside is made of the video's name,
// so that downloads are called sensibly: renaming a video makes a new torrent
// with another info hash.
//
// Specifications: BEP 3, BEP 9 (magnet links), BEP 12 (tracker tiers), BEP 19
// (web seeds). This package imports nothing of the project.
package torrent
