package jobs_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

type sumArgs struct{}

func (sumArgs) Kind() string { return "test.sum" }

func insertSum(tx *db.Tx) error { return jobs.Insert(tx, sumArgs{}, jobs.Unique("now")) }

// TestUniqueSeesTheCommit: whoever inserts a job that waits already is sure of a
// run that sees what he writes with it, also when that job is started meanwhile.
func TestUniqueSeesTheCommit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		create := func(tx *db.Tx) error { return tx.Exec("CREATE TABLE terms (n BIGINT)").Error }
		if err := errors.Join(d.Tx(t.Context(), create), d.Tx(t.Context(), insertSum)); err != nil {
			t.Fatal(err)
		}
		seen := make(chan int64, 10)
		sum := jobs.Handle(func(ctx context.Context, _ sumArgs) error {
			var n int64
			err := d.Read(ctx).Raw("SELECT COUNT(*) FROM terms").Scan(&n).Error
			seen <- n
			return err
		})
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			if err := errors.Join(tx.Exec("INSERT INTO terms VALUES (1)").Error, insertSum(tx)); err != nil {
				return err
			}
			jobstest.Run(t, d, sum)
			time.Sleep(2 * time.Second) // the job is offered and would have run
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for {
			select {
			case n := <-seen:
				if n == 1 {
					return
				}
			case <-time.After(time.Minute):
				t.Fatal("no run has seen what was written with the job")
			}
		}
	})
}

// TestTwinOfAFailedJob: a job fails while another with its key is inserted; the
// work is done, and nothing hangs.
func TestTwinOfAFailedJob(t *testing.T) {
	d := dbtest.Postgres(t) // SQLite has one writer: nobody comes between
	var once atomic.Bool
	between := func(g *gorm.DB) {
		if m, ok := g.Statement.Dest.(map[string]any); ok && m["state"] == jobs.Waiting && once.CompareAndSwap(false, true) {
			if err := d.Tx(context.Background(), insertSum); err != nil {
				t.Error(err)
			}
		}
	}
	if err := d.Read(t.Context()).Callback().Update().Before("gorm:update").Register("between", between); err != nil {
		t.Fatal(err)
	}
	var runs atomic.Int64
	jobstest.Run(t, d, jobs.Handle(func(context.Context, sumArgs) error {
		if runs.Add(1) == 1 {
			return errors.New("the first fails")
		}
		return nil
	}))
	if err := d.Tx(t.Context(), insertSum); err != nil {
		t.Fatal(err)
	}
	jobstest.Drain(t, d)
	if !once.Load() || runs.Load() != 2 {
		t.Errorf("%d runs, want that of the twin after the first", runs.Load())
	}
}
