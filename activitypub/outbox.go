package activitypub

import (
	"context"
	"io"

	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/config/db"
)

// Delivery names who gets an activity.
type Delivery = delivery.Target

// Outbox publishes activities and delivers them.
type Outbox struct{ *delivery.Outbox }

// Forward schedules a received activity for others, body unchanged, in tx; it
// is sent in the name of the instance. Each activity is forwarded once, and
// never back to its sender's host (SEC-21).
func (o *Outbox) Forward(tx *db.Tx, act *Activity, d Delivery) error {
	return o.Outbox.Forward(tx, delivery.Received{
		ID: act.ID, Type: act.Type, Object: act.Object.ID(), Host: act.Actor.Host, Raw: act.Raw,
	}, d)
}

// printReceived prints what was received and given up.
func (e *Engine) printReceived(ctx context.Context, out io.Writer, f delivery.Filter, l console.Listing) error {
	of := inbox.Filter{Host: f.Host, Activity: f.Activity, Object: f.Object}
	if f.ID != 0 {
		of.IDs = []int64{f.ID}
	}
	return e.Inbox.PrintDead(ctx, out, of, l)
}

// Commands are the engine's subcommands. Those of a nil Outbox, nil Inbox and nil
// Rules can be listed and explained, but not run.
func Commands(o *Outbox, b *inbox.Inbox, r *hostrule.Rules) (out []Command) {
	var inner *delivery.Outbox
	if o != nil {
		inner = o.Outbox
	}
	for _, c := range inner.Commands() {
		out = append(out, Command(c))
	}
	for _, c := range b.Commands() {
		out = append(out, Command(c))
	}
	for _, c := range r.Commands() {
		out = append(out, Command(c))
	}
	return out
}
