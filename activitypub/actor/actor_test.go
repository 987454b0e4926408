package actor_test

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
)

const origin = "http://ours.example"

// clock is a clock that tests move.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

func service(t *testing.T, d *db.DB) (*actor.Service, *clock) {
	t.Helper()
	c := &clock{}
	s, err := actor.New(actor.Options{
		DB: d, Transport: aptest.Transport(t), Origin: origin, Logger: slog.New(slog.DiscardHandler), Now: c.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, d, actor.NewLocal{Type: actor.Application, Username: actor.InstanceName})
	return s, c
}

func create(t *testing.T, s *actor.Service, d *db.DB, n actor.NewLocal) *actor.Actor {
	t.Helper()
	key, err := actor.NewKey(aptest.Key(t))
	if err != nil {
		t.Fatal(err)
	}
	n.Key = key
	var a *actor.Actor
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { a, err = s.CreateLocal(tx, n); return err }); err != nil {
		t.Fatal(err)
	}
	return a
}

func each(t *testing.T, test func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, test, migrations.Jobs, migrations.Activitypub)
}

func sqlite(t *testing.T) *db.DB {
	t.Helper()
	return dbtest.SQLite(t, migrations.Jobs, migrations.Activitypub)
}

// TestDefects: which documents are no actor that can be believed (SEC-10,
// SEC-12, SEC-13, SEC-15, SEC-30). Each defect has its intact twin.
func TestDefects(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, _ := service(t, d)
		r, other := aptest.New(t), aptest.New(t)
		victim := r.Actor(actor.Person, "victim")
		key := func(a *aptest.Actor, k string, v any) {
			m := map[string]any{"id": a.KeyID, "owner": a.IRI, "publicKeyPem": a.PEM()}
			m[k] = v
			a.Doc["publicKey"] = m
		}
		n := 0
		for _, c := range []struct {
			name  string
			spoil func(a *aptest.Actor)
			ok    bool
		}{
			{"intact", func(*aptest.Actor) {}, true},
			{"no endpoints", func(a *aptest.Actor) { delete(a.Doc, "endpoints") }, true},
			{"shared inbox elsewhere is left out", func(a *aptest.Actor) { a.Doc["endpoints"] = map[string]any{"sharedInbox": other.Origin + "/inbox"} }, true},
			{"key in a list", func(a *aptest.Actor) { a.Doc["publicKey"] = []any{a.Doc["publicKey"]} }, true},
			{"no name", func(a *aptest.Actor) { delete(a.Doc, "name") }, true},
			{"null summary", func(a *aptest.Actor) { a.Doc["summary"] = nil }, true},
			{"no type", func(a *aptest.Actor) { delete(a.Doc, "type") }, false},
			{"type of a note", func(a *aptest.Actor) { a.Doc["type"] = "Note" }, false},
			{"no id", func(a *aptest.Actor) { delete(a.Doc, "id") }, false},
			{"id of another", func(a *aptest.Actor) { a.Doc["id"] = victim.IRI }, false},
			{"id on another host", func(a *aptest.Actor) { a.Doc["id"] = other.Origin + "/users/x" }, false},
			{"id on our host", func(a *aptest.Actor) { a.Doc["id"] = origin + "/accounts/peertube" }, false},
			{"id with userinfo", func(a *aptest.Actor) { a.Doc["id"] = strings.Replace(a.IRI, "http://", "http://x@", 1) }, false},
			{"id with a fragment", func(a *aptest.Actor) { a.Doc["id"] = a.IRI + "#x" }, false},
			{"no inbox", func(a *aptest.Actor) { delete(a.Doc, "inbox") }, false},
			{"inbox elsewhere", func(a *aptest.Actor) { a.Doc["inbox"] = other.Origin + "/inbox" }, false},
			{"inbox is a number", func(a *aptest.Actor) { a.Doc["inbox"] = 5 }, false},
			{"no username", func(a *aptest.Actor) { delete(a.Doc, "preferredUsername") }, false},
			{"username with an at sign", func(a *aptest.Actor) { a.Doc["preferredUsername"] = "a@b" }, false},
			{"username is a list", func(a *aptest.Actor) { a.Doc["preferredUsername"] = map[string]any{} }, false},
			{"no key", func(a *aptest.Actor) { delete(a.Doc, "publicKey") }, false},
			{"key of another owner", func(a *aptest.Actor) { key(a, "owner", victim.IRI) }, false},
			{"key without an owner", func(a *aptest.Actor) { key(a, "owner", nil) }, false},
			{"key id elsewhere", func(a *aptest.Actor) { key(a, "id", other.Origin+"/k") }, false},
			{"key is junk", func(a *aptest.Actor) { key(a, "publicKeyPem", "junk") }, false},
			{"key is private", func(a *aptest.Actor) {
				key(a, "publicKeyPem", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")
			}, false},
		} {
			n++
			a := r.Actor(actor.Person, fmt.Sprintf("a%d", n))
			c.spoil(a)
			a.Publish()
			before := rows(t, d)
			got, err := s.Fetch(t.Context(), a.IRI)
			if (err == nil) != c.ok {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if err != nil {
				if rows(t, d) != before {
					t.Errorf("%s: a row was written", c.name)
				}
				continue
			}
			if got.IRI != a.IRI || got.Host != r.Host || got.Inbox != a.Inbox || got.Name == "" || got.PublicKeyID != a.KeyID || got.Local() ||
				got.SharedInbox != "" && got.SharedInbox != r.Origin+"/inbox" {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
	})
}

func rows(t *testing.T, d *db.DB) (n int64) {
	t.Helper()
	if err := d.Read(t.Context()).Model(&actor.Actor{}).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// TestKeyOf: which answers prove that a key belongs to an actor (SEC-10).
func TestKeyOf(t *testing.T) {
	s, _ := service(t, sqlite(t))
	r, other := aptest.New(t), aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	split := r.Actor(actor.Person, "split") // keeps its key in a document of its own, as GoToSocial does
	split.KeyID = split.IRI + "/main-key"
	split.Doc["publicKey"] = map[string]any{"id": split.KeyID, "owner": split.IRI, "publicKeyPem": split.PEM()}
	split.Publish()
	r.Serve(split.KeyID, map[string]any{"type": "Person", "id": split.IRI, "preferredUsername": "split", "publicKey": split.Doc["publicKey"]})
	bare := r.Actor(actor.Person, "bare") // a key document by the letter of the security vocabulary
	bare.KeyID = r.Origin + "/keys/bare"
	bare.Doc["publicKey"] = map[string]any{"id": bare.KeyID, "owner": bare.IRI, "publicKeyPem": bare.PEM()}
	bare.Publish()
	r.Serve(bare.KeyID, map[string]any{"type": "CryptographicKey", "id": bare.KeyID, "owner": bare.IRI, "publicKeyPem": bare.PEM()})
	r.Serve("/keys/unlisted", map[string]any{"id": r.Origin + "/keys/unlisted", "owner": bob.IRI, "publicKeyPem": bare.PEM()})
	r.Serve("/keys/foreign", map[string]any{"id": r.Origin + "/keys/foreign", "owner": other.Actor(actor.Person, "far").IRI, "publicKeyPem": bare.PEM()})
	r.Serve("/keys/self", map[string]any{"id": r.Origin + "/keys/self", "owner": r.Origin + "/keys/self", "publicKeyPem": bare.PEM()})
	r.Serve("/keys/nobody", map[string]any{"id": r.Origin + "/keys/nobody"})
	r.Serve("/keys/ours", map[string]any{"id": r.Origin + "/keys/ours", "owner": origin + "/accounts/peertube", "publicKeyPem": bare.PEM()})
	r.ServeStatus("/keys/broken", http.StatusInternalServerError)
	// A second actor claims bob's key id as its own.
	thief := r.Actor(actor.Person, "thief")
	thief.Doc["publicKey"] = map[string]any{"id": bob.KeyID, "owner": bob.IRI, "publicKeyPem": thief.PEM()}
	thief.Publish()
	for _, c := range []struct {
		keyID string
		owner *aptest.Actor
	}{
		{bob.KeyID, bob},
		{bob.IRI, bob}, // old servers send the actor's id
		{split.KeyID, split},
		{bare.KeyID, bare},
		{"acct:bob@" + r.Host, bob},
		{r.Origin + "/keys/unlisted", nil},
		{r.Origin + "/keys/foreign", nil},
		{r.Origin + "/keys/self", nil},
		{r.Origin + "/keys/nobody", nil},
		{r.Origin + "/keys/ours", nil},
		{r.Origin + "/keys/broken", nil},
		{r.Origin + "/keys/none", nil},
		{thief.IRI + "#main-key", nil},
		{bob.IRI + "#other-key", nil},
		{origin + "/accounts/peertube#main-key", nil},
		{"HTTP://OURS.example:80/accounts/peertube", nil},
		{"junk", nil},
		{"", nil},
		{"http://user@" + r.Host + "/users/bob", nil},
		{"acct:nobody@" + r.Host, nil},
		{"acct:", nil},
	} {
		a, key, err := s.KeyOf(t.Context(), c.keyID)
		if c.owner == nil {
			if err == nil {
				t.Errorf("KeyOf(%q) is %s", c.keyID, a.IRI)
			}
			continue
		}
		if err != nil || a.IRI != c.owner.IRI || !c.owner.Key.PublicKey.Equal(key) {
			t.Errorf("KeyOf(%q) = %v, %v", c.keyID, a, err)
		}
	}
	if _, key, err := s.KeyOf(t.Context(), bob.KeyID); err != nil || !bob.Key.PublicKey.Equal(key.(*rsa.PublicKey)) {
		t.Error("bob's key was rebound")
	}
}

// TestKeyLookUps: known keys cost no fetch, failures are remembered, waiters
// share one fetch, and the limits per key and host hold (SEC-08, SEC-33).
func TestKeyLookUps(t *testing.T) {
	s, clock := service(t, sqlite(t))
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, _, err := s.KeyOf(t.Context(), bob.KeyID); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	known, err := s.KnownKey(t.Context(), bob.KeyID)
	if n := r.Fetches(""); n > 2 || !known || err != nil {
		t.Errorf("%d fetches for 20 at once, known %v, %v", n, known, err)
	}
	for range 10 {
		_, _, err := s.RefetchKey(t.Context(), bob.KeyID)
		if err != nil && !errors.Is(err, actor.ErrLimited) {
			t.Error(err)
		}
	}
	if n := r.Fetches(bob.IRI); n > 3 {
		t.Errorf("%d fetches of one key in a minute", n)
	}
	late := r.Origin + "/users/late#main-key"
	ask := func() int {
		before := r.Fetches("")
		if _, _, err := s.KeyOf(t.Context(), late); err == nil {
			t.Error("a key that is not there was found")
		}
		return r.Fetches("") - before
	}
	if first, second := ask(), ask(); first != 1 || second != 0 {
		t.Errorf("a missing key was asked for %d, then %d times", first, second)
	}
	clock.Add(time.Hour) // 404 stays for a day
	if n := ask(); n != 0 {
		t.Errorf("asked again after an hour: %d", n)
	}
	clock.Add(24 * time.Hour)
	r.Actor(actor.Person, "late")
	if _, _, err := s.KeyOf(t.Context(), late); err != nil {
		t.Errorf("a day later: %v", err)
	}
	r.ServeStatus("/users/busy", http.StatusServiceUnavailable)
	busy := r.Origin + "/users/busy#main-key"
	if _, _, err := s.KeyOf(t.Context(), busy); err == nil {
		t.Error("no answer")
	}
	r.Actor(actor.Person, "busy")
	if _, _, err := s.KeyOf(t.Context(), busy); !errors.Is(err, actor.ErrLimited) {
		t.Errorf("at once again: %v", err)
	}
	clock.Add(6 * time.Minute)
	if _, _, err := s.KeyOf(t.Context(), busy); err != nil {
		t.Errorf("six minutes later: %v", err)
	}
	clock.Add(time.Minute)
	before := r.Fetches("")
	for i := range 100 {
		if _, _, err := s.KeyOf(t.Context(), fmt.Sprintf("%s/users/n%d", r.Origin, i)); err == nil {
			t.Error("found nobody's key")
		}
	}
	if n := r.Fetches("") - before; n != 30 {
		t.Errorf("%d fetches of one host's keys in a minute", n)
	}
}

// TestFresh: when an actor is asked for again, and what happens when its
// server is away, or says that it is gone (PT federation 6).
func TestFresh(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, clock := service(t, d)
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		fetch := func(wantName string, wantFetches int) *actor.Actor {
			t.Helper()
			a, err := s.Fetch(t.Context(), bob.IRI)
			if err != nil || a.Name != wantName || r.Fetches(bob.IRI) != wantFetches {
				t.Fatalf("Fetch = %+v, %v after %d fetches; want %q after %d", a, err, r.Fetches(bob.IRI), wantName, wantFetches)
			}
			return a
		}
		first := fetch("BOB", 1)
		bob.Doc["name"] = "Robert"
		bob.Publish()
		fetch("BOB", 1)
		clock.Add(49 * time.Hour)
		if again := fetch("Robert", 2); again.ID != first.ID {
			t.Error("a refresh made another row")
		}
		stale := func() {
			t.Helper()
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				return tx.Model(&actor.Actor{}).Where("id = ?", first.ID).Update("fetched_at", db.Now().Add(-100*time.Hour)).Error
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		stale()
		r.ServeStatus(bob.IRI, http.StatusServiceUnavailable)
		fetch("Robert", 3) // what is known is given
		stale()
		clock.Add(10 * time.Minute)
		r.ServeStatus(bob.IRI, http.StatusGone)
		if _, err := s.Fetch(t.Context(), bob.IRI); !errors.Is(err, actor.ErrGone) {
			t.Errorf("gone: %v", err)
		}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return s.MarkGone(tx, first.ID) }); err != nil {
			t.Fatal(err)
		}
		before := r.Fetches("")
		if _, err := s.Fetch(t.Context(), bob.IRI); !errors.Is(err, actor.ErrGone) || r.Fetches("") != before {
			t.Errorf("a gone actor was asked for: %v", err)
		}
	})
}

// TestHandles: WebFinger is believed only when both hosts agree (SEC-20).
func TestHandles(t *testing.T) {
	s, _ := service(t, sqlite(t))
	r, other := aptest.New(t), aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	other.Finger("bob", bob.IRI) // another host claims bob: an alias, since bob's own host knows him
	r.Finger("alias", bob.IRI)
	silent := r.Actor(actor.Person, "silent")
	r.ServeStatus("/.well-known/webfinger?resource=acct%3Asilent%40"+strings.ReplaceAll(r.Host, ":", "%3A"), http.StatusNotFound)
	other.Finger("silent", silent.IRI)
	other.Finger("ours", origin+"/accounts/peertube")
	for handle, want := range map[string]string{
		"bob@" + r.Host: bob.IRI, "@bob@" + r.Host: bob.IRI, "acct:BOB@" + r.Host: "", "alias@" + r.Host: bob.IRI, "bob@" + other.Host: bob.IRI,
		"silent@" + other.Host: "", "nobody@" + r.Host: "", "ours@" + other.Host: "", "bob": "", "bob@": "", "bob@@" + r.Host: "",
		"peertube@ours.example": origin + "/accounts/peertube", "PEERTUBE@OURS.EXAMPLE:80": origin + "/accounts/peertube", "nobody@ours.example": "",
	} {
		a, err := s.FetchHandle(t.Context(), handle)
		if want == "" {
			if err == nil {
				t.Errorf("FetchHandle(%q) = %s", handle, a.IRI)
			}
			continue
		}
		if err != nil || a.IRI != want {
			t.Errorf("FetchHandle(%q) = %v, %v", handle, a, err)
		}
		if err == nil && !a.Local() && a.Host != r.Host {
			t.Errorf("FetchHandle(%q) lies on %s", handle, a.Host)
		}
	}
	for handle, want := range map[string]bool{"bob@" + r.Host: true, "BOB@" + r.Host: true, "peertube": true, "bob": false, "bob@" + other.Host: false, "x@y@z": false} {
		if a, err := s.ByHandle(t.Context(), handle); (err == nil) != want || err != nil && !errors.Is(err, actor.ErrNotFound) {
			t.Errorf("ByHandle(%q) = %v, %v", handle, a, err)
		}
	}
	r.NodeInfo(bob.IRI)
	if a, err := s.FetchServer(t.Context(), strings.ToUpper(r.Host)); err != nil || a.IRI != bob.IRI {
		t.Errorf("FetchServer = %v, %v", a, err)
	}
	other.NodeInfo(bob.IRI)
	if a, err := s.FetchServer(t.Context(), other.Host); err == nil {
		t.Errorf("another host's actor counts as %s", a.IRI)
	}
}

func TestLocal(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, _ := service(t, d)
		channel := create(t, s, d, actor.NewLocal{Type: actor.Group, Username: "chan", Name: "Channel", AttributedTo: origin + "/accounts/x"})
		if channel.IRI != origin+"/video-channels/chan" || channel.Inbox != channel.IRI+"/inbox" || channel.SharedInbox != origin+"/inbox" ||
			!channel.Local() || channel.Handle() != "chan" || channel.PublicKeyID != channel.IRI+"#main-key" {
			t.Errorf("%+v", channel)
		}
		key, err := actor.NewKey(aptest.Key(t))
		if err != nil {
			t.Fatal(err)
		}
		for name, n := range map[string]actor.NewLocal{
			"taken by another kind": {Type: actor.Person, Username: "chan", Key: key}, "capitals": {Type: actor.Person, Username: "Chan", Key: key},
			"at sign": {Type: actor.Person, Username: "a@b", Key: key}, "no key": {Type: actor.Person, Username: "keyless"}, "empty": {Type: actor.Person, Key: key},
		} {
			err := d.Tx(t.Context(), func(tx *db.Tx) error { _, err := s.CreateLocal(tx, n); return err })
			if err == nil || (name == "taken by another kind") != db.IsDuplicate(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := rows(t, d); n != 2 {
			t.Errorf("%d rows", n)
		}
		// The private key is nowhere to be seen, and signs.
		raw, err := json.Marshal(channel)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := actor.Document(channel, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw)+string(doc)+fmt.Sprintf("%+v %#v", channel, s), "PRIVATE KEY") {
			t.Error("a private key shows")
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.example/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Signer(channel)(req, nil, signature.Knock{}); err != nil {
			t.Fatal(err)
		}
		public, err := signature.ParseKey(channel.PublicKeyPEM)
		if err != nil {
			t.Fatal(err)
		}
		p, err := signature.Parse(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := (signature.Policy{}).Verify(req, p, public); err != nil || p.KeyID != channel.PublicKeyID {
			t.Errorf("signature by %s: %v", p.KeyID, err)
		}
		r := aptest.New(t)
		bob, err := s.Fetch(t.Context(), r.Actor(actor.Person, "bob").IRI)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Signer(bob)(req, nil, signature.Knock{}); err == nil {
			t.Error("signed in a remote actor's name")
		}
	})
}

// TestServesHost: every spelling of our host is ours (SEC-13).
func TestServesHost(t *testing.T) {
	s, _ := service(t, sqlite(t))
	for id, ours := range map[string]bool{
		origin + "/accounts/x": true, "https://ours.example/x": true, "http://OURS.EXAMPLE/x": true, "http://ours.example./x": true,
		"http://ours.example:80/x": true, "https://ours.example:443/x": true, "http://ours.example:443/x": true, "https://ours.example:80/": true,
		"http://ours.example:8080/": false, "http://sub.ours.example/": false, "http://ours.example.evil.example/": false, "http://notours.example/": false, "junk": false,
	} {
		if got := s.IsLocal(id); got != ours {
			t.Errorf("IsLocal(%q) = %v", id, got)
		}
	}
	if _, err := s.FetchDocument(t.Context(), origin+"/accounts/peertube"); err == nil {
		t.Error("we fetched from ourselves")
	}
	if s.Host() != "ours.example" || s.HTTPS() || s.Scheme() != "http" || s.Origin() != origin {
		t.Errorf("%s %v %s", s.Host(), s.HTTPS(), s.Scheme())
	}
}

// TestSignedFetches: documents are asked for in the instance's name, unless
// the settings say otherwise (SEC-09).
func TestSignedFetches(t *testing.T) {
	d := sqlite(t)
	s, _ := service(t, d)
	r := aptest.New(t)
	var keyID string
	r.Handle("/doc", func(w http.ResponseWriter, q *http.Request) {
		keyID = ""
		if p, err := signature.Parse(q); err == nil {
			keyID = p.KeyID
		}
		w.Header().Set("Content-Type", transport.ActivityJSON)
		if _, err := fmt.Fprintf(w, `{"id":%q}`, r.Origin+"/doc"); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.FetchDocument(t.Context(), r.Origin+"/doc"); err != nil || keyID != origin+"/accounts/peertube#main-key" {
		t.Errorf("fetched by %q: %v", keyID, err)
	}
	plain, err := actor.New(actor.Options{DB: d, Transport: aptest.Transport(t), Origin: origin, Logger: slog.New(slog.DiscardHandler), Unsigned: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plain.FetchDocument(t.Context(), r.Origin+"/doc"); err != nil || keyID != "" {
		t.Errorf("fetched by %q: %v", keyID, err)
	}
	r.Serve("/lies", map[string]any{"id": r.Origin + "/truth"})
	if _, err := s.FetchDocument(t.Context(), r.Origin+"/lies"); err == nil {
		t.Error("a document under another's address was believed")
	}
	if _, err := s.FetchPart(t.Context(), r.Origin+"/lies"); err != nil {
		t.Errorf("FetchPart: %v", err)
	}
}

func TestFollows(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s, _ := service(t, d)
		var heard []string
		s.FollowChanged = func(_ *db.Tx, c actor.FollowChange) error {
			heard = append(heard, fmt.Sprintf("%s>%s %s>%s", c.Follower.Username, c.Target.Username, c.Was, c.State))
			return nil
		}
		alice := create(t, s, d, actor.NewLocal{Type: actor.Person, Username: "alice"})
		r, single := aptest.New(t), aptest.New(t)
		var remotes []*actor.Actor
		for i := range 12 {
			a, err := s.Fetch(ctx, r.Actor(actor.Person, fmt.Sprintf("bob%02d", i)).IRI)
			if err != nil {
				t.Fatal(err)
			}
			remotes = append(remotes, a)
		}
		lone := single.Actor(actor.Group, "lone")
		delete(lone.Doc, "endpoints")
		lone.Publish()
		l, err := s.Fetch(ctx, lone.IRI)
		if err != nil {
			t.Fatal(err)
		}
		remotes = append(remotes, l)
		tx := func(fn func(tx *db.Tx) error) {
			t.Helper()
			if err := d.Tx(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		tx(func(tx *db.Tx) error {
			for i, a := range remotes {
				state := actor.Accepted
				if i == 0 {
					state = actor.Pending
				}
				for range 2 { // twice is once
					if _, _, err := s.SaveFollow(tx, a, alice, state, fmt.Sprintf("https://a.example/%d", i)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		boxes, err := actor.FollowerInboxes(d.Read(ctx), []int64{alice.ID, alice.ID, 99})
		if err != nil || strings.Join(boxes, " ") != strings.Join(sorted(r.Origin+"/inbox", l.Inbox), " ") {
			t.Errorf("inboxes %q, %v", boxes, err)
		}
		if none, err := actor.FollowerInboxes(d.Read(ctx), nil); err != nil || len(none) != 0 {
			t.Errorf("inboxes of nobody %q, %v", none, err)
		}
		if n, err := s.FollowerCounts(ctx, []int64{alice.ID, 99}); err != nil || n[alice.ID] != 12 || n[99] != 0 {
			t.Errorf("counts %v, %v", n, err)
		}
		for _, c := range []struct {
			filter actor.FollowFilter
			total  int64
		}{
			{actor.FollowFilter{}, 13},
			{actor.FollowFilter{State: actor.Pending}, 1},
			{actor.FollowFilter{Types: []string{actor.Group}}, 1},
			{actor.FollowFilter{Search: "bob0"}, 10},
			{actor.FollowFilter{Search: "%"}, 0},
			{actor.FollowFilter{Search: "' OR 1=1 --"}, 0},
			{actor.FollowFilter{Types: []string{actor.Person}, State: actor.Accepted, Search: "BOB1"}, 2},
		} {
			list, total, err := s.Follows(ctx, actor.FollowersOf, alice.ID, c.filter, "f.id", 0, 5)
			if err != nil || total != c.total || int64(len(list)) != min(5, c.total) {
				t.Errorf("%+v: %d of %d, %v", c.filter, len(list), total, err)
			}
			for _, f := range list {
				if f.Follower == nil || f.Target == nil || f.Target.ID != alice.ID {
					t.Errorf("follow without its actors: %+v", f)
				}
			}
		}
		page, total, err := s.CollectionPage(ctx, actor.FollowersOf, alice.ID, 10, 10)
		if err != nil || total != 12 || len(page) != 2 {
			t.Errorf("page %q of %d, %v", page, total, err)
		}
		if page, total, err := s.CollectionPage(ctx, actor.FollowedBy, l.ID, 0, 10); err != nil || total != 1 || page[0] != alice.IRI {
			t.Errorf("following %q of %d, %v", page, total, err)
		}
		tx(func(tx *db.Tx) error {
			f, err := actor.FollowBetween(tx.DB, remotes[0].ID, alice.ID)
			if err != nil {
				return err
			}
			for i, want := range []bool{true, false} {
				if changed, err := s.SetFollowState(tx, f, actor.Accepted); err != nil || changed != want {
					t.Errorf("change %d: %v, %v", i, changed, err)
				}
			}
			for i, want := range []bool{true, false} {
				if existed, err := s.DeleteFollow(tx, remotes[1].ID, alice.ID); err != nil || existed != want {
					t.Errorf("deletion %d: %v, %v", i, existed, err)
				}
			}
			return s.MarkGone(tx, l.ID)
		})
		if got := strings.Join(heard[len(remotes):], ", "); len(heard) != len(remotes)+3 || heard[0] != "bob00>alice >pending" ||
			got != "bob00>alice pending>accepted, bob01>alice accepted>, lone>alice accepted>" {
			t.Errorf("heard %d changes, the last %q", len(heard), got)
		}
		if boxes, err := actor.FollowerInboxes(d.Read(ctx), []int64{alice.ID}); err != nil || len(boxes) != 1 {
			t.Errorf("inboxes after lone is gone %q, %v", boxes, err)
		}
	})
}

func sorted(a, b string) []string {
	if a > b {
		a, b = b, a
	}
	return []string{a, b}
}
