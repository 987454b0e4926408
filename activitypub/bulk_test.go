package activitypub_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// crowd is a module that takes Views many at once: it keeps what it has seen in
// tombstones, for want of a table of its own.
type crowd struct {
	batches []int
	rest    func(*activitypub.Activity) bool // goes one by one
	fail    func([]*activitypub.Activity) error
	single  int
}

func (c *crowd) many(tx *db.Tx, acts []*activitypub.Activity) (rest []*activitypub.Activity, err error) {
	for _, act := range acts {
		if c.rest != nil && c.rest(act) {
			rest = append(rest, act)
			continue
		}
		err := tx.Exec("INSERT INTO tombstones (iri, created_at) VALUES (?, ?)", act.ID, db.Now()).Error
		if err != nil {
			return nil, err
		}
	}
	if c.fail != nil {
		if err := c.fail(acts); err != nil {
			return nil, err
		}
	}
	tx.AfterCommit(func() { c.batches = append(c.batches, len(acts)-len(rest)) })
	return rest, nil
}

func (c *crowd) one(context.Context, *activitypub.Activity) error {
	c.single++
	return nil
}

func (c *crowd) module(*activitypub.Engine) []activitypub.Module {
	return []activitypub.Module{{
		Name: "crowd", Bulk: []activitypub.Bulk{{Activity: "View", Do: c.many}},
		Handlers: []activitypub.Handler{
			{On: activitypub.On{Activity: "View"}, Do: c.one},
			{On: activitypub.On{Activity: "Like"}, Do: c.one},
		},
	}}
}

func aView(a *aptest.Actor, i int) map[string]any {
	return a.Activity("View", nil, map[string]any{"content": fmt.Sprint(i)})
}

// TestBulk: activities of one type are taken together, in one transaction with
// their mark; others go on as always.
func TestBulk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := &crowd{}
		s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: c.module})
		a, b := aptest.New(t).Actor(actor.Application, "a"), aptest.New(t).Actor(actor.Application, "b")
		for i := range 10 {
			for _, by := range []*aptest.Actor{a, b} {
				if got := by.Post(s.Origin+"/inbox", aView(by, i)); got != 204 {
					t.Fatalf("answered %d", got)
				}
			}
		}
		a.Post(s.Origin+"/inbox", like(a, 1))
		process(t, s)
		if len(c.batches) != 1 || c.batches[0] != 20 || c.single != 1 {
			t.Errorf("batches %v, %d one by one", c.batches, c.single)
		}
		if n := s.Count("tombstones", ""); n != 20 {
			t.Errorf("%d of 20 took effect", n)
		}
		if n := s.Count("inbox", "type = 'View' AND state = 'done' AND raw = ''"); n != 20 {
			t.Errorf("%d of 20 are done without their body", n)
		}
		old := db.Now().Add(-3 * time.Hour)
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("UPDATE inbox SET done_at = ?", old).Error }); err != nil {
			t.Fatal(err)
		}
		work(t, s, "activitypub.clean")
		if n := s.Count("inbox", ""); n != 1 { // the Like
			t.Errorf("%d rows after the cleaning", n)
		}
	})
}

// TestBulkFails: what cannot go together goes one by one, and a failure undoes
// all of a batch and loses none.
func TestBulkFails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, c := range []struct {
			name            string
			crowd           crowd
			together, alone int
		}{
			{"some go alone", crowd{rest: func(a *activitypub.Activity) bool { return a.ID[len(a.ID)-1]%2 == 0 }}, 5, 5},
			{"an error", crowd{fail: func([]*activitypub.Activity) error { return errors.New("no") }}, 0, 10},
			{"a panic", crowd{fail: func([]*activitypub.Activity) error { panic("no") }}, 0, 10},
		} {
			if err := d.Tx(t.Context(), func(tx *db.Tx) error {
				return errors.Join(tx.Exec("DELETE FROM tombstones").Error, tx.Exec("DELETE FROM inbox").Error, tx.Exec("DELETE FROM jobs").Error,
					tx.Exec("DELETE FROM instance_facts").Error, tx.Exec("DELETE FROM actors").Error)
			}); err != nil {
				t.Fatal(err)
			}
			k := &c.crowd
			s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: k.module})
			a := aptest.New(t).Actor(actor.Application, "a")
			for i := range 10 {
				doc := aView(a, i)
				doc["id"] = fmt.Sprint(a.IRI, "/views/", i)
				if got := a.Post(s.Origin+"/inbox", doc); got != 204 {
					t.Fatalf("answered %d", got)
				}
			}
			process(t, s)
			if n := s.Count("tombstones", ""); n != int64(c.together) || k.single != c.alone {
				t.Errorf("%s: %d together, %d alone, want %d, %d", c.name, n, k.single, c.together, c.alone)
			}
			if n := s.Count("inbox", "state = 'done'"); n != 10 {
				t.Errorf("%s: %d of 10 are done", c.name, n)
			}
		}
	})
}

// TestBulkBlocked: a host that is blocked after its Views came has no effect.
func TestBulkBlocked(t *testing.T) {
	c, block := &crowd{}, ""
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Modules: c.module, Change: func(o *activitypub.Options) {
		o.Blocked = func(_ context.Context, host string) bool { return host == block }
	}})
	r := aptest.New(t)
	a, b := r.Actor(actor.Application, "a"), aptest.New(t).Actor(actor.Application, "b")
	a.Post(s.Origin+"/inbox", aView(a, 1))
	b.Post(s.Origin+"/inbox", aView(b, 1))
	block = r.Host
	process(t, s)
	if n := s.Count("tombstones", ""); n != 1 || c.single != 0 {
		t.Errorf("%d took effect, %d alone, want that of the other host", n, c.single)
	}
	if n := s.Count("inbox", "state = 'dropped'"); n != 1 {
		t.Errorf("%d dropped", n)
	}
}

// TestBulkTaken: two modules cannot both have the Views.
func TestBulkTaken(t *testing.T) {
	c := &crowd{}
	s := aptest.Serve(t, dbtest.SQLite(t), aptest.Options{Idle: true, Modules: c.module})
	for _, m := range []activitypub.Module{
		{Name: "b", Bulk: []activitypub.Bulk{{Activity: "View", Do: c.many}}}, {Name: "c", Bulk: []activitypub.Bulk{{Do: c.many}}}, {Name: "d", Bulk: []activitypub.Bulk{{Activity: "X"}}},
	} {
		if err := s.Engine.Use(m); err == nil {
			t.Errorf("%s was plugged in", m.Name)
		}
	}
	if err := s.Engine.Use(activitypub.Module{Name: "e", Bulk: []activitypub.Bulk{{Activity: "Download", Do: c.many}}}); err != nil {
		t.Error(err)
	}
}

// work runs one job of the engine.
func work(t *testing.T, s *aptest.Server, kind string) {
	t.Helper()
	for _, h := range s.Engine.Jobs() {
		if h.Kind == kind {
			if err := h.Work(t.Context(), []byte("{}")); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no job %s", kind)
}

func process(t *testing.T, s *aptest.Server) {
	t.Helper()
	work(t, s, "activitypub.process")
}
