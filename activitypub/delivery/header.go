package delivery

import (
	"context"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/transport"
)

// extend adds what the receiving server may want to know about its part of the
// sender's followers, when the activity is addressed to them (FEP-8fcf).
func (o *Outbox) extend(ctx context.Context, from *actor.Actor, e *Entry, host string) context.Context {
	if o.header == nil || from.Followers == "" || !strings.Contains(e.Raw, `"`+from.Followers+`"`) {
		return ctx
	}
	name, value := o.header(ctx, from, host)
	if name == "" {
		return ctx
	}
	return transport.WithHeader(ctx, name, value)
}
