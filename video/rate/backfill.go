package rate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// countsAfter gathers the Updates of a remote video: PeerTube sends one after
// every rate.
const countsAfter = 3 * time.Second

// CountsArgs reads what the server of a remote video says of its likes and
// dislikes; the addresses are those of its collections.
type CountsArgs struct {
	VideoID         int64
	Likes, Dislikes string
}

// Kind implements jobs.Args.
func (CountsArgs) Kind() string { return "video.counts" }

// VideoSaved has the counts of a remote video read when its document was stored.
func (s *Service) VideoSaved(tx *db.Tx, v *catalog.Video, o vocab.Object) error {
	if v.Local {
		return nil
	}
	args := CountsArgs{VideoID: v.ID, Likes: o.IRI("likes"), Dislikes: o.IRI("dislikes")}
	if args.Likes == "" && args.Dislikes == "" {
		return nil
	}
	return jobs.Insert(tx, args, jobs.Unique(strconv.FormatInt(v.ID, 10)), jobs.RunAt(db.Now().Add(countsAfter)))
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
