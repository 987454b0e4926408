package hostrule_test

import (
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestSEC19Shows: one thing at its address is shown to whom lists show it.
func TestSEC19Shows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := rules(d, hostrule.Open)
		viewer := insertActor(t, d, r, "")
		made := map[string]*actor.Actor{}
		for _, host := range []string{"full.example", "quiet.example", "a.evil.example"} {
			a := insertActor(t, d, r, host)
			made[host] = a
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				return tx.Create(&actor.Follow{FollowerID: viewer.ID, TargetID: a.ID, State: actor.Accepted, CreatedAt: db.Now(), UpdatedAt: db.Now()}).Error
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if r.Any(t.Context()) {
			t.Error("rules before there is one")
		}
		set(t, r, "quiet.example", hostrule.Limit)
		set(t, r, "evil.example", hostrule.Block)
		if !r.Any(t.Context()) || !rules(d, hostrule.Limited).Any(t.Context()) {
			t.Error("no rules")
		}
		for _, c := range []struct {
			host               string
			stranger, follower bool
		}{{"full.example", true, true}, {"quiet.example", false, true}, {"a.evil.example", false, false}} {
			id := made[c.host].ID
			for who, want := range map[int64]bool{0: c.stranger, viewer.ID: c.follower} {
				if got := r.Shows(t.Context(), c.host, id, who); got != want {
					t.Errorf("%s shown to %d: %v", c.host, who, got)
				}
				// As the lists have it.
				where, args := hostrule.Shown("a.host", "a.id", who)
				var n int64
				err := d.Read(t.Context()).Raw("SELECT COUNT(*) FROM actors a WHERE a.id = ? AND "+where, append([]any{id}, args...)...).Scan(&n).Error
				if err != nil || (n == 1) != want {
					t.Errorf("%s in a list for %d: %d, %v", c.host, who, n, err)
				}
			}
		}
		if r.Shows(t.Context(), "quiet.example", 0, viewer.ID) {
			t.Error("an unknown actor of a limited host is shown")
		}
		query, args := hostrule.Silent()
		var silent []int64
		if err := d.Read(t.Context()).Raw(query, args...).Scan(&silent).Error; err != nil || !slices.Equal(silent, []int64{made["a.evil.example"].ID}) {
			t.Errorf("silent %v, %v", silent, err)
		}
	})
	var none *hostrule.Rules
	if none.Any(t.Context()) || !none.Shows(t.Context(), "evil.example", 1, 0) {
		t.Error("without rules something is hidden")
	}
}

// TestSEC19ShowsAsksNobody: where no rule counts, the database is not asked.
func TestSEC19ShowsAsksNobody(t *testing.T) {
	d := dbtest.SQLite(t)
	r := rules(d, hostrule.Open)
	set(t, r, "evil.example", hostrule.Block)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if !r.Shows(t.Context(), "full.example", 1, 0) || r.Shows(t.Context(), "evil.example", 1, 2) {
		t.Error("the rules in memory do not decide")
	}
}
