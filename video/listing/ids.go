package listing

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// First returns the first pages of several lists, in the order of the filters.
// What they are is found by each filter, and kept as totals are; the videos are
// read together.
func (s *Service) First(ctx context.Context, filters ...Filter) ([][]catalog.Listed, error) {
	pages := make([][]int64, len(filters))
	for i := range filters {
		f := &filters[i]
		ids, err := s.ids(ctx, fmt.Sprint(f.Page.Count, " by ", f.order()), firstIDs, f, s.conditions(ctx, f))
		if err != nil {
			return nil, fmt.Errorf("list videos: %w", err)
		}
		pages[i] = ids
	}
	ids := slices.Concat(pages...)
	slices.Sort(ids)
	rows, err := s.ByIDs(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*catalog.Listed, len(rows))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	out := make([][]catalog.Listed, len(filters))
	for i, page := range pages {
		for _, id := range page {
			if l := byID[id]; l != nil && filters[i].shows(l) { // which may have changed since it was found
				out[i] = append(out[i], *l)
			}
		}
	}
	return out, nil
}

// firstIDs are the ids of a page.
func firstIDs(ctx context.Context, s *Service, pool gorm.ConnPool, f *Filter, q *query) (ids []int64, err error) {
	text, args := f.idsSQL(s.db.Dialect(), q, f.Page.Start, f.Page.Count)
	err = s.each(ctx, pool, text, args, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// ByIDs returns videos in the order of their ids, whoever may see them; one that
// is gone is left out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) ([]catalog.Listed, error) {
	pool, err := s.db.Read(ctx).DB()
	if err != nil {
		return nil, err
	}
	rows, err := s.rows(ctx, pool, ids)
	if err == nil {
		err = s.addThumbnails(ctx, pool, rows)
	}
	if err == nil {
		err = s.addOwners(ctx, pool, rows)
	}
	if err != nil {
		return nil, fmt.Errorf("list videos: %w", err)
	}
	return rows, nil
}

// Shown is the condition on videos v that p, who is signed in, may open them by
// their address; those that a password opens are left out.
func (s *Service) Shown(ctx context.Context, p *rest.Principal) (condition string, args []any) {
	q := &query{}
	q.and(`(v.privacy IN (1, 2, 4) AND v.state IN (1, 4, 5) AND v.blocked = FALSE
 OR v.channel_id IN (SELECT id FROM channels WHERE account_id = ?))`, p.AccountID)
	if s.channels.Rules().Any(ctx) {
		q.hide(&Filter{})
	}
	return q.where.String(), q.args
}

// Matches is the condition on videos v that a search finds them.
func Matches(d db.Dialect, q fulltext.Query) (condition, arg string) {
	return q.Condition(d, searchIndex)
}
