// Package videotest starts whole instances for tests of what people do with
// videos: engine, catalog, federation, comments and rates behind a listener,
// with their jobs running.
package videotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/block"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/edit"
	"github.com/kinemesh/kinemesh/video/federation"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/video/notify"
	"github.com/kinemesh/kinemesh/video/oembed"
	"github.com/kinemesh/kinemesh/video/playlist"
	"github.com/kinemesh/kinemesh/video/rate"
	"github.com/kinemesh/kinemesh/video/redundancy"
	"github.com/kinemesh/kinemesh/video/report"
	"github.com/kinemesh/kinemesh/video/view"
	"github.com/kinemesh/kinemesh/video/watchedword"
	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// M is a JSON object.
type M = map[string]any

// Site is an instance.
type Site struct {
	*aptest.Server
	Catalog    *catalog.Service
	Channels   *channel.Service
	Federation *federation.Service
	Comments   *comment.Service
	Rates      *rate.Service
	Playlists  *playlist.Service
	Rules      *hostrule.Rules
	Mutes      *moderation.Service
	Words      *watchedword.Service
	Blocks     *block.Service
	Reports    *report.Service // with Options.Others
	Config     *config.Config  // what the blocks read

	Notifications *notification.Service // with Options.Notify

	t      testing.TB
	files  *catalogtest.Files
	module activitypub.Module
	api    *echo.Echo
	users  map[int64]*User
}

// Options change how Serve sets an instance up.
type Options struct {
	NoRemoteComments bool
	Idle             bool   // its jobs do not run
	Mode             string // federation.mode
	// Others take Views, Flags and copies, too.
	Others bool
	// Notify has users told of what happens; it takes Others, too.
	Notify bool
}

// Serve starts an instance that lives as long as the test.
func Serve(t testing.TB, d *db.DB, o Options) *Site {
	t.Helper()
	s := &Site{t: t, files: &catalogtest.Files{}, users: map[int64]*User{}}
	s.Server = aptest.Serve(t, d, aptest.Options{
		Idle: o.Idle,
		Change: func(e *activitypub.Options) {
			s.Rules = hostrule.New(hostrule.Options{DB: d, Mode: o.Mode, Own: strings.TrimPrefix(e.Origin, "http://"), Logger: e.Logger})
			e.Rules = s.Rules
		},
		Modules: func(e *activitypub.Engine) []activitypub.Module {
			s.assemble(d, e, o)
			return []activitypub.Module{{Name: "accounts", ActorDeleted: s.Channels.ActorDeleted}, s.module}
		},
	})
	return s
}

// others are the features that few tests need.
func (s *Site) others(d *db.DB, e *activitypub.Engine, log *slog.Logger) activitypub.Module {
	views := view.New(view.Options{
		DB: d, Engine: e, Catalog: s.Catalog, Settings: config.Default().Views.Videos, Changed: s.Federation.Changed, Logger: log, Now: time.Now,
	})
	s.Reports = report.New(report.Options{DB: d, Engine: e, Catalog: s.Catalog, Channels: s.Channels, Mutes: s.Mutes, Logger: log})
	copies := redundancy.New(redundancy.Options{DB: d, Engine: e, Catalog: s.Catalog, AcceptFrom: redundancy.Anybody, Logger: log})
	return activitypub.Merge(views.Module(), s.Reports.Module(), copies.Module())
}

func (s *Site) assemble(d *db.DB, e *activitypub.Engine, o Options) {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	s.Channels = channel.New(channel.Options{
		DB: d, Actors: e.Actors, Logger: log, Rules: s.Rules,
		Gone: func(tx *db.Tx, a *actor.Actor) error { return e.DeleteLocal(tx, a, activitypub.Delivery{}) },
	})
	var err error
	s.Catalog, err = catalog.New(catalog.Options{
		DB: d, Origin: e.Actors.Origin(), Channels: s.Channels, Logger: log, PutFile: s.files.Put, DeleteFile: s.files.Delete,
		RemoteURI: func() catalog.RemoteURI { return catalog.RemoteURI{Users: true} },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Mutes = moderation.New(moderation.Options{DB: d, Actors: e.Actors, Channels: s.Channels, Rules: s.Rules})
	s.Channels.Hidden = s.Mutes.Hidden
	list := listing.New(listing.Options{DB: d, Catalog: s.Catalog, Channels: s.Channels, Mutes: s.Mutes})
	s.moderation(d, e, list)
	s.Federation = federation.New(federation.Options{
		DB: d, Engine: e, Catalog: s.Catalog, Channels: s.Channels, Transport: aptest.Transport(s.t), Logger: log,
	})
	s.Comments = comment.New(comment.Options{
		DB: d, Engine: e, Catalog: s.Catalog, Channels: s.Channels, Mutes: s.Mutes, Words: s.Words, AcceptRemote: func() bool { return !o.NoRemoteComments }, Logger: log,
	})
	s.Rates = rate.New(rate.Options{
		DB: d, Engine: e, Catalog: s.Catalog, Listing: list, Channels: s.Channels, Changed: s.Federation.Changed, Logger: log,
	})
	s.Federation.Saved = func(tx *db.Tx, v *catalog.Video, doc vocab.Object) error {
		return errors.Join(s.Comments.VideoSaved(tx, v, doc), s.Rates.VideoSaved(tx, v, doc))
	}
	s.Playlists = playlist.New(playlist.Options{DB: d, Engine: e, Catalog: s.Catalog, Listing: list, Channels: s.Channels, Logger: log})
	s.Channels.Closing = s.Playlists.ChannelCloses
	parts := []activitypub.Module{s.Comments.Module(), s.Rates.Module(), s.Playlists.Module(), s.Federation.Module()}
	if o.Others || o.Notify {
		parts = append([]activitypub.Module{s.others(d, e, log)}, parts...)
	}
	s.module = activitypub.Merge(parts...)
	s.module.Name, s.module.Periodic = "video", append(s.module.Periodic, s.Catalog.Periodic()...)
	s.module.Jobs = slices.Concat(s.module.Jobs, s.Catalog.Jobs(), s.Words.Jobs())
	s.module.Jobs = append(s.module.Jobs, jobs.Handle(func(context.Context, catalog.TorrentArgs) error { return nil }))
	features := s.module.Routes
	s.module.Routes = func(r *rest.Router) {
		features(r)
		s.Catalog.Routes(r)
		edit.New(s.Catalog).Routes(r)
		s.Channels.Routes(r)
		list.Routes(r)
		oembed.New(oembed.Options{Catalog: s.Catalog, Channels: s.Channels, Playlists: s.Playlists, Provider: func() string { return "Test" }}).Routes(r)
		s.Mutes.Routes(r)
		s.Words.Routes(r)
		s.Blocks.Routes(r)
		if s.Notifications != nil {
			s.Notifications.Routes(r)
		}
	}
	if o.Notify {
		s.notify(d, e)
	}
}

// notify has users told of what happens.
func (s *Site) notify(d *db.DB, e *activitypub.Engine) {
	s.Notifications = notification.New(notification.Options{
		DB: d, Channels: s.Channels, Actors: e.Actors, Config: s.Config, Mail: mail.New(mail.Options{DB: d, Config: s.Config}),
	})
	n := notify.New(notify.Options{
		DB: d, Catalog: s.Catalog, Channels: s.Channels, Notifications: s.Notifications, Origin: e.Actors.Origin(), Host: e.Actors.Host(),
	})
	n.Hear(s.Comments, s.Reports)
	s.Blocks.Blocked, s.Blocks.Unblocked = n.Blocked, n.Unblocked
	s.module.Jobs = append(s.module.Jobs, s.Notifications.Jobs()...)
	others := s.module.FollowChanged
	s.module.FollowChanged = func(tx *db.Tx, c actor.FollowChange) error {
		return errors.Join(others(tx, c), s.Notifications.FollowChanged(tx, c))
	}
}

// moderation assembles automatic tags and blocks.
func (s *Site) moderation(d *db.DB, e *activitypub.Engine, list *listing.Service) {
	s.Config = config.Default()
	s.Words = watchedword.New(watchedword.Options{DB: d, Channels: s.Channels, Host: e.Actors.Host()})
	list.AutoTagged, list.AutoTags = watchedword.VideosWith, s.Words.OfVideos
	s.Blocks = block.New(block.Options{DB: d, Catalog: s.Catalog, Listing: list, Config: s.Config})
	s.Catalog.Written = func(tx *db.Tx, v *catalog.Video, w catalog.Writing) error {
		tags, err := s.Words.TagVideo(tx, v)
		if err != nil {
			return err
		}
		return s.Blocks.Written(tx, v, w, tags)
	}
}

// User is a local user with a channel.
type User struct {
	*rest.Principal
	Account, Channel *actor.Actor
	ChannelID        int64
}

// User makes a local user with the channel NAME_channel.
func (s *Site) User(name string, role rest.Role) *User {
	s.t.Helper()
	u := &User{Principal: &rest.Principal{Username: name, Role: role}}
	u.Account = s.Local(actor.Person, name)
	u.ActorID = u.Account.ID
	key, err := actor.NewKey(aptest.Key(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	s.Tx(func(tx *db.Tx) (err error) {
		insert := func(id *int64, query string, args ...any) {
			if err == nil {
				err = tx.Raw(query+" RETURNING id", append(args, db.Now(), db.Now())...).Scan(id).Error
			}
		}
		insert(&u.UserID, "INSERT INTO users (username, email, password_hash, role, created_at, updated_at) VALUES (?, ?, 'x', ?, ?, ?)", name, name, role)
		insert(&u.AccountID, "INSERT INTO accounts (actor_id, user_id, created_at, updated_at) VALUES (?, ?, ?, ?)", u.ActorID, u.UserID)
		if err != nil {
			return err
		}
		u.Channel, err = s.Engine.Actors.CreateLocal(tx, actor.NewLocal{
			Type: actor.Group, Username: name + "_channel", Name: name, AttributedTo: u.Account.IRI, Key: key,
		})
		if err != nil {
			return err
		}
		insert(&u.ChannelID, "INSERT INTO channels (actor_id, account_id, local, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", u.Channel.ID, u.AccountID, true)
		return err
	})
	s.users[u.UserID] = u
	return u
}

// Tx runs fn in a transaction and fails the test with its error.
func (s *Site) Tx(fn func(tx *db.Tx) error) {
	s.t.Helper()
	if err := s.DB.Tx(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// Publish makes a public video with files and pictures.
func (s *Site) Publish(u *User, name string, change ...func(*catalog.NewVideo)) *catalog.Video {
	s.t.Helper()
	w := &catalogtest.World{T: s.t, DB: s.DB, Catalog: s.Catalog, Files: s.files}
	owner := &catalogtest.User{ID: u.UserID, AccountID: u.AccountID, ChannelID: u.ChannelID}
	// First private, so that what goes out has the files.
	v := w.Video(owner, name, append(change, func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })...)
	w.WithFiles(v)
	s.Edit(u, v, M{"privacy": 1})
	return s.Video(v.IRI)
}

// Edit changes a video as its owner.
func (s *Site) Edit(u *User, v *catalog.Video, change M) {
	s.t.Helper()
	raw, err := json.Marshal(change)
	if err != nil {
		s.t.Fatal(err)
	}
	in, err := form.FromJSON(raw, form.Video)
	if err == nil {
		err = s.Catalog.Update(context.Background(), u.Principal, catalog.Ref{ID: v.ID}, in, nil)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// Video reads a video by its ActivityPub id.
func (s *Site) Video(iri string) *catalog.Video {
	s.t.Helper()
	v, err := s.Catalog.ByIRI(context.Background(), iri)
	if err != nil {
		s.t.Fatalf("%s at %s: %v", iri, s.Origin, err)
	}
	return v
}

// Await waits until the instance has a video of another one.
func (s *Site) Await(iri string) *catalog.Video {
	s.t.Helper()
	aptest.Eventually(s.t, iri+" at "+s.Host, func() bool {
		_, err := s.Catalog.ByIRI(context.Background(), iri)
		return err == nil
	})
	return s.Video(iri)
}

// Follow makes the instance follow an actor, and waits until it may.
func (s *Site) Follow(iri string) {
	s.t.Helper()
	if err := s.Engine.Follow(context.Background(), s.Instance(), iri); err != nil {
		s.t.Fatal(err)
	}
	aptest.Eventually(s.t, "accepted follow of "+iri, func() bool {
		return s.Count("follows", "state = 'accepted' AND target_id IN (SELECT id FROM actors WHERE iri = ?)", iri) == 1
	})
}

// Document asks for a document as another server would.
func (s *Site) Document(path string) aptest.Answer {
	s.t.Helper()
	return s.Get(path, "application/activity+json")
}

// As calls the REST API as a user, nil for nobody. body is nil or a value that
// is sent as JSON.
func (s *Site) As(u *User, method, path string, body any) aptest.Answer {
	s.t.Helper()
	return s.Ask(u, method, "/api/v1"+path, body)
}

// Ask is [Site.As] for paths that lie elsewhere.
func (s *Site) Ask(u *User, method, path string, body any) aptest.Answer {
	s.t.Helper()
	if s.api == nil {
		s.api = echo.New()
		s.api.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
		r := rest.NewRouter(s.api, func(c echo.Context) (*rest.Principal, error) {
			id, err := strconv.ParseInt(c.Request().Header.Get("X-User"), 10, 64)
			if err != nil {
				return nil, nil //nolint:nilerr,nilnil // anonymous
			}
			return s.users[id].Principal, nil
		})
		s.module.Routes(r)
		if err := r.Err(); err != nil {
			s.t.Fatal(err)
		}
	}
	var in io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		in = bytes.NewReader(raw)
	}
	req := httptest.NewRequest(method, path, in)
	req.Header.Set("Content-Type", "application/json")
	if u != nil {
		req.Header.Set("X-User", strconv.FormatInt(u.UserID, 10))
	}
	rec := httptest.NewRecorder()
	s.api.ServeHTTP(rec, req)
	openapitest.Check(s.t, method, req.URL.Path, rec.Code, rec.Header(), rec.Body.Bytes())
	out := aptest.Answer{Status: rec.Code, Header: rec.Header(), Body: rec.Body.Bytes()}
	if json.Unmarshal(out.Body, &out.JSON) != nil {
		out.JSON = nil
	}
	return out
}
