package redundancy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/federation"
	"github.com/kinemesh/kinemesh/video/redundancy"
	"github.com/kinemesh/kinemesh/video/serve"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = map[string]any

// site is an instance behind a listener.
type site struct {
	*aptest.Server
	t       *testing.T
	catalog *catalog.Service
	world   *catalogtest.World
	alice   *catalogtest.User
	store   storage.Store
}

func start(t *testing.T, d *db.DB, acceptFrom string) *site {
	t.Helper()
	s := &site{t: t}
	pictures := &catalogtest.Files{}
	s.Server = aptest.Serve(t, d, aptest.Options{Idle: true, Modules: func(e *activitypub.Engine) []activitypub.Module {
		log := slog.New(slog.DiscardHandler)
		channels := channel.New(channel.Options{DB: d, Actors: e.Actors, Logger: log})
		var err error
		s.catalog, err = catalog.New(catalog.Options{
			DB: d, Origin: e.Actors.Origin(), Channels: channels, Logger: log, PutFile: pictures.Put, DeleteFile: pictures.Delete,
		})
		if err != nil {
			t.Fatal(err)
		}
		fed := federation.New(federation.Options{DB: d, Engine: e, Catalog: s.catalog, Channels: channels, Transport: aptest.Transport(t), Logger: log})
		folder, err := storage.OpenFS(t.TempDir(), 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := folder.Close(); err != nil {
				t.Error(err)
			}
		})
		s.store = &storage.Folders{Named: map[string]storage.Store{"redundancy": folder}}
		r := redundancy.New(redundancy.Options{
			DB: d, Engine: e, Catalog: s.catalog, AcceptFrom: acceptFrom, Files: aptest.Transport(t), Store: s.store, Logger: log,
		})
		files, err := serve.New(serve.Options{DB: d, Catalog: s.catalog, Store: s.store, Secret: "x", Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		mod := activitypub.Merge(r.Module(), fed.Module())
		mod.Name = "video"
		routes := mod.Routes
		mod.Routes = func(rt *rest.Router) { routes(rt); s.catalog.Routes(rt); files.Routes(rt) }
		return []activitypub.Module{mod}
	}})
	s.world = &catalogtest.World{T: t, DB: s.DB, Catalog: s.catalog, Files: pictures}
	person := s.world.Insert("actors", m{"iri": s.Origin + "/accounts/alice", "type": "Person", "username": "alice", "inbox": "x"})
	u := s.world.Insert("users", m{"username": "alice", "email": "alice", "password_hash": "x", "role": 2})
	account := s.world.Insert("accounts", m{"actor_id": person, "user_id": u})
	group := s.world.Insert("actors", m{"iri": s.Origin + "/video-channels/alice", "type": "Group", "username": "alice_channel", "inbox": "x"})
	channelID := s.world.Insert("channels", m{"actor_id": group, "account_id": account, "local": true})
	s.alice = &catalogtest.User{ID: u, AccountID: account, ActorID: person, ChannelID: channelID, ChannelActorID: group}
	return s
}

// video publishes one with an HLS playlist that other servers know.
func (s *site) video(name string, change ...func(*catalog.NewVideo)) *catalog.Video {
	s.t.Helper()
	v := s.world.Video(s.alice, name, change...)
	s.world.WithFiles(v)
	s.exec("UPDATE videos SET federated_at = ? WHERE id = ?", db.Now(), v.ID)
	s.exec("INSERT INTO video_shares (video_id, actor_id, iri, created_at) VALUES (?, ?, ?, ?)", v.ID, s.alice.ChannelActorID, v.IRI+"/announces/1", db.Now())
	return v
}

func (s *site) exec(query string, args ...any) {
	s.t.Helper()
	s.world.Tx(func(tx *db.Tx) error { return tx.Exec(query, args...).Error })
}

// deliver posts an activity and has it processed.
func (s *site) deliver(a *aptest.Actor, doc any) {
	s.t.Helper()
	if got := a.Post(s.Origin+"/inbox", doc); got != 204 {
		s.t.Fatalf("answered %d", got)
	}
	s.work("activitypub.process")
}

func (s *site) work(kind string) {
	s.t.Helper()
	if err := s.try(kind, struct{}{}); err != nil {
		s.t.Fatal(err)
	}
}

// try works on one job.
func (s *site) try(kind string, args any) error {
	s.t.Helper()
	raw, err := json.Marshal(args)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, h := range s.Engine.Jobs() {
		if h.Kind == kind {
			return h.Work(context.Background(), raw)
		}
	}
	s.t.Fatalf("no job %s", kind)
	return nil
}

// copies are the base URLs that players are given.
func (s *site) copies(v *catalog.Video) (out []string) {
	s.t.Helper()
	a := s.API("GET", "/videos/"+v.UUID, "")
	for _, p := range a.JSON["streamingPlaylists"].([]any) {
		for _, r := range p.(m)["redundancies"].([]any) {
			out = append(out, r.(m)["baseUrl"].(string))
		}
	}
	return out
}

// cacheFile is one as PeerTube sends it.
func cacheFile(r *aptest.Remote, v *catalog.Video, change m) m {
	doc := m{
		"type": "CacheFile", "id": r.Origin + "/redundancy/streaming-playlists/hls/" + v.UUID, "object": v.IRI,
		"expires": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
		"url":     m{"type": "Link", "mediaType": "application/x-mpegURL", "href": r.Origin + "/static/redundancy/hls/" + v.UUID},
	}
	maps.Copy(doc, change)
	return doc
}

func link(href string) m {
	return m{"type": "Link", "mediaType": "application/x-mpegURL", "href": href}
}

func each(t *testing.T, test func(t *testing.T, s *site)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, start(t, d, redundancy.Anybody)) })
}

// TestLife: a copy is made known, shown to players, renewed, and withdrawn.
func TestLife(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r, mallory := aptest.New(t), aptest.New(t)
		by, other, thief := r.Actor(actor.Application, "peertube"), r.Actor(actor.Person, "bob"), mallory.Actor(actor.Application, "peertube")
		follower := s.world.Insert("actors", m{"iri": "https://c.example/f", "type": "Application", "username": "f", "host": "c.example", "inbox": "https://c.example/inbox"})
		s.world.Insert("follows", m{"follower_id": follower, "target_id": s.alice.ChannelActorID, "state": "accepted", "iri": "https://c.example/f/1"})
		v := s.video("Copied")
		base := r.Origin + "/static/redundancy/hls/" + v.UUID
		create := by.Activity("Create", cacheFile(r, v, nil), nil)
		s.deliver(by, create)
		if got := s.copies(v); len(got) != 1 || got[0] != base {
			t.Fatalf("players are given %v", got)
		}
		if n := s.Count("outbox", "iri = ?", create["id"]); n != 1 {
			t.Errorf("forwarded %d times", n)
		}
		if n := s.Count("redundancies", "size = 644909"); n != 1 {
			t.Errorf("its size is wrong")
		}
		// SEC-14, SEC-16: nobody else may change or withdraw it.
		stolen := cacheFile(r, v, m{"url": link(mallory.Origin + "/x")})
		s.deliver(thief, thief.Activity("Update", stolen, nil))
		s.deliver(other, other.Activity("Update", cacheFile(r, v, m{"expires": nil}), nil))
		s.deliver(other, other.Activity("Undo", other.Activity("Create", cacheFile(r, v, nil), nil), nil))
		s.deliver(other, other.Activity("Delete", create["object"].(m)["id"], nil))
		s.deliver(thief, thief.Activity("Undo", thief.Activity("Create", cacheFile(r, v, nil), nil), nil))
		if got := s.copies(v); len(got) != 1 || got[0] != base || s.Count("redundancies", "expires_at IS NOT NULL") != 1 {
			t.Fatalf("after others' attempts: %v", got)
		}
		s.deliver(by, by.Activity("Update", cacheFile(r, v, m{"expires": nil, "url": link(r.Origin + "/moved/")}), nil))
		if got := s.copies(v); len(got) != 1 || got[0] != r.Origin+"/moved" || s.Count("redundancies", "expires_at IS NULL") != 1 {
			t.Errorf("after the Update: %v", got)
		}
		s.deliver(by, by.Activity("Undo", create, nil))
		if got := s.copies(v); len(got) != 0 || s.Count("redundancies", "") != 0 {
			t.Errorf("after the Undo: %v", got)
		}
		s.deliver(by, by.Activity("Create", cacheFile(r, v, nil), nil))
		s.deliver(by, by.Activity("Delete", create["object"].(m)["id"], nil))
		if n := s.Count("redundancies", ""); n != 0 {
			t.Errorf("%d after the Delete", n)
		}
	})
}

// TestRules: which documents are taken.
func TestRules(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		by := r.Actor(actor.Application, "peertube")
		v := s.video("Copied")
		private := s.video("Private", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		past := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		for _, c := range []struct {
			name   string
			change m
			kept   bool
		}{
			{"whole", nil, true},
			{"without an end", m{"expires": nil}, true},
			{"expired", m{"expires": past}, false},
			{"no date", m{"expires": "soon"}, false},
			{"a progressive file", m{"url": m{"type": "Link", "mediaType": "video/mp4", "href": r.Origin + "/a.mp4"}}, false},
			{"no url", m{"url": nil}, false},
			{"a bare url", m{"url": r.Origin + "/a"}, false},
			{"on another host", m{"url": link("http://elsewhere.example/a")}, false},
			{"on ours", m{"url": link(s.Origin + "/a")}, false},
			{"another scheme", m{"url": link("ftp" + strings.TrimPrefix(r.Origin, "http") + "/a")}, false},
			{"with a user", m{"url": link(strings.Replace(r.Origin, "://", "://u@", 1) + "/a")}, false},
			{"with a query", m{"url": link(r.Origin + "/a?b=c")}, false},
			{"a private video", m{"object": private.IRI}, false}, // SEC-18
			{"no video", m{"object": s.Origin + "/videos/watch/none"}, false},
			{"an id on another host", m{"id": "http://elsewhere.example/r"}, false}, // SEC-12
		} {
			s.exec("DELETE FROM redundancies")
			s.deliver(by, by.Activity("Create", cacheFile(r, v, c.change), nil))
			if got := s.Count("redundancies", "") == 1; got != c.kept {
				t.Errorf("%s: kept %v, want %v", c.name, got, c.kept)
			}
		}
	})
}

// TestAcceptFrom follows remote_redundancy.videos.accept_from.
func TestAcceptFrom(t *testing.T) {
	for _, c := range []struct {
		from     string
		followed bool
		kept     int64
	}{
		{redundancy.Nobody, true, 0}, {redundancy.Followings, false, 0}, {redundancy.Followings, true, 1}, {redundancy.Anybody, false, 1},
	} {
		t.Run(fmt.Sprint(c.from, c.followed), func(t *testing.T) {
			s := start(t, dbtest.SQLite(t), c.from)
			r := aptest.New(t)
			by, v := r.Actor(actor.Application, "peertube"), s.video("Copied")
			if c.followed {
				target := s.world.Insert("actors", m{"iri": r.Origin + "/x", "type": "Group", "username": "x", "host": r.Host, "inbox": "x"})
				s.world.Insert("follows", m{"follower_id": s.Instance().ID, "target_id": target, "state": "accepted", "iri": "x"})
			}
			s.deliver(by, by.Activity("Create", cacheFile(r, v, nil), nil))
			if n := s.Count("redundancies", ""); n != c.kept {
				t.Errorf("%d copies, want %d", n, c.kept)
			}
		})
	}
}

// TestRecorded takes what a PeerTube 6.3 sent.
func TestRecorded(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		by := r.Actor(actor.Application, "peertube")
		by.IRI = r.Origin + "/accounts/peertube"
		by.KeyID = by.IRI + "#main-key"
		by.Doc["id"], by.Doc["publicKey"] = by.IRI, m{"id": by.KeyID, "owner": by.IRI, "publicKeyPem": by.PEM()}
		by.Publish()
		v := s.video("Recorded")
		s.exec("UPDATE videos SET iri = ? WHERE id = ?", s.Origin+"/videos/watch/233c4eb0-fa89-44d4-9a40-8059fcfff470", v.ID)
		for _, step := range []struct {
			file string
			kept int64
		}{{"Create-CacheFile-by-instance-webvideo", 0}, {"Create-CacheFile-by-instance-hls", 1}, {"Undo-Create-CacheFile-by-instance-hls", 0}} {
			raw, err := os.ReadFile("testdata/" + step.file + ".json")
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer("http://localhost:9011", s.Origin, "http://localhost:9012", r.Origin, "2026-11-23T20:48:06.237Z", "2099-01-01T00:00:00.000Z").Replace(string(raw))
			var doc m
			if err := json.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatal(err)
			}
			delete(doc, "signature")
			s.deliver(by, doc)
			if n := s.Count("redundancies", ""); n != step.kept {
				t.Errorf("%s: %d copies, want %d", step.file, n, step.kept)
			}
		}
		if n := s.Count("inbox", "state <> 'done'"); n != 0 {
			t.Errorf("%d activities are not done", n)
		}
	})
}

// TestAPI: what administrators see and drop, and what expires.
func TestAPI(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		by := r.Actor(actor.Application, "peertube")
		v, second := s.video("B"), s.video("A", func(n *catalog.NewVideo) { n.Duration = 30 })
		s.deliver(by, by.Activity("Create", cacheFile(r, v, nil), nil))
		s.deliver(by, by.Activity("Create", cacheFile(r, second, m{"expires": nil}), nil))
		list := s.API("GET", "/server/redundancy/videos?target=my-videos", "")
		data, _ := list.JSON["data"].([]any)
		if list.Status != 200 || list.JSON["total"] != 2.0 || data[0].(m)["name"] != "A" {
			t.Fatalf("%d %s", list.Status, list.Body)
		}
		one := data[1].(m)["redundancies"].(m)["streamingPlaylists"].([]any)[0].(m)
		if one["fileUrl"] != r.Origin+"/static/redundancy/hls/"+v.UUID || one["strategy"] != nil || one["expiresOn"] == nil || one["size"] != 644909.0 {
			t.Errorf("copy: %v", one)
		}
		for path, want := range map[string]int{
			"/server/redundancy/videos": 400, "/server/redundancy/videos?target=x": 400, "/server/redundancy/videos?target=my-videos&sort=id": 400,
			"/server/redundancy/videos?target=remote-videos": 200,
		} {
			if a := s.API("GET", path, ""); a.Status != want {
				t.Errorf("%s: %d, want %d", path, a.Status, want)
			}
		}
		if a := s.Get("/api/v1/server/redundancy/videos?target=my-videos", "application/json"); a.Status != 401 {
			t.Errorf("a stranger: %d", a.Status)
		}
		s.exec("UPDATE redundancies SET expires_at = ? WHERE video_id = ?", db.Now().Add(-time.Second), v.ID)
		if got := s.copies(v); len(got) != 0 {
			t.Errorf("players are given an expired copy: %v", got)
		}
		s.work("video.expire-redundancy")
		if n := s.Count("redundancies", ""); n != 1 {
			t.Errorf("%d copies after one has expired", n)
		}
		var id int64
		if err := s.DB.Read(t.Context()).Raw("SELECT id FROM redundancies").Scan(&id).Error; err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprint("/server/redundancy/videos/", id)
		for i, want := range []int{204, 404} {
			if a := s.API("DELETE", path, ""); a.Status != want {
				t.Errorf("delete, time %d: %d, want %d", i+1, a.Status, want)
			}
		}
		if got := s.copies(second); len(got) != 0 {
			t.Errorf("players are given a dropped copy: %v", got)
		}
	})
}
