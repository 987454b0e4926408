package web

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	// threadsShown are the threads of one page, answersShown those of one thread.
	threadsShown = 20
	answersShown = 50
	// maxCommentForm bounds the body of the form.
	maxCommentForm = 64 << 10
)

// comments is what a watch page shows of the comments below a video; nil when
// there are none to be shown and none to be written.
func (s *Site) comments(c echo.Context, v *loaded, path string) (*Comments, error) {
	if s.o.Comments == nil || v.CommentsPolicy == catalog.CommentsDisabled || v.State != catalog.Published {
		return nil, nil //nolint:nilnil // nothing is an answer
	}
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	start, err := strconv.Atoi(c.QueryParam("comments"))
	if err != nil || start < 0 || start > 1_000_000 {
		start = 0
	}
	out := &Comments{Post: path + "/comments", Login: "/login?return=" + path, Reviewed: v.CommentsPolicy == catalog.CommentsApproval}
	out.Reviewed = out.Reviewed && !catalog.IsOwner(p, v.Video) && !p.IsModerator()
	roots, total, all, err := s.o.Comments.Threads(ctx, p, v.Video, rest.Page{Start: start, Count: threadsShown, Sort: "createdAt", Desc: true})
	if err != nil {
		return nil, err
	}
	out.Total = all
	if next := start + threadsShown; int64(next) < total {
		out.More = path + "?autoplay=0&comments=" + strconv.Itoa(next) + "#comments"
	}
	for i := range roots {
		t, err := s.thread(c, v, &roots[i])
		if err != nil {
			return nil, err
		}
		out.Threads = append(out.Threads, t)
	}
	return out, nil
}

// thread is a root with what hangs below it, in two levels, oldest first.
func (s *Site) thread(c echo.Context, v *loaded, root *comment.Comment) (CommentThread, error) {
	ctx := c.Request().Context()
	if root.Replies == 0 && !root.Held {
		shown, err := s.o.Comments.API(ctx, []comment.Comment{*root})
		if err != nil {
			return CommentThread{}, err
		}
		return CommentThread{Comment: s.commentView(v, &shown[0], nil)}, nil
	}
	tree, err := s.o.Comments.Thread(ctx, rest.Current(ctx), v.Video, root)
	if err != nil {
		return CommentThread{}, err
	}
	out := CommentThread{Comment: s.commentView(v, &tree.Comment, nil)}
	var walk func(t *comment.Tree)
	walk = func(t *comment.Tree) {
		for _, below := range t.Children {
			if len(out.Answers) == answersShown {
				out.Hidden++
			} else {
				out.Answers = append(out.Answers, s.commentView(v, &below.Comment, &t.Comment))
			}
			walk(below)
		}
	}
	walk(tree)
	slices.SortStableFunc(out.Answers, func(a, b CommentView) int { return a.Written.Compare(b.Written) })
	return out, nil
}

// commentView fills what the template of a comment shows; above is what it
// answers, where that is an answer itself.
func (s *Site) commentView(v *loaded, c, above *comment.JSON) CommentView {
	out := CommentView{ID: c.ID, Written: c.CreatedAt.Time(), Deleted: c.IsDeleted, Held: c.HeldForReview}
	if c.Account == nil {
		return out
	}
	out.Text = s.texts.HTML(c.Text)
	handle := handleOf(c.Account, s.o.Config.Host())
	out.Author = Person{Name: nameOf(c.Account.DisplayName, c.Account.Name), Handle: "@" + handle, URL: "/a/" + handle, Avatar: avatarOf(c.Account.Avatars)}
	if c.Account.Host != s.o.Config.Host() {
		out.Host, out.Origin = c.Account.Host, webAddress(c.URL)
	}
	out.ByOwner = c.Account.ID == v.Owner.AccountID
	if above != nil && above.InReplyTo != nil && above.Account != nil {
		out.Answers = "@" + handleOf(above.Account, s.o.Config.Host())
	}
	return out
}

func handleOf(a *channel.AccountJSON, here string) string {
	if a.Host == here {
		return a.Name
	}
	return a.Name + "@" + a.Host
}

// postComment takes the form of a watch page.
func (s *Site) postComment(c echo.Context) error {
	r := c.Request()
	if !s.ourOrigin(r) { // SEC-48
		return rest.Forbidden("The form of this server must be used")
	}
	ctx := r.Context()
	p := rest.Current(ctx)
	if p == nil {
		return s.toLogin(c)
	}
	v, err := s.load(c)
	if err != nil {
		return err
	}
	if s.o.Comments == nil {
		return rest.NotFound("Nothing here")
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxCommentForm)
	text, ok := comment.Clean(c.FormValue("text"))
	if !ok {
		return rest.BadRequest("A comment has 1 to 10000 characters")
	}
	var below int64
	if b := c.FormValue("below"); b != "" {
		if below, err = strconv.ParseInt(b, 10, 64); err != nil {
			return rest.NotFound("Video comment not found")
		}
	}
	added, err := s.o.Comments.Write(ctx, p, v.Video, below, text)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/w/"+v.ShortUUID()+"?autoplay=0#comment-"+strconv.FormatInt(added.ID, 10))
}
