package activitypub_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/followsync"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
)

// change edits a server's rows.
func change(t *testing.T, s *aptest.Server, sql string, args ...any) {
	t.Helper()
	if err := s.DB.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec(sql, args...).Error }); err != nil {
		t.Fatal(err)
	}
}

// TestFollowersRepaired: what two servers know of each other's follows comes
// apart in every way, and the next activity for the followers puts it right.
func TestFollowersRepaired(t *testing.T) {
	sets := append(migrations.All(), notesMigrations)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		a, notes := serveNotes(t, d)
		b, _ := serveNotes(t, dbtest.SQLite(t, sets...))
		bob := a.Local(actor.Group, "bob")
		followers := map[string]*actor.Actor{}
		for _, name := range []string{"stays", "lost", "asked", "stray"} {
			followers[name] = b.Local(actor.Person, name)
			if err := b.Engine.Follow(ctx, followers[name], bob.IRI); err != nil {
				t.Fatal(err)
			}
		}
		aptest.Eventually(t, "four follows", func() bool {
			return a.Count("follows", "state = 'accepted'") == 4 && b.Count("follows", "state = 'accepted'") == 4
		})
		if err := notes.publish(ctx, bob, "Create", "agreed", "everybody knows the same"); err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "first note", func() bool { return b.Count("notes", "") == 1 })
		if n := b.Count("jobs", "kind = 'activitypub.sync_followers'"); n != 0 {
			t.Errorf("%d comparisons of what is equal", n)
		}

		remote := reread(t, b, bob.IRI)
		onA := func(name string) int64 { return reread(t, a, followers[name].IRI).ID }
		change(t, a, "DELETE FROM follows WHERE follower_id = ?", onA("lost"))
		change(t, b, "UPDATE follows SET updated_at = ?", db.Now().Add(-time.Hour))
		change(t, b, "UPDATE follows SET state = 'pending' WHERE follower_id = ?", followers["asked"].ID)
		change(t, b, "DELETE FROM follows WHERE follower_id = ?", followers["stray"].ID)
		if err := notes.publish(ctx, bob, "Create", "apart", "the servers disagree"); err != nil {
			t.Fatal(err)
		}
		state := func(name string) string {
			f, err := actor.FollowBetween(b.DB.Read(ctx), followers[name].ID, remote.ID)
			if err != nil {
				return "none"
			}
			return f.State
		}
		aptest.Eventually(t, "the lost follow marked", func() bool { return state("lost") == actor.Rejected })
		aptest.Eventually(t, "the pending follow accepted", func() bool { return state("asked") == actor.Accepted })
		aptest.Eventually(t, "the stray follow undone", func() bool { return a.Count("follows", "") == 2 })
		if state("stays") != actor.Accepted || state("stray") != "none" {
			t.Errorf("stays is %s, stray is %s", state("stays"), state("stray"))
		}
	}, sets...)
}

// TestFollowersHeader: the header goes with what is for followers, and only
// with that; a false one, or one about somebody else, makes us ask nobody.
func TestFollowersHeader(t *testing.T) {
	s, notes := serveNotes(t, dbtest.SQLite(t, withNotes()...))
	r, other := aptest.New(t), aptest.New(t)
	alice := s.Local(actor.Person, "alice")
	bob, eve, far := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve"), other.Actor(actor.Person, "far")
	for _, f := range []*aptest.Actor{bob, eve, far} {
		f.Post(alice.Inbox, f.Activity("Follow", alice.IRI, nil))
	}
	aptest.Eventually(t, "follows", func() bool { return s.Count("follows", "state = 'accepted'") == 3 })
	if got := r.Await("Accept"); got.Header.Get(followsync.HeaderName) != "" {
		t.Errorf("an Accept tells of followers: %s", got.Header.Get(followsync.HeaderName))
	}
	if err := notes.publish(t.Context(), alice, "Create", "one", "text"); err != nil {
		t.Fatal(err)
	}
	for remote, want := range map[*aptest.Remote][]string{r: {bob.IRI, eve.IRI}, other: {far.IRI}} {
		got, err := followsync.Parse(remote.Await("Create").Header.Get(followsync.HeaderName), alice.Followers)
		if err != nil || got.Digest != followsync.Digest(want) {
			t.Fatalf("%+v, %v; want the digest of %v", got, err, want)
		}
		for signer, list := range map[*aptest.Actor][]string{bob: {bob.IRI, eve.IRI}, far: {far.IRI}} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, got.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if err := signature.Sign(req, signer.KeyID, signer.Key, nil); err != nil {
				t.Fatal(err)
			}
			res, doc := answer(t, req)
			items := doc["orderedItems"].([]any)
			if res.StatusCode != 200 || len(items) != len(list) || !slices.Contains(list, items[0].(string)) || res.Header.Get("Cache-Control") != "private, no-store" {
				t.Errorf("%s gets %d %v, want %v", signer.IRI, res.StatusCode, doc, list)
			}
		}
	}
	for _, path := range []string{"/accounts/alice/followers_synchronization", "/video-channels/nobody/followers_synchronization"} {
		if got := s.Get(path, ap); got.Status != http.StatusUnauthorized {
			t.Errorf("%s unsigned: %d %s", path, got.Status, got.Body)
		}
	}

	wrong := followsync.Digest([]string{"https://nobody.example/1"})
	for name, c := range map[string]struct {
		header string
		asked  int64
	}{
		"another's collection": {followsync.Header{Collection: eve.IRI + "/followers", URL: bob.IRI + "/sync", Digest: wrong}.String(), 0},
		"on another host":      {followsync.Header{Collection: bob.IRI + "/followers", URL: far.IRI + "/sync", Digest: wrong}.String(), 0},
		"on ours":              {followsync.Header{Collection: bob.IRI + "/followers", URL: alice.IRI + "/followers", Digest: wrong}.String(), 0},
		"junk":                 {"x", 0},
		"equal":                {followsync.Header{Collection: bob.IRI + "/followers", URL: bob.IRI + "/sync", Digest: followsync.Digest(nil)}.String(), 0},
		"different":            {followsync.Header{Collection: bob.IRI + "/followers", URL: bob.IRI + "/sync", Digest: wrong}.String(), 1},
	} {
		req := bob.Request(s.Origin+"/inbox", bob.Activity("Create", noteBy(r, bob, "n", "text"), nil))
		req.Header.Set(followsync.HeaderName, c.header)
		if got := aptest.Send(t, req); got != 204 {
			t.Errorf("%s: answered %d", name, got)
		}
		if n := s.Count("refreshes", "iri = ?", "followers of "+bob.IRI); n != c.asked {
			t.Errorf("%s: asked %d times, want %d", name, n, c.asked)
		}
		change(t, s, "DELETE FROM refreshes")
	}
}

// answer sends a request and reads the document that it gets.
func answer(t *testing.T, req *http.Request) (res *http.Response, doc map[string]any) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return res, doc
}
