package aptest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Server is an engine of ours behind a listener, with its jobs running.
type Server struct {
	Engine *activitypub.Engine
	DB     *db.DB
	Origin string
	Host   string
	Echo   *echo.Echo

	t        testing.TB
	stopJobs func()
}

// AdminToken signs API requests of tests in as an administrator.
const AdminToken = "admin"

// Options change how Serve sets a server up.
type Options struct {
	// Modules are plugged in; they get the engine they will stand on.
	Modules func(e *activitypub.Engine) []activitypub.Module
	// Change edits the engine's options.
	Change func(o *activitypub.Options)
	// Idle leaves the jobs alone: nothing in the inbox is processed.
	Idle bool
}

// Serve starts a server on loopback that lives as long as the test.
func Serve(t testing.TB, d *db.DB, o Options) *Server {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{DB: d, Host: l.Addr().String(), Origin: "http://" + l.Addr().String(), Echo: echo.New(), t: t}
	opts := activitypub.Options{
		DB: d, Transport: Transport(t), Origin: s.Origin,
		Federation: config.Federation{
			Enabled: true, SignFederatedFetches: true, AllowHTTP: true, MinRSABits: 2048,
			// A test may send as much as it likes, unless the limits are its subject.
			InboxLimits: config.InboxLimits{HostRate: 1e6, HostBurst: 1e6, ActorRate: 1e6, ActorBurst: 1e6},
		},
		Followers: config.Followers{Instance: config.FollowersInstance{Enabled: true}, Channels: config.Toggle{Enabled: true}},
		Software:  webfinger.Software{Name: "kinemesh", Version: "0.0.0-test"},
		Logger:    slog.New(slog.DiscardHandler), NewKey: NewKey,
	}
	if o.Change != nil {
		o.Change(&opts)
		s.DB = opts.DB
	}
	if s.Engine, err = activitypub.New(opts); err != nil {
		t.Fatal(err)
	}
	if o.Modules != nil {
		if err := s.Engine.Use(o.Modules(s.Engine)...); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Engine.Use(bystander()); err != nil {
		t.Fatal(err)
	}
	// The instance actor gets a key of the pool: making one takes long.
	if _, err := s.Engine.Actors.ByUsername(t.Context(), actor.InstanceName); err != nil {
		s.Local(actor.Application, actor.InstanceName)
	}
	if err := s.Engine.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.listen(l)
	t.Cleanup(s.checkPublished)
	if !o.Idle {
		s.StartJobs()
	}
	return s
}

// bystander takes what tests send whose subject is the way in: the inbox keeps
// no activity of a type that no module takes. None has the object it waits for.
func bystander() activitypub.Module {
	m := activitypub.Module{Name: "bystander"}
	for _, activity := range []string{"Create", "Update", "Announce", "Like", "Dislike", "View", "Flag", "ApproveReply"} {
		m.Handlers = append(m.Handlers, activitypub.Handler{
			On: activitypub.On{Activity: activity, Object: "bystander:Nothing"},
			Do: func(context.Context, *activitypub.Activity) error { return nil },
		})
	}
	return m
}

func (s *Server) listen(l net.Listener) {
	s.Echo.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, slog.New(slog.DiscardHandler), err) }
	s.Echo.IPExtractor = echo.ExtractIPDirect()
	s.Echo.Use(s.Engine.Negotiate)
	r := rest.NewRouter(s.Echo, func(c echo.Context) (*rest.Principal, error) {
		if c.Request().Header.Get("Authorization") == "Bearer "+AdminToken {
			return &rest.Principal{UserID: 1, Username: "root", Role: rest.RoleAdmin}, nil
		}
		return nil, nil
	})
	s.Engine.Routes(r)
	if err := r.Err(); err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: s.Echo, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.t.Errorf("serve: %v", err)
		}
	}()
	s.t.Cleanup(func() {
		if err := server.Close(); err != nil {
			s.t.Error(err)
		}
		<-done
	})
}

// StartJobs runs the jobs of all modules until StopJobs or the end of the test.
func (s *Server) StartJobs() {
	s.t.Helper()
	r, err := jobs.NewRunner(jobs.Options{DB: s.DB, Handlers: s.Engine.Jobs(), Periodic: s.Engine.Periodic(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.stopJobs = jobstest.Start(s.t, r)
}

// StopJobs leaves the jobs alone from now on.
func (s *Server) StopJobs() { s.stopJobs() }

// Transport makes a client that may speak http on loopback and nowhere else
// that the guard forbids.
func Transport(t testing.TB) *transport.Client {
	t.Helper()
	c := transport.New(transport.Config{
		AllowHTTP: true, AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, UserAgent: "Kinemesh/test",
	})
	t.Cleanup(c.Close)
	return c
}

// Local makes one of the server's own actors.
func (s *Server) Local(kind, name string) *actor.Actor {
	s.t.Helper()
	key, err := actor.NewKey(Key(s.t))
	if err != nil {
		s.t.Fatal(err)
	}
	var a *actor.Actor
	err = s.DB.Tx(context.Background(), func(tx *db.Tx) error {
		a, err = s.Engine.Actors.CreateLocal(tx, actor.NewLocal{Type: kind, Username: name, Name: name, Key: key})
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Instance is the server's instance actor.
func (s *Server) Instance() *actor.Actor {
	s.t.Helper()
	a, err := s.Engine.Actors.Instance(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Answer is an HTTP answer with its body read.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	JSON   map[string]any // nil when the body is no JSON object
}

// Get asks the server for a path.
func (s *Server) Get(path, accept string) Answer {
	s.t.Helper()
	return s.Do(http.MethodGet, path, "", map[string]string{"Accept": accept})
}

// API calls the REST API as an administrator.
func (s *Server) API(method, path, body string) Answer {
	s.t.Helper()
	return s.Do(method, "/api/v1"+path, body, map[string]string{"Authorization": "Bearer " + AdminToken, "Content-Type": "application/json"})
}

// Do sends any request.
func (s *Server) Do(method, path, body string, header map[string]string) Answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.Origin+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := Answer{Status: resp.StatusCode, Header: resp.Header}
	if out.Body, err = io.ReadAll(resp.Body); err != nil {
		s.t.Fatal(err)
	}
	if json.Unmarshal(out.Body, &out.JSON) != nil {
		out.JSON = nil
	}
	s.checkAnswer(path, out)
	return out
}

// Count counts rows of a table, for "no effect" assertions.
func (s *Server) Count(table, where string, args ...any) int64 {
	s.t.Helper()
	var n int64
	q := s.DB.Read(context.Background()).Table(table)
	if where != "" {
		q = q.Where(where, args...)
	}
	if err := q.Count(&n).Error; err != nil {
		s.t.Fatal(err)
	}
	return n
}
