package ldsig

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/piprate/json-gold/ld"

	"github.com/kinemesh/kinemesh/activitypub/signature"
)

const alice = "https://a.example/accounts/alice"

// like is an activity with a bit of everything.
const like = `{"@context":["https://www.w3.org/ns/activitystreams","https://w3id.org/security/v1",` +
	`{"RsaSignature2017":"https://w3id.org/security#RsaSignature2017"},{"pt":"https://joinpeertube.org/ns#","views":{"@id":"pt:views","@type":"http://schema.org/Number"},"Hashtag":"as:Hashtag"}],` +
	`"id":"https://a.example/likes/1","type":"Like","actor":"https://a.example/accounts/alice",` +
	`"object":{"id":"https://b.example/v","type":"Video","name":"tab\there","views":3},` +
	`"tag":[{"type":"Hashtag","name":"x"},{"type":"Hashtag","name":"x"}],"to":["https://www.w3.org/ns/activitystreams#Public"],"cc":[]}`

func signed(t testing.TB, doc string) (text string, verify func(string) (json.RawMessage, error)) {
	t.Helper()
	key := testKey(t)
	raw, err := Sign([]byte(doc), alice, key, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return string(raw), func(s string) (json.RawMessage, error) {
		p, err := Parse([]byte(s))
		if err != nil {
			return nil, err
		}
		return p.Verify(&key.PublicKey)
	}
}

func replace(t testing.TB, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("%q is not in %s", from, s)
	}
	return strings.Replace(s, from, to, 1)
}

// TestTampered: what changes the meaning breaks the signature, what only
// changes the form does not.
func TestTampered(t *testing.T) {
	doc, verify := signed(t, like)
	foreign, _ := signed(t, replace(t, like, "likes/1", "likes/2"))
	moved := doc[:strings.Index(doc, `,"signature":`)] + foreign[strings.Index(foreign, `,"signature":`):]
	for _, c := range []struct {
		name, doc string
		ok        bool
	}{
		{"as it is", doc, true},
		{"members in another order", replace(t, doc, `"type":"Like","actor":"`+alice+`",`, `"actor":"`+alice+`","type":"Like",`), true},
		{"list for a single value", replace(t, doc, `"type":"Like"`, `"type":["Like"]`), true},
		{"full identifier for a term", replace(t, doc, `"name":"x"`, `"https://www.w3.org/ns/activitystreams#name":"x"`), true},
		{"term of another name with the same meaning", replace(t, replace(t, doc, `"pt":"https`, `"v":{"@id":"https://joinpeertube.org/ns#views","@type":"http://schema.org/Number"},"pt":"https`), `"views":3`, `"v":3`), true},
		{"changed value", replace(t, doc, `"views":3`, `"views":4`), false},
		{"changed actor", replace(t, doc, `"actor":"`+alice, `"actor":"https://a.example/accounts/mallory`), false},
		{"changed id", replace(t, doc, "likes/1", "likes/9"), false},
		{"changed type", replace(t, doc, `"type":"Like"`, `"type":"Dislike"`), false},
		{"another type too", replace(t, doc, `"type":"Like"`, `"type":["Like","Create"]`), false},
		{"defined member added", replace(t, doc, `"type":"Like"`, `"summary":"x","type":"Like"`), false},
		{"member removed", replace(t, doc, `,"views":3`, ``), false},
		{"audience removed", replace(t, doc, `"to":["https://www.w3.org/ns/activitystreams#Public"],`, ``), false},
		{"node removed that was there twice", replace(t, doc, `{"type":"Hashtag","name":"x"},`, ``), false},
		{"node there once more", replace(t, doc, `"tag":[`, `"tag":[{"type":"Hashtag","name":"x"},`), false},
		{"term redefined", replace(t, doc, `"pt":"https`, `"object":"as:target","pt":"https`), false},
		{"term without its type", replace(t, doc, `"views":{"@id":"pt:views","@type":"http://schema.org/Number"}`, `"views":"pt:views"`), false},
		{"language put on texts", replace(t, doc, `"pt":"https`, `"@language":"de","pt":"https`), false},
		{"signature of another activity", moved, false},
		{"created", replace(t, doc, `"created":"2`, `"created":"1`), false},
		{"creator", replace(t, doc, `"creator":"`+alice, `"creator":"https://evil.example/u`), false},
		{"value cut", replace(t, doc, `"signatureValue":"`, `"signatureValue":"AAAA`), false},
		{"value that is no base64", replace(t, doc, `"signatureValue":"`, `"signatureValue":"*`), false},
		{"another kind", replace(t, doc, `"type":"RsaSignature2017"`, `"type":"RsaSignature2018"`), false},
		{"option added", replace(t, doc, `"creator":`, `"nonce":"x","creator":`), false},
		{"context in the signature", replace(t, doc, `"creator":`, `"@context":"https://a.example/evil","creator":`), false},
		{"stripped", like, false},
		{"signature is a text", replace(t, doc, `"signature":{`, `"signature":"x","s":{`), false},
		{"graph", replace(t, doc, `"type":"Like"`, `"@graph":[],"type":"Like"`), false},
		{"included", replace(t, doc, `"type":"Like"`, `"@included":[{"id":"https://b.example/x","type":"Note"}],"type":"Like"`), false},
		{"reverse", replace(t, doc, `"type":"Like"`, `"@reverse":{"as:object":{"id":"https://b.example/x"}},"type":"Like"`), false},
		{"alias of graph", replace(t, replace(t, doc, `"pt":"https`, `"g":"@graph","pt":"https`), `"type":"Like"`, `"g":[{"id":"https://b.example/x","type":"Note"}],"type":"Like"`), false},
		{"alias of included", replace(t, replace(t, doc, `"pt":"https`, `"g":"@included","pt":"https`), `"type":"Like"`, `"g":[{"id":"https://b.example/x","type":"Note"}],"type":"Like"`), false},
		{"term that is reverse", replace(t, doc, `"pt":"https`, `"r":{"@reverse":"as:object"},"pt":"https`), false},
		{"unknown context", replace(t, doc, `["https://www.w3.org/ns/activitystreams"`, `["https://evil.example/context","https://www.w3.org/ns/activitystreams"`), false},
		{"no context", replace(t, doc, `"@context":`, `"context":`), false},
		{"context taken away inside", replace(t, doc, `{"id":"https://b.example/v"`, `{"@context":null,"id":"https://b.example/v"`), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			compacted, err := verify(c.doc)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrNone) {
				t.Fatalf("%v, want ok %v", err, c.ok)
			}
			if !c.ok {
				return
			}
			var got struct {
				ID, Type, Actor string
				To              string
				Object          struct {
					Name  string
					Views int
				}
				Tag []struct{ Name string }
			}
			if err := json.Unmarshal(compacted, &got); err != nil {
				t.Fatalf("%s: %v", compacted, err)
			}
			if got.ID != "https://a.example/likes/1" || got.Type != "Like" || got.Actor != alice || got.Object.Views != 3 || got.Object.Name != "tab\there" ||
				len(got.Tag) != 2 || got.Tag[0].Name != "x" || got.To != "https://www.w3.org/ns/activitystreams#Public" {
				t.Errorf("compacted to %s", compacted)
			}
		})
	}
	for name, key := range map[string]any{"another key": &testKey(t).PublicKey, "no key": nil, "text": "x"} {
		p, err := Parse([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Verify(key); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnsignedIsGone: what no signature covers does not break one, and is not
// in what is used either (SEC-11).
func TestUnsignedIsGone(t *testing.T) {
	doc, verify := signed(t, like)
	for name, added := range map[string]string{
		"undefined term":                `"smuggled":"x"`,
		"undefined term with an object": `"smuggled":{"id":"x"}`,
		"relative property":             `"x/smuggled":1`,
		"null":                          `"smuggled":null`,
		"index":                         `"@index":"smuggled"`,
		"relative value":                `"smuggled":{"@id":"relative"}`,
		"keyword of the future":         `"@smuggled":"x"`,
	} {
		t.Run(name, func(t *testing.T) {
			compacted, err := verify(replace(t, doc, `"type":"Like"`, added+`,"type":"Like"`))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(compacted), "smuggled") {
				t.Errorf("it is in %s", compacted)
			}
		})
	}
}

// TestFloating: what hangs on a term that no context defines is signed, too; a
// change of it breaks the signature, and yet it is not in what is used.
func TestFloating(t *testing.T) {
	doc, verify := signed(t, replace(t, like, `"type":"Like"`, `"extra":{"name":"floating","tag":[{"name":"deep"}]},"type":"Like"`))
	compacted, err := verify(doc)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(compacted), "floating") {
		t.Errorf("it is in %s", compacted)
	}
	for _, change := range [][2]string{{"floating", "other"}, {"deep", "flat"}, {`"extra":{"name":"floating","tag":[{"name":"deep"}]},`, ""}, {`"views":3`, `"views":4`}} {
		if _, err := verify(replace(t, doc, change[0], change[1])); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", change, err)
		}
	}
}

// TestRedefined: the sender calls things what it likes; here they have their
// own names again.
func TestRedefined(t *testing.T) {
	evil := replace(t, like, `"pt":"https`, `"actor":"https://evil.example/ns#actor","author":{"@id":"as:actor","@type":"@id"},"pt":"https`)
	evil = replace(t, evil, `"actor":"`+alice+`"`, `"actor":"https://victim.example/u","author":"`+alice+`"`)
	doc, verify := signed(t, evil)
	compacted, err := verify(doc)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(compacted, &got); err != nil {
		t.Fatal(err)
	}
	if got["actor"] != alice || got["author"] != nil || got["https://evil.example/ns#actor"] != "https://victim.example/u" {
		t.Errorf("compacted to %s", compacted)
	}
}

// TestRecordedTampered: a changed copy of each recorded activity does not
// verify.
func TestRecordedTampered(t *testing.T) {
	all := keys(t)
	for name, body := range recorded(t) {
		s, err := Parse(body)
		if err != nil || all[s.Creator] == nil {
			continue
		}
		changed, err := Parse([]byte(replace(t, string(body), `"type":"`, `"attributedTo":"https://evil.example/u","type":"`)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := changed.Verify(all[s.Creator]); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCompactedSaysTheSame: readers find in the compacted form of recorded
// activities what they find in the recorded one.
func TestCompactedSaysTheSame(t *testing.T) {
	for name, body := range recorded(t) {
		compacted, err := Compact(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var was, is map[string]any
		if json.Unmarshal(body, &was) != nil || json.Unmarshal(compacted, &is) != nil {
			t.Fatal(name)
		}
		delete(was, "signature")
		for _, m := range missing("", was, is) {
			t.Errorf("%s: %s", name, m)
		}
		if is["signature"] != nil || is["proof"] != nil {
			t.Errorf("%s: still signed", name)
		}
	}
}

// missing lists what of was is not in is, a list of one being the same as its
// member and order being none.
func missing(at string, was, is any) (out []string) {
	switch w := was.(type) {
	case nil:
		return nil
	case map[string]any:
		i, ok := is.(map[string]any)
		if !ok {
			if id, isID := is.(string); isID && len(w) == 1 && w["id"] == id {
				return nil
			}
			return []string{fmt.Sprintf("%s: %v for %v", at, is, was)}
		}
		for k, v := range w {
			if k != "@context" {
				out = append(out, missing(at+"."+k, v, i[k])...)
			}
		}
		return out
	case []any:
		list, ok := is.([]any)
		if !ok && is != nil {
			list = []any{is}
		}
		for _, v := range w {
			var best []string
			for n, x := range list {
				if m := missing(at, v, x); n == 0 || len(m) < len(best) {
					best = m
				}
			}
			if len(list) == 0 {
				best = []string{fmt.Sprintf("%s: nothing for %v", at, v)}
			}
			out = append(out, best...)
		}
		return out
	}
	if fmt.Sprint(was) != fmt.Sprint(is) {
		return []string{fmt.Sprintf("%s: %v for %v", at, is, was)}
	}
	return nil
}

// TestFedifyKeyword: a document whose proof is a graph of its own is refused;
// its proof is what counts then.
func TestFedifyKeyword(t *testing.T) {
	raw, err := os.ReadFile("../proof/testdata/fedify.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		RSA    map[string]string `json:"rsa"`
		Bodies []string          `json:"bodies"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, body := range file.Bodies {
		s, err := Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		key, err := signature.ParseKey(file.RSA[s.Creator])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Verify(key); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "@graph") {
			t.Errorf("%v", err)
		}
	}
}

// TestAgainstLibrary: a signature of ours fits what another implementation of
// canonical order makes of the document, in each of the ways in which others
// look at it.
func TestAgainstLibrary(t *testing.T) {
	key := testKey(t)
	p := shared()
	o := p.options.Copy()
	o.Algorithm, o.Format = ld.AlgorithmURDNA2015, "application/n-quads"
	hash := func(doc any) string {
		t.Helper()
		text, err := ld.NewJsonLdProcessor().Normalize(doc, o)
		if err != nil {
			t.Fatal(err)
		}
		return hexSum([]byte(text.(string)))
	}
	docs := map[string][]byte{"like": []byte(like)}
	for name := range recorded(t) {
		docs[name] = unsigned(t, name)
	}
	for name, raw := range docs {
		out, err := Sign(raw, alice, key, time.Now())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var doc map[string]any
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatal(err)
		}
		sig := doc["signature"].(map[string]any)
		delete(doc, "signature")
		value, err := base64.StdEncoding.DecodeString(sig["signatureValue"].(string))
		if err != nil {
			t.Fatal(err)
		}
		compact, err := ld.NewJsonLdProcessor().Compact(doc, p.ownDoc, p.options.Copy())
		if err != nil {
			t.Fatal(err)
		}
		for context, form := range map[string]any{"https://w3id.org/security/v1": doc, "https://w3id.org/identity/v1": compact} {
			options := hash(map[string]any{"@context": context, "creator": sig["creator"], "created": sig["created"]})
			sum := sha256.Sum256([]byte(options + hash(form)))
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], value); err != nil {
				t.Errorf("%s with options in %s: %v", name, context, err)
			}
		}
	}
}
