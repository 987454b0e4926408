package activitypub

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// inBulk tells whether a module takes activities of a type many at once.
func (e *Engine) inBulk(activity string) bool {
	_, ok := e.bulk[activity]
	return ok
}

// dispatchMany hands activities of actors that are known here to the handlers
// for many, in tx. later tells which go to their ordinary handlers one by one.
func (e *Engine) dispatchMany(ctx context.Context, tx *db.Tx, envs []vocab.Envelope) (later []bool, err error) {
	later = make([]bool, len(envs))
	actors, err := e.knownActors(ctx, tx, envs)
	if err != nil {
		return nil, err
	}
	byType, place := map[string][]*Activity{}, map[*Activity]int{}
	for i, env := range envs {
		a := actors[env.Actor]
		if a == nil || !e.inBulk(env.Type) {
			later[i] = true
			continue
		}
		act := &Activity{
			ID: env.ID, Type: env.Type, Actor: a, Object: vocab.FromIRI(env.ObjectID()), To: env.To, Cc: env.Cc, Raw: env.Raw(),
		}
		place[act] = i
		byType[env.Type] = append(byType[env.Type], act)
	}
	for t, acts := range byType {
		rest, err := e.bulk[t](tx, acts)
		if err != nil {
			return nil, fmt.Errorf("%d of %s: %w", len(acts), t, err)
		}
		for _, act := range rest {
			later[place[act]] = true
		}
	}
	return later, nil
}

// knownActors reads the actors of activities that may act: not gone, and not on
// a blocked host (SEC-19).
func (e *Engine) knownActors(ctx context.Context, tx *db.Tx, envs []vocab.Envelope) (map[string]*actor.Actor, error) {
	var iris []string
	out := map[string]*actor.Actor{}
	for _, env := range envs {
		if _, seen := out[env.Actor]; !seen {
			out[env.Actor] = nil
			iris = append(iris, env.Actor)
		}
	}
	var rows []*actor.Actor
	if err := tx.Where("iri IN ? AND gone_at IS NULL", iris).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load actors: %w", err)
	}
	hosts := map[string]struct{}{}
	for _, a := range rows {
		if !e.blocked(ctx, iri.Host(a.IRI)) {
			out[a.IRI] = a
			hosts[a.Host] = struct{}{}
		}
	}
	tx.AfterCommit(func() {
		for host := range hosts {
			if err := e.Outbox.Alive(ctx, host); err != nil {
				e.log.WarnContext(ctx, "host not woken", "host", host, "error", err)
			}
		}
	})
	return out, nil
}
