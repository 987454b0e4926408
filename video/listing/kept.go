package listing

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/kept"
)

// farStart is from where on a page is far.
const farStart = 1_000

// whole tells whether a page is better cut from the ids of the whole list: where
// there are many videos, when it is far or no index finds its videos in their
// order.
func (s *Service) whole(f *Filter) bool {
	narrowed := len(f.Categories)+len(f.Licences)+len(f.Languages) > 0 || f.DurationMin != nil || f.DurationMax != nil || f.Host != ""
	return s.kept.Many() && (f.Page.Start >= farStart || f.NotWatched || f.HasHLS != nil || f.HasWeb != nil ||
		f.FollowedBy != 0 || len(f.TagsOneOf)+len(f.TagsAllOf)+len(f.words)+len(f.AutoTags) > 0 || narrowed && f.Page.Sort != "publishedAt")
}

// total is how many videos there are for q.
func (s *Service) total(ctx context.Context, pool gorm.ConnPool, f *Filter, q *query) (int64, error) {
	if s.whole(f) && !inHead(f) { // whose ids are found in any case
		ids, err := s.wholeIDs(ctx, f, q)
		return int64(len(ids)), err
	}
	return s.kept.Total(ctx, q.key("total"), func(ctx context.Context) (n int64, err error) {
		text, args := f.countSQL(q)
		if err = pool.QueryRowContext(ctx, bind(s.db.Dialect(), text), args...).Scan(&n); err != nil {
			err = fmt.Errorf("count videos: %w", err)
		}
		return n, err
	})
}

// maxWhole is how many videos pages may be asked for of.
const maxWhole = 1_000_100

// order makes the ids of a list.
type order func(ctx context.Context, s *Service, pool gorm.ConnPool, f *Filter, q *query) ([]int64, error)

// ids are the ids that an order gives for q.
func (s *Service) ids(ctx context.Context, name string, by order, f *Filter, q *query) ([]int64, error) {
	if f.Viewer != nil && f.Page.Sort == "best" {
		name = fmt.Sprint(name, " for ", f.Viewer.UserID)
	}
	v, err := s.kept.Get(ctx, q.key("ids by "+name), func(ctx context.Context) (v kept.Value, err error) {
		err = s.db.AlongIndexes(ctx, func(g *gorm.DB) error {
			v.IDs, err = by(ctx, s, g.Statement.ConnPool, f, q)
			return err
		})
		return v, err
	})
	return v.IDs, err
}

// wholeIDs are the ids of the whole list.
func (s *Service) wholeIDs(ctx context.Context, f *Filter, q *query) ([]int64, error) {
	return s.ids(ctx, "all by "+f.Page.Sort+f.order(), allIDs, f, q)
}

// allIDs are the ids of a whole list, as far as pages may be asked for.
func allIDs(ctx context.Context, s *Service, pool gorm.ConnPool, f *Filter, q *query) ([]int64, error) {
	var head []int64
	if rank := ranked(f); rank != nil {
		var err error
		if head, err = rank(ctx, s, pool, f, q); err != nil {
			return nil, err
		}
	}
	first := make(map[int64]bool, len(head))
	for _, id := range head {
		first[id] = true
	}
	ids := head
	text, args := f.idsSQL(s.db.Dialect(), q, 0, maxWhole)
	err := s.each(ctx, pool, text, args, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		if !first[id] {
			ids = append(ids, id)
		}
		return err
	})
	return ids, err
}
