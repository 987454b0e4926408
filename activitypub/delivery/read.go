package delivery

import (
	"context"
	"fmt"
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
