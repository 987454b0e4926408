package federation

import (
	"context"
	"fmt"

	"github.com/kinemesh/kinemesh/video/catalog"
)

// counts are the videos of ours that everybody may see, for NodeInfo.
func (s *Service) counts(ctx context.Context) (map[string]int64, error) {
	var n int64
	err := s.db.Read(ctx).Model(&catalog.Video{}).
		Where("local = ? AND privacy = ? AND state = ?", true, catalog.Public, catalog.Published).Count(&n).Error
	if err != nil {
		return nil, fmt.Errorf("count videos: %w", err)
	}
	return map[string]int64{"localPosts": n}, nil
}
