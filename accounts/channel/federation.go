package channel

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// ActorFields adds the pictures and, to a channel, the support text to the
// document of a local actor (PT federation 1).
func (s *Service) ActorFields(ctx context.Context, a *actor.Actor) (map[string]any, error) {
	return s.actorFields(s.o.DB.Read(ctx), a)
}

func (s *Service) actorFields(q *gorm.DB, a *actor.Actor) (map[string]any, error) {
	out, err := s.o.Pictures.Fields(q, a)
	if err != nil || a.Type != actor.Group {
		return out, err
	}
	var c Channel
	err = q.Where("actor_id = ?", a.ID).Take(&c).Error
	if errors.Is(err, db.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("channel of %s: %w", a.IRI, err)
	}
	if out == nil {
		out = map[string]any{}
	}
	out["support"] = orNull(c.Support)
	return out, nil
}

// ActorDeleted removes the rows on top of an actor that is gone. Modules above
// remove theirs before, channel by channel; so an account waits for its
// channels, and whichever comes last removes the account. It may run twice.
func (s *Service) ActorDeleted(ctx context.Context, a *actor.Actor) error {
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		var c Channel
		err := tx.Where("actor_id = ?", a.ID).Take(&c).Error
		switch {
		case err == nil:
			if err := tx.Where("id = ?", c.ID).Delete(&Channel{}).Error; err != nil {
				return err
			}
			return s.dropAccount(tx, "id = ?", c.AccountID)
		case errors.Is(err, db.ErrNotFound):
			return s.dropAccount(tx, "actor_id = ?", a.ID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("remove what belongs to actor %d: %w", a.ID, err)
	}
	return nil
}

// dropAccount removes an account whose actor is gone and which has no channel
// left. Channels that are still there go the same way.
func (s *Service) dropAccount(tx *db.Tx, where string, arg any) error {
	q := tx.DB
	if tx.Dialect() == db.Postgres {
		// The jobs of two channels of one account may run at once; without the lock
		// each would leave the account to the other.
		q = q.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	var acc Account
	err := q.Where(where, arg).Take(&acc).Error
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var owner actor.Actor
	if err := tx.Where("id = ?", acc.ActorID).Take(&owner).Error; err != nil || owner.GoneAt == nil {
		return err
	}
	var channels []*Channel
	if err := tx.Where("account_id = ?", acc.ID).Find(&channels).Error; err != nil {
		return err
	}
	if len(channels) == 0 {
		return tx.Where("id = ?", acc.ID).Delete(&Account{}).Error
	}
	for _, c := range channels {
		var group actor.Actor
		err := tx.Where("id = ? AND gone_at IS NULL", c.ActorID).Take(&group).Error
		if errors.Is(err, db.ErrNotFound) {
			continue // its own job is on the way
		}
		if err != nil {
			return err
		}
		if err := s.o.Actors.MarkGone(tx, group.ID); err != nil {
			return err
		}
		if err := jobs.Insert(tx, activitypub.ActorDeletedArgs{ActorID: group.ID}, jobs.Unique(fmt.Sprint(group.ID))); err != nil {
			return err
		}
	}
	return nil
}
