package signature

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// parseRFC9421 reads Signature-Input and Signature, both of one member with
// the same label (RFC 9421 4). Mastodon takes one signature only, too.
func parseRFC9421(r *http.Request) (*Params, error) {
	inputs, sigs, auth := r.Header.Values("Signature-Input"), r.Header.Values("Signature"), r.Header.Values("Authorization")
	switch {
	case len(inputs) > 1 || len(sigs) > 1 || len(auth) > 0: // SEC-06
		return nil, refuse(ReasonAmbiguous, "%d Signature-Input, %d Signature and %d Authorization headers", len(inputs), len(sigs), len(auth))
	case len(sigs) == 0 || strings.TrimSpace(sigs[0]) == "":
		return nil, refuse(ReasonMissing, "Signature-Input without Signature")
	case len(inputs[0]) > maxHeaderBytes || len(sigs[0]) > maxHeaderBytes:
		return nil, refuse(ReasonMalformed, "headers of %d bytes", len(inputs[0])+len(sigs[0]))
	}
	label, in, err := inputList(inputs[0])
	if err != nil {
		return nil, err
	}
	sig, err := labelledBytes(label, sigs[0])
	if err != nil {
		return nil, err
	}
	p := &Params{Scheme: RFC9421, Headers: in.components, Signature: sig, input: in.String()}
	return p, in.fill(p)
}

// inputList reads a header with one inner list.
func inputList(text string) (label string, l innerList, err error) {
	s := &scanner{rest: strings.Trim(text, " \t")}
	if label, err = s.key(); err != nil {
		return "", l, err
	}
	if err = s.expect('='); err != nil {
		return "", l, err
	}
	if l, err = s.innerList(); err != nil {
		return "", l, err
	}
	return label, l, s.end()
}

// labelledBytes reads a Signature header whose one member is label.
func labelledBytes(label, text string) ([]byte, error) {
	s := &scanner{rest: strings.Trim(text, " \t")}
	name, err := s.key()
	if err != nil {
		return nil, err
	}
	if err := s.expect('='); err != nil {
		return nil, err
	}
	if name != label {
		return nil, refuse(ReasonMalformed, "Signature has no member %q", label)
	}
	b, err := s.bytes()
	if err != nil {
		return nil, err
	}
	if len(b) == 0 { // SEC-05
		return nil, refuse(ReasonMalformed, "signature is empty")
	}
	return b, s.end()
}

// innerList is a list of components with parameters (RFC 9421 2.3).
type innerList struct {
	components []string
	params     []param
}

// param is a parameter; text is its value as it is written, "" for a bare
// name.
type param struct{ name, text string }

// String serialises the list: that of a received signature is signed in this
// form (RFC 9421 2.3).
func (l innerList) String() string {
	var b strings.Builder
	b.WriteByte('(')
	for i, c := range l.components {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(`"` + c + `"`)
	}
	b.WriteByte(')')
	for _, p := range l.params {
		b.WriteString(";" + p.name)
		if p.text != "" {
			b.WriteString("=" + p.text)
		}
	}
	return b.String()
}

// fill reads the parameters of a signature (RFC 9421 2.3).
func (l innerList) fill(p *Params) error {
	for _, q := range l.params {
		var err error
		switch q.name {
		case "created":
			p.Created, p.HasCreated, err = paramTime(q)
		case "expires":
			p.Expires, p.HasExpires, err = paramTime(q)
		case "keyid":
			p.KeyID, err = paramString(q)
		case "alg":
			p.Algorithm, err = paramString(q)
			p.Algorithm = strings.ToLower(p.Algorithm)
		}
		if err != nil {
			return err
		}
	}
	if p.KeyID == "" || len(p.KeyID) > 2000 {
		return refuse(ReasonMalformed, "keyid")
	}
	return nil
}

func paramTime(q param) (int64, bool, error) {
	n, err := strconv.ParseInt(q.text, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return 0, false, refuse(ReasonMalformed, "%s is no time", q.name)
	}
	return n, true, nil
}

// paramString reads a string. Nothing that we read needs an escape.
func paramString(q param) (string, error) {
	v, ok := strings.CutPrefix(q.text, `"`)
	if !ok || strings.Contains(v, `\`) {
		return "", refuse(ReasonMalformed, "%s is no plain string", q.name)
	}
	return strings.TrimSuffix(v, `"`), nil
}

// checkComponents is checkCoverage for RFC 9421: what Mastodon demands, or
// components that say the same.
func (p Policy) checkComponents(r *http.Request, s *Params) error {
	if !s.HasCreated {
		return refuse(ReasonDate, "created is missing")
	}
	if !s.Covers("@method") {
		return refuse(ReasonCoverage, "@method must be signed")
	}
	hasQuery := strings.Contains(requestTarget(r), "?")
	host := s.Covers("@authority") || s.Covers("host")
	path := s.Covers("@request-target") || s.Covers("@path") && (s.Covers("@query") || !hasQuery)
	if !s.Covers("@target-uri") && (!host || !path) { // SEC-03
		return refuse(ReasonCoverage, "@target-uri must be signed")
	}
	if needsDigest(r) && !s.Covers("content-digest") { // SEC-02
		return refuse(ReasonCoverage, "content-digest must be signed")
	}
	return checkFields(r, s)
}

func (p Policy) signatureBase(r *http.Request, s *Params) (string, error) {
	return received(r, p.scheme()).base(s.Headers, s.input)
}

// scanner reads structured fields (RFC 8941 4.2), as much of them as
// signatures and digests need.
type scanner struct{ rest string }

func (s *scanner) peek(c byte) bool { return s.rest != "" && s.rest[0] == c }

func (s *scanner) expect(c byte) error {
	if !s.peek(c) {
		return refuse(ReasonMalformed, "no %q", c)
	}
	s.rest = s.rest[1:]
	return nil
}

// end refuses what follows; a comma begins another member (SEC-06).
func (s *scanner) end() error {
	s.rest = strings.TrimLeft(s.rest, " \t")
	switch {
	case s.rest == "":
		return nil
	case s.rest[0] == ',':
		return refuse(ReasonAmbiguous, "more than one signature")
	}
	return refuse(ReasonMalformed, "something after the end")
}

// key reads a name (RFC 8941 3.1.2).
func (s *scanner) key() (string, error) {
	n := 0
	for n < len(s.rest) {
		c := s.rest[n]
		if (c < 'a' || c > 'z') && c != '*' && (n == 0 || (c < '0' || c > '9') && c != '_' && c != '-' && c != '.') {
			break
		}
		n++
	}
	if n == 0 {
		return "", refuse(ReasonMalformed, "no name")
	}
	name := s.rest[:n]
	s.rest = s.rest[n:]
	return name, nil
}

// quoted reads a string and gives it as it is written, quotes and escapes and
// all (RFC 8941 3.3.3).
func (s *scanner) quoted() (string, error) {
	if !s.peek('"') {
		return "", refuse(ReasonMalformed, "no string")
	}
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; {
		case c == '"':
			text := s.rest[:i+1]
			s.rest = s.rest[i+1:]
			return text, nil
		case c == '\\':
			if i++; i == len(s.rest) || s.rest[i] != '"' && s.rest[i] != '\\' {
				return "", refuse(ReasonMalformed, "escape in a string")
			}
		case c < ' ' || c > '~':
			return "", refuse(ReasonMalformed, "character in a string")
		}
	}
	return "", refuse(ReasonMalformed, "string without an end")
}

// bytes reads a byte sequence (RFC 8941 3.3.5).
func (s *scanner) bytes() ([]byte, error) {
	if err := s.expect(':'); err != nil {
		return nil, err
	}
	text, rest, ok := strings.Cut(s.rest, ":")
	if !ok {
		return nil, refuse(ReasonMalformed, "byte sequence without an end")
	}
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, refuse(ReasonMalformed, "no base64")
	}
	s.rest = rest
	return b, nil
}

// innerList reads components and parameters. A component with parameters of
// its own (;sf, ;bs, ;req, ;name) is refused: nobody in the fediverse sends
// one, and each is another way to read the same header.
func (s *scanner) innerList() (l innerList, err error) {
	if err = s.expect('('); err != nil {
		return l, err
	}
	for {
		s.rest = strings.TrimLeft(s.rest, " ")
		if s.peek(')') {
			s.rest = s.rest[1:]
			break
		}
		text, err := s.quoted()
		if err != nil {
			return l, err
		}
		name := text[1 : len(text)-1]
		if err := checkComponent(name); err != nil {
			return l, err
		}
		if slices.Contains(l.components, name) { // SEC-06
			return l, refuse(ReasonAmbiguous, "component %q signed twice", name)
		}
		if l.components = append(l.components, name); len(l.components) > maxSigned {
			return l, refuse(ReasonCoverage, "%d components", len(l.components))
		}
		if !s.peek(' ') && !s.peek(')') {
			return l, refuse(ReasonMalformed, "component %q has parameters", name)
		}
	}
	l.params, err = s.params()
	return l, err
}

func checkComponent(name string) error {
	if strings.HasPrefix(name, "@") {
		if !derived(name) {
			return refuse(ReasonCoverage, "component %q is not known", name)
		}
		return nil
	}
	if !isToken(name) || name != strings.ToLower(name) {
		return refuse(ReasonMalformed, "component %q", name)
	}
	return nil
}

// params reads the parameters of a list (RFC 8941 3.1.2).
func (s *scanner) params() ([]param, error) {
	var out []param
	for s.peek(';') {
		s.rest = strings.TrimLeft(s.rest[1:], " ")
		name, err := s.key()
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(out, func(p param) bool { return p.name == name }) { // SEC-06
			return nil, refuse(ReasonAmbiguous, "parameter %q twice", name)
		}
		text := ""
		if s.peek('=') {
			s.rest = s.rest[1:]
			if text, err = s.item(); err != nil {
				return nil, err
			}
		}
		if out = append(out, param{name, text}); len(out) > maxParams {
			return nil, refuse(ReasonMalformed, "too many parameters")
		}
	}
	return out, nil
}

// item reads a string, a number or a token as it is written.
func (s *scanner) item() (string, error) {
	if s.peek('"') {
		return s.quoted()
	}
	end := strings.IndexAny(s.rest, ";, \t")
	if end < 0 {
		end = len(s.rest)
	}
	text := s.rest[:end]
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"()<>@\{}[]`, r) }) {
		return "", refuse(ReasonMalformed, "parameter value")
	}
	s.rest = s.rest[end:]
	return text, nil
}
