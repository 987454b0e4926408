package catalog

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

// Used is how much of a user's quota is taken, in all and in the last day, in
// bytes: the uploads as they came, of videos that exist and of uploads that are
// running.
func (s *Service) Used(ctx context.Context, userID int64) (total, daily int64, err error) {
	return LoadUsed(s.db.Read(ctx), userID)
}

// LoadUsed is [Service.Used] on a handle, for use in transactions.
func LoadUsed(g *gorm.DB, userID int64) (total, daily int64, err error) {
	since := db.Now().Add(-24 * time.Hour)
	var row struct{ Total, Daily int64 }
	err = g.Raw(`SELECT COALESCE(SUM(size), 0) AS total,
 COALESCE(SUM(CASE WHEN created_at > ? THEN size ELSE 0 END), 0) AS daily FROM (
  SELECT v.source_size AS size, v.created_at FROM videos v`+ownerJoin+` WHERE ac.user_id = ?
  UNION ALL
  SELECT u.size, u.created_at FROM uploads u WHERE u.user_id = ? AND u.state <> 'done') x`, since, userID, userID).Scan(&row).Error
	if err != nil {
		return 0, 0, fmt.Errorf("quota of user %d: %w", userID, err)
	}
	return row.Total, row.Daily, nil
}
