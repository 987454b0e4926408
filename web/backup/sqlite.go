package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
)

// saveSQLite writes the database as it is at one moment into a file of its own.
// Others go on writing meanwhile.
func saveSQLite(ctx context.Context, d *db.DB, path string, m *Manifest) (err error) {
	w, err := d.Writer()
	if err != nil {
		return err
	}
	if _, err := w.ExecContext(ctx, "VACUUM INTO ?", path); err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return err
	}
	saved, err := db.Open(ctx, "sqlite:"+path)
	if err != nil {
		return err
	}
	m.Tables, err = countRows(ctx, saved.Read(ctx), saved.Dialect())
	if err := errors.Join(err, saved.Close()); err != nil {
		return err
	}
	for _, end := range []string{"-wal", "-shm"} { // of the look at it
		if err := os.Remove(path + end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return sync(path)
}

func sync(path string) error {
	f, err := os.Open(path) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// restoreSQLite puts the file where the settings want the database.
func restoreSQLite(c *config.Config, from string) (err error) {
	path := strings.TrimPrefix(c.DatabaseURL(), "sqlite:")
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	in, err := os.Open(from) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	out, err := os.OpenFile(path+".part", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // as above
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// tables lists the tables that hold data: not those of migrations, nor what
// SQLite keeps for itself and for the index of words.
func tables(g *gorm.DB, dialect db.Dialect) (names []string, err error) {
	q := `SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND name NOT LIKE 'schema\_%' ESCAPE '\'
		AND NOT EXISTS (SELECT 1 FROM sqlite_master v WHERE v.sql LIKE 'CREATE VIRTUAL%' AND sqlite_master.name LIKE v.name || '\_%' ESCAPE '\')
		ORDER BY name`
	if dialect == db.Postgres {
		q = `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename NOT LIKE 'schema\_%' ORDER BY tablename`
	}
	err = g.Raw(q).Scan(&names).Error
	return names, err
}

func countRows(_ context.Context, g *gorm.DB, dialect db.Dialect) (map[string]int64, error) {
	names, err := tables(g, dialect)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, name := range names {
		var n int64
		if err := g.Table(name).Count(&n).Error; err != nil {
			return nil, fmt.Errorf("count %s: %w", name, err)
		}
		out[name] = n
	}
	return out, nil
}

// schema is the version of each set of migrations.
func schema(ctx context.Context, d *db.DB) (map[string]int64, error) {
	out := map[string]int64{}
	for _, set := range sets() {
		var v int64
		err := d.Read(ctx).Table("schema_" + set).Select("COALESCE(MAX(version_id), 0)").Where("is_applied").Scan(&v).Error
		if err != nil {
			return nil, fmt.Errorf("version of the schema: %w", err)
		}
		out[set] = v
	}
	return out, nil
}
