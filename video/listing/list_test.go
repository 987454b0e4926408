package listing_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// names lists the names that a request answers with, in order.
func names(t *testing.T, w *catalogtest.World, who *catalogtest.User, path string) []string {
	t.Helper()
	a := w.Do(who, "GET", path, nil)
	if a.Status != 200 {
		t.Fatalf("GET %s: %d %s", path, a.Status, a.Body)
	}
	out := []string{}
	for _, v := range a.JSON(t)["data"].([]any) {
		out = append(out, v.(map[string]any)["name"].(string))
	}
	return out
}

func TestList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, bob, mod := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("mod", rest.RoleModerator)
		carol := w.Remote("carol", "far.example")
		w.Follow(carol.ChannelActorID)
		num := func(n int) *int { return &n }
		str := func(s string) *string { return &s }
		when := func(v *catalog.Video, days int, set string, args ...any) {
			w.Tx(func(tx *db.Tx) error {
				at := catalogtest.Day.AddDate(0, 0, days)
				return tx.Exec("UPDATE videos SET published_at = ?, created_at = ?"+set+" WHERE id = ?",
					append(append([]any{at, at}, args...), v.ID)...).Error
			})
		}
		cats := w.Video(alice, "Cats in Café", func(n *catalog.NewVideo) {
			n.Attributes.Category, n.Attributes.Language, n.Attributes.Tags = num(16), str("en"), []string{"Pets", "fun"}
			n.Duration = 10
		})
		w.WithFiles(cats)
		when(cats, 1, ", views = 5, likes = 1, comments = 2")
		dogs := w.Video(bob, "dogs 100%", func(n *catalog.NewVideo) {
			n.Attributes.Category, n.Attributes.Licence, n.Attributes.Tags = num(16), num(7), []string{"pets"}
			n.Attributes.NSFW, n.Duration = true, 100
			first := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
			n.Attributes.OriginallyPublishedAt = &first
		})
		when(dogs, 2, ", views = 50, likes = 0, comments = 0")
		news := w.Video(alice, "News_now", func(n *catalog.NewVideo) {
			n.Attributes.Category, n.Attributes.Language, n.Duration = num(11), str("de"), 1000
		})
		when(news, 3, ", views = 0, likes = 9, comments = 1")
		w.Video(alice, "Hidden", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		w.Video(alice, "Unfinished", func(n *catalog.NewVideo) {
			n.Renditions = []catalog.Rendition{{Kind: catalog.KindWeb, Resolution: 720, FPS: 30, Required: true}}
		})
		far := w.SaveRemote(catalogtest.RemoteVideo(carol, "0a11ce00-0000-4000-8000-000000000001"))
		when(far, 0, "")
		other := w.SaveRemote(catalogtest.RemoteVideo(w.Remote("dave", "third.example"), "0a11ce00-0000-4000-8000-000000000002"))
		when(other, 9, ", name = 'Not followed'")

		const (
			c, g, n, f = "Cats in Café", "dogs 100%", "News_now", "From afar"
		)
		for _, q := range []struct {
			path string
			want []string
		}{
			{"videos", []string{n, g, c, f}},
			{"videos?sort=publishedAt", []string{f, c, g, n}},
			{"videos?sort=-createdAt", []string{n, g, c, f}},
			{"videos?sort=-views", []string{g, f, c, n}},
			{"videos?sort=-trending&count=1", []string{g}}, // by all views: none of them is of these days
			{"videos?sort=-likes&count=1", []string{n}},
			{"videos?sort=-hot&count=1", []string{n}},
			{"videos?sort=-best&count=1", []string{n}},
			{"videos?sort=-comments&count=2", []string{c, n}},
			{"videos?sort=duration", []string{f, c, g, n}},
			{"videos?sort=originallyPublishedAt", []string{g, f, c, n}},
			{"videos?sort=-localVideoFilesSize&count=1", []string{c}},
			{"videos?start=1&count=2", []string{g, c}},
			{"videos?start=40", nil},
			{"videos?count=0", nil},
			{"videos?isLocal=true", []string{n, g, c}},
			{"videos?isLocal=false", []string{f}},
			{"videos?isLive=true", nil},
			{"videos?nsfw=true", []string{g}},
			{"videos?nsfw=false", []string{n, c, f}},
			{"videos?nsfw=both", []string{n, g, c, f}},
			{"videos?categoryOneOf=16", []string{g, c}},
			{"videos?categoryOneOf=16&categoryOneOf=11", []string{n, g, c}},
			{"videos?categoryOneOf[]=11", []string{n}},
			{"videos?licenceOneOf=7", []string{g}},
			{"videos?languageOneOf=de&languageOneOf=en", []string{n, c}},
			{"videos?languageOneOf=_unknown", []string{g, f}},
			{"videos?languageOneOf=_unknown&languageOneOf=de", []string{n, g, f}},
			{"videos?tagsOneOf=PETS", []string{g, c}},
			{"videos?tagsAllOf=pets&tagsAllOf=fun", []string{c}},
			{"videos?host=far.example", []string{f}},
			{"videos?host=videos.example", []string{n, g, c}},
			{"videos?hasHLSFiles=true", []string{c, f}},
			{"videos?hasWebVideoFiles=false", []string{n, g}},
			{"videos?search=cafe", []string{c}},
			{"search/videos?search=CAFÉ+cats", []string{c}},
			{"search/videos?search=fun", []string{c}}, // by tag
			{"search/videos?search=100%25", []string{g}},
			{"search/videos?search=%25", nil}, // no wildcard (SEC-51)
			{"search/videos?search=_", nil},
			{"search/videos?search=now", []string{n}},
			{"search/videos?search=%27%20OR%201=1--", nil},
			{"search/videos?search=news&sort=-match", []string{n}},
			{"search/videos?durationMin=50&durationMax=500", []string{g}},
			{"search/videos?startDate=2026-03-03T00:00:00Z&sort=publishedAt", []string{g, n}},
			{"search/videos?endDate=2026-03-01T13:00:00Z", []string{f}},
			{"search/videos?originallyPublishedEndDate=2010-01-01T00:00:00Z", []string{g}},
			{"search/videos?uuids=" + cats.UUID, []string{c}},
			{"search/videos?searchTarget=search-index&uuids=" + catalog.ShortUUID(cats.UUID), []string{c}},
			{"accounts/alice/videos", []string{n, c}},
			{"accounts/carol@far.example/videos", []string{f}},
			{"video-channels/bob_channel/videos", []string{g}},
			{"video-channels/carol_channel@far.example/videos", []string{f}},
		} {
			if got := names(t, w, nil, "/api/v1/"+q.path); !slices.Equal(got, q.want) {
				t.Errorf("%s: %q, want %q", q.path, got, q.want)
			}
		}
		if got := names(t, w, nil, "/api/v1/videos?sort=name&isLocal=true"); len(got) != 3 {
			t.Errorf("by name: %q", got)
		}
		if a := w.Do(nil, "GET", "/api/v1/videos?count=1", nil).JSON(t); a["total"] != 4.0 {
			t.Errorf("total %v, want 4", a["total"])
		}
		if got := names(t, w, mod, "/api/v1/videos?include=1&privacyOneOf=1&privacyOneOf=3"); len(got) != 7 {
			t.Errorf("a moderator sees %q", got)
		}
		if got := names(t, w, mod, "/api/v1/videos?privacyOneOf=3"); !slices.Equal(got, []string{"Hidden"}) {
			t.Errorf("private ones: %q", got)
		}
		if got := names(t, w, alice, "/api/v1/users/me/videos?sort=-createdAt&search=unfin"); !slices.Equal(got, []string{"Unfinished"}) {
			t.Errorf("own: %q", got)
		}
		for path, want := range map[string]int{
			"videos?include=1": 401, "videos?privacyOneOf=3": 401, "videos?stateOneOf=2": 401, "videos?privacyOneOf=1": 200,
			"videos?sort=password": 400, "videos?sort=v.id%3B--": 400, "videos?count=101": 400, "videos?start=-1": 400,
			"videos?categoryOneOf=x": 400, "videos?isLocal=perhaps": 400, "videos?nsfw=perhaps": 400, "search/videos?startDate=now": 400,
			"search/videos?durationMin=-1": 400, "search/videos?uuids=1": 400, "search/videos?uuids=no": 400, "search/videos?search=x&searchTarget=everywhere": 400, "accounts/nobody/videos": 404,
			"video-channels/nobody/videos": 404, "videos?tagsOneOf=" + strings.Repeat("&tagsOneOf=a", 60): 400,
		} {
			if a := w.Do(bob, "GET", "/api/v1/"+path, nil); a.Status != want {
				t.Errorf("%s: %d, want %d", path, a.Status, want)
			}
		}
	})
}

func TestListHidesSensitive(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	w.HideNSFW = true
	alice := w.User("alice", rest.RoleUser)
	w.Video(alice, "Loud", func(n *catalog.NewVideo) { n.Attributes.NSFW = true })
	for path, want := range map[string]int{"videos": 0, "videos?nsfw=true": 1, "videos?nsfw=both": 1, "users/me/videos": 1} {
		if got := names(t, w, alice, "/api/v1/"+path); len(got) != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}

// seed fills the database with n published videos of one channel, quickly.
func seed(w *catalogtest.World, u *catalogtest.User, n int) {
	w.T.Helper()
	w.Tx(func(tx *db.Tx) error {
		at := "datetime('2026-01-01', '+' || (n * 7919 % 1000000) || ' seconds') || '+00:00'"
		uuid := "printf('00000000-0000-4000-8000-%012d', n)"
		if tx.Dialect() == db.Postgres {
			at = "TIMESTAMPTZ '2026-01-01 00:00:00Z' + (n * 7919 % 1000000) * INTERVAL '1 second'"
			uuid = "'00000000-0000-4000-8000-' || lpad(n::text, 12, '0')"
		}
		err := tx.Exec(`INSERT INTO videos (uuid, iri, channel_id, local, listed, name, description, privacy, state, views, likes, duration,
 files_size, published_at, created_at, updated_at)
WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ?)
SELECT `+uuid+`, ? || '/videos/watch/' || `+uuid+`, ?, n % 3 <> 0, TRUE, 'Video ' || (n * 7919 % 100000), 'Some words about it',
 CASE WHEN n % 10 = 0 THEN 3 ELSE 1 END, 1, n * 31 % 5000, n * 17 % 300, n % 3600, CASE WHEN n % 3 <> 0 THEN n * 31 % 40 END, `+at+", "+at+", "+at+" FROM s",
			n, catalogtest.Origin, u.ChannelID).Error
		if err != nil {
			return err
		}
		return tx.Exec("INSERT INTO thumbnails (video_id, miniature, preview) SELECT id, uuid || '-1.jpg', uuid || '-2.jpg' FROM videos").Error
	})
	w.Tx(func(tx *db.Tx) error { return tx.Exec("ANALYZE").Error })
}

// BenchmarkList is GET /videos?count=15 of 50 videos at concurrency 16, in
// process.
func BenchmarkList(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{
		"sqlite":   func(t testing.TB) *db.DB { return dbtest.SQLite(t) },
		"postgres": func(t testing.TB) *db.DB { return dbtest.Postgres(t) },
	} {
		b.Run(name, func(b *testing.B) {
			w := catalogtest.New(b, open(b))
			seed(w, w.User("alice", rest.RoleUser), 55)
			h := w.Handler()
			const workers = 16
			took := make([]time.Duration, b.N)
			next := make(chan int, workers)
			var wg sync.WaitGroup
			b.ResetTimer()
			for range workers {
				wg.Go(func() {
					for i := range next {
						began := time.Now()
						rec := httptest.NewRecorder()
						h.ServeHTTP(rec, httptest.NewRequest("GET", "/api/v1/videos?count=15", nil))
						if rec.Code != 200 {
							panic(fmt.Sprint(rec.Code, rec.Body))
						}
						took[i] = time.Since(began)
					}
				})
			}
			for i := range b.N {
				next <- i
			}
			close(next)
			wg.Wait()
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
			b.ReportMetric(float64(took[b.N*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
