package activitypub

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/inbox"
)

// Check tells every promise of the engine that no job will keep, one sentence
// each: activities that wait, deliveries that are pending (REL-24). It changes
// nothing.
func (e *Engine) Check(ctx context.Context) ([]string, error) {
	var gaps []string
	var waiting int64
	err := e.db.Read(ctx).Raw(`SELECT count(*) FROM inbox WHERE state IN (?, ?)
		AND NOT EXISTS (SELECT 1 FROM jobs WHERE kind = ? AND state IN ('waiting', 'active'))`,
		inbox.Waiting, inbox.Active, inbox.ProcessArgs{}.Kind()).Scan(&waiting).Error
	if err != nil {
		return nil, fmt.Errorf("check inbox: %w", err)
	}
	if waiting > 0 {
		gaps = append(gaps, fmt.Sprintf("%d received activities wait, but no job will process them", waiting))
	}
	stuck, err := e.crawler.Check(ctx)
	if err != nil {
		return nil, err
	}
	lost, err := e.Outbox.Check(ctx)
	return append(append(gaps, stuck...), lost...), err
}

// Waiting is the number of activities received and not yet processed.
func (e *Engine) Waiting(ctx context.Context) (int64, error) {
	var n int64
	err := e.db.Read(ctx).Model(&inbox.Row{}).Where("state IN ?", []string{inbox.Waiting, inbox.Active}).Count(&n).Error
	return n, err
}
