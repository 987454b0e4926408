package activitypub_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
)

// Notes is a whole content type as a module: short texts that federate. It
// shows what a module needs, and that the engine needs nothing of it.
type Notes struct {
	db *db.DB
	e  *activitypub.Engine
}

type note struct {
	IRI     string `gorm:"primaryKey"`
	Author  string
	Content string
}

const notesSchema = "-- +goose Up\nCREATE TABLE notes (iri TEXT PRIMARY KEY, author TEXT NOT NULL, content TEXT NOT NULL);\n"

var notesMigrations = migrations.Set{Name: "notes", FS: fstest.MapFS{
	"sqlite/0001_notes.sql": {Data: []byte(notesSchema)}, "postgres/0001_notes.sql": {Data: []byte(notesSchema)},
}}

func (n *Notes) Module() activitypub.Module {
	store := func(ctx context.Context, act *activitypub.Activity) error {
		if act.Object.IRI("attributedTo") != act.Actor.IRI {
			return activitypub.Drop(fmt.Errorf("%s is not by %s", act.Object.ID(), act.Actor.IRI))
		}
		return n.ingest(ctx, act.Object)
	}
	return activitypub.Module{
		Name: "notes",
		Handlers: []activitypub.Handler{
			{On: activitypub.On{Activity: "Create", Object: "Note"}, Do: store},
			{On: activitypub.On{Activity: "Update", Object: "Note"}, Do: store},
			{On: activitypub.On{Activity: "Announce", Object: "Note"}, Do: func(ctx context.Context, act *activitypub.Activity) error {
				if act.Object.Has("content") { // fetched: it was not here yet
					return n.ingest(ctx, act.Object)
				}
				return nil
			}},
			{On: activitypub.On{Activity: "Delete", Object: "Note"}, Do: func(ctx context.Context, act *activitypub.Activity) error {
				return n.drop(ctx, "iri = ? AND author = ?", act.Object.ID(), act.Actor.IRI)
			}},
		},
		Objects: []activitypub.ObjectType{{
			Type: "Note", Local: n.local, Has: n.has, Ingest: n.ingest,
			Remove: func(ctx context.Context, iri string) error { return n.drop(ctx, "iri = ?", iri) },
		}},
		Migrations: []migrations.Set{notesMigrations},
		ActorDeleted: func(ctx context.Context, a *actor.Actor) error {
			return n.drop(ctx, "author = ?", a.IRI)
		},
		Counts: func(ctx context.Context) (map[string]int64, error) {
			var c int64
			err := n.db.Read(ctx).Model(&note{}).Where("iri LIKE ?", n.e.Actors.Origin()+"/%").Count(&c).Error
			return map[string]int64{"localPosts": c}, err
		},
	}
}

func (n *Notes) ingest(ctx context.Context, o vocab.Object) error {
	row := note{IRI: o.ID(), Author: o.IRI("attributedTo"), Content: o.String("content")}
	return n.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	})
}

func (n *Notes) drop(ctx context.Context, where string, args ...any) error {
	return n.db.Tx(ctx, func(tx *db.Tx) error { return tx.Where(where, args...).Delete(&note{}).Error })
}

func (n *Notes) has(ctx context.Context, iri string) (bool, error) {
	var c int64
	err := n.db.Read(ctx).Model(&note{}).Where("iri = ?", iri).Count(&c).Error
	return c > 0, err
}

func (n *Notes) local(ctx context.Context, path string) (any, error) {
	if !strings.HasPrefix(path, "/notes/") {
		return nil, nil
	}
	var row note
	if err := n.db.Read(ctx).Where("iri = ?", n.e.Actors.Origin()+path).Take(&row).Error; err != nil {
		return nil, err
	}
	return vocab.Build(vocab.Comment, row.fields())
}

func (row note) fields() map[string]any {
	return map[string]any{
		"type": "Note", "id": row.IRI, "attributedTo": row.Author, "content": row.Content, "to": []string{vocab.Public},
	}
}

// publish stores a note of ours and tells the followers, in one transaction.
func (n *Notes) publish(ctx context.Context, from *actor.Actor, activity, name, content string) error {
	row := note{IRI: n.e.Actors.Origin() + "/notes/" + name, Author: from.IRI, Content: content}
	doc, err := vocab.Build(vocab.Comment, map[string]any{
		"type": activity, "id": fmt.Sprintf("%s/%s/%d", row.IRI, strings.ToLower(activity), len(content)), "actor": from.IRI,
		"to": []string{vocab.Public}, "cc": []string{from.Followers}, "object": row.fields(),
	})
	if err != nil {
		return err
	}
	return n.db.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return err
		}
		return n.e.Outbox.Publish(tx, from, doc, activitypub.Delivery{FollowersOf: []int64{from.ID}})
	})
}

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
