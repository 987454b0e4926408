package delivery

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/transport"
)

func TestHosts(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	h := newHosts(func() time.Time { return now })
	const host = "a.example"
	dead, busy, no := errors.New("no answer"), &transport.StatusError{Code: 503}, &transport.StatusError{Code: 403}
	admitted := func(want int) {
		t.Helper()
		n := 0
		for range 20 {
			if h.admit(host) == 0 {
				n++
			}
		}
		if n != want {
			t.Fatalf("%d admitted, want %d", n, want)
		}
		for range n {
			h.leave(host)
		}
	}
	fail := func(err error) {
		t.Helper()
		if h.admit(host) != 0 {
			t.Fatal("not admitted")
		}
		h.report(host, err)
	}
	admitted(hostSlots)
	fail(dead)
	admitted(shakySlots)
	fail(no) // it answers, so it lives
	admitted(hostSlots)
	for range breakAfter - 1 {
		fail(busy)
	}
	admitted(shakySlots)
	fail(dead)
	admitted(0) // the breaker is open
	now = now.Add(2 * firstBreak)
	admitted(1) // a probe
	fail(dead)
	now = now.Add(firstBreak)
	admitted(0) // and a longer pause
	now = now.Add(2 * firstBreak)
	for range 20 {
		now = now.Add(2 * longestStop)
		fail(dead)
	}
	now = now.Add(2 * longestStop)
	admitted(1) // never longer than that
	fail(nil)
	admitted(hostSlots)
	fail(&transport.StatusError{Code: 429, RetryAfter: time.Hour})
	now = now.Add(59 * time.Minute)
	admitted(0)
	now = now.Add(2 * time.Minute)
	admitted(shakySlots)
	fail(nil)
	if len(h.m) != 0 {
		t.Errorf("%d hosts are remembered without a reason", len(h.m))
	}
}

// TestHostsQueue: those that wait come back one after the other, none at once
// and none much later than its turn.
func TestHostsQueue(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	h := newHosts(func() time.Time { return now })
	for range hostSlots {
		h.admit("a.example")
	}
	last := time.Duration(0)
	for i := range 100 {
		wait := h.admit("a.example")
		if wait < queueWait || wait <= last || wait > queueWait+time.Duration(i+1)*queueStep {
			t.Fatalf("delivery %d waits %v after %v", i, wait, last)
		}
		last = wait
	}
	if h.admit("b.example") != 0 {
		t.Error("another host has to wait")
	}
	for i := range 1000 {
		h.admit(fmt.Sprint(i))
		h.report(fmt.Sprint(i), nil)
	}
	if len(h.m) != 2 {
		t.Errorf("%d hosts are remembered", len(h.m))
	}
	// While the breaker is open, nobody comes back before it closes.
	for range breakAfter {
		h.admit("c.example")
		h.report("c.example", errors.New("no answer"))
	}
	if wait := h.admit("c.example"); wait < firstBreak {
		t.Errorf("comes back after %v", wait)
	}
}
