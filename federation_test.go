package main

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
)

var update = flag.Bool("update", false, "write what is generated")

const (
	federationFile     = "FEDERATION.md"
	federationTemplate = "docs/FEDERATION.md.tmpl"
)

// TestFederationFile: FEDERATION.md (FEP-67ff) names exactly the activities that
// the modules have registered. The words stand in the template: a block
// "in Create Video" says what is done with one that comes, a block
// "out Create Video by video/federation" when one goes.
func TestFederationFile(t *testing.T) {
	text, err := os.ReadFile(federationTemplate)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := template.New("file").Option("missingkey=error")
	rows := map[string][]string{} // of the tables "in" and "out"
	tmpl.Funcs(template.FuncMap{"table": func(name string) string { return strings.Join(rows[name], "\n") }})
	if _, err := tmpl.Parse(string(text)); err != nil {
		t.Fatal(err)
	}
	rows["in"] = takenRows(t, tmpl, wholeEngine(t).Handled())
	rows["out"] = sentRows(t, tmpl)
	var page bytes.Buffer
	if err := tmpl.Execute(&page, nil); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSpace(page.String()) + "\n" // the blocks leave empty lines
	if *update {
		if err := os.WriteFile(federationFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(federationFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("run make gen; %s (-want +got):\n%s", federationFile, diff)
	}
}

// wholeEngine is the engine with the modules of the binary.
func wholeEngine(t *testing.T) *activitypub.Engine {
	t.Helper()
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	if err := cfg.Prepare(); err != nil {
		t.Fatal(err)
	}
	a := &app{cfg: cfg, log: slog.New(slog.DiscardHandler), db: dbtest.SQLite(t), metrics: prometheus.NewRegistry()}
	if err := a.assemble(&ffmpeg.Tool{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.video.Close(); err != nil {
			t.Error(err)
		}
	})
	return a.engine
}

// block gives the text of a block, on one line.
func block(t *testing.T, tmpl *template.Template, name string) string {
	t.Helper()
	var b bytes.Buffer
	if err := tmpl.ExecuteTemplate(&b, name, nil); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// blocks lists the blocks whose names begin with a word.
func blocks(tmpl *template.Template, word string) []string {
	var out []string
	for _, b := range tmpl.Templates() {
		if strings.HasPrefix(b.Name(), word+" ") {
			out = append(out, b.Name())
		}
	}
	slices.Sort(out)
	return out
}

// takenRows makes the table of what comes in, and fails for a handler without
// words and for words without a handler.
func takenRows(t *testing.T, tmpl *template.Template, handled []activitypub.Handled) []string {
	t.Helper()
	var out, names []string
	for _, h := range handled {
		object := h.Object
		if object == "" {
			object = "any"
		}
		name := "in " + h.Activity + " " + object
		if slices.Contains(names, name) {
			continue // one by one and many at once
		}
		names = append(names, name)
		if tmpl.Lookup(name) == nil {
			t.Errorf("%s: nothing says what is done with %s of %s", federationTemplate, h.Activity, object)
			continue
		}
		if words := block(t, tmpl, name); words != "-" { // an alias of another row
			out = append(out, fmt.Sprintf("| %s | %s | %s |", h.Activity, object, words))
		}
	}
	for _, b := range blocks(tmpl, "in") {
		if !slices.Contains(names, b) {
			t.Errorf("%s: %q, but no module takes that", federationTemplate, b)
		}
	}
	return out
}

// sentRows makes the table of what goes out. The package that a row names must
// have the activity in its code.
func sentRows(t *testing.T, tmpl *template.Template) []string {
	t.Helper()
	var out []string
	for _, b := range blocks(tmpl, "out") {
		var activity, object, pkg string
		if n, err := fmt.Sscanf(b, "out %s %s by %s", &activity, &object, &pkg); n != 3 {
			t.Errorf("%s: block %q: %v", federationTemplate, b, err)
			continue
		}
		if !sends(t, pkg, activity) {
			t.Errorf("%s: %s sends no %s", federationTemplate, pkg, activity)
		}
		out = append(out, fmt.Sprintf("| %s | %s | %s |", activity, object, block(t, tmpl, b)))
	}
	return out
}

// sends tells whether the code of a folder names an activity.
func sends(t *testing.T, folder, activity string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte(`"`+activity+`"`)) {
			return true
		}
	}
	return false
}
