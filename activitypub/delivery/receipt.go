package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// pauses make 15 attempts in seven days (REL-08).
var pauses = []time.Duration{
	30 * time.Second, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 40 * time.Minute, 90 * time.Minute, 3 * time.Hour,
	6 * time.Hour, 12 * time.Hour, 18 * time.Hour, 24 * time.Hour, 30 * time.Hour, 36 * time.Hour, 36 * time.Hour,
}

const (
	deadline  = 8 * 24 * time.Hour // ends a delivery however few attempts it had
	probeDays = 7 * 24 * time.Hour // at least, while the host is broken
)

// pause is how long to wait after an attempt, give or take a tenth, so that a
// host which comes back is not hit by all at once.
func pause(attempt int) time.Duration {
	p := pauses[min(max(attempt, 1), len(pauses))-1]
	return (p - p/10 + rand.N(p/5)).Truncate(time.Microsecond) //nolint:gosec // jitter is no secret
}

// final tells whether no further attempt can help: 404 and 410, other answers
// that say what is wrong with the request, and what this server itself refuses
// to contact.
func final(err error) bool {
	return err != nil && (transport.Gone(err) || !transport.Temporary(err))
}

// exhausted tells whether the attempts of a delivery are used up. While its
// host is down, time decides and not attempts: it gets what it missed when it
// returns, within the retention. An inbox that answers 500 lives, though.
func exhausted(r result, now time.Time) bool {
	attempts, age := r.row.Attempts+1, now.Sub(r.row.CreatedAt)
	if !r.down {
		return attempts > len(pauses) || age > deadline
	}
	return statusOf(r.err) == 500 && attempts > len(pauses) && age > probeDays
}

// store writes the receipts of several hosts and gives back their leases, in
// one transaction.
func (o *Outbox) store(ctx context.Context, outs []*outcome) error {
	slices.SortFunc(outs, func(a, b *outcome) int { return cmp.Compare(a.host.Host, b.host.Host) })
	now := o.now()
	err := o.db.Tx(ctx, func(tx *db.Tx) error {
		names := make([]string, len(outs))
		var sent []int64
		for i, out := range outs {
			names[i] = out.host.Host
			for _, r := range out.results {
				if r.err == nil {
					sent = append(sent, r.row.ID)
				}
			}
		}
		if err := lockHosts(tx, names); err != nil {
			return err
		}
		if err := storeDelivered(tx, sent, now); err != nil {
			return err
		}
		var plain []string
		for _, out := range outs {
			for _, r := range out.results {
				if r.err != nil {
					if err := storeFailure(tx, r, now); err != nil {
						return err
					}
				}
			}
			if !out.learned && len(out.results) > 0 {
				plain = append(plain, out.host.Host)
				continue
			}
			if err := o.storeHost(tx, out, now); err != nil {
				return err
			}
		}
		return releasePlain(tx, plain, now)
	})
	if err != nil {
		return err
	}
	o.count(ctx, outs, now)
	return nil
}

// lockHosts keeps publishers from adding deliveries while it is decided what
// is due next. SQLite has one writer anyway.
func lockHosts(tx *db.Tx, names []string) error {
	if tx.Dialect() != db.Postgres {
		return nil
	}
	var locked []string
	err := tx.Raw("SELECT host FROM hosts WHERE host IN ? ORDER BY host FOR UPDATE", names).Scan(&locked).Error
	if err != nil {
		return fmt.Errorf("lock hosts: %w", err)
	}
	return nil
}

func storeDelivered(tx *db.Tx, ids []int64, now time.Time) error {
	for chunk := range slices.Chunk(ids, spreadChunk) {
		err := tx.Exec(`UPDATE deliveries SET state = ?, attempts = attempts + 1, last_status = 204, last_error = '', tried_at = ?, delivered_at = ?
			WHERE id IN ?`, Delivered, now, now, chunk).Error
		if err != nil {
			return fmt.Errorf("write receipts: %w", err)
		}
	}
	return nil
}

// storeFailure writes an attempt that failed. What waits for the same inbox
// about the same object waits as long.
func storeFailure(tx *db.Tx, r result, now time.Time) error {
	set := map[string]any{
		"attempts": r.row.Attempts + 1, "tried_at": now, "last_status": statusOf(r.err), "last_error": clip(r.err.Error(), 500),
	}
	if err := tx.Model(&Receipt{}).Where("id = ?", r.row.ID).Updates(set).Error; err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	if final(r.err) || exhausted(r, now) {
		err := tx.Model(&Receipt{}).Where("id = ? AND state = 'pending'", r.row.ID).Update("state", Failed).Error
		if err != nil {
			return fmt.Errorf("write receipt: %w", err)
		}
		return nil
	}
	next := now.Add(max(pause(r.row.Attempts+1), retryAfter(r.err)))
	err := tx.Model(&Receipt{}).Where("object_key = ? AND inbox = ? AND state = 'pending' AND next_at < ?", r.row.ObjectKey, r.row.Inbox, next).
		Update("next_at", next).Error
	if err != nil {
		return fmt.Errorf("write receipt: %w", err)
	}
	return nil
}

// earliest is when a host's next delivery is due.
const earliest = `(SELECT d.next_at FROM deliveries d WHERE d.host = hosts.host AND d.state = 'pending' ORDER BY d.next_at LIMIT 1)`

// releasePlain gives back the leases of healthy hosts that stayed so.
func releasePlain(tx *db.Tx, hosts []string, now time.Time) error {
	for chunk := range slices.Chunk(hosts, spreadChunk) {
		err := tx.Exec(`UPDATE hosts SET lease_until = NULL, last_success_at = ?, next_at = `+earliest+` WHERE host IN ?`, now, chunk).Error
		if err != nil {
			return fmt.Errorf("release hosts: %w", err)
		}
	}
	return nil
}

// storeHost writes what was learned of a host.
func (o *Outbox) storeHost(tx *db.Tx, out *outcome, now time.Time) error {
	h := out.host
	if h.State == HalfOpen { // nothing was sent
		h.State = Open
	}
	if out.returned {
		// Everything that waits for it is due now.
		err := tx.Model(&Receipt{}).Where("host = ? AND state = 'pending' AND next_at > ?", h.Host, now).Update("next_at", now).Error
		if err != nil {
			return fmt.Errorf("wake %s: %w", h.Host, err)
		}
		if h.MissedFrom != nil {
			if err := jobs.Insert(tx, ResumeArgs{Host: h.Host}, jobs.Unique(h.Host)); err != nil {
				return err
			}
		}
	}
	next := earliest
	args := []any{h.State, h.Failures, h.Slow, h.DownSince, h.LastSuccessAt, h.LastFailureAt, h.LastStatus, h.LastError, h.WaitUntil}
	if h.State == Open && h.WaitUntil != nil {
		next = `CASE WHEN EXISTS (SELECT 1 FROM deliveries d WHERE d.host = hosts.host AND d.state = 'pending') THEN ? END`
		if tx.Dialect() == db.Postgres {
			next = strings.Replace(next, "THEN ?", "THEN CAST(? AS TIMESTAMPTZ)", 1)
		}
		args = append(args, *h.WaitUntil)
	}
	err := tx.Exec(`UPDATE hosts SET state = ?, failures = ?, slow = ?, down_since = ?, last_success_at = ?, last_failure_at = ?,
		last_status = ?, last_error = ?, wait_until = ?, lease_until = NULL, next_at = `+next+` WHERE host = ?`, append(args, h.Host)...).Error
	if err != nil {
		return fmt.Errorf("write host %s: %w", h.Host, err)
	}
	return nil
}

// count tells logs and metrics what was written.
func (o *Outbox) count(ctx context.Context, outs []*outcome, now time.Time) {
	for _, out := range outs {
		for _, r := range out.results {
			kind := "retried"
			switch {
			case r.err == nil:
				kind = Delivered
				o.log.DebugContext(ctx, "activity delivered", "inbox", r.row.Inbox, "type", r.activity)
			case final(r.err) || exhausted(r, now):
				kind = Failed
				o.log.WarnContext(ctx, "activity not delivered", "inbox", r.row.Inbox, "type", r.activity, "attempts", r.row.Attempts+1, "error", r.err)
			}
			o.metrics.deliveries.WithLabelValues(kind, r.class).Inc()
			if kind != "retried" {
				o.metrics.attempts.Observe(float64(r.row.Attempts + 1))
			}
		}
		if out.opened {
			o.metrics.opens.Inc()
			o.log.WarnContext(ctx, "host does not answer, only probed from now on", "host", out.host.Host, "error", out.host.LastError)
		}
		if out.returned {
			o.log.InfoContext(ctx, "host is back", "host", out.host.Host)
		}
	}
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
