package federation

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/chapter"
	"github.com/kinemesh/kinemesh/web/rest"
)

func (s *site) chapters(iri string) []string {
	s.t.Helper()
	v := s.find(iri)
	if v == nil {
		return nil
	}
	rows, err := chapter.Of(s.DB.Read(s.t.Context()), v)
	if err != nil {
		s.t.Fatal(err)
	}
	out := []string{}
	for _, r := range rows {
		out = append(out, r.Title)
	}
	return out
}

// TestPartsCross lets chapters, captions and a storyboard of one instance show
// on another, and their changes.
func TestPartsCross(t *testing.T) {
	pair(t, func(t *testing.T, a, b *site) {
		alice := a.owner("alice")
		b.fed.partsAfter, a.fed.partsAfter = 0, 0
		b.follow(a.Instance().IRI)
		v := a.publish(alice, "In parts", func(n *catalog.NewVideo) { n.Attributes.Description = "0:00 Start\n0:09 End" })
		aptest.Eventually(t, "the chapters of the description", func() bool { return strings.Join(b.chapters(v.IRI), "|") == "Start|End" })

		caption := &catalog.Caption{Language: "fr", Filename: catalog.CaptionName("fr"), Stored: true}
		a.tx(func(tx *db.Tx) error { return a.catalog.SetCaption(tx, v, caption) })
		a.tx(func(tx *db.Tx) error {
			return a.catalog.SetStoryboard(tx, v, &catalog.Storyboard{Filename: "b.jpg", Stored: true, TotalWidth: 384, TotalHeight: 108, SpriteWidth: 192, SpriteHeight: 108, SpriteDuration: 10})
		})
		a.tx(func(tx *db.Tx) error {
			fresh, err := catalog.Lock(tx, v.ID)
			if err == nil {
				err = chapter.Set(tx, v.ID, []chapter.Chapter{{Timecode: 5, Title: "Other"}})
			}
			if err != nil {
				return err
			}
			return a.catalog.Changed(tx, fresh)
		})
		media := func() *catalog.Media {
			m, err := b.catalog.Media(t.Context(), b.reload(v.IRI).ID)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		aptest.Eventually(t, "the caption", func() bool { m := media(); return len(m.Captions) == 1 && m.Storyboard != nil })
		m := media()
		if c := m.Captions[0]; c.Language != "fr" || c.Stored || c.RemoteURL != a.Origin+caption.Path() {
			t.Errorf("caption there: %+v", c)
		}
		if s := m.Storyboard; s.TotalWidth != 384 || s.SpriteDuration != 10 || s.RemoteURL != a.Origin+"/lazy-static/storyboards/b.jpg" {
			t.Errorf("storyboard there: %+v", s)
		}
		aptest.Eventually(t, "the other chapters", func() bool { return strings.Join(b.chapters(v.IRI), "|") == "Other" })
		a.tx(func(tx *db.Tx) error { return a.catalog.DropCaption(tx, v, "fr") })
		aptest.Eventually(t, "the caption to be gone", func() bool { return len(media().Captions) == 0 })
	})
}

// TestChaptersOfStrangers: chapters that lie elsewhere refuse the video, ones
// that call themselves otherwise or are none are not taken (SEC-10, SEC-12).
func TestChaptersOfStrangers(t *testing.T) {
	s, f := serve(t, dbtest.SQLite(t)), newFar(t)
	s.fed.partsAfter = 0
	parts := f.doc["hasParts"].(string)
	f.Serve(parts, m{"id": parts, "hasPart": []any{m{"name": "Theirs", "startOffset": 0, "endOffset": 5}}})
	if err := s.fed.Ingest(t.Context(), object(t, marshal(t, f.doc))); err != nil {
		t.Fatal(err)
	}
	aptest.Eventually(t, "the chapters", func() bool { return strings.Join(s.chapters(f.iri), "|") == "Theirs" })
	f.Serve(parts, m{"id": f.Origin + "/other", "hasPart": []any{m{"name": "Not theirs", "startOffset": 0, "endOffset": 5}}})
	later := f.with(m{"updated": "2027-01-01T00:00:00Z"})
	if err := s.fed.Ingest(t.Context(), object(t, marshal(t, later))); err != nil {
		t.Fatal(err)
	}
	jobstest.Drain(t, s.DB)
	if got := strings.Join(s.chapters(f.iri), "|"); got != "Theirs" {
		t.Errorf("chapters of another name: %s", got)
	}
	elsewhere := f.with(m{"hasParts": "https://elsewhere.example/chapters"})
	if err := s.fed.Ingest(t.Context(), object(t, marshal(t, elsewhere))); err == nil {
		t.Error("chapters on another host were taken")
	}
}

// TestStaleIsRefreshed opens remote videos: a fresh copy is left alone, a stale
// one is fetched again, one whose origin says 404 or 410 goes, and one whose
// server is away stays (PT federation 6).
func TestStaleIsRefreshed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, c := range map[string]struct {
			age    time.Duration
			answer int
			want   string // name of the video, "" when it is gone
		}{
			"fresh":     {time.Hour, 200, "Test pattern 720p (updated)"},
			"stale":     {72 * time.Hour, 200, "Renamed"},
			"gone":      {72 * time.Hour, 410, ""},
			"not found": {72 * time.Hour, 404, ""},
			"away":      {72 * time.Hour, 503, "Test pattern 720p (updated)"},
		} {
			t.Run(name, func(t *testing.T) {
				s, f := serve(t, dbtest.SQLite(t)), newFar(t)
				if d.Dialect() == db.Postgres {
					s = serve(t, dbtest.Postgres(t))
				}
				if err := s.fed.Ingest(t.Context(), object(t, marshal(t, f.doc))); err != nil {
					t.Fatal(err)
				}
				jobstest.Drain(t, s.DB)
				v := s.reload(f.iri)
				if c.answer == 200 {
					f.Serve(f.iri, f.with(m{"name": "Renamed", "updated": "2027-01-01T00:00:00Z"}))
				} else {
					f.Handle(strings.TrimPrefix(f.iri, f.Origin), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.answer) })
				}
				s.tx(func(tx *db.Tx) error {
					return tx.Exec("UPDATE videos SET fetched_at = ? WHERE id = ?", db.Now().Add(-c.age), v.ID).Error
				})
				for range 3 { // many look, once is asked
					if _, err := s.catalog.Find(t.Context(), &rest.Principal{Role: rest.RoleAdmin}, v.UUID); err != nil && c.want != "" {
						t.Fatal(err)
					}
				}
				if n := s.Count("jobs", "kind = 'activitypub.refresh'"); n > 1 || (n == 1) != (c.age > 48*time.Hour) {
					t.Errorf("%d jobs", n)
				}
				if c.answer == 503 {
					return // the job tries again for a while; the copy is here meanwhile
				}
				aptest.Eventually(t, "the answer", func() bool {
					v := s.find(f.iri)
					return (v == nil && c.want == "") || (v != nil && v.Name == c.want)
				})
			})
		}
	})
}

func marshal(t *testing.T, doc map[string]any) []byte {
	t.Helper()
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
