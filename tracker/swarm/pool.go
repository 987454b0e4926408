package swarm

import (
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// host is what the limit per host counts: an IPv4 address, or the /64 of an
// IPv6 address.
type host [8]byte

// key names a peer inside its pool.
type key interface {
	comparable
	host() host
}

// endpoint is the key of an address peer.
type endpoint interface {
	key
	addrPort() netip.AddrPort
}

type endpoint4 [6]byte

func newEndpoint4(a netip.AddrPort) (e endpoint4) {
	ip := a.Addr().As4()
	copy(e[:4], ip[:])
	binary.BigEndian.PutUint16(e[4:], a.Port())
	return e
}

func (e endpoint4) host() (h host) {
	copy(h[:4], e[:4])
	return h
}

func (e endpoint4) addrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(e[:4])), binary.BigEndian.Uint16(e[4:]))
}

type endpoint6 [18]byte

func newEndpoint6(a netip.AddrPort) (e endpoint6) {
	ip := a.Addr().As16()
	copy(e[:16], ip[:])
	binary.BigEndian.PutUint16(e[16:], a.Port())
	return e
}

func (e endpoint6) host() host { return host(e[:8]) }

func (e endpoint6) addrPort() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(e[:16])), binary.BigEndian.Uint16(e[16:]))
}

// host of a socket peer is never asked for: its connections are counted by
// their owner.
func (ID) host() host { return host{} }

// entry is one peer. Whether it is a seed says its place in the pool.
type entry[K key, V any] struct {
	key  K
	seen uint32 // seconds since the table began
	val  V
}

// pool is a dense array of peers, seeds first, with an index by key. Keeping
// the two halves apart lets a seed pick leechers without walking past seeds.
type pool[K key, V any] struct {
	peers []entry[K, V]
	seeds int
	index map[K]uint32
	hosts map[host]uint16 // nil: hosts are not counted
}

func newPool[K key, V any](countHosts bool) *pool[K, V] {
	p := &pool[K, V]{index: make(map[K]uint32)}
	if countHosts {
		p.hosts = make(map[host]uint16)
	}
	return p
}

// len counts the peers; a nil pool has none.
func (p *pool[K, V]) len() int {
	if p == nil {
		return 0
	}
	return len(p.peers)
}

// seedCount counts the seeds; a nil pool has none.
func (p *pool[K, V]) seedCount() int {
	if p == nil {
		return 0
	}
	return p.seeds
}

// find returns the place of a key.
func (p *pool[K, V]) find(k K) (int, bool) {
	if p == nil {
		return 0, false
	}
	i, ok := p.index[k]
	return int(i), ok
}

// add appends a peer whose key the pool does not hold.
func (p *pool[K, V]) add(k K, v V, seed bool, seen uint32) {
	i := len(p.peers)
	p.peers = append(p.peers, entry[K, V]{key: k, seen: seen, val: v})
	p.index[k] = place(i)
	if p.hosts != nil {
		p.hosts[k.host()]++
	}
	if seed {
		p.swap(i, p.seeds)
		p.seeds++
	}
}

// update refreshes the peer at i, which may change sides.
func (p *pool[K, V]) update(i int, v V, seed bool, seen uint32) {
	p.peers[i].val, p.peers[i].seen = v, seen
	switch isSeed := i < p.seeds; {
	case seed && !isSeed:
		p.swap(i, p.seeds)
		p.seeds++
	case !seed && isSeed:
		p.seeds--
		p.swap(i, p.seeds)
	}
}

// remove drops the peer at i by moving others over it.
func (p *pool[K, V]) remove(i int) {
	k := p.peers[i].key
	if i < p.seeds {
		p.seeds--
		p.swap(i, p.seeds)
		i = p.seeds
	}
	last := len(p.peers) - 1
	p.swap(i, last)
	p.peers[last] = entry[K, V]{} // let go of the connection it may hold
	p.peers = p.peers[:last]
	delete(p.index, k)
	if p.hosts == nil {
		return
	}
	if h := k.host(); p.hosts[h] > 1 {
		p.hosts[h]--
	} else {
		delete(p.hosts, h)
	}
}

// place is an index as the map keeps it.
func place(i int) uint32 { return uint32(i) } //nolint:gosec // Options.MaxPeers is far below

func (p *pool[K, V]) swap(i, j int) {
	if i == j {
		return
	}
	p.peers[i], p.peers[j] = p.peers[j], p.peers[i]
	p.index[p.peers[i].key] = place(i)
	p.index[p.peers[j].key] = place(j)
}

// maxSkips bounds how many unfit peers a pick walks past: the asker itself,
// and others that claim its peer id.
const maxSkips = 8

// pick calls use for up to want peers that stand next to each other from a
// random start. A seed is shown leechers only (no peers from seed to seed).
// use returns false for a peer that does not count.
func (p *pool[K, V]) pick(want int, seed bool, use func(*entry[K, V]) bool) {
	if p == nil || want <= 0 {
		return
	}
	first := 0
	if seed {
		first = p.seeds
	}
	n := len(p.peers) - first
	if n == 0 {
		return
	}
	at := rand.IntN(n) //nolint:gosec // which peers are named is no secret
	for range min(n, want+maxSkips) {
		if use(&p.peers[first+at]) {
			if want--; want == 0 {
				return
			}
		}
		if at++; at == n {
			at = 0
		}
	}
}

// expire drops the peers last seen before the given second, and gives memory
// back when most of it stands empty. It returns how many it dropped.
func (p *pool[K, V]) expire(before uint32) int {
	if p == nil {
		return 0
	}
	dropped := 0
	// From the end: what remove moves to i has been looked at already.
	for i := range slices.Backward(p.peers) {
		if p.peers[i].seen < before {
			p.remove(i)
			dropped++
		}
	}
	const small = 64
	if c := cap(p.peers); c > small && len(p.peers) < c/4 {
		p.shrink()
	}
	return dropped
}

// shrink rebuilds the array and the maps, which never shrink by themselves.
func (p *pool[K, V]) shrink() {
	p.peers = append(make([]entry[K, V], 0, len(p.peers)), p.peers...)
	index := make(map[K]uint32, len(p.peers))
	for i := range p.peers {
		index[p.peers[i].key] = place(i)
	}
	p.index = index
	if p.hosts == nil {
		return
	}
	hosts := make(map[host]uint16, len(p.hosts))
	maps.Copy(hosts, p.hosts)
	p.hosts = hosts
}
