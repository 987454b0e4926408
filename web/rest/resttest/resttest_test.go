package resttest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifferences(t *testing.T) {
	for _, c := range []struct {
		name, want, got string
		diff            []string
	}{
		{"same", `{"a":1,"b":[{"c":"x"}]}`, `{"a":2,"b":[{"c":"y"},{"c":"z"}]}`, nil},
		{"missing", `{"a":1,"b":2}`, `{"a":1}`, []string{".b is missing"}},
		{"ours alone", `{"a":1}`, `{"a":1,"b":2}`, []string{".b is ours alone"}},
		{"another type", `{"a":1}`, `{"a":"1"}`, []string{".a is a string, not a number"}},
		{"null fits", `{"a":null,"b":"x"}`, `{"a":{"z":1},"b":null}`, nil},
		{"null first, then a type", `[{"a":null},{"a":1}]`, `[{"a":"x"}]`, []string{"[].a is a string, not a number"}},
		{"elements count together", `[{"a":1,"b":1}]`, `[{"a":1},{"b":1}]`, nil},
		{"an empty list says nothing", `{"a":[{"b":1}]}`, `{"a":[]}`, nil},
		{"inside of what is missing", `{"a":{"b":1}}`, `{}`, []string{".a is missing"}},
		{"a list for an object", `{"a":{"b":1}}`, `{"a":[1]}`, []string{".a is a list, not an object"}},
		{"deep", `{"data":[{"f":[{"x":1}]}]}`, `{"data":[{"f":[{"y":1}]}]}`, []string{".data[].f[].x is missing", ".data[].f[].y is ours alone"}},
	} {
		var want, got any
		for text, into := range map[string]*any{c.want: &want, c.got: &got} {
			if err := json.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		if c.want == c.got {
			got = want
		}
		if d := cmp.Diff(c.diff, Differences(want, got)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestAllowed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allowed.txt")
	text := "# comment\n\nvideo: .a is missing -- the way of 8.0\n*: .b is ours alone -- new\nuser: .c* -- whatever is in it\nuser: .d is missing -- never seen\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := ReadAllowed(t, file)
	for _, c := range []struct {
		subject, difference string
		want                bool
	}{
		{"video", ".a is missing", true},
		{"user", ".a is missing", false},
		{"user", ".b is ours alone", true},
		{"user", ".c[].d is missing", true},
		{"user", ".e is missing", false},
	} {
		if got := a.Has(c.subject, c.difference); got != c.want {
			t.Errorf("%s: %s = %t", c.subject, c.difference, got)
		}
	}
	complaints := &counter{TB: t}
	a.Unused(complaints)
	if complaints.n != 1 {
		t.Errorf("%d unused lines, want 1", complaints.n)
	}
	if err := os.WriteFile(file, []byte("video: .a is missing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	complaints.n = 0
	if ReadAllowed(complaints, file); complaints.n != 1 {
		t.Error("a line without a reason is taken")
	}
}

// counter counts the errors of a test in place of failing.
type counter struct {
	testing.TB
	n int
}

func (c *counter) Errorf(string, ...any) { c.n++ }
