package iri_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

func TestShort(t *testing.T) {
	const home = "https://far.example:8443/videos/watch/1"
	for _, c := range []struct{ home, address, want string }{
		{home, "https://far.example:8443/static/a.mp4", "/static/a.mp4"},
		{home, "https://far.example:8443//static/a.mp4", "//static/a.mp4"},
		{home, "https://far.example:8443/", "/"},
		{home, "https://far.example:8443", "https://far.example:8443"},
		{home, "https://far.example/static/a.mp4", "https://far.example/static/a.mp4"},
		{home, "https://far.example:84430/a.mp4", "https://far.example:84430/a.mp4"},
		{home, "http://far.example:8443/a.mp4", "http://far.example:8443/a.mp4"},
		{home, "", ""},
		{"http://a/1", "http://a/b", "/b"},
		{"urn:x", "https://far.example/a", "https://far.example/a"},
		{"https://far.example", "https://far.example/a", "~/a"},
		{home, home + "/chapters", "~/chapters"},
		{home, home, "/videos/watch/1"},
		{home, home + "0/chapters", "/videos/watch/10/chapters"},
		{"", "/a", "/a"},
	} {
		short := iri.Short(c.home, c.address)
		if short != c.want {
			t.Errorf("Short(%q, %q) = %q, want %q", c.home, c.address, short, c.want)
		}
		if full := iri.Full(c.home, short); full != c.address {
			t.Errorf("Full(%q, %q) = %q, want %q", c.home, short, full, c.address)
		}
	}
}
