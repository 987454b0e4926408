package activitypub_test

import (
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
)

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

func publish(t *testing.T, s *aptest.Server, from *actor.Actor, inbox string) {
	t.Helper()
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": "Like", "id": from.IRI + "/likes/" + time.Now().Format("150405.000000000"), "actor": from.IRI, "object": "https://a.example/1",
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		return s.Engine.Outbox.Publish(tx, from, doc, activitypub.Delivery{Inboxes: []string{inbox}})
	})
	if err != nil {
		t.Fatal(err)
	}
}
