package tracker

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

const (
	maxOffers     = 50 // in a message, SEC-67
	relayedOffers = 10 // of them passed on; clients send five
)

// message is what a browser sends. Its slices point into the bytes that were
// parsed.
type message struct {
	action   string // announce or scrape; announce when it could not be told
	answer   []byte // set: the message answers offerID of toPeer
	infoHash InfoHash
	hasHash  bool
	peerID   swarm.ID
	toPeer   swarm.ID
	offerID  swarm.ID
	event    swarm.Event
	seed     bool
	offers   []offerMessage
	hashes   []InfoHash // of a scrape
}

type offerMessage struct {
	id  swarm.ID
	sdp []byte
}

// rawMessage holds the members of a message before they are understood.
type rawMessage struct {
	action, infoHash, peerID, toPeerID, offerID, answer, offers, event, left, numWant []byte
}

// parse finds the members of the only object in data.
func (m *rawMessage) parse(data []byte) bool {
	s := scanner{data: data}
	s.space()
	ok := s.object(maxDepth, func(key, value []byte) bool {
		m.set(key, value)
		return true
	})
	s.space()
	return ok && s.pos == len(data)
}

func (m *rawMessage) set(key, value []byte) {
	name, ok := unquote(key)
	if !ok {
		return
	}
	switch string(name) {
	case "action":
		m.action = value
	case "info_hash":
		m.infoHash = value
	case "peer_id":
		m.peerID = value
	case "to_peer_id":
		m.toPeerID = value
	case "offer_id":
		m.offerID = value
	case "answer":
		m.answer = value
	case "offers":
		m.offers = value
	case "event":
		m.event = value
	case "left":
		m.left = value
	case "numwant":
		m.numWant = value
	}
}

// parse reads a message into m, which may have held another one. With a
// failure, m holds as much of the message as its answer needs.
func (m *message) parse(data []byte) *failure {
	*m = message{action: actionAnnounce, offers: m.offers[:0], hashes: m.hashes[:0]}
	var raw rawMessage
	// Browsers hang up on invalid UTF-8, so it must not reach one in an offer.
	if !utf8.Valid(data) || !raw.parse(data) {
		return malformed("invalid message")
	}
	m.hasHash = binary20((*[20]byte)(&m.infoHash), raw.infoHash)
	action, _ := unquote(raw.action)
	switch string(action) {
	case actionAnnounce:
		return m.parseAnnounce(&raw)
	case actionScrape:
		m.action = actionScrape
		return m.parseScrape(&raw)
	}
	if len(action) > 32 {
		action = action[:32]
	}
	return malformed("invalid action in WS request: " + string(bytes.ToValidUTF8(action, nil)))
}

func (m *message) parseAnnounce(raw *rawMessage) *failure {
	switch {
	case !m.hasHash:
		return malformed("invalid info_hash")
	case !binary20((*[20]byte)(&m.peerID), raw.peerID):
		return malformed("invalid peer_id")
	}
	if given(raw.answer) {
		return m.parseAnswer(raw)
	}
	if given(raw.event) {
		event, isText := unquote(raw.event)
		var known bool
		if m.event, known = parseEvent(string(event)); !isText || !known {
			return malformed("invalid event")
		}
	}
	// Null and absent are unknown, as with a magnet: a leecher.
	left, err := strconv.ParseFloat(string(raw.left), 64)
	m.seed = err == nil && left == 0 || m.event == swarm.Completed
	return m.parseOffers(raw)
}

func (m *message) parseAnswer(raw *rawMessage) *failure {
	switch {
	case !binary20((*[20]byte)(&m.toPeer), raw.toPeerID):
		return malformed("invalid `to_peer_id` (required with `answer`)")
	case !binary20((*[20]byte)(&m.offerID), raw.offerID):
		return malformed("invalid offer_id")
	case raw.answer[0] != '{':
		return malformed("invalid answer")
	}
	m.answer = raw.answer
	return nil
}

func (m *message) parseOffers(raw *rawMessage) *failure {
	if !given(raw.offers) {
		return nil
	}
	want := relayedOffers
	if n, err := strconv.ParseFloat(string(raw.numWant), 64); err == nil && n >= 0 && n < relayedOffers {
		want = int(n)
	}
	count, broken := 0, false
	s := scanner{data: raw.offers}
	ok := s.array(maxDepth, func(value []byte) bool {
		if count++; count > maxOffers {
			return false
		}
		o, ok := parseOffer(value)
		if ok && len(m.offers) < want {
			m.offers = append(m.offers, o)
		}
		broken = broken || !ok
		return ok
	})
	switch {
	case count > maxOffers:
		return malformed("too many offers")
	case !ok || broken:
		return malformed("invalid offers")
	}
	return nil
}

func parseOffer(raw []byte) (offerMessage, bool) {
	var o offerMessage
	hasID := false
	s := scanner{data: raw}
	ok := s.object(maxDepth, func(key, value []byte) bool {
		switch name, _ := unquote(key); string(name) {
		case "offer":
			o.sdp = value
		case "offer_id":
			hasID = binary20((*[20]byte)(&o.id), value)
		}
		return true
	})
	return o, ok && hasID && len(o.sdp) > 0 && o.sdp[0] == '{'
}

// parseScrape takes one hash or a list of them.
func (m *message) parseScrape(raw *rawMessage) *failure {
	if m.hasHash {
		m.hashes = append(m.hashes, m.infoHash)
		return nil
	}
	if !given(raw.infoHash) {
		return malformed(reasonFullScrape)
	}
	tooMany := false
	s := scanner{data: raw.infoHash}
	ok := s.array(maxDepth, func(value []byte) bool {
		var h InfoHash
		if !binary20((*[20]byte)(&h), value) {
			return false
		}
		if tooMany = len(m.hashes) == maxScrape; tooMany {
			return false
		}
		m.hashes = append(m.hashes, h)
		return true
	})
	switch {
	case tooMany:
		return malformed("Too many info hashes in one scrape")
	case !ok:
		return malformed("invalid info_hash")
	case len(m.hashes) == 0:
		return malformed(reasonFullScrape)
	}
	return nil
}

// given reports whether a member is there and not null.
func given(raw []byte) bool { return len(raw) > 0 && string(raw) != "null" }
