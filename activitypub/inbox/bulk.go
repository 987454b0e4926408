package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// Bulk is the state of a row that waits to be taken together with many others,
// in no order: a View is one of thousands, and a statement for each would cost
// more than what it says is worth.
const Bulk = "bulk"

const (
	bulkBatch = 1000          // rows that one transaction takes
	bulkKeep  = 2 * time.Hour // longer than signature.MaxAge and MaxAhead together
)

// lane is the state in which a fresh row waits. What a messenger brought has to
// be confirmed first, one by one.
func (b *Inbox) lane(r *Row) string {
	if b.o.Bulk != nil && r.Signer == r.Actor && b.o.Bulk(r.Type) {
		return Bulk
	}
	return Waiting
}

// processBulk takes one batch and tells how many rows that were. Effect and mark
// are one transaction, so each activity counts exactly once. What cannot be
// taken in bulk, and all of a batch that fails, goes the ordinary way. The rows
// stay for as long as their signatures are good, without their bodies (SEC-07).
func (b *Inbox) processBulk(ctx context.Context) (int, error) {
	var rows []Row
	err := b.o.DB.Read(ctx).Where("state = ? AND next_at <= ?", Bulk, db.Now()).
		Order("next_at, id").Limit(bulkBatch).Find(&rows).Error
	if err != nil {
		return 0, fmt.Errorf("read activities: %w", err)
	}
	if len(rows) == 0 {
		return 0, nil
	}
	ids := make([]int64, 0, len(rows))
	envs := make(map[int64]vocab.Envelope, len(rows))
	var odd []int64
	for _, r := range rows {
		env, err := vocab.ParseActivity([]byte(r.Raw))
		if err != nil {
			odd = append(odd, r.ID)
			continue
		}
		ids, envs[r.ID] = append(ids, r.ID), env
	}
	taken, err := b.applyBulk(ctx, ids, envs)
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err != nil {
		b.log.ErrorContext(ctx, "activities taken one by one", "count", len(ids), "error", err)
		odd = append(odd, ids...)
	}
	for t, n := range taken {
		b.metrics.activities.WithLabelValues(activityLabel(t), Done).Add(float64(n))
	}
	if len(odd) == 0 {
		return len(rows), nil
	}
	return len(rows), b.o.DB.Tx(ctx, func(tx *db.Tx) error { return oneByOne(tx, odd) })
}

// applyBulk lets the rows that are still waiting take effect, and tells how many
// of each type did.
func (b *Inbox) applyBulk(ctx context.Context, ids []int64, envs map[int64]vocab.Envelope) (taken map[string]int, err error) {
	defer func() {
		if p := recover(); p != nil { // SEC-71
			taken, err = nil, fmt.Errorf("panic: %v", p)
		}
	}()
	err = b.o.DB.Tx(ctx, func(tx *db.Tx) error {
		taken = map[string]int{}
		var locked []int64
		err := tx.Raw("SELECT id FROM inbox WHERE id IN ? AND state = ? ORDER BY id"+tx.Dialect().ForUpdate(), ids, Bulk).Scan(&locked).Error
		if err != nil {
			return fmt.Errorf("lock activities: %w", err)
		}
		batch := make([]vocab.Envelope, len(locked))
		for i, id := range locked {
			batch[i] = envs[id]
		}
		later, err := b.o.ApplyMany(ctx, tx, batch)
		if err != nil {
			return err
		}
		var slow, done []int64
		for i, id := range locked {
			if later[i] {
				slow = append(slow, id)
				continue
			}
			done = append(done, id)
			taken[batch[i].Type]++
		}
		err = tx.Model(&Row{}).Where("id IN ?", done).Updates(map[string]any{"state": Done, "done_at": db.Now(), "raw": ""}).Error
		if err != nil {
			return fmt.Errorf("finish activities: %w", err)
		}
		return oneByOne(tx, slow)
	})
	return taken, err
}

// oneByOne hands rows over to the ordinary way.
func oneByOne(tx *db.Tx, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if err := tx.Model(&Row{}).Where("id IN ? AND state = ?", ids, Bulk).Update("state", Waiting).Error; err != nil {
		return fmt.Errorf("hand activities over: %w", err)
	}
	return nil
}

// CleanBulk drops rows that were taken in bulk and are older than any signature
// that is still accepted.
func CleanBulk(tx *db.Tx) error {
	err := tx.Where("raw = '' AND state = ? AND done_at <= ?", Done, db.Now().Add(-bulkKeep)).Delete(&Row{}).Error
	if err != nil {
		return fmt.Errorf("clean inbox: %w", err)
	}
	return nil
}
