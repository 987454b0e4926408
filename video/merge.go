package video

import (
	"context"
	"errors"
	"maps"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/rate"
	"github.com/kinemesh/kinemesh/web/rest"
)

// social assembles what people say and think of videos.
func (v *Video) social() {
	o := v.o
	v.comment = comment.New(comment.Options{
		DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, Channels: o.Channels, Logger: o.Logger,
		AcceptRemote: o.Config.VideoComments.AcceptRemoteComments,
	})
	v.rate = rate.New(rate.Options{
		DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, Listing: v.Listing, Channels: o.Channels, Changed: v.federation.Changed, Logger: o.Logger,
	})
	v.federation.Saved = func(tx *db.Tx, saved *catalog.Video, doc vocab.Object) error {
		return errors.Join(v.comment.VideoSaved(tx, saved, doc), v.rate.VideoSaved(tx, saved, doc))
	}
}

// merge makes one module of the parts of features. Documents are looked for, and
// actors forgotten, in the order of parts.
func merge(parts ...activitypub.Module) (m activitypub.Module) {
	for _, p := range parts {
		m.Handlers = append(m.Handlers, p.Handlers...)
		m.Bulk = append(m.Bulk, p.Bulk...)
		m.Objects = append(m.Objects, p.Objects...)
		m.Jobs = append(m.Jobs, p.Jobs...)
		m.Periodic = append(m.Periodic, p.Periodic...)
		m.Services = append(m.Services, p.Services...)
		m.Commands = append(m.Commands, p.Commands...)
		m.Collections = append(m.Collections, p.Collections...)
	}
	m.Routes = func(r *rest.Router) {
		for _, p := range parts {
			if p.Routes != nil {
				p.Routes(r)
			}
		}
	}
	m.FollowChanged = func(tx *db.Tx, c actor.FollowChange) error {
		for _, p := range parts {
			if p.FollowChanged != nil {
				if err := p.FollowChanged(tx, c); err != nil {
					return err
				}
			}
		}
		return nil
	}
	m.ActorDeleted = func(ctx context.Context, a *actor.Actor) error {
		for _, p := range parts {
			if p.ActorDeleted != nil {
				if err := p.ActorDeleted(ctx, a); err != nil {
					return err
				}
			}
		}
		return nil
	}
	m.Counts = func(ctx context.Context) (map[string]int64, error) {
		out := map[string]int64{}
		for _, p := range parts {
			if p.Counts == nil {
				continue
			}
			counts, err := p.Counts(ctx)
			if err != nil {
				return nil, err
			}
			maps.Copy(out, counts)
		}
		return out, nil
	}
	return m
}
