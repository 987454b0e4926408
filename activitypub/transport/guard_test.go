package transport

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// addresses of SEC-23 and whether they may be dialled.
var addresses = []struct {
	addr   string
	public bool
}{
	// the internet
	{"1.1.1.1", true},
	{"8.8.8.8", true},
	{"93.184.216.34", true},
	{"172.15.255.255", true},
	{"172.32.0.0", true},
	{"11.0.0.0", true},
	{"9.255.255.255", true},
	{"100.63.255.255", true},
	{"100.128.0.0", true},
	{"128.0.0.1", true},
	{"192.167.255.255", true},
	{"192.169.0.0", true},
	{"198.17.255.255", true},
	{"198.20.0.0", true},
	{"223.255.255.255", true},
	{"2606:4700:4700::1111", true},
	{"2a00:1450:4001:81b::200e", true},
	{"2001:4860:4860::8888", true},
	{"::ffff:8.8.8.8", true},
	{"64:ff9b::808:808", true},
	{"2002:808:808::1", true},
	// not the internet
	{"0.0.0.0", false},
	{"0.1.2.3", false},
	{"10.0.0.1", false},
	{"10.255.255.255", false},
	{"100.64.0.1", false},
	{"100.127.255.255", false},
	{"127.0.0.1", false},
	{"127.255.255.254", false},
	{"169.254.169.254", false},
	{"172.16.0.1", false},
	{"172.31.255.255", false},
	{"192.0.0.8", false},
	{"192.0.2.1", false},
	{"192.88.99.1", false},
	{"192.168.0.1", false},
	{"198.18.0.1", false},
	{"198.19.255.255", false},
	{"198.51.100.7", false},
	{"203.0.113.9", false},
	{"224.0.0.1", false},
	{"239.255.255.255", false},
	{"240.0.0.1", false},
	{"255.255.255.255", false},
	{"::", false},
	{"::1", false},
	{"::ffff:127.0.0.1", false},
	{"::ffff:10.0.0.1", false},
	{"::127.0.0.1", false},
	{"::ffff:0:127.0.0.1", false},
	{"64:ff9b::7f00:1", false},
	{"64:ff9b::a00:1", false},
	{"64:ff9b:1::1", false},
	{"2002:7f00:1::1", false},
	{"2002:a00:1::", false},
	{"2001:0:7f00:1::", false},
	{"2001:0:808:808:0:0:80ff:fffe", false},
	{"2001:db8::1", false},
	{"2001:10::1", false},
	{"2001:20::1", false},
	{"3fff::1", false},
	{"5f00::1", false},
	{"fc00::1", false},
	{"fd12:3456::1", false},
	{"fe80::1", false},
	{"fec0::1", false},
	{"ff02::1", false},
	{"100::1", false},
	{"4000::1", false},
	{"fe80::1%eth0", false},
}

func TestGuard(t *testing.T) {
	if len(addresses) < 60 {
		t.Fatalf("only %d addresses", len(addresses))
	}
	for _, c := range addresses {
		addr := netip.MustParseAddr(c.addr)
		err := Guard{}.Check(addr)
		if (err == nil) != c.public {
			t.Errorf("Check(%s) = %v, want allowed %v", c.addr, err, c.public)
		}
		if err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("Check(%s) = %v, not ErrAddress", c.addr, err)
		}
		open := Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
		if loop := strings.HasSuffix(c.addr, "127.0.0.1") && (c.addr == "127.0.0.1" || strings.HasPrefix(c.addr, "::ffff:127")); loop && open.Check(addr) != nil {
			t.Errorf("named network does not admit %s", c.addr)
		} else if !c.public && !loop && !strings.HasPrefix(c.addr, "127.") && open.Check(addr) == nil {
			t.Errorf("naming 127.0.0.0/8 admits %s too", c.addr)
		}
	}
}

// FuzzGuard: what is allowed is global unicast and in no listed network, also
// when an IPv4 address is unwrapped from it.
func FuzzGuard(f *testing.F) {
	for _, c := range addresses {
		b := netip.MustParseAddr(c.addr).As16()
		f.Add(b[:])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		addr, ok := netip.AddrFromSlice(raw)
		if !ok || (Guard{}).Check(addr) != nil {
			return
		}
		addr = addr.Unmap()
		if addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified() {
			t.Fatalf("%s is allowed", addr)
		}
		if addr.Is4() && within(addr, notPublic) {
			t.Fatalf("%s is listed and allowed", addr)
		}
	})
}

// TestSpellingsOfLoopback: no way to write this machine reaches it, whatever
// a resolver makes of the name.
func TestSpellingsOfLoopback(t *testing.T) {
	hit := false
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hit = true }))
	defer s.Close()
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	everything := func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	c := New(Config{AllowHTTP: true, Ports: []int{atoi(port)}, Lookup: everything})
	defer c.Close()
	for _, host := range []string{
		"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "0177.0.0.1",
		"017700000001", "0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "127.0.0.1.",
		"loopback.example", "①②⑦.⓪.⓪.①", "127。0。0。1", "user@127.0.0.1", "[::1%25lo]",
	} {
		_, _, err := c.GetFile(t.Context(), "http://"+host+":"+port+"/", 100)
		if err == nil || hit {
			t.Fatalf("%s reached the listener", host)
		}
		if !errors.Is(err, ErrAddress) && !errors.Is(err, ErrURL) {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func atoi(s string) (n int) {
	for _, c := range s {
		n = n*10 + int(c-'0')
	}
	return n
}

// TestRebinding: a resolver that gives a public address first and a private
// one at the next question, or both at once, gains nothing.
func TestRebinding(t *testing.T) {
	asked := 0
	c := New(Config{AllowHTTP: true, Lookup: func(context.Context, string) ([]netip.Addr, error) {
		asked++
		return []netip.Addr{netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:192.168.0.1")}, nil
	}})
	defer c.Close()
	_, _, err := c.GetFile(t.Context(), "http://rebind.example/", 100)
	if !errors.Is(err, ErrAddress) || asked != 1 {
		t.Errorf("%v after %d look-ups", err, asked)
	}
	// The socket is checked once more, whatever was resolved before.
	d := newDialer(Config{})
	if err := d.control(t.Context(), "tcp4", "127.0.0.1:443", nil); !errors.Is(err, ErrAddress) {
		t.Errorf("control: %v", err)
	}
	if err := d.control(t.Context(), "tcp4", "93.184.216.34:443", nil); err != nil {
		t.Errorf("control: %v", err)
	}
}

func TestPorts(t *testing.T) {
	public := netip.MustParseAddr("93.184.216.34")
	local := netip.MustParseAddr("127.0.0.1")
	d := newDialer(Config{Ports: []int{8443}, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	for port, ok := range map[uint16]bool{80: true, 443: true, 8443: true, 22: false, 25: false, 6379: false, 9000: false, 0: false} {
		if err := d.check(public, port); (err == nil) != ok {
			t.Errorf("public port %d: %v", port, err)
		}
	}
	for port, ok := range map[uint16]bool{9000: true, 22: true, 0: false} {
		if err := d.check(local, port); (err == nil) != ok {
			t.Errorf("port %d in a named network: %v", port, err)
		}
	}
}
