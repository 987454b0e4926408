package catalog

import (
	"fmt"

	"github.com/kinemesh/kinemesh/config/db"
)

// moved has [Service.Moved] hear of a change. A channel changes with each video
// that is published in it.
func (s *Service) moved(tx *db.Tx, before, v *Video) error {
	if v.published() && (before == nil || !before.published()) {
		if err := tx.Exec("UPDATE channels SET updated_at = ? WHERE id = ?", db.Now(), v.ChannelID).Error; err != nil {
			return fmt.Errorf("channel of video %d: %w", v.ID, err)
		}
	}
	if s.Moved == nil {
		return nil
	}
	return s.Moved(tx, before, v)
}

func (v *Video) published() bool { return v.Privacy == Public && v.State == Published }

// Open tells whether v is for everybody, in what it is itself: lists may leave it
// out, as those do videos of servers that nobody here follows.
func (v *Video) Open() bool {
	return v.Privacy == Public && !v.Blocked && (v.State == Published || v.State == WaitingForLive || v.State == LiveEnded)
}
