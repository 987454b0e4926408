package signature

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"strings"
)

// Prefixes of keys in the table of multicodec, as variable-length integers.
var (
	ed25519Prefix = []byte{0xed, 0x01} // 0xed
	rsaPrefix     = []byte{0x85, 0x24} // 0x1205
)

// maxMultibase is the longest text taken: an RSA-8192 key has about 1,430
// characters. Decoding takes quadratic time.
const maxMultibase = 1500

// EncodeMultikey gives a public key as publicKeyMultibase of a Multikey
// (FEP-521a): Ed25519 begins with z6Mk, RSA with z4MX.
func EncodeMultikey(key crypto.PublicKey) (string, error) {
	switch k := key.(type) {
	case ed25519.PublicKey:
		return EncodeMultibase(append(bytes.Clone(ed25519Prefix), k...)), nil
	case *rsa.PublicKey:
		return EncodeMultibase(append(bytes.Clone(rsaPrefix), x509.MarshalPKCS1PublicKey(k)...)), nil
	}
	return "", refuse(ReasonKey, "no Multikey for %T", key)
}

// ParseMultikey reads publicKeyMultibase: Ed25519 or RSA. It does not judge
// the size of an RSA key, CheckKey does.
func ParseMultikey(text string) (crypto.PublicKey, error) {
	raw, err := DecodeMultibase(text)
	if err != nil {
		return nil, err
	}
	if k, ok := bytes.CutPrefix(raw, ed25519Prefix); ok && len(k) == ed25519.PublicKeySize {
		return ed25519.PublicKey(k), nil
	}
	if der, ok := bytes.CutPrefix(raw, rsaPrefix); ok {
		k, err := x509.ParsePKCS1PublicKey(der)
		if err != nil {
			return nil, refuse(ReasonKey, "%v", err)
		}
		return k, nil
	}
	return nil, refuse(ReasonKey, "multikey of an unknown kind")
}

// base58 is the alphabet of base58btc: no zero, no capital o and i, no small l.
const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// EncodeMultibase gives raw in base58btc with the z before it that multibase
// demands. Keys and proof values are written so.
func EncodeMultibase(raw []byte) string {
	zeros := 0
	for zeros < len(raw) && raw[zeros] == 0 {
		zeros++
	}
	var digits []byte // least significant first
	n, base, mod := new(big.Int).SetBytes(raw), big.NewInt(58), new(big.Int)
	for n.Sign() > 0 {
		n.DivMod(n, base, mod)
		digits = append(digits, base58[mod.Int64()])
	}
	var b strings.Builder
	b.WriteByte('z')
	b.WriteString(strings.Repeat(base58[:1], zeros))
	for i := range digits {
		b.WriteByte(digits[len(digits)-1-i])
	}
	return b.String()
}

// DecodeMultibase reads what EncodeMultibase writes.
func DecodeMultibase(text string) ([]byte, error) {
	digits, ok := strings.CutPrefix(text, "z")
	if !ok || len(text) > maxMultibase {
		return nil, refuse(ReasonKey, "no base58btc of at most %d characters", maxMultibase)
	}
	zeros := len(digits) - len(strings.TrimLeft(digits, base58[:1]))
	n, base := new(big.Int), big.NewInt(58)
	for i := range len(digits) {
		v := strings.IndexByte(base58, digits[i])
		if v < 0 {
			return nil, refuse(ReasonKey, "character %q is not in base58btc", digits[i])
		}
		n.Mul(n, base).Add(n, big.NewInt(int64(v)))
	}
	return append(make([]byte, zeros), n.Bytes()...), nil
}
