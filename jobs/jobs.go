package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/config/db"
)

// The states of a row.
const (
	Waiting  = "waiting" // to be run at RunAt
	Active   = "active"  // a worker has it
	Finished = "done"    // succeeded
	Dead     = "dead"    // gave up; LastError says why
)

// topic wakes the relay after a commit that inserted a job.
const topic = "jobs"

// Args is the argument of one kind of job: a JSON struct that holds ids, not
// objects. Kind must not depend on the value.
type Args interface{ Kind() string }

// Job is a row of the table.
type Job struct {
	ID          int64 `gorm:"primaryKey"`
	Kind        string
	Args        string
	Version     int
	State       string
	Attempts    int
	Progress    int
	LastError   string
	UniqueKey   *string
	Epoch       string
	Generation  int
	RunAt       time.Time
	HeartbeatAt *time.Time
	CreatedAt   time.Time
	StartedAt   *time.Time
	FinishedAt  *time.Time
}

// Decode reads the arguments of the row into a.
func (j *Job) Decode(a any) error {
	if err := json.Unmarshal([]byte(j.Args), a); err != nil {
		return fmt.Errorf("arguments of job %d: %w", j.ID, err)
	}
	return nil
}

// Option changes how [Insert] enqueues.
type Option func(*Job)

// RunAt delays the job.
func RunAt(t time.Time) Option { return func(j *Job) { j.RunAt = t.UTC().Truncate(time.Microsecond) } }

// Unique makes Insert do nothing while a job of the same kind and key is
// waiting. One that already runs does not count: a run that begins after this
// commit is certain.
func Unique(key string) Option { return func(j *Job) { j.UniqueKey = &key } }

// Insert enqueues a job in tx. It cannot run before the commit and disappears
// with a rollback.
func Insert(tx *db.Tx, a Args, opts ...Option) error {
	raw, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("job %s: %w", a.Kind(), err)
	}
	now := db.Now()
	j := Job{Kind: a.Kind(), Args: string(raw), Version: 1, State: Waiting, RunAt: now, CreatedAt: now}
	for _, o := range opts {
		o(&j)
	}
	if j.UniqueKey != nil {
		err = insertOnce(tx, j)
	} else {
		err = tx.Create(&j).Error
	}
	if err != nil {
		return fmt.Errorf("job %s: %w", a.Kind(), err)
	}
	tx.Notify(topic)
	return nil
}

// insertOnce inserts j unless one with its key waits. That one must not begin
// before we commit, for it would not see what we wrote: PostgreSQL keeps it from
// being claimed so long, SQLite has a single writer anyway.
func insertOnce(tx *db.Tx, j Job) error {
	for {
		row := j
		res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
		if res.Error != nil || res.RowsAffected > 0 || tx.Dialect() != db.Postgres {
			return res.Error
		}
		var held []int64
		err := tx.Raw("SELECT id FROM jobs WHERE kind = ? AND unique_key = ? AND state = 'waiting' FOR SHARE", j.Kind, *j.UniqueKey).Scan(&held).Error
		if err != nil || len(held) > 0 {
			return err
		}
	}
}

// Handler runs one kind of job.
type Handler struct {
	Kind     string
	Queue    string                          // deliver, inbox, media or default
	Label    string                          // the job type in API answers; Kind when empty
	Attempts int                             // before the job is dead
	Backoff  func(attempt int) time.Duration // pause after the attempt, counted from 1
	Timeout  time.Duration                   // of one attempt; 0: none
	Keep     time.Duration                   // how long done rows stay
	Work     func(context.Context, json.RawMessage) error
}

// HandlerOption changes a [Handler].
type HandlerOption func(*Handler)

// InQueue puts the kind into a queue of its own pace.
func InQueue(name string) HandlerOption { return func(h *Handler) { h.Queue = name } }

// As names the kind in API answers, for kinds that PeerTube's clients know.
func As(label string) HandlerOption { return func(h *Handler) { h.Label = label } }

// Attempts sets how often a job is tried (5 when not given).
func Attempts(n int) HandlerOption { return func(h *Handler) { h.Attempts = n } }

// Backoff sets the pause after a failed attempt, counted from 1.
func Backoff(f func(attempt int) time.Duration) HandlerOption {
	return func(h *Handler) { h.Backoff = f }
}

// Timeout limits one attempt (10 minutes when not given, 0 for none).
func Timeout(d time.Duration) HandlerOption { return func(h *Handler) { h.Timeout = d } }

// Keep sets how long done rows stay (2 days when not given).
func Keep(d time.Duration) HandlerOption { return func(h *Handler) { h.Keep = d } }

// Handle makes a handler for the jobs whose arguments are of type A.
func Handle[A Args](work func(context.Context, A) error, opts ...HandlerOption) Handler {
	var zero A
	h := Handler{
		Kind: zero.Kind(), Queue: "default", Attempts: 5, Timeout: 10 * time.Minute, Keep: 48 * time.Hour,
		Backoff: func(attempt int) time.Duration { return time.Duration(attempt*attempt) * 5 * time.Second },
		Work: func(ctx context.Context, raw json.RawMessage) error {
			var a A
			if err := json.Unmarshal(raw, &a); err != nil {
				return Discard(fmt.Errorf("arguments: %w", err))
			}
			return work(ctx, a)
		},
	}
	for _, o := range opts {
		o(&h)
	}
	if h.Label == "" {
		h.Label = h.Kind
	}
	return h
}

type discardError struct{ err error }

func (e discardError) Error() string { return e.err.Error() }
func (e discardError) Unwrap() error { return e.err }

// Discard wraps an error that no further attempt can mend: the job is dead at
// once. Discard(nil) is nil.
func Discard(err error) error {
	if err == nil {
		return nil
	}
	return discardError{err}
}

type retryError struct {
	err   error
	after time.Duration
}

func (e retryError) Error() string { return e.err.Error() }
func (e retryError) Unwrap() error { return e.err }

// running is what a handler's context knows of its job.
type running struct {
	r    *Runner
	job  Job
	max  int
	done bool
}

type runningKey struct{}

func current(ctx context.Context) *running {
	r, _ := ctx.Value(runningKey{}).(*running)
	return r
}

// Done marks the running job done in tx, the handler's own transaction, so that
// its effect and the mark are one. It does nothing outside a job.
func Done(ctx context.Context, tx *db.Tx) error {
	r := current(ctx)
	if r == nil {
		return nil
	}
	tx.AfterCommit(func() { r.done = true })
	return finish(tx, r.job.ID)
}

func finish(tx *db.Tx, id int64) error {
	return tx.Model(&Job{}).Where("id = ? AND state = ?", id, Active).
		Updates(map[string]any{"state": Finished, "progress": 100, "last_error": "", "finished_at": db.Now()}).Error
}

// Progress shows how far the running job is, in percent. It is written at most
// once for each percent and never fails the job.
func Progress(ctx context.Context, percent int) {
	r := current(ctx)
	if r == nil || percent <= r.job.Progress || percent > 100 {
		return
	}
	r.job.Progress = percent
	err := r.r.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Model(&Job{}).Where("id = ?", r.job.ID).Update("progress", percent).Error
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		r.r.log.WarnContext(ctx, "job progress not written", "job", r.job.ID, "error", err)
	}
}

// Attempt tells which attempt runs, counted from 1, and how many there are at
// most; 0, 0 outside a job.
func Attempt(ctx context.Context) (n, most int) {
	r := current(ctx)
	if r == nil {
		return 0, 0
	}
	return r.job.Attempts, r.max
}
