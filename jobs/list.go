package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
)

// Info is a job as PeerTube's API shows it.
type Info struct {
	ID          int64           `json:"id"`
	State       string          `json:"state"`
	Type        string          `json:"type"`
	Data        json.RawMessage `json:"data"`
	Priority    int             `json:"priority"`
	Progress    int             `json:"progress"`
	Error       *Failure        `json:"error"`
	Attempts    int             `json:"attempts"`
	CanCancel   bool            `json:"canCancel"`
	CreatedAt   time.Time       `json:"createdAt"`
	FinishedOn  *time.Time      `json:"finishedOn"`
	ProcessedOn *time.Time      `json:"processedOn"`
}

// Failure is why the last attempt of a job failed.
type Failure struct {
	Message string `json:"message"`
}

// Filter selects jobs; empty fields do not narrow.
type Filter struct {
	State string // one of PeerTube's
	Type  string // label or kind
}

// known are the handlers by kind.
type known map[string]Handler

// List lists jobs, the newest first, where none are run: whether they are paused
// is not known there, so those that are count as waiting.
func List(ctx context.Context, d *db.DB, handlers []Handler, f Filter, offset, limit int) ([]Info, int64, error) {
	k := known{}
	for _, h := range handlers {
		k[h.Kind] = h
	}
	return k.find(ctx, d, f, false, "created_at DESC, id DESC", offset, limit)
}

// find lists jobs. order is trusted SQL.
func (k known) find(ctx context.Context, d *db.DB, f Filter, paused bool, order string, offset, limit int) ([]Info, int64, error) {
	q, now := d.Read(ctx).Model(&Job{}), db.Now()
	switch {
	case f.State == "waiting" && paused:
		f.State = "none"
	case f.State == "paused" && paused:
		f.State = "waiting"
	}
	switch f.State {
	case "":
	case "active":
		q = q.Where("state = ?", Active)
	case "completed":
		q = q.Where("state = ?", Finished)
	case "failed":
		q = q.Where("state = ?", Dead)
	case "waiting":
		q = q.Where("state = ? AND run_at <= ?", Waiting, now)
	case "delayed":
		q = q.Where("state = ? AND run_at > ?", Waiting, now)
	default:
		return nil, 0, nil
	}
	if f.Type != "" {
		kinds := []string{f.Type}
		for _, h := range k {
			if h.Label == f.Type {
				kinds = append(kinds, h.Kind)
			}
		}
		q = q.Where("kind IN ?", kinds)
	}
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count jobs: %w", err)
	}
	var rows []Job
	if err := q.Order(order).Offset(offset).Limit(limit).Find(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("list jobs: %w", err)
	}
	out := make([]Info, len(rows))
	for i, j := range rows {
		out[i] = k.info(j, now, paused)
	}
	return out, total, nil
}

func (k known) info(j Job, now time.Time, paused bool) Info {
	a := Info{
		ID: j.ID, Type: j.Kind, Data: json.RawMessage(j.Args), Priority: 1, Progress: j.Progress, Attempts: j.Attempts,
		CreatedAt: j.CreatedAt.UTC(), FinishedOn: j.FinishedAt, ProcessedOn: j.StartedAt,
	}
	if h, ok := k[j.Kind]; ok {
		a.Type = h.Label
		a.CanCancel = j.State == Active && h.cancellable()
	}
	if j.LastError != "" {
		a.Error = &Failure{j.LastError}
	}
	switch {
	case j.State == Active:
		a.State = "active"
	case j.State == Finished:
		a.State = "completed"
	case j.State == Dead:
		a.State = "failed"
	case j.RunAt.After(now):
		a.State = "delayed"
	case paused:
		a.State = "paused"
	default:
		a.State = "waiting"
	}
	return a
}

// Retry has dead jobs run again, with all attempts before them, and tells how many
// (REL-10); without ids all that are dead. One whose work another job with the
// same unique key does is done.
func Retry(ctx context.Context, d *db.DB, ids ...int64) (int, error) {
	var dead []Job
	err := rewrite(ctx, d, func(tx *db.Tx) error {
		q := tx.Select("id", "kind", "unique_key", "generation").Where("state = ?", Dead)
		if len(ids) > 0 {
			q = q.Where("id IN ?", ids)
		}
		// Of those with one key the newest runs.
		if err := q.Order("id DESC").Find(&dead).Error; err != nil {
			return err
		}
		for _, j := range dead {
			// The broker may remember the task as ended, so the new one gets a new id.
			err := giveBack(tx, Dead, j, map[string]any{
				"attempts": 0, "progress": 0, "run_at": db.Now(), "finished_at": nil, "epoch": "", "generation": j.Generation + 1,
			})
			if err != nil {
				return err
			}
		}
		tx.Notify(topic)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("retry jobs: %w", err)
	}
	return len(dead), nil
}
