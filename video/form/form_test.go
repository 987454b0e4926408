package form_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestKinds: a field holds the kind of JSON that it is for, or is refused by name.
func TestKinds(t *testing.T) {
	for _, c := range []struct {
		body    string
		want    form.Input
		refused string
	}{
		{`{"name":"a","description":null}`, form.Input{"name": {"a"}, "description": nil}, ""},
		{`{"privacy":1,"channelId":"3","nsfw":true,"waitTranscoding":"false","category":null}`, form.Input{
			"privacy": {"1"}, "channelId": {"3"}, "nsfw": {"true"}, "waitTranscoding": {"false"}, "category": nil,
		}, ""},
		{`{"tags":["a","b"],"videoPasswords":[]}`, form.Input{"tags": {"a", "b"}, "videoPasswords": {}}, ""},
		{`{"scheduleUpdate":{"updateAt":"x","privacy":2,"more":[]}}`, form.Input{"scheduleUpdate[updateAt]": {"x"}, "scheduleUpdate[privacy]": {"2"}}, ""},
		{`{"scheduleUpdate":{"updateAt":"x","privacy":null}}`, form.Input{"scheduleUpdate[updateAt]": {"x"}, "scheduleUpdate[privacy]": nil}, ""},
		{`{"scheduleUpdate":null,"tags":null}`, form.Input{"scheduleUpdate": nil, "tags": nil}, ""},
		{`{"pluginData":{"a":{}},"more":[1],"other":5}`, form.Input{"other": {"5"}}, ""},
		{`{"displayName":"a","name":5,"tags":{}}`, form.Input{"displayName": {"a"}, "name": {"5"}}, ""}, // not of a playlist

		{`{"name":true}`, nil, "name"},
		{`{"name":1.5}`, nil, "name"},
		{`{"name":{}}`, nil, "name"},
		{`{"displayName":0}`, nil, "displayName"},
		{`{"description":[]}`, nil, "description"},
		{`{"description":["text"]}`, nil, "description"},
		{`{"description":{"a":1}}`, nil, "description"},
		{`{"language":[]}`, nil, "language"},
		{`{"originallyPublishedAt":2020}`, nil, "originallyPublishedAt"},
		{`{"privacy":[]}`, nil, "privacy"},
		{`{"category":[[]]}`, nil, "category"},
		{`{"nsfw":{}}`, nil, "nsfw"},
		{`{"tags":"a"}`, nil, "tags"},
		{`{"tags":[null]}`, nil, "tags"},
		{`{"tags":["a",[]]}`, nil, "tags"},
		{`{"tags":{"a":1}}`, nil, "tags"},
		{`{"videoPasswords":[12]}`, nil, "videoPasswords"},
		{`{"scheduleUpdate":[]}`, nil, "scheduleUpdate"},
		{`{"scheduleUpdate":{}}`, nil, "scheduleUpdate"},
		{`{"scheduleUpdate":{"a":1}}`, nil, "scheduleUpdate"},
		{`{"scheduleUpdate":"soon"}`, nil, "scheduleUpdate"},
		{`{"scheduleUpdate":{"updateAt":5}}`, nil, "scheduleUpdate[updateAt]"},
		{`{"scheduleUpdate":{"updateAt":"x","privacy":[]}}`, nil, "scheduleUpdate[privacy]"},
	} {
		fields := form.Video
		if strings.Contains(c.body, "displayName") {
			fields = form.Playlist
		}
		in, err := form.FromJSON([]byte(c.body), fields)
		if c.refused == "" {
			if diff := cmp.Diff(c.want, in); err != nil || diff != "" {
				t.Errorf("%s: %v, -want +got:\n%s", c.body, err, diff)
			}
			continue
		}
		if err == nil {
			t.Errorf("%s is taken as %v", c.body, in)
			continue
		}
		if p := rest.AsProblem(err); p.Status != 400 || len(p.Invalid) != 1 || p.Invalid[c.refused].Location != "body" {
			t.Errorf("%s: %d %v, want %s", c.body, p.Status, fmt.Sprint(p.Invalid), c.refused)
		}
	}
}
