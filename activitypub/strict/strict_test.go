package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
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
		{"text at limit", `{"a":"` + strings.Repeat("x", 64<<10) + `"}`, true},
		{"text over limit", `{"a":"` + strings.Repeat("x", 64<<10+1) + `"}`, false},
		{"key over limit", `{"` + strings.Repeat("x", 64<<10+1) + `":1}`, false},
		{"many keys", manyKeys(500, -1), true},
		{"one of many keys twice", manyKeys(500, 3), false},
		{"a late one of many keys twice", manyKeys(500, 490), false},
		{"an escaped one of many keys twice", strings.Replace(manyKeys(500, 499), `,"k499":0}`, `,"\u006b499":0}`, 1), false},
		{"keys of a closed object", `{"a":{"x":1,"y":2},"x":1,"y":{"a":1}}`, true},
		{"nested lists count apart", `[` + list(1000) + `,` + list(1000) + `]`, true},
		{"escapes", `{"a\"b":"\\","c":"\"","d":["\\\"",-1.5e3,null,true]}`, true},
		{"escaped backslash before u0000", `{"a":"\\u0000"}`, true},
		{"control character", "{\"a\":\"\n\"}", false},
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

// manyKeys is an object of n keys; one of them is there twice unless it is -1.
func manyKeys(n, again int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":{"k%d":[]}`, i, i)
	}
	if again >= 0 {
		fmt.Fprintf(&b, `,"k%d":0`, again)
	}
	return "{" + b.String()[1:] + "}"
}

// reference judges by tokens of the standard library, slowly.
func reference(raw []byte, l Limits) bool {
	type level struct {
		keys  map[string]bool
		isKey bool
		n     int
	}
	if len(raw) > l.Bytes || !utf8.Valid(raw) || !json.Valid(raw) {
		return false
	}
	var stack []level
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	for {
		tok, err := dec.Token()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if text, ok := tok.(string); ok && strings.Contains(text, "\x00") {
			return false
		}
		if d, ok := tok.(json.Delim); ok && (d == '}' || d == ']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if n := len(stack); n > 0 {
			top := &stack[n-1]
			text, isText := tok.(string)
			switch {
			case top.keys == nil:
				if top.n++; top.n > l.Items {
					return false
				}
			case top.isKey && isText:
				if top.keys[text] {
					return false
				}
				top.keys[text], top.isKey = true, false
				continue
			default:
				top.isKey = true
			}
		}
		if d, ok := tok.(json.Delim); ok {
			next := level{}
			if d == '{' {
				next = level{keys: map[string]bool{}, isKey: true}
			}
			if stack = append(stack, next); len(stack) > l.Depth {
				return false
			}
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	raw, err := os.ReadFile("../testdata/docs/video.json")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Check(raw, Activity); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzCheck: the answer is that of the reference, so what passes is valid JSON.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"a":[1,{"b":null}]}`, `{"a":1,"a":2}`, `[[[]]]`, "\"\\u0000\"", `1e400`, `{"a\\u0062":1,"ab":2}`, ` [ 1 , "x" , {} ] `, manyKeys(40, 30)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) > Activity.Text {
			return // the reference has no limit for texts
		}
		if got, want := Check(raw, Activity), reference(raw, Activity); (got == nil) != want {
			t.Fatalf("%q: %v, the reference says %v", raw, got, want)
		}
	})
}
