package ldsig

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"testing"
)

// recorded are the signed activities that real servers sent.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	raw, err := os.ReadFile("../testdata/signed-requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name, Body string }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, x := range list {
		if Has([]byte(x.Body)) {
			out[x.Name] = []byte(x.Body)
		}
	}
	return out
}

// keys are the public keys of the recorded servers.
func keys(t testing.TB) map[string]crypto.PublicKey {
	t.Helper()
	raw, err := os.ReadFile("../testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	var pems map[string]string
	if err := json.Unmarshal(raw, &pems); err != nil {
		t.Fatal(err)
	}
	out := map[string]crypto.PublicKey{}
	for name, text := range pems {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			continue
		}
		if k, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			if k, ok := k.(*rsa.PublicKey); ok {
				out[name] = k
			}
		}
	}
	return out
}

// TestRecorded: every signature that PeerTube made and whose key is known
// verifies.
func TestRecorded(t *testing.T) {
	all, n := keys(t), 0
	for name, body := range recorded(t) {
		s, err := Parse(body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		key := all[s.Creator]
		if key == nil {
			t.Logf("%s: no key of %s", name, s.Creator)
			continue
		}
		n++
		if _, err := s.Verify(key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n < 37 {
		t.Errorf("only %d signatures checked", n)
	}
}
