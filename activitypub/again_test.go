package activitypub_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestFollowAgain: a server that others do not know any more has no followers
// there, asks for its follows with new activities, and they become whole again.
func TestFollowAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := aptest.Serve(t, d, aptest.Options{})
		r := aptest.New(t)
		bob, ann := r.Actor(actor.Application, "peertube"), s.Local(actor.Person, "ann")
		eve := r.Actor(actor.Person, "eve")
		if got := eve.Post(ann.Inbox, eve.Activity("Follow", ann.IRI, nil)); got != 204 {
			t.Fatal(got)
		}
		aptest.Eventually(t, "a follower", func() bool { return s.Count("follows", "state = 'accepted'") == 1 })
		accepted := map[any]bool{}
		accept := func(n int) {
			t.Helper()
			aptest.Eventually(t, "the follows are asked for", func() bool {
				for _, got := range r.Received() {
					if id := got.Doc["id"]; got.Doc["type"] == "Follow" && !accepted[id] {
						accepted[id] = true
						if code := bob.Post(s.Instance().Inbox, bob.Activity("Accept", got.Doc, nil)); code != 204 {
							t.Errorf("Accept: %d", code)
						}
					}
				}
				return len(accepted) == n
			})
			aptest.Eventually(t, "they are accepted", func() bool {
				return s.Count("follows", "state = 'accepted' AND follower_id IN (SELECT id FROM actors WHERE host = '')") == 2
			})
		}
		for _, from := range []*actor.Actor{s.Instance(), ann} {
			if err := s.Engine.Follow(t.Context(), from, bob.IRI); err != nil {
				t.Fatal(err)
			}
		}
		accept(2)
		var gone, again int64
		err := d.Tx(t.Context(), func(tx *db.Tx) (err error) { gone, again, err = activitypub.FollowAgain(tx); return err })
		if err != nil || gone != 1 || again != 2 {
			t.Fatalf("%d gone, %d again, %v", gone, again, err)
		}
		accept(4)
		if n := s.Count("follows", ""); n != 2 {
			t.Errorf("%d follows", n)
		}
	})
}
