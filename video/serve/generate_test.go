package serve_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/serve"
)

// clip encodes two seconds with ffmpeg.
func clip(t *testing.T, args ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "clip.mp4")
	cmd := exec.Command("ffmpeg", append(append([]string{"-v", "error"}, args...), out)...)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, msg)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A download is made of the pictures of one file and the sound of another.
func TestGeneratedDownloads(t *testing.T) {
	tool, err := ffmpeg.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e := newEnv(t, dbtest.SQLite(t), func(o *serve.Options) { o.Tool, o.MaxGenerated = tool, 1 })
	v, private := e.video("Über /alles", catalog.Public), e.video("Mine", catalog.Private)
	silent := clip(t, "-f", "lavfi", "-i", "testsrc=s=160x90:r=10:d=2", "-pix_fmt", "yuv420p", "-c:v", "libx264")
	sound := clip(t, "-f", "lavfi", "-i", "sine=d=2", "-c:a", "aac")
	pictures := catalog.File{Resolution: 90, Size: int64(len(silent)), Extname: ".mp4", HasVideo: true, Filename: v.UUID + "-90.mp4"}
	audio := catalog.File{Resolution: 0, Size: int64(len(sound)), Extname: ".mp4", HasAudio: true, Filename: v.UUID + "-0.mp4"}
	foreign := catalog.File{Resolution: 90, Size: int64(len(silent)), Extname: ".mp4", HasVideo: true, Filename: private.UUID + "-90.mp4"}
	e.Tx(func(tx *db.Tx) error {
		for _, f := range []*catalog.File{&pictures, &audio} {
			if err := e.Catalog.AddFile(tx, v, f); err != nil {
				return err
			}
		}
		return e.Catalog.AddFile(tx, private, &foreign)
	})
	e.put("web-videos/"+pictures.Filename, string(silent))
	e.put("web-videos/"+audio.Filename, string(sound))
	e.put("web-videos/"+foreign.Filename, string(silent))
	path := "/download/videos/generate/" + v.UUID
	both := fmt.Sprintf("%s?videoFileIds=%d&videoFileIds=%d", path, pictures.ID, audio.ID)

	w := e.get(nil, both)
	if w.Code != 200 || w.Header().Get("Content-Type") != "video/mp4" || !strings.Contains(w.Header().Get("Content-Disposition"), "attachment") {
		t.Fatalf("%d %v %.200s", w.Code, w.Header(), w.Body)
	}
	got := filepath.Join(t.TempDir(), "got.mp4")
	if err := os.WriteFile(got, w.Body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := tool.Probe(t.Context(), got)
	if err != nil || info.Video == nil || info.Audio == nil || info.Video.Height != 90 {
		t.Errorf("the download: %+v, %v", info, err)
	}
	w = e.get(nil, fmt.Sprint(path, "?videoFileIds[]=", audio.ID))
	if w.Code != 200 || w.Header().Get("Content-Type") != "audio/mp4" || !strings.Contains(w.Header().Get("Content-Disposition"), ".m4a") {
		t.Errorf("sound alone: %d %v", w.Code, w.Header())
	}
	for name, c := range map[string]struct {
		path string
		want int
	}{
		"no ids":              {path, 400},
		"no number":           {path + "?videoFileIds=x", 400},
		"three":               {both + "&videoFileIds=3", 400},
		"one twice":           {fmt.Sprintf("%s?videoFileIds=%d&videoFileIds=%d", path, audio.ID, audio.ID), 400},
		"of another video":    {fmt.Sprint(path, "?videoFileIds=", foreign.ID), 404},
		"no video":            {"/download/videos/generate/999999?videoFileIds=1", 404},
		"no id":               {"/download/videos/generate/..%2f..?videoFileIds=1", 404},
		"a private video":     {fmt.Sprint("/download/videos/generate/", private.UUID, "?videoFileIds=", foreign.ID), 403},
		"and with its token":  {fmt.Sprint("/download/videos/generate/", private.UUID, "?videoFileIds=", foreign.ID, "&videoFileToken=", e.token(e.alice, private.UUID)), 200},
		"a token for another": {fmt.Sprint("/download/videos/generate/", private.UUID, "?videoFileIds=", foreign.ID, "&videoFileToken=", e.token(e.alice, v.UUID)), 403},
	} {
		if w := e.get(nil, c.path); w.Code != c.want {
			t.Errorf("%s: %d %.200s, want %d", name, w.Code, w.Body, c.want)
		}
	}
	e.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET download_enabled = ?", false).Error })
	if w := e.get(nil, both); w.Code != 403 {
		t.Errorf("not for download: %d", w.Code)
	}
	if w := e.get(e.alice, both); w.Code != 200 {
		t.Errorf("by its owner: %d", w.Code)
	}
}

// Kept uploads are for the owner and for moderators alone.
func TestKeptUploads(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	v := e.video("Public", catalog.Public)
	e.Tx(func(tx *db.Tx) error {
		return catalog.SetSource(tx, &catalog.Source{VideoID: v.ID, Filename: "Holiday.MOV", Size: 13, KeptName: v.UUID + ".mov"})
	})
	path := "/download/original-video-files/" + v.UUID + ".mov"
	for name, c := range map[string]struct {
		status int
		token  string
	}{"nobody": {403, ""}, "the owner's token": {200, e.token(e.alice, v.UUID)}, "another user's token": {403, e.token(e.bob, v.UUID)}} {
		w := e.get(nil, path+"?videoFileToken="+c.token)
		if w.Code != c.status {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	w := e.get(e.alice, path)
	if w.Code != 200 || w.Body.String() != "secret source" || w.Header().Get("Cache-Control") != "private, no-cache" ||
		!strings.Contains(w.Header().Get("Content-Disposition"), "Holiday.mov") {
		t.Errorf("the owner: %d %s %v", w.Code, w.Body, w.Header())
	}
	for name, w := range map[string]int{"bob": e.get(e.bob, path).Code, "other name": e.get(e.alice, strings.Replace(path, ".mov", ".mp4", 1)).Code} {
		if w == 200 {
			t.Errorf("%s gets it", name)
		}
	}
	if w := e.get(e.mod, path); w.Code != 200 {
		t.Errorf("a moderator: %d", w.Code)
	}
	e.Tx(func(tx *db.Tx) error { return catalog.ForgetSource(tx, v.ID) })
	if w := e.get(e.alice, path); w.Code != 404 {
		t.Errorf("after it was deleted: %d", w.Code)
	}
}
