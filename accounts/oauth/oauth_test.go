package oauth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestClientOnce asks for the client from many sides at the first start.
func TestClientOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if id, secret, err := e.OAuth.Client(t.Context()); err != nil || len(id) != 32 || len(secret) != 32 {
					t.Errorf("Client = %q, %q, %v", id, secret, err)
				}
			})
		}
		wg.Wait()
		first, _, err := e.OAuth.Client(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if again, _, err := e.OAuth.Client(t.Context()); err != nil || again != first {
			t.Errorf("%q, %v, want %q as before", again, err, first)
		}
	})
}

// TestAnyHost is for servers under test that have no name.
func TestAnyHost(t *testing.T) {
	d := dbtest.SQLite(t)
	e := accountstest.New(t, d)
	for anyHost, want := range map[bool]int{true: 200, false: 403} {
		s := oauth.New(oauth.Options{DB: d, Users: e.Users, Origin: "http://a.test:9000", Host: "a.test:9000", AnyHost: anyHost})
		server := echo.New()
		server.HTTPErrorHandler = func(err error, c echo.Context) { rest.WriteProblem(c, nil, err) }
		s.Routes(rest.NewRouter(server, s.Authenticate))
		r := httptest.NewRequest(http.MethodGet, "/api/v1/oauth-clients/local", nil)
		r.Host = "127.0.0.1:4711"
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("AnyHost %v: %d, want %d", anyHost, w.Code, want)
		}
	}
}

func TestLifetimes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, func(c *config.Config) {
			c.OAuth2.TokenLifetime.AccessToken, c.OAuth2.TokenLifetime.RefreshToken = time.Hour, 2*time.Hour
		})
		u, _ := e.User("alice", rest.RoleUser)
		if _, _, err := e.OAuth.Client(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, err := e.OAuth.Issue(t.Context(), u.ID, 1, oauth.Place{})
		if err != nil {
			t.Fatal(err)
		}
		near := func(at time.Time, in time.Duration) bool { return (time.Until(at) - in).Abs() < time.Minute }
		if !near(p.AccessExpiresAt, time.Hour) || !near(p.RefreshExpiresAt, 2*time.Hour) {
			t.Errorf("pair lives until %v and %v", p.AccessExpiresAt, p.RefreshExpiresAt)
		}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE oauth_tokens SET refresh_expires_at = ?", db.Now().Add(-time.Second)).Error
		}); err != nil {
			t.Fatal(err)
		}
		if p, err := e.OAuth.Refresh(t.Context(), p.Refresh, 1, oauth.Place{}); !errors.Is(err, oauth.ErrRefresh) {
			t.Errorf("an expired refresh token gives %v, %v", p, err)
		}
	})
}

// request is a context of echo, as handlers get it.
func request(method string, header map[string]string) echo.Context {
	r := httptest.NewRequest(method, "/admin/x", nil)
	for k, v := range header {
		r.Header.Set(k, v)
	}
	return echo.New().NewContext(r, httptest.NewRecorder())
}

// TestStrict is what the dashboard of the queues asks for (SEC-48, SEC-49).
func TestStrict(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		u, _ := e.User("root", rest.RoleAdmin)
		plain, expires, err := e.OAuth.NewSession(t.Context(), u.ID, oauth.Place{})
		if err != nil {
			t.Fatal(err)
		}
		var lax, strict string
		for _, c := range e.OAuth.Cookies(plain, expires) {
			if c.SameSite == http.SameSiteStrictMode {
				strict = c.Name + "=" + c.Value
				if c.Path != "/admin" {
					t.Errorf("the strict cookie goes to %s", c.Path)
				}
			} else {
				lax = c.Name + "=" + c.Value
			}
		}
		for _, c := range []struct {
			name, method string
			header       map[string]string
			want         bool
		}{
			{"read", "GET", map[string]string{"Cookie": strict}, true},
			{"read with the other cookie", "GET", map[string]string{"Cookie": lax}, false},
			{"read without cookie", "GET", nil, false},
			{"read with an empty cookie", "GET", map[string]string{"Cookie": oauth.StrictCookieName + "="}, false},
			{"write from our page", "POST", map[string]string{"Cookie": strict, "Sec-Fetch-Site": "same-origin"}, true},
			{"write by our origin", "POST", map[string]string{"Cookie": strict, "Origin": "https://kinemesh.test"}, true},
			{"write from elsewhere", "POST", map[string]string{"Cookie": strict, "Sec-Fetch-Site": "cross-site"}, false},
			{"write from nowhere", "DELETE", map[string]string{"Cookie": strict}, false},
			{"an empty cookie before the right one", "GET", map[string]string{"Cookie": oauth.StrictCookieName + "=; " + strict}, true},
			{"very long cookie", "GET", map[string]string{"Cookie": oauth.StrictCookieName + "=" + strings.Repeat("a", 1000)}, false},
		} {
			p, err := e.OAuth.AuthenticateStrict(request(c.method, c.header))
			if err != nil || (p != nil) != c.want {
				t.Errorf("%s: %+v, %v, want a user: %v", c.name, p, err, c.want)
			}
			if p != nil && (!p.IsAdmin() || p.UserID != u.ID || p.SessionID == 0 || p.TokenID != 0 || p.AccountID == 0 || p.ActorID == 0) {
				t.Errorf("%s: principal %+v", c.name, p)
			}
		}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE web_sessions SET expires_at = ?", db.Now().Add(-time.Second)).Error
		}); err != nil {
			t.Fatal(err)
		}
		if p, err := e.OAuth.AuthenticateStrict(request("GET", map[string]string{"Cookie": strict})); err != nil || p != nil {
			t.Errorf("an expired session: %+v, %v", p, err)
		}
	})
}

func TestCookies(t *testing.T) {
	for origin, secure := range map[string]bool{"https://a.test": true, "http://localhost:9000": false} {
		s := oauth.New(oauth.Options{Origin: origin})
		for _, c := range s.Cookies("token", time.Now().Add(time.Hour)) {
			if c.Secure != secure || !c.HttpOnly || c.Value != "token" || c.MaxAge < 0 || c.Domain != "" {
				t.Errorf("%s: cookie %v", origin, c)
			}
		}
		for _, c := range s.Cookies("", time.Time{}) {
			if c.MaxAge >= 0 || c.Value != "" {
				t.Errorf("%s: cookie %v does not remove", origin, c)
			}
		}
	}
}

func TestLoginProblem(t *testing.T) {
	other := errors.New("disk full")
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{user.ErrCredentials, 400, "invalid_grant"},
		{user.ErrBlocked, 400, "account_blocked"},
		{user.ErrUnverified, 400, "email_not_verified"},
		{user.ErrTooLong, 400, "too_long_password"},
		{&user.TooManyError{Retry: 90 * time.Second}, 429, ""},
		{other, 500, ""},
	} {
		p := rest.AsProblem(oauth.LoginProblem(c.err))
		if p.Status != c.status || p.Code != c.code {
			t.Errorf("LoginProblem(%v) = %+v", c.err, p)
		}
		if c.status == 429 && p.Header["Retry-After"] != "90" {
			t.Errorf("Retry-After %q", p.Header["Retry-After"])
		}
	}
	if !errors.Is(oauth.LoginProblem(other), other) {
		t.Error("an error that is no refusal is changed")
	}
}

// TestRevokeUnknown ends what is not there, twice.
func TestRevokeUnknown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		if err := e.OAuth.Revoke(t.Context(), 99999); err != nil {
			t.Error(err)
		}
		if err := e.OAuth.EndSession(t.Context(), "unknown"); err != nil {
			t.Error(err)
		}
		if err := e.OAuth.DeleteExpired(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
