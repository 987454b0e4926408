package channel_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// remote writes an actor of another server with its rows.
func remote(t *testing.T, e *accountstest.Env, kind, name, host, owner string) *actor.Actor {
	t.Helper()
	now := db.Now()
	a := &actor.Actor{
		IRI: "https://" + host + "/" + name, Type: kind, Username: name, Host: host, AttributedTo: owner,
		Inbox: "https://" + host + "/" + name + "/inbox", FollowersCount: 7, FollowingCount: 3,
		FetchedAt: &now, CreatedAt: now, UpdatedAt: now,
	}
	if err := e.DB.Tx(t.Context(), func(tx *db.Tx) error { return tx.Create(a).Error }); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestHandles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		e.User("alice", rest.RoleUser)
		twin := remote(t, e, actor.Person, "alice", "far.test", "")
		if _, err := e.Channels.EnsureAccount(t.Context(), twin); err != nil {
			t.Fatal(err)
		}
		for handle, host := range map[string]string{
			"alice": "", "@alice": "", "alice@kinemesh.test": "", "alice@Kinemesh.TEST": "", "alice@kinemesh.test:443": "",
			"alice@far.test": "far.test", "@alice@far.test": "far.test", "alice@FAR.test": "far.test",
		} {
			a, err := e.Channels.AccountByHandle(t.Context(), handle)
			if err != nil || a.Actor.Host != host || a.Actor.Username != "alice" {
				t.Errorf("AccountByHandle(%q) = %+v, %v, want one of host %q", handle, a, err, host)
			}
		}
		for _, handle := range []string{
			"", "@", "@@", "alice@elsewhere.test", "alice@far.test@far.test", "%", "ali_e", "alice\x00",
			"alice\xff", strings.Repeat("a", 300), "alice@" + strings.Repeat("a", 300), "alice'--",
		} {
			if a, err := e.Channels.AccountByHandle(t.Context(), handle); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("AccountByHandle(%q) = %v, %v, want not found", handle, a, err)
			}
		}
	})
}

func TestEnsureAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		far := remote(t, e, actor.Person, "bob", "far.test", "")
		first, err := e.Channels.EnsureAccount(t.Context(), far)
		if err != nil || first.UserID != nil || first.Actor.ID != far.ID {
			t.Fatalf("%+v, %v", first, err)
		}
		second, err := e.Channels.EnsureAccount(t.Context(), far)
		if err != nil || second.ID != first.ID {
			t.Errorf("%+v, %v, want the same row", second, err)
		}
		json := e.Channels.APIAccount(first)
		if json.FollowersCount != 7 || json.FollowingCount != 3 || json.UserID != nil || json.Host != "far.test" || json.DisplayName != "bob" {
			t.Errorf("a remote account shows %+v, want what its server says", json)
		}
		for name, a := range map[string]*actor.Actor{
			"gone":                  {ID: 1 << 40, Host: "far.test", GoneAt: new(time.Now())},
			"local without account": {ID: 1 << 41},
		} {
			if got, err := e.Channels.EnsureAccount(t.Context(), a); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
	})
}

// TestPages reads a list in pages of every size and order, with ties.
func TestPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, func(c *config.Config) { c.VideoChannels.MaxPerUser = 100 })
		u, _ := e.User("alice", rest.RoleUser)
		own, err := e.Channels.AccountOfUser(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		key, err := actor.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		for i := range 6 {
			if err := d.Tx(t.Context(), func(tx *db.Tx) error {
				_, err := e.Channels.CreateChannel(tx, channel.NewChannel{Account: own, Name: fmt.Sprintf("c%d", i), DisplayName: "Same name", Key: key})
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		same := db.Now()
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE channels SET created_at = ?, updated_at = ?", same, same).Error
		}); err != nil {
			t.Fatal(err)
		}
		for _, sort := range channel.Sorts() {
			for _, desc := range []bool{false, true} {
				for _, size := range []int{1, 3, 100} {
					var ids []int64
					for start := 0; start < 10; start += size {
						rows, total, err := e.Channels.ChannelsOfAccount(t.Context(), own.ID, "", rest.Page{Start: start, Count: size, Sort: sort, Desc: desc})
						if err != nil || total != 7 {
							t.Fatalf("sort %s: total %d, %v", sort, total, err)
						}
						for _, c := range rows {
							ids = append(ids, c.ID)
						}
					}
					all := slices.Clone(ids)
					slices.Sort(all)
					if len(slices.Compact(all)) != 7 || len(ids) != 7 {
						t.Errorf("sort %s, descending %v, pages of %d: %v, want each of 7 once", sort, desc, size, ids)
					}
					if sort != "name" && slices.IsSorted(ids) == desc {
						t.Errorf("sort %s, descending %v: ties are not broken by id: %v", sort, desc, ids)
					}
				}
			}
		}
		for search, want := range map[string]int64{"": 7, "c3": 1, "SAME": 6, "s_me": 0, "%": 0, "nothing": 0, `\`: 0} {
			_, total, err := e.Channels.ChannelsOfAccount(t.Context(), own.ID, search, rest.Page{Count: 10, Sort: "id"})
			if err != nil || total != want {
				t.Errorf("search %q finds %d, %v, want %d", search, total, err, want)
			}
		}
		if _, _, err := e.Channels.LocalChannels(t.Context(), rest.Page{Count: 1, Sort: "id; DROP TABLE users"}); err == nil { // SEC-51
			t.Error("an unknown sort field is taken")
		}
	})
}

// TestGoneIsHidden marks actors as gone and looks everywhere.
func TestGoneIsHidden(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		u, _ := e.User("alice", rest.RoleUser)
		e.User("bob", rest.RoleUser)
		ctx := t.Context()
		c, err := e.Channels.ChannelByHandle(ctx, "alice_channel")
		if err != nil {
			t.Fatal(err)
		}
		if !c.OwnedBy(u.ID) || c.OwnedBy(u.ID+1) || (&channel.Channel{}).OwnedBy(u.ID) {
			t.Error("OwnedBy is wrong")
		}
		if err := d.Tx(ctx, func(tx *db.Tx) error {
			if err := e.Actors.MarkGone(tx, c.ActorID); err != nil {
				return err
			}
			return e.Actors.MarkGone(tx, c.Account.ActorID)
		}); err != nil {
			t.Fatal(err)
		}
		_, byHandle := e.Channels.ChannelByHandle(ctx, "alice_channel")
		_, byID := e.Channels.ChannelByID(ctx, c.ID)
		_, byActor := e.Channels.ChannelByActor(ctx, c.ActorID)
		_, account := e.Channels.AccountByHandle(ctx, "alice")
		_, accountByID := e.Channels.AccountByID(ctx, c.AccountID)
		for i, err := range []error{byHandle, byID, byActor, account, accountByID} {
			if !errors.Is(err, db.ErrNotFound) {
				t.Errorf("look-up %d: %v, want not found", i, err)
			}
		}
		if got, err := e.Channels.ChannelsByIDs(ctx, []int64{c.ID}); err != nil || len(got) != 0 {
			t.Errorf("ChannelsByIDs: %v, %v", got, err)
		}
		if _, total, err := e.Channels.LocalChannels(ctx, rest.Page{Count: 10, Sort: "id"}); err != nil || total != 1 {
			t.Errorf("%d channels, %v, want bob's alone", total, err)
		}
		if _, total, err := e.Channels.Accounts(ctx, rest.Page{Count: 10, Sort: "createdAt"}); err != nil || total != 1 {
			t.Errorf("%d accounts, %v, want bob's alone", total, err)
		}
	})
}

func TestFollowCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		e.User("alice", rest.RoleUser)
		ctx := t.Context()
		c, err := e.Channels.ChannelByHandle(ctx, "alice_channel")
		if err != nil {
			t.Fatal(err)
		}
		for i, state := range []string{actor.Accepted, actor.Accepted, actor.Pending} {
			far := remote(t, e, actor.Person, fmt.Sprintf("fan%d", i), "far.test", "")
			if err := d.Tx(ctx, func(tx *db.Tx) error {
				_, _, err := e.Actors.SaveFollow(tx, far, c.Actor, state, far.IRI+"/follow")
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Tx(ctx, func(tx *db.Tx) error {
			_, _, err := e.Actors.SaveFollow(tx, c.Account.Actor, c.Actor, actor.Accepted, "https://kinemesh.test/f")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if c, err = e.Channels.ChannelByID(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
		api := e.Channels.APIChannel(c)
		if api.FollowersCount != 3 || api.FollowingCount != 0 || api.OwnerAccount.FollowersCount != 0 || api.OwnerAccount.FollowingCount != 1 {
			t.Errorf("counts %d %d, of the owner %d %d", api.FollowersCount, api.FollowingCount, api.OwnerAccount.FollowersCount, api.OwnerAccount.FollowingCount)
		}
		rows, _, err := e.Channels.LocalChannels(ctx, rest.Page{Count: 10, Sort: "id"})
		if err != nil || rows[0].Actor.FollowersCount != 3 || rows[0].Account.Actor.FollowingCount != 1 {
			t.Errorf("counts in the list: %+v, %v", rows[0].Actor, err)
		}
	})
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 11, 23, 21, 35, 5, 838999999, time.FixedZone("", 3600))
	got, err := json.Marshal(map[string]any{"a": channel.Time(at), "b": channel.TimePtr(&at), "c": channel.TimePtr(nil)})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"a":"2026-11-23T20:35:05.838Z","b":"2026-11-23T20:35:05.838Z","c":null}`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

// TestWithoutFederation uses a service that tells nobody.
func TestWithoutFederation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		e.User("alice", rest.RoleUser)
		s := channel.New(channel.Options{DB: d, Actors: e.Actors, MaxPerUser: func() int { return 5 }})
		ctx := t.Context()
		own, err := s.AccountByHandle(ctx, "alice")
		if err != nil {
			t.Fatal(err)
		}
		c, err := s.Create(ctx, channel.NewChannel{Account: own, Name: "films", DisplayName: "Films"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Create(ctx, channel.NewChannel{Account: own, Name: "films", DisplayName: "Films"}); !errors.Is(err, channel.ErrNameTaken) {
			t.Errorf("a second one: %v", err)
		}
		if err := s.Update(ctx, c, channel.Change{Description: new("About")}); err != nil {
			t.Fatal(err)
		}
		if c, err = s.ChannelByID(ctx, c.ID); err != nil || c.Actor.Summary != "About" || c.Actor.Name != "Films" {
			t.Errorf("%+v, %v", c.Actor, err)
		}
		if err := s.Delete(ctx, c); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ChannelByID(ctx, c.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("after the deletion: %v", err)
		}
		first, err := s.ChannelByHandle(ctx, "alice_channel")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, first); !errors.Is(err, channel.ErrLastChannel) {
			t.Errorf("the last channel: %v", err)
		}
	})
}

// TestRollback makes a channel in a transaction that fails.
func TestRollback(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		e.User("alice", rest.RoleUser)
		own, err := e.Channels.AccountByHandle(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		key, err := actor.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		stop := errors.New("stop")
		err = d.Tx(t.Context(), func(tx *db.Tx) error {
			if _, err := e.Channels.CreateChannel(tx, channel.NewChannel{Account: own, Name: "films", DisplayName: "Films", Key: key}); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Fatal(err)
		}
		if free, err := e.Channels.Free(t.Context(), "films"); err != nil || !free {
			t.Errorf("the name is taken by a channel that was rolled back: %v", err)
		}
		if free, err := e.Channels.Free(t.Context(), "alice"); err != nil || free {
			t.Errorf("the name of a user is free: %v", err)
		}
	})
}
