package catalogtest

import (
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// Day is when the videos of other servers were published.
var Day = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// RemoteVideo is a video of a remote user as SaveRemote takes it.
func RemoteVideo(u *User, uuid string) catalog.Remote {
	host := "https://" + u.AccountIRI[8:]
	return catalog.Remote{
		Video: catalog.Video{
			IRI: host[:len(host)-len("/accounts/"+u.Name)] + "/videos/watch/" + uuid, UUID: uuid, ChannelID: u.ChannelID, Name: "From afar",
			Privacy: catalog.Public, State: catalog.Published, CommentsPolicy: 1, PublishedAt: Day, UpdatedAt: Day, Duration: 7, Views: 5,
		},
		Tags: []string{"Far"}, Trackers: []string{"https://far.example/tracker/announce"},
		Files: []catalog.File{
			{Resolution: 720, FPS: 30, Size: 1000, URL: "https://far.example/720.mp4", InfoHash: "00000000000000000000000000000000000000aa"},
			{Resolution: 480, FPS: 30, Size: 500, URL: "https://far.example/480.mp4"},
		},
		Playlist: &catalog.StreamingPlaylist{URL: "https://far.example/master.m3u8", SegmentsURL: "https://far.example/sha.json"},
		HLS:      []catalog.File{{Resolution: 720, FPS: 30, Size: 900, URL: "https://far.example/720-frag.mp4"}},
		Thumbnails: []catalog.Thumbnail{
			{Type: catalog.Miniature, RemoteURL: "https://far.example/t.jpg", Filename: uuid + "-t.jpg", Width: 280, Height: 157},
		},
		Infohashes: []string{"00000000000000000000000000000000000000bb"},
	}
}

// SaveRemote stores a video of another server.
func (w *World) SaveRemote(r catalog.Remote) *catalog.Video {
	w.T.Helper()
	var v *catalog.Video
	w.Tx(func(tx *db.Tx) (err error) {
		v, _, err = w.Catalog.SaveRemote(tx, r)
		return err
	})
	return v
}
