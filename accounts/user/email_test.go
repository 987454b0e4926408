package user_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type object = map[string]any

// want checks the status of an answer, and its code or what it contains.
func want(t *testing.T, what string, a accountstest.Answer, status int, contains ...string) {
	t.Helper()
	if a.Code != status {
		t.Errorf("%s: %d %s, want %d", what, a.Code, a.Text(), status)
		return
	}
	for _, c := range contains {
		if !strings.Contains(a.Text(), c) {
			t.Errorf("%s: %s, want %s in it", what, a.Text(), c)
		}
	}
}

func verified(c *config.Config) {
	c.Signup.Enabled, c.Signup.RequiresApproval, c.Signup.RequiresEmailVerification = true, false, true
}

func TestVerifyEmail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, mails := accountstest.NewWithMail(t, d, verified)
		post := func(path string, body any) accountstest.Answer { return e.Do("POST", "/api/v1/users"+path, "", body) }
		want(t, "register", post("/register", object{
			"username": "alice", "email": "alice@example.com", "password": accountstest.Password, "emailVerified": true, // SEC-45
		}), 204)
		alice, err := e.Users.ByUsername(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		bob, err := e.Users.Create(t.Context(), user.NewUser{Username: "bob", Email: "bob@example.com", Password: accountstest.Password, Role: rest.RoleUser})
		if err != nil {
			t.Fatal(err)
		}
		login := func(what string, status int, code string) {
			t.Helper()
			want(t, what, e.Form("/api/v1/users/token", e.LoginForm("alice", accountstest.Password)), status, code)
		}
		login("before", 400, "email_not_verified")
		m := mails.Wait(1)
		page, first := accountstest.Secret(t, m)
		if m.To != "alice@example.com" || page != "/verify-account/email" || first.Get("userId") != fmt.Sprint(alice.ID) || first.Has("isPendingEmail") {
			t.Errorf("mail to %s leads to %s?%v", m.To, page, first)
		}
		want(t, "ask again", post("/ask-send-verify-email", object{"email": "Alice@example.com"}), 204)
		_, second := accountstest.Secret(t, mails.Wait(2))
		path := func(id any) string { return fmt.Sprintf("/%v/verify-email", id) }
		secret := second.Get("verificationString")
		for _, c := range []struct {
			name, path string
			body       any
			status     int
			contains   string
		}{
			{"wrong secret", path(alice.ID), object{"verificationString": strings.Repeat("0", 64)}, 403, "Invalid verification string."},
			{"replaced secret", path(alice.ID), object{"verificationString": first.Get("verificationString")}, 403, ""},
			{"another's secret", path(bob.ID), object{"verificationString": secret}, 403, ""},
			{"secret of something else", path(alice.ID), object{"verificationString": secret, "isPendingEmail": true}, 403, ""},
			{"secret for the password", fmt.Sprintf("/%d/reset-password", alice.ID), object{"verificationString": secret, "password": "another password"}, 403, ""},
			{"no secret", path(alice.ID), object{}, 400, `"verificationString"`},
			{"secret of wrong type", path(alice.ID), object{"verificationString": 1}, 400, ""},
			{"no JSON", path(alice.ID), "x", 400, ""},
			{"unknown user", path(99999), object{"verificationString": secret}, 404, "User not found"},
			{"no id", path("alice"), object{"verificationString": secret}, 404, ""},
		} {
			want(t, c.name, post(c.path, c.body), c.status, c.contains)
		}
		login("after wrong secrets", 400, "email_not_verified")
		want(t, "verify", post(path(alice.ID), object{"verificationString": secret}), 204)
		login("after", 200, "access_token")
		want(t, "a second use", post(path(alice.ID), object{"verificationString": secret}), 403)

		// Nothing is said of who has an account, and nothing sent to who needs none.
		for _, email := range []string{"alice@example.com", "nobody@example.com"} {
			want(t, "ask for "+email, post("/ask-send-verify-email", object{"email": email}), 204)
		}
		for name, body := range map[string]any{"none": object{}, "no address": object{"email": "alice"}, "wrong type": object{"email": 1}} {
			want(t, name, post("/ask-send-verify-email", body), 400, "email")
			want(t, name, post("/ask-reset-password", body), 400, "email")
		}
		jobstest.Drain(t, d)
		if n := len(mails.Mails()); n != 2 {
			t.Errorf("%d mails, want 2", n)
		}
	})
}

// TestPendingEmail changes an address that is to be verified.
func TestPendingEmail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, mails := accountstest.NewWithMail(t, d, verified)
		alice, token := e.User("alice", rest.RoleUser)
		bob, bobsToken := e.User("bob", rest.RoleUser)
		put := func(token, email string) accountstest.Answer {
			return e.Do("PUT", "/api/v1/users/me", token, object{"email": email, "currentPassword": accountstest.Password})
		}
		me := func() object { return e.Do("GET", "/api/v1/users/me", token, nil).JSON() }
		verify := func(id int64, params map[string][]string) accountstest.Answer {
			return e.Do("POST", fmt.Sprintf("/api/v1/users/%d/verify-email", id), "", object{
				"verificationString": params["verificationString"][0], "isPendingEmail": params["isPendingEmail"] != nil,
			})
		}
		want(t, "another's address", put(token, "bob@example.com"), 409, "already exists")
		want(t, "change", put(token, "New@example.com"), 204)
		if got := me(); got["email"] != "alice@example.com" || got["pendingEmail"] != "new@example.com" {
			t.Errorf("email %v, pending %v", got["email"], got["pendingEmail"])
		}
		m := mails.Wait(1)
		_, first := accountstest.Secret(t, m)
		if m.To != "new@example.com" || first.Get("isPendingEmail") != "true" {
			t.Errorf("mail to %s with %v", m.To, first)
		}
		want(t, "another change", put(token, "newer@example.com"), 204)
		_, second := accountstest.Secret(t, mails.Wait(2))
		want(t, "the link of the first", verify(alice.ID, first), 403)
		want(t, "another user", verify(bob.ID, second), 403)
		want(t, "ask again", e.Do("POST", "/api/v1/users/ask-send-verify-email", "", object{"email": "newer@example.com"}), 204)
		_, third := accountstest.Secret(t, mails.Wait(3))
		want(t, "verify", verify(alice.ID, third), 204)
		if got := me(); got["email"] != "newer@example.com" || got["pendingEmail"] != nil || got["emailVerified"] != true {
			t.Errorf("email %v, pending %v, verified %v", got["email"], got["pendingEmail"], got["emailVerified"])
		}

		// The address is taken while its link is on the way.
		want(t, "bob asks", put(bobsToken, "wanted@example.com"), 204)
		_, params := accountstest.Secret(t, mails.Wait(4))
		if _, err := e.Users.Create(t.Context(), user.NewUser{Username: "carol", Email: "wanted@example.com", Password: accountstest.Password, Role: rest.RoleUser}); err != nil {
			t.Fatal(err)
		}
		want(t, "taken meanwhile", verify(bob.ID, params), 409, "already exists")
		want(t, "back to the old one", put(bobsToken, "bob@example.com"), 204)
		if got := e.Do("GET", "/api/v1/users/me", bobsToken, nil).JSON(); got["email"] != "bob@example.com" || got["pendingEmail"] != nil {
			t.Errorf("email %v, pending %v", got["email"], got["pendingEmail"])
		}
	})
}

// TestResetPassword sets a forgotten password anew, once (SEC-47).
func TestResetPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, mails := accountstest.NewWithMail(t, d)
		alice, token := e.User("alice", rest.RoleUser)
		bob, _ := e.User("bob", rest.RoleUser)
		blocked, _ := e.User("carol", rest.RoleUser)
		exec(t, d, "UPDATE users SET blocked = ? WHERE id = ?", true, blocked.ID)
		ask := func(email string) {
			t.Helper()
			a := e.Do("POST", "/api/v1/users/ask-reset-password", "", object{"email": email})
			want(t, "ask for "+email, a, 204)
		}
		reset := func(id any, body any) accountstest.Answer {
			return e.Do("POST", fmt.Sprintf("/api/v1/users/%v/reset-password", id), "", body)
		}
		for _, email := range []string{"nobody@example.com", "carol@example.com", "alice@example.com"} {
			ask(email)
		}
		m := mails.Wait(1)
		page, params := accountstest.Secret(t, m)
		secret := params.Get("verificationString")
		if m.To != "alice@example.com" || page != "/reset-password" || params.Get("userId") != fmt.Sprint(alice.ID) {
			t.Errorf("mail to %s leads to %s?%v", m.To, page, params)
		}
		const next = "another password"
		for _, c := range []struct {
			name   string
			id     any
			body   any
			status int
			in     string
		}{
			{"wrong secret", alice.ID, object{"verificationString": strings.Repeat("a", 64), "password": next}, 403, "Invalid verification string."},
			{"another user", bob.ID, object{"verificationString": secret, "password": next}, 403, ""},
			{"no secret", alice.ID, object{"password": next}, 400, `"verificationString"`},
			{"no password", alice.ID, object{"verificationString": secret}, 400, `"password"`},
			{"short password", alice.ID, object{"verificationString": secret, "password": "1234567"}, 400, `"password"`},
			{"long password", alice.ID, object{"verificationString": secret, "password": strings.Repeat("a", 257)}, 400, `"password"`},
			{"password of wrong type", alice.ID, object{"verificationString": secret, "password": []string{next}}, 400, ""},
			{"unknown user", 99999, object{"verificationString": secret, "password": next}, 404, "User not found"},
		} {
			want(t, c.name, reset(c.id, c.body), c.status, c.in)
		}
		want(t, "me after refusals", e.Do("GET", "/api/v1/users/me", token, nil), 200)
		want(t, "reset", reset(alice.ID, object{"verificationString": secret, "password": next}), 204)
		want(t, "me after the reset", e.Do("GET", "/api/v1/users/me", token, nil), 401)
		want(t, "the old password", e.Form("/api/v1/users/token", e.LoginForm("alice", accountstest.Password)), 400, "invalid_grant")
		want(t, "the new password", e.Form("/api/v1/users/token", e.LoginForm("alice", next)), 200)
		want(t, "a second use", reset(alice.ID, object{"verificationString": secret, "password": "and another"}), 403)

		ask("bob@example.com")
		_, params = accountstest.Secret(t, mails.Wait(2))
		var life struct{ ExpiresAt time.Time }
		if err := d.Read(t.Context()).Table("tickets").Select("expires_at").Take(&life).Error; err != nil || (time.Until(life.ExpiresAt)-time.Hour).Abs() > time.Minute {
			t.Errorf("the link is good until %v, %v, want an hour", life.ExpiresAt, err)
		}
		exec(t, d, "UPDATE tickets SET expires_at = ?", db.Now().Add(-time.Second))
		want(t, "after an hour", reset(bob.ID, object{"verificationString": params.Get("verificationString"), "password": next}), 403)
		jobstest.Drain(t, d)
		if n := len(mails.Mails()); n != 2 {
			t.Errorf("%d mails, want none for blocked and unknown ones", n)
		}
	})
}

// TestSEC42ForgedHost asks for mails in the name of another host.
func TestSEC42ForgedHost(t *testing.T) {
	e, mails := accountstest.NewWithMail(t, dbtest.SQLite(t))
	e.User("alice", rest.RoleUser)
	for i, forged := range []accountstest.Option{
		accountstest.Header("Host", "evil.example"),
		accountstest.Header("Host", accountstest.Host+".evil.example"),
		accountstest.Header("X-Forwarded-Host", "evil.example"),
		accountstest.Header("X-Host", "evil.example"),
		accountstest.Header("Forwarded", "host=evil.example"),
		accountstest.Header("Origin", "https://evil.example"),
		accountstest.Header("Referer", "https://evil.example/"),
		accountstest.Header("X-Forwarded-Proto", "http"),
	} {
		want(t, "ask", e.Do("POST", "/api/v1/users/ask-reset-password", "", object{"email": "alice@example.com"}, forged), 204)
		m := mails.Wait(i + 1)
		accountstest.Secret(t, m)
		if strings.Contains(m.Text+m.HTML, "evil") {
			t.Errorf("the mail names the forged host: %s", m.Text)
		}
	}
}

// TestAskLimit allows few mails to one address and from one address (SEC-46).
func TestAskLimit(t *testing.T) {
	e := accountstest.New(t, dbtest.SQLite(t))
	ask := func(email, ip string) int {
		return e.Do("POST", "/api/v1/users/ask-reset-password", "", object{"email": email}, accountstest.From(ip)).Code
	}
	for i := range 3 {
		if got := ask("alice@example.com", fmt.Sprintf("192.0.2.%d", i)); got != 204 {
			t.Fatalf("request %d: %d", i, got)
		}
	}
	if got := ask("ALICE@example.com", "192.0.2.9"); got != 429 {
		t.Errorf("a fourth mail to one address: %d", got)
	}
	for i := range 3 {
		if got := ask(fmt.Sprintf("u%d@example.com", i), "198.51.100.1"); got != 204 {
			t.Fatalf("request %d: %d", i, got)
		}
	}
	a := e.Do("POST", "/api/v1/users/ask-send-verify-email", "", object{"email": "u9@example.com"}, accountstest.From("198.51.100.1"))
	if a.Code != 429 || a.Header().Get("Retry-After") == "" {
		t.Errorf("a fourth mail for one address: %d %v", a.Code, a.Header())
	}
}

// TestInvitation makes a user who sets the password by a mail.
func TestInvitation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, mails := accountstest.NewWithMail(t, d)
		_, root := e.User("root", rest.RoleAdmin)
		a := e.Do("POST", "/api/v1/users", root, object{"username": "dora", "email": "dora@example.com", "password": "", "role": 2})
		want(t, "create", a, 200)
		m := mails.Wait(1)
		page, params := accountstest.Secret(t, m)
		if m.To != "dora@example.com" || page != "/reset-password" || !strings.Contains(m.Text, "dora") {
			t.Errorf("mail to %s leads to %s: %s", m.To, page, m.Text)
		}
		want(t, "no password yet", e.Form("/api/v1/users/token", e.LoginForm("dora", "x")), 400, "invalid_grant")
		want(t, "set", e.Do("POST", "/api/v1/users/"+params.Get("userId")+"/reset-password", "", object{
			"verificationString": params.Get("verificationString"), "password": accountstest.Password,
		}), 204)
		e.Token("dora")
	})
	off := accountstest.New(t, dbtest.SQLite(t))
	_, root := off.User("root", rest.RoleAdmin)
	want(t, "without mail", off.Do("POST", "/api/v1/users", root, object{"username": "dora", "email": "dora@example.com", "password": "", "role": 2}), 400, `"password"`)
}

// TestBlockMail tells users why they are blocked, once.
func TestBlockMail(t *testing.T) {
	d := dbtest.SQLite(t)
	e, mails := accountstest.NewWithMail(t, d)
	_, mod := e.User("mod", rest.RoleModerator)
	alice, _ := e.User("alice", rest.RoleUser)
	path := fmt.Sprintf("/api/v1/users/%d/", alice.ID)
	for range 2 {
		want(t, "block", e.Do(http.MethodPost, path+"block", mod, object{"reason": "spam & <b>lies</b>"}), 204)
	}
	m := mails.Wait(1)
	if m.To != "alice@example.com" || !strings.Contains(m.Text, "was blocked. The reason: spam & <b>lies</b>") || strings.Contains(m.HTML, "<b>lies") {
		t.Errorf("%s: %s %s", m.To, m.Text, m.HTML)
	}
	for range 2 {
		want(t, "unblock", e.Do(http.MethodPost, path+"unblock", mod, nil), 204)
	}
	if m := mails.Wait(2); m.Subject() != "[Kinemesh] Account unblocked" {
		t.Errorf("subject %q", m.Subject())
	}
	jobstest.Drain(t, d)
	if n := len(mails.Mails()); n != 2 {
		t.Errorf("%d mails, want one for each change", n)
	}
}
