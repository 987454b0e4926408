package user_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

func exec(t *testing.T, d *db.DB, sql string, args ...any) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec(sql, args...).Error }); err != nil {
		t.Fatal(err)
	}
}

func TestLookups(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		u, _ := e.User("alice", rest.RoleUser)
		ctx := t.Context()
		for name, find := range map[string]func() (*user.User, error){
			"id":         func() (*user.User, error) { return e.Users.ByID(ctx, u.ID) },
			"username":   func() (*user.User, error) { return e.Users.ByUsername(ctx, "Alice") },
			"login name": func() (*user.User, error) { return e.Users.ByLogin(ctx, " alice ") },
			"login mail": func() (*user.User, error) { return e.Users.ByLogin(ctx, "ALICE@example.com") },
		} {
			if got, err := find(); err != nil || got.ID != u.ID {
				t.Errorf("by %s: %v, %v", name, got, err)
			}
		}
		for _, login := range []string{"", "bob", "alice@example.org", "%", "1 OR 1=1", "@", "alice\x00", "\xff"} {
			if got, err := e.Users.ByLogin(ctx, login); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("ByLogin(%q) = %v, %v", login, got, err)
			}
		}
	})
}

// TestCreateErrors are the refusals of the operation, whoever calls it.
func TestCreateErrors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		e.User("alice", rest.RoleUser)
		base := user.NewUser{Username: "bob", Email: "bob@example.com", Password: "12345678", Role: rest.RoleUser}
		for _, c := range []struct {
			name   string
			change func(*user.NewUser)
			want   error  // a sentinel
			param  string // or a refused input
		}{
			{"name taken", func(n *user.NewUser) { n.Username = "alice" }, user.ErrTaken, ""},
			{"mail taken", func(n *user.NewUser) { n.Email = "Alice@EXAMPLE.com" }, user.ErrTaken, ""},
			{"name of the instance", func(n *user.NewUser) { n.Username = "peertube" }, user.ErrTaken, ""},
			{"channel taken", func(n *user.NewUser) { n.ChannelName = "alice_channel" }, channel.ErrNameTaken, ""},
			{"channel as a user", func(n *user.NewUser) { n.ChannelName = "alice" }, channel.ErrNameTaken, ""},
			{"name", func(n *user.NewUser) { n.Username = "Bob" }, nil, "username"},
			{"mail", func(n *user.NewUser) { n.Email = "bob" }, nil, "email"},
			{"short password", func(n *user.NewUser) { n.Password = "1234567" }, nil, "password"},
			{"password of 8 characters in 7", func(n *user.NewUser) { n.Password = "ééééééé" }, nil, "password"},
			{"long password", func(n *user.NewUser) { n.Password = strings.Repeat("a", user.MaxPassword+1) }, nil, "password"},
			{"role", func(n *user.NewUser) { n.Role = 7 }, nil, "role"},
			{"quota", func(n *user.NewUser) { n.VideoQuota = new(int64(-2)) }, nil, "videoQuota"},
			{"channel name", func(n *user.NewUser) { n.ChannelName = "A" }, nil, "channelName"},
			{"channel like the user", func(n *user.NewUser) { n.ChannelName = "bob" }, nil, "channelName"},
			{"display name", func(n *user.NewUser) { n.DisplayName = "\u202e" }, nil, "displayName"},
		} {
			n := base
			c.change(&n)
			_, err := e.Users.Create(t.Context(), n)
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			if c.param != "" {
				if _, ok := rest.AsProblem(err).Invalid[c.param]; !ok || err == nil {
					t.Errorf("%s: %v, want %s refused", c.name, err, c.param)
				}
			}
		}
		if n, err := e.Users.Count(t.Context()); err != nil || n != 1 {
			t.Fatalf("%d users, %v", n, err)
		}
		if _, err := e.Users.Create(t.Context(), base); err != nil {
			t.Errorf("the right twin: %v", err)
		}
	})
}

// TestLongNames gives a channel to a user whose name leaves no room for the
// usual one.
func TestLongNames(t *testing.T) {
	e := accountstest.New(t, dbtest.SQLite(t))
	u, _ := e.User(strings.Repeat("a", 50), rest.RoleUser)
	owned, err := e.Channels.OfUsers(t.Context(), u.ID)
	if err != nil || len(owned[u.ID].Channels) != 1 {
		t.Fatalf("%v, %v", owned, err)
	}
	if name := owned[u.ID].Channels[0].Actor.Username; len(name) != 36 {
		t.Errorf("channel %q, want a UUID", name)
	}
}

func TestSettings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, func(c *config.Config) {
			c.Instance.DefaultNSFWPolicy, c.Defaults.P2P.Webapp.Enabled, c.Defaults.Player.AutoPlay = "warn", false, false
		})
		u, _ := e.User("alice", rest.RoleUser)
		set, err := e.Users.SettingsOf(u)
		if err != nil || set.NSFWPolicy != "warn" || set.P2PEnabled || set.AutoPlayVideo || !set.VideosHistoryEnabled {
			t.Errorf("a new user has %+v, %v, want the instance's defaults", set, err)
		}
		// A row of an older version lacks what came later.
		u.Settings = `{"theme":"dark","unknown":1}`
		old, err := e.Users.SettingsOf(u)
		if err != nil || old.Theme != "dark" || old.NSFWPolicy != "warn" {
			t.Errorf("an old row gives %+v, %v", old, err)
		}
		u.Settings = `{`
		if _, err := e.Users.SettingsOf(u); err == nil {
			t.Error("a broken row is taken")
		}
	})
}

// TestListOrder sorts by every field on both engines alike.
func TestListOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		base := db.Now()
		for i, name := range []string{"carol", "alice", "bob"} {
			u, err := e.Users.Create(t.Context(), user.NewUser{
				Username: name, Email: name + "@example.com", Password: accountstest.Password, Role: []rest.Role{2, 0, 1}[i],
			})
			if err != nil {
				t.Fatal(err)
			}
			exec(t, d, "UPDATE users SET created_at = ? WHERE id = ?", base.Add(time.Duration(i)*time.Second), u.ID)
		}
		exec(t, d, "UPDATE users SET last_login_at = ? WHERE username = 'alice'", base)
		exec(t, d, "UPDATE users SET last_login_at = ? WHERE username = 'bob'", base.Add(time.Second))
		for sort, want := range map[string]string{
			"id": "carol alice bob", "-id": "bob alice carol", "username": "alice bob carol", "-username": "carol bob alice",
			"createdAt": "carol alice bob", "-createdAt": "bob alice carol", "role": "alice bob carol", "-role": "carol bob alice",
			"lastLoginDate": "alice bob carol", "-lastLoginDate": "bob alice carol", // never comes last
		} {
			field, desc := strings.CutPrefix(sort, "-")
			users, total, err := e.Users.List(t.Context(), user.Filter{}, rest.Page{Count: 10, Sort: field, Desc: desc})
			if err != nil || total != 3 {
				t.Fatalf("%s: %d, %v", sort, total, err)
			}
			var names []string
			for _, u := range users {
				names = append(names, u.Username)
			}
			if diff := cmp.Diff(want, strings.Join(names, " ")); diff != "" {
				t.Errorf("sort %s: %s", sort, diff)
			}
		}
		if _, _, err := e.Users.List(t.Context(), user.Filter{}, rest.Page{Count: 10, Sort: "password_hash"}); err == nil { // SEC-51
			t.Error("sorting by a column that is no field")
		}
	})
}

func TestCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		for i, away := range []time.Duration{time.Hour, 60 * 24 * time.Hour, 300 * 24 * time.Hour, 0} {
			u, err := e.Users.Create(t.Context(), user.NewUser{
				Username: fmt.Sprintf("u%d", i), Email: fmt.Sprintf("u%d@example.com", i), Password: accountstest.Password, Role: rest.RoleUser,
			})
			if err != nil {
				t.Fatal(err)
			}
			if away > 0 {
				exec(t, d, "UPDATE users SET last_login_at = ? WHERE id = ?", db.Now().Add(-away), u.ID)
			}
		}
		got, err := e.Users.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]int64{"users": 4, "activeMonth": 1, "activeHalfyear": 2}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSetPassword(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		u, token := e.User("alice", rest.RoleUser)
		if err := e.Users.SetPassword(t.Context(), u.ID, "short"); err == nil {
			t.Error("a short password is taken")
		}
		if a := e.Do(http.MethodGet, "/api/v1/users/me", token, nil); a.Code != 200 {
			t.Errorf("a refused change ended the session: %d", a.Code)
		}
		if err := e.Users.SetPassword(t.Context(), u.ID, "another password"); err != nil {
			t.Fatal(err)
		}
		if a := e.Do(http.MethodGet, "/api/v1/users/me", token, nil); a.Code != 401 { // SEC-47
			t.Errorf("the session lives on: %d", a.Code)
		}
		u, err := e.Users.ByID(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		for password, want := range map[string]bool{"another password": true, accountstest.Password: false} {
			if ok, err := e.Users.CheckPassword(t.Context(), u, password); err != nil || ok != want {
				t.Errorf("CheckPassword(%q) = %v, %v", password, ok, err)
			}
		}
		if ok, err := e.Users.CheckPassword(t.Context(), nil, "another password"); ok || err != nil {
			t.Errorf("nobody has a password: %v, %v", ok, err)
		}
		if err := e.Users.SetPassword(t.Context(), 99999, "another password"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("unknown user: %v", err)
		}
	})
}

// TestLoginErrors tells only those who know the password what is the matter.
func TestLoginErrors(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d, func(c *config.Config) { c.Signup.RequiresEmailVerification = true })
		u, _ := e.User("alice", rest.RoleUser)
		login := func(password string) error {
			_, err := e.Users.Login(t.Context(), user.Attempt{Login: "alice", Password: password, IP: "192.0.2.1"})
			return err
		}
		exec(t, d, "UPDATE users SET email_verified = ? WHERE id = ?", false, u.ID)
		if err := login(accountstest.Password); !errors.Is(err, user.ErrUnverified) {
			t.Errorf("unverified: %v", err)
		}
		if err := login("wrong password"); !errors.Is(err, user.ErrCredentials) {
			t.Errorf("unverified, wrong password: %v", err)
		}
		exec(t, d, "UPDATE users SET email_verified = ? WHERE id = ?", true, u.ID)
		if err := login(accountstest.Password); err != nil {
			t.Errorf("verified: %v", err)
		}
		if err := e.Users.Block(t.Context(), u, "spam"); err != nil {
			t.Fatal(err)
		}
		if err := login(accountstest.Password); !errors.Is(err, user.ErrBlocked) {
			t.Errorf("blocked: %v", err)
		}
		if err := e.Users.Unblock(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		if err := login(accountstest.Password); err != nil {
			t.Errorf("unblocked: %v", err)
		}
	})
}

// TestUsed shows what the module of videos says, and its errors as 500 without
// detail (SEC-53).
func TestUsed(t *testing.T) {
	e := accountstest.New(t, dbtest.SQLite(t))
	_, token := e.User("alice", rest.RoleAdmin)
	get := func(path string) accountstest.Answer { return e.Do(http.MethodGet, "/api/v1"+path, token, nil) }
	if a := get("/users/me/video-quota-used"); a.Code != 200 || a.JSON()["videoQuotaUsed"] != 0.0 {
		t.Errorf("without videos: %d %s", a.Code, a.Text())
	}
	e.Users.Used = failing
	e.Users.UsageSQL = "SELECT a secret of the database"
	for _, path := range []string{"/users/me/video-quota-used", "/users", "/users?sort=videoQuotaUsed"} {
		if a := get(path); a.Code != 500 || strings.Contains(a.Text(), "secret") {
			t.Errorf("%s: %d %s", path, a.Code, a.Text())
		}
	}
	if a := get("/users/me"); a.Code != 200 {
		t.Errorf("me needs no sizes: %d", a.Code)
	}
}

func failing(context.Context, int64) (int64, int64, error) {
	return 0, 0, errors.New("a secret of the database")
}

// TestWhole: lists of users hold all that there is of each.
func TestWhole(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := accountstest.New(t, d)
		u, _ := e.User("alice", rest.RoleUser)
		exec(t, d, `UPDATE users SET email_verified = TRUE, blocked = TRUE, blocked_reason = 'spam', admin_flags = 1, video_quota = 5, video_quota_daily = 6,
 pending_email = 'new@example.com', otp_secret = 'sealed', otp_step = 7, feed_generation = 8, features_read = 9, last_login_at = ? WHERE id = ?`, db.Now(), u.ID)
		want, err := e.Users.ByID(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		for f, v := range reflect.ValueOf(*want).Fields() {
			if v.IsZero() {
				t.Errorf("the test does not set %s", f.Name)
			}
		}
		got, total, err := e.Users.List(t.Context(), user.Filter{Search: "alice"}, rest.Page{Sort: "id", Count: 5})
		if err != nil || total != 1 || len(got) != 1 {
			t.Fatalf("%d of %d, %v", len(got), total, err)
		}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Error(diff)
		}
	})
}
