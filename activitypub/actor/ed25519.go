package actor

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// ed25519Fragment names the second key of each of our actors.
const ed25519Fragment = "#ed25519-key"

// Ed25519KeyID is the verification method of one of our actors.
func (a *Actor) Ed25519KeyID() string { return a.IRI + ed25519Fragment }

// newEd25519 makes a key; it takes some microseconds.
func newEd25519() (multibase, private string, err error) {
	public, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", fmt.Errorf("generate key: %w", err)
	}
	if multibase, err = signature.EncodeMultikey(public); err != nil {
		return "", "", err
	}
	private, err = encodePrivate(k)
	return multibase, private, err
}

// RSA gives the RSA key of one of our actors and its id, for signing inside
// documents. Like every private key it goes into a signature and nowhere else
// (SEC-09).
func (s *Service) RSA(tx *db.Tx, a *Actor) (*rsa.PrivateKey, string, error) {
	k, err := s.keysIn(tx, a)
	return k.rsa, a.PublicKeyID, err
}

// Ed25519 gives the Ed25519 key of one of our actors and its verification
// method, for signing inside documents (SEC-09). An actor that has none yet,
// being made by an older release, gets one in tx.
func (s *Service) Ed25519(tx *db.Tx, a *Actor) (ed25519.PrivateKey, string, error) {
	k, err := s.keysIn(tx, a)
	if err == nil && k.ed25519 == nil {
		k, err = s.addEd25519(tx, a)
	}
	return k.ed25519, a.Ed25519KeyID(), err
}

// keysIn reads keys in a transaction that may have made their actor, so they
// are kept only when it commits: after a rollback the number of the actor
// serves another one.
func (s *Service) keysIn(tx *db.Tx, a *Actor) (keyPair, error) {
	if !a.Local() {
		return keyPair{}, fmt.Errorf("%w: %s is not ours", ErrInvalid, a.IRI)
	}
	if k, ok := s.private.get(a.ID); ok {
		return k, nil
	}
	k, err := readKeys(tx.DB, a.ID)
	if err == nil {
		tx.AfterCommit(func() { s.private.put(a.ID, k) })
	}
	return k, err
}

// addEd25519 gives an actor its second key, unless another process was first.
func (s *Service) addEd25519(tx *db.Tx, a *Actor) (keyPair, error) {
	multibase, private, err := newEd25519()
	if err != nil {
		return keyPair{}, err
	}
	res := tx.Model(&keyRow{}).Where("actor_id = ? AND ed25519_pem = ''", a.ID).Update("ed25519_pem", private)
	if res.Error != nil {
		return keyPair{}, fmt.Errorf("create key of %s: %w", a.Username, res.Error)
	}
	if res.RowsAffected > 0 {
		err = tx.Model(&Actor{}).Where("id = ?", a.ID).Update("ed25519_key", multibase).Error
		if err != nil {
			return keyPair{}, fmt.Errorf("create key of %s: %w", a.Username, err)
		}
	}
	k, err := readKeys(tx.DB, a.ID)
	if err != nil {
		return keyPair{}, err
	}
	a.Ed25519Key, err = signature.EncodeMultikey(k.ed25519.Public())
	tx.AfterCommit(func() { s.private.put(a.ID, k) })
	return k, err
}

// keyBatch is how many actors get a key in one transaction.
const keyBatch = 200

// GiveEd25519 makes the second key of all our actors that have none: those of
// an older release.
func (s *Service) GiveEd25519(ctx context.Context) error {
	for {
		var without []*Actor
		err := s.db.Read(ctx).Where("host = '' AND ed25519_key = ''").Order("id").Limit(keyBatch).Find(&without).Error
		if err != nil {
			return fmt.Errorf("actors without a second key: %w", err)
		}
		if len(without) == 0 {
			return nil
		}
		err = s.db.Tx(ctx, func(tx *db.Tx) error {
			for _, a := range without {
				if _, err := s.addEd25519(tx, a); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// assertionMethod lists the Ed25519 key of one of our actors (FEP-521a).
func assertionMethod(a *Actor) []map[string]string {
	return []map[string]string{{
		"id": a.Ed25519KeyID(), "type": "Multikey", "controller": a.IRI, "publicKeyMultibase": a.Ed25519Key,
	}}
}

// multikeyRow is a row of actor_multikeys.
type multikeyRow struct {
	IRI          string `gorm:"primaryKey"`
	ActorID      int64
	PublicKeyPEM string
}

func (multikeyRow) TableName() string { return "actor_multikeys" }

// maxMultikeys is how many keys of an actor are kept beside its publicKey.
const maxMultikeys = 8

// multikeys reads assertionMethod of an actor's own document (FEP-521a). A key
// counts when it is named below the actor's id and controlled by the actor
// (SEC-10); what cannot be used is left out, for nothing depends on it.
func (s *Service) multikeys(doc vocab.Object) []multikeyRow {
	var out []multikeyRow
	seen := map[string]bool{}
	for _, m := range doc.Objects("assertionMethod") {
		id := m.ID()
		if len(out) == maxMultikeys || !m.Is("Multikey") || seen[id] ||
			!strings.HasPrefix(id, doc.ID()+"#") || m.IRI("controller") != doc.ID() {
			continue
		}
		key, err := signature.ParseMultikey(m.String("publicKeyMultibase"))
		if err != nil || signature.CheckKey(key, s.minBits) != nil {
			continue
		}
		text, err := signature.EncodeKey(key)
		if err != nil {
			continue
		}
		seen[id] = true
		out = append(out, multikeyRow{IRI: id, PublicKeyPEM: text})
	}
	return out
}

// saveMultikeys makes the keys of an actor those that its document lists now:
// a key that is not there any more is dead (SEC-08).
func saveMultikeys(tx *db.Tx, actorID int64, keys []multikeyRow) error {
	if err := tx.Where("actor_id = ?", actorID).Delete(&multikeyRow{}).Error; err != nil {
		return fmt.Errorf("drop keys: %w", err)
	}
	for _, k := range keys {
		k.ActorID = actorID
		if err := tx.Create(&k).Error; err != nil {
			return fmt.Errorf("create key: %w", err)
		}
	}
	return nil
}

// multikey reads one key by its verification method.
func multikey(q *gorm.DB, method string) (*multikeyRow, error) {
	var row multikeyRow
	if err := q.Where("iri = ?", method).Take(&row).Error; err != nil {
		if errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("key: %w", err)
		}
		return nil, fmt.Errorf("%w: key: %w", ErrStore, err)
	}
	return &row, nil
}
