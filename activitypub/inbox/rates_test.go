package inbox

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// SEC-35: the burst at once, then the rate, for hosts and for actors.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates(Limits{}, nil)
		send := func(actor string, n int) (taken int) {
			for range n {
				if r.take("a.example", "https://a.example/"+actor, 1) == 0 {
					taken++
				}
			}
			return taken
		}
		if n := send("one", 101); n != 100 {
			t.Errorf("an actor sends %d at once, want 100", n)
		}
		if w := r.take("a.example", "https://a.example/one", 1); w <= 0 || w > 100*time.Millisecond {
			t.Errorf("it waits %v, want up to 100 ms", w)
		}
		for i := range 3 {
			if n := send(fmt.Sprint("more", i), 100); n != 100 {
				t.Errorf("actor %d sends %d, want 100", i, n)
			}
		}
		if n := send("last", 101); n != 100 {
			t.Errorf("the host sends %d more, want 100: all 500", n)
		}
		if n := send("another", 1); n != 0 {
			t.Error("a host over its limit sends more")
		}
		if r.take("b.example", "https://b.example/u", 1) != 0 {
			t.Error("another host is refused")
		}
		time.Sleep(time.Second)
		if n := send("one", 20); n != 10 {
			t.Errorf("after a second an actor sends %d, want 10", n)
		}
		if n := send("new", 60); n != 40 {
			t.Errorf("after a second the host sends %d more, want 40", n)
		}
		time.Sleep(time.Hour)
		if n := send("one", 200); n != 100 {
			t.Errorf("after an hour an actor sends %d, want 100", n)
		}
	})
}

// The memory holds only who has sent something in the last seconds.
func TestRatesForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRates(Limits{}, nil)
		for i := range 300_000 {
			r.take(fmt.Sprintf("h%d.example", i), fmt.Sprintf("https://h%d.example/u", i), 1)
			if i%1000 == 0 {
				time.Sleep(200 * time.Millisecond)
			}
		}
		if n := len(r.hosts.m) + len(r.actors.m); n > 3*minSweep {
			t.Errorf("%d buckets are held", n)
		}
		if r.hosts.m["h299999.example"] == nil {
			t.Error("one in use was forgotten")
		}
	})
}

// A clock that is set back stops nobody for long.
func TestRatesClock(t *testing.T) {
	now := time.Now()
	r := newRates(Limits{HostRate: 1, HostBurst: 1, ActorRate: 1, ActorBurst: 1}, func() time.Time { return now })
	if r.take("a", "a", 1) != 0 || r.take("a", "a", 1) == 0 {
		t.Fatal("the limit of one does not hold")
	}
	now = now.Add(-10 * time.Minute)
	r.take("a", "a", 1)
	now = now.Add(time.Second)
	if w := r.take("a", "a", 1); w != 0 {
		t.Errorf("waits %v", w)
	}
}

func TestRetryAfter(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", time.Second: "1", 1100 * time.Millisecond: "2", time.Minute: "60"} {
		if got := retryAfter(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
