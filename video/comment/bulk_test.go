package comment_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestRemoveAll: owners are rid of all that somebody has said below their videos,
// moderators everywhere, and other servers hear of it.
func TestRemoveAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{})
		alice, bob, mallory, mod := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser), s.User("mallory", rest.RoleUser), s.User("mod", rest.RoleModerator)
		hers, his := s.Publish(alice, "Hers"), s.Publish(bob, "His")
		said := func(who *videotest.User, v string) string {
			t.Helper()
			a := s.As(who, "POST", "/videos/"+v+"/comment-threads", videotest.M{"text": "Hello"})
			if a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
			return fmt.Sprint(a.JSON["comment"].(videotest.M)["id"])
		}
		for range 3 {
			said(mallory, hers.UUID)
		}
		said(mallory, his.UUID)
		said(bob, hers.UUID)
		const path = "/bulk/remove-comments-of"
		for _, c := range []struct {
			name   string
			who    *videotest.User
			body   any
			status int
		}{
			{"nobody", nil, videotest.M{"accountName": "mallory", "scope": "my-videos"}, 401},
			{"a user everywhere", alice, videotest.M{"accountName": "mallory", "scope": "instance"}, 403},
			{"no scope", alice, videotest.M{"accountName": "mallory"}, 400},
			{"another scope", mod, videotest.M{"accountName": "mallory", "scope": "all"}, 400},
			{"no account", alice, videotest.M{"scope": "my-videos"}, 400},
			{"a number", alice, videotest.M{"accountName": 5, "scope": "my-videos"}, 400},
			{"an unknown account", alice, videotest.M{"accountName": "nobody", "scope": "my-videos"}, 404},
			{"a channel", alice, videotest.M{"accountName": "mallory_channel", "scope": "my-videos"}, 404},
		} {
			if a := s.As(c.who, "POST", path, c.body); a.Status != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
			}
		}
		if n := s.Count("jobs", "kind = 'video.remove_comments'"); n != 0 {
			t.Fatalf("%d jobs", n)
		}
		left := func(video int64) int64 { return s.Count("comments", "video_id = ? AND deleted_at IS NULL", video) }
		remove := func(who *videotest.User, scope string) {
			t.Helper()
			if a := s.As(who, "POST", path, videotest.M{"accountName": "mallory@" + s.Host, "scope": scope}); a.Status != 204 {
				t.Fatalf("%s: %d %s", scope, a.Status, a.Body)
			}
		}
		remove(alice, "my-videos")
		aptest.Eventually(t, "the end of three comments", func() bool { return left(hers.ID) == 1 })
		if left(his.ID) != 1 {
			t.Error("what is below others' videos is gone")
		}
		if a := s.As(nil, "GET", "/videos/"+hers.UUID+"/comment-threads", nil); a.JSON["totalNotDeletedComments"] != 1.0 || strings.Contains(string(a.Body), "mallory") {
			t.Errorf("below hers: %s", a.Body)
		}
		if n := s.Count("outbox", "type = 'Delete'"); n != 3 {
			t.Errorf("%d Deletes", n)
		}
		remove(mod, "instance")
		aptest.Eventually(t, "the end of the last one", func() bool { return left(his.ID) == 0 })
		if left(hers.ID) != 1 {
			t.Error("what others said is gone")
		}
	})
}
