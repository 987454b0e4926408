package channel_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
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
