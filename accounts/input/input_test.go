package input

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

func TestLine(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "Alice Example", "Alice Example"},
		{"spaces joined", "  a \t\n b  ", "a b"},
		{"bidi override", "abc\u202Egpj.exe", "abcgpj.exe"},
		{"zero width", "a\u200Bb\uFEFFc", "abc"},
		{"control", "a\x00b\x1bc\x7f", "abc"},
		{"tag characters", "a\U000E0041b", "ab"},
		{"composed", "e\u0301", "é"},
		{"emoji with joiner stays", "👩\u200d💻", "👩\u200d💻"},
		{"invalid UTF-8", "a\xffb", "ab"},
		{"only invisible", "\u202E\u200B\u2066", ""},
		{"blank fillers", "\u3164\u2800", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Line(c.in)
			if got != c.want {
				t.Errorf("Line(%q) = %q, want %q", c.in, got, c.want)
			}
			if again := Line(got); again != got {
				t.Errorf("not stable: %q becomes %q", got, again)
			}
		})
	}
}

func TestText(t *testing.T) {
	if got, want := Text("a\r\n\n b\tc\u202E\x00 "), "a\n\n b\tc"; got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func TestRules(t *testing.T) {
	given := func(s string) Optional[string] { return Optional[string]{Set: true, Value: s} }
	name := func(s string) func(*rest.Checker) string {
		return func(c *rest.Checker) string { return Name(c, "p", s) }
	}
	display := func(s string) func(*rest.Checker) string {
		return func(c *rest.Checker) string { return DisplayName(c, "p", s) }
	}
	long := func(o Optional[string]) func(*rest.Checker) string {
		return func(c *rest.Checker) string { return LongText(c, "p", o) }
	}
	email := func(s string) func(*rest.Checker) string {
		return func(c *rest.Checker) string { return Email(c, "p", s) }
	}
	for _, c := range []struct {
		name string
		run  func(*rest.Checker) string
		want string // "!" when refused
	}{
		{"name", name("alice_1.x-y"), "alice_1.x-y"},
		{"name of one", name("a"), "a"},
		{"name of 50", name(strings.Repeat("a", 50)), strings.Repeat("a", 50)},
		{"name of 51", name(strings.Repeat("a", 51)), "!"},
		{"name empty", name(""), "!"},
		{"name upper", name("Alice"), "!"},
		{"name ends with dot", name("alice."), "!"},
		{"name with at", name("alice@host"), "!"},
		{"name with line feed", name("alice\n"), "!"},
		{"name with slash", name("../a"), "!"},
		{"display", display(" Alice  E "), "Alice E"},
		{"display 120", display(strings.Repeat("é", 120)), strings.Repeat("é", 120)},
		{"display 121", display(strings.Repeat("é", 121)), "!"},
		{"display invisible", display("\u202E\u200B"), "!"},
		{"display joiner only", display("\u200D \u200D"), "!"},
		{"text", long(given("abc")), "abc"},
		{"text short", long(given("ab")), "!"},
		{"text 1001", long(given(strings.Repeat("a", 1001))), "!"},
		{"text null", long(Optional[string]{Set: true, Null: true}), ""},
		{"text blank", long(given("\u200B \n")), ""},
		{"email", email(" Alice@Example.COM "), "alice@example.com"},
		{"email without host", email("alice@"), "!"},
		{"email with name", email("Alice <a@example.com>"), "!"},
		{"email two", email("a@example.com, b@example.com"), "!"},
		{"email header", email("a@example.com\nBcc: b@example.com"), "!"},
		{"email long", email(strings.Repeat("a", 400) + "@example.com"), "!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var check rest.Checker
			got := c.run(&check)
			if refused := check.Err() != nil; refused != (c.want == "!") {
				t.Fatalf("refused: %v, want %v", check.Err(), c.want == "!")
			}
			if c.want != "!" && got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	type body struct {
		Name  string           `json:"name"`
		Note  Optional[string] `json:"note"`
		Count Optional[int]    `json:"count"`
	}
	for _, c := range []struct {
		name, kind, in string
		want           body
		status         int
	}{
		{"absent", "application/json", `{"name":"a","more":1}`, body{Name: "a"}, 0},
		{"null", "application/json; charset=utf-8", `{"note":null}`, body{Note: Optional[string]{Set: true, Null: true}}, 0},
		{"value", "application/json", ` {"note":"x","count":3}`, body{Note: Optional[string]{Set: true, Value: "x"}, Count: Optional[int]{Set: true, Value: 3}}, 0},
		{"wrong type", "application/json", `{"name":3}`, body{}, 400},
		{"wrong type inside optional", "application/json", `{"count":"3"}`, body{}, 400},
		{"array", "application/json", `[]`, body{}, 400},
		{"empty", "application/json", ``, body{}, 400},
		{"two documents", "application/json", `{}{}`, body{}, 400},
		{"form", "application/x-www-form-urlencoded", `name=a`, body{}, 415},
		{"no type", "", `{}`, body{}, 415},
		{"too large", "application/json", `{"name":"` + strings.Repeat("a", maxBody) + `"}`, body{}, 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.in))
			r.Header.Set("Content-Type", c.kind)
			var got body
			err := JSON(echo.New().NewContext(r, httptest.NewRecorder()), &got)
			if c.status != 0 {
				if p := rest.AsProblem(err); err == nil || p.Status != c.status {
					t.Fatalf("JSON(%q) = %v, want status %d", c.in, err, c.status)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
	if (Optional[int]{}).Or(7) != 7 || (Optional[int]{Set: true, Value: 3}).Or(7) != 3 || (Optional[int]{Set: true, Null: true}).Or(7) != 7 {
		t.Error("Or does not fall back as documented")
	}
}
