package accounts_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/subscription"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
)

const subscriptions = "/api/v1/users/me/subscriptions"

// names are those of the channels in a list.
func names(a accountstest.Answer) string {
	var out []string
	list, _ := a.JSON()["data"].([]any)
	for _, e := range list {
		out = append(out, e.(map[string]any)["name"].(string))
	}
	return strings.Join(out, " ")
}

// TestSubscriptions subscribes to local channels and lists them.
func TestSubscriptions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		for _, name := range []string{"mod_channel", "alice_channel", "bob_channel"} {
			if a := e.Do("POST", subscriptions, token["bob"], map[string]any{"uri": name + "@" + accountstest.Host}); a.Code != 204 {
				t.Fatalf("%s: %d %s", name, a.Code, a.Text())
			}
		}
		again := e.Do("POST", subscriptions, token["bob"], map[string]any{"uri": "ALICE_channel@KINEMESH.test"})
		if again.Code != 204 {
			t.Errorf("once more: %d %s", again.Code, again.Text())
		}
		list := e.Do("GET", subscriptions, token["bob"], nil)
		// PeerTube leaves these out of owners in this one list; the recorded owner is
		// of another server and has no user.
		sameShape(t, "users-me-subscriptions", list.JSON(), ".data[].ownerAccount.hostRedundancyAllowed", ".data[].ownerAccount.userId")
		for query, want := range map[string]string{
			"":                       "bob_channel alice_channel mod_channel",
			"?sort=createdAt":        "mod_channel alice_channel bob_channel",
			"?sort=-id":              "bob_channel alice_channel mod_channel",
			"?sort=channelUpdatedAt": "", // the users are made in any order
			"?search=LICE":           "alice_channel",
			"?search=%25":            "",
			"?search=kinemesh.test":  "",
			"?start=1&count=1":       "alice_channel",
		} {
			a := e.Do("GET", subscriptions+query, token["bob"], nil)
			if got := names(a); a.Code != 200 || got != want && query != "?sort=channelUpdatedAt" {
				t.Errorf("%s: %d %q, want %q", query, a.Code, got, want)
			}
		}
		if total := list.JSON()["total"]; total != 3.0 {
			t.Errorf("total %v", total)
		}
		if c := e.Do("GET", subscriptions+"/alice_channel@"+accountstest.Host, token["bob"], nil); c.Code != 200 || c.JSON()["name"] != "alice_channel" || c.JSON()["followersCount"] != 1.0 {
			t.Errorf("one: %d %s", c.Code, c.Text())
		}
		q := url.Values{"uris[]": {"alice_channel@" + accountstest.Host, "alice_channel@elsewhere.test", "nobody@" + accountstest.Host}}
		exist := e.Do("GET", subscriptions+"/exist?"+q.Encode(), token["bob"], nil)
		if got := exist.JSON(); exist.Code != 200 || len(got) != 3 || got["alice_channel@"+accountstest.Host] != true || got["alice_channel@elsewhere.test"] != false || got["nobody@"+accountstest.Host] != false {
			t.Errorf("exist: %d %s", exist.Code, exist.Text())
		}

		// Others have nothing of it (SEC-44).
		if got := e.Do("GET", subscriptions, token["alice"], nil).JSON()["total"]; got != 0.0 {
			t.Errorf("subscriptions of another user: %v", got)
		}
		if a := e.Do("DELETE", subscriptions+"/alice_channel@"+accountstest.Host, token["alice"], nil); a.Code != 404 {
			t.Errorf("removed by another user: %d", a.Code)
		}

		if a := e.Do("DELETE", subscriptions+"/alice_channel@"+accountstest.Host, token["bob"], nil); a.Code != 204 {
			t.Errorf("remove: %d %s", a.Code, a.Text())
		}
		for _, method := range []string{"GET", "DELETE"} {
			if a := e.Do(method, subscriptions+"/alice_channel@"+accountstest.Host, token["bob"], nil); a.Code != 404 {
				t.Errorf("%s after the end: %d", method, a.Code)
			}
		}
		if got := names(e.Do("GET", subscriptions, token["bob"], nil)); got != "bob_channel mod_channel" {
			t.Errorf("after the end: %q", got)
		}
	})
}

func TestSubscriptionsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		here := "@" + accountstest.Host
		long := url.Values{}
		for i := range 101 {
			long.Add("uris", fmt.Sprint("a", i, here))
		}
		for _, c := range []struct {
			method, path, who string
			body              any
			status            int
		}{
			{"POST", "", "", map[string]any{"uri": "alice_channel" + here}, 401},
			{"POST", "", "bob", map[string]any{"uri": "root"}, 400},
			{"POST", "", "bob", map[string]any{"uri": "root@"}, 400},
			{"POST", "", "bob", map[string]any{"uri": here}, 400},
			{"POST", "", "bob", map[string]any{"uri": "root@hello@"}, 400},
			{"POST", "", "bob", map[string]any{"uri": "a b" + here}, 400},
			{"POST", "", "bob", map[string]any{"uri": "https://a.test/c/x@y"}, 400},
			{"POST", "", "bob", map[string]any{"uri": strings.Repeat("a", 600) + here}, 400},
			{"POST", "", "bob", map[string]any{"uri": 7}, 400},
			{"POST", "", "bob", map[string]any{}, 400},
			{"POST", "", "bob", "[]", 400},
			{"POST", "", "bob", map[string]any{"uri": "nobody" + here}, 404},
			{"POST", "", "bob", map[string]any{"uri": "alice" + here}, 404}, // an account
			{"GET", "", "", nil, 401},
			{"GET", "?sort=hello", "bob", nil, 400},
			{"GET", "?count=101", "bob", nil, 400},
			{"GET", "?start=-1", "bob", nil, 400},
			{"GET", "?search=" + strings.Repeat("a", 300), "bob", nil, 400},
			{"GET", "/exist", "bob", nil, 400},
			{"GET", "/exist?uris=toto", "bob", nil, 400},
			{"GET", "/exist?uris[]=1", "bob", nil, 400},
			{"GET", "/exist?" + long.Encode(), "bob", nil, 400},
			{"GET", "/exist?uris=a" + here, "", nil, 401},
			{"GET", "/root", "bob", nil, 400},
			{"GET", "/root@", "bob", nil, 400},
			{"GET", "/root@hello@", "bob", nil, 400},
			{"GET", "/root1" + here, "bob", nil, 404},
			{"GET", "/alice_channel" + here, "", nil, 401},
			{"DELETE", "/root", "bob", nil, 400},
			{"DELETE", "/root1" + here, "bob", nil, 404},
			{"DELETE", "/alice_channel" + here, "", nil, 401},
		} {
			if a := e.Do(c.method, subscriptions+c.path, token[c.who], c.body); a.Code != c.status {
				t.Errorf("%s %s %v: %d %s, want %d", c.method, c.path, c.body, a.Code, a.Text(), c.status)
			}
		}
		for _, table := range []string{"follows", "jobs"} {
			var n int64
			q := d.Read(t.Context()).Table(table)
			if table == "jobs" {
				q = q.Where("kind = ?", subscription.AddArgs{}.Kind())
			}
			if err := q.Count(&n).Error; err != nil || n != 0 {
				t.Errorf("%d rows in %s, %v", n, table, err)
			}
		}
	})
}

// TestSubscriptionFederates follows a channel of another server, which accepts
// later, and ends it.
func TestSubscriptionFederates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		ctx := t.Context()
		u, err := a.Users.Create(ctx, newUser("alice"))
		if err != nil {
			t.Fatal(err)
		}
		own, err := a.Channels.AccountOfUser(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		films := r.Actor(actor.Group, "films")
		films.Doc["attributedTo"] = []any{map[string]any{"type": "Person", "id": bob.IRI}}
		films.Publish()
		h, ok := a.Subscriptions.ParseHandle("films@" + r.Host)
		if !ok {
			t.Fatalf("films@%s is no handle", r.Host)
		}
		for range 2 { // asked twice, followed once
			if err := a.Subscriptions.Add(ctx, own.ActorID, h); err != nil {
				t.Fatal(err)
			}
		}
		sent := r.Await("Follow").Doc
		if sent["actor"] != own.Actor.IRI || sent["object"] != films.IRI {
			t.Errorf("Follow %v", sent)
		}
		c, err := a.Subscriptions.Find(ctx, own.ActorID, h)
		if err != nil || c.Actor.IRI != films.IRI || c.Account.Actor.IRI != bob.IRI {
			t.Fatalf("while it waits: %+v, %v", c, err)
		}
		if n := s.Count("follows", "state = 'pending'"); n != 1 {
			t.Errorf("%d follows wait", n)
		}
		films.Post(s.Origin+"/accounts/alice/inbox", films.Activity("Accept", sent, nil))
		aptest.Eventually(t, "the follow to be accepted", func() bool { return s.Count("follows", "state = 'accepted'") == 1 })
		if has, err := a.Subscriptions.Has(ctx, own.ActorID, []subscription.Handle{h}); err != nil || !has[h] {
			t.Errorf("has %v, %v", has, err)
		}
		if err := a.Subscriptions.Remove(ctx, own.ActorID, h); err != nil {
			t.Fatal(err)
		}
		if undo := r.Await("Undo").Doc; undo["actor"] != own.Actor.IRI {
			t.Errorf("Undo %v", undo)
		}
		if _, err := a.Subscriptions.Find(ctx, own.ActorID, h); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("after the end: %v", err)
		}

		// What is no channel, or nowhere, ends in the list of jobs.
		for _, name := range []string{"bob", "nobody"} {
			r.ServeStatus("/.well-known/webfinger?resource="+url.QueryEscape("acct:nobody@"+r.Host), http.StatusNotFound)
			if err := a.Subscriptions.Add(ctx, own.ActorID, subscription.Handle{Name: name, Host: r.Host}); err != nil {
				t.Fatal(err)
			}
			aptest.Eventually(t, name+" to be given up", func() bool {
				return s.Count("jobs", "kind = ? AND state = ? AND args LIKE ?", subscription.AddArgs{}.Kind(), jobs.Dead, "%"+name+"%") == 1
			})
		}
		if n := s.Count("follows", ""); n != 0 {
			t.Errorf("%d follows", n)
		}
	})
}

// TestFollowers lists who follows channels, to their owner.
func TestFollowers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		for _, who := range []string{"bob", "mod", "alice"} {
			if a := e.Do("POST", subscriptions, token[who], map[string]any{"uri": "alice_channel@" + accountstest.Host}); a.Code != 204 {
				t.Fatal(a.Text())
			}
		}
		for path, fixture := range map[string]string{
			"/api/v1/accounts/alice/followers": "account-followers", "/api/v1/video-channels/alice_channel/followers": "video-channel-followers",
		} {
			followers := func(who, query string) (int, string) {
				a := e.Do("GET", path+query, token[who], nil)
				var out []string
				list, _ := a.JSON()["data"].([]any)
				for _, f := range list {
					out = append(out, dig(f, "follower.name").(string))
				}
				return a.Code, strings.Join(out, " ")
			}
			sameShape(t, fixture, e.Do("GET", path, token["alice"], nil).JSON())
			for _, c := range []struct {
				who, query string
				status     int
				want       string
			}{
				{"alice", "", 200, "alice mod bob"},
				{"mod", "", 200, "alice mod bob"},
				{"root", "?sort=createdAt&count=2", 200, "bob mod"},
				{"alice", "?sort=-score", 200, "alice mod bob"},
				{"alice", "?sort=state&start=2", 200, "alice"},
				{"alice", "?search=OB", 200, "bob"},
				{"alice", "?search=_", 200, ""},
				{"bob", "", 403, ""},
				{"", "", 401, ""},
				{"alice", "?sort=name", 400, ""},
			} {
				if status, got := followers(c.who, c.query); status != c.status || got != c.want {
					t.Errorf("%s%s as %q: %d %q, want %d %q", path, c.query, c.who, status, got, c.status, c.want)
				}
			}
		}
		for path, status := range map[string]int{
			"/accounts/nobody/followers": 404, "/video-channels/nobody/followers": 404, "/video-channels/bob_channel/followers": 403,
			"/accounts/bob/followers": 403, "/accounts/alice_channel/followers": 404,
		} {
			if a := e.Do("GET", "/api/v1"+path, token["alice"], nil); a.Code != status {
				t.Errorf("%s: %d, want %d", path, a.Code, status)
			}
		}
	})
}
