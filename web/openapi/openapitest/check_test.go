package openapitest

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/web/openapi"
	"github.com/kinemesh/kinemesh/web/rest"
)

const small = `
openapi: 3.1.0
info: {title: small, version: "1"}
paths:
  /api/v1/videos/{id}:
    get:
      responses:
        "200":
          description: one
          content: {application/json: {schema: {$ref: '#/components/schemas/Video'}}}
    delete:
      responses:
        "204": {description: done}
  /api/v1/videos/categories:
    get:
      responses:
        "200":
          description: names
          content: {application/json: {schema: {type: object, additionalProperties: {type: string}}}}
  /feeds/videos.{format}:
    get:
      responses:
        "200": {description: feed, content: {application/rss+xml: {schema: {type: string}}}}
components:
  schemas:
    Video:
      type: object
      additionalProperties: false
      required: [id, name]
      properties:
        id: {type: integer}
        name: {type: [string, "null"]}
        files: {type: array, items: {type: object, required: [size], properties: {size: {type: integer}}}}
        channel: {anyOf: [{type: object, required: [id]}, {type: "null"}]}
        createdAt: {type: string, format: date-time}
    Problem:
      type: object
      required: [status]
      properties:
        status: {type: integer}
`

func TestDifferences(t *testing.T) {
	c, err := Load([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	const asJSON, asProblem = "application/json; charset=UTF-8", "application/problem+json"
	for _, tt := range []struct {
		name, method, path string
		status             int
		kind, body         string
		want               []string // words of each difference
	}{
		{"as described", "GET", "/api/v1/videos/7", 200, asJSON, `{"id":1,"name":"a"}`, nil},
		{"null where it may be", "GET", "/api/v1/videos/7", 200, asJSON, `{"id":1,"name":null,"channel":null}`, nil},
		{"null where it may not", "GET", "/api/v1/videos/7", 200, asJSON, `{"id":null,"name":"a"}`, []string{".id"}},
		{"a member is missing", "GET", "/api/v1/videos/7", 200, asJSON, `{"id":1}`, []string{"name"}},
		{"a member is new", "GET", "/api/v1/videos/7", 200, asJSON, `{"id":1,"name":"a","secret":1}`, []string{"secret"}},
		{"of another type", "GET", "/api/v1/videos/7", 200, asJSON, `{"id":"1","name":"a"}`, []string{"integer"}},
		{"deep inside, once for all elements", "GET", "/api/v1/videos/7", 200, asJSON, `{"id":1,"name":"a","files":[{"size":"1"},{"size":"2"}]}`, []string{"files"}},
		{"two differences", "GET", "/api/v1/videos/7", 200, asJSON, `{"id":"1","name":1}`, []string{"id", "name"}},
		{"the fixed path comes before the parameter", "GET", "/api/v1/videos/categories", 200, asJSON, `{"1":"Music"}`, nil},
		{"the question is no part of the path", "GET", "/api/v1/videos/7?a=b", 200, asJSON, `{"id":1,"name":"a"}`, nil},
		{"another status", "GET", "/api/v1/videos/7", 201, asJSON, `{}`, []string{"status"}},
		{"another media type", "GET", "/api/v1/videos/7", 200, "text/html", `<p>`, []string{"text/html"}},
		{"no JSON", "GET", "/api/v1/videos/7", 200, asJSON, `{`, []string{"JSON"}},
		{"nothing, as described", "DELETE", "/api/v1/videos/7", 204, "", "", nil},
		{"something where nothing is described", "DELETE", "/api/v1/videos/7", 204, asJSON, "{}", []string{"none"}},
		{"not described", "PUT", "/api/v1/videos/7", 204, "", "", []string{"not described"}},
		{"a page is none of ours", "GET", "/about", 200, "text/html", "<p>", nil},
		{"a part of a segment", "GET", "/feeds/videos.xml", 200, "application/rss+xml", "<rss/>", nil},
		{"a problem", "GET", "/api/v1/videos/7", 404, asProblem, `{"status":404}`, nil},
		{"a bad problem", "GET", "/api/v1/videos/7", 404, asProblem, `{"title":"x"}`, []string{"status"}},
		{"HEAD has no body", "HEAD", "/api/v1/videos/7", 200, asJSON, "", nil},
	} {
		got := c.Differences(tt.method, tt.path, tt.status, http.Header{"Content-Type": {tt.kind}}, []byte(tt.body))
		ok := len(got) == len(tt.want)
		for i := 0; ok && i < len(got); i++ {
			ok = strings.Contains(got[i], tt.want[i])
		}
		if !ok {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestShortTypes(t *testing.T) {
	for text, want := range map[string]any{
		"integer":           map[string]any{"type": "integer"},
		"date -- when":      map[string]any{"type": "string", "format": "date-time", "description": "when"},
		"string | null":     map[string]any{"type": []string{"string", "null"}},
		"Video":             map[string]any{"$ref": "#/components/schemas/Video"},
		"'like' | 'none'":   map[string]any{"enum": []any{"like", "none"}},
		"1 | 2":             map[string]any{"enum": []any{1, 2}},
		"integer[]{}":       map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "array", "items": map[string]any{"type": "integer"}}},
		"Video[] | null":    map[string]any{"anyOf": []any{map[string]any{"type": "array", "items": map[string]any{"$ref": "#/components/schemas/Video"}}, map[string]any{"type": "null"}}},
		"Channel | null":    map[string]any{"anyOf": []any{map[string]any{"$ref": "#/components/schemas/Channel"}, map[string]any{"type": "null"}}},
		"number -- a -- b":  map[string]any{"type": "number", "description": "a -- b"},
		"anything":          nil,
		"integer | nothing": nil,
	} {
		got, err := new(joiner).typed(text)
		if want == nil {
			if err == nil {
				t.Errorf("%q is a type: %v", text, got)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, plain(got)); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

// plain takes the names of types away, which cmp looks at.
func plain(v any) any {
	switch x := v.(type) {
	case openapi.Schema:
		out := map[string]any{}
		for k, e := range x {
			out[k] = plain(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = plain(e)
		}
		return out
	default:
		return v
	}
}

// TestJoin: what is registered and not described is named, and the other way
// round; access, inputs and members follow from what is written.
func TestJoin(t *testing.T) {
	dir := t.TempDir()
	piece := `
tag: Things
operations:
  GET /things/{id}:
    does: One thing.
    200: Thing
  PUT /things/{id}:
    does: Change a thing.
    body: {"+": [Named]}
    204:
  GET /gone:
    does: Nothing.
    204:
path:
  "things/{id}": integer -- id of the thing
schemas:
  Named:
    name: string
    note?: string | null
  Thing:
    "+": [Named]
    id: integer
`
	if err := os.WriteFile(filepath.Join(dir, "things.yaml"), []byte(piece), 0o600); err != nil {
		t.Fatal(err)
	}
	doc, missing, err := Join(dir, []rest.Route{
		{Method: "GET", Path: "/api/v1/things/:id", Access: rest.Anyone},
		{Method: "PUT", Path: "/api/v1/things/:id", Access: rest.Owner},
		{Method: "GET", Path: "/api/v1/things/:id/", Access: rest.Anyone},
		{Method: "GET", Path: "/api/v1/new", Access: rest.Admin},
		{Method: "GET", Path: "/about", Access: rest.Anyone},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"described, but no route: GET /api/v1/gone", "not described: GET /api/v1/new"}
	if d := cmp.Diff(want, missing); d != "" {
		t.Error(d)
	}
	put := doc.Paths["/api/v1/things/{id}"]["put"]
	body := put.RequestBody.Content["application/json"].Schema
	if d := cmp.Diff([]string{"name"}, body["required"]); d != "" || len(body["properties"].(map[string]any)) != 2 {
		t.Errorf("the body of PUT: %v", body)
	}
	if put.Access != "owner" || len(put.Security) != 1 || put.Responses["401"] == nil || put.Responses["403"] == nil || put.Responses["404"] == nil || put.Responses["400"] == nil {
		t.Errorf("PUT: %+v", put)
	}
	if d := cmp.Diff([]string{"id", "name"}, doc.Components.Schemas["Thing"]["required"]); d != "" {
		t.Error(d)
	}
	if _, _, err := Join(t.TempDir(), nil); err == nil {
		t.Error("a folder without pieces is joined")
	}
}
