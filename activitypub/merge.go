package activitypub

import (
	"context"
	"maps"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Merge makes one module of the parts that features bring: one function of each
// kind asks those of the parts, in their order. Name and migrations are the
// caller's.
func Merge(parts ...Module) (m Module) {
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
	m.ActorFields = func(ctx context.Context, a *actor.Actor) (map[string]any, error) {
		out := map[string]any{}
		for _, p := range parts {
			if p.ActorFields == nil {
				continue
			}
			fields, err := p.ActorFields(ctx, a)
			if err != nil {
				return nil, err
			}
			maps.Copy(out, fields)
		}
		return out, nil
	}
	m.ActorSaved = func(tx *db.Tx, a *actor.Actor) error {
		for _, p := range parts {
			if p.ActorSaved != nil {
				if err := p.ActorSaved(tx, a); err != nil {
					return err
				}
			}
		}
		return nil
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
