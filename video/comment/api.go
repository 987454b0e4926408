package comment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

func (s *Service) routes(r *rest.Router) {
	r.API.GET("/videos/:id/comment-threads", rest.Anyone, s.listThreads)
	r.API.POST("/videos/:id/comment-threads", rest.SignedIn, s.postThread)
	r.API.GET("/videos/:id/comment-threads/:comment", rest.Anyone, s.getThread)
	r.API.POST("/videos/:id/comments/:comment", rest.SignedIn, s.postReply)
	r.API.DELETE("/videos/:id/comments/:comment", rest.Owner, s.deleteComment)
	r.API.POST("/videos/:id/comments/:comment/approve", rest.Owner, s.approve)
	r.API.POST("/bulk/remove-comments-of", rest.SignedIn, s.removeAll)
	r.API.GET("/videos/comments", rest.Moderator, s.listAll)
	r.API.GET("/users/me/videos/comments", rest.SignedIn, s.listMine)
	r.Root.GET("/videos/watch/:id/comments/:comment", rest.Anyone, s.page)
}

// problem turns the errors of the operations into PeerTube's answers.
func problem(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return rest.NotFound("Video comment not found")
	case errors.Is(err, catalog.ErrNotFound):
		return rest.NotFound("Video not found")
	case errors.Is(err, ErrDisabled):
		return rest.Conflict("Video comments are disabled for this video")
	case errors.Is(err, ErrDeleted):
		return rest.Conflict("This comment is already deleted")
	case errors.Is(err, ErrForbidden):
		return rest.Forbidden("Cannot remove or approve a video comment of another user")
	case errors.Is(err, ErrNotHeld):
		return rest.BadRequest("Comment is not held for review")
	case errors.Is(err, ErrHeld):
		return rest.BadRequest("Cannot reply to a comment that is held for review")
	}
	return err
}

// Clean makes what a user wrote the text of a comment; ok is false when it is
// empty or too long.
func Clean(text string) (cleaned string, ok bool) {
	if utf8.RuneCountInString(text) > maxText {
		return "", false
	}
	cleaned = input.Text(markup.Markdown(text))
	return cleaned, cleaned != ""
}

func readText(c echo.Context) (string, error) {
	var body struct {
		Text input.Optional[string] `json:"text"`
	}
	if err := input.JSON(c, &body); err != nil {
		return "", err
	}
	text, ok := Clean(body.Text.Value)
	if !ok {
		return "", rest.Invalid("body", "text", "Should be a text of 1 to 10000 characters", body.Text.Value)
	}
	return text, nil
}

func (s *Service) video(c echo.Context) (*catalog.Video, error) {
	ctx := c.Request().Context()
	return s.catalog.Find(ctx, rest.Current(ctx), c.Param("id"))
}

// find loads the comment that a request names, below the video that it names.
func (s *Service) find(c echo.Context) (*catalog.Video, *Comment, error) {
	v, err := s.video(c)
	if err != nil {
		return nil, nil, err
	}
	id, err := rest.ParamID(c, "comment", "Video comment not found")
	if err != nil {
		return nil, nil, err
	}
	ctx := c.Request().Context()
	found, err := s.seenBy(ctx, rest.Current(ctx), v, id)
	return v, found, err
}

// seenBy loads a comment below v that p may see.
func (s *Service) seenBy(ctx context.Context, p *rest.Principal, v *catalog.Video, id int64) (*Comment, error) {
	found, err := s.byID(ctx, id)
	if err != nil {
		return nil, problem(err)
	}
	if found.VideoID != v.ID {
		return nil, &rest.Problem{
			Status: http.StatusBadRequest, Code: "comment_not_associated_to_video", Detail: "Video comment is not associated to this video",
		}
	}
	if !s.shows(ctx, p, found) {
		return nil, problem(ErrNotFound)
	}
	if found.Held && !p.IsModerator() && !catalog.IsOwner(p, v) && (p == nil || !found.by(p.ActorID)) {
		return nil, problem(ErrNotFound) // nobody else knows that it is there
	}
	return found, nil
}

// threads is the answer with the roots below a video.
type threads struct {
	Total    int64  `json:"total"`
	Data     []JSON `json:"data"`
	Comments int64  `json:"totalNotDeletedComments"`
}

func (s *Service) listThreads(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt", "totalReplies")
	if err != nil {
		return err
	}
	v, err := s.video(c)
	if err != nil {
		return err
	}
	if v.CommentsPolicy == catalog.CommentsDisabled {
		return c.JSON(http.StatusOK, threads{Data: []JSON{}})
	}
	ctx := c.Request().Context()
	rows, total, comments, err := s.Threads(ctx, rest.Current(ctx), v, page)
	if err != nil {
		return err
	}
	data, err := s.API(ctx, rows)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, threads{total, data, comments})
}

func (s *Service) getThread(c echo.Context) error {
	v, root, err := s.find(c)
	if err != nil {
		return err
	}
	if root.ParentID != nil {
		return rest.BadRequest("Video comment is not a thread")
	}
	if v.CommentsPolicy == catalog.CommentsDisabled {
		return problem(ErrDisabled)
	}
	ctx := c.Request().Context()
	if muted, err := s.muted(ctx, rest.Current(ctx), root); err != nil || muted {
		return errors.Join(problem(ErrNotFound), err)
	}
	tree, err := s.Thread(ctx, rest.Current(ctx), v, root)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tree)
}

func (s *Service) postThread(c echo.Context) error {
	v, err := s.video(c)
	if err != nil {
		return err
	}
	return s.post(c, v, nil)
}

func (s *Service) postReply(c echo.Context) error {
	v, parent, err := s.find(c)
	if err != nil {
		return err
	}
	return s.post(c, v, parent)
}

func (s *Service) post(c echo.Context, v *catalog.Video, parent *Comment) error {
	text, err := readText(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	added, err := s.Add(ctx, rest.Current(ctx), v, parent, text)
	if err != nil {
		return problem(err)
	}
	shown, err := s.API(ctx, []Comment{*added})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]JSON{"comment": shown[0]})
}

func (s *Service) deleteComment(c echo.Context) error {
	_, found, err := s.find(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := s.Delete(ctx, rest.Current(ctx), found); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

func (s *Service) approve(c echo.Context) error {
	_, found, err := s.find(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := s.Approve(ctx, rest.Current(ctx), found); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

// reviewed is a comment in a list for owners and moderators (OpenAPI
// VideoCommentForOwnerOrAdmin).
type reviewed struct {
	ID            int64                `json:"id"`
	URL           string               `json:"url"`
	Text          string               `json:"text"`
	HeldForReview bool                 `json:"heldForReview"`
	ThreadID      int64                `json:"threadId"`
	InReplyTo     *int64               `json:"inReplyToCommentId"`
	CreatedAt     channel.Time         `json:"createdAt"`
	UpdatedAt     channel.Time         `json:"updatedAt"`
	Account       *channel.AccountJSON `json:"account"`
	Video         reviewedVideo        `json:"video"`
	AutomaticTags []string             `json:"automaticTags"`
}

type reviewedVideo struct {
	ID   int64  `json:"id"`
	UUID string `json:"uuid"`
	Name string `json:"name"`
}

func (s *Service) listAll(c echo.Context) error {
	f, err := s.filter(c)
	if err != nil {
		return err
	}
	var check rest.Checker
	f.Local, f.OnLocalVideo = rest.QueryBool(c, &check, "isLocal"), rest.QueryBool(c, &check, "onLocalVideo")
	if err := check.Err(); err != nil {
		return err
	}
	return s.answerList(c, f)
}

func (s *Service) listMine(c echo.Context) error {
	f, err := s.filter(c)
	if err != nil {
		return err
	}
	f.OwnerID = rest.Current(c.Request().Context()).AccountID
	f.TagsOf = f.OwnerID
	return s.answerList(c, f)
}

func (s *Service) filter(c echo.Context) (Filter, error) {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt")
	if err != nil {
		return Filter{}, err
	}
	var check rest.Checker
	f := Filter{
		Page: page, Held: rest.QueryBool(c, &check, "isHeldForReview"), Search: c.QueryParam("search"),
		SearchAccount: c.QueryParam("searchAccount"), SearchVideo: c.QueryParam("searchVideo"),
	}
	f.ChannelID = queryID(c, &check, "videoChannelId")
	if f.AutoTags = rest.QueryValues(c, "autoTagOneOf"); len(f.AutoTags) > maxTags {
		check.Refuse("query", "autoTagOneOf", "Should be at most 50 tags", len(f.AutoTags))
	}
	if id := c.QueryParam("videoId"); id != "" {
		ref, ok := catalog.ParseRef(id)
		if !ok {
			check.Refuse("query", "videoId", "Should be an id of a video", id)
			return f, check.Err()
		}
		v, err := s.catalog.Get(c.Request().Context(), ref)
		if err != nil {
			return f, problem(err)
		}
		f.VideoID = v.ID
	}
	return f, check.Err()
}

// maxTags bounds the tags that are asked for.
const maxTags = 50

func queryID(c echo.Context, check *rest.Checker, name string) int64 {
	s := c.QueryParam(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		check.Refuse("query", name, "Should be an id", s)
	}
	return n
}

// answerList answers with a list for review.
func (s *Service) answerList(c echo.Context, f Filter) error {
	ctx := c.Request().Context()
	rows, total, err := s.List(ctx, f)
	if err != nil {
		return err
	}
	accounts, err := s.accountsOf(ctx, rows)
	if err != nil {
		return err
	}
	videos, err := s.videosOf(ctx, rows)
	if err != nil {
		return err
	}
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	tags, err := s.words.OfComments(ctx, f.TagsOf, ids)
	if err != nil {
		return err
	}
	data := make([]reviewed, len(rows))
	for i := range rows {
		r := &rows[i]
		data[i] = reviewed{
			ID: r.ID, URL: r.IRI, Text: r.Text, HeldForReview: r.Held, ThreadID: r.ThreadID, InReplyTo: r.ParentID,
			CreatedAt: channel.Time(r.CreatedAt), UpdatedAt: channel.Time(r.UpdatedAt), Video: videos[r.VideoID], AutomaticTags: tags[r.ID],
		}
		if data[i].AutomaticTags == nil {
			data[i].AutomaticTags = []string{}
		}
		if r.ActorID != nil {
			data[i].Account = accounts[*r.ActorID]
		}
	}
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}

func (s *Service) videosOf(ctx context.Context, rows []Comment) (map[int64]reviewedVideo, error) {
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].VideoID
	}
	out := make(map[int64]reviewedVideo, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	var found []catalog.Video
	if err := s.db.Read(ctx).Select("id", "uuid", "name").Where("id IN ?", ids).Find(&found).Error; err != nil {
		return nil, fmt.Errorf("videos of comments: %w", err)
	}
	for i := range found {
		out[found[i].ID] = reviewedVideo{found[i].ID, found[i].UUID, found[i].Name}
	}
	return out, nil
}

// Write is [Service.Add] for forms: below is the id of what is answered, 0 for a
// root. Errors are *rest.Problem where p may read why.
func (s *Service) Write(ctx context.Context, p *rest.Principal, v *catalog.Video, below int64, text string) (*Comment, error) {
	var parent *Comment
	if below != 0 {
		var err error
		if parent, err = s.seenBy(ctx, p, v, below); err != nil {
			return nil, err
		}
	}
	c, err := s.Add(ctx, p, v, parent, text)
	if err != nil {
		return nil, problem(err)
	}
	return c, nil
}
