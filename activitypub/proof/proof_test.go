package proof

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/signature"
)

// The vectors of FEP-8b32, fep-8b32.feature, as they are now (context in the
// proof) and as they were in 2023 (none).
const (
	fepSecret = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
	fepPublic = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
	fepMethod = "https://server.example/users/alice#ed25519-key"
	fepNow    = `{
		"@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"],
		"id": "https://server.example/activities/1", "type": "Create", "actor": "https://server.example/users/alice",
		"object": {
			"id": "https://server.example/objects/1", "type": "Note", "attributedTo": "https://server.example/users/alice",
			"content": "Hello world", "location": {"type": "Place", "longitude": -71.184902, "latitude": 25.273962}
		}
	}`
	fepNowValue = "z42ffGu6AUKPCFcFPiabmUvnGLPJzC7e4DGWC52NUasSSH37UMa9c58tdgVszUcZfytxa4fQ5TYHaJENCxUDe9SdL"
	fepOld      = `{
		"@context": ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v1"],
		"type": "Create", "actor": "https://server.example/users/alice", "object": {"type": "Note", "content": "Hello world"},
		"proof": {
			"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022",
			"verificationMethod": "https://server.example/users/alice#ed25519-key", "proofPurpose": "assertionMethod",
			"proofValue": "z3sXaxjKs4M3BRicwWA9peyNPJvJqxtGsDmpt1jjoHCjgeUf71TRFz56osPSfDErszyLp5Ks1EhYSgpDaNM977Rg2",
			"created": "2023-02-24T23:36:38Z"
		}
	}`
)

var fepTime = time.Date(2023, 2, 24, 23, 36, 38, 999, time.UTC)

func fepKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	raw, err := signature.DecodeMultibase(fepSecret)
	if err != nil || len(raw) < 2+ed25519.SeedSize {
		t.Fatalf("secret key: %d bytes, %v", len(raw), err)
	}
	return ed25519.NewKeyFromSeed(raw[2 : 2+ed25519.SeedSize])
}

func publicKey(t testing.TB, multibase string) ed25519.PublicKey {
	t.Helper()
	k, err := signature.ParseMultikey(multibase)
	if err != nil {
		t.Fatal(err)
	}
	return k.(ed25519.PublicKey)
}

func check(t testing.TB, raw string, key ed25519.PublicKey) error {
	t.Helper()
	p, err := Parse([]byte(raw))
	if err != nil {
		return err
	}
	return p.Verify(key)
}

// TestVectors: what we make is the signature of the proposal to the letter.
func TestVectors(t *testing.T) {
	key := fepKey(t)
	if got, _ := signature.EncodeMultikey(key.Public().(ed25519.PublicKey)); got != fepPublic {
		t.Fatalf("public key %s", got)
	}
	signed, err := Sign([]byte(fepNow), fepMethod, key, fepTime)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(signed), fepNowValue) {
		t.Errorf("another value than the proposal's: %s", signed)
	}
	if !strings.HasPrefix(string(signed), strings.TrimRight(strings.TrimSuffix(fepNow, "}"), "\t\n")) {
		t.Error("the bytes of the document have changed")
	}
	for name, raw := range map[string]string{"now": string(signed), "of 2023": fepOld} {
		if err := check(t, raw, publicKey(t, fepPublic)); err != nil {
			t.Errorf("vector %s: %v", name, err)
		}
	}
}

// sample is what a Fedify server sent.
type sample struct {
	Keys   map[string]string `json:"keys"`
	Bodies []string          `json:"bodies"`
}

func fedify(t testing.TB) sample {
	t.Helper()
	raw, err := os.ReadFile("testdata/fedify.json")
	if err != nil {
		t.Fatal(err)
	}
	var s sample
	if err := json.Unmarshal(raw, &s); err != nil || len(s.Bodies) < 3 {
		t.Fatalf("%d bodies, %v", len(s.Bodies), err)
	}
	return s
}

func TestFedify(t *testing.T) {
	s := fedify(t)
	for _, body := range s.Bodies {
		p, err := Parse([]byte(body))
		if err != nil {
			t.Errorf("%.80s: %v", body, err)
			continue
		}
		if err := p.Verify(publicKey(t, s.Keys[p.Method])); err != nil {
			t.Errorf("%.80s: %v", body, err)
		}
		if p.Created.Year() != 2026 {
			t.Errorf("created %v", p.Created)
		}
	}
}

// TestTampered: each change breaks the proof; each twin, which says the same
// in other bytes, does not.
func TestTampered(t *testing.T) {
	key := fepKey(t)
	raw, err := Sign([]byte(fepNow), fepMethod, key, fepTime)
	if err != nil {
		t.Fatal(err)
	}
	signed := string(raw)
	swap := func(from, to string) string {
		t.Helper()
		if !strings.Contains(signed, from) {
			t.Fatalf("%q is not in it", from)
		}
		return strings.Replace(signed, from, to, 1)
	}
	for _, c := range []struct {
		name, doc string
		ok        bool
	}{
		{"as it is", signed, true},
		{"white space", strings.ReplaceAll(signed, "\t", " "), true},
		{"members in another order", swap(`"id": "https://server.example/activities/1", "type": "Create"`, `"type": "Create", "id": "https://server.example/activities/1"`), true},
		{"number written otherwise", swap(`25.273962`, `2.5273962e1`), true},
		{"escaped letters", swap(`Hello world`, `\u0048ello w\u006frld`), true},
		{"linked-data signature added", strings.TrimSuffix(signed, "}") + `,"signature":{"type":"RsaSignature2017"}}`, true},
		{"in a list after a foreign proof", swap(`"proof":{`, `"proof":[{"type":"DataIntegrityProof","cryptosuite":"bbs-2023"},{`) + "", false},
		{"value", swap(`Hello world`, `Hello word`), false},
		{"number", swap(`25.273962`, `25.273963`), false},
		{"actor", swap(`"actor": "https://server.example/users/alice"`, `"actor": "https://server.example/users/mallory"`), false},
		{"member added", swap(`"type": "Create"`, `"type": "Create", "x": 1`), false},
		{"member removed", swap(`"longitude": -71.184902, `, ``), false},
		{"created", swap(`23:36:38Z`, `23:36:39Z`), false},
		{"expiry added", swap(`"created":`, `"expires":"2099-01-01T00:00:00Z","created":`), false},
		{"context of the document", swap(`["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"]`,
			`["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2", {"content":"as:name"}]`), false},
		{"context of the proof", swap(`"proof":{"@context":["https://www.w3.org/ns/activitystreams"`, `"proof":{"@context":["https://w3id.org/security/v1"`), false},
		{"method of another", swap(fepMethod, "https://evil.example/u#k"), false},
		{"purpose", swap(`"assertionMethod"`, `"authentication"`), false},
		{"cryptosuite", swap(suite, "eddsa-rdfc-2022"), false},
		{"old name of the cryptosuite", swap(suite, "jcs-eddsa-2022"), false},
		{"type", swap(kind, "Ed25519Signature2020"), false},
		{"value of another length", swap(fepNowValue, fepNowValue[:40]), false},
		{"value in another base", swap(fepNowValue, "u"+fepNowValue[1:]), false},
		{"stripped", fepNow, false},
		{"proof that is a text", swap(`"proof":{`, `"proof":"x","y":{`), false},
		{"created that is no time", swap(`"2023-02-24T23:36:38Z"`, `"yesterday"`), false},
		{"no object", `[]`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc := c.doc
			if c.name == "in a list after a foreign proof" {
				doc, c.ok = strings.TrimSuffix(doc, "}}")+"}]}", true
			}
			err := check(t, doc, publicKey(t, fepPublic))
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNone) {
				t.Errorf("%v, want ok %v", err, c.ok)
			}
		})
	}
	other, _, _ := ed25519.GenerateKey(nil)
	if err := check(t, signed, other); !errors.Is(err, ErrInvalid) {
		t.Errorf("key of another: %v", err)
	}
	if err := check(t, signed, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("no key: %v", err)
	}
}

// TestContexts: a proof may be over the first contexts of the document.
func TestContexts(t *testing.T) {
	for _, c := range []struct {
		inner, outer string
		ok           bool
	}{
		{`"a"`, `"a"`, true},
		{`"a"`, `["a","b"]`, true},
		{`["a"]`, `["a",{"x":"y"}]`, true},
		{`["a",{"x":"y","z":1}]`, `["a",{"z":1, "x":"y"}]`, true},
		{`["b"]`, `["a","b"]`, false},
		{`["a","b"]`, `["a"]`, false},
		{`["a"]`, `{}`, false},
	} {
		p := &Proof{config: map[string]json.RawMessage{"@context": json.RawMessage(c.inner)}, document: map[string]json.RawMessage{"@context": json.RawMessage(c.outer)}}
		if err := p.matchContext(); (err == nil) != c.ok {
			t.Errorf("%s below %s: %v, want ok %v", c.inner, c.outer, err, c.ok)
		}
	}
}

func TestSignRefusals(t *testing.T) {
	key := fepKey(t)
	for _, c := range []struct {
		doc string
		ok  bool
	}{
		{`{"type":"Like"}`, true},
		{` { } `, true},
		{`{"type":"Like","proof":{}}`, false},
		{`{"type":"Like","signature":{}}`, false},
		{`{"type":"Like","type":"Dislike"}`, false},
		{`[]`, false},
		{`null`, false},
		{`{"n":1e999}`, false},
		{`{`, false},
	} {
		signed, err := Sign([]byte(c.doc), fepMethod, key, fepTime)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v, want ok %v", c.doc, err, c.ok)
			continue
		}
		if c.ok {
			if err := check(t, string(signed), key.Public().(ed25519.PublicKey)); err != nil || !Has(signed) {
				t.Errorf("%s does not verify: %v", signed, err)
			}
		}
	}
}

// TestCanonical has the examples of RFC 8785 and the edges of numbers.
func TestCanonical(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{
			`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
			`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		},
		{
			`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		},
		{
			`[0,-0,1,-1,100,1e2,123456789012345680000,1e20,1e21,1.5e300,1e-6,1e-7,-1.25e-9,9007199254740993,0.1]`,
			`[0,0,1,-1,100,100,123456789012345680000,100000000000000000000,1e+21,1.5e+300,0.000001,1e-7,-1.25e-9,9007199254740992,0.1]`,
		},
		{`"<>&\u007f\b\f\t\u2028"`, "\"<>&\u007f\\b\\f\\t\u2028\""},
		{`{}`, `{}`},
		{` [ ] `, `[]`},
	} {
		got, err := Canonical([]byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{``, `{`, `{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{}{}`, `{} x`, "\"\xff\"", `1e400`, strings.Repeat("[", 40) + strings.Repeat("]", 40)} {
		if got, err := Canonical([]byte(bad)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%.40q gives %s, %v", bad, got, err)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	key := fepKey(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Sign([]byte(fepNow), fepMethod, key, fepTime); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzProof: no panic, and what is canonical stays so.
func FuzzProof(f *testing.F) {
	f.Add([]byte(fepOld))
	f.Add([]byte(fepNow))
	for _, body := range fedify(f).Bodies {
		f.Add([]byte(body))
	}
	key := publicKey(f, fepPublic)
	f.Fuzz(func(t *testing.T, raw []byte) {
		if c, err := Canonical(raw); err == nil {
			again, err := Canonical(c)
			if err != nil || string(again) != string(c) {
				t.Fatalf("%s becomes %s, %v", c, again, err)
			}
		}
		if p, err := Parse(raw); err == nil {
			if p.Method == "" {
				t.Fatal("a proof by nobody")
			}
			_ = p.Verify(key)
		}
	})
}
