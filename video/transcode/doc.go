// Package transcode makes the files of a local video: MP4 files for the web,
// HLS renditions with their playlists and segment hashes, and the torrent of
// each.
//
// One rendition is one job. Its steps, any of which may be the last before the
// process dies:
//
//  1. read rendition and video; one that is done ends here
//  2. pick the input: for HLS the web file of the same resolution, which is only
//     copied, else the upload, else the largest file
//  3. encode into a scratch folder, by an [Executor]
//  4. hash for the torrent and the segments in one reading, store under new names
//  5. in one transaction: rows, rendition done, job done
//
// A run that died after step 4 leaves objects that no row names; the next run
// makes others. The master playlist and the segment hashes list all HLS files,
// so they are written anew, under new names, with each rendition; when another
// rendition was quicker, steps 4 and 5 of the playlists are repeated.
//
// Failures that are the file's end the rendition with a reason that its owner
// may read. A full disk does not count as a failure: the job comes back later
// (REL-16).
//
// Imports catalog and the leaves ffmpeg, hls, storage, torrent.
package transcode
