package catalog_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
)

// TestInput reads the same video as JSON and as each kind of form that clients
// send.
func TestInput(t *testing.T) {
	fifteen, two, de := 15, 2, "de"
	first := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	want := catalog.Attributes{
		Name: "A film", Description: "About\n\nit", Support: "Help", Category: &fifteen, Licence: &two, Language: &de,
		Privacy: catalog.Unlisted, NSFW: true, NSFWSummary: "loud", NSFWFlags: 3, Tags: []string{"one", "two"},
		CommentsPolicy: catalog.CommentsApproval, DownloadEnabled: false, WaitTranscoding: true, OriginallyPublishedAt: &first,
	}
	values := func(tags ...string) url.Values {
		v := url.Values{
			"name": {"A film"}, "description": {"About\r\n\r\nit"}, "support": {"Help"}, "category": {"15"}, "licence": {"2"},
			"language": {"de"}, "privacy": {"2"}, "nsfw": {"true"}, "nsfwSummary": {"loud"}, "nsfwFlags": {"3"},
			"commentsPolicy": {"3"}, "downloadEnabled": {"false"}, "waitTranscoding": {"1"},
			"originallyPublishedAt": {"2020-01-02T04:04:05+01:00"}, "unknownField": {"x"},
		}
		for i := 0; i+1 < len(tags); i += 2 {
			v[tags[i]] = append(v[tags[i]], tags[i+1])
		}
		return v
	}
	inputs := map[string]func() (form.Input, error){
		"json": func() (form.Input, error) {
			return form.FromJSON([]byte(`{"name":"A film","description":"About\n\nit","support":"Help","category":15,"licence":"2",
"language":"de","privacy":2,"nsfw":true,"nsfwSummary":"loud","nsfwFlags":3,"tags":["one","two"],"commentsPolicy":3,
"downloadEnabled":false,"waitTranscoding":"true","originallyPublishedAt":"2020-01-02T03:04:05.000Z","unknownObject":{"inner":"x"}}`), form.Video)
		},
		"tags repeated":     func() (form.Input, error) { return form.FromValues(values("tags", "one", "tags", "two")) },
		"tags in brackets":  func() (form.Input, error) { return form.FromValues(values("tags[]", "one", "tags[]", "two")) },
		"tags with numbers": func() (form.Input, error) { return form.FromValues(values("tags[1]", "two", "tags[0]", "one")) },
		"an empty tag": func() (form.Input, error) {
			return form.FromValues(values("tags", "one", "tags", "", "tags", "two"))
		},
	}
	for name, read := range inputs {
		t.Run(name, func(t *testing.T) {
			in, err := read()
			if err != nil {
				t.Fatal(err)
			}
			got := catalog.NewAttributes()
			if err := got.Apply(in); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestDefaults is a video about which only its name is known.
func TestDefaults(t *testing.T) {
	a := catalog.NewAttributes()
	if err := a.Apply(form.Input{"name": {"A film"}}); err != nil {
		t.Fatal(err)
	}
	want := catalog.Attributes{Name: "A film", Privacy: catalog.Private, CommentsPolicy: catalog.CommentsEnabled, DownloadEnabled: true}
	if diff := cmp.Diff(want, a); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestNulls takes back what a form or JSON makes null, and nothing else.
func TestNulls(t *testing.T) {
	n, s, at := 3, "fr", time.Now()
	full := catalog.Attributes{
		Name: "A film", Description: "text", Support: "text", Category: &n, Licence: &n, Language: &s, Privacy: catalog.Public,
		Tags: []string{"aa"}, CommentsPolicy: catalog.CommentsEnabled, OriginallyPublishedAt: &at, NSFW: true, NSFWSummary: "why",
	}
	fromForm, err := form.FromValues(url.Values{
		"category": {"null"}, "licence": {""}, "language": {"null"}, "description": {""}, "support": {"null"},
		"originallyPublishedAt": {""}, "nsfwSummary": {"null"}, "nsfw": {""}, "tags": {""},
	})
	if err != nil {
		t.Fatal(err)
	}
	fromJSON, err := form.FromJSON([]byte(`{"category":null,"licence":null,"language":null,"description":null,"support":null,
"originallyPublishedAt":null,"nsfwSummary":null,"nsfw":null,"tags":null}`), form.Video)
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Attributes{Name: "A film", Privacy: catalog.Public, CommentsPolicy: catalog.CommentsEnabled, NSFW: true}
	for name, in := range map[string]form.Input{"form": fromForm, "json": fromJSON} {
		got := full
		if err := got.Apply(in); err != nil {
			t.Fatal(err)
		}
		got.Tags = append([]string(nil), got.Tags...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestInputRefuses(t *testing.T) {
	many := url.Values{}
	for i := range 201 {
		many[strings.Repeat("x", i+1)] = []string{"1"}
	}
	if _, err := form.FromValues(many); err == nil {
		t.Error("a form of 201 fields is taken")
	}
	for _, body := range []string{``, `null`, `[]`, `"text"`, `{`, `{"name":"a"`} {
		if _, err := form.FromJSON([]byte(body), form.Video); err == nil {
			t.Errorf("%q is taken", body)
		}
	}
}

func TestParseTime(t *testing.T) {
	want := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, s := range []string{"2020-01-02T03:04:05Z", "2020-01-02T03:04:05.000Z", "2020-01-02T04:04:05+01:00", "2020-01-02T04:04:05+0100", "2020-01-02T03:04:05"} {
		if got, err := catalog.ParseTime(s); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %v %v", s, got, err)
		}
	}
	for _, s := range []string{"", "now", "1577934245", "2020-13-01", "2020-01-02 03:04:05 pm"} {
		if got, err := catalog.ParseTime(s); err == nil {
			t.Errorf("%s: %v", s, got)
		}
	}
}
