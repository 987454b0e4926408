package activitypub_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

var rfc9421 = signature.Knock{Scheme: signature.RFC9421}

// exchange sends a request and gives status and headers.
func exchange(t *testing.T, req *http.Request) *http.Response {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp
}

// TestInboxRFC9421: the inbox does not care which scheme it is; a refusal says
// how to sign and has no effect, its intact twin is accepted (SEC-01, SEC-06).
func TestInboxRFC9421(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := idle(t, d, nil)
		r := aptest.New(t)
		bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
		method, ed := bob.Multikey("#ed25519-key")
		_, stranger := eve.Multikey("#ed25519-key")
		like := func() map[string]any { return bob.Activity("Like", s.Origin+"/notes/1", nil) }
		byRSA := func() *http.Request { return bob.RequestAs(s.Origin+"/inbox", like(), bob.KeyID, bob.Key, rfc9421) }
		cavage := bob.Request(s.Origin+"/inbox", like())
		for _, c := range []struct {
			name string
			make func() *http.Request
			ok   bool
		}{
			{"rsa", byRSA, true},
			{"ed25519", func() *http.Request { return bob.RequestAs(s.Origin+"/inbox", like(), method, ed, rfc9421) }, true},
			{"ed25519 in draft-cavage", func() *http.Request {
				return bob.RequestAs(s.Origin+"/inbox", like(), method, ed, signature.Knock{})
			}, true},
			{"draft-cavage", func() *http.Request { return bob.Request(s.Origin+"/inbox", like()) }, true},
			{"another's ed25519 key", func() *http.Request {
				return bob.RequestAs(s.Origin+"/inbox", like(), method, stranger, rfc9421)
			}, false},
			{"rsa key under the name of the other", func() *http.Request {
				return bob.RequestAs(s.Origin+"/inbox", like(), method, bob.Key, rfc9421)
			}, false},
			{"changed body", func() *http.Request {
				return rebody(byRSA(), must(json.Marshal(bob.Activity("Dislike", s.Origin+"/notes/1", nil))))
			}, false},
			{"another path", func() *http.Request {
				q := byRSA()
				q.URL.Path = "/accounts/peertube/inbox"
				return q
			}, false},
			{"both schemes", func() *http.Request {
				q := byRSA()
				q.Header.Add("Signature", cavage.Header.Get("Signature"))
				return q
			}, false},
			{"both schemes in two headers", func() *http.Request {
				q := byRSA()
				q.Header.Set("Authorization", "Signature "+cavage.Header.Get("Signature"))
				return q
			}, false},
			{"nothing signed", func() *http.Request {
				q := byRSA()
				q.Header.Del("Signature")
				q.Header.Del("Signature-Input")
				return q
			}, false},
		} {
			before := s.Count("inbox", "")
			resp := exchange(t, c.make())
			if (resp.StatusCode == 204) != c.ok || !c.ok && resp.StatusCode != 401 {
				t.Errorf("%s: answered %d", c.name, resp.StatusCode)
			}
			if added := s.Count("inbox", "") - before; (added == 1) != c.ok {
				t.Errorf("%s: %d rows", c.name, added)
			}
			if c.ok {
				continue
			}
			asked := signature.ParseAcceptSignature(resp.Header)
			if asked == nil || !strings.Contains(strings.Join(asked.Components, " "), "content-digest") || resp.Header.Get("Vary") != "Accept, Signature" {
				t.Errorf("%s: the answer says %v", c.name, resp.Header)
			}
		}
	}, withNotes()...)
}

// TestDuplicateKnocks: a sender that knocks twice with one activity, each time
// signed in another way, has one effect (SEC-07).
func TestDuplicateKnocks(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	bob := aptest.New(t).Actor(actor.Person, "bob")
	like := bob.Activity("Like", s.Origin+"/notes/1", nil)
	for range 2 {
		for _, k := range []signature.Knock{{}, rfc9421} {
			if resp := exchange(t, bob.RequestAs(s.Origin+"/inbox", like, bob.KeyID, bob.Key, k)); resp.StatusCode != 204 {
				t.Errorf("%+v answered %d", k, resp.StatusCode)
			}
		}
	}
	if n := s.Count("inbox", ""); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestMultikeyRotates: over the inbox, the old Ed25519 key of an actor is dead
// once the new one is known (SEC-08).
func TestMultikeyRotates(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	method, old := bob.Multikey("#ed25519-key")
	post := func(key any) int {
		return exchange(t, bob.RequestAs(s.Origin+"/inbox", bob.Activity("Like", s.Origin+"/notes/1", nil), method, key, rfc9421)).StatusCode
	}
	if got := post(old); got != 204 {
		t.Fatalf("first key: %d", got)
	}
	_, fresh := bob.Multikey("#ed25519-key")
	if got := post(fresh); got != 204 {
		t.Errorf("new key: %d", got)
	}
	if got := post(old); got != 401 {
		t.Errorf("old key: %d", got)
	}
	if n := r.Fetches(bob.IRI); n > 3 {
		t.Errorf("%d fetches", n)
	}
}

// demandScheme makes a remote take deliveries of one scheme alone, whose
// signature and digest it checks against the key that our server shows.
func demandScheme(t *testing.T, r *aptest.Remote, s *aptest.Server, scheme signature.Scheme) (knocks func() (good, refused int)) {
	var mu sync.Mutex
	var good, refused int
	policy := signature.Policy{Serves: func(host string) bool { return host == r.Host }}
	check := func(req *http.Request, body []byte) bool {
		p, err := signature.Parse(req)
		if err != nil || p.Scheme != scheme || policy.Check(req, p, body) != nil {
			return false
		}
		doc := s.Get(strings.TrimPrefix(strings.Split(p.KeyID, "#")[0], s.Origin), ap)
		text, _ := doc.JSON["publicKey"].(map[string]any)["publicKeyPem"].(string)
		key, err := signature.ParseKey(text)
		return err == nil && policy.Verify(req, p, key) == nil
	}
	r.Demand(func(req *http.Request, body []byte) int {
		ok := check(req, body)
		mu.Lock()
		defer mu.Unlock()
		if ok {
			good++
			return 0
		}
		refused++
		return http.StatusUnauthorized
	})
	return func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		return good, refused
	}
}

// TestDeliveryKnocks: a delivery refused for its scheme is made at once in the
// other one, and counts as one attempt that succeeded; the next ones are right
// at the first knock.
func TestDeliveryKnocks(t *testing.T) {
	for _, scheme := range []signature.Scheme{signature.Cavage, signature.RFC9421} {
		t.Run(string(scheme), func(t *testing.T) {
			s, n := serveNotes(t, dbtest.SQLite(t, withNotes()...))
			alice := s.Local(actor.Person, "alice")
			r := aptest.New(t)
			bob := r.Actor(actor.Person, "bob")
			if got := bob.Post(s.Origin+"/inbox", bob.Activity("Follow", alice.IRI, nil)); got != 204 {
				t.Fatalf("follow: %d", got)
			}
			r.Await("Accept")
			knocks := demandScheme(t, r, s, scheme)
			for _, name := range []string{"1", "2", "3"} {
				if err := n.publish(t.Context(), alice, "Create", name, "hello "+name); err != nil {
					t.Fatal(err)
				}
				aptest.Eventually(t, "note "+name+" at the follower", func() bool {
					got := r.Await("Create")
					return strings.Contains(string(got.Body), "hello "+name)
				})
			}
			refusals := map[signature.Scheme]int{signature.Cavage: 0, signature.RFC9421: 1}[scheme]
			if good, refused := knocks(); good != 3 || refused != refusals {
				t.Errorf("%d deliveries taken, %d refused, want 3 and %d", good, refused, refusals)
			}
			aptest.Eventually(t, "receipts", func() bool { return s.Count("deliveries", "state = 'delivered' AND attempts = 1") == 4 })
			if bad := s.Count("deliveries", "state <> 'delivered' OR attempts <> 1 OR last_error <> ''"); bad != 0 {
				t.Errorf("%d receipts tell of a failure", bad)
			}
		})
	}
}

// authorized is a server that demands signed fetches, with an actor of each
// kind and a note.
func authorized(t *testing.T, change func(*activitypub.Options)) *aptest.Server {
	t.Helper()
	s, n := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) {
		o.Federation.AuthorizedFetch = true
		if change != nil {
			change(o)
		}
	})
	alice := s.Local(actor.Person, "alice")
	s.Local(actor.Group, "alice_channel")
	if err := n.publish(t.Context(), alice, "Create", "1", "hello"); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAuthorizedFetch: who reads which document.
func TestAuthorizedFetch(t *testing.T) {
	blocked, free := aptest.New(t), aptest.New(t)
	eve, bob := blocked.Actor(actor.Person, "eve"), free.Actor(actor.Person, "bob")
	method, ed := bob.Multikey("#ed25519-key")
	s := authorized(t, func(o *activitypub.Options) {
		o.Blocked = func(_ context.Context, host string) bool { return host == blocked.Host }
	})
	get := func(path string, key any, keyID string, k signature.Knock) *http.Response {
		return exchange(t, bob.RequestAs(s.Origin+path, nil, keyID, key, k))
	}
	for _, path := range []string{
		"/accounts/alice", "/a/alice", "/video-channels/alice_channel", "/accounts/alice/outbox", "/accounts/alice/outbox?page=1",
		"/accounts/alice/followers", "/accounts/peertube/followers", "/notes/1",
	} {
		for name, resp := range map[string]*http.Response{
			"draft-cavage": get(path, bob.Key, bob.KeyID, signature.Knock{}), "rfc9421": get(path, bob.Key, bob.KeyID, rfc9421),
			"ed25519": get(path, ed, method, rfc9421),
		} {
			if resp.StatusCode != 200 || !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/activity+json") {
				t.Errorf("%s by %s: %d", path, name, resp.StatusCode)
			}
			if c := resp.Header.Get("Cache-Control"); !strings.Contains(c, "private") || resp.Header.Get("Vary") != "Accept, Signature" {
				t.Errorf("%s by %s: Cache-Control %q, Vary %q", path, name, c, resp.Header.Get("Vary"))
			}
		}
		refused := s.Get(path, ap)
		if refused.Status != 401 || signature.ParseAcceptSignature(refused.Header) == nil || refused.Header.Get("Vary") != "Accept, Signature" ||
			!strings.Contains(refused.Header.Get("Cache-Control"), "private") || strings.Contains(string(refused.Body), "alice") {
			t.Errorf("%s unsigned: %d %v %s", path, refused.Status, refused.Header, refused.Body)
		}
		if resp := get(path, eve.Key, bob.KeyID, rfc9421); resp.StatusCode != 401 {
			t.Errorf("%s with another key: %d", path, resp.StatusCode)
		}
		if resp := get(path, eve.Key, eve.KeyID, rfc9421); resp.StatusCode != 403 {
			t.Errorf("%s by a blocked host: %d", path, resp.StatusCode)
		}
	}
	if n := blocked.Fetches(""); n != 0 {
		t.Errorf("%d requests went to a blocked host", n)
	}
	wrongTarget := bob.RequestAs(s.Origin+"/accounts/alice", nil, bob.KeyID, bob.Key, rfc9421)
	wrongTarget.URL.Path = "/notes/1"
	if resp := exchange(t, wrongTarget); resp.StatusCode != 401 {
		t.Errorf("a signature for another document: %d", resp.StatusCode)
	}
	if resp := get("/notes/none", bob.Key, bob.KeyID, rfc9421); resp.StatusCode != 404 {
		t.Errorf("absent note: %d", resp.StatusCode)
	}
	// What a server needs before it can sign, or before others can check it.
	for path, accept := range map[string]string{
		"/accounts/peertube": ap, "/.well-known/webfinger?resource=acct:alice@" + s.Host: "*/*", "/.well-known/nodeinfo": "*/*",
		"/nodeinfo/2.1.json": "*/*", "/.well-known/host-meta": "*/*",
	} {
		if got := s.Get(path, accept); got.Status != 200 || strings.Contains(got.Header.Get("Cache-Control"), "private") {
			t.Errorf("%s unsigned: %d %q", path, got.Status, got.Header.Get("Cache-Control"))
		}
	}
}

// TestOpenFetch is the twin: without the setting everybody reads, and nobody's
// signature is looked at.
func TestOpenFetch(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	s.Local(actor.Person, "alice")
	got := s.Do(http.MethodGet, "/accounts/alice", "", map[string]string{"Accept": ap, "Signature": "junk"})
	if got.Status != 200 || got.Header.Get("Cache-Control") != "" || got.Header.Get("Vary") != "Accept" {
		t.Errorf("%d %v", got.Status, got.Header)
	}
}

// TestAuthorizedFetchLimit: forged signatures of a client cost it its turn,
// missing ones do not (SEC-33).
func TestAuthorizedFetchLimit(t *testing.T) {
	s, r := authorized(t, nil), aptest.New(t)
	bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
	for range 100 {
		if got := s.Get("/accounts/alice", ap); got.Status != 401 {
			t.Fatalf("unsigned: %d", got.Status)
		}
	}
	if got := exchange(t, bob.RequestAs(s.Origin+"/accounts/alice", nil, bob.KeyID, bob.Key, rfc9421)); got.StatusCode != 200 {
		t.Fatalf("signed: %d", got.StatusCode)
	}
	before, statuses := r.Fetches(""), map[int]int{}
	for range 100 {
		statuses[exchange(t, eve.RequestAs(s.Origin+"/accounts/alice", nil, bob.KeyID, eve.Key, rfc9421)).StatusCode]++
	}
	if statuses[401] > 60 || statuses[401]+statuses[429] != 100 {
		t.Errorf("answers %v", statuses)
	}
	if n := r.Fetches("") - before; n > 3 { // SEC-08
		t.Errorf("%d fetches of one key", n)
	}
}

// TestAuthorizedServersMeet: two servers that both demand signatures can read
// each other, since their instance actors are open.
func TestAuthorizedServersMeet(t *testing.T) {
	a, b := authorized(t, nil), authorized(t, nil)
	got, err := a.Engine.Actors.Fetch(t.Context(), b.Origin+"/accounts/alice")
	if err != nil || got.Username != "alice" {
		t.Errorf("Fetch = %v, %v", got, err)
	}
	if back, err := b.Engine.Actors.Fetch(t.Context(), a.Origin+"/video-channels/alice_channel"); err != nil || back.Type != actor.Group {
		t.Errorf("Fetch = %v, %v", back, err)
	}
}

// cachingProxy keeps answers as RFC 9111 lets a shared cache do.
type cachingProxy struct{ kept map[string]int }

func (p *cachingProxy) fetch(t *testing.T, req *http.Request) int {
	t.Helper()
	key := req.URL.String()
	for _, h := range []string{"Accept", "Signature"} {
		key += "\n" + req.Header.Get(h)
	}
	if status, ok := p.kept[key]; ok {
		return status
	}
	resp := exchange(t, req)
	control := resp.Header.Get("Cache-Control")
	for _, h := range []string{"Accept", "Signature"} { // a cache that heeds Vary
		if !strings.Contains(resp.Header.Get("Vary"), h) {
			key = strings.Replace(key, "\n"+req.Header.Get(h), "\n", 1)
		}
	}
	if !strings.Contains(control, "private") && !strings.Contains(control, "no-store") {
		p.kept[key] = resp.StatusCode
	}
	return resp.StatusCode
}

// TestAuthorizedFetchIsNotCached: a stranger behind a shared cache gets nothing
// that a friend has read before, nor the other way round (SEC-31).
func TestAuthorizedFetchIsNotCached(t *testing.T) {
	s := authorized(t, nil)
	bob := aptest.New(t).Actor(actor.Person, "bob")
	friend := func() *http.Request {
		return bob.RequestAs(s.Origin+"/accounts/alice", nil, bob.KeyID, bob.Key, rfc9421)
	}
	stranger := func(sign string) *http.Request {
		q := friend()
		q.Header.Del("Signature-Input")
		q.Header.Set("Signature", sign)
		return q
	}
	seen := friend()
	p := &cachingProxy{kept: map[string]int{}}
	for _, c := range []struct {
		who  string
		req  *http.Request
		want int
	}{
		{"friend", seen, 200},
		{"stranger", stranger(""), 401},
		{"stranger with the friend's header", stranger(seen.Header.Get("Signature")), 401},
		{"friend again", friend(), 200},
		{"stranger again", stranger(""), 401},
	} {
		if got := p.fetch(t, c.req); got != c.want {
			t.Errorf("%s: %d, want %d", c.who, got, c.want)
		}
	}
	if len(p.kept) != 0 {
		t.Errorf("a shared cache kept %v", p.kept)
	}
}

// TestKeysStayInside: private keys are in no answer and in no log (SEC-09).
func TestKeysStayInside(t *testing.T) {
	var mu sync.Mutex
	var log bytes.Buffer
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) {
		o.Logger = slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	alice := s.Local(actor.Person, "alice")
	bob := aptest.New(t).Actor(actor.Person, "bob")
	bob.Post(s.Origin+"/inbox", bob.Activity("Follow", alice.IRI, nil))
	drain(t, s)
	var all bytes.Buffer
	for _, path := range []string{"/accounts/alice", "/accounts/peertube", "/.well-known/webfinger?resource=acct:alice@" + s.Host, "/nodeinfo/2.1.json"} {
		all.Write(s.Get(path, ap).Body)
	}
	for _, path := range []string{"/server/followers", "/server/following"} {
		all.Write(s.API(http.MethodGet, path, "").Body)
	}
	mu.Lock()
	all.Write(log.Bytes())
	mu.Unlock()
	var rows []struct{ PrivatePEM, Ed25519PEM string }
	if err := s.DB.Read(t.Context()).Raw(`SELECT private_pem AS "private_pem", ed25519_pem AS "ed25519_pem" FROM actor_keys`).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	if len(rows) < 2 || all.Len() < 1000 {
		t.Fatalf("%d keys, %d bytes to look through", len(rows), all.Len())
	}
	if strings.Contains(all.String(), "PRIVATE KEY") {
		t.Error("a private key was shown")
	}
	for _, row := range rows {
		for _, pem := range []string{row.PrivatePEM, row.Ed25519PEM} {
			if line := strings.Split(pem, "\n")[1]; strings.Contains(all.String(), line) {
				t.Error("a private key was shown")
			}
		}
	}
}

// TestFreshSignatures: what is sent again is signed again (SEC-09).
func TestFreshSignatures(t *testing.T) {
	s := aptest.Serve(t, dbtest.SQLite(t, withNotes()...), aptest.Options{Idle: true})
	alice := s.Local(actor.Person, "alice")
	sign := s.Engine.Actors.Signer(alice)
	for _, k := range []signature.Knock{{}, rfc9421} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://there.example/inbox", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		if err := sign(req, []byte("{}"), k); err != nil {
			t.Fatal(err)
		}
		p, err := signature.Parse(req)
		if err != nil {
			t.Fatal(err)
		}
		policy := signature.Policy{HTTPS: true, Serves: func(string) bool { return true }}
		if err := policy.Check(req, p, []byte("{}")); err != nil {
			t.Errorf("%+v: %v", k, err)
		}
		key, err := signature.ParseKey(alice.PublicKeyPEM)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := key.(*rsa.PublicKey); !ok || policy.Verify(req, p, key) != nil {
			t.Errorf("%+v does not verify", k)
		}
	}
}
