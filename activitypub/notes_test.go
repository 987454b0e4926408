package activitypub_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
)

// serveNotes starts a server with the module plugged in.
func serveNotes(t *testing.T, d *db.DB) (*aptest.Server, *Notes) {
	t.Helper()
	n := &Notes{db: d}
	s := aptest.Serve(t, d, aptest.Options{Modules: func(e *activitypub.Engine) []activitypub.Module {
		n.e = e
		return []activitypub.Module{n.Module()}
	}})
	return s, n
}

// TestNotesFederate: two servers of ours in one process, real requests
// between them. B follows bob on A, gets what he wrote before and writes
// after, sees changes and deletions, and what happens when bob goes.
func TestNotesFederate(t *testing.T) {
	sets := append(migrations.All(), notesMigrations)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		a, notesA := serveNotes(t, d)
		b, notesB := serveNotes(t, dbtest.SQLite(t, sets...))
		bob, carl := a.Local(actor.Person, "bob"), b.Local(actor.Person, "carl")
		content := func(name string) func() bool {
			return func() bool {
				ok, err := notesB.has(ctx, a.Origin+"/notes/"+name)
				return err == nil && ok
			}
		}

		if err := notesA.publish(ctx, bob, "Create", "before", "written before anybody followed"); err != nil {
			t.Fatal(err)
		}
		if err := b.Engine.Follow(ctx, carl, bob.IRI); err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "back-fill from the outbox", content("before"))
		aptest.Eventually(t, "accepted follow on B", func() bool { return b.Count("follows", "state = ?", actor.Accepted) == 1 })
		if err := notesA.publish(ctx, bob, "Create", "after", "first text"); err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "note on B", content("after"))
		if err := notesA.publish(ctx, bob, "Update", "after", "a better text"); err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "changed note on B", func() bool {
			return b.Count("notes", "content = ?", "a better text") == 1
		})

		doc := a.Get("/notes/after", "application/activity+json")
		if doc.Status != http.StatusOK || doc.JSON["content"] != "a better text" || doc.JSON["@context"] == nil {
			t.Errorf("GET note: %d %s", doc.Status, doc.Body)
		}
		if page := a.Get("/notes/after", "text/html"); page.Status != http.StatusNotFound {
			t.Errorf("a browser got %d from the engine", page.Status)
		}
		if n := a.Get("/nodeinfo/2.1.json", "").JSON["usage"].(map[string]any)["localPosts"]; n != 2.0 {
			t.Errorf("nodeinfo counts %v notes", n)
		}

		err := a.DB.Tx(ctx, func(tx *db.Tx) error { return a.Engine.DeleteLocal(tx, bob, activitypub.Delivery{}) })
		if err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "empty servers after bob is gone", func() bool {
			return b.Count("notes", "") == 0 && a.Count("notes", "") == 0 && b.Count("follows", "") == 0
		})
		if got := a.Get("/accounts/bob", "application/activity+json"); got.Status != http.StatusGone || got.JSON["type"] != "Tombstone" {
			t.Errorf("GET bob: %d %s", got.Status, got.Body)
		}
		if n := a.Count("deliveries", "state <> 'delivered'"); n != 0 {
			t.Errorf("%d deliveries without a receipt", n)
		}
	}, sets...)
}

// TestDocumentation: the code in docs/federation.md is that of the example, so
// it compiles and works.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../docs/federation.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(page), "```go\n")
	for _, part := range parts[1:] {
		code, _, closed := strings.Cut(part, "```")
		if !closed || !strings.Contains(string(example), code) {
			t.Errorf("not in example_test.go:\n%s", code)
		}
	}
	if len(parts) < 4 {
		t.Errorf("%d pieces of code", len(parts)-1)
	}
}
