package activitypub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// FanOutArgs spreads one activity over the inboxes of followers.
type FanOutArgs struct {
	OutboxID int64
	Delivery Delivery
}

// Kind names the job.
func (FanOutArgs) Kind() string { return "activitypub.fanout" }

// DeliverArgs sends one activity to one inbox.
type DeliverArgs struct{ DeliveryID int64 }

// Kind names the job.
func (DeliverArgs) Kind() string { return "activitypub.deliver" }

// fanOut finds the inboxes at the time of sending, so a follower of a second
// ago gets it too.
func (e *Engine) fanOut(ctx context.Context, a FanOutArgs) error {
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		inboxes, err := actor.FollowerInboxes(tx.DB, a.Delivery.FollowersOf)
		if err != nil {
			return err
		}
		inboxes = append(inboxes, a.Delivery.Inboxes...)
		if err := e.Outbox.spread(tx, a.OutboxID, inboxes, a.Delivery.Except); err != nil {
			return err
		}
		return jobs.Done(ctx, tx)
	})
}

// insertDelivery gives the id of a new row, 0 when the inbox has one already.
func insertDelivery(tx *db.Tx, outboxID int64, inbox, host string) (int64, error) {
	row := &deliveryRow{OutboxID: outboxID, Inbox: inbox, Host: host, State: deliveryPending, CreatedAt: db.Now()}
	res := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(row)
	if res.Error != nil {
		return 0, fmt.Errorf("create delivery: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return 0, nil
	}
	return row.ID, nil
}

// deliveryPauses make 15 attempts in seven days (REL-08).
var deliveryPauses = []time.Duration{
	30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 40 * time.Minute, 90 * time.Minute, 3 * time.Hour,
	6 * time.Hour, 12 * time.Hour, 18 * time.Hour, 24 * time.Hour, 30 * time.Hour, 36 * time.Hour, 36 * time.Hour,
}

// deliveryPause is the pause after an attempt, give or take a tenth, so that
// a host which comes back is not hit by all at once.
func deliveryPause(attempt int) time.Duration {
	p := deliveryPauses[min(max(attempt, 1), len(deliveryPauses))-1]
	return p - p/10 + rand.N(p/5) //nolint:gosec // jitter is no secret
}

// deliver sends one activity and writes the receipt. An answer of 404 or 410
// and what this server itself refuses to contact are final.
func (e *Engine) deliver(ctx context.Context, a DeliverArgs) error {
	var d deliveryRow
	err := e.db.Read(ctx).Where("id = ?", a.DeliveryID).Take(&d).Error
	if errors.Is(err, ErrNotFound) {
		return nil // its activity was removed
	}
	if err != nil || d.State != deliveryPending {
		return err
	}
	var row outboxRow
	if err := e.db.Read(ctx).Where("id = ?", d.OutboxID).Take(&row).Error; err != nil {
		return fmt.Errorf("activity to deliver: %w", err)
	}
	from, err := e.Actors.ByID(ctx, row.ActorID)
	if err != nil {
		return err
	}
	start := time.Now()
	sent := e.o.Transport.Post(ctx, e.Actors.Signer(from), d.Inbox, []byte(row.Raw))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	n, most := jobs.Attempt(ctx)
	final := sent != nil && (transport.Gone(sent) || !transport.Temporary(sent) || n >= most && most > 0)
	if err := e.receipt(ctx, d, sent, final); err != nil {
		return err
	}
	switch {
	case sent == nil:
		e.metrics.deliveries.WithLabelValues(deliveryDelivered).Inc()
		e.log.InfoContext(ctx, "activity delivered", "inbox", d.Inbox, "type", row.Type, "took", time.Since(start))
		return nil
	case final:
		e.metrics.deliveries.WithLabelValues(deliveryFailed).Inc()
		e.log.WarnContext(ctx, "activity not delivered", "inbox", d.Inbox, "type", row.Type, "error", sent)
		return nil // the receipt says it; the job itself did what it could
	}
	e.metrics.deliveries.WithLabelValues("retried").Inc()
	if s, ok := errors.AsType[*transport.StatusError](sent); ok && s.RetryAfter > 0 {
		return jobs.RetryAfter(sent, s.RetryAfter)
	}
	return sent
}

// receipt writes what became of an attempt; success and the end of the job
// are one transaction.
func (e *Engine) receipt(ctx context.Context, d deliveryRow, sent error, final bool) error {
	now := db.Now()
	set := map[string]any{"attempts": d.Attempts + 1, "tried_at": now, "last_status": statusOf(sent), "last_error": ""}
	switch {
	case sent == nil:
		set["state"], set["delivered_at"] = deliveryDelivered, now
	case final:
		set["state"] = deliveryFailed
	}
	if sent != nil {
		set["last_error"] = clip(sent.Error(), 500)
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Model(&deliveryRow{}).Where("id = ?", d.ID).Updates(set).Error; err != nil {
			return fmt.Errorf("write receipt: %w", err)
		}
		if sent == nil || final {
			return jobs.Done(ctx, tx)
		}
		return nil
	})
}

// statusOf gives the HTTP status behind err: 204 for success, 0 when there
// was no answer.
func statusOf(err error) int {
	if err == nil {
		return 204
	}
	if s, ok := errors.AsType[*transport.StatusError](err); ok {
		return s.Code
	}
	return 0
}
