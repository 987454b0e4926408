// Package history keeps what users have watched and how far, as players report
// it with each view's call, so that a video goes on where it was left.
//
// Invariants
//   - a user has one row a video; the last report wins
//   - nothing is kept of a user who does not want a history, nor of anonymous
//     viewers
//   - a video that its user may not see any more is in no answer
//
// Specifications: REST 9, 12 (My History). Imports of its siblings catalog and
// listing.
package history

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what a [Service] needs.
type Options struct {
	DB      *db.DB
	Catalog *catalog.Service
	Listing *listing.Service
	MaxAge  func() time.Duration // older rows are removed; 0: none; nil: none
}

// Service holds the histories. It is safe for concurrent use; Wanted is set
// before the server starts.
type Service struct {
	// Wanted tells whether a user wants a history (videosHistoryEnabled); nil:
	// all do.
	Wanted func(ctx context.Context, userID int64) (bool, error)

	o    Options
	db   *db.DB
	kept *kept.Kept

	forgotten atomic.Int64 // how often anything was
}

// New returns a Service and has the catalog tell viewers where they stopped.
func New(o Options) *Service {
	s := &Service{o: o, db: o.DB, kept: kept.New(o.DB, "videos")}
	o.Catalog.WatchedAt = s.At
	return s
}

// CleanArgs removes what is older than the settings allow.
type CleanArgs struct{}

// Kind implements jobs.Args.
func (CleanArgs) Kind() string { return "video.clean-history" }

// Module is this feature's part of the module.
func (s *Service) Module() activitypub.Module {
	return activitypub.Module{
		Jobs:     []jobs.Handler{jobs.Handle(s.clean, jobs.Attempts(1), jobs.Keep(time.Hour))},
		Periodic: []jobs.Periodic{{Name: "video.clean-history", Every: 24 * time.Hour, Args: CleanArgs{}}},
		Routes:   s.routes,
	}
}

// Note remembers that a user is at a time of a video.
func (s *Service) Note(ctx context.Context, userID, videoID int64, at float64) error {
	if s.Wanted != nil {
		if wanted, err := s.Wanted(ctx, userID); err != nil || !wanted {
			return err
		}
	}
	now := db.Now()
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Exec(`INSERT INTO watch_history (user_id, video_id, at, created_at, updated_at) VALUES (?, ?, ?, ?, ?)
 ON CONFLICT (user_id, video_id) DO UPDATE SET at = excluded.at, updated_at = excluded.updated_at`,
			userID, videoID, int64(at), now, now).Error
	})
	if err != nil {
		return fmt.Errorf("note what was watched: %w", err)
	}
	return nil
}

// At tells where a user stopped watching each of some videos, in seconds.
func (s *Service) At(ctx context.Context, userID int64, videoIDs []int64) (map[int64]int, error) {
	var rows []struct {
		VideoID int64
		At      int
	}
	err := s.db.Read(ctx).Raw("SELECT video_id, at FROM watch_history WHERE user_id = ? AND video_id IN ?", userID, videoIDs).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("what was watched: %w", err)
	}
	out := make(map[int64]int, len(rows))
	for _, r := range rows {
		out[r.VideoID] = r.At
	}
	return out, nil
}

// Watched is a video of a history.
type Watched struct {
	catalog.Listed
	At int // where the user stopped, in seconds
}

// List returns what a user has watched, the last first. Where many videos are,
// their number may be some seconds old when others hide theirs.
func (s *Service) List(ctx context.Context, p *rest.Principal, search string, page rest.Page) ([]Watched, int64, error) {
	shown, args := s.o.Listing.Shown(ctx, p)
	args = append([]any{p.UserID}, args...)
	from := " FROM watch_history h JOIN videos v ON v.id = h.video_id WHERE h.user_id = ? AND " + shown
	all, allArgs := "SELECT h.video_id"+from, args
	if search != "" {
		q := fulltext.Parse(search)
		if len(q) == 0 {
			return nil, 0, nil
		}
		cond, arg := listing.Matches(s.db.Dialect(), q)
		all, allArgs = all+" AND "+cond, append(slices.Clip(args), arg)
	}
	ids, total, err := s.page(ctx, p.UserID, page, all+" ORDER BY "+page.Order("h.updated_at", "h.video_id"), allArgs)
	if err != nil || len(ids) == 0 {
		return nil, total, err
	}
	in, some := s.db.Dialect().In("h.video_id", ids)
	at := make(map[int64]int, len(ids))
	err = db.Each(s.db.Read(ctx), func(r *sql.Rows) error {
		var id int64
		var seconds int
		err := r.Scan(&id, &seconds)
		at[id] = seconds
		return err
	}, "SELECT h.video_id, h.at"+from+" AND "+in, append(slices.Clip(args), some...)...)
	if err != nil {
		return nil, 0, fmt.Errorf("what was watched: %w", err)
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { _, ok := at[id]; return !ok })
	rows, err := s.o.Listing.ByIDs(ctx, ids)
	out := make([]Watched, len(rows))
	for i := range rows {
		out[i] = Watched{rows[i], at[rows[i].ID]}
	}
	return out, total, err
}

// page cuts a page out of the ids that a query of a user's history gives. They
// are kept as long as the user has watched and nobody here has forgotten anything,
// since every video has to be looked at.
func (s *Service) page(ctx context.Context, userID int64, page rest.Page, query string, args []any) ([]int64, int64, error) {
	var newest any
	err := s.db.Read(ctx).Raw("SELECT MAX(updated_at) FROM watch_history WHERE user_id = ?", userID).Row().Scan(&newest)
	if err != nil {
		return nil, 0, fmt.Errorf("when was watched: %w", err)
	}
	v, err := s.kept.Get(ctx, fmt.Sprintf("%s\x00%#v\x00%v\x00%d", query, args, newest, s.forgotten.Load()), func(ctx context.Context) (v kept.Value, err error) {
		v.IDs, err = db.IDs(s.db.Read(ctx), query, args...)
		return v, err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list what was watched: %w", err)
	}
	return kept.Cut(v.IDs, page.Start, page.Count), int64(len(v.IDs)), nil
}

// Forget removes one video from a history; it may not be there.
func (s *Service) Forget(ctx context.Context, userID int64, ref catalog.Ref) error {
	where, arg := "video_id = ?", any(ref.ID)
	if ref.UUID != "" {
		where, arg = "video_id IN (SELECT id FROM videos WHERE uuid = ?)", ref.UUID
	}
	return s.remove(ctx, "user_id = ? AND "+where, userID, arg)
}

// ForgetBefore removes what a user watched before a time.
func (s *Service) ForgetBefore(ctx context.Context, userID int64, before time.Time) error {
	return s.remove(ctx, "user_id = ? AND updated_at < ?", userID, before)
}

func (s *Service) remove(ctx context.Context, where string, args ...any) error {
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		tx.AfterCommit(func() { s.forgotten.Add(1) })
		return tx.Exec("DELETE FROM watch_history WHERE "+where, args...).Error
	})
	if err != nil {
		return fmt.Errorf("forget what was watched: %w", err)
	}
	return nil
}

// cleanStep is how many rows one transaction removes.
const cleanStep = 5000

func (s *Service) clean(ctx context.Context, _ CleanArgs) error {
	if s.o.MaxAge == nil || s.o.MaxAge() <= 0 {
		return nil
	}
	before := db.Now().Add(-s.o.MaxAge())
	for {
		var removed int64
		err := s.db.Tx(ctx, func(tx *db.Tx) error {
			res := tx.Exec(`DELETE FROM watch_history WHERE (user_id, video_id) IN (
 SELECT user_id, video_id FROM watch_history WHERE updated_at < ? ORDER BY updated_at LIMIT ?)`, before, cleanStep)
			removed = res.RowsAffected
			return res.Error
		})
		if err != nil {
			return fmt.Errorf("clean histories: %w", err)
		}
		if removed < cleanStep {
			return nil
		}
	}
}
