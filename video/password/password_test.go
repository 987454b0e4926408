package password_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/password"
	"github.com/kinemesh/kinemesh/video/schedule"
	"github.com/kinemesh/kinemesh/web/rest"
)

// world is an instance with passwords.
type world struct {
	*catalogtest.World
	passwords  *password.Service
	alice, bob *catalogtest.User
	mod        *catalogtest.User
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{World: catalogtest.New(t, d)}
	var err error
	if w.passwords, err = password.New(d, w.Catalog, "secret of the test"); err != nil {
		t.Fatal(err)
	}
	w.Catalog.Unlock, w.Catalog.SetPasswords = w.passwords.Unlock, w.passwords.Set
	w.Routes = w.passwords.Routes
	w.alice, w.bob, w.mod = w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("mod", rest.RoleModerator)
	return w
}

// protect makes alice's video with passwords, as its owner does.
func (w *world) protect(passwords ...string) *catalog.Video {
	w.T.Helper()
	v := w.Video(w.alice, "Behind a door")
	a := w.Do(w.alice, "PUT", "/api/v1/videos/"+v.UUID, map[string]any{"privacy": 5, "videoPasswords": passwords})
	if a.Status != 204 {
		w.T.Fatalf("protect: %d %s", a.Status, a.Body)
	}
	return w.Reload(v.ID)
}

// list are the passwords that the owner reads, with their ids.
func (w *world) list(v *catalog.Video, query string) (names []string, ids []int64) {
	w.T.Helper()
	a := w.Do(w.alice, "GET", "/api/v1/videos/"+v.UUID+"/passwords"+query, nil)
	if a.Status != 200 {
		w.T.Fatalf("passwords: %d %s", a.Status, a.Body)
	}
	for _, e := range a.JSON(w.T)["data"].([]any) {
		row := e.(map[string]any)
		names, ids = append(names, row["password"].(string)), append(ids, int64(row["id"].(float64)))
		if row["videoId"] != float64(v.ID) || row["createdAt"] == nil || row["updatedAt"] == nil {
			w.T.Errorf("password %v", row)
		}
	}
	return names, ids
}

func TestWhoOpens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v, other := w.protect("first key", "second key"), w.protect("another door")
		for name, c := range map[string]struct {
			user   *catalogtest.User
			guess  string
			status int
			code   string
		}{
			"nobody":                     {nil, "", 403, "video_requires_password"},
			"a user":                     {w.bob, "", 403, "video_requires_password"},
			"the owner":                  {w.alice, "", 200, ""},
			"a moderator":                {w.mod, "", 200, ""},
			"the first password":         {nil, "first key", 200, ""},
			"the second, by a user":      {w.bob, "second key", 200, ""},
			"a wrong one":                {nil, "First key", 403, "incorrect_video_password"},
			"that of another video":      {nil, "another door", 403, "incorrect_video_password"},
			"the owner with a wrong one": {w.alice, "nonsense", 200, ""},
		} {
			for _, path := range []string{"", "/", "/description"} {
				a := w.Do(c.user, "GET", "/api/v1/videos/"+v.UUID+path, nil, rest.VideoPasswordHeader, c.guess)
				if a.Status != c.status || (c.code != "" && a.JSON(t)["code"] != c.code) {
					t.Errorf("%s: %d %s, want %d %s", name, a.Status, a.Body, c.status, c.code)
				}
			}
		}
		// What everybody may know is asked without a password (SEC-54).
		ctx := rest.WithGuess(context.Background(), rest.Guess{Password: "first key"})
		if w.Catalog.CanSee(ctx, nil, v) {
			t.Error("a password opens the video for everybody")
		}
		if a := w.Do(nil, "GET", "/api/v1/videos?nsfw=both", nil, rest.VideoPasswordHeader, "first key"); strings.Contains(string(a.Body), v.UUID) {
			t.Error("the video is listed")
		}
		if a := w.Do(nil, "GET", "/services/oembed?url="+catalogtest.Origin+"/w/"+v.ShortUUID(), nil); a.Status != 403 {
			t.Errorf("oEmbed: %d %s", a.Status, a.Body)
		}
		// In the database nothing is readable.
		var rows []password.Password
		if err := d.Read(t.Context()).Find(&rows).Error; err != nil || len(rows) != 3 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if text := fmt.Sprint(rows); strings.Contains(text, "key") || strings.Contains(text, "door") {
			t.Errorf("stored: %s", text)
		}
		_ = other
	})
}

func TestOwnersKeepPasswords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v := w.protect("aaa", "bbb")
		path := "/api/v1/videos/" + v.UUID + "/passwords"
		do := func(method, path string, body any, want int) catalogtest.Answer {
			t.Helper()
			a := w.Do(w.alice, method, path, body)
			if a.Status != want {
				t.Errorf("%s %s %v: %d %s, want %d", method, path, body, a.Status, a.Body, want)
			}
			return a
		}
		do("POST", path, map[string]any{"password": "ccc"}, 204)
		names, ids := w.list(v, "?sort=createdAt")
		if fmt.Sprint(names) != "[aaa bbb ccc]" {
			t.Fatalf("passwords %v", names)
		}
		if names, _ := w.list(v, "?start=1&count=1"); fmt.Sprint(names) != "[bbb]" {
			t.Errorf("the second of the newest first: %v", names)
		}
		do("DELETE", fmt.Sprint(path, "/", ids[1]), nil, 204)
		do("DELETE", fmt.Sprint(path, "/", ids[1]), nil, 404)
		do("PUT", path, map[string]any{"passwords": []string{"ccc", "ddd"}}, 204)
		names, kept := w.list(v, "?sort=createdAt")
		if fmt.Sprint(names) != "[ccc ddd]" || kept[0] != ids[2] {
			t.Errorf("after replacing: %v %v", names, kept)
		}
		do("DELETE", fmt.Sprint(path, "/", kept[0]), nil, 204)
		do("DELETE", fmt.Sprint(path, "/", kept[1]), nil, 403)
		if names, _ := w.list(v, ""); fmt.Sprint(names) != "[ddd]" {
			t.Errorf("the last one: %v", names)
		}
		// A change that says nothing of passwords leaves them.
		do("PUT", "/api/v1/videos/"+v.UUID, map[string]any{"name": "Still behind a door", "privacy": 5}, 204)
		if names, _ := w.list(v, ""); fmt.Sprint(names) != "[ddd]" {
			t.Errorf("after another change: %v", names)
		}
		// They go with the protection.
		do("PUT", "/api/v1/videos/"+v.UUID, map[string]any{"privacy": 1}, 204)
		do("GET", path, nil, 400)
		do("POST", path, map[string]any{"password": "ccc"}, 400)
		do("PUT", path, map[string]any{"passwords": []string{"ccc"}}, 400)
		do("DELETE", path+"/1", nil, 400)
		var n int64
		if err := d.Read(t.Context()).Model(&password.Password{}).Count(&n).Error; err != nil || n != 0 {
			t.Errorf("%d passwords left, %v", n, err)
		}
	})
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	v := w.protect("the key")
	foreign := w.protect("not yours")
	_, ids := w.list(foreign, "")
	path := "/api/v1/videos/" + v.UUID
	many := make([]string, catalog.MaxPasswords+1)
	for i := range many {
		many[i] = fmt.Sprint("pass ", i)
	}
	for _, c := range []struct {
		name         string
		user         *catalogtest.User
		method, path string
		body         any
		status       int
	}{
		{"no body", w.alice, "PUT", path + "/passwords", nil, 400},
		{"no list", w.alice, "PUT", path + "/passwords", map[string]any{"passwords": "text"}, 400},
		{"empty list", w.alice, "PUT", path + "/passwords", map[string]any{"passwords": []string{}}, 400},
		{"too short", w.alice, "PUT", path + "/passwords", map[string]any{"passwords": []string{"a"}}, 400},
		{"too long", w.alice, "PUT", path + "/passwords", map[string]any{"passwords": []string{strings.Repeat("a", 101)}}, 400},
		{"twice", w.alice, "PUT", path + "/passwords", map[string]any{"passwords": []string{"aaa", "aaa"}}, 400},
		{"too many", w.alice, "PUT", path + "/passwords", map[string]any{"passwords": many}, 400},
		{"numbers", w.alice, "PUT", path + "/passwords", map[string]any{"passwords": []int{1234}}, 400},
		{"one too short", w.alice, "POST", path + "/passwords", map[string]any{"password": "a"}, 400},
		{"one that is there", w.alice, "POST", path + "/passwords", map[string]any{"password": "the key"}, 400},
		{"nobody", nil, "GET", path + "/passwords", nil, 401},
		{"another user reads", w.bob, "GET", path + "/passwords", nil, 403},
		{"another user replaces", w.bob, "PUT", path + "/passwords", map[string]any{"passwords": []string{"mine"}}, 403},
		{"another user adds", w.bob, "POST", path + "/passwords", map[string]any{"password": "mine"}, 403},
		{"another user deletes", w.bob, "DELETE", path + "/passwords/1", nil, 403},
		{"that of another video", w.alice, "DELETE", fmt.Sprint(path, "/passwords/", ids[0]), nil, 404},
		{"no number", w.alice, "DELETE", path + "/passwords/x", nil, 404},
		{"no video", w.alice, "GET", "/api/v1/videos/999999/passwords", nil, 404},
		{"bad sort", w.alice, "GET", path + "/passwords?sort=password", nil, 400},
		{"protected anew without", w.alice, "PUT", path, map[string]any{"videoPasswords": []string{}}, 400},
		{"protected anew with one too short", w.alice, "PUT", path, map[string]any{"videoPasswords": []string{"a"}}, 400},
	} {
		if a := w.Do(c.user, c.method, c.path, c.body); a.Status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
		}
	}
	public := w.Video(w.alice, "Open")
	if a := w.Do(w.alice, "PUT", "/api/v1/videos/"+public.UUID, map[string]any{"privacy": 5}); a.Status != 400 {
		t.Errorf("protected without a password: %d %s", a.Status, a.Body)
	}
	if names, _ := w.list(v, ""); fmt.Sprint(names) != "[the key]" {
		t.Errorf("changed by refused requests: %v", names)
	}
}

// Whoever guesses wrong has to wait; others, and other videos, are not touched.
func TestGuessesAreLimited(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	v, other := w.protect("the key"), w.protect("the key")
	get := func(v *catalog.Video, guess, from string) catalogtest.Answer {
		return w.Do(nil, "GET", "/api/v1/videos/"+v.UUID, nil, rest.VideoPasswordHeader, guess, "X-Real-Ip", from)
	}
	last := 0
	for i := range 30 {
		last = get(v, fmt.Sprint("guess ", i), "192.0.2.1").Status
	}
	if last != 429 {
		t.Errorf("the 30th wrong password: %d", last)
	}
	if a := get(v, "the key", "192.0.2.1"); a.Status != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("the right one after that: %d %v", a.Status, a.Header)
	}
	if a := get(v, "the key", "192.0.2.2"); a.Status != 200 {
		t.Errorf("from elsewhere: %d", a.Status)
	}
	if a := get(other, "the key", "192.0.2.1"); a.Status != 200 {
		t.Errorf("another video: %d", a.Status)
	}
	for range 40 {
		if a := get(other, "the key", "2001:db8::1"); a.Status != 200 {
			t.Fatalf("the right one again and again: %d", a.Status)
		}
	}
}

// A proof of a password ends with it, and with the protection (SEC-55).
func TestProofs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		v, other := w.protect("the key", "spare key"), w.protect("the key")
		ctx := t.Context()
		id, err := w.passwords.Which(rest.WithGuess(ctx, rest.Guess{Password: "the key"}), v)
		if err != nil || id == 0 {
			t.Fatalf("Which = %d, %v", id, err)
		}
		proof := password.WithProof(ctx, id)
		sees := func(v *catalog.Video) bool { return w.Catalog.Permit(proof, nil, w.Reload(v.ID)) == nil }
		if !sees(v) || sees(other) {
			t.Errorf("the proof opens %v its video, %v another", sees(v), sees(other))
		}
		w.Do(w.alice, "PUT", "/api/v1/videos/"+v.UUID, map[string]any{"privacy": 3})
		if sees(v) {
			t.Error("the proof opens a private video")
		}
		w.Do(w.alice, "PUT", "/api/v1/videos/"+v.UUID, map[string]any{"privacy": 5, "videoPasswords": []string{"spare key"}})
		if sees(v) {
			t.Error("the proof outlives its password")
		}
	})
}

func TestScheduled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		jobs := schedule.New(d, w.Catalog)
		v, later, protected := w.Video(w.alice, "Soon"), w.Video(w.alice, "Later"), w.protect("the key")
		plan := func(v *catalog.Video, privacy any, after time.Duration) {
			t.Helper()
			change := map[string]any{"scheduleUpdate": map[string]any{"updateAt": time.Now().Add(after).UTC().Format(time.RFC3339), "privacy": 1}}
			if privacy != nil {
				change["privacy"] = privacy
			}
			if a := w.Do(w.alice, "PUT", "/api/v1/videos/"+v.UUID, change); a.Status != 204 {
				t.Fatalf("schedule: %d %s", a.Status, a.Body)
			}
		}
		plan(v, 3, -time.Minute)
		plan(later, 3, time.Hour)
		plan(protected, nil, -time.Minute)
		details := w.Do(w.alice, "GET", "/api/v1/videos/"+later.UUID, nil).JSON(t)
		if s, _ := details["scheduledUpdate"].(map[string]any); s["privacy"] != 1.0 || s["updateAt"] == nil {
			t.Errorf("scheduledUpdate %v", details["scheduledUpdate"])
		}
		w.TakeJobs()
		if err := jobs.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			v      *catalog.Video
			status int
		}{{v, 200}, {later, 401}, {protected, 200}} {
			if a := w.Do(nil, "GET", "/api/v1/videos/"+c.v.UUID, nil); a.Status != c.status {
				t.Errorf("%s: %d, want %d", c.v.Name, a.Status, c.status)
			}
		}
		if got := w.Reload(v.ID); got.Schedule() != nil || !got.PublishedAt.After(v.PublishedAt) {
			t.Errorf("after it was published: schedule %v, published %v", got.Schedule(), got.PublishedAt)
		}
		if told := w.TakeJobs(catalog.FederateArgs{}.Kind()); len(told) != 2 {
			t.Errorf("others are told by %v", told)
		}
		if err := jobs.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if told := w.TakeJobs(); len(told) != 0 {
			t.Errorf("published twice: %v", told)
		}
		// What its owner takes back does not happen.
		plan(later, nil, -time.Minute)
		w.Do(w.alice, "PUT", "/api/v1/videos/"+later.UUID, map[string]any{"scheduleUpdate": nil})
		if err := jobs.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.Reload(later.ID); got.Privacy != catalog.Private {
			t.Errorf("a schedule that was taken back: privacy %d", got.Privacy)
		}
	})
}
