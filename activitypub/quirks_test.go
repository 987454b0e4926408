package activitypub_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestInboxQuirks: how others write the same thing, each with what becomes of it
// (federation-behaviours 1).
func TestInboxQuirks(t *testing.T) {
	const as = "https://www.w3.org/ns/activitystreams"
	type doc = map[string]any
	for _, c := range []struct {
		name   string
		change func(r *aptest.Remote, bob *aptest.Actor, act, note doc)
		status int
		notes  int64 // stored
		state  string
	}{
		{"as it should be", func(*aptest.Remote, *aptest.Actor, doc, doc) {}, 204, 1, "done"},
		{"no context", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) { delete(act, "@context") }, 204, 1, "done"},
		{"context as a list with a map", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) {
			act["@context"] = []any{as, doc{"toot": "http://joinmastodon.org/ns#"}}
		}, 204, 1, "done"},
		{"context as a map", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) { act["@context"] = doc{"@vocab": as} }, 204, 1, "done"},
		{"actor in a list", func(_ *aptest.Remote, bob *aptest.Actor, act, _ doc) { act["actor"] = []any{bob.IRI} }, 204, 1, "done"},
		{"actor embedded", func(_ *aptest.Remote, bob *aptest.Actor, act, _ doc) {
			act["actor"] = doc{"id": bob.IRI, "type": "Person"}
		}, 204, 1, "done"},
		{"type in a list", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) { act["type"] = []any{"Create"} }, 204, 1, "done"},
		{"types of the object", func(_ *aptest.Remote, _ *aptest.Actor, _, note doc) { note["type"] = []any{"Article", "Note"} }, 204, 1, "done"},
		{"object in a list", func(_ *aptest.Remote, _ *aptest.Actor, act, note doc) { act["object"] = []any{note} }, 204, 1, "done"},
		{"object as an IRI", func(_ *aptest.Remote, _ *aptest.Actor, act, note doc) { act["object"] = note["id"] }, 204, 1, "done"},
		{"object as an IRI in a list", func(_ *aptest.Remote, _ *aptest.Actor, act, note doc) { act["object"] = []any{note["id"]} }, 204, 1, "done"},
		{"as:Public", func(_ *aptest.Remote, _ *aptest.Actor, act, note doc) {
			act["to"], note["to"] = "as:Public", "as:Public"
		}, 204, 1, "done"},
		{"Public", func(_ *aptest.Remote, _ *aptest.Actor, act, note doc) {
			act["to"], note["to"] = []any{"Public"}, []any{"Public"}
		}, 204, 1, "done"},
		{"audience embedded", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) { act["cc"] = doc{"id": as + "#Public"} }, 204, 1, "done"},
		{"attributedTo in a list", func(_ *aptest.Remote, bob *aptest.Actor, _, note doc) { note["attributedTo"] = []any{bob.IRI} }, 204, 1, "done"},
		{"attributedTo embedded", func(_ *aptest.Remote, bob *aptest.Actor, _, note doc) {
			note["attributedTo"] = []any{doc{"id": bob.IRI, "type": "Person"}}
		}, 204, 1, "done"},
		{"members that are null", func(_ *aptest.Remote, _ *aptest.Actor, act, note doc) {
			act["cc"], note["tag"], note["summary"], note["emoji"] = nil, nil, nil, []any{doc{"id": nil}}
		}, 204, 1, "done"},
		{"content by language", func(_ *aptest.Remote, _ *aptest.Actor, _, note doc) { note["contentMap"] = doc{"en": note["content"]} }, 204, 1, "done"},
		{"unknown type", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) { act["type"] = "Wave" }, 202, 0, ""},
		{"unknown object", func(_ *aptest.Remote, _ *aptest.Actor, _, note doc) { note["type"] = "Hologram" }, 204, 0, "done"},
		{"Add", func(r *aptest.Remote, bob *aptest.Actor, act, note doc) {
			act["type"], act["target"], act["object"] = "Add", bob.IRI+"/featured", note["id"]
		}, 202, 0, ""},
		{"Remove", func(r *aptest.Remote, bob *aptest.Actor, act, note doc) {
			act["type"], act["target"], act["object"] = "Remove", bob.IRI+"/featured", note["id"]
		}, 202, 0, ""},
		{"Delete of what is unknown", func(r *aptest.Remote, _ *aptest.Actor, act, _ doc) {
			act["type"], act["object"] = "Delete", r.Origin+"/notes/never"
		}, 204, 0, "done"},
		{"Delete of a tombstone", func(r *aptest.Remote, _ *aptest.Actor, act, _ doc) {
			act["type"], act["object"] = "Delete", doc{"type": "Tombstone", "id": r.Origin + "/notes/never"}
		}, 204, 0, "done"},
		{"Announce of an activity", func(_ *aptest.Remote, bob *aptest.Actor, act, note doc) {
			act["type"], act["object"] = "Announce", bob.Activity("Create", note, nil)
		}, 204, 0, "dropped"}, // Lemmy's wrapping: the copy proves nothing, its origin has no document
		{"two actors", func(_ *aptest.Remote, bob *aptest.Actor, act, _ doc) { act["actor"] = []any{bob.IRI, bob.IRI + "2"} }, 400, 0, ""},
		{"no actor", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) { delete(act, "actor") }, 400, 0, ""},
		{"no type", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) { delete(act, "type") }, 400, 0, ""},
		{"no id", func(_ *aptest.Remote, _ *aptest.Actor, act, _ doc) { delete(act, "id") }, 400, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
			r := aptest.New(t)
			bob := r.Actor(actor.Person, "bob")
			note := noteBy(r, bob, "1", "words")
			act := bob.Activity("Create", note, nil)
			c.change(r, bob, act, note)
			if got := bob.Post(s.Origin+"/inbox", act); got != c.status {
				t.Fatalf("answered %d, want %d", got, c.status)
			}
			drain(t, s)
			if n := s.Count("notes", ""); n != c.notes {
				t.Errorf("%d notes, want %d", n, c.notes)
			}
			if c.state != "" && s.Count("inbox", "state = ?", c.state) != 1 {
				t.Errorf("the activity is not %s", c.state)
			}
			if n := s.Count("inbox", ""); c.state == "" && n != 0 {
				t.Errorf("%d rows, want none", n)
			}
		})
	}
}

// TestCollectionOfActivities: one request may bring several activities; each of
// them is checked, and all or none are taken.
func TestCollectionOfActivities(t *testing.T) {
	for _, typ := range []string{"Collection", "OrderedCollection", "OrderedCollectionPage"} {
		s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
		r, other := aptest.New(t), aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		items := []any{
			bob.Activity("Create", noteBy(r, bob, "1", "one"), nil), bob.Activity("Create", noteBy(r, bob, "2", "two"), nil),
			"https://junk.example", 5,
			map[string]any{"type": "Note"},
		}
		key := "items"
		if typ != "Collection" {
			key = "orderedItems"
		}
		body, err := json.Marshal(map[string]any{"@context": "https://www.w3.org/ns/activitystreams", "type": typ, "totalItems": 2, key: items})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time it is a repeat
			if got := bob.Post(s.Origin+"/inbox", body); got != http.StatusNoContent {
				t.Fatalf("%s answered %d", typ, got)
			}
		}
		drain(t, s)
		if s.Count("notes", "") != 2 || s.Count("inbox", "") != 2 {
			t.Errorf("%s: %d notes, %d rows", typ, s.Count("notes", ""), s.Count("inbox", ""))
		}
		// One bad among them, and none is taken.
		bad := bob.Activity("Create", noteBy(r, bob, "4", "four"), map[string]any{"id": other.Origin + "/activities/4"})
		ours := bob.Activity("Create", noteBy(r, bob, "5", "five"), map[string]any{"actor": s.Origin + "/accounts/alice"})
		for _, wrong := range []map[string]any{bad, ours} {
			doc := map[string]any{"type": typ, key: []any{bob.Activity("Create", noteBy(r, bob, "3", "three"), nil), wrong}}
			if got := bob.Post(s.Origin+"/inbox", doc); got != http.StatusForbidden {
				t.Errorf("%s with %v answered %d", typ, wrong["id"], got)
			}
		}
		if got := bob.Post(s.Origin+"/inbox", map[string]any{"type": typ, key: []any{}}); got != http.StatusBadRequest {
			t.Errorf("an empty %s answered %d", typ, got)
		}
		if s.Count("inbox", "") != 2 {
			t.Errorf("%s: %d rows in the end", typ, s.Count("inbox", ""))
		}
	}
}
