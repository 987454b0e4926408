package signature

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

// Knock is how a request is signed.
type Knock struct {
	Scheme Scheme // "" means draft-cavage
	// Wanted is what the server asked for by Accept-Signature, nil when it did
	// not; for RFC 9421 alone.
	Wanted *Wanted
	// PathOnly leaves the query out of what is signed; for draft-cavage alone.
	// Some servers check the path without it (federation-behaviours 2).
	PathOnly bool
}

// Ed25519 tells whether the knock must be signed with that kind of key.
func (k Knock) Ed25519() bool {
	return k.Scheme == RFC9421 && k.Wanted != nil && k.Wanted.Algorithm == "ed25519"
}

// Sign dates and signs req as PeerTube does: (request-target), host and date,
// and the digest of body when there is one. It replaces an earlier signature,
// so a request can be signed anew for every attempt and every redirect
// (SEC-09). key is *rsa.PrivateKey or ed25519.PrivateKey; body must be what
// req will send, nil for none.
func Sign(req *http.Request, keyID string, key crypto.PrivateKey, body []byte) error {
	return signCavage(req, keyID, key, body, false)
}

// SignAs signs req like Sign, in the scheme of k.
func SignAs(req *http.Request, keyID string, key crypto.PrivateKey, body []byte, k Knock) error {
	if k.Scheme == RFC9421 {
		return SignRFC9421(req, keyID, key, body, k.Wanted)
	}
	return signCavage(req, keyID, key, body, k.PathOnly)
}

func signCavage(req *http.Request, keyID string, key crypto.PrivateKey, body []byte, pathOnly bool) error {
	var algorithm httpsig.Algorithm
	switch key.(type) {
	case *rsa.PrivateKey:
		algorithm = httpsig.RSA_SHA256
	case ed25519.PrivateKey:
		algorithm = httpsig.ED25519
	default:
		return refuse(ReasonKey, "cannot sign with %T", key)
	}
	headers := []string{httpsig.RequestTarget, "host", "date"}
	if body != nil {
		headers = append(headers, "digest")
	}
	// A signer serves one request and holds its state.
	signer, _, err := httpsig.NewSigner([]httpsig.Algorithm{algorithm}, httpsig.DigestSha256, headers, httpsig.Signature, 0)
	if err != nil {
		return fmt.Errorf("make signer: %w", err)
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	// httpsig reads the host from the headers only and writes the decoded
	// path into the target, so it signs a stand-in.
	stand := &http.Request{
		Method: req.Method,
		URL:    &url.URL{Path: escapedPath(req.URL), RawQuery: req.URL.RawQuery},
		Header: http.Header{"Host": {host}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
	}
	if pathOnly {
		stand.URL.RawQuery = ""
	}
	if err := signer.SignRequest(key, keyID, stand, body); err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	unsign(req)
	for _, h := range []string{"Date", "Digest", "Signature"} {
		if v := stand.Header.Get(h); v != "" {
			req.Header.Set(h, v)
		}
	}
	return nil
}

// unsign takes off what an earlier signature left.
func unsign(req *http.Request) {
	for _, h := range []string{"Authorization", "Date", "Digest", "Content-Digest", "Signature", "Signature-Input"} {
		req.Header.Del(h)
	}
}

// ourLabel names our signatures when nobody asks for another name.
const ourLabel = "sig1"

// validFor is how long a signature lives whose end was asked for.
const validFor = 10 * time.Minute

// SignRFC9421 dates and signs req by RFC 9421: @method, @target-uri and
// @authority, and Content-Digest when there is a body, with rsa-v1_5-sha256 or
// ed25519 as the key is. Mastodon and Fedify take that. w adds what the server
// asked for, as far as the request has it; nil asks for nothing. Like Sign it
// replaces an earlier signature.
func SignRFC9421(req *http.Request, keyID string, key crypto.PrivateKey, body []byte, w *Wanted) error {
	if strings.ContainsAny(keyID, "\"\\") {
		return refuse(ReasonKey, "key id %q", keyID)
	}
	if w == nil {
		w = &Wanted{Label: ourLabel}
	}
	now := time.Now().UTC()
	unsign(req)
	req.Header.Set("Date", now.Format(http.TimeFormat))
	if body != nil {
		req.Header.Set("Content-Digest", ContentDigest(body))
	}
	m := sending(req)
	l := innerList{components: m.covered(w)}
	alg, sign, err := signerOf(key)
	if err != nil {
		return err
	}
	l.params = []param{{"created", strconv.FormatInt(now.Unix(), 10)}}
	if w.Expires {
		l.params = append(l.params, param{"expires", strconv.FormatInt(now.Add(validFor).Unix(), 10)})
	}
	l.params = append(l.params, param{"keyid", `"` + keyID + `"`}, param{"alg", `"` + alg + `"`})
	l.params = append(l.params, w.echo...)
	text, err := m.base(l.components, l.String())
	if err != nil {
		return err
	}
	sig, err := sign([]byte(text))
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	req.Header.Set("Signature-Input", w.Label+"="+l.String())
	req.Header.Set("Signature", w.Label+"=:"+base64.StdEncoding.EncodeToString(sig)+":")
	return nil
}

// always is what every signature of ours covers.
var always = []string{"@method", "@target-uri", "@authority"}

// covered is what we always sign and what w asks for besides, as far as it is
// there.
func (m message) covered(w *Wanted) []string {
	out := slices.Clone(always)
	if len(m.header.Values("Content-Digest")) > 0 {
		out = append(out, "content-digest")
	}
	for _, c := range w.Components {
		if _, err := m.component(c); err == nil && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// signerOf gives the algorithm's name (RFC 9421 3.3) and what signs with it.
func signerOf(key crypto.PrivateKey) (alg string, sign func([]byte) ([]byte, error), err error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return algorithmRSA(RFC9421), func(text []byte) ([]byte, error) {
			sum := sha256.Sum256(text)
			return rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
		}, nil
	case ed25519.PrivateKey:
		return "ed25519", func(text []byte) ([]byte, error) { return ed25519.Sign(k, text), nil }, nil
	}
	return "", nil, refuse(ReasonKey, "cannot sign with %T", key)
}

func escapedPath(u *url.URL) string {
	if p := u.EscapedPath(); p != "" {
		return p
	}
	return "/"
}
