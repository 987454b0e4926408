// Package backup saves a server to a folder while it works, and makes a server
// of such a folder again. No other program is needed.
//
// A backup holds
//
//	manifest.json  what it is; written last, so a folder without it is no backup
//	files.jsonl    key, size and SHA-256 of each file, one a line
//	files/         the files, by folder of the storage
//	database.db    SQLite: the database
//	tables/        PostgreSQL: each table as COPY writes it, compressed
//	secret         the secret of data_dir, when it is kept there
//
// Invariants
//   - the database is as it was at one moment; every file that it names is in
//     the backup, since none is deleted while a backup runs
//   - files that nothing names may be there too; who restores removes them
//   - nothing is restored over a server that has data
package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// format is the version of the layout.
const format = 1

const (
	manifestName = "manifest.json"
	filesName    = "files.jsonl"
	sqliteName   = "database.db"
	secretName   = "secret"
	tablesDir    = "tables"
	filesDir     = "files"
)

// Manifest says what a backup is.
type Manifest struct {
	Format   int              `json:"format"`
	Version  string           `json:"version"` // of the server
	Origin   string           `json:"origin"`
	Database db.Dialect       `json:"database"`
	Schema   map[string]int64 `json:"schema"` // version of each set of migrations
	Tables   map[string]int64 `json:"tables"` // rows
	Files    int64            `json:"files"`
	Bytes    int64            `json:"bytes"`
	Started  time.Time        `json:"started"` // the database is as it was a moment later
	Finished time.Time        `json:"finished"`
}

// Options are what is saved.
type Options struct {
	DB      *db.DB
	Config  *config.Config
	Version string
	// Hold are the kinds of jobs that delete files: they wait until the backup is
	// done.
	Hold []string
}

// holdFor is how long jobs are held at a time, so that a backup that is killed
// holds none for long.
const holdFor = 5 * time.Minute

// Save writes a backup into dir, which must be empty or not exist yet.
func Save(ctx context.Context, o Options, dir string) (*Manifest, error) {
	m := &Manifest{
		Format: format, Version: o.Version, Origin: o.Config.Origin(), Database: o.DB.Dialect(),
		Tables: map[string]int64{}, Started: time.Now().UTC(),
	}
	if err := emptyFolder(dir); err != nil {
		return nil, err
	}
	release, err := holdJobs(ctx, o)
	if err != nil {
		return nil, err
	}
	err = save(ctx, o, dir, m)
	if err := errors.Join(err, release()); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	m.Finished = time.Now().UTC()
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	return m, writeSynced(filepath.Join(dir, manifestName), append(text, '\n'))
}

func save(ctx context.Context, o Options, dir string, m *Manifest) error {
	var err error
	if m.Schema, err = schema(ctx, o.DB); err != nil {
		return err
	}
	if o.DB.Dialect() == db.SQLite {
		err = saveSQLite(ctx, o.DB, filepath.Join(dir, sqliteName), m)
	} else {
		err = savePostgres(ctx, o.DB, filepath.Join(dir, tablesDir), m)
	}
	if err != nil {
		return err
	}
	if err := saveFiles(ctx, o.Config, dir, m); err != nil {
		return err
	}
	secret, err := os.ReadFile(filepath.Join(o.Config.DataDir, secretName))
	if errors.Is(err, os.ErrNotExist) {
		return nil // it is in the settings
	}
	if err != nil {
		return err
	}
	return writeSynced(filepath.Join(dir, secretName), secret)
}

// emptyFolder makes dir, or refuses one that holds something.
func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("backup folder: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("backup folder: %w", err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("backup folder: %s is not empty", dir)
	}
	return nil
}

// holdJobs keeps files from being deleted until release is called.
func holdJobs(ctx context.Context, o Options) (release func() error, err error) {
	until := func(t func() time.Time) error {
		var errs []error
		for _, kind := range o.Hold {
			errs = append(errs, jobs.Hold(context.WithoutCancel(ctx), o.DB, kind, t()))
		}
		return errors.Join(errs...)
	}
	extend := func() error { return until(func() time.Time { return db.Now().Add(holdFor) }) }
	if err := extend(); err != nil {
		return nil, err
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		tick := time.NewTicker(holdFor / 5)
		defer tick.Stop()
		var failed error
		for {
			select {
			case <-stop:
				stopped <- failed
				return
			case <-tick.C:
				failed = errors.Join(failed, extend())
			}
		}
	}()
	return func() error {
		close(stop)
		return errors.Join(<-stopped, until(func() time.Time { return time.Time{} }))
	}, nil
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
