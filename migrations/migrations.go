// Package migrations applies the SQL schema. Every module has a set: one
// folder a dialect with files NNNN_word.sql, forward only, never edited after
// a release. Sets are independent of each other but for foreign keys, so they
// are applied in the order given.
package migrations

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"github.com/kinemesh/kinemesh/config/db"
)

//go:embed jobs activitypub accounts video
var files embed.FS

// Set is the schema of one module: FS holds the folders "sqlite" and
// "postgres". Name becomes part of its version table, schema_<name>.
type Set struct {
	Name string
	FS   fs.FS
}

// The sets that come with the server.
var (
	Jobs        = builtin("jobs")
	Activitypub = builtin("activitypub")
	Accounts    = builtin("accounts")
	Video       = builtin("video")
)

// All lists the server's own sets in the order in which they depend on each
// other.
func All() []Set { return []Set{Jobs, Activitypub, Accounts, Video} }

func builtin(name string) Set {
	sub, err := fs.Sub(files, name)
	if err != nil {
		panic(err) // the folder is embedded: a programmer's mistake
	}
	return Set{Name: name, FS: sub}
}

// Up brings the database to the newest version of every set. It is safe to
// start twice at once: PostgreSQL serialises by an advisory lock, SQLite by its
// single writer. Each file is one transaction, so a killed migration leaves
// nothing half done.
func Up(ctx context.Context, d *db.DB, sets ...Set) error {
	w, err := d.Writer()
	if err != nil {
		return err
	}
	dialect := database.DialectSQLite3
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if d.Dialect() == db.Postgres {
		dialect = database.DialectPostgres
		l, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(l))
	}
	for _, s := range sets {
		sub, err := fs.Sub(s.FS, string(d.Dialect()))
		if err != nil {
			return fmt.Errorf("migrations %s: %w", s.Name, err)
		}
		store, err := database.NewStore(dialect, "schema_"+s.Name)
		if err != nil {
			return fmt.Errorf("migrations %s: %w", s.Name, err)
		}
		p, err := goose.NewProvider(goose.DialectCustom, w, sub, append(opts, goose.WithStore(store))...)
		if err != nil {
			return fmt.Errorf("migrations %s: %w", s.Name, err)
		}
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrations %s: %w", s.Name, err)
		}
	}
	return nil
}
