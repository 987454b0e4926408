package catalog_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
)

func TestTruncate(t *testing.T) {
	words := strings.Repeat("word ", 100)
	for _, c := range []struct{ name, in, want string }{
		{"short", "short", "short"},
		{"250", strings.Repeat("x", 250), strings.Repeat("x", 250)},
		{"251", strings.Repeat("x", 251), strings.Repeat("x", 247) + "..."},
		{"at a space", words, strings.TrimSpace(words[:245]) + "..."},
		{"250 umlauts", strings.Repeat("ä", 250), strings.Repeat("ä", 250)},
	} {
		got := catalog.Truncate(c.in)
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if n := utf8.RuneCountInString(got); n > 250 {
			t.Errorf("%s: %d characters", c.name, n)
		}
	}
}

func TestLabels(t *testing.T) {
	for got, want := range map[string]string{
		catalog.Public.Label(): "Public", catalog.State(99).Label(): "Unknown", catalog.CommentsApproval.Label(): "Requires approval",
		catalog.TranscodingFailed.Label(): "Transcoding failed", catalog.Privacy(0).Label(): "Unknown",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func FuzzInput(f *testing.F) {
	f.Add(`{"name":"A film","tags":["a","b"],"category":3,"privacy":1}`, "name=x&tags[0]=a")
	f.Add(`{"name":null,"originallyPublishedAt":"2020-01-01"}`, "tags=a&tags=b&name=")
	f.Fuzz(func(t *testing.T, body, query string) {
		check := func(in form.Input) {
			a := catalog.NewAttributes()
			if a.Apply(in) != nil {
				return
			}
			if n := utf8.RuneCountInString(a.Name); n < 3 || n > 120 || len(a.Tags) > 5 || !utf8.ValidString(a.Name) || a.Privacy < 1 || a.Privacy > 5 {
				t.Fatalf("%q %q is taken: %+v", body, query, a)
			}
		}
		if in, err := form.FromJSON([]byte(body), form.Video); err == nil {
			check(in)
		}
		if v, err := url.ParseQuery(query); err == nil {
			if in, err := form.FromValues(v); err == nil {
				check(in)
			}
		}
	})
}
