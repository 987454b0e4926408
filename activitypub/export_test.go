package activitypub

import (
	"context"
	"time"
)

// For tests of single jobs.
type (
	InboxRow    = inboxRow
	DeliveryRow = deliveryRow
	OutboxRow   = outboxRow
)

// DeliveryPauses are the pauses between attempts.
var DeliveryPauses = deliveryPauses

// DeliveryPause is the pause after an attempt.
func DeliveryPause(n int) time.Duration { return deliveryPause(n) }

// InboxPause is the pause after an attempt.
func InboxPause(n int) time.Duration { return inboxPause(n) }

// ProcessInbox drains the inbox now.
func (e *Engine) ProcessInbox(ctx context.Context) error { return e.processInbox(ctx, ProcessArgs{}) }

// Deliver makes one attempt now.
func (e *Engine) Deliver(ctx context.Context, id int64) error {
	return e.deliver(ctx, DeliverArgs{DeliveryID: id})
}

// Clean drops old rows now.
func (e *Engine) Clean(ctx context.Context) error { return e.clean(ctx, CleanArgs{}) }

// WantsActivity tells whether an Accept header prefers ActivityPub.
func WantsActivity(accept string) bool { return wantsActivity(accept) }
