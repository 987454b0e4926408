package view

import (
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

func TestPost(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		s := New(d, w.Catalog)
		w.Routes = s.Routes
		alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		v := w.Video(alice, "Seen")
		path := "/api/v1/videos/" + v.UUID + "/views"
		for _, who := range []*catalogtest.User{nil, nil, bob, bob, alice} { // each once
			if a := w.Do(who, "POST", path, map[string]any{"currentTime": 12.5}); a.Status != 204 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		if a := w.Do(nil, "POST", "/api/v1/videos/"+v.UUID+"/watching", map[string]any{"currentTime": 1}, "User-Agent", "another"); a.Status != 204 {
			t.Errorf("the old name: %d", a.Status)
		}
		if got := w.Reload(v.ID).Views; got != 4 {
			t.Errorf("%d views, want 4", got)
		}
		for _, bad := range []string{`{"currentTime":"x"}`, `{"currentTime":-1}`, `[]`, `{}`} {
			if a := w.Do(nil, "POST", path, strings.NewReader(bad)); a.Status != 400 {
				t.Errorf("%s: %d", bad, a.Status)
			}
		}
		hidden := w.Video(alice, "Hidden", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		for id, want := range map[string]int{hidden.UUID: 403, "999": 404} { // SEC-54
			if a := w.Do(bob, "POST", "/api/v1/videos/"+id+"/views", map[string]any{"currentTime": 1}); a.Status != want {
				t.Errorf("%s: %d, want %d", id, a.Status, want)
			}
		}
		if got := w.Reload(hidden.ID).Views; got != 0 {
			t.Errorf("%d views of a hidden video", got)
		}
		if a := w.Do(nil, "POST", path, strings.NewReader(`{"currentTime":`+strings.Repeat("1", 5000)+`}`)); a.Status != 413 {
			t.Errorf("a large body: %d", a.Status)
		}
	})
}

func TestCounter(t *testing.T) {
	c := newCounter()
	at := time.Date(2026, 1, 1, 10, 30, 0, 0, time.UTC)
	for _, s := range []struct {
		name   string
		video  int64
		viewer string
		at     time.Time
		first  bool
	}{
		{"first", 1, "a", at, true},
		{"again", 1, "a", at.Add(time.Minute), false},
		{"another viewer", 1, "b", at, true},
		{"another video", 11, "a", at, true},
		{"same digits", 1, "1 a", at, true},
		{"next hour", 1, "a", at.Add(time.Hour), true},
		{"and again", 1, "a", at.Add(time.Hour), false},
	} {
		if got := c.first(s.video, s.viewer, s.at); got != s.first {
			t.Errorf("%s: %v, want %v", s.name, got, s.first)
		}
	}
}
