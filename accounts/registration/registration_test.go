package registration_test

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/registration"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type object = map[string]any

const path = "/api/v1/users/registrations"

func open(c *config.Config) {
	c.Signup.Enabled, c.Signup.RequiresApproval, c.RatesLimit.Signup.Max = true, true, 1000
}

// asks is what somebody called name registers with.
func asks(name string, change object) object {
	o := object{
		"username": name, "email": name + "@example.com", "password": accountstest.Password,
		"registrationReason": "I like videos", "displayName": strings.ToUpper(name),
	}
	maps.Copy(o, change)
	return o
}

func want(t *testing.T, what string, a accountstest.Answer, status int, contains string) {
	t.Helper()
	if a.Code != status || !strings.Contains(a.Text(), contains) {
		t.Errorf("%s: %d %s, want %d with %q", what, a.Code, a.Text(), status, contains)
	}
}

// TestRegistrations walks from the request to a login, and to a refusal.
func TestRegistrations(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, mails := accountstest.NewWithMail(t, d, open, func(c *config.Config) { c.Signup.RequiresEmailVerification = true })
		_, mod := e.User("mod", rest.RoleModerator)
		request := func(name string, change object) object {
			t.Helper()
			a := e.Do("POST", path+"/request", "", asks(name, change))
			want(t, "request of "+name, a, 200, "")
			return a.JSON()
		}
		login := func(name, password string, status int, code string) {
			t.Helper()
			want(t, "login of "+name, e.Form("/api/v1/users/token", e.LoginForm(name, password)), status, code)
		}
		alice := request("alice", object{"channel": object{"name": "alice_films", "displayName": "Films"}, "role": 0, "emailVerified": true, "state": 3})
		for k, v := range map[string]any{
			"state": object{"id": 1.0, "label": "Pending"}, "registrationReason": "I like videos", "moderationResponse": nil, "username": "alice",
			"email": "alice@example.com", "emailVerified": false, "accountDisplayName": "ALICE", "channelHandle": "alice_films", "channelDisplayName": "Films", "user": nil,
		} {
			if fmt.Sprint(alice[k]) != fmt.Sprint(v) {
				t.Errorf("%s = %v, want %v", k, alice[k], v)
			}
		}
		m := mails.Wait(1) // before the next is asked for: mails of two may overtake each other
		bob := request("bob", nil)
		mails.Wait(2)
		login("alice", accountstest.Password, 400, "account_waiting_for_approval")
		login("Alice@example.com", accountstest.Password, 400, "account_waiting_for_approval")
		login("alice", "wrong password", 400, "invalid_grant") // nobody else learns of it

		// The address is verified before or after the decision.
		page, params := accountstest.Secret(t, m)
		if m.To != "alice@example.com" || page != "/verify-account/email" || params.Get("registrationId") != fmt.Sprint(alice["id"]) {
			t.Errorf("mail to %s leads to %s?%v", m.To, page, params)
		}
		verify := func(id any, secret string) accountstest.Answer {
			return e.Do("POST", fmt.Sprintf("%s/%v/verify-email", path, id), "", object{"verificationString": secret})
		}
		secret := params.Get("verificationString")
		want(t, "another's secret", verify(bob["id"], secret), 403, "Invalid verification string.")
		want(t, "wrong secret", verify(alice["id"], strings.Repeat("0", 64)), 403, "")
		want(t, "no secret", verify(alice["id"], ""), 400, "verificationString")
		want(t, "unknown", verify(99999, secret), 404, "Registration not found")
		want(t, "verify", verify(alice["id"], secret), 204, "")
		want(t, "again", verify(alice["id"], secret), 403, "")
		for _, email := range []string{"alice@example.com", "bob@example.com", "nobody@example.com"} { // verified, not verified, unknown
			want(t, "ask for "+email, e.Do("POST", path+"/ask-send-verify-email", "", object{"email": email}), 204, "")
		}
		if m := mails.Wait(3); m.To != "bob@example.com" {
			t.Errorf("the mail that was asked for went to %s", m.To)
		}

		decide := func(id any, what, response string, silent bool) accountstest.Answer {
			return e.Do("POST", fmt.Sprintf("%s/%v/%s", path, id, what), mod, object{"moderationResponse": response, "preventEmailDelivery": silent})
		}
		want(t, "accept", decide(alice["id"], "accept", "Welcome & enjoy", false), 204, "")
		login("alice", accountstest.Password, 200, "access_token")
		if m := mails.Wait(4); m.To != "alice@example.com" || !strings.Contains(m.Text, "Welcome & enjoy") || m.Link("https://") != "https://kinemesh.test/login" {
			t.Errorf("mail to %s: %s", m.To, m.Text)
		}
		me := e.Do("GET", "/api/v1/users/me", e.Token("alice"), nil).JSON()
		if me["role"].(object)["id"] != 2.0 || me["emailVerified"] != true || me["account"].(object)["displayName"] != "ALICE" ||
			me["videoChannels"].([]any)[0].(object)["name"] != "alice_films" {
			t.Errorf("the user is %v", me)
		}
		want(t, "reject", decide(bob["id"], "reject", "No room", true), 204, "")
		login("bob", accountstest.Password, 400, "account_approval_rejected")
		for _, what := range []string{"accept", "reject"} {
			want(t, what+" again", decide(bob["id"], what, "Really", false), 409, "already accepted or rejected")
			want(t, what+" again", decide(alice["id"], what, "Really", false), 409, "already accepted or rejected")
		}

		list := e.Do("GET", path+"?sort=createdAt", mod, nil).JSON()
		rows := list["data"].([]any)
		if list["total"] != 2.0 || rows[0].(object)["user"].(object)["id"] != me["id"] || rows[1].(object)["moderationResponse"] != "No room" {
			t.Errorf("list %v", list)
		}
		want(t, "delete", e.Do("DELETE", fmt.Sprintf("%s/%v", path, bob["id"]), mod, nil), 204, "")
		want(t, "delete", e.Do("DELETE", fmt.Sprintf("%s/%v", path, alice["id"]), mod, nil), 204, "")
		login("bob", accountstest.Password, 400, "invalid_grant")
		login("alice", accountstest.Password, 200, "") // the user stays
		request("bob", nil)                            // and the name is free again
		jobstest.Drain(t, d)
		if n := len(mails.Mails()); n != 5 { // 2 requests, 1 asked for, 1 acceptance, 1 request
			t.Errorf("%d mails, want none for what was silent", n)
		}
	})
}

func TestRefusals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, open)
		_, mod := e.User("mod", rest.RoleModerator)
		_, user := e.User("user", rest.RoleUser)
		want(t, "the right twin", e.Do("POST", path+"/request", "", asks("alice", object{"channel": object{"name": "alice_films", "displayName": "Films"}})), 200, "")
		var r registration.Registration
		if err := d.Read(t.Context()).Take(&r).Error; err != nil {
			t.Fatal(err)
		}
		if r.PasswordHash == "" || strings.Contains(r.PasswordHash, accountstest.Password) || r.EmailVerified != nil {
			t.Errorf("row %+v", r)
		}
		one := fmt.Sprintf("%s/%d", path, r.ID)
		says := object{"moderationResponse": "Because"}
		for _, c := range []struct {
			name, method, path, token string
			body                      any
			status                    int
			contains                  string
		}{
			{"no reason", "POST", path + "/request", "", asks("bob", object{"registrationReason": ""}), 400, "registrationReason"},
			{"short reason", "POST", path + "/request", "", asks("bob", object{"registrationReason": " x\u200b"}), 400, "registrationReason"},
			{"long reason", "POST", path + "/request", "", asks("bob", object{"registrationReason": strings.Repeat("x", 3001)}), 400, "registrationReason"},
			{"reason of wrong type", "POST", path + "/request", "", asks("bob", object{"registrationReason": 1}), 400, ""},
			{"username", "POST", path + "/request", "", asks("bob", object{"username": "Bob!"}), 400, "username"},
			{"email", "POST", path + "/request", "", asks("bob", object{"email": "bob"}), 400, "email"},
			{"password", "POST", path + "/request", "", asks("bob", object{"password": "short"}), 400, "password"},
			{"channel like the user", "POST", path + "/request", "", asks("bob", object{"channel": object{"name": "bob", "displayName": "Bob"}}), 400, "channelName"},
			{"no JSON", "POST", path + "/request", "", "x", 400, ""},
			{"user taken", "POST", path + "/request", "", asks("user", nil), 409, "already exists"},
			{"user's address taken", "POST", path + "/request", "", asks("bob", object{"email": "USER@example.com"}), 409, "already exists"},
			{"channel taken", "POST", path + "/request", "", asks("bob", object{"channel": object{"name": "user_channel", "displayName": "x"}}), 409, "already exists"},
			{"name asked for", "POST", path + "/request", "", asks("alice", object{"email": "other@example.com"}), 409, "Registration with this"},
			{"address asked for", "POST", path + "/request", "", asks("bob", object{"email": "alice@example.com"}), 409, "Registration with this"},
			{"channel asked for", "POST", path + "/request", "", asks("bob", object{"channel": object{"name": "alice_films", "displayName": "x"}}), 409, "Registration with this"},
			{"an empty name", "POST", path + "/request", "", asks("bob", object{"displayName": ""}), 400, `"displayName"`},
			{"an empty channel", "POST", path + "/request", "", asks("bob", object{"channel": object{"name": ""}}), 400, `"channel.name"`},
			{"without approval", "POST", "/api/v1/users/register", "", asks("bob", nil), 403, "requires approval"},

			{"list for nobody", "GET", path, "", nil, 401, ""},
			{"list for a user", "GET", path, user, nil, 403, ""},
			{"accept by nobody", "POST", one + "/accept", "", says, 401, ""},
			{"accept by a user", "POST", one + "/accept", user, says, 403, ""},
			{"reject by a user", "POST", one + "/reject", user, says, 403, ""},
			{"delete by a user", "DELETE", one, user, nil, 403, ""},
			{"accept without answer", "POST", one + "/accept", mod, object{}, 400, "moderationResponse"},
			{"reject with a long answer", "POST", one + "/reject", mod, object{"moderationResponse": strings.Repeat("x", 3001)}, 400, "moderationResponse"},
			{"mail of wrong type", "POST", one + "/reject", mod, object{"moderationResponse": "Because", "preventEmailDelivery": "yes"}, 400, "preventEmailDelivery"},
			{"accept unknown", "POST", path + "/99999/accept", mod, says, 404, "Registration not found"},
			{"reject unknown", "POST", path + "/99999/reject", mod, says, 404, "Registration not found"},
			{"delete unknown", "DELETE", path + "/99999", mod, nil, 404, "Registration not found"},
			{"delete no number", "DELETE", path + "/1%20OR%201=1", mod, nil, 404, "Registration not found"},
			{"bad state", "GET", path + "?stateOneOf=4", mod, nil, 400, "stateOneOf"},
			{"bad sort", "GET", path + "?sort=password_hash", mod, nil, 400, "sort"},
			{"ask with nothing", "POST", path + "/ask-send-verify-email", "", object{}, 400, "email"},
		} {
			want(t, c.name, e.Do(c.method, c.path, c.token, c.body), c.status, c.contains)
		}
		var after []registration.Registration
		if err := d.Read(t.Context()).Find(&after).Error; err != nil || len(after) != 1 || after[0].State != registration.Pending || !after[0].UpdatedAt.Equal(r.UpdatedAt) {
			t.Errorf("refused requests changed something: %+v, %v", after, err)
		}
	})
}

// TestOpen asks while registration is off, full, elsewhere or without approval.
func TestOpen(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*config.Signup)
		status   int
		contains string
	}{
		{"open", func(*config.Signup) {}, 200, "Pending"},
		{"off", func(s *config.Signup) { s.Enabled = false }, 403, "not enabled"},
		{"full", func(s *config.Signup) { s.Limit = 0 }, 403, "limit"},
		{"other networks", func(s *config.Signup) { s.Filters.CIDR.Whitelist = prefixes("10.0.0.0/8") }, 403, "network"},
		{"not this network", func(s *config.Signup) { s.Filters.CIDR.Blacklist = prefixes("192.0.2.0/24") }, 403, "network"},
		{"without approval", func(s *config.Signup) { s.RequiresApproval = false }, 400, "approval"},
	} {
		e := accountstest.New(t, dbtest.SQLite(t), open, func(cfg *config.Config) { c.change(&cfg.Signup) })
		want(t, c.name, e.Do("POST", path+"/request", "", asks("alice", nil)), c.status, c.contains)
	}
}

// TestList filters and sorts.
func TestList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, open)
		_, mod := e.User("mod", rest.RoleModerator)
		for _, name := range []string{"carol", "alice", "bo_b"} {
			want(t, name, e.Do("POST", path+"/request", "", asks(name, nil)), 200, "")
		}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE registrations SET state = 2 WHERE username = 'carol'").Error
		}); err != nil {
			t.Fatal(err)
		}
		for query, names := range map[string]string{
			"":                              "bo_b alice carol",
			"?sort=createdAt":               "carol alice bo_b",
			"?sort=state":                   "alice bo_b carol",
			"?sort=-state&count=1":          "carol",
			"?start=1&count=1":              "alice",
			"?search=ALICE":                 "alice",
			"?search=o_b":                   "bo_b",
			"?search=c_rol":                 "",
			"?search=%00":                   "bo_b alice carol",
			"?stateOneOf=2":                 "carol",
			"?stateOneOf[]=1&stateOneOf=2":  "bo_b alice carol",
			"?stateOneOf=3":                 "",
			"?stateOneOf=1&search=example.": "bo_b alice",
		} {
			var got []string
			for _, x := range e.Do("GET", path+query, mod, nil).JSON()["data"].([]any) {
				got = append(got, x.(object)["username"].(string))
			}
			if strings.Join(got, " ") != names {
				t.Errorf("GET %s: %v, want %s", query, got, names)
			}
		}
	})
}

// TestRace has moderators decide on the same registration at once.
func TestRace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, open)
		want(t, "request", e.Do("POST", path+"/request", "", asks("alice", nil)), 200, "")
		r, err := e.Registrations.ByID(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var done atomic.Int32
		for i := range 4 {
			wg.Go(func() {
				var err error
				if i%2 == 0 {
					err = e.Registrations.Reject(t.Context(), r, registration.Decision{Response: "no"})
				} else {
					_, err = e.Registrations.Accept(t.Context(), r, registration.Decision{Response: "yes"})
				}
				if err == nil {
					done.Add(1)
				} else if problem := rest.AsProblem(err); !errors.Is(err, registration.ErrProcessed) && problem.Status == 500 && !strings.Contains(err.Error(), "exists") {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		n, err := e.Users.Count(t.Context())
		after, _ := e.Registrations.ByID(t.Context(), 1)
		if done.Load() != 1 || err != nil || (n == 1) != (after.State == registration.Accepted) {
			t.Errorf("%d decisions, %d users, state %s", done.Load(), n, after.State.Label())
		}
	})
}

func prefixes(text string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(text)} }
