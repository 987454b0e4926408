package user

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestHash(t *testing.T) {
	h := newHasher()
	ctx := t.Context()
	long := strings.Repeat("a", 72)
	for _, password := range []string{"12345678", long, long + "b", "pässwörd 🔑", strings.Repeat("x", MaxPassword), "with\x00zero"} {
		stored, err := h.hash(ctx, password)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("stored as %q", stored)
		}
		for try, want := range map[string]bool{password: true, password + " ": false, password[:len(password)-1]: false, "": false} {
			if got, err := h.verify(ctx, stored, try); err != nil || got != want {
				t.Errorf("verify(%q) against %q = %v, %v, want %v", try, password, got, err, want)
			}
		}
	}
	a, err := h.hash(ctx, "12345678")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := h.hash(ctx, "12345678"); err != nil || a == b {
		t.Errorf("two users with one password have one hash: %v", err)
	}
	if got, err := h.verify(ctx, nobody(), ""); got || err != nil {
		t.Errorf("nobody: %v, %v", got, err)
	}
}

func TestVerifyRefuses(t *testing.T) {
	h := newHasher()
	salt, key := "AAAAAAAAAAAAAAAAAAAAAA", strings.Repeat("A", 43)
	for _, stored := range []string{
		"", "plain", "$2b$12$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=18$m=19456,t=2,p=1$" + salt + "$" + key, "$argon2id$v=19$m=99999999,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + key, "$argon2id$v=19$m=19456,t=99999,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=2,p=9$" + salt + "$" + key, "$argon2id$v=19$m=19456,t=2,p=1$!$" + key,
		"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$", "$argon2id$v=19$m=19456,t=2,p=1$" + salt,
	} {
		if ok, err := h.verify(t.Context(), stored, ""); ok || !errors.Is(err, errHash) {
			t.Errorf("verify with %q = %v, %v", stored, ok, err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	full := &hasher{make(chan struct{})} // no slot is ever free
	if _, err := full.hash(ctx, "12345678"); !errors.Is(err, context.Canceled) {
		t.Errorf("a request that was given up waits on: %v", err)
	}
}

func TestMadePassword(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		p, err := madePassword()
		if err != nil || len(p) != 20 || seen[p] || strings.ContainsAny(p, "0O1lI") {
			t.Fatalf("%q, %v", p, err)
		}
		seen[p] = true
	}
}

func BenchmarkHash(b *testing.B) {
	h := newHasher()
	for b.Loop() {
		if _, err := h.hash(b.Context(), "12345678"); err != nil {
			b.Fatal(err)
		}
	}
}
