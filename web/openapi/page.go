package openapi

import (
	_ "embed" // the page's template and style
	"fmt"
	"html/template"
	"slices"
	"strings"
)

//go:embed page.html
var pageSource string

//go:embed page.css
var pageStyle string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"type": typeOf, "anchor": anchor, "prose": prose, "style": func() template.CSS { return template.CSS(pageStyle) }, //nolint:gosec // our own
}).Parse(pageSource))

// page is the document in the order in which people read it.
type page struct {
	Info    Info
	Groups  []group
	Schemas []object
}

type group struct {
	Tag
	Calls []call
}

type call struct {
	Method, Path string
	*Operation
	Body    []body
	Answers []answer
}

type body struct {
	Kind   string
	Schema Schema
	Fields []field
}

type answer struct {
	Status, Text string
	Kind         string // of the content, unless it is JSON
	Schema       Schema
	Fields       []field
}

type object struct {
	Name   string
	Schema Schema
	Fields []field
}

type field struct {
	Name, About string
	Schema      Schema
	Optional    bool
}

func newPage(doc *Document) page {
	p := page{Info: doc.Info}
	for _, tag := range doc.Tags {
		g := group{Tag: tag}
		for path, methods := range doc.Paths {
			for method, op := range methods {
				if slices.Contains(op.Tags, tag.Name) {
					g.Calls = append(g.Calls, newCall(doc, strings.ToUpper(method), path, op))
				}
			}
		}
		order := []string{"GET", "POST", "PUT", "DELETE"}
		slices.SortFunc(g.Calls, func(a, b call) int {
			if c := strings.Compare(a.Path, b.Path); c != 0 {
				return c
			}
			return slices.Index(order, a.Method) - slices.Index(order, b.Method)
		})
		if len(g.Calls) > 0 {
			p.Groups = append(p.Groups, g)
		}
	}
	slices.SortFunc(p.Groups, func(a, b group) int { return strings.Compare(a.Name, b.Name) })
	for name, s := range doc.Components.Schemas {
		p.Schemas = append(p.Schemas, object{name, s, fieldsOf(s)})
	}
	slices.SortFunc(p.Schemas, func(a, b object) int { return strings.Compare(a.Name, b.Name) })
	return p
}

func newCall(doc *Document, method, path string, op *Operation) call {
	c := call{Method: method, Path: path, Operation: op}
	if op.RequestBody != nil {
		for kind, m := range op.RequestBody.Content {
			c.Body = append(c.Body, body{kind, m.Schema, fieldsOf(m.Schema)})
		}
		slices.SortFunc(c.Body, func(a, b body) int { return strings.Compare(a.Kind, b.Kind) })
	}
	for status, r := range op.Responses {
		a := answer{Status: status, Text: r.Description}
		if name, isRef := strings.CutPrefix(r.Ref, "#/components/responses/"); isRef {
			a.Text = doc.Components.Responses[name].Description
		}
		for kind, m := range r.Content {
			if kind == "application/json" {
				a.Schema, a.Fields = m.Schema, fieldsOf(m.Schema)
				continue
			}
			a.Kind = strings.TrimPrefix(a.Kind+", "+kind, ", ")
		}
		c.Answers = append(c.Answers, a)
	}
	slices.SortFunc(c.Answers, func(a, b answer) int { return strings.Compare(a.Status, b.Status) })
	return c
}

// fieldsOf lists the members of an object by name.
func fieldsOf(s Schema) (out []field) {
	members := asSchema(s["properties"])
	required, _ := s["required"].([]any)
	for name, m := range members {
		member := asSchema(m)
		about, _ := member["description"].(string)
		out = append(out, field{name, about, member, !slices.Contains(required, any(name))})
	}
	slices.SortFunc(out, func(a, b field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func asSchema(v any) Schema {
	switch s := v.(type) {
	case Schema:
		return s
	case map[string]any:
		return s
	default:
		return nil
	}
}

// prose writes what stands between backticks as code.
func prose(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		part = template.HTMLEscapeString(part)
		if i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String()) //nolint:gosec // escaped above
}

func anchor(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if strings.ContainsRune("/{} .@", r) {
			return '-'
		}
		return r
	}, s), "-")
}

// typeOf writes a schema as one reads it: Video[], string or null.
func typeOf(s Schema) template.HTML {
	if ref, ok := s["$ref"].(string); ok {
		name := template.HTMLEscapeString(ref[strings.LastIndexByte(ref, '/')+1:])
		return template.HTML(`<a href="#schema-` + name + `">` + name + `</a>`) //nolint:gosec // escaped above
	}
	if values, ok := s["enum"].([]any); ok {
		words := make([]string, len(values))
		for i, v := range values {
			words[i] = template.HTMLEscapeString(fmt.Sprint(v))
		}
		return template.HTML(strings.Join(words, " or ")) //nolint:gosec // escaped above
	}
	if kinds, ok := s["anyOf"].([]any); ok {
		return joined(kinds)
	}
	switch kind := s["type"].(type) {
	case []any:
		words := make([]any, len(kind))
		for i, k := range kind {
			words[i] = Schema{"type": k, "format": s["format"]}
		}
		return joined(words)
	case string:
		return plainType(kind, s)
	}
	return "anything"
}

func joined(kinds []any) template.HTML {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(typeOf(asSchema(k)))
	}
	return template.HTML(strings.Join(words, " or ")) //nolint:gosec // made by typeOf
}

func plainType(kind string, s Schema) template.HTML {
	switch kind {
	case "array":
		return typeOf(asSchema(s["items"])) + "[]"
	case "object":
		members := asSchema(s["properties"])
		if data := asSchema(members["data"]); data != nil && members["total"] != nil && len(members) == 2 {
			return "list of " + typeOf(asSchema(data["items"]))
		}
		if of := asSchema(s["additionalProperties"]); of != nil {
			return "map of " + typeOf(of)
		}
		return "object"
	}
	if format, ok := s["format"].(string); ok && kind == "string" {
		return template.HTML(template.HTMLEscapeString(format)) //nolint:gosec // escaped
	}
	return template.HTML(template.HTMLEscapeString(kind)) //nolint:gosec // escaped
}
