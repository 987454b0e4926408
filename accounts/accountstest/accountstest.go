// Package accountstest serves the accounts module to tests: a real database,
// a real router, requests as clients make them.
package accountstest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Host is the public host of the server under test.
const Host = "kinemesh.test"

// Password is the password of every user that [Env.User] makes.
const Password = "correct horse 1"

// Env is a server under test.
type Env struct {
	*accounts.Accounts
	DB     *db.DB
	Engine *activitypub.Engine
	Actors *actor.Service
	Config *config.Config
	Rules  *hostrule.Rules
	Echo   *echo.Echo
	Router *rest.Router
	Files  *Files // of pictures
	t      testing.TB
}

// New serves the module on d. change may set other settings than the default.
func New(t testing.TB, d *db.DB, change ...func(*config.Config)) *Env {
	t.Helper()
	cfg := config.Default()
	cfg.Webserver = config.Webserver{HTTPS: true, Hostname: Host, Port: 443}
	cfg.Secrets.PeerTube = config.Secret(strings.Repeat("5", 64))
	cfg.RatesLimit.Login.Max = 1000
	for _, f := range change {
		f(cfg)
	}
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	rules := hostrule.New(hostrule.Options{DB: d, Own: cfg.Host(), Logger: log})
	engine, err := activitypub.New(activitypub.Options{
		DB: d, Rules: rules, Transport: aptest.Transport(t), Origin: cfg.Origin(), Federation: cfg.Federation,
		Followers: cfg.Followers, Followings: cfg.Followings, Logger: log, NewKey: aptest.NewKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	e := &Env{
		Accounts: accounts.New(accounts.Options{DB: d, Engine: engine, Config: cfg, Logger: log, Rules: rules}),
		DB:       d, Engine: engine, Actors: engine.Actors, Config: cfg, Rules: rules, Echo: echo.New(), t: t,
	}
	e.Files = &Files{}
	e.Pictures.Files = e.Files
	if err := engine.Use(e.Module()); err != nil {
		t.Fatal(err)
	}
	if err := engine.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Echo.IPExtractor = echo.ExtractIPDirect()
	e.Echo.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, log, err) }
	e.Router = rest.NewRouter(e.Echo, e.OAuth.Authenticate)
	e.Routes(e.Router)
	if err := e.Router.Err(); err != nil {
		t.Fatal(err)
	}
	return e
}

// User makes a user named name, with the channel name_channel and [Password],
// and logs it in.
func (e *Env) User(name string, role rest.Role) (u *user.User, token string) {
	e.t.Helper()
	u, err := e.Users.Create(context.Background(), user.NewUser{
		Username: name, Email: name + "@example.com", Password: Password, Role: role,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return u, e.Token(name)
}

// Token logs in a user whose password is [Password].
func (e *Env) Token(name string) string {
	e.t.Helper()
	a := e.Form("/api/v1/users/token", e.LoginForm(name, Password))
	if a.Code != http.StatusOK {
		e.t.Fatalf("login of %s: %d %s", name, a.Code, a.Text())
	}
	return a.JSON()["access_token"].(string)
}

// LoginForm is the body of a password grant.
func (e *Env) LoginForm(name, password string) url.Values {
	e.t.Helper()
	id, secret, err := e.OAuth.Client(context.Background())
	if err != nil {
		e.t.Fatal(err)
	}
	return url.Values{
		"client_id": {id}, "client_secret": {secret}, "grant_type": {"password"},
		"response_type": {"code"}, "username": {name}, "password": {password},
	}
}

// Answer is what a request got.
type Answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// Text is the body.
func (a Answer) Text() string { return a.Body.String() }

// JSON is the body as an object.
func (a Answer) JSON() map[string]any {
	a.t.Helper()
	var out map[string]any
	if err := json.Unmarshal(a.Body.Bytes(), &out); err != nil {
		a.t.Fatalf("body %q: %v", a.Text(), err)
	}
	return out
}

// Option changes a request.
type Option func(*http.Request)

// Header sets a header; "Host" sets the host.
func Header(name, value string) Option {
	return func(r *http.Request) {
		if name == "Host" {
			r.Host = value
			return
		}
		r.Header.Set(name, value)
	}
}

// From sets the address that a request comes from.
func From(ip string) Option { return func(r *http.Request) { r.RemoteAddr = ip + ":1234" } }

// Do sends a request. body is nil, JSON text, or a value to encode as JSON;
// token is a bearer token or empty.
func (e *Env) Do(method, path, token string, body any, opts ...Option) Answer {
	e.t.Helper()
	var text string
	switch b := body.(type) {
	case nil:
	case string:
		text = b
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			e.t.Fatal(err)
		}
		text = string(raw)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(text))
	r.Host = Host
	if text != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return e.send(r, opts)
}

// Form sends a form.
func (e *Env) Form(path string, form url.Values, opts ...Option) Answer {
	e.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Host = Host
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return e.send(r, opts)
}

func (e *Env) send(r *http.Request, opts []Option) Answer {
	for _, o := range opts {
		o(r)
	}
	w := httptest.NewRecorder()
	e.Echo.ServeHTTP(w, r)
	openapitest.Check(e.t, r.Method, r.URL.Path, w.Code, w.Header(), w.Body.Bytes())
	return Answer{w, e.t}
}
