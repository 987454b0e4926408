package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
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
	Delivery Target
}

// Kind names the job.
func (FanOutArgs) Kind() string { return "activitypub.fanout" }

// DeliverArgs sends one activity to one inbox.
type DeliverArgs struct{ DeliveryID int64 }

// Kind names the job.
func (DeliverArgs) Kind() string { return "activitypub.deliver" }

// fanOut finds the inboxes at the time of sending, so a follower of a second
// ago gets it too.
func (o *Outbox) fanOut(ctx context.Context, a FanOutArgs) error {
	return o.db.Tx(ctx, func(tx *db.Tx) error {
		inboxes, err := actor.FollowerInboxes(tx.DB, a.Delivery.FollowersOf)
		if err != nil {
			return err
		}
		inboxes = append(inboxes, a.Delivery.Inboxes...)
		if err := o.spread(tx, a.OutboxID, inboxes, a.Delivery.Except); err != nil {
			return err
		}
		return jobs.Done(ctx, tx)
	})
}

// Jobs are the handlers of fan-out and delivery.
func (o *Outbox) Jobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Handle(o.fanOut, jobs.InQueue("default"), jobs.Attempts(10), jobs.As("activitypub-http-broadcast")),
		jobs.Handle(o.deliver, jobs.InQueue("deliver"), jobs.Attempts(10), jobs.Timeout(time.Minute), jobs.Keep(time.Hour), jobs.As("activitypub-http-unicast")),
	}
}

// insertDelivery gives the id of a new row, 0 when the inbox has one already.
func insertDelivery(tx *db.Tx, outboxID int64, inbox, host string) (int64, error) {
	row := &Receipt{OutboxID: outboxID, Inbox: inbox, Host: host, State: Pending, CreatedAt: db.Now()}
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

// deliveryDeadline ends a delivery however few attempts its host's breaker
// allowed.
const deliveryDeadline = 8 * 24 * time.Hour

// deliveryPause is the pause after an attempt, give or take a tenth, so that
// a host which comes back is not hit by all at once.
func deliveryPause(attempt int) time.Duration {
	p := deliveryPauses[min(max(attempt, 1), len(deliveryPauses))-1]
	return p - p/10 + rand.N(p/5) //nolint:gosec // jitter is no secret
}

// deliver makes one attempt and writes the receipt. The next attempt is
// another job, inserted with the receipt, so that waiting for a host does not
// count as trying. An answer of 404 or 410 and what this server itself
// refuses to contact are final.
func (o *Outbox) deliver(ctx context.Context, a DeliverArgs) error {
	var d Receipt
	err := o.db.Read(ctx).Where("id = ?", a.DeliveryID).Take(&d).Error
	if errors.Is(err, db.ErrNotFound) {
		return nil // its activity was removed
	}
	if err != nil || d.State != Pending {
		return err
	}
	var row Entry
	if err := o.db.Read(ctx).Where("id = ?", d.OutboxID).Take(&row).Error; err != nil {
		return fmt.Errorf("activity to deliver: %w", err)
	}
	from, err := o.actors.ByID(ctx, row.ActorID)
	if err != nil {
		return err
	}
	if wait := o.hosts.admit(d.Host); wait > 0 {
		return o.again(ctx, a, wait, nil)
	}
	start := time.Now()
	sent := o.transport.Post(ctx, o.actors.Signer(from), d.Inbox, []byte(row.Raw))
	if ctx.Err() != nil {
		o.hosts.leave(d.Host)
		return ctx.Err()
	}
	o.hosts.report(d.Host, sent)
	return o.receipt(ctx, d, row.Type, sent, time.Since(start))
}

// again inserts the next attempt, together with set when there is something
// to write, and ends this job.
func (o *Outbox) again(ctx context.Context, a DeliverArgs, wait time.Duration, set map[string]any) error {
	return o.db.Tx(ctx, func(tx *db.Tx) error {
		if set != nil {
			if err := tx.Model(&Receipt{}).Where("id = ?", a.DeliveryID).Updates(set).Error; err != nil {
				return fmt.Errorf("write receipt: %w", err)
			}
		}
		if wait > 0 {
			if err := jobs.Insert(tx, a, jobs.RunAt(db.Now().Add(wait))); err != nil {
				return err
			}
		}
		return jobs.Done(ctx, tx)
	})
}

// receipt writes what became of an attempt.
func (o *Outbox) receipt(ctx context.Context, d Receipt, activity string, sent error, took time.Duration) error {
	now := db.Now()
	set := map[string]any{"attempts": d.Attempts + 1, "tried_at": now, "last_status": statusOf(sent), "last_error": ""}
	result, wait := "retried", time.Duration(0)
	final := transport.Gone(sent) || sent != nil && !transport.Temporary(sent) ||
		d.Attempts >= len(deliveryPauses) || now.Sub(d.CreatedAt) > deliveryDeadline
	switch {
	case sent == nil:
		result = Delivered
		set["state"], set["delivered_at"] = Delivered, now
		o.log.InfoContext(ctx, "activity delivered", "inbox", d.Inbox, "type", activity, "took", took)
	case final:
		result = Failed
		set["state"], set["last_error"] = Failed, clip(sent.Error(), 500)
		o.log.WarnContext(ctx, "activity not delivered", "inbox", d.Inbox, "type", activity, "error", sent)
	default:
		set["last_error"] = clip(sent.Error(), 500)
		wait = max(deliveryPause(d.Attempts+1), retryAfter(sent))
	}
	o.metrics.deliveries.WithLabelValues(result).Inc()
	return o.again(ctx, DeliverArgs{DeliveryID: d.ID}, wait, set)
}

// retryAfter is what the other server asked for, 0 when it did not.
func retryAfter(err error) time.Duration {
	if s, ok := errors.AsType[*transport.StatusError](err); ok {
		return s.RetryAfter
	}
	return 0
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

func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }
