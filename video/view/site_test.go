package view_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/federation"
	"github.com/kinemesh/kinemesh/video/view"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = map[string]any

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// site is an instance behind a listener; nothing runs but what a test starts.
type site struct {
	*aptest.Server
	t       *testing.T
	catalog *catalog.Service
	view    *view.Service
	clock   *clock
	jobs    []jobs.Handler
	changed map[int64]int
	world   *catalogtest.World
	owner   *catalogtest.User
}

func serve(t *testing.T, d *db.DB) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{at: time.Now()}, changed: map[int64]int{}}
	files := &catalogtest.Files{}
	s.Server = aptest.Serve(t, d, aptest.Options{Idle: true, Modules: func(e *activitypub.Engine) []activitypub.Module {
		log := slog.New(slog.DiscardHandler)
		channels := channel.New(channel.Options{DB: d, Actors: e.Actors, Logger: log})
		var err error
		s.catalog, err = catalog.New(catalog.Options{
			DB: d, Origin: e.Actors.Origin(), Channels: channels, Logger: log, PutFile: files.Put, DeleteFile: files.Delete,
		})
		if err != nil {
			t.Fatal(err)
		}
		fed := federation.New(federation.Options{DB: d, Engine: e, Catalog: s.catalog, Channels: channels, Transport: aptest.Transport(t), Logger: log})
		s.view = view.New(view.Options{
			DB: d, Engine: e, Catalog: s.catalog, Settings: config.Default().Views.Videos, Logger: log, Now: s.clock.now,
			Changed: func(_ *db.Tx, id int64) error { s.changed[id]++; return nil },
		})
		s.catalog.Viewers = s.view.Viewers
		part := s.view.Module()
		s.jobs = part.Jobs
		mod := activitypub.Merge(part, fed.Module())
		mod.Name, mod.Services = "video", nil
		routes := mod.Routes
		mod.Routes = func(r *rest.Router) { routes(r); s.catalog.Routes(r) }
		return []activitypub.Module{mod}
	}})
	s.world = &catalogtest.World{T: t, DB: s.DB, Catalog: s.catalog, Files: files}
	s.owner = s.people("alice", "")
	return s
}

// people makes an account with a channel, of this instance or of another.
func (s *site) people(name, host string) *catalogtest.User {
	u := &catalogtest.User{Name: name}
	iri := s.Origin
	if host != "" {
		iri = "http://" + host
	}
	person := s.world.Insert("actors", m{"iri": iri + "/accounts/" + name, "type": "Person", "username": name, "host": host, "inbox": iri + "/inbox", "followers": iri + "/accounts/" + name + "/followers"})
	u.ActorID = person
	account := m{"actor_id": person}
	if host == "" {
		u.ID = s.world.Insert("users", m{"username": name, "email": name, "password_hash": "x", "role": 2})
		account["user_id"] = u.ID
	}
	u.AccountID = s.world.Insert("accounts", account)
	u.ChannelActorID = s.world.Insert("actors", m{
		"iri": iri + "/video-channels/" + name, "type": "Group", "username": name + "_channel", "host": host, "inbox": iri + "/inbox",
		"followers": iri + "/video-channels/" + name + "/followers",
	})
	u.ChannelID = s.world.Insert("channels", m{"actor_id": u.ChannelActorID, "account_id": u.AccountID, "local": host == ""})
	return u
}

// video publishes one of ours that other servers know.
func (s *site) video(name string, change ...func(*catalog.NewVideo)) *catalog.Video {
	s.t.Helper()
	v := s.world.Video(s.owner, name, change...)
	s.exec("UPDATE videos SET federated_at = ? WHERE id = ?", db.Now(), v.ID)
	s.exec("INSERT INTO video_shares (video_id, actor_id, iri, created_at) VALUES (?, ?, ?, ?)", v.ID, s.owner.ChannelActorID, v.IRI+"/announces/1", db.Now())
	return v
}

// remoteVideo is a video of another server that is stored here.
func (s *site) remoteVideo(r *aptest.Remote, name string) *catalog.Video {
	s.t.Helper()
	u := s.people(name, r.Host)
	v := s.world.Video(u, name)
	s.exec("UPDATE videos SET local = ?, iri = ? WHERE id = ?", false, r.Origin+"/videos/watch/"+v.UUID, v.ID)
	return s.reload(v.ID)
}

func (s *site) reload(id int64) *catalog.Video {
	s.t.Helper()
	v, err := s.catalog.ByID(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	s.world.Tx(func(tx *db.Tx) error { return tx.Exec(query, args...).Error })
}

// follower makes an actor of r follow the channel of all videos here.
func (s *site) follower(r *aptest.Remote) {
	id := s.world.Insert("actors", m{"iri": r.Origin + "/f", "type": "Application", "username": "f", "host": r.Host, "inbox": r.Origin + "/inbox"})
	s.world.Insert("follows", m{"follower_id": id, "target_id": s.owner.ChannelActorID, "state": "accepted", "iri": r.Origin + "/f/1"})
}

// run works on one job of the feature.
func (s *site) run(a jobs.Args) {
	s.t.Helper()
	raw, err := json.Marshal(a)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range s.jobs {
		if h.Kind == a.Kind() {
			if err := h.Work(context.Background(), raw); err != nil {
				s.t.Fatal(err)
			}
			return
		}
	}
	s.t.Fatalf("no job %s", a.Kind())
}

// process takes all that waits in the inbox.
func (s *site) process() {
	s.t.Helper()
	for _, h := range s.Engine.Jobs() {
		if h.Kind == "activitypub.process" {
			if err := h.Work(context.Background(), []byte("{}")); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// sent lists the activities of a type in our outbox, oldest first. Each is as
// PeerTube takes it.
func (s *site) sent(typ string) (out []m) {
	s.t.Helper()
	var rows []string
	if err := s.DB.Read(context.Background()).Table("outbox").Where("type = ?", typ).Order("id").Pluck("raw", &rows).Error; err != nil {
		s.t.Fatal(err)
	}
	for _, raw := range rows {
		for _, reason := range peertube.Check([]byte(raw)) {
			s.t.Errorf("PeerTube refuses %s: %s", raw, reason)
		}
		var doc m
		if err := json.Unmarshal([]byte(raw), &doc); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, doc)
	}
	return out
}

// post delivers an activity.
func (s *site) post(a *aptest.Actor, doc any) {
	s.t.Helper()
	if got := a.Post(s.Origin+"/inbox", doc); got != 204 {
		s.t.Fatalf("answered %d", got)
	}
}

// aView is a View as PeerTube sends it.
func aView(a *aptest.Actor, object, name string, more m) m {
	doc := m{
		"@context": "https://www.w3.org/ns/activitystreams", "type": "View", "actor": a.IRI, "object": object,
		"id": fmt.Sprintf("%s/views/videos/1/%s", a.IRI, name), "to": []string{}, "cc": []string{},
	}
	maps.Copy(doc, more)
	return doc
}

func counter(n int) m {
	return m{"type": "InteractionCounter", "interactionType": "WatchAction", "userInteractionCount": n}
}

func each(t *testing.T, test func(t *testing.T, s *site)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, serve(t, d)) })
}

// application is an instance actor of another server.
func application(r *aptest.Remote) *aptest.Actor { return r.Actor(actor.Application, "peertube") }
