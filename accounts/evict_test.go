package accounts_test

import (
	"image/color"
	"io/fs"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/storage"
)

// TestPicturesAreEvicted: of the pictures of other servers those that were fetched
// last are kept; the others are fetched again when somebody looks.
func TestPicturesAreEvicted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		dir := t.TempDir()
		store, err := storage.OpenFS(dir, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() }) // the folder goes with the test
		most := 10
		pictures := picture.New(picture.Options{
			DB: d, Transport: aptest.Transport(t), Logger: slog.New(slog.DiscardHandler), MaxFetched: func() int { return most },
		})
		pictures.Files, a.Pictures.Files = store, store
		us := s.Instance()
		if _, err := a.Channels.SetPicture(t.Context(), us.ID, picture.Avatar, face(t, 90, 90, color.White)); err != nil {
			t.Fatal(err)
		}
		r := aptest.New(t)
		show := map[string]func() error{}
		for _, name := range []string{"ann", "bob", "carl"} {
			by := r.Actor(actor.Person, name)
			r.Handle("/pics/"+name+".png", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "image/png")
				_, _ = w.Write(face(t, 60, 60, color.Black))
			})
			by.Doc["icon"] = map[string]any{"type": "Image", "url": r.Origin + "/pics/" + name + ".png", "width": 60}
			by.Publish()
			path := refreshed(t, s, pictures, by.IRI).Avatar.At(100)
			show[name] = func() error {
				key, err := pictures.Find(t.Context(), "avatars", path[strings.LastIndex(path, "/")+1:])
				if err != nil {
					return err
				}
				f, err := store.Open(t.Context(), key)
				if err != nil {
					return err
				}
				return f.Close()
			}
		}
		look := func(names ...string) {
			t.Helper()
			for _, name := range names {
				if err := show[name](); err != nil {
					t.Errorf("the picture of %s: %v", name, err)
				}
			}
		}
		files := func() (n int) {
			t.Helper()
			err := filepath.WalkDir(filepath.Join(dir, "avatars"), func(_ string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() {
					n++
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		evict := func() {
			t.Helper()
			for _, j := range pictures.Jobs() {
				if j.Kind == (picture.EvictArgs{}).Kind() {
					if err := j.Work(t.Context(), []byte("{}")); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		fetched := func(ann, bob, carl int) {
			t.Helper()
			for name, want := range map[string]int{"ann": ann, "bob": bob, "carl": carl} {
				if n := r.Fetches("/pics/" + name + ".png"); n != want {
					t.Errorf("the picture of %s was fetched %d times, want %d", name, n, want)
				}
			}
		}
		const own, each = 4, 3 // files of our picture, which has a larger size, and of one of theirs
		look("ann", "bob", "carl")
		evict()
		if n := files(); n != own+3*each {
			t.Errorf("%d files with room for all", n)
		}
		most = 1
		evict()
		if n := files(); n != own+each {
			t.Errorf("%d files with room for one", n)
		}
		look("carl")
		fetched(1, 1, 1)
		look("ann")
		fetched(2, 1, 1)
		evict()
		look("ann", "carl") // ann was fetched last
		fetched(2, 1, 2)
		most = 0
		evict()
		if n := files(); n != own {
			t.Errorf("%d files without room", n)
		}
		look("bob")
		fetched(2, 2, 2)
	})
}
