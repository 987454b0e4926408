package web_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web"
	"github.com/kinemesh/kinemesh/web/rest"
)

// newServer has a few routes; the header "Who" is the role of the principal.
func newServer(t *testing.T, change func(*config.Config), more ...func(*web.ServerOptions)) *web.Server {
	t.Helper()
	cfg := config.Default()
	if change != nil {
		change(cfg)
	}
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	who := func(c echo.Context) (*rest.Principal, error) {
		switch c.Request().Header.Get("Who") {
		case "admin":
			return &rest.Principal{UserID: 1, Role: rest.RoleAdmin}, nil
		case "moderator":
			return &rest.Principal{UserID: 2, Role: rest.RoleModerator}, nil
		case "user":
			return &rest.Principal{UserID: 3, Role: rest.RoleUser}, nil
		}
		return nil, nil
	}
	o := web.ServerOptions{
		Config: cfg, Logger: slog.New(slog.DiscardHandler), Authenticate: who, AuthenticateAdmin: who,
		Register: []func(*rest.Router){func(r *rest.Router) {
			r.API.GET("/ip", rest.Anyone, func(c echo.Context) error { return c.String(200, c.RealIP()) })
			r.API.GET("/panic", rest.Anyone, func(echo.Context) error { panic("boom") })
			r.API.GET("/long", rest.Anyone, func(c echo.Context) error { return c.String(200, strings.Repeat("long ", 2000)) })
			r.API.POST("/body", rest.Anyone, func(c echo.Context) error {
				n, err := io.Copy(io.Discard, c.Request().Body)
				if err != nil {
					return err
				}
				return c.String(200, strconv.FormatInt(n, 10))
			})
			r.Root.GET("/page", rest.Anyone, func(echo.Context) error { return rest.NotFound("No such page") })
		}},
	}
	for _, f := range more {
		f(&o)
	}
	s, err := web.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func ask(s http.Handler, method, path, from string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, body)
	if from != "" {
		r.RemoteAddr = from
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// SEC-50: only a trusted proxy is believed, and then the right-most address
// that is not one.
func TestSEC50ClientAddress(t *testing.T) {
	s := newServer(t, func(c *config.Config) { c.TrustProxy = []string{"loopback", "10.0.0.0/8"} })
	for _, c := range []struct{ from, forwarded, want string }{
		{"203.0.113.9:1234", "", "203.0.113.9"},
		{"203.0.113.9:1234", "198.51.100.1", "203.0.113.9"},
		{"127.0.0.1:1234", "198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1234", "6.6.6.6, 198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1234", "6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"},
		{"192.168.1.1:1234", "198.51.100.1", "192.168.1.1"},
		{"[2001:db8::1]:1234", "198.51.100.1", "2001:db8::1"},
	} {
		w := ask(s, "GET", "/api/v1/ip", c.from, nil, "X-Forwarded-For", c.forwarded, "X-Real-IP", "6.6.6.6")
		if got := w.Body.String(); got != c.want {
			t.Errorf("from %s with %q: %s, want %s", c.from, c.forwarded, got, c.want)
		}
	}
}

// TestFailuresAreLogged: what goes wrong while the client waits is in the log.
func TestFailuresAreLogged(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, nil, func(o *web.ServerOptions) {
		o.Logger = slog.New(slog.NewTextHandler(&log, nil))
		o.Register = append(o.Register, func(r *rest.Router) {
			r.API.GET("/fails", rest.Anyone, func(echo.Context) error { return errors.New("no more space") })
		})
	})
	if w := ask(s, "GET", "/api/v1/fails", "", nil); w.Code != 500 || !strings.Contains(log.String(), "no more space") {
		t.Errorf("%d, log %q", w.Code, log.String())
	}
}

// SEC-71: a panic hurts its own request only, and tells nothing.
func TestPanicIsOneFailedRequest(t *testing.T) {
	s := newServer(t, nil)
	w := ask(s, "GET", "/api/v1/panic", "", nil)
	if w.Code != 500 || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("%d %s", w.Code, w.Body.String())
	}
	if w := ask(s, "GET", "/api/v1/ip", "", nil); w.Code != 200 {
		t.Errorf("the next request: %d", w.Code)
	}
}

func TestRateLimits(t *testing.T) {
	s := newServer(t, func(c *config.Config) { c.RatesLimit.API = config.RateLimit{Window: time.Minute, Max: 3} })
	get := func(from, who string) *httptest.ResponseRecorder {
		return ask(s, "GET", "/api/v1/ip", from, nil, "Who", who)
	}
	for i := range 3 {
		if w := get("198.51.100.1:1", ""); w.Code != 200 || w.Header().Get("X-RateLimit-Remaining") != strconv.Itoa(2-i) {
			t.Fatalf("request %d: %d, %s left", i, w.Code, w.Header().Get("X-RateLimit-Remaining"))
		}
	}
	w := get("198.51.100.1:2", "")
	if w.Code != 429 || w.Header().Get("Retry-After") == "" {
		t.Errorf("the fourth: %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if w := ask(s, "POST", "/api/v1/ip", "198.51.100.1:2", nil, "Who", "user"); w.Code != 429 {
		t.Errorf("a user who writes: %d, want 429", w.Code)
	}
	for i := range 10 {
		if w := get("198.51.100.1:2", "user"); w.Code != 200 {
			t.Errorf("a user who reads, %d above the limit: %d, want 200", i, w.Code)
		}
	}
	if w := get("198.51.100.1:2", "user"); w.Code != 429 {
		t.Errorf("a user who reads without end: %d, want 429", w.Code)
	}
	if w := get("198.51.100.1:2", "moderator"); w.Code != 200 {
		t.Errorf("a moderator: %d, want 200", w.Code)
	}
	if w := get("198.51.100.2:1", ""); w.Code != 200 {
		t.Errorf("another address: %d, want 200", w.Code)
	}
	for i := range 3 {
		get(fmt.Sprintf("[2001:db8:0:1::%d]:1", i+1), "")
	}
	if w := get("[2001:db8:0:1::ffff]:1", ""); w.Code != 429 {
		t.Errorf("the fourth of one IPv6 /64: %d, want 429", w.Code)
	}
	if w := get("[2001:db8:0:2::1]:1", ""); w.Code != 200 {
		t.Errorf("another IPv6 /64: %d, want 200", w.Code)
	}
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	s := newServer(t, nil)
	for _, path := range []string{"/api/v1/ip", "/nowhere", "/api/v1/panic", "/page"} {
		h := ask(s, "GET", path, "", nil).Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") ||
			h.Get("X-Request-Id") == "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestCORSIsForTheAPIWithoutCredentials(t *testing.T) {
	s := newServer(t, nil)
	w := ask(s, "OPTIONS", "/api/v1/videos/upload-resumable", "", nil, "Origin", "https://elsewhere.example", "Access-Control-Request-Method", "PUT")
	h := w.Header()
	if w.Code != 204 || h.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Content-Range") {
		t.Errorf("preflight: %d %v", w.Code, h)
	}
	if h.Get("Access-Control-Allow-Credentials") != "" {
		t.Error("credentials are allowed across origins")
	}
	if h := ask(s, "GET", "/page", "", nil, "Origin", "https://elsewhere.example").Header(); h.Get("Access-Control-Allow-Origin") != "" {
		t.Error("pages can be read by other origins")
	}
}

func TestBodiesAreLimitedButUploads(t *testing.T) {
	s := newServer(t, nil)
	if w := ask(s, "POST", "/api/v1/body", "", strings.NewReader(strings.Repeat("x", 1<<20))); w.Code != 200 {
		t.Errorf("1 MiB: %d", w.Code)
	}
	if w := ask(s, "POST", "/api/v1/body", "", strings.NewReader(strings.Repeat("x", 13<<20))); w.Code != 413 {
		t.Errorf("13 MiB: %d, want 413", w.Code)
	}
}

func TestCompression(t *testing.T) {
	s := newServer(t, nil)
	w := ask(s, "GET", "/api/v1/long", "", nil, "Accept-Encoding", "gzip")
	r, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatalf("not compressed: %v", err)
	}
	if b, err := io.ReadAll(r); err != nil || len(b) != 10000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if w := ask(s, "GET", "/api/v1/long", "", nil); w.Body.Len() != 10000 {
		t.Errorf("without Accept-Encoding: %d bytes", w.Body.Len())
	}
}

func TestPagesFailAsPages(t *testing.T) {
	s := newServer(t, nil, func(o *web.ServerOptions) {
		o.PageError = func(c echo.Context, p *rest.Problem) error { return c.HTML(p.Status, "<h1>"+p.Detail+"</h1>") }
	})
	if w := ask(s, "GET", "/page", "", nil, "Accept", "text/html,*/*"); w.Code != 404 || !strings.Contains(w.Body.String(), "<h1>No such page") {
		t.Errorf("a browser: %d %s", w.Code, w.Body.String())
	}
	for path, accept := range map[string]string{"/page": "application/json", "/api/v1/nowhere": "text/html"} {
		if w := ask(s, "GET", path, "", nil, "Accept", accept); !strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem+json") {
			t.Errorf("%s as %s: %s", path, accept, w.Header().Get("Content-Type"))
		}
	}
}

// SEC-49: nothing of the dashboard is there for anybody but administrators.
func TestDashboardIsForAdministrators(t *testing.T) {
	s := newServer(t, nil, func(o *web.ServerOptions) {
		o.Dashboard = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "queues ", r.URL.Path) })
	})
	for _, path := range []string{"", "/", "/api/queues", "/static/js/main.js"} {
		for who, want := range map[string]int{"": 401, "user": 403, "moderator": 403, "admin": 200} {
			w := ask(s, "GET", web.DashboardRoot+path, "", nil, "Who", who)
			if w.Code != want || (want != 200 && strings.Contains(w.Body.String(), "queues /")) {
				t.Errorf("%s as %q: %d %s, want %d", path, who, w.Code, w.Body.String(), want)
			}
		}
	}
	if h := ask(s, "GET", web.DashboardRoot+"/", "", nil, "Who", "admin").Header(); !strings.Contains(h.Get("Cache-Control"), "no-store") {
		t.Errorf("may be cached: %v", h)
	}
}

func TestRunServesAndStops(t *testing.T) {
	port := freePort(t)
	s := newServer(t, func(c *config.Config) { c.Listen.Port = port })
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	resp, err := http.Get("http://127.0.0.1:" + strconv.Itoa(port) + "/api/v1/ip")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || !s.Ready() {
		t.Errorf("%d, ready %v", resp.StatusCode, s.Ready())
	}
	other := newServer(t, func(c *config.Config) { c.Listen.Port = port })
	if err := other.Run(ctx, func() {}); err == nil || !strings.Contains(err.Error(), "is in use by another program") {
		t.Errorf("a taken port: %v, want one clear sentence", err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	if s.Ready() {
		t.Error("still ready after the end")
	}
}

// freePort finds a port below those that the kernel gives to whoever asks for
// any, so that it is still free a moment later.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 11_000 + rand.IntN(21_000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func TestWronglyRegisteredRoutesDoNotStart(t *testing.T) {
	cfg := config.Default()
	if err := cfg.Complete(); err != nil {
		t.Fatal(err)
	}
	_, err := web.NewServer(web.ServerOptions{Config: cfg, Logger: slog.New(slog.DiscardHandler), Register: []func(*rest.Router){
		func(r *rest.Router) { r.API.GET("/open", 0, func(echo.Context) error { return nil }) },
	}})
	if err == nil || !strings.Contains(err.Error(), "no access rule") {
		t.Errorf("NewServer = %v", err)
	}
}
