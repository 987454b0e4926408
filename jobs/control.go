package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// ErrCancelled is the cause of the end of a context whose job an administrator
// has cancelled.
var ErrCancelled = errors.New("cancelled by an administrator")

// cancellable tells whether jobs of the kind may be cut short: those that run
// long and leave nothing half done.
func (h Handler) cancellable() bool { return h.Queue == "media" }

// Pause keeps all processes of the server from taking jobs; those that run are
// finished. It holds until [Runner.Resume], or until the broker is emptied.
func (r *Runner) Pause(ctx context.Context) error {
	return r.eachQueue(ctx, func(queue string, paused bool) error {
		if paused {
			return nil
		}
		return r.inspector.PauseQueue(queue)
	})
}

// Resume lets jobs be taken again.
func (r *Runner) Resume(ctx context.Context) error {
	return r.eachQueue(ctx, func(queue string, paused bool) error {
		if !paused {
			return nil
		}
		return r.inspector.UnpauseQueue(queue)
	})
}

// Paused tells whether jobs wait until an administrator resumes them. While the
// broker is away they are not.
func (r *Runner) Paused(ctx context.Context) bool {
	var held bool
	err := r.eachQueue(ctx, func(_ string, paused bool) error {
		held = held || paused
		return nil
	})
	return err == nil && held
}

// eachQueue calls do for all queues. The broker's own look-up knows no queue
// that never had a task.
func (r *Runner) eachQueue(ctx context.Context, do func(queue string, paused bool) error) error {
	for _, queue := range slices.Sorted(maps.Keys(defaultConcurrency())) {
		n, err := r.broker.client.Exists(ctx, "asynq:{"+queue+"}:paused").Result()
		if err != nil {
			return fmt.Errorf("broker: %w", err)
		}
		if err := do(queue, n > 0); err != nil {
			return fmt.Errorf("queue %s: %w", queue, err)
		}
	}
	return nil
}

// Cancel ends an active job: its context ends with [ErrCancelled] as cause, in
// this process at once and in others at their next heartbeat, and it is dead.
// False says that it does not run, or may not be cancelled.
func (r *Runner) Cancel(ctx context.Context, id int64) (bool, error) {
	var kinds []string
	for _, h := range r.handlers {
		if h.cancellable() {
			kinds = append(kinds, h.Kind)
		}
	}
	var n int64
	err := r.db.Tx(ctx, func(tx *db.Tx) error {
		q := tx.Model(&Job{}).Where("id = ? AND state = ? AND kind IN ?", id, Active, kinds).
			Updates(map[string]any{"state": Dead, "finished_at": db.Now(), "last_error": ErrCancelled.Error()})
		n = q.RowsAffected
		return q.Error
	})
	if err != nil || n == 0 {
		return false, err
	}
	return true, r.interrupt(ctx, []int64{id})
}

// interrupt ends the contexts of those rows that are dead although this process
// runs them.
func (r *Runner) interrupt(ctx context.Context, ids []int64) error {
	var dead []int64
	if err := r.db.Read(ctx).Model(&Job{}).Where("id IN ? AND state = ?", ids, Dead).Pluck("id", &dead).Error; err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range dead {
		if cancel := r.active[id]; cancel != nil {
			cancel(ErrCancelled)
		}
	}
	return nil
}

// RunNow inserts a periodic job before its time; false when there is none of
// that name.
func (r *Runner) RunNow(ctx context.Context, name string) (bool, error) {
	for _, p := range r.periodic {
		if p.Name == name {
			return true, r.db.Tx(ctx, func(tx *db.Tx) error { return Insert(tx, p.Args, Unique(name)) })
		}
	}
	return false, nil
}

func (r *Runner) pause(c echo.Context) error {
	if err := r.Pause(c.Request().Context()); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (r *Runner) resume(c echo.Context) error {
	if err := r.Resume(c.Request().Context()); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (r *Runner) cancel(c echo.Context) error {
	ctx := c.Request().Context()
	id, err := rest.ParamID(c, "id", "Job not found")
	if err != nil {
		return err
	}
	var found []Job
	if err := r.db.Read(ctx).Where("id = ?", id).Limit(1).Find(&found).Error; err != nil {
		return err
	}
	if len(found) == 0 || r.handlers.info(found[0], db.Now(), false).Type != c.Param("type") {
		return rest.NotFound("Job not found")
	}
	switch ok, err := r.Cancel(ctx, id); {
	case err != nil:
		return err
	case !ok:
		return rest.Conflict("The job does not run or cannot be cancelled")
	}
	return rest.NoContent(c)
}
