package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	coverageFile = "docs/api-coverage.md"
	tiersFile    = "testdata/api-tiers.txt"
	// peerTubeDocument lies beside the project; what needs it is skipped elsewhere.
	peerTubeDocument = "../shared/reference/peertube-openapi.yaml"
)

// operation is one line of the list of what PeerTube's API has.
type operation struct {
	tag, tier, method, path string
	partly                  string // what ours lacks
	there                   bool
}

func (o operation) state() string {
	switch {
	case !o.there:
		return "not yet"
	case o.partly != "":
		return "partly: " + o.partly
	default:
		return "yes"
	}
}

// operations reads the list and marks what is served.
func operations(t *testing.T, routes []rest.Route) (all []operation) {
	t.Helper()
	raw, err := os.ReadFile(tiersFile)
	if err != nil {
		t.Fatal(err)
	}
	tag := ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		words := strings.Fields(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			tag = strings.Trim(line, "[]")
		case len(words) >= 3:
			o := operation{tag: tag, tier: words[0], method: words[1], path: words[2]}
			_, partly, _ := strings.Cut(line, "partly:")
			o.partly = strings.TrimSpace(partly)
			o.there = slices.ContainsFunc(routes, func(r rest.Route) bool { return r.Method == o.method && serves(r.Path, o.path) })
			all = append(all, o)
		default:
			t.Fatalf("%s: %q is no operation", tiersFile, line)
		}
	}
	return all
}

// serves tells whether a route answers to the path of an operation, as
// "/videos/:id" does to "/videos/{id}". A parameter at the end of a path of
// files may stand for folders, too.
func serves(route, path string) bool {
	have, want := strings.Split(route, "/"), strings.Split(path, "/")
	for i, w := range want {
		if i >= len(have) {
			return false
		}
		h := have[i]
		name, _, isParam := strings.Cut(w, "{")
		switch {
		case h == "*":
			return true
		case !isParam:
			if h != w && (h == "" || w != "") {
				return false
			}
		case i == len(want)-1 && !strings.HasPrefix(path, "/api/"):
			// "{filename}", "@{handle}", "videos.{format}"
			if !strings.Contains(h, ":") && !strings.HasPrefix(h, name) || name == "" && !strings.Contains(h, ":") {
				return false
			}
			if len(have) == len(want) {
				return true
			}
			return w == "{filename}" && !slices.ContainsFunc(have[i:], func(s string) bool { return !strings.HasPrefix(s, ":") })
		case !strings.HasPrefix(h, ":"):
			return false
		}
	}
	return len(have) == len(want)
}

func TestServes(t *testing.T) {
	for _, c := range []struct {
		route, path string
		want        bool
	}{
		{"/api/v1/videos/:id", "/api/v1/videos/{id}", true},
		{"/api/v1/videos/:id", "/api/v1/videos/categories", false},
		{"/api/v1/videos/live", "/api/v1/videos/{id}", false},
		{"/api/v1/videos/:id/rate", "/api/v1/videos/{id}", false},
		{"/api/v1/videos/:id", "/api/v1/videos/{id}/rate", false},
		{"/static/hls/:uuid/:file", "/static/hls/{filename}", true},
		{"/static/hls/private/:uuid/:file", "/static/hls/{filename}", false},
		{"/feeds/videos.:format", "/feeds/videos.{format}", true},
		{"/feeds/:file", "/feeds/videos.{format}", true},
		{"/feeds/videos.xml", "/feeds/videos.{format}", true},
		{"/@:name", "/@{handle}", true},
		{"/c/:name/videos", "/c/{handle}", false},
		{"/socket.io/*", "/socket.io/", true},
	} {
		if got := serves(c.route, c.path); got != c.want {
			t.Errorf("serves(%s, %s) = %t", c.route, c.path, got)
		}
	}
}

// TestCoverage: docs/api-coverage.md says of every operation of PeerTube's API
// whether it is served here, and those of Tier 1 all are.
func TestCoverage(t *testing.T) {
	s, _ := assembleWhole(t, dbtest.SQLite(t))
	all := operations(t, s.Routes())
	page := coveragePage(all)
	if *update {
		if err := os.WriteFile(coverageFile, page, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, o := range all {
		if o.tier == "1" && o.state() != "yes" {
			t.Errorf("Tier 1: %s %s: %s", o.method, o.path, o.state())
		}
		if o.partly != "" && !o.there {
			t.Errorf("%s %s is not there at all, but said to be partly", o.method, o.path)
		}
	}
	have, err := os.ReadFile(coverageFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(page), string(have)); d != "" {
		t.Errorf("run make gen; %s (-want +got):\n%s", coverageFile, d)
	}
}

func coveragePage(all []operation) []byte {
	var b bytes.Buffer
	b.WriteString("# What of PeerTube's API is served\n\n" +
		"Written by `make gen` from the registered routes and `testdata/api-tiers.txt`; a test keeps it true.\n" +
		"Operations are those of PeerTube's OpenAPI document 8.1 and, at the end, those that it leaves out.\n" +
		"Tier 1: a viewer, a publisher or an administrator cannot do without it. Tier 2: expected of a serious server. Tier 3: the rest.\n\n")
	counts := map[string][3]int{} // by tag or tier: yes, partly, all
	var tags []string
	for _, o := range all {
		if !slices.Contains(tags, o.tag) {
			tags = append(tags, o.tag)
		}
		for _, key := range []string{o.tag, "Tier " + o.tier, "All"} {
			c := counts[key]
			c[2]++
			if o.there && o.partly == "" {
				c[0]++
			} else if o.there {
				c[1]++
			}
			counts[key] = c
		}
	}
	b.WriteString("| | Yes | Partly | Of |\n|---|--:|--:|--:|\n")
	for _, key := range []string{"Tier 1", "Tier 2", "Tier 3", "All"} {
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", key, counts[key][0], counts[key][1], counts[key][2])
	}
	for _, tag := range tags {
		c := counts[tag]
		fmt.Fprintf(&b, "\n## %s: %d of %d\n\n| Tier | Operation | Served |\n|--:|---|---|\n", tag, c[0]+c[1], c[2])
		for _, o := range all {
			if o.tag == tag {
				fmt.Fprintf(&b, "| %s | `%s %s` | %s |\n", o.tier, o.method, o.path, o.state())
			}
		}
	}
	return b.Bytes()
}

var inBraces = regexp.MustCompile(`\{[^}]*\}`)

// TestOperationsAreThoseOfPeerTube: the list lacks no operation of PeerTube's
// document, and each stands below its tag.
func TestOperationsAreThoseOfPeerTube(t *testing.T) {
	raw, err := os.ReadFile(peerTubeDocument)
	if err != nil {
		t.Skipf("PeerTube's document is not here: %v", err)
	}
	var doc struct {
		Paths map[string]map[string]yaml.Node
	}
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	key := func(tag, method, path string) string {
		return tag + ": " + method + " " + inBraces.ReplaceAllString(path, "{}")
	}
	want, got := map[string]bool{}, map[string]bool{}
	for path, item := range doc.Paths {
		for method, node := range item {
			var op struct{ Tags []string }
			if slices.Contains([]string{"get", "post", "put", "delete"}, method) {
				if err := node.Decode(&op); err != nil {
					t.Fatal(err)
				}
				want[key(op.Tags[0], strings.ToUpper(method), path)] = true
			}
		}
	}
	for _, o := range operations(t, nil) {
		if o.tag != "Not in the document" {
			got[key(o.tag, o.method, o.path)] = true
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-PeerTube +ours):\n%s", tiersFile, d)
	}
}
