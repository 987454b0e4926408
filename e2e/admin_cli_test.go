package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// An administrator makes a user, looks after it and follows another server on the
// command line, while the server runs.
func TestAdminCommands(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 4*time.Minute)
			i := startOn(ctx, t, e, nil)
			run := func(args ...string) string {
				t.Helper()
				out, errs, err := cli(ctx, t, i, args...)
				if err != nil {
					t.Fatalf("%v: %v\n%s", args, err, errs)
				}
				return out
			}
			refused := func(want string, args ...string) {
				t.Helper()
				if out, errs, err := cli(ctx, t, i, args...); err == nil || !strings.Contains(errs, want) {
					t.Errorf("%v: %v\n%s%s\nwant %q", args, err, out, errs, want)
				}
			}
			var made struct {
				ID                              int64
				Username, Role, Email, Password string
			}
			if err := json.Unmarshal([]byte(run("user", "create", "ada", "--email", "ada@example.org", "--role", "moderator", "--json")), &made); err != nil {
				t.Fatal(err)
			}
			if made.Username != "ada" || made.Role != "moderator" || len(made.Password) < 20 {
				t.Fatalf("made %+v", made)
			}
			c := i.NewClient()
			if err := c.Login(ctx, "ada", made.Password); err != nil {
				t.Fatal(err)
			}
			refused("exists", "user", "create", "ada", "--email", "other@example.org")
			refused("username: ", "user", "create", "Not a name", "--email", "a@example.org")
			refused("email: ", "user", "create", "bea", "--email", "nowhere")
			refused("should be admin, moderator or user", "user", "create", "bea", "--email", "b@example.org", "--role", "king")
			refused("use it as", "user", "create", "bea")
			refused(`no user "nobody"`, "user", "ban", "nobody")
			refused(`no user "nobody"`, "token", "nobody")

			token := i.NewClient()
			token.Token = strings.TrimSpace(run("token", "ada"))
			me := func(c *rig.Client) error {
				var out struct{ Username string }
				return c.Get(ctx, "/api/v1/users/me", &out)
			}
			if err := me(token); err != nil {
				t.Errorf("with the token: %v", err)
			}
			run("user", "ban", "ada", "--reason", "a test")
			if err := me(token); !hasStatus(err, 401) {
				t.Errorf("with the token of a banned user: %v", err)
			}
			if err := i.NewClient().Login(ctx, "ada", made.Password); !hasStatus(err, 400) {
				t.Errorf("login of a banned user: %v", err)
			}
			refused("is banned", "token", "ada")
			if out := run("user", "list", "--blocked"); !strings.Contains(out, "ada@example.org") || !strings.Contains(out, "yes a test") || strings.Contains(out, "root") {
				t.Errorf("blocked users:\n%s", out)
			}
			run("user", "unban", "ada")
			file := filepath.Join(t.TempDir(), "password")
			if err := os.WriteFile(file, []byte("a new secret word\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if out := run("user", "reset-password", "ada", "--password-file", file); strings.Contains(out, "secret") {
				t.Errorf("the password is printed: %s", out)
			}
			if err := i.NewClient().Login(ctx, "ada", "a new secret word"); err != nil {
				t.Error(err)
			}
			var users struct {
				Total int
				Data  []struct{ Username string }
			}
			if err := json.Unmarshal([]byte(run("user", "list", "--json", "--limit", "1")), &users); err != nil || users.Total != 2 || len(users.Data) != 1 || users.Data[0].Username != "ada" {
				t.Errorf("users %+v, %v", users, err)
			}

			other := start(ctx, t, rig.Options{})
			run("follow", "add", other.Host)
			eventually(ctx, t, time.Minute, "the follow is accepted", func(context.Context) (bool, error) {
				return strings.Contains(run("follow", "list", "--state", "accepted"), "peertube@"+other.Host), nil
			})
			refused("hosts: ", "follow", "add", i.Host)
			refused("is not followed", "follow", "remove", "elsewhere.example")
			refused("pending, accepted or rejected", "follow", "list", "--state", "maybe")
			run("follow", "remove", other.Host)
			if out := run("follow", "list"); strings.Contains(out, other.Host) {
				t.Errorf("still followed:\n%s", out)
			}
			for _, group := range []string{"user", "follow"} {
				if out := run(group, "--help"); !strings.Contains(out, "list") {
					t.Errorf("%s --help:\n%s", group, out)
				}
			}
		})
	}
}
