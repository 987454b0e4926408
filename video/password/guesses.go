package password

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// maxWrong are the wrong passwords that an address may try for one video
	// within guessWindow. A player asks several times with the one it has.
	maxWrong    = 20
	guessWindow = 5 * time.Minute
	// maxGuessers bounds the memory; above it the count begins anew.
	maxGuessers = 100_000
)

// guesser is an address, of IPv6 its network, at a video.
type guesser struct {
	videoID int64
	from    netip.Addr
}

// guesses counts wrong passwords in fixed windows.
type guesses struct {
	mu     sync.Mutex
	ends   time.Time
	counts map[guesser]int // guarded by mu
}

func guesserOf(videoID int64, from string) guesser {
	a, err := netip.ParseAddr(from)
	if err != nil {
		return guesser{videoID: videoID}
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			a = p.Addr()
		}
	}
	return guesser{videoID, a}
}

// wait is how long an address may not guess; 0 when it may.
func (g *guesses) wait(videoID int64, from string, now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !now.Before(g.ends) || g.counts[guesserOf(videoID, from)] < maxWrong {
		return 0
	}
	return g.ends.Sub(now)
}

// wrong counts a wrong guess.
func (g *guesses) wrong(videoID int64, from string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !now.Before(g.ends) || len(g.counts) >= maxGuessers {
		g.ends, g.counts = now.Add(guessWindow), map[guesser]int{}
	}
	g.counts[guesserOf(videoID, from)]++
}
