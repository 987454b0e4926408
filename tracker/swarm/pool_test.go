package swarm

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// check compares a pool with what it should hold, and looks at its inner order.
func check(t *testing.T, p *pool[endpoint4, ID], want map[endpoint4]bool) {
	t.Helper()
	if len(p.peers) != len(want) || len(p.index) != len(want) {
		t.Fatalf("pool holds %d peers and %d keys, want %d", len(p.peers), len(p.index), len(want))
	}
	hosts := make(map[host]uint16)
	for i, e := range p.peers {
		seed, ok := want[e.key]
		if !ok {
			t.Fatalf("pool holds %v, which was removed", e.key.addrPort())
		}
		if seed != (i < p.seeds) {
			t.Fatalf("peer at %d of %d seeds: seed is %v", i, p.seeds, seed)
		}
		if p.index[e.key] != uint32(i) {
			t.Fatalf("index of the peer at %d = %d", i, p.index[e.key])
		}
		hosts[e.key.host()]++
	}
	for h, n := range hosts {
		if p.hosts[h] != n {
			t.Fatalf("peers of host %v = %d, want %d", h, p.hosts[h], n)
		}
	}
	if len(p.hosts) != len(hosts) {
		t.Fatalf("pool counts %d hosts, want %d", len(p.hosts), len(hosts))
	}
}

func TestPoolAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	p := newPool[endpoint4, ID](true)
	want := make(map[endpoint4]bool)
	for step := range 20_000 {
		k := endpoint4{10, 0, 0, byte(rnd.IntN(8)), 0, byte(rnd.IntN(30))}
		seed := rnd.IntN(2) == 0
		i, known := p.find(k)
		switch {
		case !known:
			p.add(k, ID{}, seed, 1)
			want[k] = seed
		case rnd.IntN(3) == 0:
			p.remove(i)
			delete(want, k)
		default:
			p.update(i, ID{1}, seed, 2)
			want[k] = seed
		}
		if step%97 == 0 {
			check(t, p, want)
		}
	}
	check(t, p, want)
}

func TestPoolExpireDropsOnlyTheOld(t *testing.T) {
	p := newPool[endpoint4, ID](true)
	want := make(map[endpoint4]bool)
	for i := range 1000 {
		var k endpoint4
		binary.BigEndian.PutUint32(k[:], uint32(i))
		seen := uint32(5)
		if i%10 == 0 {
			seen = 10
			want[k] = i%4 == 0
		}
		p.add(k, ID{}, i%4 == 0, seen)
	}
	if n := p.expire(10); n != 900 {
		t.Errorf("expire dropped %d peers, want 900", n)
	}
	check(t, p, want)
	if cap(p.peers) != len(p.peers) {
		t.Errorf("array keeps room for %d peers and holds %d: it was not shrunk", cap(p.peers), len(p.peers))
	}
	// It must go on working after it was rebuilt.
	p.add(endpoint4{255}, ID{}, true, 11)
	want[endpoint4{255}] = true
	check(t, p, want)
}

func TestPoolPick(t *testing.T) {
	p := newPool[endpoint4, ID](false)
	for i := range 20 {
		p.add(endpoint4{byte(i)}, ID{byte(i)}, i < 5, 1)
	}
	all := func(*entry[endpoint4, ID]) bool { return true }
	tests := []struct {
		name string
		want int
		seed bool
		use  func(*entry[endpoint4, ID]) bool
		got  int
	}{
		{"some", 7, false, all, 7},
		{"more than there are", 100, false, all, 20},
		{"a seed sees leechers", 100, true, all, 15},
		{"none", 0, false, all, 0},
		{"less than none", -3, false, all, 0},
		{"unfit peers are skipped", 10, false, func(e *entry[endpoint4, ID]) bool { return e.val[0] != 3 }, 10},
		{"but not without end", 2, false, func(*entry[endpoint4, ID]) bool { return false }, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			seen := make(map[endpoint4]bool)
			asked := 0
			p.pick(test.want, test.seed, func(e *entry[endpoint4, ID]) bool {
				asked++
				if !test.use(e) {
					return false
				}
				if seen[e.key] {
					t.Errorf("peer %v was picked twice", e.key)
				}
				seen[e.key] = true
				return true
			})
			if len(seen) != test.got {
				t.Errorf("picked %d peers, want %d", len(seen), test.got)
			}
			if asked > max(test.want, 0)+maxSkips {
				t.Errorf("looked at %d peers for %d", asked, test.want)
			}
		})
	}
	var none *pool[endpoint4, ID]
	none.pick(5, false, func(*entry[endpoint4, ID]) bool {
		t.Error("a pool that was never made has a peer")
		return true
	})
}

func TestScopeOf(t *testing.T) {
	tests := []struct {
		addr string
		want scope
		ok   bool
	}{
		{"203.0.113.7", public, true},
		{"2001:db8::1", public, true},
		{"10.1.2.3", private, true},
		{"172.16.0.1", private, true},
		{"192.168.0.9", private, true},
		{"100.64.0.1", private, true},
		{"100.128.0.1", public, true},
		{"169.254.1.1", private, true},
		{"fe80::1", private, true},
		{"fd00::1", private, true},
		{"fec0::1", private, true},
		{"127.0.0.1", loopback, true},
		{"127.9.9.9", loopback, true},
		{"::1", loopback, true},
		{"0.0.0.0", 0, false},
		{"0.1.2.3", 0, false},
		{"::", 0, false},
		{"224.0.0.1", 0, false},
		{"255.255.255.255", 0, false},
		{"ff02::1", 0, false},
	}
	for _, test := range tests {
		t.Run(test.addr, func(t *testing.T) {
			got, ok := scopeOf(netip.MustParseAddr(test.addr))
			if got != test.want || ok != test.ok {
				t.Errorf("scopeOf(%s) = %v, %v, want %v, %v", test.addr, got, ok, test.want, test.ok)
			}
		})
	}
	if _, ok := scopeOf(netip.Addr{}); ok {
		t.Error("no address at all has a scope")
	}
}

func TestEndpointsKeepAddressAndPort(t *testing.T) {
	for _, s := range []string{"203.0.113.7:1", "198.51.100.255:65535"} {
		if got := newEndpoint4(netip.MustParseAddrPort(s)).addrPort().String(); got != s {
			t.Errorf("endpoint4 of %s gives %s", s, got)
		}
	}
	for _, s := range []string{"[2001:db8::7]:1", "[::1]:65535"} {
		if got := newEndpoint6(netip.MustParseAddrPort(s)).addrPort().String(); got != s {
			t.Errorf("endpoint6 of %s gives %s", s, got)
		}
	}
}
