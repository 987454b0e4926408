package activitypub_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/migrations"
)

// listener is a module that only listens to Likes.
func listener(do func(context.Context, *activitypub.Activity) error) func(*activitypub.Engine) []activitypub.Module {
	return func(*activitypub.Engine) []activitypub.Module {
		return []activitypub.Module{{Name: "listener", Handlers: []activitypub.Handler{
			{On: activitypub.On{Activity: "Like"}, Do: do},
			{On: activitypub.On{Activity: "View"}, Do: do},
		}}}
	}
}

// like is a Like of nothing in particular; it needs no fetch.
func like(a *aptest.Actor, i int) map[string]any {
	return a.Activity("Like", nil, map[string]any{"content": fmt.Sprint(i)})
}

// TestOrder: two workers at once, and yet the activities of one actor come in
// order and each once.
func TestOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var mu sync.Mutex
		seen := map[string][]string{}
		s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: listener(func(_ context.Context, act *activitypub.Activity) error {
			mu.Lock()
			defer mu.Unlock()
			seen[act.Actor.Username] = append(seen[act.Actor.Username], string(act.Raw))
			return nil
		})})
		r := aptest.New(t)
		const each = 60
		for _, name := range []string{"bob", "eve", "joe"} {
			a := r.Actor(actor.Person, name)
			for i := range each {
				if got := a.Post(s.Origin+"/inbox", like(a, i)); got != 204 {
					t.Fatalf("answered %d", got)
				}
			}
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range 5 { // each returns when nothing is left to it
					if err := s.Engine.ProcessInbox(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for name, list := range seen {
			if len(list) != each {
				t.Errorf("%s: %d activities", name, len(list))
			}
			for i, raw := range list {
				if !strings.Contains(raw, fmt.Sprintf(`"content":"%d"`, i)) {
					t.Fatalf("%s: activity %d is %s", name, i, raw)
				}
			}
		}
		if n := s.Count("inbox", "state <> 'done'"); n != 0 || len(seen) != 3 {
			t.Errorf("%d rows not done, %d actors", n, len(seen))
		}
	})
}

// TestOutcomes: what fails is retried and in the end given up, what is wrong
// is dropped, what panics hurts only itself (REL-10, SEC-71).
func TestOutcomes(t *testing.T) {
	d := dbtest.SQLite(t)
	tries := map[string]int{}
	s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: listener(func(_ context.Context, act *activitypub.Activity) error {
		kind := act.ID[strings.LastIndexByte(act.ID, '/')+1:]
		tries[kind]++
		switch kind {
		case "panic":
			panic("a bug")
		case "wrong":
			return activitypub.Drop(errors.New("not allowed"))
		case "fails":
			return errors.New("some trouble")
		case "second":
			if tries[kind] < 2 {
				return errors.New("not yet")
			}
		}
		return nil
	})})
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	for _, kind := range []string{"panic", "wrong", "fails", "second", "fine"} {
		bob.Post(s.Origin+"/inbox", bob.Activity("Like", nil, map[string]any{"id": bob.IRI + "/" + kind}))
	}
	state := func(kind string) (row activitypub.InboxRow) {
		t.Helper()
		if err := d.Read(t.Context()).Where("activity_id = ?", bob.IRI+"/"+kind).Take(&row).Error; err != nil {
			t.Fatal(err)
		}
		return row
	}
	drain(t, s)
	for kind, want := range map[string]string{"panic": "waiting", "wrong": "dropped", "fails": "waiting", "second": "waiting", "fine": "done"} {
		if got := state(kind); got.State != want {
			t.Errorf("%s is %s: %s", kind, got.State, got.LastError)
		}
	}
	if n := s.Count("jobs", "kind = 'activitypub.process' AND run_at > ?", db.Now().Add(5*time.Second)); n == 0 {
		t.Error("no job was inserted for the retries")
	}
	drain(t, s)
	if tries["fails"] != 1 {
		t.Error("a retry came without a pause")
	}
	for range 10 { // as if the pauses were over
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE inbox SET next_at = ? WHERE state = 'waiting'", db.Now()).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		drain(t, s)
	}
	for kind, want := range map[string]string{"panic": "dead", "fails": "dead", "second": "done"} {
		if got := state(kind); got.State != want {
			t.Errorf("%s is %s after %d tries: %s", kind, got.State, tries[kind], got.LastError)
		}
	}
	if tries["fails"] != 6 || tries["panic"] != 6 || tries["wrong"] != 1 || tries["fine"] != 1 {
		t.Errorf("tries %v", tries)
	}
	if got := state("fails"); got.LastError == "" || got.DoneAt == nil {
		t.Errorf("dead row %+v", got)
	}
}

// TestKilledWorker: the rows of a process that died come back when their
// lease ends; until then nobody else takes them, nor later ones of the same
// actor.
func TestKilledWorker(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ran := 0
		s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: listener(func(context.Context, *activitypub.Activity) error { ran++; return nil })})
		r := aptest.New(t)
		bob, eve := r.Actor(actor.Person, "bob"), r.Actor(actor.Person, "eve")
		bob.Post(s.Origin+"/inbox", like(bob, 1))
		bob.Post(s.Origin+"/inbox", like(bob, 2))
		eve.Post(s.Origin+"/inbox", like(eve, 1))
		lease := func(until time.Time) {
			t.Helper()
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				return tx.Exec("UPDATE inbox SET state = 'active', attempts = 1, next_at = ? WHERE id = (SELECT min(id) FROM inbox)", until).Error
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		lease(db.Now().Add(time.Minute))
		drain(t, s)
		if ran != 1 {
			t.Errorf("%d activities ran beside the lease", ran)
		}
		var wake jobs.Job
		if err := d.Read(t.Context()).Where("kind = 'activitypub.process' AND run_at > ?", db.Now().Add(30*time.Second)).Take(&wake).Error; err != nil {
			t.Errorf("nobody will look after the lease: %v", err)
		}
		lease(db.Now().Add(-time.Second))
		drain(t, s)
		if n := s.Count("inbox", "state = 'done'"); ran != 3 || n != 3 {
			t.Errorf("%d ran, %d done", ran, n)
		}
	})
}

// TestShutdown: what a stopped worker had claimed is given back at once and
// costs no attempt.
func TestShutdown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, stop := context.WithCancel(t.Context())
		ran := 0
		s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: listener(func(ctx context.Context, _ *activitypub.Activity) error {
			ran++
			if ran == 1 {
				stop()
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})})
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		for i := range 3 {
			bob.Post(s.Origin+"/inbox", like(bob, i))
		}
		if err := s.Engine.ProcessInbox(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("stopped with %v", err)
		}
		if n := s.Count("inbox", "state = 'waiting' AND attempts = 0 AND next_at <= ?", db.Now()); n != 3 {
			t.Errorf("%d rows were given back", n)
		}
		drain(t, s)
		if n := s.Count("inbox", "state = 'done'"); n != 3 || ran != 4 {
			t.Errorf("%d done, %d runs", n, ran)
		}
	})
}

// TestBudget: one activity causes at most 20 fetches, through every level
// (SEC-29).
func TestBudget(t *testing.T) {
	d := dbtest.SQLite(t, append(migrations.All(), notesMigrations)...)
	var s *aptest.Server
	r := aptest.New(t)
	s = aptest.Serve(t, d, aptest.Options{Idle: true, Modules: listener(func(ctx context.Context, act *activitypub.Activity) error {
		for i := range 100 { // an endless chain of replies
			if _, err := s.Engine.Actors.FetchDocument(ctx, fmt.Sprintf("%s/chain/%d", r.Origin, i)); err != nil {
				return err
			}
		}
		return nil
	})})
	bob := r.Actor(actor.Person, "bob")
	for i := range 100 {
		r.Serve(fmt.Sprintf("/chain/%d", i), map[string]any{"id": fmt.Sprintf("%s/chain/%d", r.Origin, i), "type": "Note"})
	}
	bob.Post(s.Origin+"/inbox", like(bob, 1))
	before := r.Fetches("")
	drain(t, s)
	if n := r.Fetches("") - before; n > 20 || n < 15 {
		t.Errorf("%d fetches", n)
	}
	if n := s.Count("inbox", "state = 'dropped'"); n != 1 {
		t.Error("the activity was not dropped")
	}
}

// TestClean drops what is old and done, and nothing else.
func TestClean(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, notes := idle(t, d, nil)
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		alice := s.Local(actor.Person, "alice")
		for i := range 2 {
			bob.Post(s.Origin+"/inbox", like(bob, i))
		}
		drain(t, s)
		bob.Post(s.Origin+"/inbox", like(bob, 3))
		if err := notes.publish(t.Context(), alice, "Create", "listed", "x"); err != nil {
			t.Fatal(err)
		}
		if err := notes.publish(t.Context(), alice, "Update", "listed", "xy"); err != nil {
			t.Fatal(err)
		}
		old := db.Now().Add(-15 * 24 * time.Hour)
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			if err := tx.Exec("UPDATE inbox SET done_at = ? WHERE id = (SELECT min(id) FROM inbox)", old).Error; err != nil {
				return err
			}
			return tx.Exec("UPDATE outbox SET created_at = ?, spread = TRUE", old).Error
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Engine.Clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := s.Count("inbox", ""); n != 2 {
			t.Errorf("%d rows in the inbox", n)
		}
		if n := s.Count("outbox", "type = 'Create'"); n != 1 || s.Count("outbox", "") != 1 {
			t.Errorf("%d listed of %d rows in the outbox", n, s.Count("outbox", ""))
		}
	}, withNotes()...)
}
