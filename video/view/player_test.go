package view

import (
	"fmt"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/video/catalog"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// TestMove: which parts of a video a player has watched.
func TestMove(t *testing.T) {
	type step struct {
		after, at float64 // seconds of the clock and of the video
		seek      bool
	}
	for _, c := range []struct {
		name     string
		duration int
		live     bool
		steps    []step
		sections string
		watched  float64
	}{
		{"plays on", 600, false, []step{{0, 0, false}, {5, 5, false}, {5, 10, false}}, "[{0 10}]", 10},
		{"stands still", 600, false, []step{{0, 7, false}, {5, 7, false}}, "[{7 7}]", 0},
		{"at double speed", 600, false, []step{{0, 0, false}, {5, 10, false}}, "[{0 10}]", 10},
		{"faster than any plays", 600, false, []step{{0, 0, false}, {5, 60, false}}, "[{0 0} {60 60}]", 0},
		{"back", 600, false, []step{{0, 50, false}, {5, 55, false}, {5, 20, false}, {5, 25, false}}, "[{50 55} {20 25}]", 10},
		{"jumps", 600, false, []step{{0, 0, false}, {5, 5, false}, {1, 5.5, true}, {5, 10, false}}, "[{0 5} {5.5 10}]", 9.5},
		{"past the end", 20, false, []step{{0, 15, false}, {5, 20, false}, {5, 25, false}}, "[{15 20}]", 5},
		{"past the end of a live", 20, true, []step{{0, 15, false}, {5, 20, false}, {5, 25, false}}, "[{15 25}]", 10},
	} {
		pl := &player{duration: c.duration, live: c.live, last: noon}
		now := noon
		for _, s := range c.steps {
			now = now.Add(time.Duration(s.after * float64(time.Second)))
			pl.move(s.at, s.seek, now)
		}
		if got := fmt.Sprint(pl.sections); got != c.sections || pl.watched() != c.watched {
			t.Errorf("%s: %s, %v s, want %s, %v s", c.name, got, pl.watched(), c.sections, c.watched)
		}
	}
	pl := &player{last: noon}
	for i := range 2 * maxSections {
		pl.move(float64(i), true, noon)
	}
	if len(pl.sections) != maxSections {
		t.Errorf("%d sections are kept", len(pl.sections))
	}
}

func TestEnough(t *testing.T) {
	p := newPlayers(10 * time.Second)
	for _, c := range []struct {
		duration int
		live     bool
		want     float64
	}{{600, false, 10}, {10, false, 10}, {9, false, 4.5}, {1, false, 0.5}, {0, false, 10}, {5, true, 10}} {
		if got := p.enough(&player{duration: c.duration, live: c.live}); got != c.want {
			t.Errorf("of %d s, live %v: %v, want %v", c.duration, c.live, got, c.want)
		}
	}
}

// TestPlayers: who plays, who has stopped, and how many there may be.
func TestPlayers(t *testing.T) {
	p, v := newPlayers(10*time.Second), &catalog.Video{ID: 7, Duration: 600}
	key := func(i int) [16]byte { return [16]byte{byte(i), byte(i >> 8), byte(i >> 16)} }
	p.beat(key(1), v, 0, false, noon)
	p.beat(key(2), v, 0, false, noon.Add(time.Minute))
	p.beat(key(2), v, 5, false, noon.Add(time.Minute+5*time.Second))
	if n := p.count(7); n != 2 || p.playing()[7] != 2 || p.count(8) != 0 {
		t.Errorf("%d play", n)
	}
	if out := p.stopped(noon.Add(time.Second)); len(out) != 1 || out[0].first != noon {
		t.Errorf("stopped: %v", out)
	}
	if n := p.count(7); n != 1 {
		t.Errorf("%d play on", n)
	}
	p.beat(key(2), v, 10, false, noon.Add(time.Minute+10*time.Second))
	p.again(key(2))
	if !p.beat(key(2), v, 11, false, noon.Add(time.Minute+11*time.Second)) {
		t.Error("a view that was not written does not count again")
	}
	if p.beat(key(2), v, 12, false, noon.Add(time.Minute+12*time.Second)) {
		t.Error("a view counts twice")
	}
	for i := 10; i < maxPlayers+100; i++ {
		p.beat(key(i), v, 0, false, noon)
	}
	if n := p.count(7); n != maxPlayers {
		t.Errorf("%d play, want at most %d", n, maxPlayers)
	}
	p.stopped(noon.Add(time.Hour))
	if len(p.playing()) != 0 {
		t.Error("somebody plays on")
	}
}

func TestLives(t *testing.T) {
	l := newLives(time.Hour)
	a, b := l.hash(1, "a"), l.hash(1, "b")
	if a == b || a == l.hash(11, "a") || l.hash(1, "1 a") == l.hash(11, " a") || a != l.hash(1, "a") {
		t.Error("hashes do not tell things apart")
	}
	other := newLives(time.Hour)
	if a == other.hash(1, "a") {
		t.Error("the hash has no key")
	}
	for _, s := range []struct {
		name  string
		key   [16]byte
		at    time.Duration
		fresh bool
	}{
		{"first", a, 0, true}, {"again", a, 59 * time.Minute, false}, {"another", b, 0, true}, {"after its life", a, time.Hour, true}, {"and again", a, time.Hour, false},
	} {
		if got := l.has(s.key, noon.Add(s.at)); got == s.fresh {
			t.Errorf("%s: known %v", s.name, got)
		}
		if got := l.note(s.key, noon.Add(s.at)); got != s.fresh {
			t.Errorf("%s: %v, want %v", s.name, got, s.fresh)
		}
	}
	l.forget(a)
	if !l.note(a, noon.Add(time.Hour)) {
		t.Error("what was forgotten is known")
	}
	l.note(l.hash(2, "c"), noon.Add(10*time.Hour))
	if len(l.seen) != 1 {
		t.Errorf("%d are kept after their life", len(l.seen))
	}
}
