package tracker

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

// scratch is what one HTTP request needs while it is answered.
type scratch struct {
	body  []byte
	peers []swarm.Peer
}

var scratches = sync.Pool{New: func() any {
	return &scratch{body: make([]byte, 0, 1024), peers: make([]swarm.Peer, 0, maxPeers)}
}}

func (s *Server) serveAnnounce(w http.ResponseWriter, r *http.Request) {
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	addr := s.clientAddr(r)
	var q announceQuery
	f := s.permit(addr)
	if f == nil {
		q, f = parseAnnounce(r.URL.RawQuery)
	}
	if f == nil {
		f = s.admit(r.Context(), addr, q.infoHash)
	}
	if f == nil {
		f = s.tooOften(addr, q.infoHash)
	}
	if f != nil {
		s.fail(w, actionAnnounce, f)
		return
	}
	peer := swarm.Peer{ID: q.peerID, Addr: netip.AddrPortFrom(addr, q.port)}
	var counts swarm.Counts
	counts, sc.peers = s.swarms.Announce(q.infoHash, peer, q.seed, q.event, q.numWant, sc.peers[:0])
	sc.body = appendAnnounce(sc.body[:0], counts, addr, sc.peers, q.compact, q.noPeerID)
	s.metrics.httpAnnounceOK.Inc()
	reply(w, sc.body)
}

func (s *Server) serveScrape(w http.ResponseWriter, r *http.Request) {
	addr := s.clientAddr(r)
	var found []InfoHash
	f := s.permit(addr)
	if f == nil {
		found, f = parseScrape(r.URL.RawQuery)
	}
	if f == nil {
		found, f = s.admitAll(r.Context(), addr, found)
	}
	if f != nil {
		s.fail(w, actionScrape, f)
		return
	}
	sc := scratches.Get().(*scratch)
	defer scratches.Put(sc)
	sc.body = s.appendScrape(sc.body[:0], found)
	s.metrics.count(transportHTTP, actionScrape, resultOK)
	reply(w, sc.body)
}

// permit checks what holds for every request.
func (s *Server) permit(addr netip.Addr) *failure {
	switch {
	case !s.opts.Enabled:
		return &failure{reason: reasonDisabled, retry: 60, result: resultDisabled}
	case !addr.IsValid():
		return &failure{reason: "Cannot tell your address", retry: 1, result: resultError}
	}
	return nil
}

// admitAll returns the admitted ones of the torrents in a scrape, sorted, each
// once; unknown ones are left out (BEP 48) unless all are.
func (s *Server) admitAll(ctx context.Context, addr netip.Addr, hashes []InfoHash) ([]InfoHash, *failure) {
	slices.SortFunc(hashes, func(a, b InfoHash) int { return bytes.Compare(a[:], b[:]) })
	hashes = slices.Compact(hashes)
	found := hashes[:0]
	var refused *failure
	for _, h := range hashes {
		f := s.admit(ctx, addr, h)
		switch {
		case f == nil:
			found = append(found, h)
		case f.result == resultUnknown:
			refused = f
		default:
			return nil, f
		}
	}
	if len(found) == 0 {
		return nil, refused
	}
	return found, nil
}

func (s *Server) fail(w http.ResponseWriter, action string, f *failure) {
	s.metrics.count(transportHTTP, action, f.result)
	b := append([]byte{}, "d14:failure reason"...)
	b = appendString(b, f.reason)
	b = append(b, "8:retry in"...) // BEP 31
	if f.retry == never {
		b = append(b, "5:never"...)
	} else {
		b = appendInt(b, f.retry)
	}
	reply(w, append(b, 'e'))
}

// reply sends a bencoded body. Failures too have status 200 (BEP 3).
func reply(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h["Content-Type"] = contentType
	h["Cache-Control"] = noStore
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h["X-Content-Type-Options"] = noSniff
	_, _ = w.Write(body) //nolint:gosec // plain text; and a client that has gone needs no answer
}

// Header values that every answer shares.
var (
	contentType = []string{"text/plain"}
	noStore     = []string{"no-store"}
	noSniff     = []string{"nosniff"}
)

// appendAnnounce writes the answer to an announce, keys in order.
func appendAnnounce(b []byte, c swarm.Counts, addr netip.Addr, peers []swarm.Peer, compact, noPeerID bool) []byte {
	b = append(b, "d8:complete"...)
	b = appendInt(b, c.Complete)
	b = append(b, "11:external ip"...) // BEP 24
	b = appendString(b, addr.AsSlice())
	b = append(b, "10:incomplete"...)
	b = appendInt(b, c.Incomplete)
	b = append(b, "8:interval"...)
	b = appendInt(b, int(announceInterval/time.Second))
	b = append(b, "12:min interval"...)
	b = appendInt(b, int(minInterval/time.Second))
	if !compact {
		b = append(b, "5:peersl"...)
		for _, p := range peers {
			b = appendPeer(b, p, noPeerID)
		}
		return append(b, "ee"...)
	}
	n4 := 0
	for _, p := range peers {
		if p.Addr.Addr().Is4() {
			n4++
		}
	}
	b = append(b, "5:peers"...) // BEP 23
	b = strconv.AppendInt(b, int64(n4*6), 10)
	b = appendCompact(append(b, ':'), peers, netip.Addr.Is4)
	b = append(b, "6:peers6"...) // BEP 7
	b = strconv.AppendInt(b, int64((len(peers)-n4)*18), 10)
	b = appendCompact(append(b, ':'), peers, netip.Addr.Is6)
	return append(b, 'e')
}

func appendCompact(b []byte, peers []swarm.Peer, family func(netip.Addr) bool) []byte {
	for _, p := range peers {
		a := p.Addr.Addr()
		if !family(a) {
			continue
		}
		if a.Is4() {
			ip := a.As4()
			b = append(b, ip[:]...)
		} else {
			ip := a.As16()
			b = append(b, ip[:]...)
		}
		b = binary.BigEndian.AppendUint16(b, p.Addr.Port())
	}
	return b
}

func appendPeer(b []byte, p swarm.Peer, noPeerID bool) []byte {
	b = append(b, "d2:ip"...)
	b = appendString(b, p.Addr.Addr().String())
	if !noPeerID {
		b = append(b, "7:peer id"...)
		b = appendString(b, p.ID[:])
	}
	b = append(b, "4:port"...)
	b = appendInt(b, int(p.Addr.Port()))
	return append(b, 'e')
}

// appendScrape writes the answer to a scrape of sorted torrents (BEP 48).
func (s *Server) appendScrape(b []byte, hashes []InfoHash) []byte {
	b = append(b, "d5:filesd"...)
	for _, h := range hashes {
		c := s.swarms.Counts(h)
		b = appendString(b, h[:]) // the 20 bytes themselves
		b = append(b, "d8:complete"...)
		b = appendInt(b, c.Complete)
		b = append(b, "10:downloaded"...)
		b = appendInt(b, c.Downloaded)
		b = append(b, "10:incomplete"...)
		b = appendInt(b, c.Incomplete)
		b = append(b, 'e')
	}
	b = append(b, "e5:flagsd20:min_request_interval"...)
	b = appendInt(b, int(minInterval/time.Second))
	return append(b, "ee"...)
}

func appendInt(b []byte, n int) []byte {
	b = append(b, 'i')
	b = strconv.AppendInt(b, int64(n), 10)
	return append(b, 'e')
}

func appendString[T string | []byte](b []byte, s T) []byte {
	b = strconv.AppendInt(b, int64(len(s)), 10)
	b = append(b, ':')
	return append(b, s...)
}
