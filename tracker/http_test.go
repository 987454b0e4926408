package tracker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/anacrolix/torrent/bencode"
	"github.com/google/go-cmp/cmp"
)

// open is a tracker that serves testHash alone, to clients whose address the
// tests choose by a header.
func open(t testing.TB, change ...func(*Options)) *Server {
	t.Helper()
	o := Options{
		Enabled: true,
		Private: true,
		Allow:   func(_ context.Context, h InfoHash) (bool, error) { return h == testHash, nil },
		ClientIP: func(r *http.Request) netip.Addr {
			if a, err := netip.ParseAddr(r.Header.Get("X-Test-Addr")); err == nil {
				return a
			}
			return remoteAddr(r)
		},
	}
	for _, f := range change {
		f(&o)
	}
	return New(o)
}

// get asks the tracker from an address and decodes the bencoded answer.
func get(t *testing.T, s *Server, from, path string) map[string]any {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("X-Test-Addr", from)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: status %d, want 200 always", path, w.Code)
	}
	if got := w.Header().Get("Content-Type"); got != "text/plain" {
		t.Errorf("Content-Type = %q, want text/plain", got)
	}
	if got := w.Header().Get("Content-Length"); got != fmt.Sprint(w.Body.Len()) {
		t.Errorf("Content-Length = %s of %d bytes", got, w.Body.Len())
	}
	var answer map[string]any
	if err := bencode.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("GET %s: %v in %q", path, err, w.Body)
	}
	// Another encoder must produce the same bytes: keys in order, no padding.
	if again, err := bencode.Marshal(answer); err != nil || string(again) != w.Body.String() {
		t.Errorf("answer %q is %q in another encoder, %v", w.Body, again, err)
	}
	return answer
}

func announceURL(id string, port int, more string) string {
	return fmt.Sprintf("/tracker/announce?info_hash=%s&peer_id=%s&port=%d%s", url.QueryEscape(string(testHash[:])), id, port, more)
}

func id(n int) string { return fmt.Sprintf("-KM0001-%012d", n) }

func TestAnnounceAnswers(t *testing.T) {
	s := open(t)
	if diff := cmp.Diff(map[string]any{
		"complete": int64(0), "incomplete": int64(1), "interval": int64(600), "min interval": int64(60),
		"external ip": "\xcb\x00\x71\x01", "peers": "", "peers6": "",
	}, get(t, s, "203.0.113.1", announceURL(id(1), 1000, "&left=5&event=started"))); diff != "" {
		t.Errorf("first announce (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{
		"complete": int64(1), "incomplete": int64(1), "interval": int64(600), "min interval": int64(60),
		"external ip": "\x20\x01\x0d\xb8" + strings.Repeat("\x00", 11) + "\x01",
		"peers":       "\xcb\x00\x71\x01\x03\xe8", "peers6": "",
	}, get(t, s, "2001:db8::1", announceURL(id(2), 2000, "&left=0"))); diff != "" {
		t.Errorf("announce over IPv6 (-want +got)\n%s", diff)
	}
	got := get(t, s, "::ffff:203.0.113.3", announceURL(id(3), 3000, ""))
	if got["peers"] != "\xcb\x00\x71\x01\x03\xe8" || got["peers6"] != "\x20\x01\x0d\xb8"+strings.Repeat("\x00", 11)+"\x01\x07\xd0" || got["external ip"] != "\xcb\x00\x71\x03" {
		t.Errorf("announce from a mapped address: %q", got)
	}
	got = get(t, s, "203.0.113.3", announceURL(id(3), 3000, "&compact=0"))
	if diff := cmp.Diff([]any{
		map[string]any{"ip": "203.0.113.1", "peer id": id(1), "port": int64(1000)},
		map[string]any{"ip": "2001:db8::1", "peer id": id(2), "port": int64(2000)},
	}, got["peers"]); diff != "" || got["peers6"] != nil {
		t.Errorf("long answer (-want +got)\n%s", diff)
	}
	got = get(t, s, "203.0.113.3", announceURL(id(3), 3000, "&compact=0&no_peer_id=1&numwant=1"))
	if diff := cmp.Diff([]any{map[string]any{"ip": "203.0.113.1", "port": int64(1000)}}, got["peers"]); diff != "" {
		t.Errorf("long answer without ids (-want +got)\n%s", diff)
	}
	got = get(t, s, "203.0.113.1", announceURL(id(1), 1000, "&event=stopped"))
	if got["peers"] != "" || got["peers6"] != "" || got["incomplete"] != int64(1) {
		t.Errorf("answer to a stop: %q", got)
	}
}

func TestAnnounceBelievesTheConnectionOnly(t *testing.T) {
	s := open(t)
	get(t, s, "203.0.113.1", announceURL(id(1), 1000, "&ip=198.51.100.9&ipv4=198.51.100.9:5&ipv6=2001:db8::9"))
	got := get(t, s, "203.0.113.2", announceURL(id(2), 1000, ""))
	if got["peers"] != "\xcb\x00\x71\x01\x03\xe8" || got["peers6"] != "" {
		t.Errorf("peer that claimed another address is named as %q, %q", got["peers"], got["peers6"])
	}
	// Without a function that knows better, no header is believed either.
	plain := open(t, func(o *Options) { o.ClientIP = nil })
	r := httptest.NewRequest(http.MethodGet, announceURL(id(1), 1000, ""), nil)
	r.RemoteAddr = "203.0.113.7:5555"
	r.Header.Set("X-Forwarded-For", "198.51.100.9")
	w := httptest.NewRecorder()
	plain.Handler().ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "11:external ip4:\xcb\x00\x71\x07") {
		t.Errorf("answer %q names another address than that of the connection", w.Body)
	}
}

func TestAnnounceAnswersAtMost50Peers(t *testing.T) {
	s := open(t)
	for i := range 120 {
		get(t, s, fmt.Sprintf("203.0.113.%d", i), announceURL(id(i), 1000, ""))
		get(t, s, fmt.Sprintf("2001:db8:%d::1", i), announceURL(id(i+1000), 1000, ""))
	}
	for _, want := range []string{"", "&numwant=1000000", "&numwant=-1", "&numwant=50"} {
		got := get(t, s, "198.51.100.1", announceURL(id(9999), 1, want))
		if n4, n6 := len(got["peers"].(string))/6, len(got["peers6"].(string))/18; n4+n6 != 50 {
			t.Errorf("numwant %q names %d and %d peers, want 50 in all", want, n4, n6)
		}
	}
	if got := get(t, s, "198.51.100.1", announceURL(id(9999), 1, "&numwant=7")); len(got["peers"].(string)) != 7*6 {
		t.Errorf("numwant 7 names %d peers", len(got["peers"].(string))/6)
	}
}

func TestAnnouncePrivateAddresses(t *testing.T) {
	s := open(t)
	get(t, s, "192.168.1.1", announceURL(id(1), 1000, ""))
	get(t, s, "127.0.0.1", announceURL(id(2), 1000, ""))
	if got := get(t, s, "203.0.113.1", announceURL(id(3), 1000, "")); got["peers"] != "" {
		t.Errorf("a public peer is told of %q", got["peers"])
	}
	if got := get(t, s, "192.168.1.2", announceURL(id(4), 1000, "")); got["peers"] != "\xc0\xa8\x01\x01\x03\xe8\xcb\x00\x71\x01\x03\xe8" {
		t.Errorf("a private peer is told of %q, want the private and the public one", got["peers"])
	}
}

func TestHTTPFailures(t *testing.T) {
	good := announceURL(id(1), 1000, "")
	unknown := InfoHash{1, 2, 3}
	unknownURL := "info_hash=" + url.QueryEscape(string(unknown[:]))
	disabled := func(o *Options) { o.Enabled = false }
	broken := func(o *Options) {
		o.Allow = func(context.Context, InfoHash) (bool, error) { return true, errors.New("database is away") }
	}
	tests := []struct {
		name, path string
		change     func(*Options)
		reason     string // empty for the twin that is served
		retry      any
	}{
		{"announce", good, nil, "", nil},
		{"announce without torrent", "/tracker/announce", nil, "invalid info_hash", "never"},
		{"announce without port", strings.Replace(good, "port=1000", "", 1), nil, "invalid port", "never"},
		{"announce with an unknown event", good + "&event=x", nil, "invalid event", "never"},
		{"announce of an unknown torrent", strings.Replace(good, "info_hash=", unknownURL+"&x=", 1), nil, "Unknown infoHash " + unknown.String(), int64(30)},
		{"the same on an open tracker", strings.Replace(good, "info_hash=", unknownURL+"&x=", 1), func(o *Options) { o.Private = false }, "", nil},
		{"private tracker that knows nothing", good, func(o *Options) { o.Allow = nil }, "Unknown infoHash " + testHash.String(), int64(30)},
		{"announce while the database is away", good, broken, "Cannot look up the infoHash now", int64(1)},
		{"announce to a disabled tracker", good, disabled, "Tracker is disabled on this instance.", int64(60)},
		{"malformed announce to a disabled tracker", "/tracker/announce", disabled, "Tracker is disabled on this instance.", int64(60)},
		{"unknown address", good, func(o *Options) { o.ClientIP = func(*http.Request) netip.Addr { return netip.Addr{} } }, "Cannot tell your address", int64(1)},
		{"scrape", "/tracker/scrape?info_hash=" + url.QueryEscape(string(testHash[:])), nil, "", nil},
		{"scrape of everything", "/tracker/scrape", nil, "Full scrapes are not allowed", "never"},
		{"scrape of an unknown torrent", "/tracker/scrape?" + unknownURL, nil, "Unknown infoHash " + unknown.String(), int64(30)},
		{"scrape of a disabled tracker", "/tracker/scrape", disabled, "Tracker is disabled on this instance.", int64(60)},
		{"scrape while the database is away", "/tracker/scrape?" + unknownURL, broken, "Cannot look up the infoHash now", int64(1)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change := test.change
			if change == nil {
				change = func(*Options) {}
			}
			got := get(t, open(t, change), "203.0.113.1", test.path)
			if test.reason == "" {
				if got["failure reason"] != nil {
					t.Errorf("refused: %q", got)
				}
				return
			}
			if diff := cmp.Diff(map[string]any{"failure reason": test.reason, "retry in": test.retry}, got); diff != "" {
				t.Errorf("answer (-want +got)\n%s", diff)
			}
		})
	}
}

func TestScrapeAnswers(t *testing.T) {
	other := InfoHash{0xff, 0xfe}
	s := open(t, func(o *Options) {
		o.Allow = func(_ context.Context, h InfoHash) (bool, error) { return h == testHash || h == other, nil }
	})
	get(t, s, "203.0.113.1", announceURL(id(1), 1000, "&left=0&event=completed"))
	get(t, s, "203.0.113.2", announceURL(id(2), 1000, "&left=9"))
	get(t, s, "2001:db8::1", announceURL(id(3), 1000, "&left=9"))
	hash := func(h InfoHash) string { return "info_hash=" + url.QueryEscape(string(h[:])) }
	// Not sorted, one twice, one unknown, one without peers.
	got := get(t, s, "203.0.113.1", "/tracker/scrape?"+hash(other)+"&"+hash(testHash)+"&"+hash(InfoHash{7})+"&"+hash(testHash))
	want := map[string]any{
		"files": map[string]any{
			string(testHash[:]): map[string]any{"complete": int64(1), "incomplete": int64(2), "downloaded": int64(1)},
			string(other[:]):    map[string]any{"complete": int64(0), "incomplete": int64(0), "downloaded": int64(0)},
		},
		"flags": map[string]any{"min_request_interval": int64(60)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scrape (-want +got)\n%s", diff)
	}
}

func TestTooManyAnnounces(t *testing.T) {
	now := time.Now()
	strict := open(t, func(o *Options) {
		o.RejectTooManyAnnounces = true
		o.Now = func() time.Time { return now }
	})
	lenient := open(t)
	announce := func(s *Server, from string) any {
		return get(t, s, from, announceURL(id(1), 1000, ""))["failure reason"]
	}
	for i := range 15 {
		if f := announce(strict, "203.0.113.1"); f != nil {
			t.Fatalf("announce %d refused: %v", i+1, f)
		}
	}
	if f := announce(strict, "203.0.113.1"); f != "Too many announces for this torrent" {
		t.Errorf("announce 16: %v, want it refused", f)
	}
	if f := announce(strict, "203.0.113.2"); f != nil {
		t.Errorf("announce from another address refused: %v", f)
	}
	for i := range 20 {
		if f := announce(lenient, "203.0.113.1"); f != nil {
			t.Fatalf("announce %d refused although the limit is off: %v", i+1, f)
		}
	}
	now = now.Add(windowTime)
	if f := announce(strict, "203.0.113.1"); f != nil {
		t.Errorf("announce in the next window refused: %v", f)
	}
}

func TestBanAfterUnknownTorrents(t *testing.T) {
	now := time.Now()
	s := open(t, func(o *Options) { o.Now = func() time.Time { return now } })
	ask := func(from string, n int) any {
		h := InfoHash{1, byte(n)}
		return get(t, s, from, "/tracker/scrape?info_hash="+url.QueryEscape(string(h[:])))["failure reason"]
	}
	good := func(from string) any { return get(t, s, from, announceURL(id(1), 1000, ""))["failure reason"] }
	for range banAfter * 2 {
		ask("203.0.113.1", 1) // the same again and again is a stubborn client, no scan
	}
	if f := good("203.0.113.1"); f != nil {
		t.Errorf("banned for a single torrent: %v", f)
	}
	for i := range banAfter {
		ask("203.0.113.1", i)
		ask(fmt.Sprintf("2001:db8::%x", i+1), i)
	}
	if f := good("203.0.113.1"); f != "Too many unknown info hashes" {
		t.Errorf("after %d unknown torrents: %v, want a ban", banAfter, f)
	}
	if f := good("2001:db8::ffff"); f != "Too many unknown info hashes" {
		t.Errorf("another address of the /64: %v, want a ban", f)
	}
	if f := good("203.0.113.2"); f != nil {
		t.Errorf("another address is banned too: %v", f)
	}
	now = now.Add(banTime)
	if f := good("203.0.113.1"); f != nil {
		t.Errorf("still banned when its time is over: %v", f)
	}
}

func TestOtherMethodsAndPaths(t *testing.T) {
	s := open(t)
	tests := []struct {
		method, path string
		status       int
	}{
		{http.MethodPost, announceURL(id(1), 1, ""), http.StatusMethodNotAllowed},
		{http.MethodGet, "/tracker/", http.StatusNotFound},
		{http.MethodGet, "/tracker/stats", http.StatusNotFound},
		{http.MethodGet, "/tracker/socket", http.StatusUpgradeRequired},
		{http.MethodHead, "/tracker/scrape", http.StatusOK},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
		if w.Code != test.status {
			t.Errorf("%s %.20s: status %d, want %d", test.method, test.path, w.Code, test.status)
		}
	}
}
