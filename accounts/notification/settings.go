package notification

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// settingRow is a row of notification_settings.
type settingRow struct {
	UserID int64  `gorm:"primaryKey"`
	Name   string `gorm:"primaryKey"`
	Value  int
}

func (settingRow) TableName() string { return "notification_settings" }

// Settings tells for some users how they want to be told, by PeerTube's names.
func (s *Service) Settings(ctx context.Context, userIDs ...int64) (map[int64]map[string]int, error) {
	out := make(map[int64]map[string]int, len(userIDs))
	known := settings()
	for _, id := range userIDs {
		all := make(map[string]int, len(known))
		for _, set := range known {
			all[set.name] = set.value
		}
		out[id] = all
	}
	in, args := s.o.DB.Dialect().In("user_id", userIDs)
	err := db.Each(s.o.DB.Read(ctx), func(r *sql.Rows) error {
		var set settingRow
		err := r.Scan(&set.UserID, &set.Name, &set.Value)
		if _, known := out[set.UserID][set.Name]; known {
			out[set.UserID][set.Name] = set.Value
		}
		return err
	}, "SELECT user_id, name, value FROM notification_settings WHERE "+in, args...)
	if err != nil {
		return nil, fmt.Errorf("notification settings: %w", err)
	}
	return out, nil
}

// Choices lists what a user can choose in the settings: what concerns the user, of
// features that are there.
func (s *Service) Choices(ctx context.Context, p *rest.Principal) ([]Setting, error) {
	values, err := s.Settings(ctx, p.UserID)
	if err != nil {
		return nil, err
	}
	var out []Setting
	for _, set := range settings() {
		if set.label != "" && p.Role <= set.role {
			out = append(out, Setting{set.name, set.label, values[p.UserID][set.name]})
		}
	}
	return out, nil
}

// Mails tells whether notifications can go by mail.
func (s *Service) Mails() bool { return s.o.Mail.Enabled() }

// ChangeSettings sets how a user wants to be told; what is not named stays.
func (s *Service) ChangeSettings(ctx context.Context, userID int64, values map[string]int) error {
	rows := make([]settingRow, 0, len(values))
	for name, value := range values {
		rows = append(rows, settingRow{userID, name, value})
	}
	if len(rows) == 0 {
		return nil
	}
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return tx.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "user_id"}, {Name: "name"}}, DoUpdates: clause.AssignmentColumns([]string{"value"}),
		}).Create(&rows).Error
	})
	if err != nil {
		return fmt.Errorf("notification settings of user %d: %w", userID, err)
	}
	return nil
}
