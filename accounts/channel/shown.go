package channel

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Rules are the rules for hosts; nil: there are none. Lists ask them what to
// leave out.
func (s *Service) Rules() *hostrule.Rules { return s.o.Rules }

// Viewer is who looks, in the terms of the rules: the id of the actor, 0 for a
// stranger.
func Viewer(p *rest.Principal) int64 {
	if p == nil {
		return 0
	}
	return p.ActorID
}

// Shows tells whether p (nil: a stranger) is shown what the actor of a host
// made. Of blocked hosts nobody is shown anything; of limited ones followers and
// moderators are (SEC-19). Every way to remote content asks it.
func (s *Service) Shows(ctx context.Context, p *rest.Principal, host string, actorID int64) bool {
	if host == "" {
		return true
	}
	if p.IsModerator() {
		return s.o.Rules == nil || !s.o.Rules.Blocked(ctx, host)
	}
	return s.o.Rules.Shows(ctx, host, actorID, Viewer(p))
}

func (s *Service) shows(ctx context.Context, p *rest.Principal, a *actor.Actor) bool {
	return a == nil || s.Shows(ctx, p, a.Host, a.ID)
}

// ShownChannel is [Service.ChannelByHandle] for p: what p is not shown is not
// there.
func (s *Service) ShownChannel(ctx context.Context, p *rest.Principal, handle string) (*Channel, error) {
	c, err := s.ChannelByHandle(ctx, handle)
	if err == nil && !s.shows(ctx, p, c.Actor) {
		return nil, fmt.Errorf("channel %q: %w", handle, db.ErrNotFound)
	}
	return c, err
}

// ShownAccount is [Service.AccountByHandle] for p: what p is not shown is not
// there.
func (s *Service) ShownAccount(ctx context.Context, p *rest.Principal, handle string) (*Account, error) {
	a, err := s.AccountByHandle(ctx, handle)
	if err == nil && !s.shows(ctx, p, a.Actor) {
		return nil, fmt.Errorf("account %q: %w", handle, db.ErrNotFound)
	}
	return a, err
}

// listed is the condition that an actor is there and shown to who asks.
func (s *Service) listed(ctx context.Context) (where string, args []any) {
	if !s.o.Rules.Any(ctx) {
		return present, nil
	}
	where, args = hostrule.Shown("actors.host", "actors.id", Viewer(rest.Current(ctx)))
	return present + " AND " + where, args
}
