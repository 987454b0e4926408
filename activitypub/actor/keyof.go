package actor

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
)

// acctPrefix begins key ids of 2018 (PT federation 10).
const acctPrefix = "acct:"

// KeyHost gives the host that answers for a key id, "" when it is none.
func (s *Service) KeyHost(keyID string) string {
	if !strings.HasPrefix(keyID, acctPrefix) {
		return iri.Host(iri.WithoutFragment(keyID))
	}
	h, err := webfinger.ParseHandle(s.scheme, keyID)
	if err != nil {
		return ""
	}
	return h.Host
}

// KeyOf finds the actor that a keyId belongs to and its public key: from the
// database when it is known there, else by one fetch that everybody who waits
// for the same key shares (SEC-33). Failures are remembered. A keyId is the id
// of publicKey, the verification method of a Multikey (FEP-521a), the actor's
// own id, or its acct: handle.
func (s *Service) KeyOf(ctx context.Context, keyID string) (*Actor, crypto.PublicKey, error) {
	if err := s.foreignKey(keyID); err != nil {
		return nil, nil, err
	}
	a, key, err := s.knownKey(ctx, keyID)
	if errors.Is(err, ErrNotFound) || err == nil && a.GoneAt != nil {
		fetched, key, err := s.RefetchKey(ctx, keyID)
		if errors.Is(err, ErrLimited) {
			// Many requests of a new sender come at once: another one may have
			// stored the key since this one looked.
			if a, key, known := s.knownKey(ctx, keyID); known == nil && a.GoneAt == nil {
				return a, key, nil
			}
		}
		return fetched, key, err
	}
	return a, key, err
}

// foreignKey refuses key ids of this server (SEC-13).
func (s *Service) foreignKey(keyID string) error {
	host := s.KeyHost(keyID)
	if host == "" {
		return fmt.Errorf("%w: key id %q", ErrInvalid, keyID)
	}
	if s.ServesHost(host) {
		return fmt.Errorf("%w: key %s is on this server", ErrInvalid, keyID)
	}
	return nil
}

// RefetchKey asks the key's server again after a signature did not fit: the
// key may have been rotated (SEC-08). It is limited per key and per host; the
// old keys are replaced by what the server says now.
func (s *Service) RefetchKey(ctx context.Context, keyID string) (*Actor, crypto.PublicKey, error) {
	a, err := s.fetchKeyOwner(ctx, keyID)
	if err != nil {
		return nil, nil, err
	}
	key, err := s.keyIn(ctx, a, keyID)
	return a, key, err
}

// KnownKey tells whether a keyId needs no fetch.
func (s *Service) KnownKey(ctx context.Context, keyID string) (bool, error) {
	_, err := s.keyRow(ctx, keyID)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// ProofKey finds who may prove with a verification method: an actor that lists
// it as an Ed25519 Multikey in assertionMethod (FEP-8b32). Methods of ours are
// known too. The caller compares the owner with the actor of the document.
func (s *Service) ProofKey(ctx context.Context, method string) (*Actor, ed25519.PublicKey, error) {
	if id := iri.WithoutFragment(method); s.IsLocal(id) {
		return s.localProofKey(ctx, id, method)
	}
	_, err := multikey(s.db.Read(ctx), method)
	known := err == nil
	if !known && !errors.Is(err, ErrNotFound) {
		return nil, nil, err
	}
	var a *Actor
	var key crypto.PublicKey
	if known {
		a, key, err = s.KeyOf(ctx, method)
	} else if err = s.foreignKey(method); err == nil {
		// publicKey may have this very id, which proves no assertion.
		a, key, err = s.RefetchKey(ctx, method)
	}
	if err != nil {
		return nil, nil, err
	}
	if _, err := multikey(s.db.Read(ctx), method); err != nil {
		return nil, nil, fmt.Errorf("%w: %s does not assert with %s: %w", ErrInvalid, a.IRI, method, err)
	}
	k, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("%w: %s is no Ed25519 key", ErrInvalid, method)
	}
	return a, k, nil
}

func (s *Service) localProofKey(ctx context.Context, id, method string) (*Actor, ed25519.PublicKey, error) {
	a, err := s.ByIRI(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if a.GoneAt != nil || a.Ed25519Key == "" || method != a.Ed25519KeyID() {
		return nil, nil, fmt.Errorf("%w: %s has no key %s", ErrInvalid, a.IRI, method)
	}
	key, err := signature.ParseMultikey(a.Ed25519Key)
	if err != nil {
		return nil, nil, err
	}
	k, ok := key.(ed25519.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("%w: %s is no Ed25519 key", ErrInvalid, method)
	}
	return a, k, nil
}

func (s *Service) knownKey(ctx context.Context, keyID string) (*Actor, crypto.PublicKey, error) {
	a, err := s.keyRow(ctx, keyID)
	if err != nil {
		return nil, nil, err
	}
	key, err := s.keyIn(ctx, a, keyID)
	return a, key, err
}

// keyRow finds the actor of a keyId in the database.
func (s *Service) keyRow(ctx context.Context, keyID string) (*Actor, error) {
	if strings.HasPrefix(keyID, acctPrefix) {
		h, err := webfinger.ParseHandle(s.scheme, keyID)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		return one(s.db.Read(ctx).Where("lower(username) = ? AND host = ? AND host <> ''", strings.ToLower(h.Name), h.Host).Order("id"))
	}
	a, err := one(s.db.Read(ctx).Where("host <> '' AND (public_key_id = ? OR iri = ?)", keyID, keyID).Order("id"))
	if !errors.Is(err, ErrNotFound) {
		return a, err
	}
	row, err := multikey(s.db.Read(ctx), keyID)
	if err != nil {
		return nil, err
	}
	return one(s.db.Read(ctx).Where("id = ? AND host <> ''", row.ActorID))
}

// keyIn reads the key of a that keyID names.
func (s *Service) keyIn(ctx context.Context, a *Actor, keyID string) (crypto.PublicKey, error) {
	if keyID == a.PublicKeyID || keyID == a.IRI || strings.HasPrefix(keyID, acctPrefix) {
		return signature.ParseKey(a.PublicKeyPEM)
	}
	row, err := multikey(s.db.Read(ctx), keyID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	if err != nil || row.ActorID != a.ID {
		return nil, fmt.Errorf("%w: %s does not list key %s", ErrInvalid, a.IRI, keyID)
	}
	return signature.ParseKey(row.PublicKeyPEM)
}

func (s *Service) fetchKeyOwner(ctx context.Context, keyID string) (*Actor, error) {
	host := s.KeyHost(keyID)
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
	if strings.HasPrefix(keyID, acctPrefix) {
		a, err := s.FetchHandle(ctx, keyID)
		if err != nil {
			return nil, err
		}
		if a.Host != s.KeyHost(keyID) { // whose later look-up goes by this host
			return nil, fmt.Errorf("%w: %s is not on the host of %s", ErrInvalid, a.IRI, keyID)
		}
		return s.fetchActor(ctx, a.IRI)
	}
	address := iri.WithoutFragment(keyID)
	doc, err := s.getDocument(ctx, address)
	if err != nil {
		return nil, err
	}
	if !iri.Equal(doc.ID(), address) || !doc.Has("inbox") {
		owner := doc.IRI("owner")
		if owner == "" {
			owner = doc.IRI("controller") // of a Multikey
		}
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
	_, err = s.keyIn(ctx, a, keyID)
	return a, err
}
