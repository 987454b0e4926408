package accounts_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts"
	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
)

// federated is the module behind a listener, its jobs running.
func federated(t *testing.T, d *db.DB) (*aptest.Server, *accounts.Accounts) {
	t.Helper()
	var a *accounts.Accounts
	s := aptest.Serve(t, d, aptest.Options{Modules: func(e *activitypub.Engine) []activitypub.Module {
		cfg := config.Default()
		cfg.Webserver = config.Webserver{Hostname: "127.0.0.1", Port: 9}
		cfg.Secrets.PeerTube = config.Secret(strings.Repeat("5", 64))
		if err := cfg.Complete(); err != nil {
			t.Fatal(err)
		}
		a = accounts.New(accounts.Options{DB: d, Engine: e, Transport: aptest.Transport(t), Config: cfg, Logger: slog.New(slog.DiscardHandler)})
		return []activitypub.Module{a.Module()}
	}})
	return s, a
}

// follow makes a remote actor follow one of ours.
func follow(t *testing.T, s *aptest.Server, r *aptest.Remote, from *aptest.Actor, target string) {
	t.Helper()
	if status := from.Post(target+"/inbox", from.Activity("Follow", target, nil)); status >= 300 {
		t.Fatalf("follow: %d", status)
	}
	r.Await("Accept")
}

// TestActorsFederate changes and deletes a channel that another server follows.
func TestActorsFederate(t *testing.T) {
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
		c, err := a.Channels.Create(ctx, channel.NewChannel{Account: own, Name: "films", DisplayName: "Films", Support: "Give"})
		if err != nil {
			t.Fatal(err)
		}
		doc := s.Get("/video-channels/films", "application/activity+json").JSON
		if doc["type"] != "Group" || doc["support"] != "Give" || doc["name"] != "Films" || !strings.Contains(fmt.Sprint(doc["attributedTo"]), s.Origin+"/accounts/alice") {
			t.Errorf("document %v", doc)
		}
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		follow(t, s, r, bob, c.Actor.IRI)
		if c, err = a.Channels.ChannelByHandle(ctx, "films"); err != nil || c.Actor.FollowersCount != 1 {
			t.Fatalf("followers %d, %v", c.Actor.FollowersCount, err)
		}

		if err := a.Channels.Update(ctx, c, channel.Change{DisplayName: new("Movies"), Support: new("Give more")}); err != nil {
			t.Fatal(err)
		}
		got := r.Await("Update").Doc
		object, ok := got["object"].(map[string]any)
		if !ok || got["actor"] != c.Actor.IRI || object["name"] != "Movies" || object["support"] != "Give more" || object["id"] != c.Actor.IRI {
			t.Errorf("Update %v", got)
		}

		if err := a.Channels.Delete(ctx, c); err != nil {
			t.Fatal(err)
		}
		if got := r.Await("Delete").Doc; got["object"] != c.Actor.IRI || got["actor"] != c.Actor.IRI {
			t.Errorf("Delete %v", got)
		}
		if got := s.Get("/video-channels/films", "application/activity+json").Status; got != 410 {
			t.Errorf("the document of a deleted channel answers %d", got)
		}
		aptest.Eventually(t, "removed row", func() bool { return s.Count("channels", "id = ?", c.ID) == 0 })
		if s.Count("accounts", "id = ?", own.ID) != 1 {
			t.Error("the account went with its channel")
		}
	})
}

// TestUserDeletionFederates deletes a user whose account is followed.
func TestUserDeletionFederates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		u, err := a.Users.Create(t.Context(), newUser("alice"))
		if err != nil {
			t.Fatal(err)
		}
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		follow(t, s, r, bob, s.Origin+"/accounts/alice")
		if err := a.Users.Delete(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		if got := r.Await("Delete").Doc; got["object"] != s.Origin+"/accounts/alice" {
			t.Errorf("Delete %v", got)
		}
		aptest.Eventually(t, "empty tables", func() bool { return s.Count("channels", "")+s.Count("accounts", "")+s.Count("users", "") == 0 })
	})
}

// TestRemoteDeletion takes a deleted remote author's rows away, channels first.
func TestRemoteDeletion(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		for _, name := range []string{"films", "songs"} {
			g := r.Actor(actor.Group, name)
			g.Doc["attributedTo"] = []any{map[string]any{"type": "Person", "id": bob.IRI}}
			g.Publish()
			if _, err := a.Channels.ResolveRemote(t.Context(), g.IRI); err != nil {
				t.Fatal(err)
			}
		}
		if status := bob.Post(s.Origin+"/inbox", bob.Activity("Delete", bob.IRI, nil)); status >= 300 {
			t.Fatalf("delete: %d", status)
		}
		aptest.Eventually(t, "empty tables", func() bool { return s.Count("channels", "")+s.Count("accounts", "") == 0 })
	})
}

func TestResolveRemote(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		ctx := t.Context()
		if _, err := a.Users.Create(ctx, newUser("alice")); err != nil {
			t.Fatal(err)
		}
		r, other := aptest.New(t), aptest.New(t)
		bob, carol := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "carol")
		stranger := other.Actor(actor.Person, "stranger")
		group := func(name string, owner any) *aptest.Actor {
			g := r.Actor(actor.Group, name)
			if owner != nil {
				g.Doc["attributedTo"] = owner
			}
			g.Publish()
			return g
		}
		films := group("films", []any{map[string]any{"type": "Person", "id": bob.IRI}})

		c, err := a.Channels.ResolveRemote(ctx, films.IRI)
		if err != nil {
			t.Fatal(err)
		}
		if c.Local || c.Actor.IRI != films.IRI || c.Account.Actor.IRI != bob.IRI || c.Account.UserID != nil {
			t.Errorf("channel %+v of %+v", c, c.Account)
		}
		fetches := r.Fetches("")
		again, err := a.Channels.ResolveRemote(ctx, films.IRI)
		if err != nil || again.ID != c.ID || r.Fetches("") != fetches {
			t.Errorf("second look-up: %v, %v, %d more fetches", again, err, r.Fetches("")-fetches)
		}
		handle := "films@" + r.Host
		if got, err := a.Channels.ChannelByHandle(ctx, handle); err != nil || got.ID != c.ID {
			t.Errorf("by handle: %v, %v", got, err)
		}
		if got := s.Do("GET", "/api/v1/video-channels/"+handle, "", nil); got.Status != 200 || got.JSON["isLocal"] != false || got.JSON["host"] != r.Host {
			t.Errorf("API: %d %v", got.Status, got.JSON)
		}
		if got := s.Do("GET", "/api/v1/accounts/bob@"+r.Host+"/video-channels", "", nil); got.Status != 200 || got.JSON["total"] != 1.0 {
			t.Errorf("channels of the account: %d %v", got.Status, got.JSON)
		}
		if got := s.Do("GET", "/api/v1/video-channels", "", nil); got.JSON["total"] != 1.0 {
			t.Errorf("local channels: %v", got.JSON["total"])
		}
		if err := a.Channels.Update(ctx, c, channel.Change{DisplayName: new("Mine")}); !errors.Is(err, channel.ErrForeign) {
			t.Errorf("Update of a remote channel = %v", err)
		}

		films.Doc["attributedTo"] = carol.IRI // a plain URL, as 8.x sends it
		films.Publish()
		if _, err := s.Engine.Actors.Refresh(ctx, films.IRI); err != nil {
			t.Fatal(err)
		}
		if c, err := a.Channels.ResolveRemote(ctx, films.IRI); err != nil || c.Account.Actor.IRI != carol.IRI || c.ID != again.ID {
			t.Errorf("after the owner changed: %+v, %v", c, err)
		}

		for _, c := range []struct {
			name string
			iri  string
			want error
		}{
			{"owner elsewhere", group("stolen", stranger.IRI).IRI, nil},
			{"no owner", group("orphan", nil).IRI, channel.ErrNotChannel},
			{"owned by a group", group("nested", films.IRI).IRI, channel.ErrNotChannel},
			{"a person", bob.IRI, channel.ErrNotChannel},
			{"unknown", r.Origin + "/users/none", nil},
			{"local account", s.Origin + "/accounts/alice", channel.ErrNotChannel},
		} {
			t.Run(c.name, func(t *testing.T) {
				before := s.Count("channels", "")
				got, err := a.Channels.ResolveRemote(ctx, c.iri)
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("ResolveRemote = %v, %v, want %v", got, err, c.want)
				}
				if s.Count("channels", "") != before {
					t.Error("a row was made")
				}
			})
		}
		if c, err := a.Channels.ResolveRemote(ctx, s.Origin+"/video-channels/alice_channel"); err != nil || !c.Local {
			t.Errorf("local channel: %v, %v", c, err)
		}
	})
}

// TestChannelsByIDs is what lists of videos stand on.
func TestChannelsByIDs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		_, a := federated(t, d)
		ctx := context.Background()
		ids := []int64{99999}
		for _, name := range []string{"alice", "bob"} {
			if _, err := a.Users.Create(ctx, newUser(name)); err != nil {
				t.Fatal(err)
			}
			c, err := a.Channels.ChannelByHandle(ctx, name+"_channel")
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, c.ID)
		}
		got, err := a.Channels.ChannelsByIDs(ctx, ids)
		if err != nil || len(got) != 2 {
			t.Fatalf("%d channels, %v", len(got), err)
		}
		for id, c := range got {
			if c.ID != id || c.Actor.Username != c.Account.Actor.Username+"_channel" {
				t.Errorf("channel %d: %+v of %+v", id, c.Actor, c.Account.Actor)
			}
			sum := a.Channels.APIChannelSummary(c)
			if sum.ID != id || sum.URL != c.Actor.IRI || sum.Avatars == nil {
				t.Errorf("summary %+v", sum)
			}
		}
		if got, err := a.Channels.ChannelsByIDs(ctx, nil); err != nil || len(got) != 0 {
			t.Errorf("no ids: %v, %v", got, err)
		}
	})
}

func TestModule(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		u, err := a.Users.Create(t.Context(), newUser("alice"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Users.Create(t.Context(), newUser("bob")); err != nil {
			t.Fatal(err)
		}
		if _, _, err := a.OAuth.NewSession(t.Context(), u.ID, oauth.Place{}); err != nil { // notes the login
			t.Fatal(err)
		}
		info := s.Get("/nodeinfo/2.0.json", "application/json")
		usage, ok := info.JSON["usage"].(map[string]any)
		if !ok {
			t.Fatalf("nodeinfo %d %s", info.Status, info.Body)
		}
		if got := fmt.Sprint(usage["users"]); got != "map[activeHalfyear:1 activeMonth:1 total:2]" {
			t.Errorf("users in nodeinfo: %s", got)
		}
		m := a.Module()
		for _, p := range m.Periodic {
			if !slices.ContainsFunc(m.Jobs, func(h jobs.Handler) bool { return h.Kind == p.Args.Kind() }) {
				t.Errorf("nothing does %s", p.Args.Kind())
			}
		}
	})
}
