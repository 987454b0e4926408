package signature

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// Time window of SEC-04. Mastodon allows 12 h, PeerTube 30 min either way.
const (
	MaxAge   = 60 * time.Minute
	MaxAhead = 15 * time.Minute
)

// Policy is what a server demands of a signature.
type Policy struct {
	// Serves tells whether a host (lower case, with its port unless that is
	// the default) is ours. nil accepts none.
	Serves func(host string) bool
	// HTTPS says which port is the default one.
	HTTPS bool
	// MinRSABits is federation.min_rsa_bits; 0 means MinRSABits.
	MinRSABits int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Check makes every check that needs no key: algorithm, coverage, host, time
// and the digest of body. On requests with a body (POST) the digest is
// demanded.
func (p Policy) Check(r *http.Request, s *Params, body []byte) error {
	// SEC-05: the name only excludes, it never selects.
	if n := s.Algorithm; n != "" && n != "ed25519" && n != algorithmRSA(s.Scheme) && (n != "hs2019" || s.Scheme == RFC9421) {
		return refuse(ReasonAlgorithm, "algorithm %q", n)
	}
	coverage, digest, checkDigest := p.checkCoverage, "digest", CheckDigest
	if s.Scheme == RFC9421 {
		coverage, digest, checkDigest = p.checkComponents, "content-digest", CheckContentDigest
	}
	if err := coverage(r, s); err != nil {
		return err
	}
	if err := p.checkTime(r, s); err != nil {
		return err
	}
	host, err := iri.NormalHost(p.scheme(), r.Host)
	if err != nil || p.Serves == nil || !p.Serves(host) { // SEC-03
		return refuse(ReasonHost, "host %q is not served here", r.Host)
	}
	if needsDigest(r) || s.Covers(digest) {
		return checkDigest(r.Header, body)
	}
	return nil
}

// algorithmRSA is what the one RSA algorithm that we take is called.
func algorithmRSA(s Scheme) string {
	if s == RFC9421 {
		return "rsa-v1_5-sha256" // RFC 9421 3.3.2
	}
	return "rsa-sha256"
}

func (p Policy) scheme() string {
	if p.HTTPS {
		return "https"
	}
	return "http"
}

func needsDigest(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// checkCoverage demands the headers of SEC-03 and that no signed header
// could be read in two ways.
func (p Policy) checkCoverage(r *http.Request, s *Params) error {
	if !s.Covers("(request-target)") || !s.Covers("host") {
		return refuse(ReasonCoverage, "(request-target) and host must be signed")
	}
	if needsDigest(r) && !s.Covers("digest") {
		return refuse(ReasonCoverage, "digest must be signed")
	}
	if !s.Covers("date") && !s.Covers("(created)") {
		return refuse(ReasonCoverage, "date or (created) must be signed")
	}
	if s.Covers("(created)") && !s.HasCreated || s.Covers("(expires)") && !s.HasExpires {
		return refuse(ReasonMalformed, "(created) or (expires) signed without a value")
	}
	return checkFields(r, s)
}

// checkFields demands that every signed header is there and is not one of two
// dates.
func checkFields(r *http.Request, s *Params) error {
	for _, h := range s.Headers {
		if strings.HasPrefix(h, "(") || strings.HasPrefix(h, "@") || h == "host" {
			continue
		}
		switch n := len(r.Header.Values(h)); {
		case n == 0:
			return refuse(ReasonCoverage, "signed header %q is absent", h)
		case n > 1 && h == "date":
			return refuse(ReasonAmbiguous, "%d date headers", n)
		}
	}
	return nil
}

func (p Policy) checkTime(r *http.Request, s *Params) error {
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	t := now()
	if s.Covers("date") {
		date, err := http.ParseTime(r.Header.Get("Date"))
		if err != nil {
			return refuse(ReasonDate, "unreadable date")
		}
		if err := inWindow(t, date); err != nil {
			return err
		}
	}
	if s.HasCreated {
		if err := inWindow(t, time.Unix(s.Created, 0)); err != nil {
			return err
		}
	}
	if s.HasExpires && time.Unix(s.Expires, 0).Before(t.Truncate(time.Second)) {
		return refuse(ReasonDate, "expired")
	}
	return nil
}

func inWindow(now, made time.Time) error { // SEC-04
	if age := now.Sub(made); age > MaxAge || age < -MaxAhead {
		return refuse(ReasonDate, "made %s ago", age.Round(time.Second))
	}
	return nil
}

// Verify checks the signature with key. In draft-cavage the target is tried
// with the query and then without: PeerTube signs the path alone (PT wire
// 6.3).
func (p Policy) Verify(r *http.Request, s *Params, key crypto.PublicKey) error {
	minBits := p.MinRSABits
	if minBits == 0 {
		minBits = MinRSABits
	}
	if err := CheckKey(key, minBits); err != nil {
		return err
	}
	if s.Scheme == RFC9421 {
		text, err := p.signatureBase(r, s)
		if err != nil {
			return err
		}
		if !verifyOne(text, s, key) {
			return refuse(ReasonMismatch, "key did not make this signature")
		}
		return nil
	}
	target := requestTarget(r)
	path, _, hasQuery := strings.Cut(target, "?")
	if verifyOne(signingString(r, s, target), s, key) {
		return nil
	}
	if hasQuery && verifyOne(signingString(r, s, path), s, key) {
		return nil
	}
	return refuse(ReasonMismatch, "key did not make this signature")
}

// verifyOne lets the type of the key choose the algorithm (SEC-05).
func verifyOne(text string, s *Params, key crypto.PublicKey) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		sum := sha256.Sum256([]byte(text))
		return s.Algorithm != "ed25519" && rsa.VerifyPKCS1v15(k, crypto.SHA256, sum[:], s.Signature) == nil
	case ed25519.PublicKey:
		return s.Algorithm != algorithmRSA(s.Scheme) && ed25519.Verify(k, []byte(text), s.Signature)
	}
	return false
}

// requestTarget is the target as it stood in the request line, escapes and
// all (draft-cavage 2.3).
func requestTarget(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// signingString builds what was signed (draft-cavage 2.3).
func signingString(r *http.Request, s *Params, target string) string {
	var b strings.Builder
	for i, h := range s.Headers {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(h)
		b.WriteString(": ")
		switch h {
		case "(request-target)":
			b.WriteString(strings.ToLower(r.Method) + " " + target)
		case "(created)":
			b.WriteString(strconv.FormatInt(s.Created, 10))
		case "(expires)":
			b.WriteString(strconv.FormatInt(s.Expires, 10))
		case "host":
			b.WriteString(r.Host)
		default:
			values := r.Header.Values(h)
			for j, v := range values {
				if j > 0 {
					b.WriteString(", ")
				}
				b.WriteString(strings.TrimSpace(v))
			}
		}
	}
	return b.String()
}
