package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"testing/fstest"
)

func embedded(t *testing.T) *Assets {
	t.Helper()
	a, err := NewAssets()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sourceHash is the twin of the function in ui/vite.config.ts.
func sourceHash(t *testing.T, dir string) string {
	t.Helper()
	files := []string{"package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"}
	err := filepath.WalkDir(filepath.Join(dir, "src"), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		files = append(files, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(files)
	h := sha256.New()
	for _, f := range files {
		body, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		h.Write([]byte(f + "\x00"))
		h.Write(body)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestClientIsBuiltFromItsSources(t *testing.T) {
	want, err := distFS.ReadFile("dist/SOURCE_HASH")
	if err != nil {
		t.Fatal(err)
	}
	if got := sourceHash(t, "ui"); got != strings.TrimSpace(string(want)) {
		t.Errorf("web/dist was built from other sources (%s, now %s): run make ui and commit web/dist", strings.TrimSpace(string(want)), got)
	}
}

// gzSize is what a file weighs on the wire.
func gzSize(t *testing.T, a *Assets, name string) int {
	t.Helper()
	raw, err := fs.ReadFile(a.files, name+".gz")
	if err != nil {
		t.Fatalf("%s has no compressed copy: %v", name, err)
	}
	return len(raw)
}

func TestBudgets(t *testing.T) {
	a := embedded(t)
	sum := func(files []string) (n int) {
		for _, f := range files {
			n += gzSize(t, a, f)
		}
		return n
	}
	page := func(entries ...string) (js, css []string) {
		seen := map[string]bool{}
		add := func(to *[]string, files []string) {
			for _, f := range files {
				if !seen[f] {
					seen[f] = true
					*to = append(*to, f)
				}
			}
		}
		for _, e := range entries {
			j, c, err := a.closure(e)
			if err != nil {
				t.Fatal(err)
			}
			add(&js, j)
			add(&css, c)
		}
		return js, css
	}
	homeJS, homeCSS := page("src/site.ts")
	watchJS, watchCSS := page("src/site.ts", "src/watch.ts")
	publishJS, publishCSS := page("src/site.ts", "src/publish.ts")
	embedJS, embedCSS := page("src/embed.ts")
	hls := a.manifest["src/player/hls.ts"].File
	p2p := a.manifest["src/player/p2p.ts"].File
	for _, b := range []struct {
		what     string
		got, max int
	}{
		{"JS of home", sum(homeJS), 8_000},
		{"JS of watch before hls", sum(watchJS), 75_000},
		{"hls chunk", gzSize(t, a, hls), 130_000},
		{"p2p chunk", gzSize(t, a, p2p), 50_000},
		{"JS of publish", sum(publishJS), 90_000},
		{"CSS of home", sum(homeCSS), 15_000},
		{"CSS of watch", sum(watchCSS), 15_000},
		{"CSS of publish", sum(publishCSS), 15_000},
		{"embed before media", sum(embedJS) + sum(embedCSS) + gzSize(t, a, hls), 220_000},
	} {
		if b.got > b.max {
			t.Errorf("%s: %d bytes, budget %d", b.what, b.got, b.max)
		}
		t.Logf("%-22s %6d of %6d", b.what, b.got, b.max)
	}
	for _, f := range watchJS {
		if f == hls || f == p2p {
			t.Errorf("%s is loaded with the watch page, not on demand", f)
		}
	}
}

func TestPackedCopiesAreTheFiles(t *testing.T) {
	a := embedded(t)
	names, err := fs.Glob(a.files, "*.gz")
	if err != nil || len(names) == 0 {
		t.Fatalf("packed files: %v, %v", names, err)
	}
	for _, name := range names {
		plain, err := fs.ReadFile(a.files, strings.TrimSuffix(name, ".gz"))
		if err != nil {
			t.Fatal(err)
		}
		packed, _ := fs.ReadFile(a.files, name)
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s is not what it packs (%v)", name, err)
		}
		if bytes.Contains(plain, []byte("__VITE_PRELOAD__")) {
			t.Errorf("%s holds an unresolved marker", name)
		}
	}
}

func TestServeAssets(t *testing.T) {
	a, err := newAssets(fstest.MapFS{
		"manifest.json": {Data: []byte(`{"font":{"file":"f-1.woff2"}}`)},
		"f-1.woff2":     {Data: []byte("font")},
		"x-1.js":        {Data: []byte("plain")},
		"x-1.js.gz":     {Data: []byte("packed")},
		"x-1.js.br":     {Data: []byte("brotli")},
		"licences.txt":  {Data: []byte("MIT")},
		"evil.svg":      {Data: []byte("<svg/>")},
		"sub/y.js":      {Data: []byte("sub")},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, path, accept       string
		status                   int
		body, coding, cache, typ string
	}{
		{"brotli first", "x-1.js", "gzip, deflate, br", 200, "brotli", "br", "immutable", "text/javascript"},
		{"gzip", "x-1.js", "gzip", 200, "packed", "gzip", "immutable", "text/javascript"},
		{"refused coding", "x-1.js", "br;q=0, gzip;q=0.5", 200, "packed", "gzip", "immutable", "text/javascript"},
		{"plain", "x-1.js", "", 200, "plain", "", "immutable", "text/javascript"},
		{"no copy", "f-1.woff2", "br", 200, "font", "", "immutable", "font/woff2"},
		{"no hash in the name", "licences.txt", "", 200, "MIT", "", "max-age=3600", "text/plain"},
		{"copy by its own name", "x-1.js.gz", "", 404, "", "", "", ""},
		{"kind not served", "evil.svg", "", 404, "", "", "", ""},
		{"manifest", "manifest.json", "", 404, "", "", "", ""},
		{"folder", "sub/y.js", "", 404, "", "", "", ""},
		{"upwards", "../x-1.js", "", 404, "", "", "", ""},
		{"unknown", "nope.js", "", 404, "", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/assets/x", nil)
			r.URL.Path = "/assets/" + tt.path
			if tt.accept != "" {
				r.Header.Set("Accept-Encoding", tt.accept)
			}
			w := httptest.NewRecorder()
			a.ServeHTTP(w, r)
			if w.Code != tt.status {
				t.Fatalf("status %d, want %d", w.Code, tt.status)
			}
			if tt.status != 200 {
				return
			}
			h := w.Header()
			if w.Body.String() != tt.body || h.Get("Content-Encoding") != tt.coding ||
				!strings.Contains(h.Get("Cache-Control"), tt.cache) || !strings.HasPrefix(h.Get("Content-Type"), tt.typ) {
				t.Errorf("got %q %v", w.Body.String(), h)
			}
			if h.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Vary = %q", h.Get("Vary"))
			}
		})
	}
}

func TestServeAssetsHead(t *testing.T) {
	a := embedded(t)
	js, _, err := a.closure("src/site.ts")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/assets/"+js[len(js)-1], nil))
	if w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
}

func TestTags(t *testing.T) {
	a := embedded(t)
	got, err := a.Tags("src/site.ts", "src/watch.ts", "+src/player/hls.ts")
	if err != nil {
		t.Fatal(err)
	}
	s := string(got)
	if n := strings.Count(s, "<script type=\"module\""); n != 2 {
		t.Errorf("%d module scripts, want 2: %s", n, s)
	}
	hls := a.manifest["src/player/hls.ts"].File
	if !strings.Contains(s, `<link rel="modulepreload" href="/assets/`+hls+`">`) {
		t.Errorf("hls chunk is not preloaded: %s", s)
	}
	for f := range strings.SplitSeq(s, `="/assets/`) {
		name, _, _ := strings.Cut(f, `"`)
		if strings.Count(s, `"/assets/`+name+`"`) > 1 {
			t.Errorf("%s is named twice", name)
		}
	}
	if _, err := a.Tags("src/nope.ts"); err == nil {
		t.Error("an unknown entry gives no error")
	}
}

func TestAssetsWithoutManifestDoNotStart(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"no manifest": {},
		"no JSON":     {"manifest.json": {Data: []byte("x")}},
		"no font":     {"manifest.json": {Data: []byte("{}")}},
	} {
		if _, err := newAssets(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func gzipped(t *testing.T, body []byte) int {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}
