package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// leadToAccount leads to the page of an account that other programs know by its
// handle, and leadToActor to that of an account or channel. Both pages are ours,
// whatever server the actor is on (SEC-42).
func (s *Site) leadToAccount(c echo.Context) error { return s.toPage(c, false) }

func (s *Site) leadToActor(c echo.Context) error { return s.toPage(c, true) }

func (s *Site) toPage(c echo.Context, channels bool) error {
	ctx, handle := c.Request().Context(), c.Param("handle")
	a, err := s.o.Channels.AccountByHandle(ctx, handle)
	if err == nil {
		return c.Redirect(http.StatusFound, "/a/"+a.Actor.Handle())
	}
	if channels && errors.Is(err, db.ErrNotFound) {
		ch, err := s.o.Channels.ChannelByHandle(ctx, handle)
		if err == nil {
			return c.Redirect(http.StatusFound, "/c/"+ch.Actor.Handle())
		}
		if !errors.Is(err, db.ErrNotFound) {
			return err
		}
	} else if !errors.Is(err, db.ErrNotFound) {
		return err
	}
	return rest.NotFound("Actor not found")
}
