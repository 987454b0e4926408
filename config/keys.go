package config

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// EnvPrefix begins the name of every environment variable that is read.
const EnvPrefix = "KINEMESH_"

// setting is one key with the field it fills.
type setting struct {
	key   string
	field reflect.StructField
	value reflect.Value
}

// settings lists the keys of c in the order of the struct.
func (c *Config) settings() []setting {
	var all []setting
	walk(reflect.ValueOf(c).Elem(), "", func(s setting) { all = append(all, s) })
	return all
}

// byKey returns the settings of c by key.
func (c *Config) byKey() map[string]setting {
	all := map[string]setting{}
	for _, s := range c.settings() {
		all[s.key] = s
	}
	return all
}

func walk(v reflect.Value, prefix string, visit func(setting)) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name := f.Tag.Get("key")
		if name == "-" {
			continue
		}
		if f.Type.Kind() == reflect.Struct {
			walk(v.Field(i), prefix+name+".", visit)
			continue
		}
		visit(setting{prefix + name, f, v.Field(i)})
	}
}

// EnvName returns the environment variable of a key. Names are unambiguous
// because no two keys differ in dots and underscores alone, see TestEnvNames.
func EnvName(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// set stores raw, a value as YAML gives it or the text of an environment
// variable, or says what is allowed.
func (s setting) set(raw any) error {
	if err := assign(s.value, raw, s.field.Tag); err != nil {
		return s.wrong(raw)
	}
	return nil
}

func (s setting) wrong(raw any) error {
	shown := fmt.Sprintf("%v", raw)
	if s.field.Type == reflect.TypeFor[Secret]() {
		shown = redacted
	}
	return &ValueError{Key: s.key, Value: shown, Allowed: allowed(s.field.Type, s.field.Tag)}
}

// ValueError is a wrong value of a setting.
type ValueError struct {
	Key     string
	Value   string // as it was written; [redacted] for secrets
	Allowed string // what is allowed instead
}

// Error names key, value and what is allowed.
func (e *ValueError) Error() string {
	return fmt.Sprintf("%s: %q is not allowed, write %s", e.Key, e.Value, e.Allowed)
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	sizeType     = reflect.TypeFor[Size]()
	imageType    = reflect.TypeFor[ImageSize]()
	prefixType   = reflect.TypeFor[netip.Prefix]()
)

func assign(v reflect.Value, raw any, tag reflect.StructTag) error {
	switch v.Type() {
	case durationType:
		d, err := ParseDuration(scalar(raw))
		return assignInt(v, int64(d), tag, err)
	case sizeType:
		n, err := ParseSize(scalar(raw))
		return assignInt(v, int64(n), tag, err)
	case imageType:
		return assignImage(v, raw)
	}
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		text, isText := raw.(string)
		if !isText {
			return errSyntax
		}
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() { //nolint:exhaustive // the kinds that settings have
	case reflect.Bool:
		b, err := strconv.ParseBool(scalar(raw))
		if err == nil {
			v.SetBool(b)
		}
		return err
	case reflect.Int:
		n, err := strconv.ParseInt(scalar(raw), 10, 64)
		return assignInt(v, n, tag, err)
	case reflect.String:
		text, isText := raw.(string)
		if !isText || !isAllowed(tag, text) {
			return errSyntax
		}
		v.SetString(text)
		return nil
	case reflect.Slice:
		return assignList(v, raw, tag)
	}
	panic("config: no rule for settings of type " + v.Type().String())
}

// scalar returns raw as text; what is neither text, number nor truth value
// becomes a text that no parser accepts.
func scalar(raw any) string {
	switch x := raw.(type) {
	case string:
		return strings.TrimSpace(x)
	case bool, int, int64, uint64, float64, json.Number:
		return fmt.Sprint(x)
	}
	return "?"
}

func assignInt(v reflect.Value, n int64, tag reflect.StructTag, err error) error {
	if err != nil {
		return err
	}
	if lo, ok := bound(tag, "min"); ok && n < lo {
		if v.Type() != sizeType || n != int64(Unlimited) {
			return errSyntax
		}
	}
	if hi, ok := bound(tag, "max"); ok && n > hi {
		return errSyntax
	}
	v.SetInt(n)
	return nil
}

func bound(tag reflect.StructTag, name string) (int64, bool) {
	n, err := strconv.ParseInt(tag.Get(name), 10, 64)
	return n, err == nil
}

func isAllowed(tag reflect.StructTag, text string) bool {
	list, ok := tag.Lookup("allowed")
	if !ok {
		return true
	}
	for word := range strings.FieldsSeq(list) {
		if word == text {
			return true
		}
	}
	return false
}

// assignList takes a YAML list, or a text with commas from the environment.
func assignList(v reflect.Value, raw any, tag reflect.StructTag) error {
	var items []any
	switch x := raw.(type) {
	case []any:
		items = x
	case string:
		for part := range strings.SplitSeq(x, ",") {
			if part = strings.TrimSpace(part); part != "" {
				items = append(items, part)
			}
		}
	default:
		return errSyntax
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := assign(list.Index(i), item, tag); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

// assignImage takes "280x157" or PeerTube's {width: 280, height: 157}.
func assignImage(v reflect.Value, raw any) error {
	text, isText := raw.(string)
	if m, ok := raw.(map[string]any); ok {
		text, isText = fmt.Sprintf("%vx%v", m["width"], m["height"]), true
	}
	if !isText {
		return errSyntax
	}
	size, err := parseImageSize(text)
	if err != nil {
		return err
	}
	v.Set(reflect.ValueOf(size))
	return nil
}

// allowed describes the values of a type.
func allowed(t reflect.Type, tag reflect.StructTag) string {
	switch t {
	case durationType:
		if lo, ok := bound(tag, "min"); ok && lo < 0 {
			return "a duration such as 5 minutes, 2 days, or -1 for no end"
		}
		return "a duration such as 10 seconds, 5 minutes, 2 days, or a number of milliseconds"
	case sizeType:
		if lo, ok := bound(tag, "min"); ok {
			return fmt.Sprintf("a size such as 500MB or 10GB of at least %s, or -1 for no limit", Size(lo))
		}
		return "a size such as 500MB or 10GB, a number of bytes, or -1 for no limit"
	case imageType:
		return "a width and height in pixels such as 280x157, at most 4096x4096"
	case prefixType:
		return "a network such as 10.0.0.0/8"
	}
	switch t.Kind() { //nolint:exhaustive // the kinds that settings have
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return allowedInt(tag)
	case reflect.Slice:
		return "a list, each entry " + strings.TrimPrefix(allowed(t.Elem(), tag), "a text, ")
	}
	if list, ok := tag.Lookup("allowed"); ok {
		return "one of " + strings.Join(strings.Fields(list), ", ")
	}
	return "a text, in quotes when it looks like a number"
}

func allowedInt(tag reflect.StructTag) string {
	lo, hasLo := bound(tag, "min")
	hi, hasHi := bound(tag, "max")
	if hasLo && hasHi {
		return fmt.Sprintf("a whole number from %d to %d", lo, hi)
	}
	return "a whole number"
}
