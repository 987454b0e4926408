package comment

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// hidden is an SQL query for the authors whom p is not shown: those of servers
// that are kept away, of which moderators are shown what followers are, and those
// that p or the instance has muted. some is false while there are none.
func (s *Service) hidden(ctx context.Context, p *rest.Principal) (query string, args []any, some bool) {
	query, args, some = s.mutes.Hidden(ctx, p)
	if !s.channels.Rules().Any(ctx) {
		return query, args, some
	}
	hosts, more := hostrule.Hidden(channel.Viewer(p))
	if p.IsModerator() {
		hosts, more = hostrule.Silent()
	}
	if some {
		hosts += " UNION ALL " + query
	}
	return hosts, append(more, args...), true
}

// shows tells whether p is shown a comment (SEC-19).
func (s *Service) shows(ctx context.Context, p *rest.Principal, c *Comment) bool {
	return c.Local || c.ActorID == nil || s.channels.Shows(ctx, p, catalog.HostOf(c.IRI), *c.ActorID)
}

// muted tells whether p does not want to see the author of a comment, or nobody
// shall.
func (s *Service) muted(ctx context.Context, p *rest.Principal, c *Comment) (bool, error) {
	if c.ActorID == nil || p != nil && c.by(p.ActorID) {
		return false, nil
	}
	viewer := moderation.Instance
	if p != nil {
		viewer = p.AccountID
	}
	return s.mutes.Mutes(ctx, viewer, *c.ActorID)
}

// shown leaves the comments of authors out that p is not shown.
func (s *Service) shown(ctx context.Context, q *gorm.DB, p *rest.Principal) *gorm.DB {
	authors, args, some := s.hidden(ctx, p)
	if !some {
		return q
	}
	return q.Where("(actor_id IS NULL OR actor_id NOT IN ("+authors+"))", args...)
}

// omitted are the comments of one thread that are left out: those of authors who
// are not shown, with everything below them.
type omitted struct {
	ThreadID int64
	All      int64 // of those that p sees otherwise
	Replies  int64 // of those that the root counts
	ByAuthor int64 // of these by the owner of the video
}

// leftOut counts what is left out below a video.
func (s *Service) leftOut(ctx context.Context, p *rest.Principal, v *catalog.Video) ([]omitted, error) {
	authors, args, some := s.hidden(ctx, p)
	if !some {
		return nil, nil
	}
	below := s.db.Read(ctx).Raw(`WITH RECURSIVE gone(id) AS (
 SELECT id FROM comments WHERE video_id = ? AND actor_id IN (`+authors+`)
 UNION SELECT c.id FROM comments c JOIN gone g ON c.parent_id = g.id) SELECT id FROM gone`, append([]any{v.ID}, args...)...)
	q := s.db.Read(ctx).Model(&Comment{}).Select(`thread_id, COUNT(*) AS "all",
 SUM(CASE WHEN parent_id IS NOT NULL AND NOT held THEN 1 ELSE 0 END) AS replies,
 SUM(CASE WHEN parent_id IS NOT NULL AND NOT held AND actor_id = ? THEN 1 ELSE 0 END) AS by_author`, v.Owner.AccountActorID).
		Where("deleted_at IS NULL AND id IN (?)", below)
	var out []omitted
	if err := seen(q, p, v).Group("thread_id").Scan(&out).Error; err != nil {
		return nil, fmt.Errorf("count what is left out: %w", err)
	}
	return out, nil
}

// subtract takes what is left out from the counts of roots.
func subtract(roots []Comment, gone []omitted) {
	for _, g := range gone {
		for i := range roots {
			if roots[i].ID == g.ThreadID {
				roots[i].Replies -= g.Replies
				roots[i].AuthorReplies -= g.ByAuthor
			}
		}
	}
}
