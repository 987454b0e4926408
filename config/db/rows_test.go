package db_test

import (
	"database/sql"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestRows: rows come one by one, by ids of which some are unknown, and what
// goes wrong on the way is told.
func TestRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := db.Now()
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			if err := tx.Exec("CREATE TABLE things (id BIGINT PRIMARY KEY, name TEXT, at TIMESTAMP)").Error; err != nil {
				return err
			}
			return tx.Exec("INSERT INTO things VALUES (1, 'a', ?), (2, 'b', ?), (3, NULL, ?)", now, now, now).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		g := d.Read(t.Context())
		for _, c := range []struct{ ask, want []int64 }{
			{[]int64{3, 1, 77}, []int64{1, 3}},
			{[]int64{2}, []int64{2}},
			{nil, nil},
		} {
			in, args := d.Dialect().In("id", c.ask)
			got, err := db.IDs(g, "SELECT id FROM things WHERE "+in+" AND id > ? ORDER BY id", append(args, 0)...)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("ids %v: %v, %v, want %v", c.ask, got, err, c.want)
			}
		}
		seen := 0
		err = db.Each(g, func(r *sql.Rows) error {
			var name *string
			var at time.Time
			seen++
			if err := r.Scan(&name, &at); err != nil || !at.Equal(now) || (name == nil) != (seen == 3) {
				t.Errorf("row %d: %v, %v, %v", seen, name, at, err)
			}
			return nil
		}, "SELECT name, at FROM things ORDER BY id")
		if err != nil || seen != 3 {
			t.Errorf("%d rows, %v", seen, err)
		}
		stop := errors.New("stop")
		seen = 0
		err = db.Each(g, func(*sql.Rows) error { seen++; return stop }, "SELECT id FROM things")
		if !errors.Is(err, stop) || seen != 1 {
			t.Errorf("after an error of fn: %d rows, %v", seen, err)
		}
		if err := db.Each(g, func(*sql.Rows) error { return nil }, "SELECT nothing FROM nowhere"); err == nil {
			t.Error("a query of a table that is not there succeeds")
		}
	})
}
