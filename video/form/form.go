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

// kind is what a field holds.
type kind int

const (
	unknown kind = iota // no field of the form: read when it is a scalar
	text                // a string
	scalar              // a number or a truth value, also as a string
	list                // strings
	object              // scheduleUpdate
)

// Fields are those of a form. Each may be null.
type Fields map[string]kind

const schedule = "scheduleUpdate"

// What clients send about a video, about a new one besides, about a playlist and
// about its elements.
var (
	Video = Fields{
		"name": text, "description": text, "support": text, "language": text, "nsfwSummary": text, "originallyPublishedAt": text,
		"category": scalar, "licence": scalar, "privacy": scalar, "commentsPolicy": scalar, "nsfwFlags": scalar, "channelId": scalar,
		"commentsEnabled": scalar, "downloadEnabled": scalar, "nsfw": scalar, "waitTranscoding": scalar,
		"tags": list, "videoPasswords": list, schedule: object, schedule + "[updateAt]": text, schedule + "[privacy]": scalar,
	}
	Upload   = Video.with("filename", text)
	Playlist = Fields{"displayName": text, "description": text, "privacy": scalar, "videoChannelId": scalar}
	Element  = Fields{
		"videoId": scalar, "startTimestamp": scalar, "stopTimestamp": scalar,
		"startPosition": scalar, "insertAfterPosition": scalar, "reorderLength": scalar,
	}
)

func (f Fields) with(name string, k kind) Fields {
	out := maps.Clone(f)
	out[name] = k
	return out
}

// demands say what a field of a kind should be.
var demands = map[kind]string{
	text: "Should be a string or null", scalar: "Should be one value or null", list: "Should be a list of strings or null",
	object: "Should be an object with updateAt, or null",
}

// FromJSON reads the body of a request: one object. A field that holds another
// kind of JSON than it should is refused, never read as something else; what is
// none of the fields is left out when it is a list or an object. Fields of an
// object inside get the names that a form gives them: outer[inner].
func FromJSON(body []byte, fields Fields) (Input, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var raw map[string]any
	if err := d.Decode(&raw); err != nil || raw == nil {
		return nil, rest.BadRequest("The request body should be a JSON object")
	}
	in := Input{}
	var c rest.Checker
	for name, v := range raw {
		in.put(&c, fields, name, v)
	}
	return in, c.Err()
}

// put takes one field of a JSON object.
func (in Input) put(c *rest.Checker, fields Fields, name string, v any) {
	k := fields[name]
	if v == nil {
		in[name] = nil
		return
	}
	ok := false
	switch v := v.(type) {
	case string:
		in[name] = []string{v}
		ok = k != list && k != object
	case bool:
		in[name] = []string{strconv.FormatBool(v)}
		ok = k == scalar || k == unknown
	case json.Number:
		in[name] = []string{v.String()}
		ok = k == scalar || k == unknown
	case []any:
		if ok = k == list; ok {
			in[name], ok = stringsOf(v)
		}
	case map[string]any:
		if at, given := v["updateAt"]; k == object {
			privacy, also := v["privacy"]
			ok = given || also // that the other one is missing has its own words
			if given {
				in.put(c, fields, name+"[updateAt]", at)
			}
			if also {
				in.put(c, fields, name+"[privacy]", privacy)
			}
		}
	}
	if !ok && k != unknown {
		c.Refuse("body", name, demands[k], nil)
	}
}

func stringsOf(v []any) ([]string, bool) {
	out := make([]string, 0, len(v))
	for _, e := range v {
		s, ok := e.(string)
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}

// listOf names the list that a field of a form belongs to: tags come as tags,
// tags[] or tags[0].
func listOf(field string) (string, bool) {
	name, index, ok := strings.Cut(field, "[")
	return name, Video[name] == list && (!ok || strings.HasSuffix(index, "]"))
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
