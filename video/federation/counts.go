package federation

import (
	"context"
	"fmt"
)

// counts are the videos of ours that everybody may see, for NodeInfo.
func (s *Service) counts(ctx context.Context) (map[string]int64, error) {
	var n int64
	err := s.db.Read(ctx).Raw("SELECT COUNT(*) FROM videos WHERE privacy = 1 AND state = 1 AND listed = TRUE AND local = TRUE").Scan(&n).Error
	if err != nil {
		return nil, fmt.Errorf("count videos: %w", err)
	}
	return map[string]int64{"localPosts": n}, nil
}
