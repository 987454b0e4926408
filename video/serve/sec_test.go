package serve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// A file token opens one video, while the password that it was given for is one
// of the video's, and the video is protected.
func TestSEC55Passwords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		v, other := e.video("protected", catalog.Password), e.video("another", catalog.Password)
		set := func(v *catalog.Video, passwords ...string) {
			e.Tx(func(tx *db.Tx) error { return e.serve.Passwords.Set(tx, v.ID, passwords) })
		}
		set(v, "one key", "two keys")
		set(other, "one key")
		path := func(v *catalog.Video, token string) string {
			return "/static/web-videos/private/" + v.UUID + "-web-720.mp4?videoFileToken=" + token
		}
		first, second := e.token(nil, v.UUID, rest.VideoPasswordHeader, "one key"), e.token(e.bob, v.UUID, rest.VideoPasswordHeader, "two keys")
		expect := func(when string, v *catalog.Video, token string, want int) {
			t.Helper()
			if w := e.get(nil, path(v, token)); w.Code != want {
				t.Errorf("%s: %d, want %d", when, w.Code, want)
			}
		}
		expect("the first password's", v, first, 200)
		expect("the second password's", v, second, 200)
		expect("at another video", other, first, 403)
		if w := e.do(nil, "POST", "/api/v1/videos/"+v.UUID+"/token", rest.VideoPasswordHeader, "no key"); w.Code != 403 {
			t.Errorf("a token for a wrong password: %d %s", w.Code, w.Body)
		}
		if w := e.do(nil, "POST", "/api/v1/videos/"+v.UUID+"/token"); w.Code != 403 || !strings.Contains(w.Body.String(), "video_requires_password") {
			t.Errorf("a token for nothing: %d %s", w.Code, w.Body)
		}
		set(v, "two keys")
		expect("after its password went", v, first, 403)
		expect("the other one's still", v, second, 200)
		e.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET privacy = 3 WHERE id = ?", v.ID).Error })
		expect("after the video became private", v, second, 403)
		public := e.video("public", catalog.Public)
		if w := e.do(nil, "POST", "/api/v1/videos/"+public.UUID+"/token"); w.Code != 401 {
			t.Errorf("a token for anybody: %d %s", w.Code, w.Body)
		}
	})
}

// Whatever stands in an address, nothing but what a row names is read, and not
// through a link that leads out of the storage.
func TestSEC56(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.video("public", catalog.Public)
	const secret = "what nobody may read"
	outside := filepath.Join(t.TempDir(), "secret.mp4")
	if err := os.WriteFile(outside, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"web-videos/" + v.UUID + "-web-720.mp4", "thumbnails/" + v.UUID + "-t.jpg", "torrents/" + v.UUID + "-720.torrent"} {
		at, err := e.store.Path(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(at); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(outside, at); err != nil {
			t.Fatal(err)
		}
	}
	escapes := []string{
		"../../etc/passwd", "..%2f..%2fetc%2fpasswd", "..%252f..%252fetc%252fpasswd", "%2e%2e/%2e%2e/etc/passwd", `..\..\etc\passwd`, "..%5c..%5cetc%5cpasswd",
		"....//....//etc/passwd", "%c0%ae%c0%ae/etc/passwd", "/etc/passwd", "%2fetc%2fpasswd", "a%00.mp4", "a.mp4%00", ".", "..", "", "CON", "a.mp4/../../b",
		strings.Repeat("a", 5000) + ".mp4", "a%0d%0aX-Header:%20x.mp4",
	}
	for _, folder := range []string{
		"/static/web-videos/", "/static/web-videos/private/", "/static/webseed/", "/static/streaming-playlists/hls/" + v.UUID + "/",
		"/static/streaming-playlists/hls/", "/static/redundancy/hls/" + v.UUID + "/", "/lazy-static/thumbnails/", "/lazy-static/previews/",
		"/lazy-static/torrents/", "/lazy-static/video-captions/", "/lazy-static/storyboards/", "/lazy-static/avatars/", "/lazy-static/banners/",
		"/download/torrents/", "/download/web-videos/", "/download/streaming-playlists/hls/videos/", "/download/original-video-files/",
		"/download/videos/generate/",
	} {
		for _, x := range escapes {
			w := e.get(e.admin, folder+x)
			if w.Code == 200 || strings.Contains(w.Body.String(), "root:") || w.Header().Get("X-Header") != "" {
				t.Errorf("%s%.60s: %d %.80s", folder, x, w.Code, w.Body)
			}
		}
	}
	for _, path := range []string{
		"/static/web-videos/" + v.UUID + "-web-720.mp4", "/download/web-videos/" + v.UUID + "-web-720.mp4", "/lazy-static/thumbnails/" + v.UUID + "-t.jpg",
		"/lazy-static/torrents/" + v.UUID + "-720.torrent", "/download/torrents/" + v.UUID + "-720.torrent",
	} {
		if w := e.get(e.alice, path); w.Code == 200 || strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s follows a link out of the storage: %d %s", path, w.Code, w.Body)
		}
	}
}
