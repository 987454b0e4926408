package followsync

import (
	"context"
	"sync"
	"time"
)

// How long digests are believed, and of how many actors they are kept.
const (
	cacheFor = time.Minute
	cacheMax = 200
)

// Cache keeps the digests of our actors' followers by host, so that a delivery
// to a thousand hosts reads the followers once.
type Cache struct {
	// Load gives the followers of an actor by their hosts.
	Load func(ctx context.Context, actorID int64) (map[string][]string, error)

	mu sync.Mutex
	m  map[int64]digests
}

type digests struct {
	until  time.Time
	byHost map[string]string
}

// On gives the digest of the followers of an actor that live on a host.
func (c *Cache) On(ctx context.Context, actorID int64, host string) (string, error) {
	c.mu.Lock()
	d, ok := c.m[actorID]
	c.mu.Unlock()
	if !ok || time.Now().After(d.until) {
		all, err := c.Load(ctx, actorID)
		if err != nil {
			return "", err
		}
		d = digests{until: time.Now().Add(cacheFor), byHost: make(map[string]string, len(all))}
		for h, ids := range all {
			d.byHost[h] = Digest(ids)
		}
		c.mu.Lock()
		if c.m == nil || len(c.m) >= cacheMax {
			c.m = map[int64]digests{}
		}
		c.m[actorID] = d
		c.mu.Unlock()
	}
	if s, ok := d.byHost[host]; ok {
		return s, nil
	}
	return Digest(nil), nil
}

// Forget drops what is kept of an actor, after its followers changed.
func (c *Cache) Forget(actorID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.m, actorID)
}
