package inbox

import (
	"context"
	"crypto"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
)

// Limits of the keys held in memory. keyTime bounds how long a key is taken
// after another process has replaced it; this process replaces its own at
// once, when the new key has been seen.
const (
	keyTime = 10 * time.Second
	maxKeys = 10_000
)

// keys holds the keys in use, so that a host which sends much does not cost
// a look-up and a parse for each activity (SEC-08).
type keys struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[string]heldKey
}

type heldKey struct {
	owner *actor.Actor
	key   crypto.PublicKey
	until time.Time
}

func newKeys(now func() time.Time) *keys {
	if now == nil {
		now = time.Now
	}
	return &keys{now: now, m: map[string]heldKey{}}
}

func (k *keys) get(id string) (heldKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h, ok := k.m[id]
	return h, ok && k.now().Before(h.until)
}

func (k *keys) put(id string, h heldKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.m) >= maxKeys {
		clear(k.m)
	}
	if h.until.IsZero() {
		h.until = k.now().Add(keyTime)
	}
	k.m[id] = h
}

// forget drops all keys of an actor, which has changed.
func (k *keys) forget(owner string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, h := range k.m {
		if h.owner.IRI == owner {
			delete(k.m, id)
		}
	}
}

// keyOf finds the owner of a key and the key, and tells whether it was known
// before this request.
func (b *Inbox) keyOf(ctx context.Context, id string) (h heldKey, known bool, err error) {
	if h, ok := b.keys.get(id); ok {
		return h, true, nil
	}
	begun := db.Now()
	if h.owner, h.key, err = b.o.Actors.KeyOf(ctx, id); err != nil {
		return heldKey{}, false, err
	}
	at := h.owner.FetchedAt
	return h, at == nil || at.Before(begun), nil
}
