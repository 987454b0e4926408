package activitypub_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing/fstest"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/migrations"
)

// Notes is a whole content type as a module: short texts that federate.
type Notes struct {
	db *db.DB
	e  *activitypub.Engine
}

// note is a row: a note of ours or of others.
type note struct {
	IRI     string `gorm:"primaryKey"`
	Author  string
	Content string
}

const notesSchema = "-- +goose Up\nCREATE TABLE notes (iri TEXT PRIMARY KEY, author TEXT NOT NULL, content TEXT NOT NULL);\n"

var notesMigrations = migrations.Set{Name: "notes", FS: fstest.MapFS{
	"sqlite/0001_notes.sql": {Data: []byte(notesSchema)}, "postgres/0001_notes.sql": {Data: []byte(notesSchema)},
}}

// Module says everything that the engine must know of notes.
func (n *Notes) Module() activitypub.Module {
	on := func(activity string, do func(context.Context, *activitypub.Activity) error) activitypub.Handler {
		return activitypub.Handler{On: activitypub.On{Activity: activity, Object: "Note"}, Do: do}
	}
	return activitypub.Module{
		Name:     "notes",
		Handlers: []activitypub.Handler{on("Create", n.store), on("Update", n.store), on("Announce", n.shared), on("Delete", n.deleted)},
		Objects: []activitypub.ObjectType{{
			Type: "Note", Local: n.local, Has: n.has, Ingest: n.ingest,
			Remove: func(ctx context.Context, id string) error { return n.drop(ctx, "iri = ?", id) },
		}},
		Migrations:   []migrations.Set{notesMigrations},
		ActorDeleted: func(ctx context.Context, a *actor.Actor) error { return n.drop(ctx, "author = ?", a.IRI) },
		Counts:       n.counts,
	}
}

// store takes Create and Update. Who signed them is proven; who may change a
// note says its row, not the document that has come.
func (n *Notes) store(ctx context.Context, act *activitypub.Activity) error {
	var row note
	err := n.db.Read(ctx).Where("iri = ?", act.Object.ID()).Take(&row).Error
	if errors.Is(err, activitypub.ErrNotFound) {
		row.Author, err = act.Object.IRI("attributedTo"), nil
	}
	if err != nil {
		return err // the database: tried again
	}
	if row.Author != act.Actor.IRI {
		return activitypub.Drop(fmt.Errorf("%s is not by %s", act.Object.ID(), act.Actor.IRI))
	}
	return n.ingest(ctx, act.Object)
}

// ingest keeps what a note's origin says it is. It may run any number of times.
func (n *Notes) ingest(ctx context.Context, o vocab.Object) error {
	row := note{IRI: o.ID(), Author: o.IRI("attributedTo"), Content: o.String("content")}
	if !iri.SameHost(row.IRI, row.Author) {
		return activitypub.Drop(fmt.Errorf("%s claims an author elsewhere", row.IRI))
	}
	return n.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
	})
}

// shared takes an Announce. The engine has fetched the note from its origin when
// it was not here yet; else the object is a stub.
func (n *Notes) shared(ctx context.Context, act *activitypub.Activity) error {
	if !act.Object.Has("content") {
		return nil
	}
	return n.ingest(ctx, act.Object)
}

func (n *Notes) deleted(ctx context.Context, act *activitypub.Activity) error {
	return n.drop(ctx, "iri = ? AND author = ?", act.Object.ID(), act.Actor.IRI)
}

func (n *Notes) drop(ctx context.Context, where string, args ...any) error {
	return n.db.Tx(ctx, func(tx *db.Tx) error { return tx.Where(where, args...).Delete(&note{}).Error })
}

func (n *Notes) has(ctx context.Context, id string) (bool, error) {
	var c int64
	err := n.db.Read(ctx).Model(&note{}).Where("iri = ?", id).Count(&c).Error
	return c > 0, err
}

// local answers for our notes: nil, nil when the path is none of its own.
func (n *Notes) local(ctx context.Context, path string) (any, error) {
	if !strings.HasPrefix(path, "/notes/") {
		return nil, nil
	}
	var row note
	if err := n.db.Read(ctx).Where("iri = ?", n.e.Actors.Origin()+path).Take(&row).Error; err != nil {
		return nil, err // ErrNotFound becomes 404
	}
	return vocab.Build(vocab.Comment, row.fields())
}

func (row note) fields() map[string]any {
	return map[string]any{
		"type": "Note", "id": row.IRI, "attributedTo": row.Author, "content": row.Content, "to": []string{vocab.Public},
	}
}

func (n *Notes) counts(ctx context.Context) (map[string]int64, error) {
	var c int64
	err := n.db.Read(ctx).Model(&note{}).Where("iri LIKE ?", n.e.Actors.Origin()+"/%").Count(&c).Error
	return map[string]int64{"localPosts": c}, err
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

// Example plugs a content type into an engine. What runs it is in main.go: the
// migrations of all modules, the job runner with their jobs, the web server with
// their routes.
func Example() {
	var options activitypub.Options // database, transport, public address, settings
	engine, err := activitypub.New(options)
	if err != nil {
		slog.Error("no engine", "error", err)
		return
	}
	notes := &Notes{db: options.DB, e: engine}
	if err := engine.Use(notes.Module()); err != nil {
		slog.Error("no notes", "error", err) // somebody else has claimed them already
	}
}
