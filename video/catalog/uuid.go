package catalog

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// flickr58 is the alphabet of short UUIDs; the shortest form is padded with its
// first sign to 22 characters.
const (
	flickr58    = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
	shortLength = 22
)

// Ref names a video as clients do: by row id or by UUID, never both.
type Ref struct {
	ID   int64
	UUID string // canonical, lower case
}

// ParseRef reads the three forms in which clients name a video: integer, UUID
// and short UUID. Only what was parsed reaches SQL (SEC-51).
func ParseRef(s string) (Ref, bool) {
	switch {
	case len(s) == 36:
		u, err := uuid.Parse(s)
		if err != nil {
			return Ref{}, false
		}
		return Ref{UUID: u.String()}, true
	case len(s) == shortLength:
		if u, ok := ParseShort(s); ok {
			return Ref{UUID: u}, true
		}
	case len(s) > 0 && len(s) <= 18:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n <= 0 {
			return Ref{}, false
		}
		return Ref{ID: n}, true
	}
	return Ref{}, false
}

// ShortUUID is the 22-character form of a canonical UUID; empty when u is none.
func ShortUUID(u string) string {
	id, err := uuid.Parse(u)
	if err != nil {
		return ""
	}
	// Long division of the 128 bits by 58, in place: allocation-free, because a
	// list answers with one for every row.
	hi, lo := be64(id[:8]), be64(id[8:])
	var out [shortLength]byte
	for i := shortLength - 1; i >= 0; i-- {
		var rem uint64
		hi, rem = hi/58, hi%58
		// (rem<<64 | lo) / 58 in two halves of 32 bits.
		high := rem<<32 | lo>>32
		q1, r1 := high/58, high%58
		low := r1<<32 | lo&0xffffffff
		q0, r0 := low/58, low%58
		lo = q1<<32 | q0
		out[i] = flickr58[r0]
	}
	return string(out[:])
}

func be64(b []byte) uint64 {
	var n uint64
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}

// ParseShort reads a short UUID and returns the canonical one.
func ParseShort(s string) (string, bool) {
	if len(s) != shortLength {
		return "", false
	}
	n := new(big.Int)
	base := big.NewInt(int64(len(flickr58)))
	for i := range len(s) {
		d := strings.IndexByte(flickr58, s[i])
		if d < 0 {
			return "", false
		}
		n.Add(n.Mul(n, base), big.NewInt(int64(d)))
	}
	if n.BitLen() > 128 {
		return "", false
	}
	var u uuid.UUID
	n.FillBytes(u[:])
	return u.String(), true
}
