package activitypub_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestEngineDocumentsPass holds every document that the engine itself makes
// against the rules by which PeerTube rejects: actors, and all activities about
// them and about follows.
func TestEngineDocumentsPass(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	ctx := t.Context()
	r := aptest.New(t)
	bob, eve, target := r.Actor(actor.Person, "bob"), r.Actor(actor.Application, "eve"), r.Actor(actor.Group, "target")
	alice := s.Local(actor.Person, "alice")
	channel := s.Local(actor.Group, "channel")
	change(t, s, "UPDATE actors SET attributed_to = ?, summary = 'words' WHERE id = ?", alice.IRI, channel.ID)
	channel = reread(t, s, channel.IRI)
	target.Doc["alsoKnownAs"] = channel.IRI
	target.Publish()
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	followBy(t, s, channel, bob)
	followBy(t, s, s.Instance(), eve)
	follower := reread(t, s, eve.IRI)
	do("reject", s.Engine.RemoveFollower(ctx, follower, s.Instance()))
	do("follow", s.Engine.Follow(ctx, alice, bob.IRI))
	do("unfollow", s.Engine.Unfollow(ctx, alice, reread(t, s, bob.IRI)))
	do("alias", s.Engine.SetAliases(ctx, alice, []string{bob.IRI}))
	do("move", s.Engine.Move(ctx, channel, target.IRI))
	documents := map[string][]byte{}
	for _, path := range []string{
		"/accounts/peertube", "/accounts/alice", "/video-channels/channel", "/accounts/alice/outbox", "/video-channels/channel/followers",
		"/video-channels/channel/followers?page=1",
	} {
		got := s.Get(path, ap)
		if got.Status != 200 {
			t.Errorf("%s: %d", path, got.Status)
		}
		documents[path] = got.Body
	}
	do("delete", s.DB.Tx(ctx, func(tx *db.Tx) error { return s.Engine.DeleteLocal(tx, channel, activitypub.Delivery{}) }))
	var rows []activitypub.OutboxRow
	if err := s.DB.Read(ctx).Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, row := range rows {
		seen[row.Type] = true
		if row.Type != "Move" { // PeerTube knows no Move and drops it
			documents[row.Type+" "+row.IRI] = []byte(row.Raw)
		}
	}
	for _, typ := range []string{"Accept", "Reject", "Follow", "Undo", "Update", "Move", "Delete"} {
		if !seen[typ] {
			t.Errorf("no %s was made", typ)
		}
	}
	for name, raw := range documents {
		for _, complaint := range peertube.Check(raw) {
			t.Errorf("%s: %s\n%s", name, complaint, raw)
		}
	}
}
