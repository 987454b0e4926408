package ldsig

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// kindRSA is the one kind of signature there is.
const kindRSA = "RsaSignature2017"

// Sign adds a signature to an activity: the bytes stay, the signature follows
// as the last member. creator is the actor's IRI, as PeerTube writes it.
// Terms that no context defines are not covered by it.
func Sign(raw []byte, creator string, key *rsa.PrivateKey, now time.Time) (json.RawMessage, error) {
	return signWith(raw, creator, key, now, escapeAll)
}

func signWith(raw []byte, creator string, key *rsa.PrivateKey, now time.Time, escapes func(*bytes.Buffer, string)) (json.RawMessage, error) {
	d, err := read(raw)
	if err != nil {
		return nil, err
	}
	if d.fields["signature"] != nil {
		return nil, fmt.Errorf("%w: it is signed already", ErrInvalid)
	}
	node, err := shared().expand(d)
	if err != nil {
		return nil, err
	}
	hash, err := hashNode(node, escapes)
	if err != nil {
		return nil, err
	}
	s := wireSignature{Type: kindRSA, Creator: creator, Created: now.UTC().Format(createdForm)}
	sum := sha256.Sum256([]byte(s.hash() + hash))
	value, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	s.Value = base64.StdEncoding.EncodeToString(value)
	member, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return Append(raw, "signature", member)
}

// createdForm is JavaScript's, as PeerTube sends it.
const createdForm = "2006-01-02T15:04:05.000Z"

// wireSignature is the member "signature".
type wireSignature struct {
	Context json.RawMessage `json:"@context,omitempty"`
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Creator string          `json:"creator"`
	Created string          `json:"created"`
	Value   string          `json:"signatureValue"`
}

// hash is that of the options: who signed and when. Their contexts
// (security/v1 at PeerTube, identity/v1 at Mastodon) agree on what the two
// names mean, so their RDF is always this.
func (s *wireSignature) hash() string {
	var b bytes.Buffer
	b.WriteString(`_:c14n0 <http://purl.org/dc/terms/created> "`)
	escapeAll(&b, s.Created)
	b.WriteString(`"^^<` + xsdNS + "dateTime> .\n")
	b.WriteString("_:c14n0 <http://purl.org/dc/terms/creator> <" + s.Creator + "> .\n")
	return hexSum(b.Bytes())
}

// hashNode is the hash of what an expanded document means.
func hashNode(node map[string]any, escapes func(*bytes.Buffer, string)) (string, error) {
	g, err := toRDF(node)
	if err != nil {
		return "", err
	}
	text, err := nquads(g, escapes)
	if err != nil {
		return "", err
	}
	return hexSum(text), nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Append adds a member at the end of a JSON object and leaves the rest of its
// bytes alone.
func Append(raw []byte, name string, value json.RawMessage) (json.RawMessage, error) {
	end := bytes.LastIndexByte(raw, '}')
	if end < 0 {
		return nil, fmt.Errorf("%w: no JSON object", ErrInvalid)
	}
	head := bytes.TrimRight(raw[:end], " \t\r\n")
	out := make([]byte, 0, len(raw)+len(name)+len(value)+4)
	out = append(out, head...)
	if !bytes.HasSuffix(head, []byte("{")) {
		out = append(out, ',')
	}
	out = append(out, '"')
	out = append(out, name...)
	out = append(out, '"', ':')
	out = append(out, value...)
	return append(out, '}'), nil
}
