package history

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

func (s *Service) routes(r *rest.Router) {
	r.API.GET("/users/me/history/videos", rest.SignedIn, s.list)
	r.API.DELETE("/users/me/history/videos/:id", rest.SignedIn, s.forget)
	r.API.POST("/users/me/history/videos/remove", rest.SignedIn, s.forgetAll)
}

func (s *Service) list(c echo.Context) error {
	ctx := c.Request().Context()
	page, err := rest.ParsePage(c, "-updatedAt", "updatedAt")
	if err != nil {
		return err
	}
	search := strings.TrimSpace(c.QueryParam("search"))
	if !input.Plain(search) {
		return rest.Invalid("query", "search", "Should be text", nil)
	}
	rows, total, err := s.List(ctx, rest.Current(ctx), search, page)
	if err != nil {
		return err
	}
	data := make([]catalog.VideoJSON, len(rows))
	for i := range rows {
		data[i] = s.o.Catalog.APIVideo(&rows[i].Listed, false)
		data[i].UserHistory = &catalog.UserHistory{CurrentTime: rows[i].At}
	}
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}

func (s *Service) forget(c echo.Context) error {
	ref, ok := catalog.ParseRef(c.Param("id"))
	if !ok {
		return rest.Invalid("params", "videoId", "Should be the id of a video", c.Param("id"))
	}
	ctx := c.Request().Context()
	if err := s.Forget(ctx, rest.Current(ctx).UserID, ref); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) forgetAll(c echo.Context) error {
	var body struct {
		BeforeDate input.Optional[string] `json:"beforeDate"`
	}
	if c.Request().ContentLength != 0 {
		if err := input.JSON(c, &body); err != nil {
			return err
		}
	}
	before := db.Now().AddDate(1, 0, 0) // all
	if text := body.BeforeDate.Value; text != "" {
		t, err := catalog.ParseTime(text)
		if err != nil {
			return rest.Invalid("body", "beforeDate", "Should be a date and time, as 2026-01-31T12:00:00.000Z", text)
		}
		before = t
	}
	ctx := c.Request().Context()
	if err := s.ForgetBefore(ctx, rest.Current(ctx).UserID, before); err != nil {
		return err
	}
	return rest.NoContent(c)
}
