package openapi_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"
	"golang.org/x/net/html"

	"github.com/kinemesh/kinemesh/web/openapi"
	"github.com/kinemesh/kinemesh/web/rest"
)

// get asks for one of the three forms.
func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	e := echo.New()
	r := rest.NewRouter(e, func(echo.Context) (*rest.Principal, error) { return nil, nil })
	openapi.Routes(r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest("GET", "/api/v1"+path, nil))
	if w.Code != 200 || w.Header().Get("Cache-Control") == "" {
		t.Fatalf("GET %s: %d %v", path, w.Code, w.Header())
	}
	return w
}

func document(t *testing.T) (doc openapi.Document) {
	t.Helper()
	if err := yaml.Unmarshal(openapi.YAML, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// Both forms say the same, and the second is JSON all through.
func TestForms(t *testing.T) {
	asYAML, asJSON := get(t, "/openapi.yaml"), get(t, "/openapi.json")
	var a, b map[string]any
	if err := yaml.Unmarshal(asYAML.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON.Body.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	paths, _ := a["paths"].(map[string]any)
	same, _ := b["paths"].(map[string]any)
	if len(paths) < 100 || len(paths) != len(same) || a["openapi"] != "3.1.0" || b["openapi"] != "3.1.0" {
		t.Errorf("%d and %d paths", len(paths), len(same))
	}
	if got := asYAML.Header().Get("Content-Type"); got != "application/yaml; charset=utf-8" {
		t.Errorf("Content-Type: %s", got)
	}
}

// The page holds every operation and schema, needs nothing else and runs no
// script; each link on it leads somewhere.
func TestPage(t *testing.T) {
	w := get(t, "/docs")
	root, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	ids, links := map[string]bool{}, []string{}
	var text, style strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode && n.Parent.Data == "style":
			style.WriteString(n.Data)
		case n.Type == html.TextNode:
			text.WriteString(n.Data)
		case n.Data == "td", n.Data == "th", n.Data == "i":
			text.WriteString(" ")
		case n.Data == "script", n.Data == "link", n.Data == "img", n.Data == "iframe":
			t.Errorf("the page has <%s>", n.Data)
		}
		for _, a := range n.Attr {
			switch a.Key {
			case "id":
				if ids[a.Val] {
					t.Errorf("two elements are #%s", a.Val)
				}
				ids[a.Val] = true
			case "href":
				links = append(links, a.Val)
			case "style":
				t.Errorf("an inline style: %s", a.Val)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(root)
	for _, l := range links {
		if name, inside := strings.CutPrefix(l, "#"); inside && !ids[name] {
			t.Errorf("%s leads nowhere", l)
		}
	}
	words := strings.Join(strings.Fields(text.String()), " ")
	doc := document(t)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if !ids[op.OperationID] || !strings.Contains(words, strings.ToUpper(method)+" "+path+" "+op.Summary+" "+op.Access) {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
	for name := range doc.Components.Schemas {
		if !ids["schema-"+name] {
			t.Errorf("the schema %s is not on the page", name)
		}
	}
	for _, part := range []string{
		"shortUUID string", "category Labelled", "originallyPublishedAt date-time or null", "avatars ActorImage[]", // members
		"name required string", "upload_id required query string", "list of Video", "map of boolean", "like or dislike or none", // inputs and answers
	} {
		if !strings.Contains(words, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	sum := sha256.Sum256([]byte(style.String()))
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || !strings.Contains(policy, "default-src 'none'") {
		t.Errorf("the style is not the one that the policy allows: %s", policy)
	}
}

// Every operation says what it does and who may call it, and what it refers to
// is there.
func TestDocumentIsWhole(t *testing.T) {
	doc := document(t)
	seen := map[string]string{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if !strings.HasSuffix(op.Summary, ".") {
				t.Errorf("%s %s: %q is no sentence", method, path, op.Summary)
			}
			if other := seen[op.OperationID]; other != "" {
				t.Errorf("%s %s and %s have one name", method, path, other)
			}
			seen[op.OperationID] = method + " " + path
			if (op.Access == "anyone") != (len(op.Security) == 2) {
				t.Errorf("%s %s: for %s, security %v", method, path, op.Access, op.Security)
			}
			for _, name := range regexp.MustCompile(`\{([^}]+)\}`).FindAllStringSubmatch(path, -1) {
				found := false
				for _, p := range op.Parameters {
					found = found || p.In == "path" && p.Name == name[1] && p.Description != ""
				}
				if !found {
					t.Errorf("%s %s does not say what %s is", method, path, name[1])
				}
			}
		}
	}
	for _, ref := range regexp.MustCompile(`#/components/schemas/(\w+)`).FindAllStringSubmatch(string(openapi.YAML), -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("there is no schema %s", ref[1])
		}
	}
}
