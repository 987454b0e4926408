package activitypub_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestProcessKilledAnywhere: the job that takes the inbox, killed before any of
// its statements and run again, ends in the state of a run that was not; each
// activity has its effect once (REL-01, REL-02).
func TestProcessKilledAnywhere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		notes, views := &Notes{db: d}, &crowd{}
		s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: func(e *activitypub.Engine) []activitypub.Module {
			notes.e = e
			return append(views.module(e), notes.Module())
		}})
		alice, c := s.Local(actor.Person, "alice"), dbtest.Cut(t, d)
		const rounds = 300
		for n := int64(1); ; n++ {
			r := aptest.New(t) // of one host no more than 30 keys are fetched
			bob := r.Actor(actor.Person, "bob")
			total := everything(t, s, r, bob, alice.IRI, n)
			c.From(n)
			err := s.Engine.ProcessInbox(t.Context())
			seen := c.Mend()
			if err != nil {
				// As if the leases of the dead process had ended.
				if err := d.Tx(t.Context(), func(tx *db.Tx) error {
					return tx.Exec("UPDATE inbox SET next_at = ? WHERE state = 'active'", db.Now()).Error
				}); err != nil {
					t.Fatal(err)
				}
				drain(t, s)
			}
			for _, want := range []struct {
				what  string
				got   int64
				count int64
			}{
				{"activities done", s.Count("inbox", "actor = ? AND state = 'done'", bob.IRI), total},
				{"notes", s.Count("notes", "author = ?", bob.IRI), 1},
				{"changed notes", s.Count("notes", "author = ? AND content = 'better'", bob.IRI), 1},
				{"followers", s.Count("follows", "iri LIKE ? AND state = 'accepted'", bob.IRI+"/%"), 1},
				{"answers to a follow", s.Count("outbox", "type = 'Accept' AND raw LIKE ?", "%"+bob.IRI+"\"%"), 1},
				{"views", s.Count("tombstones", "iri LIKE ?", bob.IRI+"/views/%"), 2},
				{"views taken alone", int64(views.single), 0},
			} {
				if want.got != want.count {
					t.Errorf("killed before statement %d: %d %s, want %d", n, want.got, want.what, want.count)
				}
			}
			if t.Failed() {
				return
			}
			if err == nil {
				t.Logf("killed before each of %d statements", seen)
				if seen < 20 || seen >= n {
					t.Errorf("a run has %d statements, and the %dth was not cut", seen, n)
				}
				return
			}
			if n == rounds {
				t.Fatalf("no end after %d kills", n)
			}
		}
	}, withNotes()...)
}

// everything sends one of each kind of activity and tells how many those are.
func everything(t *testing.T, s *aptest.Server, r *aptest.Remote, bob *aptest.Actor, alice string, n int64) int64 {
	t.Helper()
	first, second := noteBy(r, bob, fmt.Sprint(n, "-first"), "good"), noteBy(r, bob, fmt.Sprint(n, "-second"), "bad")
	better := noteBy(r, bob, fmt.Sprint(n, "-first"), "better")
	all := []map[string]any{
		bob.Activity("Create", first, nil), bob.Activity("Create", second, nil), bob.Activity("Update", better, nil),
		bob.Activity("Delete", second["id"], nil), bob.Activity("Follow", alice, nil),
	}
	for i := range 2 {
		all = append(all, bob.Activity("View", nil, map[string]any{"id": fmt.Sprint(bob.IRI, "/views/", i)}))
	}
	for _, act := range all {
		if got := bob.Post(s.Origin+"/inbox", act); got != http.StatusNoContent {
			t.Fatalf("%v is answered %d", act["type"], got)
		}
	}
	return int64(len(all))
}
