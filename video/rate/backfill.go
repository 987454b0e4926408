package rate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// Shares is the kind of the collections that tell who shares a video.
const Shares = "shares"

const (
	// countsAfter gathers the Updates of a remote video: PeerTube sends one after
	// every rate.
	countsAfter = 3 * time.Second
	// sharesEvery is how often the shares of a remote video are read anew, while
	// documents of it come in (PT federation 6).
	sharesEvery = 48 * time.Hour
)

// CountsArgs reads what the server of a remote video says of its likes and
// dislikes; the addresses are those of its collections.
type CountsArgs struct {
	VideoID         int64
	Likes, Dislikes string
}

// Kind implements jobs.Args.
func (CountsArgs) Kind() string { return "video.counts" }

// VideoSaved has the counts of a remote video read when its document was stored,
// and now and then who shares it.
func (s *Service) VideoSaved(tx *db.Tx, v *catalog.Video, o vocab.Object) error {
	if v.Local {
		return nil
	}
	args := CountsArgs{VideoID: v.ID, Likes: o.IRI("likes"), Dislikes: o.IRI("dislikes")}
	if args.Likes != "" || args.Dislikes != "" {
		err := jobs.Insert(tx, args, jobs.Unique(strconv.FormatInt(v.ID, 10)), jobs.RunAt(db.Now().Add(countsAfter)))
		if err != nil {
			return err
		}
	}
	address := o.IRI("shares")
	if address == "" {
		return nil
	}
	due, err := catalog.CrawlDue(tx, v.ID, Shares, sharesEvery)
	if err != nil || !due {
		return err
	}
	return s.o.Engine.Backfill(tx, Shares, v.IRI, address)
}

// readCounts takes the numbers that the server of a remote video gives.
func (s *Service) readCounts(ctx context.Context, a CountsArgs) error {
	v, err := s.o.Catalog.ByID(ctx, a.VideoID)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && v.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	likes, dislikes := v.Likes, v.Dislikes
	for _, c := range []struct {
		address string
		n       *int64
	}{{a.Likes, &likes}, {a.Dislikes, &dislikes}} {
		if c.address == "" || !iri.SameHost(v.IRI, c.address) { // SEC-12
			continue
		}
		doc, err := s.o.Engine.Actors.FetchPart(ctx, c.address)
		if err != nil {
			return fmt.Errorf("counts of %s: %w", v.IRI, err)
		}
		if n, ok := doc.Int("totalItems"); ok && n >= 0 {
			*c.n = n
		}
	}
	return s.change(ctx, v.ID, func(tx *db.Tx, v *catalog.Video) error { return catalog.SetRates(tx, v.ID, likes, dislikes) })
}

// takeShare notes one of those who share a remote video; owner is the video's
// id. Each Announce comes from its own origin, and only channels and servers
// share (PT federation 4 Others).
func (s *Service) takeShare(ctx context.Context, owner string, item vocab.Object) error {
	v, err := s.o.Catalog.ByIRI(ctx, owner)
	if err != nil || v.Local {
		return err
	}
	if s.o.Engine.Actors.IsLocal(item.ID()) {
		return nil
	}
	doc, err := s.o.Engine.Actors.FetchDocument(ctx, item.ID())
	if err != nil {
		return err
	}
	env, err := vocab.Activity(doc)
	if err != nil {
		return err
	}
	if env.Type != "Announce" || env.ObjectID() != v.IRI || !env.OnHost() || s.o.Engine.Actors.IsLocal(env.Actor) {
		return activitypub.Drop(fmt.Errorf("%w: %s does not share %s", vocab.ErrInvalid, env.ID, v.IRI))
	}
	by, err := s.o.Engine.Actors.Fetch(ctx, env.Actor)
	if err != nil {
		return err
	}
	if by.Type != actor.Group && by.Type != actor.Application {
		return nil
	}
	return s.change(ctx, v.ID, func(tx *db.Tx, v *catalog.Video) error {
		if err := s.o.Catalog.AddShare(tx, v, by.ID, env.ID); err != nil {
			return err
		}
		// A share that is listed now was made now, for sharesTaken.
		return tx.Model(&catalog.Share{}).Where("video_id = ? AND actor_id = ?", v.ID, by.ID).UpdateColumn("created_at", db.Now()).Error
	})
}

// sharesTaken drops the shares that the server of the video does not list any
// more.
func (s *Service) sharesTaken(ctx context.Context, owner string, began time.Time) error {
	v, err := s.o.Catalog.ByIRI(ctx, owner)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && v.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.change(ctx, v.ID, func(tx *db.Tx, v *catalog.Video) error {
		var stale []int64
		err := tx.Model(&catalog.Share{}).Where("video_id = ? AND created_at < ?", v.ID, began.Add(-sharesGrace)).Pluck("actor_id", &stale).Error
		if err != nil {
			return fmt.Errorf("stale shares: %w", err)
		}
		for _, id := range stale {
			if err := s.o.Catalog.RemoveShare(tx, v, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// sharesGrace is how long a share may take to show in the collection.
const sharesGrace = time.Hour
