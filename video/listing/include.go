package listing

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/source"
)

// include adds to an answer what a moderator asked for besides.
func (s *Service) include(ctx context.Context, bits int, rows []catalog.Listed, data []catalog.VideoJSON) error {
	if bits&IncludeAutomaticTags != 0 {
		if err := s.addAutoTags(ctx, data); err != nil {
			return err
		}
	}
	if bits&(IncludeFiles|IncludeCaptions|IncludeTags) == 0 {
		return nil
	}
	for i := range rows {
		m, err := s.catalog.Media(ctx, rows[i].ID)
		if err != nil {
			return err
		}
		s.catalog.Include(&data[i], &rows[i].Video, m, bits&IncludeFiles != 0, bits&IncludeCaptions != 0, bits&IncludeTags != 0)
	}
	return nil
}

// besides is what a row holds that other features know of the video.
const besides = IncludeSource | IncludeBlockedOwner

// row is a video with that.
type row struct {
	catalog.VideoJSON

	Source        **source.JSON `json:"videoSource,omitempty"` // null when it is not known
	BlockedOwner  *bool         `json:"blockedOwner,omitempty"`
	BlockedServer *bool         `json:"blockedServer,omitempty"`
}

// withBesides makes rows of an answer.
func (s *Service) withBesides(ctx context.Context, f *Filter, data []catalog.VideoJSON) ([]row, error) {
	out := make([]row, len(data))
	videos, accounts := make([]int64, len(data)), make([]int64, len(data))
	for i := range data {
		out[i].VideoJSON, videos[i], accounts[i] = data[i], data[i].ID, data[i].Account.ID
	}
	if f.Include&IncludeSource != 0 {
		sources, err := source.New(s.db, s.catalog).Of(ctx, videos)
		if err != nil {
			return nil, err
		}
		for i := range out {
			src := sources[out[i].ID]
			out[i].Source = &src
		}
	}
	if f.Include&IncludeBlockedOwner != 0 {
		viewer := moderation.Instance
		if f.Viewer != nil {
			viewer = f.Viewer.AccountID
		}
		muted, err := s.mutes.Of(ctx, viewer, accounts)
		if err != nil {
			return nil, err
		}
		for i := range out {
			m := muted[out[i].Account.ID]
			out[i].BlockedOwner, out[i].BlockedServer = &m.Account, &m.Host
		}
	}
	return out, nil
}

// addSchedules adds to rows when they change their privacy, which their owner and
// moderators are told.
func (s *Service) addSchedules(ctx context.Context, rows []catalog.Listed) error {
	ids, at := make([]int64, len(rows)), make(map[int64]*catalog.Listed, len(rows))
	for i := range rows {
		ids[i], at[rows[i].ID] = rows[i].ID, &rows[i]
	}
	var found []catalog.Video
	err := s.db.Read(ctx).Select("id, scheduled_at, scheduled_privacy").Where("id IN ? AND scheduled_at IS NOT NULL", ids).Find(&found).Error
	if err != nil {
		return fmt.Errorf("schedules of videos: %w", err)
	}
	for i := range found {
		v := at[found[i].ID]
		v.ScheduledAt, v.ScheduledPrivacy = found[i].ScheduledAt, found[i].ScheduledPrivacy
	}
	return nil
}
