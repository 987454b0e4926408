// Package jobstest runs jobs in tests, on the broker inside the process.
package jobstest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// Run starts a runner for handlers and stops it when the test ends.
func Run(t testing.TB, d *db.DB, handlers ...jobs.Handler) *jobs.Runner {
	t.Helper()
	r, err := jobs.NewRunner(jobs.Options{DB: d, Handlers: handlers, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	Start(t, r)
	return r
}

// Start runs r until stop is called, or else until the test ends.
func Start(t testing.TB, r *jobs.Runner) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			t.Errorf("runner: %v", err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// Drain waits until no job is active or due, and fails the test when one is
// dead or when that takes over a minute. One that failed and is to be run again
// later is logged.
func Drain(t testing.TB, d *db.DB) {
	t.Helper()
	ctx := context.Background()
	deadline := time.Now().Add(time.Minute)
	for {
		var busy []jobs.Job
		err := d.Read(ctx).Where("state = ? OR (state = ? AND run_at <= ?)", jobs.Active, jobs.Waiting, db.Now().Add(2*time.Second)).
			Order("id").Limit(5).Find(&busy).Error
		if err != nil {
			t.Fatal(err)
		}
		if len(busy) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("jobs still busy after a minute: %+v", busy)
		}
		time.Sleep(10 * time.Millisecond)
	}
	var dead []jobs.Job
	if err := d.Read(ctx).Where("state = ?", jobs.Dead).Order("id").Limit(5).Find(&dead).Error; err != nil {
		t.Fatal(err)
	}
	var failed []jobs.Job
	if err := d.Read(ctx).Where("state = ? AND last_error <> ''", jobs.Waiting).Order("id").Limit(5).Find(&failed).Error; err != nil {
		t.Fatal(err)
	}
	for _, j := range failed {
		t.Logf("job %d %s %s failed and is run again at %s: %s", j.ID, j.Kind, j.Args, j.RunAt, j.LastError)
	}
	for _, j := range dead {
		t.Errorf("job %d %s %s is dead: %s", j.ID, j.Kind, j.Args, j.LastError)
	}
}
