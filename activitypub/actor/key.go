package actor

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

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
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return "", "", fmt.Errorf("encode key: %w", err)
	}
	return public, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

type keyRow struct {
	ActorID    int64 `gorm:"primaryKey"`
	PrivatePEM string
}

func (keyRow) TableName() string { return "actor_keys" }

// maxPrivateKeys bounds the parsed keys kept in memory; parsing one costs
// about as much as signing with it.
const maxPrivateKeys = 256

type privateKeys struct {
	mu   sync.Mutex
	byID map[int64]*rsa.PrivateKey
}

func (p *privateKeys) get(id int64) *rsa.PrivateKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byID[id]
}

func (p *privateKeys) put(id int64, k *rsa.PrivateKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byID == nil || len(p.byID) >= maxPrivateKeys {
		p.byID = make(map[int64]*rsa.PrivateKey)
	}
	p.byID[id] = k
}

func (s *Service) privateKey(ctx context.Context, id int64) (*rsa.PrivateKey, error) {
	if k := s.private.get(id); k != nil {
		return k, nil
	}
	var row keyRow
	if err := s.db.Read(ctx).Where("actor_id = ?", id).Take(&row).Error; err != nil {
		return nil, fmt.Errorf("key of actor %d: %w", id, err)
	}
	block, _ := pem.Decode([]byte(row.PrivatePEM))
	if block == nil {
		return nil, fmt.Errorf("key of actor %d: no PEM", id)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("key of actor %d: unreadable", id)
	}
	k, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key of actor %d: not RSA", id)
	}
	s.private.put(id, k)
	return k, nil
}

// Signer signs requests in the name of one of our actors, each at the moment
// it is sent (SEC-09).
func (s *Service) Signer(a *Actor) transport.Signer {
	return func(req *http.Request, body []byte) error {
		if !a.Local() {
			return fmt.Errorf("%w: %s is not ours", ErrInvalid, a.IRI)
		}
		key, err := s.privateKey(req.Context(), a.ID)
		if err != nil {
			return err
		}
		return signature.Sign(req, a.PublicKeyID, key, body)
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

// KeyOf finds the actor that a keyId belongs to and its public key: from the
// database when it is known there, else by one fetch that everybody who waits
// for the same key shares (SEC-33). Failures are remembered.
func (s *Service) KeyOf(ctx context.Context, keyID string) (*Actor, crypto.PublicKey, error) {
	if s.IsLocal(iri.WithoutFragment(keyID)) { // SEC-13
		return nil, nil, fmt.Errorf("%w: key %s is on this server", ErrInvalid, keyID)
	}
	a, err := s.keyRow(ctx, keyID)
	if errors.Is(err, ErrNotFound) || err == nil && a.GoneAt != nil {
		a, err = s.fetchKeyOwner(ctx, keyID)
	}
	if err != nil {
		return nil, nil, err
	}
	key, err := signature.ParseKey(a.PublicKeyPEM)
	if err != nil {
		return nil, nil, err
	}
	return a, key, nil
}

// RefetchKey asks the key's server again after a signature did not fit: the
// key may have been rotated (SEC-08). It is limited per key and per host; the
// old key is replaced by what the server says now.
func (s *Service) RefetchKey(ctx context.Context, keyID string) (*Actor, crypto.PublicKey, error) {
	a, err := s.fetchKeyOwner(ctx, keyID)
	if err != nil {
		return nil, nil, err
	}
	key, err := signature.ParseKey(a.PublicKeyPEM)
	if err != nil {
		return nil, nil, err
	}
	return a, key, nil
}

// KnownKey tells whether a keyId needs no fetch.
func (s *Service) KnownKey(ctx context.Context, keyID string) (bool, error) {
	_, err := s.keyRow(ctx, keyID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// keyRow finds the actor of a keyId in the database: by the id of its key, or
// by its own id, which older servers send (PT federation 7).
func (s *Service) keyRow(ctx context.Context, keyID string) (*Actor, error) {
	return one(s.db.Read(ctx).Where("host <> '' AND (public_key_id = ? OR iri = ?)", keyID, keyID).Order("id"))
}

func (s *Service) fetchKeyOwner(ctx context.Context, keyID string) (*Actor, error) {
	host := iri.Host(iri.WithoutFragment(keyID))
	if strings.HasPrefix(keyID, "acct:") { // PT federation 10: key ids of 2018
		host = keyID[strings.LastIndexByte(keyID, '@')+1:]
	}
	if host == "" {
		return nil, fmt.Errorf("%w: key id %q", ErrInvalid, keyID)
	}
	if err := s.misses.check(keyID); err != nil {
		return nil, err
	}
	v, err, _ := s.flight.Do("key "+keyID, func() (any, error) {
		if !s.limits.allow(keyID, host) {
			return nil, fmt.Errorf("key %s: %w", keyID, ErrLimited)
		}
		// The fetch belongs to all who wait, so it outlives the first of them.
		a, err := s.resolveKey(context.WithoutCancel(ctx), keyID)
		s.misses.note(keyID, err)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", keyID, err)
	}
	return v.(*Actor), nil
}

// resolveKey fetches the document that a keyId names (SEC-10). It is the
// actor itself, or a key of its own (GoToSocial gives a stub of the actor
// there): then its owner counts only when that lists this key in turn.
func (s *Service) resolveKey(ctx context.Context, keyID string) (*Actor, error) {
	if strings.HasPrefix(keyID, "acct:") {
		return s.FetchHandle(ctx, keyID)
	}
	address := iri.WithoutFragment(keyID)
	doc, err := s.getDocument(ctx, address)
	if err != nil {
		return nil, err
	}
	if !iri.Equal(doc.ID(), address) || !doc.Has("inbox") {
		owner := doc.IRI("owner")
		if k, ok := doc.Object("publicKey"); ok {
			owner = k.IRI("owner")
		}
		if !iri.SameHost(owner, keyID) || iri.Equal(owner, address) {
			return nil, fmt.Errorf("%w: key of no actor", ErrInvalid)
		}
		if doc, err = s.FetchDocument(ctx, owner); err != nil {
			return nil, err
		}
	}
	a, err := s.save(ctx, doc)
	if err != nil {
		return nil, err
	}
	if a.PublicKeyID != keyID && a.IRI != keyID {
		return nil, fmt.Errorf("%w: %s does not list key %s", ErrInvalid, a.IRI, keyID)
	}
	return a, nil
}
