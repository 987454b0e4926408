package notify

import (
	"slices"
	"testing"
)

// TestMentions: who is called in a text is found in the ways that servers write
// it, and nobody else.
func TestMentions(t *testing.T) {
	m := newMentions("https://tube.test")
	for _, c := range []struct {
		name, text string
		local      bool
		want       []string
	}{
		{"by name", "@ann look", true, []string{"ann"}},
		{"by name at the end", "look, @ann.", true, []string{"ann"}},
		{"in a paragraph", "<p>hi @ann</p><p>@ben</p>", true, []string{"ann", "ben"}},
		{"by handle", "(@ann@tube.test) hi", true, []string{"ann"}},
		{"in capitals", "@Ann@TUBE.test", true, []string{"ann"}},
		{"of another server", "@ann@peer.test", true, nil},
		{"by name, written elsewhere", "@ann look", false, nil},
		{"by handle, written elsewhere", "@ann@tube.test look", false, []string{"ann"}},
		{"as Mastodon writes it", `<p><a href="https://tube.test/accounts/ann" rel="nofollow">@ann</a> hi</p>`, false, []string{"ann"}},
		{"as others link pages", `<a href="https://tube.test/@ann">@ann</a> <a href="https://tube.test/a/ben">@ben</a>`, false, []string{"ann", "ben"}},
		{"a link to a video", `<a href="https://tube.test/w/ann">@ann</a>`, false, nil},
		{"another server's link", `<a href="https://tube.test.evil/@ann">@ann</a>`, false, nil},
		{"a mail address", "ann@tube.test, me@ann", true, nil},
		{"in an address", "https://x.test/@ann", true, nil},
		{"escaped", "&lt;@ann&gt;", true, []string{"ann"}},
		{"nobody", "@ @@ @- hello", true, nil},
	} {
		if got := m.find(c.text, c.local, "tube.test"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q calls %q, want %q", c.name, c.text, got, c.want)
		}
	}
	many := ""
	for range 200 {
		many += "@ann "
	}
	if got := m.find(many, true, "tube.test"); len(got) > maxMentions {
		t.Errorf("%d are called by one comment", len(got))
	}
}
