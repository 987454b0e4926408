package user

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"runtime"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of a password, after OWASP's recommendation: 19 MiB and two passes,
// about 30 ms on one core. Hashes carry their own cost, so that it can grow.
const (
	argonMemory = 19 << 10 // KiB
	argonTime   = 2
	argonKey    = 32
	argonSalt   = 16

	// limits of a stored hash, so that a wrong row cannot exhaust memory
	maxArgonMemory = 256 << 10
	maxArgonTime   = 16
)

// MaxPassword is the longest password in bytes. Longer ones are refused, never
// cut.
const MaxPassword = 256

var errHash = errors.New("password hash is not readable")

// hasher computes hashes, few at a time: each needs its memory for itself.
type hasher struct{ slots chan struct{} }

func newHasher() *hasher { return &hasher{make(chan struct{}, max(1, runtime.NumCPU()))} }

// hash makes the stored form of a password, "$argon2id$v=19$m=…,t=…,p=1$salt$hash".
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", fmt.Errorf("random: %w", err)
	}
	key, err := h.key(ctx, password, salt, argonTime, argonMemory, argonKey)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, argonMemory, argonTime,
		enc.EncodeToString(salt), enc.EncodeToString(key)), nil
}

// verify tells whether password belongs to a stored hash.
func (h *hasher) verify(ctx context.Context, stored, password string) (bool, error) {
	var version, memory, passes, lanes uint32
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errHash
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || lanes != 1 ||
		memory == 0 || memory > maxArgonMemory || passes == 0 || passes > maxArgonTime {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || len(salt) < 8 || len(salt) > 64 {
		return false, errHash
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 || len(want) > 64 {
		return false, errHash
	}
	got, err := h.key(ctx, password, salt, passes, memory, uint32(len(want))) //nolint:gosec // at most 64
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

func (h *hasher) key(ctx context.Context, password string, salt []byte, passes, memory, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, passes, memory, 1, size), nil
}

// nobody is a hash at the present cost that no password belongs to: its key is
// all zero. It makes unknown names take as long as known ones.
func nobody() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, argonMemory, argonTime,
		enc.EncodeToString(make([]byte, argonSalt)), enc.EncodeToString(make([]byte, argonKey)))
}

// passwordAlphabet leaves out characters that are mistaken for each other.
const passwordAlphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// madePassword is a random password of 20 characters, 116 bits.
func madePassword() (string, error) {
	out := make([]byte, 20)
	for i := range out {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(passwordAlphabet))))
		if err != nil {
			return "", fmt.Errorf("random: %w", err)
		}
		out[i] = passwordAlphabet[n.Int64()]
	}
	return string(out), nil
}
