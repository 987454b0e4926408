package aptest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"net/http"

	"github.com/kinemesh/kinemesh/activitypub/signature"
)

// Demand lets f decide how a delivery is answered; 0 leaves it to the remote.
// What is refused does not count as received.
func (r *Remote) Demand(f func(req *http.Request, body []byte) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.demand = f
}

// demands asks f of Demand.
func (r *Remote) demands(req *http.Request, body []byte) int {
	r.mu.Lock()
	f := r.demand
	r.mu.Unlock()
	if f == nil {
		return 0
	}
	return f(req, body)
}

// Multikey gives the actor an Ed25519 key under a name such as
// "#ed25519-key" and publishes it in assertionMethod (FEP-521a), in the place
// of an earlier one.
func (a *Actor) Multikey(fragment string) (id string, key ed25519.PrivateKey) {
	a.remote.t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		a.remote.t.Fatal(err)
	}
	text, err := signature.EncodeMultikey(public)
	if err != nil {
		a.remote.t.Fatal(err)
	}
	id = a.IRI + fragment
	a.Doc["assertionMethod"] = []any{map[string]any{"id": id, "type": "Multikey", "controller": a.IRI, "publicKeyMultibase": text}}
	a.Publish()
	return id, key
}

// RequestAs makes a request signed in the way of k by any of the actor's keys:
// a POST of doc, or a GET when doc is nil.
func (a *Actor) RequestAs(address string, doc any, keyID string, key any, k signature.Knock) *http.Request {
	a.remote.t.Helper()
	method, body := http.MethodGet, []byte(nil)
	if doc != nil {
		method = http.MethodPost
		var err error
		if body, err = json.Marshal(doc); err != nil {
			a.remote.t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(a.remote.t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		a.remote.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/activity+json")
	if doc != nil {
		req.Header.Set("Content-Type", "application/activity+json")
	}
	if err := signature.SignAs(req, keyID, key, body, k); err != nil {
		a.remote.t.Fatal(err)
	}
	return req
}
