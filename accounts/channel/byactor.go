package channel

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/actor"
)

// AccountsByActors finds many accounts at once, by the ids of their actors, with
// actors and counts: four queries whatever the number, for lists of what people
// wrote. Ids without a row, and actors that are gone, are left out.
func (s *Service) AccountsByActors(ctx context.Context, actorIDs []int64) (map[int64]*Account, error) {
	out := make(map[int64]*Account, len(actorIDs))
	if len(actorIDs) == 0 {
		return out, nil
	}
	var rows []*Account
	if err := s.o.DB.Read(ctx).Where("actor_id IN ?", actorIDs).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("accounts of actors: %w", err)
	}
	if err := s.fillAccounts(ctx, rows); err != nil {
		return nil, err
	}
	actors := make([]*actor.Actor, 0, len(rows))
	for _, a := range rows {
		if a.Actor != nil && a.Actor.GoneAt == nil {
			out[a.ActorID] = a
			actors = append(actors, a.Actor)
		}
	}
	return out, s.count(ctx, actors...)
}
