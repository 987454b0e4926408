package catalog

import (
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/video/torrent"
)

// URLs builds the addresses of this instance's videos and files. Addresses are
// made from the configured origin alone (SEC-42).
type URLs struct {
	Origin string // https://host
	Host   string // host, with a port that is not the scheme's own
}

// Video is the ActivityPub id of a local video (PT federation 2).
func (u URLs) Video(uuid string) string { return u.Origin + "/videos/watch/" + uuid }

// Watch is the page of a video.
func (u URLs) Watch(uuid string) string { return u.Origin + "/w/" + ShortUUID(uuid) }

// Trackers are the announce addresses of this instance: HTTP, WebSocket.
func (u URLs) Trackers() []string {
	return []string{u.Origin + "/tracker/announce", u.WebSocket() + "/tracker/socket"}
}

// WebSocket is the origin with the scheme of sockets.
func (u URLs) WebSocket() string { return "ws" + strings.TrimPrefix(u.Origin, "http") }

// isPrivate tells whether the bytes of v are handed out to some only, which
// shows in the addresses of its files.
func isPrivate(v *Video) bool { return v.Privacy != Public && v.Privacy != Unlisted }

func private(v *Video) string {
	if isPrivate(v) {
		return "private/"
	}
	return ""
}

// File is where the bytes of f are; of a remote file, its origin's address.
func (u URLs) File(v *Video, f *File) string {
	if !v.Local {
		return f.URL
	}
	if f.PlaylistID != nil {
		return u.hls(v, f.Filename)
	}
	return u.Origin + "/static/web-videos/" + private(v) + f.Filename
}

// MediaPlaylist is the address of the HLS media playlist of f; empty when it
// has none or is remote.
func (u URLs) MediaPlaylist(v *Video, f *File) string {
	if !v.Local || f.PlaylistName == "" {
		return ""
	}
	return u.hls(v, f.PlaylistName)
}

// Master is the address of a video's HLS master playlist.
func (u URLs) Master(v *Video, p *StreamingPlaylist) string {
	if !v.Local {
		return p.URL
	}
	return u.hls(v, p.Filename)
}

// Segments is the address of a playlist's segment hashes.
func (u URLs) Segments(v *Video, p *StreamingPlaylist) string {
	if !v.Local {
		return p.SegmentsURL
	}
	if p.SegmentsFilename == "" {
		return ""
	}
	return u.hls(v, p.SegmentsFilename)
}

func (u URLs) hls(v *Video, name string) string {
	return u.Origin + "/static/streaming-playlists/hls/" + private(v) + v.UUID + "/" + name
}

// FileDownload is the address that answers with the file as an attachment.
func (u URLs) FileDownload(v *Video, f *File) string {
	if !v.Local {
		return f.URL
	}
	if f.PlaylistID != nil {
		return u.Origin + "/download/streaming-playlists/hls/videos/" + f.Filename
	}
	return u.Origin + "/download/web-videos/" + f.Filename
}

// SourceDownload is the address of a kept upload, for its owner.
func (u URLs) SourceDownload(src *Source) string {
	return u.Origin + "/download/original-video-files/" + src.KeptName
}

// Torrent is the address of the .torrent of f; empty when there is none.
func (u URLs) Torrent(v *Video, f *File) string {
	switch {
	case !v.Local:
		return f.TorrentURL
	case f.TorrentFilename == "":
		return ""
	}
	return u.Origin + "/lazy-static/torrents/" + f.TorrentFilename
}

// TorrentDownload is the address of the .torrent as an attachment.
func (u URLs) TorrentDownload(v *Video, f *File) string {
	switch {
	case !v.Local:
		return f.TorrentURL
	case f.TorrentFilename == "":
		return ""
	}
	return u.Origin + "/download/torrents/" + f.TorrentFilename
}

// Metadata is the address of what ffprobe said about f.
func (u URLs) Metadata(v *Video, f *File) string {
	if !v.Local {
		return f.MetadataURL
	}
	return u.Origin + "/api/v1/videos/" + v.UUID + "/metadata/" + strconv.FormatInt(f.ID, 10)
}

// ThumbnailPath is the path of a picture on this instance, also of a remote
// video's; empty for nil.
func ThumbnailPath(t *Thumbnail) string {
	if t == nil {
		return ""
	}
	return "/lazy-static/" + t.Key()
}

// Magnet is the magnet link of f: torrent file, info hash, name, trackers and
// the web seed, in PeerTube's order; of a remote file, as received. Empty
// without an info hash.
func (u URLs) Magnet(v *Video, f *File) string {
	if !v.Local {
		return f.Magnet
	}
	if f.InfoHash == "" || f.TorrentFilename == "" {
		return ""
	}
	m := torrent.Magnet{Torrent: u.Torrent(v, f), InfoHash: f.InfoHash, Name: v.Name, Trackers: u.Trackers()}
	if !isPrivate(v) {
		m.WebSeeds = []string{u.File(v, f)}
	}
	return m.String()
}

// Keys of a video's objects in storage.

// FileKey is where the bytes of a local file lie in storage.
func FileKey(v *Video, f *File) string {
	if f.PlaylistID != nil {
		return HLSKey(v.UUID, f.Filename)
	}
	return "web-videos/" + f.Filename
}

// HLSKey is where a piece of a video's HLS lies in storage.
func HLSKey(videoUUID, name string) string {
	return "streaming-playlists/hls/" + videoUUID + "/" + name
}

// TorrentKey is where a .torrent lies in storage.
func TorrentKey(filename string) string { return "torrents/" + filename }
