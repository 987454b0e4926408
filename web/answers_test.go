package web

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web/rest"
)

// cached is a server whose answers count how often their handlers ran.
func cached(t *testing.T, changes func() uint64) (*Server, *atomic.Int64) {
	t.Helper()
	runs := &atomic.Int64{}
	answer := func(share bool, header ...string) echo.HandlerFunc {
		return func(c echo.Context) error {
			n := runs.Add(1)
			for i := 0; i < len(header); i += 2 {
				c.Response().Header().Set(header[i], header[i+1])
			}
			if share {
				rest.Share(c)
			}
			who := "nobody"
			if p := rest.Current(c.Request().Context()); p != nil {
				who = p.Username
			}
			status := http.StatusOK
			if c.QueryParam("status") != "" {
				status, _ = strconv.Atoi(c.QueryParam("status"))
			}
			return c.String(status, who+" "+strconv.FormatInt(n, 10)+strings.Repeat(".", 3000))
		}
	}
	s, err := NewServer(ServerOptions{
		Config: config.Default(), Logger: slog.New(slog.DiscardHandler), Changes: changes,
		Authenticate: func(c echo.Context) (*rest.Principal, error) {
			if name := c.Request().Header.Get("Authorization"); name != "" {
				return &rest.Principal{UserID: 1, Username: name}, nil
			}
			return nil, nil //nolint:nilnil // anonymous
		},
		Register: []func(*rest.Router){func(r *rest.Router) {
			r.API.GET("/shared", rest.Anyone, answer(true, "X-Frame-Options", "SAMEORIGIN"))
			r.API.GET("/own", rest.Anyone, answer(false))
			r.API.GET("/private", rest.Anyone, answer(true, "Cache-Control", "private, no-store"))
			r.API.GET("/cookie", rest.Anyone, answer(true, "Set-Cookie", "a=b"))
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.answers.now = func() time.Time { return time.Unix(0, 0) }
	return s, runs
}

func ask(s *Server, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), method, "/api/v1"+path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestSharedAnswers: strangers share an answer until something changes, or a
// second has passed, and each has a request id and a rate of its own.
func TestSharedAnswers(t *testing.T) {
	var changes atomic.Uint64
	s, runs := cached(t, changes.Load)
	ran := func(what string, want int64, do func()) {
		t.Helper()
		before := runs.Load()
		do()
		if got := runs.Load() - before; got != want {
			t.Errorf("%s: the handler ran %d times, want %d", what, got, want)
		}
		changes.Add(1)
	}
	ran("the same twice", 1, func() {
		a, b := ask(s, "GET", "/shared"), ask(s, "GET", "/shared")
		if a.Body.String() != b.Body.String() || b.Code != 200 {
			t.Errorf("two answers: %.20s, %d %.20s", a.Body, b.Code, b.Body)
		}
		for _, name := range []string{"Content-Type", "X-Frame-Options", "Content-Security-Policy", "Access-Control-Allow-Origin", "X-Ratelimit-Limit"} {
			if a.Header().Get(name) == "" || a.Header().Get(name) != b.Header().Get(name) {
				t.Errorf("%s: %q, then %q", name, a.Header().Get(name), b.Header().Get(name))
			}
		}
		for _, name := range []string{"X-Request-Id", "X-Ratelimit-Remaining"} {
			if a.Header().Get(name) == "" || a.Header().Get(name) == b.Header().Get(name) {
				t.Errorf("%s: %q, then %q", name, a.Header().Get(name), b.Header().Get(name))
			}
		}
	})
	ran("a change between them", 2, func() {
		ask(s, "GET", "/shared")
		changes.Add(1)
		ask(s, "GET", "/shared")
	})
	ran("other addresses and forms", 3, func() {
		ask(s, "GET", "/shared?a=1")
		ask(s, "GET", "/shared?a=2")
		ask(s, "GET", "/shared?a=2", "Accept", "text/html")
		ask(s, "GET", "/shared?a=2", "Accept", "text/html")
	})
	ran("packed", 2, func() {
		for range 2 {
			ask(s, "GET", "/shared")
			z, err := gzip.NewReader(ask(s, "GET", "/shared", "Accept-Encoding", "gzip").Body)
			if err != nil {
				t.Fatal(err)
			}
			if text, err := io.ReadAll(z); err != nil || !strings.HasPrefix(string(text), "nobody ") {
				t.Errorf("%.20s %v", text, err)
			}
		}
	})
	ran("a second later", 2, func() { // another process may have changed something
		ask(s, "GET", "/shared")
		s.answers.now = func() time.Time { return time.Unix(1, 0) }
		ask(s, "GET", "/shared")
	})
}

// TestSharedAnswersNeverAcrossViewers: who brings credentials gets and leaves no
// shared answer, and what the handler does not allow is not shared (SEC-31).
func TestSharedAnswersNeverAcrossViewers(t *testing.T) {
	s, runs := cached(t, func() uint64 { return 0 })
	for _, c := range []struct{ method, path, header, value string }{
		{"GET", "/shared", "Authorization", "alice"},
		{"GET", "/shared", "Cookie", "session=1"},
		{"GET", "/shared", "Signature", "x"},
		{"GET", "/shared", "Signature-Input", "x"},
		{"GET", "/shared", "X-Peertube-Video-Password", "x"},
		{"GET", "/shared", "Range", "bytes=0-1"},
		{"HEAD", "/shared", "Accept", "*/*"},
		{"GET", "/own", "Accept", "*/*"},
		{"GET", "/private", "Accept", "*/*"},
		{"GET", "/cookie", "Accept", "*/*"},
		{"GET", "/shared?status=404", "Accept", "*/*"},
	} {
		stranger := ask(s, "GET", "/shared").Body.String() // kept
		for range 2 {
			before := runs.Load()
			w := ask(s, c.method, c.path, c.header, c.value)
			if runs.Load() != before+1 {
				t.Errorf("%s %s with %s was answered from what is kept", c.method, c.path, c.header)
			}
			if c.value == "alice" && !strings.HasPrefix(w.Body.String(), "alice ") {
				t.Errorf("alice gets %.20s", w.Body)
			}
		}
		if got := ask(s, "GET", "/shared").Body.String(); strings.HasPrefix(got, "alice") || !strings.HasPrefix(stranger, "nobody") {
			t.Errorf("a stranger gets %.20s after %s", got, c.header)
		}
	}
}

// TestSharedAnswersAreBounded: many addresses do not fill the memory.
func TestSharedAnswersAreBounded(t *testing.T) {
	a := &answers{changes: func() uint64 { return 0 }, now: time.Now}
	body := make([]byte, 100<<10)
	for i := range 1000 {
		a.put(strconv.Itoa(i), &answer{body: body})
		a.put(strconv.Itoa(i), &answer{body: body})
		if a.bytes > maxAnswers {
			t.Fatalf("%d bytes are kept", a.bytes)
		}
	}
	if len(a.byKey) == 0 {
		t.Error("nothing is kept")
	}
}
