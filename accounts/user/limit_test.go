package user

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newTestLimiter(limit int) (*Limiter, *clock) {
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	l := NewLimiter(5*time.Minute, limit)
	l.now = c.now
	return l, c
}

func TestLimiter(t *testing.T) {
	l, c := newTestLimiter(15)
	for i := range 15 {
		if l.Allow("a") != nil {
			t.Fatalf("attempt %d is refused", i+1)
		}
	}
	if many := l.Allow("a"); many == nil || many.Retry != 5*time.Minute || many.Limit != 15 {
		t.Errorf("16th attempt: %v", many)
	}
	if l.Allow("b") != nil {
		t.Error("another key is refused")
	}
	c.t = c.t.Add(4 * time.Minute)
	if many := l.Allow("a", "b"); many == nil || many.Retry != time.Minute {
		t.Errorf("one of two keys is over: %v", many)
	}
	c.t = c.t.Add(time.Minute)
	if l.Allow("a") != nil {
		t.Error("refused in a new window")
	}
	l.Undo("a")
	for i := range 15 {
		if l.Allow("a") != nil {
			t.Errorf("attempt %d after one was taken back is refused", i+1)
		}
	}
	l.Undo("never seen")
}

// TestLimiterMemory fills the table with more keys than it may hold.
func TestLimiterMemory(t *testing.T) {
	l, c := newTestLimiter(1)
	for i := range maxKeys * 2 {
		_ = l.Allow(fmt.Sprint(i))
		if i%10000 == 0 {
			c.t = c.t.Add(time.Second)
		}
	}
	if n := len(l.keys); n > maxKeys {
		t.Errorf("%d keys, want at most %d", n, maxKeys)
	}
	c.t = c.t.Add(time.Hour)
	l.makeRoom(c.t)
	if n := len(l.keys); n != 0 {
		t.Errorf("%d keys left whose window is over", n)
	}
}

func TestKeys(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1": "ip:192.0.2.1", "192.0.2.1:4711": "ip:192.0.2.1", "::ffff:192.0.2.1": "ip:192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "ip:2001:db8:1:2::/64", "[2001:db8:1:2::9]:80": "ip:2001:db8:1:2::/64",
		"fe80::1%eth0": "ip:fe80::/64", "unix": "ip:unix",
	} {
		if got := AddressKey(ip); got != want {
			t.Errorf("AddressKey(%q) = %q, want %q", ip, got, want)
		}
	}
	if LoginKey(" Alice ") != LoginKey("alice") || LoginKey("alice") == LoginKey("bob") {
		t.Error("LoginKey does not fold as documented")
	}
	if n := len(LoginKey(strings.Repeat("a", 10000))); n > 110 {
		t.Errorf("key of %d bytes", n)
	}
}

func TestAddressMayRegister(t *testing.T) {
	nets := func(s ...string) (out []netip.Prefix) {
		for _, x := range s {
			out = append(out, netip.MustParsePrefix(x))
		}
		return out
	}
	for _, c := range []struct {
		ip          string
		allow, deny []netip.Prefix
		want        bool
	}{
		{"192.0.2.1", nil, nil, true},
		{"not an address", nil, nil, true},
		{"192.0.2.1", nets("192.0.2.0/24"), nil, true},
		{"::ffff:192.0.2.1", nets("192.0.2.0/24"), nil, true},
		{"192.0.3.1", nets("192.0.2.0/24"), nil, false},
		{"192.0.2.1", nil, nets("192.0.2.0/24"), false},
		{"192.0.2.1", nets("192.0.0.0/16"), nets("192.0.2.0/24"), false},
		{"not an address", nil, nets("192.0.2.0/24"), false},
	} {
		if got := addressMayRegister(c.ip, c.allow, c.deny); got != c.want {
			t.Errorf("addressMayRegister(%s, %v, %v) = %v", c.ip, c.allow, c.deny, got)
		}
	}
}
