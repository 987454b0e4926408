package history_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/history"
	"github.com/kinemesh/kinemesh/web/rest"
)

type site struct {
	*catalogtest.World
	history *history.Service
	maxAge  time.Duration
}

func open(t *testing.T, d *db.DB) *site {
	t.Helper()
	s := &site{World: catalogtest.New(t, d)}
	s.history = history.New(history.Options{
		DB: d, Catalog: s.Catalog, Listing: s.Listing, MaxAge: func() time.Duration { return s.maxAge },
	})
	s.Routes = s.history.Module().Routes
	return s
}

func (s *site) watch(u *catalogtest.User, v *catalog.Video, at float64) {
	s.T.Helper()
	if err := s.history.Note(context.Background(), u.ID, v.ID, at); err != nil {
		s.T.Fatal(err)
	}
}

// names are the videos of a list, each with where the viewer stopped.
func (s *site) names(u *catalogtest.User, path string) []string {
	s.T.Helper()
	a := s.Do(u, "GET", "/api/v1"+path, nil)
	if a.Status != 200 {
		s.T.Fatalf("GET %s: %d %s", path, a.Status, a.Body)
	}
	body := a.JSON(s.T)
	out := []string{}
	for _, v := range body["data"].([]any) {
		v := v.(map[string]any)
		at := any("")
		if h, ok := v["userHistory"].(map[string]any); ok {
			at = h["currentTime"]
		}
		out = append(out, fmt.Sprint(v["name"], at))
	}
	return out
}

func TestHistory(t *testing.T) { dbtest.Each(t, testHistory) }

// TestHistoryOfMany: where many videos are, a user sees at once what changed.
func TestHistoryOfMany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		number := "INSERT INTO sqlite_sequence (name, seq) VALUES ('videos', 20000)"
		if d.Dialect() == db.Postgres {
			number = "SELECT setval(pg_get_serial_sequence('videos', 'id'), 20000)"
		}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec(number).Error }); err != nil {
			t.Fatal(err)
		}
		testHistory(t, d)
	})
}

func testHistory(t *testing.T, d *db.DB) {
	t.Helper()
	s := open(t, d)
	alice, bob := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser)
	cats, dogs, birds := s.Video(alice, "Cats"), s.Video(alice, "Dogs"), s.Video(alice, "Birds")
	s.watch(bob, cats, 1)
	s.watch(bob, dogs, 2.9)
	s.watch(bob, birds, 3)
	s.watch(bob, cats, 17) // again, and further
	s.watch(alice, dogs, 5)
	const list = "/users/me/history/videos"
	hides := false // somebody: of many, the number may be older
	is := func(path string, want ...string) {
		t.Helper()
		if got := s.names(bob, path); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
		total := s.Do(bob, "GET", "/api/v1"+path, nil).JSON(t)["total"]
		if path == list && total != float64(len(want)) && !(hides && total == float64(len(want)+1)) {
			t.Errorf("%s: %v in all, want %d", path, total, len(want))
		}
	}
	is(list, "Cats17", "Birds3", "Dogs2")
	is(list+"?count=1&start=1", "Birds3")
	is(list+"?sort=updatedAt", "Dogs2", "Birds3", "Cats17")
	is(list+"?search=dog", "Dogs2")
	is(list + "?search=%25")
	is("/videos?sort=name", "Birds3", "Cats17", "Dogs2")
	is("/videos?excludeAlreadyWatched=true")
	if got := s.Do(bob, "GET", "/api/v1/videos/"+cats.UUID, nil).JSON(t)["userHistory"].(map[string]any)["currentTime"]; got != 17.0 {
		t.Errorf("the video goes on at %v, want 17", got)
	}
	for _, u := range []*catalogtest.User{nil, alice} {
		if v := s.Do(u, "GET", "/api/v1/videos/"+cats.UUID, nil).JSON(t); v["userHistory"] != nil {
			t.Errorf("%v is told of bob's history: %v", u.Principal(), v["userHistory"])
		}
	}

	// What one may not see any more is in no history.
	s.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET privacy = 3 WHERE id = ?", birds.ID).Error })
	hides = true
	is(list, "Cats17", "Dogs2")
	s.watch(bob, dogs, 2)
	hides = false
	is(list, "Dogs2", "Cats17")
	s.watch(bob, cats, 17)
	is(list, "Cats17", "Dogs2")
	s.watch(alice, birds, 4)
	if got := s.names(alice, list); !slices.Equal(got, []string{"Birds4", "Dogs5"}) {
		t.Errorf("the owner's history: %q", got)
	}

	for _, c := range []struct {
		who          *catalogtest.User
		method, path string
		body         any
		want         int
		left         []string
	}{
		{nil, "GET", "", nil, 401, []string{"Cats17", "Dogs2"}},
		{nil, "POST", "/remove", map[string]any{}, 401, []string{"Cats17", "Dogs2"}},
		{nil, "DELETE", "/" + cats.UUID, nil, 401, []string{"Cats17", "Dogs2"}},
		{bob, "DELETE", "/x", nil, 400, []string{"Cats17", "Dogs2"}},
		{bob, "GET", "?sort=name", nil, 400, []string{"Cats17", "Dogs2"}},
		{bob, "GET", "?search=%00", nil, 400, []string{"Cats17", "Dogs2"}},
		{bob, "POST", "/remove", map[string]any{"beforeDate": "yesterday"}, 400, []string{"Cats17", "Dogs2"}},
		{bob, "POST", "/remove", map[string]any{"beforeDate": 7}, 400, []string{"Cats17", "Dogs2"}},
		{bob, "POST", "/remove", map[string]any{"beforeDate": "2020-01-01T00:00:00Z"}, 204, []string{"Cats17", "Dogs2"}},
		{bob, "DELETE", "/99999", nil, 204, []string{"Cats17", "Dogs2"}},
		{bob, "DELETE", "/" + cats.UUID, nil, 204, []string{"Dogs2"}},
		{bob, "DELETE", "/" + cats.UUID, nil, 204, []string{"Dogs2"}},
		{bob, "POST", "/remove", nil, 204, nil},
	} {
		if a := s.Do(c.who, c.method, "/api/v1"+list+c.path, c.body); a.Status != c.want {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, a.Status, a.Body, c.want)
		}
		is(list, c.left...)
	}
	if got := s.names(alice, list); len(got) != 2 {
		t.Errorf("alice's history is %q after bob forgot his", got)
	}
}

// TestNoHistory: nothing is kept of who does not want it.
func TestNoHistory(t *testing.T) {
	s := open(t, dbtest.SQLite(t))
	alice := s.User("alice", rest.RoleUser)
	s.history.Wanted = func(_ context.Context, userID int64) (bool, error) { return userID != alice.ID, nil }
	s.watch(alice, s.Video(alice, "Cats"), 5)
	if got := s.names(alice, "/users/me/history/videos"); len(got) != 0 {
		t.Errorf("history %q, want none", got)
	}
}

// TestMaxAge: what is older than the settings allow is removed, when they set an
// end.
func TestMaxAge(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		alice := s.User("alice", rest.RoleUser)
		s.watch(alice, s.Video(alice, "Old"), 5)
		s.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE watch_history SET updated_at = ?", db.Now().AddDate(0, 0, -40)).Error
		})
		s.watch(alice, s.Video(alice, "New"), 5)
		for _, c := range []struct {
			age  time.Duration
			want string
		}{{-time.Millisecond, "New5 Old5"}, {50 * 24 * time.Hour, "New5 Old5"}, {30 * 24 * time.Hour, "New5"}} {
			s.maxAge = c.age
			for _, j := range s.history.Module().Jobs {
				if err := j.Work(t.Context(), []byte("{}")); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(s.names(alice, "/users/me/history/videos"), " "); got != c.want {
				t.Errorf("with an age of %v: %q, want %q", c.age, got, c.want)
			}
		}
	})
}
