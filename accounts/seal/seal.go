// Package seal encrypts what the database must not hold readable: secrets of
// second factors, and mails whose links let somebody in. Who has a copy of the
// database alone can do nothing with them.
//
// The key comes from the server's own secret (secrets.peertube); when that
// changes, what was sealed before cannot be opened any more.
//
// Imported by: accounts/mail, accounts/user. Imports nothing of ours.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// ErrOpen says that a text was sealed with another secret, for another purpose
// or for another owner, or was changed.
var ErrOpen = errors.New("sealed text cannot be opened")

// Box seals and opens texts of one purpose. It is safe for concurrent use.
type Box struct{ aead cipher.AEAD }

// New returns the box of a purpose. Boxes of two purposes do not open each
// other's texts. It cannot fail but by a mistake in this function.
func New(secret, purpose string) *Box {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "kinemesh "+purpose, 32)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return &Box{aead}
}

// Seal encrypts plain for owner, such as the row that holds it.
func (b *Box) Seal(plain []byte, owner string) string {
	sealed := b.aead.Seal(nil, nil, plain, []byte(owner)) //nolint:gosec // G407: this AEAD makes a random nonce itself
	return base64.RawStdEncoding.EncodeToString(sealed)
}

// Open is what was sealed for owner, or [ErrOpen].
func (b *Box) Open(sealed, owner string) ([]byte, error) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, ErrOpen
	}
	plain, err := b.aead.Open(nil, nil, raw, []byte(owner))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// Token makes a random token of 256 bits in hex and the form in which it is
// stored (SEC-47).
func Token() (plain, hash string, err error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", "", fmt.Errorf("random: %w", err)
	}
	plain = fmt.Sprintf("%x", b)
	return plain, Hash(plain), nil
}

// Hash is the stored form of a token.
func Hash(plain string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(plain))) }
