package stats_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/stats"
	"github.com/kinemesh/kinemesh/web/rest"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

type world struct {
	*catalogtest.World
	alice, bob, mod *catalogtest.User
	v               *catalog.Video
	n               int
}

// newWorld has a video of 20 seconds, published at noon; it is 12:05 now.
func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{World: catalogtest.New(t, d)}
	w.Routes = stats.New(d, w.Catalog, func() time.Time { return noon.Add(5 * time.Minute) }).Routes
	w.alice, w.bob, w.mod = w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("mod", rest.RoleModerator)
	w.v = w.Video(w.alice, "Watched")
	w.Tx(func(tx *db.Tx) error {
		return tx.Exec("UPDATE videos SET created_at = ? WHERE id = ?", noon, w.v.ID).Error
	})
	return w
}

// viewer writes down somebody who watched from a time on.
func (w *world) viewer(from time.Time, stays time.Duration, seconds int, sections string, more ...string) {
	w.T.Helper()
	w.n++
	about := append(more, "", "", "")
	w.Tx(func(tx *db.Tx) error {
		return tx.Table("watch_actions").Create(map[string]any{
			"uuid": fmt.Sprint(w.n), "iri": fmt.Sprint("https://videos.example/w/", w.n), "video_id": w.v.ID, "local": true, "watch_time": seconds,
			"sections": sections, "country": about[0], "client": about[1], "device": about[2], "started_at": from, "ended_at": from.Add(stays),
		}).Error
	})
}

func (w *world) get(path string) map[string]any {
	w.T.Helper()
	a := w.Do(w.alice, "GET", "/api/v1/videos/"+w.v.UUID+"/stats/"+path, nil)
	if a.Status != 200 {
		w.T.Fatalf("%s: %d %s", path, a.Status, a.Body)
	}
	return a.JSON(w.T)
}

func TestAudience(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		// PeerTube's answers for a video that nobody has watched.
		if got := fmt.Sprint(w.get("overall")); got != "map[averageWatchTime:0 countries:[] subdivisions:[] totalViewers:0 totalWatchTime:0 viewersPeak:0 viewersPeakDate:<nil>]" {
			t.Errorf("nobody: %s", got)
		}
		w.viewer(noon, 30*time.Second, 20, "[[0,20]]", "FR", "Firefox", "desktop")
		w.viewer(noon.Add(10*time.Second), 40*time.Second, 10, "[[0,5],[2,10]]", "DE", "Firefox", "mobile")
		w.viewer(noon.Add(20*time.Second), 5*time.Second, 5, "[[0,5]]", "FR", "Chrome", "desktop")
		w.viewer(noon.Add(3*time.Minute), 70*time.Second, 10, "[[10,20]]", "", "", "")
		all := w.get("overall")
		for name, want := range map[string]any{
			"totalWatchTime": 45.0, "averageWatchTime": 11.25, "totalViewers": 4.0, "viewersPeak": 3.0, "viewersPeakDate": "2026-05-04T12:00:20.000Z",
			"countries": []any{map[string]any{"isoCode": "FR", "viewers": 2.0}, map[string]any{"isoCode": "DE", "viewers": 1.0}},
		} {
			if fmt.Sprint(all[name]) != fmt.Sprint(want) {
				t.Errorf("%s = %v, want %v", name, all[name], want)
			}
		}
		if later := w.get("overall?startDate=2026-05-04T12:01:00Z&endDate=2026-05-04T13:00:00Z"); later["totalViewers"] != 1.0 || later["viewersPeak"] != 1.0 {
			t.Errorf("of a range: %v", later)
		}
		curve := w.get("retention")["data"].([]any)
		if len(curve) != 21 {
			t.Fatalf("%d points", len(curve))
		}
		for second, want := range map[int]float64{0: 75, 5: 75, 6: 50, 10: 75, 11: 50, 20: 50} {
			if p := curve[second].(map[string]any); p["second"] != float64(second) || p["retentionPercent"] != want {
				t.Errorf("second %d: %v, want %v", second, p, want)
			}
		}
		series := w.get("timeseries/viewers")
		if got := fmt.Sprint(series["groupInterval"], values(series)); got != "1 minute[3 0 0 1 1 0]" {
			t.Errorf("viewers by minute: %s", got)
		}
		if got := fmt.Sprint(values(w.get("timeseries/aggregateWatchTime"))); got != "[35 0 0 10 0 0]" {
			t.Errorf("watch time by minute: %s", got)
		}
		days := w.get("timeseries/viewers?startDate=2026-05-01T00:00:00Z&endDate=2026-05-30T00:00:00Z")
		if days["groupInterval"] != "1 day" || len(values(days)) != 30 || values(days)[3] != 4.0 {
			t.Errorf("viewers by day: %v %v", days["groupInterval"], values(days))
		}
		agents := w.get("user-agent")
		if got := fmt.Sprint(agents["clients"], agents["devices"], agents["operatingSystem"]); got !=
			"[map[name:Firefox viewers:2] map[name:Chrome viewers:1]] [map[name:desktop viewers:2] map[name:mobile viewers:1]] []" {
			t.Errorf("agents: %s", got)
		}
	})
}

func values(series map[string]any) (out []any) {
	for _, p := range series["data"].([]any) {
		out = append(out, p.(map[string]any)["value"])
	}
	return out
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	path := "/api/v1/videos/" + w.v.UUID + "/stats/"
	for _, c := range []struct {
		name   string
		user   *catalogtest.User
		path   string
		status int
	}{
		{"nobody", nil, path + "overall", 401},
		{"another user", w.bob, path + "overall", 403},
		{"another user's curve", w.bob, path + "retention", 403},
		{"another user's series", w.bob, path + "timeseries/viewers", 403},
		{"another user's agents", w.bob, path + "user-agent", 403},
		{"a moderator", w.mod, path + "overall", 200},
		{"no video", w.alice, "/api/v1/videos/999999/stats/overall", 404},
		{"no date", w.alice, path + "overall?startDate=yesterday", 400},
		{"the wrong way round", w.alice, path + "overall?startDate=2026-05-05&endDate=2026-05-04", 400},
		{"too long", w.alice, path + "timeseries/viewers?startDate=0001-01-02&endDate=2026-05-04", 400},
		{"one end of a series", w.alice, path + "timeseries/viewers?startDate=2026-05-04", 400},
		{"no metric", w.alice, path + "timeseries/clicks", 400},
	} {
		if a := w.Do(c.user, "GET", c.path, nil); a.Status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
		}
	}
}
