package comment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// Collection is the kind of the collections that hold the comments of a video.
const Collection = "comments"

// crawlEvery is how often the comments of a remote video are read anew, while
// documents of it come in (PT federation 6).
const crawlEvery = 48 * time.Hour

// VideoSaved has the comments of a remote video read when its document was
// stored: at first sight, and now and then.
func (s *Service) VideoSaved(tx *db.Tx, v *catalog.Video, o vocab.Object) error {
	address := o.IRI("comments")
	if v.Local || !s.remote() || address == "" || v.CommentsPolicy == catalog.CommentsDisabled {
		return nil
	}
	due, err := catalog.CrawlDue(tx, v.ID, Collection, crawlEvery)
	if err != nil || !due {
		return err
	}
	return s.engine.Backfill(tx, Collection, v.IRI, address)
}

// take stores one comment of the collection of a remote video; owner is the
// video's id. Whatever the collection embeds, each comment comes from its own
// origin (SEC-11).
func (s *Service) take(ctx context.Context, owner string, item vocab.Object) error {
	v, err := s.catalog.ByIRI(ctx, owner)
	if err != nil || v.Local {
		return err
	}
	if _, err := s.byIRI(ctx, item.ID()); errors.Is(err, ErrNotFound) {
		if err := s.engine.FetchObject(ctx, item.ID()); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Model(&Comment{}).Where("iri = ? AND video_id = ?", item.ID(), v.ID).UpdateColumn("seen_at", db.Now()).Error
	})
}

// taken buries what the server of the video does not list any more. What came
// while it was read, and ours, which may wait there for approval, stay.
func (s *Service) taken(ctx context.Context, owner string, began time.Time) error {
	v, err := s.catalog.ByIRI(ctx, owner)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && v.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	var stale []Comment
	err = s.db.Read(ctx).Where("video_id = ? AND local = ? AND deleted_at IS NULL AND created_at < ? AND (seen_at IS NULL OR seen_at < ?)",
		v.ID, false, began.Add(-crawlGrace), began).Order("id").Find(&stale).Error
	if err != nil {
		return fmt.Errorf("stale comments: %w", err)
	}
	for i := range stale {
		if err := s.change(ctx, &stale[i], bury); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// crawlGrace is how long a comment may take to show in the collection.
const crawlGrace = time.Hour
