package seal

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestBox(t *testing.T) {
	b := New("secret", "mail")
	plain := []byte("a link that lets in")
	sealed := b.Seal(plain, "1")
	if got, err := b.Open(sealed, "1"); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("Open = %q, %v", got, err)
	}
	if strings.Contains(sealed, "link") || sealed == b.Seal(plain, "1") {
		t.Errorf("sealed %q is readable or the same twice", sealed)
	}
	changed := "A" + sealed[1:]
	if changed == sealed {
		changed = "B" + sealed[1:]
	}
	for name, c := range map[string]struct {
		box           *Box
		sealed, owner string
	}{
		"another owner":   {b, sealed, "2"},
		"another secret":  {New("other", "mail"), sealed, "1"},
		"another purpose": {New("secret", "otp"), sealed, "1"},
		"changed":         {b, changed, "1"},
		"cut":             {b, sealed[:10], "1"},
		"empty":           {b, "", "1"},
		"no base64":       {b, "!", "1"},
	} {
		if got, err := c.box.Open(c.sealed, c.owner); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestToken(t *testing.T) {
	plain, hash, err := Token()
	if err != nil || len(plain) != 64 || hash != Hash(plain) || strings.Contains(hash, plain) {
		t.Errorf("Token = %q, %q, %v", plain, hash, err)
	}
	if again, _, err := Token(); err != nil || again == plain {
		t.Errorf("the same token twice: %v", err)
	}
}
