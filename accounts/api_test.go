package accounts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// recorded reads the body of an answer of PeerTube 6.3.
func recorded(t *testing.T, name string) any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Body any }
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	return f.Body
}

// shape lists the paths and JSON types of a value. Elements of a list count
// together; what may be null or absent has no type of its own.
func shape(v any) map[string]string {
	out := map[string]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, e := range x {
				walk(path+"."+k, e)
			}
		case []any:
			out[path] = "list"
			for _, e := range x {
				walk(path+"[]", e)
			}
		case nil:
			if _, ok := out[path]; !ok {
				out[path] = "null"
			}
		default:
			out[path] = fmt.Sprintf("%T", x)
		}
	}
	walk("", v)
	return out
}

// since81 are fields of users that came after the recorded version.
var since81 = []string{
	".newFeaturesInfoRead", ".nsfwFlagsBlurred", ".nsfwFlagsDisplayed", ".nsfwFlagsHidden", ".nsfwFlagsWarned",
}

// sameShape compares the fields of an answer with those recorded. Pictures are
// left out: nobody here has one.
func sameShape(t *testing.T, name string, got any, leftOut ...string) {
	t.Helper()
	a, b := shape(recorded(t, name)), shape(got)
	for _, m := range []map[string]string{a, b} {
		for k := range m {
			if strings.Contains(k, "avatars[]") || strings.Contains(k, "banners[]") || slices.ContainsFunc(leftOut, func(s string) bool { return strings.HasPrefix(k, s) }) ||
				slices.Contains(since81, strings.TrimPrefix(k, ".data[]")) {
				delete(m, k)
			}
		}
	}
	for k := range a { // null on one side says nothing about the type
		if a[k] == "null" && b[k] != "" {
			a[k] = b[k]
		}
		if b[k] == "null" && a[k] != "" {
			b[k] = a[k]
		}
	}
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("%s (-recorded +ours):\n%s", name, d)
	}
}

// site is a server with an administrator, a moderator and two users.
func site(t *testing.T, d *db.DB, change ...func(*config.Config)) (e *accountstest.Env, token map[string]string) {
	t.Helper()
	e = accountstest.New(t, d, change...)
	token = map[string]string{"": ""}
	if _, _, err := e.Users.EnsureRoot(t.Context(), accountstest.Password); err != nil {
		t.Fatal(err)
	}
	token["root"] = e.Token("root")
	for name, role := range map[string]rest.Role{"mod": rest.RoleModerator, "alice": rest.RoleUser, "bob": rest.RoleUser} {
		_, token[name] = e.User(name, role)
	}
	return e, token
}

// TestShapes compares every answer with the one that PeerTube gave.
func TestShapes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		e.Users.Used = func(_ context.Context, id int64) (int64, int64, error) { return 100 + id, 10 + id, nil }
		e.Users.SpecialPlaylists = func(context.Context, int64) ([]user.SpecialPlaylist, error) {
			return []user.SpecialPlaylist{{ID: 2, Name: "Watch later", Type: 2}}, nil
		}
		alice, err := e.Users.ByUsername(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			path, user, fixture string
			leftOut             []string
		}{
			{"/accounts/alice", "", "account", nil},
			{"/accounts", "", "accounts", nil},
			{"/accounts/alice/video-channels", "", "account-channels", nil},
			{"/video-channels", "", "video-channels", nil},
			{"/video-channels/alice_channel", "", "video-channel", nil},
			{"/users/me", "alice", "users-me", []string{".language"}},
			{"/users/me/video-quota-used", "alice", "users-me-quota", nil},
			// PeerTube lists no channels of users; language came later
			{"/users?count=5", "root", "users-list-admin", []string{".data[].language", ".data[].videoChannels[]"}},
			{fmt.Sprintf("/users/%d?withStats=true", alice.ID), "root", "user-admin", []string{".language", ".notificationSettings"}},
			{"/oauth-clients/local", "", "oauth-clients-local", nil},
		} {
			t.Run(c.fixture, func(t *testing.T) {
				a := e.Do("GET", "/api/v1"+c.path, token[c.user], nil)
				if a.Code != http.StatusOK {
					t.Fatalf("%d %s", a.Code, a.Text())
				}
				sameShape(t, c.fixture, a.JSON(), c.leftOut...)
			})
		}
		t.Run("quota", func(t *testing.T) {
			got := e.Do("GET", "/api/v1/users/me/video-quota-used", token["alice"], nil).JSON()
			want := map[string]any{"videoQuotaUsed": float64(100 + alice.ID), "videoQuotaUsedDaily": float64(10 + alice.ID)}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	})
}

// TestValues looks at what the fields say.
func TestValues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		get := func(path string, want map[string]any) {
			t.Helper()
			a := e.Do("GET", "/api/v1"+path, token["root"], nil)
			got := a.JSON()
			for k, v := range want {
				if d := cmp.Diff(v, got[k]); d != "" {
					t.Errorf("GET %s, %s: %s", path, k, d)
				}
			}
		}
		get("/accounts/root", map[string]any{
			"url": "https://kinemesh.test/accounts/root", "name": "root", "host": "kinemesh.test", "displayName": "root",
			"description": nil, "avatars": []any{}, "followersCount": 0.0, "followingCount": 0.0, "hostRedundancyAllowed": false,
		})
		get("/video-channels/root_channel", map[string]any{
			"url": "https://kinemesh.test/video-channels/root_channel", "name": "root_channel", "displayName": "Main root channel",
			"isLocal": true, "support": nil, "banners": []any{},
		})
		get("/users/me", map[string]any{
			"username": "root", "role": map[string]any{"id": 0.0, "label": "Administrator"}, "videoQuota": -1.0, "videoQuotaDaily": -1.0,
			"email": "admin@kinemesh.test", "p2pEnabled": true, "nsfwPolicy": "do_not_list", "blocked": false, "videoLanguages": nil,
		})
		for _, handle := range []string{"alice@kinemesh.test", "alice@KINEMESH.test"} { // PT rest 1
			get("/accounts/"+handle, map[string]any{"name": "alice"})
		}
		names := func(path string) (out []string) {
			t.Helper()
			for _, x := range e.Do("GET", "/api/v1"+path, token["root"], nil).JSON()["data"].([]any) {
				m := x.(map[string]any)
				if n, ok := m["name"]; ok {
					out = append(out, n.(string))
				} else {
					out = append(out, m["username"].(string))
				}
			}
			return out
		}
		for path, want := range map[string][]string{
			"/video-channels?sort=name":                     {"alice_channel", "bob_channel", "mod_channel", "root_channel"},
			"/video-channels?sort=-name&count=2":            {"root_channel", "mod_channel"},
			"/video-channels?sort=name&start=3":             {"root_channel"},
			"/accounts/alice/video-channels?search=ALICE_":  {"alice_channel"},
			"/accounts/alice/video-channels?search=ali%25e": nil, // SEC-51: no wildcards
			"/users?sort=username":                          {"alice", "bob", "mod", "root"},
			"/users?search=BOB%40":                          {"bob"},
			"/users?search=b_b":                             nil,
			"/users?search=%00%ffbob":                       {"bob"},
			"/users?blocked=true":                           nil,
			"/users?sort=role&count=1":                      {"root"},
		} {
			if d := cmp.Diff(want, names(path)); d != "" {
				t.Errorf("GET %s: %s", path, d)
			}
		}
	})
}

// TestRefusals sends wrong requests; each has its right twin in the other tests.
func TestRefusals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		ids := map[string]int64{}
		for _, n := range []string{"root", "mod", "alice", "bob"} {
			u, err := e.Users.ByUsername(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			ids[n] = u.ID
		}
		id := func(name string) string { return fmt.Sprintf("/users/%d", ids[name]) }
		newUser := func(change map[string]any) map[string]any {
			m := map[string]any{"username": "carol", "email": "carol@example.com", "password": "12345678", "role": 2}
			maps.Copy(m, change)
			return m
		}
		for _, c := range []struct {
			name, user, method, path string
			body                     any
			status                   int
			contains                 string
		}{
			{"unknown account", "", "GET", "/accounts/nobody", nil, 404, "Account not found"},
			{"unknown host", "", "GET", "/accounts/alice@elsewhere.test", nil, 404, "Account not found"},
			{"a channel is no account", "", "GET", "/accounts/alice_channel", nil, 404, "Account not found"},
			{"an account is no channel", "", "GET", "/video-channels/alice", nil, 404, "Video channel not found"},
			{"SQL in a handle", "", "GET", "/accounts/1%20OR%201=1", nil, 404, "Account not found"},
			{"zero byte in a handle", "", "GET", "/accounts/alice%00", nil, 404, "Account not found"},
			{"invalid UTF-8 in a handle", "", "GET", "/video-channels/%ff", nil, 404, "Video channel not found"},
			{"wildcard in a handle", "", "GET", "/accounts/ali_e", nil, 404, "Account not found"},
			{"bad sort", "", "GET", "/video-channels?sort=actor_id", nil, 400, `"sort"`},
			{"bad sort of accounts", "", "GET", "/accounts?sort=name", nil, 400, `"sort"`},
			{"bad count", "", "GET", "/accounts?count=101", nil, 400, `"count"`},
			{"bad start", "", "GET", "/video-channels?start=-1", nil, 400, `"start"`},
			{"bad filter", "root", "GET", "/users?blocked=maybe", nil, 400, `"blocked"`},

			{"me without token", "", "GET", "/users/me", nil, 401, ""},
			{"channel without token", "", "POST", "/video-channels", map[string]any{"name": "x", "displayName": "X"}, 401, ""},
			{"users for a user", "alice", "GET", "/users", nil, 403, ""},
			{"user for a user", "alice", "GET", id("bob"), nil, 403, ""},
			{"create user by a user", "alice", "POST", "/users", newUser(nil), 403, ""},
			{"change user by a user", "alice", "PUT", id("alice"), map[string]any{"role": 0}, 403, ""},
			{"delete user by a user", "alice", "DELETE", id("bob"), nil, 403, ""},

			{"channel name missing", "alice", "POST", "/video-channels", map[string]any{"displayName": "X"}, 400, `"name"`},
			{"channel name upper", "alice", "POST", "/video-channels", map[string]any{"name": "Abc", "displayName": "X"}, 400, `"name"`},
			{"channel display name missing", "alice", "POST", "/video-channels", map[string]any{"name": "abc"}, 400, `"displayName"`},
			{"channel display name invisible", "alice", "POST", "/video-channels", map[string]any{"name": "abc", "displayName": "\u202e\u200b"}, 400, `"displayName"`},
			{"channel description short", "alice", "POST", "/video-channels", map[string]any{"name": "abc", "displayName": "X", "description": "ab"}, 400, `"description"`},
			{"channel support long", "alice", "POST", "/video-channels", map[string]any{"name": "abc", "displayName": "X", "support": strings.Repeat("a", 1001)}, 400, `"support"`},
			{"channel name of another channel", "alice", "POST", "/video-channels", map[string]any{"name": "bob_channel", "displayName": "X"}, 409, "already exists"},
			{"channel name of a user", "alice", "POST", "/video-channels", map[string]any{"name": "bob", "displayName": "X"}, 409, "already exists"},
			{"channel not JSON", "alice", "POST", "/video-channels", "name=abc", 400, ""},
			{"another's channel", "alice", "PUT", "/video-channels/bob_channel", map[string]any{"displayName": "mine"}, 403, ""},
			{"delete another's channel", "alice", "DELETE", "/video-channels/bob_channel", nil, 403, ""},
			{"delete the last channel", "alice", "DELETE", "/video-channels/alice_channel", nil, 409, "last channel"},
			{"change unknown channel", "alice", "PUT", "/video-channels/none", map[string]any{}, 404, "Video channel not found"},
			{"channel field of wrong type", "alice", "PUT", "/video-channels/alice_channel", map[string]any{"displayName": 3}, 400, ""},
			{"channel display name null", "alice", "PUT", "/video-channels/alice_channel", map[string]any{"displayName": nil}, 400, `"displayName"`},

			{"password without the current one", "alice", "PUT", "/users/me", map[string]any{"password": "12345678"}, 400, `"currentPassword"`},
			{"password with a wrong current one", "alice", "PUT", "/users/me", map[string]any{"password": "12345678", "currentPassword": "no"}, 401, "current_password_is_invalid"},
			{"email with a wrong current password", "alice", "PUT", "/users/me", map[string]any{"email": "x@example.com", "currentPassword": "no"}, 401, "current_password_is_invalid"},
			{"short password", "alice", "PUT", "/users/me", map[string]any{"password": "1234567", "currentPassword": accountstest.Password}, 400, `"password"`},
			{"email of another", "alice", "PUT", "/users/me", map[string]any{"email": "bob@example.com", "currentPassword": accountstest.Password}, 409, "already exists"},
			{"nsfw policy", "alice", "PUT", "/users/me", map[string]any{"nsfwPolicy": "hide"}, 400, `"nsfwPolicy"`},
			{"theme", "alice", "PUT", "/users/me", map[string]any{"theme": "../x"}, 400, `"theme"`},
			{"language", "alice", "PUT", "/users/me", map[string]any{"videoLanguages": []string{"en", "<b>"}}, 400, `"videoLanguages"`},
			{"boolean null", "alice", "PUT", "/users/me", map[string]any{"p2pEnabled": nil}, 400, `"p2pEnabled"`},
			{"boolean of text", "alice", "PUT", "/users/me", map[string]any{"p2pEnabled": "yes"}, 400, ""},
			{"delete root by itself", "root", "DELETE", "/users/me", nil, 400, "root"},

			{"username taken", "root", "POST", "/users", newUser(map[string]any{"username": "alice"}), 409, "already exists"},
			{"email taken", "root", "POST", "/users", newUser(map[string]any{"email": "ALICE@example.com"}), 409, "already exists"},
			{"username of a channel", "root", "POST", "/users", newUser(map[string]any{"username": "bob_channel"}), 409, "already exists"},
			{"channel name taken", "root", "POST", "/users", newUser(map[string]any{"channelName": "bob_channel"}), 409, "Channel with name bob_channel"},
			{"channel name as username", "root", "POST", "/users", newUser(map[string]any{"channelName": "carol"}), 400, `"channelName"`},
			{"username", "root", "POST", "/users", newUser(map[string]any{"username": "a b"}), 400, `"username"`},
			{"email", "root", "POST", "/users", newUser(map[string]any{"email": "carol"}), 400, `"email"`},
			{"password", "root", "POST", "/users", newUser(map[string]any{"password": "1234567"}), 400, `"password"`},
			{"role missing", "root", "POST", "/users", newUser(map[string]any{"role": nil}), 400, `"role"`},
			{"role unknown", "root", "POST", "/users", newUser(map[string]any{"role": 3}), 400, `"role"`},
			{"quota", "root", "POST", "/users", newUser(map[string]any{"videoQuota": -2}), 400, `"videoQuota"`},
			{"flags", "root", "POST", "/users", newUser(map[string]any{"adminFlags": 4}), 400, `"adminFlags"`},
			{"administrator by a moderator", "mod", "POST", "/users", newUser(map[string]any{"role": 0}), 403, ""},
			{"moderator by a moderator", "mod", "POST", "/users", newUser(map[string]any{"role": 1}), 403, ""},
			{"moderator promotes a user", "mod", "PUT", id("alice"), map[string]any{"role": 1}, 403, ""},
			{"moderator changes an administrator", "mod", "PUT", id("root"), map[string]any{"password": "12345678"}, 403, ""},
			{"moderator changes itself", "mod", "PUT", id("mod"), map[string]any{"videoQuota": 1}, 403, ""},
			{"moderator deletes an administrator", "mod", "DELETE", id("root"), nil, 403, ""},
			{"moderator blocks an administrator", "mod", "POST", id("root") + "/block", nil, 403, ""},
			{"root loses its role", "root", "PUT", id("root"), map[string]any{"role": 2}, 400, "root"},
			{"root is deleted", "root", "DELETE", id("root"), nil, 400, "root"},
			{"root is blocked", "root", "POST", id("root") + "/block", nil, 400, "root"},
			{"block reason short", "root", "POST", id("alice") + "/block", map[string]any{"reason": "x"}, 400, `"reason"`},
			{"unknown user", "root", "GET", "/users/99999", nil, 404, "User not found"},
			{"user id of text", "root", "GET", "/users/1%20OR%201=1", nil, 404, "User not found"},
			{"user id negative", "root", "DELETE", "/users/-1", nil, 404, "User not found"},
			{"registration is off", "", "POST", "/users/register", newUser(nil), 403, "not enabled"},
		} {
			t.Run(c.name, func(t *testing.T) {
				a := e.Do(c.method, "/api/v1"+c.path, token[c.user], c.body)
				if a.Code != c.status || !strings.Contains(a.Text(), c.contains) {
					t.Errorf("%s %s = %d %s, want %d and %q", c.method, c.path, a.Code, a.Text(), c.status, c.contains)
				}
				if kind := a.Header().Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") {
					t.Errorf("content type %q, want a problem document", kind)
				}
			})
		}
		t.Run("nothing changed", func(t *testing.T) {
			if n, err := e.Users.Count(t.Context()); err != nil || n != 4 {
				t.Errorf("%d users, %v", n, err)
			}
			for name := range ids {
				if a := e.Do("GET", "/api/v1/users/me", token[name], nil); a.Code != 200 {
					t.Errorf("session of %s: %d", name, a.Code)
				}
			}
		})
	})
}
