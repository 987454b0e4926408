package inbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// broken is a server whose handler of Likes fails for good until it is mended.
type broken struct {
	*aptest.Server
	mended bool

	mu   sync.Mutex // activities of several servers are handled at once
	took []string   // ids of the activities that have had an effect
}

// breakdown has given up three Likes, of bob, eve and bob again, and has taken
// one Dislike.
func breakdown(t *testing.T, d *db.DB) (s *broken, bob, eve *aptest.Actor) {
	t.Helper()
	s = &broken{}
	take := func(_ context.Context, act *activitypub.Activity) error {
		if act.Type == "Like" && !s.mended {
			return errors.New("bad \x1b[31mred\nline")
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.took = append(s.took, act.ID[strings.LastIndexByte(act.ID, '/')+1:])
		return nil
	}
	s.Server = aptest.Serve(t, d, aptest.Options{Idle: true, Modules: func(*activitypub.Engine) []activitypub.Module {
		return []activitypub.Module{{Name: "listener", Handlers: []activitypub.Handler{
			{On: activitypub.On{Activity: "Like"}, Do: take}, {On: activitypub.On{Activity: "Dislike"}, Do: take},
		}}}
	}})
	bob, eve = aptest.New(t).Actor(actor.Person, "bob"), aptest.New(t).Actor(actor.Person, "eve")
	for n, by := range []*aptest.Actor{bob, eve, bob} {
		by.Post(s.Origin+"/inbox", by.Activity("Like", nil, map[string]any{"id": fmt.Sprintf("%s/like%d", by.IRI, n+1)}))
	}
	bob.Post(s.Origin+"/inbox", bob.Activity("Dislike", nil, map[string]any{"id": bob.IRI + "/dislike"}))
	s.exec("UPDATE inbox SET attempts = 5") // all but the last
	s.process()
	if n := s.Count("inbox", "state = 'dead'"); n != 3 || fmt.Sprint(s.took) != "[dislike]" {
		t.Fatalf("%d are dead, %v was taken", n, s.took)
	}
	return s, bob, eve
}

func (s *broken) exec(sql string, args ...any) {
	err := s.DB.Tx(context.Background(), func(tx *db.Tx) error { return tx.Exec(sql, args...).Error })
	if err != nil {
		panic(err)
	}
}

func (s *broken) process() {
	if err := s.Engine.Inbox.Process(context.Background(), inbox.ProcessArgs{}); err != nil {
		panic(err)
	}
}

const deadPath = "/server/federation/deadletters/received"

// TestDeadLettersByREST: administrators see what was given up, and have it tried
// again with all attempts before it (REL-10).
func TestDeadLettersByREST(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, bob, eve := breakdown(t, d)
		for query, want := range map[string]int{
			"":                                3,
			"?host=" + iri.Host(bob.IRI):      2,
			"?host=other.example":             0,
			"?activity=Like":                  3,
			"?activity=Dislike":               0,
			"?activity=" + eve.IRI + "/like2": 1,
			"?activity=" + eve.IRI + "/like":  0,
			"?id=2":                           1,
			"?id=4":                           0, // was taken
			"?object=" + bob.IRI:              0,
			"?sort=-attempts&count=1&start=1": 3,
			"?sort=receivedAt&host=" + iri.Host(eve.IRI):    1,
			"?activity=Like&id=1&host=" + iri.Host(bob.IRI): 1,
		} {
			got := s.API(http.MethodGet, deadPath+query, "")
			if got.Status != 200 || int(got.JSON["total"].(float64)) != want {
				t.Errorf("%s: %d, %v, want %d", query, got.Status, got.JSON["total"], want)
			}
		}
		list := s.API(http.MethodGet, deadPath, "").JSON["data"].([]any)
		first := list[0].(map[string]any)
		if len(list) != 3 || first["id"] != 3.0 || list[2].(map[string]any)["id"] != 1.0 {
			t.Errorf("not the newest first: %v", list)
		}
		if a := first["activity"].(map[string]any); a["id"] != bob.IRI+"/like3" || a["type"] != "Like" || a["actor"] != bob.IRI || first["signer"] != bob.IRI ||
			first["host"] != iri.Host(bob.IRI) || first["attempts"] != 6.0 || !strings.Contains(first["lastError"].(string), "red") || first["receivedAt"] == "" || first["givenUpAt"] == nil {
			t.Errorf("dead letter %v", first)
		}
		for _, query := range []string{"?sort=actor", "?id=x", "?id=0", "?count=101", "?host=" + strings.Repeat("x", 3000)} {
			if got := s.API(http.MethodGet, deadPath+query, ""); got.Status != 400 {
				t.Errorf("%.40s: %d", query, got.Status)
			}
		}
		if got := s.Get("/api/v1"+deadPath, "application/json"); got.Status != 401 {
			t.Errorf("without a token: %d", got.Status)
		}
		retry := func(body string, status, want int) {
			t.Helper()
			got := s.API(http.MethodPost, deadPath+"/retry", body)
			if got.Status != status || status == 200 && int(got.JSON["retried"].(float64)) != want {
				t.Errorf("retry %s: %d %v, want %d", body, got.Status, got.JSON["retried"], want)
			}
		}
		retry(`{}`, 400, 0)
		retry(`[`, 400, 0)
		retry(`{"all":false}`, 400, 0)
		retry(`{"object":"`+strings.Repeat("x", 3000)+`"}`, 400, 0)
		retry(`{"id":4}`, 200, 0)
		retry(`{"host":"nobody.example"}`, 200, 0)

		// It still fails: that was the first attempt of all, not the last.
		s.exec("DELETE FROM jobs")
		retry(`{"id":1}`, 200, 1)
		if n := s.Count("jobs", "kind = 'activitypub.process' AND state = 'waiting'"); n != 1 {
			t.Errorf("%d jobs will do it", n)
		}
		s.process()
		if n := s.Count("inbox", "id = 1 AND state = 'waiting' AND attempts = 1 AND done_at IS NULL"); n != 1 {
			t.Error("it did not get its attempts anew")
		}
		s.mended = true
		retry(`{"all":true}`, 200, 2)
		s.exec("UPDATE inbox SET next_at = ?", db.Now()) // the pause is over
		s.process()
		slices.Sort(s.took)
		if got := fmt.Sprint(s.took); got != "[dislike like1 like2 like3]" || s.Count("inbox", "state <> 'done'") != 0 {
			t.Errorf("had an effect: %s", got)
		}
		retry(`{"all":true}`, 200, 0)
	})
}

// command runs a subcommand as the binary does.
func command(t *testing.T, s *aptest.Server, use string, args ...string) (string, error) {
	t.Helper()
	for _, c := range activitypub.Commands(s.Engine.Outbox, s.Engine.Inbox, nil) {
		if c.Use != "federation "+use {
			continue
		}
		fs := flag.NewFlagSet(use, flag.ContinueOnError)
		c.Flags(fs)
		if err := fs.Parse(args); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := c.Run(t.Context(), &out, fs.Args())
		return out.String(), err
	}
	t.Fatalf("no command %s", use)
	return "", nil
}

// TestDeadLetterCommands: the same on the command line; errors of others cannot
// write on the terminal.
func TestDeadLetterCommands(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, bob, eve := breakdown(t, d)
		s.mended = true
		for _, c := range []struct {
			args  string
			lines int
			has   []string
		}{
			{"deadletters --received", 4, []string{"TRIES", "Like", bob.IRI, eve.IRI + "/like2", "bad  [31mred line"}},
			{"deadletters", 1, nil}, // of deliveries there are none
			{"deadletters --received --host " + iri.Host(bob.IRI), 3, []string{"like1", "like3"}},
			{"deadletters --received --id 2", 2, []string{"like2"}},
			{"deadletters --received --limit 1 --start 1", 3, []string{"like2", "1 of 3; more with --start 2"}},
			{"retry --host nobody.example", 1, []string{"0 activities are tried again"}},
			{"retry 1 3 9", 1, []string{"2 activities are tried again"}},
			{"retry --activity Like --json", 3, []string{`"retried": 1`}},
			{"retry --all", 1, []string{"0 activities"}},
			{"deadletters --received", 1, nil},
		} {
			args := strings.Fields(c.args)
			out, err := command(t, s.Server, args[0], args[1:]...)
			if err != nil || strings.Count(out, "\n") != c.lines {
				t.Errorf("%s: %v\n%s", c.args, err, out)
			}
			for _, h := range c.has {
				if !strings.Contains(out, h) {
					t.Errorf("%s: no %q in\n%s", c.args, h, out)
				}
			}
		}
		for _, args := range []string{"retry", "retry x", "retry 0", "deadletters --received --limit 0", "deadletters x"} {
			args := strings.Fields(args)
			if _, err := command(t, s.Server, args[0], args[1:]...); err == nil {
				t.Errorf("%v was taken", args)
			}
		}
		s.process()
		if slices.Sort(s.took); fmt.Sprint(s.took) != "[dislike like1 like2 like3]" {
			t.Errorf("had an effect: %v", s.took)
		}
	})
	out, err := command(t, func() *aptest.Server { s, _, _ := breakdown(t, dbtest.SQLite(t)); return s.Server }(), "deadletters", "--received", "--json", "--limit", "2")
	var list struct {
		Total int
		Data  []inbox.Letter
	}
	if err := errors.Join(err, json.Unmarshal([]byte(out), &list)); err != nil || list.Total != 3 || len(list.Data) != 2 || list.Data[0].ID != 3 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestRetryKeepsOrder: what is tried again comes in the order in which it was
// received, and before what was received later and waits; what something newer
// has replaced meanwhile has no effect, also when it failed but was not given up.
func TestRetryKeepsOrder(t *testing.T) {
	const note, other = "https://a.example/notes/1", "https://a.example/notes/2"
	mine := func(typ, object string) inbox.Row { return row("a.example", "bob", typ, object, 2) }
	id := func(typ string) string { return "https://a.example/activities/" + typ + "-1" }
	by := func(r inbox.Row, who string) inbox.Row { r.Actor, r.Signer = who, who; return r }
	inState := func(r inbox.Row, state string) inbox.Row { r.State = state; return r }
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, c := range []struct {
			name, typ string
			newer     inbox.Row // done, unless it says something else
			applied   bool
		}{
			{"a newer state", "Update", mine("Update", note), false},
			{"of a new object", "Create", mine("Update", note), false},
			{"of another object", "Update", mine("Update", other), true},
			{"by another actor", "Update", by(mine("Update", note), "https://a.example/eve"), true},
			{"a messenger's word", "Update", func() inbox.Row { r := mine("Update", note); r.Signer = "https://evil.example/u"; return r }(), true},
			{"given up, too", "Update", inState(mine("Update", note), inbox.Dead), true},
			{"dropped", "Update", inState(mine("Update", note), inbox.Dropped), true},
			{"deleted", "Update", mine("Delete", note), false},
			{"deleted by the owner of the video", "Create", by(mine("Delete", note), "https://a.example/eve"), false},
			{"undone", "Like", mine("Undo", id("Like")), false},
			{"another is undone", "Like", mine("Undo", id("Announce")), true},
			{"rated otherwise", "Like", mine("Dislike", note), false},
			{"a rate is no state", "Update", mine("Like", note), true},
			{"two complaints", "Flag", mine("Flag", note), true},
		} {
			t.Run(c.name, func(t *testing.T) {
				empty(t, d)
				old := row("a.example", "bob", c.typ, note, 1)
				old.State, old.LastError, old.DoneAt, old.Attempts = inbox.Dead, "trouble", &old.NextAt, 6
				n := c.newer
				n.DoneAt = &n.NextAt
				if n.State == inbox.Waiting {
					n.State = inbox.Done
				}
				fill(t, d, old, n)
				var h heard
				b := plain(d, h.apply)
				if got, err := b.Retry(t.Context(), inbox.Filter{IDs: []int64{1}}); err != nil || got != 1 {
					t.Fatal(got, err)
				}
				if err := b.Process(t.Context(), inbox.ProcessArgs{}); err != nil {
					t.Fatal(err)
				}
				want, note := "[]", "replaced by a newer activity"
				if c.applied {
					want, note = fmt.Sprintf("[%s %s 1]", c.typ, "https://a.example/notes/1"), ""
				}
				if got := fmt.Sprint(h.log); got != want {
					t.Errorf("applied %s, want %s", got, want)
				}
				if got := states(t, d, "id = 1 AND last_error = ?", note); got != "[{done 1}]" {
					t.Errorf("it is %s", states(t, d, "id = 1"))
				}
			})
		}
		t.Run("an Undo of what was done again", func(t *testing.T) {
			empty(t, d)
			first, undo, second := row("a.example", "bob", "Like", note, 1), row("a.example", "bob", "Undo", id("Like"), 2), row("a.example", "bob", "Like", note, 3)
			undo.LastError = "trouble" // failed, and waits
			for _, r := range []*inbox.Row{&first, &second} {
				r.State, r.DoneAt = inbox.Done, &r.NextAt
			}
			fill(t, d, first, undo, second)
			var h heard
			if err := plain(d, h.apply).Process(t.Context(), inbox.ProcessArgs{}); err != nil || len(h.log) != 0 {
				t.Errorf("applied %v, %v", h.log, err)
			}
		})
		t.Run("in their order", func(t *testing.T) {
			empty(t, d)
			rows := []inbox.Row{
				row("a.example", "bob", "Create", note, 1), row("a.example", "bob", "Like", other, 2), row("a.example", "bob", "Delete", note, 3),
				row("a.example", "bob", "Announce", other, 4),
			}
			for n := range 2 {
				rows[n].State, rows[n].LastError, rows[n].DoneAt = inbox.Dead, "trouble", &rows[n].NextAt
			}
			fill(t, d, rows...)
			var h heard
			b := plain(d, h.apply)
			if got, err := b.Retry(t.Context(), inbox.Filter{Host: "a.example"}); err != nil || got != 2 {
				t.Fatal(got, err)
			}
			if err := b.Process(t.Context(), inbox.ProcessArgs{}); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(h.log); got != fmt.Sprintf("[Create %s 1 Like %s 2 Delete %s 3 Announce %s 4]", note, other, note, other) {
				t.Errorf("applied %s", got)
			}
		})
	})
}

// empty drops the rows of the inbox, and counts rows from 1 again.
func empty(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		if tx.Dialect() == db.Postgres {
			return tx.Exec("TRUNCATE inbox RESTART IDENTITY").Error
		}
		return errors.Join(tx.Exec("DELETE FROM inbox").Error, tx.Exec("DELETE FROM sqlite_sequence WHERE name = 'inbox'").Error)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRetryAfterKills: the count of processes that an activity took along begins
// anew, too.
func TestRetryAfterKills(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := row("a.example", "bob", "Like", "https://us.example/1", 1)
		r.State, r.Attempts = inbox.Active, 6 // its sixth process is gone
		fill(t, d, r)
		applied := 0
		b := plain(d, func(context.Context, vocab.Envelope) error { applied++; return nil })
		if err := b.Process(t.Context(), inbox.ProcessArgs{}); err != nil || applied != 0 {
			t.Fatal(applied, err)
		}
		if n, err := b.Retry(t.Context(), inbox.Filter{Activity: r.ActivityID}); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		// The first process that takes it is killed: it comes back, and is not dead.
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE inbox SET state = 'active', attempts = attempts + 1, next_at = ?", db.Now()).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Process(t.Context(), inbox.ProcessArgs{}); err != nil || applied != 1 {
			t.Errorf("applied %d times, %v; %s", applied, err, states(t, d, "1 = 1"))
		}
	})
}
