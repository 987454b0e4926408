// Package inbox is the way in: it checks each request to an inbox, commits the
// activity in it, and hands the committed ones to the engine, in order for
// each actor. Its table is a durable queue, whose rows are the promise behind
// an answer of 204 (REL-01).
//
// Imports the other children of activitypub, jobs, config. Imported by
// activitypub.
package inbox

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-fed/activity/pub"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// Options are what an Inbox needs.
type Options struct {
	DB     *db.DB
	Actors *actor.Service
	Policy signature.Policy
	// Enabled is federation.enabled; without it everything is refused.
	Enabled bool
	// Blocked tells whether a host is blocked (SEC-19); nil blocks none.
	Blocked func(ctx context.Context, host string) bool
	// Apply lets an authenticated activity take effect. It may run twice for
	// the same one.
	Apply func(context.Context, vocab.Envelope) error
	// Handles tells whether anybody takes activities of a type. Those that nobody
	// takes are answered 202 and leave no row; nil takes all.
	Handles func(activity string) bool
	// Bulk tells the types of activities that ApplyMany takes, in no order and
	// in the transaction that marks them done. later tells which of them go to
	// Apply after all. Both may be nil.
	Bulk      func(activity string) bool
	ApplyMany func(ctx context.Context, tx *db.Tx, envs []vocab.Envelope) (later []bool, err error)
	// Gone hears of an actor whose key answered 410 to its own Delete, so that
	// its server is asked; nil asks nobody.
	Gone func(ctx context.Context, actor string) error
	// Followers hears what the signer says about its followers here (FEP-8fcf);
	// nil listens to none.
	Followers func(ctx context.Context, signer *actor.Actor, header string)
	// Final tells the errors of Apply that no retry can mend.
	Final func(error) bool
	// Limits bound what others send; zero fields mean DefaultLimits.
	Limits  Limits
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: none
	Now     func() time.Time      // nil: time.Now
}

// Inbox receives and processes activities. It is safe for concurrent use.
type Inbox struct {
	o        Options
	log      *slog.Logger
	gofed    pub.FederatingActor
	metrics  metrics
	failures *perMinute // by client address
	hints    *perMinute // by host
	group    group
	keys     *keys
	rates    *rates
	lastHost atomic.Value // string: whose turn it was last
}

// New makes an Inbox.
func New(o Options) *Inbox {
	b := &Inbox{
		o: o, log: o.Logger, metrics: newMetrics(o.Metrics),
		failures: newPerMinute(maxFailures, o.Now), hints: newPerMinute(maxHints, o.Now), keys: newKeys(o.Now), rates: newRates(o.Limits, o.Now),
	}
	b.group.commit = b.commitRows
	b.gofed = pub.NewCustomActor(&delegate{b}, false, true, clock{})
	return b
}

// blocked tells whether a host is blocked.
func (b *Inbox) blocked(ctx context.Context, host string) bool {
	return b.o.Blocked != nil && b.o.Blocked(ctx, host)
}

// handles tells whether anybody takes activities of a type.
func (b *Inbox) handles(activity string) bool {
	return b.o.Handles == nil || b.o.Handles(activity)
}

// clock is go-fed's.
type clock struct{}

func (clock) Now() time.Time { return time.Now().UTC() }
