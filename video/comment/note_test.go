package comment

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// FuzzNote: whatever a Note is, reading it does not panic, and the text of one
// that is taken is short, and safe already.
func FuzzNote(f *testing.F) {
	for _, s := range []string{
		`{"type":"Note","id":"https://a.example/1","attributedTo":"https://a.example/b","inReplyTo":"https://c.example/v","content":"<p>x","published":"2026-01-01T00:00:00Z","to":"as:Public"}`,
		`{"type":["Note"],"id":"https://a.example/1","attributedTo":{"id":"https://a.example/b"},"inReplyTo":{"id":"https://c.example/v"},"contentMap":{"en":"a"},"published":"2026-01-01T00:00:00Z","to":[],"cc":["https://www.w3.org/ns/activitystreams#Public"],"attachment":{"url":"https://a.example/x\"y"},"summary":"<b>"}`,
		`{"type":"Note","id":"https://a.example/1","attributedTo":"https://a.example/b","inReplyTo":"https://c.example/v","content":"<scr<script>ipt>","mediaType":"text/markdown","published":"2026-01-01T00:00:00Z","to":["https://www.w3.org/ns/activitystreams#Public"],"source":{"content":"<<u></u>script>","mediaType":"text/markdown"}}`,
		`{"type":"Tombstone","id":"https://a.example/1","inReplyTo":"https://c.example/v","formerType":"Note"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := vocab.Parse(raw)
		if err != nil {
			return
		}
		n, err := parse(o)
		if err != nil || n.deleted {
			return
		}
		if n.iri == "" || n.author == "" || n.inReplyTo == "" || strings.TrimSpace(n.text) == "" {
			t.Errorf("taken: %+v", n)
		}
		if c := utf8.RuneCountInString(n.text); c > 2*maxText { // with links to attachments
			t.Errorf("%d characters", c)
		}
		if cleaned := markup.Markdown(n.text); cleaned != n.text && markup.HTML(n.text) != n.text {
			t.Errorf("not safe: %q becomes %q", n.text, cleaned)
		}
	})
}

// TestDocumentPath: which paths are ours.
func TestDocumentPath(t *testing.T) {
	for path, want := range map[string]struct {
		id   int64
		part string
		ok   bool
	}{
		"/videos/watch/u/comments": {0, "", true}, "/videos/watch/u/comments/": {0, "", true}, "/videos/watch/u/comments/7": {7, "", true},
		"/videos/watch/u/comments/7/activity": {7, "/activity", true}, "/videos/watch/u/comments/7/activity/approved": {7, "/activity/approved", true},
		"/videos/watch/u": {}, "/videos/watch/u/comments/x": {}, "/videos/watch/u/comments/-7": {}, "/videos/watch/u/commentsx": {},
		"/videos/watch/u/likes": {}, "/videos/watch/u/x/comments/7": {}, "/w/u/comments/7": {}, "/accounts/u/comments/7": {},
		"/videos/watch/u/comments/99999999999999999999": {},
	} {
		uuid, id, part, ok := documentPath(path)
		if ok != want.ok || id != want.id || part != want.part || ok && uuid != "u" {
			t.Errorf("%s: %q %d %q %v", path, uuid, id, part, ok)
		}
	}
}
