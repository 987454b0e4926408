package feed

import (
	"cmp"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/web/rest"
)

// comments is the feed of the newest comments: of all, below a video, or below
// the videos of an account or of a channel.
func (s *Service) comments(c echo.Context) (*feed, error) {
	ctx := c.Request().Context()
	who, err := s.owner(c)
	if err != nil {
		return nil, err
	}
	out, err := s.newFeed(ctx)
	if err != nil {
		return nil, err
	}
	f := comment.Newest{Count: s.o.CommentCount()}
	id := c.QueryParam("videoId")
	switch {
	case id != "" && who != nil:
		return nil, rest.BadRequest("videoId cannot be mixed with an account or a channel filter")
	case id != "":
		v, err := s.o.Catalog.Find(ctx, nil, id)
		if err != nil {
			return nil, err
		}
		if v.Privacy != catalog.Public && v.Privacy != catalog.Unlisted {
			return nil, rest.NotFound("Video not found")
		}
		f.VideoID, out.Title, out.Link, out.Description = v.ID, v.Name, v.IRI, plain(v.Description)
	case who != nil:
		f.AccountID, f.ChannelID = who.accountID, who.channelID
		out.about(*who, s.urls.Origin)
	}
	rows, err := s.o.Comments.Newest(ctx, f)
	if err != nil {
		return nil, err
	}
	shown, err := s.o.Comments.API(ctx, rows)
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].VideoID
	}
	videos, err := s.o.Catalog.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		v := videos[rows[i].VideoID]
		if v == nil {
			continue
		}
		e := item{
			Title: v.Name, Link: fmt.Sprintf("%s;threadId=%d", s.urls.Watch(v.UUID), rows[i].ThreadID),
			HTML: markup.Render(rows[i].Text), Date: rows[i].CreatedAt.UTC(),
		}
		if a := shown[i].Account; a != nil {
			e.Author = person{cmp.Or(a.DisplayName, a.Name), a.URL}
			e.Title += " - " + e.Author.Name
		}
		out.Items = append(out.Items, e)
	}
	out.dated()
	return out, nil
}
