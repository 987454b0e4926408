package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/kinemesh/kinemesh"

// Limits of size, without tests. What is larger is two things.
const (
	maxPackageLines  = 4000
	maxFileLines     = 800
	maxFunctionLines = 100
	// minTestRatio is the least number of test lines for a line of code.
	minTestRatio = 0.8
)

// largeOnPurpose lists what may pass a limit: "folder", "file" or
// "file:function", each with the reason.
var largeOnPurpose = map[string]string{}

// floors gives each folder its floor; the longest prefix counts. A package may
// import its own floor and those below.
var floors = map[string]int{
	"config":        0,
	"web/rest":      0,
	"migrations":    1,
	"jobs":          1,
	"tracker":       1,
	"activitypub":   2,
	"accounts":      3,
	"video":         4,
	"web":           5,
	".":             6,
	"e2e":           6,
	"video/ffmpeg":  leaf,
	"video/storage": leaf,
	"video/hls":     leaf,
	"tracker/swarm": leaf,
}

// leaf packages import nothing of the project.
const leaf = -1

func TestFloors(t *testing.T) {
	for pkg, imports := range projectImports(t) {
		mine, ok := floorOf(pkg)
		if !ok {
			t.Errorf("%s has no floor; see docs/architecture.md, then add it to the table here", pkg)
			continue
		}
		for _, imported := range imports {
			theirs, _ := floorOf(imported)
			switch {
			case strings.HasSuffix(pkg, "test"): // helpers of tests may look up
			case mine == leaf:
				t.Errorf("%s is a tool that knows nobody, but imports %s", pkg, imported)
			case theirs > mine:
				t.Errorf("%s (floor %d) imports %s (floor %d): the arrow points up", pkg, mine, imported, theirs)
			case strings.HasPrefix(pkg, imported+"/"):
				t.Errorf("%s imports its parent %s", pkg, imported)
			}
		}
	}
}

// The engine stands on its own: nothing it imports, near or far, is a module.
func TestEngineKnowsNoModule(t *testing.T) {
	out := goList(t, "-deps", "./activitypub/...")
	for pkg := range strings.FieldsSeq(out) {
		rel, ours := strings.CutPrefix(pkg, modulePath+"/")
		if !ours || rel == "web/rest" {
			continue
		}
		top, _, _ := strings.Cut(rel, "/")
		if slices.Contains([]string{"accounts", "video", "tracker", "web"}, top) {
			t.Errorf("the engine depends on %s", pkg)
		}
	}
}

// Only these packages see the generated types of go-fed.
func TestGoFedStaysInTheEngine(t *testing.T) {
	allowed := []string{"activitypub/inbox", "activitypub/vocab", "activitypub/signature"}
	for line := range strings.Lines(goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		rel := strings.TrimPrefix(pkg, modulePath+"/")
		if strings.Contains(imports, "github.com/go-fed/") && !slices.Contains(allowed, rel) {
			t.Errorf("%s imports go-fed", rel)
		}
	}
}

// floorOf returns the floor of a folder, or of the nearest folder above.
func floorOf(pkg string) (int, bool) {
	for dir := pkg; dir != "." && dir != "/"; dir = filepath.Dir(dir) {
		if floor, ok := floors[dir]; ok {
			return floor, true
		}
	}
	floor, ok := floors[pkg]
	return floor, ok
}

// projectImports returns, for each package of the project by folder, the
// project's packages that it imports. Tests are left out.
func projectImports(t *testing.T) map[string][]string {
	t.Helper()
	graph := map[string][]string{}
	for line := range strings.Lines(goList(t, "-e", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")) {
		words := strings.Fields(line)
		var imports []string
		for _, path := range words[1:] {
			if rel, ours := strings.CutPrefix(path, modulePath+"/"); ours {
				imports = append(imports, rel)
			}
		}
		rel := strings.TrimPrefix(strings.TrimPrefix(words[0], modulePath), "/")
		if rel == "" {
			rel = "."
		}
		graph[rel] = imports
	}
	if len(graph) < 5 {
		t.Fatalf("go list named %d packages only", len(graph))
	}
	return graph
}

func goList(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return string(out)
}

// source is one Go file of the project.
type source struct {
	path   string
	text   []byte
	isTest bool
}

func (s source) lines() int { return bytes.Count(s.text, []byte("\n")) }

// sources reads every Go file that people write.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte("\n// Code generated ")) && !bytes.HasPrefix(text, []byte("// Code generated ")) {
			all = append(all, source{path, text, isTestFile(path)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// isTestFile counts the helpers of tests (folders ending in test) as tests.
func isTestFile(path string) bool {
	dir := filepath.Base(filepath.Dir(path))
	return strings.HasSuffix(path, "_test.go") || strings.HasSuffix(dir, "test") || strings.HasPrefix(path, "e2e/")
}

func TestSizes(t *testing.T) {
	packages := map[string]int{}
	check := func(what string, lines, limit int) {
		if reason := largeOnPurpose[what]; lines > limit && reason == "" {
			t.Errorf("%s has %d lines, the limit is %d: split it by what it does", what, lines, limit)
		}
	}
	for _, s := range sources(t) {
		check(s.path, s.lines(), maxFileLines)
		if s.isTest {
			continue
		}
		packages[filepath.Dir(s.path)] += s.lines()
		for name, lines := range functions(t, s) {
			check(s.path+":"+name, lines, maxFunctionLines)
		}
	}
	for dir, lines := range packages {
		check(dir, lines, maxPackageLines)
	}
	for what, reason := range largeOnPurpose {
		if reason == "" {
			t.Errorf("the exception %s has no reason", what)
		}
	}
}

// functions returns the length of each function of a file.
func functions(t *testing.T, s source) map[string]int {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, s.path, s.text, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("parse: %v", err)
		return nil
	}
	lengths := map[string]int{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			lengths[f.Name.Name] = fset.Position(f.End()).Line - fset.Position(f.Pos()).Line + 1
		}
	}
	return lengths
}

func TestEnoughTests(t *testing.T) {
	type count struct{ code, test int }
	perFolder := map[string]*count{}
	var all count
	for _, s := range sources(t) {
		top, _, nested := strings.Cut(s.path, "/")
		if !nested {
			top = "."
		}
		c := perFolder[top]
		if c == nil {
			c = &count{}
			perFolder[top] = c
		}
		if s.isTest {
			c.test += s.lines()
			all.test += s.lines()
		} else {
			c.code += s.lines()
			all.code += s.lines()
		}
	}
	for top, c := range perFolder {
		t.Logf("%-12s %6d lines of code, %6d of tests", top, c.code, c.test)
	}
	ratio := float64(all.test) / float64(all.code)
	t.Logf("all: %d lines of code, %d of tests, ratio %.2f", all.code, all.test, ratio)
	if ratio < minTestRatio {
		t.Errorf("%.2f test lines for a line of code, want at least %.2f", ratio, minTestRatio)
	}
}

func TestPackageComments(t *testing.T) {
	has := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		dir := filepath.Dir(s.path)
		file, err := parser.ParseFile(token.NewFileSet(), s.path, s.text, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Errorf("parse: %v", err)
			continue
		}
		has[dir] = has[dir] || file.Doc != nil
	}
	for dir, ok := range has {
		if !ok {
			t.Errorf("package %s has no comment that says what it is", dir)
		}
	}
}
