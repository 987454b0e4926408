package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// A video goes from the file of a user on A into the browser of a visitor of B.
func TestFederation(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 5*time.Minute)
			a, b := startOn(ctx, t, e, nil), startOn(ctx, t, e, nil)
			follow(ctx, t, b, a)
			onA := root(ctx, t, a)

			clip, err := rig.Clip(ctx, t.TempDir(), 12, 640, 360)
			if err != nil {
				t.Fatal(err)
			}
			uploadKilledTwice(ctx, t, onA, clip, "Across the border")
			var v rig.Video
			eventually(ctx, t, 30*time.Second, "A knows the video", func(ctx context.Context) (bool, error) {
				var list struct {
					Data []rig.Video `json:"data"`
				}
				err := onA.Get(ctx, "/api/v1/users/me/videos", &list)
				if len(list.Data) == 1 {
					v = list.Data[0]
				}
				return len(list.Data) == 1, err
			})
			v, err = onA.WaitPublished(ctx, v.UUID, 2*time.Minute)
			if err != nil {
				t.Fatal(err)
			}

			visitor := b.NewClient()
			var remote rig.Video
			eventually(ctx, t, time.Minute, "B lists the video", func(ctx context.Context) (bool, error) {
				found, err := named(ctx, visitor, "Across the border")
				if len(found) == 1 {
					remote = found[0]
				}
				return len(found) == 1, err
			})
			if remote.UUID != v.UUID || remote.IsLocal {
				t.Errorf("B has %+v, want the remote video %s", remote, v.UUID)
			}
			watch(ctx, t, b, remote.ShortUUID)

			if err := onA.Send(ctx, http.MethodPut, "/api/v1/videos/"+v.UUID, map[string]any{"name": "A new name"}, nil); err != nil {
				t.Fatal(err)
			}
			eventually(ctx, t, time.Minute, "B has the new name", func(ctx context.Context) (bool, error) {
				got, err := visitor.Video(ctx, v.UUID)
				return got.Name == "A new name", err
			})
			if _, err := onA.Do(ctx, http.MethodDelete, "/api/v1/videos/"+v.UUID, http.NoBody, nil, nil); err != nil {
				t.Fatal(err)
			}
			eventually(ctx, t, time.Minute, "B has no such video any more", func(ctx context.Context) (bool, error) {
				_, err := visitor.Video(ctx, v.UUID)
				if hasStatus(err, http.StatusNotFound) {
					return true, nil
				}
				return false, err
			})
		})
	}
}

// uploadKilledTwice kills the client in the middle of a chunk, twice.
func uploadKilledTwice(ctx context.Context, t *testing.T, c *rig.Client, clip, name string) {
	t.Helper()
	u := newUploader(t, c, clip, name, 600*time.Millisecond)
	for range 2 {
		cmd, err := u.start(ctx)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(1500 * time.Millisecond) // some chunks are through, one is under way
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if cmd.Wait() == nil {
			t.Fatal("the client was faster than the kill")
		}
	}
	if err := u.finish(ctx); err != nil {
		t.Fatal(err)
	}
}

// watch opens the page of a video and counts frames.
func watch(ctx context.Context, t *testing.T, i *rig.Instance, id string) {
	t.Helper()
	browser, err := rig.StartBrowser(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer browser.Close()
	page, err := browser.Open(ctx, i.Origin+"/w/"+id, rig.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	err = rig.Eventually(ctx, time.Minute, "50 frames are shown", func(ctx context.Context) (bool, error) {
		var err error
		frames, err = page.Frames(ctx)
		return frames >= 50, err
	})
	if err != nil {
		t.Errorf("%v (%d frames)\nerrors of the page: %q", err, frames, page.Errors())
	}
}

// Web and worker as processes of their own, on PostgreSQL and Redis.
func TestRolesApart(t *testing.T) {
	ctx := slow(t, 4*time.Minute)
	all := engines()
	if len(all) < 2 {
		t.Skip("needs TEST_DATABASE_URL and TEST_REDIS_URL")
	}
	database, redis := all[1].urls(t)
	dir := t.TempDir()
	data := map[string]any{"data_dir": dir + "/data"}
	web := start(ctx, t, rig.Options{DatabaseURL: database, RedisURL: redis, Roles: "web,tracker", Settings: data})
	c := root(ctx, t, web)
	clip, err := rig.Clip(ctx, dir, 4, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Upload(ctx, clip, rig.Fields{"name": "Two processes"})
	if err != nil {
		t.Fatal(err)
	}
	before, err := c.Video(ctx, v.UUID)
	if err != nil || before.State.ID == 1 && len(before.StreamingPlaylists) > 0 {
		t.Errorf("without a worker the video is in state %q, %v", before.State.Label, err)
	}
	data["webserver.port"] = portOf(t, web)
	start(ctx, t, rig.Options{DatabaseURL: database, RedisURL: redis, Roles: "worker", Settings: data})
	if _, err := c.WaitPublished(ctx, v.UUID, 2*time.Minute); err != nil {
		t.Error(err)
	}
}
