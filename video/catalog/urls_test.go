package catalog_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/video/catalog"
)

func TestURLs(t *testing.T) {
	u := catalog.URLs{Origin: "https://tube.example", Host: "tube.example"}
	const id = "233c4eb0-fa89-44d4-9a40-8059fcfff470"
	list := int64(3)
	web := &catalog.File{ID: 7, Filename: "w.mp4", TorrentFilename: "w.torrent", InfoHash: strings.Repeat("ab", 20)}
	frag := &catalog.File{ID: 8, PlaylistID: &list, Filename: "f.mp4", PlaylistName: "f.m3u8"}
	p := &catalog.StreamingPlaylist{Filename: "m.m3u8", SegmentsFilename: "s.json"}
	far := &catalog.File{URL: "https://far/1.mp4", TorrentURL: "https://far/1.torrent", Magnet: "magnet:?xt=urn:btih:x", MetadataURL: "https://far/meta"}
	farList := &catalog.StreamingPlaylist{URL: "https://far/m.m3u8", SegmentsURL: "https://far/s.json"}
	video := func(p catalog.Privacy) *catalog.Video {
		return &catalog.Video{UUID: id, Local: true, Privacy: p, Name: "n"}
	}
	public, unlisted, private := video(catalog.Public), video(catalog.Unlisted), video(catalog.Private)
	internal, secret := video(catalog.Internal), video(catalog.Password)
	remote := &catalog.Video{UUID: id, Privacy: catalog.Public}
	const o = "https://tube.example"
	const hls = o + "/static/streaming-playlists/hls/"
	for _, c := range []struct{ what, got, want string }{
		{"id", u.Video(id), o + "/videos/watch/" + id},
		{"page", u.Watch(id), o + "/w/5mmTWF2cMhPKMsehsxnYTb"},
		{"trackers", strings.Join(u.Trackers(), " "), o + "/tracker/announce wss://tube.example/tracker/socket"},
		{"web", u.File(public, web), o + "/static/web-videos/w.mp4"},
		{"web, unlisted", u.File(unlisted, web), o + "/static/web-videos/w.mp4"},
		{"web, private", u.File(private, web), o + "/static/web-videos/private/w.mp4"},
		{"web, internal", u.File(internal, web), o + "/static/web-videos/private/w.mp4"},
		{"web, password", u.File(secret, web), o + "/static/web-videos/private/w.mp4"},
		{"hls", u.File(public, frag), hls + id + "/f.mp4"},
		{"hls, private", u.File(private, frag), hls + "private/" + id + "/f.mp4"},
		{"media playlist", u.MediaPlaylist(public, frag), hls + id + "/f.m3u8"},
		{"media playlist of a web file", u.MediaPlaylist(public, web), ""},
		{"media playlist, remote", u.MediaPlaylist(remote, far), ""},
		{"master", u.Master(public, p), hls + id + "/m.m3u8"},
		{"master, private", u.Master(private, p), hls + "private/" + id + "/m.m3u8"},
		{"master, remote", u.Master(remote, farList), "https://far/m.m3u8"},
		{"segments", u.Segments(public, p), hls + id + "/s.json"},
		{"no segments", u.Segments(public, &catalog.StreamingPlaylist{}), ""},
		{"segments, remote", u.Segments(remote, farList), "https://far/s.json"},
		{"download", u.FileDownload(public, web), o + "/download/web-videos/w.mp4"},
		{"download, hls", u.FileDownload(public, frag), o + "/download/streaming-playlists/hls/videos/f.mp4"},
		{"download, remote", u.FileDownload(remote, far), "https://far/1.mp4"},
		{"torrent", u.Torrent(public, web), o + "/lazy-static/torrents/w.torrent"},
		{"no torrent", u.Torrent(public, frag), ""},
		{"torrent, remote", u.Torrent(remote, far), "https://far/1.torrent"},
		{"torrent download", u.TorrentDownload(public, web), o + "/download/torrents/w.torrent"},
		{"no torrent download", u.TorrentDownload(public, frag), ""},
		{"torrent download, remote", u.TorrentDownload(remote, far), "https://far/1.torrent"},
		{"metadata", u.Metadata(public, web), o + "/api/v1/videos/" + id + "/metadata/7"},
		{"metadata, remote", u.Metadata(remote, far), "https://far/meta"},
		{"file, remote", u.File(remote, far), "https://far/1.mp4"},
		{"no magnet", u.Magnet(public, frag), ""},
		{"magnet, remote", u.Magnet(remote, far), "magnet:?xt=urn:btih:x"},
		{"thumbnail", catalog.ThumbnailPath(&catalog.Thumbnail{Type: catalog.Miniature, Filename: "t.jpg"}), "/lazy-static/thumbnails/t.jpg"},
		{"preview", catalog.ThumbnailPath(&catalog.Thumbnail{Type: catalog.Preview, Filename: "p.jpg"}), "/lazy-static/previews/p.jpg"},
		{"no thumbnail", catalog.ThumbnailPath(nil), ""},
		{"key", catalog.FileKey(private, web), "web-videos/w.mp4"},
		{"key, hls", catalog.FileKey(private, frag), "streaming-playlists/hls/" + id + "/f.mp4"},
		{"socket over http", catalog.URLs{Origin: "http://localhost:9000"}.WebSocket(), "ws://localhost:9000"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
}

// TestMagnetNames writes names as PeerTube does, and they read back.
func TestMagnetNames(t *testing.T) {
	u := catalog.URLs{Origin: "https://tube.example", Host: "tube.example"}
	f := &catalog.File{Filename: "w.mp4", TorrentFilename: "w.torrent", InfoHash: strings.Repeat("ab", 20)}
	for name, want := range map[string]string{
		"Test pattern 720p (updated)": "Test+pattern+720p+(updated)",
		"a+b & c=d?#/é'*!~":           "a%2Bb+%26+c%3Dd%3F%23%2F%C3%A9'*!~",
		"&xt=urn:btih:other":          "%26xt%3Durn%3Abtih%3Aother",
	} {
		v := &catalog.Video{UUID: "233c4eb0-fa89-44d4-9a40-8059fcfff470", Local: true, Privacy: catalog.Public, Name: name}
		magnet := u.Magnet(v, f)
		if !strings.Contains(magnet, "&dn="+want+"&") {
			t.Errorf("%q: %s, want %s", name, magnet, want)
		}
		q, err := url.ParseQuery(strings.TrimPrefix(magnet, "magnet:?"))
		if err != nil || q.Get("dn") != name || len(q["xt"]) != 1 || len(q["tr"]) != 2 || q.Get("ws") != u.File(v, f) || q.Get("xs") != u.Torrent(v, f) {
			t.Errorf("%q reads back as %v (%v)", name, q, err)
		}
	}
}
