package view

import (
	"hash/maphash"
	"strconv"
	"sync"
	"time"
)

// counter remembers who has seen what in the running hour, as a keyed hash that dies
// with the process: no address is kept.
type counter struct {
	seed maphash.Seed

	mu   sync.Mutex
	hour int64
	now  map[uint64]struct{}
}

// maxViews bounds the memory of an hour; beyond it views are not counted.
const maxViews = 1_000_000

func newCounter() *counter {
	return &counter{seed: maphash.MakeSeed(), now: map[uint64]struct{}{}}
}

// first tells whether viewer sees a video for the first time in this hour.
func (c *counter) first(videoID int64, viewer string, at time.Time) bool {
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
