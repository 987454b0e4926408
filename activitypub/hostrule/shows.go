package hostrule

import "context"

// Any tells whether some host may have another than the full standing. While it
// is false, nothing has to be left out of anything. nil has no rules.
func (r *Rules) Any(ctx context.Context) bool {
	if r == nil {
		return false
	}
	s := r.snapshot(ctx)
	return s.unknown || len(s.rules) > 0 || r.mode != Open
}

// Shows is [Shown] for one thing that was asked for by its address: what an
// actor of a host made is shown to a viewer. actor and viewer are ids of actors,
// viewer 0 for a stranger. Only where followers alone see it the database is
// asked; when it does not answer, nobody sees it. nil shows everything.
func (r *Rules) Shows(ctx context.Context, host string, actor, viewer int64) bool {
	if r == nil {
		return true
	}
	switch r.Standing(ctx, host) {
	case Full:
		return true
	case Blocked:
		return false
	case FollowersOnly:
	}
	if actor == 0 || viewer == 0 {
		return false
	}
	var n int64
	err := r.db.Read(ctx).Table("follows").
		Where("target_id = ? AND follower_id = ? AND state = 'accepted'", actor, viewer).Limit(1).Count(&n).Error
	if err != nil {
		r.log.WarnContext(ctx, "follow not looked up", "host", host, "error", err)
		return false
	}
	return n > 0
}
