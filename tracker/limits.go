package tracker

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// PeerTube's window: announces of one address for one torrent.
	windowTime      = 5 * time.Minute
	windowAnnounces = 15
	// What the window remembers; beyond it newcomers go uncounted, about 10 MB.
	maxWindowEntries = 100_000

	// A ban falls on an address after so many different unknown torrents, not
	// after one: many viewers share an address, and an old page may ask for
	// every rendition of a video that was deleted.
	banAfter    = 30
	banTime     = 3 * time.Minute
	maxSuspects = 10_000 // about 7 MB when each is at the brink
)

// hostOf groups addresses for limits: an IPv4 address stands for itself, an
// IPv6 address for its /64, of which one machine can use all.
func hostOf(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

type windowKey struct {
	host netip.Prefix
	hash InfoHash
}

// announceWindow counts announces in windows that all begin together.
type announceWindow struct {
	mu    sync.Mutex
	began time.Time
	seen  map[windowKey]uint16
}

// over counts one announce and reports whether it is one too many.
func (w *announceWindow) over(now time.Time, host netip.Prefix, h InfoHash) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen == nil || now.Sub(w.began) >= windowTime {
		w.began, w.seen = now, make(map[windowKey]uint16)
	}
	k := windowKey{host, h}
	n, known := w.seen[k]
	switch {
	case n >= windowAnnounces:
		return true
	case !known && len(w.seen) >= maxWindowEntries:
		return false
	}
	w.seen[k] = n + 1
	return false
}

// prune lets go of a window that is over.
func (w *announceWindow) prune(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.began) >= windowTime {
		w.seen = nil
	}
}

// suspects remembers who asked for unknown torrents of late.
type suspects struct {
	any   atomic.Bool // spares the lock while there is none
	mu    sync.Mutex
	hosts map[netip.Prefix]*suspect
}

type suspect struct {
	since  time.Time
	hashes []InfoHash
	banned time.Time // until then
}

// unknown notes a request for a torrent that is not served and reports whether
// its host is banned by it.
func (b *suspects) unknown(now time.Time, host netip.Prefix, h InfoHash) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.hosts[host]
	if s == nil || now.Sub(s.since) >= banTime && !now.Before(s.banned) {
		if b.hosts == nil {
			b.hosts = make(map[netip.Prefix]*suspect)
		}
		if s == nil && len(b.hosts) >= maxSuspects {
			for other := range b.hosts { // any one: map order is random
				delete(b.hosts, other)
				break
			}
		}
		s = &suspect{since: now}
		b.hosts[host] = s
		b.any.Store(true)
	}
	if slices.Contains(s.hashes, h) {
		return now.Before(s.banned)
	}
	if s.hashes = append(s.hashes, h); len(s.hashes) >= banAfter {
		s.banned = now.Add(banTime)
		s.hashes = nil
	}
	return now.Before(s.banned)
}

func (b *suspects) banned(now time.Time, host netip.Prefix) bool {
	if !b.any.Load() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.hosts[host]
	return s != nil && now.Before(s.banned)
}

// prune forgets those whose time is over.
func (b *suspects) prune(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for host, s := range b.hosts {
		if now.Sub(s.since) >= banTime && !now.Before(s.banned) {
			delete(b.hosts, host)
		}
	}
	b.any.Store(len(b.hosts) > 0)
}
