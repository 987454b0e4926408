package tracker

import (
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

// maxQuery bounds the query string: a scrape of maxScrape torrents, each
// escaped in full, fits.
const maxQuery = 24 << 10

// announceQuery is an HTTP announce as the client sent it. Its address is not
// part of it: ip, ipv4 and ipv6 are ignored (SEC-65).
type announceQuery struct {
	infoHash InfoHash
	peerID   swarm.ID
	port     uint16
	seed     bool
	event    swarm.Event
	numWant  int
	compact  bool
	noPeerID bool // BEP 23: leave the ids out of a long answer
}

// parseAnnounce reads the query of an announce. The values are bytes, not
// text, so net/url is not used: it would accept and refuse other things than
// the protocol does.
func parseAnnounce(raw string) (announceQuery, *failure) {
	q := announceQuery{numWant: maxPeers, compact: true}
	if len(raw) > maxQuery {
		return q, malformed("query too long")
	}
	var hasHash, hasID, hasPort bool
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		key, value, _ := strings.Cut(pair, "=")
		ok := true
		switch key {
		case "info_hash":
			ok = !hasHash && unescape20((*[20]byte)(&q.infoHash), value)
			hasHash = true
		case "peer_id":
			ok = !hasID && unescape20((*[20]byte)(&q.peerID), value)
			hasID = true
		case "port":
			q.port, ok = parsePort(value)
			ok = ok && !hasPort
			hasPort = true
		case "event":
			q.event, ok = parseEvent(value)
		case "left":
			// Nothing left makes a seed; a client without the metadata does not
			// know what is left and is a leecher (BEP 9).
			n, err := strconv.ParseFloat(value, 64)
			q.seed = err == nil && n == 0
		case "numwant":
			q.numWant = parseNumWant(value)
		case "compact":
			q.compact = value != "0" // BEP 23: compact unless refused
		case "no_peer_id":
			q.noPeerID = value == "1"
		}
		if !ok {
			return q, malformed("invalid " + key)
		}
	}
	switch {
	case !hasHash:
		return q, malformed("invalid info_hash")
	case !hasID:
		return q, malformed("invalid peer_id")
	case !hasPort:
		return q, malformed("invalid port")
	}
	q.seed = q.seed || q.event == swarm.Completed
	return q, nil
}

// parseScrape reads the torrents of a scrape.
func parseScrape(raw string) ([]InfoHash, *failure) {
	if len(raw) > maxQuery {
		return nil, malformed("query too long")
	}
	var hashes []InfoHash
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		key, value, _ := strings.Cut(pair, "=")
		if key != "info_hash" {
			continue
		}
		var h InfoHash
		if !unescape20((*[20]byte)(&h), value) {
			return nil, malformed("invalid info_hash")
		}
		if len(hashes) == maxScrape {
			return nil, malformed("Too many info hashes in one scrape")
		}
		hashes = append(hashes, h)
	}
	if len(hashes) == 0 {
		return nil, malformed(reasonFullScrape)
	}
	return hashes, nil
}

// parseEvent knows BEP 3's events, BEP 21's paused, and WebTorrent's update.
func parseEvent(s string) (swarm.Event, bool) {
	switch s {
	case "", "empty", "update", "paused":
		return swarm.None, true
	case "started":
		return swarm.Started, true
	case "stopped":
		return swarm.Stopped, true
	case "completed":
		return swarm.Completed, true
	}
	return swarm.None, false
}

// parseNumWant reads how many peers are wanted; what is no such number, like
// -1, asks for the default, which is also the most (SEC-65).
func parseNumWant(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > maxPeers {
		return maxPeers
	}
	return n
}

func parsePort(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return uint16(n), err == nil && n > 0
}

// unescape20 decodes percent-encoding into exactly 20 bytes.
func unescape20(dst *[20]byte, s string) bool {
	n := 0
	for i := 0; i < len(s); i++ {
		if n == len(dst) {
			return false
		}
		c := s[i]
		switch c {
		case '%':
			if i+2 >= len(s) {
				return false
			}
			hi, ok1 := fromHex(s[i+1])
			lo, ok2 := fromHex(s[i+2])
			if !ok1 || !ok2 {
				return false
			}
			c = hi<<4 | lo
			i += 2
		case '+':
			c = ' ' // form encoders write a space so; those that do not escape a plus are none
		}
		dst[n] = c
		n++
	}
	return n == len(dst)
}

func fromHex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
