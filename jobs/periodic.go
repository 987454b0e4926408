package jobs

import (
	"context"
	"errors"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
)

// Periodic is a job that is inserted once every Every, whichever process comes
// first (REL-09). Slots are counted from the Unix epoch, by the clock.
type Periodic struct {
	Name  string
	Every time.Duration
	Args  Args
}

type slotRow struct {
	Name      string `gorm:"primaryKey"`
	Slot      int64  `gorm:"primaryKey"`
	CreatedAt time.Time
}

func (slotRow) TableName() string { return "job_slots" }

// schedule inserts periodic jobs until ctx ends.
func (r *Runner) schedule(ctx context.Context) {
	tick := time.NewTicker(relayEvery)
	defer tick.Stop()
	last := map[string]int64{}
	for {
		for _, p := range r.periodic {
			slot := time.Now().Unix() / int64(p.Every/time.Second)
			if seen, ok := last[p.Name]; ok && seen == slot {
				continue
			}
			if err := r.insertSlot(ctx, p, slot); err != nil {
				if ctx.Err() == nil {
					r.log.WarnContext(ctx, "periodic job not inserted", "name", p.Name, "error", err)
				}
				continue
			}
			last[p.Name] = slot
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *Runner) insertSlot(ctx context.Context, p Periodic, slot int64) error {
	err := r.db.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Create(&slotRow{p.Name, slot, db.Now()}).Error; err != nil {
			return err
		}
		return Insert(tx, p.Args, Unique(p.Name))
	})
	if db.IsDuplicate(err) || errors.Is(err, context.Canceled) {
		return nil // another process had the slot
	}
	return err
}

type cleanArgs struct{}

func (cleanArgs) Kind() string { return "jobs.clean" }

// keepDead is how long dead rows stay for an administrator to see.
const keepDead = 7 * 24 * time.Hour

// cleaner drops rows that have been done for as long as their handler keeps
// them.
func (r *Runner) cleaner() Handler {
	return Handle(func(ctx context.Context, _ cleanArgs) error {
		now := db.Now()
		return r.db.Tx(ctx, func(tx *db.Tx) error {
			for _, h := range r.handlers {
				err := tx.Where("kind = ? AND state = ? AND finished_at <= ?", h.Kind, Finished, now.Add(-h.Keep)).Delete(&Job{}).Error
				if err != nil {
					return err
				}
			}
			if err := tx.Where("state = ? AND finished_at <= ?", Dead, now.Add(-keepDead)).Delete(&Job{}).Error; err != nil {
				return err
			}
			return tx.Where("created_at <= ?", now.Add(-keepDead)).Delete(&slotRow{}).Error
		})
	}, Keep(time.Hour))
}
