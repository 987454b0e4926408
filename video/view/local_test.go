package view_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/view"
)

// watch plays a video from one time to another, a beat every five seconds.
func (s *site) watch(v *catalog.Video, viewer string, from, to float64) {
	s.t.Helper()
	for at := from; ; at += 5 {
		if err := s.view.Watch(context.Background(), v, view.Beat{At: min(at, to), Seek: at == from, Viewer: viewer, From: viewer}); err != nil {
			s.t.Fatal(err)
		}
		if at >= to {
			return
		}
		s.clock.add(5 * time.Second)
	}
}

// TestWatched: what makes a view (REST 9).
func TestWatched(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		long := func(n *catalog.NewVideo) { n.Duration = 600 }
		for _, c := range []struct {
			name   string
			change func(*catalog.NewVideo)
			play   func(v *catalog.Video)
			views  int64
		}{
			{"ten seconds", long, func(v *catalog.Video) { s.watch(v, "a", 0, 10) }, 1},
			{"less", long, func(v *catalog.Video) { s.watch(v, "a", 0, 9) }, 0},
			{"in two parts", long, func(v *catalog.Video) { s.watch(v, "a", 0, 6); s.watch(v, "a", 100, 105) }, 1},
			{"a jump is not watched", long, func(v *catalog.Video) { s.watch(v, "a", 0, 5); s.watch(v, "a", 500, 501) }, 0},
			{"a jump that is not told", long, func(v *catalog.Video) {
				for _, at := range []float64{0, 300, 0, 599} {
					if err := s.view.Watch(t.Context(), v, view.Beat{At: at, Viewer: "a", From: "a"}); err != nil {
						t.Fatal(err)
					}
				}
			}, 0},
			{"half of a short one", func(n *catalog.NewVideo) { n.Duration = 6 }, func(v *catalog.Video) { s.watch(v, "a", 0, 3) }, 1},
			{"once for each viewer", long, func(v *catalog.Video) { s.watch(v, "a", 0, 60); s.watch(v, "b", 0, 60) }, 2},
			{"once in a life", long, func(v *catalog.Video) {
				s.watch(v, "a", 0, 20)
				s.clock.add(10 * time.Minute)
				s.flush()
				s.watch(v, "a", 0, 20)
			}, 1},
			{"again in another life", long, func(v *catalog.Video) {
				s.watch(v, "a", 0, 20)
				s.clock.add(2 * time.Hour)
				s.flush()
				s.watch(v, "a", 0, 20)
			}, 2},
			{"of a private video", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private }, func(v *catalog.Video) { s.watch(v, "a", 0, 20) }, 1},
			{"not published", func(n *catalog.NewVideo) { n.Duration = 600 }, func(v *catalog.Video) {
				v.State = catalog.ToTranscode
				s.watch(v, "a", 0, 20)
			}, 0},
		} {
			v := s.video(c.name, c.change)
			c.play(v)
			if got := s.reload(v.ID).Views; got != c.views {
				t.Errorf("%s: %d views, want %d", c.name, got, c.views)
			}
			if got := s.hour(v.ID); got != c.views {
				t.Errorf("%s: %d views in the hour, want %d", c.name, got, c.views)
			}
			s.clock.add(3 * time.Hour)
			s.flush()
		}
	})
}

func (s *site) flush() {
	s.t.Helper()
	if err := s.view.Flush(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// TestOneAddress: names cost nothing, so an address is believed so often only.
func TestOneAddress(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		v := s.video("Pushed")
		for i := range 80 {
			for at := range 3 {
				b := view.Beat{At: float64(5 * at), Viewer: fmt.Sprint("session ", i), From: "192.0.2.1"}
				if err := s.view.Watch(t.Context(), v, b); err != nil {
					t.Fatal(err)
				}
				s.clock.add(5 * time.Second)
			}
		}
		if got := s.reload(v.ID).Views; got != 50 {
			t.Errorf("%d views of one address, want 50", got)
		}
	})
}

// TestAtOnce: players that report at the same time share commits, and each is
// answered after its own.
func TestAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		v := s.video("Premiere")
		const viewers = 200
		for i := range viewers {
			if err := s.view.Watch(t.Context(), v, view.Beat{Viewer: fmt.Sprint(i), From: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		s.clock.add(10 * time.Second)
		statements := count(t, s.DB)
		var wg sync.WaitGroup
		for i := range viewers {
			wg.Go(func() {
				if err := s.view.Watch(t.Context(), v, view.Beat{At: 10, Viewer: fmt.Sprint(i), From: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := s.reload(v.ID).Views; got != viewers {
			t.Errorf("%d views, want %d", got, viewers)
		}
		if n := statements(); n >= 3*viewers {
			t.Errorf("%d statements for %d views", n, viewers)
		}
		s.flush()
		if got := s.view.Viewers(v.ID); got != viewers {
			t.Errorf("%d viewers, want %d", got, viewers)
		}
		if got := s.shown(v).JSON["viewers"]; got != float64(viewers) {
			t.Errorf("the API shows %v viewers", got)
		}
		s.clock.add(2 * time.Minute)
		s.flush()
		if got := s.view.Viewers(v.ID); got != 0 {
			t.Errorf("%d viewers after all have gone", got)
		}
		if n := s.Count("watch_actions", "watch_time = 10 AND sections = '[[0,10]]' AND local"); n != viewers {
			t.Errorf("%d of %d kept what they watched", n, viewers)
		}
	})
}

func (s *site) shown(v *catalog.Video) aptest.Answer { return s.API("GET", "/videos/"+v.UUID, "") }

// TestPost: what players send.
func TestPost(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		v := s.video("Seen")
		post := func(id, body string) int { return s.API("POST", "/videos/"+id+"/views", body).Status }
		for _, at := range []string{"0", "5", "10.5"} {
			if got := post(v.UUID, `{"currentTime":`+at+`,"sessionId":"abc-1","client":"x","device":"y"}`); got != 204 {
				t.Fatalf("answered %d", got)
			}
			s.clock.add(5 * time.Second)
		}
		if got := s.reload(v.ID).Views; got != 1 {
			t.Errorf("%d views", got)
		}
		for _, method := range []string{"POST", "PUT"} {
			if got := s.API(method, "/videos/"+v.UUID+"/watching", `{"currentTime":1,"viewEvent":"seek"}`).Status; got != 204 {
				t.Errorf("%s of the old name: %d", method, got)
			}
		}
		for body, want := range map[string]int{
			`{"currentTime":"x"}`: 400, `{"currentTime":-1}`: 400, `[]`: 400, `{}`: 400, ``: 400, `{"currentTime":null}`: 400, `{"currentTime":1,"viewEvent":"stop"}`: 400,
			`{"currentTime":1,"sessionId":"a b"}`: 400, `{"currentTime":1,"sessionId":"` + strings.Repeat("a", 101) + `"}`: 400,
			`{"currentTime":` + strings.Repeat("1", 5000) + `}`: 413,
		} {
			if got := post(v.UUID, body); got != want {
				t.Errorf("%.60s: %d, want %d", body, got, want)
			}
		}
		if got := post("999", `{"currentTime":1}`); got != 404 {
			t.Errorf("no video: %d", got)
		}
	})
}

// TestTellsFollowers: one View and one Update a video and interval, however
// many have watched; and who watches now.
func TestTellsFollowers(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		s.follower(r)
		by := application(r)
		v, quiet := s.video("Watched"), s.video("Quiet")
		private := s.video("Private", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		s.exec("UPDATE videos SET federated_at = NULL WHERE id = ?", private.ID)
		for i := range 3 {
			s.watch(v, fmt.Sprint(i), 0, 10)
			s.watch(private, fmt.Sprint(i), 0, 10)
			s.post(by, aView(by, v.IRI, fmt.Sprint(i), nil))
		}
		s.post(by, aView(by, v.IRI, "w", m{"expires": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}))
		s.process()
		for range 2 {
			s.run(view.TellViewsArgs{})
		}
		got := s.sent("View")
		if len(got) != 1 || got[0]["object"] != v.IRI || got[0]["expires"] != nil {
			t.Fatalf("sent %v", got)
		}
		if n := got[0]["result"].(map[string]any)["userInteractionCount"]; n != 6.0 {
			t.Errorf("the View tells of %v views, want 6", n)
		}
		if s.changed[v.ID] != 1 || s.changed[quiet.ID] != 0 || s.changed[private.ID] != 0 {
			t.Errorf("Updates: %v", s.changed)
		}
		s.flush()
		s.run(view.TellViewersArgs{})
		got = s.sent("View")
		if len(got) != 2 || got[1]["expires"] == nil || got[1]["result"].(map[string]any)["userInteractionCount"] != 4.0 {
			t.Fatalf("who watches: %v", got[1:])
		}
		s.exec("UPDATE video_viewers SET expires_at = ?", time.Now().Add(-time.Minute).UTC())
		s.exec("UPDATE outbox SET created_at = ?", time.Now().Add(-time.Hour).UTC())
		s.run(view.TellViewersArgs{})
		if got = s.sent("View"); len(got) != 1 || s.Count("video_viewers", "") != 0 {
			t.Errorf("kept: %v, %d viewers", got, s.Count("video_viewers", ""))
		}
	})
}

// TestTellsOrigin: of another server's video its origin hears, and nobody else:
// each view, who watches, and what was watched.
func TestTellsOrigin(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		s.follower(aptest.New(t))
		v := s.remoteVideo(r, "theirs")
		for i := range 3 {
			s.watch(v, fmt.Sprint(i), 5, 15)
		}
		s.flush()
		s.run(view.TellViewersArgs{})
		s.run(view.TellViewsArgs{})
		got := s.sent("View")
		if len(got) != 4 || got[0]["id"] == got[1]["id"] {
			t.Fatalf("sent %d Views: %v", len(got), got)
		}
		for _, doc := range got {
			if to := doc["to"].([]any); len(to) != 1 || to[0] != r.Origin+"/accounts/theirs" {
				t.Errorf("to %v", to)
			}
		}
		if got[3]["result"].(map[string]any)["userInteractionCount"] != 3.0 {
			t.Errorf("who watches: %v", got[3])
		}
		if n := s.Count("deliveries", "host <> ?", r.Host); n != 0 {
			t.Errorf("%d deliveries to others", n)
		}
		if s.reload(v.ID).Views != 0 || s.hour(v.ID) != 3 {
			t.Errorf("%d views, %d in the hour", s.reload(v.ID).Views, s.hour(v.ID))
		}
		s.clock.add(2 * time.Minute)
		s.flush()
		created := s.sent("Create")
		if len(created) != 3 {
			t.Fatalf("sent %d WatchActions", len(created))
		}
		doc := created[0]["object"].(map[string]any)
		if doc["duration"] != "PT10S" || doc["object"] != v.IRI {
			t.Errorf("WatchAction %v", doc)
		}
		path := strings.TrimPrefix(doc["id"].(string), s.Origin)
		if a := s.Get(path, "application/activity+json"); a.Status != 200 || a.JSON["uuid"] != doc["uuid"] {
			t.Errorf("its document: %d %s", a.Status, a.Body)
		}
		if a := s.Get(path[:len(path)-1]+"x", "application/activity+json"); a.Status != 404 {
			t.Errorf("no document: %d", a.Status)
		}
	})
}

// TestRun: what was watched is written down when the process ends.
func TestRun(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		v := s.video("Until the end")
		s.watch(v, "a", 0, 5)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.view.Run(ctx) }()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if n := s.Count("watch_actions", "watch_time = 5"); n != 1 {
			t.Errorf("%d rows", n)
		}
		if n := s.Count("video_viewers", ""); n != 0 {
			t.Errorf("%d viewers of a process that is gone", n)
		}
	})
}
