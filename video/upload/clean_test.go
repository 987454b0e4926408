package upload_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/upload"
)

// TestClean: what nobody goes on with is removed, and nothing else.
func TestClean(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := clip(t)
		old := db.Now().Add(-61 * time.Minute)

		_, expired := e.openWithPicture("Expired", len(file))
		e.chunk(expired, file, 0, 5000)
		active := e.mustOpen(e.meta("Active"), len(file))
		e.chunk(active, file, 0, 5000)
		done := e.mustOpen(e.meta("Done"), len(file))
		v := e.video(e.chunk(done, file, 0, len(file)))
		for _, id := range []string{expired, done} {
			e.exec("UPDATE uploads SET updated_at = ? WHERE id = ?", old, id)
		}
		stray := filepath.Join(e.opts.Dir, strings.Repeat("a", 32))
		frames := filepath.Join(e.opts.Dir, "frames-1")
		if err := os.WriteFile(stray, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(frames, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{stray, frames} {
			if err := os.Chtimes(p, old, old); err != nil {
				t.Fatal(err)
			}
		}
		pictures := func() int {
			n := 0
			if err := e.store.Walk(t.Context(), "", func(o storageObject) error {
				if strings.HasSuffix(o.Key, ".jpg") {
					n++
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := pictures(); n != 4 {
			t.Errorf("%d pictures before", n)
		}
		if keys, err := e.up.Keys(t.Context()); err != nil || len(keys) != 6 { // a source and two pictures each
			t.Errorf("Keys = %v, %v", keys, err)
		}
		if err := e.up.Clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		e.exec("UPDATE jobs SET state = 'done' WHERE kind = 'video.transcode'") // another package's
		jobstest.Run(t, d, e.catalog.Jobs()...)
		jobstest.Drain(t, d)
		if n := pictures(); n != 2 {
			t.Errorf("%d pictures after", n)
		}
		if a := e.chunk(expired, file, 5000, len(file)); a.Code != 404 {
			t.Errorf("an expired upload goes on: %d", a.Code)
		}
		if got := e.parts(); len(got) != 1 || got[0] != active {
			t.Errorf("parts %v, want the active one", got)
		}
		if _, err := e.catalog.ByID(t.Context(), v.ID); err != nil {
			t.Errorf("the video of a forgotten upload: %v", err)
		}
		e.stored(v.SourceKey)
		e.checkPictures(v)
		e.video(e.chunk(active, file, 5000, len(file)))
	})
}

func TestPeriodic(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	p := e.up.Periodic()
	if len(p) != 1 || p[0].Every > 10*time.Minute {
		t.Fatalf("Periodic = %+v", p)
	}
	h := e.up.Jobs()
	if len(h) != 1 || h[0].Kind != p[0].Args.Kind() {
		t.Fatalf("Jobs = %+v", h)
	}
	if err := h[0].Work(context.Background(), []byte("{}")); err != nil {
		t.Error(err)
	}
}

func TestAbort(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := clip(t)
		id := e.mustOpen(e.meta("Aborted"), len(file))
		e.chunk(id, file, 0, 5000)
		if a := e.Do("DELETE", resumable+"?upload_id="+id, e.token, nil); a.Code != 204 || a.Body.Len() != 0 {
			t.Errorf("abort: %d %s", a.Code, a.Text())
		}
		if a := e.Do("DELETE", resumable+"?upload_id="+id, e.token, nil); a.Code != 404 {
			t.Errorf("abort again: %d", a.Code)
		}
		if a := e.chunk(id, file, 5000, len(file)); a.Code != 404 {
			t.Errorf("chunk after the abort: %d", a.Code)
		}
		if p := e.parts(); len(p) != 0 {
			t.Errorf("left behind: %v", p)
		}
		fresh := e.mustOpen(e.meta("Aborted"), len(file))
		e.video(e.chunk(fresh, file, 0, len(file)))
	})
}

// TestChannelGone: the channel was deleted while the file came in.
func TestChannelGone(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	file := clip(t)
	id := e.mustOpen(e.meta("Homeless"), len(file))
	e.exec("UPDATE actors SET gone_at = ? WHERE username = 'alice_channel'", db.Now())
	if a := e.chunk(id, file, 0, len(file)); a.Code != 400 || !strings.Contains(a.Text(), "channel") {
		t.Errorf("%d %s", a.Code, a.Text())
	}
	if n := e.count("SELECT COUNT(*) FROM videos") + e.count("SELECT COUNT(*) FROM uploads"); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// TestUnusedUploadsGo: with a day to go on, only what never received anything is
// removed after an hour.
func TestUnusedUploadsGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		file := clip(t)
		day := e.opts
		day.ExpireAfter = 24 * time.Hour
		patient, err := upload.New(day)
		if err != nil {
			t.Fatal(err)
		}
		old := db.Now().Add(-61 * time.Minute)
		begun, unused := e.mustOpen(e.meta("Begun"), len(file)), e.mustOpen(e.meta("Unused"), len(file))
		e.chunk(begun, file, 0, 5000)
		for _, id := range []string{begun, unused} {
			e.exec("UPDATE uploads SET updated_at = ? WHERE id = ?", old, id)
		}
		if err := patient.Clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a := e.chunk(unused, file, 0, 5000); a.Code != 404 {
			t.Errorf("an upload that received nothing for an hour goes on: %d", a.Code)
		}
		if a := e.chunk(begun, file, 5000, len(file)); a.Code != 200 {
			t.Errorf("an upload that began an hour ago does not go on: %d %s", a.Code, a.Body)
		}
	})
}
