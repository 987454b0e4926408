package view_test

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// TestViews: what counts of others' Views, and for whom.
func TestViews(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		origin, other := aptest.New(t), aptest.New(t)
		byOrigin, byOther := application(origin), application(other)
		ours := s.video("Ours")
		theirs := s.remoteVideo(origin, "theirs")
		unlisted := s.video("Unlisted", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Unlisted })
		hidden := map[string]*catalog.Video{}
		for name, p := range map[string]catalog.Privacy{"private": catalog.Private, "internal": catalog.Internal, "password": catalog.Password} {
			hidden[name] = s.video(name, func(n *catalog.NewVideo) { n.Attributes.Privacy = p })
		}
		later := time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
		for _, doc := range []m{
			aView(byOther, ours.IRI, "a", nil),
			aView(byOther, ours.IRI, "b", nil),
			aView(byOther, ours.IRI, "a", nil),                                         // the same view once more
			aView(byOther, ours.IRI, "c", m{"result": counter(1000)}),                  // SEC-17: one view, whatever it says
			aView(byOther, ours.IRI, "d", m{"expires": later}),                         // a viewer
			aView(byOther, ours.IRI, "e", m{"expires": later}),                         // another one
			aView(byOther, ours.IRI, "e", m{"expires": later}),                         // still there
			aView(byOther, ours.IRI, "f", m{"expires": later, "result": counter(500)}), // SEC-17: one viewer
			aView(byOther, ours.IRI, "g", m{"expires": "2020-01-01T00:00:00Z"}),
			aView(byOther, unlisted.IRI, "a", nil),
			aView(byOther, hidden["private"].IRI, "a", nil), // SEC-18
			aView(byOther, hidden["internal"].IRI, "a", m{"expires": later}),
			aView(byOther, hidden["password"].IRI, "a", nil),
			aView(byOther, theirs.IRI, "a", nil), // counts for our trends alone
		} {
			s.post(byOther, doc)
		}
		s.post(byOrigin, aView(byOrigin, theirs.IRI, "viewers", m{"expires": later, "result": counter(7)}))
		s.post(byOrigin, aView(byOrigin, theirs.IRI, "viewers", m{"expires": later, "result": counter(9)}))
		s.post(byOrigin, aView(byOrigin, theirs.IRI, "v", m{"result": counter(40)}))
		s.process()
		if err := s.view.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name                string
			v                   *catalog.Video
			views, hour, viewer int64
		}{
			{"ours", ours, 3, 3, 3},
			{"unlisted", unlisted, 1, 1, 0},
			{"theirs", theirs, 0, 41, 9},
			{"private", hidden["private"], 0, 0, 0},
			{"internal", hidden["internal"], 0, 0, 0},
			{"password", hidden["password"], 0, 0, 0},
		} {
			if got := s.reload(c.v.ID).Views; got != c.views {
				t.Errorf("%s: %d views, want %d", c.name, got, c.views)
			}
			if got := s.hour(c.v.ID); got != c.hour {
				t.Errorf("%s: %d views in the hour, want %d", c.name, got, c.hour)
			}
			if got := s.view.Viewers(c.v.ID); got != c.viewer {
				t.Errorf("%s: %d viewers, want %d", c.name, got, c.viewer)
			}
		}
		if n := s.Count("inbox", "type = 'View' AND state <> 'done'"); n != 0 {
			t.Errorf("%d Views are not done", n)
		}
		if n := s.Count("inbox", "raw <> ''"); n != 0 {
			t.Errorf("%d bodies are kept", n)
		}
		s.clock.add(2 * time.Hour)
		s.post(byOther, aView(byOther, ours.IRI, "a", m{"summary": "another time"}))
		s.process()
		if got := s.reload(ours.ID).Views; got != 4 {
			t.Errorf("%d views after a while, want 4", got)
		}
	})
}

func (s *site) hour(id int64) (n int64) {
	s.t.Helper()
	err := s.DB.Read(s.t.Context()).Raw("SELECT COALESCE(SUM(views), 0) FROM video_views WHERE video_id = ?", id).Scan(&n).Error
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// TestReplayedView: the same request, byte for byte, counts once (SEC-07).
func TestReplayedView(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		by := application(aptest.New(t))
		v := s.video("Ours")
		req := by.Request(s.Origin+"/inbox", aView(by, v.IRI, "a", nil))
		body, err := req.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		again := req.Clone(t.Context())
		again.Body = body
		for range 2 {
			if got := aptest.Send(t, req); got != 204 {
				t.Fatalf("answered %d", got)
			}
			s.process()
			s.clock.add(3 * time.Hour) // else the name of the View alone would do
			req = again
		}
		if got := s.reload(v.ID).Views; got != 1 {
			t.Errorf("%d views", got)
		}
	})
}

// TestUnknownVideo: a View of a video that is not here lets its origin tell of
// it; what the View brings along proves nothing (SEC-17).
func TestUnknownVideo(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r, liar := aptest.New(t), aptest.New(t)
		by, byLiar := application(r), application(liar)
		r.ServeStatus("/videos/watch/gone", 404)
		s.post(by, aView(by, r.Origin+"/videos/watch/gone", "a", nil))
		s.post(byLiar, aView(byLiar, "", "b", m{"object": m{"type": "Video", "id": r.Origin + "/videos/watch/gone", "name": "forged"}}))
		s.post(by, aView(by, s.Origin+"/videos/watch/00000000-0000-4000-8000-000000000000", "c", nil))
		s.process()
		if n := s.Count("videos", ""); n != 0 {
			t.Errorf("%d videos", n)
		}
		if n := s.Count("inbox", "state = 'dropped'"); n != 3 {
			t.Errorf("%d of 3 Views dropped", n)
		}
		if r.Fetches("/videos/watch/gone") == 0 {
			t.Error("the origin was not asked")
		}
	})
}

// TestDownloads counts downloads of our videos.
func TestDownloads(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		by := application(r)
		ours, theirs := s.video("Ours"), s.remoteVideo(r, "theirs")
		private := s.video("Private", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		for i, object := range []string{ours.IRI, ours.IRI, theirs.IRI, private.IRI} {
			doc := aView(by, object, string(rune('a'+i)), m{"type": "Download"})
			s.post(by, doc)
		}
		s.process()
		for v, want := range map[*catalog.Video]int64{ours: 2, theirs: 0, private: 0} {
			if got := s.reload(v.ID); got.Downloads != want || got.Views != 0 {
				t.Errorf("%s: %d downloads, %d views, want %d, 0", v.Name, got.Downloads, got.Views, want)
			}
		}
	})
}

// recorded reads a recorded request, its two hosts replaced by those of a test.
func recorded(t *testing.T, name, here, there string) m {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("http://localhost:9011", here, "http://localhost:9012", there).Replace(string(raw))
	var doc m
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	delete(doc, "signature")
	return doc
}

// TestRecorded takes what a PeerTube 6.3 sent.
func TestRecorded(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		by := application(r)
		by.IRI, by.KeyID = r.Origin+"/accounts/peertube", r.Origin+"/accounts/peertube"
		by.Doc["id"], by.Doc["publicKey"] = by.IRI, m{"id": by.IRI + "#main-key", "owner": by.IRI, "publicKeyPem": by.PEM()}
		by.Publish()
		v := s.video("Recorded")
		s.exec("UPDATE videos SET iri = ? WHERE id = ?", s.Origin+"/videos/watch/c3b47eec-2d62-4cac-86cb-104daedde723", v.ID)
		s.clock.at = time.Date(2026, 11, 23, 20, 38, 0, 0, time.UTC)
		for _, name := range []string{"View-by-instance-of-video-view", "View-by-instance-of-video-viewer", "View-by-instance-of-video-v2-counter", "Create-WatchAction-by-instance"} {
			s.post(by, recorded(t, name, s.Origin, r.Origin))
		}
		s.process()
		if got := s.reload(v.ID).Views; got != 1 {
			t.Errorf("%d views", got)
		}
		if n := s.Count("video_viewers", "viewers = 1 AND NOT total"); n != 1 { // both forms name the same viewer
			t.Errorf("%d viewers", n)
		}
		if n := s.Count("watch_actions", "watch_time = 15 AND sections = '[[0,6],[0,9]]' AND NOT local AND uuid = 'cab6455c-9ba9-4f62-9db4-d89349c1f002'"); n != 1 {
			t.Errorf("%d WatchActions", n)
		}
		if n := s.Count("inbox", "state <> 'done'"); n != 0 {
			t.Errorf("%d activities are not done", n)
		}
	})
}

// TestWatchActions: which documents are kept.
func TestWatchActions(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		by := application(r)
		ours, theirs := s.video("Ours"), s.remoteVideo(r, "theirs")
		private := s.video("Private", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		for _, c := range []struct {
			name   string
			change m
			kept   bool
		}{
			{"whole", nil, true},
			{"with a place", m{"location": m{"addressCountry": "FR", "addressRegion": "Bretagne"}}, true},
			{"no section", m{"watchSections": []m{}}, true},
			{"of another server's video", m{"object": theirs.IRI}, false},
			{"of a private video", m{"object": private.IRI}, false}, // SEC-18
			{"of no video", m{"object": s.Origin + "/videos/watch/nothing"}, false},
			{"uuid", m{"uuid": "1"}, false},
			{"duration", m{"duration": "PT1M"}, false},
			{"long", m{"duration": "PT999999999S"}, false},
			{"status", m{"actionStatus": "ActiveActionStatus"}, false},
			{"times", m{"endTime": "2020-01-01T00:00:00Z"}, false},
			{"no time", m{"startTime": 5}, false},
			{"section", m{"watchSections": []m{{"startTimestamp": 5, "endTimestamp": 1}}}, false},
			{"section of text", m{"watchSections": []m{{"startTimestamp": "a", "endTimestamp": 1}}}, false},
			{"sections", m{"watchSections": make([]m, 600)}, true}, // empty ones are no sections
		} {
			s.exec("DELETE FROM watch_actions")
			doc := m{
				"type": "WatchAction", "id": r.Origin + "/videos/local-viewer/" + strings.ReplaceAll(c.name, " ", "-"), "duration": "PT15S",
				"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:01:00Z", "object": ours.IRI,
				"uuid": "cab6455c-9ba9-4f62-9db4-d89349c1f002", "actionStatus": "CompletedActionStatus",
				"watchSections": []m{{"startTimestamp": 0, "endTimestamp": 15}},
			}
			maps.Copy(doc, c.change)
			s.post(by, by.Activity("Create", doc, nil))
			s.process()
			if got := s.Count("watch_actions", "") == 1; got != c.kept {
				t.Errorf("%s: kept %v, want %v", c.name, got, c.kept)
			}
		}
	})
}
