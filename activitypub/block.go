package activitypub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
)

// ErrBlocked says that the actor that is to be followed has blocked the
// follower.
var ErrBlocked = errors.New("the actor blocks this follower")

// blockRow is a row of the table actor_blocks: a remote actor has blocked one of
// ours.
type blockRow struct {
	BlockerID int64 `gorm:"primaryKey"`
	BlockedID int64 `gorm:"primaryKey"`
	IRI       string
	CreatedAt time.Time
}

func (blockRow) TableName() string { return "actor_blocks" }

// onBlock ends what is between a remote actor and one of ours that it blocks
// (AP 6.9): our follow is undone, its own is dropped, and until an Undo ours
// cannot follow it again. Nobody is told but the two servers.
func (e *Engine) onBlock(ctx context.Context, act *Activity) error {
	ours, err := e.Actors.ByIRI(ctx, act.Object.ID())
	if errors.Is(err, ErrNotFound) || err == nil && (!ours.Local() || ours.GoneAt != nil) {
		return Drop(fmt.Errorf("%w: block of %q", ErrNotFound, act.Object.ID()))
	}
	if err != nil {
		return err
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		row := blockRow{BlockerID: act.Actor.ID, BlockedID: ours.ID, IRI: act.ID, CreatedAt: db.Now()}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("note block: %w", err)
		}
		if _, err := e.Actors.DeleteFollow(tx, act.Actor.ID, ours.ID); err != nil {
			return err
		}
		return e.unfollow(tx, ours, act.Actor)
	})
}

// onUndoBlock lets ours follow again. The engine has checked that the Block is
// the actor's own.
func (e *Engine) onUndoBlock(ctx context.Context, act *Activity) error {
	q := func(tx *db.Tx) error {
		return tx.Where("blocker_id = ? AND iri = ?", act.Actor.ID, act.Object.ID()).Delete(&blockRow{}).Error
	}
	if ours, err := e.Actors.ByIRI(ctx, act.Object.IRI("object")); err == nil {
		q = func(tx *db.Tx) error {
			return tx.Where("blocker_id = ? AND blocked_id = ?", act.Actor.ID, ours.ID).Delete(&blockRow{}).Error
		}
	}
	return e.db.Tx(ctx, q)
}

// blockedBy tells whether an actor has blocked one of ours.
func blockedBy(tx *db.Tx, blocker, ours *actor.Actor) (bool, error) {
	var n int64
	err := tx.Model(&blockRow{}).Where("blocker_id = ? AND blocked_id = ?", blocker.ID, ours.ID).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("blocks: %w", err)
	}
	return n > 0, nil
}
