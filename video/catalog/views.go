package catalog

import (
	"context"
	"fmt"
	"hash/maphash"
	"strconv"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
)

// viewCounter remembers who has seen what in the running hour, as a keyed hash that dies
// with the process: no address is kept.
type viewCounter struct {
	seed maphash.Seed

	mu   sync.Mutex
	hour int64
	now  map[uint64]struct{}
}

// maxViews bounds the memory of an hour; beyond it views are not counted.
const maxViews = 1_000_000

func newViewCounter() *viewCounter {
	return &viewCounter{seed: maphash.MakeSeed(), now: map[uint64]struct{}{}}
}

// first tells whether viewer sees a video for the first time in this hour.
func (c *viewCounter) first(videoID int64, viewer string, at time.Time) bool {
	var h maphash.Hash
	h.SetSeed(c.seed)
	if _, err := h.WriteString(strconv.FormatInt(videoID, 10) + " " + viewer); err != nil {
		return false
	}
	key := h.Sum64()
	hour := at.Unix() / 3600
	c.mu.Lock()
	defer c.mu.Unlock()
	if hour != c.hour {
		c.hour, c.now = hour, map[uint64]struct{}{}
	}
	if _, ok := c.now[key]; ok || len(c.now) >= maxViews {
		return false
	}
	c.now[key] = struct{}{}
	return true
}

// View counts a view of a local video, once for each viewer and hour. viewer is
// whatever tells viewers apart.
func (s *Service) View(ctx context.Context, v *Video, viewer string) error {
	if !v.Local || v.State != Published || !s.views.first(v.ID, viewer, time.Now()) {
		return nil
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		err := tx.Exec("UPDATE videos SET views = views + 1 WHERE id = ?", v.ID).Error
		if err != nil {
			return fmt.Errorf("count view: %w", err)
		}
		return nil
	})
}
