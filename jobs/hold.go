package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/config/db"
)

// hold is a row: jobs of the kind do not start before until.
type hold struct {
	Kind  string `gorm:"primaryKey"`
	Until time.Time
}

func (hold) TableName() string { return "job_holds" }

// Hold keeps jobs of one kind from being started by any process before until,
// which replaces what was said before; the zero time lets them go on at once.
// Jobs that run already are finished.
func Hold(ctx context.Context, d *db.DB, kind string, until time.Time) error {
	err := d.Tx(ctx, func(tx *db.Tx) error {
		if until.IsZero() {
			tx.Notify(topic)
			return errors.Join(
				tx.Where("kind = ?", kind).Delete(&hold{}).Error,
				tx.Model(&Job{}).Where("kind = ? AND state = ?", kind, Waiting).Update("epoch", "").Error, // to be offered again
			)
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&hold{kind, until.UTC().Truncate(time.Microsecond)}).Error
	})
	if err != nil {
		return fmt.Errorf("hold jobs %s: %w", kind, err)
	}
	return nil
}
