package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/web/rest"
)

// control is the API of r for an administrator.
func control(t *testing.T, r *jobs.Runner) func(method, path string) (int, rest.List[map[string]any]) {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
	rt := rest.NewRouter(e, func(c echo.Context) (*rest.Principal, error) {
		if c.Request().Header.Get("Authorization") == "" {
			return &rest.Principal{Role: rest.RoleAdmin}, nil
		}
		return &rest.Principal{Role: rest.RoleModerator}, nil
	})
	r.Routes(rt)
	if err := rt.Err(); err != nil {
		t.Fatal(err)
	}
	return func(method, path string) (int, rest.List[map[string]any]) {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		var l rest.List[map[string]any]
		if w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil {
				t.Fatal(err)
			}
		}
		return w.Code, l
	}
}

// TestPauseAndResume: while jobs are paused none starts, in no process, and the
// list says so; afterwards all run.
func TestPauseAndResume(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, redisURL string) {
		var ran atomic.Int64
		r := start(t, d, redisURL, jobs.Handle(func(context.Context, noteArgs) error { ran.Add(1); return nil }, jobs.As("note")))
		call := control(t, r)
		insert(t, d, noteArgs{0})
		until(t, "the first job to run", func() bool { return ran.Load() == 1 })
		for range 2 { // twice is as good as once
			if code, _ := call("POST", "/api/v1/jobs/pause"); code != 204 {
				t.Fatalf("pause: %d", code)
			}
		}
		for i := range 5 {
			insert(t, d, noteArgs{i})
		}
		until(t, "five paused jobs", func() bool {
			_, l := call("GET", "/api/v1/jobs/paused?jobType=note")
			return l.Total == 5 && l.Data[0]["state"] == "paused"
		})
		if _, l := call("GET", "/api/v1/jobs/waiting?jobType=note"); l.Total != 0 || ran.Load() != 1 {
			t.Errorf("%d wait, %d ran while paused", l.Total, ran.Load())
		}
		for range 2 {
			if code, _ := call("POST", "/api/v1/jobs/resume"); code != 204 {
				t.Fatalf("resume: %d", code)
			}
		}
		until(t, "all to run", func() bool { return ran.Load() == 6 })
	})
}

// TestCancelActiveJob ends one that runs and stays ended; others may not be
// cancelled.
func TestCancelActiveJob(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, redisURL string) {
		var runs atomic.Int64
		cause := make(chan error, 10)
		r := start(t, d, redisURL,
			jobs.Handle(func(ctx context.Context, _ noteArgs) error {
				runs.Add(1)
				<-ctx.Done()
				cause <- context.Cause(ctx)
				return ctx.Err()
			}, jobs.InQueue("media"), jobs.As("video-transcoding")),
			jobs.Handle(func(ctx context.Context, _ slowArgs) error { <-ctx.Done(); return ctx.Err() }),
		)
		call := control(t, r)
		insert(t, d, noteArgs{1})
		insert(t, d, slowArgs{})
		until(t, "both to run", func() bool { _, l := call("GET", "/api/v1/jobs/active"); return l.Total == 2 && runs.Load() == 1 })
		all := rows(t, d)
		for path, want := range map[string]int{
			"/api/v1/jobs/video-transcoding/999999/cancel":                     404,
			"/api/v1/jobs/video-transcoding/x/cancel":                          404,
			fmt.Sprintf("/api/v1/jobs/video-import/%d/cancel", all[0].ID):      404,
			fmt.Sprintf("/api/v1/jobs/test.slow/%d/cancel", all[1].ID):         409,
			fmt.Sprintf("/api/v1/jobs/video-transcoding/%d/cancel", all[0].ID): 204,
		} {
			if code, _ := call("POST", path); code != want {
				t.Errorf("%s: %d, want %d", path, code, want)
			}
		}
		select {
		case err := <-cause:
			if !errors.Is(err, jobs.ErrCancelled) {
				t.Errorf("cause %v", err)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the job still runs")
		}
		if code, _ := call("POST", fmt.Sprintf("/api/v1/jobs/video-transcoding/%d/cancel", all[0].ID)); code != 409 {
			t.Errorf("cancelled again: %d", code)
		}
		insert(t, d, noteArgs{2}) // the queue goes on, with the next one
		until(t, "the next job", func() bool { return runs.Load() == 2 })
		if x := rows(t, d)[0]; x.State != jobs.Dead || x.LastError != jobs.ErrCancelled.Error() {
			t.Errorf("row %+v", x)
		}
	})
}

type slowArgs struct{}

func (slowArgs) Kind() string { return "test.slow" }

// TestResize lets more jobs run at once, and fewer, without a restart.
func TestResize(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, redisURL string) {
		var mu sync.Mutex
		now, most := 0, 0
		release := make(chan struct{})
		r := start(t, d, redisURL, jobs.Handle(func(ctx context.Context, _ noteArgs) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			defer func() { mu.Lock(); now--; mu.Unlock() }()
			select {
			case <-release:
			case <-ctx.Done():
			}
			return ctx.Err()
		}, jobs.InQueue("media")))
		running := func() int { mu.Lock(); defer mu.Unlock(); return now }
		for i := range 9 {
			insert(t, d, noteArgs{i})
		}
		until(t, "one to run", func() bool { return running() == 1 })
		r.Resize("media", 3)
		until(t, "three more to run", func() bool { return running() == 4 }) // the first one is finished by the queue as it was
		r.Resize("media", 3)
		for range 4 {
			release <- struct{}{}
		}
		until(t, "three to run", func() bool { return running() == 3 })
		r.Resize("media", 1)
		for range 3 {
			release <- struct{}{}
		}
		close(release)
		until(t, "all to be done", func() bool {
			for _, x := range rows(t, d) {
				if x.State != jobs.Finished {
					return false
				}
			}
			return true
		})
		if most > 4 {
			t.Errorf("%d at once", most)
		}
	})
}

func TestRunNow(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, redisURL string) {
		var ran atomic.Int64
		r, err := jobs.NewRunner(jobs.Options{
			DB: d, RedisURL: redisURL, Logger: slog.New(slog.DiscardHandler),
			Handlers: []jobs.Handler{jobs.Handle(func(context.Context, noteArgs) error { ran.Add(1); return nil })},
			Periodic: []jobs.Periodic{{Name: "test.note", Every: 1000 * time.Hour, Args: noteArgs{}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := r.RunNow(t.Context(), "nothing"); ok || err != nil {
			t.Errorf("nothing: %v %v", ok, err)
		}
		if ok, err := r.RunNow(t.Context(), "test.note"); !ok || err != nil || len(rows(t, d)) != 1 {
			t.Errorf("%v %v, %d rows", ok, err, len(rows(t, d)))
		}
		if ok, err := r.RunNow(t.Context(), "test.note"); !ok || err != nil || len(rows(t, d)) != 1 { // it waits already
			t.Errorf("%v %v, %d rows", ok, err, len(rows(t, d)))
		}
	})
}

// TestHold: held jobs wait, others do not, and nothing is lost by it.
func TestHold(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, redisURL string) {
		var held, free atomic.Int64
		if err := jobs.Hold(t.Context(), d, noteArgs{}.Kind(), db.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		start(t, d, redisURL,
			jobs.Handle(func(context.Context, noteArgs) error { held.Add(1); return nil }),
			jobs.Handle(func(context.Context, slowArgs) error { free.Add(1); return nil }),
		)
		insert(t, d, noteArgs{1})
		insert(t, d, slowArgs{})
		until(t, "the other job", func() bool { return free.Load() == 1 })
		if held.Load() != 0 || rows(t, d)[0].State != jobs.Waiting || rows(t, d)[0].Attempts != 0 {
			t.Errorf("held %d, row %+v", held.Load(), rows(t, d)[0])
		}
		if err := jobs.Hold(t.Context(), d, noteArgs{}.Kind(), time.Time{}); err != nil {
			t.Fatal(err)
		}
		untilWithin(t, time.Minute, "the held job", func() bool { return held.Load() == 1 }) // the reconciler finds it
	})
}
