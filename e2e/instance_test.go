package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// jobTotal is how many jobs are in a state, by the API.
func jobTotal(ctx context.Context, c *rig.Client, state string) (int, error) {
	var l struct{ Total int }
	err := c.Get(ctx, "/api/v1/jobs/"+state+"?count=0", &l)
	return l.Total, err
}

// idle waits until the list of jobs says that all work is done.
func idle(ctx context.Context, t *testing.T, c *rig.Client) {
	t.Helper()
	eventually(ctx, t, 2*time.Minute, "no job that waits or runs", func(ctx context.Context) (bool, error) {
		for _, state := range []string{"waiting", "active"} {
			if n, err := jobTotal(ctx, c, state); err != nil || n > 0 {
				return false, err
			}
		}
		return true, nil
	})
}

// TestAdministration: settings change while the server runs, in all of it; the
// list of jobs tells when an upload is done; a backup taken meanwhile becomes
// the same server elsewhere, which then sends what it still had to. REL-13
func TestAdministration(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 8*time.Minute)
			const marker = "marker-that-must-not-be-seen"
			database, redis := e.urls(t)
			a := start(ctx, t, rig.Options{DatabaseURL: database, RedisURL: redis, Settings: map[string]any{
				"secrets.peertube": marker + strings.Repeat("x", 32), "smtp.username": "mailer", "smtp.password": marker,
			}})
			b := startOn(ctx, t, e, nil)
			follow(ctx, t, b, a)
			c := root(ctx, t, a)
			changeSettings(ctx, t, a, c)

			clip, err := rig.Clip(ctx, t.TempDir(), 4, 640, 360)
			if err != nil {
				t.Fatal(err)
			}
			v, err := c.Upload(ctx, clip, rig.Fields{"name": "All done"})
			if err != nil {
				t.Fatal(err)
			}
			idle(ctx, t, c)
			if got, err := c.Video(ctx, v.UUID); err != nil || len(got.StreamingPlaylists) == 0 || len(got.Files) == 0 {
				t.Errorf("no job is left, but the video is %+v, %v", got, err)
			}
			eventually(ctx, t, time.Minute, "the video on the other server", func(ctx context.Context) (bool, error) {
				got, err := named(ctx, root(ctx, t, b), "All done")
				return len(got) == 1, err
			})

			// While the other server is away, something is to be sent to it.
			if err := b.Stop(); err != nil {
				t.Fatal(err)
			}
			if err := c.Send(ctx, http.MethodPut, "/api/v1/videos/"+v.UUID, map[string]any{"name": "Sent after the restore"}, nil); err != nil {
				t.Fatal(err)
			}
			seen := everyAnswer(ctx, t, c)
			dir := filepath.Join(t.TempDir(), "backup")
			out, err := a.Run(ctx, "backup", dir, "--json")
			if err != nil {
				t.Fatalf("backup: %v\n%s", err, out)
			}
			var m struct {
				Files  int64
				Tables map[string]int64
			}
			if err := json.Unmarshal([]byte(out[max(0, strings.Index(out, "{")):]), &m); err != nil || m.Files < 5 || m.Tables["videos"] != 1 {
				t.Errorf("backup says %s, %v", out, err)
			}
			if err := a.Stop(); err != nil {
				t.Fatal(err)
			}
			secretStays(t, marker, a, seen)

			second, redis := e.urls(t)
			r := restored(ctx, t, a, rig.Options{DatabaseURL: second, RedisURL: redis, Settings: map[string]any{"secrets.peertube": marker + strings.Repeat("x", 32)}}, dir)
			if err := b.Launch(ctx); err != nil {
				t.Fatal(err)
			}
			eventually(ctx, t, 2*time.Minute, "the new name on the other server", func(ctx context.Context) (bool, error) {
				got, err := named(ctx, root(ctx, t, b), "Sent after the restore")
				return len(got) == 1, err
			})
			again := root(ctx, t, r)
			complete(ctx, t, again, v.UUID)
			var cfg struct{ Instance struct{ Name string } }
			if err := again.Get(ctx, "/api/v1/config", &cfg); err != nil || cfg.Instance.Name != "Changed while it runs" {
				t.Errorf("name %q, %v", cfg.Instance.Name, err)
			}
		})
	}
}

// changeSettings changes some and looks where they are told.
func changeSettings(ctx context.Context, t *testing.T, i *rig.Instance, c *rig.Client) {
	t.Helper()
	err := c.Send(ctx, http.MethodPut, "/api/v1/config/custom", map[string]any{
		"instance": map[string]any{"name": "Changed while it runs"}, "signup": map[string]any{"enabled": true, "limit": -1, "requiresApproval": false},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		OpenRegistrations bool
		Metadata          struct{ NodeName string }
	}
	if err := c.Get(ctx, "/nodeinfo/2.0.json", &info); err != nil || !info.OpenRegistrations || info.Metadata.NodeName != "Changed while it runs" {
		t.Errorf("nodeinfo %+v, %v", info, err)
	}
	if err := i.NewClient().Send(ctx, http.MethodPost, "/api/v1/users/register", map[string]any{
		"username": "newcomer", "password": rig.Password, "email": "newcomer@example.org",
	}, nil); err != nil {
		t.Errorf("register: %v", err)
	}
	if err := c.Send(ctx, http.MethodPut, "/api/v1/config/custom", map[string]any{"signup": map[string]any{"enabled": false}}, nil); err != nil {
		t.Fatal(err)
	}
	err = i.NewClient().Send(ctx, http.MethodPost, "/api/v1/users/register", map[string]any{
		"username": "latecomer", "password": rig.Password, "email": "latecomer@example.org",
	}, nil)
	if !hasStatus(err, http.StatusForbidden) {
		t.Errorf("register after it was closed: %v", err)
	}
}

// everyAnswer asks for what administrators may see, right and wrong.
func everyAnswer(ctx context.Context, t *testing.T, c *rig.Client) string {
	t.Helper()
	var all strings.Builder
	for _, path := range []string{
		"/api/v1/config", "/api/v1/config/custom", "/api/v1/config/about", "/api/v1/server/stats", "/api/v1/server/debug", "/api/v1/jobs",
		"/api/v1/server/logs?level=debug&startDate=2020-01-01", "/api/v1/server/audit-logs?startDate=2020-01-01", "/metrics",
		"/admin/system/jobs/queues/api/queues", "/api/v1/videos/none", "/api/v1/videos?sort=none", "/api/v1/users", "/api/v1/oauth-clients/local",
	} {
		var out json.RawMessage
		err := c.Get(ctx, path, &out)
		fmt.Fprintln(&all, path, string(out), err)
	}
	return all.String()
}

// secretStays looks for the secrets of the settings in everything that was
// answered and written. SEC-53
func secretStays(t *testing.T, marker string, i *rig.Instance, answers string) {
	t.Helper()
	if strings.Contains(answers, marker) {
		t.Error("an answer holds a secret of the settings")
	}
	err := filepath.WalkDir(i.Dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || d != nil && (d.IsDir() || path == i.Config) {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), marker) {
			t.Errorf("%s holds a secret of the settings", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// restored starts the server that was saved in a place of its own, at the same
// address.
func restored(ctx context.Context, t *testing.T, was *rig.Instance, o rig.Options, dir string) *rig.Instance {
	t.Helper()
	o.Port, o.Dir, o.Binary = portOf(t, was), t.TempDir(), binary
	i, err := rig.New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := i.Run(ctx, "restore", dir); err != nil || !strings.Contains(out, "restored") {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	if out, err := i.Run(ctx, "check"); err != nil {
		t.Errorf("kinemesh check after the restore: %v\n%s", err, out)
	}
	if out, err := i.Run(ctx, "restore", dir); err == nil {
		t.Errorf("restored a second time: %s", out)
	}
	if err := i.Launch(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = i.Kill() })
	return i
}
