package oauth_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

func TestDevice(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0":                                                           "Firefox on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0":    "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":               "Safari on macOS",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile Safari/604.1":  "Chrome on iOS",
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0 Mobile Safari/1": "Samsung Internet on Android",
		"Thorium/1.4 (Android)": "Thorium",
		"node-fetch/1.0":        "node-fetch",
		"":                      "",
		"\u202etool\x00/1":      "tool",
	} {
		if got := oauth.Device(agent); got != want {
			t.Errorf("Device(%q) = %q, want %q", agent, got, want)
		}
	}
}

// TestSessions looks at the sessions of a user and ends them one by one
// (SEC-44, SEC-47).
func TestSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		_, root := e.User("root", rest.RoleAdmin)
		_, mod := e.User("mod", rest.RoleModerator)
		_, bob := e.User("bob", rest.RoleUser)
		alice, _ := e.User("alice", rest.RoleUser)
		firefox := accountstest.Header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0")
		a := e.Form("/api/v1/users/token", e.LoginForm("alice", accountstest.Password), firefox, accountstest.From("192.0.2.7"))
		token := a.JSON()["access_token"].(string)
		cookie, _, err := e.OAuth.NewSession(t.Context(), alice.ID, oauth.Place{Device: "Edge on Windows", IP: "192.0.2.8"})
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/api/v1/users/%d/token-sessions", alice.ID)
		list := func(token, query string) []map[string]any {
			t.Helper()
			a := e.Do("GET", path+query, token, nil)
			if a.Code != 200 {
				t.Fatalf("GET %s: %d %s", query, a.Code, a.Text())
			}
			var out []map[string]any
			for _, x := range a.JSON()["data"].([]any) {
				out = append(out, x.(map[string]any))
			}
			return out
		}
		all := list(token, "")
		if len(all) != 3 { // that of e.User, the token, the browser
			t.Fatalf("%d sessions: %v", len(all), all)
		}
		for i, want := range []map[string]any{
			{"loginDevice": "Edge on Windows", "loginIP": "192.0.2.8", "currentSession": false, "lastActivityDevice": "Edge on Windows"},
			{"loginDevice": "Firefox on Linux", "loginIP": "192.0.2.7", "currentSession": true, "lastActivityIP": "192.0.2.7"},
		} {
			for k, v := range want {
				if all[i][k] != v {
					t.Errorf("session %d: %s = %v, want %v", i, k, all[i][k], v)
				}
			}
		}
		if page := list(token, "?start=1&count=1&sort=-loginDate"); len(page) != 1 || page[0]["id"] != all[1]["id"] {
			t.Errorf("second page: %v, want %v", page, all[1])
		}
		if first := list(token, "?sort=createdAt&count=1"); first[0]["id"] != all[2]["id"] {
			t.Errorf("the oldest is %v, want %v", first, all[2])
		}

		// A later use from elsewhere is seen, and a refresh stays the same login.
		past := db.Now().Add(-time.Hour)
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE oauth_tokens SET active_at = ? WHERE user_id = ?", past, alice.ID).Error
		}); err != nil {
			t.Fatal(err)
		}
		e.Do("GET", "/api/v1/users/me", token, nil, accountstest.Header("User-Agent", "curl/8"), accountstest.From("198.51.100.9"))
		used := list(token, "?sort=-lastActivityDate")
		if s := used[0]; s["lastActivityIP"] != "198.51.100.9" && used[1]["lastActivityIP"] != "198.51.100.9" {
			t.Errorf("last use: %v", used)
		}
		form := e.LoginForm("", "")
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", a.JSON()["refresh_token"].(string))
		token = e.Form("/api/v1/users/token", form, accountstest.From("203.0.113.5")).JSON()["access_token"].(string)
		after := list(token, "?sort=loginDate")
		if len(after) != 3 || after[1]["loginIP"] != "192.0.2.7" || after[1]["lastActivityIP"] != "203.0.113.5" || after[1]["currentSession"] != true {
			t.Errorf("after a refresh: %v", after)
		}

		revoke := func(session any) string { return fmt.Sprintf("%s/%v/revoke", path, session) }
		for _, c := range []struct {
			name, token, method, path string
			status                    int
		}{
			{"list without token", "", "GET", path, 401},
			{"list of another", bob, "GET", path, 403},
			{"revoke without token", "", "POST", revoke(after[1]["id"]), 401},
			{"revoke of another", bob, "POST", revoke(after[1]["id"]), 403},
			{"of an administrator by a moderator", mod, "GET", "/api/v1/users/1/token-sessions", 403},
			{"another's session below one's own id", bob, "POST", fmt.Sprintf("/api/v1/users/3/token-sessions/%v/revoke", after[1]["id"]), 404},
			{"unknown user", root, "GET", "/api/v1/users/99999/token-sessions", 404},
			{"unknown session", token, "POST", revoke(99998), 404},
			{"unknown browser", token, "POST", revoke(99999), 404},
			{"no number", token, "POST", revoke("x"), 404},
			{"bad sort", token, "GET", path + "?sort=access_hash", 400},
		} {
			if a := e.Do(c.method, c.path, c.token, nil); a.Code != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.Code, a.Text(), c.status)
			}
		}
		if got := list(mod, ""); len(got) != 3 || got[0]["currentSession"] == true {
			t.Errorf("a moderator sees %v", got)
		}
		withCookie := func() int {
			return e.Do("GET", "/api/v1/users/me", "", nil, accountstest.Header("Cookie", oauth.CookieName+"="+cookie)).Code
		}
		if withCookie() != 200 {
			t.Error("the browser's session does not let in before it is revoked")
		}
		for _, s := range after {
			if s["currentSession"] == true {
				continue
			}
			if a := e.Do("POST", revoke(s["id"]), token, nil); a.Code != http.StatusNoContent {
				t.Errorf("revoke: %d %s", a.Code, a.Text())
			}
		}
		if rest := list(token, ""); len(rest) != 1 || withCookie() != 401 {
			t.Errorf("left: %v, cookie %d", rest, withCookie())
		}
		if a := e.Do("POST", revoke(after[1]["id"]), root, nil); a.Code != http.StatusNoContent {
			t.Errorf("revoke by an administrator: %d %s", a.Code, a.Text())
		}
		if a := e.Do("GET", "/api/v1/users/me", token, nil); a.Code != 401 {
			t.Errorf("a revoked session answers %d", a.Code)
		}
	})
}
