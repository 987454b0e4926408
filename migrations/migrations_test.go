package migrations_test

import (
	"context"
	"io/fs"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
)

// schema lists "table.column" and index names of an open database, but for the
// indexes of the search, which are tables on SQLite.
func schema(t *testing.T, d *db.DB) []string {
	t.Helper()
	q := `SELECT m.name || '.' || p.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '%_search%'
		UNION ALL SELECT 'index ' || name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex%'`
	if d.Dialect() == db.Postgres {
		q = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()
			UNION ALL SELECT 'index ' || indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname !~ '(_pkey|_key|s_search)$'`
	}
	var out []string
	if err := d.Read(context.Background()).Raw(q).Scan(&out).Error; err != nil {
		t.Fatal(err)
	}
	out = slicesDelete(out, "schema_")
	sort.Strings(out)
	return out
}

// slicesDelete drops the version tables, which are goose's own.
func slicesDelete(in []string, prefix string) []string {
	var out []string
	for _, s := range in {
		if !strings.HasPrefix(s, prefix) {
			out = append(out, s)
		}
	}
	return out
}

func TestBothEnginesHaveTheSameSchema(t *testing.T) {
	lite, pg := schema(t, dbtest.SQLite(t)), schema(t, dbtest.Postgres(t))
	if len(lite) < 100 {
		t.Fatalf("only %d columns and indexes found", len(lite))
	}
	if d := cmp.Diff(lite, pg); d != "" {
		t.Errorf("sqlite (-) and postgres (+) differ:\n%s", d)
	}
}

func TestFilesComeInPairs(t *testing.T) {
	name := regexp.MustCompile(`^\d{4}_[a-z0-9_]+\.sql$`)
	for _, s := range migrations.All() {
		var sets [2][]string
		for i, dialect := range []string{"sqlite", "postgres"} {
			files, err := fs.ReadDir(s.FS, dialect)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if !name.MatchString(f.Name()) {
					t.Errorf("%s/%s/%s is not named NNNN_word.sql", s.Name, dialect, f.Name())
				}
				sets[i] = append(sets[i], f.Name())
			}
		}
		if d := cmp.Diff(sets[0], sets[1]); d != "" {
			t.Errorf("%s: %s", s.Name, d)
		}
	}
}

// REL-12: two processes may start at once, and a second start changes nothing.
func TestUpIsSafeTwiceAtOnce(t *testing.T) {
	d := dbtest.Postgres(t, migrations.Jobs)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := migrations.Up(context.Background(), d, migrations.All()...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	before := schema(t, d)
	if err := migrations.Up(context.Background(), d, migrations.All()...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, schema(t, d)); diff != "" {
		t.Error(diff)
	}
}

func TestAModuleFromOutsideBringsItsOwnSet(t *testing.T) {
	sql := &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE notes (id INTEGER PRIMARY KEY);\n")}
	set := migrations.Set{Name: "notes", FS: fstest.MapFS{"sqlite/0001_notes.sql": sql, "postgres/0001_notes.sql": sql}}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Read(context.Background()).Raw("SELECT count(*) FROM notes").Scan(new(int)).Error; err != nil {
			t.Error(err)
		}
	}, set)
}

func TestABrokenFileLeavesNothing(t *testing.T) {
	bad := &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE half (id INTEGER PRIMARY KEY);\nCREATE TABLE half (id INTEGER);\n")}
	set := migrations.Set{Name: "bad", FS: fstest.MapFS{"sqlite/0001_bad.sql": bad, "postgres/0001_bad.sql": bad}}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := migrations.Up(context.Background(), d, set); err == nil || !strings.Contains(err.Error(), "migrations bad") {
			t.Fatalf("Up = %v, want an error that names the set", err)
		}
		for _, s := range schema(t, d) {
			if strings.HasPrefix(s, "half.") {
				t.Errorf("%s was left behind", s)
			}
		}
	}, migrations.Jobs)
}
