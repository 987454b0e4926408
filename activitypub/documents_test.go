package activitypub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

const ap = "application/activity+json, application/ld+json"

func recordedDoc(t *testing.T, name string) (out map[string]any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestActorDocuments compares our actors with PeerTube's: the same members
// with the same kinds of values, and the same context.
func TestActorDocuments(t *testing.T) {
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true})
	s.Local(actor.Person, "alice")
	channel := s.Local(actor.Group, "alice_channel")
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		return tx.Model(&actor.Actor{}).Where("id = ?", channel.ID).
			Updates(map[string]any{"summary": "words", "attributed_to": s.Origin + "/accounts/alice"}).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, recorded := range map[string]string{
		"/accounts/peertube": "actor-instance.json", "/accounts/alice": "actor-account.json", "/video-channels/alice_channel": "actor-channel.json",
		"/a/alice": "actor-account.json", "/c/alice_channel": "actor-channel.json",
	} {
		got := s.Get(path, ap)
		if got.Status != 200 || got.Header.Get("Content-Type") != "application/activity+json; charset=utf-8" || !strings.Contains(got.Header.Get("Vary"), "Accept") {
			t.Fatalf("%s: %d %v", path, got.Status, got.Header)
		}
		theirs := recordedDoc(t, recorded)
		context, prefix := got.JSON["@context"].([]any), theirs["@context"].([]any)
		if len(context) > len(prefix) {
			context = context[:len(prefix)] // what is newer comes after
		}
		if diff := cmp.Diff(prefix, context); diff != "" {
			t.Errorf("%s: context (-PeerTube +ours):\n%s", path, diff)
		}
		for key, v := range theirs {
			if slices.Contains([]string{"icon", "image", "support"}, key) {
				continue // what a module adds
			}
			ours, ok := got.JSON[key]
			if !ok || v != nil && key != "summary" && fmt.Sprintf("%T", v) != fmt.Sprintf("%T", ours) {
				t.Errorf("%s: %s is %#v, PeerTube sends %#v", path, key, ours, v)
			}
		}
		if got.JSON["type"] != theirs["type"] || got.JSON["preferredUsername"] != theirs["preferredUsername"] {
			t.Errorf("%s: %s", path, got.Body)
		}
		if strings.Contains(string(got.Body), "PRIVATE") {
			t.Errorf("%s shows a private key", path)
		}
	}
}

func TestNegotiation(t *testing.T) {
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true})
	s.Local(actor.Person, "alice")
	s.Local(actor.Group, "chan")
	for accept, want := range map[string]bool{
		"application/activity+json": true, ap: true, `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`: true,
		"application/activity+json, text/html;q=0.5": true, "text/html, application/activity+json": true,
		"text/html": false, "text/html,application/xhtml+xml,*/*;q=0.8": false, "*/*": false, "": false, "application/json": false,
		"text/html, application/activity+json;q=0.3": false, "application/activity+json;q=0": false,
	} {
		if got := activitypub.WantsActivity(accept); got != want {
			t.Errorf("Accept %q: %v", accept, got)
		}
		if got := s.Get("/accounts/alice", accept); (got.Status == 200) != want {
			t.Errorf("Accept %q answered %d", accept, got.Status)
		}
	}
	for path, want := range map[string]int{
		"/accounts/nobody": 404, "/video-channels/alice": 404, "/accounts/chan": 404, "/accounts/alice/nothing": 404,
		"/accounts/alice/outbox/1": 404, "/nowhere": 404, "/accounts/ALICE": 200, "/accounts/alice/outbox?page=0": 404, "/accounts/alice/outbox?page=x": 404,
	} {
		if got := s.Get(path, ap); got.Status != want {
			t.Errorf("%s: %d, want %d", path, got.Status, want)
		}
	}
	if got := s.Do(http.MethodHead, "/accounts/alice", "", map[string]string{"Accept": ap}); got.Status != 200 {
		t.Errorf("HEAD: %d", got.Status)
	}
}

// TestCollections: totals, pages of ten, and what leaves the outbox again.
func TestCollections(t *testing.T) {
	s, notes := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	alice := s.Local(actor.Person, "alice")
	if got := s.Get("/accounts/alice/outbox", ap); got.JSON["totalItems"] != 0.0 || got.JSON["first"] != nil {
		t.Errorf("empty outbox: %s", got.Body)
	}
	for i := range 12 {
		if err := notes.publish(t.Context(), alice, "Create", fmt.Sprint(i), "words"); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, s, alice, "https://a.example/inbox") // a Like is not shown
	box := s.Get("/accounts/alice/outbox", ap)
	if box.JSON["type"] != "OrderedCollection" || box.JSON["totalItems"] != 12.0 || box.JSON["first"] != alice.IRI+"/outbox?page=1" {
		t.Errorf("outbox: %s", box.Body)
	}
	if diff := cmp.Diff(recordedDoc(t, "instance-outbox.json")["@context"], box.JSON["@context"]); diff != "" {
		t.Error(diff)
	}
	first, second := s.Get("/accounts/alice/outbox?page=1", ap), s.Get("/accounts/alice/outbox?page=2", ap)
	items := func(a aptest.Answer) []any { return a.JSON["orderedItems"].([]any) }
	if len(items(first)) != 10 || len(items(second)) != 2 || first.JSON["next"] != alice.IRI+"/outbox?page=2" || second.JSON["next"] != nil ||
		first.JSON["partOf"] != alice.IRI+"/outbox" || first.JSON["type"] != "OrderedCollectionPage" {
		t.Errorf("pages: %s\n%s", first.Body, second.Body)
	}
	newest := items(first)[0].(map[string]any)
	if newest["type"] != "Create" || newest["object"] != s.Origin+"/notes/11" || newest["actor"] != alice.IRI || newest["to"] == nil {
		t.Errorf("item %v", newest)
	}
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		doc, err := vocab.Build(vocab.Base, map[string]any{
			"type": "Delete", "id": s.Origin + "/notes/11/delete", "actor": alice.IRI, "object": s.Origin + "/notes/11", "to": []string{vocab.Public},
		})
		if err != nil {
			return err
		}
		return s.Engine.Outbox.Publish(tx, alice, doc, activitypub.Delivery{})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Get("/accounts/alice/outbox", ap); got.JSON["totalItems"] != 11.0 {
		t.Errorf("a deleted note is still in the outbox: %s", got.Body)
	}
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	followBy(t, s, alice, bob)
	followers := s.Get("/accounts/alice/followers?page=1", ap)
	if got := items(followers); len(got) != 1 || got[0] != bob.IRI {
		t.Errorf("followers: %s", followers.Body)
	}
	for _, part := range []string{"following", "playlists"} {
		if got := s.Get("/accounts/alice/"+part+"?page=1", ap); len(items(got)) != 0 || got.JSON["totalItems"] != 0.0 {
			t.Errorf("%s: %s", part, got.Body)
		}
	}
}

func TestDiscovery(t *testing.T) {
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true})
	alice := s.Local(actor.Person, "alice")
	finger := func(resource string) aptest.Answer {
		return s.Get("/.well-known/webfinger?resource="+url.QueryEscape(resource), "")
	}
	for _, resource := range []string{"acct:alice@" + s.Host, "acct:Alice@" + strings.ToUpper(s.Host), alice.IRI} {
		got := finger(resource)
		if got.Status != 200 || got.JSON["subject"] != "acct:alice@"+s.Host || !strings.HasPrefix(got.Header.Get("Content-Type"), "application/jrd+json") ||
			got.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("webfinger %s: %d %s", resource, got.Status, got.Body)
		}
	}
	for resource, want := range map[string]int{
		"acct:nobody@" + s.Host: 404, "acct:alice@other.example": 404, s.Origin + "/accounts/nobody": 404, "nobody": 400, "": 400,
		"alice@" + s.Host: 400, "acct:alice": 400, "acct:" + strings.Repeat("a", 5000) + "@" + s.Host: 400, "https://other.example/accounts/alice": 400,
	} {
		if got := finger(resource); got.Status != want {
			t.Errorf("webfinger %.40q: %d, want %d", resource, got.Status, want)
		}
	}
	if got := s.Get("/.well-known/host-meta", ""); got.Status != 200 || !strings.Contains(string(got.Body), s.Origin+"/.well-known/webfinger?resource={uri}") {
		t.Errorf("host-meta: %s", got.Body)
	}
	if got := s.Get("/.well-known/host-meta.json", ""); got.Status != 200 || got.JSON["links"] == nil {
		t.Errorf("host-meta.json: %s", got.Body)
	}
	links := s.Get("/.well-known/nodeinfo", "")
	for _, l := range links.JSON["links"].([]any) {
		href := l.(map[string]any)["href"].(string)
		got := s.Get(strings.TrimPrefix(href, s.Origin), ap)
		if got.Status != 200 {
			t.Errorf("%s: %d", href, got.Status)
		}
	}
	if got := s.Get("/nodeinfo/2.0.json", ""); got.JSON["version"] != "2.0" || !strings.Contains(got.Header.Get("Content-Type"), "schema/2.0#") {
		t.Errorf("nodeinfo: %s", got.Body)
	}
}

// TestCrawlLimits: what ends the walk over somebody's collection (SEC-28).
func TestCrawlLimits(t *testing.T) {
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true})
	item := func(n int) string { return fmt.Sprintf("https://a.example/%d", n) }
	page := func(r *aptest.Remote, n int, next any) map[string]any {
		return map[string]any{"type": "OrderedCollectionPage", "id": fmt.Sprintf("%s/c?page=%d", r.Origin, n), "orderedItems": []any{item(n)}, "next": next}
	}
	for _, c := range []struct {
		name    string
		script  func(r, other *aptest.Remote)
		items   int
		fetches int
	}{
		{"two pages", func(r, _ *aptest.Remote) {
			r.Serve("/c", map[string]any{"type": "OrderedCollection", "first": r.Origin + "/c?page=1"})
			r.Serve("/c?page=1", page(r, 1, r.Origin+"/c?page=2"))
			r.Serve("/c?page=2", page(r, 2, nil))
		}, 2, 3},
		{"all in one", func(r, _ *aptest.Remote) {
			r.Serve("/c", map[string]any{"type": "Collection", "items": []any{item(1), map[string]any{"id": item(2), "type": "Note"}, "junk", 5}})
		}, 2, 1},
		{"one item that is no list", func(r, _ *aptest.Remote) {
			r.Serve("/c", map[string]any{"type": "Collection", "items": item(1)})
		}, 1, 1},
		{"first page inside", func(r, _ *aptest.Remote) {
			r.Serve("/c", map[string]any{"type": "OrderedCollection", "first": page(r, 1, r.Origin+"/c?page=2")})
			r.Serve("/c?page=2", page(r, 2, nil))
		}, 2, 2},
		{"next is itself", func(r, _ *aptest.Remote) { r.Serve("/c", page(r, 1, r.Origin+"/c")) }, 1, 1},
		{"first inside, next back to it", func(r, _ *aptest.Remote) {
			r.Serve("/c", map[string]any{"first": page(r, 1, r.Origin+"/c?page=1")})
		}, 1, 1},
		{"next on another host", func(r, other *aptest.Remote) {
			other.Serve("/c", page(other, 2, nil))
			r.Serve("/c", page(r, 1, other.Origin+"/c"))
		}, 1, 1},
		{"next on our host", func(r, _ *aptest.Remote) { r.Serve("/c", page(r, 1, s.Origin+"/accounts/peertube/outbox?page=1")) }, 1, 1},
		{"ever new pages", func(r, _ *aptest.Remote) {
			n := 0
			r.Handle("/c", func(w http.ResponseWriter, _ *http.Request) {
				n++
				w.Header().Set("Content-Type", "application/activity+json")
				if err := json.NewEncoder(w).Encode(page(r, n, fmt.Sprintf("%s/c?page=%d", r.Origin, n))); err != nil {
					t.Error(err)
				}
			})
		}, 100, 100},
		{"ever new pages of 1,000", func(r, _ *aptest.Remote) {
			n := 0
			r.Handle("/c", func(w http.ResponseWriter, _ *http.Request) {
				n++
				p := page(r, n, fmt.Sprintf("%s/c?page=%d", r.Origin, n))
				p["orderedItems"] = slices.Repeat([]any{item(n)}, 1000)
				w.Header().Set("Content-Type", "application/activity+json")
				if err := json.NewEncoder(w).Encode(p); err != nil {
					t.Error(err)
				}
			})
		}, 2000, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, other := aptest.New(t), aptest.New(t)
			c.script(r, other)
			items := 0
			err := s.Engine.Collection(t.Context(), r.Origin+"/c", func(_ context.Context, o vocab.Object) error {
				if o.ID() == "" {
					t.Errorf("item %s", o.Raw())
				}
				items++
				return nil
			})
			if err != nil || items != c.items || r.Fetches("/c") != c.fetches || other.Fetches("") != 0 {
				t.Errorf("%d items by %d fetches, %v; want %d by %d", items, r.Fetches("/c"), err, c.items, c.fetches)
			}
		})
	}
	if err := s.Engine.Collection(t.Context(), "http://127.0.0.1:1/c", nil); err == nil {
		t.Error("an unreachable collection is no error")
	}
}

// TestBackfill: what an outbox holds is taken item by item; what is not its
// host's word is left out, and one bad item does not end it.
func TestBackfill(t *testing.T) {
	s, _ := serveNotes(t, dbtest.SQLite(t, withNotes()...))
	r, other := aptest.New(t), aptest.New(t)
	bob, mallory := r.Actor(actor.Group, "bob"), other.Actor(actor.Person, "mallory")
	byID := bob.Activity("Announce", noteBy(r, bob, "announced", "one")["id"], nil)
	r.Serve(byID["id"].(string), byID)
	r.Serve(bob.IRI+"/outbox", map[string]any{"type": "OrderedCollection", "id": bob.IRI + "/outbox", "orderedItems": []any{
		bob.Activity("Create", map[string]any{"type": "Note", "id": s.Origin + "/notes/x", "attributedTo": bob.IRI, "content": "bad"}, nil),
		"https://127.0.0.1:1/unreachable",
		mallory.Activity("Create", noteBy(other, mallory, "foreign", "bad"), nil),
		bob.Activity("Delete", r.Origin+"/notes/created", nil),
		byID["id"],
		bob.Activity("Create", noteBy(r, bob, "created", "two")["id"], nil),
	}})
	r.Serve(bob.IRI+"/followers", map[string]any{"type": "OrderedCollection", "totalItems": 7})
	alice := s.Local(actor.Person, "alice")
	if err := s.Engine.Follow(t.Context(), alice, bob.IRI); err != nil {
		t.Fatal(err)
	}
	bob.Post(alice.Inbox, bob.Activity("Accept", r.Await("Follow").Doc, nil))
	aptest.Eventually(t, "both notes", func() bool { return s.Count("notes", "content IN ('one', 'two')") == 2 })
	if n := s.Count("notes", ""); n != 2 {
		t.Errorf("%d notes", n)
	}
	aptest.Eventually(t, "number of followers", func() bool { return s.Count("actors", "followers_count = 7") == 1 })
}
