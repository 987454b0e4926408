package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/config/db"
)

// Options is what a [Runner] needs.
type Options struct {
	DB       *db.DB
	RedisURL string // redis://…; empty: a broker inside the process
	// Owner names the server, by its origin say: a Redis database serves one
	// owner only. No spaces.
	Owner    string
	Handlers []Handler
	Periodic []Periodic
	// Every replaces the interval of periodic jobs, by their names.
	Every  map[string]time.Duration
	Logger *slog.Logger
	// Concurrency is the number of jobs at once for each queue; a queue that is
	// not named gets its default.
	Concurrency map[string]int
	// RelayOnly offers rows but runs none: for processes without the worker role.
	RelayOnly bool
	Metrics   prometheus.Registerer // nil: none
}

// defaultConcurrency: deliveries wait for the network, media work for the CPU.
func defaultConcurrency() map[string]int {
	return map[string]int{"deliver": 30, "inbox": 2, "media": 1, "default": 8}
}

// Runner offers jobs to the broker and runs them. Make it with [NewRunner].
type Runner struct {
	db        *db.DB
	log       *slog.Logger
	broker    *broker
	client    *asynq.Client
	inspector *asynq.Inspector
	handlers  known
	periodic  []Periodic
	conc      map[string]int
	relayOnly bool
	metrics   metrics

	resize chan size

	epoch atomic.Pointer[string] // the broker's life that rows were last offered to; set by the relay

	mu     sync.Mutex
	active map[int64]context.CancelCauseFunc // by the ids that this process runs
}

// NewRunner connects to the broker, or starts the one inside the process. Two
// handlers of one kind are an error.
func NewRunner(o Options) (*Runner, error) {
	r := &Runner{
		db: o.DB, log: o.Logger, handlers: known{}, periodic: o.Periodic,
		conc: defaultConcurrency(), relayOnly: o.RelayOnly, active: map[int64]context.CancelCauseFunc{},
		metrics: newMetrics(o.Metrics), resize: make(chan size, 16),
	}
	maps.Copy(r.conc, o.Concurrency)
	for _, h := range append(slices.Clone(o.Handlers), r.cleaner()) {
		if _, ok := r.handlers[h.Kind]; ok {
			return nil, fmt.Errorf("job kind %s is registered twice", h.Kind)
		}
		r.handlers[h.Kind] = h
	}
	r.periodic = append(slices.Clone(o.Periodic), Periodic{Name: "jobs.clean", Every: time.Hour, Args: cleanArgs{}})
	for i, p := range r.periodic {
		if every, ok := o.Every[p.Name]; ok {
			r.periodic[i].Every = every
		}
	}
	b, err := openBroker(o.RedisURL, o.Owner)
	if err != nil {
		return nil, err
	}
	r.broker = b
	r.client = asynq.NewClientFromRedisClient(b.client)
	r.inspector = asynq.NewInspectorFromRedisClient(b.client)
	return r, nil
}

// Run works until ctx ends, then hands back what has not finished and returns.
// Run may be called once.
func (r *Runner) Run(ctx context.Context) error {
	if r.broker.embedded != nil {
		// Nobody else can be running anything: what was active died with the last process.
		if err := r.release(ctx, db.Now().Add(time.Hour)); err != nil && ctx.Err() == nil {
			return fmt.Errorf("jobs: %w", err)
		}
	}
	if _, err := r.broker.epoch(ctx); errors.Is(err, errOwner) {
		return errors.Join(fmt.Errorf("jobs: %w", err), r.broker.close())
	}
	bg, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { r.broker.run(bg) })
	wg.Go(func() { r.relay(bg) })
	wg.Go(func() { r.reconcile(bg) })
	if r.relayOnly {
		<-ctx.Done()
	} else {
		wg.Go(func() { r.schedule(bg) })
		wg.Go(func() { r.heartbeat(bg) })
		if err := r.serve(ctx); err != nil {
			return fmt.Errorf("jobs: %w", err)
		}
	}
	stop()
	wg.Wait()
	return r.broker.close()
}

// size is how many jobs of a queue run at once.
type size struct {
	queue string
	n     int
}

// Resize lets n jobs of a queue run at once from now on. Those that run already
// are finished, also those above n. It does nothing in a process without the
// worker role.
func (r *Runner) Resize(queue string, n int) {
	if !r.relayOnly {
		r.resize <- size{queue, n}
	}
}

// serve runs the queues until ctx ends and hands back what has not finished.
func (r *Runner) serve(ctx context.Context) error {
	servers := map[string]*asynq.Server{}
	var started []*asynq.Server // also those that take nothing any more
	defer func() {
		var down sync.WaitGroup
		for _, s := range started {
			down.Go(s.Shutdown)
		}
		down.Wait()
	}()
	start := func(queue string) error {
		s := r.server(ctx, queue, r.conc[queue])
		if err := s.Start(asynq.HandlerFunc(r.process)); err != nil {
			return err
		}
		servers[queue], started = s, append(started, s)
		return nil
	}
	for _, queue := range slices.Sorted(maps.Keys(r.conc)) {
		if err := start(queue); err != nil {
			return err
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case to := <-r.resize:
			if s := servers[to.queue]; s == nil || to.n == r.conc[to.queue] {
				continue
			}
			servers[to.queue].Stop()
			r.conc[to.queue] = to.n
			if err := start(to.queue); err != nil {
				return err
			}
		}
	}
}

// server runs one queue.
func (r *Runner) server(ctx context.Context, queue string, n int) *asynq.Server {
	return asynq.NewServerFromRedisClient(r.broker.client, asynq.Config{
		Concurrency:       n,
		Queues:            map[string]int{queue: 1},
		TaskCheckInterval: 100 * time.Millisecond, // the default of 1 s makes an idle server start jobs late
		BaseContext:       func() context.Context { return ctx },
		ShutdownTimeout:   5 * time.Second, // REL-11
		RetryDelayFunc: func(_ int, err error, _ *asynq.Task) time.Duration {
			if e, ok := errors.AsType[retryError](err); ok {
				return e.after
			}
			return 0
		},
		Logger:   quiet{r.log},
		LogLevel: asynq.WarnLevel,
	})
}

// process is called by asynq. Whatever the broker says, the row decides.
func (r *Runner) process(ctx context.Context, t *asynq.Task) error {
	var p payload
	if err := json.Unmarshal(t.Payload(), &p); err != nil || p.Job <= 0 {
		return fmt.Errorf("payload %.80q is not ours: %w", t.Payload(), asynq.SkipRetry)
	}
	job, err := r.claim(ctx, p.Job)
	if errors.Is(err, db.ErrNotFound) {
		return nil // done, held, or another worker has it
	}
	if err != nil {
		return retryError{fmt.Errorf("claim job %d: %w", p.Job, err), time.Second}
	}
	h, ok := r.handlers[job.Kind]
	if !ok {
		return r.failed(ctx, Handler{Kind: job.Kind, Attempts: 1}, job, Discard(fmt.Errorf("no handler for %s", job.Kind)))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.track(job.ID, cancel)
	defer r.track(job.ID, nil)
	run := &running{r: r, job: job, max: h.Attempts}
	err = r.work(context.WithValue(ctx, runningKey{}, run), h, job)
	if errors.Is(context.Cause(ctx), ErrCancelled) {
		r.metrics.total.WithLabelValues(job.Kind, "cancelled").Inc()
		return fmt.Errorf("%w: %w", ErrCancelled, asynq.SkipRetry) // the row is dead already
	}
	if run.done {
		r.metrics.total.WithLabelValues(job.Kind, "done").Inc()
		return nil
	}
	if err == nil {
		err = r.db.Tx(context.WithoutCancel(ctx), func(tx *db.Tx) error { return finish(tx, job.ID) })
		if err == nil {
			r.metrics.total.WithLabelValues(job.Kind, "done").Inc()
			return nil
		}
	}
	return r.failed(context.WithoutCancel(ctx), h, job, err)
}

// claim takes a row for this worker and counts the attempt.
func (r *Runner) claim(ctx context.Context, id int64) (Job, error) {
	var job Job
	now := db.Now()
	err := r.db.Tx(ctx, func(tx *db.Tx) error {
		// A dead row comes here only when somebody runs its old task again from the dashboard.
		res := tx.Raw(`UPDATE jobs SET attempts = CASE WHEN state = 'dead' THEN 1 ELSE attempts + 1 END,
			state = 'active', progress = 0, started_at = ?, heartbeat_at = ?, finished_at = NULL
			WHERE id = ? AND (state IN ('waiting', 'dead') OR (state = 'active' AND heartbeat_at <= ?))
			AND NOT EXISTS (SELECT 1 FROM job_holds h WHERE h.kind = jobs.kind AND h.until > ?)
			RETURNING *`, now, now, id, now.Add(-deadAfter), now).Scan(&job)
		if res.Error == nil && res.RowsAffected == 0 {
			return db.ErrNotFound
		}
		return res.Error
	})
	return job, err
}

// work runs the handler; a panic is an error like any other (SEC-71).
func (r *Runner) work(ctx context.Context, h Handler, job Job) (err error) {
	if h.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.Timeout)
		defer cancel()
	}
	defer func() {
		if p := recover(); p != nil {
			r.metrics.total.WithLabelValues(job.Kind, "panic").Inc()
			r.log.ErrorContext(ctx, "job panicked", "job", job.ID, "kind", job.Kind, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return h.Work(ctx, json.RawMessage(job.Args))
}

// failed writes down what becomes of a row whose attempt failed, and tells
// asynq the same.
func (r *Runner) failed(ctx context.Context, h Handler, job Job, cause error) error {
	_, discard := errors.AsType[discardError](cause)
	set := map[string]any{"last_error": clip(cause.Error(), 2000)}
	pause := time.Duration(0)
	result := "retry"
	switch {
	case errors.Is(cause, context.Canceled) && !discard:
		// The server stops: the attempt does not count.
		set["attempts"], set["epoch"], result = max(0, job.Attempts-1), "", "handed_back"
	case discard || job.Attempts >= h.Attempts:
		result = "dead"
	default:
		pause = h.Backoff(job.Attempts)
		if e, ok := errors.AsType[retryError](cause); ok {
			pause = max(pause, e.after)
		}
	}
	set["run_at"] = db.Now().Add(pause)
	err := rewrite(ctx, r.db, func(tx *db.Tx) error {
		if result == "dead" {
			set["state"], set["finished_at"] = Dead, db.Now()
			return tx.Model(&Job{}).Where("id = ? AND state = ?", job.ID, Active).Updates(set).Error
		}
		return giveBack(tx, Active, job, set)
	})
	if err != nil {
		// The heartbeat ends here, so the reconciler will find the row.
		return retryError{fmt.Errorf("write job %d: %w", job.ID, err), time.Second}
	}
	r.metrics.total.WithLabelValues(job.Kind, result).Inc()
	level := slog.LevelWarn
	switch result {
	case "dead":
		level = slog.LevelError
	case "handed_back":
		level = slog.LevelDebug
	}
	r.log.Log(ctx, level, "job failed", "job", job.ID, "kind", job.Kind, "attempt", job.Attempts, "result", result, "retry_in", pause, "error", cause)
	if result == "dead" {
		return fmt.Errorf("%w: %w", cause, asynq.SkipRetry)
	}
	return retryError{cause, pause}
}

// track notes how to cancel a row that this process runs; nil: it does not any
// more.
func (r *Runner) track(id int64, cancel context.CancelCauseFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel != nil {
		r.active[id] = cancel
	} else {
		delete(r.active, id)
	}
}

// heartbeat says that this process still runs its rows.
func (r *Runner) heartbeat(ctx context.Context) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		ids := slices.Collect(maps.Keys(r.active))
		r.mu.Unlock()
		if len(ids) == 0 {
			continue
		}
		err := r.db.Tx(ctx, func(tx *db.Tx) error {
			return tx.Model(&Job{}).Where("id IN ? AND state = ?", ids, Active).Update("heartbeat_at", db.Now()).Error
		})
		if err == nil {
			err = r.interrupt(ctx, ids)
		}
		if err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "heartbeat not written", "error", err)
		}
	}
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "…"
}

// quiet gives asynq's own messages to slog.
type quiet struct{ log *slog.Logger }

func (q quiet) Debug(args ...any) { q.log.Debug("asynq", "message", fmt.Sprint(args...)) }
func (q quiet) Info(args ...any)  { q.log.Debug("asynq", "message", fmt.Sprint(args...)) }
func (q quiet) Warn(args ...any)  { q.log.Warn("asynq", "message", fmt.Sprint(args...)) }
func (q quiet) Error(args ...any) { q.log.Warn("asynq", "message", fmt.Sprint(args...)) }
func (q quiet) Fatal(args ...any) { q.log.Error("asynq", "message", fmt.Sprint(args...)) }
