package activitypub_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// age makes what was fetched or asked for older.
func age(t *testing.T, s *aptest.Server, d time.Duration) {
	t.Helper()
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		if err := tx.Exec("UPDATE actors SET fetched_at = ? WHERE host <> ''", db.Now().Add(-d)).Error; err != nil {
			return err
		}
		return tx.Exec("UPDATE refreshes SET asked_at = ?", db.Now().Add(-d)).Error
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestStaleActor: an actor that is looked at after two days is fetched again by
// one job, however many look; one that is gone is removed with all that modules
// hold of it; one whose server is away stays.
func TestStaleActor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := serveNotes(t, d)
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		r.Serve(bob.IRI+"/followers", map[string]any{"type": "OrderedCollection", "id": bob.IRI + "/followers", "totalItems": 3})
		look := func() {
			t.Helper()
			for range 5 {
				if _, err := s.Engine.Actors.Fetch(t.Context(), bob.IRI); err != nil {
					t.Fatal(err)
				}
			}
		}
		look()
		bob.Post(s.Origin+"/inbox", bob.Activity("Create", noteBy(r, bob, "one", "text"), nil))
		aptest.Eventually(t, "note", func() bool { return s.Count("notes", "") == 1 })
		bob.Doc["name"] = "Robert"
		bob.Publish()
		before := r.Fetches(bob.IRI)
		age(t, s, 47*time.Hour)
		look()
		if n := s.Count("refreshes", ""); n != 0 {
			t.Errorf("%d refreshes of something fresh", n)
		}
		age(t, s, 49*time.Hour)
		look()
		aptest.Eventually(t, "new name and count", func() bool { return s.Count("actors", "name = 'Robert' AND followers_count = 3") == 1 })
		if n := r.Fetches(bob.IRI) - before; n != 1 {
			t.Errorf("%d fetches for five looks", n)
		}

		r.ServeStatus(bob.IRI, http.StatusServiceUnavailable)
		age(t, s, 49*time.Hour)
		look()
		aptest.Eventually(t, "an attempt", func() bool { return r.Fetches(bob.IRI)-before >= 2 })
		if s.Count("actors", "iri = ? AND gone_at IS NULL", bob.IRI) != 1 || s.Count("notes", "") != 1 {
			t.Error("an actor whose server is away was dropped")
		}
	}, withNotes()...)
}

// TestGoneActor: 410 removes the actor, its follows and its notes.
func TestGoneActor(t *testing.T) {
	s, _ := serveNotes(t, dbtest.SQLite(t, withNotes()...))
	r := aptest.New(t)
	bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
	alice := s.Local(actor.Person, "alice")
	for _, a := range []*aptest.Actor{bob, eve} {
		a.Post(alice.Inbox, a.Activity("Follow", alice.IRI, nil))
		a.Post(s.Origin+"/inbox", a.Activity("Create", noteBy(r, a, a.IRI[len(r.Origin)+7:], "text"), nil))
	}
	aptest.Eventually(t, "notes and follows", func() bool { return s.Count("notes", "") == 2 && s.Count("follows", "") == 2 })
	r.ServeStatus(bob.IRI, http.StatusGone)
	age(t, s, 49*time.Hour)
	for _, a := range []*aptest.Actor{bob, eve} {
		if _, err := s.Engine.Actors.Fetch(t.Context(), a.IRI); err != nil {
			t.Fatal(err)
		}
	}
	aptest.Eventually(t, "end of bob", func() bool {
		return s.Count("notes", "") == 1 && s.Count("follows", "") == 1 && s.Count("actors", "gone_at IS NOT NULL") == 1
	})
}

// TestDeleteWithGoneKey: a Delete of an actor whose key answers 410 cannot be
// proven, so the actor's server is asked; a forged one about an actor that is
// there stays refused and changes nothing.
func TestDeleteWithGoneKey(t *testing.T) {
	s, _ := serveNotes(t, dbtest.SQLite(t, withNotes()...))
	r := aptest.New(t)
	bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
	for _, a := range []*aptest.Actor{bob, eve} {
		a.Post(s.Origin+"/inbox", a.Activity("Create", noteBy(r, a, a.IRI[len(r.Origin)+7:], "text"), nil))
	}
	aptest.Eventually(t, "notes", func() bool { return s.Count("notes", "") == 2 })
	forged := eve.Activity("Delete", eve.IRI, nil)
	eve.Key = aptest.Key(t) // not the one that was published
	if got := eve.Post(s.Origin+"/inbox", forged); got != http.StatusUnauthorized {
		t.Errorf("forged deletion answered %d", got)
	}
	bob.Key = aptest.Key(t)
	r.ServeStatus(bob.IRI, http.StatusGone)
	if got := bob.Post(s.Origin+"/inbox", bob.Activity("Delete", bob.IRI, nil)); got != http.StatusAccepted {
		t.Errorf("deletion by a key that is gone answered %d", got)
	}
	aptest.Eventually(t, "end of bob", func() bool {
		return s.Count("actors", "gone_at IS NOT NULL AND iri = ?", bob.IRI) == 1 && s.Count("notes", "") == 1
	})
	if n := s.Count("refreshes", "iri = ?", eve.IRI); n != 0 {
		t.Errorf("eve's server was asked by a forged deletion")
	}
}

// TestTouch: an object that is shown and stale is fetched again once, and
// dropped when its origin says that it is gone.
func TestTouch(t *testing.T) {
	s, _ := serveNotes(t, dbtest.SQLite(t, withNotes()...))
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	note := noteBy(r, bob, "one", "first")
	bob.Post(s.Origin+"/inbox", bob.Activity("Create", note, nil))
	aptest.Eventually(t, "note", func() bool { return s.Count("notes", "content = 'first'") == 1 })
	note["content"] = "second"
	id := note["id"].(string)
	r.Serve(id, note)
	before := r.Fetches(id)
	touch := func(at time.Time) {
		t.Helper()
		for range 3 {
			if err := s.Engine.Touch(t.Context(), id, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	touch(db.Now().Add(-47 * time.Hour))
	touch(db.Now().Add(-49 * time.Hour))
	aptest.Eventually(t, "new text", func() bool { return s.Count("notes", "content = 'second'") == 1 })
	if n := r.Fetches(id) - before; n != 1 {
		t.Errorf("%d fetches", n)
	}
	if err := s.Engine.Touch(t.Context(), s.Origin+"/notes/ours", time.Time{}); err != nil || s.Count("refreshes", "") != 1 {
		t.Errorf("something of ours was to be fetched: %v", err)
	}
	r.ServeStatus(id, http.StatusNotFound)
	age(t, s, 49*time.Hour)
	touch(time.Time{})
	aptest.Eventually(t, "no note", func() bool { return s.Count("notes", "") == 0 })
}

// TestRefreshAfter: the setting says how old is stale.
func TestRefreshAfter(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) { o.Federation.RefreshAfter = time.Hour })
	for age, want := range map[time.Duration]int64{59 * time.Minute: 0, 61 * time.Minute: 1} {
		id := "https://a.example/" + age.String()
		if err := s.Engine.Touch(t.Context(), id, db.Now().Add(-age)); err != nil || s.Count("refreshes", "iri = ?", id) != want {
			t.Errorf("fetched %s ago: %v", age, err)
		}
	}
}

// TestBackfillShown: the list of what is followed says how far its outbox has
// been read.
func TestBackfillShown(t *testing.T) {
	s, _ := serveNotes(t, dbtest.SQLite(t, withNotes()...))
	r := aptest.New(t)
	bob := r.Actor(actor.Group, "bob")
	r.Serve(bob.IRI+"/outbox", map[string]any{"type": "OrderedCollection", "id": bob.IRI + "/outbox", "totalItems": 2, "orderedItems": []any{
		bob.Activity("Create", noteBy(r, bob, "one", "text"), nil), "https://127.0.0.1:1/unreachable",
	}})
	if err := s.Engine.Follow(t.Context(), s.Instance(), bob.IRI); err != nil {
		t.Fatal(err)
	}
	bob.Post(s.Instance().Inbox, bob.Activity("Accept", r.Await("Follow").Doc, nil))
	var last aptest.Answer
	aptest.Eventually(t, "back-fill", func() bool {
		last = s.Get("/api/v1/server/following", "")
		row := last.JSON["data"].([]any)[0].(map[string]any)
		b, ok := row["backfill"].(map[string]any)
		return ok && b["state"] == "done" && b["percent"] == 100.0 && b["items"] == 2.0 && b["refused"] == 1.0 && b["total"] == 2.0
	})
	if s.Count("notes", "") != 1 {
		t.Errorf("%d notes; %s", s.Count("notes", ""), last.Body)
	}
}
