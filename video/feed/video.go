package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/chapter"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

// video is a video with what feeds tell of it.
type video struct {
	catalog.Listed
	text     string         // its whole description
	files    []catalog.File // progressive, highest resolution first
	hls      []catalog.File
	playlist *catalog.StreamingPlaylist
	captions []catalog.Caption
	chapters bool
	urls     *catalog.URLs
}

// best is the file that a reader plays: the highest progressive one; nil when
// there is none.
func (v *video) best() *catalog.File {
	switch {
	case len(v.files) > 0:
		return &v.files[0]
	case len(v.hls) > 0:
		return &v.hls[0]
	}
	return nil
}

// plain is Markdown or HTML as text.
func plain(text string) string { return markup.Plain(markup.Render(text)) }

// videos is the feed of the instance, of an account or of a channel.
func (s *Service) videos(c echo.Context) (*feed, error) {
	who, err := s.owner(c)
	if err != nil {
		return nil, err
	}
	f, err := s.filter(c)
	if err != nil {
		return nil, err
	}
	out, err := s.newFeed(c.Request().Context())
	if err != nil {
		return nil, err
	}
	if who != nil {
		f.AccountID, f.ChannelID = who.accountID, who.channelID
		out.about(*who, s.urls.Origin)
	}
	return out, s.fill(c.Request().Context(), out, f)
}

// filter reads the query of a feed of videos. Who asks makes no difference.
func (s *Service) filter(c echo.Context) (listing.Filter, error) {
	f, err := s.o.Listing.ParseFilter(c, "-publishedAt")
	if err != nil {
		return f, err
	}
	f.Viewer, f.All, f.Include, f.Privacies, f.States = nil, false, 0, nil, nil
	f.SkipCount, f.Page.Start, f.Page.Count = true, 0, s.o.VideoCount()
	return f, nil
}

// fill adds the videos to a feed.
func (s *Service) fill(ctx context.Context, out *feed, f listing.Filter) error {
	list, err := s.load(ctx, f)
	if err != nil {
		return err
	}
	out.Media = true
	for i := range list {
		v := &list[i]
		out.Items = append(out.Items, item{
			Title: v.Name, Link: s.urls.Watch(v.UUID), Summary: plain(v.text), HTML: markup.Render(v.text), Date: v.PublishedAt.UTC(),
			Author: person{cmp.Or(v.Channel.DisplayName, v.Channel.Name), s.page("/c/", v.Channel.Name, v.Channel.Host)}, video: v,
		})
	}
	out.dated()
	return nil
}

// page is the page of an actor on this instance.
func (s *Service) page(prefix, name, host string) string {
	if host != s.urls.Host {
		name += "@" + host
	}
	return s.urls.Origin + prefix + name
}

// load lists videos with what feeds tell of them, in as many queries for a
// hundred as for one.
func (s *Service) load(ctx context.Context, f listing.Filter) ([]video, error) {
	rows, _, err := s.o.Listing.List(ctx, f)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	whole, err := s.o.Catalog.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	out, at := make([]video, 0, len(rows)), map[int64]*video{}
	for i := range rows {
		if v := whole[rows[i].ID]; v != nil {
			rows[i].Video = *v
			out = append(out, video{Listed: rows[i], text: v.Description, urls: &s.urls})
			at[v.ID] = &out[len(out)-1]
		}
	}
	g := s.o.DB.Read(ctx)
	var files []catalog.File
	var captions []catalog.Caption
	var chapters []int64
	err = cmp.Or(
		g.Omit("metadata").Where("video_id IN ?", ids).Order("resolution DESC, fps DESC, id").Find(&files).Error,
		g.Where("video_id IN ?", ids).Order("language").Find(&captions).Error,
		g.Table("video_chapters").Distinct("video_id").Where("video_id IN ?", ids).Pluck("video_id", &chapters).Error,
	)
	if err != nil {
		return nil, fmt.Errorf("load files of a feed: %w", err)
	}
	lists, err := catalog.LoadPlaylists(g, ids...)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		v := at[f.VideoID]
		if v == nil {
			continue
		}
		f.Expand(v.IRI)
		if f.PlaylistID == nil {
			v.files = append(v.files, f)
		} else {
			v.hls = append(v.hls, f)
		}
	}
	for i := range lists {
		if v := at[lists[i].ID]; v != nil && lists[i].Exists() {
			v.playlist = &lists[i]
		}
	}
	for _, c := range captions {
		if v := at[c.VideoID]; v != nil {
			v.captions = append(v.captions, c)
		}
	}
	for i := range out {
		v := &out[i]
		v.chapters = slices.Contains(chapters, v.ID) || (v.Local && len(chapter.Parse(v.text, v.Duration)) > 0)
	}
	return out, nil
}

// subscriptions is the feed of what an account follows. Its token is the only
// credential, as feed readers know no other.
func (s *Service) subscriptions(c echo.Context) (*feed, error) {
	var check rest.Checker
	accountID := queryID(c, &check, "accountId")
	token := c.QueryParam("token")
	if accountID == 0 {
		check.Refuse("query", "accountId", "Should be the id of an account", c.QueryParam("accountId"))
	}
	if token == "" {
		check.Refuse("query", "token", "Should be a feed token", nil)
	}
	if err := check.Err(); err != nil {
		return nil, err
	}
	ctx := c.Request().Context()
	account, err := s.o.Channels.AccountByID(ctx, accountID)
	if err != nil {
		return nil, missing(err, "Account not found")
	}
	refused := rest.Forbidden("User and token mismatch")
	switch err := s.o.Subscriber(ctx, account.ID, token); {
	case errors.Is(err, db.ErrNotFound): // SEC-44
		return nil, refused
	case err != nil:
		return nil, err
	}
	f, err := s.filter(c)
	if err != nil {
		return nil, err
	}
	f.FollowedBy = account.ID
	out, err := s.newFeed(ctx)
	if err != nil {
		return nil, err
	}
	out.private = true
	out.Title = account.Actor.Username + " - " + out.Title
	return out, s.fill(ctx, out, f)
}
