package activitypub

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// ActorDeletedArgs lets all modules drop what they hold of an actor.
type ActorDeletedArgs struct{ ActorID int64 }

// Kind names the job.
func (ActorDeletedArgs) Kind() string { return "activitypub.actor_deleted" }

// ownHandlers are the activities that the engine itself takes.
func (e *Engine) ownHandlers() []Handler {
	out := []Handler{
		{On{"Follow", ""}, e.onFollow},
		{On{"Accept", "Follow"}, e.onAccept},
		{On{"Accept", ""}, e.onAccept}, // the Follow named by its id
		{On{"Reject", "Follow"}, e.onReject},
		{On{"Reject", ""}, e.onReject},
		{On{"Undo", "Follow"}, e.onUndoFollow},
		{On{"Undo", ""}, e.onUndoFollow},
		{On{"Block", ""}, e.onBlock},
		{On{"Undo", "Block"}, e.onUndoBlock},
		{On{"Move", ""}, e.onMove},
	}
	for _, kind := range []string{actor.Person, actor.Group, actor.Application, actor.ServiceKind, actor.Organization} {
		out = append(out, Handler{On{"Update", kind}, e.onUpdateActor}, Handler{On{"Delete", kind}, e.onDeleteActor})
	}
	return out
}

// onUpdateActor asks the actor's server what it looks like now: the document
// in the activity proves nothing about keys (SEC-15).
func (e *Engine) onUpdateActor(ctx context.Context, act *Activity) error {
	if act.Object.ID() != act.Actor.IRI { // SEC-14
		return Drop(fmt.Errorf("%w: %s updates %s", vocab.ErrInvalid, act.Actor.IRI, act.Object.ID()))
	}
	_, err := e.Actors.Refresh(ctx, act.Actor.IRI)
	return err
}

// onDeleteActor takes a remote actor out of the world.
func (e *Engine) onDeleteActor(ctx context.Context, act *Activity) error {
	if act.Object.ID() != act.Actor.IRI { // SEC-14
		return Drop(fmt.Errorf("%w: %s deletes %s", vocab.ErrInvalid, act.Actor.IRI, act.Object.ID()))
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error { return e.remove(tx, act.Actor) })
}

// remove marks an actor gone and has the modules drop what is theirs.
func (e *Engine) remove(tx *db.Tx, a *actor.Actor) error {
	if err := e.Actors.MarkGone(tx, a.ID); err != nil {
		return err
	}
	return jobs.Insert(tx, ActorDeletedArgs{ActorID: a.ID}, jobs.Unique(fmt.Sprint(a.ID)))
}

// actorDeleted asks the modules, topmost first.
func (e *Engine) actorDeleted(ctx context.Context, args ActorDeletedArgs) error {
	a, err := e.Actors.ByID(ctx, args.ActorID)
	if err != nil {
		return err
	}
	for _, m := range slices.Backward(e.modules) {
		if m.ActorDeleted == nil {
			continue
		}
		if err := m.ActorDeleted(ctx, a); err != nil {
			return fmt.Errorf("module %s: %w", m.Name, err)
		}
	}
	return nil
}

// DeleteLocal takes one of our actors out of the world in tx: its followers
// are told, its documents answer 410, the modules drop what is theirs. also
// names whom else to tell.
func (e *Engine) DeleteLocal(tx *db.Tx, a *actor.Actor, also Delivery) error {
	// The follows go in this transaction, so their inboxes are found now.
	inboxes, err := actor.FollowerInboxes(tx.DB, append([]int64{a.ID}, also.FollowersOf...))
	if err != nil {
		return err
	}
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": "Delete", "id": a.IRI + "/delete", "actor": a.IRI, "object": a.IRI,
		"to": []string{vocab.Public}, "cc": []string{a.Followers},
	})
	if err != nil {
		return err
	}
	d := Delivery{Inboxes: append(inboxes, also.Inboxes...), Except: also.Except}
	if err := e.Outbox.Publish(tx, a, doc, d); err != nil {
		return err
	}
	return e.remove(tx, a)
}

// PublishUpdate tells the followers of one of our actors what its document is
// now (PT federation 3). extra is what ActorFields gives for it.
func (e *Engine) PublishUpdate(tx *db.Tx, a *actor.Actor, extra map[string]any, also Delivery) error {
	audience := map[string]any{"to": []string{vocab.Public}, "cc": []string{a.Followers}}
	object := actor.Fields(a, extra)
	object["to"], object["cc"] = audience["to"], audience["cc"]
	doc, err := vocab.Build(vocab.Actor, map[string]any{
		"type": "Update", "id": a.IRI + "/updates/" + isoTime(db.Now()), "actor": a.IRI,
		"to": audience["to"], "cc": audience["cc"], "object": object,
	})
	if err != nil {
		return err
	}
	also.FollowersOf = append([]int64{a.ID}, also.FollowersOf...)
	return e.Outbox.Publish(tx, a, doc, also)
}

// actorFields collects what the modules add to an actor's document.
func (e *Engine) actorFields(ctx context.Context, a *actor.Actor) (map[string]any, error) {
	out := map[string]any{}
	for _, m := range e.modules {
		if m.ActorFields == nil {
			continue
		}
		fields, err := m.ActorFields(ctx, a)
		if err != nil {
			return nil, fmt.Errorf("module %s: %w", m.Name, err)
		}
		maps.Copy(out, fields)
	}
	return out, nil
}
