package web_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestSEC48CrossOriginMatrix sends requests from all kinds of places, with the
// session cookie, with a token, with both and with none: the cookie lets write
// from our own pages only, the token from everywhere, and no answer allows
// other origins to send credentials.
func TestSEC48CrossOriginMatrix(t *testing.T) {
	x := newTube(t)
	s, err := web.NewServer(web.ServerOptions{
		Config: x.Config, Logger: slog.New(slog.DiscardHandler), Authenticate: x.OAuth.Authenticate, AuthenticateAdmin: x.OAuth.AuthenticateStrict,
		Register: []func(*rest.Router){x.Routes},
	})
	if err != nil {
		t.Fatal(err)
	}
	cookie, token := x.signIn("mara"), "Bearer "+x.Token("mara")
	ours := "https://" + accountstest.Host
	for name, place := range map[string]struct {
		header []string
		own    bool
	}{
		"our page":                       {[]string{"Sec-Fetch-Site", "same-origin", "Origin", ours}, true},
		"our page, old browser":          {[]string{"Origin", ours}, true},
		"another site":                   {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
		"another site, old browser":      {[]string{"Origin", "https://evil.example"}, false},
		"a sister site":                  {[]string{"Sec-Fetch-Site", "same-site", "Origin", "https://sister." + accountstest.Host}, false},
		"a typed address":                {[]string{"Sec-Fetch-Site", "none"}, false},
		"a sandboxed frame":              {[]string{"Origin", "null"}, false},
		"a name that begins alike":       {[]string{"Origin", ours + ".evil.example"}, false},
		"the same name without TLS":      {[]string{"Origin", "http://" + accountstest.Host}, false},
		"nothing said":                   {nil, false},
		"ours by Origin, not by browser": {[]string{"Sec-Fetch-Site", "cross-site", "Origin", ours}, false},
	} {
		for with, header := range map[string][]string{
			"nothing": nil, "the cookie": {"Cookie", cookie}, "a token": {"Authorization", token}, "both": {"Cookie", cookie, "Authorization", token},
		} {
			want := http.StatusUnauthorized
			if with == "a token" || with == "both" || with == "the cookie" && place.own {
				want = http.StatusNoContent
			}
			r := httptest.NewRequest(http.MethodPut, "/api/v1/users/me", strings.NewReader(`{"theme":"dark"}`))
			r.Host = accountstest.Host
			r.Header.Set("Content-Type", "application/json")
			for _, pairs := range [][]string{place.header, header} {
				for i := 0; i+1 < len(pairs); i += 2 {
					r.Header.Set(pairs[i], pairs[i+1])
				}
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("from %s with %s: %d, want %d", name, with, w.Code, want)
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("from %s with %s: %v", name, with, w.Header())
			}
		}
	}
}

// TestSEC40EveryRouteClass looks at the headers of one answer of each class.
func TestSEC40EveryRouteClass(t *testing.T) {
	x := newTube(t)
	v := x.video("Tide")
	for path, class := range map[string]string{
		"/": "page", "/login": "page", "/w/" + v.UUID: "page", "/nothing-here": "page", "/c/mara_channel": "page",
		"/videos/embed/" + v.UUID: "embed", "/api/v1/none": "document", "/static/none": "document", "/.well-known/none": "document",
	} {
		h := x.get(path, "").Header()
		policy := h.Get("Content-Security-Policy")
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: %v", path, h)
		}
		for part := range strings.SplitSeq(policy, ";") {
			if part = strings.TrimSpace(part); strings.HasPrefix(part, "script-src") && part != "script-src 'self'" {
				t.Errorf("%s: %s", path, part)
			}
		}
		framed := !strings.Contains(policy, "frame-ancestors 'none'")
		if framed != (class == "embed") || (h.Get("X-Frame-Options") == "") != (class == "embed") {
			t.Errorf("%s: policy %s, X-Frame-Options %q", path, policy, h.Get("X-Frame-Options"))
		}
		if class == "document" && strings.Contains(policy, "script-src") {
			t.Errorf("%s may run scripts: %s", path, policy)
		}
	}
}

// TestSEC49BelowTheDashboard asks for every path below the mount, as nobody and
// as others than administrators.
func TestSEC49BelowTheDashboard(t *testing.T) {
	reached := 0
	s := newServer(t, nil, func(o *web.ServerOptions) {
		o.Dashboard = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ })
	})
	paths := []string{
		"", "/", "/api/queues", "/api/queues/default", "/api/queues/media/active_tasks/1:cancel", "/api/redis_info", "/static/js/main.js",
		"/queues/default", "/%2e%2e/queues", "//api/queues", "/api/queues/..%2f",
	}
	for who, want := range map[string]int{"": 401, "user": 403, "moderator": 403} {
		for _, path := range paths {
			for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"} {
				w := ask(s, method, web.DashboardRoot+path, "", nil, "Who", who, "Sec-Fetch-Site", "same-origin")
				refused := w.Code >= 400 && w.Code <= 405 || method == "OPTIONS" && w.Body.Len() == 0
				if reached > 0 || !refused {
					t.Fatalf("%s %q as %q: %d, reached %d", method, path, who, w.Code, reached)
				}
				if method == "GET" && !strings.Contains(path, "..") && !strings.Contains(path, "%") && !strings.HasPrefix(path, "//") && w.Code != want {
					t.Errorf("GET %q as %q: %d, want %d", path, who, w.Code, want)
				}
			}
		}
	}
	if ask(s, "GET", web.DashboardRoot+"/api/queues", "", nil, "Who", "admin"); reached != 1 {
		t.Error("administrators do not reach it")
	}
}

// TestEachClassHasItsLimit: what counts for one class leaves the others alone.
func TestEachClassHasItsLimit(t *testing.T) {
	once := config.RateLimit{Window: time.Minute, Max: 1}
	s := newServer(t, func(c *config.Config) {
		c.RatesLimit = config.RatesLimit{API: once, Client: once, WellKnown: once, Feeds: once, DownloadGenerateVideo: once, ActivityPub: once, Login: once, Signup: once}
	}, func(o *web.ServerOptions) {
		o.Register = append(o.Register, func(r *rest.Router) {
			ok := func(c echo.Context) error { return c.String(http.StatusOK, "ok") }
			for _, path := range []string{"/feeds/videos.xml", "/.well-known/x", "/accounts/ann", "/static/x", "/x", "/download/videos/generate/x"} {
				r.Root.GET(path, rest.Anyone, ok)
			}
		})
	})
	for path, header := range map[string][]string{
		"/api/v1/ip": nil, "/feeds/videos.xml": nil, "/.well-known/x": nil, "/x": nil, "/download/videos/generate/x": nil, "/accounts/ann": {"Accept", "application/activity+json"},
	} {
		for i, want := range []int{200, 429} {
			w := ask(s, "GET", path, "198.51.100.9:1", nil, header...)
			if w.Code != want || w.Header().Get("X-RateLimit-Limit") != "1" || w.Header().Get("X-RateLimit-Remaining") != "0" || w.Header().Get("X-RateLimit-Reset") == "" {
				t.Errorf("%s, request %d: %d %v", path, i, w.Code, w.Header())
			}
			if want == 429 && w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", path)
			}
		}
	}
	for range 5 {
		if w := ask(s, "GET", "/static/x", "198.51.100.9:1", nil); w.Code != 200 || w.Header().Get("X-RateLimit-Limit") != "" {
			t.Errorf("media: %d %v", w.Code, w.Header())
		}
	}
}

// TestDocumentsForOtherOrigins: ActivityPub documents and NodeInfo can be read
// by pages of other origins, pages cannot.
func TestDocumentsForOtherOrigins(t *testing.T) {
	s := newServer(t, nil)
	for path, header := range map[string][]string{
		"/accounts/ann": {"Accept", "application/activity+json"}, "/nodeinfo/2.0.json": nil, "/.well-known/webfinger": nil, "/services/oembed": nil,
	} {
		if h := ask(s, "GET", path, "", nil, header...).Header(); h.Get("Access-Control-Allow-Origin") != "*" || h.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}
