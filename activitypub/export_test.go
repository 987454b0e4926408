package activitypub

import (
	"context"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/inbox"
)

// For tests of single jobs.
type (
	InboxRow    = inbox.Row
	DeliveryRow = deliveryRow
	OutboxRow   = outboxRow
)

// DeliveryPauses are the pauses between attempts.
var DeliveryPauses = deliveryPauses

// DeliveryPause is the pause after an attempt.
func DeliveryPause(n int) time.Duration { return deliveryPause(n) }

// ProcessInbox drains the inbox now.
func (e *Engine) ProcessInbox(ctx context.Context) error {
	return e.Inbox.Process(ctx, inbox.ProcessArgs{})
}

// Deliver makes one attempt now.
func (e *Engine) Deliver(ctx context.Context, id int64) error {
	return e.deliver(ctx, DeliverArgs{DeliveryID: id})
}

// Clean drops old rows now.
func (e *Engine) Clean(ctx context.Context) error { return e.clean(ctx, CleanArgs{}) }

// WantsActivity tells whether an Accept header prefers ActivityPub.
func WantsActivity(accept string) bool { return wantsActivity(accept) }
