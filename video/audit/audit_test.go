package audit_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/audit"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// world is an instance with one complete video whose objects are stored.
func world(t *testing.T, d *db.DB) (*catalogtest.World, *storage.FS, *catalog.Video) {
	t.Helper()
	w := catalogtest.New(t, d)
	store, err := storage.OpenFS(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	v := w.Video(w.User("alice", rest.RoleUser), "Complete")
	w.WithFiles(v)
	ctx := context.Background()
	m, err := catalog.LoadMedia(d.Read(ctx), v.ID)
	if err != nil {
		t.Fatal(err)
	}
	put := func(key string, size int64) {
		if _, err := store.Put(ctx, key, strings.NewReader(strings.Repeat("x", int(size)))); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range slices.Concat(m.Files, m.HLS) {
		put(catalog.FileKey(v, &f), f.Size)
		put(catalog.TorrentKey(f.TorrentFilename), 10)
		if f.PlaylistName != "" {
			put(catalog.HLSKey(v.UUID, f.PlaylistName), 10)
		}
	}
	put(catalog.HLSKey(v.UUID, m.Playlist.Filename), 10)
	put(catalog.HLSKey(v.UUID, m.Playlist.SegmentsFilename), 10)
	put("thumbnails/"+v.UUID+"-t.jpg", 10)
	put("previews/"+v.UUID+"-p.jpg", 10)
	w.Tx(func(tx *db.Tx) error {
		if err := w.Catalog.SetCaption(tx, v, &catalog.Caption{Language: "en", Filename: "c-en.vtt", Stored: true}); err != nil {
			return err
		}
		if err := w.Catalog.SetCaption(tx, v, &catalog.Caption{Language: "fr", Filename: "c-fr.vtt"}); err != nil { // not asked for yet
			return err
		}
		return w.Catalog.SetStoryboard(tx, v, &catalog.Storyboard{Filename: "b.jpg", Stored: true})
	})
	put("captions/c-en.vtt", 10)
	put("storyboards/b.jpg", 10)
	return w, store, v
}

func TestGaps(t *testing.T) {
	ctx := context.Background()
	for _, c := range []struct {
		name string
		harm func(t *testing.T, w *catalogtest.World, s *storage.FS, v *catalog.Video)
		want string // part of the only gap; empty: none
	}{
		{"nothing wrong", func(*testing.T, *catalogtest.World, *storage.FS, *catalog.Video) {}, ""},
		{"a file is gone", func(t *testing.T, _ *catalogtest.World, s *storage.FS, v *catalog.Video) {
			drop(t, s, "web-videos/"+v.UUID+"-web-720.mp4")
		}, "which is not stored"},
		{"a file is cut", func(t *testing.T, _ *catalogtest.World, s *storage.FS, v *catalog.Video) {
			put(t, s, "web-videos/"+v.UUID+"-web-720.mp4")
		}, "has 680948 bytes, it has 1"},
		{"a torrent is gone", func(t *testing.T, _ *catalogtest.World, s *storage.FS, v *catalog.Video) {
			drop(t, s, "torrents/"+v.UUID+"-720.torrent")
		}, "-720.torrent, which is not stored"},
		{"the master playlist is gone", func(t *testing.T, _ *catalogtest.World, s *storage.FS, v *catalog.Video) {
			drop(t, s, catalog.HLSKey(v.UUID, v.UUID+"-master.m3u8"))
		}, "playlist of video"},
		{"a thumbnail is gone", func(t *testing.T, _ *catalogtest.World, s *storage.FS, v *catalog.Video) {
			drop(t, s, "thumbnails/"+v.UUID+"-t.jpg")
		}, "thumbnail"},
		{"subtitles are gone", func(t *testing.T, _ *catalogtest.World, s *storage.FS, _ *catalog.Video) {
			drop(t, s, "captions/c-en.vtt")
		}, "captions/c-en.vtt, which is not stored"},
		{"a storyboard is gone", func(t *testing.T, _ *catalogtest.World, s *storage.FS, _ *catalog.Video) {
			drop(t, s, "storyboards/b.jpg")
		}, "storyboards/b.jpg, which is not stored"},
		{"an avatar is gone", func(t *testing.T, w *catalogtest.World, s *storage.FS, v *catalog.Video) {
			avatar(t, w, s, v, true)
			drop(t, s, "avatars/face-48.jpg")
		}, "avatars/face-48.jpg, which is not stored"},
		{"an avatar of another server was not asked for", func(t *testing.T, w *catalogtest.World, s *storage.FS, v *catalog.Video) {
			avatar(t, w, s, v, false)
		}, ""},
		{"an avatar has no row", func(t *testing.T, _ *catalogtest.World, s *storage.FS, _ *catalog.Video) {
			put(t, s, "avatars/stray-48.jpg")
			age(t, s, "avatars/stray-48.jpg")
		}, "avatars/stray-48.jpg is stored, but nothing names it"},
		{"a job will delete the avatar", func(t *testing.T, w *catalogtest.World, s *storage.FS, _ *catalog.Video) {
			put(t, s, "avatars/old-48.jpg")
			age(t, s, "avatars/old-48.jpg")
			w.Tx(func(tx *db.Tx) error { return jobs.Insert(tx, picture.DropArgs{Keys: []string{"avatars/old-48.jpg"}}) })
		}, ""},
		{"the picture of a playlist", func(t *testing.T, w *catalogtest.World, s *storage.FS, v *catalog.Video) {
			pictured(w, v)
			put(t, s, "thumbnails/playlist-x.jpg")
			age(t, s, "thumbnails/playlist-x.jpg")
		}, ""},
		{"the picture of a playlist is gone", func(_ *testing.T, w *catalogtest.World, _ *storage.FS, v *catalog.Video) {
			pictured(w, v)
		}, "thumbnails/playlist-x.jpg, which is not stored"},
		{"subtitles have no row", func(t *testing.T, _ *catalogtest.World, s *storage.FS, _ *catalog.Video) {
			put(t, s, "captions/stray.vtt")
			age(t, s, "captions/stray.vtt")
		}, "captions/stray.vtt is stored, but nothing names it"},
		{"an object has no row", func(t *testing.T, _ *catalogtest.World, s *storage.FS, _ *catalog.Video) {
			put(t, s, "web-videos/stray.mp4")
			age(t, s, "web-videos/stray.mp4")
		}, "web-videos/stray.mp4 is stored, but nothing names it"},
		{"a young object has no row yet", func(t *testing.T, _ *catalogtest.World, s *storage.FS, _ *catalog.Video) {
			put(t, s, "web-videos/young.mp4")
		}, ""},
		{"a job will delete the object", func(t *testing.T, w *catalogtest.World, s *storage.FS, _ *catalog.Video) {
			put(t, s, "web-videos/old.mp4")
			age(t, s, "web-videos/old.mp4")
			w.Tx(func(tx *db.Tx) error {
				return jobs.Insert(tx, catalog.DeleteFilesArgs{Keys: []string{"web-videos/old.mp4"}})
			})
		}, ""},
		{
			"nobody will federate", func(_ *testing.T, w *catalogtest.World, _ *storage.FS, _ *catalog.Video) { w.TakeJobs() },
			"no job will tell other servers",
		},
		{"nobody will transcode", func(_ *testing.T, w *catalogtest.World, _ *storage.FS, v *catalog.Video) {
			w.Insert("renditions", map[string]any{"video_id": v.ID, "kind": "web", "resolution": 480, "state": "queued"})
		}, "no job will make it"},
		{"nothing is left to do", func(_ *testing.T, w *catalogtest.World, _ *storage.FS, v *catalog.Video) {
			w.Tx(func(tx *db.Tx) error {
				return tx.Model(&catalog.Video{}).Where("id = ?", v.ID).UpdateColumn("state", catalog.ToTranscode).Error
			})
		}, "nothing is left to do"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				w, store, v := world(t, d)
				c.harm(t, w, store, v)
				gaps, err := (&audit.Audit{DB: d, Store: store, Federated: true}).Run(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if c.want == "" && len(gaps) == 0 {
					return
				}
				if c.want == "" || len(gaps) != 1 || !strings.Contains(gaps[0], c.want) {
					t.Errorf("gaps %q, want one with %q", gaps, c.want)
				}
			})
		})
	}
}

// avatar gives the account of a video one of two sizes.
func avatar(t *testing.T, w *catalogtest.World, s *storage.FS, v *catalog.Video, stored bool) {
	t.Helper()
	now := db.Now()
	p := picture.Picture{
		ActorID: v.Owner.AccountActorID, Kind: picture.Avatar, Name: "face", Extension: ".jpg", Sizes: picture.Sizes{{Width: 120, Height: 120}, {Width: 48, Height: 48}},
		Stored: stored, CreatedAt: now, UpdatedAt: now,
	}
	w.Tx(func(tx *db.Tx) error { return tx.Create(&p).Error })
	if stored {
		put(t, s, "avatars/face-120.jpg")
		put(t, s, "avatars/face-48.jpg")
	}
}

// pictured makes a playlist with a picture of its own.
func pictured(w *catalogtest.World, v *catalog.Video) {
	now := db.Now()
	w.Insert("playlists", map[string]any{
		"uuid": "7d016e79-a962-41a5-b5c7-0d2cff32cae9", "iri": "https://x.example/p", "account_id": v.Owner.AccountID, "local": true, "name": "Pictured",
		"privacy": 3, "thumbnail": "playlist-x.jpg", "created_at": now, "updated_at": now,
	})
}

func drop(t *testing.T, s *storage.FS, key string) {
	t.Helper()
	if err := s.Delete(context.Background(), key); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, s *storage.FS, key string) {
	t.Helper()
	if _, err := s.Put(context.Background(), key, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
}

// age makes an object two hours old.
func age(t *testing.T, s *storage.FS, key string) {
	t.Helper()
	p, err := s.Path(key)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(p, old, old); err != nil {
		t.Fatal(err)
	}
}
