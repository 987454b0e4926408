package delivery

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
)

// Host is a row of the table hosts: how another server is doing as seen from
// here. All processes share it.
type Host struct {
	Host          string `gorm:"primaryKey"`
	State         string // of the breaker
	Failures      int    // in a row
	Slow          bool   // its last answer took long
	DownSince     *time.Time
	LastSuccessAt *time.Time
	LastFailureAt *time.Time
	LastStatus    int
	LastError     string
	WaitUntil     *time.Time // nothing is sent before
	NextAt        *time.Time // the earliest delivery is due; nil: none waits
	LeaseUntil    *time.Time // nil: no process is sending
	MissedFrom    *int64     // outbox id: what was published from here on was not queued
	CreatedAt     time.Time
}

// TableName names the table.
func (Host) TableName() string { return "hosts" }

// The states of a host's breaker.
const (
	Closed   = "closed"    // deliveries flow
	Open     = "open"      // nothing is sent until the next probe
	HalfOpen = "half-open" // a probe is under way
)

// The classes that metrics and lists know.
const (
	Healthy = "healthy"
	Shaky   = "shaky"  // failed lately
	Broken  = "broken" // only probed
)

const (
	breakAfter   = 5 // failures in a row open the breaker (REL-07)
	firstPause   = time.Minute
	longestPause = 4 * time.Hour
	// awayAfter is when a host counts as unreachable: what is published then is
	// no longer queued for it but looked up when it returns.
	awayAfter        = 7 * 24 * time.Hour
	defaultRetention = 30 * 24 * time.Hour
)

// Class sorts hosts by their failures in a row.
func (h *Host) Class() string {
	switch {
	case h.Failures >= breakAfter:
		return Broken
	case h.Failures > 0:
		return Shaky
	}
	return Healthy
}

// Unreachable tells whether the host has been down for so long that activities
// are no longer queued for it.
func (h *Host) Unreachable(now time.Time) bool {
	return h.Failures >= breakAfter && h.DownSince != nil && now.Sub(*h.DownSince) >= awayAfter
}

// breakerPause is how long a broken host is left alone after so many failures
// in a row, with jitter.
func breakerPause(failures int) time.Duration {
	p := min(firstPause<<min(max(failures-breakAfter, 0), 16), longestPause)
	return (p + rand.N(p/5)).Truncate(time.Microsecond) //nolint:gosec // jitter is no secret
}

// failed learns from an attempt that says something bad about the host: no
// answer, 5xx or 429. Other answers show that it lives.
func (h *Host) failed(now time.Time, err error) {
	if h.Failures == 0 || h.DownSince == nil {
		h.DownSince = &now
	}
	if h.State != Open { // what was under way when it opened counts no more
		h.Failures++
	}
	h.LastFailureAt, h.LastStatus, h.LastError = &now, statusOf(err), clip(err.Error(), 500)
	var until time.Time
	if h.Failures >= breakAfter {
		h.State, until = Open, now.Add(breakerPause(h.Failures))
	}
	if asked := now.Add(retryAfter(err)); asked.After(until) {
		until = asked
	}
	if until.After(now) && (h.WaitUntil == nil || until.After(*h.WaitUntil)) {
		h.WaitUntil = &until
	}
}

// lives learns that the host answered.
func (h *Host) lives(now time.Time, status int) {
	h.Failures, h.DownSince, h.WaitUntil, h.State = 0, nil, nil, Closed
	h.LastSuccessAt, h.LastStatus = &now, status
}

// hostDown tells whether an outcome speaks against the host rather than
// against the activity.
func hostDown(err error) bool {
	if err == nil || !transport.Temporary(err) {
		return false
	}
	if _, ours := errors.AsType[ownError](err); ours {
		return false
	}
	s, answered := errors.AsType[*transport.StatusError](err)
	return !answered || s.Code >= 500 || s.Code == 429
}

// ownError is an error before anything was sent: no key, no database.
type ownError struct{ error }

func (e ownError) Unwrap() error { return e.error }

// reach makes the rows of hosts that an activity goes to, locks them until tx
// ends, and notes that something is due. It gives back the boxes that
// deliveries are to be written for: a host that is away for long only
// remembers where its gap begins.
func (o *Outbox) reach(tx *db.Tx, row *Entry, boxes []box) ([]box, error) {
	now := o.now()
	var names []string
	var marks []string
	var args []any
	for _, b := range boxes {
		if len(names) == 0 || names[len(names)-1] != b.host {
			names = append(names, b.host)
			marks = append(marks, "(?, ?, ?)")
			args = append(args, b.host, now, now)
		}
	}
	var away []Host
	var all []Host
	err := tx.Raw(`INSERT INTO hosts (host, next_at, created_at) VALUES `+strings.Join(marks, ", ")+`
		ON CONFLICT (host) DO UPDATE SET next_at = CASE WHEN hosts.next_at < excluded.next_at THEN hosts.next_at ELSE excluded.next_at END
		RETURNING *`, args...).Scan(&all).Error
	if err != nil {
		return nil, fmt.Errorf("hosts of deliveries: %w", err)
	}
	for _, h := range all {
		if h.MissedFrom != nil || h.Unreachable(now) {
			away = append(away, h)
		}
	}
	if len(away) == 0 {
		return boxes, nil
	}
	return o.skipAway(tx, row, boxes, away)
}

// skipAway leaves out hosts that are away, unless nothing waits for one yet:
// then this delivery is what probes are made with.
func (o *Outbox) skipAway(tx *db.Tx, row *Entry, boxes []box, away []Host) ([]box, error) {
	skip := map[string]bool{}
	for _, h := range away {
		if h.MissedFrom == nil {
			var waiting []int64
			err := tx.Model(&Receipt{}).Where("host = ? AND state = 'pending'", h.Host).Limit(1).Pluck("id", &waiting).Error
			if err != nil {
				return nil, fmt.Errorf("hosts of deliveries: %w", err)
			}
			if len(waiting) == 0 {
				continue
			}
			if err := tx.Model(&Host{}).Where("host = ?", h.Host).Update("missed_from", row.ID).Error; err != nil {
				return nil, fmt.Errorf("hosts of deliveries: %w", err)
			}
		}
		skip[h.Host] = true
	}
	return slices.DeleteFunc(slices.Clone(boxes), func(b box) bool { return skip[b.host] }), nil
}

// downHosts remembers which hosts are broken, so that an incoming activity
// costs no statement.
type downHosts struct {
	mu    sync.Mutex
	until time.Time // the list is good for
	hosts map[string]bool
}

// downFresh is how long the list of broken hosts is good for.
const downFresh = 10 * time.Second

// Alive tells that a host was heard of, by an authenticated activity say: if
// its breaker is open it is probed at once, and gets what waits if that goes
// well. For other hosts it costs nothing.
func (o *Outbox) Alive(ctx context.Context, host string) error {
	down, err := o.isDown(ctx, host)
	if err != nil || !down {
		return err
	}
	now := o.now()
	return o.db.Tx(ctx, func(tx *db.Tx) error {
		res := tx.Model(&Host{}).Where("host = ? AND state = ? AND next_at IS NOT NULL", host, Open).
			Updates(map[string]any{"wait_until": nil, "next_at": now})
		if res.Error != nil {
			return fmt.Errorf("wake %s: %w", host, res.Error)
		}
		if res.RowsAffected == 0 {
			return nil
		}
		return wake(tx)
	})
}

// isDown also takes the host off the list, so that one which sends much and
// takes nothing is probed once in a while and not for every activity.
func (o *Outbox) isDown(ctx context.Context, host string) (bool, error) {
	o.down.mu.Lock()
	defer o.down.mu.Unlock()
	if now := time.Now(); now.After(o.down.until) {
		var names []string
		err := o.db.Read(ctx).Model(&Host{}).Where("state = ?", Open).Pluck("host", &names).Error
		if err != nil {
			return false, fmt.Errorf("broken hosts: %w", err)
		}
		o.down.hosts, o.down.until = make(map[string]bool, len(names)), now.Add(downFresh)
		for _, n := range names {
			o.down.hosts[n] = true
		}
	}
	is := o.down.hosts[host]
	delete(o.down.hosts, host)
	return is, nil
}
