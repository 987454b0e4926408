package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

const (
	// sharesKind names the collections of those who announced a video.
	sharesKind = "shares"
	// sharesEvery is how often that of a remote video is read, while documents of
	// it come in (PT federation 6).
	sharesEvery = 48 * time.Hour
)

// backfillShares has the Announces of a remote video read: at first sight, and
// now and then.
func (s *Service) backfillShares(tx *db.Tx, v *catalog.Video) error {
	if v.SharesURL == "" {
		return nil
	}
	due, err := catalog.CrawlDue(tx, v.ID, sharesKind, sharesEvery)
	if err != nil || !due {
		return err
	}
	return s.engine.Backfill(tx, sharesKind, v.IRI, v.SharesURL)
}

// takeShare takes an Announce that the collection of a video lists. It comes
// from its own origin, whatever the collection says of it (SEC-17), and counts
// for Application and Group actors only.
func (s *Service) takeShare(ctx context.Context, owner string, item vocab.Object) error {
	v, err := s.catalog.ByIRI(ctx, owner)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && v.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	var known int64
	err = s.db.Read(ctx).Model(&catalog.Share{}).Where("video_id = ? AND iri = ?", v.ID, item.ID()).Count(&known).Error
	if err != nil || s.engine.Actors.IsLocal(item.ID()) {
		return err
	}
	if known > 0 { // it is still listed, for sharesTaken
		return s.db.Tx(ctx, func(tx *db.Tx) error {
			return tx.Model(&catalog.Share{}).Where("video_id = ? AND iri = ?", v.ID, item.ID()).UpdateColumn("created_at", db.Now()).Error
		})
	}
	ctx = transport.WithBudget(ctx, transport.ActivityBudget)
	doc, err := s.engine.Actors.FetchDocument(ctx, item.ID())
	if err != nil {
		return err
	}
	e, err := vocab.Activity(doc)
	if err != nil {
		return err
	}
	if e.Type != "Announce" || e.ObjectID() != v.IRI || !e.OnHost() { // SEC-12
		return fmt.Errorf("%w: %s is no share of %s", vocab.ErrInvalid, item.ID(), v.IRI)
	}
	by, err := s.engine.Actors.Fetch(ctx, e.Actor)
	if err != nil {
		return err
	}
	if by.Type != actor.Application && by.Type != actor.Group { // PT federation 4
		return nil
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		fresh, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		return s.catalog.AddShare(tx, fresh, by.ID, e.ID)
	})
}

// sharesTaken drops the shares that the server of the video does not list any
// more.
func (s *Service) sharesTaken(ctx context.Context, owner string, began time.Time) error {
	v, err := s.catalog.ByIRI(ctx, owner)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && v.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, v.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		var stale []int64
		err = tx.Model(&catalog.Share{}).Where("video_id = ? AND created_at < ?", v.ID, began.Add(-sharesGrace)).Pluck("actor_id", &stale).Error
		if err != nil {
			return fmt.Errorf("stale shares: %w", err)
		}
		for _, id := range stale {
			if err := s.catalog.RemoveShare(tx, v, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// sharesGrace is how long a share may take to show in the collection.
const sharesGrace = time.Hour
