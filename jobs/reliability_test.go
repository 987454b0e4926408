package jobs_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/migrations"
)

var workerKills = flag.Int("worker-kills", 0, "how often TestKilledWorker kills a worker and waits until it is missed; 0: once, without the waiting")

// REL-03: a broker that is emptied while 50 jobs run and 1,000 wait loses none
// of them and runs none twice; all are done within 30 s.
func TestFlushLosesNothing(t *testing.T) {
	const running, pending = 50, 1000
	u := redisURL(t)
	d := dbtest.Postgres(t, migrations.Jobs)
	var runs [running + pending]atomic.Int32
	var begun atomic.Int32
	flushed := make(chan struct{})
	r, err := jobs.NewRunner(jobs.Options{
		DB: d, RedisURL: u, Logger: slog.New(slog.DiscardHandler), Concurrency: map[string]int{"default": running},
		Handlers: []jobs.Handler{jobs.Handle(func(ctx context.Context, a noteArgs) error {
			begun.Add(1)
			select {
			case <-flushed:
			case <-ctx.Done():
				return ctx.Err()
			}
			runs[a.N].Add(1)
			return nil
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	jobstest.Start(t, r)
	insertMany(t, d, 0, running)
	until(t, "all places are taken", func() bool { return begun.Load() == running })
	insertMany(t, d, running, pending)
	until(t, "all that wait are with the broker", func() bool {
		var n int64
		if err := d.Read(t.Context()).Model(&jobs.Job{}).Where("state = ? AND kind = ? AND epoch <> ''", jobs.Waiting, "test.note").Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n == pending
	})
	at := time.Now()
	flush(t, u)
	close(flushed)
	jobstest.Drain(t, d)
	took := time.Since(at)
	t.Logf("%d jobs done %v after the broker was emptied", running+pending, took.Round(time.Millisecond))
	if took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	for i := range runs {
		if n := runs[i].Load(); n != 1 {
			t.Errorf("job %d ran %d times", i, n)
		}
	}
}

func insertMany(t *testing.T, d *db.DB, from, n int) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		for i := range n {
			if err := jobs.Insert(tx, noteArgs{from + i}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// REL-05: what a killed worker had is run again, with a task of a new id.
func TestLostWorkerIsReplaced(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		insert(t, d, noteArgs{1})
		err := d.Tx(context.Background(), func(tx *db.Tx) error {
			return tx.Model(&jobs.Job{}).Where("kind = ?", "test.note").
				Updates(map[string]any{"state": jobs.Active, "attempts": 1, "epoch": "gone", "heartbeat_at": db.Now().Add(-time.Second)}).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		jobstest.Run(t, d, jobs.Handle(func(context.Context, noteArgs) error { return nil }))
		until(t, "the job is done", func() bool { return rows(t, d)[0].State == jobs.Finished })
		if j := rows(t, d)[0]; j.Attempts != 2 {
			t.Errorf("row %+v, want the second attempt", j)
		}
	}, migrations.Jobs)
}

// What tells a process that it is the worker which TestKilledWorker kills.
const (
	workerDatabase = "KINEMESH_TEST_WORKER_DATABASE"
	workerRedis    = "KINEMESH_TEST_WORKER_REDIS"
)

// TestWorkerChild is no test: it is the worker, whose jobs never end.
func TestWorkerChild(t *testing.T) {
	url := os.Getenv(workerDatabase)
	if url == "" {
		t.Skip("run by TestKilledWorker")
	}
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	start(t, d, os.Getenv(workerRedis), jobs.Handle(func(ctx context.Context, _ noteArgs) error {
		<-ctx.Done()
		return ctx.Err()
	}))
	time.Sleep(10 * time.Minute) // until it is killed
}

// REL-05: a worker is killed with -9 while it runs four jobs. They are run again
// within 120 s, by another worker or by the next process, and the kill has cost
// one attempt.
func TestKilledWorker(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	for range max(1, *workerKills) { // each round ends what it started
		t.Run("next process", func(t *testing.T) {
			url := fmt.Sprint("sqlite:", t.TempDir(), "/jobs.db")
			killWorker(t, url, "", 10*time.Second)
		})
		t.Run("another worker", func(t *testing.T) {
			u := redisURL(t)
			killWorker(t, dbtest.PostgresURL(t), u, 120*time.Second)
		})
	}
}

func killWorker(t *testing.T, url, redis string, limit time.Duration) {
	t.Helper()
	const running = 4
	d, err := db.Open(t.Context(), url, db.MaxConns(10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := migrations.Up(t.Context(), d, migrations.Jobs); err != nil {
		t.Fatal(err)
	}
	insertMany(t, d, 0, running)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWorkerChild$")
	child.Env = append(os.Environ(), workerDatabase+"="+url, workerRedis+"="+redis)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() {
		_ = child.Process.Kill() // SIGKILL
		_ = child.Wait()
	})
	t.Cleanup(kill)
	until(t, "the worker runs all", func() bool {
		n := 0
		for _, j := range rows(t, d) {
			if j.State == jobs.Active {
				n++
			}
		}
		return n == running
	})
	var mu sync.Mutex
	done := map[int]int{}
	work := jobs.Handle(func(_ context.Context, a noteArgs) error {
		mu.Lock()
		defer mu.Unlock()
		done[a.N]++
		return nil
	})
	if redis != "" {
		start(t, d, redis, work) // it is there before the other one is killed
	}
	kill()
	at := time.Now()
	if redis == "" {
		start(t, d, "", work)
	} else if *workerKills == 0 { // as if a minute had passed
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Model(&jobs.Job{}).Where("state = ?", jobs.Active).Update("heartbeat_at", db.Now().Add(-time.Minute)).Error
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	untilWithin(t, limit, "all are done", func() bool {
		for _, j := range rows(t, d) {
			if j.State != jobs.Finished {
				return false
			}
		}
		return true
	})
	t.Logf("%d jobs run again and done %v after the kill", running, time.Since(at).Round(time.Millisecond))
	for _, j := range rows(t, d) {
		if j.Attempts > 2 {
			t.Errorf("job %d used %d attempts, want the killed one and its own", j.ID, j.Attempts)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range running {
		if done[i] != 1 {
			t.Errorf("job %d was done %d times", i, done[i])
		}
	}
}

// workerPoison makes the child of TestKiller work on the jobs.
const workerPoison = "KINEMESH_TEST_WORKER_POISON"

// TestKillerChild is no test: it is the process that the killer kills.
func TestKillerChild(t *testing.T) {
	url := os.Getenv(workerPoison)
	if url == "" {
		t.Skip("run by TestKiller")
	}
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	start(t, d, "", jobs.Handle(func(_ context.Context, a noteArgs) error {
		switch a.N {
		case 0:
			os.Exit(3)
		case 1:
			panic("poison")
		}
		return nil
	}, jobs.Attempts(2), jobs.Backoff(func(int) time.Duration { return time.Millisecond })))
	untilWithin(t, time.Minute, "nothing is left", func() bool { return unfinished(t, d) == 0 })
}

func unfinished(t *testing.T, d *db.DB) (n int64) {
	t.Helper()
	err := d.Read(t.Context()).Model(&jobs.Job{}).Where("kind = ? AND state IN ?", "test.note", []string{jobs.Waiting, jobs.Active}).Count(&n).Error
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// REL-10: one job that kills its process and one that panics, among a thousand:
// both end dead with their reason, after ten processes and two attempts, and all
// others are done.
func TestKiller(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	url := fmt.Sprint("sqlite:", t.TempDir(), "/jobs.db")
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := migrations.Up(t.Context(), d, migrations.Jobs); err != nil {
		t.Fatal(err)
	}
	insertMany(t, d, 0, 1000)
	killed := 0
	for ; ; killed++ {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillerChild$")
		child.Env = append(os.Environ(), workerPoison+"="+url)
		out, err := child.CombinedOutput()
		if err == nil {
			break
		}
		if child.ProcessState.ExitCode() != 3 || killed == 20 {
			t.Fatalf("after %d kills: %v: %s", killed, err, out)
		}
	}
	if killed != 10 {
		t.Errorf("%d processes were killed, want 10", killed)
	}
	for _, j := range rows(t, d) {
		want, why := jobs.Finished, ""
		switch j.Args {
		case `{"n":0}`:
			want, why = jobs.Dead, "the process died each time this was worked on"
		case `{"n":1}`:
			want, why = jobs.Dead, "panic: poison"
		}
		if j.State != want || j.LastError != why {
			t.Errorf("job %s is %s: %s, want %s: %s", j.Args, j.State, j.LastError, want, why)
		}
	}
}
