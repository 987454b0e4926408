package transcode_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/torrent"
	"github.com/kinemesh/kinemesh/video/transcode"
)

// TestPublish: an upload that browsers can play becomes a published video in two
// resolutions, both as a file and as HLS. The large ones are copies.
func TestPublish(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		allow := torrent.NewAllowList(func(context.Context, string) (bool, error) { return false, nil })
		e := newEnv(t, d, func(o *transcode.Options) { o.AllowList = allow })
		v := e.upload("A film", film(t), slices.Concat(both(180, true), both(144, false)))
		if v.State != catalog.ToTranscode {
			t.Fatalf("state = %v", v.State)
		}
		e.run()
		v = e.Reload(v.ID)
		if v.State != catalog.Published || v.SourceKey != "" || v.LastError != "" {
			t.Errorf("video = %+v", v)
		}
		m := e.complete(v, []int{180, 144}, []int{180, 144})
		for _, r := range e.renditions(v) {
			if r.State != catalog.RenditionDone || r.Progress != 100 {
				t.Errorf("rendition = %+v", r)
			}
		}
		want := pictures(t, film(t))
		for _, f := range []catalog.File{m.Files[0], m.HLS[0]} {
			if got := pictures(t, e.object(catalog.FileKey(v, &f))); got != want {
				t.Errorf("%s holds other pictures than the upload", f.Filename)
			}
		}
		if m.Files[1].Width != 256 || m.Files[1].Height != 144 || m.Files[1].FPS != 25 || !m.Files[1].HasAudio || !m.Files[1].HasVideo {
			t.Errorf("lower file = %+v", m.Files[1])
		}
		// A second run of every job changes nothing.
		before := e.keys()
		for _, r := range e.renditions(v) {
			if err := e.work(r); err != nil {
				t.Errorf("second run: %v", err)
			}
		}
		if diff := cmp.Diff(before, e.keys()); diff != "" {
			t.Error(diff)
		}
	})
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInputs: uploads that have to be encoded, or have no picture.
func TestInputs(t *testing.T) {
	tests := map[string]struct {
		data       []byte
		renditions []catalog.Rendition
		web, hls   []int
		video      bool
	}{
		"webm": {
			clip(t, "v.webm", "-f", "lavfi", "-i", "testsrc=s=160x90:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2", "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"),
			both(90, true),
			[]int{90},
			[]int{90},
			true,
		},
		"odd size": {
			clip(t, "v.mkv", "-f", "lavfi", "-i", "testsrc=s=161x121:r=25:d=1", "-c:v", "ffv1", "-pix_fmt", "yuv444p"),
			both(121, true),
			[]int{120},
			[]int{120},
			true,
		},
		"HLS alone": {film(t), []catalog.Rendition{{Kind: catalog.KindHLS, Resolution: 144, FPS: 25, Required: true}}, nil, []int{144}, true},
		"web alone": {film(t), []catalog.Rendition{{Kind: catalog.KindWeb, Resolution: 180, FPS: 25, Required: true}}, []int{180}, nil, true},
		"sound":     {clip(t, "song.mp3", "-f", "lavfi", "-i", "sine=d=2"), both(0, true), []int{480}, []int{480}, true},
		"sound as HLS alone": {
			clip(t, "song.flac", "-f", "lavfi", "-i", "sine=d=2"),
			[]catalog.Rendition{{Kind: catalog.KindHLS, Required: true}},
			nil,
			[]int{0},
			false,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, dbtest.SQLite(t))
			v := e.upload("A film", tt.data, tt.renditions)
			preview := ""
			if name == "sound" {
				preview = e.preview(v)
			}
			e.run()
			if v = e.Reload(v.ID); v.State != catalog.Published {
				t.Fatalf("state = %v: %s", v.State, v.LastError)
			}
			if preview != "" { // it would be in the way of the check
				if err := e.store.Delete(t.Context(), preview); err != nil {
					t.Fatal(err)
				}
			}
			m := e.complete(v, tt.web, tt.hls)
			for _, f := range slices.Concat(m.Files, m.HLS) {
				if f.HasVideo != tt.video {
					t.Errorf("file = %+v", f)
				}
			}
		})
	}
}

// preview gives a video the picture that an upload makes.
func (e *env) preview(v *catalog.Video) string {
	e.T.Helper()
	data := clip(e.T.(*testing.T), "p.jpg", "-f", "lavfi", "-i", "color=red:s=850x480", "-frames:v", "1")
	p := catalog.Thumbnail{Type: catalog.Preview, Filename: uuid.NewString() + ".jpg", Width: 850, Height: 480, Stored: true}
	if _, err := e.store.Put(context.Background(), p.Key(), bytes.NewReader(data)); err != nil {
		e.T.Fatal(err)
	}
	e.Tx(func(tx *db.Tx) error { return e.Catalog.SetThumbnails(tx, v, []catalog.Thumbnail{p}) })
	return p.Key()
}

// TestFails: every bad upload ends in a named state with a reason that tells
// nothing of this machine, and leaves nothing behind. REL-22
func TestFails(t *testing.T) {
	good := film(t)
	tests := map[string]struct {
		data   []byte
		change func(t *testing.T, e *env, v *catalog.Video)
		want   string
	}{
		"cut off":   {good[:len(good)/2], nil, "no readable audio or video"},
		"playlist":  {[]byte("#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n"), nil, "no readable audio or video"},
		"empty":     {nil, nil, "no readable audio or video"},
		"lost":      {good, func(t *testing.T, e *env, v *catalog.Video) { e.lose(v) }, "not there any more"},
		"no upload": {good, func(t *testing.T, e *env, v *catalog.Video) { e.set(v, "source_key", "") }, "not there any more"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEnv(t, dbtest.SQLite(t))
			v := e.upload("A film", tt.data, both(180, true)[:1])
			if tt.change != nil {
				tt.change(t, e, v)
			}
			err := e.work(e.renditions(v)[0])
			if err == nil {
				t.Error("the job succeeded")
			}
			v = e.Reload(v.ID)
			r := e.renditions(v)[0]
			if v.State != catalog.TranscodingFailed || r.State != catalog.RenditionFailed || !strings.Contains(v.LastError, tt.want) {
				t.Errorf("state %v, rendition %+v, reason %q, want %q", v.State, r, v.LastError, tt.want)
			}
			if strings.Contains(v.LastError, "/") || strings.Contains(v.LastError, "ffprobe") {
				t.Errorf("reason %q tells of this machine", v.LastError)
			}
			for _, k := range e.keys() {
				if !strings.HasPrefix(k, "sources/") {
					t.Errorf("left behind: %s", k)
				}
			}
		})
	}
}

func (e *env) lose(v *catalog.Video) {
	e.T.Helper()
	if err := e.store.Delete(context.Background(), v.SourceKey); err != nil {
		e.T.Fatal(err)
	}
}

func (e *env) set(v *catalog.Video, column string, value any) {
	e.T.Helper()
	e.Tx(func(tx *db.Tx) error {
		return tx.Model(&catalog.Video{}).Where("id = ?", v.ID).UpdateColumn(column, value).Error
	})
}

// TestGone: a video that is deleted meanwhile ends its jobs quietly.
func TestGone(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.upload("A film", film(t), both(180, true))
	rows := e.renditions(v)
	slow := &executor{Executor: e.opts.Executor, before: func(int) error {
		e.Tx(func(tx *db.Tx) error {
			v, err := catalog.Lock(tx, v.ID)
			if err != nil {
				return err
			}
			return e.Catalog.Drop(tx, v)
		})
		return nil
	}}
	e.use(slow)
	if err := e.work(rows[0]); err != nil { // deleted while it was encoded
		t.Errorf("work = %v", err)
	}
	if err := e.work(rows[1]); err != nil { // deleted before
		t.Errorf("work = %v", err)
	}
	e.run()
	if keys := e.keys(); len(keys) != 0 {
		t.Errorf("left behind: %v", keys)
	}
}

// executor runs a function before each encoding.
type executor struct {
	transcode.Executor
	before func(n int) error

	mu sync.Mutex
	n  int
}

func (x *executor) Encode(ctx context.Context, in string, p transcode.Profile) (string, error) {
	x.mu.Lock()
	x.n++
	n := x.n
	x.mu.Unlock()
	if err := x.before(n); err != nil {
		return "", err
	}
	return x.Executor.Encode(ctx, in, p)
}

func (e *env) use(x transcode.Executor) {
	e.T.Helper()
	e.opts.Executor = x
	var err error
	if e.service, err = transcode.New(e.opts); err != nil {
		e.T.Fatal(err)
	}
}

// TestDiskFull: the job comes back when there may be room, and does not count as
// a failure. REL-16
func TestDiskFull(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	full := &executor{Executor: e.opts.Executor, before: func(n int) error {
		if n == 1 {
			return fmt.Errorf("ffmpeg: %w", storage.ErrFull)
		}
		return nil
	}}
	e.use(full)
	v := e.upload("A film", film(t), both(180, true)[:1])
	e.TakeJobs()
	start := db.Now()
	if err := e.work(e.renditions(v)[0]); err != nil {
		t.Fatalf("work = %v", err)
	}
	var again jobs.Job
	if err := e.DB.Read(t.Context()).Where("kind = ?", catalog.TranscodeArgs{}.Kind()).Take(&again).Error; err != nil {
		t.Fatal(err)
	}
	if again.State != jobs.Waiting || again.RunAt.Before(start.Add(30*time.Second)) || again.UniqueKey == nil || *again.UniqueKey != strconv.FormatInt(e.renditions(v)[0].ID, 10) {
		t.Errorf("job = %+v", again)
	}
	if r := e.renditions(v)[0]; r.State != catalog.RenditionQueued || e.Reload(v.ID).State != catalog.ToTranscode {
		t.Errorf("rendition = %+v", r)
	}
	e.Tx(func(tx *db.Tx) error {
		return tx.Model(&jobs.Job{}).Where("id = ?", again.ID).Update("run_at", db.Now()).Error
	})
	e.run()
	e.complete(v, []int{180}, nil)
}

// TestRetries: an error that may pass is tried again; when it never does, the
// rendition has failed with a reason.
func TestRetries(t *testing.T) {
	for _, tt := range []struct {
		failures int
		want     catalog.State
	}{{1, catalog.Published}, {100, catalog.TranscodingFailed}} {
		t.Run(fmt.Sprint(tt.failures), func(t *testing.T) {
			e := newEnv(t, dbtest.SQLite(t))
			flaky := &executor{Executor: e.opts.Executor, before: func(n int) error {
				if n <= tt.failures {
					return &ffmpeg.ToolError{Tool: "ffmpeg", Stderr: "/secret/path: broken", Err: errors.New("exit status 1")}
				}
				return nil
			}}
			e.use(flaky)
			v := e.upload("A film", film(t), both(180, true)[:1])
			handlers := e.handlers()
			handlers[0].Backoff = func(int) time.Duration { return time.Millisecond }
			jobstest.Run(t, e.DB, handlers...)
			deadline := time.Now().Add(30 * time.Second)
			for e.Reload(v.ID).State == catalog.ToTranscode {
				if time.Now().After(deadline) {
					t.Fatal("the video stays where it is")
				}
				time.Sleep(20 * time.Millisecond)
			}
			if got := e.Reload(v.ID); got.State != tt.want || strings.Contains(got.LastError, "secret") {
				t.Errorf("state %v, %q, want %v", got.State, got.LastError, tt.want)
			}
			if flaky.n != min(tt.failures+1, 3) {
				t.Errorf("%d attempts", flaky.n)
			}
		})
	}
}

// TestWaitsForWeb: HLS of the same resolution is copied from the web file, so it
// waits for that.
func TestWaitsForWeb(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	count := &executor{Executor: e.opts.Executor, before: func(int) error { return nil }}
	e.use(count)
	v := e.upload("A film", film(t), both(144, true))
	rows := e.renditions(v)
	e.TakeJobs()
	if err := e.work(rows[1]); err != nil || count.n != 0 {
		t.Errorf("work = %v after %d encodings", err, count.n)
	}
	waiting := func() (n int64) {
		if err := e.DB.Read(t.Context()).Model(&jobs.Job{}).Where("kind = 'video.transcode'").Count(&n).Error; err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := waiting(); n != 1 {
		t.Errorf("%d jobs, want it again", n)
	}
	e.Tx(func(tx *db.Tx) error { // this machine may be so slow that the pause is over
		return tx.Model(&jobs.Job{}).Where("kind = 'video.transcode'").Update("run_at", db.Now().Add(time.Hour)).Error
	})
	if err := e.work(rows[0]); err != nil {
		t.Fatal(err)
	}
	if n := waiting(); n != 2 {
		t.Errorf("%d jobs, want one that runs at once", n)
	}
	if err := e.work(rows[1]); err != nil {
		t.Fatal(err)
	}
	m := e.media(v)
	if a, b := pictures(t, e.object(catalog.FileKey(v, &m.Files[0]))), pictures(t, e.object(catalog.FileKey(v, &m.HLS[0]))); a != b {
		t.Errorf("encoded pictures %s and %s: they were not copied", a, b)
	}
	// When the web file has failed, HLS is made of the upload.
	v2 := e.upload("Another", film(t), both(144, true))
	rows = e.renditions(v2)
	e.Tx(func(tx *db.Tx) error { return e.Catalog.FailRendition(tx, &rows[0], "broken") })
	if err := e.work(rows[1]); err != nil {
		t.Fatal(err)
	}
	if m := e.media(v2); len(m.HLS) != 1 || m.HLS[0].Resolution != 144 {
		t.Errorf("media = %+v", m)
	}
}

// TestWebComesMeanwhile: the web file may be finished between the look for it
// and the decision to wait; HLS is then made at once, not after the pause.
func TestWebComesMeanwhile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		v := e.upload("A film", film(t), both(144, true))
		rows := e.renditions(v)
		e.TakeJobs()
		var once sync.Once
		looked := func(g *gorm.DB) {
			if g.Statement.Table == "renditions" && strings.Contains(strings.ToLower(g.Statement.SQL.String()), "count(") {
				once.Do(func() {
					if err := e.work(rows[0]); err != nil {
						t.Errorf("web file: %v", err)
					}
				})
			}
		}
		if err := d.Read(t.Context()).Callback().Query().After("gorm:query").Register("looked", looked); err != nil {
			t.Fatal(err)
		}
		if err := e.work(rows[1]); err != nil {
			t.Fatal(err)
		}
		if m := e.media(v); len(m.Files) != 1 || len(m.HLS) != 0 {
			t.Fatalf("%d files, %d of HLS: the web file did not come between", len(m.Files), len(m.HLS))
		}
		var due int64
		err := d.Read(t.Context()).Model(&jobs.Job{}).Where("kind = 'video.transcode' AND state = ? AND run_at <= ?", jobs.Waiting, db.Now()).Count(&due).Error
		if err != nil || due != 1 {
			t.Errorf("%d jobs run now, want that of HLS (%v)", due, err)
		}
	})
}

// pictures hashes the encoded pictures of a file.
func pictures(t *testing.T, data []byte) string {
	t.Helper()
	out, err := exec.Command(must(tool()).FFmpeg, "-v", "error", "-i", write(t, data), "-map", "0:v", "-c", "copy", "-f", "streamhash", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestAtOnce: renditions that end at the same moment all stand in the playlists.
func TestAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		gate := make(chan struct{})
		var arrived sync.WaitGroup
		arrived.Add(3)
		e.use(&executor{Executor: e.opts.Executor, before: func(int) error { arrived.Done(); <-gate; return nil }})
		v := e.upload("A film", clip(t, "s.mp4", "-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=1", "-c:v", "libx264", "-pix_fmt", "yuv420p"),
			[]catalog.Rendition{{Kind: catalog.KindHLS, Resolution: 180, Required: true}, {Kind: catalog.KindHLS, Resolution: 144}, {Kind: catalog.KindHLS, Resolution: 100}})
		var wg sync.WaitGroup
		for _, r := range e.renditions(v) {
			wg.Go(func() {
				if err := e.work(r); err != nil {
					t.Errorf("work = %v", err)
				}
			})
		}
		arrived.Wait()
		close(gate)
		wg.Wait()
		e.use(transcode.Local{Tool: must(tool())})
		e.run()
		e.complete(v, nil, []int{180, 144, 100})
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestRename: a new name means new torrents, made without reading the files
// again; the old ones go and their hashes are refused.
func TestRename(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		v := e.upload("A film", film(t), both(180, true))
		e.run()
		before := e.complete(v, []int{180}, []int{180})
		var swarms int64
		count := func() (n int64) {
			if err := d.Read(t.Context()).Model(&catalog.Infohash{}).Where("video_id = ?", v.ID).Count(&n).Error; err != nil {
				t.Fatal(err)
			}
			return n
		}
		swarms = count()
		if a := e.Do(e.alice, "PUT", "/api/v1/videos/"+v.UUID, map[string]any{"name": "Another film"}); a.Status != 204 {
			t.Fatalf("rename: %d %s", a.Status, a.Body)
		}
		e.run()
		if v = e.Reload(v.ID); v.Name != "Another film" {
			t.Fatalf("name = %q", v.Name)
		}
		after := e.complete(v, []int{180}, []int{180}) // which looks at the name in the torrent
		if after.Files[0].InfoHash == before.Files[0].InfoHash || after.Files[0].TorrentFilename == before.Files[0].TorrentFilename {
			t.Errorf("torrent = %+v", after.Files[0])
		}
		if ok, err := e.Catalog.KnownInfohash(t.Context(), before.Files[0].InfoHash); err != nil || ok {
			t.Errorf("the tracker still knows the old hash: %v", err)
		}
		if got := count(); got != swarms {
			t.Errorf("%d info hashes, before %d", got, swarms)
		}
		// Without the old torrent the file is hashed anew.
		if err := e.store.Delete(t.Context(), catalog.TorrentKey(after.Files[0].TorrentFilename)); err != nil {
			t.Fatal(err)
		}
		e.Tx(func(tx *db.Tx) error { return jobs.Insert(tx, catalog.TorrentArgs{VideoID: v.ID}) })
		e.run()
		e.complete(v, []int{180}, []int{180})
	})
}

// TestPrivate: the torrents of a private video do not tell where its files are,
// also after the change.
func TestPrivate(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.upload("A film", film(t), both(180, true), func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
	e.run()
	e.complete(v, []int{180}, []int{180})
	for _, privacy := range []catalog.Privacy{catalog.Public, catalog.Private} {
		if a := e.Do(e.alice, "PUT", "/api/v1/videos/"+v.UUID, map[string]any{"privacy": int(privacy)}); a.Status != 204 {
			t.Fatalf("change: %d %s", a.Status, a.Body)
		}
		e.run()
		if v = e.Reload(v.ID); v.Privacy != privacy {
			t.Fatalf("privacy = %v", v.Privacy)
		}
		e.complete(v, []int{180}, []int{180})
	}
}

// TestRenamedMeanwhile: a video that gets another name, or another privacy,
// while it is transcoded has the right torrents in the end.
func TestRenamedMeanwhile(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.upload("A film", film(t), both(180, true)[:1])
	e.use(&executor{Executor: e.opts.Executor, before: func(int) error { e.set(v, "name", "Quick change"); return nil }})
	e.run()
	e.complete(v, []int{180}, nil)
}

// TestCommitLost: when the answer to a commit is lost, what was stored is kept.
func TestCommitLost(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.upload("A film", film(t), both(180, true)[:1])
	ctx, cancel := context.WithCancel(t.Context())
	e.use(&executor{Executor: e.opts.Executor, before: func(int) error { cancel(); return nil }})
	raw := must(json.Marshal(catalog.TranscodeArgs{VideoID: v.ID, RenditionID: e.renditions(v)[0].ID}))
	if err := e.service.Jobs()[0].Work(ctx, raw); !errors.Is(err, context.Canceled) { // the server stops
		t.Errorf("work = %v", err)
	}
	if r := e.renditions(v)[0]; r.State != catalog.RenditionQueued || e.Reload(v.ID).State != catalog.ToTranscode {
		t.Errorf("rendition = %+v", r)
	}
	e.use(transcode.Local{Tool: must(tool())})
	e.run()
	e.complete(v, []int{180}, nil)
}

// TestProgress: the owner sees how far it is.
func TestProgress(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.upload("A film", film(t), both(144, true)[:1])
	seen := 0
	e.use(&reporter{Executor: e.opts.Executor, report: func(p transcode.Profile) {
		p.Progress(40)
		seen = e.renditions(v)[0].Progress
	}})
	e.run()
	if seen != 40 {
		t.Errorf("progress = %d, want 40", seen)
	}
}

type reporter struct {
	transcode.Executor
	report func(transcode.Profile)
}

func (r *reporter) Encode(ctx context.Context, in string, p transcode.Profile) (string, error) {
	r.report(p)
	return r.Executor.Encode(ctx, in, p)
}

// TestScratch: a start removes the folders of dead runs, and those only.
func TestScratch(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	folder := func(name string, locked bool) string {
		dir := filepath.Join(e.scratch, name)
		if err := os.MkdirAll(filepath.Join(dir, "out"), 0o700); err != nil {
			t.Fatal(err)
		}
		if locked { // by a process that is dead
			if err := os.WriteFile(filepath.Join(dir, ".lock"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	dead, young, old, other := folder("transcode-1", true), folder("transcode-2", false), folder("transcode-3", false), folder("other", true)
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, past, past); err != nil {
		t.Fatal(err)
	}
	var during []error
	e.use(&executor{Executor: e.opts.Executor, before: func(int) error {
		_, err := transcode.New(e.opts) // another process starts
		entries, _ := os.ReadDir(e.scratch)
		if len(entries) != 3 { // young, other and the one at work
			err = errors.Join(err, fmt.Errorf("scratch folder holds %v", entries))
		}
		during = append(during, err)
		return nil
	}})
	v := e.upload("A film", film(t), both(180, true)[:1])
	e.run()
	if e.Reload(v.ID).State != catalog.Published || len(during) != 1 || during[0] != nil {
		t.Errorf("state %v, errors %v", e.Reload(v.ID).State, during)
	}
	for dir, want := range map[string]bool{dead: false, young: true, old: false, other: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", filepath.Base(dir), err, want)
		}
	}
}

// TestRemoteStore: a store without files of its own is read into the scratch
// folder first.
func TestRemoteStore(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	hidden := struct{ storage.Store }{e.store} // without Path
	for name, store := range map[string]storage.Store{"one": hidden, "folders": &storage.Folders{Rest: hidden}} {
		e.opts.Store = store
		e.use(e.opts.Executor)
		v := e.upload(name, film(t), both(180, true))
		e.run()
		e.complete(v, []int{180}, []int{180})
		e.Tx(func(tx *db.Tx) error { return e.Catalog.Drop(tx, e.Reload(v.ID)) })
		e.run()
	}
}

// hanging is an ffmpeg that never ends by itself.
type hanging struct {
	transcode.Executor
	started chan struct{}
}

func (h hanging) Encode(ctx context.Context, _ string, _ transcode.Profile) (string, error) {
	h.started <- struct{}{}
	<-ctx.Done()
	return "", ctx.Err()
}

// TestCancelled: a rendition whose job an administrator cancels has failed, and
// its owner reads why.
func TestCancelled(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := hanging{started: make(chan struct{}, 10)}
		e := newEnv(t, d, func(o *transcode.Options) {
			h.Executor = o.Executor
			o.Executor = h
		})
		v := e.upload("Stuck", film(t), both(240, true)[:1])
		r := jobstest.Run(t, d, e.handlers()...)
		select {
		case <-h.started:
		case <-time.After(30 * time.Second):
			t.Fatal("not started")
		}
		var job jobs.Job
		if err := d.Read(t.Context()).Where("kind = ?", catalog.TranscodeArgs{}.Kind()).Take(&job).Error; err != nil {
			t.Fatal(err)
		}
		if ok, err := r.Cancel(t.Context(), job.ID); !ok || err != nil {
			t.Fatalf("cancel: %v, %v", ok, err)
		}
		for deadline := time.Now().Add(30 * time.Second); e.Reload(v.ID).State != catalog.TranscodingFailed; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("state %v", e.Reload(v.ID).State)
			}
		}
		if got := e.Reload(v.ID).LastError; got != "transcoding was cancelled" {
			t.Errorf("the owner reads %q", got)
		}
	})
}
