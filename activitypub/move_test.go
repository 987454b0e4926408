package activitypub_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// reread gives an actor's row as it is now.
func reread(t *testing.T, s *aptest.Server, id string) *actor.Actor {
	t.Helper()
	a, err := s.Engine.Actors.ByIRI(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestMoveChecks: a Move is honoured only when the new actor says at its origin
// that it is the old one (FEP-7628); each refusal stands beside the same Move
// without the defect.
func TestMoveChecks(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(s *aptest.Server, old, target *aptest.Actor, move map[string]any)
		ok    bool
	}{
		{"good", nil, true},
		{"no alias", func(_ *aptest.Server, _, target *aptest.Actor, _ map[string]any) {
			delete(target.Doc, "alsoKnownAs")
			target.Publish()
		}, false},
		{"alias of somebody else", func(_ *aptest.Server, _, target *aptest.Actor, _ map[string]any) {
			target.Doc["alsoKnownAs"] = []string{target.IRI + "x"}
			target.Publish()
		}, false},
		{"moves somebody else", func(_ *aptest.Server, _, target *aptest.Actor, move map[string]any) {
			move["object"] = target.IRI
		}, false},
		{"target is another kind", func(_ *aptest.Server, _, target *aptest.Actor, _ map[string]any) {
			target.Doc["type"] = "Group"
			target.Publish()
		}, false},
		{"target has moved on", func(_ *aptest.Server, _, target *aptest.Actor, _ map[string]any) {
			target.Doc["movedTo"] = "https://third.example/a"
			target.Publish()
		}, false},
		{"to itself", func(_ *aptest.Server, old, _ *aptest.Actor, move map[string]any) {
			old.Doc["alsoKnownAs"] = old.IRI
			old.Publish()
			move["target"] = old.IRI
		}, false},
		{"nowhere", func(_ *aptest.Server, _, _ *aptest.Actor, move map[string]any) { delete(move, "target") }, false},
		{"to one of ours that does not know", func(s *aptest.Server, _, _ *aptest.Actor, move map[string]any) {
			move["target"] = s.Local(actor.Person, "nancy").IRI
		}, false},
		{"embedded target that lies", func(_ *aptest.Server, old, target *aptest.Actor, move map[string]any) {
			delete(target.Doc, "alsoKnownAs")
			target.Publish()
			move["target"] = map[string]any{"type": "Person", "id": target.IRI, "alsoKnownAs": old.IRI}
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
			r, elsewhere := aptest.New(t), aptest.New(t)
			old, target := r.Actor(actor.Person, "bob"), elsewhere.Actor(actor.Person, "bob")
			target.Doc["alsoKnownAs"] = []string{old.IRI}
			target.Publish()
			alice := s.Local(actor.Person, "alice")
			followBy(t, s, alice, old) // so that old is known
			move := old.Activity("Move", old.IRI, map[string]any{"target": target.IRI})
			if c.spoil != nil {
				c.spoil(s, old, target, move)
			}
			if got := old.Post(s.Origin+"/inbox", move); got != 204 {
				t.Fatalf("answered %d", got)
			}
			drain(t, s)
			row := reread(t, s, old.IRI)
			if moved := row.MovedTo == target.IRI && row.MovedAt != nil; moved != c.ok {
				t.Errorf("moved to %q at %v", row.MovedTo, row.MovedAt)
			}
			if n := s.Count("jobs", "kind = 'activitypub.follow_moved'"); (n == 1) != c.ok {
				t.Errorf("%d jobs", n)
			}
			if !c.ok {
				return
			}
			// The second move within seven days is refused, whatever it says.
			third := elsewhere.Actor(actor.Person, "third")
			third.Doc["alsoKnownAs"] = []string{old.IRI}
			third.Publish()
			old.Post(s.Origin+"/inbox", old.Activity("Move", old.IRI, map[string]any{"target": third.IRI}))
			drain(t, s)
			if row := reread(t, s, old.IRI); row.MovedTo != target.IRI {
				t.Errorf("moved again to %s", row.MovedTo)
			}
		})
	}
}

// TestMoveFollows: our followers of an actor that moves follow the new one, the
// old one stays followed; a channel moves like an account.
func TestMoveFollows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := aptest.Serve(t, d, aptest.Options{})
		r, elsewhere := aptest.New(t), aptest.New(t)
		owner := r.Actor(actor.Person, "owner")
		old, target := r.Actor(actor.Group, "channel"), elsewhere.Actor(actor.Group, "channel")
		old.Doc["attributedTo"] = owner.IRI
		old.Publish()
		target.Doc["alsoKnownAs"] = old.IRI
		target.Publish()
		alice := s.Local(actor.Person, "alice")
		for _, f := range []*actor.Actor{alice, s.Instance()} {
			if err := s.Engine.Follow(t.Context(), f, old.IRI); err != nil {
				t.Fatal(err)
			}
			old.Post(f.Inbox, old.Activity("Accept", map[string]any{"type": "Follow", "actor": f.IRI, "object": old.IRI}, nil))
		}
		aptest.Eventually(t, "two accepted follows", func() bool { return s.Count("follows", "state = 'accepted'") == 2 })
		old.Post(s.Origin+"/inbox", old.Activity("Move", old.IRI, map[string]any{"target": target.IRI}))
		aptest.Eventually(t, "two follows of the new channel", func() bool {
			n := 0
			for _, x := range elsewhere.Received() {
				if x.Doc["type"] == "Follow" && x.Doc["object"] == target.IRI {
					n++
				}
			}
			return n == 2
		})
		if n := s.Count("follows", ""); n != 4 {
			t.Errorf("%d follows", n)
		}
	})
}

// TestMoveAway: one of ours moves to another server: documents say so, the
// followers there and here go along.
func TestMoveAway(t *testing.T) {
	a, b := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{}), aptest.Serve(t, dbtest.SQLite(t), aptest.Options{})
	ctx := t.Context()
	old, target := a.Local(actor.Person, "alice"), b.Local(actor.Person, "alice")
	carl := b.Local(actor.Person, "carl")
	if err := b.Engine.Follow(ctx, carl, old.IRI); err != nil {
		t.Fatal(err)
	}
	aptest.Eventually(t, "follow", func() bool { return b.Count("follows", "state = 'accepted'") == 1 })
	if err := a.Engine.Move(ctx, old, target.IRI); !errors.Is(err, activitypub.ErrNoAlias) {
		t.Errorf("moved without an alias: %v", err)
	}
	if err := b.Engine.SetAliases(ctx, target, []string{target.IRI}); !errors.Is(err, activitypub.ErrSelf) {
		t.Errorf("alias of itself: %v", err)
	}
	if err := b.Engine.SetAliases(ctx, target, []string{old.IRI}); err != nil {
		t.Fatal(err)
	}
	if got := b.Get("/accounts/alice", ap); got.JSON["alsoKnownAs"].([]any)[0] != old.IRI {
		t.Errorf("alias not shown: %s", got.Body)
	}
	if err := a.Engine.Move(ctx, old, target.IRI); err != nil {
		t.Fatal(err)
	}
	if got := a.Get("/accounts/alice", ap); got.JSON["movedTo"] != target.IRI {
		t.Errorf("move not shown: %s", got.Body)
	}
	aptest.Eventually(t, "carl follows the new alice", func() bool {
		f, err := actor.FollowBetween(b.DB.Read(ctx), carl.ID, target.ID)
		return err == nil && f.State == actor.Accepted
	})
	if got := reread(t, b, old.IRI); got.MovedTo != target.IRI {
		t.Errorf("B thinks that alice moved to %q", got.MovedTo)
	}
	if err := a.Engine.Move(ctx, reread(t, a, old.IRI), target.IRI); !errors.Is(err, activitypub.ErrMovedLately) {
		t.Errorf("moved twice in a week: %v", err)
	}
	if err := a.Engine.Move(ctx, reread(t, a, target.IRI), old.IRI); !errors.Is(err, activitypub.ErrNotFound) {
		t.Errorf("moved somebody else's actor: %v", err)
	}
}

// TestBlock: a block ends the follows both ways and lasts until it is undone;
// only the blocker can undo it.
func TestBlock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := aptest.Serve(t, d, aptest.Options{})
		r := aptest.New(t)
		bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
		alice := s.Local(actor.Person, "alice")
		bob.Post(alice.Inbox, bob.Activity("Follow", alice.IRI, nil))
		if err := s.Engine.Follow(t.Context(), alice, bob.IRI); err != nil {
			t.Fatal(err)
		}
		bob.Post(alice.Inbox, bob.Activity("Accept", r.Await("Follow").Doc, nil))
		aptest.Eventually(t, "follows both ways", func() bool { return s.Count("follows", "state = 'accepted'") == 2 })
		eve.Post(alice.Inbox, eve.Activity("Block", alice.IRI, nil))
		block := bob.Activity("Block", alice.IRI, nil)
		bob.Post(alice.Inbox, block)
		aptest.Eventually(t, "no follows", func() bool { return s.Count("follows", "") == 0 })
		if undo := r.Await("Undo"); undo.Doc["object"].(map[string]any)["type"] != "Follow" {
			t.Errorf("told bob %s", undo.Body)
		}
		if err := s.Engine.Follow(t.Context(), alice, bob.IRI); !errors.Is(err, activitypub.ErrBlocked) {
			t.Errorf("follow of a blocker: %v", err)
		}
		eve.Post(alice.Inbox, eve.Activity("Undo", block, nil))
		eve.Post(alice.Inbox, eve.Activity("Undo", map[string]any{"type": "Block", "id": eve.IRI + "/x", "actor": eve.IRI, "object": alice.IRI}, nil))
		aptest.Eventually(t, "end of eve's block", func() bool { return s.Count("actor_blocks", "") == 1 })
		if err := s.Engine.Follow(t.Context(), alice, bob.IRI); !errors.Is(err, activitypub.ErrBlocked) {
			t.Errorf("eve undid bob's block: %v", err)
		}
		bob.Post(alice.Inbox, bob.Activity("Undo", block["id"], nil))
		aptest.Eventually(t, "end of bob's block", func() bool { return s.Count("actor_blocks", "") == 0 })
		if err := s.Engine.Follow(t.Context(), alice, bob.IRI); err != nil {
			t.Errorf("follow after the block: %v", err)
		}
	})
}

// TestFollowAddress: a channel is followed by the address of its page; what the
// page shows is only a hint.
func TestFollowAddress(t *testing.T) {
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{})
	r, other := aptest.New(t), aptest.New(t)
	bob, mallory := r.Actor(actor.Group, "bob"), other.Actor(actor.Group, "mallory")
	r.Serve("/c/bob", bob.Doc)
	lie := map[string]any{"type": "Group", "id": mallory.IRI, "inbox": r.Origin + "/steal", "preferredUsername": "mallory"}
	r.Serve("/c/lie", lie)
	r.Serve("/c/note", map[string]any{"type": "Note", "id": r.Origin + "/c/note"})
	for _, address := range []string{r.Origin + "/c/bob", r.Origin + "/c/lie", r.Origin + "/c/note", r.Origin + "/c/nothing"} {
		if got := s.API(http.MethodPost, "/server/following", `{"handles":["`+address+`"]}`); got.Status != 204 {
			t.Fatalf("%s: %d %s", address, got.Status, got.Body)
		}
	}
	if got := r.Await("Follow"); got.Doc["object"] != bob.IRI || got.Path != "/users/bob/inbox" {
		t.Errorf("follow at %s: %s", got.Path, got.Body)
	}
	if got := other.Await("Follow"); got.Doc["object"] != mallory.IRI {
		t.Errorf("follow of what its origin says: %s", got.Body)
	}
	aptest.Eventually(t, "end of the jobs", func() bool {
		return s.Count("jobs", "kind = 'activitypub.follow' AND state IN ('waiting', 'active')") == 0
	})
	if n := s.Count("follows", ""); n != 2 {
		t.Errorf("%d follows", n)
	}
}
