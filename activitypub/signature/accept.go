package signature

import (
	"net/http"
	"slices"
	"strings"
)

// Challenge is the Accept-Signature header of our 401 answers (RFC 9421 5.1):
// the components that a signature must cover.
func Challenge(method string) string {
	if method == http.MethodPost {
		return `sig1=("@method" "@target-uri" "@authority" "content-digest");created;keyid`
	}
	return `sig1=("@method" "@target-uri" "@authority");created;keyid`
}

// Wanted is a signature that another server asks for.
type Wanted struct {
	Label      string
	Components []string
	Algorithm  string // "" leaves the choice to us
	Expires    bool

	echo []param // nonce and tag go back as they came
}

// ParseAcceptSignature reads an Accept-Signature header (RFC 9421 5.1) and
// gives the first signature that we can make: of components that we know, with
// RSA or Ed25519. nil means that nothing usable is asked for.
func ParseAcceptSignature(h http.Header) *Wanted {
	text := strings.Join(h.Values("Accept-Signature"), ",")
	if len(text) > maxHeaderBytes {
		return nil
	}
	s := &scanner{rest: strings.Trim(text, " \t")}
	for s.rest != "" {
		label, err := s.key()
		if err != nil || s.expect('=') != nil {
			return nil
		}
		l, err := s.innerList()
		if err != nil {
			return nil
		}
		if w := l.wanted(label); w != nil {
			return w
		}
		s.rest = strings.TrimLeft(s.rest, " \t")
		if s.rest != "" && s.expect(',') != nil {
			return nil
		}
		s.rest = strings.TrimLeft(s.rest, " \t")
	}
	return nil
}

func (l innerList) wanted(label string) *Wanted {
	w := &Wanted{Label: label, Components: l.components}
	for _, p := range l.params {
		switch p.name {
		case "alg":
			alg, err := paramString(p)
			if err != nil || alg != algorithmRSA(RFC9421) && alg != "ed25519" {
				return nil
			}
			w.Algorithm = alg
		case "expires":
			w.Expires = true
		case "nonce", "tag":
			if _, err := paramString(p); err != nil {
				return nil
			}
			w.echo = append(w.echo, p)
		}
	}
	return w
}

// AsksMore tells whether w asks for anything that SignRFC9421 does not do
// anyway.
func (w *Wanted) AsksMore() bool {
	if w.Algorithm == "ed25519" || w.Expires || len(w.echo) > 0 {
		return true
	}
	for _, c := range w.Components {
		if !slices.Contains(always, c) && c != "content-digest" {
			return true
		}
	}
	return false
}

// Repeatable tells whether later requests can be signed so without being
// asked: a nonce is good for one.
func (w *Wanted) Repeatable() bool { return len(w.echo) == 0 }
