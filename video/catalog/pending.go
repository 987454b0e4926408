package catalog

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/video/label"
)

// pending shows the first file that is being made of an upload, still without
// addresses: clients ask for files[0] until it has a torrent. It is empty when
// nothing is made.
func (s *Service) pending(ctx context.Context, v *Video) ([]apiFile, error) {
	var r Rendition
	err := s.db.Read(ctx).Where("video_id = ? AND kind = ?", v.ID, KindWeb).Order("required DESC, resolution DESC").Take(&r).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return []apiFile{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load rendition: %w", err)
	}
	return []apiFile{{
		Resolution: labelled{r.Resolution, label.Resolution(r.Resolution)}, Size: v.SourceSize, FPS: r.FPS,
		HasAudio: true, HasVideo: r.Resolution > 0, Storage: new(int),
	}}, nil
}
