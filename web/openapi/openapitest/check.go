// Package openapitest keeps the description of the API true: it joins the
// pieces that people write with the registered routes, and it compares answers
// with what is described.
package openapitest

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/kinemesh/kinemesh/web/openapi"
)

// Check fails the test when an answer is not as our document says.
func Check(t testing.TB, method, path string, status int, header http.Header, body []byte) {
	t.Helper()
	for _, d := range own().Differences(method, path, status, header, body) {
		t.Errorf("%s %s: %d is not as web/openapi/src says: %s", method, path, status, d)
	}
}

// Differences is [Check] for clients outside of a test.
func Differences(method, path string, status int, header http.Header, body []byte) []string {
	return own().Differences(method, path, status, header, body)
}

var own = sync.OnceValue(func() *Contract {
	c, err := Load(openapi.YAML)
	if err != nil {
		panic(fmt.Sprintf("web/openapi/openapi.yaml: %v; run make gen", err))
	}
	return c
})

// Contract compares answers with an OpenAPI document.
type Contract struct {
	operations []operation
	problem    *openapi3.SchemaRef
}

type operation struct {
	method   string
	segments []string // "{}" stands for a parameter
	path     string
	responds *openapi3.Responses
}

// Load reads a document, 3.0 or 3.1, and says what is wrong with it.
func Load(raw []byte) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		return nil, err
	}
	c := &Contract{problem: doc.Components.Schemas["Problem"]}
	for path, item := range doc.Paths.Map() {
		segments := strings.Split(path, "/")
		for i, s := range segments {
			if strings.HasPrefix(s, "{") {
				segments[i] = "{}"
			}
		}
		for method, op := range item.Operations() {
			c.operations = append(c.operations, operation{method, segments, path, op.Responses})
		}
	}
	return c, nil
}

// Template is the path of the operation that a request is for, as the document
// writes it.
func (c *Contract) Template(method, path string) (string, bool) {
	op := c.find(method, path)
	if op == nil {
		return "", false
	}
	return op.path, true
}

// find is the operation with the most fixed segments.
func (c *Contract) find(method, path string) *operation {
	path, _, _ = strings.Cut(path, "?")
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	best, fixed := -1, -1
	for i, op := range c.operations {
		if op.method != method || len(op.segments) != len(segments) {
			continue
		}
		n := 0
		for k, s := range op.segments {
			switch before, _, isPart := strings.Cut(s, "{"); {
			case s == segments[k]:
				n++
			case s == "{}" || isPart && strings.HasPrefix(segments[k], before):
			default:
				n = -len(segments)
			}
		}
		if n > fixed {
			best, fixed = i, n
		}
	}
	if best < 0 || fixed < 0 {
		return nil
	}
	return &c.operations[best]
}

// Differences says what of an answer is not as the document has it. What is
// refused is a problem document, whatever the operation; a request that has no
// operation is answered by no JSON of success.
func (c *Contract) Differences(method, path string, status int, header http.Header, body []byte) []string {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	if method == http.MethodHead || method == http.MethodOptions || status == http.StatusNotModified {
		return nil // what they have no bytes of is described with GET and 200
	}
	op := c.find(method, path)
	if status >= http.StatusBadRequest {
		if c.problem == nil || kind != "application/problem+json" {
			return nil // pages have pages of errors
		}
		return differences(c.problem, body)
	}
	if op == nil {
		if !strings.HasPrefix(path, "/api/") {
			return nil
		}
		return []string{"the operation is not described"}
	}
	answer := op.responds.Value(strconv.Itoa(status))
	if answer == nil {
		if answer = op.responds.Value("2XX"); answer == nil || status/100 != 2 {
			return []string{"no such status at " + op.path}
		}
	}
	if len(answer.Value.Content) == 0 {
		if len(body) > 0 {
			return []string{fmt.Sprintf("%d bytes of %s, none are described", len(body), kind)}
		}
		return nil
	}
	media := answer.Value.Content.Get(kind)
	switch {
	case media == nil:
		return []string{kind + " is not described"}
	case kind != "application/json" || media.Schema == nil:
		return nil
	}
	return differences(media.Schema, body)
}

func differences(schema *openapi3.SchemaRef, body []byte) []string {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return []string{fmt.Sprintf("no JSON: %v", err)}
	}
	err := schema.Value.VisitJSON(v, openapi3.MultiErrors(), openapi3.DisableReadOnlyValidation(), openapi3.DisablePatternValidation())
	return flatten(err)
}

// flatten names each difference with its place, and elements of a list once.
func flatten(err error) (out []string) {
	switch e := err.(type) { //nolint:errorlint // the parts of an error are looked at, not its causes
	case nil:
	case openapi3.MultiError:
		for _, part := range e {
			out = append(out, flatten(part)...)
		}
	case *openapi3.SchemaError:
		at := e.JSONPointer()
		for i, part := range at {
			if _, err := strconv.Atoi(part); err == nil {
				at[i] = "[]"
			}
		}
		reason, _, _ := strings.Cut(e.Reason, ": Error at ")
		out = []string{"." + strings.Join(at, ".") + ": " + reason}
		if e.Origin != nil {
			out[0] += ": " + strings.Join(flatten(e.Origin), "; ")
		}
	default:
		first, _, _ := strings.Cut(err.Error(), "\n")
		out = []string{first}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
