package strict

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("1,", n), ",") + "]" }
	for _, c := range []struct {
		name, in string
		ok       bool
	}{
		{"object", `{"actor":"a","object":{"actor":"b","x":[{"actor":1},{"actor":2}]}}`, true},
		{"trailing space", "{} \n", true},
		{"scalar", `"x"`, true},
		{"same key in two objects", `{"a":{"x":1},"b":{"x":1}}`, true},
		{"other case is another key", `{"actor":1,"ACTOR":2}`, true},
		{"key equals value", `{"a":"a","b":"a"}`, true},
		{"depth at limit", nested(32), true},
		{"objects at limit", objects(32), true},
		{"items at limit", list(1000), true},
		{"unicode", `{"ü":"\u00fc\ud83d\ude00"}`, true},
		{"repeated key", `{"actor":"a","actor":"b"}`, false},
		{"repeated key, escaped", `{"actor":"a","\u0061ctor":"b"}`, false},
		{"repeated key below", `{"o":[{"id":1,"x":{},"id":2}]}`, false},
		{"depth over limit", nested(33), false},
		{"objects over limit", objects(33), false},
		{"100,000 levels", nested(100_000), false},
		{"items over limit", list(1001), false},
		{"two values", `{}{}`, false},
		{"two scalars", `1 2`, false},
		{"byte order mark", "\ufeff{}", false},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", false},
		{"NUL", `{"a":"\u0000"}`, false},
		{"NUL key", `{"\u0000":1}`, false},
		{"empty", ``, false},
		{"open", `{"a":1`, false},
		{"comment", `{/**/}`, false},
		{"trailing comma", `{"a":1,}`, false},
		{"not JSON", `<html>`, false},
		{"too long", `"` + strings.Repeat("x", 1<<20) + `"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Check([]byte(c.in), Activity)
			if (err == nil) != c.ok {
				t.Fatalf("Check(%.60q) = %v, want ok %v", c.in, err, c.ok)
			}
			if err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("%v is no ErrRefused", err)
			}
		})
	}
}

// FuzzCheck: what passes is valid JSON and decodes.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}]}`, `{"a":1,"a":2}`, `[[[]]]`, "\"\\u0000\"", `1e400`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if Check(raw, Activity) != nil {
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("accepted invalid JSON %q", raw)
		}
	})
}
