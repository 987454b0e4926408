package playlist_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg"
	"log/slog"
	"maps"
	"mime/multipart"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/playlist"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = map[string]any

type world struct {
	*catalogtest.World
	t               *testing.T
	lists           *playlist.Service
	alice, bob, mod *catalogtest.User
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{World: catalogtest.New(t, d), t: t}
	w.lists = playlist.New(playlist.Options{
		DB: d, Catalog: w.Catalog, Listing: w.Listing, Channels: w.Options.Channels, Logger: slog.New(slog.DiscardHandler),
	})
	w.Routes = w.lists.Routes
	w.alice, w.bob, w.mod = w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("mod", rest.RoleModerator)
	return w
}

// ask sends a request and fails the test unless it is answered with want.
func (w *world) ask(who *catalogtest.User, method, path string, body any, want int) m {
	w.t.Helper()
	a := w.Do(who, method, "/api/v1"+path, body)
	if a.Status != want {
		w.t.Fatalf("%s %s: %d %s, want %d", method, path, a.Status, a.Body, want)
	}
	if len(a.Body) == 0 {
		return nil
	}
	return a.JSON(w.t)
}

// make makes a playlist of alice and returns its number and UUID.
func (w *world) make(name string, privacy int) (id int64, uuid string) {
	w.t.Helper()
	p := w.ask(w.alice, "POST", "/video-playlists", m{"displayName": name, "privacy": privacy, "videoChannelId": w.alice.ChannelID}, 200)["videoPlaylist"].(m)
	if p["shortUUID"] != catalog.ShortUUID(p["uuid"].(string)) {
		w.t.Errorf("made %v", p)
	}
	return int64(p["id"].(float64)), p["uuid"].(string)
}

func (w *world) add(uuid string, v *catalog.Video, more m) int64 {
	w.t.Helper()
	body := m{"videoId": v.ID}
	maps.Copy(body, more)
	e := w.ask(w.alice, "POST", "/video-playlists/"+uuid+"/videos", body, 200)["videoPlaylistElement"].(m)
	return int64(e["id"].(float64))
}

// order lists the elements by the names of their videos.
func (w *world) order(who *catalogtest.User, uuid string) []string {
	w.t.Helper()
	out := []string{}
	for i, e := range w.ask(who, "GET", "/video-playlists/"+uuid+"/videos", nil, 200)["data"].([]any) {
		e := e.(m)
		if e["position"] != float64(i+1) {
			w.t.Errorf("element %d stands at %v", i+1, e["position"])
		}
		name := fmt.Sprint("type ", e["type"])
		if v, ok := e["video"].(m); ok {
			name = v["name"].(string)
		}
		out = append(out, name)
	}
	return out
}

func TestPlaylist(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		id, uuid := w.make("My list", 1)
		var videos []*catalog.Video
		var ids []int64
		for _, name := range []string{"one", "two", "three", "four"} {
			v := w.Video(w.bob, name)
			videos = append(videos, v)
			ids = append(ids, w.add(uuid, v, nil))
		}
		w.WithFiles(videos[0])
		got := w.ask(nil, "GET", "/video-playlists/"+catalog.ShortUUID(uuid), nil, 200)
		for k, want := range map[string]any{
			"displayName": "My list", "uuid": uuid, "isLocal": true, "url": catalogtest.Origin + "/video-playlists/" + uuid, "description": nil,
			"videosLength": 4.0, "embedPath": "/video-playlists/embed/" + uuid, "thumbnailPath": "/lazy-static/thumbnails/" + videos[0].UUID + "-t.jpg", "videoChannelPosition": 1.0,
		} {
			if got[k] != want {
				t.Errorf("%s = %v, want %v", k, got[k], want)
			}
		}
		if got["privacy"].(m)["label"] != "Public" || got["type"].(m)["label"] != "Regular" || got["ownerAccount"].(m)["name"] != "alice" || got["videoChannel"].(m)["name"] != "alice_channel" {
			t.Errorf("got %v", got)
		}
		path := "/video-playlists/" + uuid
		w.ask(w.alice, "PUT", path, m{"displayName": "Renamed", "description": "About it"}, 204)
		if got := w.ask(nil, "GET", path, nil, 200); got["displayName"] != "Renamed" || got["description"] != "About it" || got["privacy"].(m)["id"] != 1.0 {
			t.Errorf("renamed: %v", got)
		}

		// From, after, how many: as a client drags them.
		for _, c := range []struct {
			from, after, n int
			want           string
		}{
			{1, 4, 1, "two three four one"},
			{4, 0, 1, "one two three four"},
			{1, 3, 2, "three one two four"},
			{2, 0, 2, "one two three four"},
			{2, 4, 2, "one four two three"},
			{2, 4, 1, "one two three four"},
			{2, 2, 1, "one two three four"},
			{2, 1, 2, "one two three four"},
		} {
			w.ask(w.alice, "POST", path+"/videos/reorder", m{"startPosition": c.from, "insertAfterPosition": c.after, "reorderLength": c.n}, 204)
			if got := strings.Join(w.order(nil, uuid), " "); got != c.want {
				t.Errorf("move %d from %d behind %d: %s, want %s", c.n, c.from, c.after, got, c.want)
			}
		}
		for _, bad := range []m{{"startPosition": 0, "insertAfterPosition": 1}, {"startPosition": 5, "insertAfterPosition": 1}, {"startPosition": 1, "insertAfterPosition": 5}, {"startPosition": 4, "insertAfterPosition": 0, "reorderLength": 2}, {"startPosition": 1}, {}} {
			w.ask(w.alice, "POST", path+"/videos/reorder", bad, 400)
		}

		w.ask(w.alice, "PUT", fmt.Sprintf("%s/videos/%d", path, ids[1]), m{"startTimestamp": 2, "stopTimestamp": 9}, 204)
		e := w.ask(nil, "GET", path+"/videos?start=1&count=1", nil, 200)
		first := e["data"].([]any)[0].(m)
		if e["total"] != 4.0 || first["startTimestamp"] != 2.0 || first["stopTimestamp"] != 9.0 || first["type"] != 0.0 {
			t.Errorf("cut: %v", e)
		}
		w.ask(w.alice, "PUT", fmt.Sprintf("%s/videos/%d", path, ids[1]), m{"startTimestamp": 9, "stopTimestamp": 2}, 400)
		w.ask(w.alice, "PUT", path+"/videos/99999", m{}, 404)
		w.ask(w.alice, "DELETE", fmt.Sprintf("%s/videos/%d", path, ids[0]), nil, 204)
		w.ask(w.alice, "DELETE", fmt.Sprintf("%s/videos/%d", path, ids[0]), nil, 404)
		if got := strings.Join(w.order(nil, uuid), " "); got != "two three four" {
			t.Errorf("taken out: %s", got)
		}

		// What others may not see any more stands there without its name.
		hide := func(v *catalog.Video, set string) {
			w.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET "+set+" WHERE id = ?", v.ID).Error })
		}
		hide(videos[1], "privacy = 3")
		hide(videos[2], "state = 2")
		w.Tx(func(tx *db.Tx) error {
			v, err := catalog.Lock(tx, videos[3].ID)
			if err != nil {
				return err
			}
			return w.Catalog.Drop(tx, v)
		})
		if got := w.order(w.alice, uuid); !slices.Equal(got, []string{"type 2", "type 3", "type 1"}) {
			t.Errorf("for the owner of the list: %q", got)
		}
		if got := w.order(w.bob, uuid); !slices.Equal(got, []string{"two", "three", "type 1"}) {
			t.Errorf("for the owner of the videos: %q", got)
		}

		w.ask(w.alice, "DELETE", path, nil, 204)
		w.ask(nil, "GET", path, nil, 404)
		w.ask(nil, "GET", fmt.Sprint("/video-playlists/", id), nil, 404)
	})
}

// TestWhoMay is the matrix of playlists: who reads and who writes which
// (SEC-16, SEC-44, SEC-54).
func TestWhoMay(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	v := w.Video(w.alice, "v")
	hidden := w.Video(w.bob, "hidden", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
	for privacy, read := range map[int][4]int{1: {200, 200, 200, 200}, 2: {200, 200, 200, 200}, 3: {401, 403, 200, 200}} {
		id, uuid := w.make(fmt.Sprint("list ", privacy), privacy)
		path := "/video-playlists/" + uuid
		element := w.add(uuid, v, nil)
		for i, who := range []*catalogtest.User{nil, w.bob, w.alice, w.mod} {
			w.ask(who, "GET", path, nil, read[i])
			w.ask(who, "GET", path+"/videos", nil, read[i])
			byNumber := read[i]
			if privacy == 2 && i < 2 {
				byNumber = 404
			}
			w.ask(who, "GET", fmt.Sprint("/video-playlists/", id), nil, byNumber)
		}
		for who, want := range map[*catalogtest.User]int{nil: 401, w.bob: 403, w.mod: 403} {
			w.ask(who, "PUT", path, m{"displayName": "Mine"}, want)
			w.ask(who, "POST", path+"/videos", m{"videoId": v.ID}, want)
			w.ask(who, "POST", path+"/videos/reorder", m{"startPosition": 1, "insertAfterPosition": 0}, want)
			w.ask(who, "PUT", fmt.Sprintf("%s/videos/%d", path, element), m{}, want)
			w.ask(who, "DELETE", fmt.Sprintf("%s/videos/%d", path, element), nil, want)
		}
		w.ask(nil, "DELETE", path, nil, 401)
		w.ask(w.bob, "DELETE", path, nil, 403)
		w.ask(w.alice, "POST", path+"/videos", m{"videoId": hidden.ID}, 403)
		w.ask(w.alice, "POST", path+"/videos", m{"videoId": 99999}, 404)
		w.ask(w.alice, "POST", path+"/videos", m{}, 400)
		w.ask(w.mod, "DELETE", path, nil, 204)
	}
	for name, c := range map[string]struct {
		body m
		want int
	}{
		"no name": {m{"privacy": 3}, 400}, "long name": {m{"displayName": strings.Repeat("x", 121)}, 400}, "invisible name": {m{"displayName": "\u202e"}, 400},
		"public without a channel": {m{"displayName": "x", "privacy": 1}, 400}, "unknown privacy": {m{"displayName": "x", "privacy": 4}, 400},
		"long description":         {m{"displayName": "x", "description": strings.Repeat("x", 1001)}, 400},
		"another's channel":        {m{"displayName": "x", "privacy": 1, "videoChannelId": w.bob.ChannelID}, 403},
		"a channel of elsewhere":   {m{"displayName": "x", "privacy": 1, "videoChannelId": w.Remote("carol", "far.example").ChannelID}, 403},
		"own channel":              {m{"displayName": "x", "privacy": 1, "videoChannelId": w.alice.ChannelID}, 200},
		"private without anything": {m{"displayName": "x"}, 200},
	} {
		if a := w.Do(w.alice, "POST", "/api/v1/video-playlists", c.body); a.Status != c.want {
			t.Errorf("%s: %d %s, want %d", name, a.Status, a.Body, c.want)
		}
	}
	_, uuid := w.make("moved", 1)
	w.ask(w.alice, "PUT", "/video-playlists/"+uuid, m{"videoChannelId": w.bob.ChannelID}, 403)
	w.ask(w.alice, "PUT", "/video-playlists/"+uuid, m{"videoChannelId": nil}, 400)
	w.ask(w.alice, "PUT", "/video-playlists/"+uuid, m{"videoChannelId": nil, "privacy": 3}, 204)
}

// TestKinds: JSON of another kind than a field is for, and texts that are too
// short, are refused and change nothing, also in a form.
func TestKinds(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	_, uuid := w.make("My list", 1)
	path := "/video-playlists/" + uuid
	w.ask(w.alice, "PUT", path, m{"description": "About it", "privacy": "1", "videoChannelId": fmt.Sprint(w.alice.ChannelID)}, 204)
	before := fmt.Sprint(w.ask(nil, "GET", path, nil, 200))
	for _, c := range []struct {
		field string
		value any
	}{
		{"displayName", true},
		{"displayName", 0},
		{"displayName", 5},
		{"displayName", []string{}},
		{"displayName", ""},
		{"displayName", nil},
		{"description", []string{}},
		{"description", m{}},
		{"description", 5},
		{"description", "ab"},
		{"privacy", []int{}},
		{"privacy", true},
		{"videoChannelId", []int{}},
		{"videoChannelId", m{}},
	} {
		for _, r := range []struct {
			method, path string
			body         m
		}{{"PUT", path, m{}}, {"POST", "/video-playlists", m{"displayName": "Another"}}} {
			r.body[c.field] = c.value
			invalid, _ := w.ask(w.alice, r.method, r.path, r.body, 400)["invalid-params"].(m)
			if invalid[c.field] == nil {
				t.Errorf("%s %s = %v: %v", r.method, c.field, c.value, invalid)
			}
		}
	}
	for field, value := range map[string]string{"displayName": "", "description": "ab"} {
		for _, r := range [][2]string{{"PUT", path}, {"POST", "/video-playlists"}} {
			a := w.form(r[0], r[1], nil, field, value)
			if a.Status != 400 || a.JSON(t)["invalid-params"].(m)[field] == nil {
				t.Errorf("%s, a form with %s = %q: %d %s", r[0], field, value, a.Status, a.Body)
			}
		}
	}
	if after := fmt.Sprint(w.ask(nil, "GET", path, nil, 200)); after != before {
		t.Errorf("changed from %s\nto %s", before, after)
	}
	for _, ok := range []any{"abc", "", nil, strings.Repeat("x", 1000)} {
		w.ask(w.alice, "PUT", path, m{"description": ok}, 204)
	}
}

// form sends a multipart form of alice, with a picture unless that is nil.
func (w *world) form(method, path string, picture []byte, fields ...string) catalogtest.Answer {
	w.t.Helper()
	var b bytes.Buffer
	f := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		if err := f.WriteField(fields[i], fields[i+1]); err != nil {
			w.t.Fatal(err)
		}
	}
	if picture != nil {
		p, err := f.CreateFormFile("thumbnailfile", "picture.png")
		if err == nil {
			_, err = p.Write(picture)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		w.t.Fatal(err)
	}
	return w.Do(w.alice, method, "/api/v1"+path, &b, "Content-Type", f.FormDataContentType())
}

// TestPictures: a playlist has a picture of its own, which stays when its videos
// change and goes with it.
func TestPictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		const junk = "GIF89a but not really"
		for _, bad := range [][]byte{[]byte(junk), []byte("\xff\xd8\xff\xe0 cut off"), {}, bytes.Repeat([]byte("x"), 8<<20+1)} {
			a := w.form("POST", "/video-playlists", bad, "displayName", "Pictured")
			if a.Status != 400 || a.JSON(t)["invalid-params"].(m)["thumbnailfile"] == nil {
				t.Errorf("%.10q as a picture: %d %s", bad, a.Status, a.Body)
			}
		}
		if a := w.form("POST", "/video-playlists", bytes.Repeat([]byte("x"), 9<<20), "displayName", "Pictured"); a.Status != 413 {
			t.Errorf("9 MB: %d %s", a.Status, a.Body)
		}
		if keys := w.Files.Keys(); len(keys) != 0 || w.count("playlists") != 0 {
			t.Errorf("refused, but stored: %v", keys)
		}
		w.TakeJobs()
		// The picture is fine, the name is not.
		if a := w.form("POST", "/video-playlists", catalogtest.PNG(t, 300, 300), "displayName", ""); a.Status != 400 {
			t.Errorf("without a name: %d", a.Status)
		}
		if jobs := w.TakeJobs(); len(jobs) != 1 || !strings.Contains(jobs[0].Args, w.Files.Keys()[0]) {
			t.Errorf("what was stored in vain is not deleted: %v", jobs)
		}

		a := w.form("POST", "/video-playlists", catalogtest.PNG(t, 300, 300), "displayName", "Pictured", "privacy", "1", "videoChannelId", fmt.Sprint(w.alice.ChannelID))
		if a.Status != 200 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		path := "/video-playlists/" + a.JSON(t)["videoPlaylist"].(m)["uuid"].(string)
		picture := func() string {
			got := w.ask(w.alice, "GET", path, nil, 200)
			p, _ := got["thumbnailPath"].(string)
			if got["thumbnailUrl"] != catalogtest.Origin+p || !strings.HasPrefix(p, "/lazy-static/thumbnails/") {
				t.Fatalf("shows %v at %v", got["thumbnailPath"], got["thumbnailUrl"])
			}
			return strings.TrimPrefix(p, "/lazy-static/")
		}
		first := picture()
		if c, kind, err := image.DecodeConfig(bytes.NewReader(w.Files.Get(first))); err != nil || kind != "jpeg" || c.Width != 280 || c.Height != 157 {
			t.Errorf("stored a %s of %d by %d, %v", kind, c.Width, c.Height, err)
		}
		v := w.Video(w.alice, "one")
		w.WithFiles(v)
		w.add(strings.TrimPrefix(path, "/video-playlists/"), v, nil)
		if a := w.form("PUT", path, nil, "displayName", "Renamed"); a.Status != 204 || picture() != first {
			t.Errorf("%d, and the picture is %s, not %s", a.Status, picture(), first)
		}
		if a := w.form("PUT", path, []byte(junk)); a.Status != 400 || a.JSON(t)["invalid-params"].(m)["thumbnailfile"] == nil || picture() != first {
			t.Errorf("junk: %d %s", a.Status, a.Body)
		}

		name := strings.TrimPrefix(first, "thumbnails/")
		may := func(who *catalogtest.User) string {
			key, open, err := w.lists.Picture(t.Context(), who.Principal(), name)
			if errors.Is(err, db.ErrNotFound) {
				return ""
			}
			if err != nil || key != first {
				t.Fatalf("key %q, %v", key, err)
			}
			return fmt.Sprint(open)
		}
		for privacy, want := range map[int][4]string{1: {"true", "true", "true", "true"}, 2: {"true", "true", "true", "true"}, 3: {"", "", "false", "false"}} {
			w.ask(w.alice, "PUT", path, m{"privacy": privacy}, 204)
			if got := [4]string{may(nil), may(w.bob), may(w.alice), may(w.mod)}; got != want {
				t.Errorf("with privacy %d the picture is open to %q", privacy, got)
			}
		}

		w.TakeJobs()
		deleted := func() (keys string) {
			for _, j := range w.TakeJobs(catalog.DeleteFilesArgs{}.Kind()) {
				keys += j.Args
			}
			return keys
		}
		if a := w.form("PUT", path, catalogtest.PNG(t, 20, 20)); a.Status != 204 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		second := picture()
		if got := deleted(); second == first || len(w.Files.Get(second)) == 0 || !strings.Contains(got, first) || strings.Contains(got, second) {
			t.Errorf("after %s comes %s, deleted %s", first, second, got)
		}
		w.ask(w.alice, "DELETE", path, nil, 204)
		if got := deleted(); !strings.Contains(got, second) {
			t.Errorf("with the playlist %s goes", got)
		}
	})
}

func (w *world) count(table string) (n int64) {
	w.t.Helper()
	if err := w.DB.Read(w.t.Context()).Table(table).Count(&n).Error; err != nil {
		w.t.Fatal(err)
	}
	return n
}

// TestLists looks at every list of playlists as the owner and as others.
func TestLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.Video(w.alice, "v")
		_, first := w.make("Äpfel 100%", 1)
		_, unlisted := w.make("unlisted", 2)
		_, private := w.make("private", 3)
		element := w.add(first, v, m{"startTimestamp": 3})
		names := func(who *catalogtest.User, path string) string {
			out := []string{}
			for _, p := range w.ask(who, "GET", path, nil, 200)["data"].([]any) {
				out = append(out, p.(m)["displayName"].(string))
			}
			slices.Sort(out)
			return strings.Join(out, ",")
		}
		for _, c := range []struct {
			who        *catalogtest.User
			path, want string
		}{
			{nil, "/video-playlists", "Äpfel 100%"},
			{w.alice, "/video-playlists", "Äpfel 100%"},
			{nil, "/accounts/alice/video-playlists", "Äpfel 100%"},
			{w.bob, "/accounts/alice/video-playlists", "Äpfel 100%"},
			{w.alice, "/accounts/alice/video-playlists", "Watch later,private,unlisted,Äpfel 100%"},
			{w.alice, "/accounts/alice/video-playlists?playlistType=2", "Watch later"},
			{w.alice, "/accounts/alice/video-playlists?playlistType=1&search=PRI", "private"},
			{nil, "/video-channels/alice_channel/video-playlists", "Äpfel 100%"},
			{w.alice, "/video-channels/alice_channel/video-playlists", "private,unlisted,Äpfel 100%"},
			{nil, "/search/video-playlists?search=100%25", "Äpfel 100%"},
			{nil, "/search/video-playlists?search=apfel", "Äpfel 100%"},
			{nil, "/search/video-playlists?search=aepfel", "Äpfel 100%"}, // a letter too many
			{nil, "/search/video-playlists?search=pfel", "Äpfel 100%"},   // one too few
			{nil, "/search/video-playlists?search=aepffel", ""},
			{nil, "/search/video-playlists?search=%25x", ""},
			{nil, "/search/video-playlists?search=priv", ""},
			{nil, "/search/video-playlists?search=" + catalogtest.Origin + "/video-playlists/" + first, "Äpfel 100%"},
			{nil, "/search/video-playlists?search=https://far.example/x", ""},
			{nil, "/search/video-playlists?search=" + catalogtest.Origin + "/w/p/" + catalog.ShortUUID(first), "Äpfel 100%"},
			{nil, "/search/video-playlists?search=" + catalogtest.Origin + "/w/p/" + first, "Äpfel 100%"},
			{nil, "/search/video-playlists?search=" + catalogtest.Origin + "/videos/watch/playlist/" + first, "Äpfel 100%"},
			{nil, "/search/video-playlists?search=" + catalogtest.Origin + "/w/p/" + unlisted, "unlisted"},
			{nil, "/search/video-playlists?search=" + catalogtest.Origin + "/w/p/" + private, ""},
			{w.alice, "/search/video-playlists?search=" + catalogtest.Origin + "/w/p/1", ""},
			{nil, "/search/video-playlists?search=" + catalogtest.Origin + "/w/" + first, ""},
			{nil, "/search/video-playlists?search=https://far.example/w/p/" + first, ""},
			{nil, "/search/video-playlists?searchTarget=local&uuids=" + first + "&uuids=" + unlisted, "Äpfel 100%"},
			{nil, "/search/video-playlists?searchTarget=search-index&uuids=" + catalog.ShortUUID(first) + "&search=apfel", "Äpfel 100%"},
			{nil, "/search/video-playlists?uuids[]=" + unlisted, ""},
		} {
			if got := names(c.who, c.path); got != c.want {
				t.Errorf("%s: %q, want %q", c.path, got, c.want)
			}
		}
		for _, path := range []string{"/accounts/nobody/video-playlists", "/video-channels/nobody/video-playlists"} {
			w.ask(nil, "GET", path, nil, 404)
		}
		w.ask(nil, "GET", "/video-playlists?sort=secret", nil, 400)
		for name, bad := range map[string]string{"uuids": "not-a-uuid", "searchTarget": "everywhere"} {
			invalid, _ := w.ask(nil, "GET", "/search/video-playlists?search=a&"+name+"="+bad, nil, 400)["invalid-params"].(m)
			if invalid[name] == nil {
				t.Errorf("%s=%s: %v", name, bad, invalid)
			}
		}
		if got := w.ask(nil, "GET", "/video-playlists/privacies", nil, 200); got["2"] != "Unlisted" {
			t.Errorf("privacies %v", got)
		}

		later := w.ask(w.alice, "GET", "/accounts/alice/video-playlists?playlistType=2", nil, 200)["data"].([]any)[0].(m)
		if later["privacy"].(m)["id"] != 3.0 || later["type"].(m)["label"] != "Watch later" {
			t.Errorf("watch later: %v", later)
		}
		path := "/video-playlists/" + later["uuid"].(string)
		w.add(later["uuid"].(string), v, nil)
		w.ask(w.alice, "DELETE", path, nil, 400)
		w.ask(w.alice, "PUT", path, m{"displayName": "x"}, 400)
		w.ask(w.mod, "GET", path, nil, 403)

		exist := w.ask(w.alice, "GET", fmt.Sprintf("/users/me/video-playlists/videos-exist?videoIds=%d&videoIds=77", v.ID), nil, 200)
		in := exist[fmt.Sprint(v.ID)].([]any)
		one := in[0].(m)
		if len(in) != 2 || len(exist["77"].([]any)) != 0 || one["playlistElementId"] != float64(element) || one["playlistDisplayName"] != "Äpfel 100%" ||
			one["startTimestamp"] != 3.0 || one["stopTimestamp"] != nil || one["playlistShortUUID"] != catalog.ShortUUID(first) {
			t.Errorf("videos-exist: %v", exist)
		}
		if got := w.ask(w.bob, "GET", fmt.Sprintf("/users/me/video-playlists/videos-exist?videoIds[]=%d", v.ID), nil, 200); len(got[fmt.Sprint(v.ID)].([]any)) != 0 {
			t.Errorf("another user's: %v", got)
		}
		w.ask(w.alice, "GET", "/users/me/video-playlists/videos-exist", nil, 400)
		w.ask(w.alice, "GET", "/users/me/video-playlists/videos-exist?videoIds=x", nil, 400)
		w.ask(nil, "GET", "/users/me/video-playlists/videos-exist?videoIds=1", nil, 401)
	})
}

// TestManyPlaylists: where many are, near and far pages together show each public
// one once, and what is hidden meanwhile is not shown, though the order is kept.
func TestManyPlaylists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		const n = 45
		first, _ := w.make("list 0", 1)
		now := db.Now()
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			for i := 1; i < n; i++ {
				err := tx.Exec(`INSERT INTO playlists (id, uuid, iri, account_id, local, name, words, privacy, type, created_at, updated_at)
 SELECT ?, ?, ?, account_id, TRUE, ?, ?, 1, 1, ?, ? FROM playlists WHERE id = ?`,
					20_000+i, fmt.Sprintf("00000000-0000-4000-8000-%012d", i), fmt.Sprint("https://x.example/", i), fmt.Sprint("list ", i), fmt.Sprint("list ", i), now, now, first).Error
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pages := func(path string) (names map[string]int, total any) {
			names = map[string]int{}
			for start := 0; start < n; start += 10 {
				a := w.ask(nil, "GET", fmt.Sprint(path, "&count=10&start=", start), nil, 200)
				total = a["total"]
				for _, p := range a["data"].([]any) {
					names[p.(m)["displayName"].(string)]++
				}
			}
			return names, total
		}
		for _, path := range []string{"/video-playlists?sort=createdAt", "/video-playlists?sort=-name", "/search/video-playlists?search=list"} {
			names, total := pages(path)
			if len(names) != n || total != float64(n) {
				t.Errorf("%s: %d of %v, want %d", path, len(names), total, n)
			}
			for name, times := range names {
				if times != 1 {
					t.Errorf("%s: %q is shown %d times", path, name, times)
				}
			}
		}
		err = d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("UPDATE playlists SET privacy = 3 WHERE name = 'list 17'").Error })
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/video-playlists?sort=createdAt", "/search/video-playlists?search=list"} {
			if names, _ := pages(path); names["list 17"] != 0 || len(names) != n-1 {
				t.Errorf("%s shows %d, and a private one %d times", path, len(names), names["list 17"])
			}
		}
		w.make("mine", 1)
		if names, total := pages("/accounts/alice/video-playlists?sort=name"); names["mine"] != 1 || total != float64(n) {
			t.Errorf("alice's own: %v of %v", names, total)
		}
	})
}
