package comment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// each runs a test on an instance of each engine.
func each(t *testing.T, test func(t *testing.T, s *videotest.Site)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { test(t, videotest.Serve(t, d, videotest.Options{Idle: true})) })
}

// texts lists the texts of a list answer.
func texts(t *testing.T, raw []byte) (out []string) {
	t.Helper()
	var list struct {
		Data []struct {
			Text string `json:"text"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	for _, c := range list.Data {
		out = append(out, c.Text)
	}
	return out
}

func TestThreadsAPI(t *testing.T) {
	each(t, func(t *testing.T, s *videotest.Site) {
		alice, bob := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser)
		v := s.Publish(alice, "Talked about")
		list := "/videos/" + v.UUID + "/comment-threads"
		first := say(t, s, bob, v, 0, "first")
		answer := say(t, s, alice, v, first.ID, "answer")
		deep := say(t, s, bob, v, answer.ID, "deep")
		say(t, s, bob, v, 0, "second")

		a := s.As(nil, "GET", list, nil)
		if got := texts(t, a.Body); !slices.Equal(got, []string{"second", "first"}) || a.JSON["total"] != 2.0 || a.JSON["totalNotDeletedComments"] != 4.0 {
			t.Errorf("newest first: %v %s", got, a.Body)
		}
		for query, want := range map[string][]string{
			"?sort=createdAt": {"first", "second"}, "?sort=-totalReplies": {"first", "second"}, "?sort=totalReplies": {"second", "first"},
			"?start=1&count=1": {"first"}, "?start=2": nil, "?count=0": nil,
		} {
			if got := texts(t, s.As(nil, "GET", list+query, nil).Body); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
		}
		var tree struct {
			Comment  struct{ Text string }
			Children []struct {
				Comment  struct{ Text string }
				Children []struct{ Comment struct{ Text string } }
			}
		}
		thread := fmt.Sprintf("%s/%d", list, first.ID)
		if err := json.Unmarshal(s.As(nil, "GET", thread, nil).Body, &tree); err != nil {
			t.Fatal(err)
		}
		if tree.Comment.Text != "first" || tree.Children[0].Comment.Text != "answer" || tree.Children[0].Children[0].Comment.Text != "deep" {
			t.Errorf("tree: %+v", tree)
		}

		remove := func(u *videotest.User, id int64) int {
			return s.As(u, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, id), nil).Status
		}
		if got := remove(bob, first.ID); got != 204 {
			t.Fatal(got)
		}
		var top struct{ Data []m }
		if err := json.Unmarshal(s.As(nil, "GET", list+"?sort=createdAt", nil).Body, &top); err != nil {
			t.Fatal(err)
		}
		if got := top.Data[0]; got["isDeleted"] != true || got["text"] != "" || got["account"] != nil || got["deletedAt"] == nil || got["totalReplies"] != 2.0 {
			t.Errorf("deleted with answers: %v", got)
		}
		for _, id := range []int64{deep.ID, answer.ID} {
			if got := remove(alice, id); got != 204 { // the owner of the video
				t.Fatal(got)
			}
		}
		if got := texts(t, s.As(nil, "GET", list, nil).Body); !slices.Equal(got, []string{"second"}) {
			t.Errorf("deleted without answers: %v", got)
		}
		if got := s.Video(v.IRI).Comments; got != 1 {
			t.Errorf("%d comments", got)
		}
	})
}

// TestShapes compares our answers with recorded ones, member by member.
func TestShapes(t *testing.T) {
	s := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{Idle: true})
	alice := s.User("alice", rest.RoleUser)
	v := s.Publish(alice, "Talked about")
	root := say(t, s, alice, v, 0, "first")
	say(t, s, alice, v, root.ID, "second")
	var recorded map[string]json.RawMessage
	raw, err := os.ReadFile("testdata/peertube-6.3.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	list := "/videos/" + v.UUID + "/comment-threads"
	for name, path := range map[string]string{"threads": list, "thread": fmt.Sprintf("%s/%d", list, root.ID)} {
		var want, got any
		if err := json.Unmarshal(recorded[name], &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(s.As(nil, "GET", path, nil).Body, &got); err != nil {
			t.Fatal(err)
		}
		for _, d := range differences(name, want, got) {
			t.Error(d)
		}
	}
}

// differences lists members that one has and the other has not, or of another
// type. userId is there for local accounts alone; description may be null.
func differences(path string, want, got any) (out []string) {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{path + " is no object"}
		}
		for k := range w {
			if _, ok := g[k]; !ok {
				out = append(out, path+"."+k+" is missing")
				continue
			}
			out = append(out, differences(path+"."+k, w[k], g[k])...)
		}
		for k := range g {
			if _, ok := w[k]; !ok && k != "userId" {
				out = append(out, path+"."+k+" is ours alone")
			}
		}
	case []any:
		g, ok := got.([]any)
		if !ok {
			return []string{path + " is no list"}
		}
		if len(w) > 0 && len(g) > 0 {
			out = differences(path+"[0]", w[0], g[0])
		}
	default:
		if want != nil && got != nil && fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
			out = append(out, fmt.Sprintf("%s: %T, want %T", path, got, want))
		}
	}
	return out
}

// TestRefusals: what is refused, with which status, and that nothing changed.
func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, s *videotest.Site) {
		alice, bob, carl, mod := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser), s.User("carl", rest.RoleUser), s.User("mod", rest.RoleModerator)
		v, other := s.Publish(alice, "Talked about"), s.Publish(alice, "Another")
		hidden, closed := s.Publish(alice, "Hidden"), s.Publish(alice, "Closed")
		s.Edit(alice, hidden, m{"privacy": 3})
		root := say(t, s, bob, v, 0, "by bob")
		answer := say(t, s, bob, v, root.ID, "answer by bob")
		s.Edit(alice, closed, m{"commentsPolicy": 2})
		dead := say(t, s, bob, v, root.ID, "dead")
		path := func(format string, args ...any) string { return "/videos/" + fmt.Sprintf(format, args...) }
		if a := s.As(bob, "DELETE", path("%s/comments/%d", v.UUID, dead.ID), nil); a.Status != 204 {
			t.Fatal(a.Status)
		}
		before := s.Count("comments", "deleted_at IS NULL")
		ok := m{"text": "text"}
		for _, c := range []struct {
			name, method, path string
			who                *videotest.User
			body               any
			status             int
			code               string
		}{
			{"nobody writes", "POST", path("%s/comment-threads", v.UUID), nil, ok, 401, "unauthorized_request"},
			{"empty", "POST", path("%s/comment-threads", v.UUID), bob, m{"text": ""}, 400, ""},
			{"blank", "POST", path("%s/comment-threads", v.UUID), bob, m{"text": " \n\u200b"}, 400, ""},
			{"absent", "POST", path("%s/comment-threads", v.UUID), bob, m{}, 400, ""},
			{"null", "POST", path("%s/comment-threads", v.UUID), bob, m{"text": nil}, 400, ""},
			{"number", "POST", path("%s/comment-threads", v.UUID), bob, m{"text": 7}, 400, ""},
			{"too long", "POST", path("%s/comment-threads", v.UUID), bob, m{"text": strings.Repeat("é", 10_001)}, 400, ""},
			{"only a script", "POST", path("%s/comment-threads", v.UUID), bob, m{"text": "<script>x</script>"}, 400, ""},
			{"unknown video", "POST", path("%d/comment-threads", 999), bob, ok, 404, ""},
			{"bad id", "POST", path("x/comment-threads"), bob, ok, 404, ""},
			{"hidden video", "POST", path("%s/comment-threads", hidden.UUID), bob, ok, 403, ""},
			{"closed video", "POST", path("%s/comment-threads", closed.UUID), alice, ok, 409, ""},
			{"answer to nothing", "POST", path("%s/comments/%d", v.UUID, 999), bob, ok, 404, ""},
			{"answer to no number", "POST", path("%s/comments/x", v.UUID), bob, ok, 404, ""},
			{"answer below another video", "POST", path("%s/comments/%d", other.UUID, root.ID), bob, ok, 400, "comment_not_associated_to_video"},
			{"thread of another video", "GET", path("%s/comment-threads/%d", other.UUID, root.ID), nil, nil, 400, "comment_not_associated_to_video"},
			{"thread that is an answer", "GET", path("%s/comment-threads/%d", v.UUID, answer.ID), nil, nil, 400, ""},
			{"unknown thread", "GET", path("%s/comment-threads/999", v.UUID), nil, nil, 404, ""},
			{"threads of a hidden video", "GET", path("%s/comment-threads", hidden.UUID), nil, nil, 401, ""},
			{"bad sort", "GET", path("%s/comment-threads?sort=text", v.UUID), nil, nil, 400, ""},
			{"bad count", "GET", path("%s/comment-threads?count=101", v.UUID), nil, nil, 400, ""},
			{"nobody deletes", "DELETE", path("%s/comments/%d", v.UUID, root.ID), nil, nil, 401, "unauthorized_request"},
			{"a stranger deletes", "DELETE", path("%s/comments/%d", v.UUID, root.ID), carl, nil, 403, ""},
			{"deletes below another video", "DELETE", path("%s/comments/%d", other.UUID, root.ID), bob, nil, 400, "comment_not_associated_to_video"},
			{"deletes twice", "DELETE", path("%s/comments/%d", v.UUID, dead.ID), bob, nil, 409, ""},
			{"approves what is not held", "POST", path("%s/comments/%d/approve", v.UUID, root.ID), alice, nil, 400, ""},
			{"a stranger approves", "POST", path("%s/comments/%d/approve", v.UUID, root.ID), carl, nil, 403, ""},
			{"all comments for nobody", "GET", "/videos/comments", nil, nil, 401, ""},
			{"all comments for a user", "GET", "/videos/comments", bob, nil, 403, ""},
			{"all comments, bad flag", "GET", "/videos/comments?isLocal=maybe", mod, nil, 400, ""},
			{"all comments, bad video", "GET", "/videos/comments?videoId=x", mod, nil, 400, ""},
			{"all comments, unknown video", "GET", "/videos/comments?videoId=999", mod, nil, 404, ""},
			{"my videos' for nobody", "GET", "/users/me/videos/comments", nil, nil, 401, ""},
		} {
			a := s.As(c.who, c.method, c.path, c.body)
			if a.Status != c.status || (c.code != "" && a.JSON["code"] != c.code) {
				t.Errorf("%s: %d %s, want %d %s", c.name, a.Status, a.Body, c.status, c.code)
			}
			if n := s.Count("comments", "deleted_at IS NULL"); n != before {
				t.Errorf("%s: %d comments, had %d", c.name, n, before)
			}
		}
		if got := s.As(nil, "GET", path("%s/comment-threads", closed.UUID), nil); got.Status != 200 || got.JSON["total"] != 0.0 {
			t.Errorf("threads of a closed video: %d %s", got.Status, got.Body)
		}
		for name, who := range map[string]*videotest.User{"moderator": mod, "author": bob, "owner": alice} { // the twins
			c := say(t, s, bob, v, 0, "for "+name)
			if a := s.As(who, "DELETE", path("%s/comments/%d", v.UUID, c.ID), nil); a.Status != 204 {
				t.Errorf("%s deletes: %d", name, a.Status)
			}
		}
	})
}

// TestHeld: who sees what is held, and the lists for review.
func TestHeld(t *testing.T) {
	each(t, func(t *testing.T, s *videotest.Site) {
		alice, bob, carl, mod := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser), s.User("carl", rest.RoleUser), s.User("mod", rest.RoleModerator)
		v := s.Publish(alice, "Only what I like", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsApproval })
		elsewhere := s.Publish(carl, "Carl's video")
		say(t, s, bob, elsewhere, 0, "at carl's")
		open := say(t, s, alice, v, 0, "open")
		held := say(t, s, bob, v, open.ID, "held 100%")
		rooted := say(t, s, bob, v, 0, "held root")
		if byMod := say(t, s, mod, v, 0, "by a moderator"); byMod.Held {
			t.Error("a moderator's comment is held")
		}
		list, thread := "/videos/"+v.UUID+"/comment-threads?sort=createdAt", fmt.Sprintf("/videos/%s/comment-threads/%d", v.UUID, open.ID)
		for name, c := range map[string]struct {
			who      *videotest.User
			roots    []string
			comments float64
			children int
		}{
			"nobody": {nil, []string{"open", "by a moderator"}, 2, 0}, "carl": {carl, []string{"open", "by a moderator"}, 2, 0},
			"bob": {bob, []string{"open", "held root", "by a moderator"}, 4, 1}, "alice": {alice, []string{"open", "held root", "by a moderator"}, 4, 1},
			"mod": {mod, []string{"open", "held root", "by a moderator"}, 4, 1},
		} {
			a := s.As(c.who, "GET", list, nil)
			if got := texts(t, a.Body); !slices.Equal(got, c.roots) || a.JSON["totalNotDeletedComments"] != c.comments {
				t.Errorf("%s sees %v, %v comments", name, got, a.JSON["totalNotDeletedComments"])
			}
			if kids := s.As(c.who, "GET", thread, nil).JSON["children"].([]any); len(kids) != c.children {
				t.Errorf("%s sees %d answers", name, len(kids))
			}
		}
		if a := s.As(carl, "POST", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, rooted.ID), m{"text": "x"}); a.Status != 404 {
			t.Errorf("answer to what one does not see: %d", a.Status)
		}
		if a := s.As(alice, "POST", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, rooted.ID), m{"text": "x"}); a.Status != 400 {
			t.Errorf("answer to what is held: %d", a.Status)
		}
		for _, c := range []struct {
			who   *videotest.User
			query string
			want  []string
		}{
			{alice, "/users/me/videos/comments?isHeldForReview=true", []string{"held root", "held 100%"}},
			{alice, "/users/me/videos/comments?isHeldForReview=false", []string{"by a moderator", "open"}},
			{alice, "/users/me/videos/comments?sort=createdAt&count=1", []string{"open"}},
			{carl, "/users/me/videos/comments", []string{"at carl's"}},
			{bob, "/users/me/videos/comments", nil},
			{mod, "/videos/comments?search=100%25", []string{"held 100%"}},
			{mod, "/videos/comments?search=0%25x", nil},
			{mod, "/videos/comments?searchAccount=BOB", []string{"held root", "held 100%", "at carl's"}},
			{mod, "/videos/comments?searchVideo=carl", []string{"at carl's"}},
			{mod, "/videos/comments?isLocal=false", nil},
			{mod, "/videos/comments?onLocalVideo=true&isHeldForReview=true", []string{"held root", "held 100%"}},
			{mod, "/videos/comments?videoId=" + elsewhere.UUID, []string{"at carl's"}},
			{mod, fmt.Sprintf("/videos/comments?videoChannelId=%d", carl.ChannelID), []string{"at carl's"}},
		} {
			a := s.As(c.who, "GET", c.query, nil)
			if got := texts(t, a.Body); a.Status != 200 || !slices.Equal(got, c.want) {
				t.Errorf("%s: %d %v, want %v", c.query, a.Status, got, c.want)
			}
		}
		first := s.As(mod, "GET", "/videos/comments?videoId="+elsewhere.UUID, nil).JSON["data"].([]any)[0].(m)
		if first["video"].(m)["uuid"] != elsewhere.UUID || first["account"].(m)["name"] != "bob" || first["automaticTags"] == nil {
			t.Errorf("for review: %v", first)
		}
		if a := s.As(mod, "POST", fmt.Sprintf("/videos/%s/comments/%d/approve", v.UUID, held.ID), nil); a.Status != 204 {
			t.Errorf("a moderator approves: %d", a.Status)
		}
		if root := comments(t, s)[1]; root.Replies != 1 || s.Video(v.IRI).Comments != 3 {
			t.Errorf("after approval: %+v", root)
		}
	})
}

// TestOurDocuments holds what we publish against a reader that shares nothing
// with the writer, and against what PeerTube sends.
func TestOurDocuments(t *testing.T) {
	s := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{Idle: true})
	alice, bob := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser)
	v := s.Publish(alice, "Talked about")
	root := say(t, s, bob, v, 0, "Nice *video*\n\n<https://example.com>")
	answer := say(t, s, alice, v, root.ID, "Thanks")
	path := strings.TrimPrefix(answer.IRI, s.Origin)
	for _, p := range []string{path, path + "/activity", path + "/approve-reply", "/videos/watch/" + v.UUID + "/comments", "/videos/watch/" + v.UUID + "/comments?page=1"} {
		a := s.Document(p)
		if a.Status != http.StatusOK || a.JSON["id"] != s.Origin+p {
			t.Errorf("%s: %d %s", p, a.Status, a.Body)
			continue
		}
		for _, bad := range peertube.Check(a.Body) {
			t.Errorf("%s: %s", p, bad)
		}
	}
	note := s.Document(strings.TrimPrefix(root.IRI, s.Origin)).JSON
	for key, want := range map[string]any{
		"type": "Note", "attributedTo": bob.Account.IRI, "inReplyTo": v.IRI, "mediaType": "text/html", "audience": alice.Channel.IRI,
		"content":       "<p>Nice <em>video</em></p>\n<p><a href=\"https://example.com\" rel=\"nofollow noopener ugc\" target=\"_blank\">https://example.com</a></p>",
		"replyApproval": root.IRI + "/approve-reply",
	} {
		if note[key] != want {
			t.Errorf("%s: %v, want %v", key, note[key], want)
		}
	}
	if src := note["source"].(m); src["content"] != root.Text || src["mediaType"] != "text/markdown" {
		t.Errorf("source %v", src)
	}
	for _, id := range []string{bob.Account.Followers, alice.Account.IRI, alice.Channel.IRI} {
		if !slices.Contains(note["cc"].([]any), any(id)) {
			t.Errorf("cc lacks %s: %v", id, note["cc"])
		}
	}
	var published []struct{ Raw string }
	if err := s.DB.Read(context.Background()).Table("outbox").Select("raw").Find(&published).Error; err != nil {
		t.Fatal(err)
	}
	if a := s.As(bob, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, root.ID), nil); a.Status != 204 {
		t.Fatal(a.Status)
	}
	stone := s.Document(strings.TrimPrefix(root.IRI, s.Origin))
	if stone.Status != 200 || stone.JSON["type"] != "Tombstone" || stone.JSON["inReplyTo"] != v.IRI || stone.JSON["formerType"] != "Note" {
		t.Errorf("deleted with an answer: %d %s", stone.Status, stone.Body)
	}
	for _, bad := range peertube.Check(stone.Body) {
		t.Errorf("tombstone: %s", bad)
	}
	if a := s.As(alice, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, answer.ID), nil); a.Status != 204 {
		t.Fatal(a.Status)
	}
	if a := s.Document(path); a.Status != 410 {
		t.Errorf("deleted without an answer: %d", a.Status)
	}
	if err := s.DB.Read(context.Background()).Table("outbox").Select("raw").Find(&published).Error; err != nil {
		t.Fatal(err)
	}
	for _, x := range published {
		for _, bad := range peertube.Check([]byte(x.Raw)) {
			t.Errorf("%s\n%s", bad, x.Raw)
		}
	}
	if n := s.Count("outbox", "type = 'Create' AND object LIKE '%/comments/%'"); n != 2 {
		t.Errorf("%d comments in the outbox", n)
	}
}

// TestHiddenDocuments: what is held, or below a hidden video, is as if it were
// not there (SEC-18, SEC-54); nor does it go out.
func TestHiddenDocuments(t *testing.T) {
	s := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{Idle: true})
	alice, bob := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser)
	v := s.Publish(alice, "Shown", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsApproval })
	held := say(t, s, bob, v, 0, "held")
	shown := say(t, s, alice, v, 0, "shown")
	get := func(c *comment.Comment, part string) int {
		return s.Document(strings.TrimPrefix(c.IRI, s.Origin) + part).Status
	}
	for part, want := range map[string]int{"": 404, "/activity": 404, "/approve-reply": 404} {
		if got := get(held, part); got != want {
			t.Errorf("held%s: %d", part, got)
		}
		if got := get(shown, part); got != 200 {
			t.Errorf("shown%s: %d", part, got)
		}
	}
	s.Edit(alice, v, m{"privacy": 3})
	private := say(t, s, alice, s.Video(v.IRI), 0, "to myself")
	for _, p := range []string{"", "/activity"} {
		if a, b := get(shown, p), get(private, p); a != 404 || b != 404 {
			t.Errorf("below a private video%s: %d %d", p, a, b)
		}
	}
	if a := s.Document("/videos/watch/" + v.UUID + "/comments"); a.Status != 404 {
		t.Errorf("comments of a private video: %d", a.Status)
	}
	if n := s.Count("outbox", "object IN ?", []string{held.IRI, private.IRI}); n != 0 {
		t.Errorf("%d activities about what is hidden", n)
	}
	if a := s.Get(strings.TrimPrefix(shown.IRI, s.Origin), "text/html"); a.Status != 302 && a.Status != 404 {
		t.Errorf("a browser: %d", a.Status)
	}
}

// TestActorDeleted: what somebody said goes with the account; what others
// answered stays.
func TestActorDeleted(t *testing.T) {
	each(t, func(t *testing.T, s *videotest.Site) {
		alice, bob := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser)
		v := s.Publish(alice, "Talked about")
		root := say(t, s, bob, v, 0, "by bob")
		say(t, s, alice, v, root.ID, "by alice")
		say(t, s, bob, v, 0, "also by bob")
		for range 2 { // may run twice
			if err := s.Comments.Module().ActorDeleted(t.Context(), bob.Account); err != nil {
				t.Fatal(err)
			}
		}
		a := s.As(nil, "GET", "/videos/"+v.UUID+"/comment-threads", nil)
		if got := texts(t, a.Body); !slices.Equal(got, []string{""}) || s.Video(v.IRI).Comments != 1 || strings.Contains(string(a.Body), "bob\"") {
			t.Errorf("left: %s", a.Body)
		}
	})
}

// TestDeepPages: a page far down is found by the index (REST acceptance: deep
// pages too).
func TestDeepPages(t *testing.T) {
	each(t, func(t *testing.T, s *videotest.Site) {
		alice := s.User("alice", rest.RoleUser)
		v := s.Publish(alice, "Talked about")
		const n = 2000
		s.Tx(func(tx *db.Tx) error {
			rows := make([]comment.Comment, n)
			for i := range rows {
				at := db.Now()
				rows[i] = comment.Comment{
					IRI: fmt.Sprintf("%s/seed/%d", s.Origin, i), VideoID: v.ID, ActorID: &alice.ActorID, Local: true, Text: fmt.Sprint(i),
					Replies: int64(i % 7), CreatedAt: at, UpdatedAt: at,
				}
			}
			return tx.CreateInBatches(rows, 200).Error
		})
		a := s.As(nil, "GET", "/videos/"+v.UUID+"/comment-threads?sort=createdAt&start=1990&count=5", nil)
		if got := texts(t, a.Body); !slices.Equal(got, []string{"1990", "1991", "1992", "1993", "1994"}) || a.JSON["total"] != float64(n) {
			t.Errorf("deep: %v", got)
		}
		if d := s.DB.Dialect(); d != db.SQLite {
			return
		}
		for sort, index := range map[string]string{"created_at DESC, id DESC": "comments_newest", "replies DESC, id DESC": "comments_answered"} {
			var plan []struct{ Detail string }
			err := s.DB.Read(t.Context()).Raw(`EXPLAIN QUERY PLAN SELECT id FROM comments WHERE video_id = ? AND parent_id IS NULL
				AND (deleted_at IS NULL OR replies > 0) AND held = FALSE ORDER BY `+sort+` LIMIT 15 OFFSET 1000`, v.ID).Scan(&plan).Error
			if err != nil || !strings.Contains(fmt.Sprint(plan), index) || strings.Contains(fmt.Sprint(plan), "B-TREE") {
				t.Errorf("%s: %v %v", sort, plan, err)
			}
		}
	})
}
