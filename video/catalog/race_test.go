package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// together runs n functions at once and returns their errors.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// TestAdvanceAtOnce lets all renditions of a video end at the same moment: it is
// published once, at the last one.
func TestAdvanceAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice := w.User("alice", rest.RoleUser)
		for round := range 5 {
			v := w.Video(alice, fmt.Sprint("Film ", round), plan, func(n *catalog.NewVideo) {
				n.Attributes.WaitTranscoding, n.SourceKey = true, fmt.Sprint("sources/", round)
			})
			w.TakeJobs()
			rows := renditions(t, w, v.ID)
			for _, err := range together(len(rows), func(i int) error {
				return d.Tx(context.Background(), func(tx *db.Tx) error { return w.Catalog.FinishRendition(tx, &rows[i]) })
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if got := w.Reload(v.ID); got.State != catalog.Published || got.SourceKey != "" {
				t.Errorf("round %d: %v, upload %q", round, got.State.Label(), got.SourceKey)
			}
			if got := kinds(w.TakeJobs()); !slices.Equal(got, []string{"video.federate", "video.delete-files"}) {
				t.Errorf("round %d: jobs %v", round, got)
			}
		}
	})
}

// TestSaveRemoteAtOnce delivers one new video several times at once, as by
// several shares: one row comes of it.
func TestSaveRemoteAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		carol := w.Remote("carol", "far.example")
		const uuid = "0a11ce00-0000-4000-8000-000000000001"
		saved := 0
		for _, err := range together(6, func(int) error {
			return d.Tx(context.Background(), func(tx *db.Tx) error {
				_, _, err := w.Catalog.SaveRemote(tx, catalogtest.RemoteVideo(carol, uuid))
				return err
			})
		}) {
			switch {
			case err == nil:
				saved++
			case !db.IsDuplicate(err): // which is tried again
				t.Error(err)
			}
		}
		var rows, files int64
		err := errors.Join(d.Read(t.Context()).Table("videos").Count(&rows).Error, d.Read(t.Context()).Table("video_files").Count(&files).Error)
		if err != nil || saved == 0 || rows != 1 || files != 3 {
			t.Errorf("%d saved, %d videos, %d files (%v)", saved, rows, files, err)
		}
	})
}

// TestUpdateAndDeleteAtOnce: whoever comes first, nothing is left half done.
func TestUpdateAndDeleteAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice := w.User("alice", rest.RoleUser)
		for range 5 {
			v := w.Video(alice, "Contended")
			w.WithFiles(v)
			errs := together(4, func(i int) error {
				if i == 0 {
					return w.Catalog.Delete(context.Background(), alice.Principal(), catalog.Ref{ID: v.ID})
				}
				in := form.Input{"name": {fmt.Sprint("Name ", i)}, "tags": {"aa", fmt.Sprint("tag", i)}}
				return w.Catalog.Update(context.Background(), alice.Principal(), catalog.Ref{ID: v.ID}, in, nil)
			})
			for i, err := range errs {
				if err != nil && (i == 0 || !errors.Is(err, catalog.ErrNotFound)) {
					t.Errorf("call %d: %v", i, err)
				}
			}
			if _, err := w.Catalog.ByID(t.Context(), v.ID); !errors.Is(err, catalog.ErrNotFound) {
				t.Errorf("still there: %v", err)
			}
			for _, table := range []string{"video_tags", "video_files", "thumbnails"} {
				var n int64
				if err := d.Read(t.Context()).Table(table).Where("video_id = ?", v.ID).Count(&n).Error; err != nil || n != 0 {
					t.Errorf("%s keeps %d rows (%v)", table, n, err)
				}
			}
		}
	})
}

// TestDropActor removes the videos of an account with what hangs on them.
func TestDropActor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		carol := w.Remote("carol", "far.example")
		var mine []*catalog.Video
		for i := range 3 {
			mine = append(mine, w.Video(alice, fmt.Sprint("Hers ", i)))
		}
		kept := w.Video(bob, "His")
		far := w.SaveRemote(catalogtest.RemoteVideo(carol, "0a11ce00-0000-4000-8000-000000000001"))
		w.Follow(alice.ChannelActorID)
		w.Tx(func(tx *db.Tx) error { return w.Catalog.AddShare(tx, far, alice.ChannelActorID, "https://x.example/a") })
		if !w.Reload(far.ID).Listed {
			t.Error("shared by a followed channel, not listed")
		}
		for range 2 { // it may run twice
			for _, id := range []int64{alice.ActorID, alice.ChannelActorID} {
				if err := w.Catalog.DropActor(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, v := range mine {
			if _, err := w.Catalog.ByID(t.Context(), v.ID); !errors.Is(err, catalog.ErrNotFound) {
				t.Errorf("%s: %v", v.Name, err)
			}
		}
		if w.Reload(kept.ID).Name != "His" {
			t.Error("another's video is gone")
		}
		if w.Reload(far.ID).Listed {
			t.Error("still listed for a share that is gone")
		}
	})
}
