package proof

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/signature"
)

// Errors of this package.
var (
	// ErrNone says that a document carries no proof of the one kind that is
	// understood here.
	ErrNone = errors.New("no integrity proof")
	// ErrInvalid is wrapped by every error about a document or its proof.
	ErrInvalid = errors.New("invalid integrity proof")
)

const (
	kind    = "DataIntegrityProof"
	suite   = "eddsa-jcs-2022"
	purpose = "assertionMethod"
)

// options are a proof without its value, as ours are written. The members are
// in no particular order: it is their canonical form that is signed.
type options struct {
	Context     json.RawMessage `json:"@context,omitempty"`
	Type        string          `json:"type"`
	Cryptosuite string          `json:"cryptosuite"`
	Method      string          `json:"verificationMethod"`
	Purpose     string          `json:"proofPurpose"`
	Created     string          `json:"created"`
	Value       string          `json:"proofValue,omitempty"`
}

// Sign adds a proof to a document that has none, as its last member; the
// bytes before it stay. method names the key in its owner's document.
func Sign(raw []byte, method string, key ed25519.PrivateKey, now time.Time) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("%w: no JSON object", ErrInvalid)
	}
	if fields["proof"] != nil || fields["signature"] != nil {
		return nil, fmt.Errorf("%w: it is signed already", ErrInvalid) // FEP-8b32: the proof comes first
	}
	// The context of the document is repeated: those who follow the newest
	// text sign it when it is there, older ones always (eddsa-jcs-2022 3.3.1).
	// Whole seconds read the same in every library.
	o := options{
		Context: fields["@context"], Type: kind, Cryptosuite: suite, Method: method, Purpose: purpose,
		Created: now.UTC().Format("2006-01-02T15:04:05Z"),
	}
	config, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	hash, err := hashes(config, raw)
	if err != nil {
		return nil, err
	}
	o.Value = signature.EncodeMultibase(ed25519.Sign(key, hash))
	member, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return appendMember(raw, member)
}

// hashes is what is signed (eddsa-jcs-2022 3.3.4).
func hashes(config, document []byte) ([]byte, error) {
	c, err := Canonical(config)
	if err != nil {
		return nil, err
	}
	d, err := Canonical(document)
	if err != nil {
		return nil, err
	}
	first, second := sha256.Sum256(c), sha256.Sum256(d)
	return append(first[:], second[:]...), nil
}

func appendMember(raw []byte, value json.RawMessage) (json.RawMessage, error) {
	head, ok := bytes.CutSuffix(bytes.TrimSpace(raw), []byte("}"))
	if !ok {
		return nil, fmt.Errorf("%w: no JSON object", ErrInvalid)
	}
	head = bytes.TrimRight(head, " \t\r\n")
	out := append(make([]byte, 0, len(raw)+len(value)+10), head...)
	if !bytes.HasSuffix(head, []byte("{")) {
		out = append(out, ',')
	}
	out = append(out, `"proof":`...)
	return append(append(out, value...), '}'), nil
}

// Proof is a proof that nobody has checked yet.
type Proof struct {
	// Method names the key.
	Method string
	// Created is when it says that it was made; zero when it does not say.
	Created time.Time
	// Expires is when it ends; zero when it does not.
	Expires time.Time
	// Value are the bytes of the signature.
	Value []byte

	config   map[string]json.RawMessage // without its value
	document map[string]json.RawMessage // without proof and signature
}

// Has tells whether a document looks as if it had a proof, without reading it
// all.
func Has(raw []byte) bool { return bytes.Contains(raw, []byte(`"proofValue"`)) }

// Parse reads the proof of a document: ErrNone when there is none or only
// those of other kinds, which are to be ignored (FEP-8b32).
func Parse(raw []byte) (*Proof, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return nil, fmt.Errorf("%w: no JSON object", ErrInvalid)
	}
	config, err := choose(fields["proof"])
	if err != nil {
		return nil, err
	}
	delete(fields, "proof")
	delete(fields, "signature") // FEP-8b32: it is made later
	p := &Proof{config: config, document: fields}
	p.Method = text(config["verificationMethod"])
	if !iri.Valid(iri.WithoutFragment(p.Method)) || text(config["proofPurpose"]) != purpose {
		return nil, fmt.Errorf("%w: for %q by %q", ErrInvalid, text(config["proofPurpose"]), p.Method)
	}
	if p.Created, err = instant(config["created"]); err != nil {
		return nil, err
	}
	if p.Expires, err = instant(config["expires"]); err != nil {
		return nil, err
	}
	if p.Value, err = signature.DecodeMultibase(text(config["proofValue"])); err != nil || len(p.Value) != ed25519.SignatureSize {
		return nil, fmt.Errorf("%w: no signature of %d bytes", ErrInvalid, ed25519.SignatureSize)
	}
	delete(config, "proofValue")
	return p, p.matchContext()
}

// choose gives the proof that is understood here; a document has one or a
// list of them.
func choose(member json.RawMessage) (map[string]json.RawMessage, error) {
	list := []json.RawMessage{member}
	if len(member) > 0 && member[0] == '[' {
		if err := json.Unmarshal(member, &list); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	for _, item := range list {
		var config map[string]json.RawMessage
		if json.Unmarshal(item, &config) == nil && text(config["type"]) == kind && text(config["cryptosuite"]) == suite {
			return config, nil
		}
	}
	return nil, ErrNone
}

// matchContext demands that the context of the proof begins that of the
// document (eddsa-jcs-2022 3.3.2, step 4).
func (p *Proof) matchContext() error {
	inner, ok := p.config["@context"]
	if !ok {
		return nil
	}
	ours, err := items(inner)
	if err != nil {
		return err
	}
	theirs, err := items(p.document["@context"])
	if err != nil {
		return err
	}
	if len(ours) > len(theirs) {
		return fmt.Errorf("%w: another context", ErrInvalid)
	}
	for i := range ours {
		if !bytes.Equal(ours[i], theirs[i]) {
			return fmt.Errorf("%w: another context", ErrInvalid)
		}
	}
	return nil
}

// items gives the canonical members of a list, or of what is none.
func items(raw json.RawMessage) (out [][]byte, err error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, item := range list {
		c, err := Canonical(item)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Verify checks the proof with the key that Method names; whether that key
// speaks for the document's actor is the caller's to know.
func (p *Proof) Verify(key ed25519.PublicKey) error {
	if len(key) != ed25519.PublicKeySize {
		return fmt.Errorf("%w: no Ed25519 key", ErrInvalid)
	}
	document, err := json.Marshal(p.document)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	for _, context := range p.contexts() {
		config := maps.Clone(p.config)
		if context != nil {
			config["@context"] = context
		}
		raw, err := json.Marshal(config)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		hash, err := hashes(raw, document)
		if err != nil {
			return err
		}
		if ed25519.Verify(key, hash, p.Value) {
			return nil
		}
	}
	return fmt.Errorf("%w: it does not fit", ErrInvalid)
}

// contexts gives what may have been signed as context of the proof: its own,
// or, when it has none, that of the document, as the drafts up to 2023 and
// Fedify do, or none, as the recommendation has it.
func (p *Proof) contexts() []json.RawMessage {
	if own, ok := p.config["@context"]; ok {
		return []json.RawMessage{own}
	}
	if outer, ok := p.document["@context"]; ok {
		return []json.RawMessage{outer, nil}
	}
	return []json.RawMessage{nil}
}

func text(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

func instant(raw json.RawMessage) (time.Time, error) {
	if len(raw) == 0 {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text(raw))
	if err != nil {
		return t, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return t, nil
}
