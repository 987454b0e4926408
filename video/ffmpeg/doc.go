// Package ffmpeg examines and converts media with the ffprobe and ffmpeg
// programs of the machine.
//
// Every foreign file passes the same gate, in this order:
//
//  1. [Sniff] looks at the first bytes and names the container, or refuses:
//     playlists, manifests, session descriptions, images, pages and archives
//     never reach a tool (SEC-57).
//  2. [Tool.Probe] runs ffprobe on it, restricted to the demuxers of that very
//     container and to local files (SEC-58), and compares what it found with
//     the limits (SEC-60).
//  3. [Tool.WebVideo], [Tool.HLS], [Tool.Thumbnail] and [Tool.Mux] convert it,
//     under the same restriction.
//
// The two restrictions belong together: with the protocol list alone, a text
// file named .mp4 that holds an HLS playlist or an ffconcat script reads other
// people's files on the same disk.
//
// A tool runs with an empty environment, without a shell, in a process group of
// its own, nice, with limits on CPU time, memory, file size, descriptors,
// processes and wall time (SEC-59). Where the system allows it, the tool also
// gets name spaces without a network and with processes of its own, so that
// nothing survives it. Whoever starts it, by ending the context, also ends it.
//
// The argument builders are pure functions of their input. They take numbers,
// codec names and paths that the server made; no text of a user is ever among
// them.
//
// This package imports nothing of the project and knows no database.
package ffmpeg
