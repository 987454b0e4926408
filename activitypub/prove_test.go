package activitypub_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/ldsig"
	"github.com/kinemesh/kinemesh/activitypub/proof"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// asPeerTube is the context of PeerTube's comments.
var asPeerTube = json.RawMessage(`["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",` +
	`{"RsaSignature2017":"https://w3id.org/security#RsaSignature2017"},{"pt":"https://joinpeertube.org/ns#","sc":"http://schema.org/"}]`)

// signedNotes is a host whose actor signs what it writes, and the two that may
// pass it on.
type signedNotes struct {
	t      *testing.T
	r      *aptest.Remote
	bob    *aptest.Actor
	method string
	key    ed25519.PrivateKey
	n      int
}

func newSignedNotes(t *testing.T) *signedNotes {
	t.Helper()
	r := aptest.New(t)
	s := &signedNotes{t: t, r: r, bob: r.Actor(actor.Person, "bob")}
	s.method, s.key = s.bob.Multikey("#ed25519-key")
	return s
}

// create is the Create of a note that the host itself does not give out.
func (s *signedNotes) create(content string) (id string, raw []byte) {
	s.n++
	id = fmt.Sprintf("%s/notes/%d", s.r.Origin, s.n)
	note := map[string]any{"type": "Note", "id": id, "attributedTo": s.bob.IRI, "content": content, "to": vocab.Public}
	return id, s.marshal(s.bob.Activity("Create", note, map[string]any{"@context": asPeerTube}))
}

func (s *signedNotes) marshal(v any) []byte {
	s.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

func (s *signedNotes) ld(raw []byte, creator string, by *aptest.Actor, at time.Time) []byte {
	s.t.Helper()
	out, err := ldsig.Sign(raw, creator, by.Key, at)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *signedNotes) proof(raw []byte, method string, key ed25519.PrivateKey, at time.Time) []byte {
	s.t.Helper()
	out, err := proof.Sign(raw, method, key, at)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func swapped(t *testing.T, raw []byte, from, to string) []byte {
	t.Helper()
	if !bytes.Contains(raw, []byte(from)) {
		t.Fatalf("%q is not in %s", from, raw)
	}
	return bytes.Replace(raw, []byte(from), []byte(to), 1)
}

// TestForwardedWithProof: what somebody passes on counts when its actor proved
// it, and then its origin is not asked; else it is a hint like any other
// (SEC-11). The messenger lives on the actor's host or on another one.
func TestForwardedWithProof(t *testing.T) {
	now := time.Now()
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	n, other := newSignedNotes(t), aptest.New(t)
	mallory := other.Actor(actor.Person, "mallory")
	malloryMethod, malloryKey := mallory.Multikey("#ed25519-key")
	eve := n.r.Actor(actor.Person, "eve")
	eveMethod, eveKey := eve.Multikey("#ed25519-key")
	for _, c := range []struct {
		name    string
		prepare func(raw []byte) []byte
		counts  bool
	}{
		{"good signature", func(raw []byte) []byte { return n.ld(raw, n.bob.IRI, n.bob, now) }, true},
		{"good signature by key id", func(raw []byte) []byte { return n.ld(raw, n.bob.KeyID, n.bob, now) }, true},
		{"good signature, a week old", func(raw []byte) []byte { return n.ld(raw, n.bob.IRI, n.bob, now.AddDate(0, 0, -7)) }, true},
		{"good proof", func(raw []byte) []byte { return n.proof(raw, n.method, n.key, now) }, true},
		{"good proof and signature", func(raw []byte) []byte {
			return n.ld(n.proof(vocab.DefineProof(raw), n.method, n.key, now), n.bob.IRI, n.bob, now)
		}, true},
		{"broken proof, good signature", func(raw []byte) []byte {
			raw = swapped(t, n.proof(raw, n.method, n.key, now), `"proofValue":"z`, `"proofValue":"z2`)
			return n.ld(raw, n.bob.IRI, n.bob, now)
		}, true},
		{"good proof, broken signature", func(raw []byte) []byte {
			return swapped(t, n.ld(n.proof(raw, n.method, n.key, now), n.bob.IRI, n.bob, now), `"signatureValue":"`, `"signatureValue":"AAAA`)
		}, true},
		{"stripped", func(raw []byte) []byte { return raw }, false},
		{"broken signature", func(raw []byte) []byte {
			return swapped(t, n.ld(raw, n.bob.IRI, n.bob, now), "words", "lies")
		}, false},
		{"signature of something else", func(raw []byte) []byte {
			_, another := n.create("other")
			signed := n.ld(another, n.bob.IRI, n.bob, now)
			return append(bytes.TrimSuffix(raw, []byte("}")), signed[bytes.Index(signed, []byte(`,"signature":`)):]...)
		}, false},
		{"signature by a neighbour", func(raw []byte) []byte { return n.ld(raw, eve.IRI, eve, now) }, false},
		{"signature by a stranger", func(raw []byte) []byte { return n.ld(raw, mallory.IRI, mallory, now) }, false},
		{"stranger's signature in the actor's name", func(raw []byte) []byte { return n.ld(raw, n.bob.IRI, mallory, now) }, false},
		{"signature of a month ago", func(raw []byte) []byte { return n.ld(raw, n.bob.IRI, n.bob, now.AddDate(0, -1, 0)) }, false},
		{"signature of tomorrow", func(raw []byte) []byte { return n.ld(raw, n.bob.IRI, n.bob, now.AddDate(0, 0, 1)) }, false},
		{"unknown context", func(raw []byte) []byte {
			return swapped(t, n.ld(raw, n.bob.IRI, n.bob, now), `["https://www.w3.org/ns/activitystreams"`, `["https://evil.example/ns","https://www.w3.org/ns/activitystreams"`)
		}, false},
		{"object hidden behind a term", func(raw []byte) []byte {
			signed := n.ld(raw, n.bob.IRI, n.bob, now)
			signed = swapped(t, signed, `"sc":"http://schema.org/"`, `"object":null,"thing":{"@id":"as:object","@type":"@id"}`)
			signed = swapped(t, signed, `"object":{`, `"thing":{`)
			return swapped(t, signed, `"type":"Create"`, `"object":"`+s.Origin+`/notes/1","type":"Create"`)
		}, false},
		{"broken proof", func(raw []byte) []byte { return swapped(t, n.proof(raw, n.method, n.key, now), "words", "lies") }, false},
		{"proof by a neighbour", func(raw []byte) []byte { return n.proof(raw, eveMethod, eveKey, now) }, false},
		{"proof by a stranger", func(raw []byte) []byte { return n.proof(raw, malloryMethod, malloryKey, now) }, false},
		{"stranger's proof in the actor's name", func(raw []byte) []byte { return n.proof(raw, n.method, malloryKey, now) }, false},
		{"proof by a key that is not there", func(raw []byte) []byte { return n.proof(raw, n.bob.IRI+"#k2", n.key, now) }, false},
		{"proof of a month ago", func(raw []byte) []byte { return n.proof(raw, n.method, n.key, now.AddDate(0, -1, 0)) }, false},
	} {
		for _, by := range []*aptest.Actor{eve, mallory} {
			t.Run(c.name+" by "+by.IRI[strings.LastIndexByte(by.IRI, '/')+1:], func(t *testing.T) {
				id, raw := n.create("words")
				doc := c.prepare(raw)
				var activity struct{ ID string }
				if err := json.Unmarshal(raw, &activity); err != nil {
					t.Fatal(err)
				}
				if got := by.Post(s.Origin+"/inbox", doc); got != 204 {
					t.Fatalf("answered %d", got)
				}
				drain(t, s)
				drain(t, s)
				stored, fetched := s.Count("notes", "iri = ? AND content = 'words'", id), n.r.Fetches(activity.ID)
				if c.counts && (stored != 1 || fetched != 0) {
					t.Errorf("stored %d notes, asked the origin %d times: %s", stored, fetched, reasons(s, activity.ID))
				}
				if !c.counts && (s.Count("notes", "iri = ?", id) != 0 || fetched == 0) {
					t.Errorf("stored %d notes, asked the origin %d times", s.Count("notes", "iri = ?", id), fetched)
				}
			})
		}
	}
	if n := s.Count("notes", "content = 'lies'"); n != 0 {
		t.Errorf("%d lies", n)
	}
}

// reasons tells what became of an activity.
func reasons(s *aptest.Server, id string) (out []string) {
	var rows []struct{ Signer, Proof, State, LastError string }
	if err := s.DB.Read(context.Background()).Raw("SELECT signer, proof, state, last_error FROM inbox WHERE activity_id = ?", id).Scan(&rows).Error; err != nil {
		return []string{err.Error()}
	}
	for _, r := range rows {
		out = append(out, fmt.Sprint(r))
	}
	return out
}

// TestForwardedOnce: however many pass an activity on, in whatever form, and
// its actor too, it has its effect once (SEC-07).
func TestForwardedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		seen := map[string]int{}
		s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: listener(func(_ context.Context, act *activitypub.Activity) error {
			seen[act.Type]++
			return nil
		})})
		n, other := newSignedNotes(t), aptest.New(t)
		first, second := other.Actor(actor.Person, "first"), other.Actor(actor.Person, "second")
		for _, typ := range []string{"Like", "View"} {
			raw := n.marshal(n.bob.Activity(typ, nil, map[string]any{"@context": asPeerTube}))
			signed := n.ld(n.proof(vocab.DefineProof(raw), n.method, n.key, time.Now()), n.bob.IRI, n.bob, time.Now())
			forms := [][]byte{
				signed, signed,
				swapped(t, signed, `"type":"`+typ+`"`, `"type": "`+typ+`"`),
				swapped(t, signed, `"signatureValue":"`, `"signatureValue":"\n`),
				swapped(t, signed, `"signature":{`, `"SIGNATURE":{"signatureValue":"x"},"signature":{`),
			}
			for i, doc := range forms {
				if got := []*aptest.Actor{first, second}[i%2].Post(s.Origin+"/inbox", doc); got != 204 {
					t.Errorf("%s %d: answered %d", typ, i, got)
				}
			}
			drain(t, s)
			drain(t, s)
			if seen[typ] == 0 {
				t.Errorf("no %s has had an effect", typ)
			}
		}
		// Changes of the text break the proof and leave the signature: two
		// marks, and for a View, whose id says nothing, two effects at most.
		if seen["Like"] != 1 || seen["View"] > 2 {
			t.Errorf("effects: %v", seen)
		}
	})
}

// TestForwardedViews: Views of others' videos come from their owners, those of
// ours only from the viewers' servers themselves.
func TestForwardedViews(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	n, other := newSignedNotes(t), aptest.New(t)
	mallory := other.Actor(actor.Person, "mallory")
	for i, object := range []string{other.Origin + "/videos/1", s.Origin + "/videos/1"} {
		raw := n.marshal(n.bob.Activity("View", object, map[string]any{"@context": asPeerTube}))
		mallory.Post(s.Origin+"/inbox", n.ld(raw, n.bob.IRI, n.bob, time.Now()))
		drain(t, s)
		if got, want := s.Count("inbox", "signer = actor AND object = ?", object), int64(1-i); got != want {
			t.Errorf("%s: %d proven Views, want %d", object, got, want)
		}
	}
}

// TestForwardedKeyFetchedOnce: the key of an actor that is not known yet costs
// one fetch for all its activities, and a rotated one another.
func TestForwardedKeyFetchedOnce(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	n, other := newSignedNotes(t), aptest.New(t)
	mallory := other.Actor(actor.Person, "mallory")
	pass := func(want int64) {
		t.Helper()
		for range 4 {
			_, raw := n.create("words")
			mallory.Post(s.Origin+"/inbox", n.ld(raw, n.bob.IRI, n.bob, time.Now()))
		}
		drain(t, s)
		drain(t, s)
		if got := s.Count("notes", ""); got != want {
			t.Errorf("%d notes, want %d", got, want)
		}
	}
	pass(4)
	if f := n.r.Fetches(n.bob.IRI); f != 1 {
		t.Errorf("%d fetches of the actor", f)
	}
	n.bob.Rotate()
	pass(8)
	if f := n.r.Fetches(n.bob.IRI); f != 2 {
		t.Errorf("%d fetches of the actor with another key", f)
	}
}

// TestCompactedIsUsed: of an activity that a linked-data signature vouches for,
// handlers see what was signed, in our terms, and others get the bytes as they
// came.
func TestCompactedIsUsed(t *testing.T) {
	var got *activitypub.Activity
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Modules: listener(func(_ context.Context, act *activitypub.Activity) error {
		got = act
		return nil
	})})
	n, other := newSignedNotes(t), aptest.New(t)
	mallory := other.Actor(actor.Person, "mallory")
	raw := n.marshal(n.bob.Activity("Like", map[string]any{"id": n.r.Origin + "/x", "type": "Note"}, map[string]any{"@context": asPeerTube}))
	signed := n.ld(raw, n.bob.IRI, n.bob, time.Now())
	tampered := swapped(t, signed, `"type":"Like"`, `"cc":["`+vocab.Public+`"],"type":"Like"`)
	mallory.Post(s.Origin+"/inbox", tampered)
	drain(t, s)
	drain(t, s)
	if got != nil {
		t.Errorf("a cc that nobody signed was accepted: %v", got.Cc)
	}
	signed = swapped(t, signed, `"type":"Like"`, `"bogus":1,"type":"Like"`)
	signed = swapped(t, signed, `"to":["`+vocab.Public+`"]`, `"https://www.w3.org/ns/activitystreams#to":{"@id":"as:Public"}`)
	n.r.Serve(n.r.Origin+"/x", map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "id": n.r.Origin + "/x", "type": "Note"})
	other.Actor(actor.Person, "third").Post(s.Origin+"/inbox", signed)
	drain(t, s)
	drain(t, s)
	if got == nil || len(got.To) != 1 || got.To[0] != vocab.Public || !bytes.Equal(got.Raw, signed) {
		t.Fatalf("handler got %+v", got)
	}
}

// TestSeal: what we publish proves its origin in both ways, to those who take
// the other one off first and to those who do not; the bytes sent are those
// stored.
func TestSeal(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	alice := s.Local(actor.Person, "alice")
	s.StartJobs()
	publish(t, s, alice, bob.Inbox)
	got := r.Await("Like")
	var stored string
	if err := s.DB.Read(t.Context()).Raw("SELECT raw FROM outbox WHERE type = 'Like'").Scan(&stored).Error; err != nil || stored != string(got.Body) {
		t.Errorf("sent %s, stored %s, %v", got.Body, stored, err)
	}
	if undefined, err := ldsig.Undefined(got.Body); err != nil || len(undefined) > 0 {
		t.Errorf("terms that no context defines: %q, %v", undefined, err)
	}

	doc := s.Get("/accounts/alice", "application/activity+json").JSON
	method := doc["assertionMethod"].([]any)[0].(map[string]any)
	ed, err := signature.ParseMultikey(method["publicKeyMultibase"].(string))
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := signature.ParseKey(doc["publicKey"].(map[string]any)["publicKeyPem"].(string))
	if err != nil {
		t.Fatal(err)
	}
	without := map[string][]byte{"all": got.Body}
	for _, member := range []string{"signature", "proof"} {
		m := map[string]json.RawMessage{}
		if err := json.Unmarshal(got.Body, &m); err != nil || m[member] == nil {
			t.Fatalf("no %s in %s", member, got.Body)
		}
		delete(m, member)
		if without[member], err = json.Marshal(m); err != nil {
			t.Fatal(err)
		}
	}
	for name, raw := range without {
		p, err := proof.Parse(raw)
		if name == "proof" {
			if err == nil {
				t.Error("a proof without a proof")
			}
			continue
		}
		if err != nil || p.Method != method["id"] || p.Verify(ed.(ed25519.PublicKey)) != nil {
			t.Errorf("without %s: proof by %v: %v", name, p, err)
		}
	}
	sig, err := ldsig.Parse(got.Body)
	if err != nil || sig.Creator != alice.IRI {
		t.Fatalf("signature: %v %+v", err, sig)
	}
	if _, err := sig.Verify(rsaKey); err != nil {
		t.Errorf("signature over document and proof: %v", err)
	}
	if sig, err = ldsig.Parse(without["proof"]); err != nil {
		t.Fatal(err)
	}
	if _, err := sig.Verify(rsaKey); err == nil {
		t.Error("the signature does not cover the proof")
	}
}

// TestSealedReachesUs: what one server of ours publishes, another takes from a
// messenger without asking for it.
func TestSealedReachesUs(t *testing.T) {
	a, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r := aptest.New(t)
	alice, bob := a.Local(actor.Person, "alice"), r.Actor(actor.Person, "bob")
	a.StartJobs()
	publish(t, a, alice, bob.Inbox)
	b, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	if got := bob.Post(b.Origin+"/inbox", r.Await("Like").Body); got != 204 {
		t.Fatalf("answered %d", got)
	}
	drain(t, b)
	if n := b.Count("inbox", "signer = ? AND actor = ? AND proof LIKE 'proof %'", alice.IRI, alice.IRI); n != 1 {
		t.Errorf("%d proven activities", n)
	}
}
