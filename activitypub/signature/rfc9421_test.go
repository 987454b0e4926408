package signature

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// vectorKey is test-key-ed25519 of RFC 9421 B.1.4.
func vectorKey(t *testing.T) ed25519.PublicKey {
	t.Helper()
	k, err := ParseKey("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n-----END PUBLIC KEY-----\n")
	if err != nil {
		t.Fatal(err)
	}
	return k.(ed25519.PublicKey)
}

func vectorRequest(t *testing.T, method, address string, header [][2]string) *http.Request {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: method, URL: u, Host: u.Host, RequestURI: u.RequestURI(), Header: http.Header{}}
	for _, h := range header {
		r.Header.Add(h[0], h[1])
	}
	return r
}

// TestVectors are those of RFC 9421 B.2 and B.4 whose algorithm we speak.
func TestVectors(t *testing.T) {
	b26 := [][2]string{
		{"Date", "Tue, 20 Apr 2021 02:07:55 GMT"},
		{"Content-Type", "application/json"},
		{"Content-Digest", "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"},
		{"Content-Length", "18"},
		{"Signature-Input", `sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"`},
		{"Signature", `sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:`},
	}
	b4 := func(more ...[2]string) [][2]string {
		return append(more,
			[2]string{"Signature-Input", `transform=("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"`},
			[2]string{"Signature", `transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:`})
	}
	accept, star, both := [2]string{"Accept", "application/json"}, [2]string{"Accept", "*/*"}, [2]string{"Accept", "application/json, */*"}
	for _, c := range []struct {
		name, method, url string
		header            [][2]string
		ok                bool
	}{
		{"B.2.6", "POST", "https://example.com/foo?param=Value&Pet=dog", b26, true},
		{"B.2.6 put", "PUT", "https://example.com/foo?param=Value&Pet=dog", b26, false},
		{"B.2.6 another path", "POST", "https://example.com/bar", b26, false},
		{"B.4", "GET", "https://example.org/demo?name1=Value1&Name2=value2", b4(accept, star), true},
		{"B.4 more query", "GET", "https://example.org/demo?name1=Value1&Name2=value2&param=added", b4(accept, star), true},
		{"B.4 one accept", "GET", "https://example.org/demo?name1=Value1&Name2=value2", b4(both), true},
		{"B.4 capital host", "GET", "https://EXAMPLE.org:443/demo", b4(both), true},
		{"B.4 other order", "GET", "https://example.org/demo?name1=Value1&Name2=value2", b4(star, accept), false},
		{"B.4 other method", "POST", "https://example.org/demo?name1=Value1&Name2=value2", b4(accept, star), false},
		{"B.4 other host", "GET", "https://example.com/demo?name1=Value1&Name2=value2", b4(accept, star), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := vectorRequest(t, c.method, c.url, c.header)
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			if s.Scheme != RFC9421 || s.KeyID != "test-key-ed25519" || s.Created != 1618884473 {
				t.Errorf("parsed %+v", s)
			}
			err = Policy{HTTPS: true}.Verify(r, s, vectorKey(t))
			if (err == nil) != c.ok || !c.ok && ReasonOf(err) != ReasonMismatch {
				t.Errorf("Verify = %v, want ok %v", err, c.ok)
			}
		})
	}
	body := []byte(`{"hello": "world"}`)
	h := http.Header{}
	for _, kv := range b26 {
		h.Add(kv[0], kv[1])
	}
	if err := CheckContentDigest(h, body); err != nil {
		t.Errorf("content digest of B.2: %v", err)
	}
	if err := CheckContentDigest(h, append(body, '\n')); ReasonOf(err) != ReasonDigest {
		t.Errorf("content digest of another body: %v", err)
	}
}

// TestVectorSigns makes the signature of B.4 anew, which is possible because
// Ed25519 has no chance in it.
func TestVectorSigns(t *testing.T) {
	block, _ := pem.Decode([]byte("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n"))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	key := parsed.(ed25519.PrivateKey)
	if !vectorKey(t).Equal(key.Public()) {
		t.Fatal("the keys do not belong together")
	}
	r := vectorRequest(t, "GET", "https://example.org/demo?name1=Value1&Name2=value2", [][2]string{{"Accept", "application/json"}, {"Accept", "*/*"}})
	text, err := sending(r).base([]string{"@method", "@path", "@authority", "accept"},
		`("@method" "@path" "@authority" "accept");created=1618884473;keyid="test-key-ed25519"`)
	if err != nil {
		t.Fatal(err)
	}
	got := base64.StdEncoding.EncodeToString(ed25519.Sign(key, []byte(text)))
	if want := "ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA=="; got != want {
		t.Errorf("signed %s, want %s\n%s", got, want, text)
	}
}

// TestComponents are the examples of RFC 9421 2.2.
func TestComponents(t *testing.T) {
	for _, c := range []struct{ method, url, component, want string }{
		{"POST", "https://www.example.com/path?param=value", "@method", "POST"},
		{"POST", "https://www.example.com/path?param=value", "@target-uri", "https://www.example.com/path?param=value"},
		{"POST", "https://WWW.example.com:443/", "@target-uri", "https://www.example.com/"},
		{"POST", "https://www.example.com/path", "@authority", "www.example.com"},
		{"POST", "https://www.example.com:8443/path", "@authority", "www.example.com:8443"},
		{"POST", "http://www.example.com:80/path", "@authority", "www.example.com"},
		{"POST", "http://www.example.com/path", "@scheme", "http"},
		{"POST", "https://www.example.com/path?param=value", "@request-target", "/path?param=value"},
		{"POST", "https://www.example.com/path%2F%20x?param=value", "@path", "/path%2F%20x"},
		{"POST", "https://www.example.com", "@path", "/"},
		{"POST", "https://www.example.com/path?param=value&foo=bar&baz=bat%2D", "@query", "?param=value&foo=bar&baz=bat%2D"},
		{"POST", "https://www.example.com/path?queryString", "@query", "?queryString"},
		{"POST", "https://www.example.com/path", "@query", "?"},
		{"POST", "https://www.example.com/path", "host", "www.example.com"},
	} {
		r := vectorRequest(t, c.method, c.url, nil)
		for name, m := range map[string]message{"sent": sending(r), "received": received(r, r.URL.Scheme)} {
			if got, err := m.component(c.component); err != nil || got != c.want {
				t.Errorf("%s of %s, %s = %q, %v, want %q", c.component, c.url, name, got, err, c.want)
			}
		}
	}
	r := vectorRequest(t, "GET", "https://a.example/", [][2]string{{"X-Ows-Header", "  Leading and trailing whitespace.   "}, {"Cache-Control", "max-age=60"}, {"Cache-Control", "  must-revalidate"}})
	for name, want := range map[string]string{"x-ows-header": "Leading and trailing whitespace.", "cache-control": "max-age=60, must-revalidate"} { // 2.1
		if got, err := sending(r).component(name); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", name, got, err, want)
		}
	}
	for _, bad := range []string{"@status", "@query-param", "absent"} {
		if _, err := sending(r).component(bad); ReasonOf(err) != ReasonCoverage {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// draft9421 is a request on its way to be signed by hand, beside the code
// under test.
type draft9421 struct {
	method, host, target string
	header               http.Header
	components           string // as it stands between the brackets
	params               string // behind them
	lines                map[string]string
	signature            func(text string) []byte
	key                  crypto.PublicKey
	body                 []byte
	after                func(r *http.Request)
}

func newDraft9421() *draft9421 {
	d := &draft9421{
		method: "POST", host: testHost, target: testPath, body: testBody,
		header:     http.Header{"Content-Digest": {ContentDigest(testBody)}, "Date": {now.Format(http.TimeFormat)}},
		components: `"@method" "@target-uri" "content-digest"`,
		params:     fmt.Sprintf(`;created=%d;keyid="%s"`, now.Unix(), keyID),
		key:        &testKey().PublicKey, lines: map[string]string{},
	}
	d.signature = func(text string) []byte { return rsaSign(testKey(), text) }
	return d
}

func (d *draft9421) send(t *testing.T, p Policy) error {
	t.Helper()
	path, query, _ := strings.Cut(d.target, "?")
	values := map[string]string{
		"@method": d.method, "@target-uri": "https://" + d.host + d.target, "@authority": d.host, "host": d.host,
		"@scheme": "https", "@request-target": d.target, "@path": path, "@query": "?" + query,
	}
	maps.Copy(values, d.lines)
	var text strings.Builder
	for c := range strings.FieldsSeq(d.components) {
		name := strings.Trim(c, `"`)
		v, ok := values[name]
		if !ok {
			v = strings.Join(d.header.Values(name), ", ")
		}
		text.WriteString(c + ": " + v + "\n")
	}
	input := "(" + d.components + ")" + d.params
	text.WriteString(`"@signature-params": ` + input)
	r := httptest.NewRequest(d.method, "https://"+testHost+testPath, bytes.NewReader(d.body))
	r.Host, r.RequestURI = testHost, testPath
	maps.Copy(r.Header, d.header)
	r.Header.Set("Signature-Input", "sig1="+input)
	r.Header.Set("Signature", "sig1=:"+base64.StdEncoding.EncodeToString(d.signature(text.String()))+":")
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

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// TestDefects9421: the defects of SEC-01 to SEC-06 in the other scheme, each
// with its reason; the intact request is accepted.
func TestDefects9421(t *testing.T) {
	edPublic, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sum512 := sha512.Sum512(testBody)
	digest512 := "sha-512=:" + base64.StdEncoding.EncodeToString(sum512[:]) + ":"
	created := func(at time.Time, more string) func(*draft9421) {
		return func(d *draft9421) { d.params = fmt.Sprintf(`;created=%d;keyid="%s"%s`, at.Unix(), keyID, more) }
	}
	covers := func(components string) func(*draft9421) {
		return func(d *draft9421) { d.components = components }
	}
	byEd := func(d *draft9421) {
		d.key, d.signature = edPublic, func(text string) []byte { return ed25519.Sign(edKey, []byte(text)) }
	}
	alg := func(name string) func(*draft9421) { return created(now, `;alg="`+name+`"`) }
	digest := func(value string) func(*draft9421) {
		return func(d *draft9421) { d.header.Set("Content-Digest", value) }
	}
	after := func(f func(*http.Request)) func(*draft9421) { return func(d *draft9421) { d.after = f } }
	get := func(components string) func(*draft9421) {
		return func(d *draft9421) {
			d.method, d.body, d.components = "GET", nil, components
			d.header.Del("Content-Digest")
		}
	}
	second := `sig2=("@method");created=1;keyid="https://here.example/accounts/alice#main-key"`
	for _, c := range []struct {
		name string
		make func(*draft9421)
		want Reason
	}{
		// intact twins
		{"intact", func(*draft9421) {}, ""},
		{"Fedify's components", covers(`"@method" "@target-uri" "@authority" "host" "date" "content-digest"`), ""},
		{"host and request target", covers(`"@method" "host" "@request-target" "content-digest"`), ""},
		{"authority, path and query", covers(`"@method" "@authority" "@path" "@query" "content-digest"`), ""},
		{"rsa named", alg("rsa-v1_5-sha256"), ""},
		{"ed25519", byEd, ""},
		{"ed25519 named", func(d *draft9421) { byEd(d); alg("ed25519")(d) }, ""},
		{"expires, nonce and tag", created(now, fmt.Sprintf(`;expires=%d;nonce="a\"b";tag="x"`, now.Unix()+60)), ""},
		{"unknown parameters", created(now, `;flag;weight=1.5;kind=token`), ""},
		{"sha-512", digest(digest512), ""},
		{"two right digests", digest(ContentDigest(testBody) + ", " + digest512), ""},
		{"right digest beside a foreign one", digest("unixsum=:AAAA:, " + ContentDigest(testBody)), ""},
		{"get", get(`"@method" "@target-uri"`), ""},
		{"spaces before the list", after(func(r *http.Request) { r.Header.Set("Signature-Input", "  "+r.Header.Get("Signature-Input")+" ") }), ""},
		// coverage
		{"no method", covers(`"@target-uri" "content-digest"`), ReasonCoverage},
		{"no target", covers(`"@method" "content-digest"`), ReasonCoverage},
		{"path without query", covers(`"@method" "@authority" "@path" "content-digest"`), ReasonCoverage},
		{"path and query without host", covers(`"@method" "@path" "@query" "content-digest"`), ReasonCoverage},
		{"no digest", covers(`"@method" "@target-uri"`), ReasonCoverage},
		{"digest of the other scheme", func(d *draft9421) {
			d.header.Set("Digest", Digest(testBody))
			d.components = `"@method" "@target-uri" "digest"`
		}, ReasonCoverage},
		{"absent header", covers(`"@method" "@target-uri" "content-digest" "x-absent"`), ReasonCoverage},
		{"unknown component", covers(`"@method" "@target-uri" "content-digest" "@status"`), ReasonCoverage},
		{"component with a parameter", covers(`"@method" "@target-uri" "content-digest";sf`), ReasonMalformed},
		{"component of the request", covers(`"@method";req "@target-uri" "content-digest"`), ReasonMalformed},
		{"component twice", covers(`"@method" "@method" "@target-uri" "content-digest"`), ReasonAmbiguous},
		{"capital component", covers(`"@method" "@target-uri" "Content-Digest"`), ReasonMalformed},
		{"no component", covers(``), ReasonCoverage},
		// time
		{"no created", func(d *draft9421) { d.params = `;keyid="` + keyID + `"` }, ReasonDate},
		{"old", created(now.Add(-MaxAge-time.Second), ""), ReasonDate},
		{"just young enough", created(now.Add(-MaxAge), ""), ""},
		{"from the future", created(now.Add(MaxAhead+time.Second), ""), ReasonDate},
		{"just not from the future", created(now.Add(MaxAhead), ""), ""},
		{"expired", created(now, fmt.Sprintf(";expires=%d", now.Unix()-1)), ReasonDate},
		{"created is a string", func(d *draft9421) { d.params = fmt.Sprintf(`;created="%d";keyid="%s"`, now.Unix(), keyID) }, ReasonMalformed},
		{"created is negative", func(d *draft9421) { d.params = `;created=-5;keyid="` + keyID + `"` }, ReasonMalformed},
		{"signed date is old", func(d *draft9421) {
			d.components += ` "date"`
			d.header.Set("Date", now.Add(-2*time.Hour).Format(http.TimeFormat))
		}, ReasonDate},
		// digest
		{"changed body", func(d *draft9421) { d.body = []byte(`{"type":"Undo"}`) }, ReasonDigest},
		{"no such header", func(d *draft9421) { d.header.Del("Content-Digest") }, ReasonCoverage},
		{"md5 only", digest("md5=:AAAA:"), ReasonDigest},
		{"one wrong of two", digest(ContentDigest(testBody) + ", sha-512=:AAAA:"), ReasonDigest},
		{"the same twice", digest(ContentDigest(testBody) + ", " + ContentDigest(testBody)), ReasonDigest},
		{"form of the other scheme", digest(Digest(testBody)), ReasonDigest},
		// host and target
		{"for another host", func(d *draft9421) { d.host = "other.example" }, ReasonMismatch},
		{"for another path", func(d *draft9421) { d.target = "/inbox" }, ReasonMismatch},
		{"query not signed", func(d *draft9421) { d.target = "/accounts/alice/inbox" }, ReasonMismatch},
		{"for another method", func(d *draft9421) { d.lines["@method"] = "GET" }, ReasonMismatch},
		{"host not ours", after(func(r *http.Request) { r.Host = "other.example" }), ReasonHost},
		// algorithm and key
		{"hmac keyed with the public key", func(d *draft9421) {
			alg("hmac-sha256")(d)
			d.signature = func(text string) []byte {
				public, err := EncodeKey(d.key)
				if err != nil {
					t.Fatal(err)
				}
				m := hmac.New(sha256.New, []byte(public))
				m.Write([]byte(text))
				return m.Sum(nil)
			}
		}, ReasonAlgorithm},
		{"name of the other scheme", alg("rsa-sha256"), ReasonAlgorithm},
		{"hs2019", alg("hs2019"), ReasonAlgorithm},
		{"pss", alg("rsa-pss-sha512"), ReasonAlgorithm},
		{"none", alg("none"), ReasonAlgorithm},
		{"rsa key, ed25519 named", alg("ed25519"), ReasonMismatch},
		{"ed25519 key, rsa named", func(d *draft9421) { byEd(d); alg("rsa-v1_5-sha256")(d) }, ReasonMismatch},
		{"another key", func(d *draft9421) { d.key = edPublic }, ReasonMismatch},
		{"empty signature", func(d *draft9421) { d.signature = func(string) []byte { return nil } }, ReasonMalformed},
		{"no keyid", func(d *draft9421) { d.params = fmt.Sprintf(";created=%d", now.Unix()) }, ReasonMalformed},
		{"keyid is a token", func(d *draft9421) { d.params = fmt.Sprintf(";created=%d;keyid=x", now.Unix()) }, ReasonMalformed},
		// ambiguity (SEC-06)
		{"two inputs in one header", after(func(r *http.Request) {
			r.Header.Set("Signature-Input", r.Header.Get("Signature-Input")+", "+second)
		}), ReasonAmbiguous},
		{"two input headers", after(appendHeader("Signature-Input", second)), ReasonAmbiguous},
		{"two signatures in one header", after(func(r *http.Request) { r.Header.Set("Signature", r.Header.Get("Signature")+", sig2=:AAAA:") }), ReasonAmbiguous},
		{"two signature headers", after(appendHeader("Signature", "sig2=:AAAA:")), ReasonAmbiguous},
		{"signature of the other scheme", after(set("Signature", `keyId="https://here.example/accounts/alice#main-key",headers="date",signature="AAAA"`)), ReasonMalformed},
		{"both signatures", after(appendHeader("Signature", `keyId="x",headers="date",signature="AAAA"`)), ReasonAmbiguous},
		{"authorization besides", after(set("Authorization", `Signature keyId="x",headers="date",signature="AAAA"`)), ReasonAmbiguous},
		{"parameter twice", created(now, `;keyid="https://here.example/accounts/alice#main-key"`), ReasonAmbiguous},
		{"other label", after(func(r *http.Request) {
			r.Header.Set("Signature", strings.Replace(r.Header.Get("Signature"), "sig1", "sig2", 1))
		}), ReasonMalformed},
		{"no signature", after(func(r *http.Request) { r.Header.Del("Signature") }), ReasonMissing},
		{"no list", after(set("Signature-Input", "sig1=1")), ReasonMalformed},
		{"list without an end", after(set("Signature-Input", `sig1=("@method"`)), ReasonMalformed},
		{"something behind", after(func(r *http.Request) { r.Header.Set("Signature-Input", r.Header.Get("Signature-Input")+" x") }), ReasonMalformed},
		{"too long", after(set("Signature-Input", `sig1=("@method");x="`+strings.Repeat("x", maxHeaderBytes)+`"`)), ReasonMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDraft9421()
			c.make(d)
			if err := d.send(t, policy()); ReasonOf(err) != c.want || (err == nil) != (c.want == "") {
				t.Errorf("got %v, want reason %q", err, c.want)
			}
		})
	}
}

// TestSignRFC9421Verifies: what is signed passes our own checks, with both
// kinds of key, and nothing of the other scheme is left.
func TestSignRFC9421Verifies(t *testing.T) {
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	wanted := ParseAcceptSignature(http.Header{"Accept-Signature": {`their=("@method" "date" "x-absent" "content-digest" "@path");created;expires;nonce="n1";tag="t"`}})
	for _, c := range []struct {
		name, method, url string
		body              []byte
		key               crypto.PrivateKey
		wanted            *Wanted
		want              string // how Signature-Input begins
	}{
		{"post", "POST", "https://here.example/inbox", testBody, testKey(), nil, `sig1=("@method" "@target-uri" "@authority" "content-digest");created=`},
		{"empty post", "POST", "https://here.example/inbox", []byte{}, testKey(), nil, `sig1=("@method" "@target-uri" "@authority" "content-digest");created=`},
		{"get", "GET", "https://here.example/a%20b/c%2Fd?q=%C3%BC", nil, testKey(), nil, `sig1=("@method" "@target-uri" "@authority");created=`},
		{"no path", "GET", "https://here.example", nil, testKey(), nil, `sig1=("@method" "@target-uri" "@authority");created=`},
		{"ed25519", "POST", "https://HERE.example:443/inbox", testBody, edKey, nil, `sig1=("@method" "@target-uri" "@authority" "content-digest");created=`},
		{"asked for", "POST", "https://here.example/inbox", testBody, testKey(), wanted, `their=("@method" "@target-uri" "@authority" "content-digest" "date" "@path");created=`},
		{"asked for, get", "GET", "https://here.example/inbox", nil, testKey(), wanted, `their=("@method" "@target-uri" "@authority" "date" "@path");created=`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequest(c.method, c.url, bytes.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			for _, scheme := range []Scheme{Cavage, RFC9421, RFC9421} { // each replaces what was before
				if err := SignAs(r, keyID, c.key, c.body, Knock{Scheme: scheme, Wanted: c.wanted}); err != nil {
					t.Fatal(err)
				}
			}
			input := r.Header.Get("Signature-Input")
			if !strings.HasPrefix(input, c.want) || r.Header.Get("Digest") != "" {
				t.Errorf("signed %s, want %s; Digest %q", input, c.want, r.Header.Get("Digest"))
			}
			if asked := c.wanted != nil; strings.Contains(input, `;nonce="n1";tag="t"`) != asked || strings.Contains(input, ";expires=") != asked {
				t.Errorf("signed %s", input)
			}
			s, err := Parse(r)
			if err != nil {
				t.Fatal(err)
			}
			p := policy()
			p.Now = nil
			if err := p.Check(r, s, c.body); err != nil {
				t.Error(err)
			}
			if err := p.Verify(r, s, c.key.(crypto.Signer).Public()); err != nil {
				t.Error(err)
			}
			if err := Sign(r, keyID, c.key, c.body); err != nil {
				t.Fatal(err)
			}
			if s, err = Parse(r); err != nil || s.Scheme != Cavage || r.Header.Get("Content-Digest") != "" {
				t.Errorf("signed in the other scheme: %+v, %v", s, err)
			}
		})
	}
	r := httptest.NewRequest("GET", "/", nil)
	if err := SignRFC9421(r, keyID, "no key", nil, nil); ReasonOf(err) != ReasonKey {
		t.Errorf("with a string: %v", err)
	}
	if err := SignRFC9421(r, `a"b`, testKey(), nil, nil); ReasonOf(err) != ReasonKey {
		t.Errorf("with a quote in the key id: %v", err)
	}
}

// TestPathOnly: the query is not signed, for servers that leave it out.
func TestPathOnly(t *testing.T) {
	r := httptest.NewRequest("GET", "https://here.example/outbox?page=2", nil)
	if err := SignAs(r, keyID, testKey(), nil, Knock{PathOnly: true}); err != nil {
		t.Fatal(err)
	}
	s, err := Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	if verifyOne(signingString(r, s, "/outbox?page=2"), s, &testKey().PublicKey) || !verifyOne(signingString(r, s, "/outbox"), s, &testKey().PublicKey) {
		t.Error("not the path alone is signed")
	}
	if err := policy().Verify(r, s, &testKey().PublicKey); err != nil {
		t.Error(err)
	}
}

func TestAcceptSignature(t *testing.T) {
	for _, c := range []struct {
		header     []string
		label, alg string // no label: nothing usable
		components string
		expires    bool
	}{
		{[]string{`sig1=("@method" "@target-uri" "@authority" "content-digest");created`}, "sig1", "", "@method @target-uri @authority content-digest", false}, // Fedify
		{[]string{Challenge(http.MethodPost)}, "sig1", "", "@method @target-uri @authority content-digest", false},
		{[]string{Challenge(http.MethodGet)}, "sig1", "", "@method @target-uri @authority", false},
		{[]string{`a=("@method");alg="ed25519";expires;keyid="x"`}, "a", "ed25519", "@method", true},
		{[]string{`a=("@method");alg="rsa-pss-sha512", b=("@path");alg="rsa-v1_5-sha256"`}, "b", "rsa-v1_5-sha256", "@path", false},
		{[]string{`a=("@method");alg="hmac-sha256"`, `b=("@path")`}, "b", "", "@path", false},
		{nil, "", "", "", false},
		{[]string{`a=("@status")`}, "", "", "", false},
		{[]string{`a=("content-digest";sf)`}, "", "", "", false},
		{[]string{`a=("@method");alg=ed25519`}, "", "", "", false},
		{[]string{`a=("@method");nonce=5`}, "", "", "", false},
		{[]string{`a`}, "", "", "", false},
		{[]string{`a=("@method");x="` + strings.Repeat("x", maxHeaderBytes) + `"`}, "", "", "", false},
	} {
		w := ParseAcceptSignature(http.Header{"Accept-Signature": c.header})
		if w == nil {
			if c.label != "" {
				t.Errorf("%q: nothing", c.header)
			}
			continue
		}
		if w.Label != c.label || w.Algorithm != c.alg || strings.Join(w.Components, " ") != c.components || w.Expires != c.expires {
			t.Errorf("%q: %+v", c.header, w)
		}
	}
	for _, c := range []struct {
		k    Knock
		want bool
	}{
		{Knock{Scheme: RFC9421, Wanted: &Wanted{Algorithm: "ed25519"}}, true},
		{Knock{Scheme: RFC9421, Wanted: &Wanted{}}, false},
		{Knock{Scheme: RFC9421}, false},
		{Knock{Wanted: &Wanted{Algorithm: "ed25519"}}, false},
	} {
		if c.k.Ed25519() != c.want {
			t.Errorf("%+v", c.k)
		}
	}
	if Cavage.Other() != RFC9421 || RFC9421.Other() != Cavage {
		t.Error("the other scheme is not the other one")
	}
}

// FuzzSignatureInput: no panic, and what is read is written and read again as
// the same.
func FuzzSignatureInput(f *testing.F) {
	f.Add(`sig1=("@method" "@target-uri" "@authority" "host" "date");alg="rsa-v1_5-sha256";keyid="http://127.0.0.22:4101/users/bob#main-key";created=1795468912`, `sig1=:AAAA:`)
	f.Add(`sig-b26=("date" "@method" "@path");created=1618884473;keyid="test-key-ed25519"`, `sig-b26=:wqcAqbmY:`)
	f.Add(`a=( "@method"   "x-y" );created=1;keyid="\"";nonce="a\\b";flag;n=-1.5`, `a=:AA==:`)
	f.Fuzz(func(t *testing.T, input, sig string) {
		r := &http.Request{Method: "POST", URL: &url.URL{Path: "/"}, Host: testHost, Header: http.Header{"Signature-Input": {input}, "Signature": {sig}}}
		p, err := Parse(r)
		ParseAcceptSignature(http.Header{"Accept-Signature": {input}})
		if err != nil {
			return
		}
		again := &http.Request{Header: http.Header{
			"Signature-Input": {"x=" + p.input}, "Signature": {"x=:" + base64.StdEncoding.EncodeToString(p.Signature) + ":"},
		}}
		q, err := Parse(again)
		if err != nil {
			t.Fatalf("%q became %q: %v", input, p.input, err)
		}
		if q.input != p.input || q.KeyID != p.KeyID || q.Created != p.Created || strings.Join(q.Headers, " ") != strings.Join(p.Headers, " ") {
			t.Errorf("%+v became %+v", p, q)
		}
	})
}

// FuzzContentDigest: no panic, and no header that lacks the right hash passes.
func FuzzContentDigest(f *testing.F) {
	f.Add(ContentDigest(testBody))
	f.Add("sha-512=:AAAA:, " + ContentDigest(testBody))
	f.Add("sha-256=:::,")
	right := strings.TrimSuffix(strings.TrimPrefix(ContentDigest(testBody), "sha-256=:"), ":")
	sum := sha512.Sum512(testBody)
	right512 := base64.StdEncoding.EncodeToString(sum[:])
	f.Fuzz(func(t *testing.T, value string) {
		err := CheckContentDigest(http.Header{"Content-Digest": {value}}, testBody)
		if err == nil && !strings.Contains(value, right) && !strings.Contains(value, right512) {
			t.Errorf("%q passes", value)
		}
	})
}
