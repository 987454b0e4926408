package activitypub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// dispatch finds the object of a proven activity and calls its handler. An
// activity that nobody handles is no error.
func (e *Engine) dispatch(ctx context.Context, env vocab.Envelope) error {
	if !e.handles(env.Type) {
		return nil
	}
	a, err := e.Actors.Fetch(ctx, env.Actor)
	if err != nil {
		return fmt.Errorf("actor: %w", err)
	}
	if e.blocked(ctx, a.Host) || e.blocked(ctx, iri.Host(env.ObjectID())) { // SEC-19
		return Drop(errors.New("host is blocked"))
	}
	if err := e.Outbox.Alive(ctx, a.Host); err != nil {
		return err
	}
	object, err := e.resolve(ctx, env)
	if err != nil {
		return fmt.Errorf("object: %w", err)
	}
	if e.blockedAuthor(ctx, object) {
		return Drop(errors.New("host of the author is blocked"))
	}
	h, ok := e.handler(env.Type, object)
	if !ok {
		return nil
	}
	act := &Activity{
		ID: env.ID, Type: env.Type, Actor: a, Object: object, To: env.To, Cc: env.Cc, Raw: env.Raw(),
	}
	if err := h.Do(ctx, act); err != nil {
		return fmt.Errorf("%s %s: %w", env.Type, object.Type(), err)
	}
	switch env.Type {
	case "Delete":
		return e.bury(ctx, object.ID())
	case "Undo":
		return e.db.Tx(ctx, func(tx *db.Tx) error { return inbox.Free(tx, env.Actor, env.ID, object.ID()) })
	}
	return nil
}

// blockedAuthor tells whether somebody who made an object is on a blocked host,
// whoever brought it (SEC-19).
func (e *Engine) blockedAuthor(ctx context.Context, object vocab.Object) bool {
	for _, id := range object.IRIs("attributedTo") {
		if e.blocked(ctx, iri.Host(id)) {
			return true
		}
	}
	return false
}

// handles tells whether any handler takes activities of this type.
func (e *Engine) handles(activity string) bool {
	for on := range e.handlers {
		if on.Activity == activity {
			return true
		}
	}
	return false
}

// takes tells whether activities of this type have any effect here, one by one
// or many at once.
func (e *Engine) takes(activity string) bool { return e.handles(activity) || e.inBulk(activity) }

// handler looks a handler up: by the types of the object, then the one for
// whatever nobody claims.
func (e *Engine) handler(activity string, object vocab.Object) (Handler, bool) {
	for _, t := range object.Types() {
		if h, ok := e.handlers[On{activity, t}]; ok {
			return h, true
		}
	}
	h, ok := e.handlers[On{Activity: activity}]
	return h, ok
}

// resolve decides which object a handler gets to see (SEC-11, SEC-12,
// SEC-17): never a copy of somebody else's.
func (e *Engine) resolve(ctx context.Context, env vocab.Envelope) (vocab.Object, error) {
	id := env.ObjectID()
	switch env.Type {
	case "Follow", "Accept", "Reject", "Flag":
		return env.Object, nil // the handlers look up themselves what is named, all of it
	case "Undo":
		return e.undone(ctx, env)
	case "Delete":
		return e.deleted(ctx, env, id)
	case "Create", "Update":
		return e.authored(ctx, env, id)
	}
	if id == "" {
		if env.Embedded { // SEC-17: a copy that names no origin proves nothing
			return vocab.Object{}, Drop(fmt.Errorf("%w: object without an id", vocab.ErrInvalid))
		}
		return env.Object, nil
	}
	return e.named(ctx, id)
}

// named finds an object of which only the id counts.
func (e *Engine) named(ctx context.Context, id string) (vocab.Object, error) {
	o, err := e.known(ctx, id)
	if err != nil || !o.IsZero() {
		return o, err
	}
	if e.Actors.IsLocal(id) {
		return vocab.Object{}, Drop(fmt.Errorf("%w: %s", ErrNotFound, id))
	}
	return e.Actors.FetchDocument(ctx, id)
}

// known gives a stub of what is stored already; zero when nothing is.
func (e *Engine) known(ctx context.Context, id string) (vocab.Object, error) {
	for _, t := range e.objects {
		if t.Has == nil {
			continue
		}
		has, err := t.Has(ctx, id)
		if err != nil {
			return vocab.Object{}, err
		}
		if has {
			return vocab.Stub(id, t.Type), nil
		}
	}
	a, err := e.Actors.ByIRI(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return vocab.Object{}, nil
	}
	if err != nil {
		return vocab.Object{}, err
	}
	return vocab.Stub(id, a.Type), nil
}

// authored is for Create and Update: the embedded object counts when it lies
// on the actor's host; else, and when it was deleted before, its origin is
// asked.
func (e *Engine) authored(ctx context.Context, env vocab.Envelope, id string) (vocab.Object, error) {
	if id == "" || e.Actors.IsLocal(id) { // SEC-13
		return vocab.Object{}, Drop(fmt.Errorf("%w: object %q", vocab.ErrInvalid, id))
	}
	dead, err := e.hasTombstone(ctx, id)
	if err != nil {
		return vocab.Object{}, err
	}
	if env.Embedded && !dead && iri.SameHost(id, env.Actor) && env.Object.Type() != "" {
		return env.Object, nil
	}
	o, err := e.Actors.FetchDocument(ctx, id)
	if err != nil || !dead {
		return o, err
	}
	return o, e.db.Tx(ctx, func(tx *db.Tx) error { // it was published again
		return tx.Where("iri = ?", id).Delete(&tombstone{}).Error
	})
}

// deleted is for Delete: nothing is fetched, the actor's host vouches for it
// (handlers still compare the actor with the owner they have stored).
// An object that is not here leaves a tombstone, so that a Create which comes
// late finds it.
func (e *Engine) deleted(ctx context.Context, env vocab.Envelope, id string) (vocab.Object, error) {
	o, err := e.known(ctx, id)
	if err != nil {
		return vocab.Object{}, err
	}
	if !iri.SameHost(id, env.Actor) {
		if !o.IsZero() {
			return o, nil // an answer below something of theirs: the handler knows whose it is
		}
		return vocab.Object{}, Drop(fmt.Errorf("%w: %s deletes %q", vocab.ErrInvalid, env.Actor, id)) // SEC-14
	}
	if o.IsZero() {
		return vocab.FromIRI(id), e.bury(ctx, id)
	}
	return o, nil
}

// bury leaves a tombstone for an object that is not here (any more).
func (e *Engine) bury(ctx context.Context, id string) error {
	o, err := e.known(ctx, id)
	if err != nil || !o.IsZero() {
		return err
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error { return tx.Save(&tombstone{IRI: id, CreatedAt: db.Now()}).Error })
}

// kinds are the types of actors.
var kinds = map[string]struct{}{
	actor.Person: {}, actor.Group: {}, actor.Application: {}, actor.ServiceKind: {}, actor.Organization: {},
}

// undone is for Undo: the inner activity must be the actor's own (SEC-14).
// One that is only named is looked up among those received.
func (e *Engine) undone(ctx context.Context, env vocab.Envelope) (vocab.Object, error) {
	o := env.Object
	if !env.Embedded {
		var row inbox.Row
		err := e.db.Read(ctx).Where("activity_id = ? AND actor = ?", o.ID(), env.Actor).Take(&row).Error
		switch {
		case errors.Is(err, ErrNotFound):
			return o, nil
		case err != nil:
			return vocab.Object{}, err
		}
		if o, err = vocab.Parse([]byte(row.Raw)); err != nil {
			return vocab.Object{}, err
		}
	}
	if o.IRI("actor") != env.Actor {
		return vocab.Object{}, Drop(fmt.Errorf("%w: %s undoes what %q did", vocab.ErrInvalid, env.Actor, o.IRI("actor")))
	}
	return o, nil
}

// FetchObject gets an object from its origin and hands it to the module that
// owns its type; what is stored already is not fetched. Modules use it for
// objects that others refer to.
func (e *Engine) FetchObject(ctx context.Context, id string) error {
	o, err := e.named(ctx, id)
	if err != nil || o.Raw() == nil {
		return err
	}
	return e.Ingest(ctx, o)
}

// Ingest hands a document that came from its origin to its owner.
func (e *Engine) Ingest(ctx context.Context, o vocab.Object) error {
	for _, t := range e.objects {
		if t.Ingest != nil && o.Is(t.Type) {
			return t.Ingest(ctx, o)
		}
	}
	return Drop(fmt.Errorf("%w: nobody takes %q", vocab.ErrInvalid, o.Type()))
}

// RefreshObject fetches an object again; when its origin says that it is
// gone, its owner drops it.
func (e *Engine) RefreshObject(ctx context.Context, id string) error {
	o, err := e.Actors.FetchDocument(ctx, id)
	if err == nil {
		return e.Ingest(ctx, o)
	}
	if !transport.Gone(err) {
		return err
	}
	stub, err := e.known(ctx, id)
	if err != nil {
		return err
	}
	for _, t := range e.objects {
		if t.Remove != nil && stub.Is(t.Type) {
			return t.Remove(ctx, id)
		}
	}
	return nil
}

// tombstone is a row of the table tombstones.
type tombstone struct {
	IRI       string `gorm:"primaryKey"`
	CreatedAt time.Time
}

func (tombstone) TableName() string { return "tombstones" }

func (e *Engine) hasTombstone(ctx context.Context, id string) (bool, error) {
	var n int64
	err := e.db.Read(ctx).Model(&tombstone{}).Where("iri = ?", id).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("tombstone: %w", err)
	}
	return n > 0, nil
}
