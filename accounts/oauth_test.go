package accounts_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	tokenPath = "/api/v1/users/token"
	mePath    = "/api/v1/users/me"
)

func refreshForm(e *accountstest.Env, refresh string) url.Values {
	f := e.LoginForm("", "")
	f.Del("username")
	f.Del("password")
	f.Set("grant_type", "refresh_token")
	f.Set("refresh_token", refresh)
	return f
}

// TestToken walks through the grants as PeerTube's clients use them.
func TestToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		e.User("alice", rest.RoleUser)
		first := e.Form(tokenPath, e.LoginForm("alice", accountstest.Password))
		if first.Code != 200 {
			t.Fatalf("%d %s", first.Code, first.Text())
		}
		sameShape(t, "users-token", first.JSON())
		if h := first.Header(); h.Get("Cache-Control") != "no-store" || h.Get("Pragma") != "no-cache" {
			t.Errorf("headers %v, want no-store and no-cache", h)
		}
		body := first.JSON()
		if body["token_type"] != "Bearer" || body["expires_in"].(float64) < 86390 || body["refresh_token_expires_in"].(float64) < 14*86400-10 {
			t.Errorf("body %v", body)
		}
		access, refresh := body["access_token"].(string), body["refresh_token"].(string)
		if len(access) != 64 || strings.Trim(access, "0123456789abcdef") != "" { // SEC-47
			t.Errorf("access token %q, want 256 bits in hex", access)
		}
		status := func(token string) int { return e.Do("GET", mePath, token, nil).Code }
		if got := status(access); got != 200 {
			t.Errorf("me = %d", got)
		}

		second := e.Form(tokenPath, refreshForm(e, refresh), accountstest.Header("Authorization", "Bearer expired-or-not"))
		if second.Code != 200 {
			t.Fatalf("refresh: %d %s", second.Code, second.Text())
		}
		sameShape(t, "users-token-refresh", second.JSON())
		next := second.JSON()["access_token"].(string)
		if status(access) != 401 || status(next) != 200 {
			t.Errorf("after the refresh the old token answers %d and the new one %d", status(access), status(next))
		}

		again := e.Form(tokenPath, refreshForm(e, refresh))
		if again.Code != 400 || again.JSON()["code"] != "invalid_grant" {
			t.Errorf("second use of a refresh token: %d %s", again.Code, again.Text())
		}
		if status(next) != 401 {
			t.Error("the family lives on after its refresh token was used twice")
		}
		if a := e.Form(tokenPath, refreshForm(e, second.JSON()["refresh_token"].(string))); a.Code != 400 {
			t.Errorf("refresh of a dead family: %d", a.Code)
		}

		third := e.Token("alice")
		other := e.Token("alice")
		if a := e.Do("POST", "/api/v1/users/revoke-token", third, nil); a.Code != 200 || a.JSON()["success"] != true {
			t.Errorf("revoke: %d %s", a.Code, a.Text())
		}
		if status(third) != 401 || status(other) != 200 {
			t.Errorf("after the logout: %d, another session: %d", status(third), status(other))
		}
		if u, err := e.Users.ByUsername(t.Context(), "alice"); err != nil || u.LastLoginAt == nil || time.Since(*u.LastLoginAt) > time.Minute {
			t.Errorf("last login %v, %v", u.LastLoginAt, err)
		}
	})
}

// TestSEC47TokensAreHashed looks for tokens in the database (SEC-47).
func TestSEC47TokensAreHashed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		u, access := e.User("alice", rest.RoleUser)
		cookie, _, err := e.OAuth.NewSession(t.Context(), u.ID, oauth.Place{})
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"oauth_tokens", "web_sessions", "users"} {
			var rows []map[string]any
			if err := d.Read(t.Context()).Table(table).Find(&rows).Error; err != nil || len(rows) == 0 {
				t.Fatalf("%s: %d rows, %v", table, len(rows), err)
			}
			for _, secret := range []string{access, cookie, accountstest.Password} {
				if strings.Contains(fmt.Sprint(rows), secret) {
					t.Errorf("%s holds a secret in clear", table)
				}
			}
		}
	})
}

func TestTokenRefusals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		u, _ := e.User("alice", rest.RoleUser)
		blocked, _ := e.User("bob", rest.RoleUser)
		if err := e.Users.Block(t.Context(), blocked, "spam"); err != nil {
			t.Fatal(err)
		}
		with := func(change url.Values) url.Values {
			f := e.LoginForm("alice", accountstest.Password)
			maps.Copy(f, change)
			return f
		}
		for _, c := range []struct {
			name   string
			form   url.Values
			code   string // "" for success
			detail string
		}{
			{"right", with(nil), "", ""},
			{"by email", with(url.Values{"username": {"Alice@example.com"}}), "", ""},
			{"upper case", with(url.Values{"username": {"ALICE"}}), "", ""},
			{"wrong password", with(url.Values{"password": {"wrongpass"}}), "invalid_grant", "Invalid grant: user credentials are invalid"},
			{"password with more behind it", with(url.Values{"password": {accountstest.Password + "x"}}), "invalid_grant", ""},
			{"unknown user", with(url.Values{"username": {"nobody"}}), "invalid_grant", "Invalid grant: user credentials are invalid"},
			{"unknown email", with(url.Values{"username": {"nobody@example.com"}}), "invalid_grant", ""},
			{"SQL as name", with(url.Values{"username": {"' OR 1=1 --"}}), "invalid_grant", ""},
			{"zero byte in the name", with(url.Values{"username": {"alice\x00"}}), "invalid_grant", ""},
			{"no name", with(url.Values{"username": nil}), "invalid_request", ""},
			{"no password", with(url.Values{"password": nil}), "invalid_request", ""},
			{"too long", with(url.Values{"password": {strings.Repeat("a", 257)}}), "too_long_password", ""},
			{"blocked", with(url.Values{"username": {"bob"}}), "account_blocked", ""},
			{"blocked, wrong password", with(url.Values{"username": {"bob"}, "password": {"wrongpass"}}), "invalid_grant", ""},
			{"no client", with(url.Values{"client_id": nil}), "invalid_client", ""},
			{"wrong client", with(url.Values{"client_id": {"x"}}), "invalid_client", "Invalid client: client is invalid"},
			{"wrong secret", with(url.Values{"client_secret": {"x"}}), "invalid_client", "Invalid client: client is invalid"},
			{"no grant", with(url.Values{"grant_type": nil}), "invalid_request", ""},
			{"other grant", with(url.Values{"grant_type": {"client_credentials"}}), "unsupported_grant_type", ""},
			{"refresh without token", with(url.Values{"grant_type": {"refresh_token"}}), "invalid_request", ""},
			{"refresh unknown", refreshForm(e, strings.Repeat("ab", 32)), "invalid_grant", ""},
			{"refresh too long", refreshForm(e, strings.Repeat("ab", 1000)), "invalid_grant", ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := e.Form(tokenPath, c.form)
				if c.code == "" {
					if a.Code != 200 {
						t.Errorf("%d %s", a.Code, a.Text())
					}
					return
				}
				b := a.JSON()
				if a.Code != 400 || b["code"] != c.code || b["error"] != b["detail"] || c.detail != "" && b["detail"] != c.detail {
					t.Errorf("%d %s, want code %s", a.Code, a.Text(), c.code)
				}
			})
		}
		t.Run("recorded", func(t *testing.T) {
			a := e.Form(tokenPath, with(url.Values{"password": {"wrongpass"}}))
			want := recorded(t, "users-token-bad-password").(map[string]any)
			for _, k := range []string{"type", "detail", "status", "code", "error"} {
				if a.JSON()[k] != want[k] {
					t.Errorf("%s = %v, want %v", k, a.JSON()[k], want[k])
				}
			}
		})
		t.Run("JSON is refused", func(t *testing.T) {
			form := map[string]string{}
			for k, v := range with(nil) {
				form[k] = v[0]
			}
			if a := e.Do("POST", tokenPath, "", form); a.Code != 400 || a.JSON()["code"] != "invalid_request" {
				t.Errorf("%d %s", a.Code, a.Text())
			}
		})
		t.Run("query is refused", func(t *testing.T) {
			if a := e.Form(tokenPath+"?"+with(nil).Encode(), url.Values{}); a.Code != 400 || a.JSON()["code"] != "invalid_client" {
				t.Errorf("%d %s", a.Code, a.Text())
			}
		})
		t.Run("large form", func(t *testing.T) {
			if a := e.Form(tokenPath, with(url.Values{"scope": {strings.Repeat("a", 20<<10)}})); a.Code != 413 {
				t.Errorf("%d %s", a.Code, a.Text())
			}
		})
		t.Run("another client", func(t *testing.T) {
			refresh := e.Form(tokenPath, with(nil)).JSON()["refresh_token"].(string)
			if err := d.Tx(t.Context(), func(tx *db.Tx) error {
				return tx.Exec("INSERT INTO oauth_clients (client_id, client_secret, created_at) VALUES ('other', 'secret', ?)", db.Now()).Error
			}); err != nil {
				t.Fatal(err)
			}
			form := refreshForm(e, refresh)
			form.Set("client_id", "other")
			form.Set("client_secret", "secret")
			if a := e.Form(tokenPath, form); a.Code != 400 || a.JSON()["code"] != "invalid_grant" {
				t.Errorf("refresh by another client: %d %s", a.Code, a.Text())
			}
			if a := e.Form(tokenPath, refreshForm(e, refresh)); a.Code != 200 {
				t.Errorf("refresh by its own client: %d %s", a.Code, a.Text())
			}
		})
		if u.ID == 0 {
			t.Error("no id")
		}
	})
}

func TestClientHost(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		path := "/api/v1/oauth-clients/local"
		first := e.Do("GET", path, "", nil)
		id, secret := first.JSON()["client_id"].(string), first.JSON()["client_secret"].(string)
		if len(id) != 32 || len(secret) != 32 {
			t.Errorf("id %q, secret %q, want 32 characters each", id, secret)
		}
		if again := e.Do("GET", path, "stale-token", nil); again.Text() != first.Text() {
			t.Errorf("second answer %s differs from %s", again.Text(), first.Text())
		}
		for host, want := range map[string]int{
			accountstest.Host: 200, accountstest.Host + ":443": 200, strings.ToUpper(accountstest.Host): 200,
			"evil.test": 403, accountstest.Host + ":8080": 403, accountstest.Host + ".evil.test": 403,
		} {
			if a := e.Do("GET", path, "", nil, accountstest.Header("Host", host)); a.Code != want {
				t.Errorf("Host %s: %d, want %d", host, a.Code, want)
			}
		}
	})
}

// TestSEC46LoginLimit counts attempts per address and per account (SEC-46).
func TestSEC46LoginLimit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, func(c *config.Config) { c.RatesLimit.Login.Max = 3 })
		if _, err := e.Users.Create(t.Context(), newUser("alice")); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Users.Create(t.Context(), newUser("bob")); err != nil {
			t.Fatal(err)
		}
		login := func(name, password, ip string) accountstest.Answer {
			return e.Form(tokenPath, e.LoginForm(name, password), accountstest.From(ip), accountstest.Header("X-Forwarded-For", "203.0.113.9"))
		}
		for i, want := range []int{400, 200, 400, 429} {
			password := "wrongpass"
			if want == 200 {
				password = accountstest.Password
			}
			if a := login("alice", password, "192.0.2.1"); a.Code != want {
				t.Errorf("attempt %d: %d, want %d", i+1, a.Code, want)
			}
		}
		a := login("bob", accountstest.Password, "192.0.2.1")
		if a.Code != 429 || a.Header().Get("Retry-After") == "" {
			t.Errorf("another account from the same address: %d, Retry-After %q", a.Code, a.Header().Get("Retry-After"))
		}
		if a := login("ALICE@example.com", accountstest.Password, "192.0.2.2"); a.Code != 429 {
			t.Errorf("the same account, otherwise spelled, from another address: %d", a.Code)
		}
		if a := login("bob", accountstest.Password, "192.0.2.3"); a.Code != 200 {
			t.Errorf("another account from another address: %d", a.Code)
		}
		for range 3 {
			login("ghost", "wrongpass", "192.0.2.4")
		}
		if a := login("ghost", "wrongpass", "192.0.2.5"); a.Code != 429 {
			t.Errorf("an unknown name is limited like a known one: %d", a.Code)
		}
	})
}

// TestBearer sends tokens in all ways; only the header counts.
func TestBearer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		_, token := e.User("alice", rest.RoleUser)
		h := accountstest.Header
		for _, c := range []struct {
			name, path string
			opts       []accountstest.Option
			status     int
			code       string
		}{
			{"header", mePath, []accountstest.Option{h("Authorization", "Bearer "+token)}, 200, ""},
			{"lower case scheme", mePath, []accountstest.Option{h("Authorization", "bearer  "+token)}, 200, ""},
			{"query", mePath + "?accessToken=" + token, nil, 401, ""},
			{"query of the RFC", mePath + "?access_token=" + token, nil, 401, ""},
			{"unknown", mePath, []accountstest.Option{h("Authorization", "Bearer "+strings.Repeat("0", 64))}, 401, "invalid_token"},
			{"empty", mePath, []accountstest.Option{h("Authorization", "Bearer ")}, 401, "invalid_token"},
			{"very long", mePath, []accountstest.Option{h("Authorization", "Bearer "+strings.Repeat("0", 5000))}, 401, "invalid_token"},
			{"other scheme", mePath, []accountstest.Option{h("Authorization", "Basic "+token)}, 401, ""},
			{"wrong one on an open route", "/api/v1/accounts", []accountstest.Option{h("Authorization", "Bearer x")}, 401, "invalid_token"},
			{"signature on an open route", "/api/v1/accounts", []accountstest.Option{h("Authorization", `Signature keyId="x"`)}, 200, ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := e.Do("GET", c.path, "", nil, c.opts...)
				if a.Code != c.status || c.code != "" && a.JSON()["code"] != c.code {
					t.Errorf("%d %s, want %d %s", a.Code, a.Text(), c.status, c.code)
				}
			})
		}
		t.Run("expired", func(t *testing.T) {
			exec(t, d, "UPDATE oauth_tokens SET access_expires_at = ?", db.Now().Add(-time.Second))
			a := e.Do("GET", mePath, token, nil)
			if a.Code != 401 || a.JSON()["code"] != "invalid_token" || !strings.Contains(a.Text(), "expired") {
				t.Errorf("%d %s", a.Code, a.Text())
			}
		})
		t.Run("expired ones are removed", func(t *testing.T) {
			count := func() (n int64) {
				if err := d.Read(t.Context()).Table("oauth_tokens").Count(&n).Error; err != nil {
					t.Fatal(err)
				}
				return n
			}
			if err := e.OAuth.DeleteExpired(t.Context()); err != nil || count() != 1 {
				t.Errorf("%d rows, %v: a pair that can be refreshed stays", count(), err)
			}
			exec(t, d, "UPDATE oauth_tokens SET refresh_expires_at = ?", db.Now().Add(-time.Second))
			if err := e.OAuth.DeleteExpired(t.Context()); err != nil || count() != 0 {
				t.Errorf("%d rows, %v: want none", count(), err)
			}
		})
	})
}

func exec(t *testing.T, d *db.DB, sql string, args ...any) {
	t.Helper()
	if err := d.Tx(context.Background(), func(tx *db.Tx) error { return tx.Exec(sql, args...).Error }); err != nil {
		t.Fatal(err)
	}
}

// TestSessionCookie is the matrix of SEC-48.
func TestSessionCookie(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		u, bearer := e.User("alice", rest.RoleUser)
		cookie, expires, err := e.OAuth.NewSession(t.Context(), u.ID, oauth.Place{})
		if err != nil || time.Until(expires) < 13*24*time.Hour {
			t.Fatalf("session until %v, %v", expires, err)
		}
		h := accountstest.Header
		with := h("Cookie", oauth.CookieName+"="+cookie)
		change := map[string]any{"description": "changed"}
		for _, c := range []struct {
			name, method, token string
			opts                []accountstest.Option
			status              int
		}{
			{"read", "GET", "", []accountstest.Option{with}, 200},
			{"read from elsewhere", "GET", "", []accountstest.Option{with, h("Sec-Fetch-Site", "cross-site")}, 200}, // unreadable there: no CORS with credentials
			{"write from a page of ours", "PUT", "", []accountstest.Option{with, h("Sec-Fetch-Site", "same-origin")}, 204},
			{"write with our origin", "PUT", "", []accountstest.Option{with, h("Origin", "https://kinemesh.test")}, 204},
			{"write without either", "PUT", "", []accountstest.Option{with}, 401},
			{"write from elsewhere", "PUT", "", []accountstest.Option{with, h("Sec-Fetch-Site", "cross-site"), h("Origin", "https://evil.test")}, 401},
			{"write from a sister site", "PUT", "", []accountstest.Option{with, h("Sec-Fetch-Site", "same-site"), h("Origin", "https://a.kinemesh.test")}, 401},
			{"write typed by hand", "PUT", "", []accountstest.Option{with, h("Sec-Fetch-Site", "none")}, 401},
			{"write with another origin", "PUT", "", []accountstest.Option{with, h("Origin", "https://kinemesh.test.evil.test")}, 401},
			{"write with another scheme", "PUT", "", []accountstest.Option{with, h("Origin", "http://kinemesh.test")}, 401},
			{"write with another port", "PUT", "", []accountstest.Option{with, h("Origin", "https://kinemesh.test:8443")}, 401},
			{"write with origin null", "PUT", "", []accountstest.Option{with, h("Origin", "null")}, 401},
			{"write with a referrer alone", "PUT", "", []accountstest.Option{with, h("Referer", "https://kinemesh.test/")}, 401},
			{"write without cookie", "PUT", "", []accountstest.Option{h("Sec-Fetch-Site", "same-origin")}, 401},
			{"write with a token from elsewhere", "PUT", bearer, []accountstest.Option{h("Sec-Fetch-Site", "cross-site"), h("Origin", "https://evil.test")}, 204},
			{"wrong cookie", "GET", "", []accountstest.Option{h("Cookie", oauth.CookieName+"=x")}, 401},
		} {
			t.Run(c.name, func(t *testing.T) {
				var body any
				if c.method == "PUT" {
					body = change
				}
				if a := e.Do(c.method, mePath, c.token, body, c.opts...); a.Code != c.status {
					t.Errorf("%d %s, want %d", a.Code, a.Text(), c.status)
				}
			})
		}
		t.Run("attributes", func(t *testing.T) {
			for i, c := range e.OAuth.Cookies(cookie, expires) {
				want := []http.SameSite{http.SameSiteLaxMode, http.SameSiteStrictMode}[i]
				if !c.HttpOnly || !c.Secure || c.SameSite != want || c.Valid() != nil {
					t.Errorf("cookie %v", c)
				}
			}
		})
		t.Run("logout", func(t *testing.T) {
			a := e.Do("POST", "/api/v1/users/revoke-token", "", nil, with, h("Sec-Fetch-Site", "same-origin"))
			if a.Code != 200 || !strings.Contains(strings.Join(a.Header().Values("Set-Cookie"), ";"), "Max-Age=0") {
				t.Errorf("%d %v", a.Code, a.Header())
			}
			if a := e.Do("GET", mePath, "", nil, with); a.Code != 401 {
				t.Errorf("after the logout: %d", a.Code)
			}
			if a := e.Do("GET", mePath, bearer, nil); a.Code != 200 {
				t.Errorf("the token: %d", a.Code)
			}
		})
		t.Run("end", func(t *testing.T) {
			cookie, _, err := e.OAuth.NewSession(t.Context(), u.ID, oauth.Place{})
			if err != nil {
				t.Fatal(err)
			}
			with := h("Cookie", oauth.CookieName+"="+cookie)
			if a := e.Do("GET", mePath, "", nil, with); a.Code != 200 {
				t.Errorf("%d", a.Code)
			}
			if err := e.OAuth.EndSession(t.Context(), cookie); err != nil {
				t.Fatal(err)
			}
			if a := e.Do("GET", mePath, "", nil, with); a.Code != 401 {
				t.Errorf("%d", a.Code)
			}
		})
	})
}

// TestSEC47Events ends every session when what a user may do changes (SEC-47).
func TestSEC47Events(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		for _, c := range []struct {
			name, user, method, path string
			body                     any
			survives                 bool
		}{
			{"own password", "$", "PUT", "/users/me", map[string]any{"password": "another password", "currentPassword": accountstest.Password}, false},
			{"password by an administrator", "root", "PUT", "/users/$", map[string]any{"password": "another password"}, false},
			{"role", "root", "PUT", "/users/$", map[string]any{"role": 1}, false},
			{"block", "root", "POST", "/users/$/block", map[string]any{"reason": "spam"}, false},
			{"deletion", "root", "DELETE", "/users/$", nil, false},
			{"own deletion", "$", "DELETE", "/users/me", nil, false},
			{"quota", "root", "PUT", "/users/$", map[string]any{"videoQuota": 5}, true},
			{"the same role", "root", "PUT", "/users/$", map[string]any{"role": 2}, true},
			{"own description", "$", "PUT", "/users/me", map[string]any{"description": "hello"}, true},
		} {
			t.Run(c.name, func(t *testing.T) {
				name := strings.ReplaceAll(c.name, " ", "_")
				u, access := e.User(name, rest.RoleUser)
				refresh := e.Form(tokenPath, e.LoginForm(name, accountstest.Password)).JSON()["refresh_token"].(string)
				cookie, _, err := e.OAuth.NewSession(t.Context(), u.ID, oauth.Place{})
				if err != nil {
					t.Fatal(err)
				}
				with := access
				if c.user != "$" {
					with = token[c.user]
				}
				a := e.Do(c.method, "/api/v1"+strings.ReplaceAll(c.path, "$", fmt.Sprint(u.ID)), with, c.body)
				if a.Code != 204 {
					t.Fatalf("%d %s", a.Code, a.Text())
				}
				got := []int{
					e.Do("GET", mePath, access, nil).Code,
					e.Do("GET", mePath, "", nil, accountstest.Header("Cookie", oauth.CookieName+"="+cookie)).Code,
					e.Form(tokenPath, refreshForm(e, refresh)).Code,
				}
				want := []int{401, 401, 400}
				if c.survives {
					want = []int{200, 200, 200}
				}
				if !slices.Equal(got, want) {
					t.Errorf("token, session and refresh answer %v, want %v", got, want)
				}
			})
		}
		if a := e.Do("GET", mePath, token["alice"], nil); a.Code != 200 {
			t.Errorf("another user's session ended: %d", a.Code)
		}
	})
}

// TestSEC46LoginTime compares known with unknown names (SEC-46).
func TestSEC46LoginTime(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	e := accountstest.New(t, dbtest.SQLite(t), func(c *config.Config) { c.RatesLimit.Login.Max = 1000000 })
	if _, err := e.Users.Create(t.Context(), newUser("alice")); err != nil {
		t.Fatal(err)
	}
	times := map[string][]time.Duration{}
	for range 60 { // taking turns, so that a busy machine is busy for both
		for _, name := range []string{"alice", "nobody"} {
			start := time.Now()
			if _, err := e.Users.Login(t.Context(), user.Attempt{Login: name, Password: "wrongpass", IP: "192.0.2.1"}); err == nil {
				t.Fatal("logged in")
			}
			times[name] = append(times[name], time.Since(start))
		}
	}
	median := func(name string) time.Duration {
		slices.Sort(times[name])
		return times[name][len(times[name])/2]
	}
	known, unknown := median("alice"), median("nobody")
	t.Logf("known %v, unknown %v", known, unknown)
	if unknown < known*7/10 || known < unknown*7/10 {
		t.Errorf("a known name takes %v, an unknown one %v", known, unknown)
	}
}

// TestSEC47RefreshRace lets many use one refresh token at once: at most one wins.
func TestSEC47RefreshRace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		e.User("alice", rest.RoleUser)
		body := e.Form(tokenPath, e.LoginForm("alice", accountstest.Password)).JSON()
		form := refreshForm(e, body["refresh_token"].(string))
		codes := make(chan int, 6)
		for range cap(codes) {
			go func() { codes <- e.Form(tokenPath, form).Code }()
		}
		won := 0
		for range cap(codes) {
			switch code := <-codes; code {
			case 200:
				won++
			case 400:
			default:
				t.Errorf("status %d", code)
			}
		}
		if won != 1 {
			t.Errorf("%d won, want 1", won)
		}
		var n int64
		if err := d.Read(t.Context()).Table("oauth_tokens").Count(&n).Error; err != nil || n != 1 {
			t.Errorf("%d rows, %v: the reuse should have ended the family and left the other", n, err)
		}
	})
}

func BenchmarkAuthenticate(b *testing.B) {
	e := accountstest.New(b, dbtest.SQLite(b))
	_, token := e.User("alice", rest.RoleUser)
	b.ResetTimer()
	for b.Loop() {
		if a := e.Do("GET", "/api/v1/users/me/video-quota-used", token, nil); a.Code != 200 {
			b.Fatal(a.Code)
		}
	}
}
