package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"github.com/kinemesh/kinemesh/config/db"
)

const (
	relayBatch     = 500
	relayEvery     = time.Second      // finds rows whose time has come
	reconcileEvery = 10 * time.Second // REL-03: every due row within 30 s
	heartbeatEvery = 10 * time.Second
	deadAfter      = 60 * time.Second // without a heartbeat a worker is dead, REL-05
	overdue        = 20 * time.Second // a due row that has not started is looked at
	// maxLost is after how many attempts a row is given up whose worker has died,
	// or more if its kind has more (REL-10). Whether the job killed its process or
	// somebody else did cannot be told, so a long job must survive some kills.
	maxLost = 10
)

// payload is what the broker holds; the arguments are there for people who look
// at the dashboard.
type payload struct {
	Job  int64           `json:"job"`
	Args json.RawMessage `json:"args"`
}

// relay offers rows to the broker until ctx ends.
func (r *Runner) relay(ctx context.Context) {
	wake, stop := r.db.Listen(topic)
	defer stop()
	tick := time.NewTicker(relayEvery)
	defer tick.Stop()
	for {
		n, err := r.relayOnce(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "jobs not offered, will try again", "error", err)
		}
		if n == relayBatch && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-tick.C:
		}
	}
}

// relayOnce offers one batch of due rows and tells how many there were.
func (r *Runner) relayOnce(ctx context.Context) (int, error) {
	epoch, err := r.broker.epoch(ctx)
	if err != nil {
		return 0, fmt.Errorf("broker: %w", err)
	}
	if known := r.epoch.Load(); known == nil || *known != epoch {
		if err := r.newEpoch(ctx, epoch); err != nil {
			return 0, err
		}
	}
	var due []Job
	err = r.db.Read(ctx).Select("id", "kind", "args", "generation").
		Where("state = ? AND epoch = '' AND run_at <= ?", Waiting, db.Now()).
		Order("run_at, id").Limit(relayBatch).Find(&due).Error
	if err != nil || len(due) == 0 {
		return 0, err
	}
	offered := make([]int64, 0, len(due))
	for _, j := range due {
		if err := r.offer(ctx, j); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
			return 0, fmt.Errorf("broker: %w", err)
		}
		offered = append(offered, j.ID)
	}
	err = r.db.Tx(ctx, func(tx *db.Tx) error {
		// A row that a transaction holds is offered once more; the broker knows it.
		return tx.Model(&Job{}).Where("id IN (SELECT id FROM jobs WHERE id IN ? AND state = ?"+tx.Dialect().SkipLocked()+")", offered, Waiting).
			Update("epoch", epoch).Error
	})
	return len(due), err
}

// newEpoch forgets what was offered to a broker whose data are gone.
func (r *Runner) newEpoch(ctx context.Context, epoch string) error {
	err := r.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Model(&Job{}).Where("state = ? AND epoch NOT IN ?", Waiting, []string{"", epoch}).Update("epoch", "").Error
	})
	if err == nil {
		r.epoch.Store(&epoch)
	}
	return err
}

func taskID(j Job) string {
	if j.Generation == 0 {
		return fmt.Sprint(j.ID)
	}
	return fmt.Sprintf("%d.%d", j.ID, j.Generation)
}

func (r *Runner) queueOf(kind string) string {
	if h, ok := r.handlers[kind]; ok {
		return h.Queue
	}
	return "default"
}

func (r *Runner) offer(ctx context.Context, j Job) error {
	raw, err := json.Marshal(payload{j.ID, json.RawMessage(j.Args)})
	if err != nil {
		return err
	}
	// The row counts the attempts; asynq must never stop by itself.
	_, err = r.client.EnqueueContext(ctx, asynq.NewTask(j.Kind, raw),
		asynq.TaskID(taskID(j)), asynq.Queue(r.queueOf(j.Kind)), asynq.MaxRetry(1<<30), asynq.Timeout(365*24*time.Hour))
	return err
}

// reconcile mends what a lost broker or a killed worker left behind, until ctx
// ends.
func (r *Runner) reconcile(ctx context.Context) {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := r.reconcileOnce(ctx); err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "jobs not reconciled, will try again", "error", err)
		}
	}
}

func (r *Runner) reconcileOnce(ctx context.Context) error {
	now := db.Now()
	epoch := r.epoch.Load()
	if epoch == nil {
		return nil // the relay has not reached the broker yet
	}
	if err := r.release(ctx, now.Add(-deadAfter)); err != nil {
		return err
	}
	var late []Job
	err := r.db.Read(ctx).Select("id", "kind", "args", "generation").
		Where("state = ? AND epoch = ? AND run_at <= ?", Waiting, *epoch, now.Add(-overdue)).
		Order("run_at, id").Limit(relayBatch).Find(&late).Error
	if err != nil {
		return err
	}
	for _, j := range late {
		err := r.offer(ctx, j)
		if errors.Is(err, asynq.ErrTaskIDConflict) {
			err = r.reofferEnded(ctx, j)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// reofferEnded offers a waiting row again whose task the broker holds as ended:
// archived by hand in the dashboard, say.
func (r *Runner) reofferEnded(ctx context.Context, j Job) error {
	info, err := r.inspector.GetTaskInfo(r.queueOf(j.Kind), taskID(j))
	if errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound) {
		return nil // it ended just now
	}
	if err != nil {
		return err
	}
	if info.State != asynq.TaskStateArchived && info.State != asynq.TaskStateCompleted {
		return nil // alive
	}
	if err := r.inspector.DeleteTask(info.Queue, info.ID); err != nil {
		return err
	}
	return r.offer(ctx, j)
}

// release gives back the rows whose worker has not been heard of since before.
// The attempt that was cut short counts (REL-10), the new task gets a new id
// because the broker may hold the old one as active for ever.
func (r *Runner) release(ctx context.Context, before time.Time) error {
	return rewrite(ctx, r.db, func(tx *db.Tx) error {
		var lost []Job
		err := tx.Select("id", "kind", "attempts", "unique_key", "generation").
			Where("state = ? AND heartbeat_at <= ?", Active, before).Order("id").Limit(relayBatch).Find(&lost).Error
		if err != nil {
			return err
		}
		for _, j := range lost {
			if j.Attempts >= max(maxLost, r.handlers[j.Kind].Attempts) {
				if err := r.giveUp(tx, j); err != nil {
					return err
				}
				continue
			}
			if err := giveBack(tx, Active, j, map[string]any{"epoch": "", "generation": j.Generation + 1, "last_error": "worker lost"}); err != nil {
				return err
			}
		}
		if len(lost) > 0 {
			tx.Notify(topic)
		}
		return nil
	})
}

// giveUp ends a row that took its process along again and again.
func (r *Runner) giveUp(tx *db.Tx, j Job) error {
	tx.AfterCommit(func() {
		r.metrics.total.WithLabelValues(j.Kind, "dead").Inc()
		r.log.Error("job given up whose process died each time", "job", j.ID, "kind", j.Kind, "attempts", j.Attempts)
	})
	return tx.Model(&Job{}).Where("id = ? AND state = ?", j.ID, Active).
		Updates(map[string]any{"state": Dead, "finished_at": db.Now(), "last_error": "the process died each time this was worked on"}).Error
}

// rewrite runs a transaction that gives rows back, and once more if a job with the
// key of one was inserted meanwhile, which it finds then.
func rewrite(ctx context.Context, d *db.DB, do func(*db.Tx) error) error {
	err := d.Tx(ctx, do)
	if db.IsDuplicate(err) {
		err = d.Tx(ctx, do)
	}
	return err
}

// giveBack makes a row wait again that is in the state from. When a newer row with the same
// unique key waits already, that one does the work and this one is done.
func giveBack(tx *db.Tx, from string, j Job, set map[string]any) error {
	if j.UniqueKey != nil {
		var n int64
		err := tx.Model(&Job{}).Where("kind = ? AND unique_key = ? AND state = ? AND id <> ?", j.Kind, *j.UniqueKey, Waiting, j.ID).Count(&n).Error
		if err != nil {
			return err
		}
		if n > 0 {
			return tx.Model(&Job{}).Where("id = ? AND state = ?", j.ID, from).
				Updates(map[string]any{"state": Finished, "finished_at": db.Now(), "last_error": "replaced by a newer job"}).Error
		}
	}
	set["state"] = Waiting
	return tx.Model(&Job{}).Where("id = ? AND state = ?", j.ID, from).Updates(set).Error
}
