package web

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxPasswordForm bounds the form of a password.
const maxPasswordForm = 8 << 10

// askPassword shows the form for the password of a video in place of a refusal
// for want of it; any other error is returned as it is.
func (s *Site) askPassword(c echo.Context, err error) error {
	p, ok := errors.AsType[*rest.Problem](err)
	ref, named := catalog.ParseRef(c.Param("id"))
	if !ok || !named || ref.UUID == "" {
		return err
	}
	v := &PasswordPage{Shell: s.shell(c), Action: "/w/" + catalog.ShortUUID(ref.UUID) + "/password"}
	switch {
	case p.Code == "video_requires_password":
	case p.Code == "incorrect_video_password":
		v.Error = "This is not the password of the video."
	case p.Status == http.StatusTooManyRequests && c.Request().Method == http.MethodPost:
		v.Error = p.Detail
	default:
		return err
	}
	for name, value := range p.Header {
		c.Response().Header().Set(name, value)
	}
	return s.pages.Password(c.Response(), p.Status, v)
}

// postPassword tries a password and keeps the right one in the browser.
func (s *Site) postPassword(c echo.Context) error {
	r := c.Request()
	if !s.ourOrigin(r) { // SEC-48
		return rest.Forbidden("The form of this server must be used")
	}
	ref, ok := catalog.ParseRef(c.Param("id"))
	if !ok || ref.UUID == "" {
		return rest.NotFound("Video not found")
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxPasswordForm)
	given := c.FormValue("password")
	c.SetRequest(r.WithContext(rest.WithGuess(r.Context(), rest.Guess{Password: given, From: c.RealIP()})))
	v, err := s.load(c)
	if err != nil {
		return s.askPassword(c, err)
	}
	c.SetCookie(rest.PasswordCookie(v.UUID, given, s.o.Config.Webserver.HTTPS))
	return c.Redirect(http.StatusSeeOther, "/w/"+v.ShortUUID())
}
