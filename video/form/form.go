// Package form reads what clients send about videos and playlists: JSON objects,
// forms and multipart forms with the same fields.
package form

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/web/rest"
)

// Limits of a form.
const maxFields, maxList = 200, 1000

// Input is a form or JSON object of a client by field. A field that is there
// without a value was null.
type Input map[string][]string

// FromJSON reads the body of a request: one object whose fields are
// scalars or lists of them. Fields of an object inside get the names that a form
// gives them: outer[inner].
func FromJSON(body []byte) (Input, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var raw map[string]any
	if err := d.Decode(&raw); err != nil || raw == nil {
		return nil, rest.BadRequest("The request body should be a JSON object")
	}
	in := Input{}
	for k, v := range raw {
		switch v := v.(type) {
		case nil:
			in[k] = nil
		case []any:
			list := []string{}
			for _, e := range v {
				if s, ok := scalar(e); ok {
					list = append(list, s)
				}
			}
			in[k] = list
		case map[string]any:
			for inner, e := range v {
				if s, ok := scalar(e); ok {
					in[k+"["+inner+"]"] = []string{s}
				}
			}
		default:
			if s, ok := scalar(v); ok {
				in[k] = []string{s}
			}
		}
	}
	return in, nil
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// lists are the fields that hold several values.
var lists = []string{"tags", "videoPasswords"}

// listOf names the list that a field of a form belongs to: tags come as tags,
// tags[] or tags[0].
func listOf(field string) (string, bool) {
	name, index, ok := strings.Cut(field, "[")
	return name, slices.Contains(lists, name) && (!ok || strings.HasSuffix(index, "]"))
}

// FromValues reads a form.
func FromValues(form url.Values) (Input, error) {
	if len(form) > maxFields {
		return nil, rest.BadRequest("The form has too many fields")
	}
	in := Input{}
	for _, k := range slices.SortedFunc(maps.Keys(form), byIndex) {
		v := form[k]
		if name, ok := listOf(k); ok {
			if in[name] == nil {
				in[name] = []string{}
			}
			for _, e := range v {
				if e != "" && e != "null" && len(in[name]) < maxList {
					in[name] = append(in[name], e)
				}
			}
			continue
		}
		in[k] = v
		if len(v) == 1 && (v[0] == "" || v[0] == "null") {
			in[k] = nil
		}
	}
	return in, nil
}

// byIndex orders tags[2] before tags[10].
func byIndex(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }

// Get returns a field: not there, there and null, or its first value.
func (in Input) Get(name string) (value string, null, ok bool) {
	v, ok := in[name]
	if !ok {
		return "", false, false
	}
	if len(v) == 0 {
		return "", true, true
	}
	return v[0], false, true
}

// Int reads a whole number; ok is false when the field is absent or null.
func (in Input) Int(c *rest.Checker, name string) (n int64, ok bool) {
	s, null, ok := in.Get(name)
	if !ok || null {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		c.Refuse("body", name, "Should be a whole number", s)
		return 0, false
	}
	return n, true
}

// Bool reads a truth value into dst; an absent or null field leaves it.
func (in Input) Bool(c *rest.Checker, name string, dst *bool) {
	s, null, ok := in.Get(name)
	switch {
	case !ok || null:
	case s == "true" || s == "1":
		*dst = true
	case s == "false" || s == "0":
		*dst = false
	default:
		c.Refuse("body", name, "Should be true or false", s)
	}
}
