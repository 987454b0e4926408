package tracker

import (
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

// A hash with every kind of byte that encoders treat differently.
var testHash = InfoHash{0, 1, 0x20, '%', '&', '+', '=', '~', 'A', 'z', 0x7f, 0x80, 0xc3, 0xa9, 0xff, '"', '\\', '/', 0x1f, '0'}

const (
	testID    = "-KM0001-abcdefghijkl"
	goodQuery = "info_hash=%00%01%20%25%26%2B%3D%7EAz%7F%80%C3%A9%FF%22%5C%2F%1F0&peer_id=-KM0001-abcdefghijkl&port=6881"
)

func TestParseAnnounce(t *testing.T) {
	base := announceQuery{infoHash: testHash, peerID: swarm.ID([]byte(testID)), port: 6881, numWant: 50, compact: true}
	with := func(change func(*announceQuery)) announceQuery {
		q := base
		change(&q)
		return q
	}
	tests := []struct {
		name, query string
		want        announceQuery
	}{
		{"least", goodQuery, base},
		{"lower-case escapes, a plus for a space", strings.NewReplacer("%2B", "%2b", "%20", "+", "%FF", "%ff").Replace(goodQuery), base},
		{"raw bytes", strings.NewReplacer("%7E", "~", "%80%C3%A9%FF", "\x80\xc3\xa9\xff").Replace(goodQuery), base},
		{"seed", goodQuery + "&left=0", with(func(q *announceQuery) { q.seed = true })},
		{"leecher", goodQuery + "&left=17", base},
		{"left unknown", goodQuery + "&left=", base},
		{"left is no number", goodQuery + "&left=NaN", base},
		{"started", goodQuery + "&event=started", with(func(q *announceQuery) { q.event = swarm.Started })},
		{"stopped", goodQuery + "&event=stopped", with(func(q *announceQuery) { q.event = swarm.Stopped })},
		{"completed makes a seed", goodQuery + "&event=completed", with(func(q *announceQuery) { q.event, q.seed = swarm.Completed, true })},
		{"paused", goodQuery + "&event=paused&left=5", base},
		{"no event", goodQuery + "&event=", base},
		{"ten peers", goodQuery + "&numwant=10", with(func(q *announceQuery) { q.numWant = 10 })},
		{"no peers", goodQuery + "&numwant=0", with(func(q *announceQuery) { q.numWant = 0 })},
		{"a million peers", goodQuery + "&numwant=1000000", base},
		{"more than a number holds", goodQuery + "&numwant=99999999999999999999", base},
		{"default peers", goodQuery + "&numwant=-1", base},
		{"not compact", goodQuery + "&compact=0&no_peer_id=1", with(func(q *announceQuery) { q.compact, q.noPeerID = false, true })},
		{"address is ignored", goodQuery + "&ip=10.0.0.1&ipv4=10.0.0.1%3A1&ipv6=%5B%3A%3A1%5D", base},
		{"unknown keys and odd pairs", "&&x&=&supportcrypto=1&" + goodQuery + "&key=ABCD%ZZ&trackerid=%", base},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, f := parseAnnounce(test.query)
			if f != nil {
				t.Fatalf("parseAnnounce(%q) refused: %s", test.query, f.reason)
			}
			if got != test.want {
				t.Errorf("parseAnnounce(%q) = %+v, want %+v", test.query, got, test.want)
			}
		})
	}
}

func TestParseAnnounceRefuses(t *testing.T) {
	replace := func(part, by string) string { return strings.Replace(goodQuery, part, by, 1) }
	tests := []struct{ name, query, reason string }{
		{"nothing", "", "invalid info_hash"},
		{"no info_hash", replace("info_hash", "hash"), "invalid info_hash"},
		{"short info_hash", replace("%1F0", "%1F"), "invalid info_hash"},
		{"long info_hash", replace("%1F0", "%1F00"), "invalid info_hash"},
		{"cut escape", replace("%1F0", "%1"), "invalid info_hash"},
		{"bad escape", replace("%1F", "%1G"), "invalid info_hash"},
		{"hexadecimal info_hash", "info_hash=00000000000000000000ffffffffffffffffffff&peer_id=" + testID + "&port=1", "invalid info_hash"},
		{"two info_hashes", goodQuery + "&info_hash=" + testID, "invalid info_hash"},
		{"no peer_id", replace("peer_id", "id"), "invalid peer_id"},
		{"short peer_id", replace(testID, "x"), "invalid peer_id"},
		{"two peer_ids", goodQuery + "&peer_id=" + testID, "invalid peer_id"},
		{"no port", replace("&port=6881", ""), "invalid port"},
		{"port 0", replace("6881", "0"), "invalid port"},
		{"port too high", replace("6881", "65536"), "invalid port"},
		{"negative port", replace("6881", "-1"), "invalid port"},
		{"port is text", replace("6881", "http"), "invalid port"},
		{"two ports", goodQuery + "&port=2", "invalid port"},
		{"unknown event", goodQuery + "&event=exploded", "invalid event"},
		{"endless", goodQuery + "&x=" + strings.Repeat("y", maxQuery), "query too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, f := parseAnnounce(test.query)
			if f == nil || f.reason != test.reason {
				t.Errorf("parseAnnounce(%.80q): failure %+v, want %q", test.query, f, test.reason)
			}
		})
	}
}

func TestParseScrape(t *testing.T) {
	one := "info_hash=" + url.QueryEscape(string(testHash[:]))
	hashes, f := parseScrape(one + "&x=y&info_hash=" + testID)
	if f != nil || len(hashes) != 2 || hashes[0] != testHash || hashes[1] != InfoHash([]byte(testID)) {
		t.Errorf("parseScrape of two = %v, %+v", hashes, f)
	}
	if hashes, f := parseScrape(strings.TrimSuffix(strings.Repeat(one+"&", maxScrape), "&")); f != nil || len(hashes) != maxScrape {
		t.Errorf("parseScrape of the most gives %d, %+v, want %d", len(hashes), f, maxScrape)
	}
	tests := []struct{ name, query, reason string }{
		{"everything", "", "Full scrapes are not allowed"},
		{"everything, with other keys", "x=y", "Full scrapes are not allowed"},
		{"short hash", "info_hash=abc", "invalid info_hash"},
		{"too many", strings.Repeat("info_hash="+testID+"&", maxScrape+1), "Too many info hashes in one scrape"},
		{"endless", strings.Repeat("x", maxQuery+1), "query too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, f := parseScrape(test.query); f == nil || f.reason != test.reason {
				t.Errorf("parseScrape(%.80q): failure %+v, want %q", test.query, f, test.reason)
			}
		})
	}
}

// FuzzAnnounceQuery: what is accepted is accepted again after encoding it anew.
func FuzzAnnounceQuery(f *testing.F) {
	for _, seed := range []string{
		goodQuery, goodQuery + "&left=0&event=completed&numwant=-1&compact=0&no_peer_id=1",
		"info_hash=%", "info_hash=%a", "info_hash=++++++++++++++++++++&peer_id=%00", "&=&&port=1&port=", goodQuery + "&event=%73tarted",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		_, _ = parseScrape(raw)
		q, fail := parseAnnounce(raw)
		if fail != nil {
			if fail.reason == "" {
				t.Fatal("failure without a reason")
			}
			return
		}
		if q.port == 0 || q.numWant < 0 || q.numWant > maxPeers {
			t.Fatalf("parseAnnounce(%q) = %+v", raw, q)
		}
		again := url.Values{
			"info_hash": {string(q.infoHash[:])}, "peer_id": {string(q.peerID[:])},
			"port": {string(appendNumber(nil, "", int(q.port)))}, "numwant": {string(appendNumber(nil, "", q.numWant))},
			"event": {[]string{"", "started", "stopped", "completed"}[q.event]},
		}
		if q.seed {
			again.Set("left", "0")
		}
		if !q.compact {
			again.Set("compact", "0")
		}
		if q.noPeerID {
			again.Set("no_peer_id", "1")
		}
		if got, fail := parseAnnounce(again.Encode()); fail != nil || got != q {
			t.Fatalf("%q parsed to %+v, printed and parsed again to %+v, %+v", raw, q, got, fail)
		}
	})
}
