package actor

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// keyBits is the size of our own keys (PT federation 1).
const keyBits = 2048

// Key is a private key on its way into the database. It has no exported
// content, so that no log or answer can hold it.
type Key struct{ private *rsa.PrivateKey }

// GenerateKey makes a key. It takes some tenths of a second: call it before a
// transaction, not inside.
func GenerateKey() (*Key, error) {
	k, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	return &Key{private: k}, nil
}

// NewKey takes a key that exists already, of at least the size of our own.
func NewKey(k *rsa.PrivateKey) (*Key, error) {
	if err := signature.CheckKey(&k.PublicKey, keyBits); err != nil {
		return nil, err
	}
	return &Key{private: k}, nil
}

func (k *Key) pems() (public, private string, err error) {
	if public, err = signature.EncodeKey(&k.private.PublicKey); err != nil {
		return "", "", err
	}
	private, err = encodePrivate(k.private)
	return public, private, err
}

type keyRow struct {
	ActorID    int64 `gorm:"primaryKey"`
	PrivatePEM string
	Ed25519PEM string `gorm:"column:ed25519_pem"`
}

func (keyRow) TableName() string { return "actor_keys" }

// maxPrivateKeys bounds the parsed keys kept in memory; parsing one costs
// about as much as signing with it.
const maxPrivateKeys = 256

// keyPair is what one of our actors signs with.
type keyPair struct {
	rsa     *rsa.PrivateKey
	ed25519 ed25519.PrivateKey // nil until one is made
}

type privateKeys struct {
	mu   sync.Mutex
	byID map[int64]keyPair
}

func (p *privateKeys) get(id int64) (keyPair, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k, ok := p.byID[id]
	return k, ok
}

func (p *privateKeys) put(id int64, k keyPair) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID == nil || len(p.byID) >= maxPrivateKeys {
		p.byID = make(map[int64]keyPair)
	}
	p.byID[id] = k
}

// privateKey reads the keys of an actor that is committed.
func (s *Service) privateKey(ctx context.Context, id int64) (keyPair, error) {
	if k, ok := s.private.get(id); ok {
		return k, nil
	}
	k, err := readKeys(s.db.Read(ctx), id)
	if err == nil {
		s.private.put(id, k)
	}
	return k, err
}

func readKeys(q *gorm.DB, id int64) (keyPair, error) {
	var row keyRow
	if err := q.Where("actor_id = ?", id).Take(&row).Error; err != nil {
		return keyPair{}, fmt.Errorf("key of actor %d: %w", id, err)
	}
	var k keyPair
	parsed, err := decodePrivate(row.PrivatePEM)
	if err != nil {
		return k, fmt.Errorf("key of actor %d: %w", id, err)
	}
	var ok bool
	if k.rsa, ok = parsed.(*rsa.PrivateKey); !ok {
		return k, fmt.Errorf("key of actor %d: not RSA", id)
	}
	if row.Ed25519PEM == "" {
		return k, nil
	}
	if parsed, err = decodePrivate(row.Ed25519PEM); err != nil {
		return k, fmt.Errorf("key of actor %d: %w", id, err)
	}
	if k.ed25519, ok = parsed.(ed25519.PrivateKey); !ok {
		return k, fmt.Errorf("key of actor %d: not Ed25519", id)
	}
	return k, nil
}

// decodePrivate never says what the text holds (SEC-09).
func decodePrivate(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("no PEM")
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("unreadable")
	}
	return k, nil
}

func encodePrivate(k crypto.PrivateKey) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// Signer signs requests in the name of one of our actors, each at the moment
// it is sent (SEC-09).
func (s *Service) Signer(a *Actor) transport.Signer {
	return func(req *http.Request, body []byte, k signature.Knock) error {
		if !a.Local() {
			return fmt.Errorf("%w: %s is not ours", ErrInvalid, a.IRI)
		}
		keys, err := s.privateKey(req.Context(), a.ID)
		if err != nil {
			return err
		}
		if k.Ed25519() && keys.ed25519 != nil {
			return signature.SignAs(req, a.Ed25519KeyID(), keys.ed25519, body, k)
		}
		return signature.SignAs(req, a.PublicKeyID, keys.rsa, body, k)
	}
}

// fetchSigner signs fetches as the instance actor, or not at all.
func (s *Service) fetchSigner(ctx context.Context) (transport.Signer, error) {
	if s.unsigned {
		return nil, nil
	}
	a, err := s.Instance(ctx)
	if err != nil {
		return nil, err
	}
	return s.Signer(a), nil
}

// FetchDocument gets a document from its origin, signed by the instance
// actor, and demands that it names itself by the identifier asked for
// (SEC-10). Documents of ours are never fetched.
func (s *Service) FetchDocument(ctx context.Context, id string) (vocab.Object, error) {
	doc, err := s.getDocument(ctx, id)
	if err != nil {
		return vocab.Object{}, err
	}
	if !iri.Equal(doc.ID(), id) {
		return vocab.Object{}, fmt.Errorf("%w: %s calls itself %q", vocab.ErrInvalid, id, doc.ID())
	}
	return doc, nil
}

// FetchPart gets a document that has no identity of its own to prove, such as
// a page of a collection.
func (s *Service) FetchPart(ctx context.Context, address string) (vocab.Object, error) {
	return s.getDocument(ctx, address)
}

func (s *Service) getDocument(ctx context.Context, id string) (vocab.Object, error) {
	if s.IsLocal(id) { // SEC-13
		return vocab.Object{}, fmt.Errorf("%w: %s is on this server", vocab.ErrInvalid, id)
	}
	sign, err := s.fetchSigner(ctx)
	if err != nil {
		return vocab.Object{}, err
	}
	raw, err := s.transport.Get(ctx, sign, id)
	if err != nil {
		return vocab.Object{}, err
	}
	return vocab.Parse(raw)
}
