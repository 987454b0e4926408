package view

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/video/catalog"
)

// Limits of players.
const (
	maxPlayers  = 100_000 // at once; the views of more are not counted
	maxSections = 200     // of one player
	maxSpeed    = 4       // times the clock; what moves on faster has jumped
	maxAddress  = 50      // views that one address is believed for each video and life
	maxLives    = 1_000_000
)

// section is a part of a video that was watched, in seconds.
type section struct{ Start, End float64 }

// player is one viewer at one video.
type player struct {
	videoID  int64
	duration int
	live     bool
	sections []section
	first    time.Time
	last     time.Time
	counted  bool
	agent    agent
}

// players are those that report to this process.
type players struct {
	countAfter time.Duration

	mu    sync.Mutex
	byKey map[[16]byte]*player
	byID  map[int64]int64 // players of each video
}

func newPlayers(countAfter time.Duration) players {
	return players{countAfter: countAfter, byKey: map[[16]byte]*player{}, byID: map[int64]int64{}}
}

// beat notes where a player is, and tells whether it has now watched enough
// for a view that was not counted yet.
func (p *players) beat(key [16]byte, v *catalog.Video, at float64, seek bool, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	pl := p.byKey[key]
	if pl == nil {
		if len(p.byKey) >= maxPlayers {
			return false
		}
		pl = &player{videoID: v.ID, duration: v.Duration, live: v.IsLive, first: now, last: now}
		p.byKey[key] = pl
		p.byID[v.ID]++
		seek = true
	}
	pl.move(at, seek, now)
	if pl.counted || pl.watched() < p.enough(pl) {
		return false
	}
	pl.counted = true
	return true
}

// is notes by what a player watches.
func (p *players) is(key [16]byte, a agent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pl := p.byKey[key]; pl != nil {
		pl.agent = a
	}
}

// again makes the next beat of a player count, after its view could not be
// written.
func (p *players) again(key [16]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pl := p.byKey[key]; pl != nil {
		pl.counted = false
	}
}

// enough is how many seconds make a view: of a short video, half of it.
func (p *players) enough(pl *player) float64 {
	after := p.countAfter.Seconds()
	if d := float64(pl.duration); !pl.live && d > 0 && d < after {
		return d / 2
	}
	return after
}

// move takes a player on to a time of the video. A player that went back, or
// on faster than any plays, has jumped, whether it says so or not.
func (pl *player) move(at float64, seek bool, now time.Time) {
	if d := float64(pl.duration); !pl.live && d > 0 {
		at = min(at, d)
	}
	elapsed := now.Sub(pl.last).Seconds()
	pl.last = now
	if n := len(pl.sections); n > 0 && !seek {
		s := &pl.sections[n-1]
		if at >= s.End && at-s.End <= elapsed*maxSpeed+1 {
			s.End = at
			return
		}
	}
	if len(pl.sections) < maxSections {
		pl.sections = append(pl.sections, section{at, at})
	}
}

// watched is how many seconds were watched.
func (pl *player) watched() (sum float64) {
	for _, s := range pl.sections {
		sum += s.End - s.Start
	}
	return sum
}

// stopped takes the players away that have not reported since a time.
func (p *players) stopped(since time.Time) (out []*player) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, pl := range p.byKey {
		if pl.last.After(since) {
			continue
		}
		delete(p.byKey, key)
		if p.byID[pl.videoID]--; p.byID[pl.videoID] == 0 {
			delete(p.byID, pl.videoID)
		}
		out = append(out, pl)
	}
	return out
}

// playing is how many watch each video.
func (p *players) playing() map[int64]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.byID)
}

func (p *players) count(videoID int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byID[videoID]
}

// lives remembers what has happened within a life, as keyed hashes.
type lives struct {
	life time.Duration
	key  []byte

	mu    sync.Mutex
	seen  map[[16]byte]time.Time // until when
	sweep time.Time
}

func newLives(life time.Duration) lives {
	key := make([]byte, 32)
	rand.Read(key)
	return lives{life: life, key: key, seen: map[[16]byte]time.Time{}}
}

// hash names a thing that concerns a video.
func (l *lives) hash(videoID int64, what string) (out [16]byte) {
	h := hmac.New(sha256.New, l.key)
	h.Write([]byte(strconv.FormatInt(videoID, 10) + " " + what))
	copy(out[:], h.Sum(nil))
	return out
}

// has tells whether a thing happened within its life.
func (l *lives) has(key [16]byte, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[key].After(now)
}

// note begins the life of a thing, unless it lives already, and tells whether
// it did. When the memory is full all things are new.
func (l *lives) note(key [16]byte, now time.Time) (fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen[key].After(now) {
		return false
	}
	if now.After(l.sweep) {
		for k, until := range l.seen {
			if !until.After(now) {
				delete(l.seen, k)
			}
		}
		l.sweep = now.Add(l.life / 4)
	}
	if len(l.seen) < maxLives {
		l.seen[key] = now.Add(l.life)
	}
	return true
}

// forget ends the life of a thing.
func (l *lives) forget(key [16]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.seen, key)
}
