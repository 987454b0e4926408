package ldsig

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"testing"
	"time"
)

// testKey makes a key of the size of our own.
func testKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// unsigned gives a recorded activity without its signature.
func unsigned(t testing.TB, name string) []byte {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(recorded(t)[name], &m); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	delete(m, "signature")
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	smallActivity = "peertube-6.3/Follow-by-account-of-channel-to-actor-inbox"
	largeActivity = "peertube-6.3/Create-Video-by-account"
)

func BenchmarkSign(b *testing.B) {
	key := testKey(b)
	if _, err := x509.MarshalPKCS8PrivateKey(key); err != nil {
		b.Fatal(err)
	}
	for name, activity := range map[string]string{"Follow": smallActivity, "CreateVideo": largeActivity} {
		raw := unsigned(b, activity)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Sign(raw, "https://a.example/accounts/alice", key, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/hash", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d, err := read(raw)
				if err != nil {
					b.Fatal(err)
				}
				node, err := shared().expand(d)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := hashNode(node, escapeAll); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	key := testKey(b)
	for name, activity := range map[string]string{"Follow": smallActivity, "CreateVideo": largeActivity} {
		raw, err := Sign(unsigned(b, activity), "https://a.example/accounts/alice", key, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s, err := Parse(raw)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Verify(&key.PublicKey); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
