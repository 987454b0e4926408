package serve_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// TestCaptionsAndStoryboards serves both of a local video to whom may see it.
func TestCaptionsAndStoryboards(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		alice := e.alice
		for privacy, stranger := range map[catalog.Privacy]int{catalog.Public: 200, catalog.Private: 403} {
			v := e.Video(alice, "Spoken", func(n *catalog.NewVideo) { n.Attributes.Privacy = privacy })
			c := &catalog.Caption{Language: "en", Filename: catalog.CaptionName("en"), Stored: true}
			b := &catalog.Storyboard{Filename: "b" + strings.ToLower(privacy.Label()) + ".jpg", Stored: true, TotalWidth: 2, TotalHeight: 2, SpriteWidth: 2, SpriteHeight: 2, SpriteDuration: 1}
			e.put(c.Key(), "WEBVTT")
			e.put(b.Key(), "picture")
			e.Tx(func(tx *db.Tx) error { return e.Catalog.SetCaption(tx, v, c) })
			e.Tx(func(tx *db.Tx) error { return e.Catalog.SetStoryboard(tx, v, b) })
			for path, kind := range map[string]string{c.Path(): "text/vtt; charset=utf-8", b.Path(): "image/jpeg"} {
				if w := e.get(nil, path); w.Code != stranger {
					t.Errorf("%s of a %s video: %d, want %d", path, privacy.Label(), w.Code, stranger)
				}
				w := e.get(alice, path)
				if w.Code != 200 || w.Header().Get("Content-Type") != kind || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
					t.Errorf("%s for its owner: %d %v", path, w.Code, w.Header())
				}
				if cached := w.Header().Get("Cache-Control"); strings.HasPrefix(cached, "private") != (privacy == catalog.Private) {
					t.Errorf("%s of a %s video is kept %q", path, privacy.Label(), cached)
				}
			}
		}
		for _, path := range []string{"/lazy-static/video-captions/none-en.vtt", "/lazy-static/storyboards/none.jpg", "/lazy-static/video-captions/..%2fx.vtt"} {
			if w := e.get(nil, path); w.Code != 404 {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
	})
}

// TestRemoteCaption fetches a remote video's caption for the first who asks.
func TestRemoteCaption(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v, _ := e.remoteVideo()
	c := &catalog.Caption{Language: "en", Filename: catalog.CaptionName("en"), RemoteURL: "https://other.example/en.vtt"}
	e.Tx(func(tx *db.Tx) error { return e.Catalog.SetCaption(tx, v, c) })
	if w := e.get(nil, c.Path()); w.Code != 404 {
		t.Errorf("nobody fetches: %d", w.Code)
	}
	var fetched atomic.Int32
	e.serve.FetchCaptions = func(ctx context.Context, id int64) error {
		fetched.Add(1)
		e.put(c.Key(), "WEBVTT")
		return e.DB.Tx(ctx, func(tx *db.Tx) error { return catalog.NoteStored(tx, c, c.Filename) })
	}
	for range 2 {
		if w := e.get(nil, c.Path()); w.Code != 200 || w.Body.String() != "WEBVTT" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if n := fetched.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	// A picture of another kind does not stand in for it.
	other := &catalog.Caption{Language: "fr", Filename: catalog.CaptionName("fr"), RemoteURL: "https://other.example/fr.vtt"}
	e.Tx(func(tx *db.Tx) error { return e.Catalog.SetCaption(tx, v, other) })
	if w := e.get(nil, other.Path()); w.Code != 404 {
		t.Errorf("a file that could not be fetched: %d", w.Code)
	}
}
