package watchedword_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// TestFullList: the longest list that the limits of its fields allow is taken,
// however its words are written.
func TestFullList(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		words := make([]string, 500)
		for i := range words {
			words[i] = fmt.Sprintf("%03d", i) + strings.Repeat(`\ud83d\udea2`, 97)
		}
		body := func(more int) json.RawMessage {
			return json.RawMessage(`{"listName":"Full","words":["` + strings.Join(words, `","`) + `"],"more":"` + strings.Repeat("x", more) + `"}`)
		}
		s.want(413, s.mod, "POST", "/watched-words/server/lists", body(6<<20))
		s.want(200, s.mod, "POST", "/watched-words/server/lists", body(4<<20))
		got := s.want(200, s.mod, "GET", "/watched-words/server/lists", nil).JSON["data"].([]any)[0].(m)["words"].([]any)
		if len(got) != 500 || got[499] != "499"+strings.Repeat("🚢", 97) {
			t.Errorf("%d words, the last %v", len(got), got[len(got)-1])
		}
	})
}

// TestRetag: what was there before a list gets its tag, loses it when the words
// change, and is neither held nor blocked; other tags stay.
func TestRetag(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		boat := s.Publish(s.alice, "About a Boat")
		s.Publish(s.alice, "Second", func(n *catalog.NewVideo) { n.Attributes.Description = "A **boat** of https://other.example/" })
		s.Publish(s.alice, "Third")
		theirs := s.Publish(s.bob, "Fourth")
		say := func(v *catalog.Video, what string) {
			t.Helper()
			s.want(200, s.bob, "POST", "/videos/"+v.UUID+"/comment-threads", m{"text": what})
		}
		for _, what := range []string{"Nice boat!", "Nice ship", "boat of https://other.example/", "boating"} {
			say(boat, what)
		}
		say(theirs, "A boat elsewhere")
		s.Tx(func(tx *db.Tx) error { // more than one job looks at
			for i := range 2500 {
				err := tx.Exec(`INSERT INTO comments (iri, video_id, thread_id, actor_id, local, text, created_at, updated_at) VALUES (?, ?, 0, ?, FALSE, ?, ?, ?)`,
					fmt.Sprint("https://far.example/", i), boat.ID, s.bob.ActorID, fmt.Sprint("boat", map[bool]string{true: "", false: "s"}[i%2 == 0]), db.Now(), db.Now()).Error
				if err != nil {
					return err
				}
			}
			return nil
		})
		settle := func() {
			t.Helper()
			aptest.Eventually(t, "no job", func() bool { return s.Count("jobs", "kind = 'video.retag' AND state IN ('waiting', 'active')") == 0 })
		}
		is := func(when, list string, mine, all int64, videos ...string) {
			t.Helper()
			settle()
			for account, want := range map[int64]int64{s.alice.AccountID: mine, 0: all} {
				if n := s.Count("comment_auto_tags", "name = ? AND account_id = ?", list, account); n != want {
					t.Errorf("%s: account %d has %d comments tagged %s, want %d", when, account, n, list, want)
				}
			}
			var got []string
			for _, v := range s.want(200, s.mod, "GET", "/videos?autoTagOneOf="+list, nil).JSON["data"].([]any) {
				got = append(got, v.(m)["name"].(string))
			}
			if slices.Sort(got); !slices.Equal(got, videos) {
				t.Errorf("%s: videos tagged %s: %q, want %q", when, list, got, videos)
			}
		}
		server := s.list(s.mod, "server", "Vessels", "boat")
		is("a new list of the server", "Vessels", 0, 1253, "About a Boat", "Second")
		s.want(204, s.mod, "PUT", "/automatic-tags/policies/server/videos", m{"autoBlock": []string{"Vessels"}})
		s.want(204, s.mod, "PUT", server, m{"words": []string{"ship", "second"}})
		is("other words", "Vessels", 0, 1, "Second")
		s.want(204, s.mod, "PUT", server, m{"words": []string{"boat"}})
		s.want(204, s.mod, "PUT", server, m{"listName": "Boats"}) // while the jobs of the first change run
		is("two changes", "Boats", 0, 1253, "About a Boat", "Second")
		is("two changes", "Vessels", 0, 0)

		mine := s.list(s.alice, "accounts/alice", "Mine", "boat")
		s.want(204, s.alice, "PUT", "/automatic-tags/policies/accounts/alice/comments", m{"review": []string{"Mine"}})
		is("a new list of an account", "Mine", 1252, 0)
		s.want(204, s.alice, "PUT", mine, m{"words": []string{"ship"}})
		is("other words of an account", "Mine", 1, 0)
		s.want(204, s.alice, "DELETE", mine, nil)
		is("a list that is gone", "Mine", 0, 0)

		is("links", "external-link", 1, 1, "Second")
		if n := s.Count("comments", "held") + s.Count("videos", "blocked"); n != 0 {
			t.Errorf("%d comments and videos are held or blocked", n)
		}
	})
}
