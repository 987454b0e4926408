// Package dbtest opens databases for tests. Every store test runs on SQLite,
// and on PostgreSQL too when TEST_DATABASE_URL names a server.
package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/migrations"
)

// Each runs test once for every engine, each time on an empty database with the
// given migration sets applied (all of the server's own when none is given).
func Each(t *testing.T, test func(t *testing.T, d *db.DB), sets ...migrations.Set) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t, sets...)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t, sets...)) })
}

// SQLite opens an empty database in a folder of the test.
func SQLite(t testing.TB, sets ...migrations.Set) *db.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	if len(sets) == 0 {
		content, err := migrated()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return open(t, "sqlite:"+path, nil)
	}
	return open(t, "sqlite:"+path, sets)
}

// migrated is a file with all sets applied, made once a process: to copy it
// takes a hundredth of the time.
var migrated = sync.OnceValues(func() (content []byte, err error) {
	dir, err := os.MkdirTemp("", "dbtest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "test.db")
	d, err := db.Open(context.Background(), "sqlite:"+path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(migrations.Up(context.Background(), d, migrations.All()...), d.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

var schemas atomic.Int64

// Postgres opens an empty schema of its own on the server TEST_DATABASE_URL
// and drops it when the test ends. Without that variable the test is skipped.
func Postgres(t testing.TB, sets ...migrations.Set) *db.DB {
	t.Helper()
	return open(t, PostgresURL(t), sets)
}

// PostgresURL makes an empty schema and returns a URL that leads to it, for
// tests that start the server itself.
func PostgresURL(t testing.TB) string {
	t.Helper()
	raw := os.Getenv("TEST_DATABASE_URL")
	if raw == "" {
		t.Skip("TEST_DATABASE_URL is not set: no PostgreSQL to test on")
	}
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatalf("TEST_DATABASE_URL: %v", err)
	}
	// A server that is kept may still hold what a killed run left, whose number
	// a later process gets again: hence the end of the name.
	name := strings.ToLower(fmt.Sprintf("t%d_%d_%.8s", os.Getpid(), schemas.Add(1), rand.Text()))
	admin, err := db.Open(context.Background(), raw, db.MaxConns(2))
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.Read(context.Background()).Exec("CREATE SCHEMA " + name).Error; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Read(context.Background()).Exec("DROP SCHEMA " + name + " CASCADE").Error; err != nil {
			t.Errorf("drop schema: %v", err)
		}
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

func open(t testing.TB, rawURL string, sets []migrations.Set) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), rawURL, db.MaxConns(10))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil && !strings.Contains(err.Error(), "closed") {
			t.Error(err)
		}
	})
	if len(sets) == 0 && d.Dialect() == db.SQLite {
		return d // a copy of what is migrated
	}
	if len(sets) == 0 {
		sets = migrations.All()
	}
	if err := migrations.Up(context.Background(), d, sets...); err != nil {
		t.Fatal(err)
	}
	return d
}
