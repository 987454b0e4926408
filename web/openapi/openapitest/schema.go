package openapitest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kinemesh/kinemesh/web/openapi"
)

func statusText(status int) string {
	switch status {
	case http.StatusNoContent:
		return "Done"
	case http.StatusPermanentRedirect:
		return "More is awaited"
	default:
		return http.StatusText(status)
	}
}

// schema makes a schema of a short type or of an object of such.
func (j *joiner) schema(node *yaml.Node) (openapi.Schema, error) {
	if node.Kind == yaml.ScalarNode {
		return j.typed(node.Value)
	}
	if node.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: neither a type nor an object", node.Line)
	}
	properties, required := map[string]any{}, []string{}
	out := openapi.Schema{"type": "object", "properties": properties, "additionalProperties": false}
	for i := 0; i < len(node.Content); i += 2 {
		name, value := node.Content[i].Value, node.Content[i+1]
		if name == "+" {
			var bases []string
			if err := value.Decode(&bases); err != nil {
				return nil, err
			}
			out["x-extends"] = bases
			continue
		}
		s, err := j.schema(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if name == "..." {
			out["additionalProperties"] = s
			continue
		}
		name, optional := strings.CutSuffix(name, "?")
		properties[name] = s
		if !optional {
			required = append(required, name)
		}
	}
	if len(properties) == 0 {
		delete(out, "properties")
	}
	if len(required) > 0 {
		slices.Sort(required)
		out["required"] = required
	}
	return out, nil
}

// scalars are the types that have a name.
var scalars = map[string]openapi.Schema{
	"string":  {"type": "string"},
	"integer": {"type": "integer"},
	"number":  {"type": "number"},
	"boolean": {"type": "boolean"},
	"null":    {"type": "null"},
	"any":     {},
	"object":  {"type": "object"},
	"date":    {"type": "string", "format": "date-time"},
	"uuid":    {"type": "string", "format": "uuid"},
	"uri":     {"type": "string", "format": "uri"},
	"file":    {"type": "string", "format": "binary"},
}

// typed reads a short type.
func (j *joiner) typed(text string) (openapi.Schema, error) {
	text, about, _ := strings.Cut(text, "--")
	schema, err := union(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	if about = strings.TrimSpace(about); about != "" {
		schema["description"] = about
	}
	return schema, nil
}

func union(text string) (openapi.Schema, error) {
	var kinds []any
	var values []any
	for part := range strings.SplitSeq(text, "|") {
		part = strings.TrimSpace(part)
		if n, err := strconv.Atoi(part); err == nil {
			values = append(values, n)
			continue
		}
		if len(part) > 1 && part[0] == '\'' {
			values = append(values, strings.Trim(part, "'"))
			continue
		}
		s, err := single(part)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, s)
	}
	if len(values) > 0 {
		kinds = append([]any{openapi.Schema{"enum": values}}, kinds...)
	}
	if len(kinds) == 1 {
		return maps.Clone(kinds[0].(openapi.Schema)), nil
	}
	// Of plain types one list is easier to read.
	names := []string{}
	merged := openapi.Schema{}
	for _, k := range kinds {
		s := k.(openapi.Schema)
		name, ok := s["type"].(string)
		if !ok || slices.Contains([]string{"array", "object"}, name) {
			return openapi.Schema{"anyOf": kinds}, nil
		}
		names = append(names, name)
		maps.Copy(merged, s)
	}
	merged["type"] = names
	return merged, nil
}

func single(text string) (openapi.Schema, error) {
	if of, ok := strings.CutSuffix(text, "[]"); ok {
		items, err := single(of)
		return openapi.Schema{"type": "array", "items": items}, err
	}
	if of, ok := strings.CutSuffix(text, "{}"); ok {
		items, err := single(of)
		return openapi.Schema{"type": "object", "additionalProperties": items}, err
	}
	if of, ok := strings.CutPrefix(text, "List<"); ok {
		items, err := single(strings.TrimSuffix(of, ">"))
		return openapi.Schema{
			"type": "object", "additionalProperties": false, "required": []string{"data", "total"},
			"properties": map[string]any{"total": openapi.Schema{"type": "integer"}, "data": openapi.Schema{"type": "array", "items": items}},
		}, err
	}
	if s, ok := scalars[text]; ok {
		return maps.Clone(s), nil
	}
	if text == "" || text[0] < 'A' || text[0] > 'Z' {
		return nil, fmt.Errorf("%q is no type", text)
	}
	return openapi.Schema{"$ref": "#/components/schemas/" + text}, nil
}

// extend gives the schemas the members of those that they extend, so that each
// says by itself which members there are.
func (j *joiner) extend() error {
	for _, s := range j.doc.Components.Schemas {
		if err := j.extendOne(s); err != nil {
			return err
		}
	}
	for _, methods := range j.doc.Paths {
		for _, op := range methods {
			if op.RequestBody == nil {
				continue
			}
			for _, media := range op.RequestBody.Content {
				if err := j.extendOne(media.Schema); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (j *joiner) extendOne(s openapi.Schema) error {
	bases, _ := s["x-extends"].([]string)
	delete(s, "x-extends")
	for _, base := range bases {
		b, ok := j.doc.Components.Schemas[base]
		if !ok {
			return fmt.Errorf("no schema %s", base)
		}
		if err := j.extendOne(b); err != nil {
			return err
		}
		own, _ := s["properties"].(map[string]any)
		if own == nil {
			own = map[string]any{}
			s["properties"] = own
		}
		required, _ := s["required"].([]string)
		inherited, _ := b["required"].([]string)
		for _, name := range inherited {
			if _, changed := own[name]; !changed {
				required = append(required, name)
			}
		}
		members, _ := b["properties"].(map[string]any)
		for name, member := range members {
			if _, changed := own[name]; !changed {
				own[name] = member
			}
		}
		slices.Sort(required)
		if required = slices.Compact(required); len(required) > 0 {
			s["required"] = required
		}
	}
	return nil
}
