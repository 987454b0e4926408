package federation

import (
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

// TestSharesAreBackfilled reads who announced a video before it came here: each
// Announce at its origin, of Application and Group actors alone, of this video
// alone.
func TestSharesAreBackfilled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, f := serve(t, d), newFar(t)
		elsewhere := aptest.New(t)
		sharer, person := elsewhere.Actor("Application", "peertube"), elsewhere.Actor("Person", "mara")
		address := f.doc["shares"].(string)
		items := []any{}
		announce := func(by *aptest.Actor, id, object string) {
			items = append(items, id)
			doc := m{"@context": "https://www.w3.org/ns/activitystreams", "type": "Announce", "id": id, "actor": by.IRI, "to": []any{vocab.Public}, "object": object}
			elsewhere.Serve(id, doc)
			f.Serve(id, doc)
		}
		announce(f.group, f.Origin+"/announces/1", f.iri)
		announce(sharer, elsewhere.Origin+"/announces/2", f.iri)
		announce(person, elsewhere.Origin+"/announces/3", f.iri)                   // a Person
		announce(sharer, elsewhere.Origin+"/announces/4", f.iri+"x")               // another video
		announce(f.instance, elsewhere.Origin+"/announces/5", f.iri)               // in another's name
		items = append(items, elsewhere.Origin+"/announces/none", s.Origin+"/x/1") // not there; ours
		f.Serve(address, m{"id": address, "type": "OrderedCollection", "totalItems": len(items), "first": address + "?page=1"})
		f.Serve(address+"?page=1", m{"id": address + "?page=1", "type": "OrderedCollectionPage", "partOf": address, "orderedItems": items, "totalItems": len(items)})
		for range 2 { // once in two days, however often it comes
			if err := s.fed.Ingest(t.Context(), object(t, marshal(t, f.doc))); err != nil {
				t.Fatal(err)
			}
		}
		aptest.Eventually(t, "both shares", func() bool { return s.Count("video_shares", "1 = 1") == 2 })
		jobstest.Drain(t, s.DB)
		if n := s.Count("video_shares", "actor_id IN (SELECT id FROM actors WHERE iri IN (?, ?))", f.group.IRI, sharer.IRI); n != 2 || s.Count("video_shares", "1 = 1") != 2 {
			t.Errorf("%d of %d shares", n, s.Count("video_shares", "1 = 1"))
		}
	})
}
