package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/migrations"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/backup"
)

// deleteArgs is the job that deletes a file once no row names it.
type deleteArgs struct{ Key string }

func (deleteArgs) Kind() string { return "test.delete" }

// place is where a server lives.
type place struct {
	cfg   *config.Config
	db    *db.DB
	files *storage.FS
}

func settings(t *testing.T, url string) *config.Config {
	t.Helper()
	c := config.Default()
	c.DataDir, c.Database.URL = t.TempDir(), config.Secret(url)
	c.Webserver = config.Webserver{HTTPS: true, Hostname: "tube.example"}
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t *testing.T, c *config.Config) *place {
	t.Helper()
	if err := c.Prepare(); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), c.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := migrations.Up(t.Context(), d, migrations.All()...); err != nil {
		t.Fatal(err)
	}
	files, err := storage.OpenFS(c.Storage.WebVideos, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	return &place{c, d, files}
}

// urls are two empty databases of each kind.
func each(t *testing.T, test func(t *testing.T, first, second string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "", "") })
	t.Run("postgres", func(t *testing.T) { test(t, dbtest.PostgresURL(t), dbtest.PostgresURL(t)) })
}

// add stores a file and then its row, as uploads do.
func (p *place) add(ctx context.Context, n int) error {
	content := make([]byte, 1000+n%5000)
	_, _ = rand.Read(content)
	sum := sha256.Sum256(content)
	key := fmt.Sprintf("v%d.mp4", n)
	if _, err := p.files.Put(ctx, key, bytes.NewReader(content)); err != nil {
		return err
	}
	return p.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Exec("INSERT INTO custom_pages (name, content, updated_at) VALUES (?, ?, ?)", key, hex.EncodeToString(sum[:]), db.Now()).Error
	})
}

// remove deletes the row, and has a job delete the file.
func (p *place) remove(ctx context.Context, n int) error {
	key := fmt.Sprintf("v%d.mp4", n)
	return p.db.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Exec("DELETE FROM custom_pages WHERE name = ?", key).Error; err != nil {
			return err
		}
		return jobs.Insert(tx, deleteArgs{key})
	})
}

// TestREL13BackupUnderLoad saves a server that stores and deletes all the time,
// and restores it elsewhere: each row has its file with the same bytes, other
// tables have their rows, and ids go on.
func TestREL13BackupUnderLoad(t *testing.T) {
	each(t, func(t *testing.T, first, second string) {
		p := open(t, settings(t, first))
		now := db.Now()
		must(t, p.db.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec(`INSERT INTO actors (type, username, host, iri, inbox, created_at, updated_at) VALUES ('Person', 'ann', '', 'https://tube.example/accounts/ann', ?, ?, ?)`,
				"tab\there \\ \"quoted\"\nnext line, ümläut 🎬", now, now).Error
		}))
		for n := range 300 {
			must(t, p.add(t.Context(), n))
		}
		runner, err := jobs.NewRunner(jobs.Options{DB: p.db, Logger: slog.New(slog.DiscardHandler), Handlers: []jobs.Handler{
			jobs.Handle(func(ctx context.Context, a deleteArgs) error { return p.files.Delete(ctx, a.Key) }),
		}})
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = runner.Run(ctx) })
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := p.remove(ctx, n); err == nil {
					err = p.add(ctx, 1000+n)
					_ = err // it ends when the test does
				}
			}
		})
		dir := filepath.Join(t.TempDir(), "backup")
		m, err := backup.Save(t.Context(), backup.Options{DB: p.db, Config: p.cfg, Version: "v1", Hold: []string{deleteArgs{}.Kind()}}, dir)
		stop()
		wg.Wait()
		must(t, err)
		if m.Tables["custom_pages"] < 100 || m.Tables["actors"] != 1 || m.Files < m.Tables["custom_pages"] || m.Bytes == 0 {
			t.Errorf("manifest %+v", m)
		}
		if _, err := backup.Save(t.Context(), backup.Options{DB: p.db, Config: p.cfg}, dir); err == nil {
			t.Error("saved over a backup")
		}

		c := settings(t, second)
		restored, err := backup.Restore(t.Context(), c, dir)
		must(t, err)
		if d := cmp.Diff(m, restored); d != "" {
			t.Error(d)
		}
		q := open(t, settings2(c))
		compare(t, q, m)
		var inbox string
		must(t, q.db.Read(t.Context()).Raw("SELECT inbox FROM actors").Scan(&inbox).Error)
		if !strings.Contains(inbox, "tab\there \\ \"quoted\"\nnext line, ümläut 🎬") {
			t.Errorf("text %q", inbox)
		}
		must(t, q.db.Tx(t.Context(), func(tx *db.Tx) error { return jobs.Insert(tx, deleteArgs{"new"}) })) // an id of its own
		if a, b := secret(t, p.cfg), secret(t, c); a != b {
			t.Error("another secret: everybody is signed out and sealed values are lost")
		}
		var held int64
		must(t, q.db.Read(t.Context()).Table("job_holds").Count(&held).Error)
		if held != 0 {
			t.Error("jobs are still held")
		}
		if _, err := backup.Restore(t.Context(), c, dir); err == nil && first == "" {
			t.Error("restored over a server that is there")
		}
	})
}

// settings2 are the same settings, read anew.
func settings2(c *config.Config) *config.Config {
	n := config.Default()
	n.DataDir, n.Database, n.Webserver = c.DataDir, c.Database, c.Webserver
	_ = n.Complete()
	return n
}

// compare looks at each row's file.
func compare(t *testing.T, p *place, m *backup.Manifest) {
	t.Helper()
	var rows []struct{ Name, Content string }
	must(t, p.db.Read(t.Context()).Raw("SELECT name, content FROM custom_pages ORDER BY name").Scan(&rows).Error)
	if int64(len(rows)) != m.Tables["custom_pages"] {
		t.Errorf("%d rows, want %d", len(rows), m.Tables["custom_pages"])
	}
	for _, r := range rows {
		f, err := p.files.Open(t.Context(), r.Name)
		if err != nil {
			t.Errorf("%s is named by a row: %v", r.Name, err)
			continue
		}
		h := sha256.New()
		_, err = io.Copy(h, f)
		_ = f.Close()
		if err != nil || hex.EncodeToString(h.Sum(nil)) != r.Content {
			t.Errorf("%s has other bytes, %v", r.Name, err)
		}
	}
}

func secret(t *testing.T, c *config.Config) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.DataDir, "secret"))
	must(t, err)
	return string(text)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestRestoreRefuses what is no whole backup, and what does not fit.
func TestRestoreRefuses(t *testing.T) {
	p := open(t, settings(t, ""))
	for n := range 3 {
		must(t, p.add(t.Context(), n))
	}
	for name, tc := range map[string]struct {
		spoil func(t *testing.T, dir string, c *config.Config)
		want  string
	}{
		"no manifest": {func(t *testing.T, dir string, _ *config.Config) {
			must(t, os.Remove(filepath.Join(dir, "manifest.json")))
		}, "no complete backup"},
		"changed file": {func(t *testing.T, dir string, _ *config.Config) {
			must(t, os.WriteFile(filepath.Join(dir, "files/web-videos/v1.mp4"), []byte("other"), 0o600))
		}, "other bytes"},
		"missing file": {func(t *testing.T, dir string, _ *config.Config) {
			must(t, os.Remove(filepath.Join(dir, "files/web-videos/v1.mp4")))
		}, "v1.mp4"},
		"shortened list": {func(t *testing.T, dir string, _ *config.Config) {
			must(t, os.Truncate(filepath.Join(dir, "files.jsonl"), 0))
		}, "0 files instead of 3"},
		"another address": {func(_ *testing.T, _ string, c *config.Config) { c.Webserver.Hostname = "other.example" }, "update-host"},
		"other database":  {func(_ *testing.T, _ string, c *config.Config) { c.Database.URL = "postgres://localhost/none" }, "the settings name postgres"},
		"other secret": {func(t *testing.T, _ string, c *config.Config) {
			must(t, os.WriteFile(filepath.Join(c.DataDir, "secret"), bytes.Repeat([]byte("x"), 64), 0o600))
		}, "another secret"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "b")
			if _, err := backup.Save(t.Context(), backup.Options{DB: p.db, Config: p.cfg}, dir); err != nil {
				t.Fatal(err)
			}
			c := settings(t, "")
			tc.spoil(t, dir, c)
			_, err := backup.Restore(t.Context(), c, dir)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
			if _, err := os.Stat(filepath.Join(c.DataDir, "kinemesh.db")); err == nil {
				t.Error("there is a database nevertheless")
			}
		})
	}
	var n int64
	must(t, p.db.Read(t.Context()).Table("job_holds").Where("until > ?", db.Now().Add(-time.Hour)).Count(&n).Error)
	if n != 0 {
		t.Error("jobs stay held after a backup")
	}
}
