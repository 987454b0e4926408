package vocab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/strict"
)

// Public is the audience "everyone". PeerTube refuses the short spellings, so
// only this one is ever sent (PT federation 4).
const Public = "https://www.w3.org/ns/activitystreams#Public"

// ErrInvalid is wrapped by every error of this package.
var ErrInvalid = errors.New("invalid document")

// Object is one JSON object of a document. The zero value is empty: it has no
// id, no type and no values. Objects are read-only and safe to share.
type Object struct {
	raw    json.RawMessage
	fields map[string]json.RawMessage
}

// Parse reads one JSON object from outside, within the limits of
// strict.Activity (SEC-32).
func Parse(raw []byte) (Object, error) {
	if err := strict.Check(raw, strict.Activity); err != nil {
		return Object{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	o, ok := objectOf(raw)
	if !ok {
		return Object{}, fmt.Errorf("%w: not an object", ErrInvalid)
	}
	return o, nil
}

// FromIRI makes an Object that holds an id and nothing else.
func FromIRI(id string) Object {
	quoted, err := json.Marshal(id)
	if err != nil {
		return Object{}
	}
	return Object{
		raw:    json.RawMessage(`{"id":` + string(quoted) + `}`),
		fields: map[string]json.RawMessage{"id": quoted},
	}
}

// objectOf reads raw that has passed strict.Check.
func objectOf(raw json.RawMessage) (Object, bool) {
	if kind(raw) != '{' {
		return Object{}, false
	}
	o := Object{raw: raw}
	return o, json.Unmarshal(raw, &o.fields) == nil
}

// kind is the first byte of a value: { [ " t f n or a digit; 0 when empty.
func kind(raw json.RawMessage) byte {
	raw = bytes.TrimLeft(raw, " \t\r\n")
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// Raw gives the bytes as received; nil for the zero Object.
func (o Object) Raw() json.RawMessage { return o.raw }

// IsZero tells whether o is the zero Object.
func (o Object) IsZero() bool { return o.fields == nil }

// ID gives the identifier, or "" when there is none that iri accepts.
func (o Object) ID() string {
	var id string
	if json.Unmarshal(o.fields["id"], &id) != nil || !iri.Valid(id) {
		return ""
	}
	return id
}

// Type gives the first type.
func (o Object) Type() string {
	if t := o.Types(); len(t) > 0 {
		return t[0]
	}
	return ""
}

// Types gives all types; a document may have a list of them.
func (o Object) Types() []string { return o.Strings("type") }

// Is tells whether one of the types is t.
func (o Object) Is(t string) bool {
	return slices.Contains(o.Types(), t)
}

// Has tells whether key is there with a value other than null.
func (o Object) Has(key string) bool {
	k := kind(o.fields[key])
	return k != 0 && k != 'n'
}

// Field gives the raw value of key, nil when it is absent.
func (o Object) Field(key string) json.RawMessage { return o.fields[key] }

// most is how many values of a property are looked at; more are cut (SEC-36).
// Mentions are tags. What is not here is bounded by strict.Activity.
var most = map[string]int{
	"to": maxAddressees, "cc": maxAddressees, "bto": maxAddressees, "bcc": maxAddressees, "audience": maxAddressees,
	"tag": 50, "attachment": 20, "oneOf": 50, "anyOf": 50, "alsoKnownAs": 50,
}

// values gives the members of a list, or the one value that is no list.
func (o Object) values(key string) []json.RawMessage {
	raw := o.fields[key]
	switch kind(raw) {
	case 0, 'n':
		return nil
	case '[':
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return nil
		}
		if n, ok := most[key]; ok && len(list) > n {
			return list[:n]
		}
		return list
	}
	return []json.RawMessage{raw}
}

// String gives the first string of key, "" when there is none.
func (o Object) String(key string) string {
	if s := o.Strings(key); len(s) > 0 {
		return s[0]
	}
	return ""
}

// Strings gives the strings of key; other values are left out.
func (o Object) Strings(key string) []string {
	var out []string
	for _, v := range o.values(key) {
		var s string
		if kind(v) == '"' && json.Unmarshal(v, &s) == nil {
			out = append(out, s)
		}
	}
	return out
}

// IRI gives the first identifier of key, "" when there is none.
func (o Object) IRI(key string) string {
	if s := o.IRIs(key); len(s) > 0 {
		return s[0]
	}
	return ""
}

// IRIs gives the identifiers of key: strings that are valid ones, ids of
// embedded objects, hrefs of links. Anything else is left out (SEC-30).
func (o Object) IRIs(key string) []string {
	var out []string
	for _, v := range o.values(key) {
		if s := identifier(v); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func identifier(v json.RawMessage) string {
	switch kind(v) {
	case '"':
		var s string
		if json.Unmarshal(v, &s) == nil && iri.Valid(s) {
			return s
		}
	case '{':
		if in, ok := objectOf(v); ok {
			if id := in.ID(); id != "" {
				return id
			}
			if href := in.String("href"); iri.Valid(href) {
				return href
			}
		}
	}
	return ""
}

// Object gives the first embedded object of key.
func (o Object) Object(key string) (Object, bool) {
	if list := o.Objects(key); len(list) > 0 {
		return list[0], true
	}
	return Object{}, false
}

// Objects gives the embedded objects of key; other values are left out.
func (o Object) Objects(key string) []Object {
	var out []Object
	for _, v := range o.values(key) {
		if in, ok := objectOf(v); ok {
			out = append(out, in)
		}
	}
	return out
}

// Int gives an integer; ok is false for anything else, also for a fraction.
func (o Object) Int(key string) (n int64, ok bool) {
	f, ok := o.Float(key)
	if !ok || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Float gives a number.
func (o Object) Float(key string) (f float64, ok bool) {
	raw := o.fields[key]
	if k := kind(raw); k != '-' && (k < '0' || k > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(raw)), 64)
	return f, err == nil
}

// Bool gives a boolean.
func (o Object) Bool(key string) (b, ok bool) {
	err := json.Unmarshal(o.fields[key], &b)
	return b, err == nil && (kind(o.fields[key]) == 't' || kind(o.fields[key]) == 'f')
}

// Time gives a point in time (AS2 2.3, RFC 3339) in UTC, whole microseconds.
func (o Object) Time(key string) (t time.Time, ok bool) {
	s := o.String(key)
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1900 || t.Year() > 9999 {
		return time.Time{}, false
	}
	return t.UTC().Truncate(time.Microsecond), true
}

// To gives the first audience with Public in its one spelling.
func (o Object) To() []string { return o.audience("to") }

// Cc gives the second audience likewise.
func (o Object) Cc() []string { return o.audience("cc") }

// maxAddressees bounds an audience; more are cut (SEC-36).
const maxAddressees = 200

func (o Object) audience(key string) []string {
	var out []string
	for _, v := range o.values(key) {
		var s string
		if kind(v) == '"' && json.Unmarshal(v, &s) == nil && IsPublic(s) {
			out = append(out, Public)
		} else if s := identifier(v); s != "" {
			out = append(out, s)
		}
		if len(out) == maxAddressees {
			break
		}
	}
	return out
}

// IsPublic tells whether an audience means everyone, in any spelling.
func IsPublic(audience string) bool {
	return audience == Public || audience == "as:Public" || audience == "Public"
}

// IsPublic tells whether the document is addressed to everyone in to.
func (o Object) IsPublic() bool {
	return slices.Contains(o.To(), Public)
}

// Decode fills a wire struct. Tags must be written as they stand in the
// document: encoding/json also matches other cases, so values that decide
// about authority are read by ID, IRI and Type instead (SECURITY-bar M).
func (o Object) Decode(into any) error {
	if err := json.Unmarshal(o.raw, into); err != nil {
		return fmt.Errorf("%w: %s", ErrInvalid, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// Stub makes an Object that holds an id and a type, for something that is
// known already.
func Stub(id, typ string) Object {
	raw, err := marshal(map[string]string{"id": id, "type": typ})
	if err != nil {
		return Object{}
	}
	o, _ := objectOf(raw)
	return o
}
