package videotest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// both runs a test with two instances on each database.
func both(t *testing.T, test func(t *testing.T, here, there *videotest.Site)) {
	for name, open := range map[string]func(testing.TB) *db.DB{
		"sqlite":   func(t testing.TB) *db.DB { return dbtest.SQLite(t) },
		"postgres": func(t testing.TB) *db.DB { return dbtest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			test(t, videotest.Serve(t, open(t), videotest.Options{}), videotest.Serve(t, open(t), videotest.Options{}))
		})
	}
}

func rule(t *testing.T, s *videotest.Site, host, action string) {
	t.Helper()
	var err error
	if action == "" {
		err = s.Rules.Remove(t.Context(), host, "")
	} else {
		err = s.Rules.Set(t.Context(), host, action, "")
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestSEC19ByAddress: what is on a blocked server is at none of its addresses,
// with the answer for something unknown; what is on a limited one is there for
// followers and moderators. All is there again when the rule is taken back.
func TestSEC19ByAddress(t *testing.T) {
	both(t, func(t *testing.T, here, there *videotest.Site) {
		alice := there.User("alice", rest.RoleUser)
		here.Follow(there.Instance().IRI)
		v := here.Await(there.Publish(alice, "Far away").IRI)
		made := there.As(alice, "POST", "/video-playlists", m{"displayName": "Far list", "privacy": 1, "videoChannelId": alice.ChannelID})
		if made.Status != http.StatusOK {
			t.Fatalf("playlist: %d %s", made.Status, made.Body)
		}
		list := made.JSON["videoPlaylist"].(m)["uuid"].(string)
		aptest.Eventually(t, "the playlist", func() bool { return here.Count("playlists", "uuid = ?", list) == 1 })

		bob, fan, mod := here.User("bob", rest.RoleUser), here.User("fan", rest.RoleUser), here.User("mod", rest.RoleModerator)
		for _, target := range []string{alice.Channel.IRI, alice.Account.IRI} {
			here.Tx(func(tx *db.Tx) error {
				return tx.Exec(`INSERT INTO follows (follower_id, target_id, state, iri, created_at, updated_at)
 SELECT ?, id, 'accepted', 'x', ?, ? FROM actors WHERE iri = ?`, fan.ActorID, db.Now(), db.Now(), target).Error
			})
		}
		const api = "/api/v1"
		unknown := strings.NewReplacer(
			v.UUID, nowhere, list, nowhere, "alice_channel@", "nobody_channel@", "alice@", "nobody@", catalog.ShortUUID(v.UUID), catalog.ShortUUID(nowhere),
		)
		channel, account := "alice_channel@"+there.Host, "alice@"+there.Host
		addresses := []string{
			api + "/videos/" + v.UUID, api + "/videos/" + v.UUID + "/description", api + "/videos/" + v.UUID + "/comment-threads",
			"/services/oembed?url=" + url.QueryEscape(here.Origin+"/w/"+catalog.ShortUUID(v.UUID)),
			api + "/video-channels/" + channel, api + "/video-channels/" + channel + "/videos", api + "/video-channels/" + channel + "/video-playlists",
			api + "/accounts/" + account, api + "/accounts/" + account + "/videos", api + "/accounts/" + account + "/video-channels",
			api + "/accounts/" + account + "/video-playlists", api + "/video-playlists/" + list, api + "/video-playlists/" + list + "/videos",
		}
		lists := map[string]float64{
			api + "/search/video-channels?search=alice": 1, api + "/video-playlists": 1,
			api + "/search/video-playlists?search=" + url.QueryEscape(there.Origin+"/video-playlists/"+list): 1,
			api + "/search/videos?search=" + url.QueryEscape(v.IRI):                                          1,
		}
		look := func(when string, shown map[*videotest.User]bool) {
			t.Helper()
			for who, shown := range shown {
				name := "a stranger"
				if who != nil {
					name = who.Username
				}
				for _, path := range addresses {
					got, absent := here.Ask(who, "GET", path, nil), here.Ask(who, "GET", unknown.Replace(path), nil)
					if strings.Contains(path, "oembed") && who != nil {
						continue // who asks is never signed in
					}
					if shown != (got.Status == http.StatusOK) {
						t.Errorf("%s, %s gets %d from %s: %s", when, name, got.Status, path, got.Body)
					}
					if !shown && (got.Status != http.StatusNotFound || string(got.Body) != string(absent.Body)) {
						t.Errorf("%s, %s gets from %s: %s, from an absent one: %s", when, name, path, got.Body, absent.Body)
					}
				}
			}
			for path, n := range lists {
				if !shown[nil] {
					n = 0
				}
				if got := here.Ask(nil, "GET", path, nil); got.JSON["total"] != n {
					t.Errorf("%s, %s holds %v, want %v", when, path, got.JSON["total"], n)
				}
			}
		}
		all := map[*videotest.User]bool{nil: true, bob: true, fan: true, mod: true}
		look("without a rule", all)
		rule(t, here, "elsewhere.example", hostrule.Block)
		look("another blocked", all)
		rule(t, here, there.Host, hostrule.Limit)
		look("limited", map[*videotest.User]bool{nil: false, bob: false, fan: true, mod: true})
		rule(t, here, there.Host, hostrule.Block)
		look("blocked", map[*videotest.User]bool{nil: false, bob: false, fan: false, mod: false})
		rule(t, here, there.Host, "")
		look("taken back", all)
	})
}

// TestSEC19Comments: what authors of a blocked server have said is in no thread,
// list, collection or count, with all that hangs below it; what they say now is
// refused. All is there again when the rule is taken back.
func TestSEC19Comments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{})
		alice, fan := s.User("alice", rest.RoleUser), s.User("fan", rest.RoleUser)
		v := s.Publish(alice, "Talked about")
		bad, good := aptest.New(t), aptest.New(t)
		mallory, carl := bad.Actor(actor.Person, "mallory"), good.Actor(actor.Person, "carl")
		n := 0
		say := func(by *aptest.Actor, below string) (id string, status int) {
			t.Helper()
			n++
			id = fmt.Sprintf("%s/notes/%d", by.IRI, n)
			status = by.Post(s.Origin+"/inbox", by.Activity("Create", m{
				"type": "Note", "id": id, "attributedTo": by.IRI, "inReplyTo": below, "content": "<p>Hello</p>", "url": id,
				"published": "2026-01-02T03:04:05Z", "to": []string{"https://www.w3.org/ns/activitystreams#Public"},
			}, nil))
			settled(t, s)
			return id, status
		}
		number := func(iri string) (id int64) {
			t.Helper()
			if err := s.DB.Read(t.Context()).Raw("SELECT id FROM comments WHERE iri = ?", iri).Scan(&id).Error; err != nil || id == 0 {
				t.Fatalf("comment %s: %d, %v", iri, id, err)
			}
			return id
		}
		root, _ := say(carl, v.IRI) // stays, with one of two answers
		say(carl, root)
		answer, _ := say(mallory, root)
		say(carl, answer)                // below what goes
		theirs, _ := say(mallory, v.IRI) // goes as a whole
		say(carl, theirs)                //
		kept, base := number(root), number(theirs)
		s.Tx(func(tx *db.Tx) error {
			return tx.Exec(`INSERT INTO follows (follower_id, target_id, state, iri, created_at, updated_at)
 SELECT ?, id, 'accepted', 'x', ?, ? FROM actors WHERE iri = ?`, fan.ActorID, db.Now(), db.Now(), mallory.IRI).Error
		})
		look := func(when string, who *videotest.User, whole bool) {
			t.Helper()
			want := struct{ threads, all, answers float64 }{1, 2, 1}
			if whole {
				want = struct{ threads, all, answers float64 }{2, 6, 3}
			}
			threads := s.As(who, "GET", "/videos/"+v.UUID+"/comment-threads?sort=createdAt", nil).JSON
			if threads["total"] != want.threads || threads["totalNotDeletedComments"] != want.all || float64(len(threads["data"].([]any))) != want.threads {
				t.Errorf("%s: %v threads, %v comments", when, threads["total"], threads["totalNotDeletedComments"])
			}
			for _, c := range threads["data"].([]any) {
				if c.(m)["id"] == float64(kept) && c.(m)["totalReplies"] != want.answers {
					t.Errorf("%s: %v answers counted, want %v", when, c.(m)["totalReplies"], want.answers)
				}
			}
			thread := s.As(who, "GET", fmt.Sprintf("/videos/%s/comment-threads/%d", v.UUID, kept), nil)
			if got := strings.Count(string(thread.Body), `"isDeleted"`); float64(got) != want.answers+1 || thread.JSON["comment"].(m)["totalReplies"] != want.answers {
				t.Errorf("%s: %d in the thread: %s", when, got, thread.Body)
			}
			other := s.As(who, "GET", fmt.Sprintf("/videos/%s/comment-threads/%d", v.UUID, base), nil)
			absent := s.As(who, "GET", fmt.Sprintf("/videos/%s/comment-threads/%d", v.UUID, base+1000), nil)
			if (other.Status == http.StatusOK) != whole || !whole && (other.Status != absent.Status || string(other.Body) != string(absent.Body)) {
				t.Errorf("%s: their thread: %d %s", when, other.Status, other.Body)
			}
			if who != nil {
				return
			}
			if got := s.Document("/videos/watch/" + v.UUID + "/comments"); got.JSON["totalItems"] != want.all {
				t.Errorf("%s: %s", when, got.Body)
			}
			page := s.Document("/videos/watch/" + v.UUID + "/comments?page=1")
			if strings.Contains(string(page.Body), mallory.IRI) != whole {
				t.Errorf("%s: collection %s", when, page.Body)
			}
		}
		review := func(when string, want float64) {
			t.Helper()
			if got := s.As(alice, "GET", "/users/me/videos/comments", nil); got.JSON["total"] != want {
				t.Errorf("%s: %v to review, want %v", when, got.JSON["total"], want)
			}
		}
		look("without a rule", nil, true)
		review("without a rule", 6)
		rule(t, s, bad.Host, hostrule.Limit)
		look("limited", nil, false)
		look("limited, to a follower", fan, true)
		review("limited", 6)
		rule(t, s, bad.Host, hostrule.Block)
		look("blocked", nil, false)
		look("blocked, to a follower", fan, false)
		review("blocked", 4)
		if id, status := say(mallory, v.IRI); status != http.StatusForbidden || s.Count("comments", "iri = ?", id) != 0 {
			t.Errorf("a new one of a blocked server: %d", status)
		}
		if id, status := say(carl, v.IRI); status != http.StatusNoContent || s.Count("comments", "iri = ?", id) != 1 {
			t.Errorf("a new one of another server: %d", status)
		}
		s.Tx(func(tx *db.Tx) error { return tx.Exec("DELETE FROM comments WHERE id > ?", base+1).Error })
		s.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET comments = 6 WHERE id = ?", v.ID).Error })
		rule(t, s, bad.Host, "")
		look("taken back", nil, true)
		review("taken back", 6)
	})
}

// TestSEC19LimitedMode: where the mode is limited, strangers are shown nothing of
// other servers but of those that are allowed, and everything of this one.
func TestSEC19LimitedMode(t *testing.T) {
	there := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	far := there.Publish(there.User("alice", rest.RoleUser), "Far away")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		here := videotest.Serve(t, d, videotest.Options{Mode: hostrule.Limited})
		near := here.Publish(here.User("bob", rest.RoleUser), "Near")
		here.Follow(there.Instance().IRI)
		if err := here.Engine.FetchObject(t.Context(), far.IRI); err != nil {
			t.Fatal(err)
		}
		here.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET listed = TRUE").Error })
		look := func(when string, want int) {
			t.Helper()
			for path, want := range map[string]int{
				"/videos/" + far.UUID: want, "/video-channels/alice_channel@" + there.Host: want,
				"/videos/" + near.UUID: http.StatusOK, "/video-channels/bob_channel": http.StatusOK, "/accounts/bob": http.StatusOK,
			} {
				if got := here.As(nil, "GET", path, nil); got.Status != want {
					t.Errorf("%s: %s answers %d, want %d", when, path, got.Status, want)
				}
			}
		}
		look("limited", http.StatusNotFound)
		rule(t, here, there.Host, hostrule.Allow)
		look("allowed", http.StatusOK)
	})
}
