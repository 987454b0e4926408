package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/block"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// videoMoved tells subscribers of a video that comes into sight, and its owner of
// one that was waited for.
func (s *Service) videoMoved(tx *db.Tx, before, v *catalog.Video) error {
	news := func(t notification.Type, by int64) error {
		return s.o.Notifications.Notify(tx, notification.Event{Type: t, Object: v.ID, By: by})
	}
	if before == nil && v.PublishedAt.Before(db.Now().Add(-fresh)) {
		return nil
	}
	var errs []error
	if v.Open() && (before == nil || !before.Open()) {
		errs = append(errs, news(notification.NewVideo, v.Owner.AccountActorID))
	}
	if v.Local && before != nil && v.State == catalog.Published && !v.Blocked {
		transcoded := before.State != catalog.Published && v.WaitTranscoding
		scheduled := before.ScheduledAt != nil && v.ScheduledAt == nil && !before.ScheduledAt.After(db.Now())
		if transcoded && v.ScheduledAt == nil || scheduled {
			errs = append(errs, news(notification.VideoPublished, 0))
		}
	}
	return errors.Join(errs...)
}

// videoDropped forgets what was said of a video that is gone.
func (s *Service) videoDropped(tx *db.Tx, v *catalog.Video) error {
	return s.o.Notifications.Forget(tx, v.ID, notification.NewVideo, notification.VideoPublished, notification.VideoBlocked,
		notification.VideoUnblocked, notification.VideoQuarantined)
}

// Blocked tells the owner of a video that a moderator blocked it, or moderators
// that one waits for them.
func (s *Service) Blocked(tx *db.Tx, v *catalog.Video, b *block.Block) error {
	e := notification.Event{Type: notification.VideoQuarantined, Object: v.ID, Event: b.ID}
	if b.Type == block.Manual {
		e.Type = notification.VideoBlocked
	}
	return s.o.Notifications.Notify(tx, e)
}

// Unblocked tells the owner of a video that it can be seen again, or for the first
// time.
func (s *Service) Unblocked(tx *db.Tx, v *catalog.Video, b *block.Block) error {
	e := notification.Event{Type: notification.VideoPublished, Object: v.ID}
	if b.Type == block.Manual {
		e.Type, e.Event = notification.VideoUnblocked, b.ID
	}
	return s.o.Notifications.Notify(tx, e)
}

// get loads a video for an event.
func (s *Service) get(ctx context.Context, id int64) (*catalog.Video, error) {
	v, err := s.o.Catalog.ByID(ctx, id)
	if errors.Is(err, catalog.ErrNotFound) {
		err = notification.ErrGone
	}
	return v, err
}

func (s *Service) toVideo(ctx context.Context, e notification.Event) (notification.Audience, error) {
	v, err := s.get(ctx, e.Object)
	if err != nil {
		return notification.Audience{}, err
	}
	if e.Type == notification.NewVideo {
		if !v.Open() {
			return notification.Audience{}, notification.ErrGone
		}
		return notification.Followers(v.Owner.ChannelActorID), nil
	}
	if e.Type == notification.VideoQuarantined {
		return notification.Roles(int(rest.RoleModerator)), nil
	}
	return notification.OneUser(v.Owner.UserID), nil
}

func (s *Service) describeVideos(ctx context.Context, to *rest.Principal, items []*notification.Item) error {
	ids := make([]int64, len(items))
	for i, it := range items {
		ids[i] = it.ObjectID
	}
	videos, err := s.o.Catalog.ByIDs(ctx, ids)
	if err != nil {
		return err
	}
	channelIDs := make([]int64, 0, len(videos))
	for _, v := range videos {
		channelIDs = append(channelIDs, v.ChannelID)
	}
	channels, err := s.o.Channels.ChannelsByIDs(ctx, channelIDs)
	if err != nil {
		return err
	}
	blocks, err := s.blocks(ctx, ids)
	if err != nil {
		return err
	}
	for _, it := range items {
		v := videos[it.ObjectID]
		shown := s.video(ctx, to, v)
		if shown == nil {
			continue
		}
		if it.Type == notification.VideoBlocked || it.Type == notification.VideoQuarantined {
			if blocks[v.ID] != 0 {
				it.JSON.VideoBlock = &notification.Block{ID: blocks[v.ID], Video: shown}
			}
			continue
		}
		if ch := channels[v.ChannelID]; ch != nil {
			shown.Channel = notification.ActorOf(s.o.Channels.APIChannelSummary(ch))
		}
		it.JSON.Video = shown
	}
	return nil
}

// blocks are the ids of the blocks of videos.
func (s *Service) blocks(ctx context.Context, videoIDs []int64) (map[int64]int64, error) {
	var rows []struct{ ID, VideoID int64 }
	if err := s.o.DB.Read(ctx).Table("video_blocks").Select("id", "video_id").Where("video_id IN ?", videoIDs).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("blocks of videos: %w", err)
	}
	out := make(map[int64]int64, len(rows))
	for _, r := range rows {
		out[r.VideoID] = r.ID
	}
	return out, nil
}
