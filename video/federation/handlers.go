package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// onDocument takes Create and Update of a Video: an idempotent upsert, whatever
// comes first. The document counts when its sender owns the video: as stored, or
// when it is new, as its origin says in the document (SEC-14). A stranger of the
// same host makes us ask the origin instead, as after a change of owner.
func (s *Service) onDocument(ctx context.Context, act *activitypub.Activity) error {
	o := act.Object
	if !act.Actor.OnHost(o.ID()) {
		return activitypub.Drop(fmt.Errorf("%w: %s sends %s", vocab.ErrInvalid, act.Actor.IRI, o.ID()))
	}
	owns, err := s.owns(ctx, act.Actor, o)
	if err != nil {
		return err
	}
	if !owns {
		if o, err = s.engine.Actors.FetchDocument(ctx, o.ID()); err != nil {
			return fmt.Errorf("ask the origin: %w", err)
		}
	}
	return s.Ingest(ctx, o)
}

// owns tells whether a is the owner of the video that o describes.
func (s *Service) owns(ctx context.Context, a *actor.Actor, o vocab.Object) (bool, error) {
	if a.Type == actor.Application {
		return true, nil // the server itself, and the caller has compared the hosts
	}
	v, err := s.catalog.ByIRI(ctx, o.ID())
	if errors.Is(err, catalog.ErrNotFound) {
		return slices.Contains(o.IRIs("attributedTo"), a.IRI), nil
	}
	if err != nil {
		return false, err
	}
	return a.ID == v.Owner.AccountActorID || a.ID == v.Owner.ChannelActorID, nil
}

// onDelete drops a remote video: for its owner and for its server only (SEC-14).
// The tombstone of one that is not here yet is the engine's.
func (s *Service) onDelete(ctx context.Context, act *activitypub.Activity) error {
	v, err := s.catalog.ByIRI(ctx, act.Object.ID())
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	owns, err := s.owns(ctx, act.Actor, act.Object)
	if err != nil {
		return err
	}
	if v.Local || !owns || !act.Actor.OnHost(v.IRI) {
		return activitypub.Drop(fmt.Errorf("%w: %s deletes %s", vocab.ErrInvalid, act.Actor.IRI, v.IRI))
	}
	return s.remove(ctx, v.IRI)
}

// onAnnounce notes who shares a video, and so lists it for those who follow the
// sharer. A video that is not here came from its origin (SEC-17).
func (s *Service) onAnnounce(ctx context.Context, act *activitypub.Activity) error {
	if act.Actor.Type != actor.Application && act.Actor.Type != actor.Group { // PT federation 4
		return nil
	}
	v, err := s.catalog.ByIRI(ctx, act.Object.ID())
	if errors.Is(err, catalog.ErrNotFound) {
		v, err = s.ingest(ctx, act.Object)
	}
	if err != nil {
		return err
	}
	if v.Local && !s.catalog.Federates(v) {
		return nil
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return s.catalog.AddShare(tx, v, act.Actor.ID, act.ID) })
}

// onUndoAnnounce takes a share back. The engine has checked that it is the
// actor's own.
func (s *Service) onUndoAnnounce(ctx context.Context, act *activitypub.Activity) error {
	v, err := s.catalog.ByIRI(ctx, act.Object.IRI("object"))
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return s.catalog.RemoveShare(tx, v, act.Actor.ID) })
}
