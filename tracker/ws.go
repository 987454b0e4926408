package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

// errHangUp ends a socket after its client was told why.
var errHangUp = errors.New("hang up")

// exchange is what handling one message needs. It is kept out of the stack of
// the goroutine that reads: for an idle viewer that is most of the memory.
type exchange struct {
	in    []byte // the message as it came
	msg   message
	out   []byte // what is sent
	peers []swarm.SocketPeer[*socket]
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// handle answers the message in x.in. An error ends the socket.
func (c *socket) handle(ctx context.Context, x *exchange) error {
	m := &x.msg
	f := m.parse(x.in)
	action := m.action
	if m.answer != nil {
		action = actionAnswer
	}
	if f == nil {
		switch action {
		case actionAnswer:
			c.answer(x)
			return nil // an answer has no reply: clients would take it for one to an announce
		case actionScrape:
			f = c.scrape(ctx, x)
		default:
			f = c.announce(ctx, x)
		}
	}
	if f == nil {
		return nil
	}
	c.srv.metrics.count(transportWS, action, f.result)
	x.out = appendFailure(x.out[:0], m, f)
	c.send(x.out)
	if f.hangUp {
		return errHangUp
	}
	return nil
}

func (c *socket) announce(ctx context.Context, x *exchange) *failure {
	s, m := c.srv, &x.msg
	if f := c.admit(ctx, m.infoHash); f != nil {
		return f
	}
	if f := s.tooOften(c.addr, m.infoHash); f != nil {
		return f
	}
	if f := c.join(m); f != nil {
		return f
	}
	var counts swarm.Counts
	var err error
	counts, x.peers, err = s.swarms.Join(m.infoHash, swarm.SocketPeer[*socket]{ID: m.peerID, Socket: c},
		m.seed, m.event, len(m.offers), x.peers[:0])
	if err != nil {
		return c.conflict(m)
	}
	s.metrics.wsAnnounceOK.Inc()
	x.out = appendAnnounceReply(x.out[:0], m.infoHash, counts)
	c.send(x.out)
	if m.event == swarm.Stopped {
		c.leave(m.infoHash)
		return nil
	}
	c.remember(m, x.peers)
	for i, p := range x.peers {
		x.out = appendRelay(x.out[:0], "offer", m.offers[i].sdp, m.offers[i].id, m.peerID, m.infoHash)
		s.metrics.offers.Inc()
		p.Socket.relay(x.out)
	}
	clear(x.peers) // let go of the others
	return nil
}

// admit asks whether the torrent is served, on another stack: the answer may
// come from a database, and the stack of this goroutine, once grown for that,
// would stay so for as long as the viewer watches.
func (c *socket) admit(ctx context.Context, h InfoHash) *failure {
	if !c.srv.opts.Private {
		return c.srv.admit(ctx, c.addr, h)
	}
	result := make(chan *failure, 1)
	go func() { result <- c.srv.admit(ctx, c.addr, h) }()
	return <-result
}

// conflict refuses an announce under the peer id of another connection. That
// may be this client's own old one, which nobody has closed: if it does not
// answer, the next announce will succeed.
func (c *socket) conflict(m *message) *failure {
	c.leave(m.infoHash)
	if owner, ok := c.srv.swarms.Owner(m.infoHash, m.peerID); ok && owner != c {
		owner.probe()
	}
	return &failure{reason: "peer_id is in use by another connection", retry: 1, result: resultConflict}
}

// join enters the torrent into the socket's own list, which is what leave and
// the limits go by.
func (c *socket) join(m *message) *failure {
	now := c.srv.opts.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if j := c.member(m.infoHash); j != nil {
		if j.id != m.peerID {
			return &failure{reason: "Only one peer id can be used per torrent", result: resultConflict, hangUp: true}
		}
		j.seen = now
		return nil
	}
	if len(c.joined) >= maxJoined {
		// Those that were not announced for so long are in no swarm any more.
		kept := c.joined[:0]
		for _, j := range c.joined {
			if now.Sub(j.seen) < swarm.DefaultSocketAge {
				kept = append(kept, j)
			}
		}
		clear(c.joined[len(kept):])
		c.joined = kept
	}
	if len(c.joined) >= maxJoined {
		return &failure{reason: "Too many torrents on this socket", retry: 3, result: resultLimited}
	}
	c.joined = append(c.joined, membership{hash: m.infoHash, id: m.peerID, seen: now})
	return nil
}

// member finds a torrent of the socket. The lock is held.
func (c *socket) member(h InfoHash) *membership {
	for i := range c.joined {
		if c.joined[i].hash == h {
			return &c.joined[i]
		}
	}
	return nil
}

func (c *socket) leave(h InfoHash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.joined {
		if c.joined[i].hash == h {
			last := len(c.joined) - 1
			c.joined[i] = c.joined[last]
			c.joined[last] = membership{}
			c.joined = c.joined[:last]
			return
		}
	}
}

// remember notes which offer goes to whom, before it goes.
func (c *socket) remember(m *message, peers []swarm.SocketPeer[*socket]) {
	now := c.srv.opts.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	j := c.member(m.infoHash)
	if j == nil {
		return
	}
	// The oldest stand first: drop the outdated, and what exceeds the limit.
	drop := max(0, len(j.offers)+len(peers)-maxOffersKept)
	for drop < len(j.offers) && now.Sub(j.offers[drop].at) > offerTime {
		drop++
	}
	j.offers = append(j.offers[:0], j.offers[drop:]...)
	for i, p := range peers {
		j.offers = append(j.offers, offer{id: m.offers[i].id, to: p.ID, at: now})
	}
}

// take reports whether the socket awaits an answer by peer from to this offer,
// and awaits it no longer.
func (c *socket) take(h InfoHash, self, id, from swarm.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	j := c.member(h)
	if j == nil || j.id != self {
		return false
	}
	for i, o := range j.offers {
		if o.id == id && o.to == from {
			j.offers = append(j.offers[:i], j.offers[i+1:]...)
			return c.srv.opts.Now().Sub(o.at) <= offerTime
		}
	}
	return false
}

// answer passes an answer on to the peer whose offer it answers. Answers that
// nobody waits for are dropped in silence, or they would be a way to flood
// others and to find out who is there.
func (c *socket) answer(x *exchange) {
	s, m := c.srv, &x.msg
	c.mu.Lock()
	j := c.member(m.infoHash)
	own := j != nil && j.id == m.peerID
	c.mu.Unlock()
	if own {
		to, ok := s.swarms.Owner(m.infoHash, m.toPeer)
		if ok && to.take(m.infoHash, m.toPeer, m.offerID, m.peerID) {
			x.out = appendRelay(x.out[:0], "answer", m.answer, m.offerID, m.peerID, m.infoHash)
			s.metrics.wsAnswerOK.Inc()
			s.metrics.answers.Inc()
			to.relay(x.out)
			return
		}
	}
	s.metrics.count(transportWS, actionAnswer, resultDropped)
}

func (c *socket) scrape(ctx context.Context, x *exchange) *failure {
	found, f := c.srv.admitAll(ctx, c.addr, x.msg.hashes)
	if f != nil {
		return f
	}
	b := append(x.out[:0], `{"action":"scrape","files":{`...)
	for i, h := range found {
		if i > 0 {
			b = append(b, ',')
		}
		n := c.srv.swarms.Counts(h)
		b = appendBinary(b, h[:])
		b = appendNumber(append(b, ':'), `{"complete":`, n.Complete)
		b = appendNumber(b, `,"incomplete":`, n.Incomplete)
		b = appendNumber(b, `,"downloaded":`, n.Downloaded)
		b = append(b, '}')
	}
	b = appendNumber(b, `},"flags":{"min_request_interval":`, int(minInterval/time.Second))
	c.srv.metrics.count(transportWS, actionScrape, resultOK)
	x.out = append(b, "}}"...)
	c.send(x.out)
	return nil
}

func appendNumber(b []byte, before string, n int) []byte {
	return strconv.AppendInt(append(b, before...), int64(n), 10)
}

func appendAnnounceReply(b []byte, h InfoHash, n swarm.Counts) []byte {
	b = append(b, `{"action":"announce","info_hash":`...)
	b = appendBinary(b, h[:])
	b = appendNumber(b, `,"complete":`, n.Complete)
	b = appendNumber(b, `,"incomplete":`, n.Incomplete)
	b = appendNumber(b, `,"interval":`, int(socketInterval/time.Second))
	return append(b, '}')
}

// appendRelay writes the message that brings an offer or an answer to its
// peer. Its bytes are those that were received.
func appendRelay(b []byte, kind string, sdp []byte, offerID, peerID swarm.ID, h InfoHash) []byte {
	b = append(b, `{"action":"announce","`...)
	b = append(b, kind...)
	b = append(b, `":`...)
	b = append(b, sdp...)
	b = append(b, `,"offer_id":`...)
	b = appendBinary(b, offerID[:])
	b = append(b, `,"peer_id":`...)
	b = appendBinary(b, peerID[:])
	b = append(b, `,"info_hash":`...)
	b = appendBinary(b, h[:])
	return append(b, '}')
}

// appendFailure writes an error. It always names an action, and the torrent,
// which is an empty string when it could not be told.
func appendFailure(b []byte, m *message, f *failure) []byte {
	b = append(b, `{"action":"`...)
	b = append(b, m.action...)
	b = append(b, `","failure reason":`...)
	reason, err := json.Marshal(f.reason)
	if err != nil {
		reason = []byte(`"error"`)
	}
	b = append(b, reason...)
	b = append(b, `,"info_hash":`...)
	switch {
	case m.hasHash:
		b = appendBinary(b, m.infoHash[:])
	case len(m.hashes) > 0:
		b = appendBinary(b, m.hashes[0][:])
	default:
		b = append(b, `""`...)
	}
	return append(b, '}')
}
