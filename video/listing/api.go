package listing

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Routes registers the REST endpoints that list videos.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/videos", rest.Anyone, s.list)
	r.API.GET("/videos/", rest.Anyone, s.list)
	r.API.GET("/search/videos", rest.Anyone, s.search)
	r.API.GET("/users/me/videos", rest.SignedIn, s.listMine)
	r.API.GET("/users/me/subscriptions/videos", rest.SignedIn, s.listFollowed)
	r.API.GET("/accounts/:name/videos", rest.Anyone, s.listOfAccount)
	r.API.GET("/video-channels/:handle/videos", rest.Anyone, s.listOfChannel)
}

func (s *Service) list(c echo.Context) error {
	f, err := s.parseFilter(c, "-publishedAt")
	if err != nil {
		return err
	}
	return s.Answer(c, f, false)
}

// Answer writes a list of videos. own adds what only owners and moderators are
// told.
func (s *Service) Answer(c echo.Context, f Filter, own bool) error {
	ctx := c.Request().Context()
	rest.Share(c)
	rows, total, err := s.List(ctx, f)
	if err != nil {
		return err
	}
	own = own || f.Include != 0
	if own {
		if err := s.addSchedules(ctx, rows); err != nil {
			return err
		}
	}
	data := make([]catalog.VideoJSON, len(rows))
	for i := range rows {
		data[i] = s.catalog.APIVideo(&rows[i], own)
	}
	if err := s.catalog.Complete(ctx, f.Viewer, data); err != nil {
		return err
	}
	if err := s.include(ctx, f.Include, rows, data); err != nil {
		return err
	}
	if f.SkipCount {
		total = int64(f.Page.Start + len(rows))
	}
	if f.Include&besides != 0 {
		more, err := s.withBesides(ctx, &f, data)
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, rest.NewList(total, more))
	}
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}

func (s *Service) listMine(c echo.Context) error {
	f, err := s.parseFilter(c, "-createdAt")
	if err != nil && !errors.Is(err, errPrivileged) { // of one's own one may see all
		return err
	}
	f.All, f.Moderated, f.AccountID, f.NSFW = true, false, f.Viewer.AccountID, nil
	return s.Answer(c, f, true)
}

func (s *Service) listOfAccount(c echo.Context) error {
	f, err := s.parseFilter(c, "-publishedAt")
	if err != nil {
		return err
	}
	a, err := s.channels.ShownAccount(c.Request().Context(), rest.Current(c.Request().Context()), c.Param("name"))
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Account not found")
	}
	if err != nil {
		return err
	}
	f.AccountID = a.ID
	return s.Answer(c, f, false)
}

func (s *Service) listOfChannel(c echo.Context) error {
	f, err := s.parseFilter(c, "-publishedAt")
	if err != nil {
		return err
	}
	ch, err := s.channels.ShownChannel(c.Request().Context(), rest.Current(c.Request().Context()), c.Param("handle"))
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Video channel not found")
	}
	if err != nil {
		return err
	}
	f.ChannelID = ch.ID
	return s.Answer(c, f, false)
}

// search answers with videos of the database; a URL in place of words asks for
// that one video.
func (s *Service) search(c echo.Context) error {
	var check rest.Checker
	rest.QuerySearchTarget(c, &check)
	if err := check.Err(); err != nil {
		return err
	}
	f, err := s.parseFilter(c, "-match", SearchSorts()...)
	if err != nil {
		return err
	}
	if q := strings.TrimSpace(f.Search); strings.HasPrefix(q, "https://") || strings.HasPrefix(q, "http://") {
		return s.searchURL(c, f, q)
	}
	return s.Answer(c, f, false)
}

func (s *Service) searchURL(c echo.Context, f Filter, uri string) error {
	v, err := s.catalog.Lookup(c.Request().Context(), rest.Current(c.Request().Context()), uri)
	if errors.Is(err, catalog.ErrNotFound) {
		return c.JSON(http.StatusOK, rest.NewList[catalog.VideoJSON](0, nil))
	}
	if err != nil {
		return err
	}
	return s.Answer(c, Filter{Page: f.Page, Viewer: f.Viewer, All: true, UUIDs: []string{v.UUID}}, false)
}
