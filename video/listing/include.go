package listing

import (
	"context"

	"github.com/kinemesh/kinemesh/video/catalog"
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
