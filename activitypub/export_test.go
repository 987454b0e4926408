package activitypub

import (
	"context"

	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
)

// For tests of single jobs.
type (
	InboxRow    = inbox.Row
	DeliveryRow = delivery.Receipt
	OutboxRow   = delivery.Entry
)

// ProcessInbox drains the inbox now.
func (e *Engine) ProcessInbox(ctx context.Context) error {
	return e.Inbox.Process(ctx, inbox.ProcessArgs{})
}

// Clean drops old rows now.
func (e *Engine) Clean(ctx context.Context) error { return e.clean(ctx, CleanArgs{}) }

// WantsActivity tells whether an Accept header prefers ActivityPub.
func WantsActivity(accept string) bool { return wantsActivity(accept) }
