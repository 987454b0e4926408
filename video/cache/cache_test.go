package cache_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/cache"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestEvict: of what was fetched from other servers the newest files stay, so many
// as the settings say, and what this server's videos have stays in any case.
func TestEvict(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		dir := t.TempDir()
		store, err := storage.OpenFS(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() }) // the folder goes with the test
		w := catalogtest.New(t, d, func(o *catalog.Options) {
			o.PutFile = func(ctx context.Context, key string, r io.Reader) error { _, err := store.Put(ctx, key, r); return err }
			o.DeleteFile = store.Delete
		})
		limits := config.Default().Cache
		s := cache.New(cache.Options{DB: d, Store: store, Limits: func() config.Cache { return limits }})

		begin := time.Now().Add(-time.Hour)
		put := func(key string, age int) {
			t.Helper()
			if _, err := store.Put(t.Context(), key, strings.NewReader("bytes")); err != nil {
				t.Fatal(err)
			}
			at := begin.Add(-time.Duration(age) * time.Minute)
			if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(key)), at, at); err != nil {
				t.Fatal(err)
			}
		}
		fetch := func(v *catalog.Video, name string, age int) {
			t.Helper()
			w.Tx(func(tx *db.Tx) error {
				rows := []interface{ Key() string }{
					&catalog.Caption{VideoID: v.ID, Language: "en", Filename: name + ".vtt", RemoteURL: "https://far.example/en.vtt", Stored: true},
					&catalog.Storyboard{VideoID: v.ID, Filename: name + ".jpg", RemoteURL: "https://far.example/s.jpg", Stored: true},
				}
				preview := catalog.Thumbnail{Type: catalog.Preview, Filename: name + ".jpg", RemoteURL: "https://far.example/p.jpg", Stored: true}
				put(preview.Key(), age)
				if err := w.Catalog.SetThumbnails(tx, v, []catalog.Thumbnail{preview}); err != nil {
					return err
				}
				for _, r := range rows {
					put(r.Key(), age)
					if err := tx.Create(r).Error; err != nil {
						return err
					}
				}
				return nil
			})
		}
		far := w.Remote("carol", "far.example")
		for i, age := range []int{30, 10, 20, 40} {
			r := catalogtest.RemoteVideo(far, fmt.Sprintf("0a11ce00-0000-4000-8000-00000000000%d", i))
			r.Infohashes, r.Files, r.HLS = nil, nil, nil
			fetch(w.SaveRemote(r), fmt.Sprint("far", age), age)
		}
		own := w.Video(w.User("alice", rest.RoleUser), "Own")
		w.Tx(func(tx *db.Tx) error {
			return tx.Exec("DELETE FROM thumbnails WHERE video_id = ?", own.ID).Error
		})
		fetch(own, "own", 90)

		is := func(when string, previews, captions, storyboards string) {
			t.Helper()
			for _, j := range s.Jobs() {
				if err := j.Work(t.Context(), []byte("{}")); err != nil {
					t.Fatalf("%s: %v", when, err)
				}
			}
			for table, want := range map[string][2]string{
				"(SELECT preview AS filename, preview_stored AS stored FROM thumbnails WHERE preview <> '') p": {"previews", previews},
				"video_captions": {"captions", captions}, "storyboards": {"storyboards", storyboards},
			} {
				var names []string
				if err := d.Read(t.Context()).Raw("SELECT filename FROM " + table + " WHERE stored ORDER BY filename").Scan(&names).Error; err != nil {
					t.Fatal(err)
				}
				var files []string
				if err := store.Walk(t.Context(), want[0]+"/", func(o storage.Object) error {
					files = append(files, strings.TrimPrefix(o.Key, want[0]+"/"))
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				slices.Sort(files)
				short := func(list []string) string {
					for i := range list {
						list[i], _, _ = strings.Cut(list[i], ".")
					}
					return strings.Join(list, " ")
				}
				if got, got2 := short(names), short(files); got != want[1] || got2 != want[1] {
					t.Errorf("%s: %s: rows %q and files %q, want %q", when, table, got, got2, want[1])
				}
			}
		}
		all := "far10 far20 far30 far40 own"
		is("with the default", all, all, all)
		limits.Previews.Size, limits.Captions.Size = 2, 3
		is("fewer", "far10 far20 own", "far10 far20 far30 own", all)
		is("again", "far10 far20 own", "far10 far20 far30 own", all)

		// A file that is gone without its row is noted as such.
		if err := store.Delete(t.Context(), "storyboards/far10.jpg"); err != nil {
			t.Fatal(err)
		}
		limits.Storyboards.Size = 3
		is("a file is gone", "far10 far20 own", "far10 far20 far30 own", "far20 far30 far40 own")
		limits = config.Cache{}
		is("none", "own", "own", "own")
	})
}
