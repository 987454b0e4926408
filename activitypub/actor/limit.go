package actor

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/transport"
)

// How long a failed look-up is remembered (SEC-33, SEC-34).
const (
	missFor = 5 * time.Minute
	goneFor = 24 * time.Hour
	// maxMisses bounds the memory; when full, all are forgotten.
	maxMisses = 20_000
)

// misses remembers look-ups that failed.
type misses struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[string]miss
}

type miss struct {
	until time.Time
	gone  bool
}

func newMisses(now func() time.Time) *misses { return &misses{now: now, m: map[string]miss{}} }

// check gives an error while id is remembered.
func (m *misses) check(id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.m[id]
	switch {
	case !ok:
		return nil
	case m.now().After(e.until):
		delete(m.m, id)
		return nil
	case e.gone:
		return fmt.Errorf("%w: %s", ErrGone, id)
	}
	return fmt.Errorf("%w: %s failed a moment ago", ErrLimited, id)
}

// note remembers the outcome of a look-up; success forgets.
func (m *misses) note(id string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		delete(m.m, id)
		return
	case errors.Is(err, transport.ErrBudget), errors.Is(err, ErrLimited), errors.Is(err, ErrStore):
		return // says nothing about id
	case len(m.m) >= maxMisses:
		clear(m.m)
	}
	if transport.Gone(err) {
		m.m[id] = miss{m.now().Add(goneFor), true}
		return
	}
	m.m[id] = miss{m.now().Add(missFor), false}
}

// Limits of key fetches a minute (SEC-08).
const (
	perKey  = 3
	perHost = 30
)

// limiter counts fetches in windows of a minute.
type limiter struct {
	now   func() time.Time
	mu    sync.Mutex
	start time.Time
	keys  map[string]int
	hosts map[string]int
}

func newLimiter(now func() time.Time) *limiter { return &limiter{now: now} }

func (l *limiter) allow(key, host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.now(); l.keys == nil || t.Sub(l.start) >= time.Minute || t.Before(l.start) {
		l.start, l.keys, l.hosts = t, map[string]int{}, map[string]int{}
	}
	if l.keys[key] >= perKey || l.hosts[host] >= perHost {
		return false
	}
	l.keys[key]++
	l.hosts[host]++
	return true
}
