package signature

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// now is the injected clock of the defect tests.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	testHost = "here.example"
	testPath = "/accounts/alice/inbox?x=%20y"
	keyID    = "https://there.example/users/bob#main-key"
)

var (
	testBody = []byte(`{"type":"Like"}`)
	testKey  = sync.OnceValue(func() *rsa.PrivateKey {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return k
	})
)

func policy() Policy {
	return Policy{HTTPS: true, Now: func() time.Time { return now }, Serves: func(h string) bool { return h == testHost }}
}

// draft is a request that is still being made; defects change it before or
// after it is signed.
type draft struct {
	method, host, target string
	header               http.Header
	signed               []string // signed header names
	params               []string // parameters between keyId and headers
	algorithm            string
	created, expires     int64
	signature            func(text string) []byte
	key                  crypto.PublicKey
	body                 []byte
	after                func(r *http.Request) // after signing
}

func newDraft() *draft {
	d := &draft{
		method: "POST", host: testHost, target: testPath, body: testBody, algorithm: "hs2019",
		header: http.Header{"Date": {now.Format(http.TimeFormat)}, "Digest": {Digest(testBody)}},
		signed: []string{"(request-target)", "host", "date", "digest"},
		key:    &testKey().PublicKey,
	}
	d.signature = func(text string) []byte { return rsaSign(testKey(), text) }
	return d
}

func rsaSign(key *rsa.PrivateKey, text string) []byte {
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return sig
}

// send signs the draft by the letter of the draft standard, independent of
// the code under test, and lets the policy judge it.
func (d *draft) send(t *testing.T, p Policy) error {
	t.Helper()
	lines := make([]string, 0, len(d.signed))
	for _, h := range d.signed {
		v := strings.Join(d.header.Values(h), ", ")
		switch h {
		case "(request-target)":
			v = strings.ToLower(d.method) + " " + d.target
		case "(created)":
			v = strconv.FormatInt(d.created, 10)
		case "(expires)":
			v = strconv.FormatInt(d.expires, 10)
		case "host":
			v = d.host
		}
		lines = append(lines, h+": "+v)
	}
	sig := base64.StdEncoding.EncodeToString(d.signature(strings.Join(lines, "\n")))
	params := append([]string{`keyId="` + keyID + `"`}, d.params...)
	if d.algorithm != "" {
		params = append(params, `algorithm="`+d.algorithm+`"`)
	}
	if d.created != 0 {
		params = append(params, fmt.Sprintf("created=%d", d.created))
	}
	if d.expires != 0 {
		params = append(params, fmt.Sprintf("expires=%d", d.expires))
	}
	params = append(params, `headers="`+strings.Join(d.signed, " ")+`"`, `signature="`+sig+`"`)

	r := httptest.NewRequest(d.method, "https://"+testHost+testPath, bytes.NewReader(d.body))
	r.Host, r.RequestURI = testHost, testPath
	maps.Copy(r.Header, d.header)
	r.Header.Set("Signature", strings.Join(params, ","))
	if d.after != nil {
		d.after(r)
	}
	s, err := Parse(r)
	if err != nil {
		return err
	}
	if err := p.Check(r, s, d.body); err != nil {
		return err
	}
	return p.Verify(r, s, d.key)
}

func appendHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

func replaceSignature(from, to string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), from, to, 1))
	}
}

func without(name string) func(*draft) {
	return func(d *draft) {
		kept := d.signed[:0:0]
		for _, h := range d.signed {
			if h != name {
				kept = append(kept, h)
			}
		}
		d.signed = kept
	}
}

// TestDefects: each defect of SEC-01 to SEC-06 is refused for its own reason;
// the intact request, which differs in nothing else, is accepted.
func TestDefects(t *testing.T) {
	sha512Digest := func(b []byte) string {
		sum := sha512.Sum512(b)
		return "SHA-512=" + base64.StdEncoding.EncodeToString(sum[:])
	}
	md5Digest := func(b []byte) string {
		sum := md5.Sum(b)
		return "MD5=" + base64.StdEncoding.EncodeToString(sum[:])
	}
	victim := `keyId="https://here.example/accounts/alice#main-key",headers="date",signature="AAAA"`
	for _, c := range []struct {
		name string
		make func(*draft)
		want Reason // "" is accepted
	}{
		// intact twins
		{"intact", func(*draft) {}, ""},
		{"rsa-sha256 by name", func(d *draft) { d.algorithm = "rsa-sha256" }, ""},
		{"no algorithm", func(d *draft) { d.algorithm = "" }, ""},
		{"scheme prefix", func(d *draft) { d.after = replaceSignature("keyId", "Signature keyId") }, ""},
		{"spaces after commas", func(d *draft) { d.after = replaceSignature(",headers", ", headers") }, ""},
		{"other order and more headers", func(d *draft) {
			d.header.Set("Content-Type", "application/activity+json")
			d.signed = []string{"digest", "date", "content-type", "host", "(request-target)"}
		}, ""},
		{"query not signed", func(d *draft) { d.target = "/accounts/alice/inbox" }, ""}, // PT wire 6.3
		{"sha-512 digest", func(d *draft) { d.header.Set("Digest", sha512Digest(testBody)) }, ""},
		{"lower case digest name", func(d *draft) { d.header.Set("Digest", "sha-256"+Digest(testBody)[7:]) }, ""},
		{"two right digests", func(d *draft) { d.header.Set("Digest", Digest(testBody)+", "+sha512Digest(testBody)) }, ""},
		{"right digest beside a foreign one", func(d *draft) { d.header.Set("Digest", "UNIXSUM=30637,"+Digest(testBody)) }, ""},
		{"created and expires instead of date", func(d *draft) {
			d.signed = []string{"(request-target)", "(created)", "(expires)", "host", "digest"}
			d.created, d.expires = now.Unix(), now.Unix()+60
		}, ""},
		{"created alone, as Lemmy sends it", func(d *draft) {
			d.signed = []string{"(request-target)", "(created)", "content-type", "host", "digest"}
			d.header.Set("Content-Type", "application/activity+json")
			d.header.Del("Date")
			d.created = now.Unix()
		}, ""},
		{"created in quotes", func(d *draft) {
			d.signed = []string{"(request-target)", "(created)", "host", "digest"}
			d.created = now.Unix()
			d.after = replaceSignature(fmt.Sprintf("created=%d", now.Unix()), fmt.Sprintf(`created="%d"`, now.Unix()))
		}, ""},
		{"spaces wherever they may be", func(d *draft) {
			d.after = func(r *http.Request) {
				r.Header.Set("Signature", "  "+strings.ReplaceAll(r.Header.Get("Signature"), `",`, "\" ,\t ")+" ")
			}
		}, ""},
		{"capital names of headers", func(d *draft) {
			d.after = replaceSignature("(request-target) host date digest", "(request-target) Host Date Digest")
		}, ""},
		{"authorization scheme", func(d *draft) {
			d.after = func(r *http.Request) {
				r.Header.Set("Authorization", "Signature "+r.Header.Get("Signature"))
				r.Header.Del("Signature")
			}
		}, ""},
		{"GET without digest", func(d *draft) {
			d.method, d.body = "GET", nil
			d.header.Del("Digest")
			without("digest")(d)
		}, ""},
		{"ed25519", func(d *draft) {
			pub, key, _ := ed25519.GenerateKey(rand.Reader)
			d.key, d.signature = pub, func(text string) []byte { return ed25519.Sign(key, []byte(text)) }
		}, ""},

		// SEC-01
		{"1 no signature", func(d *draft) { d.after = func(r *http.Request) { r.Header.Del("Signature") } }, ReasonMissing},
		{"2 basic authorization only", func(d *draft) {
			d.after = func(r *http.Request) { r.Header.Del("Signature"); r.SetBasicAuth("a", "b") }
		}, ReasonMissing},
		{"3 key of another actor", func(d *draft) {
			other, _ := rsa.GenerateKey(rand.Reader, 2048)
			d.key = &other.PublicKey
		}, ReasonMismatch},
		{"4 one bit flipped", func(d *draft) {
			old := d.signature
			d.signature = func(text string) []byte { s := old(text); s[9] ^= 1; return s }
		}, ReasonMismatch},
		{"5 signature cut short", func(d *draft) {
			old := d.signature
			d.signature = func(text string) []byte { return old(text)[:255] }
		}, ReasonMismatch},
		{"6 no key id", func(d *draft) { d.after = replaceSignature("keyId=\""+keyID+"\",", "") }, ReasonMalformed},
		// SEC-02
		{"7 changed body", func(d *draft) { d.body = []byte(`{"type":"Delete"}`) }, ReasonDigest},
		{"8 changed digest", func(d *draft) {
			d.after = func(r *http.Request) { r.Header.Set("Digest", Digest([]byte("x"))) }
		}, ReasonDigest},
		{"9 digest and body changed together", func(d *draft) {
			d.body = []byte(`{"type":"Delete"}`)
			d.after = func(r *http.Request) { r.Header.Set("Digest", Digest(d.body)) }
		}, ReasonMismatch},
		{"10 digest not signed", without("digest"), ReasonCoverage},
		{"11 no digest", func(d *draft) { d.after = func(r *http.Request) { r.Header.Del("Digest") } }, ReasonCoverage},
		{"12 MD5 only", func(d *draft) { d.header.Set("Digest", md5Digest(testBody)) }, ReasonDigest},
		{"13 unknown digest algorithm", func(d *draft) { d.header.Set("Digest", "SHA-999=AAAA") }, ReasonDigest},
		{"14 two digests, the second wrong", func(d *draft) {
			d.header.Set("Digest", Digest(testBody)+","+sha512Digest([]byte("x")))
		}, ReasonDigest},
		{"15 two digest headers, the first wrong", func(d *draft) {
			d.header["Digest"] = []string{Digest([]byte("x")), Digest(testBody)}
		}, ReasonDigest},
		// SEC-03
		{"16 target not signed", without("(request-target)"), ReasonCoverage},
		{"17 host not signed", without("host"), ReasonCoverage},
		{"18 date not signed", without("date"), ReasonCoverage},
		{"19 made for another host", func(d *draft) { d.host = "other.example" }, ReasonMismatch},
		{"20 sent to a host that we do not serve", func(d *draft) {
			d.host = "other.example"
			d.after = func(r *http.Request) { r.Host = "other.example" }
		}, ReasonHost},
		{"21 made for another path", func(d *draft) { d.target = "/accounts/eve/inbox" }, ReasonMismatch},
		{"22 made for another query", func(d *draft) { d.target = "/accounts/alice/inbox?x=1" }, ReasonMismatch},
		{"23 made for another method", func(d *draft) { d.after = func(r *http.Request) { r.Method = "PUT" } }, ReasonMismatch},
		{"24 signed header absent", func(d *draft) { d.signed = append(d.signed, "x-absent") }, ReasonCoverage},
		{"25 headers left out", func(d *draft) {
			d.after = replaceSignature(`headers="(request-target) host date digest",`, "")
		}, ReasonCoverage},
		// SEC-04, edges in TestTimeWindow
		{"26 unreadable date", func(d *draft) { d.header.Set("Date", "yesterday") }, ReasonDate},
		{"27 two dates", func(d *draft) {
			d.header["Date"] = []string{now.Format(http.TimeFormat), now.Format(http.TimeFormat)}
		}, ReasonAmbiguous},
		{"28 created signed but not given", func(d *draft) { d.signed = append(d.signed, "(created)") }, ReasonMalformed},
		// SEC-05
		{"29 HMAC keyed with the public key", func(d *draft) {
			d.algorithm = "hmac-sha256"
			text, _ := EncodeKey(d.key)
			d.signature = func(s string) []byte {
				m := hmac.New(sha256.New, []byte(text))
				m.Write([]byte(s))
				return m.Sum(nil)
			}
		}, ReasonAlgorithm},
		{"30 algorithm none", func(d *draft) { d.algorithm = "none" }, ReasonAlgorithm},
		{"31 empty signature", func(d *draft) { d.signature = func(string) []byte { return nil } }, ReasonMalformed},
		{"32 signature is no base64", func(d *draft) { d.after = replaceSignature(`signature="`, `signature="*`) }, ReasonMalformed},
		{"33 RSA-SHA512", func(d *draft) { d.algorithm = "rsa-sha512" }, ReasonAlgorithm},
		{"34 1024-bit key", func(d *draft) {
			key, _ := rsa.GenerateKey(rand.Reader, 1024)
			d.key, d.signature = &key.PublicKey, func(text string) []byte { return rsaSign(key, text) }
		}, ReasonKey},
		{"35 ed25519 by name with an RSA key", func(d *draft) { d.algorithm = "ed25519" }, ReasonMismatch},
		// SEC-06
		{"36 second signature header", func(d *draft) { d.after = appendHeader("Signature", victim) }, ReasonAmbiguous},
		{"37 signature in Authorization too", func(d *draft) { d.after = appendHeader("Authorization", "Signature "+victim) }, ReasonAmbiguous},
		{"38 key id twice", func(d *draft) { d.params = []string{`keyId="https://here.example/accounts/alice"`} }, ReasonAmbiguous},
		{"39 key id twice in other case", func(d *draft) { d.params = []string{`KEYID="https://here.example/accounts/alice"`} }, ReasonAmbiguous},
		{"40 header signed twice", func(d *draft) { d.signed = append(d.signed, "date") }, ReasonAmbiguous},
		{"41 comma in a quoted value hides a parameter", func(d *draft) { d.params = []string{`x="a\",keyId="b"`} }, ReasonMalformed},
		{"42 parameter without a value", func(d *draft) { d.params = []string{"x="} }, ReasonMalformed},
		{"43 header of 9,000 bytes", func(d *draft) { d.params = []string{`x="` + strings.Repeat("a", 9000) + `"`} }, ReasonMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDraft()
			c.make(d)
			if got := d.send(t, policy()); ReasonOf(got) != c.want || (got != nil) != (c.want != "") {
				t.Errorf("got %v, want reason %q", got, c.want)
			}
		})
	}
}

// TestTimeWindow walks over both edges of SEC-04 with both kinds of time.
func TestTimeWindow(t *testing.T) {
	for _, c := range []struct {
		age time.Duration
		ok  bool
	}{
		{MaxAge, true},
		{MaxAge + time.Second, false},
		{-MaxAhead, true},
		{-MaxAhead - time.Second, false},
		{0, true},
		{10 * 24 * time.Hour, false},
	} {
		byDate := newDraft()
		byDate.header.Set("Date", now.Add(-c.age).Format(http.TimeFormat))
		if err := byDate.send(t, policy()); (err == nil) != c.ok {
			t.Errorf("date %s ago: %v", c.age, err)
		}
		byCreated := newDraft()
		byCreated.signed = []string{"(request-target)", "(created)", "host", "digest"}
		byCreated.created = now.Add(-c.age).Unix()
		if err := byCreated.send(t, policy()); (err == nil) != c.ok {
			t.Errorf("created %s ago: %v", c.age, err)
		}
	}
	for expires, ok := range map[int64]bool{now.Unix(): true, now.Unix() - 1: false} {
		d := newDraft()
		d.expires = expires
		if err := d.send(t, policy()); (err == nil) != ok {
			t.Errorf("expires %d: %v", expires-now.Unix(), err)
		}
	}
}

func TestCheckKey(t *testing.T) {
	modulus := func(bits int) *big.Int { return new(big.Int).SetBit(big.NewInt(1), bits-1, 1) }
	for _, c := range []struct {
		name string
		key  crypto.PublicKey
		min  int
		ok   bool
	}{
		{"2048", &rsa.PublicKey{N: modulus(2048), E: 65537}, 2048, true},
		{"8192", &rsa.PublicKey{N: modulus(8192), E: 65537}, 2048, true},
		{"1024 when allowed", &rsa.PublicKey{N: modulus(1024), E: 65537}, 1024, true},
		{"exponent 3", &rsa.PublicKey{N: modulus(2048), E: 3}, 2048, true},
		{"512", &rsa.PublicKey{N: modulus(512), E: 65537}, 2048, false},
		{"512 in test mode", &rsa.PublicKey{N: modulus(512), E: 65537}, 1024, false},
		{"2047", &rsa.PublicKey{N: modulus(2047), E: 65537}, 2048, false},
		{"8193", &rsa.PublicKey{N: modulus(8193), E: 65537}, 2048, false},
		{"65536", &rsa.PublicKey{N: modulus(65536), E: 65537}, 2048, false},
		{"exponent 1", &rsa.PublicKey{N: modulus(2048), E: 1}, 2048, false},
		{"even exponent", &rsa.PublicKey{N: modulus(2048), E: 4}, 2048, false},
		{"short ed25519", ed25519.PublicKey("short"), 2048, false},
		{"nil", nil, 2048, false},
		{"bytes", []byte("secret"), 2048, false},
	} {
		if err := CheckKey(c.key, c.min); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestParseKey(t *testing.T) {
	good, err := EncodeKey(&testKey().PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte{1}}))
	for _, c := range []struct {
		name, in string
		ok       bool
	}{
		{"good", good, true},
		{"carriage returns", strings.ReplaceAll(good, "\n", "\r\n"), true},
		{"two blocks", good + good, false},
		{"private key", private, false},
		{"empty", "", false},
		{"junk", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", false},
		{"huge", strings.Repeat("x", maxPEMBytes+1), false},
	} {
		if _, err := ParseKey(c.in); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if key, _ := ParseKey(good); !testKey().PublicKey.Equal(key) {
		t.Error("key changed on the way through PEM")
	}
}

// TestSignVerifies: what Sign makes passes our own checks and those of a
// verifier that reads the raw request line, also for paths with escapes.
func TestSignVerifies(t *testing.T) {
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	for _, c := range []struct {
		name, method, url string
		body              []byte
		key               crypto.PrivateKey
	}{
		{"post", "POST", "https://here.example/inbox", testBody, testKey()},
		{"empty post", "POST", "https://here.example/inbox", []byte{}, testKey()},
		{"get with query", "GET", "https://here.example/outbox?page=1", nil, testKey()},
		{"escapes", "GET", "https://here.example/a%20b/c%2Fd?q=%C3%BC", nil, testKey()},
		{"no path", "GET", "https://here.example", nil, testKey()},
		{"ed25519", "POST", "https://here.example/inbox", testBody, edKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, c.url, bytes.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // signing again replaces, it does not add
				if err := Sign(r, keyID, c.key, c.body); err != nil {
					t.Fatal(err)
				}
			}
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if s.KeyID != keyID {
				t.Errorf("keyId %q", s.KeyID)
			}
			p := policy()
			p.Now = nil
			if err := p.Check(r, s, c.body); err != nil {
				t.Error(err)
			}
			if err := p.Verify(r, s, c.key.(crypto.Signer).Public()); err != nil {
				t.Error(err)
			}
		})
	}
	if err := Sign(httptest.NewRequest("GET", "/", nil), keyID, "no key", nil); ReasonOf(err) != ReasonKey {
		t.Errorf("Sign with a string: %v", err)
	}
}

// print writes the header that Parse reads.
func (p *Params) print() string {
	out := []string{`keyId="` + p.KeyID + `"`}
	if p.Algorithm != "" {
		out = append(out, `algorithm="`+p.Algorithm+`"`)
	}
	if p.HasCreated {
		out = append(out, "created="+strconv.FormatInt(p.Created, 10))
	}
	if p.HasExpires {
		out = append(out, "expires="+strconv.FormatInt(p.Expires, 10))
	}
	return strings.Join(append(out, `headers="`+strings.Join(p.Headers, " ")+`"`,
		`signature="`+base64.StdEncoding.EncodeToString(p.Signature)+`"`), ",")
}
