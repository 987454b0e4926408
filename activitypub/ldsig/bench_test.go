package ldsig

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
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

// activities are what is measured: the smallest one, and a Create of a Video
// with so many files that it has 12 kB.
func activities(t testing.TB) map[string][]byte {
	t.Helper()
	const small, large = "peertube-6.3/Follow-by-account-of-channel-to-actor-inbox", "peertube-6.3/Create-Video-by-account"
	var doc map[string]any
	if err := json.Unmarshal(unsigned(t, large), &doc); err != nil {
		t.Fatal(err)
	}
	video := doc["object"].(map[string]any)
	links := video["url"].([]any)
	for i := 0; ; i++ {
		raw, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) >= 12_000 {
			return map[string][]byte{"Follow": unsigned(t, small), "CreateVideo": raw}
		}
		more := maps.Clone(links[i%len(links)].(map[string]any))
		more["href"] = fmt.Sprint(more["href"], "?", i)
		video["url"] = append(video["url"].([]any), more)
	}
}

func BenchmarkSign(b *testing.B) {
	key := testKey(b)
	for name, raw := range activities(b) {
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
	for name, activity := range activities(b) {
		raw, err := Sign(activity, "https://a.example/accounts/alice", key, time.Now())
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
