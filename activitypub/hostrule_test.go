package activitypub_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// ruled is a server with rules for hosts in a mode, wired as main does it.
func ruled(t *testing.T, d *db.DB, mode string) (*aptest.Server, *Notes, *hostrule.Rules) {
	t.Helper()
	var rules *hostrule.Rules
	s, n := idle(t, d, func(o *activitypub.Options) {
		rules = hostrule.New(hostrule.Options{DB: d, Mode: mode, Own: strings.TrimPrefix(o.Origin, "http://"), Logger: slog.New(slog.DiscardHandler)})
		o.Rules = rules
		o.Transport = transport.New(transport.Config{
			AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, UserAgent: "Kinemesh/test", Blocked: rules.Blocked,
		})
		t.Cleanup(o.Transport.Close)
	})
	return s, n, rules
}

// ways are the paths between us and another server; each tells whether
// something passed. friend is on home, a host that is always let in.
var ways = []struct {
	name string
	pass func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool
}{
	{"inbox", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		bob := r.Actor(actor.Person, "bob")
		status := bob.Post(s.Origin+"/inbox", bob.Activity("Create", noteBy(r, bob, "1", "words"), nil))
		if status != http.StatusNoContent && status != http.StatusForbidden {
			t.Errorf("inbox answers %d", status)
		}
		drain(t, s)
		return s.Count("notes", "iri LIKE ?", r.Origin+"/%") > 0
	}},
	{"inbox, by a messenger", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		bob := r.Actor(actor.Person, "bob")
		doc := bob.Activity("Create", noteBy(r, bob, "1", "words"), nil)
		r.Serve(doc["id"].(string), doc)
		friend.Post(s.Origin+"/inbox", doc)
		drain(t, s)
		return s.Count("notes", "iri LIKE ?", r.Origin+"/%") > 0
	}},
	{"as a messenger", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		bob := r.Actor(actor.Person, "bob")
		status := bob.Post(s.Origin+"/inbox", friend.Activity("Like", s.Origin+"/notes/1", nil))
		return status == http.StatusNoContent
	}},
	{"boosted by a friend", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		bob := r.Actor(actor.Person, "bob")
		friend.Post(s.Origin+"/inbox", friend.Activity("Announce", noteBy(r, bob, "1", "boosted")["id"], nil))
		drain(t, s)
		return s.Count("notes", "iri LIKE ?", r.Origin+"/%") > 0
	}},
	{"fetch", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		return s.Engine.FetchObject(t.Context(), noteBy(r, r.Actor(actor.Person, "bob"), "1", "words")["id"].(string)) == nil
	}},
	{"actor", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		_, err := s.Engine.Actors.Fetch(t.Context(), r.Actor(actor.Person, "bob").IRI)
		return err == nil
	}},
	{"key", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		_, _, err := s.Engine.Actors.KeyOf(t.Context(), r.Actor(actor.Person, "bob").KeyID)
		return err == nil
	}},
	{"WebFinger", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		r.Actor(actor.Person, "bob")
		_, err := s.Engine.Actors.FetchHandle(t.Context(), "bob@"+r.Host)
		return err == nil
	}},
	{"NodeInfo", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		r.NodeInfo(r.Actor(actor.Application, "root").IRI)
		_, err := s.Engine.Actors.FetchServer(t.Context(), r.Host)
		return err == nil
	}},
	{"redirect to it", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		id := noteBy(r, r.Actor(actor.Person, "bob"), "1", "words")["id"].(string)
		home.Handle("/go", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, id, http.StatusFound) })
		_, err := s.Engine.Actors.FetchPart(t.Context(), home.Origin+"/go")
		return err == nil
	}},
	{"follow of it", func(t *testing.T, s *aptest.Server, r, home *aptest.Remote, friend *aptest.Actor) bool {
		return s.Engine.Follow(t.Context(), s.Instance(), r.Actor(actor.Person, "bob").IRI) == nil
	}},
}

// TestSEC19Matrix: every mode and rule on every way; what is blocked is not
// asked for anything.
func TestSEC19Matrix(t *testing.T) {
	for _, c := range []struct {
		mode, rule string
		pass       bool
	}{
		{hostrule.Open, "", true},
		{hostrule.Open, hostrule.Limit, true},
		{hostrule.Open, hostrule.Block, false},
		{hostrule.Limited, "", true},
		{hostrule.Limited, hostrule.Block, false},
		{hostrule.Allowlist, "", false},
		{hostrule.Allowlist, hostrule.Block, false},
		{hostrule.Allowlist, hostrule.Limit, true},
		{hostrule.Allowlist, hostrule.Allow, true},
	} {
		t.Run(c.mode+" "+c.rule, func(t *testing.T) {
			s, _, rules := ruled(t, dbtest.SQLite(t, withNotes()...), c.mode)
			f := aptest.New(t)
			if err := rules.Set(t.Context(), f.Host, hostrule.Allow, ""); err != nil {
				t.Fatal(err)
			}
			friend := f.Actor(actor.Person, "friend")
			if got := friend.Post(s.Origin+"/inbox", friend.Activity("Like", s.Origin+"/notes/1", nil)); got != http.StatusNoContent {
				t.Fatalf("the friend is refused: %d", got)
			}
			for _, w := range ways {
				r := aptest.New(t)
				if c.rule != "" {
					if err := rules.Set(t.Context(), r.Host, c.rule, ""); err != nil {
						t.Fatal(err)
					}
				}
				if got := w.pass(t, s, r, f, friend); got != c.pass {
					t.Errorf("%s: passed %v, want %v", w.name, got, c.pass)
				}
				if n := r.Fetches(""); !c.pass && n != 0 {
					t.Errorf("%s: %d fetches from a blocked host", w.name, n)
				}
			}
		})
	}
}

// TestSEC19Delivery: nothing is scheduled for a blocked host, what waits for one
// is given up without a request, and its followers are served again once the
// block is taken back.
func TestSEC19Delivery(t *testing.T) {
	d := dbtest.SQLite(t, withNotes()...)
	s, n, rules := ruled(t, d, hostrule.Open)
	r, other := aptest.New(t), aptest.New(t)
	bob, carol := r.Actor(actor.Person, "bob"), other.Actor(actor.Person, "carol")
	alice := s.Local(actor.Person, "alice")
	for _, a := range []*aptest.Actor{bob, carol} {
		if got := a.Post(s.Origin+"/inbox", a.Activity("Follow", alice.IRI, nil)); got != http.StatusNoContent {
			t.Fatalf("follow: %d", got)
		}
	}
	drain(t, s)
	if s.Count("follows", "state = 'accepted'") != 2 {
		t.Fatal("not followed")
	}
	if err := rules.Set(t.Context(), r.Host, hostrule.Block, "spam"); err != nil {
		t.Fatal(err)
	}
	if err := n.publish(t.Context(), alice, "Create", "1", "first"); err != nil {
		t.Fatal(err)
	}
	s.StartJobs()
	if got := other.Await("Create"); got.Doc["type"] != "Create" {
		t.Error("the other server got nothing")
	}
	// The Accept of bob's follow waited when the block came.
	aptest.Eventually(t, "the end of what waited", func() bool { return s.Count("deliveries", "state = 'pending'") == 0 })
	if got := r.Received(); len(got) != 0 {
		t.Errorf("a blocked host got %v", got[0].Doc)
	}
	if s.Count("deliveries", "host = ? AND state = 'failed'", r.Host) != 1 || s.Count("deliveries", "host = ?", r.Host) != 1 {
		t.Errorf("%d deliveries to the blocked host", s.Count("deliveries", "host = ?", r.Host))
	}
	if s.Count("follows", "state = 'accepted'") != 2 {
		t.Error("a block ended a follow for good")
	}
	if err := rules.Remove(t.Context(), r.Host, ""); err != nil {
		t.Fatal(err)
	}
	if err := n.publish(t.Context(), alice, "Create", "2", "second one"); err != nil {
		t.Fatal(err)
	}
	if got := r.Await("Create"); !strings.HasSuffix(got.Doc["object"].(map[string]any)["id"].(string), "/notes/2") {
		t.Errorf("after the block it got %v", got.Doc)
	}
}

// TestSEC19Authors: an object that a friend's server gives out is not taken when
// it says that its author is on a blocked host.
func TestSEC19Authors(t *testing.T) {
	s, _, rules := ruled(t, dbtest.SQLite(t, withNotes()...), hostrule.Open)
	f, r := aptest.New(t), aptest.New(t)
	friend, eve := f.Actor(actor.Person, "friend"), r.Actor(actor.Person, "eve")
	if err := rules.Set(t.Context(), r.Host, hostrule.Block, ""); err != nil {
		t.Fatal(err)
	}
	for name, authors := range map[string]any{"alone": eve.IRI, "second": []any{friend.IRI, eve.IRI}, "embedded": []any{map[string]any{"type": "Person", "id": eve.IRI}}} {
		doc := noteBy(f, friend, name, "copied")
		doc["attributedTo"] = authors
		f.Serve(doc["id"].(string), doc)
		friend.Post(s.Origin+"/inbox", friend.Activity("Announce", doc["id"], nil))
	}
	friend.Post(s.Origin+"/inbox", friend.Activity("Announce", noteBy(f, friend, "own", "words")["id"], nil))
	drain(t, s)
	var got []note
	if err := s.DB.Read(context.Background()).Find(&got).Error; err != nil || len(got) != 1 || !strings.HasSuffix(got[0].IRI, "/own") {
		t.Errorf("stored %+v, %v; want the friend's own note", got, err)
	}
	if r.Fetches("") != 0 {
		t.Errorf("%d fetches", r.Fetches(""))
	}
}

// TestHostRulesAPI: the blocklist is part of the engine's routes.
func TestHostRulesAPI(t *testing.T) {
	s, _, rules := ruled(t, dbtest.SQLite(t, withNotes()...), hostrule.Open)
	if got := s.API(http.MethodPost, "/server/blocklist/servers", `{"host":"Evil.example"}`); got.Status != http.StatusNoContent {
		t.Fatalf("block: %d %s", got.Status, got.Body)
	}
	if !rules.Blocked(t.Context(), "www.evil.example") {
		t.Error("not blocked")
	}
	if err := rules.Remove(t.Context(), "evil.example", hostrule.Limit); !errors.Is(err, hostrule.ErrNotFound) {
		t.Errorf("%v", err)
	}
}
