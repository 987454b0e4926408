package listing

import (
	"context"

	"github.com/kinemesh/kinemesh/video/catalog"
)

// moderate leaves out what nobody is shown and what the viewer does not want to
// see: blocked videos, and those of accounts and servers that the instance or the
// viewer has muted. Blocked videos are not listed, so that lists for everybody
// need no condition.
func (s *Service) moderate(ctx context.Context, f *Filter, q *query) {
	if f.All && !f.Moderated {
		return
	}
	if f.Moderated && f.Include&IncludeBlocked == 0 {
		unblocked := q
		if q.private != nil {
			unblocked = q.private
		}
		unblocked.and("v.blocked = FALSE")
	}
	if f.Moderated && f.Include&IncludeBlockedOwner != 0 {
		return
	}
	if hidden, args, some := s.mutes.Hidden(ctx, f.Viewer); some {
		q.and("v.channel_id NOT IN (SELECT mc.id FROM channels mc JOIN accounts mt ON mt.id = mc.account_id WHERE mt.actor_id IN ("+hidden+"))", args...)
	}
}

// addAutoTags adds the server's automatic tags to an answer.
func (s *Service) addAutoTags(ctx context.Context, data []catalog.VideoJSON) error {
	if s.AutoTags == nil || len(data) == 0 {
		return nil
	}
	ids := make([]int64, len(data))
	for i := range data {
		ids[i] = data[i].ID
	}
	tags, err := s.AutoTags(ctx, ids)
	if err != nil {
		return err
	}
	for i := range data {
		if data[i].AutomaticTags = tags[data[i].ID]; data[i].AutomaticTags == nil {
			data[i].AutomaticTags = []string{}
		}
	}
	return nil
}
