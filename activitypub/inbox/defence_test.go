package inbox_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// forged is a request whose signature is none, but looks like one.
func forged(s *aptest.Server, keyID string, body []byte) []byte {
	sum := sha256.Sum256(body)
	digest := base64.StdEncoding.EncodeToString(sum[:])
	signature := base64.StdEncoding.EncodeToString(bytes.Repeat(sum[:], 8))
	return fmt.Appendf(nil, "POST /inbox HTTP/1.1\r\nHost: %s\r\nDate: %s\r\nDigest: SHA-256=%s\r\nContent-Type: application/activity+json\r\nContent-Length: %d\r\n"+
		"Signature: keyId=%q,algorithm=\"rsa-sha256\",headers=\"(request-target) host date digest\",signature=%q\r\n\r\n%s",
		s.Host, time.Now().UTC().Format(http.TimeFormat), digest, len(body), keyID, signature, body)
}

// deleteOf is the farewell of an actor.
func deleteOf(id string) []byte {
	return fmt.Appendf(nil, `{"@context":"https://www.w3.org/ns/activitystreams","id":"%s#delete","type":"Delete","actor":%q,"object":%q}`, id, id, id)
}

// TestSEC33: a thousand forged requests with a thousand key ids of one host,
// from many addresses, cause at most 30 fetches.
func TestSEC33(t *testing.T) {
	now := time.Now() // stands still: the limits are those of one minute
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Change: func(o *activitypub.Options) {
		o.Now = func() time.Time { return now }
	}})
	r := aptest.New(t)
	const addresses, each = 20, 50 // an address may fail 60 times a minute
	statuses := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for a := range addresses {
		wg.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%s/users/nobody%d-%d", r.Origin, a, i)
				body := fmt.Appendf(nil, `{"@context":"https://www.w3.org/ns/activitystreams","id":"%s/likes/1","type":"Like","actor":%q,"object":"%s/v/1"}`, id, id, s.Origin)
				status := sendFrom(t, fmt.Sprintf("127.0.1.%d", a+1), s.Host, forged(s, id+"#main-key", body))
				mu.Lock()
				statuses[status]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if statuses["401"] != addresses*each {
		t.Errorf("answers %v, want 401 alone", statuses)
	}
	if n := r.Fetches(""); n > 30 {
		t.Errorf("%d fetches", n)
	}
	if s.Count("inbox", "") != 0 || s.Count("actors", "host <> ''") != 0 {
		t.Error("a forgery left a row")
	}
	// One address that fails on is not looked at any more, another is.
	last := ""
	for i := range 20 {
		id := fmt.Sprintf("%s/users/more%d", r.Origin, i)
		body := fmt.Appendf(nil, `{"id":"%s/likes/1","type":"Like","actor":%q,"object":"%s/v/1"}`, id, id, s.Origin)
		last = sendFrom(t, "127.0.1.1", s.Host, forged(s, id, body))
	}
	if last != "429" {
		t.Errorf("after 60 failures an address gets %s", last)
	}
	bob := aptest.New(t).Actor(actor.Person, "bob")
	if got := bob.Post(s.Origin+"/inbox", bob.Activity("Like", s.Origin+"/v/1", nil)); got != http.StatusNoContent {
		t.Errorf("an honest sender gets %d", got)
	}
}

// sendFrom sends one request from a local address.
func sendFrom(t *testing.T, from, to string, request []byte) string {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer conn.Close()
	if _, err := conn.Write(request); err != nil {
		t.Error(err)
		return ""
	}
	status := make([]byte, 12)
	if _, err := conn.Read(status); err != nil {
		t.Error(err)
	}
	return string(status[9:])
}

// TestSEC34: thousands of farewells of actors that nobody knows cause no fetch
// and no row, and leave nothing in memory.
func TestSEC34(t *testing.T) {
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true})
	r := aptest.New(t)
	requests := make([][]byte, 2000)
	for i := range requests {
		id := fmt.Sprintf("%s/users/gone%d", r.Origin, i)
		requests[i] = forged(s, id+"#main-key", deleteOf(id))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	begun := time.Now()
	drive(t, s.Host, requests, "202")
	took := time.Since(begun)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if r.Fetches("") != 0 || s.Count("inbox", "") != 0 || s.Count("actors", "host <> ''") != 0 {
		t.Errorf("%d fetches, %d rows, %d actors", r.Fetches(""), s.Count("inbox", ""), s.Count("actors", "host <> ''"))
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 4<<20 {
		t.Errorf("the memory grew by %d bytes", grown)
	}
	t.Logf("%d farewells in %v", len(requests), took.Round(time.Millisecond))
}

// TestSEC35: above its limit an actor gets 429 and when to come again; then it
// is taken, so that nothing is lost.
func TestSEC35(t *testing.T) {
	begun := time.Now()
	var passed atomic.Int64 // since then, as the server sees it
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Change: func(o *activitypub.Options) {
		o.Federation.InboxLimits = config.InboxLimits{HostRate: 50, HostBurst: 500, ActorRate: 10, ActorBurst: 100}
		o.Now = func() time.Time { return begun.Add(time.Duration(passed.Load())) }
	}})
	r := aptest.New(t)
	bob, carol := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "carol")
	wire := func(a *aptest.Actor, n int) [][]byte {
		return presign(t, []sender{{a.IRI, a.KeyID, a.Key}}, s.Origin, n, smallLike)
	}
	requests := wire(bob, 112)
	drive(t, s.Host, requests[:100], "204")
	statuses := map[int]int{}
	var after string
	var refused [][]byte
	for _, raw := range requests[100:] {
		got := exchange(t, s.Host, raw)
		statuses[got.StatusCode]++
		if got.StatusCode == http.StatusTooManyRequests {
			after = got.Header.Get("Retry-After")
			refused = append(refused, raw)
		}
	}
	if statuses[429] != 12 || after != "1" {
		t.Errorf("above the burst: %v, Retry-After %q", statuses, after)
	}
	if got := carol.Post(s.Origin+"/inbox", carol.Activity("Like", s.Origin+"/v/1", nil)); got != http.StatusNoContent {
		t.Errorf("another actor of the host gets %d", got)
	}
	// What was refused is sent again when the answer said so.
	for _, raw := range refused {
		for got := 0; got != http.StatusNoContent; {
			if got = exchange(t, s.Host, raw).StatusCode; got == http.StatusTooManyRequests {
				if passed.Add(int64(100*time.Millisecond)) > int64(time.Minute) {
					t.Fatal("a minute later it is still refused")
				}
			} else if got != http.StatusNoContent {
				t.Fatalf("answered %d", got)
			}
		}
	}
	if n := s.Count("inbox", "actor = ?", bob.IRI); n != int64(len(requests)) {
		t.Errorf("%d of %d activities were taken", n, len(requests))
	}
}

// TestSEC35OneSenderForAServer: PeerTube sends the Views of all its people by
// its one instance actor and does not send again what was refused, so the limit
// of such an Application is its host's.
func TestSEC35OneSenderForAServer(t *testing.T) {
	for kind, want := range map[string]int{actor.Person: 100, actor.Application: 500} {
		// No second passes, so no bucket fills again.
		now := time.Now()
		s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Change: func(o *activitypub.Options) {
			o.Federation.InboxLimits = config.InboxLimits{HostRate: 50, HostBurst: 500, ActorRate: 10, ActorBurst: 100}
			o.Now = func() time.Time { return now }
		}})
		r := aptest.New(t)
		a, other := r.Actor(kind, "sender"), r.Actor(actor.Person, "other")
		requests := presign(t, []sender{{a.IRI, a.KeyID, a.Key}}, s.Origin, want+1, smallLike)
		drive(t, s.Host, requests[:want], "204")
		if got := exchange(t, s.Host, requests[want]).StatusCode; got != http.StatusTooManyRequests {
			t.Errorf("%s: request %d gets %d, want 429", kind, want+1, got)
		}
		if n := s.Count("inbox", ""); n != int64(want) {
			t.Errorf("%s: %d activities taken, want %d", kind, n, want)
		}
		// What the Application used up was its host's.
		got, left := other.Post(s.Origin+"/inbox", other.Activity("Like", s.Origin+"/v/1", nil)), http.StatusNoContent
		if want == 500 {
			left = http.StatusTooManyRequests
		}
		if got != left {
			t.Errorf("after the %s another actor of the host gets %d, want %d", kind, got, left)
		}
	}
}

// TestNobodyTakesIt: activities of types that no module takes are answered 202
// once they are proven and leave no row, but count towards the limits; those
// that one takes are kept, also when both come in one request.
func TestNobodyTakesIt(t *testing.T) {
	now := time.Now()
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Change: func(o *activitypub.Options) {
		o.Federation.InboxLimits = config.InboxLimits{HostRate: 1, HostBurst: 9, ActorRate: 1, ActorBurst: 9}
		o.Now = func() time.Time { return now }
	}})
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	inbox := s.Origin + "/inbox"
	several := func(types ...string) map[string]any {
		var items []any
		for _, typ := range types {
			items = append(items, bob.Activity(typ, r.Origin+"/things/1", nil))
		}
		return map[string]any{"type": "Collection", "items": items}
	}
	for _, c := range []struct {
		name string
		body any
		want int
		rows int64
	}{
		{"of AS2, taken by nobody", bob.Activity("Offer", r.Origin+"/things/1", nil), http.StatusAccepted, 0},
		{"without an object", bob.Activity("Arrive", nil, nil), http.StatusAccepted, 0},
		{"of no vocabulary", bob.Activity("Wave", r.Origin+"/things/1", nil), http.StatusAccepted, 0},
		{"taken by a module", bob.Activity("Like", s.Origin+"/v/1", nil), http.StatusNoContent, 1},
		{"several that nobody takes", several("Offer", "Join"), http.StatusAccepted, 1},
		{"several of both kinds", several("Offer", "Like"), http.StatusNoContent, 2},
		{"by another actor than its name says", bob.Activity("Offer", r.Origin+"/things/1", map[string]any{"id": "https://elsewhere.example/1"}), http.StatusForbidden, 2},
		{"the last that the limit allows", bob.Activity("Offer", r.Origin+"/things/1", nil), http.StatusAccepted, 2},
		{"one more", bob.Activity("Offer", r.Origin+"/things/1", nil), http.StatusTooManyRequests, 2},
	} {
		if got := bob.Post(inbox, c.body); got != c.want {
			t.Errorf("%s: answered %d, want %d", c.name, got, c.want)
		}
		if n := s.Count("inbox", ""); n != c.rows {
			t.Errorf("%s: %d rows, want %d", c.name, n, c.rows)
		}
	}
	// Without a good signature it is no more welcome than anything else.
	carol := aptest.New(t).Actor(actor.Person, "carol")
	forgery, another := carol.Request(inbox, carol.Activity("Offer", nil, nil)), carol.Request(inbox, carol.Activity("Offer", nil, nil))
	forgery.Header.Set("Signature", another.Header.Get("Signature"))
	if got := aptest.Send(t, forgery); got != http.StatusUnauthorized {
		t.Errorf("a forgery is answered %d", got)
	}
}

// exchange sends one request over a connection of its own.
func exchange(t *testing.T, address string, raw []byte) *http.Response {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// TestSEC35OthersAreNotSlowed: while one host floods and is refused, every
// activity of another is taken; the log says how long both take.
func TestSEC35OthersAreNotSlowed(t *testing.T) {
	now := time.Now() // stands still, so that the flood stays above its limit
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Change: func(o *activitypub.Options) {
		o.Federation.InboxLimits = config.InboxLimits{HostRate: 50, HostBurst: 100, ActorRate: 50, ActorBurst: 100}
		o.Now = func() time.Time { return now }
	}})
	senders := newSenders(t, s.DB)
	flooders, quiet := senders[:benchActors], senders[benchActors:2*benchActors]
	floods := presign(t, flooders, s.Origin, 200, smallLike)
	honest := presign(t, quiet, s.Origin, 90, smallLike)
	median := func(requests [][]byte) time.Duration {
		var took []time.Duration
		for _, raw := range requests {
			begun := time.Now()
			if got := exchange(t, s.Host, raw).StatusCode; got != http.StatusNoContent {
				t.Fatalf("the quiet host gets %d", got)
			}
			took = append(took, time.Since(begun))
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	drive(t, s.Host, floods[:100], "204") // the burst is used up
	idle := median(honest[:45])
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	statuses := map[int]int{}
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			statuses[exchange(t, s.Host, floods[100+i%100]).StatusCode]++
		}
	})
	loaded := median(honest[45:])
	stop()
	wg.Wait()
	t.Logf("median %v idle, %v while another host floods: %v", idle, loaded, statuses)
	if len(statuses) != 1 || statuses[http.StatusTooManyRequests] == 0 {
		t.Errorf("the flood got %v", statuses)
	}
}

// TestSEC35Settings: the limits are settings.
func TestSEC35Settings(t *testing.T) {
	now := time.Now() // stands still, so that no bucket fills again
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Change: func(o *activitypub.Options) {
		o.Federation.InboxLimits = config.InboxLimits{HostRate: 1, HostBurst: 3, ActorRate: 1, ActorBurst: 2}
		o.Now = func() time.Time { return now }
	}})
	r := aptest.New(t)
	bob, carol := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "carol")
	var got []string
	for _, a := range []*aptest.Actor{bob, bob, bob, carol, carol} {
		got = append(got, fmt.Sprint(a.Post(s.Origin+"/inbox", a.Activity("Like", s.Origin+"/v/1", nil))))
	}
	if text := strings.Join(got, " "); text != "204 204 429 204 429" {
		t.Errorf("answers %s", text)
	}
}
