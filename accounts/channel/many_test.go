package channel_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestManyAccounts: near and far pages together show each account once, in
// order, and none whose server is blocked.
func TestManyAccounts(t *testing.T) {
	const n = 1200
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		actors := make([]*actor.Actor, n)
		accounts := make([]map[string]any, n)
		now := db.Now()
		for i := range n {
			host := fmt.Sprintf("h%d.example", i%10)
			iri := fmt.Sprintf("https://%s/accounts/%d", host, i)
			actors[i] = &actor.Actor{ID: 20_000 + int64(i), IRI: iri, Type: "Person", Username: fmt.Sprint(i), Host: host, Inbox: iri, CreatedAt: now, UpdatedAt: now}
			accounts[i] = map[string]any{"id": actors[i].ID, "actor_id": actors[i].ID, "created_at": now, "updated_at": now}
		}
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			if err := tx.CreateInBatches(actors, 100).Error; err != nil {
				return err
			}
			return tx.Table("accounts").CreateInBatches(accounts, 100).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		check := func(desc bool, want int) {
			t.Helper()
			var ids []int64
			for start := 0; start < n; start += 100 {
				rows, total, err := e.Channels.Accounts(t.Context(), rest.Page{Start: start, Count: 100, Sort: "createdAt", Desc: desc})
				if err != nil || total != int64(want) {
					t.Fatalf("from %d: %d in all, %v, want %d", start, total, err, want)
				}
				for _, a := range rows {
					ids = append(ids, a.ID)
				}
			}
			sorted := slices.Clone(ids)
			slices.Sort(sorted)
			if len(slices.Compact(sorted)) != want || len(ids) != want {
				t.Errorf("descending %v: %d accounts are shown, %d of them once, want %d", desc, len(ids), len(sorted), want)
			}
			if desc {
				slices.Reverse(ids)
			}
			if !slices.IsSorted(ids) {
				t.Errorf("descending %v: ties are not broken by id", desc)
			}
		}
		check(false, n)
		check(true, n)
		if rows, _, err := e.Channels.Accounts(t.Context(), rest.Page{Start: 5000, Count: 10, Sort: "createdAt"}); err != nil || len(rows) != 0 {
			t.Errorf("behind the end: %d, %v", len(rows), err)
		}
		if err := e.Rules.Set(t.Context(), "h3.example", "block", ""); err != nil {
			t.Fatal(err)
		}
		check(false, n-n/10)
	})
}

// TestManyChannels: where many are, near and far pages of a search together show
// each channel once, the best first, and none of a server that was blocked since.
func TestManyChannels(t *testing.T) {
	const n = 60
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		now := db.Now()
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			for i := range int64(n) {
				host := fmt.Sprintf("h%d.example", i%10)
				for id, kind := range map[int64]string{20_000 + i: "Person", 30_000 + i: "Group"} {
					iri := fmt.Sprintf("https://%s/%d", host, id)
					a := &actor.Actor{ID: id, IRI: iri, Type: kind, Username: fmt.Sprint(id), Host: host, Inbox: iri, FollowersCount: i, CreatedAt: now, UpdatedAt: now}
					if err := tx.Create(a).Error; err != nil {
						return err
					}
				}
				account := map[string]any{"id": 20_000 + i, "actor_id": 20_000 + i, "created_at": now, "updated_at": now}
				ch := map[string]any{"id": 30_000 + i, "actor_id": 30_000 + i, "account_id": 20_000 + i, "local": false, "words": "music", "created_at": now, "updated_at": now}
				if err := tx.Table("accounts").Create(account).Error; err != nil {
					return err
				}
				if err := tx.Table("channels").Create(ch).Error; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		found := func() (ids []int64, total int64) {
			for start := 0; start < n; start += 20 {
				rows, count, err := e.Channels.Search(t.Context(), channel.SearchFilter{Text: "musi"}, rest.Page{Start: start, Count: 20, Sort: "match", Desc: true})
				if err != nil {
					t.Fatal(err)
				}
				total = count
				for _, c := range rows {
					if c.Account == nil || c.Account.ID != c.ID-10_000 || c.Actor.FollowersCount != c.ID-30_000 {
						t.Errorf("channel %d: account %v, %d followers", c.ID, c.Account, c.Actor.FollowersCount)
					}
					ids = append(ids, c.ID)
				}
			}
			return ids, total
		}
		if err := e.Rules.Set(t.Context(), "other.example", "block", ""); err != nil { // later only which servers changes
			t.Fatal(err)
		}
		ids, total := found()
		if len(ids) != n || total != n {
			t.Fatalf("%d of %d, want %d", len(ids), total, n)
		}
		for i, id := range ids {
			if id != 30_000+n-1-int64(i) {
				t.Fatalf("%v: those with most followers are not the first", ids)
			}
		}
		if err := e.Rules.Set(t.Context(), "h3.example", "block", ""); err != nil {
			t.Fatal(err)
		}
		if ids, _ := found(); len(ids) != n-n/10 {
			t.Errorf("after a server was blocked %d channels are shown, want %d", len(ids), n-n/10)
		}
	})
}
