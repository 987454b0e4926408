package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

// serve starts a tracker and returns how to connect to it from an address.
func serve(t testing.TB, s *Server) func(from string) *browser {
	t.Helper()
	server := httptest.NewServer(s.Handler())
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		server.Close()
	})
	return func(from string) *browser {
		t.Helper()
		b, status, err := connect("ws"+strings.TrimPrefix(server.URL, "http")+"/tracker/socket", from, nil)
		if err != nil {
			t.Fatalf("connect from %s: status %d, %v", from, status, err)
		}
		b.t = t
		t.Cleanup(func() { _ = b.conn.Close() })
		return b
	}
}

// browser is a client of the WebTorrent protocol.
type browser struct {
	t    testing.TB
	conn *websocket.Conn
}

func connect(url, from string, header http.Header) (*browser, int, error) {
	if header == nil {
		header = http.Header{}
	}
	header.Set("X-Test-Addr", from)
	conn, res, err := websocket.DefaultDialer.Dial(url, header)
	if err != nil {
		if res == nil {
			return nil, 0, err
		}
		return nil, res.StatusCode, err
	}
	return &browser{conn: conn}, res.StatusCode, nil
}

func (b *browser) send(v any) {
	b.t.Helper()
	raw, ok := v.(string)
	if !ok {
		raw = jsonOf(b.t, v)
	}
	if err := b.conn.WriteMessage(websocket.TextMessage, []byte(raw)); err != nil {
		b.t.Fatalf("send: %v", err)
	}
}

// raw reads the next message.
func (b *browser) raw() (string, error) {
	_ = b.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	kind, data, err := b.conn.ReadMessage()
	if err == nil && kind != websocket.TextMessage {
		b.t.Errorf("message of kind %d, want text", kind)
	}
	return string(data), err
}

func (b *browser) receive() object {
	b.t.Helper()
	data, err := b.raw()
	if err != nil {
		b.t.Fatalf("receive: %v", err)
	}
	var m object
	if err := json.Unmarshal([]byte(data), &m); err != nil {
		b.t.Fatalf("receive: %v in %q", err, data)
	}
	return m
}

// ask sends a message and returns the answer.
func (b *browser) ask(v any) object {
	b.t.Helper()
	b.send(v)
	return b.receive()
}

// quiet fails when anything was sent to the client before its next question
// is answered.
func (b *browser) quiet(what string) {
	b.t.Helper()
	got := b.ask(object{"action": "scrape", "info_hash": bin(testHash)})
	if got["action"] != "scrape" {
		b.t.Errorf("%s: received %v, want nothing", what, got)
	}
}

func fails(t *testing.T, got object, action, reason string, h InfoHash) {
	t.Helper()
	want := object{"action": action, "failure reason": reason, "info_hash": bin(h)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failure (-want +got)\n%s", diff)
	}
}

func joinAs(peer string, more object) object {
	m := announceOf(more)
	m["peer_id"] = peer
	return m
}

func answerAs(from, to, offerID string) string {
	return fmt.Sprintf(`{"action":"announce","info_hash":%s,"peer_id":%q,"to_peer_id":%q,"offer_id":%q,"answer": {"type" : "answer","sdp":"é\u00e9 %s"} }`,
		appendBinary(nil, testHash[:]), from, to, offerID, from)
}

func TestOffersAndAnswersReachTheirPeers(t *testing.T) {
	dial := serve(t, open(t))
	a, b, stranger := dial("203.0.113.1"), dial("203.0.113.2"), dial("203.0.113.3")

	want := object{"action": "announce", "info_hash": bin(testHash), "complete": 0.0, "incomplete": 1.0, "interval": 120.0}
	if diff := cmp.Diff(want, a.ask(joinAs(id(1), object{"event": "started", "offers": offersOf(5)}))); diff != "" {
		t.Errorf("first announce (-want +got)\n%s", diff)
	}
	// Spaces, escapes and the order of keys must arrive as they were sent.
	const offer = `{"type" : "offer",  "sdp":"\u00e9é\/\n\u0000", "x":[1e2, -0]}`
	b.send(fmt.Sprintf(`{"action":"announce","info_hash":%s,"peer_id":%q,"left":0,"offers":[{"offer_id":%q,"offer":%s},{"offer_id":%q,"offer":{}}]}`,
		appendBinary(nil, testHash[:]), id(2), id(77), offer, id(78)))
	want["complete"], want["incomplete"] = 1.0, 1.0
	if diff := cmp.Diff(want, b.receive()); diff != "" {
		t.Errorf("second announce (-want +got)\n%s", diff)
	}
	got, err := a.raw()
	if wantRaw := fmt.Sprintf(`{"action":"announce","offer":%s,"offer_id":%q,"peer_id":%q,"info_hash":%s}`, offer, id(77), id(2), appendBinary(nil, testHash[:])); err != nil || got != wantRaw {
		t.Errorf("offer = %s, %v, want %s", got, err, wantRaw)
	}
	b.quiet("sender of the offers")
	a.quiet("the second of two offers for a single peer")

	a.send(answerAs(id(1), id(2), id(77)))
	got, err = b.raw()
	if wantRaw := fmt.Sprintf(`{"action":"announce","answer":{"type" : "answer","sdp":"é\u00e9 %s"},"offer_id":%q,"peer_id":%q,"info_hash":%s}`, id(1), id(77), id(1), appendBinary(nil, testHash[:])); err != nil || got != wantRaw {
		t.Errorf("answer = %s, %v, want %s", got, err, wantRaw)
	}
	a.quiet("an answer has no reply")
	stranger.quiet("who is in no swarm")
}

func TestOffersStayInTheirSwarm(t *testing.T) {
	s := open(t, func(o *Options) { o.Private = false })
	dial := serve(t, s)
	a, b, c := dial("203.0.113.1"), dial("203.0.113.2"), dial("203.0.113.3")
	a.ask(joinAs(id(1), nil))
	b.ask(joinAs(id(2), object{"info_hash": testID}))
	c.ask(joinAs(id(3), object{"info_hash": testID, "offers": offersOf(5)}))
	if got := b.receive(); got["offer"] == nil || got["info_hash"] != testID {
		t.Errorf("peer of the same torrent received %v, want an offer", got)
	}
	c.quiet("sender of the offers")
	a.quiet("peer of another torrent")

	// Two seeds have nothing for each other.
	seed := object{"left": 0, "offers": offersOf(5), "info_hash": strings.Repeat("s", 20)}
	b.ask(joinAs(id(2), seed))
	c.ask(joinAs(id(3), seed))
	c.quiet("sender of the offers")
	b.quiet("offers from seed to seed")
	if got := a.ask(joinAs(id(1), object{"info_hash": strings.Repeat("s", 20), "offers": offersOf(5)})); got["complete"] != 2.0 || got["incomplete"] != 1.0 {
		t.Errorf("announce = %v, want two seeds and a leecher", got)
	}
	if b.receive()["peer_id"] != id(1) || c.receive()["peer_id"] != id(1) {
		t.Error("seeds did not receive the offers of the leecher")
	}
}

func TestOffersGoToDifferentPeers(t *testing.T) {
	dial := serve(t, open(t))
	var others []*browser
	for i := range 12 {
		b := dial(fmt.Sprintf("203.0.113.%d", i))
		b.ask(joinAs(id(i), nil))
		others = append(others, b)
	}
	a := dial("198.51.100.1")
	a.ask(joinAs(id(99), object{"offers": offersOf(50), "numwant": 50}))
	a.quiet("sender") // and now all offers are on their way
	offers := make(map[string]bool)
	for _, b := range others {
		got := b.ask(object{"action": "scrape", "info_hash": bin(testHash)})
		if got["action"] == "scrape" {
			continue
		}
		offers[got["offer_id"].(string)] = true
		if got := b.receive(); got["action"] != "scrape" {
			t.Errorf("one peer received two offers of one announce: %v", got)
		}
	}
	if len(offers) != relayedOffers {
		t.Errorf("%d different offers arrived, want %d", len(offers), relayedOffers)
	}
}

func TestAnswersThatNobodyAwaits(t *testing.T) {
	dial := serve(t, open(t))
	a, b, c := dial("203.0.113.1"), dial("203.0.113.2"), dial("203.0.113.3")
	a.ask(joinAs(id(1), nil))
	b.ask(joinAs(id(2), object{"offers": offersOf(1)}))
	offerID := a.receive()["offer_id"].(string)
	c.ask(joinAs(id(3), nil))
	tests := []struct {
		name string
		by   *browser
		msg  string
	}{
		{"to another offer", a, answerAs(id(1), id(2), id(12345))},
		{"by a peer that got no offer", c, answerAs(id(3), id(2), offerID)},
		{"under the id of another peer", c, answerAs(id(1), id(2), offerID)},
		{"to a peer that made no offer", a, answerAs(id(1), id(3), offerID)},
		{"to a peer that does not exist", a, answerAs(id(1), id(4), offerID)},
	}
	for _, test := range tests {
		test.by.send(test.msg)
		test.by.quiet(test.name)
		b.quiet(test.name)
		c.quiet(test.name)
	}
	a.send(answerAs(id(1), id(2), offerID))
	if got := b.receive(); got["answer"] == nil || got["offer_id"] != offerID {
		t.Errorf("the awaited answer: received %v", got)
	}
	a.send(answerAs(id(1), id(2), offerID))
	a.quiet("second answer")
	b.quiet("second answer to the same offer")
}

func TestAnswerComesTooLate(t *testing.T) {
	clock := newClock()
	dial := serve(t, open(t, func(o *Options) { o.Now = clock.now }))
	a, b := dial("203.0.113.1"), dial("203.0.113.2")
	a.ask(joinAs(id(1), nil))
	b.ask(joinAs(id(2), object{"offers": offersOf(1)}))
	offerID := a.receive()["offer_id"].(string)
	clock.add(offerTime + time.Second)
	a.send(answerAs(id(1), id(2), offerID))
	a.quiet("late answer")
	b.quiet("an answer after two minutes")
}

func TestPeerIDs(t *testing.T) {
	dial := serve(t, open(t, func(o *Options) { o.Private = false }))
	a, b := dial("203.0.113.1"), dial("203.0.113.2")
	a.ask(joinAs(id(1), nil))

	fails(t, b.ask(joinAs(id(1), nil)), "announce", "peer_id is in use by another connection", testHash)
	fails(t, b.ask(joinAs(id(1), object{"event": "stopped"})), "announce", "peer_id is in use by another connection", testHash)
	if got := b.ask(joinAs(id(2), object{"offers": offersOf(1)})); got["incomplete"] != 2.0 {
		t.Errorf("announce under an own id: %v", got)
	}
	if got := a.receive(); got["offer"] == nil {
		t.Errorf("the owner of the id received %v, want the offer", got)
	}
	// Another id for another torrent is allowed, for the same one it is not.
	if got := b.ask(joinAs(id(3), object{"info_hash": testID})); got["failure reason"] != nil {
		t.Errorf("another id for another torrent: %v", got)
	}
	fails(t, b.ask(joinAs(id(3), nil)), "announce", "Only one peer id can be used per torrent", testHash)
	if _, err := b.raw(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("after a second peer id: %v, want the connection closed", err)
	}
}

// TestDeadOwnerIsReplaced: a client whose network broke comes back with its
// id while its old connection still seems to be open.
func TestDeadOwnerIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := servePipes(t, open(t))
		dead, other, again := dial(), dial(), dial()
		alive := dial()
		dead.ask(joinAs(id(1), nil)) // reads no more, so it answers no ping
		alive.ask(joinAs(id(2), nil))
		go func() { _, _ = alive.raw() }() // reads, so it does
		fails(t, again.ask(joinAs(id(1), nil)), "announce", "peer_id is in use by another connection", testHash)
		fails(t, other.ask(joinAs(id(2), nil)), "announce", "peer_id is in use by another connection", testHash)
		time.Sleep(probeTime + time.Second)
		if got := again.ask(joinAs(id(1), nil)); got["failure reason"] != nil {
			t.Errorf("after the old connection did not answer: %v", got)
		}
		fails(t, other.ask(joinAs(id(2), nil)), "announce", "peer_id is in use by another connection", testHash)
	})
}

func TestTorrentsPerSocket(t *testing.T) {
	clock := newClock()
	dial := serve(t, open(t, func(o *Options) { o.Private, o.Now = false, clock.now }))
	a := dial("203.0.113.1")
	hash := func(i int) InfoHash { return InfoHash([]byte(fmt.Sprintf("%020d", i))) }
	join := func(i int, event string) object {
		return a.ask(joinAs(id(1), object{"info_hash": bin(hash(i)), "event": event}))
	}
	for i := range maxJoined {
		if got := join(i, "started"); got["failure reason"] != nil {
			t.Fatalf("torrent %d: %v", i+1, got)
		}
	}
	fails(t, join(maxJoined, "started"), "announce", "Too many torrents on this socket", hash(maxJoined))
	if got := join(3, ""); got["failure reason"] != nil {
		t.Errorf("a torrent that it takes part in: %v", got)
	}
	join(5, "stopped")
	if got := join(maxJoined, "started"); got["failure reason"] != nil {
		t.Errorf("a new torrent after it left one: %v", got)
	}
	// Torrents that it no longer announces make room in time.
	clock.add(swarm.DefaultSocketAge + time.Second)
	if got := join(maxJoined+1, "started"); got["failure reason"] != nil {
		t.Errorf("a new torrent after the others expired: %v", got)
	}
}

func TestUnknownTorrentOnSocket(t *testing.T) {
	s := open(t)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/tracker/socket"
	a, _, err := connect(url, "203.0.113.1", nil)
	if err != nil {
		t.Fatal(err)
	}
	a.t = t
	for i := range banAfter {
		h := InfoHash{9, byte(i)}
		fails(t, a.ask(joinAs(id(1), object{"info_hash": bin(h)})), "announce", "Unknown infoHash "+h.String(), h)
		if i == 0 {
			if got := a.ask(joinAs(id(1), nil)); got["failure reason"] != nil {
				t.Errorf("a known torrent after an unknown one: %v", got)
			}
		}
	}
	if _, err := a.raw(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
		t.Errorf("after %d unknown torrents: %v, want the connection closed", banAfter, err)
	}
	if _, status, err := connect(url, "203.0.113.1", nil); err == nil || status != http.StatusForbidden {
		t.Errorf("connect while banned: status %d, %v, want 403", status, err)
	}
	if _, _, err := connect(url, "203.0.113.2", nil); err != nil {
		t.Errorf("connect from another address: %v", err)
	}
}

func TestSocketScrape(t *testing.T) {
	dial := serve(t, open(t))
	a := dial("203.0.113.1")
	a.ask(joinAs(id(1), object{"event": "completed"}))
	counts := object{"complete": 1.0, "incomplete": 0.0, "downloaded": 1.0}
	want := object{"action": "scrape", "files": object{bin(testHash): counts}, "flags": object{"min_request_interval": 60.0}}
	for name, hash := range map[string]any{"one": bin(testHash), "list": []string{testID, bin(testHash)}} {
		if diff := cmp.Diff(want, a.ask(object{"action": "scrape", "info_hash": hash})); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
	fails(t, a.ask(object{"action": "scrape", "info_hash": testID}), "scrape", "Unknown infoHash "+InfoHash([]byte(testID)).String(), InfoHash([]byte(testID)))
	want = object{"action": "scrape", "failure reason": "Full scrapes are not allowed", "info_hash": ""}
	if diff := cmp.Diff(want, a.ask(object{"action": "scrape"})); diff != "" {
		t.Errorf("full scrape (-want +got)\n%s", diff)
	}
}

func TestMalformedMessagesKeepTheConnection(t *testing.T) {
	dial := serve(t, open(t))
	a, b := dial("203.0.113.1"), dial("203.0.113.2")
	a.ask(joinAs(id(1), nil))
	want := object{"action": "announce", "failure reason": "invalid message", "info_hash": ""}
	for _, msg := range []string{"", "null", "[]", `{"action":`, "{\"action\":\"announce\",\"x\":\"\xff\"}"} {
		if diff := cmp.Diff(want, b.ask(msg)); diff != "" {
			t.Errorf("%q (-want +got)\n%s", msg, diff)
		}
	}
	// An offer that a browser would hang up on must not get there.
	broken := strings.Replace(jsonOf(t, joinAs(id(2), object{"offers": offersOf(1)})), "é", "\xff", 1)
	if got := b.ask(broken); got["failure reason"] != "invalid message" {
		t.Errorf("offer with invalid UTF-8: %v", got)
	}
	a.quiet("offer with invalid UTF-8")
	// Some clients send binary messages.
	if err := b.conn.WriteMessage(websocket.BinaryMessage, []byte(jsonOf(t, joinAs(id(2), nil)))); err != nil {
		t.Fatal(err)
	}
	if got := b.receive(); got["incomplete"] != 2.0 {
		t.Errorf("announce in a binary message: %v", got)
	}
}

func TestMessageSize(t *testing.T) {
	dial := serve(t, open(t))
	pad := func(n int) object { return joinAs(id(1), object{"x": strings.Repeat("x", n)}) }
	a := dial("203.0.113.1")
	if got := a.ask(pad(maxMessage - 500)); got["failure reason"] != nil {
		t.Errorf("message below the limit: %v", got)
	}
	a.send(pad(maxMessage))
	if _, err := a.raw(); !websocket.IsCloseError(err, websocket.CloseMessageTooBig) {
		t.Errorf("message above the limit: %v, want the connection closed", err)
	}
}

func TestTooManyAnnouncesOnSocket(t *testing.T) {
	dial := serve(t, open(t, func(o *Options) { o.RejectTooManyAnnounces = true }))
	a := dial("203.0.113.1")
	for i := range windowAnnounces {
		if got := a.ask(joinAs(id(1), nil)); got["failure reason"] != nil {
			t.Fatalf("announce %d: %v", i+1, got)
		}
	}
	fails(t, a.ask(joinAs(id(1), nil)), "announce", "Too many announces for this torrent", testHash)
}

func TestBrokenLookupOnSocket(t *testing.T) {
	dial := serve(t, open(t, func(o *Options) {
		o.Allow = func(context.Context, InfoHash) (bool, error) { return false, errors.New("database is away") }
	}))
	a := dial("203.0.113.1")
	fails(t, a.ask(joinAs(id(1), nil)), "announce", "Cannot look up the infoHash now", testHash)
}

func TestClosedSocketLeavesItsSwarms(t *testing.T) {
	s := open(t, func(o *Options) { o.Private = false })
	dial := serve(t, s)
	a, b := dial("203.0.113.1"), dial("203.0.113.2")
	for i := range 3 {
		a.ask(joinAs(id(1), object{"info_hash": bin(InfoHash{byte(i)})}))
	}
	b.ask(joinAs(id(2), object{"info_hash": bin(InfoHash{0})}))
	if got := s.swarms.Stats().Sockets; got != 4 {
		t.Fatalf("%d socket peers, want 4", got)
	}
	_ = a.conn.Close()
	waitFor(t, "the closed socket to leave", func() bool { return s.swarms.Stats().Sockets == 1 })
	if got := b.ask(joinAs(id(2), object{"info_hash": bin(InfoHash{0}), "event": "stopped"})); got["incomplete"] != 0.0 {
		t.Errorf("stop: %v, want nobody left", got)
	}
}

func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestSlowPeerIsDropped(t *testing.T) {
	s := open(t)
	dial := serve(t, s)
	slow, a := dial("203.0.113.1"), dial("203.0.113.2")
	slow.ask(joinAs(id(1), nil))
	_ = slow.conn.NetConn().(*net.TCPConn).SetReadBuffer(4096)
	offer := []any{object{"offer": object{"sdp": strings.Repeat("x", 60_000)}, "offer_id": testID}}
	deadline := time.Now().Add(30 * time.Second)
	for {
		got := a.ask(joinAs(id(2), object{"offers": offer}))
		if got["failure reason"] != nil {
			t.Fatalf("announce: %v", got)
		}
		if got["incomplete"] == 1.0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("a client that reads nothing was not dropped")
		}
	}
}

func TestHandshake(t *testing.T) {
	ownOrigin := func(o *Options) {
		o.CheckOrigin = func(r *http.Request) bool { return r.Header.Get("Origin") == "https://video.example" }
	}
	tests := []struct {
		name, path, origin string
		change             func(*Options)
		status             int
	}{
		{"plain", "/tracker/socket", "", nil, 101},
		{"with a query", "/tracker/socket?a=b&c", "", nil, 101},
		{"any origin", "/tracker/socket", "https://other.example", nil, 101},
		{"the right origin", "/tracker/socket", "https://video.example", ownOrigin, 101},
		{"a wrong origin", "/tracker/socket", "https://other.example", ownOrigin, 403},
		{"disabled", "/tracker/socket", "", func(o *Options) { o.Enabled = false }, 403},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			if test.change != nil {
				s = open(t, test.change)
			}
			server := httptest.NewServer(s.Handler())
			defer server.Close()
			header := http.Header{}
			if test.origin != "" {
				header.Set("Origin", test.origin)
			}
			b, status, err := connect("ws"+strings.TrimPrefix(server.URL, "http")+test.path, "203.0.113.1", header)
			if status != test.status {
				t.Errorf("status %d, %v, want %d", status, err, test.status)
			}
			if b != nil {
				_ = b.conn.Close()
			}
		})
	}
}

func TestSocketsPerAddress(t *testing.T) {
	s := open(t)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/tracker/socket"
	var last *browser
	for i := range 100 {
		b, status, err := connect(url, fmt.Sprintf("2001:db8::%x", i+1), nil)
		if err != nil {
			t.Fatalf("socket %d: status %d, %v", i+1, status, err)
		}
		defer b.conn.Close()
		last = b
	}
	if _, status, err := connect(url, "2001:db8::ffff", nil); err == nil || status != http.StatusTooManyRequests {
		t.Errorf("socket 101 of a /64: status %d, %v, want 429", status, err)
	}
	other, _, err := connect(url, "203.0.113.1", nil)
	if err != nil {
		t.Errorf("socket of another address: %v", err)
	} else {
		defer other.conn.Close()
	}
	_ = last.conn.Close()
	waitFor(t, "room for another socket", func() bool {
		b, _, err := connect(url, "2001:db8::ffff", nil)
		if err != nil {
			return false
		}
		_ = b.conn.Close()
		return true
	})
}

func TestRunClosesSockets(t *testing.T) {
	s := open(t)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/tracker/socket"
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	b, _, err := connect(url, "203.0.113.1", nil)
	if err != nil {
		t.Fatal(err)
	}
	b.t = t
	b.ask(joinAs(id(1), nil))
	cancel()
	if _, err := b.raw(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("client sees %v, want a going-away close", err)
	}
	if err := <-done; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if got := s.swarms.Stats().Sockets; got != 0 {
		t.Errorf("%d peers after Run returned, want 0", got)
	}
	if _, status, err := connect(url, "203.0.113.1", nil); err == nil || status != http.StatusServiceUnavailable {
		t.Errorf("connect after the stop: status %d, %v, want 503", status, err)
	}
}

func TestIdleSocketIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := servePipes(t, open(t))
		busy, idle := dial(), dial()
		busy.ask(joinAs(id(1), nil))
		idle.ask(joinAs(id(2), nil))
		time.Sleep(2 * time.Minute)
		busy.ask(joinAs(id(1), nil))
		time.Sleep(61 * time.Second)
		if _, err := idle.raw(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			t.Errorf("after three minutes of silence: %v, want the connection closed", err)
		}
		if got := busy.ask(joinAs(id(1), nil)); got["incomplete"] != 1.0 {
			t.Errorf("the other socket's announce: %v, want it alone", got)
		}
	})
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	dial := serve(t, open(t, func(o *Options) { o.Registerer = reg }))
	a, b := dial("203.0.113.1"), dial("203.0.113.2")
	a.ask(joinAs(id(1), nil))
	b.ask(joinAs(id(2), object{"offers": offersOf(1)}))
	a.send(answerAs(id(1), id(2), a.receive()["offer_id"].(string)))
	b.receive()
	b.ask("{}")
	want := map[string]float64{
		"peers ipv4": 0, "peers ipv6": 0, "peers socket": 2,
		"relayed_total answer": 1, "relayed_total offer": 1,
		"sockets": 2, "swarms": 1,
		"requests_total announce malformed ws": 1, "requests_total announce ok http": 0,
		"requests_total announce ok ws": 2, "requests_total answer ok ws": 1,
	}
	if diff := cmp.Diff(want, gather(t, reg)); diff != "" {
		t.Errorf("metrics (-want +got)\n%s", diff)
	}
	_ = a.conn.Close()
	waitFor(t, "the end of a socket to be counted", func() bool {
		return gather(t, reg)["sockets_closed_total client"] == 1
	})
}

// gather returns the metrics of the tracker by name and label values.
func gather(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]float64)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "kinemesh_tracker_")
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return got
}
