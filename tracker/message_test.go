package tracker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

func parseMessage(data []byte) (message, *failure) {
	m := message{action: "stale", offers: make([]offerMessage, 3), hashes: make([]InfoHash, 3)}
	f := m.parse(data)
	return m, f
}

// bin writes bytes as browsers do: a string of code points up to U+00FF.
func bin[T ~[20]byte](b T) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteRune(rune(c))
	}
	return s.String()
}

// jsonOf encodes a message with another encoder than the one under test.
func jsonOf(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type object = map[string]any

func announceOf(more object) object {
	m := object{"action": "announce", "info_hash": bin(testHash), "peer_id": testID, "numwant": 5, "uploaded": 0, "downloaded": 0}
	for k, v := range more {
		if v == "-" {
			delete(m, k)
		} else {
			m[k] = v
		}
	}
	return m
}

func offersOf(n int) []any {
	var list []any
	for i := range n {
		list = append(list, object{"offer": object{"type": "offer", "sdp": fmt.Sprintf("v=0 é %d", i)}, "offer_id": fmt.Sprintf("%020d", i)})
	}
	return list
}

func TestParseMessage(t *testing.T) {
	tests := []struct {
		name   string
		msg    any
		seed   bool
		event  swarm.Event
		offers int
	}{
		{"least", announceOf(object{"numwant": "-"}), false, swarm.None, 0},
		{"unknown left, as of a magnet", announceOf(object{"left": nil}), false, swarm.None, 0},
		{"left", announceOf(object{"left": 1}), false, swarm.None, 0},
		{"nothing left", announceOf(object{"left": 0}), true, swarm.None, 0},
		{"nothing left, with a fraction", announceOf(object{"left": json.RawMessage("0.0e1")}), true, swarm.None, 0},
		{"started", announceOf(object{"event": "started"}), false, swarm.Started, 0},
		{"completed", announceOf(object{"event": "completed"}), true, swarm.Completed, 0},
		{"update", announceOf(object{"event": "update"}), false, swarm.None, 0},
		{"paused", announceOf(object{"event": "paused"}), false, swarm.None, 0},
		{"no event", announceOf(object{"event": nil}), false, swarm.None, 0},
		{"offers", announceOf(object{"offers": offersOf(5)}), false, swarm.None, 5},
		{"ten offers", announceOf(object{"offers": offersOf(10), "numwant": 10}), false, swarm.None, 10},
		{"ten of the most offers", announceOf(object{"offers": offersOf(50), "numwant": 50}), false, swarm.None, 10},
		{"fewer wanted than offered", announceOf(object{"offers": offersOf(5), "numwant": 2}), false, swarm.None, 2},
		{"offers without numwant", announceOf(object{"offers": offersOf(5), "numwant": "-"}), false, swarm.None, 5},
		{"no offers", announceOf(object{"offers": nil, "answer": nil}), false, swarm.None, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, f := parseMessage([]byte(jsonOf(t, test.msg)))
			if f != nil {
				t.Fatalf("refused: %s", f.reason)
			}
			if m.infoHash != testHash || string(m.peerID[:]) != testID {
				t.Errorf("torrent %v of peer %q", m.infoHash, m.peerID)
			}
			if m.seed != test.seed || m.event != test.event || len(m.offers) != test.offers {
				t.Errorf("seed %v, event %v, %d offers, want %v, %v, %d", m.seed, m.event, len(m.offers), test.seed, test.event, test.offers)
			}
			for i, o := range m.offers {
				if want := fmt.Sprintf(`{"sdp":"v=0 é %d","type":"offer"}`, i); string(o.sdp) != want || string(o.id[:]) != fmt.Sprintf("%020d", i) {
					t.Errorf("offer %d is %q: %s, want %s", i, o.id, o.sdp, want)
				}
			}
		})
	}
}

func TestParseMessageAnswer(t *testing.T) {
	answer := object{
		"answer": object{"type": "answer"}, "to_peer_id": bin(testHash), "offer_id": strings.Repeat("o", 20),
	}
	m, f := parseMessage([]byte(jsonOf(t, announceOf(answer))))
	if f != nil || string(m.answer) != `{"type":"answer"}` || m.toPeer != swarm.ID(testHash) || m.offerID[19] != 'o' {
		t.Errorf("parseMessage of an answer = %+v, %+v", m, f)
	}
}

func TestParseMessageScrape(t *testing.T) {
	many := make([]string, maxScrape+1)
	for i := range many {
		many[i] = fmt.Sprintf("%020d", i)
	}
	tests := []struct {
		name   string
		hash   any
		want   int
		reason string
	}{
		{"one", bin(testHash), 1, ""},
		{"list", []string{bin(testHash), testID}, 2, ""},
		{"the most", many[:maxScrape], maxScrape, ""},
		{"too many", many, 0, "Too many info hashes in one scrape"},
		{"everything", nil, 0, "Full scrapes are not allowed"},
		{"empty list", []string{}, 0, "Full scrapes are not allowed"},
		{"short", "abc", 0, "invalid info_hash"},
		{"short in list", []string{bin(testHash), "abc"}, 0, "invalid info_hash"},
		{"number", 5, 0, "invalid info_hash"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, f := parseMessage([]byte(jsonOf(t, object{"action": "scrape", "info_hash": test.hash})))
			if m.action != "scrape" {
				t.Errorf("action = %q: clients drop their connection on an answer with another one", m.action)
			}
			switch {
			case test.reason != "":
				if f == nil || f.reason != test.reason {
					t.Errorf("failure %+v, want %q", f, test.reason)
				}
			case f != nil:
				t.Errorf("refused: %s", f.reason)
			case len(m.hashes) != test.want || m.hashes[0] != testHash && test.want < maxScrape:
				t.Errorf("%d hashes from %v, want %d", len(m.hashes), m.hashes[0], test.want)
			}
		})
	}
}

func TestParseMessageRefuses(t *testing.T) {
	one := func(key string, v any) any { return announceOf(object{key: v}) }
	offer := func(v any) any { return announceOf(object{"offers": []any{v}}) }
	answer := func(more object) any {
		m := announceOf(object{"answer": object{"type": "answer"}, "to_peer_id": testID, "offer_id": testID})
		maps.Copy(m, more)
		return m
	}
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	tests := []struct {
		name   string
		msg    any
		reason string
	}{
		{"no object", "hello", "invalid message"},
		{"cut off", json.RawMessage(`{"a":1`), "invalid message"},
		{"two values", json.RawMessage(`{}{}`), "invalid message"},
		{"nested without end", one("x", json.RawMessage(deep)), "invalid message"},
		{"invalid UTF-8", json.RawMessage("{\"x\":\"\xff\"}"), "invalid message"},
		{"no action", one("action", nil), "invalid action in WS request: "},
		{"unknown action", one("action", "explode"), "invalid action in WS request: explode"},
		{"endless action", one("action", strings.Repeat("é", 100)), "invalid action in WS request: " + strings.Repeat("é", 16)},
		{"no info_hash", one("info_hash", nil), "invalid info_hash"},
		{"info_hash of 19", one("info_hash", strings.Repeat("x", 19)), "invalid info_hash"},
		{"info_hash of 21", one("info_hash", strings.Repeat("x", 21)), "invalid info_hash"},
		{"info_hash beyond U+00FF", one("info_hash", strings.Repeat("x", 19)+"Ā"), "invalid info_hash"},
		{"info_hash of 20 bytes but 10 code points", one("info_hash", strings.Repeat("é", 10)), "invalid info_hash"},
		{"no peer_id", one("peer_id", nil), "invalid peer_id"},
		{"short peer_id", one("peer_id", "x"), "invalid peer_id"},
		{"unknown event", one("event", "exploded"), "invalid event"},
		{"event is a number", one("event", 1), "invalid event"},
		{"too many offers", one("offers", offersOf(51)), "too many offers"},
		{"offers are no list", one("offers", object{}), "invalid offers"},
		{"offer is no object", offer("x"), "invalid offers"},
		{"offer without description", offer(object{"offer_id": testID}), "invalid offers"},
		{"description is text", offer(object{"offer_id": testID, "offer": "x"}), "invalid offers"},
		{"offer without id", offer(object{"offer": object{}}), "invalid offers"},
		{"short offer_id", offer(object{"offer": object{}, "offer_id": "x"}), "invalid offers"},
		{"answer to nobody", answer(object{"to_peer_id": nil}), "invalid `to_peer_id` (required with `answer`)"},
		{"answer to no offer", answer(object{"offer_id": "x"}), "invalid offer_id"},
		{"answer is text", answer(object{"answer": "x"}), "invalid answer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			raw, ok := test.msg.(json.RawMessage)
			if !ok {
				raw = json.RawMessage(jsonOf(t, test.msg))
			}
			m, f := parseMessage(raw)
			if f == nil || f.reason != test.reason {
				t.Fatalf("parseMessage(%.200s): failure %+v, want %q", raw, f, test.reason)
			}
			var answer struct {
				Action   string `json:"action"`
				Reason   string `json:"failure reason"`
				InfoHash string `json:"info_hash"`
			}
			if err := json.Unmarshal(appendFailure(nil, &m, f), &answer); err != nil {
				t.Fatal(err)
			}
			if answer.Action != "announce" || answer.Reason != test.reason {
				t.Errorf("answer = %+v", answer)
			}
			if known := !strings.Contains(test.reason, "info_hash") && test.reason != "invalid message"; known && answer.InfoHash != bin(testHash) {
				t.Errorf("answer names torrent %q", answer.InfoHash)
			}
		})
	}
}

func TestBinaryStringsSurvive(t *testing.T) {
	for c := range 256 {
		var want, got [20]byte
		for i := range want {
			want[i] = byte(c + i)
		}
		raw := appendBinary(nil, want[:])
		if !json.Valid(raw) || !binary20(&got, raw) || got != want {
			t.Errorf("% x became %s and % x", want, raw, got)
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil || text != bin(want) {
			t.Errorf("% x is %q in another parser, %v", want, text, err)
		}
	}
	escaped := []byte(`"\u0000\u00ff\/\"\\\b\f\n\r\tabcdefghiÿ"`)
	var got [20]byte
	if !binary20(&got, escaped) || got[1] != 0xff || got[2] != '/' || got[9] != '\t' || got[19] != 0xff {
		t.Errorf("escaped string gives % x", got)
	}
}

// FuzzMessage compares the scanner with encoding/json: both must accept the
// same texts, and see the same torrent in them.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		jsonOf(f, announceOf(object{"offers": offersOf(3), "event": "started", "left": 12})),
		jsonOf(f, announceOf(object{"answer": object{"type": "answer"}, "to_peer_id": testID, "offer_id": testID})),
		jsonOf(f, object{"action": "scrape", "info_hash": []string{testID}}),
		`{"action":"announce","info_hash":"\u0041BCDEFGHIJKLMNOPQRS\u00ff"}`,
		` { "a" : [ 1 , -0.5e+7 , true , false , null , { } , [ ] ] , "b\n" : "\ud83d\ude00" } `,
		`{"a":01}`, `{"a":1.}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{,}`, `[`, `{"a"`, "{\"a\":\"\n\"}", `{"a":1}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, fail := parseMessage(data)
		if answer := appendFailure(nil, &m, malformed("x")); !json.Valid(answer) {
			t.Fatalf("answer %q is not JSON", answer)
		}
		var want map[string]json.RawMessage
		err := json.Unmarshal(data, &want)
		accepted := fail == nil || fail.reason != "invalid message"
		if reference := err == nil && want != nil && utf8.Valid(data); accepted != reference {
			if nesting := strings.Count(string(data), "[") + strings.Count(string(data), "{"); reference && nesting >= maxDepth {
				return
			}
			t.Fatalf("parseMessage(%q) accepts: %v, encoding/json: %v", data, accepted, reference)
		}
		if !accepted {
			return
		}
		var hash string
		if json.Unmarshal(want["info_hash"], &hash) == nil && m.hasHash && bin(m.infoHash) != hash {
			t.Fatalf("torrent of %q is %q, encoding/json: %q", data, bin(m.infoHash), hash)
		}
		for _, o := range m.offers {
			if !json.Valid(o.sdp) || !bytes.Contains(data, o.sdp) {
				t.Fatalf("offer %q is not part of %q", o.sdp, data)
			}
		}
		if fail == nil && m.answer != nil {
			relay := appendRelay(nil, "answer", m.answer, m.offerID, m.peerID, m.infoHash)
			if !json.Valid(relay) {
				t.Fatalf("relayed %q is not JSON", relay)
			}
		}
	})
}
