package signature

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"strings"
	"testing"
)

func TestMultibase(t *testing.T) {
	for _, c := range []struct{ hex, text string }{
		{"", "z"},
		{"00", "z1"},
		{"0000", "z11"},
		{"61", "z2g"},
		{"626262", "za3gV"},
		{"73696d706c792061206c6f6e6720737472696e67", "z2cFupjhnEsSn59qHXstmK2ffpLv2"},
		{"00eb15231dfceb60925886b67d065299925915aeb172c06647", "z1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"},
	} {
		raw, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		if got := EncodeMultibase(raw); got != c.text {
			t.Errorf("EncodeMultibase(%s) = %q, want %q", c.hex, got, c.text)
		}
		if got, err := DecodeMultibase(c.text); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("DecodeMultibase(%q) = %x, %v, want %s", c.text, got, err, c.hex)
		}
	}
	for _, bad := range []string{"", "2g", "m2g", "z0", "zO", "zI", "zl", "z2g ", "zä", "z" + strings.Repeat("2", maxMultibase)} {
		if raw, err := DecodeMultibase(bad); ReasonOf(err) != ReasonKey {
			t.Errorf("DecodeMultibase(%.20q) = %x, %v, want a refusal", bad, raw, err)
		}
	}
}

func TestMultikey(t *testing.T) {
	// The key of the examples of FEP-521a and FEP-8b32.
	const known = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
	k, err := ParseMultikey(known)
	if err != nil {
		t.Fatal(err)
	}
	if ed, ok := k.(ed25519.PublicKey); !ok || len(ed) != ed25519.PublicKeySize {
		t.Errorf("%T of %s, want Ed25519", k, known)
	}
	if back, err := EncodeMultikey(k); err != nil || back != known {
		t.Errorf("EncodeMultikey = %q, %v, want %q", back, err, known)
	}

	text, err := EncodeMultikey(&testKey().PublicKey)
	if err != nil || !strings.HasPrefix(text, "z4MX") {
		t.Fatalf("RSA key is %.10q, %v, want z4MX...", text, err)
	}
	if k, err = ParseMultikey(text); err != nil || !testKey().PublicKey.Equal(k) {
		t.Errorf("RSA key comes back as %T, %v", k, err)
	}

	raw, err := DecodeMultibase(known)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"nothing":         {},
		"a byte too few":  raw[:len(raw)-1],
		"a byte too many": append(bytes.Clone(raw), 0),
		"X25519":          append([]byte{0xec, 0x01}, raw[2:]...),
		"RSA without DER": append(bytes.Clone(rsaPrefix), 1, 2, 3),
	} {
		if k, err := ParseMultikey(EncodeMultibase(bad)); ReasonOf(err) != ReasonKey {
			t.Errorf("%s: %v, %v, want a refusal", name, k, err)
		}
	}
	if _, err := EncodeMultikey("no key"); ReasonOf(err) != ReasonKey {
		t.Errorf("EncodeMultikey of a string: %v", err)
	}
}
