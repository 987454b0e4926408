package signature

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Limits of the Signature header; real ones have under 800 bytes, an
// RSA-8192 signature about 1,400.
const (
	maxHeaderBytes = 8192
	maxParams      = 16
	maxSigned      = 32
)

// Scheme is the kind of a signature.
type Scheme string

// The two schemes that the fediverse speaks.
const (
	Cavage  Scheme = "draft-cavage"
	RFC9421 Scheme = "rfc9421"
)

// Other gives the other scheme.
func (s Scheme) Other() Scheme {
	if s == RFC9421 {
		return Cavage
	}
	return RFC9421
}

// Params is what a signature claims about itself, in either scheme.
type Params struct {
	Scheme    Scheme
	KeyID     string
	Algorithm string   // lower case, "" when not named
	Headers   []string // headers and derived components, lower case, in the order signed
	Signature []byte
	Created   int64 // seconds, valid when HasCreated
	Expires   int64 // seconds, valid when HasExpires

	HasCreated, HasExpires bool

	input string // RFC 9421: the value of @signature-params
}

// Covers tells whether the signature covers header name (lower case).
func (p *Params) Covers(name string) bool {
	return slices.Contains(p.Headers, name)
}

// Parse reads the one signature of r: that of RFC 9421 when there is a header
// Signature-Input, else that of draft-cavage, from the header Signature or
// from Authorization with the scheme Signature. It refuses anything that two
// readers could understand differently (SEC-06).
func Parse(r *http.Request) (*Params, error) {
	if len(r.Header.Values("Signature-Input")) > 0 {
		return parseRFC9421(r)
	}
	value, err := headerValue(r)
	if err != nil {
		return nil, err
	}
	fields, err := splitParams(value)
	if err != nil {
		return nil, err
	}
	return interpret(fields)
}

func headerValue(r *http.Request) (string, error) {
	sig, auth := r.Header.Values("Signature"), r.Header.Values("Authorization")
	switch {
	case len(sig)+len(auth) > 1: // SEC-06
		return "", refuse(ReasonAmbiguous, "%d Signature and %d Authorization headers", len(sig), len(auth))
	case len(sig) == 1:
		v := strings.TrimSpace(sig[0])
		if v == "" {
			return "", refuse(ReasonMissing, "empty Signature header")
		}
		// PT federation 7: a leading scheme name is tolerated.
		if scheme, rest, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "Signature") {
			v = rest
		}
		return v, nil
	case len(auth) == 1:
		scheme, rest, _ := strings.Cut(strings.TrimSpace(auth[0]), " ")
		if strings.EqualFold(scheme, "Signature") {
			return rest, nil
		}
	}
	return "", refuse(ReasonMissing, "no Signature header")
}

// splitParams reads name="value" and name=number, comma separated. Quoted
// values have no escapes: neither key ids nor base64 need one.
func splitParams(s string) (map[string]string, error) {
	if len(s) > maxHeaderBytes {
		return nil, refuse(ReasonMalformed, "header of %d bytes", len(s))
	}
	out := make(map[string]string, 8)
	for {
		s = strings.TrimLeft(s, " \t")
		name, rest, ok := strings.Cut(s, "=")
		if !ok || !isToken(name) {
			return nil, refuse(ReasonMalformed, "parameter name")
		}
		value, rest, err := paramValue(rest)
		if err != nil {
			return nil, err
		}
		name = strings.ToLower(name)
		if _, twice := out[name]; twice { // SEC-06
			return nil, refuse(ReasonAmbiguous, "parameter %q twice", name)
		}
		out[name] = value
		if len(out) > maxParams {
			return nil, refuse(ReasonMalformed, "too many parameters")
		}
		rest = strings.TrimLeft(rest, " \t")
		if rest == "" {
			return out, nil
		}
		if rest[0] != ',' {
			return nil, refuse(ReasonMalformed, "no comma after %q", name)
		}
		s = rest[1:]
	}
}

func paramValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		if end == 0 || strings.Trim(s[:end], "0123456789") != "" {
			return "", "", refuse(ReasonMalformed, "unquoted value")
		}
		return s[:end], s[end:], nil
	}
	value, rest, ok := strings.Cut(s[1:], `"`)
	if !ok || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' || r == '\\' }) {
		return "", "", refuse(ReasonMalformed, "quoted value")
	}
	return value, rest, nil
}

func isToken(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func interpret(fields map[string]string) (*Params, error) {
	p := &Params{Scheme: Cavage, KeyID: fields["keyid"], Algorithm: strings.ToLower(fields["algorithm"])}
	if p.KeyID == "" || len(p.KeyID) > 2000 {
		return nil, refuse(ReasonMalformed, "keyId")
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(fields["signature"])
	if err != nil || len(sig) == 0 { // SEC-05: no empty signature
		return nil, refuse(ReasonMalformed, "signature is empty or no base64")
	}
	p.Signature = sig
	if p.Headers, err = signedHeaders(fields["headers"]); err != nil {
		return nil, err
	}
	if p.Created, p.HasCreated, err = seconds(fields, "created"); err != nil {
		return nil, err
	}
	if p.Expires, p.HasExpires, err = seconds(fields, "expires"); err != nil {
		return nil, err
	}
	return p, nil
}

func signedHeaders(list string) ([]string, error) {
	names := strings.Fields(strings.ToLower(list))
	if len(names) == 0 || len(names) > maxSigned {
		return nil, refuse(ReasonCoverage, "%d signed headers", len(names))
	}
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		if seen[n] { // SEC-06
			return nil, refuse(ReasonAmbiguous, "header %q signed twice", n)
		}
		seen[n] = true
	}
	return names, nil
}

// seconds reads created or expires; some signers quote the number.
func seconds(fields map[string]string, name string) (int64, bool, error) {
	v, ok := fields[name]
	if !ok {
		return 0, false, nil
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return 0, false, refuse(ReasonMalformed, "%s is no time", name)
	}
	return n, true, nil
}
