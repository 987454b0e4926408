package delivery_test

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// breakHost fails a host until its breaker opens.
func breakHost(t *testing.T, s *aptest.Server, c *clock, h *host, from *actor.Actor) {
	t.Helper()
	h.answer(503)
	publish(t, s, from, h.inbox())
	for range 5 {
		deliver(t, s)
		c.pass(20 * time.Minute)
	}
	if row := h.row(t, s.DB); row.State != delivery.Open || row.Class() != delivery.Broken {
		t.Fatalf("host %+v", row)
	}
}

// TestBreaker: a broken host is probed with one request after a growing pause,
// whatever waits for it, and by whichever process: its state is in the
// database.
func TestBreaker(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, clock := timed(t, d)
		alice := s.Local(actor.Person, "alice")
		h := hostOf(t)
		breakHost(t, s, clock, h, alice)
		for range 50 {
			publish(t, s, alice, h.inbox())
		}
		second := process(t, s, clock)
		var gaps []time.Duration
		last, start := len(h.got()), clock.now()
		for range 12 * 60 {
			clock.pass(2 * time.Minute)
			deliver(t, s)
			if n := len(h.got()); n > last {
				if n != last+1 {
					t.Fatalf("%d requests in one probe", n-last)
				}
				gaps = append(gaps, clock.now().Sub(start))
				last, start = n, clock.now()
			}
		}
		if n := len(gaps); n < 8 || n > 20 || gaps[n-1] < 2*gaps[0] || gaps[n-1] > 5*time.Hour {
			t.Errorf("pauses between probes %v", gaps)
		}
		before := h.row(t, d)
		if n := s.Count("deliveries", "state = 'pending' AND attempts = 0"); n < 30 {
			t.Errorf("only %d deliveries have not been tried", n)
		}
		if err := second.Deliver(t.Context()); err != nil || len(h.got()) != last {
			t.Error("another process does not keep the pause")
		}
		if after := h.row(t, d); after.Failures != before.Failures {
			t.Errorf("%d failures, want %d", after.Failures, before.Failures)
		}
		h.answer(204)
		clock.pass(5 * time.Hour)
		deliver(t, s)
		if n := len(h.got()) - last; n != 51 {
			t.Errorf("%d requests when it is back, want 51", n)
		}
		if n := s.Count("deliveries", "state <> 'delivered'"); n != 0 {
			t.Errorf("%d deliveries are left", n)
		}
	})
}

// TestAlive: a broken host that is heard of is probed at once; one that is
// heard of and takes nothing is not probed for each activity.
func TestAlive(t *testing.T) {
	s, clock := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	h := hostOf(t)
	breakHost(t, s, clock, h, alice)
	clock.pass(24 * time.Hour)
	deliver(t, s) // the pause is long now
	before := len(h.got())
	alive := func(name string) {
		t.Helper()
		if err := s.Engine.Outbox.Alive(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		deliver(t, s)
	}
	alive("b.example")
	if n := len(h.got()) - before; n != 0 {
		t.Fatalf("%d probes after another host was heard of", n)
	}
	for range 20 {
		alive(h.name())
	}
	if n := len(h.got()) - before; n != 1 {
		t.Errorf("%d probes of a host that sends and takes nothing", n)
	}
	other := process(t, s, clock) // it has heard nothing so far
	h.answer(204)
	if err := errors.Join(other.Alive(t.Context(), h.name()), other.Deliver(t.Context())); err != nil {
		t.Fatal(err)
	}
	if row := h.row(t, s.DB); row.State != delivery.Closed || s.Count("deliveries", "state = 'pending'") != 0 {
		t.Errorf("not delivered after it was heard of: %+v", row)
	}
}

// TestMissed: for a host that is away for weeks nothing piles up; when it
// returns it gets what it missed, the newest state, in order; what is older
// than the retention is gone and said to be.
func TestMissed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, clock := timed(t, d)
		alice := s.Local(actor.Person, "alice")
		h, other := hostOf(t), hostOf(t)
		to := delivery.Target{Inboxes: []string{h.inbox(), other.inbox()}}
		only := delivery.Target{Inboxes: []string{other.inbox()}}
		h.answer(503)
		say(t, s, alice, "Create 1", "https://a.example/1", to)
		day := func(n int) {
			for range n * 6 {
				deliver(t, s)
				clock.pass(4 * time.Hour)
			}
		}
		day(8)
		if row := h.row(t, d); !row.Unreachable(clock.now()) {
			t.Fatalf("host is not unreachable: %+v", row)
		}
		for i := range 40 {
			say(t, s, alice, fmt.Sprint("Create ", 100+i), fmt.Sprint("https://a.example/", 100+i), to)
			say(t, s, alice, fmt.Sprint("Update ", 200+i), fmt.Sprint("https://a.example/", 100+i), to)
			say(t, s, alice, fmt.Sprint("Like ", 300+i), fmt.Sprint("https://b.example/", i), only)
		}
		if n := s.Count("deliveries", "host = ? AND state = 'pending'", h.name()); n != 1 {
			t.Fatalf("%d deliveries are queued for a host that is away", n)
		}
		day(3)
		say(t, s, alice, "Delete 400", "https://a.example/100", to)
		h.took(t)
		h.answer(204)
		day(1)
		if err := s.Engine.Outbox.Resume(t.Context(), h.name()); err != nil {
			t.Fatal(err)
		}
		say(t, s, alice, "Update 401", "https://a.example/101", to)
		deliver(t, s)
		got := h.took(t)
		if len(got) != 1+2*39+1 || got[0] != "Create 1" {
			t.Fatalf("%d activities: %q", len(got), got)
		}
		at := map[string]int{}
		for i, g := range got {
			at[g] = i + 1
		}
		if at["Create 100"]+at["Update 200"] != 0 || at["Delete 400"] == 0 {
			t.Error("a deleted object was shown")
		}
		if at["Create 101"] == 0 || at["Update 201"] != 0 || at["Update 401"] < at["Create 101"] {
			t.Errorf("order of an object: %q", got)
		}
		for i := 2; i < 40; i++ {
			c, u := at[fmt.Sprint("Create ", 100+i)], at[fmt.Sprint("Update ", 200+i)]
			if c == 0 || u < c {
				t.Errorf("order of object %d: %d, %d", i, c, u)
			}
		}
		if row := h.row(t, d); row.MissedFrom != nil || row.State != delivery.Closed {
			t.Errorf("host %+v", row)
		}
	})
}

// TestRetention: what waits longer than the retention is given up and says so;
// younger things are not, and the host goes on being probed.
func TestRetention(t *testing.T) {
	s, clock := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	h := hostOf(t)
	to := delivery.Target{Inboxes: []string{h.inbox()}}
	h.answer(503)
	say(t, s, alice, "Create 1", "https://a.example/1", to)
	pass := func(days int) {
		for range days * 2 {
			deliver(t, s)
			clock.pass(12 * time.Hour)
		}
		if err := s.Engine.Outbox.Mend(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pass(20)
	say(t, s, alice, "Create 2", "https://a.example/2", to)
	say(t, s, alice, "Update 3", "https://a.example/2", to)
	if n := s.Count("deliveries", "state = 'failed'"); n != 0 {
		t.Fatalf("%d given up early", n)
	}
	pass(11)
	rows := deliveries(t, s.DB)
	if rows[0].State != "failed" || rows[0].LastError != "the host was away for too long" {
		t.Errorf("receipt %+v", rows[0])
	}
	if err := s.Engine.Outbox.Resume(t.Context(), h.name()); err != nil { // the job that mend asked for
		t.Fatal(err)
	}
	if n := s.Count("deliveries", "state = 'pending'"); n != 1 {
		t.Fatalf("%d deliveries to probe with, want 1", n)
	}
	h.took(t)
	h.answer(204)
	pass(1)
	if err := s.Engine.Outbox.Resume(t.Context(), h.name()); err != nil {
		t.Fatal(err)
	}
	deliver(t, s)
	same(t, "back", h.took(t), []string{"Create 2", "Update 3"})
}

// TestPoison: an activity that one host cannot digest delays nothing else,
// there or elsewhere, and ends (REL-10).
func TestPoison(t *testing.T) {
	s, clock := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	h := hostOf(t)
	h.poison = "Create/1"
	to := delivery.Target{Inboxes: []string{h.inbox()}}
	say(t, s, alice, "Create 1", "https://a.example/1", to)
	n := 2
	for range 14 * 4 {
		deliver(t, s)
		clock.pass(6 * time.Hour)
		say(t, s, alice, fmt.Sprint("Create ", n), fmt.Sprint("https://a.example/", n), to)
		n++
		deliver(t, s)
		if left := s.Count("deliveries", "state = 'pending' AND attempts = 0"); left != 0 {
			t.Fatalf("the poison holds up %d deliveries", left)
		}
	}
	rows := deliveries(t, s.DB)
	if rows[0].State != "failed" || rows[0].LastStatus != 500 || rows[0].Attempts < 12 {
		t.Errorf("the poison: %+v", rows[0])
	}
	if n := s.Count("deliveries", "state <> 'delivered'"); n != 1 {
		t.Errorf("%d others were not delivered", n-1)
	}
}

// TestCheck: each promise without a job is told; nothing is told of a server
// in order, and mend sees to what it can (REL-24).
func TestCheck(t *testing.T) {
	s, _ := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	h := hostOf(t)
	gaps := func() int {
		t.Helper()
		found, err := s.Engine.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	publish(t, s, alice, h.inbox())
	say(t, s, alice, "Create 1", "https://a.example/1", delivery.Target{FollowersOf: []int64{alice.ID}})
	if n := gaps(); n != 0 {
		t.Fatalf("%d gaps", n)
	}
	change(t, s.DB, &delivery.Host{}, map[string]any{"next_at": nil}, "host = ?", h.name())
	if n := gaps(); n != 1 {
		t.Errorf("%d gaps for a host that is not due", n)
	}
	if err := s.Engine.Outbox.Mend(t.Context()); err != nil || gaps() != 0 {
		t.Errorf("not mended: %v", err)
	}
	change(t, s.DB, &delivery.Receipt{}, map[string]any{"host": "lost.example"}, "host = ?", h.name())
	if n := gaps(); n != 1 {
		t.Errorf("%d gaps for a host without a row", n)
	}
	change(t, s.DB, &delivery.Receipt{}, map[string]any{"host": h.name()}, "host = ?", "lost.example")
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("DELETE FROM jobs").Error })
	if err != nil {
		t.Fatal(err)
	}
	if n := gaps(); n != 2 {
		t.Errorf("%d gaps without any job", n)
	}
}

// TestParkedCostNothing: ten thousand deliveries for a broken host cost a
// handful of statements each time the pump looks, no request and no job.
func TestParkedCostNothing(t *testing.T) {
	const parked = 10000
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, clock := timed(t, d)
		alice := s.Local(actor.Person, "alice")
		h := hostOf(t)
		breakHost(t, s, clock, h, alice)
		deliver(t, s) // a probe
		now := db.Now()
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			entries := make([]delivery.Entry, parked)
			for i := range entries {
				entries[i] = delivery.Entry{IRI: fmt.Sprint(alice.IRI, "/p/", i), ActorID: alice.ID, Type: "Like", Raw: "{}", Spread: true, CreatedAt: now}
			}
			if err := tx.CreateInBatches(&entries, 500).Error; err != nil {
				return err
			}
			rows := make([]delivery.Receipt, parked)
			for i, e := range entries {
				rows[i] = delivery.Receipt{OutboxID: e.ID, Inbox: h.inbox(), Host: h.name(), State: delivery.Pending, ObjectKey: fmt.Sprint(i), NextAt: now, CreatedAt: now}
			}
			return tx.CreateInBatches(&rows, 500).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		before := len(h.got())
		c := dbtest.Cut(t, d) // it counts
		deliver(t, s)
		if n := c.Mend(); n > 8 {
			t.Errorf("%d statements when nothing is due", n)
		}
		clock.pass(time.Hour)
		deliver(t, s)
		if n := c.Mend(); n > 30 {
			t.Errorf("%d statements for a probe", n)
		}
		if n := len(h.got()) - before; n != 1 {
			t.Errorf("%d requests, want a probe", n)
		}
		if n := s.Count("jobs", "kind = 'activitypub.deliver' AND state = 'waiting'"); n > 10 {
			t.Errorf("%d jobs wait", n)
		}
	})
}

// TestOurFault: a signature that cannot be made says nothing about the host.
func TestOurFault(t *testing.T) {
	s, clock := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	h := hostOf(t)
	publish(t, s, alice, h.inbox())
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("UPDATE actor_keys SET private_pem = ''").Error })
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	actors, err := actor.New(actor.Options{DB: s.DB, Transport: aptest.Transport(t), Origin: s.Origin, Logger: log}) // it holds no key yet
	if err != nil {
		t.Fatal(err)
	}
	o := delivery.New(delivery.Options{DB: s.DB, Actors: actors, Transport: aptest.Transport(t), Logger: log, Now: clock.now})
	if err := o.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if row := h.row(t, s.DB); row.Failures != 0 || len(h.got()) != 0 {
		t.Errorf("%d failures, %d requests", row.Failures, len(h.got()))
	}
	if row := deliveries(t, s.DB)[0]; row.State != delivery.Pending || row.Attempts != 1 || row.LastError == "" || !row.NextAt.After(clock.now()) {
		t.Errorf("receipt %+v", row)
	}
}
