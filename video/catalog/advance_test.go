package catalog_test

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

func plan(n *catalog.NewVideo) {
	n.SourceKey = "sources/one"
	n.Renditions = []catalog.Rendition{
		{Kind: catalog.KindWeb, Resolution: 720, FPS: 30, Required: true},
		{Kind: catalog.KindHLS, Resolution: 720, FPS: 30},
		{Kind: catalog.KindHLS, Resolution: 480, FPS: 30},
	}
}

func kinds(list []catalogtest.Job) []string {
	var out []string
	for _, j := range list {
		out = append(out, j.Kind)
	}
	return out
}

func renditions(t *testing.T, w *catalogtest.World, videoID int64) []catalog.Rendition {
	t.Helper()
	var rows []catalog.Rendition
	if err := w.DB.Read(context.Background()).Where("video_id = ?", videoID).Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestAdvance walks the table of states.
func TestAdvance(t *testing.T) {
	type step struct {
		done, fail int // index of the rendition, -1: none
		state      catalog.State
		jobs       []string
	}
	transcode := transcodeKinds(3)
	for _, c := range []struct {
		name    string
		wait    bool
		privacy catalog.Privacy
		steps   []step
	}{
		{"first required one publishes", false, catalog.Public, []step{
			{-1, -1, catalog.ToTranscode, transcode},
			{0, -1, catalog.Published, []string{"video.federate"}},
			{1, -1, catalog.Published, []string{"video.federate"}},
			{2, -1, catalog.Published, []string{"video.federate", "video.delete-files"}},
		}},
		{"waits for all", true, catalog.Public, []step{
			{-1, -1, catalog.ToTranscode, transcode},
			{0, -1, catalog.ToTranscode, nil},
			{1, -1, catalog.ToTranscode, nil},
			{2, -1, catalog.Published, []string{"video.federate", "video.delete-files"}},
		}},
		{"optional failure does not hold it back", true, catalog.Public, []step{
			{-1, -1, catalog.ToTranscode, transcode},
			{0, -1, catalog.ToTranscode, nil},
			{-1, 1, catalog.ToTranscode, nil},
			{2, -1, catalog.Published, []string{"video.federate", "video.delete-files"}},
		}},
		{"required failure", true, catalog.Public, []step{
			{-1, -1, catalog.ToTranscode, transcode},
			{-1, 0, catalog.TranscodingFailed, nil},
			{1, -1, catalog.TranscodingFailed, nil},
			{2, -1, catalog.TranscodingFailed, nil}, // and the upload stays
		}},
		{"private is published without a word", false, catalog.Private, []step{
			{-1, -1, catalog.ToTranscode, transcode},
			{0, -1, catalog.Published, nil},
			{1, -1, catalog.Published, nil},
			{2, -1, catalog.Published, []string{"video.delete-files"}},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				w := catalogtest.New(t, d)
				v := w.Video(w.User("alice", rest.RoleUser), "A film", plan, func(n *catalog.NewVideo) {
					n.Attributes.WaitTranscoding, n.Attributes.Privacy = c.wait, c.privacy
				})
				rows := renditions(t, w, v.ID)
				for i, s := range c.steps {
					w.Tx(func(tx *db.Tx) error {
						if s.done >= 0 {
							return w.Catalog.FinishRendition(tx, &rows[s.done])
						}
						if s.fail >= 0 {
							return w.Catalog.FailRendition(tx, &rows[s.fail], "the encoder gave up")
						}
						return w.Catalog.Advance(tx, v.ID) // a second time changes nothing
					})
					if got := w.Reload(v.ID); got.State != s.state {
						t.Errorf("step %d: state %v, want %v", i, got.State.Label(), s.state.Label())
					}
					if got := kinds(w.TakeJobs()); !slices.Equal(got, s.jobs) {
						t.Errorf("step %d: jobs %v, want %v", i, got, s.jobs)
					}
				}
			})
		})
	}
}

// transcodeKinds names n transcoding jobs.
func transcodeKinds(n int) []string { return slices.Repeat([]string{"video.transcode"}, n) }

func TestPublishSetsDateAndError(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	v := w.Video(w.User("alice", rest.RoleUser), "A film", plan)
	created := v.PublishedAt
	rows := renditions(t, w, v.ID)
	w.Tx(func(tx *db.Tx) error { return w.Catalog.FailRendition(tx, &rows[0], "no such codec") })
	if got := w.Reload(v.ID); got.LastError != "no such codec" || got.SourceKey == "" {
		t.Errorf("after the failure: error %q, upload %q", got.LastError, got.SourceKey)
	}
	w.Tx(func(tx *db.Tx) error { // planned again by hand
		if err := tx.Exec("UPDATE renditions SET state = 'planned' WHERE id = ?", rows[0].ID).Error; err != nil {
			return err
		}
		return w.Catalog.Advance(tx, v.ID)
	})
	if got := w.Reload(v.ID); got.State != catalog.ToTranscode || got.LastError != "" {
		t.Errorf("planned again: state %v, error %q", got.State, got.LastError)
	}
	w.Tx(func(tx *db.Tx) error { return w.Catalog.FinishRendition(tx, &rows[0]) })
	if got := w.Reload(v.ID); !got.PublishedAt.After(created) || got.State != catalog.Published {
		t.Errorf("published at %v, created %v, state %v", got.PublishedAt, created, got.State)
	}
}

func TestProgress(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	v := w.Video(w.User("alice", rest.RoleUser), "A film", plan)
	rows := renditions(t, w, v.ID)
	w.Tx(func(tx *db.Tx) error { return w.Catalog.SetProgress(tx, rows[1].ID, 140) })
	if got := renditions(t, w, v.ID)[1].Progress; got != 100 {
		t.Errorf("progress %d, want 100", got)
	}
}

// TestReconcile checks that a rendition whose job ended silently comes on.
func TestReconcile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		w := catalogtest.New(t, d)
		v := w.Video(w.User("alice", rest.RoleUser), "A film", plan)
		rows := renditions(t, w, v.ID)
		w.Tx(func(tx *db.Tx) error {
			var all []jobs.Job
			if err := tx.Where("kind = ?", "video.transcode").Order("id").Find(&all).Error; err != nil {
				return err
			}
			// The first is dead, the second lost, the third alive.
			err := tx.Exec("UPDATE jobs SET state = 'dead', last_error = 'killed' WHERE id = ?", all[0].ID).Error
			if err == nil {
				err = tx.Exec("DELETE FROM jobs WHERE id = ?", all[1].ID).Error
			}
			if err == nil {
				err = tx.Exec("UPDATE renditions SET updated_at = ?", db.Now().Add(-1e12)).Error
			}
			return err
		})
		if err := w.Catalog.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		got := renditions(t, w, v.ID)
		if got[0].State != catalog.RenditionFailed || got[0].LastError != "killed" {
			t.Errorf("with a dead job: %s %q", got[0].State, got[0].LastError)
		}
		if v := w.Reload(v.ID); v.State != catalog.TranscodingFailed {
			t.Errorf("state %v, want transcoding failed", v.State)
		}
		var args []string
		for _, j := range w.TakeJobs("video.transcode") {
			args = append(args, j.Args)
		}
		want := make([]string, 2)
		for i, r := range []int{2, 1} { // the live one was first
			raw, err := json.Marshal(catalog.TranscodeArgs{VideoID: v.ID, RenditionID: rows[r].ID})
			if err != nil {
				t.Fatal(err)
			}
			want[i] = string(raw)
		}
		if !slices.Equal(args, want) {
			t.Errorf("waiting jobs %v, want %v", args, want)
		}
	})
}

func TestJobsDeleteFiles(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	if err := w.Files.Put(context.Background(), "web-videos/a.mp4", nilReader{}); err != nil {
		t.Fatal(err)
	}
	for _, h := range w.Catalog.Jobs() {
		if h.Kind != "video.delete-files" {
			continue
		}
		for range 2 { // the second time nothing is there
			if err := h.Work(context.Background(), []byte(`{"keys":["web-videos/a.mp4"]}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if keys := w.Files.Keys(); len(keys) != 0 {
		t.Errorf("still stored: %v", keys)
	}
}

type nilReader struct{}

func (nilReader) Read([]byte) (int, error) { return 0, io.EOF }
