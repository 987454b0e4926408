package accounts_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

func newUser(name string) user.NewUser {
	return user.NewUser{Username: name, Email: name + "@example.com", Password: accountstest.Password, Role: rest.RoleUser}
}

func want(t *testing.T, a accountstest.Answer, status int) map[string]any {
	t.Helper()
	if a.Code != status {
		t.Fatalf("status %d %s, want %d", a.Code, a.Text(), status)
	}
	if status == 204 {
		return nil
	}
	return a.JSON()
}

func TestEnsureRoot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		created, password, err := e.Users.EnsureRoot(t.Context(), "")
		if err != nil || !created || len(password) != 20 {
			t.Fatalf("EnsureRoot = %v, %d characters, %v", created, len(password), err)
		}
		want(t, e.Form(tokenPath, e.LoginForm("root", password)), 200)
		if created, shown, err := e.Users.EnsureRoot(t.Context(), "other password"); created || shown != "" || err != nil {
			t.Errorf("second start: %v %q %v", created, shown, err)
		}
		want(t, e.Form(tokenPath, e.LoginForm("root", password)), 200)
	})
}

// TestEnsureRootTwice starts two processes at the same time.
func TestEnsureRootTwice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		var wg sync.WaitGroup
		results := make(chan error, 3)
		made := make(chan bool, 3)
		for range 3 {
			wg.Go(func() {
				created, _, err := e.Users.EnsureRoot(t.Context(), accountstest.Password)
				results <- err
				made <- created
			})
		}
		wg.Wait()
		n := 0
		for range 3 {
			if err := <-results; err != nil {
				t.Error(err)
			}
			if <-made {
				n++
			}
		}
		if n != 1 {
			t.Errorf("created %d times", n)
		}
	})
}

func TestCreateUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d, func(c *config.Config) { c.User.VideoQuota = 5 << 30 })
		body := want(t, e.Do("POST", "/api/v1/users", token["mod"], map[string]any{
			"username": "carol", "email": "Carol@Example.com", "password": strings.Repeat("päss ", 20), "role": 2,
			"channelName": "carols", "videoQuotaDaily": 7,
		}), 200)["user"].(map[string]any)
		acc := want(t, e.Do("GET", "/api/v1/accounts/carol", "", nil), 200)
		if acc["id"] != body["account"].(map[string]any)["id"] || acc["userId"] != body["id"] {
			t.Errorf("account %v of the answer %v", acc, body)
		}
		want(t, e.Form(tokenPath, e.LoginForm("carol@example.com", strings.Repeat("päss ", 20))), 200)
		if a := e.Form(tokenPath, e.LoginForm("carol", strings.Repeat("päss ", 19))); a.Code != 400 {
			t.Errorf("a password of 120 bytes is cut: its beginning logs in") // SEC-46
		}
		got := want(t, e.Do("GET", fmt.Sprintf("/api/v1/users/%.0f", body["id"]), token["root"], nil), 200)
		if got["videoQuota"] != float64(5<<30) || got["videoQuotaDaily"] != 7.0 || got["email"] != "carol@example.com" {
			t.Errorf("user %v", got)
		}
		ch := want(t, e.Do("GET", "/api/v1/video-channels/carols", "", nil), 200)
		if ch["displayName"] != "Main carol channel" || ch["ownerAccount"].(map[string]any)["name"] != "carol" {
			t.Errorf("channel %v", ch)
		}
		// when its usual name is taken, the first channel gets another
		want(t, e.Do("POST", "/api/v1/video-channels", token["alice"], map[string]any{"name": "dave_channel", "displayName": "Mine"}), 200)
		want(t, e.Do("POST", "/api/v1/users", token["root"], map[string]any{"username": "dave", "email": "d@example.com", "password": "12345678", "role": 1}), 200)
		list := want(t, e.Do("GET", "/api/v1/accounts/dave/video-channels", "", nil), 200)
		if list["total"] != 1.0 {
			t.Errorf("channels of dave: %v", list)
		}
	})
}

func TestUpdateMe(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		_, token := e.User("alice", rest.RoleUser)
		want(t, e.Do("PUT", mePath, token, map[string]any{
			"displayName": " Alice \u202eExample ", "description": "Hello\r\nworld", "nsfwPolicy": "blur", "p2pEnabled": false,
			"autoPlayNextVideo": true, "videoLanguages": []string{"en", "fr", "_unknown"}, "theme": "dark", "language": "fr", "noWelcomeModal": true,
		}), 204)
		me := want(t, e.Do("GET", mePath, token, nil), 200)
		for k, v := range map[string]any{
			"nsfwPolicy": "blur", "p2pEnabled": false, "autoPlayNextVideo": true, "videosHistoryEnabled": true,
			"videoLanguages": []any{"en", "fr", "_unknown"}, "theme": "dark", "language": "fr", "noWelcomeModal": true,
		} {
			if diff := cmp.Diff(v, me[k]); diff != "" {
				t.Errorf("%s: %s", k, diff)
			}
		}
		acc := want(t, e.Do("GET", "/api/v1/accounts/alice", "", nil), 200)
		if acc["displayName"] != "Alice Example" || acc["description"] != "Hello\nworld" {
			t.Errorf("account %v", acc)
		}
		want(t, e.Do("PUT", mePath, token, map[string]any{"description": nil, "videoLanguages": nil, "language": nil}), 204)
		acc = want(t, e.Do("GET", "/api/v1/accounts/alice", "", nil), 200)
		if acc["displayName"] != "Alice Example" || acc["description"] != nil {
			t.Errorf("account %v", acc)
		}
		if me := want(t, e.Do("GET", mePath, token, nil), 200); me["videoLanguages"] != nil || me["nsfwPolicy"] != "blur" {
			t.Errorf("me %v", me)
		}
		want(t, e.Do("PUT", mePath, token, map[string]any{"email": "New@example.com", "currentPassword": accountstest.Password}), 204)
		if me := want(t, e.Do("GET", mePath, token, nil), 200); me["email"] != "new@example.com" {
			t.Errorf("email %v", me["email"])
		}
		want(t, e.Do("PUT", mePath, token, map[string]any{"password": "a new password", "currentPassword": accountstest.Password}), 204)
		want(t, e.Form(tokenPath, e.LoginForm("alice", accountstest.Password)), 400)
		want(t, e.Form(tokenPath, e.LoginForm("alice", "a new password")), 200)
	})
}

// TestCurrentPasswordLimit keeps a stolen token from guessing the password.
func TestCurrentPasswordLimit(t *testing.T) {
	e := accountstest.New(t, dbtest.SQLite(t), func(c *config.Config) { c.RatesLimit.Login.Max = 4 })
	_, token := e.User("alice", rest.RoleUser) // one attempt
	for i, status := range []int{401, 401, 401, 429} {
		a := e.Do("PUT", mePath, token, map[string]any{"email": "x@example.com", "currentPassword": "wrong"})
		if a.Code != status {
			t.Errorf("guess %d: %d, want %d", i+1, a.Code, status)
		}
	}
}

func TestChannels(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d, func(c *config.Config) { c.VideoChannels.MaxPerUser = 3 })
		id := want(t, e.Do("POST", "/api/v1/video-channels", token["alice"], map[string]any{
			"name": "second", "displayName": "Second", "description": "About it", "support": "Give",
		}), 200)["videoChannel"].(map[string]any)["id"]
		got := want(t, e.Do("GET", "/api/v1/video-channels/second@kinemesh.test", "", nil), 200)
		for k, v := range map[string]any{"id": id, "name": "second", "displayName": "Second", "description": "About it", "support": "Give", "isLocal": true} {
			if got[k] != v {
				t.Errorf("%s = %v, want %v", k, got[k], v)
			}
		}
		if me := want(t, e.Do("GET", mePath, token["alice"], nil), 200); len(me["videoChannels"].([]any)) != 2 {
			t.Errorf("channels of me: %v", me["videoChannels"])
		}

		want(t, e.Do("PUT", "/api/v1/video-channels/second", token["alice"], map[string]any{"displayName": "Changed", "support": nil}), 204)
		got = want(t, e.Do("GET", "/api/v1/video-channels/second", "", nil), 200)
		if got["displayName"] != "Changed" || got["support"] != nil || got["description"] != "About it" {
			t.Errorf("after the update: %v", got)
		}
		want(t, e.Do("PUT", "/api/v1/video-channels/second", token["mod"], map[string]any{"description": "moderated"}), 204)

		want(t, e.Do("POST", "/api/v1/video-channels", token["alice"], map[string]any{"name": "third", "displayName": "3"}), 200)
		if a := e.Do("POST", "/api/v1/video-channels", token["alice"], map[string]any{"name": "fourth", "displayName": "4"}); a.Code != 400 || !strings.Contains(a.Text(), "more than 3") {
			t.Errorf("one too many: %d %s", a.Code, a.Text())
		}
		want(t, e.Do("DELETE", "/api/v1/video-channels/second", token["alice"], nil), 204)
		want(t, e.Do("GET", "/api/v1/video-channels/second", "", nil), 404)
		if list := want(t, e.Do("GET", "/api/v1/accounts/alice/video-channels", "", nil), 200); list["total"] != 2.0 {
			t.Errorf("channels after the deletion: %v", list["total"])
		}
		want(t, e.Do("POST", "/api/v1/video-channels", token["bob"], map[string]any{"name": "second", "displayName": "Taken over"}), 409)
		want(t, e.Do("POST", "/api/v1/video-channels", token["alice"], map[string]any{"name": "fourth", "displayName": "4"}), 200)
	})
}

// TestMaxPerUserRace creates channels at the same time.
func TestMaxPerUserRace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, func(c *config.Config) { c.VideoChannels.MaxPerUser = 2 })
		_, token := e.User("alice", rest.RoleUser)
		codes := make(chan int, 4)
		for i := range cap(codes) {
			go func() {
				codes <- e.Do("POST", "/api/v1/video-channels", token, map[string]any{"name": fmt.Sprintf("c%d", i), "displayName": "X"}).Code
			}()
		}
		made := 0
		for range cap(codes) {
			if <-codes == 200 {
				made++
			}
		}
		if made != 1 {
			t.Errorf("made %d beside the first, want 1", made)
		}
	})
}

func TestDeleteUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		u, err := e.Users.ByUsername(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		a, err := e.Channels.AccountByHandle(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		want(t, e.Do("DELETE", fmt.Sprintf("/api/v1/users/%d", u.ID), token["mod"], nil), 204)
		want(t, e.Do("GET", "/api/v1/accounts/alice", "", nil), 404)
		want(t, e.Do("GET", "/api/v1/video-channels/alice_channel", "", nil), 404)
		want(t, e.Do("GET", fmt.Sprintf("/api/v1/users/%d", u.ID), token["mod"], nil), 404)
		want(t, e.Form(tokenPath, e.LoginForm("alice", accountstest.Password)), 400)
		if list := want(t, e.Do("GET", "/api/v1/accounts", "", nil), 200); list["total"] != 3.0 {
			t.Errorf("accounts: %v", list["total"])
		}
		// rows wait for the modules above, which know them by the actor
		for range 2 {
			for _, handle := range []string{"alice_channel", "alice"} {
				act, err := e.Actors.ByUsername(t.Context(), handle)
				if err != nil || act.GoneAt == nil {
					t.Fatalf("actor %s: %v %v", handle, act, err)
				}
				if err := e.Channels.ActorDeleted(t.Context(), act); err != nil {
					t.Fatal(err)
				}
			}
		}
		var n int64
		if err := d.Read(t.Context()).Table("accounts").Where("id = ?", a.ID).Count(&n).Error; err != nil || n != 0 {
			t.Errorf("%d rows left, %v", n, err)
		}
		want(t, e.Do("POST", "/api/v1/users", token["root"], map[string]any{"username": "alice", "email": "a2@example.com", "password": "12345678", "role": 2}), 409)
	})
}

func TestBlock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		u, err := e.Users.ByUsername(t.Context(), "bob")
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/api/v1/users/%d", u.ID)
		want(t, e.Do("POST", path+"/block", token["mod"], map[string]any{"reason": "a reason"}), 204)
		if got := want(t, e.Do("GET", path, token["mod"], nil), 200); got["blocked"] != true || got["blockedReason"] != "a reason" {
			t.Errorf("user %v", got)
		}
		if list := want(t, e.Do("GET", "/api/v1/users?blocked=true", token["mod"], nil), 200); list["total"] != 1.0 {
			t.Errorf("blocked users: %v", list)
		}
		want(t, e.Form(tokenPath, e.LoginForm("bob", accountstest.Password)), 400)
		want(t, e.Do("POST", path+"/unblock", token["mod"], nil), 204)
		want(t, e.Form(tokenPath, e.LoginForm("bob", accountstest.Password)), 200)
	})
}

func TestRegister(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		open := func(c *config.Config) {
			c.Signup.Enabled, c.Signup.RequiresApproval, c.Signup.Limit = true, false, 3
			c.Signup.Filters.CIDR.Blacklist = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
		}
		e := accountstest.New(t, d, open)
		register := func(name, ip string, more map[string]any) accountstest.Answer {
			body := map[string]any{"username": name, "email": name + "@example.com", "password": accountstest.Password, "displayName": "The " + name}
			maps.Copy(body, more)
			return e.Do("POST", "/api/v1/users/register", "", body, accountstest.From(ip))
		}
		for field, body := range map[string]map[string]any{ // left out is well, empty is not
			"displayName":         {"displayName": ""},
			"channel.name":        {"channel": map[string]any{"name": "", "displayName": "Alice's"}},
			"channel.displayName": {"channel": map[string]any{"name": "alices", "displayName": ""}},
		} {
			invalid, _ := want(t, register("alice", "192.0.2.1", body), 400)["invalid-params"].(map[string]any)
			if invalid[field] == nil || len(invalid) != 1 {
				t.Errorf("%s is empty, refused are %v", field, invalid)
			}
		}
		want(t, register("alice", "192.0.2.1", map[string]any{
			"channel": map[string]any{"name": "alices", "displayName": "Alice's"},
			"role":    0, "videoQuota": -1, "adminFlags": 1, "emailVerified": true, // SEC-45
		}), 204)
		u, err := e.Users.ByUsername(t.Context(), "alice")
		if err != nil || u.Role != rest.RoleUser || u.AdminFlags != 0 || u.EmailVerified != nil {
			t.Errorf("user %+v, %v", u, err)
		}
		if ch := want(t, e.Do("GET", "/api/v1/video-channels/alices", "", nil), 200); ch["displayName"] != "Alice's" {
			t.Errorf("channel %v", ch)
		}
		if acc := want(t, e.Do("GET", "/api/v1/accounts/alice", "", nil), 200); acc["displayName"] != "The alice" {
			t.Errorf("account %v", acc)
		}
		want(t, register("alice", "192.0.2.1", nil), 409) // does not count as a success
		want(t, register("carol", "198.51.100.7", nil), 403)
		want(t, register("bob", "192.0.2.1", nil), 204)
		want(t, register("carol", "192.0.2.1", nil), 429)
		want(t, register("carol", "192.0.2.2", nil), 204)
		want(t, register("dave", "192.0.2.3", nil), 403) // signup.limit

		e = accountstest.New(t, d, open, func(c *config.Config) { c.Signup.Limit, c.Signup.RequiresApproval = -1, true })
		want(t, register("dave", "192.0.2.3", nil), 403)
	})
}

// TestSEC45MassAssignment sends the name of every column, and of every field of the
// answers, to every route that writes; nothing but what the route is for
// changes (SEC-45).
func TestSEC45MassAssignment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		snapshot := func() map[string][]map[string]any {
			out := map[string][]map[string]any{}
			for _, table := range []string{"users", "accounts", "channels", "actors"} {
				var rows []map[string]any
				if err := d.Read(t.Context()).Table(table).Order("id").Find(&rows).Error; err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					delete(r, "updated_at")
				}
				out[table] = rows
			}
			return out
		}
		u, err := e.Users.ByUsername(t.Context(), "alice")
		if err != nil {
			t.Fatal(err)
		}
		alice := strconv.FormatInt(u.ID, 10)
		body := map[string]any{}
		for _, rows := range snapshot() {
			for column := range rows[0] {
				body[column] = 1
				words := strings.Split(column, "_")
				for i := range words[1:] {
					words[i+1] = strings.ToUpper(words[i+1][:1]) + words[i+1][1:]
				}
				body[strings.Join(words, "")] = 1
			}
		}
		for _, k := range []string{"isAdmin", "admin", "blocked", "ownerAccount", "accountId", "account", "userId", "isLocal", "local", "emailVerified", "twoFactorEnabled", "pluginAuth"} {
			body[k] = true
		}
		for _, c := range []struct {
			user, method, path string
			drop               []string // what the route is for
			wantStatus         int
		}{
			{"alice", "PUT", "/users/me", []string{"email", "description", "theme"}, 204},
			{"alice", "PUT", "/video-channels/alice_channel", []string{"support"}, 204},
			{"alice", "POST", "/users/me/new-feature-info/read", nil, 400},
			{"alice", "POST", "/users/ALICE/two-factor/request", nil, 400},
			{"alice", "POST", "/users/ALICE/two-factor/confirm-request", nil, 400},
			{"", "POST", "/users/ALICE/verify-email", nil, 400},
			{"", "POST", "/users/ALICE/reset-password", nil, 400},
			{"", "POST", "/users/register", nil, 403},
			{"", "POST", "/users/registrations/request", nil, 403},
			{"mod", "POST", "/users/ALICE/unblock", nil, 204},
		} {
			before := snapshot()
			send := maps.Clone(body)
			for _, k := range c.drop {
				delete(send, k)
			}
			want(t, e.Do(c.method, "/api/v1"+strings.Replace(c.path, "ALICE", alice, 1), token[c.user], send), c.wantStatus)
			if diff := cmp.Diff(before, snapshot()); diff != "" {
				t.Errorf("%s %s changed: %s", c.method, c.path, diff)
			}
		}
		before := snapshot()
		send := maps.Clone(body)
		send["name"], send["displayName"], send["support"] = "another", "Another", "abc"
		delete(send, "description")
		id := want(t, e.Do("POST", "/api/v1/video-channels", token["alice"], send), 200)["videoChannel"].(map[string]any)["id"].(float64)
		ch, err := e.Channels.ChannelByID(t.Context(), int64(id))
		if err != nil || ch.Account.Actor.Username != "alice" || !ch.Local || ch.Actor.Host != "" || ch.Actor.GoneAt != nil {
			t.Errorf("channel %+v, %v", ch, err)
		}
		after := snapshot()
		if len(after["channels"]) != len(before["channels"])+1 || cmp.Diff(before["users"], after["users"]) != "" {
			t.Error("creating a channel changed something else")
		}
	})
}

// TestSEC43Access calls every route as everybody and compares with its rule (SEC-43).
func TestSEC43Access(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e, token := site(t, d)
		for _, r := range e.Router.Routes() {
			path := strings.NewReplacer(":id", "99999", ":name", "none", ":handle", "none").Replace(r.Path)
			if path == tokenPath || path == "/api/v1/users/revoke-token" || r.Path == mePath && r.Method == http.MethodDelete {
				continue // what they do is tested on its own
			}
			for user, level := range map[string]rest.Access{"": rest.Anyone, "alice": rest.SignedIn, "mod": rest.Moderator, "root": rest.Admin} {
				var body any
				if r.Method != http.MethodGet {
					body = "{}"
				}
				a := e.Do(r.Method, path, token[user], body)
				refused := a.Code == 401 || a.Code == 403 && !strings.Contains(a.Text(), "not enabled")
				if r.Access != rest.Owner && refused != (level < r.Access) || user == "" && refused != (r.Access > rest.Anyone) {
					t.Errorf("%s %s as %q: %d %s, rule %s", r.Method, path, user, a.Code, a.Text(), r.Access)
				}
				if a.Code >= 500 {
					t.Errorf("%s %s as %q: %d", r.Method, path, user, a.Code)
				}
			}
		}
	})
}
