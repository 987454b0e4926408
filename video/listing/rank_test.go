package listing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestRanked: what trends, what is hot, and what is best for whom.
func TestRanked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		now := db.Now()
		video := func(name string, daysAgo int, views, likes int64) *catalog.Video {
			v := w.Video(alice, name)
			w.Tx(func(tx *db.Tx) error {
				return tx.Exec("UPDATE videos SET published_at = ?, views = ?, likes = ? WHERE id = ?", now.AddDate(0, 0, -daysAgo), views, likes, v.ID).Error
			})
			return v
		}
		viewed := func(v *catalog.Video, daysAgo int, views int64) {
			w.Tx(func(tx *db.Tx) error {
				return tx.Exec("INSERT INTO video_views (video_id, hour, views) VALUES (?, ?, ?)",
					v.ID, now.AddDate(0, 0, -daysAgo).Truncate(time.Hour), views).Error
			})
		}
		classic, rising, fresh, quiet := video("classic", 400, 9000, 500), video("rising", 60, 100, 5), video("fresh", 0, 20, 4), video("quiet", 1, 0, 0)
		viewed(classic, 30, 8000) // too long ago
		viewed(classic, 2, 3)
		viewed(rising, 1, 50)
		viewed(rising, 3, 40)
		is := func(who *catalogtest.User, path string, want ...string) {
			t.Helper()
			if got := names(t, w, who, "/api/v1/"+path); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", path, got, want)
			}
		}
		is(nil, "videos?sort=-trending", "rising", "classic", "fresh", "quiet")
		is(nil, "videos?sort=-trending&start=1&count=2", "classic", "fresh")
		is(nil, "videos?sort=-trending&start=3", "quiet")
		is(nil, "videos?sort=-hot", "fresh", "quiet", "rising", "classic")
		is(nil, "videos?sort=-best&count=2", "fresh", "quiet")
		w.Tx(func(tx *db.Tx) error {
			return tx.Exec("INSERT INTO watch_history (user_id, video_id, at, created_at, updated_at) VALUES (?, ?, 1, ?, ?)", bob.ID, fresh.ID, now, now).Error
		})
		is(bob, "videos?sort=-best", "quiet", "rising", "classic", "fresh")
		is(alice, "videos?sort=-best&count=1", "fresh")
		is(nil, "videos?sort=-best&count=1", "fresh")
		is(bob, "videos?sort=name&excludeAlreadyWatched=true", "classic", "quiet", "rising")
		// Two likes weigh more than a few hours.
		w.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET likes = 5000 WHERE id = ?", quiet.ID).Error })
		is(nil, "videos?sort=-hot&count=2", "quiet", "fresh")
	})
}

// TestSearch: what is found, in which order, in which script.
func TestSearch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice := w.User("alice", rest.RoleUser)
		for name, tags := range map[string][]string{
			"Cat": nil, "All about cats": nil, "Cathedral tour": nil, "Pets": {"cats"}, "日本の電車": nil, "Война и мир": nil,
			"Elephants of Botswana": {"Safari"}, "गणित का पाठ": nil, "ביולוגיה למתחילים": nil,
		} {
			w.Video(alice, name, func(n *catalog.NewVideo) { n.Attributes.Tags = tags })
		}
		w.Video(alice, "Cat, hidden", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Unlisted })
		v := w.Video(alice, "Once called otherwise")
		for search, want := range map[string][]string{
			"cat":                    {"Cat", "Cathedral tour", "All about cats", "Pets"},
			"CATS":                   {"All about cats", "Pets"},
			"cat tour":               {"Cathedral tour"},
			"電車":                     {"日本の電車"},
			"本":                      {"日本の電車"},
			"мир":                    {"Война и мир"},
			"गणित":                   {"गणित का पाठ"},
			"ביולוגיה":               {"ביולוגיה למתחילים"},
			"elephnats":              {"Elephants of Botswana"}, // swapped
			"safarii":                {"Elephants of Botswana"},
			"botswana elefants":      nil, // two letters wrong
			"' OR 1=1 --":            nil,
			"\" OR \"cat":            nil,
			"cat* NOT tour":          nil,
			"otherwise":              {"Once called otherwise"},
			"!?":                     nil,
			strings.Repeat("x", 500): nil,
		} {
			if got := names(t, w, nil, "/api/v1/search/videos?search="+escape(search)); !slices.Equal(got, want) && len(got)+len(want) > 0 {
				t.Errorf("search for %q: %q, want %q", search, got, want)
			}
		}
		// The index follows the rows.
		body := map[string]any{"name": "Renamed by its owner"}
		if a := w.Do(alice, "PUT", "/api/v1/videos/"+v.UUID, body); a.Status != 204 {
			t.Fatalf("rename: %d %s", a.Status, a.Body)
		}
		for search, want := range map[string]int{"otherwise": 0, "renamed": 1} {
			if got := names(t, w, nil, "/api/v1/search/videos?search="+search); len(got) != want {
				t.Errorf("after the new name %s finds %q", search, got)
			}
		}
		if a := w.Do(alice, "DELETE", "/api/v1/videos/"+v.UUID, nil); a.Status != 204 {
			t.Fatalf("delete: %d", a.Status)
		}
		if got := names(t, w, nil, "/api/v1/search/videos?search=renamed"); len(got) != 0 {
			t.Errorf("a deleted video is found: %q", got)
		}
		if got := names(t, w, nil, "/api/v1/search/videos?search=cat&sort=name&count=2&start=1"); !slices.Equal(got, []string{"Cat", "Cathedral tour"}) {
			t.Errorf("sorted by name: %q", got)
		}
		if got := names(t, w, nil, "/api/v1/search/videos?search=cat&start=2"); !slices.Equal(got, []string{"All about cats", "Pets"}) {
			t.Errorf("second page: %q", got)
		}
	})
}

func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

// TestFilters: those that need a video of their own.
func TestFilters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, mod := w.User("alice", rest.RoleUser), w.User("mod", rest.RoleModerator)
		for name, flags := range map[string]int{"plain": 0, "violent": 1, "explicit": 2, "both": 3} {
			v := w.Video(alice, name, func(n *catalog.NewVideo) { n.Attributes.NSFW, n.Attributes.NSFWFlags = flags != 0, flags })
			if name == "plain" {
				w.WithFiles(v)
			}
		}
		second := w.Insert("channels", map[string]any{"actor_id": w.Instance, "account_id": alice.AccountID, "local": true})
		w.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE videos SET channel_id = ? WHERE name = 'both'", second).Error
		})
		private := func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private }
		w.Video(alice, "draft", private)
		for _, q := range []struct {
			who  *catalogtest.User
			path string
			want []string
		}{
			{nil, "videos?sort=name&nsfw=false", []string{"plain"}},
			{nil, "videos?sort=name&nsfw=false&nsfwFlagsIncluded=1", []string{"both", "plain", "violent"}},
			{nil, "videos?sort=name&nsfwFlagsExcluded=2", []string{"plain", "violent"}},
			{nil, "videos?sort=name&nsfw=true&nsfwFlagsExcluded=1", []string{"explicit"}},
			{alice, "users/me/videos?sort=name&channelNameOneOf=alice_channel", []string{"draft", "explicit", "plain", "violent"}},
			{alice, "users/me/videos?sort=name&channelNameOneOf[]=PEERTUBE&channelNameOneOf[]=x", []string{"both"}},
			{alice, "users/me/videos?sort=name&privacyOneOf=3", []string{"draft"}},
			{alice, "users/me/videos?sort=name&stateOneOf=2", []string{}},
			{alice, "users/me/videos?sort=name&search=dra", []string{"draft"}},
			{mod, "videos?sort=name&privacyOneOf=3", []string{"draft"}},
			{mod, "videos?sort=name&privacyOneOf=3&privacyOneOf=1&nsfw=false", []string{"draft", "plain"}},
		} {
			if got := names(t, w, q.who, "/api/v1/"+q.path); !slices.Equal(got, q.want) {
				t.Errorf("%s: %q, want %q", q.path, got, q.want)
			}
		}
		// Moderators may ask for more of each.
		for include, want := range map[int][]string{0: nil, 8: {"files", "streamingPlaylists"}, 128: {"tags"}} {
			v := w.Do(mod, "GET", fmt.Sprintf("/api/v1/videos?sort=-name&nsfw=false&include=%d", include), nil).JSON(t)["data"].([]any)[0].(map[string]any)
			for _, key := range []string{"files", "streamingPlaylists", "tags"} {
				if _, there := v[key]; there != slices.Contains(want, key) && key != "tags" { // it has none
					t.Errorf("include=%d: %s is there: %v", include, key, there)
				}
			}
			if _, there := v["state"]; there != (include != 0) {
				t.Errorf("include=%d: state is there: %v", include, there)
			}
		}
		for path, want := range map[string]string{ // each answer names what is wrong and what is allowed
			"videos?sort=size":                                 "publishedAt, createdAt",
			"search/videos?sort=trending":                      "match, publishedAt",
			"videos?nsfwFlagsIncluded=4":                       "at most 3",
			"videos?include=256":                               "at most 255",
			"videos?categoryOneOf=99999999999":                 "numbers",
			"videos?durationMin=99999999999":                   "a number",
			"videos?languageOneOf=%00":                         "texts",
			"videos?search=%ff":                                "text",
			"videos?host=" + strings.Repeat("x", 1001):         "text",
			"videos?excludeAlreadyWatched=true":                "without a token",
			"videos?excludeAlreadyWatched=perhaps":             "true or false",
			"videos?includeScheduledLive=x":                    "true or false",
			"videos?" + strings.Repeat("privacyOneOf=1&", 51):  "at most 50",
			"videos?startDate=yesterday":                       "a date",
			"accounts/alice/videos?hasHLSFiles=2":              "true or false",
			"video-channels/alice_channel/videos?isLive=maybe": "true or false",
		} {
			a := w.Do(nil, "GET", "/api/v1/"+path, nil)
			param, _, _ := strings.Cut(path[strings.Index(path, "?")+1:], "=")
			if a.Status != 400 || !strings.Contains(string(a.Body), want) || !strings.Contains(string(a.Body), `"`+param+`":{`) {
				t.Errorf("%.60s: %d %s, want 400 with %s", path, a.Status, a.Body, want)
			}
		}
		for path, want := range map[string]int{"videos?autoTagOneOf=x": 401, "videos?include=1": 401, "videos?privacyOneOf=1": 200} {
			if a := w.Do(alice, "GET", "/api/v1/"+path, nil); a.Status != want {
				t.Errorf("%s as a user: %d, want %d", path, a.Status, want)
			}
		}
	})
}

// TestFarPages: on an instance with many videos, far pages and totals are right
// and follow changes within seconds.
func TestFarPages(t *testing.T) {
	if testing.Short() {
		t.Skip("seeds 12,000 rows")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		u := w.User("alice", rest.RoleUser)
		seed(w, u, 12_000)
		var all []string
		err := d.Read(t.Context()).Raw("SELECT name FROM videos WHERE privacy = 1 ORDER BY published_at DESC, id DESC").Scan(&all).Error
		if err != nil {
			t.Fatal(err)
		}
		for _, start := range []int{0, 15, 5000, 9_990, len(all) - 3, len(all)} {
			want := all[start:min(start+15, len(all))]
			if got := names(t, w, nil, fmt.Sprint("/api/v1/videos?start=", start)); !slices.Equal(got, want) {
				t.Errorf("from %d: %q, want %q", start, got, want)
			}
		}
		if a := w.Do(nil, "GET", "/api/v1/videos?count=1", nil).JSON(t); a["total"] != float64(len(all)) {
			t.Errorf("total %v, want %d", a["total"], len(all))
		}
		fresh := w.Video(u, "Fresh")
		if got := names(t, w, nil, "/api/v1/videos?count=1"); !slices.Equal(got, []string{fresh.Name}) {
			t.Errorf("the first page begins with %q", got)
		}
	})
}
