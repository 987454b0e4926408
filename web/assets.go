package web

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var distFS embed.FS

// assetPrefix is where the client's files are served; vite.config.ts says the same.
const assetPrefix = "/assets/"

// chunk is an entry of Vite's manifest.
type chunk struct {
	File           string   `json:"file"`
	Src            string   `json:"src"`
	IsEntry        bool     `json:"isEntry"`
	CSS            []string `json:"css"`
	Imports        []string `json:"imports"`
	DynamicImports []string `json:"dynamicImports"`
}

// Assets are the built files of the client. They are immutable: every name but
// licences.txt carries a hash of its content.
type Assets struct {
	files    fs.FS
	manifest map[string]chunk
	font     string
}

// NewAssets reads the manifest of the embedded client.
func NewAssets() (*Assets, error) {
	dist, err := fs.Sub(distFS, "dist")
	if err != nil {
		return nil, err
	}
	return newAssets(dist)
}

func newAssets(dist fs.FS) (*Assets, error) {
	a := &Assets{files: dist}
	raw, err := fs.ReadFile(dist, "manifest.json")
	if err != nil {
		return nil, fmt.Errorf("client files: %w", err)
	}
	if err := json.Unmarshal(raw, &a.manifest); err != nil {
		return nil, fmt.Errorf("client files: manifest: %w", err)
	}
	for _, c := range a.manifest {
		if strings.HasSuffix(c.File, ".woff2") {
			a.font = c.File
		}
	}
	if a.font == "" {
		return nil, errors.New("client files: no font in the manifest")
	}
	return a, nil
}

// closure lists the scripts of an entry, imports first and the entry last, and
// its style sheets.
func (a *Assets) closure(key string) (js, css []string, err error) {
	seen := map[string]bool{}
	var walk func(string) error
	walk = func(k string) error {
		if seen[k] {
			return nil
		}
		seen[k] = true
		c, ok := a.manifest[k]
		if !ok {
			return fmt.Errorf("client files: no entry %q", k)
		}
		for _, i := range c.Imports {
			if err := walk(i); err != nil {
				return err
			}
		}
		css = append(css, c.CSS...)
		if strings.HasSuffix(c.File, ".js") {
			js = append(js, c.File)
		}
		return nil
	}
	err = walk(key)
	return js, css, err
}

// Tags writes the head elements of the entries: style sheets, modulepreload
// links and the module script. An entry that begins with "+" is only
// preloaded: a chunk that a script will import later.
func (a *Assets) Tags(entries ...string) (template.HTML, error) {
	var b strings.Builder
	done := map[string]bool{}
	link := func(format, file string) {
		if done[file] {
			return
		}
		done[file] = true
		fmt.Fprintf(&b, format, html.EscapeString(assetPrefix+file))
	}
	for _, entry := range entries {
		key, preload := strings.CutPrefix(entry, "+")
		js, css, err := a.closure(key)
		if err != nil {
			return "", err
		}
		for _, file := range css {
			link(`<link rel="stylesheet" href="%s">`, file)
		}
		for i, file := range js {
			if preload || i < len(js)-1 {
				link(`<link rel="modulepreload" href="%s">`, file)
			} else {
				link(`<script type="module" src="%s"></script>`, file)
			}
		}
	}
	return template.HTML(b.String()), nil //nolint:gosec // names from our own manifest, escaped
}

// Font writes the preload link of the text font.
func (a *Assets) Font() template.HTML {
	return template.HTML(fmt.Sprintf( //nolint:gosec // a name from our own manifest, escaped
		`<link rel="preload" href="%s" as="font" type="font/woff2" crossorigin>`, html.EscapeString(assetPrefix+a.font)))
}

// assetTypes are the kinds of files that are served; others do not exist.
var assetTypes = map[string]string{
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".woff2": "font/woff2",
	".txt":   "text/plain; charset=utf-8",
}

// ServeHTTP serves one file below /assets/, in the best encoding there is a
// ready copy of, for a year.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, assetPrefix)
	kind, ok := assetTypes[path.Ext(name)]
	if !ok || !fs.ValidPath(name) || strings.Contains(name, "/") {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	body, err := fs.ReadFile(a.files, name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	h.Set("Content-Type", kind)
	h.Add("Vary", "Accept-Encoding")
	if strings.HasSuffix(name, ".txt") {
		h.Set("Cache-Control", "public, max-age=3600")
	} else {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	for _, e := range [...]struct{ coding, ext string }{{"br", ".br"}, {"gzip", ".gz"}} {
		if !accepts(r.Header.Get("Accept-Encoding"), e.coding) {
			continue
		}
		if packed, err := fs.ReadFile(a.files, name+e.ext); err == nil {
			h.Set("Content-Encoding", e.coding)
			body = packed
			break
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) //nolint:gosec // an embedded file of our own; an error means that the client went away
	}
}

// accepts tells whether an Accept-Encoding header allows coding (RFC 9110 12.5.3).
func accepts(header, coding string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), coding) {
			continue
		}
		q, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
		if !ok {
			return true
		}
		weight, err := strconv.ParseFloat(q, 64)
		return err == nil && weight > 0
	}
	return false
}
