package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// resumeBatch is how many missed activities one transaction looks at.
const resumeBatch = 100

// ResumeArgs writes the deliveries that a host missed while it was away.
type ResumeArgs struct{ Host string }

// Kind names the job.
func (ResumeArgs) Kind() string { return "activitypub.resume" }

// resume goes through what was published since the host's gap began and writes
// the deliveries it would have got, with the same rules: of many Updates only
// the newest is left, of what was deleted only the Delete. New activities wait
// until it has caught up, so that order is kept. For a host that is still
// broken it writes no more than is needed for a probe.
func (o *Outbox) resume(ctx context.Context, a ResumeArgs) error {
	for {
		more, err := o.resumeSome(ctx, a.Host)
		if err != nil || !more {
			return err
		}
	}
}

func (o *Outbox) resumeSome(ctx context.Context, host string) (more bool, err error) {
	err = o.db.Tx(ctx, func(tx *db.Tx) error {
		more = false
		var h Host
		err := tx.Raw("SELECT * FROM hosts WHERE host = ?"+tx.Dialect().ForUpdate(), host).Scan(&h).Error
		if err != nil || h.MissedFrom == nil {
			return err
		}
		var rows []Entry
		err = tx.Where("id >= ? AND created_at > ? AND target <> ''", *h.MissedFrom, o.now().Add(-o.retention)).
			Order("id").Limit(resumeBatch).Find(&rows).Error
		if err != nil {
			return fmt.Errorf("resume %s: %w", host, err)
		}
		from, wrote := any(nil), false
		for i := range rows {
			n, err := o.resumeOne(tx, &rows[i], host)
			if err != nil {
				return err
			}
			if wrote = wrote || n > 0; n > 0 && h.State != Closed {
				from = rows[i].ID + 1
				break
			}
		}
		if from == nil && len(rows) == resumeBatch {
			from, more = rows[len(rows)-1].ID+1, true
		}
		if err := tx.Model(&Host{}).Where("host = ?", host).Update("missed_from", from).Error; err != nil {
			return fmt.Errorf("resume %s: %w", host, err)
		}
		if !wrote {
			return nil
		}
		if err := tx.Model(&Host{}).Where("host = ?", host).Update("next_at", o.now()).Error; err != nil {
			return fmt.Errorf("resume %s: %w", host, err)
		}
		return wake(tx)
	})
	return more, err
}

// resumeOne writes what the host gets of one activity.
func (o *Outbox) resumeOne(tx *db.Tx, row *Entry, host string) (int, error) {
	var d Target
	if err := json.Unmarshal([]byte(row.Target), &d); err != nil {
		return 0, fmt.Errorf("resume %s: activity %d: %w", host, row.ID, err)
	}
	inboxes, err := actor.FollowerInboxes(tx.DB, d.FollowersOf)
	if err != nil {
		return 0, err
	}
	inboxes = slices.DeleteFunc(append(inboxes, d.Inboxes...), func(in string) bool { return iri.Host(in) != host })
	boxes := o.boxes(tx.Statement.Context, inboxes, d.Except)
	return len(boxes), o.insert(tx, row, d, boxes)
}

// expire gives up what has waited for longer than the retention, and sees to
// it that a host which missed something still has something to be probed
// with.
func (o *Outbox) expire(ctx context.Context) error {
	return o.db.Tx(ctx, func(tx *db.Tx) error {
		err := tx.Model(&Receipt{}).Where("state = 'pending' AND created_at <= ?", o.now().Add(-o.retention)).
			Updates(map[string]any{"state": Failed, "last_error": "the host was away for too long"}).Error
		if err != nil {
			return fmt.Errorf("expire deliveries: %w", err)
		}
		var names []string
		err = tx.Model(&Host{}).Where(`missed_from IS NOT NULL AND NOT EXISTS
			(SELECT 1 FROM deliveries d WHERE d.host = hosts.host AND d.state = 'pending')`).Pluck("host", &names).Error
		if err != nil {
			return fmt.Errorf("expire deliveries: %w", err)
		}
		for _, n := range names {
			if err := jobs.Insert(tx, ResumeArgs{Host: n}, jobs.Unique(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

// MendArgs looks for what should not be, every now and then.
type MendArgs struct{}

// Kind names the job.
func (MendArgs) Kind() string { return "activitypub.mend" }

// mend expires old deliveries and wakes what nobody would wake: a host whose
// deliveries wait while it has no time to be looked at.
func (o *Outbox) mend(ctx context.Context, _ MendArgs) error {
	if err := o.expire(ctx); err != nil {
		return err
	}
	return o.db.Tx(ctx, func(tx *db.Tx) error {
		res := tx.Exec(`UPDATE hosts SET next_at = ? WHERE next_at IS NULL AND lease_until IS NULL AND host IN
			(SELECT host FROM deliveries WHERE state = 'pending')`, o.now())
		if res.Error != nil {
			return fmt.Errorf("mend hosts: %w", res.Error)
		}
		return jobs.Done(ctx, tx)
	})
}

// Jobs are the handlers of fan-out and delivery.
func (o *Outbox) Jobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Handle(o.fanOut, jobs.InQueue("default"), jobs.Attempts(10), jobs.As("activitypub-http-broadcast")),
		// Its attempts are no delivery's: it may be cut short as often as the server stops.
		jobs.Handle(o.deliver, jobs.InQueue("deliver"), jobs.Attempts(1000), jobs.Timeout(0), jobs.Keep(time.Hour), jobs.As("activitypub-http-unicast"),
			jobs.Backoff(func(int) time.Duration { return time.Second })),
		jobs.Handle(o.resume, jobs.InQueue("default"), jobs.Attempts(10), jobs.As("activitypub-http-broadcast-resume")),
		jobs.Handle(o.mend, jobs.InQueue("default"), jobs.Keep(time.Hour)),
	}
}

// Periodic are the jobs that run without a cause.
func (o *Outbox) Periodic() []jobs.Periodic {
	return []jobs.Periodic{
		// A hint may be lost, a row is not.
		{Name: "activitypub.deliver", Every: 30 * time.Second, Args: DeliverArgs{}},
		{Name: "activitypub.mend", Every: 5 * time.Minute, Args: MendArgs{}},
	}
}

// Clean drops, in tx, what is older than before, not shown, and of no use to
// any host any more.
func (o *Outbox) Clean(tx *db.Tx, before time.Time) error {
	keep := o.now().Add(-o.retention)
	err := tx.Where(`listed = ? AND spread = TRUE AND created_at <= ? AND NOT EXISTS
		(SELECT 1 FROM deliveries d WHERE d.outbox_id = outbox.id AND d.state = 'pending') AND
		(created_at <= ? OR NOT EXISTS (SELECT 1 FROM hosts h WHERE h.missed_from <= outbox.id))`, false, before, keep).Delete(&Entry{}).Error
	if err != nil {
		return fmt.Errorf("clean outbox: %w", err)
	}
	idle := tx.Where(`state = ? AND failures = 0 AND slow = FALSE AND next_at IS NULL AND lease_until IS NULL AND missed_from IS NULL AND
		NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.host = hosts.host)`, Closed).Delete(&Host{})
	if idle.Error != nil {
		return fmt.Errorf("clean hosts: %w", idle.Error)
	}
	return nil
}

// checkLimit bounds the gaps that are told.
const checkLimit = 500

// Check tells every promise that no job will keep, one sentence each (REL-24):
// activities that are not spread, deliveries that nobody will make. It changes
// nothing.
func (o *Outbox) Check(ctx context.Context) ([]string, error) {
	var gaps []string
	ask := func(sentence, query string, args ...any) error {
		var found []string
		if err := o.db.Read(ctx).Raw(query+" LIMIT ?", append(args, checkLimit)...).Scan(&found).Error; err != nil {
			return fmt.Errorf("check deliveries: %w", err)
		}
		for _, f := range found {
			gaps = append(gaps, fmt.Sprintf(sentence, f))
		}
		return nil
	}
	err := errors.Join(
		ask("activity %s is published, but no job will spread it", `SELECT o.iri FROM outbox o WHERE o.spread = FALSE AND NOT EXISTS
			(SELECT 1 FROM jobs j WHERE j.kind = ? AND j.state IN ('waiting', 'active')) ORDER BY o.id`, FanOutArgs{}.Kind()),
		ask("deliveries to %s are pending, but the host is not due", `SELECT h.host FROM hosts h WHERE h.next_at IS NULL AND h.lease_until IS NULL
			AND EXISTS (SELECT 1 FROM deliveries d WHERE d.host = h.host AND d.state = 'pending') ORDER BY h.host`),
		ask("deliveries to %s are pending, but the host is not known", `SELECT DISTINCT d.host FROM deliveries d WHERE d.state = 'pending'
			AND NOT EXISTS (SELECT 1 FROM hosts h WHERE h.host = d.host) ORDER BY d.host`),
		ask("deliveries to %s are pending, but no job will make them", `SELECT h.host FROM hosts h WHERE h.next_at IS NOT NULL AND NOT EXISTS
			(SELECT 1 FROM jobs j WHERE j.kind = ? AND j.state IN ('waiting', 'active')) ORDER BY h.host`, DeliverArgs{}.Kind()),
	)
	return gaps, err
}
