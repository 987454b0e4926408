package serve_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/password"
	"github.com/kinemesh/kinemesh/video/serve"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

type env struct {
	*catalogtest.World
	t     *testing.T
	store *storage.FS
	serve *serve.Serve
	echo  *echo.Echo
	users map[int64]*catalogtest.User

	alice, bob, mod, admin *catalogtest.User
}

func newEnv(t *testing.T, d *db.DB, change ...func(*serve.Options)) *env {
	t.Helper()
	store, err := storage.OpenFS(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := catalogtest.New(t, d, func(o *catalog.Options) {
		o.PutFile = func(ctx context.Context, key string, r io.Reader) error {
			_, err := store.Put(ctx, key, r)
			return err
		}
		o.DeleteFile = store.Delete
	})
	e := &env{World: w, t: t, store: store, echo: echo.New(), users: map[int64]*catalogtest.User{}}
	o := serve.Options{DB: d, Catalog: w.Catalog, Store: store, Secret: "secret of the test", Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&o)
	}
	if e.serve, err = serve.New(o); err != nil {
		t.Fatal(err)
	}
	if e.serve.Passwords, err = password.New(d, w.Catalog, o.Secret); err != nil {
		t.Fatal(err)
	}
	w.Catalog.Unlock, w.Catalog.SetPasswords = e.serve.Passwords.Unlock, e.serve.Passwords.Set
	e.serve.ActorPicture = func(_ context.Context, folder, file string) (string, error) { return folder + "/" + file, nil }
	e.serve.PlaylistPicture = func(_ context.Context, p *rest.Principal, file string) (string, bool, error) {
		if file != "playlist-open.jpg" && (file != "playlist-closed.jpg" || p == nil) {
			return "", false, db.ErrNotFound
		}
		return "thumbnails/" + file, file == "playlist-open.jpg", nil
	}
	e.echo.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, o.Logger, err) }
	r := rest.NewRouter(e.echo, func(c echo.Context) (*rest.Principal, error) {
		id, err := strconv.ParseInt(c.Request().Header.Get("X-User"), 10, 64)
		if err != nil {
			return nil, nil //nolint:nilerr // anonymous
		}
		return e.users[id].Principal(), nil
	})
	e.serve.Routes(r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	for name, u := range map[string]**catalogtest.User{"alice": &e.alice, "bob": &e.bob, "mod": &e.mod, "admin": &e.admin} {
		role := map[string]rest.Role{"mod": rest.RoleModerator, "admin": rest.RoleAdmin}[name]
		if name == "alice" || name == "bob" {
			role = rest.RoleUser
		}
		*u = w.User(name, role)
		e.users[(*u).ID] = *u
	}
	return e
}

// video makes alice's published video with all its objects stored.
func (e *env) video(name string, privacy catalog.Privacy) *catalog.Video {
	e.t.Helper()
	v := e.Video(e.alice, name)
	e.WithFiles(v)
	e.Tx(func(tx *db.Tx) error {
		// Torrents and info hashes of the world are the same for all videos.
		return tx.Model(&catalog.Video{}).Where("id = ?", v.ID).UpdateColumn("privacy", privacy).Error
	})
	for key, data := range map[string]string{
		"web-videos/" + v.UUID + "-web-720.mp4":                "web " + name,
		catalog.HLSKey(v.UUID, v.UUID+"-720-fragmented.mp4"):   "hls " + name,
		catalog.HLSKey(v.UUID, v.UUID+"-master.m3u8"):          "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + v.UUID + "-720.m3u8\n",
		catalog.HLSKey(v.UUID, v.UUID+"-720.m3u8"):             "#EXTM3U\n#EXT-X-MAP:URI=\"" + v.UUID + "-720-fragmented.mp4\"\n" + v.UUID + "-720-fragmented.mp4\n",
		catalog.HLSKey(v.UUID, v.UUID+"-segments-sha256.json"): "{}",
		"torrents/" + v.UUID + "-720.torrent":                  "d4:infoe",
		"torrents/" + v.UUID + "-720-hls.torrent":              "d4:infoe",
		"thumbnails/" + v.UUID + "-t.jpg":                      "small",
		"previews/" + v.UUID + "-p.jpg":                        "large",
		"sources/" + v.UUID:                                    "secret source",
	} {
		e.put(key, data)
	}
	return e.Reload(v.ID)
}

func (e *env) put(key, data string) {
	e.t.Helper()
	if _, err := e.store.Put(context.Background(), key, strings.NewReader(data)); err != nil {
		e.t.Fatal(err)
	}
}

// do sends a request as u; header holds names and values by turns.
func (e *env) do(u *catalogtest.User, method, path string, header ...string) *httptest.ResponseRecorder {
	e.t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if u != nil {
		r.Header.Set("X-User", strconv.FormatInt(u.ID, 10))
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	e.echo.ServeHTTP(w, r)
	return w
}

func (e *env) get(u *catalogtest.User, path string, header ...string) *httptest.ResponseRecorder {
	e.t.Helper()
	return e.do(u, "GET", path, header...)
}

// token asks for a file token as a client does.
func (e *env) token(u *catalogtest.User, id string, header ...string) string {
	e.t.Helper()
	w := e.do(u, "POST", "/api/v1/videos/"+id+"/token", header...)
	if w.Code != 200 {
		e.t.Fatalf("token: %d %s", w.Code, w.Body)
	}
	a := catalogtest.Answer{Body: w.Body.Bytes()}.JSON(e.t)["files"].(map[string]any)
	expires, err := time.Parse("2006-01-02T15:04:05.000Z", a["expires"].(string))
	if d := time.Until(expires); err != nil || d > 8*time.Hour || d < 8*time.Hour-time.Minute {
		e.t.Errorf("expires %v, %v", a["expires"], err)
	}
	return a["token"].(string)
}

// TestWhoSeesWhat is the matrix of privacy, route and viewer (SEC-54).
func TestWhoSeesWhat(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		for _, p := range []struct {
			name     string
			privacy  catalog.Privacy
			private  bool // in the address
			anybody  bool
			signedIn bool
		}{
			{"public", catalog.Public, false, true, true},
			{"unlisted", catalog.Unlisted, false, true, true},
			{"internal", catalog.Internal, true, false, true},
			{"private", catalog.Private, true, false, false},
			{"protected", catalog.Password, true, false, false},
		} {
			v := e.video(p.name, p.privacy)
			id := v.UUID
			e.Tx(func(tx *db.Tx) error { return e.serve.Passwords.Set(tx, v.ID, []string{"open sesame"}) })
			tokens := map[string]string{"alice": e.token(e.alice, id), "mod": e.token(e.mod, id), "junk": "AAAA"}
			locked := p.privacy == catalog.Password
			if locked {
				tokens["password"] = e.token(nil, id, rest.VideoPasswordHeader, "open sesame")
			}
			if p.signedIn {
				tokens["bob"] = e.token(e.bob, id)
			}
			for _, route := range []struct {
				path    string
				private bool // the form of a private video
				any     bool // both forms
				body    string
			}{
				{"/static/web-videos/" + id + "-web-720.mp4", false, false, "web " + p.name},
				{"/static/web-videos/private/" + id + "-web-720.mp4", true, false, "web " + p.name},
				{"/static/webseed/" + id + "-web-720.mp4", false, false, "web " + p.name},
				{"/static/streaming-playlists/hls/" + id + "/" + id + "-720-fragmented.mp4", false, false, "hls " + p.name},
				{"/static/streaming-playlists/hls/private/" + id + "/" + id + "-720-fragmented.mp4", true, false, "hls " + p.name},
				{"/static/streaming-playlists/hls/" + id + "/" + id + "-master.m3u8", false, false, "#EXTM3U"},
				{"/static/streaming-playlists/hls/private/" + id + "/" + id + "-master.m3u8", true, false, "#EXTM3U"},
				{"/static/streaming-playlists/hls/" + id + "/" + id + "-720.m3u8", false, false, "#EXTM3U"},
				{"/static/streaming-playlists/hls/private/" + id + "/" + id + "-720.m3u8", true, false, "#EXTM3U"},
				{"/static/streaming-playlists/hls/" + id + "/" + id + "-segments-sha256.json", false, false, "{}"},
				{"/static/streaming-playlists/hls/private/" + id + "/" + id + "-segments-sha256.json", true, false, "{}"},
				{"/lazy-static/thumbnails/" + id + "-t.jpg", false, true, "small"},
				{"/lazy-static/previews/" + id + "-p.jpg", false, true, "large"},
				{"/lazy-static/torrents/" + id + "-720.torrent", false, true, "d4:infoe"},
				{"/download/torrents/" + id + "-720-hls.torrent", false, true, "d4:infoe"},
				{"/download/web-videos/" + id + "-web-720.mp4", false, true, "web " + p.name},
				{"/download/streaming-playlists/hls/videos/" + id + "-720-fragmented.mp4", false, true, "hls " + p.name},
			} {
				for _, who := range []struct {
					name  string
					user  *catalogtest.User
					token string
					sees  bool
					guess string
				}{
					{"nobody", nil, "", p.anybody, ""},
					{"the owner", e.alice, "", true, ""},
					{"another user", e.bob, "", p.signedIn, ""},
					{"a moderator", e.mod, "", true, ""},
					{"an administrator", e.admin, "", true, ""},
					{"the owner's token", nil, tokens["alice"], true, ""},
					{"a moderator's token", nil, tokens["mod"], true, ""},
					{"another user's token", nil, tokens["bob"], p.signedIn, ""},
					{"a junk token", nil, tokens["junk"], p.anybody, ""},
					{"another user with the owner's token", e.bob, tokens["alice"], true, ""},
					{"the password's token", nil, tokens["password"], p.anybody || locked, ""},
					{"the password", nil, "", p.anybody || locked, "open sesame"},
					{"another user with the password", e.bob, "", p.signedIn || locked, "open sesame"},
					{"a wrong password", nil, "", p.anybody, "open barley"},
				} {
					path := route.path
					if who.token != "" {
						path += "?videoFileToken=" + who.token
					}
					want := 403
					switch {
					case !route.any && route.private != p.private:
						want = 404
					case who.sees:
						want = 200
					}
					w := e.get(who.user, path, rest.VideoPasswordHeader, who.guess)
					if w.Code != want {
						t.Errorf("%s video, %s, %s: %d, want %d", p.name, route.path, who.name, w.Code, want)
						continue
					}
					if ok := strings.HasPrefix(w.Body.String(), route.body); ok != (want == 200) {
						t.Errorf("%s video, %s, %s: body %.60q", p.name, route.path, who.name, w.Body)
					}
					cache := w.Header().Get("Cache-Control")
					if want == 200 && strings.HasPrefix(cache, "public") != p.anybody {
						t.Errorf("%s video, %s, %s: Cache-Control %q", p.name, route.path, who.name, cache)
					}
				}
			}
		}
	})
}

// TestUnpublished: before a video is published its files are its owner's.
func TestUnpublished(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.video("in the making", catalog.Public)
	e.Tx(func(tx *db.Tx) error {
		return tx.Model(&catalog.Video{}).Where("id = ?", v.ID).UpdateColumn("state", catalog.ToTranscode).Error
	})
	path := "/static/web-videos/" + v.UUID + "-web-720.mp4"
	if w := e.get(nil, path); w.Code != 403 {
		t.Errorf("anybody: %d", w.Code)
	}
	if w := e.get(e.alice, path); w.Code != 200 || w.Header().Get("Cache-Control") != "private, no-cache" {
		t.Errorf("the owner: %d, %s", w.Code, w.Header().Get("Cache-Control"))
	}
}

// TestRevoked: what changes takes effect at the next request (SEC-55).
func TestRevoked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		v, other := e.video("internal", catalog.Internal), e.video("other", catalog.Internal)
		path := "/static/web-videos/private/" + v.UUID + "-web-720.mp4?videoFileToken="
		bobs, alices := e.token(e.bob, v.UUID), e.token(e.alice, v.ShortUUID())
		if w := e.get(nil, path+bobs); w.Code != 200 {
			t.Fatalf("before: %d", w.Code)
		}
		if w := e.get(nil, path+e.token(e.bob, other.UUID)); w.Code != 403 {
			t.Errorf("the token of another video: %d", w.Code)
		}
		e.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE users SET blocked = ? WHERE id = ?", true, e.bob.ID).Error
		})
		if w := e.get(nil, path+bobs); w.Code != 403 {
			t.Errorf("a blocked user's token: %d", w.Code)
		}
		e.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE users SET blocked = ? WHERE id = ?", false, e.bob.ID).Error
		})
		e.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET privacy = 3 WHERE id = ?", v.ID).Error })
		if w := e.get(nil, path+bobs); w.Code != 403 {
			t.Errorf("after the video became private: %d", w.Code)
		}
		if w := e.get(nil, path+alices); w.Code != 200 {
			t.Errorf("the owner's token after that: %d", w.Code)
		}
		// Public and back: the address changes with it.
		e.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET privacy = 1 WHERE id = ?", v.ID).Error })
		public := strings.Replace(strings.TrimSuffix(path, "?videoFileToken="), "private/", "", 1)
		if w := e.get(nil, path+alices); w.Code != 404 {
			t.Errorf("private address of a public video: %d", w.Code)
		}
		if w := e.get(nil, public); w.Code != 200 {
			t.Errorf("public address: %d", w.Code)
		}
		e.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET privacy = 3 WHERE id = ?", v.ID).Error })
		if w := e.get(nil, public); w.Code != 404 {
			t.Errorf("public address of a private video: %d", w.Code)
		}
	})
}

func TestTokenRequests(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.video("private", catalog.Private)
	for name, c := range map[string]struct {
		user   *catalogtest.User
		id     string
		status int
	}{
		"nobody": {nil, v.UUID, 401}, "another user": {e.bob, v.UUID, 403}, "unknown": {e.alice, "999999", 404}, "no id": {e.alice, "x", 404},
		"the owner": {e.alice, strconv.FormatInt(v.ID, 10), 200},
	} {
		w := e.do(c.user, "POST", "/api/v1/videos/"+c.id+"/token")
		if w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.status)
		}
		if c.status == 200 && w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: the token may be cached", name)
		}
	}
	if _, err := serve.New(serve.Options{Catalog: e.Catalog}); err == nil {
		t.Error("a server without a secret signs tokens")
	}
}

func TestOpenPrivateFiles(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t), func(o *serve.Options) { o.OpenPrivateFiles = true })
	v := e.video("private", catalog.Private)
	if w := e.get(nil, "/static/web-videos/private/"+v.UUID+"-web-720.mp4"); w.Code != 200 {
		t.Errorf("as the settings say: %d", w.Code)
	}
	if w := e.get(nil, "/download/web-videos/"+v.UUID+"-web-720.mp4"); w.Code != 403 {
		t.Errorf("a download: %d", w.Code)
	}
}

func TestReinjected(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.video("private", catalog.Private)
	base := "/static/streaming-playlists/hls/private/" + v.UUID + "/"
	token := e.token(e.alice, v.UUID)
	query := "?videoFileToken=" + token + "&reinjectVideoFileToken=true"
	w := e.get(nil, base+v.UUID+"-master.m3u8"+query)
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/vnd.apple.mpegurl" || w.Header().Get("Cache-Control") != "private, no-store" {
		t.Fatalf("master: %d %v", w.Code, w.Header())
	}
	// Follow the addresses as a player does.
	lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	w = e.get(nil, base+lines[len(lines)-1])
	if w.Code != 200 || strings.Count(w.Body.String(), ".mp4?videoFileToken="+token) != 2 {
		t.Fatalf("media playlist: %d %s", w.Code, w.Body)
	}
	lines = strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	if w = e.get(nil, base+lines[len(lines)-1]); w.Code != 200 || w.Body.String() != "hls private" {
		t.Errorf("file: %d %s", w.Code, w.Body)
	}
	if w := e.get(nil, base+v.UUID+"-master.m3u8?videoFileToken="+token); strings.Contains(w.Body.String(), token) {
		t.Error("the token is there without being asked for")
	}
	if w := e.get(e.alice, base+v.UUID+"-master.m3u8?videoFileToken=x&reinjectVideoFileToken=true"); w.Code != 200 {
		t.Errorf("signed in: %d", w.Code)
	}
}

func TestHeaders(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		v := e.video("public", catalog.Public)
		e.put("avatars/face.png", "png")
		e.put("thumbnails/playlist-open.jpg", "jpg")
		e.put("thumbnails/playlist-closed.jpg", "jpg")
		if w := e.get(e.alice, "/lazy-static/thumbnails/playlist-closed.jpg"); w.Code != 200 || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("the picture of a private playlist: %d %v", w.Code, w.Header())
		}
		for _, none := range []string{"playlist-closed.jpg", "playlist-unknown.jpg"} {
			if w := e.get(nil, "/lazy-static/thumbnails/"+none); w.Code != 404 {
				t.Errorf("%s for anybody: %d", none, w.Code)
			}
		}
		hls := "/static/streaming-playlists/hls/" + v.UUID + "/"
		const media, forever = "public, max-age=7200", "public, max-age=31536000, immutable"
		for path, want := range map[string][2]string{
			"/static/web-videos/" + v.UUID + "-web-720.mp4":                              {"video/mp4", media},
			hls + v.UUID + "-720-fragmented.mp4":                                         {"video/mp4", media},
			hls + v.UUID + "-master.m3u8":                                                {"application/vnd.apple.mpegurl", media},
			hls + v.UUID + "-720.m3u8":                                                   {"application/vnd.apple.mpegurl", media},
			hls + v.UUID + "-segments-sha256.json":                                       {"application/json", media},
			"/lazy-static/torrents/" + v.UUID + "-720.torrent":                           {"application/x-bittorrent", forever},
			"/lazy-static/thumbnails/" + v.UUID + "-t.jpg":                               {"image/jpeg", forever},
			"/lazy-static/avatars/face.png":                                              {"image/png", forever},
			"/lazy-static/thumbnails/playlist-open.jpg":                                  {"image/jpeg", forever},
			"/download/streaming-playlists/hls/videos/" + v.UUID + "-720-fragmented.mp4": {"video/mp4", media},
		} {
			for _, method := range []string{"GET", "HEAD"} {
				w := e.do(nil, method, path)
				h := w.Header()
				if w.Code != 200 || h.Get("Content-Type") != want[0] || h.Get("Cache-Control") != want[1] || h.Get("X-Content-Type-Options") != "nosniff" ||
					h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Accept-Ranges") != "bytes" || h.Get("ETag") == "" || h.Get("Last-Modified") == "" ||
					h.Get("Access-Control-Allow-Credentials") != "" || !strings.Contains(h.Get("Access-Control-Expose-Headers"), "Content-Range") {
					t.Errorf("%s %s: %d %v", method, path, w.Code, h)
				}
				if (w.Body.Len() == 0) != (method == "HEAD") || h.Get("Content-Length") == "0" {
					t.Errorf("%s %s: %d bytes, Content-Length %s", method, path, w.Body.Len(), h.Get("Content-Length"))
				}
			}
			tag := e.get(nil, path).Header().Get("ETag")
			if w := e.get(nil, path, "If-None-Match", tag); w.Code != 304 || w.Body.Len() != 0 {
				t.Errorf("%s again: %d", path, w.Code)
			}
			w := e.do(nil, "OPTIONS", path, "Origin", "https://player.example", "Access-Control-Request-Headers", "range")
			if w.Code != 204 || !strings.Contains(w.Header().Get("Access-Control-Allow-Headers"), "Range") || w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("OPTIONS %s: %d %v", path, w.Code, w.Header())
			}
		}
		// Errors can be read across origins as well.
		if w := e.get(nil, "/static/web-videos/unknown.mp4"); w.Code != 404 || w.Header().Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("unknown file: %d %v", w.Code, w.Header())
		}
	})
}

func TestNotFound(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v, other := e.video("public", catalog.Public), e.video("other", catalog.Public)
	e.put("avatars/page.html", "<script>")
	e.put("avatars/drawing.svg", "<svg/>")
	hls := "/static/streaming-playlists/hls/"
	for _, path := range []string{
		"/static/web-videos/..%2fsources%2f" + v.UUID, "/static/web-videos/%2e%2e", "/static/web-videos/" + v.UUID,
		"/static/web-videos/" + v.UUID + "-720-fragmented.mp4",   // is HLS
		"/download/web-videos/" + v.UUID + "-720-fragmented.mp4", // is HLS
		"/download/streaming-playlists/hls/videos/" + v.UUID + "-web-720.mp4",
		"/static/webseed/" + v.UUID + "-720.torrent", "/lazy-static/torrents/" + v.UUID + "-web-720.mp4",
		"/lazy-static/thumbnails/" + v.UUID + "-p.jpg", "/lazy-static/previews/" + v.UUID + "-t.jpg", // of the other type
		hls + v.UUID + "/" + other.UUID + "-720.m3u8", hls + "x/" + v.UUID + "-720.m3u8", hls + strings.ToUpper(v.UUID) + "/" + v.UUID + "-720.m3u8",
		hls + v.UUID + "/..%2f..%2f..%2fsources%2f" + v.UUID, hls + v.UUID + "/unknown.m3u8", hls + "private/" + v.UUID + "/" + v.UUID + "-720.m3u8",
		"/lazy-static/avatars/page.html", "/lazy-static/avatars/drawing.svg", "/lazy-static/avatars/unknown.png", "/lazy-static/avatars/..%2fa.png",
		"/static/sources/" + v.UUID, "/lazy-static/uploads/x",
	} {
		if w := e.get(e.admin, path); w.Code != 404 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	// The row is there, the bytes are not.
	if err := e.store.Delete(t.Context(), "web-videos/"+v.UUID+"-web-720.mp4"); err != nil {
		t.Fatal(err)
	}
	if w := e.get(nil, "/static/web-videos/"+v.UUID+"-web-720.mp4"); w.Code != 404 {
		t.Errorf("lost bytes: %d", w.Code)
	}
}

func TestRanges(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	srv := httptest.NewServer(e.echo)
	defer srv.Close()
	v := e.video("public", catalog.Public)
	data := make([]byte, 3_000_000)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	e.put("web-videos/"+v.UUID+"-web-720.mp4", string(data))
	path := "/static/web-videos/" + v.UUID + "-web-720.mp4"
	ask := func(ranges string) (*http.Response, []byte) {
		t.Helper()
		req, err := http.NewRequest(http.MethodGet, srv.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if ranges != "" {
			req.Header.Set("Range", ranges)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, b
	}
	for _, c := range []struct {
		ranges string
		status int
		body   []byte
		span   string
	}{
		{"", 200, data, ""},
		{"bytes=0-99", 206, data[:100], "bytes 0-99/3000000"},
		{"bytes=1000000-", 206, data[1_000_000:], "bytes 1000000-2999999/3000000"},
		{"bytes=-5", 206, data[len(data)-5:], "bytes 2999995-2999999/3000000"},
		{"bytes=2999990-9999999", 206, data[2_999_990:], "bytes 2999990-2999999/3000000"},
		{"bytes=3000000-", 416, nil, "bytes */3000000"},
		{"bytes=5-1", 416, nil, ""},
		{"bytes=0-," + strings.Repeat("0-,", 14) + "0-", 200, data, ""}, // more than the file in all: the file once
		{"bytes=" + strings.Repeat("0-0,", 16) + "0-0", 416, nil, "bytes */3000000"},
		{"bytes=" + strings.Repeat("0-0,", 3000) + "0-0", 416, nil, "bytes */3000000"},
	} {
		resp, b := ask(c.ranges)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Range") != c.span {
			t.Errorf("Range %.40q: %d, Content-Range %q, want %d %q", c.ranges, resp.StatusCode, resp.Header.Get("Content-Range"), c.status, c.span)
		}
		if c.body != nil && !bytes.Equal(b, c.body) {
			t.Errorf("Range %.40q: %d bytes that are not those of the file", c.ranges, len(b))
		}
		if c.status == 416 && len(b) > 2000 {
			t.Errorf("Range %.40q: %d bytes of refusal", c.ranges, len(b))
		}
	}
	// Sixteen are answered (SEC-64).
	resp, b := ask("bytes=" + strings.Repeat("10-19,", 15) + "20-29")
	kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || resp.StatusCode != http.StatusPartialContent || kind != "multipart/byteranges" {
		t.Fatalf("16 ranges: %d %s %v", resp.StatusCode, kind, err)
	}
	parts := multipart.NewReader(bytes.NewReader(b), params["boundary"])
	n := 0
	for ; ; n++ {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p)
		want := data[10:20]
		if n == 15 {
			want = data[20:30]
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("part %d: %v %v", n, got, err)
		}
	}
	if n != 16 {
		t.Errorf("%d parts", n)
	}
}

func TestDownloads(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.video(`Ein "Film": Teil 1/2 – 日本`, catalog.Public)
	for path, want := range map[string]string{
		"/download/web-videos/" + v.UUID + "-web-720.mp4":                            "Ein -Film-- Teil 1-2 – 日本-720p.mp4",
		"/download/streaming-playlists/hls/videos/" + v.UUID + "-720-fragmented.mp4": "Ein -Film-- Teil 1-2 – 日本-720p-hls.mp4",
		"/download/torrents/" + v.UUID + "-720.torrent":                              "Ein -Film-- Teil 1-2 – 日本-720p.torrent",
	} {
		w := e.get(nil, path)
		kind, params, err := mime.ParseMediaType(w.Header().Get("Content-Disposition"))
		if w.Code != 200 || err != nil || kind != "attachment" || params["filename"] != want {
			t.Errorf("%s: %d, %s %q, %v, want %q", path, w.Code, kind, params["filename"], err, want)
		}
	}
	e.Tx(func(tx *db.Tx) error {
		return tx.Exec("UPDATE videos SET download_enabled = ? WHERE id = ?", false, v.ID).Error
	})
	path := "/download/web-videos/" + v.UUID + "-web-720.mp4"
	for name, c := range map[string]struct {
		user   *catalogtest.User
		status int
	}{"nobody": {nil, 403}, "another user": {e.bob, 403}, "the owner": {e.alice, 200}, "a moderator": {e.mod, 200}} {
		if w := e.get(c.user, path); w.Code != c.status {
			t.Errorf("downloads are off, %s: %d, want %d", name, w.Code, c.status)
		}
	}
	if w := e.get(nil, "/static/web-videos/"+v.UUID+"-web-720.mp4"); w.Code != 200 {
		t.Errorf("it still plays: %d", w.Code)
	}
}

// remoteVideo is a listed video of another server whose pictures are not here.
func (e *env) remoteVideo() (v *catalog.Video, picture string) {
	e.t.Helper()
	carol := e.Remote("carol", "other.example")
	id := e.Insert("videos", map[string]any{
		"uuid": "5c1b6e52-0000-4000-8000-00000000aaaa", "iri": "https://other.example/videos/watch/1", "channel_id": carol.ChannelID,
		"local": false, "listed": true, "name": "Remote", "privacy": 1, "state": 1, "published_at": db.Now(),
	})
	e.Tx(func(tx *db.Tx) error {
		return tx.Exec("INSERT INTO thumbnails (video_id, version, miniature_url, miniature_stored) VALUES (?, 16, '/t.jpg', FALSE)", id).Error
	})
	return e.Reload(id), fmt.Sprintf("/lazy-static/thumbnails/%d-0000000000000010.jpg", id)
}

func TestRemotePictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		v, path := e.remoteVideo()
		if w := e.get(nil, path); w.Code != 404 {
			t.Errorf("nobody fetches: %d", w.Code)
		}
		e.serve.FetchPictures = func(context.Context, int64) error { return errors.New("other.example is away") }
		if w := e.get(nil, path); w.Code != 404 || strings.Contains(w.Body.String(), "away") {
			t.Errorf("its server is away: %d %s", w.Code, w.Body)
		}
		var img bytes.Buffer
		if err := png.Encode(&img, image.NewRGBA(image.Rect(0, 0, 32, 18))); err != nil {
			t.Fatal(err)
		}
		var fetched atomic.Int32
		begun, goOn := make(chan struct{}), make(chan struct{})
		e.serve.FetchPictures = func(ctx context.Context, id int64) error {
			if fetched.Add(1) == 1 {
				close(begun)
			}
			<-goOn
			m, err := e.Catalog.Media(ctx, id)
			if err != nil {
				return err
			}
			return e.Catalog.StoreRemote(ctx, &m.Thumbnails[0], img.Bytes())
		}
		var wg sync.WaitGroup
		codes := make([]string, 10)
		for i := range codes {
			wg.Go(func() {
				w := e.get(nil, path)
				codes[i] = fmt.Sprint(w.Code, " ", w.Header().Get("Content-Type"))
			})
		}
		<-begun
		close(goOn)
		wg.Wait()
		for i, c := range codes {
			if c != "200 image/jpeg" {
				t.Errorf("viewer %d: %s", i, c)
			}
		}
		before := fetched.Load()
		if w := e.get(nil, path); w.Code != 200 || fetched.Load() != before || before >= 10 {
			t.Errorf("later: %d, fetched %d times", w.Code, fetched.Load())
		}
		// The address of a video that nobody here follows shows nothing.
		e.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET listed = ? WHERE id = ?", false, v.ID).Error })
		if w := e.get(nil, path); w.Code != 403 {
			t.Errorf("not listed: %d", w.Code)
		}
	})
}
