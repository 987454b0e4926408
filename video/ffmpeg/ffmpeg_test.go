package ffmpeg

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// media is the folder of the clips that several tests share.
var media string

func TestMain(m *testing.M) {
	var err error
	media, err = os.MkdirTemp("", "ffmpeg-test")
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(media)
	os.Exit(code)
}

var (
	found     sync.Once
	foundTool *Tool
	errFound  error
)

// tool is the machine's ffmpeg; the tests of this package are about nothing
// else, so its absence fails them.
func tool(t *testing.T) *Tool {
	t.Helper()
	found.Do(func() { foundTool, errFound = Find(t.Context()) })
	if errFound != nil {
		t.Fatal(errFound)
	}
	cp := *foundTool
	cp.Threads = func() int { return 1 }
	return &cp
}

var clips sync.Mutex

// clip makes a file with ffmpeg once and returns its path. The arguments are
// those between the global options and the file name.
func clip(t *testing.T, name string, args ...string) string {
	t.Helper()
	clips.Lock()
	defer clips.Unlock()
	path := filepath.Join(media, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	argv := append([]string{"-v", "error", "-y"}, args...)
	if out, err := exec.Command(tool(t).FFmpeg, append(argv, path)...).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v: %s", name, err, out)
	}
	return path
}

// lavfi are the inputs of a clip with a test picture and a tone.
func lavfi(size string, fps, seconds int) []string {
	return []string{
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=s=%s:r=%d:d=%d", size, fps, seconds),
		"-f", "lavfi", "-i", fmt.Sprintf("sine=d=%d", seconds),
	}
}

// goodClip is H.264 and AAC in MP4, which nothing has to encode again.
func goodClip(t *testing.T) string {
	return clip(t, "good.mp4", append(lavfi("320x180", 30, 5),
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "60",
		"-metadata", "title=secret place", "-c:a", "aac", "-ac", "2", "-b:a", "96k")...)
}

// vp9Clip is what a browser records: WebM, here without audio that fits MP4.
func vp8Clip(t *testing.T) string {
	return clip(t, "other.webm", append(lavfi("240x136", 25, 2), "-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus")...)
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// source probes a file that must pass.
func source(t *testing.T, path string) Source {
	t.Helper()
	info, err := tool(t).Probe(t.Context(), path)
	if err != nil {
		t.Fatalf("Probe(%s): %v", filepath.Base(path), err)
	}
	return Source{Path: path, Info: info}
}

func near(t *testing.T, what string, got, want, by time.Duration) {
	t.Helper()
	if d := got - want; d > by || d < -by {
		t.Errorf("%s = %v, want %v within %v", what, got, want, by)
	}
}

// decodes proves that a player gets through the whole file without an error.
func decodes(t *testing.T, path string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(tool(t).FFmpeg, "-v", "error", "-xerror", "-i", path, "-f", "null", "-")
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("decode %s: %v: %s", filepath.Base(path), err, stderr.String())
	}
}
