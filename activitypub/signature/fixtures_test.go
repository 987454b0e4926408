package signature

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-fed/httpsig"
)

// recorded is one request that a real server sent; see testdata/README.md.
type recorded struct {
	Name, Method, Target, Body string
	Headers                    [][2]string
}

func (x recorded) request(t testing.TB) *http.Request {
	t.Helper()
	u, err := url.ParseRequestURI(x.Target)
	if err != nil {
		t.Fatalf("%s: %v", x.Name, err)
	}
	r := &http.Request{Method: x.Method, URL: u, RequestURI: x.Target, Header: http.Header{}}
	for _, h := range x.Headers {
		if strings.EqualFold(h[0], "host") {
			r.Host = h[1]
			continue
		}
		r.Header.Add(h[0], h[1])
	}
	return r
}

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

func recordedRequests(t testing.TB) (requests []recorded, keys map[string]string) {
	t.Helper()
	readJSON(t, "signed-requests.json", &requests)
	readJSON(t, "keys.json", &keys)
	return requests, keys
}

// at makes a policy that serves host and whose clock stands at r's Date.
func at(t testing.TB, r *http.Request) Policy {
	t.Helper()
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		t.Fatal(err)
	}
	return Policy{
		HTTPS: true, MinRSABits: 1024, // PeerTube's development keys
		Serves: func(h string) bool { return h == r.Host },
		Now:    func() time.Time { return date.Add(time.Second) },
	}
}

// TestRecordedRequests verifies every signed request that PeerTube 6.3.2,
// GoToSocial 0.20 and a recorder sent, each with its sender's key.
func TestRecordedRequests(t *testing.T) {
	requests, keys := recordedRequests(t)
	verified, withoutKey := 0, 0
	for _, x := range requests {
		t.Run(x.Name, func(t *testing.T) {
			r := x.request(t)
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			p := at(t, r)
			if err := p.Check(r, s, []byte(x.Body)); err != nil {
				t.Fatal(err)
			}
			if x.Method == http.MethodPost {
				if got := ReasonOf(p.Check(r, s, []byte(x.Body+" "))); got != ReasonDigest {
					t.Errorf("changed body: reason %q, want digest", got)
				}
			}
			text, ok := keys[s.KeyID]
			if !ok {
				withoutKey++ // its key was not recorded: only the checks above
				return
			}
			key, err := ParseKey(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(r, s, key); err != nil {
				t.Fatal(err)
			}
			verified++
			if !libraryAgrees(t, r, key) {
				t.Error("httpsig does not verify what we verify")
			}
			r.RequestURI = "/elsewhere"
			if got := ReasonOf(p.Verify(r, s, key)); got != ReasonMismatch {
				t.Errorf("other path: reason %q, want mismatch", got)
			}
		})
	}
	if verified < 124 || withoutKey > 7 {
		t.Errorf("%d verified, %d without key; the fixtures hold 124 and 7", verified, withoutKey)
	}
}

// libraryAgrees verifies r with httpsig, with the query and without.
func libraryAgrees(t *testing.T, r *http.Request, key crypto.PublicKey) bool {
	t.Helper()
	for _, query := range []string{r.URL.RawQuery, ""} {
		c := r.Clone(t.Context())
		c.Header.Set("Host", r.Host)
		c.URL.RawQuery = query
		v, err := httpsig.NewVerifier(c)
		if err != nil {
			t.Fatal(err)
		}
		if v.Verify(key, httpsig.RSA_SHA256) == nil {
			return true
		}
	}
	return false
}

// TestSmallKeyIsRefusedByDefault: the recorded PeerTube keys have 1024 bits.
func TestSmallKeyIsRefusedByDefault(t *testing.T) {
	requests, keys := recordedRequests(t)
	for _, x := range requests {
		r := x.request(t)
		s, err := Parse(r)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ParseKey(keys[s.KeyID])
		if err != nil {
			continue
		}
		p := at(t, r)
		p.MinRSABits = 0
		err = p.Verify(r, s, key)
		if small := key.(*rsa.PublicKey).N.BitLen() < 2048; small != (ReasonOf(err) == ReasonKey) {
			t.Errorf("%s: %d bits: %v", x.Name, key.(*rsa.PublicKey).N.BitLen(), err)
		}
	}
}

// FuzzSignatureHeader: no panic, and what parses prints and parses again.
func FuzzSignatureHeader(f *testing.F) {
	requests, _ := recordedRequests(f)
	for _, x := range requests[:20] {
		for _, h := range x.Headers {
			if strings.EqualFold(h[0], "signature") {
				f.Add(h[1])
			}
		}
	}
	f.Add(`Signature keyId="k",created=1,expires="2",headers="(created)  date",signature="AA=="`)
	f.Add(`keyId="a,b",signature="AA==",headers="date",x="y",`)
	f.Fuzz(func(t *testing.T, value string) {
		s, err := Parse(&http.Request{Header: http.Header{"Signature": {value}}})
		if err != nil {
			if ReasonOf(err) == "" {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := Parse(&http.Request{Header: http.Header{"Signature": {s.print()}}})
		if err != nil || again.KeyID != s.KeyID || !bytes.Equal(again.Signature, s.Signature) ||
			strings.Join(again.Headers, " ") != strings.Join(s.Headers, " ") || again.Created != s.Created {
			t.Fatalf("%q -> %q: %+v, %v", value, s.print(), again, err)
		}
	})
}

// FuzzDigest: no panic; the digest of the body itself always passes beside
// whatever parses, and a changed body never does.
func FuzzDigest(f *testing.F) {
	f.Add(Digest([]byte("x")), []byte("x"))
	f.Add("sha-256=,MD5=a,SHA-512=b", []byte("{}"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		h := http.Header{"Digest": {header}}
		if CheckDigest(h, body) == nil && CheckDigest(h, append(bytes.Clone(body), 'x')) == nil {
			t.Fatalf("%q accepts two bodies", header)
		}
	})
}
