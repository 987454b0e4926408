package accounts_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type object = map[string]any

// TestUserFilters filters the list of users and proposes names.
func TestUserFilters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		e.User("al_ice", rest.RoleUser)
		for query, want := range map[string]string{
			"role=0&sort=id":                 "root",
			"role=1":                         "mod",
			"role=2&sort=username":           "al_ice alice bob",
			"role=2&search=ALI":              "alice",
			"role=1&blocked=true":            "",
			"sort=videoQuotaUsed&count=1":    "root", // nobody has any here: by id
			"sort=-username&start=1&count=1": "mod",
			"sort=username&search=l_ic":      "al_ice",
		} {
			a := e.Do("GET", "/api/v1/users?"+query, token["mod"], nil)
			var got []string
			for _, x := range a.JSON()["data"].([]any) {
				got = append(got, x.(object)["username"].(string))
			}
			if names := strings.Join(got, " "); names != want {
				t.Errorf("GET ?%s: %s, want %s", query, names, want)
			}
		}
		for search, want := range map[string]string{"al": `["al_ice","alice"]`, "AL_": `["al_ice"]`, "lice": `[]`, "%25": `[]`, "zz": `[]`, "bob": `["bob"]`} {
			a := e.Do("GET", "/api/v1/users/autocomplete?search="+search, "", nil)
			if got := strings.TrimSpace(a.Text()); a.Code != 200 || got != want {
				t.Errorf("autocomplete %s: %d %s, want %s", search, a.Code, got, want)
			}
		}
		for i := range 12 {
			e.User(fmt.Sprintf("many%02d", i), rest.RoleUser)
		}
		var names []string
		if err := json.Unmarshal([]byte(e.Do("GET", "/api/v1/users/autocomplete?search=many", "", nil).Text()), &names); err != nil || len(names) != 10 || names[9] != "many09" {
			t.Errorf("autocomplete: %v, %v, want 10 names", names, err)
		}
		for _, path := range []string{"/users?role=3", "/users?role=x", "/users?role=-1", "/users?sort=otp_secret", "/users/autocomplete", "/users/autocomplete?search=%00", "/users/1?withStats=maybe"} {
			if a := e.Do("GET", "/api/v1"+path, token["mod"], nil); a.Code != 400 {
				t.Errorf("GET %s: %d %s", path, a.Code, a.Text())
			}
		}
	})
}

// TestPreferences sets what came after the first version of preferences.
func TestPreferences(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		me := func() object { return want(t, e.Do("GET", mePath, token["alice"], nil), 200) }
		put := func(body object) accountstest.Answer { return e.Do("PUT", mePath, token["alice"], body) }
		want(t, put(object{"nsfwFlagsHidden": 1, "nsfwFlagsWarned": 2, "nsfwPolicy": "blur"}), 204)
		want(t, put(object{"p2pEnabled": false}), 204)
		if got := me(); got["nsfwFlagsHidden"] != 1.0 || got["nsfwFlagsWarned"] != 2.0 || got["nsfwFlagsBlurred"] != 0.0 || got["nsfwPolicy"] != "blur" {
			t.Errorf("preferences %v", got)
		}
		want(t, put(object{"nsfwFlagsHidden": 0, "nsfwFlagsDisplayed": 1}), 204)
		for name, body := range map[string]object{
			"a mark in two fields":       {"nsfwFlagsBlurred": 2},
			"the same in one request":    {"nsfwFlagsBlurred": 1, "nsfwFlagsHidden": 1, "nsfwFlagsDisplayed": 0},
			"an unknown mark":            {"nsfwFlagsHidden": 4},
			"a negative mark":            {"nsfwFlagsHidden": -1},
			"a mark of null":             {"nsfwFlagsHidden": nil},
			"a mark of text":             {"nsfwFlagsHidden": "1"},
			"half of what is acceptable": {"nsfwFlagsWarned": 0, "nsfwFlagsBlurred": 1},
		} {
			if a := put(body); a.Code != 400 || !strings.Contains(a.Text(), "nsfwFlags") {
				t.Errorf("%s: %d %s", name, a.Code, a.Text())
			}
		}
		if got := me(); got["nsfwFlagsDisplayed"] != 1.0 || got["nsfwFlagsWarned"] != 2.0 || got["nsfwFlagsHidden"] != 0.0 {
			t.Errorf("refused preferences changed something: %v", got)
		}

		read := func(token string, body any) int {
			return e.Do("POST", "/api/v1/users/me/new-feature-info/read", token, body).Code
		}
		for name, got := range map[string][2]int{
			"nobody": {read("", object{"feature": 1}), 401}, "none": {read(token["alice"], object{}), 400}, "unknown": {read(token["alice"], object{"feature": 2}), 400},
			"text": {read(token["alice"], object{"feature": "1"}), 400}, "right": {read(token["alice"], object{"feature": 1}), 204}, "again": {read(token["alice"], object{"feature": 1}), 204},
		} {
			if got[0] != got[1] {
				t.Errorf("feature, %s: %d, want %d", name, got[0], got[1])
			}
		}
		if got := me(); got["newFeaturesInfoRead"] != 1.0 {
			t.Errorf("newFeaturesInfoRead %v", got["newFeaturesInfoRead"])
		}
		if bob := want(t, e.Do("GET", mePath, token["bob"], nil), 200); bob["newFeaturesInfoRead"] != 0.0 || bob["nsfwFlagsDisplayed"] != 0.0 {
			t.Errorf("another user's preferences: %v", bob)
		}
		a := e.Do("PUT", "/api/v1/users/3", token["root"], object{"pluginAuth": "peertube-plugin-auth-ldap"})
		if a.Code != 400 || !strings.Contains(a.Text(), "pluginAuth") {
			t.Errorf("a plugin that is not there: %d %s", a.Code, a.Text())
		}
		want(t, e.Do("PUT", "/api/v1/users/3", token["root"], object{"pluginAuth": nil}), 204)
	})
}

// TestSEC47LinkOnTheWay makes links of mails good no more when the password or
// the address changes.
func TestSEC47LinkOnTheWay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, mails := accountstest.NewWithMail(t, d)
		e.User("root", rest.RoleAdmin)
		root := e.Token("root")
		for i, change := range []object{
			{"password": "password 2", "currentPassword": accountstest.Password},
			{"email": "other@example.com", "currentPassword": accountstest.Password},
		} {
			name := fmt.Sprintf("user%d", i)
			u, token := e.User(name, rest.RoleUser)
			want(t, e.Do("POST", "/api/v1/users/ask-reset-password", "", object{"email": name + "@example.com"}), 204)
			_, params := accountstest.Secret(t, mails.Wait(i+1))
			want(t, e.Do("PUT", mePath, token, change), 204)
			path := fmt.Sprintf("/api/v1/users/%d/reset-password", u.ID)
			want(t, e.Do("POST", path, "", object{"verificationString": params.Get("verificationString"), "password": "password 3"}), 403)
		}
		// What an administrator changes ends nothing of others.
		want(t, e.Do("GET", mePath, root, nil), 200)
	})
}

// TestSEC46CodeLimit lets nobody try all codes of a second factor.
func TestSEC46CodeLimit(t *testing.T) {
	e := accountstest.New(t, dbtest.SQLite(t), func(c *config.Config) { c.RatesLimit.Login.Max = 15 })
	alice, _ := e.User("alice", rest.RoleUser) // the first attempt
	if _, err := e.Users.RequestTwoFactor(t.Context(), alice); err != nil {
		t.Fatal(err)
	}
	exec(t, e.DB, "UPDATE users SET otp_secret = (SELECT data FROM tickets) WHERE username = 'alice'")
	for i := range 15 {
		a := e.Form(tokenPath, e.LoginForm("alice", accountstest.Password),
			accountstest.Header("x-peertube-otp", fmt.Sprintf("%06d", i)), accountstest.From(fmt.Sprintf("192.0.2.%d", i)))
		if code := 400; a.Code != code && i < 14 || i == 14 && a.Code != 429 {
			t.Errorf("attempt %d: %d %s", i+2, a.Code, a.Text())
		}
	}
}
