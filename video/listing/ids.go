package listing

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

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
