// Package hls writes and reads the playlists of on-demand HLS videos: the
// master playlist, the media playlists that ffmpeg makes, the hashes of their
// segments, and the names of the swarms in which players exchange them.
//
// A rendition is one fragmented MP4 file and one media playlist that names byte
// ranges of it. The master playlist lists the renditions from the smallest to
// the largest resolution, as PeerTube does; swarms are numbered in that order,
// so it must not change once a video is published.
//
// Specifications: RFC 8216; PeerTube 6.3 for names, order and the hashes.
// This package imports nothing of the project.
package hls
