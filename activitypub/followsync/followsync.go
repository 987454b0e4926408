// Package followsync reads and writes what FEP-8fcf sends along with an
// activity for followers: a digest of those followers that live on the
// receiving server. A server that counts them otherwise asks for the list, and
// both sides come to the same.
//
// Specifications: FEP-8fcf. Imports iri; imported by the engine.
package followsync

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// HeaderName is the header of a delivery.
const HeaderName = "Collection-Synchronization"

// ErrHeader says that a header is none that can be believed.
var ErrHeader = errors.New("invalid Collection-Synchronization header")

// maxHeader bounds what is read.
const maxHeader = 8 << 10

// Digest is the exclusive or of the SHA-256 sums of identifiers, in
// hexadecimal; the order does not matter. Of none it is all zeros.
func Digest(ids []string) string {
	var sum [sha256.Size]byte
	for _, id := range ids {
		one := sha256.Sum256([]byte(id))
		for i := range sum {
			sum[i] ^= one[i]
		}
	}
	return hex.EncodeToString(sum[:])
}

// Header is what a delivery says about the sender's followers.
type Header struct {
	Collection string // the followers collection
	URL        string // where the part of it lies that the receiver may see
	Digest     string // of that part
}

// String writes the header.
func (h Header) String() string {
	return fmt.Sprintf(`collectionId="%s", url="%s", digest="%s"`, h.Collection, h.URL, h.Digest)
}

// Parse reads a header that came with an activity of the actor whose followers
// collection is given. Only that collection may be meant, and the part must lie
// on its host.
func Parse(s, followers string) (Header, error) {
	var h Header
	if len(s) > maxHeader {
		return h, fmt.Errorf("%w: %d characters", ErrHeader, len(s))
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(s, ",") {
		key, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		value, quoted := unquote(value)
		if !ok || !quoted || seen[key] {
			return h, fmt.Errorf("%w: %q", ErrHeader, part)
		}
		seen[key] = true
		switch key {
		case "collectionId":
			h.Collection = value
		case "url":
			h.URL = value
		case "digest":
			h.Digest = strings.ToLower(value)
		}
	}
	sum, err := hex.DecodeString(h.Digest)
	switch {
	case err != nil || len(sum) != sha256.Size:
		return h, fmt.Errorf("%w: digest %q", ErrHeader, h.Digest)
	case followers == "" || h.Collection != followers:
		return h, fmt.Errorf("%w: collection %q", ErrHeader, h.Collection)
	case !iri.SameHost(followers, h.URL):
		return h, fmt.Errorf("%w: part at %q", ErrHeader, h.URL)
	}
	return h, nil
}

func unquote(s string) (string, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' || strings.ContainsAny(s[1:len(s)-1], `"\`) {
		return "", false
	}
	return s[1 : len(s)-1], true
}
