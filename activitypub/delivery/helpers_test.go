package delivery_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

// idle is a server whose jobs do not run.
func idle(t *testing.T, d *db.DB) *aptest.Server {
	t.Helper()
	return aptest.Serve(t, d, aptest.Options{Idle: true})
}

// drain processes what is in the inbox.
func drain(t *testing.T, s *aptest.Server) {
	t.Helper()
	if err := s.Engine.Inbox.Process(t.Context(), inbox.ProcessArgs{}); err != nil {
		t.Fatal(err)
	}
}

// followBy makes remote actors follow one of ours.
func followBy(t *testing.T, s *aptest.Server, target *actor.Actor, followers ...*aptest.Actor) {
	t.Helper()
	for _, f := range followers {
		if got := f.Post(s.Origin+"/inbox", f.Activity("Follow", target.IRI, nil)); got != 204 {
			t.Fatalf("follow answered %d", got)
		}
	}
	drain(t, s)
}

func deliveries(t *testing.T, d *db.DB) (rows []delivery.Receipt) {
	t.Helper()
	if err := d.Read(t.Context()).Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

// verifySigned checks a delivery as another server would.
func verifySigned(t *testing.T, s *aptest.Server, host string, got aptest.Received, by *actor.Actor) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "http://"+host+got.Path, bytes.NewReader(got.Body))
	req.Header, req.Host = got.Header, host
	p, err := signature.Parse(req)
	if err != nil {
		t.Fatal(err)
	}
	doc := s.Get(by.IRI[len(s.Origin):], "application/activity+json")
	key := doc.JSON["publicKey"].(map[string]any)
	if p.KeyID != key["id"] {
		t.Errorf("signed by %s, the actor lists %v", p.KeyID, key["id"])
	}
	public, err := signature.ParseKey(key["publicKeyPem"].(string))
	if err != nil {
		t.Fatal(err)
	}
	policy := signature.Policy{Serves: func(h string) bool { return h == host }}
	if err := errors.Join(policy.Check(req, p, got.Body), policy.Verify(req, p, public)); err != nil {
		t.Errorf("delivery does not verify: %v", err)
	}
}

func publish(t *testing.T, s *aptest.Server, from *actor.Actor, inbox string) {
	t.Helper()
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": "Like", "id": from.IRI + "/likes/" + time.Now().Format("150405.000000000"), "actor": from.IRI, "object": "https://a.example/1",
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		return s.Engine.Outbox.Publish(tx, from, doc, delivery.Target{Inboxes: []string{inbox}})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func publishTx(t *testing.T, s *aptest.Server, from *actor.Actor, doc any, d delivery.Target) error {
	t.Helper()
	return s.DB.Tx(t.Context(), func(tx *db.Tx) error { return s.Engine.Outbox.Publish(tx, from, doc, d) })
}
