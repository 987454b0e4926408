package comment_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestCountsAtOnce: many people write, answer, delete and rate at once; the
// counts are those of the rows.
func TestCountsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{Idle: true})
		alice := s.User("alice", rest.RoleUser)
		v := s.Publish(alice, "Talked about")
		root := say(t, s, alice, v, 0, "root")
		const people, rounds = 4, 5
		var users [people]*videotest.User
		for i := range users {
			users[i] = s.User(fmt.Sprint("user", i), rest.RoleUser)
		}
		var wg sync.WaitGroup
		for _, u := range users {
			wg.Go(func() {
				for round := range rounds {
					a := s.As(u, "POST", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, root.ID), m{"text": "answer"})
					if a.Status != 200 {
						t.Errorf("%d %s", a.Status, a.Body)
						return
					}
					id := int64(a.JSON["comment"].(m)["id"].(float64))
					if round%2 == 0 {
						for _, who := range []*videotest.User{u, alice} { // the second is refused: it is gone
							s.As(who, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, id), nil)
						}
					}
					s.As(u, "PUT", "/videos/"+v.UUID+"/rate", m{"rating": []string{"like", "dislike"}[round%2]})
				}
			})
		}
		wg.Wait()
		got := s.Video(v.IRI)
		if want := int64(1 + people*(rounds/2)); got.Comments != want || comments(t, s)[0].Replies != want-1 {
			t.Errorf("%d comments, %d answers, want %d", got.Comments, comments(t, s)[0].Replies, want)
		}
		if got.Likes != people || got.Dislikes != 0 || s.Count("video_rates", "type = 'like'") != people {
			t.Errorf("%d likes, %d dislikes", got.Likes, got.Dislikes)
		}
	})
}
