package listing_test

import (
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// listed gives the videos of a list by their names.
func listed(t *testing.T, w *catalogtest.World, who *catalogtest.User, path string) map[string]map[string]any {
	t.Helper()
	a := w.Do(who, "GET", "/api/v1"+path, nil)
	if a.Status != 200 {
		t.Fatalf("GET %s: %d %s", path, a.Status, a.Body)
	}
	out := map[string]map[string]any{}
	for _, v := range a.JSON(t)["data"].([]any) {
		v := v.(map[string]any)
		out[v["name"].(string)] = v
	}
	return out
}

// TestIncludeSource: moderators who ask for it are told what videos were made of.
func TestIncludeSource(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, mod := w.User("alice", rest.RoleUser), w.User("mod", rest.RoleModerator)
		made := w.Video(alice, "Made")
		w.Video(alice, "Unknown")
		w.Tx(func(tx *db.Tx) error { return tx.Exec("DELETE FROM video_sources").Error })
		w.Tx(func(tx *db.Tx) error {
			return catalog.SetSource(tx, &catalog.Source{
				VideoID: made.ID, Filename: "Holiday.MOV", Size: 13, Width: 1920, Height: 1080, Resolution: 1080, FPS: 25, KeptName: made.UUID + ".mov",
			})
		})
		rows := listed(t, w, mod, "/videos?include=33&sort=name")
		src, _ := rows["Made"]["videoSource"].(map[string]any)
		for field, want := range map[string]any{
			"inputFilename": "Holiday.MOV", "size": 13.0, "width": 1920.0, "height": 1080.0, "fps": 25.0,
			"fileDownloadUrl": catalogtest.Origin + "/download/original-video-files/" + made.UUID + ".mov",
		} {
			if src[field] != want {
				t.Errorf("%s is %v, want %v", field, src[field], want)
			}
		}
		if v, there := rows["Unknown"]["videoSource"]; v != nil || !there {
			t.Errorf("an unknown source is %v (%v), want null", v, there)
		}
		if rows["Made"]["state"] == nil || rows["Made"]["uuid"] != made.UUID {
			t.Errorf("the video itself is missing: %v", rows["Made"])
		}
		if src["filename"] != "Holiday.MOV" || src["resolution"].(map[string]any)["label"] != "1080p" {
			t.Errorf("the source is %v", src)
		}
		if _, there := listed(t, w, mod, "/videos?include=1")["Made"]["videoSource"]; there {
			t.Error("the source is told without being asked for")
		}
		if a := w.Do(alice, "GET", "/api/v1/videos?include=32", nil); a.Status != 401 {
			t.Errorf("a user who asks for sources gets %d", a.Status)
		}
	})
}

// TestScheduledInLists: who owns a video, and moderators, see in lists when it is
// published; nobody else does.
func TestScheduledInLists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, mod := w.User("alice", rest.RoleUser), w.User("mod", rest.RoleModerator)
		at := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
		w.Video(alice, "Soon", func(n *catalog.NewVideo) {
			n.Attributes.Schedule = &catalog.Schedule{At: at, Privacy: catalog.Private}
		})
		w.Video(alice, "Now")
		for _, c := range []struct {
			who  *catalogtest.User
			path string
			told bool
		}{
			{alice, "/users/me/videos", true},
			{alice, "/users/me/videos?search=soon", true},
			{mod, "/videos?include=1", true},
			{alice, "/videos", false},
			{nil, "/videos", false},
			{mod, "/videos", false},
		} {
			rows := listed(t, w, c.who, c.path)
			got, _ := rows["Soon"]["scheduledUpdate"].(map[string]any)
			if !c.told {
				if got != nil {
					t.Errorf("%s tells %v", c.path, got)
				}
				continue
			}
			if got["updateAt"] != "2031-02-03T04:05:06.000Z" || got["privacy"] != 3.0 {
				t.Errorf("%s: the change is %v", c.path, got)
			}
			if got := rows["Now"]["scheduledUpdate"]; got != nil {
				t.Errorf("%s: a change of what has none: %v", c.path, got)
			}
		}
	})
}
