package catalog_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/caption"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/chapter"
	"github.com/kinemesh/kinemesh/video/storyboard"
	"github.com/kinemesh/kinemesh/web/rest"
)

// recorded are answers of PeerTube 6.3 by name.
type recorded map[string]struct {
	Path   string
	Status int
	Body   any
}

func loadRecorded(t *testing.T) recorded {
	t.Helper()
	raw, err := os.ReadFile("testdata/peertube-6.3.json")
	if err != nil {
		t.Fatal(err)
	}
	var out recorded
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// sameShape reports every key of want that got lacks, and every value of
// another JSON type. null on either side fits anything; more keys are fine.
func sameShape(path string, want, got any) []string {
	if want == nil || got == nil {
		return nil
	}
	if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
		return []string{fmt.Sprintf("%s: %T, PeerTube has %T", path, got, want)}
	}
	var bad []string
	switch w := want.(type) {
	case map[string]any:
		g := got.(map[string]any)
		for _, k := range slices.Sorted(maps.Keys(w)) {
			v, ok := g[k]
			if !ok {
				bad = append(bad, path+"."+k+": missing")
				continue
			}
			bad = append(bad, sameShape(path+"."+k, w[k], v)...)
		}
	case []any:
		g := got.([]any)
		if len(w) > 0 && len(g) > 0 {
			bad = sameShape(path+"[]", w[0], g[0])
		}
	}
	return bad
}

// TestShapes compares our answers with PeerTube's, key by key.
func TestShapes(t *testing.T) {
	rec := loadRecorded(t)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice := w.User("alice", rest.RoleUser)
		v := w.Video(alice, "Test pattern 720p (updated)", func(n *catalog.NewVideo) {
			one, fifteen, en := 1, 15, "en"
			n.Attributes.Category, n.Attributes.Licence, n.Attributes.Language = &fifteen, &one, &en
			n.Attributes.Description, n.Attributes.Support = "A *test* video", "Please support"
			n.Attributes.Tags = []string{"fixture", "test", "two"}
		})
		w.WithFiles(v)
		far := catalogtest.RemoteVideo(w.Remote("carol", "far.example"), "0a11ce00-0000-4000-8000-000000000009")
		far.Thumbnails = append(far.Thumbnails, catalog.Thumbnail{Type: catalog.Preview, Filename: "far-p.jpg", RemoteURL: "https://far.example/p.jpg"})
		remote := w.SaveRemote(far)
		w.Follow(remote.Owner.ChannelActorID)
		w.Tx(w.Catalog.RefreshListed)
		for name, path := range map[string]string{
			"video-remote-b":       "/api/v1/videos/" + remote.UUID,
			"videos":               "/api/v1/videos?count=15",
			"video":                "/api/v1/videos/" + v.UUID,
			"users-me-videos":      "/api/v1/users/me/videos",
			"search-videos":        "/api/v1/search/videos?search=pattern",
			"account-videos":       "/api/v1/accounts/alice/videos",
			"video-channel-videos": "/api/v1/video-channels/alice_channel/videos",
			"oembed":               "/services/oembed?format=json&url=" + url.QueryEscape(v.IRI),
			"video-description":    "/api/v1/videos/" + v.ShortUUID() + "/description",
			"videos-categories":    "/api/v1/videos/categories",
			"videos-licences":      "/api/v1/videos/licences",
			"videos-privacies":     "/api/v1/videos/privacies",
			"videos-languages":     "/api/v1/videos/languages",
			"video-404":            "/api/v1/videos/00000000-0000-4000-8000-000000000000",
			"videos-bad-sort":      "/api/v1/videos?sort=foo",
		} {
			t.Run(name, func(t *testing.T) {
				var who *catalogtest.User
				if name == "users-me-videos" {
					who = alice
				}
				a := w.Do(who, "GET", path, nil)
				if a.Status != rec[name].Status {
					t.Fatalf("GET %s: %d %s", path, a.Status, a.Body)
				}
				for _, b := range sameShape("", rec[name].Body, a.JSON(t)) {
					// Links into PeerTube's documentation.
					if !strings.HasSuffix(b, ".docs: missing") {
						t.Error(b)
					}
				}
			})
		}
	})
}

func TestDetails(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	w.Routes = parts(t, w)
	v := w.Video(w.User("alice", rest.RoleUser), "Test pattern 720p (updated)")
	w.WithFiles(v)
	for _, id := range []string{v.UUID, v.ShortUUID(), fmt.Sprint(v.ID), v.UUID + "/"} {
		if a := w.Do(nil, "GET", "/api/v1/videos/"+id, nil); a.Status != 200 || a.JSON(t)["uuid"] != v.UUID {
			t.Errorf("GET %s: %d", id, a.Status)
		}
	}
	body := w.Do(nil, "GET", "/api/v1/videos/"+v.UUID, nil).JSON(t)
	file := body["files"].([]any)[0].(map[string]any)
	o := catalogtest.Origin
	for key, want := range map[string]any{
		"fileUrl":            o + "/static/web-videos/" + v.UUID + "-web-720.mp4",
		"fileDownloadUrl":    o + "/download/web-videos/" + v.UUID + "-web-720.mp4",
		"torrentUrl":         o + "/lazy-static/torrents/" + v.UUID + "-720.torrent",
		"torrentDownloadUrl": o + "/download/torrents/" + v.UUID + "-720.torrent",
		"magnetUri": "magnet:?xs=https%3A%2F%2Fvideos.example%2Flazy-static%2Ftorrents%2F" + v.UUID + "-720.torrent" +
			"&xt=urn:btih:6d43fead57e8eb647b5e8643fb5ab0c16ba8a4ae&dn=Test+pattern+720p+(updated)" +
			"&tr=https%3A%2F%2Fvideos.example%2Ftracker%2Fannounce&tr=wss%3A%2F%2Fvideos.example%2Ftracker%2Fsocket" +
			"&ws=https%3A%2F%2Fvideos.example%2Fstatic%2Fweb-videos%2F" + v.UUID + "-web-720.mp4",
		"storage": 0.0,
	} {
		if file[key] != want {
			t.Errorf("%s = %v, want %v", key, file[key], want)
		}
	}
	meta := strings.TrimPrefix(file["metadataUrl"].(string), o)
	if a := w.Do(nil, "GET", meta, nil); a.Status != 200 || string(a.Body) != `{"format":{"duration":20}}` {
		t.Errorf("metadata: %d %s", a.Status, a.Body)
	}
	list := body["streamingPlaylists"].([]any)[0].(map[string]any)
	if want := o + "/static/streaming-playlists/hls/" + v.UUID + "/" + v.UUID + "-master.m3u8"; list["playlistUrl"] != want {
		t.Errorf("playlistUrl = %v, want %v", list["playlistUrl"], want)
	}
	for path, want := range map[string]string{
		"captions": `{"total":0,"data":[]}`, "chapters": `{"chapters":[]}`, "storyboards": `{"storyboards":[]}`,
	} {
		if a := w.Do(nil, "GET", "/api/v1/videos/"+v.UUID+"/"+path, nil); a.Status != 200 || strings.TrimSpace(string(a.Body)) != want {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
		if a := w.Do(nil, "GET", "/api/v1/videos/999/"+path, nil); a.Status != 404 {
			t.Errorf("%s of no video: %d", path, a.Status)
		}
	}
	if a := w.Do(nil, "GET", "/api/v1/videos/"+v.UUID+"/metadata/999", nil); a.Status != 404 {
		t.Errorf("metadata of no file: %d", a.Status)
	}
}

// parts registers the features that answer below a video.
func parts(t *testing.T, w *catalogtest.World) func(*rest.Router) {
	t.Helper()
	boards, err := storyboard.New(storyboard.Options{DB: w.DB, Catalog: w.Catalog, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return func(r *rest.Router) {
		caption.New(caption.Options{DB: w.DB, Catalog: w.Catalog}).Routes(r)
		chapter.New(w.DB, w.Catalog).Routes(r)
		boards.Routes(r)
	}
}

// TestWhoSees is the matrix of SEC-54: privacy and state by route and viewer.
func TestWhoSees(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	w.Routes = parts(t, w)
	alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
	mod := w.User("mod", rest.RoleModerator)
	privacy := func(p catalog.Privacy) func(*catalog.NewVideo) {
		return func(n *catalog.NewVideo) { n.Attributes.Privacy = p }
	}
	public := w.Video(alice, "public one")
	unlisted := w.Video(alice, "unlisted one", privacy(catalog.Unlisted))
	private := w.Video(alice, "private one", privacy(catalog.Private))
	unfinished := w.Video(alice, "unfinished one", plan)
	num := func(v *catalog.Video) string { return fmt.Sprint(v.ID) }
	for _, c := range []struct {
		what, id                    string
		nobody, other, owner, moder int
	}{
		{"public", public.UUID, 200, 200, 200, 200},
		{"public by number", num(public), 200, 200, 200, 200},
		{"unlisted", unlisted.UUID, 200, 200, 200, 200},
		{"unlisted, short", unlisted.ShortUUID(), 200, 200, 200, 200},
		{"unlisted by number", num(unlisted), 404, 404, 200, 200},
		{"private", private.UUID, 401, 403, 200, 200},
		{"unfinished", unfinished.UUID, 404, 404, 200, 200},
		{"none", "999", 404, 404, 404, 404},
		{"nonsense", "1%20or%201", 404, 404, 404, 404},
	} {
		for _, path := range []string{"", "/description", "/captions", "/chapters", "/storyboards"} {
			for who, want := range map[*catalogtest.User]int{nil: c.nobody, bob: c.other, alice: c.owner, mod: c.moder} {
				if a := w.Do(who, "GET", "/api/v1/videos/"+c.id+path, nil); a.Status != want {
					t.Errorf("%s%s as %v: %d, want %d", c.what, path, who.Principal(), a.Status, want)
				}
			}
		}
		// oEmbed is for strangers, whoever asks.
		want := c.nobody
		if a := w.Do(alice, "GET", "/services/oembed?url="+catalogtest.Origin+"/w/"+c.id, nil); a.Status != want {
			t.Errorf("oEmbed of %s: %d, want %d", c.what, a.Status, want)
		}
	}
	for path, want := range map[string]int{
		"/api/v1/videos": 1, "/api/v1/search/videos?search=one": 1, "/api/v1/accounts/alice/videos": 1,
		"/api/v1/video-channels/alice_channel@videos.example/videos": 1,
	} {
		a := w.Do(bob, "GET", path, nil).JSON(t)
		if len(a["data"].([]any)) != want || a["total"] != float64(want) {
			t.Errorf("GET %s lists %v", path, a["total"])
		}
	}
	if a := w.Do(alice, "GET", "/api/v1/users/me/videos", nil).JSON(t); a["total"] != 4.0 {
		t.Errorf("own list has %v, want 4", a["total"])
	}
	if a := w.Do(bob, "GET", "/api/v1/users/me/videos", nil).JSON(t); a["total"] != 0.0 {
		t.Errorf("bob's own list has %v, want 0", a["total"])
	}
	if a := w.Do(nil, "GET", "/api/v1/users/me/videos", nil); a.Status != 401 {
		t.Errorf("own list of nobody: %d", a.Status)
	}
}

func TestRemoteVisibility(t *testing.T) {
	for _, c := range []struct {
		name          string
		allow         catalog.RemoteURI
		nobody, other int
	}{
		{"closed", catalog.RemoteURI{}, 403, 403},
		{"users", catalog.RemoteURI{Users: true}, 403, 200},
		{"all", catalog.RemoteURI{Users: true, Anonymous: true}, 200, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := catalogtest.New(t, dbtest.SQLite(t), func(o *catalog.Options) { o.RemoteURI = func() catalog.RemoteURI { return c.allow } })
			bob := w.User("bob", rest.RoleUser)
			v := w.SaveRemote(catalogtest.RemoteVideo(w.Remote("carol", "far.example"), "0a11ce00-0000-4000-8000-000000000001"))
			path := "/api/v1/videos/" + v.UUID
			if a := w.Do(nil, "GET", path, nil); a.Status != c.nobody {
				t.Errorf("nobody: %d, want %d", a.Status, c.nobody)
			} else if a.Status == 403 && a.JSON(t)["code"] != "does_not_respect_follow_constraints" {
				t.Errorf("code %v", a.JSON(t)["code"])
			}
			if a := w.Do(bob, "GET", path, nil); a.Status != c.other {
				t.Errorf("a user: %d, want %d", a.Status, c.other)
			}
			w.Follow(v.Owner.ChannelActorID)
			w.Tx(w.Catalog.RefreshListed)
			if a := w.Do(nil, "GET", path, nil); a.Status != 200 {
				t.Errorf("once followed: %d", a.Status)
			}
		})
	}
}

func TestUpdate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		v := w.Video(alice, "Before", func(n *catalog.NewVideo) { n.Attributes.Tags = []string{"old"} })
		w.WithFiles(v)
		w.TakeJobs()
		path := "/api/v1/videos/" + v.UUID
		body := map[string]any{
			"name": "  After\u202e the\u200b change ", "description": "New *text*\n\nmore", "support": "Help", "category": 15, "licence": "2",
			"language": "de", "nsfw": true, "nsfwSummary": "loud noises", "nsfwFlags": 1, "tags": []string{"Eins", "zwei", "eins"},
			"commentsPolicy": 3, "downloadEnabled": false, "originallyPublishedAt": "2020-01-02T03:04:05.000Z",
			"privacy": 2, "id": 77, "uuid": "x", "views": 1000, "state": 7, "local": false, "iri": "https://evil", "listed": false, // SEC-45
		}
		for who, want := range map[*catalogtest.User]int{nil: 401, bob: 403} { // SEC-44
			if a := w.Do(who, "PUT", path, body); a.Status != want {
				t.Errorf("as %v: %d, want %d", who.Principal(), a.Status, want)
			}
		}
		if a := w.Do(alice, "PUT", path, body); a.Status != 204 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		got := w.Do(alice, "GET", path, nil).JSON(t)
		for key, want := range map[string]string{
			"name": `"After the change"`, "description": `"New *text*\n\nmore"`, "support": `"Help"`,
			"category": `{"id":15,"label":"Science \u0026 Technology"}`, "licence": `{"id":2,"label":"Attribution - Share Alike"}`,
			"language": `{"id":"de","label":"German"}`, "nsfw": "true", "nsfwFlags": "1", "nsfwSummary": `"loud noises"`,
			"tags": `["Eins","zwei"]`, "commentsPolicy": `{"id":3,"label":"Requires approval"}`, "downloadEnabled": "false",
			"originallyPublishedAt": `"2020-01-02T03:04:05.000Z"`, "privacy": `{"id":2,"label":"Unlisted"}`,
			"id": fmt.Sprint(v.ID), "uuid": `"` + v.UUID + `"`, "views": "0", "state": `{"id":1,"label":"Published"}`, "isLocal": "true",
		} {
			raw, err := json.Marshal(got[key])
			if err != nil || string(raw) != want {
				t.Errorf("%s = %s, want %s", key, raw, want)
			}
		}
		if jobs := kinds(w.TakeJobs()); !slices.Equal(jobs, []string{"video.torrent"}) { // never federated, so nobody is told
			t.Errorf("jobs %v", jobs)
		}
		// null takes back, absent leaves.
		if a := w.Do(alice, "PUT", path, map[string]any{"category": nil, "tags": []string{}, "description": nil, "privacy": 1}); a.Status != 204 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		got = w.Do(nil, "GET", path, nil).JSON(t)
		if got["category"].(map[string]any)["id"] != nil || got["description"] != nil || len(got["tags"].([]any)) != 0 || got["name"] != "After the change" {
			t.Errorf("after nulls: %v %v %v %v", got["category"], got["description"], got["tags"], got["name"])
		}
		if jobs := w.TakeJobs(); len(jobs) != 1 || !strings.Contains(jobs[0].Args, `"create"`) {
			t.Errorf("made public: %v", jobs)
		}
	})
}

func TestUpdateRefusals(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	alice := w.User("alice", rest.RoleUser)
	bob := w.User("bob", rest.RoleUser)
	v := w.Video(alice, "Steady")
	long := strings.Repeat("ä", 121)
	for field, bad := range map[string][]any{
		"name":                  {"ab", long, "\u202e\u200b\u2066", "", nil},
		"description":           {"ab", strings.Repeat("x", 10001)},
		"support":               {"ab", strings.Repeat("x", 1001)},
		"category":              {0, 99, "music"},
		"licence":               {10, -1},
		"language":              {"xx", "english"},
		"privacy":               {0, 6, "public"},
		"scheduleUpdate":        {"soon", map[string]any{"updateAt": "soon"}, map[string]any{"privacy": 1}, map[string]any{"updateAt": "2030-01-01T00:00:00Z", "privacy": 3}},
		"commentsPolicy":        {0, 4},
		"nsfw":                  {"maybe"},
		"nsfwFlags":             {4, -1},
		"tags":                  {[]string{"a"}, []string{"1a", "2a", "3a", "4a", "5a", "6a"}, []string{strings.Repeat("t", 31)}},
		"originallyPublishedAt": {"yesterday", "9999-01-01T00:00:00Z"},
		"channelId":             {bob.ChannelID, 999, "x"},
	} {
		for _, b := range bad {
			a := w.Do(alice, "PUT", "/api/v1/videos/"+v.UUID, map[string]any{field: b})
			if a.Status != 400 || !strings.Contains(string(a.Body), field) {
				t.Errorf("%s = %.40v: %d %s", field, b, a.Status, a.Body)
			}
		}
	}
	for _, ok := range []map[string]any{
		{"name": long[:len(long)-2]},
		{"description": strings.Repeat("x", 10000)},
		{"tags": []string{"aa", "bb", "cc", "dd", "ee"}},
		{"commentsEnabled": false},
		{"nsfw": "true"},
		{"licence": 9},
		{"channelId": alice.ChannelID},
		{"privacy": 4},
		{"scheduleUpdate": map[string]any{"updateAt": "2030-01-01T00:00:00Z"}},
		{"scheduleUpdate": nil},
	} {
		if a := w.Do(alice, "PUT", "/api/v1/videos/"+v.UUID, ok); a.Status != 204 {
			t.Errorf("%.40v: %d %s", ok, a.Status, a.Body)
		}
	}
	if got := w.Reload(v.ID); got.CommentsPolicy != catalog.CommentsDisabled {
		t.Errorf("commentsEnabled false gives policy %d", got.CommentsPolicy)
	}
	for name, c := range map[string]struct {
		id, body, kind string
		want           int
	}{
		"no object": {v.UUID, `[1]`, "application/json", 400},
		"broken":    {v.UUID, `{"name":`, "application/json", 400},
		"too large": {v.UUID, `{"name":"` + strings.Repeat("x", 300<<10) + `"}`, "application/json", 413},
		"xml":       {v.UUID, `<a/>`, "text/xml", 415},
		"no video":  {"999", `{}`, "application/json", 404},
		"empty":     {v.UUID, ``, "application/json", 204},
		"form":      {v.UUID, `name=From+a+form&tags[1]=b1&tags[0]=a1&category=&privacy=1`, "application/x-www-form-urlencoded", 204},
	} {
		if a := w.Do(alice, "PUT", "/api/v1/videos/"+c.id, strings.NewReader(c.body), "Content-Type", c.kind); a.Status != c.want {
			t.Errorf("%s: %d, want %d: %.200s", name, a.Status, c.want, a.Body)
		}
	}
	body := w.Do(nil, "GET", "/api/v1/videos/"+v.UUID, nil).JSON(t)
	if body["name"] != "From a form" || fmt.Sprint(body["tags"]) != "[a1 b1]" {
		t.Errorf("from the form: %v %v", body["name"], body["tags"])
	}
}

// TestUpdateKinds: JSON of another kind than a field is for changes nothing.
func TestUpdateKinds(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	alice := w.User("alice", rest.RoleUser)
	v := w.Video(alice, "Steady")
	path := "/api/v1/videos/" + v.UUID
	if a := w.Do(alice, "PUT", path, map[string]any{
		"description": "about it", "support": "help me", "nsfwSummary": "loud", "tags": []string{"one", "two"}, "category": 3, "language": "fr",
		"originallyPublishedAt": "2020-01-01T00:00:00.000Z", "scheduleUpdate": map[string]any{"updateAt": "2035-01-01T00:00:00.000Z", "privacy": 1},
	}); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	shown := func() map[string]any { return w.Do(alice, "GET", path, nil).JSON(t) }
	before := shown()
	for _, c := range []struct{ field, value string }{
		{"description", `[]`},
		{"support", `[]`},
		{"nsfwSummary", `[]`},
		{"tags", `[null]`},
		{"tags", `[[]]`},
		{"category", `[[]]`},
		{"language", `[]`},
		{"originallyPublishedAt", `[]`},
		{"scheduleUpdate", `[]`},
		{"name", `true`},
		{"name", `1.5`},
		{"description", `true`},
		{"name", `{}`},
		{"description", `{"a":1}`},
		{"privacy", `[]`},
		{"scheduleUpdate", `{"a":1}`},
		{"tags", `["one",2]`},
		{"category", `true`},
		{"channelId", `[]`},
		{"commentsPolicy", `{}`},
	} {
		a := w.Do(alice, "PUT", path, strings.NewReader(`{"`+c.field+`":`+c.value+`}`))
		invalid := map[string]any{}
		if a.Status == 400 {
			invalid, _ = a.JSON(t)["invalid-params"].(map[string]any)
		}
		if invalid[c.field] == nil {
			t.Errorf("%s = %s: %d %s", c.field, c.value, a.Status, a.Body)
		}
	}
	if diff := cmp.Diff(before, shown()); diff != "" {
		t.Errorf("something changed, -before +after:\n%s", diff)
	}
}

func TestDelete(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		v := w.Video(alice, "Short-lived")
		w.WithFiles(v)
		w.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE videos SET federated_at = ? WHERE id = ?", db.Now(), v.ID).Error
		})
		w.TakeJobs()
		path := "/api/v1/videos/" + v.ShortUUID()
		for who, want := range map[*catalogtest.User]int{nil: 401, bob: 403} {
			if a := w.Do(who, "DELETE", path, nil); a.Status != want {
				t.Errorf("as %v: %d, want %d", who.Principal(), a.Status, want)
			}
		}
		if a := w.Do(w.User("mod", rest.RoleModerator), "DELETE", path, nil); a.Status != 204 {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		if a := w.Do(alice, "GET", path, nil); a.Status != http.StatusNotFound {
			t.Errorf("afterwards: %d", a.Status)
		}
		list := w.TakeJobs()
		if !slices.Equal(kinds(list), []string{"video.federate", "video.delete-files"}) {
			t.Fatalf("jobs %v", list)
		}
		var fed catalog.FederateArgs
		var del catalog.DeleteFilesArgs
		if json.Unmarshal([]byte(list[0].Args), &fed) != nil || json.Unmarshal([]byte(list[1].Args), &del) != nil {
			t.Fatal(list)
		}
		if fed.What != "delete" || fed.IRI != v.IRI || fed.ActorID != alice.ActorID {
			t.Errorf("federate %+v", fed)
		}
		u := v.UUID
		want := []string{
			"previews/" + u + "-p.jpg", "streaming-playlists/hls/" + u + "/" + u + "-720-fragmented.mp4",
			"streaming-playlists/hls/" + u + "/" + u + "-720.m3u8", "streaming-playlists/hls/" + u + "/" + u + "-master.m3u8",
			"streaming-playlists/hls/" + u + "/" + u + "-segments-sha256.json", "thumbnails/" + u + "-t.jpg",
			"torrents/" + u + "-720-hls.torrent", "torrents/" + u + "-720.torrent", "web-videos/" + u + "-web-720.mp4",
		}
		slices.Sort(del.Keys)
		if !slices.Equal(del.Keys, want) {
			t.Errorf("deletes %v, want %v", del.Keys, want)
		}
		for _, table := range []string{"video_files", "thumbnails", "infohashes", "video_tags", "renditions"} {
			var n int64
			if err := d.Read(t.Context()).Table(table).Where("video_id = ?", v.ID).Count(&n).Error; err != nil || n != 0 {
				t.Errorf("%s keeps %d rows (%v)", table, n, err)
			}
		}
	})
}

func TestPrivateAddresses(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	alice := w.User("alice", rest.RoleUser)
	v := w.Video(alice, "Secret plan")
	w.WithFiles(v)
	w.TakeJobs()
	before := infohashes(t, w, v.ID)
	if a := w.Do(alice, "PUT", "/api/v1/videos/"+v.UUID, map[string]any{"privacy": 3}); a.Status != 204 {
		t.Fatal(a.Status)
	}
	body := w.Do(alice, "GET", "/api/v1/videos/"+v.UUID, nil).JSON(t)
	file := body["files"].([]any)[0].(map[string]any)
	if url := file["fileUrl"].(string); !strings.Contains(url, "/static/web-videos/private/") {
		t.Errorf("fileUrl %s", url)
	}
	if magnet := file["magnetUri"].(string); strings.Contains(magnet, "&ws=") {
		t.Errorf("the magnet of a private video names its file: %s", magnet)
	}
	list := body["streamingPlaylists"].([]any)[0].(map[string]any)
	if url := list["playlistUrl"].(string); !strings.Contains(url, "/hls/private/"+v.UUID+"/") {
		t.Errorf("playlistUrl %s", url)
	}
	if slices.Equal(before, infohashes(t, w, v.ID)) {
		t.Error("the swarms of the public address are still admitted")
	}
	if jobs := kinds(w.TakeJobs()); !slices.Equal(jobs, []string{"video.torrent"}) {
		t.Errorf("jobs %v", jobs)
	}
	published := w.Reload(v.ID).PublishedAt
	if a := w.Do(alice, "PUT", "/api/v1/videos/"+v.UUID, map[string]any{"privacy": 1}); a.Status != 204 {
		t.Fatal(a.Status)
	}
	if got := w.Reload(v.ID); !got.PublishedAt.After(published) {
		t.Error("made public: the date of publication stays")
	}
	if !slices.Equal(before, infohashes(t, w, v.ID)) {
		t.Error("the swarms did not come back")
	}
}

func infohashes(t *testing.T, w *catalogtest.World, videoID int64) []string {
	t.Helper()
	var out []string
	err := w.DB.Read(t.Context()).Table("infohashes").Where("video_id = ?", videoID).Order("hash").Pluck("hash", &out).Error
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestOEmbedEscapes(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	v := w.Video(w.User("alice", rest.RoleUser), `"><script>alert(1)</script>`)
	base := "/services/oembed?url=" + url.QueryEscape(catalogtest.Origin+"/w/"+v.ShortUUID())
	a := w.Do(nil, "GET", base+"&maxwidth=300&maxheight=100", nil).JSON(t)
	if html := a["html"].(string); strings.Contains(html, "<script>") || !strings.Contains(html, `width="300" height="100"`) { // SEC-39
		t.Errorf("html %s", html)
	}
	if _, ok := a["thumbnail_url"]; ok {
		t.Error("a thumbnail larger than asked for")
	}
	for query, want := range map[string]int{
		base + "&format=xml":    501,
		base + "&maxwidth=wide": 400,
		"/services/oembed":      400,
		"/services/oembed?url=" + url.QueryEscape("https://other.example/w/"+v.ShortUUID()):   404,
		"/services/oembed?url=" + url.QueryEscape(catalogtest.Origin+"/a/alice"):              404,
		"/services/oembed?url=" + url.QueryEscape(catalogtest.Origin+"/videos/watch/"+v.UUID): 200,
	} {
		if a := w.Do(nil, "GET", query, nil); a.Status != want {
			t.Errorf("%s: %d, want %d", query, a.Status, want)
		}
	}
}
