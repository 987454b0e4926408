package delivery

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/transport"
)

// How deliveries to one host share the slots of the queue (REL-07).
const (
	hostSlots   = 8 // at once to a healthy host
	shakySlots  = 2 // once it has failed
	breakAfter  = 5 // failures in a row open the breaker: one probe at a time
	firstBreak  = time.Minute
	longestStop = 30 * time.Minute
	queueStep   = 100 * time.Millisecond // between deliveries that wait for a slot
	queueWait   = time.Second            // at least, before asking again
)

// hosts knows how the hosts that are delivered to are doing. It is this
// process's own experience: after a restart it is made anew.
type hosts struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[string]*hostState
}

type hostState struct {
	busy     int       // requests under way
	failures int       // in a row
	until    time.Time // nothing is sent before
	turn     time.Time // when the last one of those that wait comes back
}

func newHosts(now func() time.Time) *hosts {
	if now == nil {
		now = time.Now
	}
	return &hosts{now: now, m: map[string]*hostState{}}
}

// admit gives 0 when a request may be made now, which report or leave must
// end; else how long to wait before asking again.
func (h *hosts) admit(host string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.m[host]
	if s == nil {
		s = &hostState{}
		h.m[host] = s
	}
	slots := hostSlots
	switch {
	case s.failures >= breakAfter:
		slots = 1
	case s.failures > 0:
		slots = shakySlots
	}
	now := h.now()
	if now.Before(s.until) {
		return s.queue(s.until) - now.Sub(s.until)
	}
	if s.busy >= slots {
		return s.queue(now)
	}
	s.busy++
	return 0
}

// queue lets those that wait come back one after the other instead of all at
// once, and tells how long after from.
func (s *hostState) queue(from time.Time) time.Duration {
	if s.turn.Before(from) {
		s.turn = from
	}
	s.turn = s.turn.Add(queueStep)
	return s.turn.Sub(from) + queueWait
}

// leave ends a request that was given up here.
func (h *hosts) leave(host string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.m[host]; s != nil {
		s.busy--
		h.forget(host, s)
	}
}

// report ends a request and learns from its outcome. Only what says something
// about the host counts: no answer, 5xx and 429; other answers show that it
// lives.
func (h *hosts) report(host string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.m[host]
	if s == nil {
		return
	}
	s.busy--
	status, answered := errors.AsType[*transport.StatusError](err)
	if err == nil || answered && status.Code < 500 && status.Code != 429 {
		s.failures, s.until, s.turn = 0, time.Time{}, time.Time{}
		h.forget(host, s)
		return
	}
	s.failures++
	var stop time.Duration
	if s.failures >= breakAfter {
		stop = min(firstBreak<<min(s.failures-breakAfter, 10), longestStop)
		stop += rand.N(stop / 5) //nolint:gosec // jitter is no secret
	}
	if answered {
		stop = max(stop, status.RetryAfter)
	}
	if until := h.now().Add(stop); stop > 0 && until.After(s.until) {
		s.until = until
	}
}

// forget keeps the map as small as the number of hosts in trouble or in use.
func (h *hosts) forget(host string, s *hostState) {
	if s.busy <= 0 && s.failures == 0 {
		delete(h.m, host)
	}
}
