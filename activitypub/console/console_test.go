package console_test

import (
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/web/rest"
)

func TestShow(t *testing.T) {
	type row struct {
		Name string `json:"name"`
		Note string `json:"note"`
	}
	rows := []row{{"one", "a\x1b[31mred\nline"}, {"two", ""}}
	line := func(r row) []any { return []any{r.Name, r.Note} }
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "NAME  NOTE\none   a [31mred line\ntwo   -\n2 of 9; more with --start 2\n"},
		{[]string{"--start", "7"}, "NAME  NOTE\none   a [31mred line\ntwo   -\n"},
		{[]string{"--json"}, "{\n  \"data\": [\n    {\n      \"name\": \"one\",\n      \"note\": \"a\\u001b[31mred\\nline\"\n    },\n    {\n      \"name\": \"two\",\n      \"note\": \"\"\n    }\n  ],\n  \"total\": 9\n}\n"},
	} {
		var l console.Listing
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		l.Flags(fs)
		if err := errors.Join(fs.Parse(c.args), l.Check()); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		if err := console.Show(&out, l, 9, rows, "NAME\tNOTE", line); err != nil || out.String() != c.want {
			t.Errorf("%v: %v\n%s\nwant\n%s", c.args, err, out.String(), c.want)
		}
	}
	for _, l := range []console.Listing{{Limit: 0}, {Limit: 1001}, {Limit: 1, Start: -1}} {
		if l.Check() == nil {
			t.Errorf("%+v is taken", l)
		}
	}
}

func TestExplain(t *testing.T) {
	var c rest.Checker
	c.Refuse("body", "name", "Should have 3 to 120 characters", "x")
	c.Refuse("body", "email", "Should be an address", "")
	if got := console.Explain(c.Err()).Error(); got != "email: Should be an address; name: Should have 3 to 120 characters" {
		t.Error(got)
	}
	if other := errors.New("away"); !errors.Is(console.Explain(other), other) {
		t.Error("another error is changed")
	}
}
