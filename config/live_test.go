package config

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func complete(t *testing.T, change func(*Config)) *Config {
	t.Helper()
	c := Default()
	if change != nil {
		change(c)
	}
	if err := c.Complete(); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCurrentIsTheFileUntilSomethingIsAdopted(t *testing.T) {
	c := complete(t, func(c *Config) { c.Instance.Name = "File"; c.Signup.Limit = 3 })
	if c.Current().Instance.Name != "File" {
		t.Fatalf("name = %q, want the file's", c.Current().Instance.Name)
	}
	n, err := c.With(map[string]any{"instance.name": "Admin", "user.video_quota": json.Number("10737418240"), "instance.languages": []any{"en", "fr"}, "instance.categories": []any{json.Number("3")}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Current().Instance.Name != "File" {
		t.Error("With alone changed the settings")
	}
	c.Adopt(n)
	now := c.Current()
	if now.Instance.Name != "Admin" || now.User.VideoQuota != 10*GiB || len(now.Instance.Languages) != 2 || len(now.Instance.Categories) != 1 || now.Signup.Limit != 3 {
		t.Errorf("current = %q %v %v %d", now.Instance.Name, now.User.VideoQuota, now.Instance.Languages, now.Signup.Limit)
	}
	if now.Current() != now || n.Base() != c {
		t.Error("a snapshot does not know the newest and the file")
	}
	// Another change starts at the file, not at the last change.
	second, err := now.With(map[string]any{"signup.limit": 7})
	if err != nil || second.Instance.Name != "File" || second.Signup.Limit != 7 {
		t.Errorf("second = %+v, %v", second, err)
	}
	c.Adopt(nil)
	if c.Current().Instance.Name != "File" || c.Instance.Name != "File" {
		t.Error("the file is not back")
	}
}

func TestWithRefusesWhatTheFileMayNotSay(t *testing.T) {
	c := complete(t, nil)
	for name, tc := range map[string]struct {
		values map[string]any
		want   string
	}{
		"number": {map[string]any{"signup.limit": "many"}, "signup.limit"},
		"bound":  {map[string]any{"signup.minimum_age": 200}, "from 0 to 150"},
		"word":   {map[string]any{"instance.default_nsfw_policy": "hide"}, "do_not_list"},
		"list":   {map[string]any{"instance.categories": []any{"a"}}, "instance.categories"},
		"rule":   {map[string]any{"transcoding.web_videos.enabled": false, "transcoding.hls.enabled": false}, "no file would be made"},
	} {
		if n, err := c.With(tc.values); err == nil || n != nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, tc.want)
		}
	}
}

func TestValuesAsJSONHasThem(t *testing.T) {
	c := complete(t, func(c *Config) { c.Views.Videos.CountViewAfter = 10 * time.Second })
	for key, want := range map[string]string{
		"user.video_quota": "-1", "views.videos.count_view_after": "10000", "instance.languages": "[]", "signup.enabled": "false", "instance.name": `"Kinemesh"`,
	} {
		v, ok := c.Value(key)
		got, err := json.Marshal(v)
		if !ok || err != nil || string(got) != want {
			t.Errorf("%s = %s, want %s", key, got, want)
		}
		var read any
		if err := json.Unmarshal(got, &read); err != nil || !c.Same(key, read) {
			t.Errorf("%s is not the same as itself: %v", key, err)
		}
	}
	if c.Same("signup.limit", 11) || c.Same("signup.limit", "x") {
		t.Error("another value is the same")
	}
	for _, key := range []string{"secrets.peertube", "database.password", "nothing"} {
		if v, ok := c.Value(key); ok {
			t.Errorf("%s has a value: %v", key, v)
		}
	}
}
