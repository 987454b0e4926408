package swarm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var hash = Hash{0xff, 1, 2}

func peer(id byte, addr string) Peer {
	return Peer{ID: ID{id}, Addr: netip.MustParseAddrPort(addr)}
}

// addrs returns whom a peer is told of when it announces.
func addrs(t *Table[int], p Peer, seed bool, want int) map[string]bool {
	_, peers := t.Announce(hash, p, seed, None, want, nil)
	got := make(map[string]bool)
	for _, p := range peers {
		got[p.Addr.String()] = true
	}
	return got
}

func TestAnnounceReach(t *testing.T) {
	tests := []struct {
		name, other, asker string
		named              bool
	}{
		{"public to public", "203.0.113.1:1000", "198.51.100.1:2000", true},
		{"public to private", "203.0.113.1:1000", "192.168.1.1:2000", true},
		{"public to this machine", "203.0.113.1:1000", "127.0.0.1:2000", true},
		{"private to public", "192.168.1.1:1000", "198.51.100.1:2000", false},
		{"private to private", "192.168.1.1:1000", "10.0.0.1:2000", true},
		{"private to this machine", "192.168.1.1:1000", "127.0.0.1:2000", true},
		{"this machine to public", "127.0.0.1:1000", "198.51.100.1:2000", false},
		{"this machine to private", "127.0.0.1:1000", "10.0.0.1:2000", false},
		{"this machine to this machine", "127.0.0.1:1000", "127.0.0.1:2000", true},
		{"carrier NAT to public", "100.64.3.3:1000", "198.51.100.1:2000", false},
		{"IPv6 to IPv4", "[2001:db8::1]:1000", "198.51.100.1:2000", true},
		{"IPv4 to IPv6", "203.0.113.1:1000", "[2001:db8::1]:2000", true},
		{"local IPv6 to public IPv6", "[fd00::1]:1000", "[2001:db8::1]:2000", false},
		{"local IPv6 to private IPv4", "[fd00::1]:1000", "10.0.0.1:2000", true},
		{"mapped private IPv4 to public", "[::ffff:10.0.0.1]:1000", "198.51.100.1:2000", false},
		{"mapped public IPv4 to public", "[::ffff:203.0.113.1]:1000", "198.51.100.1:2000", true},
		{"multicast to anybody", "224.0.0.1:1000", "127.0.0.1:2000", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table := New[int](Options{})
			addrs(table, peer(1, test.other), false, 50)
			got := addrs(table, peer(2, test.asker), false, 50)
			if named := len(got) == 1; named != test.named {
				t.Errorf("announce from %s with %s in the swarm names %v, want it named: %v", test.asker, test.other, got, test.named)
			}
		})
	}
}

func TestAnnounceNeverNamesTheAsker(t *testing.T) {
	table := New[int](Options{})
	me4, me6 := peer(1, "203.0.113.1:1000"), peer(1, "[2001:db8::1]:1000")
	for range 3 {
		if got := addrs(table, me4, false, 50); len(got) != 0 {
			t.Errorf("IPv4 announce names its own client: %v", got)
		}
		if got := addrs(table, me6, false, 50); len(got) != 0 {
			t.Errorf("IPv6 announce names its own client: %v", got)
		}
	}
	// A restarted client has a new id and the same port.
	if got := addrs(table, peer(9, "203.0.113.1:1000"), false, 50); got["203.0.113.1:1000"] {
		t.Errorf("announce with a new id names its own address: %v", got)
	}
	if got := addrs(table, peer(2, "203.0.113.2:1000"), false, 50); len(got) != 2 {
		t.Errorf("another client is told of %v, want both addresses", got)
	}
}

func TestAnnounceFamilies(t *testing.T) {
	table := New[int](Options{})
	for i := range 10 {
		addrs(table, peer(byte(i+1), fmt.Sprintf("203.0.113.%d:1000", i)), false, 0)
		addrs(table, peer(byte(i+101), fmt.Sprintf("[2001:db8:%d::1]:1000", i)), false, 0)
	}
	got := addrs(table, peer(200, "198.51.100.1:1"), false, 15)
	n4 := 0
	for a := range got {
		if netip.MustParseAddrPort(a).Addr().Is4() {
			n4++
		}
	}
	if len(got) != 15 || n4 != 10 {
		t.Errorf("15 peers wanted over IPv4: %d named, %d of them IPv4, want 15 and 10", len(got), n4)
	}
}

func TestAnnounceSeeds(t *testing.T) {
	table := New[int](Options{})
	addrs(table, peer(1, "203.0.113.1:1"), true, 50)
	if got := addrs(table, peer(2, "203.0.113.2:1"), true, 50); len(got) != 0 {
		t.Errorf("a seed is told of another: %v", got)
	}
	if got := addrs(table, peer(3, "203.0.113.3:1"), false, 50); len(got) != 2 {
		t.Errorf("a leecher is told of %v, want both seeds", got)
	}
	if got := addrs(table, peer(1, "203.0.113.1:1"), true, 50); len(got) != 1 || !got["203.0.113.3:1"] {
		t.Errorf("a seed is told of %v, want the leecher", got)
	}
}

func TestAnnounceReachesEverybody(t *testing.T) {
	table := New[int](Options{})
	for i := range 100 {
		addrs(table, peer(byte(i+1), fmt.Sprintf("203.0.113.%d:1000", i)), false, 0)
	}
	seen := make(map[string]bool)
	for range 500 {
		got := addrs(table, peer(200, "198.51.100.1:1"), false, 5)
		if len(got) != 5 {
			t.Fatalf("5 peers wanted, %d named", len(got))
		}
		for a := range got {
			seen[a] = true
		}
	}
	if len(seen) != 100 {
		t.Errorf("500 announces named %d of 100 peers", len(seen))
	}
}

func TestAnotherAddressCannotRemovePeer(t *testing.T) {
	table := New[int](Options{})
	addrs(table, peer(1, "203.0.113.1:1000"), false, 0)
	table.Announce(hash, peer(1, "203.0.113.66:1000"), false, Stopped, 50, nil) // the same id
	if got := addrs(table, peer(2, "203.0.113.2:1"), false, 50); !got["203.0.113.1:1000"] {
		t.Errorf("a stranger with its id removed a peer: %v", got)
	}
	table.Announce(hash, peer(1, "203.0.113.66:1000"), false, None, 50, nil)
	if got := addrs(table, peer(2, "203.0.113.2:1"), false, 50); !got["203.0.113.1:1000"] {
		t.Errorf("a stranger with its id replaced a peer: %v", got)
	}
	// Its own stop does remove it, and tells it of nobody.
	_, peers := table.Announce(hash, peer(1, "203.0.113.1:1000"), false, Stopped, 50, nil)
	if len(peers) != 0 {
		t.Errorf("a stopped peer is told of %v", peers)
	}
	if got := addrs(table, peer(2, "203.0.113.2:1"), false, 50); got["203.0.113.1:1000"] {
		t.Errorf("a stopped peer is still named: %v", got)
	}
}

func TestCounts(t *testing.T) {
	table := New[int](Options{})
	ann := func(id byte, addr string, seed bool, ev Event) Counts {
		c, _ := table.Announce(hash, peer(id, addr), seed, ev, 0, nil)
		return c
	}
	steps := []struct {
		name string
		got  Counts
		want Counts
	}{
		{"leecher", ann(1, "203.0.113.1:1", false, Started), Counts{0, 1, 0}},
		{"again", ann(1, "203.0.113.1:1", false, None), Counts{0, 1, 0}},
		{"seed", ann(2, "203.0.113.2:1", true, Started), Counts{1, 1, 0}},
		{"leecher completes", ann(1, "203.0.113.1:1", true, Completed), Counts{2, 0, 1}},
		{"says so twice", ann(1, "203.0.113.1:1", true, Completed), Counts{2, 0, 1}},
		{"IPv6 leecher", ann(3, "[2001:db8::1]:1", false, None), Counts{2, 1, 1}},
		{"private leecher", ann(4, "10.0.0.1:1", false, None), Counts{2, 2, 1}},
		{"seed becomes leecher", ann(2, "203.0.113.2:1", false, None), Counts{1, 3, 1}},
		{"seed stops", ann(1, "203.0.113.1:1", true, Stopped), Counts{0, 3, 1}},
		{"stops again", ann(1, "203.0.113.1:1", true, Stopped), Counts{0, 3, 1}},
	}
	for _, s := range steps {
		if s.got != s.want {
			t.Errorf("%s: counts = %+v, want %+v", s.name, s.got, s.want)
		}
	}
	// Sockets are counted apart, and together in a scrape.
	c, _, err := table.Join(hash, SocketPeer[int]{ID{50}, 1}, true, Completed, 0, nil)
	if want := (Counts{1, 0, 2}); err != nil || c != want {
		t.Errorf("Join = %+v, %v, want %+v", c, err, want)
	}
	if got, want := table.Counts(hash), (Counts{1, 3, 2}); got != want {
		t.Errorf("Counts = %+v, want %+v", got, want)
	}
	if got := table.Counts(Hash{9}); got != (Counts{}) {
		t.Errorf("Counts of an empty swarm = %+v", got)
	}
	if got, want := table.Stats(), (Stats{IPv4: 2, IPv6: 1, Sockets: 1, Swarms: 1}); got != want {
		t.Errorf("Stats = %+v, want %+v", got, want)
	}
	// Whoever stops in an unknown swarm does not make it.
	table.Announce(Hash{8}, peer(1, "203.0.113.1:1"), false, Stopped, 0, nil)
	if got := table.Stats().Swarms; got != 1 {
		t.Errorf("swarms = %d after a stop in an unknown one, want 1", got)
	}
}

func TestJoin(t *testing.T) {
	table := New[int](Options{})
	join := func(id byte, socket int, seed bool, ev Event, want int) ([]SocketPeer[int], error) {
		_, peers, err := table.Join(hash, SocketPeer[int]{ID{id}, socket}, seed, ev, want, nil)
		return peers, err
	}
	addrs(table, peer(9, "203.0.113.1:1"), false, 50)
	if got, err := join(1, 10, false, Started, 5); err != nil || len(got) != 0 {
		t.Fatalf("first Join = %v, %v, want nobody: an address peer cannot be reached from a browser", got, err)
	}
	if got, err := join(2, 20, false, None, 5); err != nil || len(got) != 1 || got[0] != (SocketPeer[int]{ID{1}, 10}) {
		t.Errorf("second Join = %v, %v, want the first", got, err)
	}
	if got := addrs(table, peer(8, "203.0.113.2:1"), false, 50); len(got) != 1 {
		t.Errorf("an address peer is told of %v, want the other address peer", got)
	}
	if _, err := join(1, 20, false, None, 5); !errors.Is(err, ErrOwned) {
		t.Errorf("Join with the id of another connection: %v, want ErrOwned", err)
	}
	if _, err := join(1, 20, false, Stopped, 5); !errors.Is(err, ErrOwned) {
		t.Errorf("stop of another connection's peer: %v, want ErrOwned", err)
	}
	table.Leave(hash, ID{1}, 20) // not its connection
	if s, ok := table.Owner(hash, ID{1}); !ok || s != 10 {
		t.Errorf("Owner = %v, %v, want 10", s, ok)
	}
	table.Leave(hash, ID{1}, 10)
	if _, ok := table.Owner(hash, ID{1}); ok {
		t.Error("peer is there after it left")
	}
	if _, err := join(1, 20, false, None, 5); err != nil {
		t.Errorf("Join with an id that is free again: %v", err)
	}
	if got, err := join(2, 20, false, Stopped, 5); err != nil || len(got) != 0 {
		t.Errorf("stop = %v, %v, want nobody", got, err)
	}
	if _, ok := table.Owner(hash, ID{2}); ok {
		t.Error("peer is there after it stopped")
	}
	table.Leave(Hash{7}, ID{2}, 20) // unknown swarm: nothing happens
	if _, ok := table.Owner(Hash{7}, ID{2}); ok {
		t.Error("an unknown swarm has a peer")
	}
	if _, err := join(3, 30, true, None, 0); err != nil {
		t.Fatal(err)
	}
	if got, _ := join(4, 40, true, None, 5); len(got) != 1 || got[0].ID != (ID{1}) {
		t.Errorf("a seed is given %v, want the leecher alone", got)
	}
}

func TestLimits(t *testing.T) {
	table := New[int](Options{MaxPeers: 3, MaxSwarms: 2, MaxPerHost: 2})
	for port := range 5 {
		addrs(table, Peer{ID{byte(port)}, netip.AddrPortFrom(netip.MustParseAddr("203.0.113.1"), uint16(port+1))}, false, 0)
	}
	if got := table.Stats().IPv4; got != 2 {
		t.Errorf("one host has %d peers in a swarm, want 2", got)
	}
	// It is answered all the same.
	if got := addrs(table, peer(99, "203.0.113.1:999"), false, 50); len(got) != 2 {
		t.Errorf("a client beyond the limit is told of %v, want two peers", got)
	}
	addrs(table, peer(50, "[2001:db8::1]:1"), false, 0)
	addrs(table, peer(51, "[2001:db9::1]:1"), false, 0)
	_, _, _ = table.Join(hash, SocketPeer[int]{ID{1}, 1}, false, None, 0, nil)
	if got := table.Stats(); got.IPv4+got.IPv6+got.Sockets != 3 {
		t.Errorf("the table holds %+v, want three peers", got)
	}
	for i := range 5 {
		table.Announce(Hash{byte(i)}, peer(1, "203.0.113.9:1"), false, None, 0, nil)
	}
	if got := table.Stats().Swarms; got != 2 {
		t.Errorf("the table holds %d swarms, want 2", got)
	}

	// One /64 is one host; this machine is exempt.
	table = New[int](Options{MaxPerHost: 2})
	for i := range 5 {
		addrs(table, peer(byte(i), fmt.Sprintf("[2001:db8::%d]:1", i)), false, 0)
		addrs(table, peer(byte(i+100), fmt.Sprintf("127.0.0.1:%d", i+1)), false, 0)
	}
	if got := table.Stats(); got.IPv6 != 2 || got.IPv4 != 5 {
		t.Errorf("the table holds %+v, want two peers of the /64 and five of this machine", got)
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := New[int](Options{AddrAge: 20 * time.Minute, SocketAge: 3 * time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- table.Run(ctx) }()

		addrs(table, peer(1, "203.0.113.1:1"), false, 0)
		addrs(table, peer(2, "[2001:db8::1]:1"), true, 0)
		table.Announce(Hash{0}, peer(1, "203.0.113.1:1"), false, None, 0, nil)
		table.Announce(Hash{1}, peer(1, "203.0.113.1:1"), true, Completed, 0, nil)
		_, _, _ = table.Join(hash, SocketPeer[int]{ID{1}, 1}, false, None, 0, nil)

		want := func(after string, want Stats) {
			t.Helper()
			if got := table.Stats(); got != want {
				t.Errorf("%s: %+v, want %+v", after, got, want)
			}
		}
		time.Sleep(170 * time.Second)
		want("before anything expires", Stats{IPv4: 3, IPv6: 1, Sockets: 1, Swarms: 3})
		time.Sleep(50 * time.Second)
		want("after the socket's age", Stats{IPv4: 3, IPv6: 1, Swarms: 3})
		time.Sleep(15 * time.Minute)
		addrs(table, peer(1, "203.0.113.1:1"), false, 0) // still there
		time.Sleep(6 * time.Minute)
		want("after one peer was refreshed", Stats{IPv4: 1, Swarms: 2})
		time.Sleep(20 * time.Minute)
		want("after all peers went", Stats{Swarms: 1}) // the downloads are remembered
		if got := table.Counts(Hash{1}).Downloaded; got != 1 {
			t.Errorf("downloaded = %d, want 1", got)
		}
		time.Sleep(25 * time.Hour)
		want("after a day", Stats{})

		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestInjectedClock(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	table := New[int](Options{Now: func() time.Time { return now }, AddrAge: time.Minute})
	addrs(table, peer(1, "203.0.113.1:1"), false, 0)
	now = now.Add(time.Minute)
	table.sweep(&table.shards[hash[0]])
	if got := table.Stats().IPv4; got != 1 {
		t.Errorf("peers at the age = %d, want 1", got)
	}
	now = now.Add(time.Second)
	table.sweep(&table.shards[hash[0]])
	if got := table.Stats().IPv4; got != 0 {
		t.Errorf("peers after the age = %d, want 0", got)
	}
}

func TestConcurrentUse(t *testing.T) {
	table := New[int](Options{})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 500 {
				h := Hash{byte(i % 4)}
				p := Peer{ID{byte(w), byte(i)}, netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(w), byte(i)}), 1)}
				ev := Event(i % 4)
				table.Announce(h, p, i%3 == 0, ev, 10, nil)
				_, _, _ = table.Join(h, SocketPeer[int]{p.ID, w}, false, ev, 5, nil)
				table.Owner(h, p.ID)
				table.Counts(h)
				if i%50 == 0 {
					table.sweep(&table.shards[h[0]])
				}
				table.Leave(h, p.ID, w)
			}
		})
	}
	wg.Wait()
	if got := table.Stats().Sockets; got != 0 {
		t.Errorf("sockets = %d after all left, want 0", got)
	}
}

func BenchmarkAnnounce(b *testing.B) {
	table := New[int](Options{})
	dst := make([]Peer, 0, 50)
	for i := 0; b.Loop(); i++ {
		n := uint32(i*2654435761) % 10_000
		var p Peer
		binary.BigEndian.PutUint32(p.ID[:], n)
		p.Addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, byte(n >> 8), byte(n)}), 6881)
		_, dst = table.Announce(Hash{byte(n % 100)}, p, n%5 == 0, None, 30, dst[:0])
	}
}

// BenchmarkMemory reports what a peer costs in a table of many swarms.
func BenchmarkMemory(b *testing.B) {
	const peers, torrents = 200_000, 2_000
	kinds := map[string]func(*Table[*int], Hash, uint32){
		"ipv4": func(t *Table[*int], h Hash, n uint32) {
			a := netip.AddrFrom4([4]byte{11, byte(n >> 16), byte(n >> 8), byte(n)})
			t.Announce(h, Peer{ID{byte(n), byte(n >> 8)}, netip.AddrPortFrom(a, 6881)}, n%5 == 0, None, 0, nil)
		},
		"ipv6": func(t *Table[*int], h Hash, n uint32) {
			a := netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 0, byte(n >> 16), byte(n >> 8), byte(n), 1})
			t.Announce(h, Peer{ID{byte(n), byte(n >> 8)}, netip.AddrPortFrom(a, 6881)}, n%5 == 0, None, 0, nil)
		},
		"socket": func(t *Table[*int], h Hash, n uint32) {
			_, _, _ = t.Join(h, SocketPeer[*int]{ID{byte(n), byte(n >> 8), byte(n >> 16)}, new(int)}, n%5 == 0, None, 0, nil)
		},
	}
	for name, add := range kinds {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				table := New[*int](Options{})
				for n := range uint32(peers) {
					var h Hash
					binary.LittleEndian.PutUint32(h[:], n%torrents)
					add(table, h, n)
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/peers, "B/peer")
				runtime.KeepAlive(table)
			}
		})
	}
}
