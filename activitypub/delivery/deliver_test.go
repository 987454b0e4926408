package delivery_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

// TestFanOut: each shared inbox once, an own inbox where there is no shared
// one, never ourselves, never whom we left out; the bytes are those published.
func TestFanOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := idle(t, d)
		alice, carol := s.Local(actor.Person, "alice"), s.Local(actor.Person, "carol")
		r, single, left := aptest.New(t), aptest.New(t), aptest.New(t)
		lone := single.Actor(actor.Person, "lone")
		delete(lone.Doc, "endpoints")
		lone.Publish()
		followBy(t, s, alice, r.Actor(actor.Person, "a"), r.Actor(actor.Person, "b"), lone, left.Actor(actor.Person, "c"))
		if err := s.Engine.Follow(t.Context(), carol, alice.IRI); err != nil {
			t.Fatal(err)
		}
		doc, err := vocab.Build(vocab.Base, map[string]any{
			"type": "Announce", "id": alice.IRI + "/announces/1", "actor": alice.IRI, "object": s.Origin + "/notes/1", "to": []string{vocab.Public},
		})
		if err != nil {
			t.Fatal(err)
		}
		err = d.Tx(t.Context(), func(tx *db.Tx) error {
			return s.Engine.Outbox.Publish(tx, alice, doc, delivery.Target{
				FollowersOf: []int64{alice.ID, alice.ID}, Inboxes: []string{s.Origin + "/inbox", r.Origin + "/inbox", "junk"}, Except: []string{left.Host},
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		s.StartJobs()
		jobstest.Drain(t, d)
		announces := func(r *aptest.Remote) (out []aptest.Received) {
			for _, x := range r.Received() {
				if x.Doc["type"] == "Announce" {
					out = append(out, x)
				}
			}
			return out
		}
		got := announces(r)
		var stored delivery.Entry
		if err := d.Read(t.Context()).Where("type = 'Announce'").Take(&stored).Error; err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[0].Path != "/inbox" || string(got[0].Body) != stored.Raw {
			t.Fatalf("two followers with one shared inbox got %v", got)
		}
		if x := announces(single); len(x) != 1 || x[0].Path != "/users/lone/inbox" {
			t.Errorf("a follower without a shared inbox got %v", x)
		}
		if x := announces(left); len(x) != 0 {
			t.Errorf("a host left out got %v", x)
		}
		if n := s.Count("inbox", "type = 'Announce'"); n != 0 {
			t.Error("we delivered to ourselves")
		}
		for _, row := range deliveries(t, d) {
			if row.State != "delivered" || row.Attempts != 1 || row.LastStatus != 204 || row.DeliveredAt == nil {
				t.Errorf("receipt %+v", row)
			}
		}
		verifySigned(t, s, r.Host, got[0], alice)
	})
}

// TestReceipts: what each answer of an inbox leads to, and that every attempt
// is signed anew (SEC-09, REL-08).
func TestReceipts(t *testing.T) {
	s, clock := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	cases := []struct {
		status int
		state  string
		retry  bool
		remote *aptest.Remote
	}{
		{200, "delivered", false, nil},
		{202, "delivered", false, nil},
		{204, "delivered", false, nil},
		{404, "failed", false, nil},
		{410, "failed", false, nil},
		{400, "failed", false, nil},
		{413, "failed", false, nil},
		{301, "failed", false, nil},
		{401, "pending", true, nil},
		{403, "pending", true, nil},
		{408, "pending", true, nil},
		{429, "pending", true, nil},
		{500, "pending", true, nil},
		{503, "pending", true, nil},
	}
	for i := range cases {
		cases[i].remote = aptest.New(t)
		cases[i].remote.AnswerDeliveries(cases[i].status)
		publish(t, s, alice, cases[i].remote.Origin+"/inbox")
	}
	deliver(t, s)
	for i, row := range deliveries(t, s.DB) {
		c := cases[i]
		if row.State != c.state || row.Attempts != 1 || row.TriedAt == nil || (row.LastError == "") != (c.state == "delivered") {
			t.Errorf("%d: receipt %+v", c.status, row)
		}
		if c.retry && (row.NextAt.Before(clock.now().Add(20*time.Second)) || row.LastStatus != c.status) {
			t.Errorf("%d: tried again at %v", c.status, row.NextAt)
		}
		c.remote.AnswerDeliveries(204)
	}
	// The date in a signature has a resolution of a second.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	clock.pass(time.Minute)
	deliver(t, s)
	deliver(t, s)
	for i, row := range deliveries(t, s.DB) {
		c := cases[i]
		got := c.remote.Received()
		if !c.retry {
			if row.Attempts != 1 {
				t.Errorf("%d: %d attempts", c.status, row.Attempts)
			}
			continue
		}
		// An attempt may knock twice, with either scheme of signatures.
		if row.State != "delivered" || row.Attempts != 2 || len(got) < 2 || len(got) > 3 {
			t.Errorf("%d: %d requests, receipt %+v", c.status, len(got), row)
			continue
		}
		if last := got[len(got)-1]; got[0].Header.Get("Date") == last.Header.Get("Date") || got[0].Header.Get("Signature") == last.Header.Get("Signature") {
			t.Errorf("%d: the second request carries the signature of the first", c.status)
		}
	}
}

// TestUnreachableAddresses: nobody listens; an address that the guard refuses.
func TestUnreachableAddresses(t *testing.T) {
	s, _ := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	publish(t, s, alice, "http://127.0.0.1:1/inbox")
	publish(t, s, alice, "http://10.0.0.1/inbox")
	deliver(t, s)
	rows := deliveries(t, s.DB)
	if rows[0].State != "pending" || rows[0].LastError == "" {
		t.Errorf("a refused connection is not tried again: %+v", rows[0])
	}
	if rows[1].State != "failed" {
		t.Errorf("an address that we refuse is tried again: %+v", rows[1])
	}
}

// TestRetryAfter: what a host asks for is kept, up to a day, for all that
// waits for it.
func TestRetryAfter(t *testing.T) {
	s, clock := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	r := hostOf(t)
	for _, c := range []struct {
		header string
		wait   time.Duration
	}{{"7200", 2 * time.Hour}, {"100000000", 24 * time.Hour}} {
		r.answer(503, "Retry-After", c.header)
		publish(t, s, alice, r.inbox())
		deliver(t, s)
		before := len(r.got())
		r.answer(204)
		publish(t, s, alice, r.inbox())
		clock.pass(c.wait - time.Minute)
		deliver(t, s)
		if n := len(r.got()); n != before {
			t.Errorf("Retry-After %s: %d requests before the time has come", c.header, n-before)
		}
		clock.pass(2 * time.Minute)
		deliver(t, s)
		if n := len(r.got()); n != before+2 {
			t.Errorf("Retry-After %s: %d requests afterwards, want 2", c.header, n-before)
		}
	}
}

// TestGivingUp: the fifteenth failure is the last, and so is any after eight
// days, for a host that takes other things.
func TestGivingUp(t *testing.T) {
	s, _ := timed(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	for name, c := range map[string]struct {
		set   map[string]any
		state string
	}{
		"fourteenth":       {map[string]any{"attempts": 13}, "pending"},
		"fifteenth":        {map[string]any{"attempts": 14}, "failed"},
		"after seven days": {map[string]any{"created_at": db.Now().Add(-7 * 24 * time.Hour)}, "pending"},
		"after nine days":  {map[string]any{"created_at": db.Now().Add(-9 * 24 * time.Hour)}, "failed"},
	} {
		r := aptest.New(t)
		r.AnswerDeliveries(500)
		publish(t, s, alice, r.Origin+"/inbox")
		rows := deliveries(t, s.DB)
		id := rows[len(rows)-1].ID
		change(t, s.DB, &delivery.Receipt{}, c.set, "id = ?", id)
		deliver(t, s)
		rows = deliveries(t, s.DB)
		if got := rows[len(rows)-1]; got.State != c.state || got.LastStatus != 500 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestDeadHost: a host that is down costs few requests, whatever waits for
// it, and others get theirs meanwhile (REL-07).
func TestDeadHost(t *testing.T) {
	s := idle(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	dead, alive := aptest.New(t), aptest.New(t)
	dead.AnswerDeliveries(503)
	for range 40 {
		publish(t, s, alice, dead.Origin+"/inbox")
	}
	publish(t, s, alice, alive.Origin+"/inbox")
	s.StartJobs()
	alive.Await("Like")
	jobstest.Drain(t, s.DB)
	if n := len(dead.Received()); n < 5 || n > 12 {
		t.Errorf("%d requests to a dead host", n)
	}
	tried := 0
	for _, row := range deliveries(t, s.DB) {
		tried += row.Attempts
	}
	if tried != len(dead.Received())+1 {
		t.Errorf("%d attempts on the receipts", tried)
	}
	if n := s.Count("jobs", "kind = 'activitypub.deliver' AND state = 'waiting'"); n != 1 {
		t.Errorf("%d jobs for what waits", n)
	}
	gaps, err := s.Engine.Check(t.Context())
	if err != nil || len(gaps) != 0 {
		t.Errorf("gaps %q, %v", gaps, err)
	}
}

// TestPauses: at least 12 attempts over seven days, with jitter.
func TestPauses(t *testing.T) {
	var sum time.Duration
	for i, p := range delivery.Pauses {
		sum += p
		for range 20 {
			if got := delivery.Pause(i + 1); got < p*9/10 || got > p*11/10 {
				t.Errorf("pause %d is %v", i+1, got)
			}
		}
	}
	if n := len(delivery.Pauses) + 1; n < 12 || sum < 6*24*time.Hour || sum > 8*24*time.Hour {
		t.Errorf("%d attempts over %v", n, sum)
	}
	different := map[time.Duration]bool{}
	for range 20 {
		different[delivery.Pause(1)] = true
	}
	if len(different) < 2 {
		t.Error("no jitter")
	}
}

// TestPublishRefuses: nobody publishes in another's name, and a rollback
// leaves nothing.
func TestPublishRefuses(t *testing.T) {
	s := idle(t, dbtest.SQLite(t))
	alice, carol := s.Local(actor.Person, "alice"), s.Local(actor.Person, "carol")
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	remote, err := s.Engine.Actors.Fetch(t.Context(), bob.IRI)
	if err != nil {
		t.Fatal(err)
	}
	act := func(by string) any {
		return map[string]any{"type": "Like", "id": s.Origin + "/1", "actor": by, "object": "https://a.example/1"}
	}
	to := delivery.Target{Inboxes: []string{bob.Inbox}}
	for name, err := range map[string]error{
		"in another's name": publishTx(t, s, alice, act(carol.IRI), to),
		"for a remote":      publishTx(t, s, remote, act(remote.IRI), to),
		"no activity":       publishTx(t, s, alice, map[string]any{"type": "Note"}, to),
		"no JSON":           publishTx(t, s, alice, json.RawMessage(`{`), to),
		"no object":         publishTx(t, s, alice, func() {}, to),
	} {
		if err == nil {
			t.Errorf("published %s", name)
		}
	}
	rolledBack := errors.New("rolled back")
	err = s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		if err := s.Engine.Outbox.Publish(tx, alice, act(alice.IRI), to); err != nil {
			return err
		}
		return rolledBack
	})
	if !errors.Is(err, rolledBack) || s.Count("outbox", "") != 0 || s.Count("deliveries", "") != 0 || s.Count("jobs", "kind = 'activitypub.deliver'") != 0 {
		t.Errorf("after a rollback: %v, %d rows", err, s.Count("outbox", ""))
	}
	if err := publishTx(t, s, alice, act(alice.IRI), to); err != nil || s.Count("deliveries", "") != 1 {
		t.Errorf("intact twin: %v", err)
	}
}

// TestForward: the body goes on unchanged, in the instance's name, once, and
// not back to where it came from (SEC-21).
func TestForward(t *testing.T) {
	s := idle(t, dbtest.SQLite(t))
	alice := s.Local(actor.Person, "alice")
	origin, third := aptest.New(t), aptest.New(t)
	bob, eve := origin.Actor(actor.Person, "bob"), third.Actor(actor.Person, "eve")
	followBy(t, s, alice, bob, eve)
	raw, err := json.Marshal(bob.Activity("Like", s.Origin+"/notes/1", map[string]any{"signature": map[string]any{"type": "RsaSignature2017"}}))
	if err != nil {
		t.Fatal(err)
	}
	remote, err := s.Engine.Actors.ByIRI(t.Context(), bob.IRI)
	if err != nil {
		t.Fatal(err)
	}
	act := &activitypub.Activity{ID: bob.IRI + "/1", Type: "Like", Actor: remote, Raw: raw}
	for range 2 {
		err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
			return s.Engine.Outbox.Forward(tx, act, delivery.Target{FollowersOf: []int64{alice.ID}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.StartJobs()
	got := third.Await("Like")
	jobstest.Drain(t, s.DB)
	if !bytes.Equal(got.Body, raw) {
		t.Errorf("forwarded %s", got.Body)
	}
	verifySigned(t, s, third.Host, got, s.Instance())
	likes := 0
	for _, x := range append(third.Received(), origin.Received()...) {
		if x.Doc["type"] == "Like" {
			likes++
		}
	}
	if likes != 1 {
		t.Errorf("forwarded %d times", likes)
	}
}
