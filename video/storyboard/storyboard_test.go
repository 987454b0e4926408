package storyboard_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/storyboard"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestPlan compares the layout with PeerTube's for the recorded video and looks
// at the rule that all of a video is on it.
func TestPlan(t *testing.T) {
	if got := storyboard.Plan(20, 1.7778); got != (storyboard.Grid{Columns: 10, Rows: 2, Width: 192, Height: 108, Every: 1}) {
		t.Errorf("recorded video: %+v", got)
	}
	for _, ratio := range []float64{0, 0.5625, 1, 1.7778, 2.4, 16} {
		for seconds := range 4000 {
			g := storyboard.Plan(seconds, ratio)
			switch {
			case g.Columns < 1 || g.Columns > 10 || g.Rows < 1 || g.Rows > 10, g.Every < 1,
				g.Columns*g.Rows*g.Every < seconds, // the end is missing
				max(g.Width, g.Height) != 192, g.Width%2 != 0 || g.Height%2 != 0 || g.Width < 2 || g.Height < 2,
				seconds > 1 && g.Columns*g.Rows > seconds+9: // mostly empty
				t.Fatalf("%d s of %v: %+v", seconds, ratio, g)
			}
		}
	}
}

type env struct {
	*catalogtest.World
	store   *storage.Folders
	service *storyboard.Service
}

func setUp(t *testing.T, d *db.DB) *env {
	t.Helper()
	e := &env{World: catalogtest.New(t, d, func(o *catalog.Options) { o.Storyboards = func() bool { return true } }), store: &storage.Folders{Named: map[string]storage.Store{}}}
	for _, name := range []string{"web-videos", "storyboards"} {
		fs, err := storage.OpenFS(filepath.Join(t.TempDir(), name), 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = fs.Close() })
		e.store.Named[name] = fs
	}
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Skip(err)
	}
	e.service, err = storyboard.New(storyboard.Options{
		DB: d, Catalog: e.Catalog, Store: e.store, Tool: tool, Transport: aptest.Transport(t), Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Routes = e.service.Routes
	return e
}

func (e *env) run(t *testing.T, id int64) error {
	t.Helper()
	return e.service.Jobs()[0].Work(t.Context(), fmt.Appendf(nil, `{"videoId":%d}`, id))
}

// board reads the stored picture of a video.
func (e *env) board(t *testing.T, id int64) (*catalog.Storyboard, image.Image) {
	t.Helper()
	m, err := e.Catalog.Media(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if m.Storyboard == nil || !m.Storyboard.Stored {
		return m.Storyboard, nil
	}
	r, err := e.store.Open(t.Context(), m.Storyboard.Key())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	img, err := jpeg.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	return m.Storyboard, img
}

// TestMake draws the storyboard of a real file: red in the first half, blue in
// the second.
func TestMake(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := setUp(t, d)
		alice := e.User("alice", rest.RoleUser)
		v := e.Video(alice, "Red and blue", func(n *catalog.NewVideo) { n.Duration, n.SourceKey = 12, "sources/x" })
		if jobs := e.TakeJobs("video.storyboard"); len(jobs) != 1 {
			t.Fatalf("%d jobs after the upload", len(jobs))
		}
		if err := e.run(t, v.ID); err != nil {
			t.Errorf("a video without files: %v", err)
		}
		file := filepath.Join(t.TempDir(), "x.mp4")
		out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=320x180:r=10:d=6", "-f", "lavfi", "-i", "color=blue:s=320x180:r=10:d=6",
			"-filter_complex", "concat=n=2", "-g", "20", "-pix_fmt", "yuv420p", file).CombinedOutput()
		if err != nil {
			t.Skipf("ffmpeg: %v %s", err, out)
		}
		f := catalog.File{Resolution: 240, Width: 320, Height: 180, FPS: 10, Size: 1, Extname: ".mp4", HasVideo: true, Filename: "x.mp4"}
		if err := e.store.PutFile(t.Context(), "web-videos/x.mp4", file); err != nil {
			t.Fatal(err)
		}
		e.Tx(func(tx *db.Tx) error { return e.Catalog.AddFile(tx, v, &f) })
		e.TakeJobs()
		for range 2 { // a job may run twice
			if err := e.run(t, v.ID); err != nil {
				t.Fatal(err)
			}
		}
		row, img := e.board(t, v.ID)
		if row.TotalWidth != 6*192 || row.TotalHeight != 2*108 || row.SpriteWidth != 192 || row.SpriteHeight != 108 || row.SpriteDuration != 1 {
			t.Errorf("row %+v", row)
		}
		if b := img.Bounds(); b.Dx() != row.TotalWidth || b.Dy() != row.TotalHeight {
			t.Errorf("a picture of %v", b)
		}
		for i := range 12 {
			r, _, b, _ := img.At(i%6*192+96, i/6*108+54).RGBA()
			if red := r > b; red != (i < 6) && i != 6 {
				t.Errorf("picture %d is of %d red, %d blue", i, r>>8, b>>8)
			}
		}
		if jobs := e.TakeJobs("video.federate"); len(jobs) != 1 {
			t.Errorf("other servers are told by %d jobs", len(jobs))
		}
		a := e.Do(nil, "GET", "/api/v1/videos/"+v.UUID+"/storyboards", nil)
		for _, want := range []string{`"storyboardPath":"/lazy-static/storyboards/` + row.Filename, `"totalHeight":216`, `"totalWidth":1152`, `"spriteWidth":192`, `"spriteHeight":108`, `"spriteDuration":1`} {
			if !strings.Contains(string(a.Body), want) {
				t.Errorf("%s lacks %s", a.Body, want)
			}
		}
	})
}

// TestNone: no storyboard of sound, and none of files that vanished.
func TestNone(t *testing.T) {
	e := setUp(t, dbtest.SQLite(t))
	alice := e.User("alice", rest.RoleUser)
	sound := e.Video(alice, "Sound")
	e.Tx(func(tx *db.Tx) error {
		return e.Catalog.AddFile(tx, sound, &catalog.File{Size: 1, Extname: ".mp4", HasAudio: true, Filename: "s.mp4"})
	})
	if err := e.run(t, sound.ID); err != nil {
		t.Error(err)
	}
	lost := e.Video(alice, "Lost")
	e.WithFiles(lost)
	if err := e.run(t, lost.ID); err == nil {
		t.Error("a lost file went unnoticed")
	}
	if err := e.run(t, 1<<40); err != nil {
		t.Errorf("a video that is gone: %v", err)
	}
	for _, v := range []*catalog.Video{sound, lost} {
		a := e.Do(nil, "GET", "/api/v1/videos/"+v.UUID+"/storyboards", nil)
		if got := strings.TrimSpace(string(a.Body)); got != `{"storyboards":[]}` {
			t.Errorf("%s: %s", v.Name, got)
		}
	}
	if left, err := os.ReadDir(t.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestFetch gets the storyboard of a remote video, encoded anew in the size that
// its document tells.
func TestFetch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := setUp(t, d)
		far := aptest.New(t)
		var pic bytes.Buffer
		if err := png.Encode(&pic, image.NewRGBA(image.Rect(0, 0, 400, 100))); err != nil {
			t.Fatal(err)
		}
		away := true
		far.Handle("/b.png", func(w http.ResponseWriter, _ *http.Request) {
			if away {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
			if _, err := w.Write(pic.Bytes()); err != nil {
				t.Error(err)
			}
		})
		far.Handle("/page", func(w http.ResponseWriter, _ *http.Request) {
			if _, err := w.Write([]byte("<html>")); err != nil {
				t.Error(err)
			}
		})
		doc := catalogtest.RemoteVideo(e.Remote("carol", "far.example"), "0a11ce00-0000-4000-8000-000000000001")
		doc.Storyboard = &catalog.Storyboard{RemoteURL: far.Origin + "/b.png", TotalWidth: 200, TotalHeight: 50, SpriteWidth: 100, SpriteHeight: 50, SpriteDuration: 3}
		v := e.SaveRemote(doc)
		if err := e.service.Fetch(t.Context(), v.ID); err == nil {
			t.Error("its server is away, and no error")
		}
		away = false
		if err := e.service.Fetch(t.Context(), v.ID); err != nil {
			t.Fatal(err)
		}
		row, img := e.board(t, v.ID)
		if img == nil || img.Bounds().Dx() != 200 || img.Bounds().Dy() != 50 {
			t.Fatalf("stored %+v", row)
		}
		doc.Storyboard = &catalog.Storyboard{RemoteURL: far.Origin + "/page", TotalWidth: 200, TotalHeight: 50, SpriteWidth: 100, SpriteHeight: 50, SpriteDuration: 3}
		e.TakeJobs()
		e.SaveRemote(doc)
		if jobs := e.TakeJobs("video.delete-files"); len(jobs) != 1 || !strings.Contains(jobs[0].Args, row.Filename) {
			t.Errorf("the former picture stays: %v", jobs)
		}
		if err := e.service.Fetch(context.Background(), v.ID); err != nil {
			t.Error(err)
		}
		if row, img := e.board(t, v.ID); row == nil || img != nil {
			t.Errorf("a page was stored as a picture: %+v", row)
		}
		doc.Storyboard = nil
		e.SaveRemote(doc)
		if row, _ := e.board(t, v.ID); row != nil {
			t.Error("taken back, and still here")
		}
	})
}
