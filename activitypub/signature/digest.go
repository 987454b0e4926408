package signature

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
)

const maxDigests = 8

// Digest gives the Digest header of body.
func Digest(body []byte) string {
	sum := sha256.Sum256(body)
	return "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
}

// CheckDigest hashes body and compares it with the Digest header (RFC 3230):
// at least one SHA-256 or SHA-512 value must be there and every such value
// must be right; values of other algorithms prove nothing and are not looked
// at (SEC-02).
func CheckDigest(h http.Header, body []byte) error {
	values := strings.Split(strings.Join(h.Values("Digest"), ","), ",")
	if len(values) > maxDigests {
		return refuse(ReasonDigest, "%d digests", len(values))
	}
	good := 0
	for _, v := range values {
		name, encoded, ok := strings.Cut(strings.TrimSpace(v), "=")
		if !ok {
			return refuse(ReasonDigest, "no usable Digest header")
		}
		want := hashBody(name, body)
		if want == nil {
			continue
		}
		got, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
			return refuse(ReasonDigest, "%s does not match the body", strings.ToUpper(name))
		}
		good++
	}
	if good == 0 {
		return refuse(ReasonDigest, "neither SHA-256 nor SHA-512")
	}
	return nil
}

// hashBody gives nil for an algorithm that is not trusted.
func hashBody(name string, body []byte) []byte {
	switch strings.ToUpper(name) { // federation-behaviours 8: any case
	case "SHA-256":
		sum := sha256.Sum256(body)
		return sum[:]
	case "SHA-512":
		sum := sha512.Sum512(body)
		return sum[:]
	}
	return nil
}

// ContentDigest gives the Content-Digest header of body (RFC 9530 2).
func ContentDigest(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// CheckContentDigest is CheckDigest for the Content-Digest header (RFC 9530 2).
func CheckContentDigest(h http.Header, body []byte) error {
	values := strings.Split(strings.Join(h.Values("Content-Digest"), ","), ",")
	if len(values) > maxDigests {
		return refuse(ReasonDigest, "%d digests", len(values))
	}
	seen := map[string]bool{}
	good := 0
	for _, v := range values {
		s := &scanner{rest: strings.Trim(v, " \t")}
		name, got, err := s.digest()
		if err != nil || seen[name] {
			return refuse(ReasonDigest, "no usable Content-Digest header")
		}
		seen[name] = true
		want := hashBody(name, body)
		if want == nil {
			continue
		}
		if subtle.ConstantTimeCompare(got, want) != 1 {
			return refuse(ReasonDigest, "%s does not match the body", name)
		}
		good++
	}
	if good == 0 {
		return refuse(ReasonDigest, "neither sha-256 nor sha-512")
	}
	return nil
}

// digest reads one member: a name and its bytes.
func (s *scanner) digest() (name string, sum []byte, err error) {
	if name, err = s.key(); err != nil {
		return "", nil, err
	}
	if err = s.expect('='); err != nil {
		return "", nil, err
	}
	if sum, err = s.bytes(); err != nil {
		return "", nil, err
	}
	return name, sum, s.end()
}
