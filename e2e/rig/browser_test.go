package rig

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The rig itself: a page plays a clip, errors are seen.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	clip, err := Clip(ctx, t.TempDir(), 3, 320, 180)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/clip.mp4", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, clip) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<video src=/clip.mp4 loop></video><input type=file><script>setTimeout(() => { throw new Error('seen') })</script>`))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	b, err := StartBrowser(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := b.Open(ctx, server.URL+"/", PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	err = Eventually(ctx, 30*time.Second, "20 frames are shown", func(ctx context.Context) (bool, error) {
		n, err := p.Frames(ctx)
		return n > 20, err
	})
	if err != nil {
		t.Error(err)
	}
	if !strings.Contains(strings.Join(p.Errors(), "\n"), "seen") {
		t.Errorf("errors of the page: %q", p.Errors())
	}
	if err := p.Eval(ctx, `nothing.here`, nil); err == nil {
		t.Error("a wrong expression is no error")
	}
	if err := p.SetFile(ctx, "input", clip); err != nil {
		t.Error(err)
	}
	var name string
	if err := p.Eval(ctx, `document.querySelector('input').files[0].name`, &name); err != nil || name != filepath.Base(clip) {
		t.Errorf("the input holds %q, %v", name, err)
	}
	silent, err := b.Open(ctx, server.URL+"/", PageOptions{NoScript: true})
	if err != nil {
		t.Fatal(err)
	}
	err = Eventually(ctx, 30*time.Second, "20 frames are shown without scripts", func(ctx context.Context) (bool, error) {
		n, err := silent.DecodedFrames(ctx)
		return n > 20, err
	})
	if err != nil || len(silent.Errors()) > 0 {
		t.Errorf("without scripts: %v, errors %q, want none", err, silent.Errors())
	}
	shot := filepath.Join(t.TempDir(), "shot.png")
	if err := p.Screenshot(ctx, shot); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(shot); err != nil || info.Size() < 1000 {
		t.Errorf("screenshot: %v", err)
	}
}
