package tracker

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"
)

func hostAt(n int) netip.Prefix {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], uint32(n)+1<<24)
	return hostOf(netip.AddrFrom4(a))
}

func TestHostOf(t *testing.T) {
	tests := []struct {
		a, b string
		same bool
	}{
		{"203.0.113.1", "203.0.113.1", true},
		{"203.0.113.1", "203.0.113.2", false},
		{"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"::1", "127.0.0.1", false},
	}
	for _, test := range tests {
		if got := hostOf(netip.MustParseAddr(test.a)) == hostOf(netip.MustParseAddr(test.b)); got != test.same {
			t.Errorf("%s and %s are one host: %v, want %v", test.a, test.b, got, test.same)
		}
	}
	if got := hostOf(netip.Addr{}); got.IsValid() {
		t.Errorf("no address has host %v", got)
	}
}

func TestWindowIsBounded(t *testing.T) {
	var w announceWindow
	now := time.Now()
	for i := range maxWindowEntries + 1000 {
		if w.over(now, hostAt(i), testHash) {
			t.Fatalf("first announce of host %d is one too many", i)
		}
	}
	if len(w.seen) != maxWindowEntries {
		t.Errorf("window holds %d entries, want %d", len(w.seen), maxWindowEntries)
	}
	// Those it knows are still counted.
	for range windowAnnounces - 1 {
		w.over(now, hostAt(0), testHash)
	}
	if !w.over(now, hostAt(0), testHash) {
		t.Error("a full window does not count any more")
	}
	w.prune(now.Add(windowTime - 1))
	if w.seen == nil {
		t.Error("prune dropped a window that is not over")
	}
	w.prune(now.Add(windowTime))
	if w.seen != nil {
		t.Error("prune kept a window that is over")
	}
}

func TestSuspectsAreBounded(t *testing.T) {
	var b suspects
	now := time.Now()
	if b.banned(now, hostAt(0)) {
		t.Error("a host is banned from the start")
	}
	for i := range maxSuspects + 1000 {
		b.unknown(now, hostAt(i), testHash)
	}
	if len(b.hosts) != maxSuspects {
		t.Errorf("%d suspects, want %d", len(b.hosts), maxSuspects)
	}
	for i := range 1000 {
		b.unknown(now, hostAt(-1), InfoHash{byte(i), byte(i >> 8)})
	}
	if got := len(b.hosts[hostAt(-1)].hashes); got > banAfter {
		t.Errorf("a suspect holds %d torrents, want at most %d", got, banAfter)
	}
	b.prune(now.Add(banTime - 1))
	if !b.banned(now.Add(banTime-1), hostAt(-1)) {
		t.Error("the ban ended too early")
	}
	b.prune(now.Add(banTime))
	if len(b.hosts) != 0 || b.any.Load() {
		t.Errorf("%d suspects after their time", len(b.hosts))
	}
}

func TestSuspicionFades(t *testing.T) {
	var b suspects
	now := time.Now()
	for i := range banAfter - 1 {
		b.unknown(now, hostAt(0), InfoHash{byte(i)})
	}
	if b.unknown(now.Add(banTime), hostAt(0), InfoHash{255}) {
		t.Error("banned although the others were long ago")
	}
}

func TestLogIP(t *testing.T) {
	for _, test := range []struct {
		addr      string
		anonymize bool
		want      string
	}{
		{"203.0.113.7", false, "203.0.113.7"},
		{"203.0.113.7", true, "203.0.0.0/16"},
		{"2001:db8:1:2::7", false, "2001:db8:1:2::7"},
		{"2001:db8:1:2::7", true, "2001:db8::/32"},
	} {
		s := New(Options{AnonymizeIP: test.anonymize})
		if got := s.logIP(netip.MustParseAddr(test.addr)); got != test.want {
			t.Errorf("logIP(%s), anonymize %v = %s, want %s", test.addr, test.anonymize, got, test.want)
		}
	}
}
