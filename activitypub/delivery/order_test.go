package delivery_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// say publishes an activity named like its type and a number: "Update 3".
func say(t testing.TB, s *aptest.Server, from *actor.Actor, what, object string, to delivery.Target) {
	t.Helper()
	typ, name, _ := strings.Cut(what, " ")
	fields := map[string]any{"type": typ, "id": from.IRI + "/" + typ + "/" + name, "actor": from.IRI, "object": object, "to": []string{vocab.Public}}
	if typ == "Undo" {
		fields["object"] = map[string]any{"type": "Like", "id": from.IRI + "/Like/" + name, "actor": from.IRI, "object": object}
	}
	doc, err := vocab.Build(vocab.Base, fields)
	if err != nil {
		t.Fatal(err)
	}
	if err := publishTx(t, s, from, doc, to); err != nil {
		t.Fatal(err)
	}
}

func same(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// TestOutageInOrder: a host that is down for three days gets all it missed
// when it is back, the newest state of each object, in order, once (REL-08).
func TestOutageInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, clock := timed(t, d)
		alice := s.Local(actor.Person, "alice")
		h, other := hostOf(t), hostOf(t)
		to := delivery.Target{Inboxes: []string{h.inbox(), other.inbox()}}
		h.answer(503)
		video := s.Origin + "/videos/1"
		n := 0
		next := func(typ string) string { n++; return fmt.Sprint(typ, " ", n) }
		say(t, s, alice, next("Create"), video, to)
		say(t, s, alice, next("Like"), "https://b.example/2", to)
		for range 3 * 24 { // an Update every hour
			deliver(t, s)
			clock.pass(time.Hour)
			say(t, s, alice, next("Update"), video, to)
		}
		last := n
		say(t, s, alice, next("Undo"), "https://b.example/2", to)
		say(t, s, alice, next("Create"), s.Origin+"/videos/2", to)
		say(t, s, alice, next("Update"), s.Origin+"/videos/2", to)
		say(t, s, alice, next("Delete"), s.Origin+"/videos/2", to)
		deliver(t, s)
		if row := h.row(t, d); row.State != delivery.Open || row.Failures < 10 || row.DownSince == nil || row.LastStatus != 503 {
			t.Errorf("host %+v", row)
		}
		if tries := len(h.got()); tries < 12 || tries > 60 {
			t.Errorf("%d requests to a host that was down for three days", tries)
		}
		h.took(t)
		h.answer(204)
		clock.pass(5 * time.Hour)
		deliver(t, s)
		got := h.took(t)
		about := func(ids ...int) (out []string) {
			for _, g := range got {
				for _, id := range ids {
					if strings.HasSuffix(g, fmt.Sprint(" ", id)) {
						out = append(out, g)
					}
				}
			}
			return out
		}
		same(t, "first video", about(1, last), []string{"Create 1", fmt.Sprint("Update ", last)})
		same(t, "like", about(2, last+1), []string{"Like 2", fmt.Sprint("Undo ", last+1)})
		same(t, "second video", about(last+2, last+3, last+4), []string{fmt.Sprint("Delete ", last+4)})
		if len(got) != 5 {
			t.Errorf("got %q", got)
		}
		if row := h.row(t, d); row.State != delivery.Closed || row.Failures != 0 || row.DownSince != nil || row.LastSuccessAt == nil {
			t.Errorf("host %+v", row)
		}
		if n := s.Count("deliveries", "state = 'superseded' AND host = ? AND attempts = 0", h.name()); n != 3*24-1+2 {
			t.Errorf("%d superseded", n)
		}
		if n := s.Count("deliveries", "state = 'pending'"); n != 0 {
			t.Errorf("%d still pending", n)
		}
		if n := len(other.got()); n != last+2 { // all but what the Delete made needless
			t.Errorf("a host that was up got %d of %d", n, last+2)
		}
	})
}

// TestOrderKept: nothing about an object overtakes what waits for the same
// inbox; what is about others does.
func TestOrderKept(t *testing.T) {
	for _, c := range []struct {
		first, second string
		object        string
		waits         bool
	}{
		{"Create 1", "Update 2", "https://a.example/1", true},
		{"Create 1", "Announce 2", "https://a.example/1", true},
		{"Like 1", "Undo 1", "https://a.example/1", true},
		{"Announce 1", "Delete 2", "https://a.example/1", false}, // it takes its place
		{"Create 1", "Update 2", "https://a.example/2", false},
		{"Follow 1", "Like 2", "https://a.example/2", false},
	} {
		s, clock := timed(t, dbtest.SQLite(t))
		alice := s.Local(actor.Person, "alice")
		h := hostOf(t)
		to := delivery.Target{Inboxes: []string{h.inbox()}}
		h.answer(403) // it lives, but does not take the first
		say(t, s, alice, c.first, "https://a.example/1", to)
		deliver(t, s)
		h.took(t)
		h.answer(204)
		say(t, s, alice, c.second, c.object, to)
		deliver(t, s)
		now := []string{c.second}
		if c.waits {
			now = nil
		}
		same(t, c.first+", "+c.second+" at once", h.took(t), now)
		clock.pass(time.Minute)
		deliver(t, s)
		later := []string{c.first, c.second}
		switch {
		case strings.HasPrefix(c.second, "Delete"):
			later = nil
		case !c.waits:
			later = []string{c.first}
		}
		same(t, c.first+", "+c.second+" later", h.took(t), later)
	}
}

// TestCoalesce: of many with one name only the newest is sent, and only to
// inboxes that the newest goes to; what is not named the same is left alone.
func TestCoalesce(t *testing.T) {
	s, _ := timed(t, dbtest.SQLite(t))
	alice, bob := s.Local(actor.Person, "alice"), s.Local(actor.Person, "bob")
	h, other := hostOf(t), hostOf(t)
	both := []string{h.inbox(), other.inbox()}
	const video = "https://a.example/1"
	for i := range 3 {
		say(t, s, alice, fmt.Sprint("View ", i), video, delivery.Target{Inboxes: both, Coalesce: "views " + video})
	}
	say(t, s, alice, "View 3", video, delivery.Target{Inboxes: both[:1], Coalesce: "views " + video})
	say(t, s, alice, "View 4", video, delivery.Target{Inboxes: both[:1], Coalesce: "views of another"})
	say(t, s, bob, "View 5", video, delivery.Target{Inboxes: both[:1], Coalesce: "views " + video})
	say(t, s, alice, "Update 6", video, delivery.Target{Inboxes: both})
	say(t, s, bob, "Update 7", video, delivery.Target{Inboxes: both})
	say(t, s, alice, "Update 8", video, delivery.Target{Inboxes: both})
	deliver(t, s)
	same(t, "all", h.took(t), []string{"View 3", "View 4", "View 5", "Update 7", "Update 8"})
	same(t, "the other", other.took(t), []string{"View 2", "Update 7", "Update 8"})
	// What was sent is no longer replaced.
	say(t, s, alice, "Update 9", video, delivery.Target{Inboxes: both})
	deliver(t, s)
	same(t, "afterwards", h.took(t), []string{"Update 9"})
	if n := s.Count("deliveries", "state = 'superseded' AND attempts > 0"); n != 0 {
		t.Errorf("%d deliveries were sent and superseded", n)
	}
}

// TestFanOutOrder: whichever fan-out runs first, the older activity about an
// object is spread first; and what goes to named inboxes waits for it.
func TestFanOutOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := timed(t, d)
		alice := s.Local(actor.Person, "alice")
		r := aptest.New(t)
		followBy(t, s, alice, r.Actor(actor.Person, "bob"))
		deliver(t, s)
		before := len(r.Received())
		to := delivery.Target{FollowersOf: []int64{alice.ID}}
		say(t, s, alice, "Create 1", "https://a.example/1", to)
		say(t, s, alice, "Update 2", "https://a.example/1", to)
		say(t, s, alice, "Announce 3", "https://a.example/1", delivery.Target{Inboxes: []string{r.Origin + "/inbox"}})
		var rows []delivery.Entry
		if err := d.Read(t.Context()).Where("spread = FALSE").Order("id DESC").Find(&rows).Error; err != nil || len(rows) != 3 {
			t.Fatalf("%d rows are not spread, %v", len(rows), err)
		}
		for _, row := range rows[1:] {
			if err := s.Engine.Outbox.FanOut(t.Context(), row.ID); err != nil {
				t.Fatal(err)
			}
		}
		deliver(t, s)
		if err := s.Engine.Outbox.FanOut(t.Context(), rows[0].ID); err != nil {
			t.Fatal(err)
		}
		deliver(t, s)
		var got []string
		for _, x := range r.Received()[before:] {
			got = append(got, x.Doc["type"].(string))
		}
		same(t, "order", got, []string{"Create", "Update", "Announce"})
	})
}
