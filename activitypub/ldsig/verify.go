package ldsig

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/piprate/json-gold/ld"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// ErrNone says that a document carries no linked-data signature.
var ErrNone = errors.New("no linked-data signature")

// Signed is a document with a signature that nobody has checked yet.
type Signed struct {
	// Creator names the signer: an actor, or one of its keys.
	Creator string
	// Created is when it says that it was signed.
	Created time.Time
	// Value are the bytes of the signature; no two documents share them.
	Value []byte

	doc       *document
	signature wireSignature
}

// Has tells whether a document looks signed, without reading it all.
func Has(raw []byte) bool { return bytes.Contains(raw, []byte(`"signatureValue"`)) }

// Parse reads a document and its signature: ErrNone when there is none,
// ErrInvalid when it is of another kind or form, or the document is past the
// bounds of this package.
func Parse(raw []byte) (*Signed, error) {
	d, err := read(raw)
	if err != nil {
		return nil, err
	}
	member := d.fields["signature"]
	if len(member) == 0 || string(member) == "null" {
		return nil, ErrNone
	}
	s := &Signed{doc: d}
	if err := s.signature.read(member); err != nil {
		return nil, err
	}
	if s.signature.Type != kindRSA || !iri.Valid(s.signature.Creator) || strings.ContainsAny(s.signature.Creator, " <>\"\\") {
		return nil, fmt.Errorf("%w: %s by %q", ErrInvalid, s.signature.Type, s.signature.Creator)
	}
	s.Creator = s.signature.Creator
	if s.Created, err = time.Parse(time.RFC3339Nano, s.signature.Created); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if s.Value, err = base64.StdEncoding.DecodeString(s.signature.Value); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return s, nil
}

// read takes the members of a signature. Others than these would be options
// that have to be hashed too; nobody sends any.
func (s *wireSignature) read(member json.RawMessage) error {
	dec := json.NewDecoder(bytes.NewReader(member))
	dec.DisallowUnknownFields()
	if err := dec.Decode(s); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	switch string(s.Context) {
	case "", `"https://w3id.org/identity/v1"`, `"https://w3id.org/security/v1"`: // Fedify sends the first
		return nil
	}
	return fmt.Errorf("%w: a signature with a context of its own", ErrInvalid)
}

// Verify checks the signature with its creator's key and gives the document
// compacted with our own context, without signature and proof. That form is
// what was signed: use it, and nothing of the document as received (SEC-11).
func (s *Signed) Verify(key crypto.PublicKey) (doc json.RawMessage, err error) {
	defer guard(&err)
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: a key of type %T", ErrInvalid, key)
	}
	p := shared()
	c, err := p.compact(s.doc)
	if err != nil {
		return nil, err
	}
	node, err := p.expandWith(p.own, c.body)
	if err != nil {
		return nil, err
	}
	compact, err := toRDF(node)
	if err != nil {
		return nil, err
	}
	err = s.fits(public, compact)
	if err != nil && c.pruned {
		// What hangs on a term that no context defines is signed, too, though
		// nobody can tell what it belongs to. Then the rest must be the same.
		if err = s.fits(public, c.all); err == nil {
			err = sameMeaning(c.kept, compact)
		}
	}
	if err != nil {
		return nil, err
	}
	return p.finish(c.body)
}

// sameMeaning tells whether two graphs are the same.
func sameMeaning(a, b *graph) error {
	x, err := nquads(a, escapeAll)
	if err != nil {
		return err
	}
	y, err := nquads(b, escapeAll)
	if err == nil && !bytes.Equal(x, y) {
		err = fmt.Errorf("%w: it cannot be said in our terms", ErrInvalid)
	}
	return err
}

// fits compares with both ways of escaping control characters; most documents
// have none, and then there is one way only.
func (s *Signed) fits(key *rsa.PublicKey, g *graph) error {
	var tried []byte
	for _, escapes := range []func(*bytes.Buffer, string){escapeAll, escapeFew} {
		text, err := nquads(g, escapes)
		if err != nil {
			return err
		}
		if tried != nil && bytes.Equal(text, tried) {
			break
		}
		tried = text
		sum := sha256.Sum256([]byte(s.signature.hash() + hexSum(text)))
		if rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], s.Value) == nil {
			return nil
		}
	}
	return fmt.Errorf("%w: it does not fit", ErrInvalid)
}

// compacted is a document in terms of our own context, without whatever no
// signature covers.
type compacted struct {
	body map[string]any
	all  *graph // what the document says as it was received
	kept *graph // what of it is in body
	// pruned tells that the two differ.
	pruned bool
}

func (p *processor) compact(d *document) (*compacted, error) {
	node, err := p.expand(d)
	if err != nil {
		return nil, err
	}
	c := &compacted{}
	if c.all, err = toRDF(node); err != nil {
		return nil, err
	}
	pruned, err := prune(node)
	if err != nil {
		return nil, err
	}
	kept, ok := pruned.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%w: no identifier", ErrInvalid)
	}
	if c.kept, err = toRDF(kept); err != nil {
		return nil, err
	}
	c.pruned = len(c.kept.quads) != len(c.all.quads)
	out, err := ld.NewJsonLdApi().Compact(p.own, "", kept, true)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if c.body, ok = out.(map[string]any); !ok || len(c.body) == 0 {
		return nil, fmt.Errorf("%w: nothing in it is defined", ErrInvalid)
	}
	return c, nil
}

// Compact gives a document as Verify does, without looking at its signature:
// for one that was verified before.
func Compact(raw []byte) (doc json.RawMessage, err error) {
	defer guard(&err)
	d, err := read(raw)
	if err != nil {
		return nil, err
	}
	p := shared()
	c, err := p.compact(d)
	if err != nil {
		return nil, err
	}
	return p.finish(c.body)
}

// finish writes a compacted document with the names that readers look for.
func (p *processor) finish(body map[string]any) (json.RawMessage, error) {
	delete(body, "proof")
	rename(body)
	body["@context"] = p.ownRaw
	return json.Marshal(body)
}

// renamed are terms that have one name and two meanings, depending on what
// they are said of: one context cannot hold both.
var renamed = map[string]string{
	"sc:expires": "expires", // of a CacheFile (PT federation 8)
	"expiration": "expires", // of a View: security/v1 has two names for it
}

func rename(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			rename(x)
		}
	case map[string]any:
		for from, to := range renamed {
			if x, ok := v[from]; ok && v[to] == nil {
				v[to] = x
				delete(v, from)
			}
		}
		for k, x := range v {
			if k == "to" || k == "cc" {
				v[k] = public(x)
			}
			rename(x)
		}
	}
}

// public writes the public audience in full, as it was sent.
func public(v any) any {
	const short, long = "as:Public", "https://www.w3.org/ns/activitystreams#Public"
	switch v := v.(type) {
	case string:
		if v == short {
			return long
		}
	case []any:
		for i := range v {
			v[i] = public(v[i])
		}
	}
	return v
}
