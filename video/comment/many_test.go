package comment_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestManyComments: near and far pages of all comments together show each once,
// in order; one that is deleted is gone from both.
func TestManyComments(t *testing.T) {
	const n = 1200
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{Idle: true})
		alice := s.User("alice", rest.RoleUser)
		v := s.Publish(alice, "Much talked about")
		rows := make([]map[string]any, n)
		now := db.Now()
		for i := range rows {
			id := 20_000 + int64(i)
			rows[i] = map[string]any{
				"id": id, "iri": fmt.Sprint("https://far.example/c/", id), "video_id": v.ID, "thread_id": id, "actor_id": alice.ActorID,
				"local": false, "text": "hello", "created_at": now, "updated_at": now,
			}
		}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Table("comments").CreateInBatches(rows, 100).Error }); err != nil {
			t.Fatal(err)
		}
		list := func(desc bool) (ids []int64) {
			t.Helper()
			for start := 0; start < n; start += 100 {
				rows, _, err := s.Comments.List(t.Context(), comment.Filter{Page: rest.Page{Start: start, Count: 100, Sort: "createdAt", Desc: desc}})
				if err != nil {
					t.Fatal(err)
				}
				for i := range rows {
					ids = append(ids, rows[i].ID)
				}
			}
			if desc {
				slices.Reverse(ids)
			}
			return ids
		}
		for _, desc := range []bool{false, true} {
			if ids := list(desc); len(slices.Compact(ids)) != n || !slices.IsSorted(ids) {
				t.Errorf("descending %v: %d comments, in order: %v", desc, len(ids), slices.IsSorted(ids))
			}
		}
		last := int64(20_000 + n - 1)
		if err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE comments SET deleted_at = ? WHERE id = ?", now, last).Error
		}); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(list(false), last) {
			t.Error("a deleted comment is on a far page")
		}
	})
}
