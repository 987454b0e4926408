package actor_test

import (
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/config/db"
)

// keysOf reads both private keys of an actor of ours.
func keysOf(t *testing.T, s *actor.Service, d *db.DB, a *actor.Actor) (r *rsa.PrivateKey, e ed25519.PrivateKey, method string) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *db.Tx) (err error) {
		if r, _, err = s.RSA(tx, a); err != nil {
			return err
		}
		e, method, err = s.Ed25519(tx, a)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return r, e, method
}

// TestEd25519: each actor of ours has a second key, which its document shows
// as a Multikey (FEP-521a) and which signs.
func TestEd25519(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, _ := service(t, d)
		alice := create(t, s, d, actor.NewLocal{Type: actor.Person, Username: "alice"})
		raw, err := actor.Document(alice, nil)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Context         json.RawMessage `json:"@context"`
			AssertionMethod []struct{ ID, Type, Controller, PublicKeyMultibase string }
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.AssertionMethod) != 1 {
			t.Fatalf("no assertionMethod in %s", raw)
		}
		m := doc.AssertionMethod[0]
		if m.ID != alice.IRI+"#ed25519-key" || m.Type != "Multikey" || m.Controller != alice.IRI || !strings.HasPrefix(m.PublicKeyMultibase, "z6Mk") {
			t.Errorf("assertionMethod %+v", m)
		}
		for _, term := range []string{"assertionMethod", "Multikey", "publicKeyMultibase", "controller"} {
			if !strings.Contains(string(doc.Context), `"`+term+`"`) {
				t.Errorf("the context does not define %s", term)
			}
		}
		r, e, method := keysOf(t, s, d, alice)
		public, err := signature.ParseMultikey(m.PublicKeyMultibase)
		if err != nil || !e.Public().(ed25519.PublicKey).Equal(public) || method != m.ID {
			t.Errorf("%s does not show the key of %s: %v", m.PublicKeyMultibase, method, err)
		}
		if text, err := signature.EncodeKey(&r.PublicKey); err != nil || text != alice.PublicKeyPEM {
			t.Errorf("publicKey is not the RSA key: %v", err)
		}
		owner, key, err := s.ProofKey(t.Context(), method)
		if err != nil || owner.ID != alice.ID || !key.Equal(e.Public()) {
			t.Errorf("ProofKey = %v, %v, %v", owner, key, err)
		}
		for _, other := range []string{alice.PublicKeyID, alice.IRI, origin + "/accounts/nobody#ed25519-key"} {
			if _, _, err := s.ProofKey(t.Context(), other); err == nil {
				t.Errorf("%s proves", other)
			}
		}
	})
}

// TestEd25519Challenge: a server that asks for Ed25519 gets it, others RSA.
func TestEd25519Challenge(t *testing.T) {
	d := sqlite(t)
	s, _ := service(t, d)
	alice := create(t, s, d, actor.NewLocal{Type: actor.Person, Username: "alice"})
	_, e, method := keysOf(t, s, d, alice)
	asked := signature.ParseAcceptSignature(http.Header{"Accept-Signature": {`s=("@method");alg="ed25519"`}})
	for name, c := range map[string]struct {
		knock signature.Knock
		keyID string
		key   any
	}{
		"draft-cavage": {signature.Knock{}, alice.PublicKeyID, nil},
		"rfc9421":      {signature.Knock{Scheme: signature.RFC9421}, alice.PublicKeyID, nil},
		"asked":        {signature.Knock{Scheme: signature.RFC9421, Wanted: asked}, method, e.Public()},
	} {
		if c.key == nil {
			k, err := signature.ParseKey(alice.PublicKeyPEM)
			if err != nil {
				t.Fatal(err)
			}
			c.key = k
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://there.example/users/bob?x=1", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Signer(alice)(req, nil, c.knock); err != nil {
			t.Fatal(err)
		}
		p, err := signature.Parse(req)
		if err != nil || p.KeyID != c.keyID {
			t.Fatalf("%s: signed with %+v, %v", name, p, err)
		}
		if err := (signature.Policy{HTTPS: true}).Verify(req, p, c.key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestEd25519OfOlderReleases: actors without a second key get one, at the
// start or when they sign, and keep it.
func TestEd25519OfOlderReleases(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, _ := service(t, d)
		var old []*actor.Actor
		for _, name := range []string{"alice", "carol", "dave"} {
			old = append(old, create(t, s, d, actor.NewLocal{Type: actor.Person, Username: name}))
		}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			if err := tx.Exec("UPDATE actors SET ed25519_key = ''").Error; err != nil {
				return err
			}
			return tx.Exec("UPDATE actor_keys SET ed25519_pem = ''").Error
		}); err != nil {
			t.Fatal(err)
		}
		for _, a := range old {
			a.Ed25519Key = ""
			if raw, err := actor.Document(a, nil); err != nil || strings.Contains(string(raw), `"assertionMethod":[`) {
				t.Errorf("%s shows a key that it does not have: %v", a.IRI, err)
			}
		}
		again, err := actor.New(actor.Options{DB: d, Transport: aptest.Transport(t), Origin: origin, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		_, lazy, method := keysOf(t, again, d, old[0])
		if owner, key, err := again.ProofKey(t.Context(), method); err != nil || owner.ID != old[0].ID || !key.Equal(lazy.Public()) {
			t.Errorf("the key made when signing is not there: %v", err)
		}
		for range 2 {
			if err := again.GiveEd25519(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, kept, _ := keysOf(t, again, d, old[0]); !kept.Equal(lazy) {
			t.Error("the second start made another key")
		}
		for _, a := range old {
			if _, _, err := again.ProofKey(t.Context(), a.Ed25519KeyID()); err != nil {
				t.Errorf("%s: %v", a.IRI, err)
			}
		}
	})
}

// TestKeysOfARollback: the number of an actor that was never made serves the
// next one, whose key must be its own.
func TestKeysOfARollback(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, _ := service(t, d)
		never := errors.New("never mind")
		var first, second ed25519.PrivateKey
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			key, err := actor.NewKey(aptest.Key(t))
			if err != nil {
				return err
			}
			a, err := s.CreateLocal(tx, actor.NewLocal{Type: actor.Person, Username: "alice", Key: key})
			if err != nil {
				return err
			}
			if first, _, err = s.Ed25519(tx, a); err != nil {
				return err
			}
			return never
		})
		if !errors.Is(err, never) {
			t.Fatal(err)
		}
		bob := create(t, s, d, actor.NewLocal{Type: actor.Person, Username: "bob"})
		if _, second, _ = keysOf(t, s, d, bob); second.Equal(first) {
			t.Error("bob signs with the key of an actor that is not there")
		}
		if _, key, err := s.ProofKey(t.Context(), bob.Ed25519KeyID()); err != nil || !key.Equal(second.Public()) {
			t.Errorf("bob's key does not prove: %v", err)
		}
	})
}

// TestMultikeys: which keys of a remote actor's assertionMethod count (SEC-10),
// each defect beside its intact twin.
func TestMultikeys(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, clock := service(t, d)
		r, other := aptest.New(t), aptest.New(t)
		victim := r.Actor(actor.Person, "victim")
		victimKey, _ := victim.Multikey("#ed25519-key")
		n := 0
		for _, c := range []struct {
			name  string
			spoil func(a *aptest.Actor, m map[string]any)
			ok    bool
		}{
			{"intact", func(*aptest.Actor, map[string]any) {}, true},
			{"not in a list", func(a *aptest.Actor, m map[string]any) { a.Doc["assertionMethod"] = m }, true},
			{"beside an unknown one", func(a *aptest.Actor, m map[string]any) {
				a.Doc["assertionMethod"] = []any{map[string]any{"id": a.IRI + "#x", "type": "JsonWebKey"}, "https://a.example/key", m}
			}, true},
			{"controller of another", func(_ *aptest.Actor, m map[string]any) { m["controller"] = victim.IRI }, false},
			{"no controller", func(_ *aptest.Actor, m map[string]any) { delete(m, "controller") }, false},
			{"other type", func(_ *aptest.Actor, m map[string]any) { m["type"] = "Key" }, false},
			{"id elsewhere", func(_ *aptest.Actor, m map[string]any) { m["id"] = other.Origin + "/users/x#ed25519-key" }, false},
			{"id of another actor's key", func(_ *aptest.Actor, m map[string]any) { m["id"] = victimKey }, false},
			{"id without a fragment", func(a *aptest.Actor, m map[string]any) { m["id"] = a.IRI + "/key" }, false},
			{"id is a number", func(_ *aptest.Actor, m map[string]any) { m["id"] = 5 }, false},
			{"no multibase", func(_ *aptest.Actor, m map[string]any) { m["publicKeyMultibase"] = "x" }, false},
			{"junk", func(_ *aptest.Actor, m map[string]any) { m["publicKeyMultibase"] = "z6Mk" }, false},
			{"too many", func(a *aptest.Actor, m map[string]any) {
				list := []any{}
				for name := range strings.SplitSeq("abcdefgh", "") {
					list = append(list, map[string]any{"id": a.IRI + "#" + name, "type": "Multikey", "controller": a.IRI, "publicKeyMultibase": m["publicKeyMultibase"]})
				}
				a.Doc["assertionMethod"] = append(list, m)
			}, false},
		} {
			n++
			clock.Add(2 * time.Minute) // the limit of key look-ups is another test's
			a := r.Actor(actor.Person, "m"+string(rune('a'+n)))
			method, private := a.Multikey("#ed25519-key")
			c.spoil(a, a.Doc["assertionMethod"].([]any)[0].(map[string]any))
			a.Publish()
			owner, key, err := s.ProofKey(t.Context(), method)
			if (err == nil) != c.ok || c.ok && (owner.IRI != a.IRI || !key.Equal(private.Public())) {
				t.Errorf("%s: %v, %v", c.name, owner, err)
			}
			owner, signs, err := s.KeyOf(t.Context(), method)
			if (err == nil) != c.ok || c.ok && (owner.IRI != a.IRI || !private.Public().(ed25519.PublicKey).Equal(signs)) {
				t.Errorf("%s, HTTP: %v, %v", c.name, owner, err)
			}
			if _, _, err := s.KeyOf(t.Context(), a.KeyID); err != nil {
				t.Errorf("%s: its publicKey is lost: %v", c.name, err)
			}
			if _, _, err := s.ProofKey(t.Context(), a.KeyID); err == nil {
				t.Errorf("%s: publicKey asserts", c.name)
			}
		}
	})
}

// TestMultikeyRotation: a key that the actor does not list any more is dead,
// the new one counts at once (SEC-08).
func TestMultikeyRotation(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, _ := service(t, d)
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		first, _ := bob.Multikey("#one")
		if _, _, err := s.ProofKey(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		fetched := r.Fetches(bob.IRI)
		for range 10 {
			if _, _, err := s.ProofKey(t.Context(), first); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.Fetches(bob.IRI) - fetched; n != 0 {
			t.Errorf("%d fetches of a known key", n)
		}
		second, private := bob.Multikey("#two")
		if _, key, err := s.ProofKey(t.Context(), second); err != nil || !key.Equal(private.Public()) {
			t.Errorf("new key: %v", err)
		}
		if _, _, err := s.ProofKey(t.Context(), first); err == nil {
			t.Error("the old key proves")
		}
		same, private := bob.Multikey("#two") // another key of the same name
		if _, key, err := s.RefetchKey(t.Context(), same); err != nil || !private.Public().(ed25519.PublicKey).Equal(key) {
			t.Errorf("replaced key: %v", err)
		}
	})
}

// TestRSAMultikey: Fedify lists its RSA key as a Multikey too; it signs
// requests and proves nothing.
func TestRSAMultikey(t *testing.T) {
	s, _ := service(t, sqlite(t))
	bob := aptest.New(t).Actor(actor.Person, "bob")
	text, err := signature.EncodeMultikey(&bob.Key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	id := bob.IRI + "#multikey-1"
	bob.Doc["assertionMethod"] = []any{map[string]any{"id": id, "type": "Multikey", "controller": bob.IRI, "publicKeyMultibase": text}}
	bob.Publish()
	if _, key, err := s.KeyOf(t.Context(), id); err != nil || !bob.Key.PublicKey.Equal(key) {
		t.Errorf("KeyOf = %v, %v", key, err)
	}
	if _, _, err := s.ProofKey(t.Context(), id); !errors.Is(err, actor.ErrInvalid) {
		t.Errorf("ProofKey = %v", err)
	}
}

// TestKeyDocuments: key ids that are no fragment of their actor
// (federation-behaviours 3), with what may not pass (SEC-10, SEC-13).
func TestKeyDocuments(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, clock := service(t, d)
		r, other := aptest.New(t), aptest.New(t)
		stranger := other.Actor(actor.Person, "stranger")
		n := 0
		for _, c := range []struct {
			name string
			make func(a *aptest.Actor) string
			ok   bool
		}{
			{"stub of the actor at a path", func(a *aptest.Actor) string { // GoToSocial
				id := a.IRI + "/main-key"
				key := map[string]any{"id": id, "owner": a.IRI, "publicKeyPem": a.PEM()}
				a.Doc["publicKey"] = key
				a.Publish()
				r.Serve(id, map[string]any{"id": a.IRI, "type": "Person", "preferredUsername": "x", "publicKey": key})
				return id
			}, true},
			{"bare key at a path", func(a *aptest.Actor) string {
				id := a.IRI + "/main-key"
				key := map[string]any{"id": id, "type": "Key", "owner": a.IRI, "publicKeyPem": a.PEM()}
				a.Doc["publicKey"] = key
				a.Publish()
				r.Serve(id, key)
				return id
			}, true},
			{"id of the actor", func(a *aptest.Actor) string { return a.IRI }, true},
			{"handle", func(a *aptest.Actor) string { return "acct:" + a.Doc["preferredUsername"].(string) + "@" + r.Host }, true},
			{"owner does not list the key", func(a *aptest.Actor) string {
				id := a.IRI + "/other-key"
				r.Serve(id, map[string]any{"id": id, "type": "Key", "owner": a.IRI, "publicKeyPem": a.PEM()})
				return id
			}, false},
			{"owner on another host", func(a *aptest.Actor) string {
				id := a.IRI + "/main-key"
				r.Serve(id, map[string]any{"id": id, "type": "Key", "owner": stranger.IRI, "publicKeyPem": a.PEM()})
				return id
			}, false},
			{"no owner", func(a *aptest.Actor) string {
				id := a.IRI + "/main-key"
				r.Serve(id, map[string]any{"id": id, "type": "Key", "publicKeyPem": a.PEM()})
				return id
			}, false},
			{"owner of itself", func(a *aptest.Actor) string {
				id := a.IRI + "/main-key"
				r.Serve(id, map[string]any{"id": id, "type": "Key", "owner": id, "publicKeyPem": a.PEM()})
				return id
			}, false},
			{"unknown fragment", func(a *aptest.Actor) string { return a.IRI + "#other-key" }, false},
			{"handle of nobody", func(*aptest.Actor) string { return "acct:nobody@" + r.Host }, false},
			{"handle of ours", func(*aptest.Actor) string { return "acct:peertube@ours.example" }, false},
			{"handle without a host", func(*aptest.Actor) string { return "acct:bob" }, false},
			{"ours", func(*aptest.Actor) string { return origin + "/accounts/peertube#main-key" }, false},
			{"ours in capitals", func(*aptest.Actor) string { return strings.ToUpper(origin) + "/accounts/peertube#main-key" }, false},
			{"userinfo", func(a *aptest.Actor) string { return strings.Replace(a.KeyID, "http://", "http://x@", 1) }, false},
			{"no address", func(*aptest.Actor) string { return "main-key" }, false},
			{"empty", func(*aptest.Actor) string { return "" }, false},
		} {
			n++
			clock.Add(2 * time.Minute)
			a := r.Actor(actor.Person, "k"+string(rune('a'+n)))
			id := c.make(a)
			before := other.Fetches("")
			owner, key, err := s.KeyOf(t.Context(), id)
			if (err == nil) != c.ok {
				t.Errorf("%s: KeyOf(%s) = %v, %v", c.name, id, owner, err)
				continue
			}
			if other.Fetches("") != before {
				t.Errorf("%s: another host was asked", c.name)
			}
			if !c.ok {
				continue
			}
			if owner.IRI != a.IRI || !a.Key.PublicKey.Equal(key) {
				t.Errorf("%s: key of %s", c.name, owner.IRI)
			}
			fetched := r.Fetches("")
			for range 5 {
				if known, err := s.KnownKey(t.Context(), id); err != nil || !known {
					t.Errorf("%s: known %v, %v", c.name, known, err)
				}
				if _, _, err := s.KeyOf(t.Context(), id); err != nil {
					t.Errorf("%s again: %v", c.name, err)
				}
			}
			if r.Fetches("") != fetched {
				t.Errorf("%s: %d more fetches for a known key", c.name, r.Fetches("")-fetched)
			}
		}
	})
}

func TestKeyHost(t *testing.T) {
	s, _ := service(t, sqlite(t))
	for id, want := range map[string]string{
		"http://A.example:80/users/bob#main-key": "a.example", "http://a.example:8080/x": "a.example:8080",
		"acct:bob@A.example": "a.example", "acct:bob": "", "bob": "", "": "", "acct:a@b@c": "", "http://x@a.example/": "",
	} {
		if got := s.KeyHost(id); got != want {
			t.Errorf("KeyHost(%q) = %q, want %q", id, got, want)
		}
	}
}
