package push

import (
	"testing"
	"time"
)

// TestSeen: each row is taken once, also one that comes after a higher id, and
// what was remembered of old ones is forgotten.
func TestSeen(t *testing.T) {
	var s seen
	start := time.Unix(1_000_000, 0)
	s.reset(10)
	if from := s.from(start); from != 10 {
		t.Fatalf("from = %d, want 10", from)
	}
	for _, c := range []struct {
		id   int64
		want bool
	}{{9, false}, {10, false}, {12, true}, {12, false}, {11, true}, {15, true}} {
		if got := s.add(c.id); got != c.want {
			t.Errorf("add(%d) = %v", c.id, got)
		}
	}
	if from := s.from(start.Add(late / 2)); from != 10 {
		t.Errorf("from = %d while late rows may come", from)
	}
	s.from(start.Add(late))
	s.add(20)
	if !s.add(14) {
		t.Error("a late row is lost")
	}
	if from := s.from(start.Add(2 * late)); from != 15 {
		t.Errorf("from = %d, want what was highest a while ago", from)
	}
	if len(s.ids) != 1 || !s.ids[20] {
		t.Errorf("remembered = %v", s.ids)
	}
}
