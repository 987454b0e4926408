package activitypub_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/migrations"
)

type nothing struct{}

func (nothing) Kind() string { return "test.nothing" }

// TestUse: whatever two modules claim both keeps the server from starting.
func TestUse(t *testing.T) {
	d := dbtest.SQLite(t)
	do := func(context.Context, *activitypub.Activity) error { return nil }
	job := jobs.Handle(func(context.Context, nothing) error { return nil })
	for _, c := range []struct {
		name   string
		module activitypub.Module
		ok     bool
	}{
		{"another activity", activitypub.Module{Name: "b", Handlers: []activitypub.Handler{{On: activitypub.On{Activity: "Create", Object: "Page"}, Do: do}}}, true},
		{"same name", activitypub.Module{Name: "a"}, false},
		{"name of the engine", activitypub.Module{Name: "activitypub"}, false},
		{"no name", activitypub.Module{}, false},
		{"same activity", activitypub.Module{Name: "b", Handlers: []activitypub.Handler{{On: activitypub.On{Activity: "Create", Object: "Note"}, Do: do}}}, false},
		{"activity of the engine", activitypub.Module{Name: "b", Handlers: []activitypub.Handler{{On: activitypub.On{Activity: "Follow"}, Do: do}}}, false},
		{"handler without a function", activitypub.Module{Name: "b", Handlers: []activitypub.Handler{{On: activitypub.On{Activity: "Like"}}}}, false},
		{"handler without an activity", activitypub.Module{Name: "b", Handlers: []activitypub.Handler{{Do: do}}}, false},
		{"same object", activitypub.Module{Name: "b", Objects: []activitypub.ObjectType{{Type: "Note"}}}, false},
		{"same job", activitypub.Module{Name: "b", Jobs: []jobs.Handler{job}}, false},
		{"same periodic job", activitypub.Module{Name: "b", Periodic: []jobs.Periodic{{Name: "tick"}}}, false},
		{"same migrations", activitypub.Module{Name: "b", Migrations: []migrations.Set{migrations.Activitypub}}, false},
	} {
		s := aptest.Serve(t, d, aptest.Options{Idle: true, Modules: func(*activitypub.Engine) []activitypub.Module {
			return []activitypub.Module{{
				Name: "a", Handlers: []activitypub.Handler{{On: activitypub.On{Activity: "Create", Object: "Note"}, Do: do}},
				Objects: []activitypub.ObjectType{{Type: "Note"}}, Jobs: []jobs.Handler{job}, Periodic: []jobs.Periodic{{Name: "tick"}},
			}}
		}, Change: func(o *activitypub.Options) { o.DB = dbtest.SQLite(t) }})
		err := s.Engine.Use(c.module)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := strings.Join(s.Engine.Registered(), "\n"); !strings.Contains(got, `activity Follow of "" (activitypub)`) || !strings.Contains(got, "object Note (a)") {
			t.Errorf("registered:\n%s", got)
		}
	}
}

// TestOriginStays: a database does not serve another public address.
func TestOriginStays(t *testing.T) {
	d := dbtest.SQLite(t)
	prepare := func(origin string) error {
		e, err := activitypub.New(activitypub.Options{DB: d, Transport: aptest.Transport(t), Origin: origin, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		return e.Prepare(t.Context())
	}
	for range 2 {
		if err := prepare("https://a.example"); err != nil {
			t.Fatal(err)
		}
	}
	if err := prepare("https://b.example"); !errors.Is(err, actor.ErrOrigin) || !strings.Contains(err.Error(), "https://a.example") {
		t.Errorf("another address: %v", err)
	}
	for _, bad := range []string{"", "a.example", "https://a.example/", "ftp://a.example"} {
		if err := prepare(bad); err == nil {
			t.Errorf("origin %q accepted", bad)
		}
	}
}

// TestActorUpdate: an Update makes us ask the actor's server, and only that
// is believed (SEC-15).
func TestActorUpdate(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	alice := s.Local(actor.Person, "alice")
	followBy(t, s, alice, bob)
	lie := map[string]any{"type": "Person", "id": bob.IRI, "name": "A lie", "publicKey": map[string]any{"id": bob.KeyID, "owner": bob.IRI, "publicKeyPem": "x"}}
	bob.Doc["name"] = "Robert"
	bob.Publish()
	bob.Post(s.Origin+"/inbox", bob.Activity("Update", lie, nil))
	drain(t, s)
	row, err := s.Engine.Actors.ByIRI(t.Context(), bob.IRI)
	if err != nil || row.Name != "Robert" || row.PublicKeyPEM != bob.PEM() {
		t.Errorf("after the update: %+v, %v", row, err)
	}
	bob.Doc["type"] = "Group"
	bob.Publish()
	bob.Post(s.Origin+"/inbox", bob.Activity("Update", bob.Doc, nil))
	drain(t, s)
	if row, _ = s.Engine.Actors.ByIRI(t.Context(), bob.IRI); row.Type != actor.Person {
		t.Errorf("bob became a %s", row.Type)
	}
}

// TestPublishUpdate: our own profile goes out with what modules add.
func TestPublishUpdate(t *testing.T) {
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), nil)
	r := aptest.New(t)
	alice := s.Local(actor.Person, "alice")
	followBy(t, s, alice, r.Actor(actor.Person, "bob"))
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		return s.Engine.PublishUpdate(tx, alice, map[string]any{"support": "please"}, activitypub.Delivery{})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.StartJobs()
	got := r.Await("Update")
	object := got.Doc["object"].(map[string]any)
	if object["id"] != alice.IRI || object["support"] != "please" || object["publicKey"] == nil || got.Doc["to"] == nil {
		t.Errorf("update %s", got.Body)
	}
}

// TestMetrics: operators see what is refused and why (REL-26).
func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, _ := idle(t, dbtest.SQLite(t, withNotes()...), func(o *activitypub.Options) { o.Metrics = reg })
	r := aptest.New(t)
	bob := r.Actor(actor.Person, "bob")
	bob.Post(s.Origin+"/inbox", bob.Activity("Create", noteBy(r, bob, "1", "x"), nil))
	unsigned := bob.Request(s.Origin+"/inbox", bob.Activity("Like", "x", nil))
	unsigned.Header.Del("Signature")
	aptest.Send(t, unsigned)
	drain(t, s)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			seen[name] = m.GetCounter().GetValue()
		}
	}
	for _, name := range []string{
		"kinemesh_activitypub_inbox_total accepted", "kinemesh_activitypub_inbox_total missing", "kinemesh_activitypub_activities_total Create done",
	} {
		if seen[name] != 1 {
			t.Errorf("%s = %v of %v", name, seen[name], seen)
		}
	}
}
