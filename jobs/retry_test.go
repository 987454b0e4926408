package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// REL-10: dead jobs are listed with their errors, and run again with all attempts
// before them, at once and without a restart; others stay as they are.
func TestRetry(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, redisURL string) {
		var mended atomic.Bool
		note := jobs.Handle(func(context.Context, noteArgs) error {
			if !mended.Load() {
				return errors.New("trouble")
			}
			return nil
		}, jobs.Attempts(1), jobs.As("note"))
		slow := jobs.Handle(func(context.Context, slowArgs) error { return nil })
		r := start(t, d, redisURL, note, slow)
		call := control(t, r)
		for n := 1; n <= 3; n++ {
			insert(t, d, noteArgs{n})
		}
		insert(t, d, slowArgs{})
		list := func(f jobs.Filter) string {
			t.Helper()
			found, _, err := jobs.List(t.Context(), d, []jobs.Handler{note, slow}, f, 0, 10)
			if err != nil {
				t.Fatal(err)
			}
			out := ""
			for _, j := range found {
				if j.Type == "jobs.clean" {
					continue
				}
				failure := "-"
				if j.Error != nil {
					failure = j.Error.Message
				}
				out += fmt.Sprintf("%s %s %d %s %s;", j.State, j.Type, j.Attempts, j.Data, failure)
			}
			return out
		}
		const dead = `failed note 1 {"n":3} trouble;failed note 1 {"n":2} trouble;failed note 1 {"n":1} trouble;`
		until(t, "three to be dead", func() bool { return list(jobs.Filter{State: "failed"}) == dead })
		until(t, "the other one", func() bool { return list(jobs.Filter{State: "completed", Type: "test.slow"}) != "" })
		if got := list(jobs.Filter{Type: "note"}); got != dead {
			t.Errorf("of a type: %s", got)
		}
		if _, l := call("GET", "/api/v1/jobs/failed"); l.Total != 3 || l.Data[0]["error"].(map[string]any)["message"] != "trouble" {
			t.Errorf("by REST: %+v", l)
		}
		all := rows(t, d)
		mended.Store(true)
		for _, id := range []int64{all[3].ID, 999999} { // done; unknown
			if n, err := jobs.Retry(t.Context(), d, id); n != 0 || err != nil {
				t.Errorf("job %d: %d %v", id, n, err)
			}
		}
		if n, err := jobs.Retry(t.Context(), d, all[0].ID, all[1].ID); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		// Well before the reconciler looks for what was forgotten.
		untilWithin(t, 15*time.Second, "two to be done", func() bool {
			return list(jobs.Filter{State: "completed", Type: "note"}) == `completed note 1 {"n":2} -;completed note 1 {"n":1} -;`
		})
		if got := list(jobs.Filter{State: "failed"}); got != `failed note 1 {"n":3} trouble;` {
			t.Errorf("left: %s", got)
		}
		if n, err := jobs.Retry(t.Context(), d); n != 1 || err != nil {
			t.Errorf("all: %d %v", n, err)
		}
		untilWithin(t, 15*time.Second, "the third to be done", func() bool { return list(jobs.Filter{State: "failed"}) == "" && rows(t, d)[2].State == jobs.Finished })
	})
}

// TestRetryUnique: of dead jobs with one key the newest runs, and none when
// another one waits.
func TestRetryUnique(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, _ string) {
		die := func(n int) {
			t.Helper()
			insert(t, d, noteArgs{n}, jobs.Unique("one"))
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				return tx.Model(&jobs.Job{}).Where("state = ?", jobs.Waiting).Updates(map[string]any{"state": jobs.Dead, "finished_at": db.Now()}).Error
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		states := func() (out string) {
			for _, j := range rows(t, d) {
				out += j.State + " "
			}
			return out
		}
		die(1)
		die(2)
		if n, err := jobs.Retry(t.Context(), d); n != 2 || err != nil || states() != "done waiting " {
			t.Errorf("two dead: %d %v, %s", n, err, states())
		}
		die(3) // with it the second one
		insert(t, d, noteArgs{4}, jobs.Unique("one"))
		if n, err := jobs.Retry(t.Context(), d); n != 1 || err != nil || states() != "done done waiting " {
			t.Errorf("one waits: %d %v, %s", n, err, states())
		}
	})
}
