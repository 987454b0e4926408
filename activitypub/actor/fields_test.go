package actor_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
)

// image is a picture as documents have it.
func image(address string, width int) map[string]any {
	return map[string]any{"type": "Image", "url": address, "mediaType": "image/png", "width": width}
}

// TestFields: what is taken from an actor's document, and what becomes of texts
// and lists that are not as they should be (SEC-30, SEC-36 to SEC-38).
func TestFields(t *testing.T) {
	s, _ := service(t, sqlite(t))
	r, other := aptest.New(t), aptest.New(t)
	many := make([]any, 20)
	for i := range many {
		many[i] = fmt.Sprintf("https://a.example/%d", i)
	}
	n := 0
	for _, c := range []struct {
		name, key string
		value     any
		get       func(a *actor.Actor) any
		want      any
	}{
		{"name", "name", "  Bob\u202e \n the\u200b Builder ", func(a *actor.Actor) any { return a.Name }, "Bob the Builder"},
		{"name of nothing that is seen", "name", "\u202e\u200b", func(a *actor.Actor) any { return len(a.Name) > 0 && a.Name == a.Username }, true},
		{"long name", "name", strings.Repeat("ä", 300), func(a *actor.Actor) any { return len([]rune(a.Name)) }, 120},
		{"summary in HTML", "summary", `<p>Hi <b>you</b><script>alert(1)</script></p>`, func(a *actor.Actor) any { return a.Summary }, "<p>Hi <b>you</b></p>"},
		{"summary in Markdown", "summary", "*Hi* & bye", func(a *actor.Actor) any { return a.Summary }, "*Hi* & bye"},
		{"summary too short", "summary", "ab", func(a *actor.Actor) any { return a.Summary }, ""},
		{"long summary", "summary", strings.Repeat("ä", 3000), func(a *actor.Actor) any { return len([]rune(a.Summary)) }, 1000},
		{"support", "support", "Give\u202e me", func(a *actor.Actor) any { return a.Support }, "Give me"},
		{"icon", "icon", image("https://a.example/1.png", 48), func(a *actor.Actor) any { return a.IconURL }, "https://a.example/1.png"},
		{"icons", "icon", []any{image("https://a.example/48", 48), image("https://a.example/600", 600), image("https://a.example/120", 120)}, func(a *actor.Actor) any { return a.IconURL }, "https://a.example/600"},
		{"small icons", "icon", []any{image("https://a.example/32", 32), image("https://a.example/48", 48)}, func(a *actor.Actor) any { return a.IconURL }, "https://a.example/48"},
		{"icons of no size", "icon", []any{map[string]any{"url": "https://a.example/1"}, map[string]any{"url": "https://a.example/2"}}, func(a *actor.Actor) any { return a.IconURL }, "https://a.example/1"},
		{"icon that runs", "icon", image("javascript:alert(1)", 120), func(a *actor.Actor) any { return a.IconURL }, ""},
		{"banner", "image", []any{image("https://a.example/1920", 1920), image("https://a.example/600", 600)}, func(a *actor.Actor) any { return a.BannerURL }, "https://a.example/1920"},
		{"alias", "alsoKnownAs", "https://a.example/old", func(a *actor.Actor) any { return strings.Join(a.AlsoKnownAs, " ") }, "https://a.example/old"},
		{"junk among aliases", "alsoKnownAs", []any{1, nil, "x", "https://a.example/1", "https://a.example/1"}, func(a *actor.Actor) any { return strings.Join(a.AlsoKnownAs, " ") }, "https://a.example/1"},
		{"many aliases", "alsoKnownAs", many, func(a *actor.Actor) any { return len(a.AlsoKnownAs) }, 10},
		{"moved", "movedTo", "https://a.example/new", func(a *actor.Actor) any { return a.MovedTo }, "https://a.example/new"},
		{"moved nowhere", "movedTo", 7, func(a *actor.Actor) any { return a.MovedTo }, ""},
		{"indexable", "indexable", true, func(a *actor.Actor) any { return a.Indexable }, true},
		{"indexable in words", "indexable", "true", func(a *actor.Actor) any { return a.Indexable }, false},
		{"nothing said of indexing", "x", 1, func(a *actor.Actor) any { return a.Indexable || a.Discoverable }, false},
		{"discoverable", "discoverable", true, func(a *actor.Actor) any { return a.Discoverable }, true},
		{"published", "published", "2024-05-06T07:08:09Z", func(a *actor.Actor) any { return a.PublishedAt.Format("2006-01-02 15:04") }, "2024-05-06 07:08"},
		{"published never", "published", "yesterday", func(a *actor.Actor) any { return a.PublishedAt == nil }, true},
		{"playlists", "playlists", r.Origin + "/playlists", func(a *actor.Actor) any { return a.Playlists }, r.Origin + "/playlists"},
		{"playlists elsewhere", "playlists", other.Origin + "/playlists", func(a *actor.Actor) any { return a.Playlists }, ""},
		{"outbox elsewhere", "outbox", other.Origin + "/outbox", func(a *actor.Actor) any { return a.Outbox }, ""},
		{"page in links", "url", []any{map[string]any{"type": "Link", "mediaType": "text/html", "href": "https://a.example/@bob"}, "https://a.example/x"}, func(a *actor.Actor) any { return a.URL }, "https://a.example/@bob"},
		{"no page", "url", nil, func(a *actor.Actor) any { return a.URL == a.IRI }, true},
	} {
		n++
		bob := r.Actor(actor.Person, fmt.Sprintf("bob%d", n))
		bob.Doc[c.key] = c.value
		bob.Publish()
		a, err := s.Fetch(t.Context(), bob.IRI)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		again, err := s.ByIRI(t.Context(), bob.IRI) // as the database has it
		if err != nil || c.get(a) != c.want || c.get(again) != c.want {
			t.Errorf("%s: %#v, in the database %#v, %v; want %#v", c.name, c.get(a), c.get(again), err, c.want)
		}
	}
}

// TestFixed: what makes an actor the one it is never changes, whatever its server
// says later (SEC-15); names and pictures do.
func TestFixed(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		s, clock := service(t, d)
		r, other := aptest.New(t), aptest.New(t)
		bob, victim := r.Actor(actor.Person, "bob"), other.Actor(actor.Person, "victim")
		before, err := s.Fetch(t.Context(), bob.IRI)
		if err != nil {
			t.Fatal(err)
		}
		was, err := s.Fetch(t.Context(), victim.IRI)
		if err != nil {
			t.Fatal(err)
		}
		intact := maps.Clone(bob.Doc)
		for name, spoil := range map[string]func(){
			"another kind":            func() { bob.Doc["type"] = "Group" },
			"id of a victim":          func() { bob.Doc["id"] = victim.IRI },
			"id of ours":              func() { bob.Doc["id"] = origin + "/accounts/peertube" },
			"id of ours, in capitals": func() { bob.Doc["id"] = strings.ToUpper(origin) + "/accounts/peertube" },
			"inbox of a victim":       func() { bob.Doc["inbox"] = victim.Inbox },
			"key of a victim":         func() { bob.Doc["publicKey"] = victim.Doc["publicKey"] },
		} {
			maps.Copy(bob.Doc, intact)
			spoil()
			r.Serve(bob.IRI, bob.Doc)
			clock.Add(10 * time.Minute) // the failure before is forgotten
			if a, err := s.Refresh(t.Context(), bob.IRI); err == nil {
				t.Errorf("%s: %+v", name, a)
			}
			after, err := s.ByIRI(t.Context(), bob.IRI)
			if err != nil || after.Type != before.Type || after.Inbox != before.Inbox || after.PublicKeyPEM != before.PublicKeyPEM || !after.UpdatedAt.Equal(before.UpdatedAt) {
				t.Errorf("%s: the row is %+v, %v", name, after, err)
			}
			if now, err := s.ByIRI(t.Context(), victim.IRI); err != nil || now.PublicKeyPEM != was.PublicKeyPEM || !now.UpdatedAt.Equal(was.UpdatedAt) {
				t.Errorf("%s: the victim's row is %+v, %v", name, now, err)
			}
		}
		maps.Copy(bob.Doc, intact)
		bob.Doc["name"] = "Robert"
		bob.Rotate()
		clock.Add(10 * time.Minute)
		if a, err := s.Refresh(t.Context(), bob.IRI); err != nil || a.Name != "Robert" || a.PublicKeyPEM != bob.PEM() {
			t.Errorf("intact: %+v, %v", a, err)
		}
	})
}

// TestFetchAddress: a page is only a hint at an actor, whose own server is asked.
func TestFetchAddress(t *testing.T) {
	s, _ := service(t, sqlite(t))
	r, other := aptest.New(t), aptest.New(t)
	bob, far := r.Actor(actor.Person, "bob"), other.Actor(actor.Person, "far")
	r.Serve("/@bob", bob.Doc)
	r.Serve("/@far", map[string]any{"type": "Person", "id": far.IRI, "preferredUsername": "far", "inbox": r.Origin + "/steal", "name": "A lie"})
	r.Serve("/@ours", map[string]any{"type": "Person", "id": origin + "/accounts/peertube"})
	r.Serve("/note", map[string]any{"type": "Note", "id": r.Origin + "/note"})
	r.ServeStatus("/gone", http.StatusGone)
	for path, want := range map[string]string{"/@bob": bob.IRI, "/@far": far.IRI, "/users/bob": bob.IRI, "/@ours": "", "/note": "", "/gone": "", "/none": ""} {
		a, err := s.FetchAddress(t.Context(), r.Origin+path)
		if want == "" {
			if err == nil && !a.Local() {
				t.Errorf("%s gives %s", path, a.IRI)
			}
			continue
		}
		if err != nil || a.IRI != want || a.Name == "A lie" || !slices.Contains([]string{bob.Inbox, far.Inbox}, a.Inbox) {
			t.Errorf("%s gives %+v, %v", path, a, err)
		}
	}
}

// TestDocumentMembers: what newer servers look for in our actors.
func TestDocumentMembers(t *testing.T) {
	d := sqlite(t)
	s, _ := service(t, d)
	a := create(t, s, d, actor.NewLocal{Type: actor.Group, Username: "chan", Name: "Channel", AttributedTo: origin + "/accounts/x"})
	doc := actor.Fields(a, nil)
	for key, want := range map[string]any{
		"indexable": true, "discoverable": true, "webfinger": "chan@ours.example", "postingRestrictedToMods": true, "playlists": a.IRI + "/playlists",
		"url": a.IRI,
	} {
		if doc[key] != want {
			t.Errorf("%s is %v, want %v", key, doc[key], want)
		}
	}
	for _, key := range []string{"movedTo", "alsoKnownAs"} {
		if _, ok := doc[key]; ok {
			t.Errorf("%s is there without a reason", key)
		}
	}
	a.MovedTo, a.AlsoKnownAs = "https://a.example/new", []string{"https://a.example/old"}
	doc = actor.Fields(a, map[string]any{"support": "Give"})
	if doc["movedTo"] != "https://a.example/new" || doc["alsoKnownAs"].([]string)[0] != "https://a.example/old" || doc["support"] != "Give" {
		t.Errorf("%v", doc)
	}
}
