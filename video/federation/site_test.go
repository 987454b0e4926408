package federation

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

// site is a whole instance behind a listener, its jobs running.
type site struct {
	*aptest.Server
	catalog  *catalog.Service
	listing  *listing.Service
	fed      *Service
	channels *channel.Service
	files    *catalogtest.Files
	t        *testing.T
}

func serve(t *testing.T, d *db.DB, change ...func(*catalog.Options)) *site {
	t.Helper()
	s := &site{t: t, files: &catalogtest.Files{}}
	s.Server = aptest.Serve(t, d, aptest.Options{Modules: func(e *activitypub.Engine) []activitypub.Module {
		log := slog.New(slog.DiscardHandler)
		s.channels = channel.New(channel.Options{DB: d, Actors: e.Actors, Logger: log})
		var err error
		o := catalog.Options{
			DB: d, Origin: e.Actors.Origin(), Channels: s.channels, Logger: log, PutFile: s.files.Put, DeleteFile: s.files.Delete,
			RemoteURI: func() catalog.RemoteURI { return catalog.RemoteURI{Users: true} },
		}
		for _, f := range change {
			f(&o)
		}
		s.catalog, err = catalog.New(o)
		if err != nil {
			t.Fatal(err)
		}
		s.listing = listing.New(listing.Options{DB: d, Catalog: s.catalog, Channels: s.channels})
		s.fed = New(Options{DB: d, Engine: e, Catalog: s.catalog, Channels: s.channels, Transport: aptest.Transport(t), Logger: log})
		m := s.fed.Module()
		m.Name, m.Periodic = "video", s.catalog.Periodic()
		m.Routes = func(r *rest.Router) {
			s.catalog.Routes(r)
			s.listing.Routes(r)
		}
		m.Jobs = append(m.Jobs, s.catalog.Jobs()...)
		m.Jobs = append(m.Jobs, jobs.Handle(func(context.Context, catalog.TorrentArgs) error { return nil }))
		return []activitypub.Module{m}
	}})
	return s
}

// owner is a local user with a channel.
type owner struct {
	*rest.Principal
	account, channel *actor.Actor
	channelID        int64
}

func (s *site) owner(name string) *owner {
	s.t.Helper()
	o := &owner{Principal: &rest.Principal{Username: name, Role: rest.RoleUser}}
	keys := [2]*actor.Key{}
	for i := range keys {
		k, err := actor.GenerateKey()
		if err != nil {
			s.t.Fatal(err)
		}
		keys[i] = k
	}
	s.tx(func(tx *db.Tx) (err error) {
		if o.account, err = s.Engine.Actors.CreateLocal(tx, actor.NewLocal{Type: "Person", Username: name, Name: name, Key: keys[0]}); err != nil {
			return err
		}
		now := db.Now()
		insert := func(id *int64, query string, args ...any) {
			if err == nil {
				err = tx.Raw(query+" RETURNING id", append(args, now, now)...).Scan(id).Error
			}
		}
		insert(&o.UserID, "INSERT INTO users (username, email, password_hash, role, created_at, updated_at) VALUES (?, ?, 'x', 2, ?, ?)", name, name)
		insert(&o.AccountID, "INSERT INTO accounts (actor_id, user_id, created_at, updated_at) VALUES (?, ?, ?, ?)", o.account.ID, o.UserID)
		if err != nil {
			return err
		}
		o.channel, o.channelID, err = s.newChannel(tx, o, name+"_channel", keys[1])
		return err
	})
	return o
}

func (s *site) newChannel(tx *db.Tx, o *owner, name string, key *actor.Key) (*actor.Actor, int64, error) {
	a, err := s.Engine.Actors.CreateLocal(tx, actor.NewLocal{Type: "Group", Username: name, Name: name, AttributedTo: o.account.IRI, Key: key})
	if err != nil {
		return nil, 0, err
	}
	var id int64
	err = tx.Raw("INSERT INTO channels (actor_id, account_id, local, created_at, updated_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
		a.ID, o.AccountID, true, db.Now(), db.Now()).Scan(&id).Error
	return a, id, err
}

func (s *site) tx(fn func(tx *db.Tx) error) {
	s.t.Helper()
	if err := s.DB.Tx(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// publish makes a public video with files and pictures: first a private one, so
// that what goes out has the files.
func (s *site) publish(o *owner, name string, change ...func(*catalog.NewVideo)) *catalog.Video {
	s.t.Helper()
	v := s.private(o, name, change...)
	s.edit(o, v, m{"privacy": 1})
	return s.reload(v.IRI)
}

// private makes a video with files and pictures that nobody else may see.
func (s *site) private(o *owner, name string, change ...func(*catalog.NewVideo)) *catalog.Video {
	s.t.Helper()
	w := &catalogtest.World{T: s.t, DB: s.DB, Catalog: s.catalog, Files: s.files}
	u := &catalogtest.User{ID: o.UserID, AccountID: o.AccountID, ChannelID: o.channelID}
	v := w.Video(u, name, append(change, func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })...)
	w.WithFiles(v)
	return s.reload(v.IRI)
}

// edit changes a video as its owner.
func (s *site) edit(o *owner, v *catalog.Video, change m) {
	s.t.Helper()
	raw, err := json.Marshal(change)
	if err != nil {
		s.t.Fatal(err)
	}
	in, err := form.FromJSON(raw, form.Video)
	if err == nil {
		err = s.catalog.Update(context.Background(), o.Principal, catalog.Ref{ID: v.ID}, in, nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) reload(iri string) *catalog.Video {
	s.t.Helper()
	v, err := s.catalog.ByIRI(context.Background(), iri)
	if err != nil {
		s.t.Fatalf("%s at %s: %v", iri, s.Origin, err)
	}
	return v
}

// find is nil when the site has no such video.
func (s *site) find(iri string) *catalog.Video {
	v, err := s.catalog.ByIRI(context.Background(), iri)
	if err != nil {
		return nil
	}
	return v
}

// follow makes the instance follow an actor, and waits until it may.
func (s *site) follow(iri string) {
	s.t.Helper()
	if err := s.Engine.Follow(context.Background(), s.Instance(), iri); err != nil {
		s.t.Fatal(err)
	}
	aptest.Eventually(s.t, "accepted follow of "+iri, func() bool {
		return s.Count("follows", "state = 'accepted' AND target_id IN (SELECT id FROM actors WHERE iri = ?)", iri) == 1
	})
}

func (s *site) names() []string {
	s.t.Helper()
	rows, _, err := s.listing.List(context.Background(), listing.Filter{Page: rest.Page{Count: 50, Sort: "publishedAt"}})
	if err != nil {
		s.t.Fatal(err)
	}
	out := []string{}
	for _, r := range rows {
		out = append(out, r.Name)
	}
	return out
}

// pair runs a test on two instances, on each engine.
func pair(t *testing.T, test func(t *testing.T, a, b *site)) {
	t.Run("sqlite", func(t *testing.T) { test(t, serve(t, dbtest.SQLite(t)), serve(t, dbtest.SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, serve(t, dbtest.Postgres(t)), serve(t, dbtest.Postgres(t))) })
}

// get fetches a document as another server would.
func (s *site) get(path string) aptest.Answer { return s.Get(path, "application/activity+json") }
