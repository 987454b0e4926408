package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/migrations"
)

// sets are the names of the migration sets.
func sets() []string {
	var names []string
	for _, s := range migrations.All() {
		names = append(names, s.Name)
	}
	return names
}

// Read returns what the backup in dir is.
func Read(dir string) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestName)) //nolint:gosec // the operator names the folder
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is no complete backup: it has no %s", dir, manifestName)
	}
	if err != nil {
		return nil, err
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errDamaged, manifestName, err)
	}
	if m.Format != format {
		return nil, fmt.Errorf("the backup has format %d, this version reads %d", m.Format, format)
	}
	return &m, nil
}

// Restore makes the server that the settings describe of the backup in dir. Its
// database must be empty. The settings must name the same kind of database and
// the same public address as the server had.
func Restore(ctx context.Context, c *config.Config, dir string) (*Manifest, error) {
	m, err := Read(dir)
	if err != nil {
		return nil, err
	}
	dialect := db.Postgres
	if c.UsesSQLite() {
		dialect = db.SQLite
	}
	switch {
	case m.Database != dialect:
		return nil, fmt.Errorf("the backup is of %s, the settings name %s", m.Database, dialect)
	case m.Origin != c.Origin():
		return nil, fmt.Errorf("the backup is of %s, the settings say %s; restore it as it was, then see kinemesh update-host", m.Origin, c.Origin())
	}
	if err := restoreSecret(c, dir); err != nil {
		return nil, err
	}
	if err := c.Prepare(); err != nil {
		return nil, err
	}
	if dialect == db.SQLite {
		path := strings.TrimPrefix(c.DatabaseURL(), "sqlite:")
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is a database already: %s", path)
		}
		if err := restoreFiles(ctx, c, dir, m); err != nil {
			return nil, fmt.Errorf("restore: %w", err)
		}
		if err := restoreSQLite(c, filepath.Join(dir, sqliteName)); err != nil {
			return nil, fmt.Errorf("restore: %w", err)
		}
	} else if err := intoPostgres(ctx, c, dir, m); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	return m, goOn(ctx, c, m)
}

func intoPostgres(ctx context.Context, c *config.Config, dir string, m *Manifest) (err error) {
	d, err := db.Open(ctx, c.DatabaseURL(), db.MaxConns(c.Database.Pool.Max))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := migrations.Up(ctx, d, migrations.All()...); err != nil {
		return err
	}
	var users int64
	if err := d.Read(ctx).Table("users").Count(&users).Error; err != nil {
		return err
	}
	if users > 0 {
		return errors.New("the database has users already")
	}
	here, err := schema(ctx, d)
	if err != nil {
		return err
	}
	if !maps.Equal(here, m.Schema) {
		return fmt.Errorf("the backup was made by version %s with another schema: restore it with that version, then upgrade", m.Version)
	}
	if err := restoreFiles(ctx, c, dir, m); err != nil {
		return err
	}
	return restorePostgres(ctx, d, filepath.Join(dir, tablesDir), m)
}

// restoreSecret puts back what signs tokens and seals what is stored, unless
// the settings have it.
func restoreSecret(c *config.Config, dir string) error {
	secret, err := os.ReadFile(filepath.Join(dir, secretName)) //nolint:gosec // the operator names the folder
	if errors.Is(err, os.ErrNotExist) || c.Secrets.PeerTube != "" {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.DataDir, 0o750); err != nil {
		return err
	}
	path := filepath.Join(c.DataDir, secretName)
	if there, err := os.ReadFile(path); err == nil { //nolint:gosec // data_dir is the operator's
		if string(there) != string(secret) {
			return fmt.Errorf("%s holds another secret than the backup: remove it first", path)
		}
		return nil
	}
	return writeSynced(path, secret)
}

// goOn opens the database once, compares the numbers of rows and lets held jobs
// run.
func goOn(ctx context.Context, c *config.Config, m *Manifest) (err error) {
	d, err := db.Open(ctx, c.DatabaseURL())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	rows, err := countRows(ctx, d.Read(ctx), d.Dialect())
	if err != nil {
		return err
	}
	for name, n := range m.Tables {
		if rows[name] != n {
			return fmt.Errorf("%w: table %s has %d rows instead of %d", errDamaged, name, rows[name], n)
		}
	}
	return d.Tx(ctx, func(tx *db.Tx) error { return tx.Exec("DELETE FROM job_holds").Error })
}
