package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/federation"
	"github.com/kinemesh/kinemesh/video/report"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = map[string]any

// site is an instance behind a listener whose users are signed in by name.
type site struct {
	*aptest.Server
	t       *testing.T
	catalog *catalog.Service
	report  *report.Service
	mutes   *moderation.Service
	world   *catalogtest.World
	users   map[string]*rest.Principal
	alice   *catalogtest.User
}

func serve(t *testing.T, d *db.DB) *site {
	t.Helper()
	s := &site{t: t, users: map[string]*rest.Principal{}}
	s.Server = aptest.Serve(t, d, aptest.Options{Idle: true, Modules: func(e *activitypub.Engine) []activitypub.Module {
		log := slog.New(slog.DiscardHandler)
		channels := channel.New(channel.Options{DB: d, Actors: e.Actors, Logger: log})
		var err error
		if s.catalog, err = catalog.New(catalog.Options{DB: d, Origin: e.Actors.Origin(), Channels: channels, Logger: log}); err != nil {
			t.Fatal(err)
		}
		fed := federation.New(federation.Options{DB: d, Engine: e, Catalog: s.catalog, Channels: channels, Transport: aptest.Transport(t), Logger: log})
		s.mutes = moderation.New(moderation.Options{DB: d, Actors: e.Actors, Channels: channels})
		s.report = report.New(report.Options{DB: d, Engine: e, Catalog: s.catalog, Channels: channels, Mutes: s.mutes, Logger: log})
		mod := activitypub.Merge(s.report.Module(), fed.Module())
		mod.Name = "video"
		return []activitypub.Module{mod}
	}})
	s.world = &catalogtest.World{T: t, DB: s.DB, Catalog: s.catalog, Files: &catalogtest.Files{}}
	s.alice = s.user("alice", rest.RoleUser)
	return s
}

// user makes a local user, its Person with a key, and a channel.
func (s *site) user(name string, role rest.Role) *catalogtest.User {
	s.t.Helper()
	person := s.Local(actor.Person, name)
	u := &catalogtest.User{Name: name, ActorID: person.ID, AccountIRI: person.IRI, Role: role}
	u.ID = s.world.Insert("users", m{"username": name, "email": name, "password_hash": "x", "role": int(role)})
	u.AccountID = s.world.Insert("accounts", m{"actor_id": person.ID, "user_id": u.ID})
	u.ChannelActorID = s.world.Insert("actors", m{
		"iri": s.Origin + "/video-channels/" + name + "_channel", "type": "Group", "username": name + "_channel", "inbox": "x",
		"attributed_to": person.IRI,
	})
	u.ChannelID = s.world.Insert("channels", m{"actor_id": u.ChannelActorID, "account_id": u.AccountID, "local": true})
	s.users[name] = u.Principal()
	return u
}

// remote makes an account and a channel of another server.
func (s *site) remote(r *aptest.Remote, name string) *catalogtest.User {
	s.t.Helper()
	u := &catalogtest.User{Name: name, AccountIRI: r.Origin + "/accounts/" + name}
	u.ActorID = s.world.Insert("actors", m{"iri": u.AccountIRI, "type": "Person", "username": name, "host": r.Host, "inbox": u.AccountIRI + "/inbox", "shared_inbox": r.Origin + "/inbox"})
	u.AccountID = s.world.Insert("accounts", m{"actor_id": u.ActorID})
	u.ChannelActorID = s.world.Insert("actors", m{"iri": r.Origin + "/video-channels/" + name, "type": "Group", "username": name + "_channel", "host": r.Host, "inbox": "x"})
	u.ChannelID = s.world.Insert("channels", m{"actor_id": u.ChannelActorID, "account_id": u.AccountID, "local": false})
	return u
}

func (s *site) remoteVideo(r *aptest.Remote, u *catalogtest.User) *catalog.Video {
	s.t.Helper()
	v := s.world.Video(u, "Theirs")
	v.IRI = r.Origin + "/videos/watch/" + v.UUID
	s.world.Tx(func(tx *db.Tx) error {
		return tx.Exec("UPDATE videos SET local = ?, iri = ? WHERE id = ?", false, v.IRI, v.ID).Error
	})
	return v
}

// comment writes one below a video.
func (s *site) comment(v *catalog.Video, by int64, text string, more m) (id int64, iri string) {
	s.t.Helper()
	iri = fmt.Sprintf("%s/comments/%d", v.IRI, s.Count("comments", "")+1)
	row := m{"iri": iri, "video_id": v.ID, "actor_id": by, "local": true, "text": text, "thread_id": 1}
	maps.Copy(row, more)
	if i, ok := row["iri"].(string); ok {
		iri = i
	}
	return s.world.Insert("comments", row), iri
}

// as calls the API as a user.
func (s *site) as(name, method, path string, body any) catalogtest.Answer {
	s.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	e := echo.New()
	e.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
	router := rest.NewRouter(e, func(echo.Context) (*rest.Principal, error) { return s.users[name], nil })
	s.report.Module().Routes(router)
	if err := router.Err(); err != nil {
		s.t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	e.ServeHTTP(rec, httptest.NewRequest(method, "/api/v1"+path, bytes.NewReader(raw)))
	return catalogtest.Answer{Status: rec.Code, Body: rec.Body.Bytes(), Header: rec.Header()}
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

func each(t *testing.T, test func(t *testing.T, s *site)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, serve(t, d)) })
}

// TestFlags: what others report, in every form in which it comes.
func TestFlags(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		v := s.world.Video(s.alice, "Reported")
		private := s.world.Video(s.alice, "Private", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		theirs := s.remoteVideo(r, s.remote(r, "carol"))
		_, comment := s.comment(v, s.alice.ActorID, "A text", nil)
		_, gone := s.comment(v, s.alice.ActorID, "", m{"deleted_at": db.Now()})
		_, mine := s.comment(theirs, s.alice.ActorID, "Ours below theirs", m{"iri": s.Origin + "/x/comments/9"})
		_, foreign := s.comment(theirs, s.alice.ActorID, "Theirs below theirs", m{"iri": r.Origin + "/x/comments/9", "local": false})
		hashtag := func(names ...string) (out []m) {
			for _, n := range names {
				out = append(out, m{"type": "Hashtag", "name": n})
			}
			return out
		}
		for _, c := range []struct {
			name   string
			object any
			more   m
			want   string // type and object of each report
		}{
			{"one URL", v.IRI, nil, "video " + v.IRI},
			{"its page", s.Origin + "/w/" + v.ShortUUID(), nil, "video " + v.IRI},
			{"a comment", comment, nil, "comment " + comment},
			{"an account", s.alice.AccountIRI, nil, "account " + s.alice.AccountIRI},
			{"a channel", s.Origin + "/video-channels/alice_channel", nil, "account " + s.alice.AccountIRI},
			{"account first, then what it wrote", []string{s.alice.AccountIRI, v.IRI, comment}, nil, "comment " + comment + ", video " + v.IRI},
			{"embedded", m{"type": "Video", "id": v.IRI, "name": "forged"}, nil, "video " + v.IRI},
			{"embedded in a list", []any{m{"type": "Person", "id": s.alice.AccountIRI}, m{"type": "Note", "id": comment}}, nil, "comment " + comment},
			{"Misskey: notes in the text", s.alice.AccountIRI, m{"content": "Note: " + comment + "\n-----\nbad"}, "comment " + comment},
			{"with others' objects", []string{r.Origin + "/users/bob", v.IRI, "https://elsewhere.example/1"}, nil, "video " + v.IRI},
			{"a comment of ours below theirs", mine, nil, "comment " + mine},
			{"no text", v.IRI, m{"content": nil}, "video " + v.IRI},
			{"a long text", v.IRI, m{"content": strings.Repeat("ä", 5000)}, "video " + v.IRI},
			{"reasons", v.IRI, m{"tag": hashtag("privacy", "unknown", "captions"), "startAt": 3, "endAt": 9}, "video " + v.IRI},
			{"a private video", private.IRI, nil, ""}, // SEC-18
			{"no video", s.Origin + "/videos/watch/00000000-0000-4000-8000-000000000000", nil, ""},
			{"theirs", theirs.IRI, nil, ""},
			{"theirs below theirs", foreign, nil, ""},
			{"a deleted comment", gone, nil, ""},
			{"nothing", nil, nil, ""},
			{"no id", m{"type": "Video"}, nil, ""}, // SEC-17
			{"the instance", s.Origin + "/accounts/peertube", nil, ""},
		} {
			s.world.Tx(func(tx *db.Tx) error { return tx.Exec("DELETE FROM abuses").Error })
			doc := bob.Activity("Flag", c.object, m{"content": "It is bad", "to": []string{}})
			maps.Copy(doc, c.more)
			for range 2 { // the second one is a repeat with another signature
				if got := bob.Post(s.Origin+"/inbox", doc); got != 204 {
					t.Fatalf("%s: answered %d", c.name, got)
				}
				s.process()
				doc["summary"] = "again"
			}
			var got []report.Report
			if err := s.DB.Read(t.Context()).Order("type DESC, object").Find(&got).Error; err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, g := range got {
				names = append([]string{g.Type + " " + g.Object}, names...)
				if g.State != report.Pending || g.Local || g.ReporterID == nil || *g.FlaggedID != s.alice.ActorID {
					t.Errorf("%s: %+v", c.name, g)
				}
			}
			if strings.Join(names, ", ") != c.want {
				t.Errorf("%s: reports %q, want %q", c.name, names, c.want)
			}
			if c.name == "reasons" && (got[0].Predefined != "[4,8]" || *got[0].StartAt != 3 || *got[0].EndAt != 9) {
				t.Errorf("reasons: %+v", got[0])
			}
			if c.name == "a long text" && len([]rune(got[0].Reason)) != 3000 {
				t.Errorf("%d characters are kept", len([]rune(got[0].Reason)))
			}
		}
		if r.Fetches("/users/bob") > 1 {
			t.Error("what a Flag names is fetched")
		}
	})
}

// TestRecorded takes what PeerTube 6.3 and GoToSocial 0.20 sent.
func TestRecorded(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for _, c := range []struct{ file, here, there, actor, video, want string }{
			{"flag-video-peertube-6.3", "http://localhost:9011", "http://localhost:9012", "/accounts/bob", "c3b47eec-2d62-4cac-86cb-104daedde723", "video This is a test report [3]"},
			{"flag-account-peertube-6.3", "http://localhost:9011", "http://localhost:9012", "/accounts/bob", "", "account Account report []"},
			{"flag-gotosocial-0.20", "https://peer.test", "https://gts1.test", "/users/gts1.test", "", "account spam []"},
		} {
			r := aptest.New(t)
			by := r.Actor(actor.Person, "bob")
			by.IRI = r.Origin + c.actor
			by.KeyID = by.IRI + "#main-key"
			by.Doc["id"], by.Doc["publicKey"] = by.IRI, m{"id": by.KeyID, "owner": by.IRI, "publicKeyPem": by.PEM()}
			by.Publish()
			raw, err := os.ReadFile("testdata/" + c.file + ".json")
			if err != nil {
				t.Fatal(err)
			}
			text := strings.NewReplacer(c.here+"/users/rec", s.alice.AccountIRI, c.here, s.Origin, c.there, r.Origin).Replace(string(raw))
			var doc m
			if err := json.Unmarshal([]byte(text), &doc); err != nil {
				t.Fatal(err)
			}
			delete(doc, "signature")
			if c.video != "" {
				v := s.world.Video(s.alice, "Recorded")
				s.world.Tx(func(tx *db.Tx) error {
					return tx.Exec("UPDATE videos SET iri = ? WHERE id = ?", s.Origin+"/videos/watch/"+c.video, v.ID).Error
				})
			}
			if got := by.Post(s.Origin+"/inbox", doc); got != 204 {
				t.Fatalf("%s: answered %d", c.file, got)
			}
			s.process()
			var got report.Report
			if err := s.DB.Read(t.Context()).Order("id DESC").Take(&got).Error; err != nil {
				t.Fatalf("%s: %v", c.file, err)
			}
			if have := fmt.Sprint(got.Type, " ", got.Reason, " ", got.Predefined); have != c.want || got.IRI != doc["id"] {
				t.Errorf("%s: %q, want %q", c.file, have, c.want)
			}
		}
	})
}

// TestForward: a report of something of another server goes there, in the form
// that PeerTube takes; one of ours stays.
func TestForward(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		s.user("bob", rest.RoleUser)
		carol := s.remote(r, "carol")
		theirs, ours := s.remoteVideo(r, carol), s.world.Video(s.alice, "Ours")
		comment, _ := s.comment(ours, carol.ActorID, "Hers", m{"local": false, "iri": r.Origin + "/comments/1"})
		for _, c := range []struct {
			name   string
			body   m
			object string // "" stays here
		}{
			{"their video", m{"video": m{"id": theirs.ID, "startAt": 1, "endAt": 5}, "predefinedReasons": []string{"rights", "privacy"}}, theirs.IRI},
			{"her comment below ours", m{"comment": m{"id": comment}}, r.Origin + "/comments/1"},
			{"her account", m{"account": m{"id": carol.AccountID}}, carol.AccountIRI},
			{"our video", m{"video": m{"id": ours.UUID}}, ""},
			{"our account", m{"account": m{"id": s.alice.AccountID}}, ""},
		} {
			s.world.Tx(func(tx *db.Tx) error { return tx.Exec("DELETE FROM outbox").Error })
			c.body["reason"] = "It is bad"
			a := s.as("bob", "POST", "/abuses", c.body)
			if a.Status != 200 {
				t.Fatalf("%s: %d %s", c.name, a.Status, a.Body)
			}
			id := a.JSON(t)["abuse"].(m)["id"]
			var rows []struct{ Raw, Inbox string }
			err := s.DB.Read(t.Context()).Raw("SELECT o.raw, d.inbox FROM outbox o JOIN deliveries d ON d.outbox_id = o.id").Scan(&rows).Error
			if err != nil {
				t.Fatal(err)
			}
			if (len(rows) == 1) != (c.object != "") {
				t.Fatalf("%s: %d deliveries", c.name, len(rows))
			}
			if c.object == "" {
				continue
			}
			for _, reason := range peertube.Check([]byte(rows[0].Raw)) {
				t.Errorf("%s: PeerTube refuses it: %s", c.name, reason)
			}
			var doc m
			if err := json.Unmarshal([]byte(rows[0].Raw), &doc); err != nil {
				t.Fatal(err)
			}
			if doc["object"] != c.object || rows[0].Inbox != r.Origin+"/inbox" || doc["id"] != fmt.Sprint(s.Origin, "/admin/abuses/", id) ||
				fmt.Sprint(doc["to"]) != "["+carol.AccountIRI+"]" {
				t.Errorf("%s: sent %v to %s", c.name, doc, rows[0].Inbox)
			}
			if c.name == "their video" && (len(doc["tag"].([]any)) != 2 || doc["startAt"] != 1.0 || doc["endAt"] != 5.0) {
				t.Errorf("%s: %v", c.name, doc)
			}
		}
	})
}
