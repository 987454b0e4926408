package catalog

import (
	"context"
	"fmt"
)

// ByIDs loads videos with their owners in one query. Those that are gone are left
// out.
func (s *Service) ByIDs(ctx context.Context, ids []int64) (map[int64]*Video, error) {
	out := make(map[int64]*Video, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var rows []ownedVideo
	if err := s.db.Read(ctx).Raw(ownedQuery+" WHERE v.id IN ?", ids).Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("load videos: %w", err)
	}
	for i := range rows {
		out[rows[i].ID] = rows[i].video()
	}
	return out, nil
}
