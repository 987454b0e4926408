package playlist

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// ChannelCloses makes the playlists of a channel of ours private, which is about to
// be deleted, and leaves them to their account alone (PT resetPlaylistsOfChannel).
// Who had one is told while the followers of the channel are known.
func (s *Service) ChannelCloses(tx *db.Tx, channelID int64) error {
	const local = "channel_id = ? AND local = ?"
	// As in lock: the job that federates waits for this, or this for the job.
	if err := tx.Exec("UPDATE playlists SET id = id WHERE "+local, channelID, true).Error; err != nil {
		return fmt.Errorf("lock playlists of channel: %w", err)
	}
	var lists []Playlist
	if err := tx.Where(local+" AND federated_at IS NOT NULL", channelID, true).Order("id").Find(&lists).Error; err != nil {
		return fmt.Errorf("playlists of channel: %w", err)
	}
	if len(lists) > 0 && s.engine != nil {
		if err := s.takeBack(tx, lists); err != nil {
			return err
		}
	}
	err := tx.Model(&Playlist{}).Where(local, channelID, true).UpdateColumns(map[string]any{
		"privacy": catalog.Private, "channel_id": nil, "position": 0, "federated_at": nil, "updated_at": db.Now(),
	}).Error
	if err != nil {
		return fmt.Errorf("close playlists of channel: %w", err)
	}
	return nil
}

// takeBack sends a Delete for each of the playlists of one channel.
func (s *Service) takeBack(tx *db.Tx, lists []Playlist) error {
	account, ch, err := owners(tx, &lists[0])
	if err != nil {
		return err
	}
	var owner, instance actor.Actor
	if err := tx.Where("id = ?", account).Take(&owner).Error; err != nil {
		return fmt.Errorf("owner of playlists: %w", err)
	}
	if owner.GoneAt != nil {
		return nil // its own Delete says enough
	}
	if err := tx.Where("username = ? AND host = ''", actor.InstanceName).Limit(1).Find(&instance).Error; err != nil {
		return fmt.Errorf("instance actor: %w", err)
	}
	inboxes, err := actor.FollowerInboxes(tx.DB, []int64{account, ch, instance.ID})
	if err != nil {
		return err
	}
	for i := range lists {
		if err := s.sendDelete(tx, lists[i].IRI, &owner, activitypub.Delivery{Inboxes: inboxes}); err != nil {
			return err
		}
	}
	return nil
}

// actorDeleted drops the playlists of an account that is gone, and those that a
// channel of another server had. It may run twice, and before or after it runs for
// the account's channels.
func (s *Service) actorDeleted(ctx context.Context, a *actor.Actor) error {
	var ids []int64
	err := s.db.Read(ctx).Raw(`SELECT p.id FROM playlists p JOIN accounts o ON o.id = p.account_id JOIN actors oa ON oa.id = o.actor_id
 WHERE oa.gone_at IS NOT NULL AND (o.actor_id = ? OR o.id IN (SELECT account_id FROM channels WHERE actor_id = ?))
 OR p.local = FALSE AND p.channel_id IN (SELECT id FROM channels WHERE actor_id = ?) ORDER BY p.id`, a.ID, a.ID, a.ID).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("playlists of an actor: %w", err)
	}
	for _, id := range ids {
		if err := s.Delete(ctx, id); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	var channels []int64
	if err := s.db.Read(ctx).Table("channels").Where("actor_id = ? AND local = ?", a.ID, true).Pluck("id", &channels).Error; err != nil {
		return fmt.Errorf("channel of an actor: %w", err)
	}
	for _, id := range channels { // what came into it while it went
		if err := s.db.Tx(ctx, func(tx *db.Tx) error { return s.ChannelCloses(tx, id) }); err != nil {
			return err
		}
	}
	return nil
}
