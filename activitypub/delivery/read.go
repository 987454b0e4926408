package delivery

import (
	"context"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
)

// Listed gives a page of what an actor's outbox collection shows, newest
// first, and how much there is.
func (o *Outbox) Listed(ctx context.Context, actorID int64, offset, limit int) ([]Entry, int64, error) {
	var total int64
	err := o.db.Read(ctx).Model(&Entry{}).Where("actor_id = ? AND listed = ?", actorID, true).Count(&total).Error
	if err != nil {
		return nil, 0, fmt.Errorf("count outbox: %w", err)
	}
	var rows []Entry
	err = o.db.Read(ctx).Where("actor_id = ? AND listed = ?", actorID, true).Order("id DESC").Offset(offset).Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("read outbox: %w", err)
	}
	return rows, total, nil
}

// Clean drops, in tx, what is older than before, not shown and delivered.
func (o *Outbox) Clean(tx *db.Tx, before time.Time) error {
	err := tx.Where(`listed = ? AND created_at <= ? AND NOT EXISTS
		(SELECT 1 FROM deliveries d WHERE d.outbox_id = outbox.id AND d.state = ?)`, false, before, Pending).Delete(&Entry{}).Error
	if err != nil {
		return fmt.Errorf("clean outbox: %w", err)
	}
	return nil
}

// checkLimit bounds the gaps that are told.
const checkLimit = 500

// Check tells every pending delivery that no job will make (REL-24). It
// changes nothing.
func (o *Outbox) Check(ctx context.Context) ([]string, error) {
	var lost []struct {
		ID    int64
		Inbox string
	}
	err := o.db.Read(ctx).Raw(`SELECT d.id, d.inbox FROM deliveries d WHERE d.state = ?
		AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = ? AND j.state IN ('waiting', 'active')
			AND j.args = '{"DeliveryID":' || d.id || '}') ORDER BY d.id LIMIT ?`,
		Pending, DeliverArgs{}.Kind(), checkLimit).Scan(&lost).Error
	if err != nil {
		return nil, fmt.Errorf("check deliveries: %w", err)
	}
	var gaps []string
	for _, d := range lost {
		gaps = append(gaps, fmt.Sprintf("delivery %d to %s is pending, but no job will make it", d.ID, d.Inbox))
	}
	return gaps, nil
}
