package backup

import (
	"compress/gzip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/kinemesh/kinemesh/config/db"
)

// onConn runs fn on one connection of the driver.
func onConn(ctx context.Context, d *db.DB, fn func(*pgx.Conn) error) (err error) {
	pool, err := d.Writer()
	if err != nil {
		return err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := conn.Close(); !errors.Is(closeErr, sql.ErrConnDone) {
			err = errors.Join(err, closeErr)
		}
	}()
	return conn.Raw(func(c any) error {
		raw, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("PostgreSQL by a driver of type %T", c)
		}
		return fn(raw.Conn())
	})
}

// savePostgres writes each table into a file, all as they are at one moment.
func savePostgres(ctx context.Context, d *db.DB, dir string, m *Manifest) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	names, err := tables(d.Read(ctx), db.Postgres)
	if err != nil {
		return err
	}
	return onConn(ctx, d, func(c *pgx.Conn) error {
		tx, err := c.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
		if err != nil {
			return err
		}
		defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // it only read
		for _, name := range names {
			n, err := saveTable(ctx, tx, name, filepath.Join(dir, name+".copy.gz"))
			if err != nil {
				return fmt.Errorf("copy table %s: %w", name, err)
			}
			m.Tables[name] = n
		}
		return nil
	})
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// columns are those of a table that hold data; generated ones are made again.
func columns(ctx context.Context, tx pgx.Tx, table string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position`, table)
	if err != nil {
		return nil, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for i, n := range names {
		names[i] = quote(n)
	}
	return names, err
}

func saveTable(ctx context.Context, tx pgx.Tx, table, path string) (rows int64, err error) {
	cols, err := columns(ctx, tx, table)
	if err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return 0, err
	}
	z := gzip.NewWriter(f)
	defer func() { err = errors.Join(err, z.Close(), f.Sync(), f.Close()) }()
	// The first line names the columns, whatever their order is elsewhere.
	if _, err := fmt.Fprintln(z, strings.Join(cols, ",")); err != nil {
		return 0, err
	}
	tag, err := tx.Conn().PgConn().CopyTo(ctx, z, fmt.Sprintf("COPY (SELECT %s FROM %s) TO STDOUT", strings.Join(cols, ", "), quote(table)))
	return tag.RowsAffected(), err
}

// restorePostgres fills the tables, which the migrations have made.
func restorePostgres(ctx context.Context, d *db.DB, dir string, m *Manifest) error {
	return onConn(ctx, d, func(c *pgx.Conn) error {
		tx, err := c.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing after the commit
		keys, err := dropForeignKeys(ctx, tx)
		if err != nil {
			return fmt.Errorf("foreign keys: %w", err)
		}
		for name, rows := range m.Tables {
			if _, err := tx.Exec(ctx, "DELETE FROM "+quote(name)); err != nil { // of what migrations insert
				return fmt.Errorf("table %s: %w", name, err)
			}
			n, err := restoreTable(ctx, tx, name, filepath.Join(dir, name+".copy.gz"))
			if err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			if n != rows {
				return fmt.Errorf("%w: table %s has %d rows instead of %d", errDamaged, name, n, rows)
			}
			if err := setSequence(ctx, tx, name); err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
		}
		for _, statement := range keys {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("foreign keys: %w", err)
			}
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		_, err = c.Exec(ctx, "ANALYZE")
		return err
	})
}

// dropForeignKeys lets tables be filled in any order. The statements make the
// keys again, which checks them all.
func dropForeignKeys(ctx context.Context, tx pgx.Tx) (again []string, err error) {
	rows, err := tx.Query(ctx, `SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
		FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace ORDER BY 1, 2`)
	if err != nil {
		return nil, err
	}
	type key struct{ Table, Name, Definition string }
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s", k.Table, k.Name)); err != nil {
			return nil, err
		}
		again = append(again, fmt.Sprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", k.Table, k.Name, k.Definition))
	}
	return again, nil
}

func restoreTable(ctx context.Context, tx pgx.Tx, table, path string) (rows int64, err error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the folder
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	given, err := firstLine(z)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errDamaged, err)
	}
	cols, err := columns(ctx, tx, table)
	if err != nil {
		return 0, err
	}
	known := map[string]bool{}
	for _, c := range cols {
		known[c] = true
	}
	for c := range strings.SplitSeq(given, ",") {
		if !known[c] {
			return 0, fmt.Errorf("%w: column %s is not known", errDamaged, c)
		}
	}
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, z, fmt.Sprintf("COPY %s (%s) FROM STDIN", quote(table), given))
	return tag.RowsAffected(), err
}

// firstLine reads up to the end of a line and not a byte more.
func firstLine(z *gzip.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); len(line) < 64<<10; {
		if _, err := io.ReadFull(z, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
	return "", errors.New("no names of columns")
}

// setSequence has the next row get an id above all that were restored.
func setSequence(ctx context.Context, tx pgx.Tx, table string) error {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM information_schema.columns
		WHERE table_schema = current_schema() AND table_name = $1 AND column_name = 'id' AND column_default LIKE 'nextval(%'`, table).Scan(&n)
	if err != nil || n == 0 {
		return err
	}
	_, err = tx.Exec(ctx, fmt.Sprintf("SELECT setval(pg_get_serial_sequence($1, 'id'), COALESCE((SELECT MAX(id) FROM %s), 0) + 1, false)", quote(table)), quote(table))
	return err
}
