package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/migrations"
	"github.com/kinemesh/kinemesh/web/rest"
)

type noteArgs struct {
	N int `json:"n"`
}

func (noteArgs) Kind() string { return "test.note" }

func insert(t testing.TB, d *db.DB, a jobs.Args, opts ...jobs.Option) {
	t.Helper()
	if err := d.Tx(context.Background(), func(tx *db.Tx) error { return jobs.Insert(tx, a, opts...) }); err != nil {
		t.Fatal(err)
	}
}

func rows(t testing.TB, d *db.DB) []jobs.Job {
	t.Helper()
	var out []jobs.Job
	if err := d.Read(context.Background()).Where("kind <> ?", "jobs.clean").Order("id").Find(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	untilWithin(t, 20*time.Second, what, ok)
}

func untilWithin(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited %v for: %s", limit, what)
}

// brokers runs test on each database with the embedded broker, and on
// PostgreSQL with the Redis that TEST_REDIS_URL names.
func brokers(t *testing.T, test func(t *testing.T, d *db.DB, redisURL string)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, d, "") }, migrations.Jobs)
	t.Run("redis", func(t *testing.T) {
		u := redisURL(t)
		test(t, dbtest.Postgres(t, migrations.Jobs), u)
	})
}

// redisURL is the test server's database 0, emptied.
func redisURL(t testing.TB) string {
	t.Helper()
	u := os.Getenv("TEST_REDIS_URL")
	if u == "" {
		t.Skip("TEST_REDIS_URL is not set: no Redis to test on")
	}
	flush(t, u)
	return u
}

func flush(t testing.TB, u string) {
	t.Helper()
	opt, err := redis.ParseURL(u)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(opt)
	defer c.Close()
	if err := c.FlushDB(context.Background()).Err(); err != nil {
		t.Fatal(err)
	}
}

func start(t testing.TB, d *db.DB, redisURL string, handlers ...jobs.Handler) *jobs.Runner {
	t.Helper()
	r, err := jobs.NewRunner(jobs.Options{DB: d, RedisURL: redisURL, Handlers: handlers, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	jobstest.Start(t, r)
	return r
}

func TestRunsWhatCommitsAndNothingElse(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, u string) {
		var got sync.Map
		start(t, d, u, jobs.Handle(func(_ context.Context, a noteArgs) error { got.Store(a.N, true); return nil }))
		boom := errors.New("boom")
		err := d.Tx(context.Background(), func(tx *db.Tx) error {
			if err := jobs.Insert(tx, noteArgs{1}); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		insert(t, d, noteArgs{2})
		jobstest.Drain(t, d)
		if _, ok := got.Load(1); ok {
			t.Error("a job of a rolled back transaction ran")
		}
		if _, ok := got.Load(2); !ok {
			t.Error("a committed job did not run")
		}
		for _, j := range rows(t, d) {
			if j.State != jobs.Finished || j.Attempts != 1 || j.Progress != 100 {
				t.Errorf("row %+v, want done after one attempt", j)
			}
		}
	})
}

func TestRetriesThenDies(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, u string) {
		var tries atomic.Int32
		start(t, d, u, jobs.Handle(func(ctx context.Context, _ noteArgs) error {
			n, most := jobs.Attempt(ctx)
			if n != int(tries.Add(1)) || most != 3 {
				t.Errorf("attempt %d of %d, want %d of 3", n, most, tries.Load())
			}
			return errors.New("no luck")
		}, jobs.Attempts(3), jobs.Backoff(func(int) time.Duration { return 10 * time.Millisecond })))
		insert(t, d, noteArgs{1})
		until(t, "the job is dead", func() bool { return rows(t, d)[0].State == jobs.Dead })
		j := rows(t, d)[0]
		if tries.Load() != 3 || j.Attempts != 3 || j.LastError != "no luck" {
			t.Errorf("%d tries, row %+v, want 3 and the error", tries.Load(), j)
		}
	})
}

func TestSucceedsAfterFailures(t *testing.T) {
	brokers(t, func(t *testing.T, d *db.DB, u string) {
		var tries atomic.Int32
		start(t, d, u, jobs.Handle(func(context.Context, noteArgs) error {
			if tries.Add(1) < 3 {
				panic("a panic is an error like any other")
			}
			return nil
		}, jobs.Backoff(func(int) time.Duration { return 10 * time.Millisecond })))
		insert(t, d, noteArgs{1})
		until(t, "the job is done", func() bool { return rows(t, d)[0].State == jobs.Finished })
		if n := tries.Load(); n != 3 {
			t.Errorf("%d tries, want 3", n)
		}
	})
}

func TestDiscard(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		jobstest.Run(t, d, jobs.Handle(func(_ context.Context, a noteArgs) error {
			if a.N == 1 {
				return jobs.Discard(errors.New("pointless"))
			}
			return errors.New("busy")
		}))
		insert(t, d, noteArgs{1})
		insert(t, d, noteArgs{2})
		until(t, "both have failed", func() bool {
			r := rows(t, d)
			return r[0].State == jobs.Dead && r[1].State == jobs.Waiting && r[1].Attempts == 1
		})
		r := rows(t, d)
		if r[0].Attempts != 1 || r[0].LastError != "pointless" {
			t.Errorf("discarded: %+v", r[0])
		}
	}, migrations.Jobs)
}

func TestUniqueKeepsOneWaiting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for range 5 {
			insert(t, d, noteArgs{1}, jobs.Unique("a"))
		}
		insert(t, d, noteArgs{1}, jobs.Unique("b"))
		insert(t, d, noteArgs{1})
		if n := len(rows(t, d)); n != 3 {
			t.Fatalf("%d rows, want 3", n)
		}
		// One that fails while its twin waits leaves the work to the twin.
		release := make(chan struct{})
		var runs atomic.Int32
		jobstest.Run(t, d, jobs.Handle(func(context.Context, noteArgs) error {
			if runs.Add(1) == 1 {
				<-release
				return errors.New("first fails")
			}
			return nil
		}, jobs.Backoff(func(int) time.Duration { return time.Millisecond })))
		until(t, "one is active", func() bool { return runs.Load() >= 1 })
		insert(t, d, noteArgs{1}, jobs.Unique("a"))
		insert(t, d, noteArgs{1}, jobs.Unique("b"))
		close(release)
		jobstest.Drain(t, d)
	}, migrations.Jobs)
}

func TestDoneIsOneWithTheEffect(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		jobstest.Run(t, d, jobs.Handle(func(ctx context.Context, _ noteArgs) error {
			if err := d.Tx(ctx, func(tx *db.Tx) error { return jobs.Done(ctx, tx) }); err != nil {
				return err
			}
			return errors.New("after the mark nothing counts")
		}))
		insert(t, d, noteArgs{1})
		jobstest.Drain(t, d)
		if j := rows(t, d)[0]; j.State != jobs.Finished || j.Attempts != 1 {
			t.Errorf("row %+v, want done at the first attempt", j)
		}
	}, migrations.Jobs)
}

func TestProgressIsShown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		release := make(chan struct{})
		jobstest.Run(t, d, jobs.Handle(func(ctx context.Context, _ noteArgs) error {
			jobs.Progress(ctx, 40)
			jobs.Progress(ctx, 30) // never backwards
			<-release
			return nil
		}))
		insert(t, d, noteArgs{1})
		until(t, "progress 40", func() bool { return rows(t, d)[0].Progress == 40 })
		close(release)
		jobstest.Drain(t, d)
	}, migrations.Jobs)
}

// REL-09: several processes run each job once.
func TestTwoRunnersShareTheWork(t *testing.T) {
	u := redisURL(t)
	d := dbtest.Postgres(t, migrations.Jobs)
	var runs [200]atomic.Int32
	h := func() jobs.Handler {
		return jobs.Handle(func(_ context.Context, a noteArgs) error { runs[a.N].Add(1); return nil })
	}
	start(t, d, u, h())
	start(t, d, u, h())
	for i := range runs {
		insert(t, d, noteArgs{i})
	}
	jobstest.Drain(t, d)
	for i := range runs {
		if n := runs[i].Load(); n != 1 {
			t.Errorf("job %d ran %d times", i, n)
		}
	}
}

func TestStopHandsBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r, err := jobs.NewRunner(jobs.Options{DB: d, Logger: slog.New(slog.DiscardHandler), Handlers: []jobs.Handler{
			jobs.Handle(func(ctx context.Context, _ noteArgs) error { <-ctx.Done(); return ctx.Err() }),
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		insert(t, d, noteArgs{1})
		until(t, "the job is active", func() bool { return rows(t, d)[0].State == jobs.Active })
		stop()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if j := rows(t, d)[0]; j.State != jobs.Waiting || j.Attempts != 0 {
			t.Errorf("row %+v, want waiting with no attempt used", j)
		}
	}, migrations.Jobs)
}

func TestPeriodicRunsOnceASlot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var n atomic.Int32
		for range 2 {
			r, err := jobs.NewRunner(jobs.Options{
				DB: d, Logger: slog.New(slog.DiscardHandler),
				Handlers: []jobs.Handler{jobs.Handle(func(context.Context, noteArgs) error { n.Add(1); return nil })},
				Periodic: []jobs.Periodic{{Name: "hourly", Every: 1000000 * time.Hour, Args: noteArgs{1}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			jobstest.Start(t, r)
		}
		until(t, "it ran", func() bool { return n.Load() > 0 })
		jobstest.Drain(t, d)
		if n.Load() != 1 {
			t.Errorf("ran %d times in one slot, want 1", n.Load())
		}
	}, migrations.Jobs)
}

// SEC-52: a payload that is not ours goes to the dead list, without harm.
func TestJunkPayload(t *testing.T) {
	u := redisURL(t)
	d := dbtest.Postgres(t, migrations.Jobs)
	start(t, d, u, jobs.Handle(func(context.Context, noteArgs) error { return nil }))
	opt, err := asynq.ParseRedisURI(u)
	if err != nil {
		t.Fatal(err)
	}
	c := asynq.NewClient(opt)
	defer c.Close()
	for i, junk := range []string{"", "{", `{"job":"1 OR 1=1"}`, `{"job":-1}`, `[]`} {
		if _, err := c.Enqueue(asynq.NewTask("test.note", []byte(junk)), asynq.TaskID(fmt.Sprint("junk", i))); err != nil {
			t.Fatal(err)
		}
	}
	insp := asynq.NewInspector(opt)
	defer insp.Close()
	until(t, "all five are archived", func() bool {
		l, err := insp.ListArchivedTasks("default")
		return err == nil && len(l) == 5
	})
	insert(t, d, noteArgs{1})
	jobstest.Drain(t, d)
}

// Two servers in one Redis database would run each other's rows.
func TestARedisDatabaseHasOneOwner(t *testing.T) {
	u := redisURL(t)
	open := func(owner string, d *db.DB) *jobs.Runner {
		r, err := jobs.NewRunner(jobs.Options{DB: d, RedisURL: u, Owner: owner, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := dbtest.Postgres(t, migrations.Jobs)
	jobstest.Start(t, open("https://one.example", first))
	jobstest.Start(t, open("https://one.example", first)) // another process of the same server
	until(t, "the first server has marked the database", func() bool { return len(allRows(t, first)) > 0 })
	jobstest.Drain(t, first)
	err := open("https://two.example", dbtest.Postgres(t, migrations.Jobs)).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "holds the queues of https://one.example") {
		t.Errorf("Run = %v, want it refused with the owner's name", err)
	}
}

func allRows(t testing.TB, d *db.DB) []jobs.Job {
	t.Helper()
	var out []jobs.Job
	if err := d.Read(context.Background()).Order("id").Find(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameKindTwiceIsRefused(t *testing.T) {
	h := jobs.Handle(func(context.Context, noteArgs) error { return nil })
	_, err := jobs.NewRunner(jobs.Options{Handlers: []jobs.Handler{h, h}, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "test.note is registered twice") {
		t.Errorf("NewRunner = %v", err)
	}
}

func TestListOfJobs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := jobstest.Run(t, d, jobs.Handle(func(_ context.Context, a noteArgs) error {
			if a.N == 2 {
				return jobs.Discard(errors.New("no"))
			}
			return nil
		}, jobs.As("video-transcoding")))
		insert(t, d, noteArgs{1})
		insert(t, d, noteArgs{2})
		insert(t, d, noteArgs{3}, jobs.RunAt(time.Now().Add(time.Hour)))
		until(t, "the first two have ended", func() bool {
			x := rows(t, d)
			return x[0].State == jobs.Finished && x[1].State == jobs.Dead
		})
		e := echo.New()
		e.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
		var who *rest.Principal
		rt := rest.NewRouter(e, func(echo.Context) (*rest.Principal, error) { return who, nil })
		r.Routes(rt)
		if err := rt.Err(); err != nil {
			t.Fatal(err)
		}
		get := func(path string) (int, rest.List[map[string]any]) {
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			var l rest.List[map[string]any]
			if w.Code == http.StatusOK {
				if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil {
					t.Fatal(err)
				}
			}
			return w.Code, l
		}
		for _, c := range []struct {
			p    *rest.Principal
			want int
		}{{nil, 401}, {&rest.Principal{Role: rest.RoleUser}, 403}, {&rest.Principal{Role: rest.RoleModerator}, 403}} {
			who = c.p
			if code, _ := get("/api/v1/jobs"); code != c.want {
				t.Errorf("as %+v: %d, want %d", c.p, code, c.want)
			}
		}
		who = &rest.Principal{Role: rest.RoleAdmin}
		for path, want := range map[string]int64{
			"/api/v1/jobs/completed?jobType=video-transcoding": 1, "/api/v1/jobs/failed": 1, "/api/v1/jobs/delayed": 1,
			"/api/v1/jobs/waiting?jobType=video-transcoding": 0, "/api/v1/jobs/paused": 0, "/api/v1/jobs?jobType=video-transcoding": 3, "/api/v1/jobs?jobType=nothing": 0,
		} {
			if code, l := get(path); code != 200 || l.Total != want {
				t.Errorf("%s: %d total %d, want %d", path, code, l.Total, want)
			}
		}
		if _, l := get("/api/v1/jobs/failed"); l.Data[0]["error"].(map[string]any)["message"] != "no" || l.Data[0]["type"] != "video-transcoding" {
			t.Errorf("failed job: %v", l.Data[0])
		}
		for _, bad := range []string{"/api/v1/jobs/nonsense", "/api/v1/jobs?sort=args", "/api/v1/jobs?count=1000"} {
			if code, _ := get(bad); code != 400 {
				t.Errorf("%s: %d, want 400", bad, code)
			}
		}
	}, migrations.Jobs)
}

func BenchmarkInsertToDone(b *testing.B) {
	d := dbtest.SQLite(b, migrations.Jobs)
	var n atomic.Int64
	jobstest.Run(b, d, jobs.Handle(func(context.Context, noteArgs) error { n.Add(1); return nil }))
	b.ResetTimer()
	for i := range b.N {
		insert(b, d, noteArgs{i})
	}
	for n.Load() < int64(b.N) {
		time.Sleep(time.Millisecond)
	}
}
