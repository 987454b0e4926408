package comment

import (
	"context"
	"fmt"
)

// Newest asks for the newest comments that anybody may read.
type Newest struct {
	Count     int
	VideoID   int64 // below this video, which anybody may see
	AccountID int64 // else below the public videos of this account
	ChannelID int64 // or of this channel
}

// Newest returns the newest comments that anybody may read, newest first.
func (s *Service) Newest(ctx context.Context, f Newest) (rows []Comment, err error) {
	q := s.shown(ctx, s.db.Read(ctx).Model(&Comment{}).Where("deleted_at IS NULL AND NOT held"), nil)
	switch {
	case f.VideoID != 0:
		q = q.Where("video_id = ?", f.VideoID)
	case f.AccountID != 0:
		q = q.Where(`video_id IN (SELECT v.id FROM videos v JOIN channels ch ON ch.id = v.channel_id
 WHERE ch.account_id = ? AND v.privacy = 1 AND v.state = 1 AND v.listed)`, f.AccountID)
	case f.ChannelID != 0:
		q = q.Where("video_id IN (SELECT id FROM videos WHERE channel_id = ? AND privacy = 1 AND state = 1 AND listed)", f.ChannelID)
	default:
		// No EXISTS, of which SQLite makes a join that begins with the videos.
		q = q.Where("(SELECT v.privacy = 1 AND v.state = 1 AND v.listed FROM videos v WHERE v.id = video_id)")
	}
	if err := q.Order("created_at DESC, id DESC").Limit(f.Count).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list newest comments: %w", err)
	}
	return rows, nil
}
