package delivery

import (
	"context"
	"time"
)

// Pauses are the pauses between attempts.
var Pauses = deliveryPauses

// Pause is the pause after an attempt.
func Pause(n int) time.Duration { return deliveryPause(n) }

// Deliver makes one attempt now.
func (o *Outbox) Deliver(ctx context.Context, id int64) error {
	return o.deliver(ctx, DeliverArgs{DeliveryID: id})
}
