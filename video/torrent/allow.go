package torrent

import (
	"context"
	"encoding/hex"
	"sync"
	"time"
)

const (
	// allowFor is how long an answer is believed: a hash that a video lost is
	// served that long at most, a new one refused only until Forget.
	allowFor = time.Minute
	// allowMax is how many answers are kept, refused hashes among them.
	allowMax = 20_000
)

// AllowList answers whether the tracker may serve an info hash, from memory as
// far as it can. It is safe for concurrent use.
type AllowList struct {
	known func(ctx context.Context, infoHash string) (bool, error)
	now   func() time.Time

	mu      sync.Mutex
	answers map[[20]byte]answer
}

type answer struct {
	ok    bool
	until time.Time
}

// NewAllowList returns a list in front of known, which looks up 40 lower case
// hex digits in the database.
func NewAllowList(known func(ctx context.Context, infoHash string) (bool, error)) *AllowList {
	return &AllowList{known: known, now: time.Now, answers: map[[20]byte]answer{}}
}

// Allow tells whether infoHash belongs to a video that this server tracks
// (SEC-65). Misses are remembered, too. An error is not remembered.
func (a *AllowList) Allow(ctx context.Context, infoHash [20]byte) (bool, error) {
	now := a.now()
	a.mu.Lock()
	got, ok := a.answers[infoHash]
	a.mu.Unlock()
	if ok && now.Before(got.until) {
		return got.ok, nil
	}
	known, err := a.known(ctx, hex.EncodeToString(infoHash[:])) // no lock while it asks
	if err != nil {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.answers) >= allowMax {
		a.evict(now)
	}
	a.answers[infoHash] = answer{known, now.Add(allowFor)}
	return known, nil
}

// evict drops what is over, and when that is not enough, a part of the rest.
func (a *AllowList) evict(now time.Time) {
	for h, v := range a.answers {
		if !now.Before(v.until) {
			delete(a.answers, h)
		}
	}
	for h := range a.answers { // in random order
		if len(a.answers) < allowMax*9/10 {
			return
		}
		delete(a.answers, h)
	}
}

// Forget drops all answers. It is called after a commit that added hashes.
func (a *AllowList) Forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.answers)
}
