package activitypub

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// ErrSelf says that an actor cannot follow itself.
var ErrSelf = errors.New("an actor cannot follow itself")

// FollowArgs lets the instance follow a host, a handle, or the actor at an
// address.
type FollowArgs struct{ Host, Handle, Address string }

// Kind names the job.
func (FollowArgs) Kind() string { return "activitypub.follow" }

func (e *Engine) followJob(ctx context.Context, a FollowArgs) error {
	from, err := e.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	var target *actor.Actor
	switch {
	case a.Address != "":
		target, err = e.Actors.FetchAddress(ctx, a.Address)
	case a.Handle != "":
		target, err = e.Actors.FetchHandle(ctx, a.Handle)
	default:
		target, err = e.Actors.FetchServer(ctx, a.Host)
	}
	if err == nil {
		err = e.Follow(ctx, from, target.IRI)
	}
	if err != nil && dropped(err) {
		return jobs.Discard(err) // the list of jobs says why
	}
	return err
}

// Follow makes one of our actors follow another, ours or remote. A follow
// that was accepted stays as it is; any other is asked for anew.
func (e *Engine) Follow(ctx context.Context, from *actor.Actor, targetIRI string) error {
	target, err := e.Actors.Fetch(ctx, targetIRI)
	if err != nil {
		return err
	}
	if target.ID == from.ID {
		return ErrSelf
	}
	if e.blocked(ctx, target.Host) { // SEC-19
		return Drop(fmt.Errorf("%w: the host of %s is blocked here", ErrBlocked, target.IRI))
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		if no, err := blockedBy(tx, target, from); err != nil {
			return err
		} else if no {
			return Drop(fmt.Errorf("%w: %s", ErrBlocked, target.IRI))
		}
		have, err := actor.FollowBetween(tx.DB, from.ID, target.ID)
		switch {
		case err == nil && have.State == actor.Accepted:
			return nil
		case err == nil:
			// A new row has a new id, so that the other side does not take
			// the activity for a repeat.
			if _, err := e.Actors.DeleteFollow(tx, from.ID, target.ID); err != nil {
				return err
			}
		case !errors.Is(err, ErrNotFound):
			return err
		}
		state := actor.Pending
		if target.Local() {
			state = e.firstState(target)
		}
		f, _, err := e.Actors.SaveFollow(tx, from, target, state, "")
		if err != nil {
			return err
		}
		f.IRI = fmt.Sprintf("%s/follows/%d", from.IRI, f.ID)
		if err := tx.Model(&actor.Follow{}).Where("id = ?", f.ID).Update("iri", f.IRI).Error; err != nil {
			return fmt.Errorf("name follow: %w", err)
		}
		if target.Local() {
			return nil
		}
		if err := freeAnswers(tx, target.IRI); err != nil {
			return err
		}
		doc, err := vocab.Build(vocab.Base, followFields(f.IRI, from.IRI, target.IRI))
		if err != nil {
			return err
		}
		return e.Outbox.Publish(tx, from, doc, Delivery{Inboxes: []string{target.Inbox}})
	})
}

// freeAnswers forgets the ids of earlier Accepts and Rejects of an actor:
// PeerTube gives the same one to a follow that it still has.
func freeAnswers(tx *db.Tx, target string) error {
	err := tx.Model(&inbox.Row{}).Where("actor = ? AND type IN ? AND done_at IS NOT NULL", target, []string{"Accept", "Reject"}).
		Update("activity_id", gorm.Expr("activity_id || ' ' || id")).Error
	if err != nil {
		return fmt.Errorf("free answers: %w", err)
	}
	return nil
}

func followFields(id, follower, target string) map[string]any {
	return map[string]any{"type": "Follow", "id": id, "actor": follower, "object": target}
}

// Unfollow ends a follow; none is no error.
func (e *Engine) Unfollow(ctx context.Context, from, target *actor.Actor) error {
	return e.db.Tx(ctx, func(tx *db.Tx) error { return e.unfollow(tx, from, target) })
}

func (e *Engine) unfollow(tx *db.Tx, from, target *actor.Actor) error {
	f, err := actor.FollowBetween(tx.DB, from.ID, target.ID)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := e.Actors.DeleteFollow(tx, from.ID, target.ID); err != nil {
		return err
	}
	if target.Local() {
		return nil
	}
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": "Undo", "id": f.IRI + "/undo", "actor": from.IRI,
		"to": []string{vocab.Public}, "cc": []string{from.Followers},
		"object": followFields(f.IRI, from.IRI, target.IRI),
	})
	if err != nil {
		return err
	}
	return e.Outbox.Publish(tx, from, doc, Delivery{Inboxes: []string{target.Inbox}})
}

// firstState is what the settings say about a new follower of one of our
// actors (PT federation 5).
func (e *Engine) firstState(target *actor.Actor) string {
	followers, _ := e.o.Follow()
	switch target.Type {
	case actor.Application:
		if !followers.Instance.Enabled {
			return actor.Rejected
		}
		if followers.Instance.ManualApproval {
			return actor.Pending
		}
	case actor.Group:
		if !followers.Channels.Enabled {
			return actor.Rejected
		}
	}
	return actor.Accepted
}

// onFollow answers a Follow of one of our actors (AP 7.5).
func (e *Engine) onFollow(ctx context.Context, act *Activity) error {
	target, err := e.Actors.ByIRI(ctx, act.Object.ID())
	if errors.Is(err, ErrNotFound) || err == nil && (!target.Local() || target.GoneAt != nil) {
		return Drop(fmt.Errorf("%w: follow of %q", ErrNotFound, act.Object.ID()))
	}
	if err != nil {
		return err
	}
	state := e.firstState(target)
	err = e.db.Tx(ctx, func(tx *db.Tx) error {
		have, err := actor.FollowBetween(tx.DB, act.Actor.ID, target.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if have != nil && (have.State == actor.Rejected || have.State == actor.Accepted && state == actor.Pending) {
			state = have.State // who was rejected once stays so; who is in stays in
		}
		f, changed, err := e.Actors.SaveFollow(tx, act.Actor, target, state, act.ID)
		if err != nil || !changed {
			return err // the same again, after a process died: the answer is in the outbox since (REL-02)
		}
		return e.answer(tx, f, act.Actor, target)
	})
	if err != nil || state != actor.Accepted {
		return err
	}
	return e.followBack(ctx, act.Actor, target)
}

// answer tells a remote follower its state; a pending one is told later.
func (e *Engine) answer(tx *db.Tx, f *actor.Follow, follower, target *actor.Actor) error {
	if follower.Local() || f.State == actor.Pending {
		return nil
	}
	typ, path := "Accept", "accepts"
	if f.State == actor.Rejected {
		typ, path = "Reject", "rejects"
	}
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": typ, "id": fmt.Sprintf("%s/%s/follows/%d/%d", target.IRI, path, f.ID, db.Now().UnixMicro()),
		"actor": target.IRI, "object": followFields(f.IRI, follower.IRI, target.IRI),
	})
	if err != nil {
		return err
	}
	// An answer goes to the follower's own inbox: PeerTube refuses it on the
	// shared one (PT federation 3).
	return e.Outbox.Publish(tx, target, doc, Delivery{Inboxes: []string{follower.Inbox}})
}

// followBack follows a server that follows us, when the settings say so.
func (e *Engine) followBack(ctx context.Context, follower, target *actor.Actor) error {
	_, followings := e.o.Follow()
	if !followings.Instance.AutoFollowBack.Enabled || target.Type != actor.Application ||
		follower.Type != actor.Application || !strings.EqualFold(follower.Username, actor.InstanceName) {
		return nil
	}
	_, err := actor.FollowBetween(e.db.Read(ctx), target.ID, follower.ID)
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	return e.Follow(ctx, target, follower.IRI)
}

// answered finds our follow that an Accept or Reject speaks of: by its id, or
// by both ends when the other side changed the id. The answer counts only
// from the actor that was to be followed (SEC-14).
func (e *Engine) answered(ctx context.Context, act *Activity) (*actor.Follow, error) {
	var f actor.Follow
	err := e.db.Read(ctx).Preload("Follower").Where("iri = ? AND target_id = ?", act.Object.ID(), act.Actor.ID).Take(&f).Error
	if errors.Is(err, ErrNotFound) && act.Object.Is("Follow") && act.Object.IRI("object") == act.Actor.IRI {
		err = e.db.Read(ctx).Preload("Follower").Where("target_id = ? AND follower_id IN (SELECT id FROM actors WHERE iri = ?)",
			act.Actor.ID, act.Object.IRI("actor")).Take(&f).Error
	}
	if errors.Is(err, ErrNotFound) || err == nil && !f.Follower.Local() {
		return nil, Drop(fmt.Errorf("%w: follow %q", ErrNotFound, act.Object.ID()))
	}
	return &f, err
}

// onAccept marks our follow accepted and fetches what the other side has
// published so far (AP 7.6; PT federation 5).
func (e *Engine) onAccept(ctx context.Context, act *Activity) error {
	f, err := e.answered(ctx, act)
	if err != nil {
		return err
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		changed, err := e.Actors.SetFollowState(tx, f, actor.Accepted)
		if err != nil || !changed {
			return err
		}
		return jobs.Insert(tx, CrawlArgs{ActorID: act.Actor.ID}, jobs.Unique(fmt.Sprint(act.Actor.ID)))
	})
}

// onReject marks our follow rejected (AP 7.7).
func (e *Engine) onReject(ctx context.Context, act *Activity) error {
	f, err := e.answered(ctx, act)
	if err != nil {
		return err
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := e.Actors.SetFollowState(tx, f, actor.Rejected)
		return err
	})
}

// onUndoFollow ends a follow of one of our actors. A Follow that is only
// named, and was never seen, changes nothing.
func (e *Engine) onUndoFollow(ctx context.Context, act *Activity) error {
	var target int64
	if act.Object.Is("Follow") {
		a, err := e.Actors.ByIRI(ctx, act.Object.IRI("object"))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		target = a.ID
	} else {
		var f actor.Follow
		err := e.db.Read(ctx).Where("iri = ? AND follower_id = ?", act.Object.ID(), act.Actor.ID).Take(&f).Error
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		target = f.TargetID
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := e.Actors.DeleteFollow(tx, act.Actor.ID, target)
		return err
	})
}

// SetFollower accepts or rejects a follower of one of our actors by an
// administrator's will and tells it.
func (e *Engine) SetFollower(ctx context.Context, follower, target *actor.Actor, state string) error {
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		f, err := actor.FollowBetween(tx.DB, follower.ID, target.ID)
		if err != nil {
			return err
		}
		changed, err := e.Actors.SetFollowState(tx, f, state)
		if err != nil || !changed {
			return err
		}
		f.State = state
		return e.answer(tx, f, follower, target)
	})
}

// RemoveFollower drops a follower and tells it by a Reject.
func (e *Engine) RemoveFollower(ctx context.Context, follower, target *actor.Actor) error {
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		f, err := actor.FollowBetween(tx.DB, follower.ID, target.ID)
		if err != nil {
			return err
		}
		if _, err := e.Actors.DeleteFollow(tx, follower.ID, target.ID); err != nil {
			return err
		}
		f.State = actor.Rejected
		return e.answer(tx, f, follower, target)
	})
}

// isoTime is the time stamp in the ids of activities that may come several
// times for one object (PT federation 2).
func isoTime(t time.Time) string { return vocab.Time(t) }
