package activitypub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// moveCooldown is how long an actor that has moved cannot move again, as other
// servers demand too.
const moveCooldown = 7 * 24 * time.Hour

// Errors of moves.
var (
	// ErrNoAlias says that the new actor does not name the old one in its
	// alsoKnownAs.
	ErrNoAlias = errors.New("the new actor does not say that it is also known as the old one")
	// ErrMovedLately says that an actor moved less than seven days ago.
	ErrMovedLately = errors.New("moved less than seven days ago")
	// ErrMoveTarget says that an actor cannot move there: to itself, to another
	// kind of actor, to one that has moved or is gone.
	ErrMoveTarget = errors.New("cannot move there")
)

// FollowMovedArgs lets our followers of an actor that has moved follow the new
// one.
type FollowMovedArgs struct{ OldID, NewID int64 }

// Kind names the job.
func (FollowMovedArgs) Kind() string { return "activitypub.follow_moved" }

// onMove honours the move of a remote actor (FEP-7628): the new actor, asked at
// its origin, must name the old one. Our followers of the old one follow the
// new one; what the old one published stays.
func (e *Engine) onMove(ctx context.Context, act *Activity) error {
	doc, err := vocab.Parse(act.Raw)
	if err != nil {
		return err
	}
	if act.Object.ID() != act.Actor.IRI { // SEC-14
		return Drop(fmt.Errorf("%w: %s moves %s", vocab.ErrInvalid, act.Actor.IRI, act.Object.ID()))
	}
	target, err := e.moveTarget(ctx, act.Actor, doc.IRI("target"))
	if err != nil {
		return err
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error { return e.moved(tx, act.Actor, target) })
}

// moveTarget finds the new actor and checks that old may move there.
func (e *Engine) moveTarget(ctx context.Context, old *actor.Actor, id string) (*actor.Actor, error) {
	if old.MovedAt != nil && db.Now().Sub(*old.MovedAt) < moveCooldown {
		return nil, Drop(fmt.Errorf("%w: %s", ErrMovedLately, old.IRI))
	}
	target, err := e.asked(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, Drop(fmt.Errorf("%w: %q: %w", ErrMoveTarget, id, err))
	}
	if err != nil {
		return nil, fmt.Errorf("new actor: %w", err)
	}
	switch {
	case target.ID == old.ID, target.Type != old.Type, target.MovedTo != "", target.GoneAt != nil,
		target.Type == actor.Application:
		return nil, Drop(fmt.Errorf("%w: %s, a %s", ErrMoveTarget, target.IRI, target.Type))
	case e.blocked(ctx, target.Host): // SEC-19
		return nil, Drop(fmt.Errorf("%w: the host of %s is blocked", ErrMoveTarget, target.IRI))
	case !slices.Contains(target.AlsoKnownAs, old.IRI):
		return nil, Drop(fmt.Errorf("%w: %s", ErrNoAlias, target.IRI))
	}
	return target, nil
}

// asked gives an actor as it is now: ours from the database, others from their
// server, however fresh the copy is.
func (e *Engine) asked(ctx context.Context, id string) (*actor.Actor, error) {
	if id == "" {
		return nil, ErrNotFound
	}
	if e.Actors.IsLocal(id) {
		return e.Actors.ByIRI(ctx, id)
	}
	return e.Actors.Refresh(ctx, id)
}

// moved marks the old actor and has our followers follow the new one.
func (e *Engine) moved(tx *db.Tx, old, target *actor.Actor) error {
	now := db.Now()
	err := tx.Model(&actor.Actor{}).Where("id = ?", old.ID).
		Updates(map[string]any{"moved_to": target.IRI, "moved_at": now, "updated_at": now}).Error
	if err != nil {
		return fmt.Errorf("move of %s: %w", old.IRI, err)
	}
	return jobs.Insert(tx, FollowMovedArgs{OldID: old.ID, NewID: target.ID}, jobs.Unique(fmt.Sprint(old.ID)))
}

// followMoved makes each of our actors that follow the old actor follow the new
// one. It may run twice: who follows already is left alone.
func (e *Engine) followMoved(ctx context.Context, args FollowMovedArgs) error {
	target, err := e.Actors.ByID(ctx, args.NewID)
	if err != nil {
		return err
	}
	var followers []*actor.Actor
	err = e.db.Read(ctx).Where(`host = '' AND gone_at IS NULL AND id IN (SELECT follower_id FROM follows WHERE target_id = ? AND state <> ?)`,
		args.OldID, actor.Rejected).Order("id").Find(&followers).Error
	if err != nil {
		return fmt.Errorf("followers of moved actor: %w", err)
	}
	for _, f := range followers {
		if _, err := actor.FollowBetween(e.db.Read(ctx), f.ID, target.ID); err == nil || !errors.Is(err, ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		if err := e.Follow(ctx, f, target.IRI); err != nil && !errors.Is(err, ErrSelf) && !errors.Is(err, ErrBlocked) {
			return err
		}
	}
	return nil
}

// SetAliases says which actors one of ours is also known as, and tells its
// followers. An actor elsewhere can move to it only when it is named here.
func (e *Engine) SetAliases(ctx context.Context, a *actor.Actor, aliases []string) error {
	if !a.Local() || a.GoneAt != nil {
		return fmt.Errorf("aliases of %s: %w", a.IRI, ErrNotFound)
	}
	for _, id := range aliases {
		other, err := e.Actors.Fetch(ctx, id)
		if err != nil {
			return fmt.Errorf("alias %s: %w", id, err)
		}
		if other.ID == a.ID {
			return fmt.Errorf("alias %s: %w", id, ErrSelf)
		}
	}
	a.AlsoKnownAs = aliases
	return e.change(ctx, a, map[string]any{"also_known_as": a.AlsoKnownAs}, nil)
}

// Move moves one of our actors to another server, or to another actor of ours:
// its followers are told, and their servers follow the new one. The new actor
// must name it as an alias, and it cannot have moved in the last seven days.
func (e *Engine) Move(ctx context.Context, from *actor.Actor, targetIRI string) error {
	if !from.Local() || from.GoneAt != nil {
		return fmt.Errorf("move of %s: %w", from.IRI, ErrNotFound)
	}
	target, err := e.moveTarget(ctx, from, targetIRI)
	if err != nil {
		return err
	}
	doc, err := vocab.Build(vocab.Actor, map[string]any{
		"type": "Move", "id": from.IRI + "/moves/" + isoTime(db.Now()), "actor": from.IRI,
		"object": from.IRI, "target": target.IRI, "to": []string{from.Followers}, "cc": []string{vocab.Public},
	})
	if err != nil {
		return err
	}
	from.MovedTo = target.IRI
	return e.change(ctx, from, nil, func(tx *db.Tx) error {
		if err := e.moved(tx, from, target); err != nil {
			return err
		}
		return e.Outbox.Publish(tx, from, doc, Delivery{FollowersOf: []int64{from.ID}})
	})
}

// change writes columns of one of our actors and tells its followers what its
// document is now; more runs in the same transaction, before that.
func (e *Engine) change(ctx context.Context, a *actor.Actor, set map[string]any, more func(*db.Tx) error) error {
	extra, err := e.actorFields(ctx, a)
	if err != nil {
		return err
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		if set != nil {
			set["updated_at"] = db.Now()
			if err := tx.Model(&actor.Actor{}).Where("id = ? AND host = ''", a.ID).Updates(set).Error; err != nil {
				return fmt.Errorf("change %s: %w", a.IRI, err)
			}
		}
		if more != nil {
			if err := more(tx); err != nil {
				return err
			}
		}
		return e.PublishUpdate(tx, a, extra, Delivery{})
	})
}
