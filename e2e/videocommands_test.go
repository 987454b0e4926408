package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// TestVideoCommands: an administrator publishes a file of the machine, has
// pictures made again, cleans the storage and moves a folder of it.
func TestVideoCommands(t *testing.T) {
	ctx := slow(t, 5*time.Minute)
	i := start(ctx, t, rig.Options{})
	c := root(ctx, t, i)
	clip, err := rig.Clip(ctx, t.TempDir(), 3, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	run := func(out any, args ...string) string {
		t.Helper()
		text, err := i.Run(ctx, args...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, text)
		}
		if out != nil {
			if err := json.Unmarshal([]byte(text[strings.Index(text, "{"):]), out); err != nil {
				t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, text)
			}
		}
		return text
	}
	refused := func(want string, args ...string) {
		t.Helper()
		if text, err := i.Run(ctx, args...); err == nil || !strings.Contains(text, want) {
			t.Errorf("%s: %v, without %q:\n%s", strings.Join(args, " "), err, want, text)
		}
	}

	// Import.
	refused("use it as", "import-file", clip)
	refused(`no channel "nobody"`, "import-file", clip, "--channel", "nobody")
	refused(`--privacy "secret"`, "import-file", clip, "--channel", "root_channel", "--privacy", "secret")
	refused("name: ", "import-file", clip, "--channel", "root_channel", "--name", "x")
	refused("tags: ", "import-file", clip, "--channel", "root_channel", "--tags", "a,b,c,d,e,f,g")
	junk := filepath.Join(t.TempDir(), "junk.mp4")
	if err := os.WriteFile(junk, []byte("no video at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("", "import-file", junk, "--channel", "root_channel")
	var made struct {
		UUID string `json:"uuid"`
		URL  string `json:"url"`
	}
	run(&made, "import-file", clip, "--channel", "root_channel", "--name", "From the machine", "--tags", "one, two", "--language", "en", "--json")
	if _, err := c.WaitPublished(ctx, made.UUID, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(clip); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
	var all []rig.Video
	eventually(ctx, t, time.Minute, "all is transcoded", func(ctx context.Context) (bool, error) {
		if all, err = named(ctx, c, "From the machine"); err != nil || len(all) != 1 {
			return false, err
		}
		all[0], err = c.Video(ctx, made.UUID)
		return err == nil && len(all[0].StreamingPlaylists) > 0, err
	})

	// Pictures.
	thumbnails := filepath.Join(i.Dir, "data", "thumbnails")
	before := files(t, thumbnails)
	var drawn struct {
		Videos []struct {
			UUID  string `json:"uuid"`
			Error string `json:"error"`
		} `json:"videos"`
	}
	if run(&drawn, "videos", "regenerate-thumbnails", "--missing", "--json"); len(drawn.Videos) != 0 {
		t.Errorf("nothing is missing, yet %+v", drawn)
	}
	for _, f := range before {
		if err := os.Remove(filepath.Join(thumbnails, f)); err != nil {
			t.Fatal(err)
		}
	}
	if run(&drawn, "videos", "regenerate-thumbnails", "--missing", "--json"); len(drawn.Videos) != 1 || drawn.Videos[0].UUID != made.UUID || drawn.Videos[0].Error != "" {
		t.Errorf("of the missing ones %+v", drawn)
	}
	var shown struct {
		Path string `json:"thumbnailPath"`
	}
	if err := c.Get(ctx, "/api/v1/videos/"+made.UUID, &shown); err != nil {
		t.Fatal(err)
	}
	if res, err := c.Do(ctx, http.MethodGet, shown.Path, http.NoBody, nil, nil); err != nil || res.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("the new picture: %v", err)
	}
	refused("no video", "videos", "regenerate-thumbnails", "--video", "999")

	// Garbage.
	videos := filepath.Join(i.Dir, "data", "web-videos")
	left := filepath.Join(videos, "left-behind.mp4")
	if err := os.WriteFile(left, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	var pruned struct {
		Files   []string `json:"files"`
		Bytes   int64    `json:"bytes"`
		Deleted bool     `json:"deleted"`
	}
	for _, remove := range []bool{false, true} {
		args := []string{"videos", "prune", "--json"}
		if remove {
			args = append(args, "--delete")
		}
		if run(&pruned, args...); len(pruned.Files) != 1 || pruned.Files[0] != "web-videos/left-behind.mp4" || pruned.Bytes != 7 || pruned.Deleted != remove {
			t.Errorf("prune tells %+v", pruned)
		}
		if _, err := os.Stat(left); (err != nil) != remove {
			t.Errorf("after prune (%v): %v", remove, err)
		}
	}

	// Another folder.
	if err := i.Stop(); err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	kept := files(t, videos)
	if err := os.Rename(videos, elsewhere); err != nil {
		t.Fatal(err)
	}
	refused("should be one of", "videos", "move-storage", "holiday-pictures", elsewhere)
	refused("is no folder", "videos", "move-storage", "web-videos", elsewhere+"-not")
	refused("already", "videos", "move-storage", "web-videos", videos)
	var moved struct {
		Files int `json:"files"`
	}
	if run(&moved, "videos", "move-storage", "web-videos", elsewhere, "--json"); moved.Files != len(kept) || len(kept) == 0 || len(files(t, elsewhere)) != 0 {
		t.Errorf("%d of %d files moved, left are %v", moved.Files, len(kept), files(t, elsewhere))
	}
	if err := i.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	for _, f := range all[0].Files {
		if res, err := c.Do(ctx, http.MethodGet, f.FileURL, http.NoBody, nil, nil); err != nil || res.ContentLength != f.Size {
			t.Errorf("%s after the move: %v", f.FileURL, err)
		}
	}
	if out := run(nil, "check"); !strings.Contains(out, "no gap") {
		t.Errorf("check says %s", out)
	}
}

// files lists the files of a folder, hidden ones aside.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}
