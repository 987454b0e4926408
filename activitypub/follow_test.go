package activitypub_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestFollowed: what the settings make of a Follow, and what the follower is
// told (PT federation 5).
func TestFollowed(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   string // of our actor
		change func(*config.Followers)
		state  string
		answer string // type of the activity sent back
	}{
		{"instance", actor.Application, nil, actor.Accepted, "Accept"},
		{"instance by hand", actor.Application, func(f *config.Followers) { f.Instance.ManualApproval = true }, actor.Pending, ""},
		{"instance closed", actor.Application, func(f *config.Followers) { f.Instance.Enabled = false }, actor.Rejected, "Reject"},
		{"channel", actor.Group, nil, actor.Accepted, "Accept"},
		{"channel while the instance is by hand", actor.Group, func(f *config.Followers) { f.Instance.ManualApproval = true }, actor.Accepted, "Accept"},
		{"channels closed", actor.Group, func(f *config.Followers) { f.Channels.Enabled = false }, actor.Rejected, "Reject"},
		{"account", actor.Person, func(f *config.Followers) { f.Channels.Enabled = false }, actor.Accepted, "Accept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Change: func(o *activitypub.Options) {
				if c.change != nil {
					c.change(&o.Followers)
				}
			}})
			target := s.Instance()
			if c.kind != actor.Application {
				target = s.Local(c.kind, "target")
			}
			r := aptest.New(t)
			bob := r.Actor(actor.Application, "peertube")
			follow := bob.Activity("Follow", target.IRI, nil)
			if got := bob.Post(target.Inbox, follow); got != 204 {
				t.Fatalf("answered %d", got)
			}
			aptest.Eventually(t, "follow in state "+c.state, func() bool { return s.Count("follows", "state = ?", c.state) == 1 })
			if c.answer == "" {
				if n := s.Count("deliveries", ""); n != 0 {
					t.Errorf("%d answers to a pending follow", n)
				}
				return
			}
			got := r.Await(c.answer)
			inner, _ := got.Doc["object"].(map[string]any)
			if got.Path != "/users/peertube/inbox" || got.Doc["actor"] != target.IRI || inner["id"] != follow["id"] ||
				inner["type"] != "Follow" || inner["actor"] != bob.IRI || inner["object"] != target.IRI {
				t.Errorf("answer at %s: %s", got.Path, got.Body)
			}
		})
	}
}

// TestFollowStates: who was rejected stays so, who is in stays in, and an
// administrator's word reaches the follower.
func TestFollowStates(t *testing.T) {
	d := dbtest.SQLite(t)
	s := aptest.Serve(t, d, aptest.Options{Idle: true, Change: func(o *activitypub.Options) { o.Followers.Instance.ManualApproval = true }})
	r := aptest.New(t)
	bob, eve := r.Actor(actor.Application, "bob"), r.Actor(actor.Application, "eve")
	instance := s.Instance()
	state := func(a *aptest.Actor, want string) {
		t.Helper()
		row, err := s.Engine.Actors.ByIRI(t.Context(), a.IRI)
		if err != nil {
			t.Fatal(err)
		}
		f, err := actor.FollowBetween(d.Read(t.Context()), row.ID, instance.ID)
		if err != nil || f.State != want {
			t.Errorf("%s is %+v, want %s: %v", a.IRI, f, want, err)
		}
	}
	followBy(t, s, instance, bob, eve)
	state(bob, actor.Pending)
	handle := func(a string) string { return url.PathEscape(a + "@" + r.Host) }
	for path, want := range map[string]int{
		"/server/followers/" + handle("bob") + "/accept": 204, "/server/followers/" + handle("eve") + "/reject": 204,
		"/server/followers/" + handle("nobody") + "/accept": 404, "/server/followers/" + handle("nobody") + "/reject": 404,
	} {
		if got := s.API(http.MethodPost, path, ""); got.Status != want {
			t.Errorf("%s: %d %s", path, got.Status, got.Body)
		}
	}
	state(bob, actor.Accepted)
	state(eve, actor.Rejected)
	followBy(t, s, instance, bob, eve)
	state(bob, actor.Accepted)
	state(eve, actor.Rejected)
	s.StartJobs()
	if got := r.Await("Accept"); got.Path != "/users/bob/inbox" {
		t.Errorf("accept went to %s", got.Path)
	}
	if got := r.Await("Reject"); got.Path != "/users/eve/inbox" {
		t.Errorf("reject went to %s", got.Path)
	}
	if got := s.API(http.MethodDelete, "/server/followers/"+handle("bob"), ""); got.Status != 204 || s.Count("follows", "") != 1 {
		t.Errorf("remove follower: %d", got.Status)
	}
	if got := s.API(http.MethodDelete, "/server/followers/"+handle("bob"), ""); got.Status != 404 {
		t.Errorf("remove nobody: %d", got.Status)
	}
	aptest.Eventually(t, "reject for the removed follower", func() bool {
		for _, x := range r.Received() {
			if x.Doc["type"] == "Reject" && x.Path == "/users/bob/inbox" {
				return true
			}
		}
		return false
	})
}

// TestFollowRemote: our Follow, its answers by id, by copy and by strangers,
// and the end of it.
func TestFollowRemote(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := aptest.Serve(t, d, aptest.Options{})
		r := aptest.New(t)
		bob, eve := r.Actor(actor.Group, "bob"), r.Actor(actor.Group, "eve")
		alice := s.Local(actor.Person, "alice")
		if err := s.Engine.Follow(t.Context(), alice, bob.IRI); err != nil {
			t.Fatal(err)
		}
		first := r.Await("Follow")
		if first.Path != "/users/bob/inbox" || first.Doc["object"] != bob.IRI || first.Doc["actor"] != alice.IRI {
			t.Errorf("follow at %s: %s", first.Path, first.Body)
		}
		state := func(want string) {
			t.Helper()
			aptest.Eventually(t, "state "+want, func() bool { return s.Count("follows", "state = ?", want) == 1 })
		}
		state(actor.Pending)
		eve.Post(s.Origin+"/inbox", eve.Activity("Accept", first.Doc, nil))
		aptest.Eventually(t, "dropped accept of a stranger", func() bool { return s.Count("inbox", "state = 'dropped'") == 1 })
		state(actor.Pending)
		bob.Post(alice.Inbox, bob.Activity("Accept", first.Doc["id"], nil))
		state(actor.Accepted)
		aptest.Eventually(t, "crawl of the outbox", func() bool { return r.Fetches(bob.IRI+"/outbox") > 0 })
		bob.Post(alice.Inbox, bob.Activity("Reject", first.Doc, nil))
		state(actor.Rejected)

		// Asked anew: another id, and an Accept under the id of the first one
		// counts again, as PeerTube sends it.
		accept := bob.Activity("Accept", first.Doc, map[string]any{"id": r.Origin + "/accepts/follows/1"})
		bob.Post(alice.Inbox, accept)
		state(actor.Accepted)
		target, err := s.Engine.Actors.ByIRI(t.Context(), bob.IRI)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Engine.Unfollow(t.Context(), alice, target); err != nil {
			t.Fatal(err)
		}
		undo := r.Await("Undo")
		if inner := undo.Doc["object"].(map[string]any); inner["id"] != first.Doc["id"] || inner["type"] != "Follow" || undo.Path != "/users/bob/inbox" {
			t.Errorf("undo at %s: %s", undo.Path, undo.Body)
		}
		if err := s.Engine.Unfollow(t.Context(), alice, target); err != nil || s.Count("follows", "") != 0 {
			t.Errorf("unfollow twice: %v", err)
		}
		if err := s.Engine.Follow(t.Context(), alice, bob.IRI); err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "second follow", func() bool {
			got := r.Await("Follow")
			return got.Doc["id"] != first.Doc["id"]
		})
		accept["object"] = r.Await("Follow").Doc
		bob.Post(alice.Inbox, accept)
		state(actor.Accepted)
		if err := s.Engine.Follow(t.Context(), alice, bob.IRI); err != nil || s.Count("outbox", "type = 'Follow'") != 2 {
			t.Errorf("an accepted follow was asked for again: %v", err)
		}
	})
}

func TestFollowLocal(t *testing.T) {
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true})
	alice, channel := s.Local(actor.Person, "alice"), s.Local(actor.Group, "channel")
	if err := s.Engine.Follow(t.Context(), alice, channel.IRI); err != nil {
		t.Fatal(err)
	}
	if s.Count("follows", "state = 'accepted'") != 1 || s.Count("outbox", "") != 0 {
		t.Error("a local follow needs no network and is accepted at once")
	}
	if err := s.Engine.Follow(t.Context(), alice, alice.IRI); !errors.Is(err, activitypub.ErrSelf) {
		t.Errorf("following oneself: %v", err)
	}
	if err := s.Engine.Follow(t.Context(), alice, s.Origin+"/accounts/nobody"); !errors.Is(err, activitypub.ErrNotFound) {
		t.Errorf("following nobody: %v", err)
	}
	if err := s.Engine.Unfollow(t.Context(), alice, channel); err != nil || s.Count("follows", "") != 0 {
		t.Errorf("unfollow: %v", err)
	}
}

// TestFollowBack: two servers, one of which follows back, end up following
// each other.
func TestFollowBack(t *testing.T) {
	a := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{})
	b := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Change: func(o *activitypub.Options) { o.Followings.Instance.AutoFollowBack.Enabled = true }})
	if got := a.API(http.MethodPost, "/server/following", `{"hosts":["`+b.Host+`"]}`); got.Status != 204 {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	aptest.Eventually(t, "follow each other", func() bool {
		return a.Count("follows", "state = 'accepted'") == 2 && b.Count("follows", "state = 'accepted'") == 2
	})
}

// TestFollowAPI: the REST answers as PeerTube gives them.
func TestFollowAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		a, b := aptest.Serve(t, d, aptest.Options{}), aptest.Serve(t, dbtest.SQLite(t), aptest.Options{})
		channel := b.Local(actor.Group, "channel")
		body := fmt.Sprintf(`{"hosts":[%q],"handles":["channel@%s"]}`, b.Host, b.Host)
		if got := a.API(http.MethodPost, "/server/following", body); got.Status != 204 {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
		aptest.Eventually(t, "both follows", func() bool { return a.Count("follows", "state = 'accepted'") == 2 })

		got := a.Get("/api/v1/server/following?sort=createdAt&actorType=Application&state=accepted", "")
		row := got.JSON["data"].([]any)[0].(map[string]any)
		if got.JSON["total"] != 1.0 || row["state"] != "accepted" || row["score"] == nil {
			t.Errorf("following: %s", got.Body)
		}
		following := row["following"].(map[string]any)
		for key, want := range map[string]any{"name": "peertube", "host": b.Host, "url": b.Origin + "/accounts/peertube", "hostRedundancyAllowed": false} {
			if following[key] != want {
				t.Errorf("following.%s = %v, want %v", key, following[key], want)
			}
		}
		for _, key := range []string{"id", "createdAt", "avatars", "banners", "followersCount", "followingCount"} {
			if following[key] == nil {
				t.Errorf("following has no %s", key)
			}
		}
		if follower := row["follower"].(map[string]any); follower["host"] != a.Host || follower["followingCount"] != 2.0 {
			t.Errorf("follower %v", follower)
		}
		if got := b.Get("/api/v1/server/followers", ""); got.JSON["total"] != 1.0 {
			t.Errorf("followers of B: %s", got.Body)
		}
		for query, want := range map[string]float64{
			"": 2, "?actorType=Group": 1, "?actorType=Person": 0, "?state=pending": 0, "?search=chann": 1, "?search=CHANN": 1, "?search=127.0": 2,
			"?search=%25": 0, "?search=_hannel": 0, "?count=0": 2, "?start=1&count=1": 2, "?sort=-instanceHost": 2,
		} {
			got := a.Get("/api/v1/server/following"+query, "")
			if got.Status != 200 || got.JSON["total"] != want {
				t.Errorf("following%s: %d %s", query, got.Status, got.Body)
			}
		}
		for query, want := range map[string]int{
			"?state=x": 400, "?actorType=Video": 400, "?sort=f.id": 400, "?start=-1": 400, "?count=1000": 400, "?search=" + strings.Repeat("x", 300): 400,
		} {
			if got := a.Get("/api/v1/server/following"+query, ""); got.Status != want {
				t.Errorf("following%s: %d", query, got.Status)
			}
		}
		for body, want := range map[string]int{
			`{}`: 400, `{"hosts":["` + a.Host + `"]}`: 400, `{"hosts":["not a host"]}`: 400, `{"handles":["nobody"]}`: 400, `[`: 400,
		} {
			if got := a.API(http.MethodPost, "/server/following", body); got.Status != want {
				t.Errorf("POST %s: %d %s", body, got.Status, got.Body)
			}
		}
		if got := a.Do(http.MethodPost, "/api/v1/server/following", body, nil); got.Status != 401 {
			t.Errorf("anonymous: %d", got.Status)
		}
		for path, want := range map[string]int{b.Host: 204, url.PathEscape("channel@" + b.Host): 204, "nowhere.example": 404, "x@nowhere.example": 404} {
			if got := a.API(http.MethodDelete, "/server/following/"+path, ""); got.Status != want {
				t.Errorf("DELETE %s: %d %s", path, got.Status, got.Body)
			}
		}
		aptest.Eventually(t, "no follows on either side", func() bool { return a.Count("follows", "") == 0 && b.Count("follows", "") == 0 })
		_ = channel
	})
}
