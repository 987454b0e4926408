package activitypub_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// forwarder passes every Create that it gets on to the followers of the
// instance, the most careless module that there could be.
func forwarder(t *testing.T) *aptest.Server {
	t.Helper()
	d := dbtest.SQLite(t)
	return aptest.Serve(t, d, aptest.Options{Modules: func(e *activitypub.Engine) []activitypub.Module {
		return []activitypub.Module{{Name: "forwarder", Handlers: []activitypub.Handler{{
			On: activitypub.On{Activity: "Create"},
			Do: func(ctx context.Context, act *activitypub.Activity) error {
				instance, err := e.Actors.Instance(ctx)
				if err != nil {
					return err
				}
				return d.Tx(ctx, func(tx *db.Tx) error {
					return e.Outbox.Forward(tx, act, activitypub.Delivery{FollowersOf: []int64{instance.ID}})
				})
			},
		}}}}
	}})
}

// TestSEC21: two servers that forward to each other come to rest after one
// round.
func TestSEC21(t *testing.T) {
	a, b := forwarder(t), forwarder(t)
	for _, f := range []struct{ from, to *aptest.Server }{{a, b}, {b, a}} {
		if err := f.from.Engine.Follow(t.Context(), f.from.Instance(), f.to.Instance().IRI); err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "follow", func() bool {
			return f.from.Count("follows", "state = 'accepted' AND follower_id = ?", f.from.Instance().ID) == 1
		})
	}
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	doc := bob.Activity("Create", noteBy(r, bob, "1", "words"), nil)
	r.Serve(doc["id"].(string), doc)
	if got := bob.Post(a.Origin+"/inbox", doc); got != http.StatusNoContent {
		t.Fatalf("answered %d", got)
	}
	const forwarded = "type = 'Create'"
	aptest.Eventually(t, "forwarding by both", func() bool { return a.Count("outbox", forwarded) == 1 && b.Count("outbox", forwarded) == 1 })
	quiet := func() bool {
		for _, s := range []*aptest.Server{a, b} {
			if s.Count("deliveries", "state = 'pending'") != 0 || s.Count("inbox", "done_at IS NULL") != 0 {
				return false
			}
		}
		return true
	}
	count := func() string {
		return fmt.Sprint(a.Count("outbox", forwarded), b.Count("outbox", forwarded), a.Count("inbox", forwarded), b.Count("inbox", forwarded),
			a.Count("deliveries", ""), b.Count("deliveries", ""))
	}
	// Rest is when nothing has changed for longer than any step takes.
	var last string
	var since time.Time
	aptest.Eventually(t, "rest", func() bool {
		if now := count(); now != last || !quiet() {
			last, since = now, time.Now()
		}
		return time.Since(since) > 2*time.Second
	})
	if a.Count("outbox", forwarded) != 1 || b.Count("outbox", forwarded) != 1 {
		t.Errorf("forwarded more than once: %s", last)
	}
	if got := r.Received(); len(got) != 0 {
		t.Errorf("the sender got its own activity back: %v", got[0].Doc)
	}
}

// TestSEC29Chains: whatever an activity leads to, it causes at most 20 fetches:
// an answer to an answer without end, a thousand objects, actors that name new
// ones each.
func TestSEC29Chains(t *testing.T) {
	for _, c := range []struct {
		name   string
		script func(r *aptest.Remote, bob *aptest.Actor) map[string]any
	}{
		{"an endless chain of answers", func(r *aptest.Remote, bob *aptest.Actor) map[string]any {
			for i := range 100 {
				note := noteBy(r, bob, fmt.Sprint(i), "words")
				note["inReplyTo"] = fmt.Sprintf("%s/notes/%d", r.Origin, i+1)
				r.Serve(note["id"].(string), note)
			}
			return bob.Activity("Announce", r.Origin+"/notes/0", nil)
		}},
		{"a thousand mentions", func(r *aptest.Remote, bob *aptest.Actor) map[string]any {
			var tags []any
			for i := range 900 {
				id := fmt.Sprintf("%s/users/m%d", r.Origin, i)
				tags = append(tags, map[string]any{"type": "Mention", "href": id})
			}
			note := noteBy(r, bob, "0", "words")
			note["tag"] = tags
			r.Serve(note["id"].(string), note)
			return bob.Activity("Announce", note["id"], nil)
		}},
		{"actors that name two more each", func(r *aptest.Remote, bob *aptest.Actor) map[string]any {
			for i := range 60 {
				a := r.Actor(actor.Person, fmt.Sprint("n", i))
				a.Doc["alsoKnownAs"] = []any{fmt.Sprintf("%s/users/n%d", r.Origin, 2*i+1), fmt.Sprintf("%s/users/n%d", r.Origin, 2*i+2)}
				a.Publish()
			}
			note := noteBy(r, bob, "0", "words")
			note["tag"] = []any{map[string]any{"type": "Mention", "href": r.Origin + "/users/n0"}}
			r.Serve(note["id"].(string), note)
			return bob.Activity("Announce", note["id"], nil)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := dbtest.SQLite(t)
			s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: func(e *activitypub.Engine) []activitypub.Module {
				return []activitypub.Module{{Name: "greedy", Handlers: []activitypub.Handler{{On: activitypub.On{Activity: "Announce"}, Do: greedy(e)}}}}
			}})
			r := aptest.New(t)
			bob := r.Actor(actor.Person, "bob")
			act := c.script(r, bob)
			if got := bob.Post(s.Origin+"/inbox", act); got != http.StatusNoContent {
				t.Fatalf("answered %d", got)
			}
			before := r.Fetches("")
			drain(t, s)
			n := r.Fetches("") - before
			if n > 20 || n < 2 {
				t.Errorf("%d fetches, want some and at most 20", n)
			}
		})
	}
}

// greedy asks for everything that a document names, and everything that this
// names, as deep as it goes.
func greedy(e *activitypub.Engine) func(context.Context, *activitypub.Activity) error {
	var follow func(ctx context.Context, id string, depth int) error
	follow = func(ctx context.Context, id string, depth int) error {
		if depth > 200 {
			return nil
		}
		doc, err := e.Actors.FetchDocument(ctx, id)
		if err != nil {
			return err
		}
		for _, key := range []string{"inReplyTo", "alsoKnownAs", "tag"} {
			for _, next := range doc.IRIs(key) {
				if err := follow(ctx, next, depth+1); err != nil && ctx.Err() != nil {
					return err
				}
			}
		}
		return nil
	}
	return func(ctx context.Context, act *activitypub.Activity) error {
		return follow(ctx, act.Object.ID(), 0)
	}
}
