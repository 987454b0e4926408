package swarm

import (
	"context"
	"encoding/hex"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ErrOwned refuses a socket peer whose id another connection holds in the same
// swarm: taking it over would let anybody collect its offers and answers.
var ErrOwned = errors.New("peer id belongs to another connection")

const (
	shardCount = 256
	// One round over all shards takes 32 seconds in small steps, so that no
	// announce waits for a long sweep and an idle server hardly wakes up.
	sweepEvery    = 500 * time.Millisecond
	sweepShards   = 4
	emptySwarmAge = 24 * time.Hour // how long the count of downloads outlives the last peer
)

// Defaults of Options.
const (
	DefaultAddrAge    = 22 * time.Minute // two intervals of ten minutes and a little
	DefaultSocketAge  = 3 * time.Minute  // SEC-67
	DefaultMaxPeers   = 2_000_000        // about 160 MB
	DefaultMaxSwarms  = 500_000
	DefaultMaxPerHost = 256
)

// Hash names a torrent: the SHA-1 of its info dictionary, a v2 hash cut to 20
// bytes (BEP 52), or the name of an HLS swarm.
type Hash [20]byte

// String returns the hash as 40 hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ID is a peer id as its client chose it.
type ID [20]byte

// Event is what an announce reports.
type Event uint8

// Events of BEP 3. BEP 21's paused and the empty event are None.
const (
	None Event = iota
	Started
	Stopped
	Completed
)

// Peer is an address peer.
type Peer struct {
	ID   ID
	Addr netip.AddrPort // the address must come from the connection, not from the request
}

// SocketPeer is a peer reached through connection S.
type SocketPeer[S comparable] struct {
	ID     ID
	Socket S
}

// Counts are the numbers that trackers publish of a torrent.
type Counts struct {
	Complete   int // seeds
	Incomplete int // leechers
	Downloaded int // how often a leecher reported completion since the swarm began
}

// Stats count the whole table.
type Stats struct {
	IPv4, IPv6, Sockets, Swarms int64
}

// Options bound a Table. The zero value takes the defaults.
type Options struct {
	Now        func() time.Time // nil is time.Now
	AddrAge    time.Duration    // an address peer is dropped when not heard of for so long
	SocketAge  time.Duration    // the same for socket peers
	MaxPeers   int              // in all swarms
	MaxSwarms  int
	MaxPerHost int // address peers of one IPv4 address or IPv6 /64 in one swarm; this machine is exempt
}

// Table holds all swarms. Its methods may be called concurrently.
type Table[S comparable] struct {
	opts   Options
	began  time.Time
	shards [shardCount]shard[S]

	ipv4, ipv6, sockets, swarms atomic.Int64
}

type shard[S comparable] struct {
	mu     sync.Mutex
	swarms map[Hash]*torrent[S]
}

// torrent is one swarm. Pools are made when their first peer comes.
type torrent[S comparable] struct {
	v4         [scopes]*pool[endpoint4, ID]
	v6         [scopes]*pool[endpoint6, ID]
	sockets    *pool[ID, S]
	downloaded int
	seen       uint32
}

// New returns an empty table. Peers expire while its Run is running.
func New[S comparable](o Options) *Table[S] {
	setDefault(&o.AddrAge, DefaultAddrAge)
	setDefault(&o.SocketAge, DefaultSocketAge)
	setDefault(&o.MaxPeers, DefaultMaxPeers)
	setDefault(&o.MaxSwarms, DefaultMaxSwarms)
	setDefault(&o.MaxPerHost, DefaultMaxPerHost)
	if o.Now == nil {
		o.Now = time.Now
	}
	// A second is taken off, so that no peer is seen at second zero.
	t := &Table[S]{opts: o, began: o.Now().Add(-time.Second)}
	for i := range t.shards {
		t.shards[i].swarms = make(map[Hash]*torrent[S])
	}
	return t
}

func setDefault[T int | time.Duration](v *T, def T) {
	if *v <= 0 {
		*v = def
	}
}

// Run drops what expires until ctx ends, and then returns nil.
func (t *Table[S]) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for next := 0; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if t.swarms.Load() == 0 {
			continue
		}
		for range sweepShards {
			t.sweep(&t.shards[next])
			next = (next + 1) % shardCount
		}
	}
}

// Announce records what an address peer reports and appends to dst up to want
// others that it can reach, never itself. Complete and Incomplete count the
// address peers. A stopped peer is forgotten and told of nobody.
func (t *Table[S]) Announce(h Hash, p Peer, seed bool, ev Event, want int, dst []Peer) (Counts, []Peer) {
	addr := p.Addr.Addr().Unmap().WithZone("")
	p.Addr = netip.AddrPortFrom(addr, p.Addr.Port())
	sc, reachable := scopeOf(addr)
	now := t.seconds()

	sh := &t.shards[h[0]]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	tor := t.open(sh, h, ev)
	if tor == nil {
		return Counts{}, dst
	}
	switch {
	case !reachable:
	case addr.Is4():
		announce(t, tor, &tor.v4[sc], &t.ipv4, newEndpoint4(p.Addr), p.ID, sc, seed, ev, now)
	default:
		announce(t, tor, &tor.v6[sc], &t.ipv6, newEndpoint6(p.Addr), p.ID, sc, seed, ev, now)
	}
	if ev == Stopped || !reachable {
		return tor.addrCounts(), dst
	}
	tor.seen = now
	want += len(dst)
	if addr.Is4() {
		dst = appendPeers(&tor.v4, sc, want, seed, p.ID, dst)
		dst = appendPeers(&tor.v6, sc, want, seed, p.ID, dst) // BEP 7: the other family too
	} else {
		dst = appendPeers(&tor.v6, sc, want, seed, p.ID, dst)
		dst = appendPeers(&tor.v4, sc, want, seed, p.ID, dst)
	}
	return tor.addrCounts(), dst
}

// Join records what a socket peer reports and appends to dst up to want other
// socket peers. Complete and Incomplete count the socket peers. It returns
// ErrOwned, and Owner tells of whom, when another connection holds the id.
func (t *Table[S]) Join(h Hash, p SocketPeer[S], seed bool, ev Event, want int, dst []SocketPeer[S]) (Counts, []SocketPeer[S], error) {
	now := t.seconds()
	sh := &t.shards[h[0]]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	tor := t.open(sh, h, ev)
	if tor == nil {
		return Counts{}, dst, nil
	}
	i, known := tor.sockets.find(p.ID)
	if known && tor.sockets.peers[i].val != p.Socket {
		return Counts{}, dst, ErrOwned
	}
	if ev == Stopped {
		if known {
			tor.sockets.remove(i)
			t.sockets.Add(-1)
		}
		return tor.socketCounts(), dst, nil
	}
	if ev == Completed && (!known || i >= tor.sockets.seeds) {
		tor.downloaded++
	}
	tor.seen = now
	switch {
	case known:
		tor.sockets.update(i, p.Socket, seed, now)
	case t.full():
	default:
		if tor.sockets == nil {
			tor.sockets = newPool[ID, S](false)
		}
		tor.sockets.add(p.ID, p.Socket, seed, now)
		t.sockets.Add(1)
	}
	tor.sockets.pick(want, seed, func(e *entry[ID, S]) bool {
		if e.key == p.ID {
			return false
		}
		dst = append(dst, SocketPeer[S]{ID: e.key, Socket: e.val})
		return true
	})
	return tor.socketCounts(), dst, nil
}

// Leave removes a socket peer if s still holds it.
func (t *Table[S]) Leave(h Hash, id ID, s S) {
	sh := &t.shards[h[0]]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	tor := sh.swarms[h]
	if tor == nil {
		return
	}
	if i, ok := tor.sockets.find(id); ok && tor.sockets.peers[i].val == s {
		tor.sockets.remove(i)
		t.sockets.Add(-1)
	}
}

// Owner returns the connection of a socket peer.
func (t *Table[S]) Owner(h Hash, id ID) (s S, ok bool) {
	sh := &t.shards[h[0]]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	tor := sh.swarms[h]
	if tor == nil {
		return s, false
	}
	i, ok := tor.sockets.find(id)
	if !ok {
		return s, false
	}
	return tor.sockets.peers[i].val, true
}

// Counts returns the numbers of a swarm over peers of both kinds, as a scrape
// shows them (BEP 48); all are zero for a swarm without peers.
func (t *Table[S]) Counts(h Hash) Counts {
	sh := &t.shards[h[0]]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	tor := sh.swarms[h]
	if tor == nil {
		return Counts{}
	}
	a, s := tor.addrCounts(), tor.socketCounts()
	return Counts{Complete: a.Complete + s.Complete, Incomplete: a.Incomplete + s.Incomplete, Downloaded: tor.downloaded}
}

// Stats returns the numbers of the whole table.
func (t *Table[S]) Stats() Stats {
	return Stats{IPv4: t.ipv4.Load(), IPv6: t.ipv6.Load(), Sockets: t.sockets.Load(), Swarms: t.swarms.Load()}
}

// announce records one report in the pool of its family and scope.
func announce[K endpoint, S comparable](t *Table[S], tor *torrent[S], at **pool[K, ID], count *atomic.Int64,
	k K, id ID, sc scope, seed bool, ev Event, now uint32,
) {
	p := *at
	i, known := p.find(k)
	if ev == Stopped {
		if known {
			p.remove(i)
			count.Add(-1)
		}
		return
	}
	// Reporting completion twice counts once.
	if ev == Completed && (!known || i >= p.seeds) {
		tor.downloaded++
	}
	if known {
		p.update(i, id, seed, now)
		return
	}
	if t.full() {
		return
	}
	if p == nil {
		// Clients of this machine all share one address, so it is no measure.
		p = newPool[K, ID](sc != loopback)
		*at = p
	}
	if p.hosts != nil && int(p.hosts[k.host()]) >= t.opts.MaxPerHost {
		return
	}
	p.add(k, id, seed, now)
	count.Add(1)
}

// appendPeers appends peers of one family until dst holds limit of them: first
// those of the asker's own scope, then those that everybody can reach.
func appendPeers[K endpoint](pools *[scopes]*pool[K, ID], sc scope, limit int, seed bool, self ID, dst []Peer) []Peer {
	for s := int(sc); s >= 0; s-- {
		pools[s].pick(limit-len(dst), seed, func(e *entry[K, ID]) bool {
			// The asker's own endpoint bears its id, in the other family too.
			if e.val == self {
				return false
			}
			dst = append(dst, Peer{ID: e.val, Addr: e.key.addrPort()})
			return true
		})
	}
	return dst
}

// open returns the swarm of h, made when there is a reason and room. The
// shard's lock is held.
func (t *Table[S]) open(sh *shard[S], h Hash, ev Event) *torrent[S] {
	tor := sh.swarms[h]
	if tor == nil && ev != Stopped && t.swarms.Load() < int64(t.opts.MaxSwarms) {
		tor = &torrent[S]{}
		sh.swarms[h] = tor
		t.swarms.Add(1)
	}
	return tor
}

func (t *Table[S]) full() bool {
	return t.ipv4.Load()+t.ipv6.Load()+t.sockets.Load() >= int64(t.opts.MaxPeers)
}

// sweep drops the expired peers of one shard, and swarms that nobody misses.
func (t *Table[S]) sweep(sh *shard[S]) {
	now := t.seconds()
	addrBefore, socketBefore := ago(now, t.opts.AddrAge), ago(now, t.opts.SocketAge)
	crowded := t.swarms.Load() >= int64(t.opts.MaxSwarms)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for h, tor := range sh.swarms {
		for s := range scopes {
			t.ipv4.Add(-int64(tor.v4[s].expire(addrBefore)))
			t.ipv6.Add(-int64(tor.v6[s].expire(addrBefore)))
		}
		t.sockets.Add(-int64(tor.sockets.expire(socketBefore)))
		keep := tor.downloaded > 0 && !crowded && tor.seen >= ago(now, emptySwarmAge)
		if tor.empty() && !keep {
			delete(sh.swarms, h)
			t.swarms.Add(-1)
		}
	}
}

func (t *Table[S]) seconds() uint32 { return whole(t.opts.Now().Sub(t.began)) }

// whole returns the seconds of a duration that is not negative.
func whole(d time.Duration) uint32 { return uint32(d / time.Second) } //nolint:gosec // lasts 136 years

func ago(now uint32, d time.Duration) uint32 {
	if s := whole(d); s < now {
		return now - s
	}
	return 0
}

func (tor *torrent[S]) empty() bool {
	n := tor.sockets.len()
	for s := range scopes {
		n += tor.v4[s].len() + tor.v6[s].len()
	}
	return n == 0
}

func (tor *torrent[S]) addrCounts() Counts {
	all, seeds := 0, 0
	for s := range scopes {
		all += tor.v4[s].len() + tor.v6[s].len()
		seeds += tor.v4[s].seedCount() + tor.v6[s].seedCount()
	}
	return Counts{Complete: seeds, Incomplete: all - seeds, Downloaded: tor.downloaded}
}

func (tor *torrent[S]) socketCounts() Counts {
	seeds := tor.sockets.seedCount()
	return Counts{Complete: seeds, Incomplete: tor.sockets.len() - seeds, Downloaded: tor.downloaded}
}
