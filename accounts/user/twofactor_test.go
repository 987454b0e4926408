package user_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// code is what an authenticator shows, steps of 30 seconds from now.
func code(t *testing.T, secret string, steps int) string {
	t.Helper()
	c, err := totp.GenerateCode(secret, time.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// factor switches the second factor of a user on, with the code of now.
func factor(t *testing.T, e *accountstest.Env, u *user.User, token string) (secret string) {
	t.Helper()
	path := fmt.Sprintf("/api/v1/users/%d/two-factor/", u.ID)
	a := e.Do("POST", path+"request", token, object{"currentPassword": accountstest.Password})
	want(t, "request", a, 200)
	r := a.JSON()["otpRequest"].(object)
	secret = r["secret"].(string)
	want(t, "confirm", e.Do("POST", path+"confirm-request", token, object{"requestToken": r["requestToken"], "otpToken": code(t, secret, 0)}), 204)
	return secret
}

func login(e *accountstest.Env, name, code string) accountstest.Answer {
	if code == "" {
		return e.Form("/api/v1/users/token", e.LoginForm(name, accountstest.Password))
	}
	return e.Form("/api/v1/users/token", e.LoginForm(name, accountstest.Password), accountstest.Header("x-peertube-otp", code))
}

// TestSEC46SecondFactor walks through the second factor as clients do; codes
// are good once.
func TestSEC46SecondFactor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		alice, token := e.User("alice", rest.RoleUser)
		me := func() any { return e.Do("GET", "/api/v1/users/me", token, nil).JSON()["twoFactorEnabled"] }
		path := fmt.Sprintf("/api/v1/users/%d/two-factor/", alice.ID)
		a := e.Do("POST", path+"request", token, object{"currentPassword": accountstest.Password})
		want(t, "request", a, 200)
		r := a.JSON()["otpRequest"].(object)
		secret := r["secret"].(string)
		key, err := otp.NewKeyFromURL(r["uri"].(string))
		if err != nil || key.Secret() != secret || key.Issuer() != "Kinemesh" || key.AccountName() != "alice@example.com" || key.Type() != "totp" {
			t.Errorf("uri %v, %v", r["uri"], err)
		}
		want(t, "login before it is confirmed", login(e, "alice", ""), 200)
		confirm := func(body object) accountstest.Answer { return e.Do("POST", path+"confirm-request", token, body) }
		want(t, "wrong code", confirm(object{"requestToken": r["requestToken"], "otpToken": "000000"}), 403, "Invalid OTP token")
		want(t, "wrong token", confirm(object{"requestToken": "x", "otpToken": code(t, secret, 0)}), 403, "Invalid request token")
		if me() != false {
			t.Error("wrong codes switch it on")
		}
		first := code(t, secret, 0)
		want(t, "confirm", confirm(object{"requestToken": r["requestToken"], "otpToken": first}), 204)
		if me() != true {
			t.Error("twoFactorEnabled is false")
		}
		want(t, "confirm again", confirm(object{"requestToken": r["requestToken"], "otpToken": first}), 400, "already enabled")
		want(t, "request again", e.Do("POST", path+"request", token, object{"currentPassword": accountstest.Password}), 400, "already enabled")

		a = login(e, "alice", "")
		want(t, "login without code", a, 401, "missing_two_factor")
		if h := a.Header().Get("x-peertube-otp"); h != "required; app" {
			t.Errorf("x-peertube-otp: %q", h)
		}
		want(t, "wrong password", e.Form("/api/v1/users/token", e.LoginForm("alice", "wrong password"), accountstest.Header("x-peertube-otp", first)), 400, "invalid_grant")
		want(t, "wrong code", login(e, "alice", "000000"), 400, "invalid_two_factor")
		want(t, "the code that confirmed", login(e, "alice", first), 400, "invalid_two_factor")
		want(t, "an old code", login(e, "alice", code(t, secret, -5)), 400, "invalid_two_factor")
		earlier, next := code(t, secret, 0), code(t, secret, 1)
		want(t, "the next code", login(e, "alice", next[:3]+" "+next[3:]), 200, "access_token")
		want(t, "the same again", login(e, "alice", next), 400, "invalid_two_factor")
		want(t, "an earlier one after it", login(e, "alice", earlier), 400, "invalid_two_factor")

		// The secret is readable nowhere (SEC-53).
		var rows []map[string]any
		for _, table := range []string{"users", "tickets"} {
			if err := d.Read(t.Context()).Table(table).Find(&rows).Error; err != nil || strings.Contains(fmt.Sprint(rows), secret) {
				t.Errorf("%s holds the secret in clear, %v", table, err)
			}
		}
		want(t, "disable", e.Do("POST", path+"disable", token, object{"currentPassword": accountstest.Password}), 204)
		want(t, "login after", login(e, "alice", ""), 200)
		want(t, "disable again", e.Do("POST", path+"disable", token, object{"currentPassword": accountstest.Password}), 400, "already disabled")
	})
}

// TestSEC46CodeRace comes with one code from many sides at once.
func TestSEC46CodeRace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		alice, token := e.User("alice", rest.RoleUser)
		next := code(t, factor(t, e, alice, token), 1)
		var in atomic.Int32
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				if _, err := e.Users.Login(t.Context(), user.Attempt{Login: "alice", Password: accountstest.Password, OTP: next, IP: "192.0.2.1"}); err == nil {
					in.Add(1)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("%d logins by one code", in.Load())
		}
	})
}

// TestSEC44SecondFactor sends wrong requests and those of others.
func TestSEC44SecondFactor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		admin, root := e.User("root", rest.RoleAdmin)
		_, mod := e.User("mod", rest.RoleModerator)
		_, bob := e.User("bob", rest.RoleUser)
		alice, token := e.User("alice", rest.RoleUser)
		path := func(id any, what string) string { return fmt.Sprintf("/api/v1/users/%v/two-factor/%s", id, what) }
		right := object{"currentPassword": accountstest.Password}
		for _, c := range []struct {
			name, token, path string
			body              any
			status            int
			contains          string
		}{
			{"no token", "", path(alice.ID, "request"), right, 401, ""},
			{"another user", bob, path(alice.ID, "request"), right, 403, "right"},
			{"an administrator by a moderator", mod, path(admin.ID, "request"), right, 403, "right"},
			{"unknown user", root, path(99999, "request"), right, 404, "User not found"},
			{"no password", token, path(alice.ID, "request"), object{}, 400, "currentPassword"},
			{"no body", token, path(alice.ID, "request"), nil, 415, ""},
			{"wrong password", token, path(alice.ID, "request"), object{"currentPassword": "wrong"}, 403, "current_password_is_invalid"},
			{"password of wrong type", token, path(alice.ID, "request"), object{"currentPassword": 1}, 400, ""},
			{"confirm without token", "", path(alice.ID, "confirm-request"), object{"requestToken": "x", "otpToken": "1"}, 401, ""},
			{"confirm for another", bob, path(alice.ID, "confirm-request"), object{"requestToken": "x", "otpToken": "1"}, 403, "right"},
			{"confirm with nothing", token, path(alice.ID, "confirm-request"), object{}, 400, "otpToken"},
			{"confirm what was not asked for", token, path(alice.ID, "confirm-request"), object{"requestToken": "x", "otpToken": "123456"}, 403, "request token"},
			{"disable for another", bob, path(alice.ID, "disable"), right, 403, "right"},
			{"disable what is off", token, path(alice.ID, "disable"), right, 400, "already disabled"},
		} {
			want(t, c.name, e.Do("POST", c.path, c.token, c.body), c.status, c.contains)
		}
		secret := factor(t, e, alice, token)
		want(t, "disable with a wrong password", e.Do("POST", path(alice.ID, "disable"), token, object{"currentPassword": "wrong"}), 403)
		want(t, "disable by another", e.Do("POST", path(alice.ID, "disable"), bob, right), 403)
		want(t, "still on", login(e, "alice", ""), 401, "missing_two_factor")

		// A secret moved to another row is of no use.
		exec(t, d, "UPDATE users SET otp_secret = (SELECT otp_secret FROM users WHERE username = 'alice') WHERE username = 'bob'")
		if a := login(e, "bob", code(t, secret, 1)); a.Code < 400 {
			t.Errorf("another's secret lets in: %d", a.Code)
		}
		// Who lost the device is helped by a moderator, without the password.
		want(t, "disable by a moderator", e.Do("POST", path(alice.ID, "disable"), mod, nil), 204)
		want(t, "login", login(e, "alice", ""), 200)
	})
}

// TestFeedToken reads and renews the token for private feeds (SEC-44, SEC-47).
func TestFeedToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		alice, token := e.User("alice", rest.RoleUser)
		bob, bobs := e.User("bob", rest.RoleUser)
		read := func(method, token string) string {
			t.Helper()
			a := e.Do(method, "/api/v1/users/scoped-tokens", token, nil)
			want(t, method, a, 200)
			return a.JSON()["feedToken"].(string)
		}
		account := func(u *user.User) int64 {
			a, err := e.Channels.AccountOfUser(t.Context(), u.ID)
			if err != nil {
				t.Fatal(err)
			}
			return a.ID
		}
		finds := func(u *user.User, token string) bool {
			got, err := e.Users.ByFeedToken(t.Context(), account(u), token)
			return err == nil && got.ID == u.ID
		}
		first, ofBob := read("GET", token), read("GET", bobs)
		if first != read("GET", token) || first == ofBob || len(first) != 36 {
			t.Errorf("tokens %q and %q", first, ofBob)
		}
		if !finds(alice, first) || finds(alice, ofBob) || finds(bob, first) || finds(alice, "") {
			t.Error("feeds are opened by the wrong tokens")
		}
		second := read("POST", token)
		if second == first || finds(alice, first) || !finds(alice, second) || !finds(bob, ofBob) {
			t.Error("renewing does not replace the token, or replaces others'")
		}
		if err := e.Users.Block(t.Context(), alice, ""); err != nil {
			t.Fatal(err)
		}
		if finds(alice, second) {
			t.Error("a blocked user's feed is open")
		}
		want(t, "no token", e.Do("GET", "/api/v1/users/scoped-tokens", "", nil), 401)
		want(t, "no token", e.Do("POST", "/api/v1/users/scoped-tokens", "", nil), 401)
		want(t, "not for the API", e.Do("GET", "/api/v1/users/me", second, nil), 401)
		if a := e.Form("/api/v1/users/token", url.Values{"refresh_token": {second}}); a.Code == 200 {
			t.Error("a feed token logs in")
		}
	})
}
