package signature

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// Size limits of keys. MaxRSABits keeps a verification under a few
// milliseconds; MinRSABits is the default of federation.min_rsa_bits.
const (
	MinRSABits  = 2048
	MaxRSABits  = 8192
	maxPEMBytes = 16 << 10
)

// ParseKey reads a public key in PEM: SubjectPublicKeyInfo, or PKCS#1 as some
// older servers send it. It does not judge the size, CheckKey does.
func ParseKey(text string) (crypto.PublicKey, error) {
	if len(text) > maxPEMBytes {
		return nil, refuse(ReasonKey, "PEM of %d bytes", len(text))
	}
	block, rest := pem.Decode([]byte(strings.TrimSpace(text)))
	if block == nil || strings.TrimSpace(string(rest)) != "" {
		return nil, refuse(ReasonKey, "not one PEM block")
	}
	var key any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, refuse(ReasonKey, "PEM type %q", block.Type)
	}
	if err != nil {
		return nil, refuse(ReasonKey, "%v", err)
	}
	return key, nil
}

// EncodeKey gives the PEM that ParseKey reads.
func EncodeKey(key crypto.PublicKey) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", refuse(ReasonKey, "%v", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// CheckKey tells whether key may verify anything: RSA of minBits to
// MaxRSABits with a sane exponent, or Ed25519 (SEC-05).
func CheckKey(key crypto.PublicKey, minBits int) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		bits := k.N.BitLen()
		if bits < minBits || bits > MaxRSABits {
			return refuse(ReasonKey, "RSA key of %d bits", bits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return refuse(ReasonKey, "RSA exponent %d", k.E)
		}
		return nil
	case ed25519.PublicKey:
		if len(k) != ed25519.PublicKeySize {
			return refuse(ReasonKey, "Ed25519 key of %d bytes", len(k))
		}
		return nil
	}
	return refuse(ReasonKey, "key type %T", key)
}
