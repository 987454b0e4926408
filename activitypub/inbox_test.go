package activitypub_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/migrations"
)

// withNotes are the migration sets of a server with the test module.
func withNotes() []migrations.Set { return append(migrations.All(), notesMigrations) }

// idle is a server with the test module whose jobs do not run.
func idle(t *testing.T, d *db.DB, change func(*activitypub.Options)) (*aptest.Server, *Notes) {
	t.Helper()
	n := &Notes{db: d}
	s := aptest.Serve(t, d, aptest.Options{Idle: true, Change: change, Modules: func(e *activitypub.Engine) []activitypub.Module {
		n.e = e
		return []activitypub.Module{n.Module()}
	}})
	return s, n
}

// drain processes what is in the inbox.
func drain(t *testing.T, s *aptest.Server) {
	t.Helper()
	if err := s.Engine.ProcessInbox(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// noteBy makes a Create of a note by a remote actor and serves the note.
func noteBy(r *aptest.Remote, a *aptest.Actor, name, content string) map[string]any {
	n := map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "type": "Note", "id": r.Origin + "/notes/" + name,
		"attributedTo": a.IRI, "content": content, "to": "as:Public",
	}
	r.Serve(n["id"].(string), n)
	return n
}

// TestInboxChecks: each defect gets its status and leaves nothing behind; the
// same request without it is accepted.
func TestInboxChecks(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r, other := aptest.New(t), aptest.New(t)
	bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
	weak := r.Actor(actor.Person, "weak")
	weak.Doc["publicKey"].(map[string]any)["publicKeyPem"] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"
	weak.Publish()
	stranger := other.Actor(actor.Person, "stranger")
	alice := s.Local(actor.Person, "alice")
	inbox := s.Origin + "/inbox"
	like := func() map[string]any { return bob.Activity("Like", s.Origin+"/notes/1", nil) }
	header := func(name, value string) func(*http.Request) {
		return func(q *http.Request) { q.Header.Set(name, value) }
	}
	sized := func(n int) map[string]any {
		doc := like()
		var parts []string // one text may have 64 kB
		for ; n > 0; n -= 50_003 {
			parts = append(parts, strings.Repeat("x", min(n, 50_000)))
		}
		doc["content"] = parts
		return doc
	}
	for _, c := range []struct {
		name  string
		by    *aptest.Actor
		doc   any
		to    string
		spoil func(*http.Request)
		want  int
	}{
		{name: "intact", doc: like(), want: 204},
		{name: "own inbox of an actor", doc: like(), to: alice.Inbox, want: 204},
		{name: "linked data type", doc: like(), spoil: header("Content-Type", `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`), want: 204},
		{name: "unknown to go-fed", doc: bob.Activity("ApproveReply", s.Origin+"/notes/1", nil), want: 204},
		{name: "without a context", doc: func() any { d := like(); delete(d, "@context"); return d }(), want: 204},
		{name: "large but allowed", doc: sized(1<<20 - 2000), want: 204},
		// SEC-01 to SEC-06; every reason is tested in package signature
		{name: "no signature", doc: like(), spoil: func(q *http.Request) { q.Header.Del("Signature") }, want: 401},
		{name: "changed body", doc: like(), spoil: func(q *http.Request) {
			body := []byte(`{"type":"Delete","id":"` + bob.IRI + `/1","actor":"` + bob.IRI + `","object":"` + bob.IRI + `"}`)
			q.Body, q.ContentLength = http.NoBody, 0
			*q = *rebody(q, body)
		}, want: 401},
		{name: "changed body and digest", doc: like(), spoil: func(q *http.Request) {
			body := []byte(`{"type":"Like","id":"` + bob.IRI + `/1","actor":"` + bob.IRI + `","object":"` + bob.IRI + `"}`)
			*q = *rebody(q, body)
			q.Header.Set("Digest", signature.Digest(body))
		}, want: 401},
		{name: "another path", doc: like(), to: alice.Inbox, spoil: func(q *http.Request) { q.URL.Path = "/inbox" }, want: 401},
		{name: "another host", doc: like(), spoil: func(q *http.Request) { q.Host = "other.example" }, want: 401},
		{name: "old", doc: like(), spoil: header("Date", time.Now().Add(-2*time.Hour).UTC().Format(http.TimeFormat)), want: 401},
		{name: "two signatures", doc: like(), spoil: func(q *http.Request) { q.Header.Add("Signature", q.Header.Get("Signature")) }, want: 401},
		{name: "signature of eve in bob's name", doc: like(), spoil: func(q *http.Request) {
			q.Header.Set("Signature", strings.Replace(eve.Request(inbox, like()).Header.Get("Signature"), eve.KeyID, bob.KeyID, 1))
		}, want: 401},
		{name: "unusable key", by: weak, doc: weak.Activity("Like", s.Origin+"/notes/1", nil), want: 401},
		// SEC-12, SEC-13
		{name: "id on another host", doc: bob.Activity("Like", s.Origin+"/notes/1", map[string]any{"id": other.Origin + "/1"}), want: 403},
		{name: "id on our host", doc: bob.Activity("Like", s.Origin+"/notes/1", map[string]any{"id": s.Origin + "/1"}), want: 403},
		{name: "local actor", doc: bob.Activity("Like", s.Origin+"/notes/1", map[string]any{"actor": alice.IRI, "id": alice.IRI + "/1"}), want: 403},
		{name: "local actor in capitals", doc: bob.Activity("Like", s.Origin+"/x", map[string]any{
			"actor": strings.Replace(alice.IRI, "http://127.0.0.1", "HTTP://127.0.0.1.", 1), "id": bob.IRI + "/1",
		}), want: 403},
		{name: "actor on another host than the id", by: stranger, doc: stranger.Activity("Like", s.Origin+"/x", map[string]any{"actor": bob.IRI}), want: 403},
		// SEC-32
		{name: "20 MB", doc: append([]byte(`{"x":"`), append(bytes.Repeat([]byte("x"), 20<<20), `"}`...)...), want: 413},
		{name: "100,000 levels", doc: []byte(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), want: 400},
		{name: "two values", doc: []byte(`{}{}`), want: 400},
		{name: "byte order mark", doc: append([]byte("\ufeff"), must(json.Marshal(like()))...), want: 400},
		{name: "actor twice", doc: []byte(`{"type":"Like","id":"` + bob.IRI + `/1","actor":"` + bob.IRI + `","actor":"` + alice.IRI + `"}`), want: 400},
		{name: "two actors", doc: bob.Activity("Like", s.Origin+"/x", map[string]any{"actor": []string{bob.IRI, alice.IRI}}), want: 400},
		{name: "no id", doc: bob.Activity("Like", s.Origin+"/x", map[string]any{"id": nil}), want: 400},
		{name: "plain JSON", doc: like(), spoil: header("Content-Type", "application/json"), want: 415},
		{name: "no content type", doc: like(), spoil: func(q *http.Request) { q.Header.Del("Content-Type") }, want: 415},
		{name: "inbox of nobody", doc: like(), to: s.Origin + "/accounts/nobody/inbox", want: 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, by, to := s.Count("inbox", ""), c.by, c.to
			if by == nil {
				by = bob
			}
			if to == "" {
				to = inbox
			}
			req := by.Request(to, c.doc)
			if c.spoil != nil {
				c.spoil(req)
			}
			got := aptest.Send(t, req)
			if got != c.want {
				t.Errorf("answered %d, want %d", got, c.want)
			}
			if rows := s.Count("inbox", "") - before; (rows == 1) != (c.want == 204) || rows > 1 {
				t.Errorf("%d rows for an answer of %d", rows, got)
			}
		})
	}
	if jobs := s.Count("jobs", "kind = ?", "activitypub.process"); jobs == 0 {
		t.Error("no job was inserted with the rows")
	}
	if n := s.Count("actors", "host <> '' AND username = 'weak'"); n != 0 {
		t.Error("an actor without a usable key was stored")
	}
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

func rebody(q *http.Request, body []byte) *http.Request {
	c := q.Clone(context.Background())
	c.Body, c.ContentLength, c.GetBody = http.NoBody, 0, nil
	n, err := http.NewRequest(q.Method, q.URL.String(), bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	n.Header = c.Header
	return n
}

// TestOnce: an activity takes effect once, whatever is replayed, by any
// number of connections at once (SEC-07).
func TestOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := idle(t, d, nil)
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		create := bob.Activity("Create", noteBy(r, bob, "1", "hello"), nil)
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if got := aptest.Send(t, bob.Request(s.Origin+"/inbox", create)); got != 204 {
					t.Errorf("answered %d", got)
				}
			})
		}
		wg.Wait()
		same := bob.Request(s.Origin+"/inbox", create)
		for range 5 {
			again := same.Clone(t.Context())
			again.Body, _ = same.GetBody()
			if got := aptest.Send(t, again); got != 204 {
				t.Errorf("replay answered %d", got)
			}
		}
		if n := s.Count("inbox", ""); n != 1 {
			t.Fatalf("%d rows", n)
		}
		drain(t, s)
		if n := s.Count("notes", "content = 'hello'"); n != 1 {
			t.Errorf("%d notes", n)
		}
		// The effect is undone by hand; nothing that was sent before brings it back.
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("DELETE FROM notes").Error }); err != nil {
			t.Fatal(err)
		}
		bob.Post(s.Origin+"/inbox", create)
		drain(t, s)
		if n := s.Count("notes", ""); n != 0 {
			t.Error("a repeat took effect")
		}
	}, withNotes()...)
}

// TestIDsUsedAgain: PeerTube names a Follow by follower and target, so that
// one after an Undo has the same id (PT federation 2). It counts, and the
// captured request of the first one still does not.
func TestIDsUsedAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := idle(t, d, nil)
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		alice := s.Local(actor.Person, "alice")
		follow := bob.Activity("Follow", alice.IRI, map[string]any{"id": bob.IRI + "/follows/1"})
		undo := bob.Activity("Undo", follow, map[string]any{"id": bob.IRI + "/follows/1/undo"})
		captured := bob.Request(s.Origin+"/inbox", follow)
		follows := func(step string, want int64) {
			t.Helper()
			drain(t, s)
			if n := s.Count("follows", "state = 'accepted'"); n != want {
				t.Fatalf("%s: %d follows, want %d", step, n, want)
			}
		}
		replay := captured.Clone(t.Context())
		replay.Body, _ = captured.GetBody()
		aptest.Send(t, captured)
		follows("first", 1)
		bob.Post(s.Origin+"/inbox", undo)
		follows("undone", 0)
		aptest.Send(t, replay)
		follows("first one replayed", 0)
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) // another Date, another signature
		bob.Post(s.Origin+"/inbox", follow)
		follows("second", 1)
		bob.Post(s.Origin+"/inbox", undo)
		follows("undone again", 0)
	}, withNotes()...)
}

// TestMessenger: who brings another's activity is not believed; its origin is
// asked (SEC-11).
func TestMessenger(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := idle(t, d, nil)
		r, other := aptest.New(t), aptest.New(t)
		bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
		mallory := other.Actor(actor.Person, "mallory")
		genuine := bob.Activity("Create", noteBy(r, bob, "real", "true words"), nil)
		r.Serve(genuine["id"].(string), genuine)
		forged := bob.Activity("Create", map[string]any{"type": "Note", "id": r.Origin + "/notes/forged", "attributedTo": bob.IRI, "content": "lies"}, nil)
		swapped := bob.Activity("Create", map[string]any{"type": "Note", "id": r.Origin + "/notes/real", "attributedTo": bob.IRI, "content": "lies"},
			map[string]any{"id": genuine["id"]})
		for _, by := range []*aptest.Actor{eve, mallory} {
			for _, doc := range []map[string]any{forged, swapped} {
				if got := by.Post(s.Origin+"/inbox", doc); got != 204 {
					t.Errorf("answered %d", got)
				}
			}
		}
		drain(t, s)
		drain(t, s) // what the origin confirmed became a row of its own
		if n := s.Count("notes", "content = 'lies'"); n != 0 {
			t.Error("a forged note was stored")
		}
		if n := s.Count("notes", "content = 'true words'"); n != 1 {
			t.Error("what the origin confirms was not stored")
		}
		// A forgery that came first does not keep the real one out.
		late := bob.Activity("Create", noteBy(r, bob, "late", "late words"), nil)
		mallory.Post(s.Origin+"/inbox", late)
		drain(t, s)
		bob.Post(s.Origin+"/inbox", late)
		drain(t, s)
		if n := s.Count("notes", "content = 'late words'"); n != 1 {
			t.Error("the real activity was taken for a repeat")
		}
	}, withNotes()...)
}

// TestOwnership: nobody changes what is another's (SEC-12, SEC-14).
func TestOwnership(t *testing.T) {
	s, notes := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r, other := aptest.New(t), aptest.New(t)
	bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
	mallory := other.Actor(actor.Person, "mallory")
	alice := s.Local(actor.Person, "alice")
	note := noteBy(r, bob, "1", "bob's words")
	bob.Post(s.Origin+"/inbox", bob.Activity("Create", note, nil))
	bob.Post(s.Origin+"/inbox", bob.Activity("Follow", alice.IRI, nil))
	drain(t, s)
	if err := notes.publish(t.Context(), alice, "Create", "hers", "alice's words"); err != nil {
		t.Fatal(err)
	}
	changed := map[string]any{"type": "Note", "id": note["id"], "attributedTo": bob.IRI, "content": "taken over"}
	stolen := map[string]any{"type": "Note", "id": note["id"], "attributedTo": mallory.IRI, "content": "taken over"}
	ours := map[string]any{"type": "Note", "id": s.Origin + "/notes/hers", "attributedTo": mallory.IRI, "content": "taken over"}
	follow := bob.Activity("Follow", alice.IRI, nil)
	for _, c := range []struct {
		name string
		by   *aptest.Actor
		doc  map[string]any
	}{
		{"update by a stranger", mallory, mallory.Activity("Update", changed, nil)},
		{"update by a stranger who claims it", mallory, mallory.Activity("Update", stolen, nil)},
		{"update by a neighbour", eve, eve.Activity("Update", changed, nil)},
		{"update of one of ours", mallory, mallory.Activity("Update", ours, nil)},
		{"create of one of ours", mallory, mallory.Activity("Create", ours, nil)},
		{"delete by a stranger", mallory, mallory.Activity("Delete", note["id"], nil)},
		{"delete by a neighbour", eve, eve.Activity("Delete", note["id"], nil)},
		{"delete of one of ours", mallory, mallory.Activity("Delete", s.Origin+"/notes/hers", nil)},
		{"delete of another actor", eve, eve.Activity("Delete", bob.IRI, nil)},
		{"delete of our actor", mallory, mallory.Activity("Delete", alice.IRI, nil)},
		{"update of another actor", eve, eve.Activity("Update", bob.Doc, nil)},
		{"undo of another's follow", mallory, mallory.Activity("Undo", follow, nil)},
		{"undo of another's follow in one's own name", mallory, mallory.Activity("Undo", mallory.Activity("Follow", alice.IRI, map[string]any{"id": follow["id"]}), nil)},
		{"accept of nothing", mallory, mallory.Activity("Accept", bob.Activity("Follow", alice.IRI, nil), nil)},
		{"forged note inside an announce", mallory, mallory.Activity("Announce", map[string]any{
			"type": "Note", "id": r.Origin + "/notes/none", "attributedTo": bob.IRI, "content": "taken over",
		}, nil)},
		{"foreign note inside a create", mallory, mallory.Activity("Create", map[string]any{
			"type": "Note", "id": r.Origin + "/notes/none", "attributedTo": mallory.IRI, "content": "taken over",
		}, nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.by.Post(s.Origin+"/inbox", c.doc)
			drain(t, s)
			if n := s.Count("inbox", "state IN ('waiting','active','dead')"); n != 0 {
				t.Errorf("%d rows are left", n)
			}
			if n := s.Count("notes", "content IN (?, ?)", "bob's words", "alice's words"); n != 2 {
				t.Errorf("%d of 2 notes are as they were", n)
			}
			if n := s.Count("notes", ""); n != 2 {
				t.Errorf("%d notes", n)
			}
			if n := s.Count("follows", "state = 'accepted'"); n != 1 {
				t.Errorf("%d follows", n)
			}
			if n := s.Count("actors", "gone_at IS NOT NULL"); n != 0 {
				t.Error("an actor is gone")
			}
		})
	}
	// The positive twins: the owner may.
	bob.Post(s.Origin+"/inbox", bob.Activity("Update", map[string]any{"type": "Note", "id": note["id"], "attributedTo": bob.IRI, "content": "new words"}, nil))
	drain(t, s)
	if n := s.Count("notes", "content = 'new words'"); n != 1 {
		t.Error("the owner could not update")
	}
	mallory.Post(s.Origin+"/inbox", mallory.Activity("Announce", noteBy(r, bob, "2", "announced")["id"], nil))
	bob.Post(s.Origin+"/inbox", bob.Activity("Delete", note["id"], nil))
	drain(t, s)
	if n := s.Count("notes", "content = 'announced'"); n != 1 {
		t.Error("an announced note was not fetched from its origin")
	}
	if n := s.Count("notes", "iri = ?", note["id"]); n != 0 {
		t.Error("the owner could not delete")
	}
	bob.Post(s.Origin+"/inbox", bob.Activity("Undo", bob.Activity("Follow", alice.IRI, nil), nil))
	drain(t, s)
	if n := s.Count("follows", ""); n != 0 {
		t.Error("the follower could not undo")
	}
}

// TestLateCreate: a Create that comes after its Delete does not bring the
// object back, unless its origin has it again (ARCHITECTURE 6).
func TestLateCreate(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	note := noteBy(r, bob, "1", "words")
	id := note["id"].(string)
	r.ServeStatus(id, http.StatusGone)
	bob.Post(s.Origin+"/inbox", bob.Activity("Delete", id, nil))
	drain(t, s)
	bob.Post(s.Origin+"/inbox", bob.Activity("Create", note, nil))
	drain(t, s)
	if n := s.Count("notes", ""); n != 0 {
		t.Error("a deleted note came back")
	}
	r.Serve(id, note)
	bob.Post(s.Origin+"/inbox", bob.Activity("Create", note, nil))
	drain(t, s)
	if n := s.Count("notes", ""); n != 1 {
		t.Error("a note that was published again is not there")
	}
	if n := s.Count("tombstones", ""); n != 0 {
		t.Error("the tombstone stayed")
	}
}

// TestKeyRotation: after a rotation the new key counts and the old one is
// dead (SEC-08).
func TestKeyRotation(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	post := func() int { return bob.Post(s.Origin+"/inbox", bob.Activity("Like", s.Origin+"/notes/1", nil)) }
	if got := post(); got != 204 {
		t.Fatalf("first key: %d", got)
	}
	old := bob.Key
	bob.Rotate()
	if got := post(); got != 204 {
		t.Errorf("new key: %d", got)
	}
	fresh := bob.Key
	bob.Key = old
	if got := post(); got != 401 {
		t.Errorf("old key: %d", got)
	}
	bob.Key = fresh
	if got := post(); got != 204 {
		t.Errorf("new key again: %d", got)
	}
	if n := r.Fetches(bob.IRI); n > 3 {
		t.Errorf("%d fetches", n)
	}
}

// TestForgeries: what a thousand forged requests cost (SEC-08, SEC-33).
func TestForgeries(t *testing.T) {
	var offset time.Duration
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) {
		o.Now = func() time.Time { return time.Now().Add(offset) }
	})
	r := aptest.New(t)
	bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
	if got := bob.Post(s.Origin+"/inbox", bob.Activity("Like", s.Origin+"/notes/1", nil)); got != 204 {
		t.Fatalf("answered %d", got)
	}
	known := r.Fetches("")
	eve.KeyID = bob.KeyID // eve signs in bob's name
	statuses := map[int]int{}
	for i := range 300 {
		statuses[eve.Post(s.Origin+"/inbox", bob.Activity("Like", s.Origin+"/notes/1", nil))]++
		if i == 50 {
			if n := r.Fetches("") - known; n > 3 {
				t.Errorf("%d fetches for bad signatures of one key", n)
			}
		}
	}
	if statuses[401] > 60 || statuses[401]+statuses[429] != 300 || statuses[429] < 240 {
		t.Errorf("answers %v", statuses)
	}
	offset = 2 * time.Minute // another minute: the address may try again
	before := r.Fetches("")
	for i := range 59 {
		eve.KeyID = fmt.Sprintf("%s/users/nobody%d#main-key", r.Origin, i)
		if got := eve.Post(s.Origin+"/inbox", bob.Activity("Like", s.Origin+"/notes/1", nil)); got != 401 {
			t.Errorf("answered %d", got)
		}
	}
	if n := r.Fetches("") - before; n > 30 {
		t.Errorf("%d fetches of keys from one host", n)
	}
	if n := s.Count("inbox", ""); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// TestSelfDelete: the farewell of an actor nobody knows costs nothing
// (SEC-34); that of one we know needs its signature.
func TestSelfDelete(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r := aptest.New(t)
	gone := r.Actor(actor.Person, "gone")
	r.ServeStatus(gone.IRI, http.StatusGone)
	for range 20 {
		if got := gone.Post(s.Origin+"/inbox", gone.Activity("Delete", gone.IRI, nil)); got != 202 {
			t.Fatalf("answered %d", got)
		}
	}
	if r.Fetches("") != 0 || s.Count("inbox", "") != 0 || s.Count("actors", "host <> ''") != 0 {
		t.Errorf("%d fetches, %d rows, %d actors", r.Fetches(""), s.Count("inbox", ""), s.Count("actors", "host <> ''"))
	}
	bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
	alice := s.Local(actor.Person, "alice")
	bob.Post(s.Origin+"/inbox", bob.Activity("Follow", alice.IRI, nil))
	bob.Post(s.Origin+"/inbox", bob.Activity("Create", noteBy(r, bob, "1", "words"), nil))
	unknownKey := eve.Request(s.Origin+"/inbox", bob.Activity("Delete", bob.IRI, nil))
	unknownKey.Header.Set("Signature", strings.Replace(unknownKey.Header.Get("Signature"), eve.KeyID, r.Origin+"/keys/none", 1))
	// The key is gone, so the actor's server is asked, and says that it is there.
	if got := aptest.Send(t, unknownKey); got != 202 || s.Count("inbox", "type = 'Delete'") != 0 {
		t.Errorf("farewell of a known actor under an unknown key: %d", got)
	}
	drain(t, s)
	forged := eve.Request(s.Origin+"/inbox", bob.Activity("Delete", bob.IRI, nil))
	forged.Header.Set("Signature", strings.Replace(forged.Header.Get("Signature"), eve.KeyID, bob.KeyID, 1))
	if got := aptest.Send(t, forged); got != 401 {
		t.Errorf("forged farewell: %d", got)
	}
	if got := bob.Post(s.Origin+"/inbox", bob.Activity("Delete", bob.IRI, nil)); got != 204 {
		t.Errorf("farewell: %d", got)
	}
	drain(t, s)
	if n := s.Count("actors", "username = 'bob' AND gone_at IS NOT NULL"); n != 1 {
		t.Error("bob is not gone")
	}
	if s.Count("follows", "") != 0 {
		t.Error("a gone actor still follows")
	}
	s.StartJobs()
	aptest.Eventually(t, "module that drops bob's notes", func() bool { return s.Count("notes", "") == 0 })
}

// TestBlocked: nothing is taken from a blocked host and nothing is asked of
// it (SEC-19).
func TestBlocked(t *testing.T) {
	blocked, free := aptest.New(t), aptest.New(t)
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) {
		o.Blocked = func(_ context.Context, host string) bool { return host == blocked.Host }
	})
	eve, bob := blocked.Actor(actor.Person, "eve"), free.Actor(actor.Person, "bob")
	if got := eve.Post(s.Origin+"/inbox", eve.Activity("Like", s.Origin+"/notes/1", nil)); got != 403 {
		t.Errorf("answered %d", got)
	}
	bob.Post(s.Origin+"/inbox", bob.Activity("Announce", noteBy(blocked, eve, "1", "boosted")["id"], nil))
	drain(t, s)
	if blocked.Fetches("") != 0 || s.Count("notes", "") != 0 {
		t.Errorf("%d fetches, %d notes of a blocked host", blocked.Fetches(""), s.Count("notes", ""))
	}
}

// TestSwitchedOff: without federation the inbox is closed.
func TestSwitchedOff(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) { o.Federation.Enabled = false })
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	if got := bob.Post(s.Origin+"/inbox", bob.Activity("Like", s.Origin+"/notes/1", nil)); got != 403 || s.Count("inbox", "") != 0 {
		t.Errorf("answered %d", got)
	}
}

// TestJunk: whatever stands in a field, no answer is a 5xx, nothing panics,
// nothing is retried in vain, and no junk is stored (SEC-30).
func TestJunk(t *testing.T) {
	var logged bytes.Buffer
	var mu sync.Mutex
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) {
		o.Logger = slog.New(slog.NewTextHandler(lockedWriter{&mu, &logged}, &slog.HandlerOptions{Level: slog.LevelError}))
	})
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	junk := []any{
		nil, true, -1, 1.5, 1e308, "", " ", "\u202e", "'; DROP TABLE actors; --", "javascript:alert(1)", "//x", "http://", "http://[::1", strings.Repeat("x", 70000),
		[]any{},
		map[string]any{},
		[]any{[]any{nil, 5}},
		map[string]any{"id": map[string]any{"id": 5}},
	}
	if len(junk) < 18 {
		t.Fatal("fewer than 18 values")
	}
	statuses := map[int]int{}
	envelope := []string{"@context", "id", "type", "actor", "object", "to", "cc"}
	object := []string{"object.id", "object.type", "object.attributedTo", "object.content", "object.actor", "object.object"}
	for typ, fields := range map[string][]string{
		"Create": append(envelope, object...), "Announce": {"object", "object.id", "object.type"}, "Undo": append(object, "object"),
		"Delete": {"object", "object.id"}, "Follow": {"object", "object.id"}, "Accept": object, "Like": {"object"}, "View": {"object"},
	} {
		for _, field := range fields {
			for _, v := range junk {
				doc := bob.Activity(typ, map[string]any{"type": "Note", "id": r.Origin + "/notes/junk", "attributedTo": bob.IRI, "content": "x", "actor": bob.IRI}, nil)
				if in, ok := strings.CutPrefix(field, "object."); ok {
					doc["object"].(map[string]any)[in] = v
				} else {
					doc[field] = v
				}
				statuses[bob.Post(s.Origin+"/inbox", doc)]++
			}
		}
	}
	drain(t, s)
	for status := range statuses {
		if status >= 500 || status == 401 || status == 429 {
			t.Errorf("answers %v", statuses)
		}
	}
	if n := s.Count("inbox", "state NOT IN ('done','dropped')"); n != 0 {
		t.Errorf("%d rows are neither done nor dropped", n)
	}
	if n := s.Count("notes", "iri <> ? OR author <> ?", r.Origin+"/notes/junk", bob.IRI); n != 0 {
		var got []note
		s.DB.Read(t.Context()).Find(&got)
		t.Errorf("%d junk notes in %+v", n, got)
	}
	if n := s.Count("actors", "host <> ''"); n != 1 {
		t.Errorf("%d actors", n)
	}
	if logged.Len() > 0 {
		t.Errorf("logged as errors: %.300s", logged.String())
	}
}

// lockedWriter lets several goroutines log into one buffer.
type lockedWriter struct {
	mu *sync.Mutex
	w  *bytes.Buffer
}

func (l lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// TestHints: however many strangers bring activities of one host, it is not
// asked for more than a hundred a minute (SEC-29).
func TestHints(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r, victim := aptest.New(t), aptest.New(t)
	eve := r.Actor(actor.Person, "eve")
	for i := range 130 {
		eve.Post(s.Origin+"/inbox", eve.Activity("Like", nil, map[string]any{
			"id": fmt.Sprintf("%s/%d", victim.Origin, i), "actor": victim.Origin + "/users/bob",
		}))
	}
	drain(t, s)
	if n := victim.Fetches(""); n != 100 {
		t.Errorf("%d fetches", n)
	}
	if n := s.Count("inbox", "state = 'waiting'"); n != 30 {
		t.Errorf("%d hints wait", n)
	}
}

// TestDatabaseAway: what cannot be stored is not acknowledged, and not called
// the sender's fault (REL-01, REL-06).
func TestDatabaseAway(t *testing.T) {
	d := dbtest.SQLite(t, withNotes()...)
	s, _ := idle(t, d, nil)
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	if got := bob.Post(s.Origin+"/inbox", bob.Activity("Like", nil, nil)); got != 204 {
		t.Fatalf("answered %d", got)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]any{"like": bob.Activity("Like", nil, nil), "farewell": bob.Activity("Delete", bob.IRI, nil)} {
		if got := bob.Post(s.Origin+"/inbox", doc); got < 500 {
			t.Errorf("%s without a database answered %d", name, got)
		}
	}
}
