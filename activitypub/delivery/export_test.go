package delivery

import (
	"context"
	"time"
)

// Pauses are the pauses between attempts.
var Pauses = pauses

// Pause is the pause after an attempt.
func Pause(n int) time.Duration { return pause(n) }

// Deliver makes what is due now.
func (o *Outbox) Deliver(ctx context.Context) error { return o.deliver(ctx, DeliverArgs{}) }

// FanOut spreads an activity.
func (o *Outbox) FanOut(ctx context.Context, id int64) error {
	return o.fanOut(ctx, FanOutArgs{OutboxID: id})
}

// Resume catches up with a host.
func (o *Outbox) Resume(ctx context.Context, host string) error {
	return o.resume(ctx, ResumeArgs{Host: host})
}

// Mend runs the periodic job.
func (o *Outbox) Mend(ctx context.Context) error { return o.mend(ctx, MendArgs{}) }
