package channel

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
)

// ResolveRemote finds the channel of a Group actor and keeps rows for it and
// its account. Actors that are unknown or stale are fetched; nothing is written
// when the rows are there. [ErrNotChannel] when the actor is no Group with a
// Person as owner, [ErrForeign] when the two are on different hosts.
func (s *Service) ResolveRemote(ctx context.Context, groupIRI string) (*Channel, error) {
	group, err := s.o.Actors.Fetch(ctx, groupIRI)
	if err != nil {
		return nil, fmt.Errorf("channel %s: %w", groupIRI, err)
	}
	if group.Type != actor.Group || group.AttributedTo == "" {
		return nil, fmt.Errorf("%s, a %s owned by %q: %w", groupIRI, group.Type, group.AttributedTo, ErrNotChannel)
	}
	if group.Local() {
		return s.ChannelByActor(ctx, group.ID)
	}
	if !group.OnHost(group.AttributedTo) { // SEC-12
		return nil, fmt.Errorf("%s owned by %s: %w", groupIRI, group.AttributedTo, ErrForeign)
	}
	owner, err := s.o.Actors.Fetch(ctx, group.AttributedTo)
	if err != nil {
		return nil, fmt.Errorf("owner of %s: %w", groupIRI, err)
	}
	if owner.Type == actor.Group || owner.Local() || owner.Host != group.Host {
		return nil, fmt.Errorf("%s owned by %s, a %s: %w", groupIRI, owner.IRI, owner.Type, ErrNotChannel)
	}
	account, err := s.EnsureAccount(ctx, owner)
	if err != nil {
		return nil, err
	}
	if err := s.ensureChannel(ctx, group, account.ID); err != nil {
		return nil, err
	}
	return s.ChannelByActor(ctx, group.ID)
}

// EnsureAccount keeps an account row for a remote actor and returns it.
func (s *Service) EnsureAccount(ctx context.Context, a *actor.Actor) (*Account, error) {
	found, err := s.AccountByActor(ctx, a.ID)
	if err == nil || !errors.Is(err, db.ErrNotFound) {
		return found, err
	}
	if a.Local() || a.GoneAt != nil {
		return nil, err
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		now := db.Now()
		return tx.Exec("INSERT INTO accounts (actor_id, created_at, updated_at) VALUES (?, ?, ?) ON CONFLICT (actor_id) DO NOTHING",
			a.ID, now, now).Error
	})
	if err != nil {
		return nil, fmt.Errorf("account of %s: %w", a.IRI, err)
	}
	return s.AccountByActor(ctx, a.ID)
}

// ensureChannel keeps a channel row for a remote Group. Its owner may change,
// to another account of the same host.
func (s *Service) ensureChannel(ctx context.Context, group *actor.Actor, accountID int64) error {
	var row Channel
	err := s.o.DB.Read(ctx).Where("actor_id = ?", group.ID).Take(&row).Error
	switch {
	case err == nil && row.AccountID == accountID:
		return nil
	case err != nil && !errors.Is(err, db.ErrNotFound):
		return fmt.Errorf("channel of %s: %w", group.IRI, err)
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		now := db.Now()
		err := tx.Exec(`INSERT INTO channels (actor_id, account_id, local, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (actor_id) DO UPDATE SET account_id = excluded.account_id, updated_at = excluded.updated_at`,
			group.ID, accountID, false, now, now).Error
		if err != nil {
			return err
		}
		return relearn(tx, group.ID)
	})
	if err != nil {
		return fmt.Errorf("channel of %s: %w", group.IRI, err)
	}
	return nil
}
