package videotest_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestMutedVideos: videos of muted accounts and servers are in none of the lists of
// those who do not want to see them, and open by their address nevertheless.
func TestMutedVideos(t *testing.T) {
	both(t, func(t *testing.T, here, there *videotest.Site) {
		alice, bob, mod := here.User("alice", rest.RoleUser), here.User("bob", rest.RoleUser), here.User("mod", rest.RoleModerator)
		carol := there.User("carol", rest.RoleUser)
		here.Follow(there.Instance().IRI)
		here.Publish(alice, "Video near")
		far := here.Await(there.Publish(carol, "Video far").IRI)
		here.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET listed = TRUE").Error })
		mutes := func(who *videotest.User, method, path string, body any) {
			t.Helper()
			if a := here.As(who, method, path, body); a.Status != http.StatusNoContent {
				t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
			}
		}
		look := func(when string, want map[*videotest.User]string) {
			t.Helper()
			for who, names := range want {
				for _, path := range []string{"/videos?sort=name", "/search/videos?search=video&sort=name", "/videos?sort=name&skipCount=true", "/videos?sort=-trending"} {
					a := here.As(who, "GET", path, nil)
					var got []string
					for _, v := range a.JSON["data"].([]any) {
						got = append(got, strings.TrimPrefix(v.(m)["name"].(string), "Video "))
					}
					slices.Sort(got)
					if strings.Join(got, " ") != names || !strings.Contains(path, "skipCount") && a.JSON["total"] != float64(len(got)) {
						t.Errorf("%s: %s holds %q, %v in all, want %q", when, path, got, a.JSON["total"], names)
					}
				}
				if a := here.As(who, "GET", "/videos/"+far.UUID, nil); a.Status != http.StatusOK {
					t.Errorf("%s: by its address: %d", when, a.Status)
				}
				n := 1.0
				if !strings.Contains(names, "far") {
					n = 0
				}
				if a := here.As(who, "GET", "/accounts/carol@"+there.Host+"/videos", nil); a.JSON["total"] != n {
					t.Errorf("%s: the account has %v videos, want %v", when, a.JSON["total"], n)
				}
			}
		}
		all := map[*videotest.User]string{nil: "far near", alice: "far near", bob: "far near", mod: "far near"}
		look("at first", all)
		account := m{"accountName": "carol@" + there.Host}
		mutes(alice, "POST", "/users/me/blocklist/accounts", account)
		look("an account muted by alice", map[*videotest.User]string{nil: "far near", alice: "near", bob: "far near"})
		mutes(alice, "DELETE", "/users/me/blocklist/accounts/carol@"+there.Host, nil)
		mutes(alice, "POST", "/users/me/blocklist/servers", m{"host": there.Host})
		look("a server muted by alice", map[*videotest.User]string{nil: "far near", alice: "near", bob: "far near"})
		mutes(bob, "POST", "/users/me/blocklist/accounts", m{"accountName": "alice"})
		look("alice muted by bob", map[*videotest.User]string{nil: "far near", alice: "near", bob: "far"})
		mutes(mod, "POST", "/server/blocklist/accounts", account)
		look("an account muted by all", map[*videotest.User]string{nil: "near", alice: "near", bob: "", mod: "near"})
		for query, want := range map[string]float64{"include=1": 1, "include=4": 2} { // a moderator may look at them
			if a := here.As(mod, "GET", "/videos?"+query, nil); a.JSON["total"] != want {
				t.Errorf("%s: %v videos, want %v", query, a.JSON["total"], want)
			}
		}
		if a := here.As(alice, "GET", "/users/me/videos", nil); a.JSON["total"] != 1.0 {
			t.Errorf("alice has %v videos", a.JSON["total"])
		}
		mutes(mod, "DELETE", "/server/blocklist/accounts/carol@"+there.Host, nil)
		mutes(bob, "DELETE", "/users/me/blocklist/accounts/alice", nil)
		mutes(alice, "DELETE", "/users/me/blocklist/servers/"+there.Host, nil)
		look("taken back", all)
	})
}

// TestMutedChannels: channels of muted accounts and servers are not found by those
// who do not want to see them, unless they are named.
func TestMutedChannels(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{})
		alice, mod := s.User("alice", rest.RoleUser), s.User("mod", rest.RoleModerator)
		bob := s.User("bob", rest.RoleUser)
		for i, who := range []*videotest.User{alice, bob} {
			s.Tx(func(tx *db.Tx) error {
				return tx.Exec("UPDATE channels SET words = ? WHERE id = ?", fmt.Sprint(" films ", i), who.ChannelID).Error
			})
		}
		change := func(who *videotest.User, method, path string, body any) {
			t.Helper()
			if a := s.As(who, method, path, body); a.Status != http.StatusNoContent {
				t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
			}
		}
		look := func(when string, want map[*videotest.User]float64) {
			t.Helper()
			for who, n := range want {
				a := s.As(who, "GET", "/search/video-channels?search=films", nil)
				if a.JSON["total"] != n || float64(len(a.JSON["data"].([]any))) != n {
					t.Errorf("%s: %s, want %v", when, a.Body, n)
				}
				for _, named := range []string{"search=bob_channel@" + s.Host, "search=films&handles=bob_channel"} {
					if a := s.As(who, "GET", "/search/video-channels?"+named, nil); a.JSON["total"] != 1.0 {
						t.Errorf("%s: %s finds %s", when, named, a.Body)
					}
				}
			}
		}
		look("at first", map[*videotest.User]float64{nil: 2, alice: 2, mod: 2})
		change(alice, "POST", "/users/me/blocklist/accounts", m{"accountName": "bob"})
		look("muted by alice", map[*videotest.User]float64{nil: 2, alice: 1, mod: 2})
		change(alice, "DELETE", "/users/me/blocklist/accounts/bob", nil)
		look("no more", map[*videotest.User]float64{nil: 2, alice: 2, mod: 2})
		s.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE actors SET host = 'far.example' WHERE id IN (?, ?)", bob.ActorID, bob.Channel.ID).Error
		})
		change(alice, "POST", "/users/me/blocklist/servers", m{"host": "far.example"})
		for who, n := range map[*videotest.User]float64{nil: 2, alice: 1} {
			if a := s.As(who, "GET", "/search/video-channels?search=films", nil); a.JSON["total"] != n {
				t.Errorf("a server muted by alice: %s, want %v", a.Body, n)
			}
		}
		s.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE actors SET host = '' WHERE id IN (?, ?)", bob.ActorID, bob.Channel.ID).Error
		})
		change(mod, "POST", "/server/blocklist/accounts", m{"accountName": "bob"})
		look("muted by all", map[*videotest.User]float64{nil: 1, alice: 1, mod: 1})
	})
}

// TestMutedPlaylists: playlists of muted accounts are in no list of those who do
// not want to see them, but in the account's own.
func TestMutedPlaylists(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{})
		alice, bob, mod := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser), s.User("mod", rest.RoleModerator)
		for _, who := range []*videotest.User{alice, bob} {
			a := s.As(who, "POST", "/video-playlists", m{"displayName": fmt.Sprint("Films ", who.ChannelID), "privacy": 1, "videoChannelId": who.ChannelID})
			if a.Status != http.StatusOK {
				t.Fatalf("playlist: %d %s", a.Status, a.Body)
			}
		}
		look := func(when string, want map[*videotest.User]float64) {
			t.Helper()
			for who, n := range want {
				for _, path := range []string{"/video-playlists", "/search/video-playlists?search=films"} {
					if a := s.As(who, "GET", path, nil); a.JSON["total"] != n || float64(len(a.JSON["data"].([]any))) != n {
						t.Errorf("%s: %s: %s, want %v", when, path, a.Body, n)
					}
				}
				if a := s.As(who, "GET", "/accounts/bob/video-playlists", nil); a.JSON["total"] != 1.0 {
					t.Errorf("%s: the account's: %s", when, a.Body)
				}
			}
		}
		change := func(who *videotest.User, method, path string, body any) {
			t.Helper()
			if a := s.As(who, method, path, body); a.Status != http.StatusNoContent {
				t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
			}
		}
		look("at first", map[*videotest.User]float64{nil: 2, alice: 2, mod: 2})
		change(alice, "POST", "/users/me/blocklist/accounts", m{"accountName": "bob"})
		look("muted by alice", map[*videotest.User]float64{nil: 2, alice: 1, mod: 2})
		change(mod, "POST", "/server/blocklist/accounts", m{"accountName": "bob"})
		look("muted by all", map[*videotest.User]float64{nil: 1, alice: 1, mod: 1})
		change(mod, "DELETE", "/server/blocklist/accounts/bob", nil)
		change(alice, "DELETE", "/users/me/blocklist/accounts/bob", nil)
		look("no more", map[*videotest.User]float64{nil: 2, alice: 2, mod: 2})
	})
}

// TestMutedOwners: a moderator who looks at muted videos is told which they are, and
// why: the account or its server, by the instance or by the moderator.
func TestMutedOwners(t *testing.T) {
	both(t, func(t *testing.T, here, there *videotest.Site) {
		alice, mod := here.User("alice", rest.RoleUser), here.User("mod", rest.RoleModerator)
		here.Follow(there.Instance().IRI)
		here.Publish(alice, "near")
		here.Await(there.Publish(there.User("carol", rest.RoleUser), "far").IRI)
		change := func(who *videotest.User, method, path string, body any) {
			t.Helper()
			if a := here.As(who, method, path, body); a.Status != http.StatusNoContent {
				t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
			}
		}
		look := func(when, far, near string) {
			t.Helper()
			got := map[any]string{}
			for _, v := range here.As(mod, "GET", "/videos?include=4", nil).JSON["data"].([]any) {
				v := v.(m)
				got[v["name"]] = fmt.Sprint(v["blockedOwner"], v["blockedServer"])
			}
			if got["far"] != far || got["near"] != near || len(got) != 2 {
				t.Errorf("%s: %v, want %s and %s", when, got, far, near)
			}
		}
		const no, owner, server = "false false", "true false", "false true"
		far := m{"accountName": "carol@" + there.Host}
		look("at first", no, no)
		change(mod, "POST", "/server/blocklist/accounts", far)
		look("muted by the instance", owner, no)
		change(mod, "DELETE", "/server/blocklist/accounts/carol@"+there.Host, nil)
		change(mod, "POST", "/users/me/blocklist/accounts", m{"accountName": "alice"})
		look("muted by the moderator", no, owner)
		change(mod, "DELETE", "/users/me/blocklist/accounts/alice", nil)
		change(alice, "POST", "/users/me/blocklist/accounts", far)
		look("muted by somebody else", no, no)
		change(mod, "POST", "/users/me/blocklist/servers", m{"host": there.Host})
		look("a server muted by the moderator", server, no)
		change(mod, "DELETE", "/users/me/blocklist/servers/"+there.Host, nil)
		rule(t, here, there.Host, hostrule.Block)
		look("a server blocked by the instance", server, no)
		for _, v := range here.As(mod, "GET", "/videos?include=1", nil).JSON["data"].([]any) {
			if _, told := v.(m)["blockedOwner"]; told {
				t.Error("told without being asked")
			}
		}
	})
}

// TestMutedComments: what a muted author has said is in no thread and no count, with
// all that hangs below it, for those who do not want to see it.
func TestMutedComments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{})
		alice, bob, carl, mallory := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser), s.User("carl", rest.RoleUser), s.User("mallory", rest.RoleUser)
		mod := s.User("mod", rest.RoleModerator)
		v := s.Publish(alice, "Talked about")
		say := func(who *videotest.User, below any) any {
			t.Helper()
			path := "/videos/" + v.UUID + "/comment-threads"
			if below != nil {
				path = fmt.Sprintf("/videos/%s/comments/%v", v.UUID, below)
			}
			a := s.As(who, "POST", path, m{"text": "Hello"})
			if a.Status != http.StatusOK {
				t.Fatalf("comment: %d %s", a.Status, a.Body)
			}
			return a.JSON["comment"].(m)["id"]
		}
		kept := say(carl, nil)
		say(carl, kept)
		say(carl, say(mallory, kept)) // goes with what hangs below it
		theirs := say(mallory, nil)
		say(carl, theirs)
		look := func(when string, who *videotest.User, whole bool) {
			t.Helper()
			threads, all, answers := 2.0, 6.0, 3.0
			if !whole {
				threads, all, answers = 1, 2, 1
			}
			list := s.As(who, "GET", "/videos/"+v.UUID+"/comment-threads?sort=createdAt", nil).JSON
			if list["total"] != threads || list["totalNotDeletedComments"] != all || list["data"].([]any)[0].(m)["totalReplies"] != answers {
				t.Errorf("%s: %v", when, list)
			}
			thread := s.As(who, "GET", fmt.Sprintf("/videos/%s/comment-threads/%v", v.UUID, kept), nil)
			if got := strings.Count(string(thread.Body), `"isDeleted"`); float64(got) != answers+1 {
				t.Errorf("%s: %d in the thread", when, got)
			}
			other := s.As(who, "GET", fmt.Sprintf("/videos/%s/comment-threads/%v", v.UUID, theirs), nil)
			if (other.Status == http.StatusOK) != whole {
				t.Errorf("%s: their thread: %d", when, other.Status)
			}
		}
		must := func(who *videotest.User, method, path string, body any) {
			t.Helper()
			if a := s.As(who, method, path, body); a.Status != http.StatusNoContent {
				t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
			}
		}
		look("at first", bob, true)
		must(bob, "POST", "/users/me/blocklist/accounts", m{"accountName": "mallory"})
		look("muted by bob, to bob", bob, false)
		look("muted by bob, to others", nil, true)
		look("muted by bob, to the author", mallory, true)
		must(bob, "DELETE", "/users/me/blocklist/accounts/mallory", nil)
		must(mod, "POST", "/server/blocklist/accounts", m{"accountName": "mallory"})
		for _, who := range []*videotest.User{nil, bob, alice, mod} {
			look("muted by all", who, false)
		}
		if a := s.Document("/videos/watch/" + v.UUID + "/comments"); a.JSON["totalItems"] != 2.0 {
			t.Errorf("collection: %s", a.Body)
		}
		if a := s.As(alice, "GET", "/users/me/videos/comments", nil); a.JSON["total"] != 6.0 {
			t.Errorf("the owner looks after %v comments", a.JSON["total"])
		}
		must(alice, "DELETE", fmt.Sprintf("/videos/%s/comments/%v", v.UUID, theirs), nil) // and may remove what is muted
		must(mod, "DELETE", "/server/blocklist/accounts/mallory", nil)
		if a := s.As(bob, "GET", "/videos/"+v.UUID+"/comment-threads", nil); a.JSON["total"] != 2.0 || a.JSON["totalNotDeletedComments"] != 5.0 {
			t.Errorf("taken back: %s", a.Body)
		}
	})
}
