package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// TestWatch: a video of A is watched and reported on B, and A hears of both.
func TestWatch(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 4*time.Minute)
			settings := map[string]any{
				"transcoding.enabled": false, "views.videos.count_view_after": "1 second", "views.videos.local_buffer_update_interval": "2 seconds",
			}
			a, b := startOn(ctx, t, e, settings), startOn(ctx, t, e, settings)
			follow(ctx, t, b, a)
			onA := root(ctx, t, a)
			clip, err := rig.Clip(ctx, t.TempDir(), 4, 320, 180)
			if err != nil {
				t.Fatal(err)
			}
			v, err := onA.Upload(ctx, clip, rig.Fields{"name": "Watched from afar"})
			if err != nil {
				t.Fatal(err)
			}
			var there rig.Video
			eventually(ctx, t, 30*time.Second, "B lists the video", func(ctx context.Context) (bool, error) {
				found, err := named(ctx, b.NewClient(), "Watched from afar")
				if len(found) == 1 {
					there = found[0]
				}
				return len(found) == 1, err
			})
			play(ctx, t, a.NewClient(), v.UUID, "on-a")
			play(ctx, t, b.NewClient(), there.UUID, "on-b")
			play(ctx, t, b.NewClient(), there.UUID, "on-b") // the same viewer once more
			play(ctx, t, b.NewClient(), there.UUID, "on-b-too")
			for name, c := range map[string]*rig.Client{"A counts its own view and those of B": a.NewClient(), "B hears of all views": b.NewClient()} {
				eventually(ctx, t, 30*time.Second, name, func(ctx context.Context) (bool, error) {
					got, err := countsOf(ctx, c, v.UUID)
					return got.Views == 3, err
				})
			}
			// Those that watch on B, and the one on A once A has told of it, which it
			// does every minute. They watch on, however long the above took.
			eventually(ctx, t, time.Minute, "B shows its 2 viewers, or all 3", func(ctx context.Context) (bool, error) {
				play(ctx, t, a.NewClient(), v.UUID, "on-a")
				play(ctx, t, b.NewClient(), there.UUID, "on-b")
				play(ctx, t, b.NewClient(), there.UUID, "on-b-too")
				got, err := countsOf(ctx, b.NewClient(), v.UUID)
				if err == nil && got.Viewers != 2 && got.Viewers != 3 {
					err = fmt.Errorf("it shows %d", got.Viewers)
				}
				return err == nil, err
			})
			reported(ctx, t, a, b, v, there)
		})
	}
}

// reported has the video reported by a user of B and looks at it as moderator
// of A.
func reported(ctx context.Context, t *testing.T, a, b *rig.Instance, v, there rig.Video) {
	t.Helper()
	err := root(ctx, t, b).Send(ctx, http.MethodPost, "/api/v1/abuses", map[string]any{
		"reason": "It shows a clock", "predefinedReasons": []string{"spamOrMisleading"}, "video": map[string]any{"id": there.ID, "startAt": 1, "endAt": 2},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	onA := root(ctx, t, a)
	var list struct {
		Data []struct {
			ID         int      `json:"id"`
			Reason     string   `json:"reason"`
			Predefined []string `json:"predefinedReasons"`
			Reporter   struct {
				Name, Host string
			} `json:"reporterAccount"`
			Video struct {
				UUID    string `json:"uuid"`
				StartAt int    `json:"startAt"`
			} `json:"video"`
		} `json:"data"`
	}
	eventually(ctx, t, 30*time.Second, "A has the report", func(ctx context.Context) (bool, error) {
		err := onA.Get(ctx, "/api/v1/abuses", &list)
		return len(list.Data) == 1, err
	})
	r := list.Data[0]
	if r.Reason != "It shows a clock" || r.Video.UUID != v.UUID || r.Video.StartAt != 1 || r.Reporter.Host != b.Host || len(r.Predefined) != 1 {
		t.Errorf("report on A: %+v", r)
	}
}

// play watches the beginning of a video.
func play(ctx context.Context, t *testing.T, c *rig.Client, id, viewer string) {
	t.Helper()
	for _, at := range []float64{0, 1} {
		err := c.Send(ctx, http.MethodPost, "/api/v1/videos/"+id+"/views", map[string]any{"currentTime": at, "sessionId": viewer}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
}

type counted struct {
	Views   int `json:"views"`
	Viewers int `json:"viewers"`
}

func countsOf(ctx context.Context, c *rig.Client, id string) (out counted, err error) {
	err = c.Get(ctx, "/api/v1/videos/"+id, &out)
	return out, err
}
