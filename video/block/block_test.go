package block_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/block"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = videotest.M

// site is an instance with alice, bob, a moderator and an administrator.
type site struct {
	*videotest.Site
	t                     *testing.T
	alice, bob, mod, boss *videotest.User
}

func serve(t *testing.T, d *db.DB) *site {
	s := &site{Site: videotest.Serve(t, d, videotest.Options{}), t: t}
	s.alice, s.bob = s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser)
	s.mod, s.boss = s.User("mod", rest.RoleModerator), s.User("boss", rest.RoleAdmin)
	return s
}

func each(t *testing.T, test func(t *testing.T, s *site)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, serve(t, d)) })
}

// want fails unless the request is answered with status.
func (s *site) want(status int, who *videotest.User, method, path string, body any) aptest.Answer {
	s.t.Helper()
	a := s.As(who, method, path, body)
	if a.Status != status {
		s.t.Errorf("%s %s %v: %d %s, want %d", method, path, body, a.Status, a.Body, status)
	}
	return a
}

// names are the videos of a list.
func (s *site) names(who *videotest.User, path string) string {
	s.t.Helper()
	var out []string
	for _, row := range s.want(200, who, "GET", path, nil).JSON["data"].([]any) {
		v := row.(m)
		if inner, ok := v["video"].(m); ok {
			v = inner
		}
		out = append(out, fmt.Sprint(v["name"]))
	}
	return strings.Join(out, ", ")
}

// TestBlock: a blocked video is in no list and opens for its owner and moderators
// only, who read why; it is back when the block is taken back.
func TestBlock(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		v := s.Publish(s.alice, "Bad one")
		s.Publish(s.alice, "Good one")
		path := "/videos/" + v.UUID
		made := s.want(200, s.alice, "POST", "/video-playlists", m{"displayName": "Mine", "privacy": 1, "videoChannelId": s.alice.ChannelID})
		list := "/video-playlists/" + made.JSON["videoPlaylist"].(m)["uuid"].(string)
		s.want(200, s.alice, "POST", list+"/videos", m{"videoId": v.UUID})
		s.want(204, s.bob, "PUT", path+"/rate", m{"rating": "like"})
		lists := []string{
			"/videos?sort=name", "/search/videos?search=one&sort=name", "/accounts/alice/videos?sort=name", "/video-channels/alice_channel/videos?sort=name",
			"/videos?sort=name&isLocal=true",
		}
		look := func(when string, blocked bool) {
			t.Helper()
			names, status, element := "Bad one, Good one", 200, 0.0
			if blocked {
				names, status, element = "Good one", 403, 3.0
			}
			for _, who := range []*videotest.User{nil, s.bob, s.alice, s.mod} {
				for _, path := range lists {
					if got := s.names(who, path); got != names {
						t.Errorf("%s: %s holds %q", when, path, got)
					}
				}
			}
			for _, who := range []*videotest.User{nil, s.bob} {
				for _, part := range []string{"", "/description", "/comment-threads"} {
					s.want(status, who, "GET", path+part, nil)
				}
				e := s.want(200, who, "GET", list+"/videos", nil).JSON["data"].([]any)[0].(m)
				if e["type"] != element || (e["video"] == nil) != blocked {
					t.Errorf("%s: in the playlist: %v", when, e)
				}
				made := s.want(200, who, "GET", list, nil).JSON
				if (made["thumbnailPath"] == nil) != blocked {
					t.Errorf("%s: picture of the playlist: %v", when, made["thumbnailPath"])
				}
			}
			s.want(status, s.bob, "POST", path+"/comment-threads", m{"text": "Hello"})
			if a := s.Ask(nil, "GET", "/services/oembed?url="+s.Origin+"/w/"+v.ShortUUID(), nil); a.Status != status {
				t.Errorf("%s: oEmbed answers %d", when, a.Status)
			}
			rated := s.want(200, s.bob, "GET", "/accounts/bob/ratings", nil).JSON["total"]
			if (rated == 0.0) != blocked {
				t.Errorf("%s: %v rated videos", when, rated)
			}
			for _, part := range []string{"", "/activity", "/comments", "/likes"} {
				if got := s.Document("/videos/watch/" + v.UUID + part).Status; (got == 404) != blocked {
					t.Errorf("%s: document%s: %d", when, part, got)
				}
			}
			for _, who := range []*videotest.User{s.alice, s.mod, s.boss} {
				got := s.want(200, who, "GET", path, nil).JSON
				if got["blacklisted"] != blocked || (got["blacklistedReason"] == "So bad") != blocked {
					t.Errorf("%s: %v, %v", when, got["blacklisted"], got["blacklistedReason"])
				}
			}
			mine := s.want(200, s.alice, "GET", "/users/me/videos?sort=name", nil).JSON["data"].([]any)[0].(m)
			if mine["name"] != "Bad one" || mine["blacklisted"] != blocked || (mine["blacklistedReason"] == "So bad") != blocked {
				t.Errorf("%s: own list: %v %v %v", when, mine["name"], mine["blacklisted"], mine["blacklistedReason"])
			}
			if got := s.names(s.mod, "/videos?include=1&sort=name"); got != names {
				t.Errorf("%s: a moderator's list: %q", when, got)
			}
			if got := s.names(s.mod, "/videos?include=2&sort=name"); got != "Bad one, Good one" {
				t.Errorf("%s: with blocked ones: %q", when, got)
			}
		}
		look("at first", false)
		s.want(204, s.mod, "POST", path+"/blacklist", m{"reason": "So bad", "internalNote": "Really"})
		look("blocked", true)
		s.Edit(s.alice, v, m{"support": "A change of the owner"})
		look("changed", true)
		s.want(204, s.mod, "DELETE", path+"/blacklist", nil)
		look("unblocked", false)
	})
}

// TestList: moderators list blocks with their videos, in PeerTube's shape.
func TestList(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		var ids []int64
		for i, name := range []string{"Alpha", "Beta", "Gamma"} {
			v := s.Publish(s.alice, name)
			ids = append(ids, v.ID)
			s.Tx(func(tx *db.Tx) error {
				return tx.Exec("UPDATE videos SET views = ?, duration = ? WHERE id = ?", 10-i, 10+i, v.ID).Error
			})
			s.want(204, s.mod, "POST", fmt.Sprint("/videos/", v.ID, "/blacklist"), m{"reason": "Reason " + name, "unfederate": i == 2})
		}
		s.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE video_blocks SET type = 2 WHERE video_id = ?", ids[1]).Error
		})
		for query, want := range map[string]string{
			"": "Gamma, Beta, Alpha", "?sort=createdAt": "Alpha, Beta, Gamma", "?sort=name": "Alpha, Beta, Gamma", "?sort=-name": "Gamma, Beta, Alpha",
			"?sort=views": "Gamma, Beta, Alpha", "?sort=-duration": "Gamma, Beta, Alpha", "?sort=-id&count=1": "Gamma", "?sort=-likes": "Gamma, Beta, Alpha",
			"?type=1": "Gamma, Alpha", "?type=2": "Beta", "?type=3": "", "?search=ALPH": "Alpha", "?search=reason%20b": "Beta",
			"?search=alice_ch": "Gamma, Beta, Alpha", "?search=100%25": "", "?start=1&count=1": "Beta",
		} {
			if got := s.names(s.mod, "/videos/blacklist"+query); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		got := s.want(200, s.boss, "GET", "/videos/blacklist?count=1", nil).JSON
		row := got["data"].([]any)[0].(m)
		video := row["video"].(m)
		if got["total"] != 3.0 || row["reason"] != "Reason Gamma" || row["internalNote"] != nil || row["unfederated"] != true || row["type"] != 1.0 ||
			row["createdAt"] == nil || row["updatedAt"] == nil || video["id"] != float64(ids[2]) || video["blacklisted"] != true ||
			video["channel"].(m)["name"] != "alice_channel" || video["thumbnailPath"] == "" {
			t.Errorf("%v", got)
		}
		path := fmt.Sprint("/videos/", ids[2], "/blacklist")
		s.want(204, s.mod, "PUT", path, m{"reason": "Another", "internalNote": "Secret"})
		s.want(204, s.mod, "PUT", path, m{"internalNote": nil})
		row = s.want(200, s.mod, "GET", "/videos/blacklist?count=1", nil).JSON["data"].([]any)[0].(m)
		if row["reason"] != "Another" || row["internalNote"] != nil {
			t.Errorf("changed: %v", row)
		}
		s.Tx(func(tx *db.Tx) error { return tx.Exec("DELETE FROM videos WHERE id = ?", ids[0]).Error })
		if got := s.names(s.mod, "/videos/blacklist"); got != "Gamma, Beta" {
			t.Errorf("after one is deleted: %q", got)
		}
	})
}

// TestSEC43Blocks: who may block, and what is refused; nothing changes.
func TestSEC43Blocks(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		v, blocked := s.Publish(s.alice, "Seen"), s.Publish(s.alice, "Blocked")
		far := s.Publish(s.alice, "Far away")
		s.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE videos SET local = ?, iri = 'https://far.example/1' WHERE id = ?", false, far.ID).Error
		})
		path := "/videos/" + v.UUID + "/blacklist"
		there := "/videos/" + blocked.UUID + "/blacklist"
		s.want(204, s.mod, "POST", there, m{"reason": "Because"})
		for _, route := range []struct{ method, path string }{{"POST", path}, {"PUT", there}, {"DELETE", there}, {"GET", "/videos/blacklist"}} {
			s.want(401, nil, route.method, route.path, m{})
			s.want(403, s.bob, route.method, route.path, m{})
			s.want(403, s.alice, route.method, route.path, m{})
		}
		for _, c := range []struct {
			name, method, path string
			body               any
			status             int
		}{
			{"a short reason", "POST", path, m{"reason": "a"}, 400},
			{"a blank reason", "POST", path, m{"reason": "     "}, 400},
			{"a long reason", "POST", path, m{"reason": strings.Repeat("a", 301)}, 400},
			{"a long note", "POST", path, m{"internalNote": strings.Repeat("a", 301)}, 400},
			{"a number", "POST", path, m{"reason": 5}, 400},
			{"no switch", "POST", path, m{"unfederate": "maybe"}, 400},
			{"no video", "POST", "/videos/999999/blacklist", m{}, 404},
			{"no id", "POST", "/videos/x/blacklist", m{}, 404},
			{"twice", "POST", there, m{}, 409},
			{"a remote one taken back", "POST", "/videos/" + far.UUID + "/blacklist", m{"unfederate": true}, 409},
			{"not blocked", "PUT", path, m{"reason": "Because"}, 404},
			{"a short change", "PUT", there, m{"reason": "a"}, 400},
			{"unblock what is not", "DELETE", path, nil, 404},
			{"unblock nothing", "DELETE", "/videos/999999/blacklist", nil, 404},
			{"a type", "GET", "/videos/blacklist?type=4", nil, 400},
			{"a word for a type", "GET", "/videos/blacklist?type=x", nil, 400},
			{"a sort", "GET", "/videos/blacklist?sort=reason", nil, 400},
			{"a search", "GET", "/videos/blacklist?search=" + strings.Repeat("a", 300), nil, 400},
		} {
			if a := s.As(s.mod, c.method, c.path, c.body); a.Status != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
			}
		}
		if n := s.Count("video_blocks", "reason = 'Because' AND type = 1"); n != 1 || s.Count("video_blocks", "") != 1 || s.Count("videos", "blocked") != 1 {
			t.Errorf("%d blocks, %d blocked videos", s.Count("video_blocks", ""), s.Count("videos", "blocked"))
		}
		s.want(204, s.mod, "POST", path, nil) // without a word
		s.want(204, s.mod, "POST", "/videos/"+far.UUID+"/blacklist", m{"reason": nil})
		if got := s.names(nil, "/videos"); got != "" {
			t.Errorf("shown: %q", got)
		}
	})
}

// TestUnfederate: other servers drop a video that is blocked for them, too, and get
// it again; one that is blocked here alone stays with them.
func TestUnfederate(t *testing.T) {
	there := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	each(t, func(t *testing.T, s *site) {
		there.Follow(s.Instance().IRI)
		gone, stays := s.Publish(s.alice, "Gone"), s.Publish(s.alice, "Stays")
		there.Await(gone.IRI)
		there.Await(stays.IRI)
		s.want(204, s.mod, "POST", "/videos/"+stays.UUID+"/blacklist", m{"reason": "Only here"})
		s.want(204, s.mod, "POST", "/videos/"+gone.UUID+"/blacklist", m{"reason": "Everywhere", "unfederate": true})
		aptest.Eventually(t, "the Delete", func() bool { return there.Count("videos", "iri = ?", gone.IRI) == 0 })
		s.Edit(s.alice, gone, m{"name": "Gone and changed"})
		s.want(204, s.mod, "DELETE", "/videos/"+gone.UUID+"/blacklist", nil)
		if got := there.Await(gone.IRI); got.Name != "Gone and changed" {
			t.Errorf("came back as %q", got.Name)
		}
		if there.Count("videos", "iri = ?", stays.IRI) != 1 {
			t.Error("what is blocked here alone is gone there")
		}
	})
}

// TestQuarantine: where it is switched on, new videos of users wait for a moderator
// and leave the server only then; trusted ones do not.
func TestQuarantine(t *testing.T) {
	there := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	each(t, func(t *testing.T, s *site) {
		there.Follow(s.Instance().IRI)
		early := s.Publish(s.alice, "Early")
		there.Await(early.IRI)
		var heard []string
		hear := func(what string) func(*db.Tx, *catalog.Video, *block.Block) error {
			return func(_ *db.Tx, v *catalog.Video, b *block.Block) error {
				heard = append(heard, fmt.Sprint(what, " ", v.Name, " ", b.Type))
				return nil
			}
		}
		s.Blocks.Blocked, s.Blocks.Unblocked = hear("blocked"), hear("unblocked")
		s.Config.AutoBlacklist.Videos.OfUsers.Enabled = true
		v := s.Publish(s.alice, "Waits")
		path := "/videos/" + v.UUID
		s.want(403, nil, "GET", path, nil)
		s.want(403, s.bob, "GET", path, nil)
		if got := s.want(200, s.alice, "GET", path, nil).JSON; got["blacklisted"] != true || got["blacklistedReason"] == nil {
			t.Errorf("the owner reads %v, %v", got["blacklisted"], got["blacklistedReason"])
		}
		row := s.want(200, s.mod, "GET", "/videos/blacklist?type=2", nil).JSON["data"].([]any)[0].(m)
		if row["type"] != 2.0 || row["unfederated"] != true {
			t.Errorf("block: %v", row)
		}
		s.Edit(s.alice, early, m{"name": "Early and changed"})
		s.want(200, nil, "GET", "/videos/"+early.UUID, nil)
		s.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE users SET admin_flags = 1 WHERE id = ?", s.bob.UserID).Error
		})
		for _, who := range []*videotest.User{s.mod, s.boss, s.bob} {
			free := s.Publish(who, "Of "+who.Username)
			s.want(200, nil, "GET", "/videos/"+free.UUID, nil)
			there.Await(free.IRI) // after which the other one would be there, too
		}
		if there.Count("videos", "iri = ?", v.IRI) != 0 || s.Count("outbox", "raw LIKE ?", "%"+v.UUID+"%") != 0 {
			t.Error("it has left the server")
		}
		s.want(204, s.mod, "DELETE", path+"/blacklist", nil)
		s.want(200, nil, "GET", path, nil)
		there.Await(v.IRI)
		private := s.Publish(s.alice, "Shy")
		s.want(204, s.mod, "DELETE", "/videos/"+private.UUID+"/blacklist", nil)
		s.Edit(s.alice, private, m{"privacy": 3})
		s.Edit(s.alice, private, m{"privacy": 1}) // what came to light is looked at again
		s.want(403, nil, "GET", "/videos/"+private.UUID, nil)
		want := "blocked Waits 2, unblocked Waits 2, blocked Shy 2, unblocked Shy 2, blocked Shy 2"
		if got := strings.Join(heard, ", "); got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	})
}

// TestRemote: a block of another server's video outlives its updates and follows.
func TestRemote(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		there := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
		carol := there.User("carol", rest.RoleUser)
		s.Follow(there.Instance().IRI)
		far := there.Publish(carol, "Far away")
		v := s.Await(far.IRI)
		aptest.Eventually(t, "the list", func() bool { return s.names(nil, "/videos") == "Far away" })
		s.want(204, s.mod, "POST", "/videos/"+v.UUID+"/blacklist", m{"reason": "Not here"})
		there.Edit(carol, far, m{"name": "Far and changed"})
		aptest.Eventually(t, "the update", func() bool { return s.Video(far.IRI).Name == "Far and changed" })
		s.Tx(s.Catalog.RefreshListed)
		s.Tx(func(tx *db.Tx) error { return s.Catalog.RefreshListedOf(tx, v.Owner.ChannelActorID) })
		if got := s.names(nil, "/videos"); got != "" {
			t.Errorf("listed: %q", got)
		}
		s.want(403, nil, "GET", "/videos/"+v.UUID, nil)
		s.want(204, s.mod, "DELETE", "/videos/"+v.UUID+"/blacklist", nil)
		if got := s.names(nil, "/videos"); got != "Far and changed" {
			t.Errorf("after it is taken back: %q", got)
		}
	})
}
