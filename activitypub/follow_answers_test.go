package activitypub_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestAnswers: an Accept or Reject counts once, from the followed actor, for a
// follow that is ours; every other one changes nothing (SEC-14).
func TestAnswers(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r, other := aptest.New(t), aptest.New(t)
	bob, eve := r.Actor(actor.Group, "bob"), r.Actor(actor.Group, "eve")
	mallory := other.Actor(actor.Group, "mallory")
	alice := s.Local(actor.Person, "alice")
	if err := s.Engine.Follow(t.Context(), alice, bob.IRI); err != nil {
		t.Fatal(err)
	}
	followBy(t, s, alice, eve) // of ours, by a remote
	var mine, theirs actor.Follow
	if err := s.DB.Read(t.Context()).Where("follower_id = ?", alice.ID).Take(&mine).Error; err != nil {
		t.Fatal(err)
	}
	if err := s.DB.Read(t.Context()).Where("target_id = ?", alice.ID).Take(&theirs).Error; err != nil {
		t.Fatal(err)
	}
	whole := map[string]any{"type": "Follow", "id": mine.IRI, "actor": alice.IRI, "object": bob.IRI}
	crawls := func() int64 { return s.Count("jobs", "kind = ?", activitypub.CrawlArgs{}.Kind()) }
	for _, c := range []struct {
		name   string
		by     *aptest.Actor
		typ    string
		object any
		state  string // of alice's follow, after it
	}{
		{"accept by a neighbour", eve, "Accept", whole, actor.Pending},
		{"accept by a neighbour, by id", eve, "Accept", mine.IRI, actor.Pending},
		{"accept by a stranger who names himself", mallory, "Accept", map[string]any{"type": "Follow", "id": mine.IRI, "actor": alice.IRI, "object": mallory.IRI}, actor.Pending},
		{"accept of nothing", bob, "Accept", s.Origin + "/accounts/alice/follows/99", actor.Pending},
		{"accept of a follow that is theirs", bob, "Accept", theirs.IRI, actor.Pending},
		{"accept of something else", bob, "Accept", map[string]any{"type": "Note", "id": mine.IRI + "x"}, actor.Pending},
		{"reject by a stranger", mallory, "Reject", whole, actor.Pending},
		{"accept", bob, "Accept", whole, actor.Accepted},
		{"accept again", bob, "Accept", mine.IRI, actor.Accepted},
		{"reject by a neighbour", eve, "Reject", mine.IRI, actor.Accepted},
		{"reject", bob, "Reject", whole, actor.Rejected},
		{"reject again", bob, "Reject", mine.IRI, actor.Rejected},
	} {
		before := s.Count("outbox", "")
		c.by.Post(alice.Inbox, c.by.Activity(c.typ, c.object, nil))
		drain(t, s)
		var now actor.Follow
		if err := s.DB.Read(t.Context()).Where("id = ?", mine.ID).Take(&now).Error; err != nil || now.State != c.state {
			t.Errorf("%s: %s, %v; want %s", c.name, now.State, err, c.state)
		}
		if s.Count("outbox", "") != before || s.Count("follows", "") != 2 || s.Count("follows", "state = 'accepted' AND id = ?", theirs.ID) != 1 {
			t.Errorf("%s: something else has changed", c.name)
		}
		if n := crawls(); n != 0 && c.state == actor.Pending || n > 1 {
			t.Errorf("%s: %d crawls", c.name, n)
		}
	}
	if crawls() != 1 {
		t.Error("the accepted follow is not back-filled")
	}
	target, err := s.Engine.Actors.ByIRI(t.Context(), bob.IRI)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Engine.Unfollow(t.Context(), alice, target); err != nil {
		t.Fatal(err)
	}
	bob.Post(alice.Inbox, bob.Activity("Accept", whole, nil))
	drain(t, s)
	if n := s.Count("follows", "follower_id = ?", alice.ID); n != 0 {
		t.Error("an Accept after the end brought the follow back")
	}
}

// TestFollowChangedHeard: modules hear of each change of a follow, with what it
// was before, in its transaction: an error undoes the change.
func TestFollowChangedHeard(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		var heard []string
		refuse := false
		s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: func(*activitypub.Engine) []activitypub.Module {
			return []activitypub.Module{{Name: "listener", FollowChanged: func(tx *db.Tx, c actor.FollowChange) error {
				mu.Lock()
				defer mu.Unlock()
				var n int64
				if err := tx.Model(&actor.Follow{}).Where("follower_id = ? AND target_id = ? AND state = ?", c.Follower.ID, c.Target.ID, c.State).Count(&n).Error; err != nil {
					return err
				}
				if (n == 1) != (c.State != "") {
					t.Errorf("the transaction has %d follows when it is %q", n, c.State)
				}
				if refuse {
					return errors.New("no")
				}
				heard = append(heard, c.Follower.Username+" "+c.Was+">"+c.State)
				return nil
			}}}
		}, Change: func(o *activitypub.Options) { o.Followers.Instance.ManualApproval = true }})
		r := aptest.New(t)
		bob := r.Actor(actor.Application, "bob")
		instance, alice, channel := s.Instance(), s.Local(actor.Person, "alice"), s.Local(actor.Group, "channel")
		followBy(t, s, instance, bob)
		handle := url.PathEscape("bob@" + r.Host)
		s.API("POST", "/server/followers/"+handle+"/accept", "")
		s.API("POST", "/server/followers/"+handle+"/accept", "") // again: nothing
		s.API("POST", "/server/followers/"+handle+"/reject", "")
		s.API("DELETE", "/server/followers/"+handle, "")
		if err := s.Engine.Follow(t.Context(), alice, channel.IRI); err != nil {
			t.Fatal(err)
		}
		if err := s.Engine.Unfollow(t.Context(), alice, channel); err != nil {
			t.Fatal(err)
		}
		want := "bob >pending, bob pending>accepted, bob accepted>rejected, bob rejected>, alice >accepted, alice accepted>"
		if got := strings.Join(heard, ", "); got != want {
			t.Errorf("heard %s\nwant  %s", got, want)
		}
		refuse = true
		if err := s.Engine.Follow(t.Context(), alice, channel.IRI); err == nil || s.Count("follows", "") != 0 {
			t.Errorf("a module could not stop a follow: %v", err)
		}
	})
}

// TestFollowBlockedHost: nobody follows an actor of a blocked host.
func TestFollowBlockedHost(t *testing.T) {
	r, free := aptest.New(t), aptest.New(t)
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) {
		o.Blocked = func(_ context.Context, host string) bool { return host == r.Host }
	})
	alice := s.Local(actor.Person, "alice")
	if err := s.Engine.Follow(t.Context(), alice, r.Actor(actor.Group, "bad").IRI); err == nil {
		t.Error("followed an actor of a blocked host")
	}
	if err := s.Engine.Follow(t.Context(), alice, free.Actor(actor.Group, "good").IRI); err != nil || s.Count("follows", "") != 1 {
		t.Errorf("%d follows, %v", s.Count("follows", ""), err)
	}
}
