package crawl

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
)

// hashLen is how much of a page's address is kept, in hexadecimal digits.
const hashLen = 16

// cursor is a position in a collection.
type cursor struct {
	base  string // the collection
	next  string // the page to read; "" after the last
	seen  map[string]bool
	order []string // of seen
	pages int
	items int
}

func newCursor(collection string) *cursor {
	return &cursor{base: collection, next: collection, seen: map[string]bool{}}
}

// hashes is the memory of the pages read, for a column.
func (c *cursor) hashes() string { return strings.Join(c.order, "") }

// remember takes back what hashes gave.
func (c *cursor) remember(hashes string) {
	for ; len(hashes) >= hashLen; hashes = hashes[hashLen:] {
		c.mark(hashes[:hashLen])
	}
}

func hash(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:])[:hashLen]
}

func (c *cursor) mark(h string) {
	if !c.seen[h] {
		c.seen[h] = true
		c.order = append(c.order, h)
	}
}

// read takes what lies at next, gives its items, and moves on. The collection
// itself may hold items, an embedded first page, or the address of it.
func (c *cursor) read(doc vocab.Object) []vocab.Object {
	first := c.pages == 0
	c.mark(hash(c.next))
	c.pages++
	items := itemsOf(doc)
	next := doc.IRI("next")
	if first && doc.Has("first") {
		next = doc.IRI("first")
		if page, ok := doc.Object("first"); ok && (page.Has("orderedItems") || page.Has("items")) {
			if id := page.ID(); id != "" {
				if !iri.SameHost(c.base, id) {
					return c.count(items, "")
				}
				c.mark(hash(id))
			}
			c.pages++ // nothing was fetched, and still it counts (SEC-28)
			items, next = append(items, itemsOf(page)...), page.IRI("next")
		}
	}
	return c.count(items, next)
}

// count cuts items at the limit and sets the next page, if it may be read.
func (c *cursor) count(items []vocab.Object, next string) []vocab.Object {
	c.next = next
	if next == "" || c.seen[hash(next)] || !iri.SameHost(c.base, next) || c.pages >= MaxPages {
		c.next = ""
	}
	if left := MaxItems - c.items; len(items) >= left {
		items, c.next = items[:left], ""
	}
	c.items += len(items)
	return items
}

// itemsOf gives the items of a page: IRIs or embedded objects, in their order.
func itemsOf(page vocab.Object) []vocab.Object {
	for _, key := range []string{"orderedItems", "items"} {
		if page.Has(key) {
			return page.Items(key)
		}
	}
	return nil
}
