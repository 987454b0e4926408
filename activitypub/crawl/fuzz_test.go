package crawl

import (
	"os"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// FuzzPage: whatever two pages hold, a walk stays within its limits and on the
// host of the collection, and never asks for a page again (SEC-28).
func FuzzPage(f *testing.F) {
	const base = "https://a.example/outbox"
	for _, name := range []string{"instance-outbox.json", "instance-outbox-page1.json"} {
		raw, err := os.ReadFile("../testdata/docs/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw, raw)
	}
	for _, page := range []string{
		`{"first":"https://a.example/outbox?page=1"}`,
		`{"first":{"id":"https://a.example/outbox?page=1","orderedItems":["https://a.example/1"],"next":"https://a.example/outbox"}}`,
		`{"items":["https://a.example/1",{"id":"https://b.example/2"},5,null],"next":"https://b.example/"}`,
		`{"orderedItems":{"id":"https://a.example/1"},"next":["https://a.example/outbox?page=2"]}`,
		`{"first":{"items":[]},"next":{"id":"https://A.example:443/outbox"}}`,
	} {
		f.Add([]byte(page), []byte(`{"next":"https://a.example/outbox"}`))
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		c := newCursor(base)
		asked := map[string]bool{}
		items := 0
		for _, raw := range [][]byte{one, two, one, two} {
			if c.next == "" {
				break
			}
			if asked[c.next] {
				t.Fatalf("%s is asked for twice", c.next)
			}
			if !iri.SameHost(base, c.next) {
				t.Fatalf("%s is asked for", c.next)
			}
			asked[c.next] = true
			doc, err := vocab.Parse(raw)
			if err != nil {
				return
			}
			items += len(c.read(doc))
		}
		if items > MaxItems || c.items != items || c.pages > MaxPages+1 {
			t.Fatalf("%d items counted as %d, %d pages", items, c.items, c.pages)
		}
		again := newCursor(base)
		again.remember(c.hashes())
		if again.hashes() != c.hashes() {
			t.Fatalf("remembered %q as %q", c.hashes(), again.hashes())
		}
	})
}
