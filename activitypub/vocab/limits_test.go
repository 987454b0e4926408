package vocab

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// list makes n values of a property.
func list(n int, each func(int) any) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = each(i)
	}
	return out
}

// TestSEC36: what an activity may hold, each at the limit and one above; more
// is cut, or the document is refused where cutting would change its meaning.
func TestSEC36(t *testing.T) {
	someone := func(i int) any { return fmt.Sprintf("https://a.example/users/%d", i) }
	mention := func(i int) any { return map[string]any{"type": "Mention", "href": someone(i)} }
	hashtag := func(i int) any { return map[string]any{"type": "Hashtag", "name": fmt.Sprint("#", i)} }
	image := func(i int) any { return map[string]any{"type": "Image", "url": someone(i)} }
	const refused = -1
	for _, c := range []struct {
		name  string
		key   string
		value any
		want  int // values seen, or refused
	}{
		{"addressees at the limit", "to", list(200, someone), 200},
		{"one addressee more", "to", list(201, someone), 200},
		{"copies at the limit", "cc", list(200, someone), 200},
		{"one copy more", "cc", list(201, someone), 200},
		{"mentions at the limit", "tag", list(50, mention), 50},
		{"one mention more", "tag", list(51, mention), 50},
		{"tags at the limit", "tag", list(50, hashtag), 50},
		{"one tag more", "tag", list(51, hashtag), 50},
		{"attachments at the limit", "attachment", list(20, image), 20},
		{"one attachment more", "attachment", list(21, image), 20},
		{"choices at the limit", "oneOf", list(50, hashtag), 50},
		{"one choice more", "oneOf", list(51, hashtag), 50},
		{"text at the limit", "content", strings.Repeat("x", 64<<10), 1},
		{"one byte of text more", "content", strings.Repeat("x", 64<<10+1), refused},
		{"URL at the limit", "url", "https://a.example/" + strings.Repeat("x", 2000-18), 1},
		{"one byte of URL more", "url", "https://a.example/" + strings.Repeat("x", 2000-17), 0},
		{"items at the limit", "items", list(1000, someone), 1000},
		{"one item more", "items", list(1001, someone), refused},
	} {
		raw, err := json.Marshal(map[string]any{"id": "https://a.example/1", "type": "Note", c.key: c.value})
		if err != nil {
			t.Fatal(err)
		}
		o, err := Parse(raw)
		if err != nil {
			if c.want != refused {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		got := max(len(o.Objects(c.key)), len(o.IRIs(c.key)))
		switch c.key {
		case "to":
			got = len(o.To())
		case "cc":
			got = len(o.Cc())
		case "content":
			got = len(o.Strings(c.key))
		}
		if got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	// The limits hold for an object inside as well.
	raw, err := json.Marshal(map[string]any{
		"id": "https://a.example/1", "type": "Create", "actor": "https://a.example/u",
		"object": map[string]any{"id": "https://a.example/2", "type": "Note", "tag": list(51, mention), "to": list(201, someone)},
	})
	if err != nil {
		t.Fatal(err)
	}
	env, err := ParseActivity(raw)
	if err != nil || len(env.Object.Objects("tag")) != 50 || len(env.Object.To()) != 200 {
		t.Errorf("inside: %d tags, %d addressees, %v", len(env.Object.Objects("tag")), len(env.Object.To()), err)
	}
}
