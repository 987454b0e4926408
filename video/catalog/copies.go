package catalog

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

// maxCopies is how many copies of a video a player is told of.
const maxCopies = 20

// loadCopies reads where else the files of a video's playlist are.
func loadCopies(g *gorm.DB, videoID int64, m *Media) error {
	err := g.Table("redundancies").Where("video_id = ? AND state = 'ready' AND (expires_at IS NULL OR expires_at > ?)", videoID, db.Now()).
		Order("id").Limit(maxCopies).Pluck("url", &m.Copies).Error
	if err != nil {
		return fmt.Errorf("load copies: %w", err)
	}
	return nil
}
