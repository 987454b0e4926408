package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/web"
	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
	"github.com/kinemesh/kinemesh/web/rest"
	"github.com/kinemesh/kinemesh/web/settings"
)

const (
	wholeOrigin   = "https://kinemesh.test"
	wholePassword = "correct horse 1"
)

// whole is the server as the binary puts it together, on a database of the
// test, with its jobs running.
type whole struct {
	*app
	*web.Server
	t testing.TB
}

// startWhole starts the server until the test ends. env are variables without
// their prefix, such as "SIGNUP_ENABLED=true".
func startWhole(t testing.TB, d *db.DB, env ...string) *whole {
	t.Helper()
	s, runner := assembleWhole(t, d, env...)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = runner.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

// assembleWhole is [startWhole] for tests that need no jobs to run.
func assembleWhole(t testing.TB, d *db.DB, extra ...string) (*whole, *jobs.Runner) {
	t.Helper()
	env := []string{
		"KINEMESH_DATA_DIR=" + t.TempDir(), "KINEMESH_WEBSERVER_HOSTNAME=kinemesh.test", "KINEMESH_WEBSERVER_PORT=443", "KINEMESH_WEBSERVER_HTTPS=true",
		"KINEMESH_RATES_LIMIT_API_MAX=1000000", "KINEMESH_RATES_LIMIT_LOGIN_MAX=1000000", "KINEMESH_RATES_LIMIT_CLIENT_MAX=1000000",
		"KINEMESH_RATES_LIMIT_SIGNUP_MAX=1000000", "KINEMESH_RATES_LIMIT_ACTIVITY_PUB_MAX=1000000", "KINEMESH_RATES_LIMIT_WELL_KNOWN_MAX=1000000",
		"KINEMESH_RATES_LIMIT_DOWNLOAD_GENERATE_VIDEO_MAX=1000000",
		"KINEMESH_TRANSCODING_RESOLUTIONS_240P=true", "KINEMESH_TRANSCODING_RESOLUTIONS_480P=false", "KINEMESH_TRANSCODING_RESOLUTIONS_720P=false",
	}
	for _, s := range extra {
		env = append(env, "KINEMESH_"+s)
	}
	cfg, _, err := config.Load("", env)
	if err == nil {
		err = cfg.Prepare()
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &whole{t: t, app: &app{cfg: cfg, db: d, newKey: aptest.NewKey, metrics: prometheus.NewRegistry()}}
	s.log = slog.New(s.book.Handler(slog.DiscardHandler))
	s.settings = settings.New(settings.Options{DB: d, Config: cfg, Logger: s.log})
	ctx := context.Background()
	tool, err := ffmpeg.Find(ctx)
	for _, step := range []func() error{
		func() error { return err },
		func() error { return s.assemble(tool) },
		func() error { return s.engine.Prepare(ctx) },
		func() error { _, _, err := s.accounts.Users.EnsureRoot(ctx, wholePassword); return err },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	runner, err := jobs.NewRunner(jobs.Options{
		DB: d, Owner: cfg.Origin(), Handlers: s.engine.Jobs(), Periodic: s.engine.Periodic(), Logger: s.log, Metrics: s.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server, _, err = s.server(runner, true, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.video.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, runner
}

// answer is what a request got.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// JSON is the body, whatever JSON it is.
func (a answer) JSON() any {
	a.t.Helper()
	var out any
	if err := json.Unmarshal(a.Body.Bytes(), &out); err != nil {
		a.t.Fatalf("body %.200q: %v", a.Body, err)
	}
	return out
}

// at digs a value out of the body: names of members and numbers of elements.
func (a answer) at(path ...any) any {
	a.t.Helper()
	v := a.JSON()
	for _, step := range path {
		switch x := v.(type) {
		case map[string]any:
			name, _ := step.(string)
			v = x[name]
		case []any:
			i, ok := step.(int)
			if !ok || i >= len(x) {
				a.t.Fatalf("no %v in %s", path, a.Body)
			}
			v = x[i]
		default:
			a.t.Fatalf("no %v in %s", path, a.Body)
		}
	}
	return v
}

// do sends a request. body is nil, a form (url.Values), text or what JSON
// encodes; token is a bearer token or empty.
func (s *whole) do(method, path, token string, body any) answer {
	s.t.Helper()
	var content []byte
	kind := "application/json"
	switch b := body.(type) {
	case nil:
		kind = ""
	case url.Values:
		content, kind = []byte(b.Encode()), "application/x-www-form-urlencoded"
	case string:
		content = []byte(b)
	default:
		var err error
		if content, err = json.Marshal(body); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.send(method, path, token, kind, bytes.NewReader(content))
}

func (s *whole) send(method, path, token, kind string, body io.Reader) answer {
	s.t.Helper()
	r := httptest.NewRequest(method, path, body)
	r.Host = s.cfg.Host()
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	openapitest.Check(s.t, method, r.URL.Path, w.Code, w.Header(), w.Body.Bytes())
	return answer{w, s.t}
}

// must is do for what has to succeed.
func (s *whole) must(method, path, token string, body any) answer {
	s.t.Helper()
	a := s.do(method, path, token, body)
	if a.Code >= 300 {
		s.t.Fatalf("%s %s: %d %s", method, path, a.Code, a.Body)
	}
	return a
}

// form sends a multipart form; values that begin with "@" are files.
func (s *whole) form(method, path, token string, fields map[string]string) answer {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range fields {
		file, isFile := strings.CutPrefix(value, "@")
		if !isFile {
			if err := w.WriteField(name, value); err != nil {
				s.t.Fatal(err)
			}
			continue
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		part, err := w.CreateFormFile(name, filepath.Base(file))
		if err == nil {
			_, err = part.Write(raw)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	return s.send(method, path, token, w.FormDataContentType(), &b)
}

// user makes a user and logs it in.
func (s *whole) user(name string, role rest.Role) (token string) {
	s.t.Helper()
	_, err := s.accounts.Users.Create(context.Background(), user.NewUser{
		Username: name, Email: name + "@example.org", Password: wholePassword, Role: role, VideoQuota: new(int64(-1)), VideoQuotaDaily: new(int64(-1)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.login(name)
}

func (s *whole) login(name string) string {
	s.t.Helper()
	id, secret, err := s.accounts.OAuth.Client(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	a := s.must(http.MethodPost, "/api/v1/users/token", "", url.Values{
		"client_id": {id}, "client_secret": {secret}, "grant_type": {"password"}, "username": {name}, "password": {wholePassword},
	})
	return a.at("access_token").(string)
}

// eventually waits until ok.
func (s *whole) eventually(what string, ok func() bool) {
	s.t.Helper()
	for until := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(until) {
			s.t.Fatalf("waited in vain: %s", what)
		}
	}
}
