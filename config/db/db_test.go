package db_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

type fact struct {
	Name  string `gorm:"primaryKey"`
	Value string
}

func (fact) TableName() string { return "instance_facts" }

func TestTxCommitsAndRunsAfterCommit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		var after []string
		err := d.Tx(ctx, func(tx *db.Tx) error {
			tx.AfterCommit(func() { after = append(after, "first") })
			tx.AfterCommit(func() { after = append(after, "second") })
			return tx.Create(&fact{"a", "1"}).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(after, ","); got != "first,second" {
			t.Errorf("after commit ran %q, want first,second", got)
		}
		var f fact
		if err := d.Read(ctx).Where("name = ?", "a").Take(&f).Error; err != nil || f.Value != "1" {
			t.Errorf("read %+v, %v, want value 1", f, err)
		}
	})
}

func TestTxRollsBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		boom := errors.New("boom")
		ran := false
		err := d.Tx(ctx, func(tx *db.Tx) error {
			tx.AfterCommit(func() { ran = true })
			if err := tx.Create(&fact{"a", "1"}).Error; err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Errorf("Tx = %v, want %v", err, boom)
		}
		if ran {
			t.Error("AfterCommit ran after a rollback")
		}
		var f fact
		if err := d.Read(ctx).Where("name = ?", "a").Take(&f).Error; !errors.Is(err, db.ErrNotFound) {
			t.Errorf("row after rollback: %v, want not found", err)
		}
	})
}

func TestDuplicateIsRecognised(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		insert := func() error {
			return d.Tx(context.Background(), func(tx *db.Tx) error { return tx.Create(&fact{"a", "1"}).Error })
		}
		if err := insert(); err != nil {
			t.Fatal(err)
		}
		if err := insert(); !db.IsDuplicate(err) {
			t.Errorf("second insert: %v, want a duplicate", err)
		}
		if d.Dialect() != db.Postgres {
			return
		}
		tx := func(text string) error {
			return d.Tx(context.Background(), func(tx *db.Tx) error { return tx.Exec(text).Error })
		}
		if err := tx("CREATE TABLE hashed (v TEXT, EXCLUDE USING hash (v WITH =))"); err != nil {
			t.Fatal(err)
		}
		if first, second := tx("INSERT INTO hashed VALUES ('a')"), tx("INSERT INTO hashed VALUES ('a')"); first != nil || !db.IsDuplicate(second) {
			t.Errorf("with a constraint that excludes: %v, %v", first, second)
		}
	})
}

// Writers that read before they write must never be refused by a lock.
func TestConcurrentReadModifyWrite(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		const writers, rounds = 8, 25
		if err := d.Tx(ctx, func(tx *db.Tx) error { return tx.Create(&fact{"n", ""}).Error }); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range rounds {
					err := d.Tx(ctx, func(tx *db.Tx) error {
						var f fact
						q := "SELECT name, value FROM instance_facts WHERE name = 'n'" + tx.Dialect().ForUpdate()
						if err := tx.Raw(q).Scan(&f).Error; err != nil {
							return err
						}
						return tx.Model(&fact{}).Where("name = ?", "n").Update("value", f.Value+"x").Error
					})
					if err != nil {
						t.Errorf("transaction lost: %v", err)
						return
					}
				}
			})
		}
		wg.Wait()
		var f fact
		if err := d.Read(ctx).Where("name = ?", "n").Take(&f).Error; err != nil || len(f.Value) != writers*rounds {
			t.Errorf("%d updates survived (%v), want %d", len(f.Value), err, writers*rounds)
		}
	})
}

// TestOthersGoOn: whoever leaves while a query runs takes the connection along, on
// PostgreSQL. Those who come next get one that works.
func TestOthersGoOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		slow := "WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 100000) SELECT COUNT(*) FROM s"
		if d.Dialect() == db.Postgres {
			slow = "SELECT COUNT(*) FROM pg_sleep(30)"
		}
		const clients = 10
		for round := range 5 {
			ctx, leave := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					var n int
					_ = d.Read(ctx).Raw(slow).Scan(&n).Error // nobody is there to be told
				})
			}
			time.Sleep(50 * time.Millisecond)
			leave()
			for range 2 * clients {
				wg.Go(func() {
					var n int
					if err := d.Read(t.Context()).Raw("SELECT 1").Scan(&n).Error; err != nil || n != 1 {
						t.Errorf("round %d: %d, %v", round, n, err)
					}
				})
			}
			wg.Wait()
		}
	})
}

type stamp struct {
	Name      string `gorm:"primaryKey"`
	Slot      int64
	CreatedAt time.Time
}

func (stamp) TableName() string { return "job_slots" }

func TestTimesSurviveAndCompare(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		base := time.Date(2026, 11, 24, 15, 0, 0, 0, time.UTC)
		times := []time.Time{base, base.Add(time.Microsecond), base.Add(500 * time.Millisecond), base.Add(time.Second)}
		for i, at := range times {
			err := d.Tx(ctx, func(tx *db.Tx) error {
				return tx.Create(&stamp{Name: "t", Slot: int64(i), CreatedAt: at}).Error
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, at := range times {
			var n int64
			if err := d.Read(ctx).Model(&stamp{}).Where("created_at <= ?", at).Count(&n).Error; err != nil || n != int64(i+1) {
				t.Errorf("rows up to %v: %d (%v), want %d", at, n, err, i+1)
			}
			var s stamp
			if err := d.Read(ctx).Where("slot = ?", i).Take(&s).Error; err != nil || !s.CreatedAt.Equal(at) {
				t.Errorf("read back %v (%v), want %v", s.CreatedAt, err, at)
			}
		}
	})
}

func TestOpenRefusesWithASentence(t *testing.T) {
	for _, c := range []struct{ url, want string }{
		{"mysql://x", `scheme "mysql" is not known`},
		{"sqlite:", "sqlite needs a file"},
		{"sqlite::memory:", "sqlite needs a file"},
		{"postgres://u:verysecret@127.0.0.1:1/x?connect_timeout=2", "connect to PostgreSQL at 127.0.0.1:1"},
	} {
		_, err := db.Open(context.Background(), c.url)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Open(%q) = %v, want %q in it", c.url, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "verysecret") {
			t.Errorf("Open(%q) tells the password: %v", c.url, err)
		}
	}
}

func TestSQLiteReadHandleRefusesWrites(t *testing.T) {
	d := dbtest.SQLite(t)
	if err := d.Read(context.Background()).Create(&fact{"a", "1"}).Error; err == nil {
		t.Error("a write through Read succeeded, want it refused")
	}
}

func TestLike(t *testing.T) {
	if got := db.Like(`50%_a\b`); got != `50\%\_a\\b` {
		t.Errorf("Like = %q", got)
	}
}
