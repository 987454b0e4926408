package comment_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = videotest.M

// comments reads all comments of a site, oldest first.
func comments(t *testing.T, s *videotest.Site) (out []comment.Comment) {
	t.Helper()
	if err := s.DB.Read(context.Background()).Order("id").Find(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

// byIRI is nil when a site has no such comment.
func byIRI(t *testing.T, s *videotest.Site, iri string) *comment.Comment {
	t.Helper()
	for _, c := range comments(t, s) {
		if c.IRI == iri {
			return &c
		}
	}
	return nil
}

// say writes a comment as a user would and returns its id and row.
func say(t *testing.T, s *videotest.Site, u *videotest.User, v *catalog.Video, below int64, text string) *comment.Comment {
	t.Helper()
	path := "/videos/" + v.UUID + "/comment-threads"
	if below != 0 {
		path = fmt.Sprintf("/videos/%s/comments/%d", v.UUID, below)
	}
	a := s.As(u, "POST", path, m{"text": text})
	if a.Status != 200 {
		t.Fatalf("POST %s: %d %s", path, a.Status, a.Body)
	}
	id := int64(a.JSON["comment"].(m)["id"].(float64))
	for _, c := range comments(t, s) {
		if c.ID == id {
			return &c
		}
	}
	t.Fatalf("no comment %d", id)
	return nil
}

// pair runs a test on two instances, on each engine.
func pair(t *testing.T, test func(t *testing.T, a, b *videotest.Site)) {
	t.Helper()
	serve := func(t *testing.T, d *db.DB) *videotest.Site { return videotest.Serve(t, d, videotest.Options{}) }
	t.Run("sqlite", func(t *testing.T) { test(t, serve(t, dbtest.SQLite(t)), serve(t, dbtest.SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, serve(t, dbtest.Postgres(t)), serve(t, dbtest.Postgres(t))) })
}

// TestThreeInstances: alice's video on A; B and C follow A. What bob says on B
// reaches C by way of A, which passes it on; so does what alice answers, what
// bob deletes, and what alice deletes of bob's.
func TestThreeInstances(t *testing.T) {
	pair(t, func(t *testing.T, a, b *videotest.Site) {
		c := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
		alice, bob := a.User("alice", rest.RoleUser), b.User("bob", rest.RoleUser)
		b.Follow(a.Instance().IRI)
		c.Follow(a.Instance().IRI)
		v := a.Publish(alice, "To be talked about")
		atB := b.Await(v.IRI)
		c.Await(v.IRI)

		first := say(t, b, bob, atB, 0, "Nice *video*")
		for _, s := range []*videotest.Site{a, c} {
			aptest.Eventually(t, "bob's comment at "+s.Host, func() bool { return byIRI(t, s, first.IRI) != nil })
			got := byIRI(t, s, first.IRI)
			if got.Text != "Nice *video*" || got.Local || got.Held || s.Video(v.IRI).Comments != 1 {
				t.Errorf("at %s: %+v", s.Host, got)
			}
		}
		aptest.Eventually(t, "alice's approval at B", func() bool { return byIRI(t, b, first.IRI).Approval != "" })
		if got, want := byIRI(t, b, first.IRI).Approval, fmt.Sprintf("%s/comments/%d/approve-reply", v.IRI, byIRI(t, a, first.IRI).ID); got != want {
			t.Errorf("approval %q, want %q", got, want)
		}
		if doc := a.Document(byIRI(t, b, first.IRI).Approval[len(a.Origin):]); doc.Status != 200 || doc.JSON["type"] != "ApproveReply" || doc.JSON["object"] != first.IRI {
			t.Errorf("the approval: %d %s", doc.Status, doc.Body)
		}

		answer := say(t, a, alice, v, byIRI(t, a, first.IRI).ID, "Thanks @bob")
		for _, s := range []*videotest.Site{b, c} {
			aptest.Eventually(t, "alice's answer at "+s.Host, func() bool { return byIRI(t, s, answer.IRI) != nil })
			root, got := byIRI(t, s, first.IRI), byIRI(t, s, answer.IRI)
			if *got.ParentID != root.ID || got.ThreadID != root.ID || root.Replies != 1 || root.AuthorReplies != 1 || s.Video(v.IRI).Comments != 2 {
				t.Errorf("at %s: %+v below %+v", s.Host, got, root)
			}
		}

		if ans := b.As(bob, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, first.ID), nil); ans.Status != 204 {
			t.Fatalf("DELETE: %d %s", ans.Status, ans.Body)
		}
		for _, s := range []*videotest.Site{a, c} {
			aptest.Eventually(t, "bob's deletion at "+s.Host, func() bool {
				got := byIRI(t, s, first.IRI)
				return got.DeletedAt != nil && got.Text == "" && s.Video(v.IRI).Comments == 1
			})
		}

		second := say(t, b, bob, atB, 0, "Something rude")
		aptest.Eventually(t, "the second at C", func() bool { return byIRI(t, c, second.IRI) != nil })
		if ans := a.As(alice, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, byIRI(t, a, second.IRI).ID), nil); ans.Status != 204 {
			t.Fatalf("DELETE by the owner: %d %s", ans.Status, ans.Body)
		}
		for _, s := range []*videotest.Site{b, c} {
			aptest.Eventually(t, "alice's deletion at "+s.Host, func() bool { return byIRI(t, s, second.IRI).DeletedAt != nil })
		}
		for _, s := range []*videotest.Site{a, b, c} {
			jobstest.Drain(t, s.DB)
			if n := s.Video(v.IRI).Comments; n != 1 {
				t.Errorf("%d comments at %s", n, s.Host)
			}
		}
	})
}

// TestApproval: with approval asked for, a comment from B waits on A, is shown
// to nobody, and reaches C only when alice lets it through.
func TestApproval(t *testing.T) {
	pair(t, func(t *testing.T, a, b *videotest.Site) {
		c := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
		alice, bob, carl := a.User("alice", rest.RoleUser), b.User("bob", rest.RoleUser), a.User("carl", rest.RoleUser)
		b.Follow(a.Instance().IRI)
		c.Follow(a.Instance().IRI)
		v := a.Publish(alice, "Only what I like", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsApproval })
		atB := b.Await(v.IRI)
		c.Await(v.IRI)

		welcome, rude := say(t, b, bob, atB, 0, "Please let me in"), say(t, b, bob, atB, 0, "Rude")
		aptest.Eventually(t, "both at A", func() bool { return byIRI(t, a, welcome.IRI) != nil && byIRI(t, a, rude.IRI) != nil })
		held := byIRI(t, a, welcome.IRI)
		if !held.Held || a.Video(v.IRI).Comments != 0 || !welcome.Held || b.Video(v.IRI).Comments != 0 {
			t.Errorf("held at A %v, at B %v", held.Held, welcome.Held)
		}
		jobstest.Drain(t, a.DB)
		if n := c.Count("comments", ""); n != 0 {
			t.Errorf("C has %d comments before approval", n)
		}
		path := fmt.Sprintf("/videos/%s/comments/%d/approve", v.UUID, held.ID)
		if ans := a.As(carl, "POST", path, nil); ans.Status != 404 { // he does not know it is there
			t.Errorf("approved by a stranger: %d", ans.Status)
		}
		if ans := a.As(alice, "POST", path, nil); ans.Status != 204 {
			t.Fatalf("approve: %d %s", ans.Status, ans.Body)
		}
		if ans := a.As(alice, "POST", path, nil); ans.Status != 400 {
			t.Errorf("approved twice: %d", ans.Status)
		}
		aptest.Eventually(t, "the approval at B", func() bool { got := byIRI(t, b, welcome.IRI); return !got.Held && got.Approval != "" })
		aptest.Eventually(t, "the comment at C", func() bool { return byIRI(t, c, welcome.IRI) != nil })
		if got := byIRI(t, c, welcome.IRI); got.Approval == "" || got.Held || c.Video(v.IRI).Comments != 1 {
			t.Errorf("at C: %+v", got)
		}

		if ans := a.As(alice, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, byIRI(t, a, rude.IRI).ID), nil); ans.Status != 204 {
			t.Fatalf("refuse: %d %s", ans.Status, ans.Body)
		}
		aptest.Eventually(t, "the refusal at B", func() bool { return byIRI(t, b, rude.IRI).DeletedAt != nil })

		own := say(t, a, alice, v, 0, "I need no approval")
		if own.Held {
			t.Error("the owner's own comment is held")
		}
		local := say(t, a, carl, v, 0, "From here")
		if !local.Held || a.Count("outbox", "object = ?", local.IRI) != 0 {
			t.Error("a local comment went out before approval")
		}
		if ans := a.As(alice, "POST", fmt.Sprintf("/videos/%s/comments/%d/approve", v.UUID, local.ID), nil); ans.Status != 204 {
			t.Errorf("approve: %d %s", ans.Status, ans.Body)
		}
		aptest.Eventually(t, "the local one at C", func() bool { return byIRI(t, c, local.IRI) != nil && byIRI(t, c, own.IRI) != nil })
	})
}

// TestBackfill: who comes late gets what was said before, in its place, also
// below what was deleted, and loses what is not listed any more.
func TestBackfill(t *testing.T) {
	pair(t, func(t *testing.T, a, b *videotest.Site) {
		alice, carl := a.User("alice", rest.RoleUser), a.User("carl", rest.RoleUser)
		v := a.Publish(alice, "Old and talked about")
		root := say(t, a, carl, v, 0, "root")
		gone := say(t, a, alice, v, root.ID, "gone")
		leaf := say(t, a, carl, v, gone.ID, "leaf")
		if ans := a.As(alice, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, gone.ID), nil); ans.Status != 204 {
			t.Fatal(ans.Status)
		}
		for i := range 12 { // two pages
			say(t, a, carl, v, 0, fmt.Sprint("more ", i))
		}
		jobstest.Drain(t, a.DB)
		b.Follow(a.Instance().IRI)
		atB := b.Await(v.IRI)
		aptest.Eventually(t, "14 comments at B", func() bool { return b.Video(v.IRI).Comments == 14 })
		top, middle, below := byIRI(t, b, root.IRI), byIRI(t, b, gone.IRI), byIRI(t, b, leaf.IRI)
		if middle == nil || middle.DeletedAt == nil || *below.ParentID != middle.ID || *middle.ParentID != top.ID || below.ThreadID != top.ID || top.Replies != 1 {
			t.Errorf("at B: %+v, %+v, %+v", top, middle, below)
		}

		// B misses a deletion, and learns of it by the collection.
		a.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE comments SET deleted_at = ?, text = '' WHERE id = ?", db.Now(), root.ID).Error
		})
		b.Tx(func(tx *db.Tx) error {
			old := db.Now().Add(-72 * 3600e9)
			if err := tx.Exec("UPDATE comments SET created_at = ?", old).Error; err != nil {
				return err
			}
			return tx.Exec("UPDATE video_crawls SET read_at = ?", old).Error
		})
		a.Edit(alice, v, m{"name": "Another name"})
		aptest.Eventually(t, "the comment to be gone", func() bool { return byIRI(t, b, root.IRI).DeletedAt != nil })
		if n := b.Video(v.IRI).Comments; n != 13 || atB.ID == 0 {
			t.Errorf("%d comments left", n)
		}
	})
}
