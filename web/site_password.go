package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxPasswordForm bounds the form of a password.
const maxPasswordForm = 8 << 10

// asked tells whether err is a refusal for want of the password of a video, or of
// the right one, and what to say to who has tried one.
func asked(c echo.Context, err error) (ref catalog.Ref, p *rest.Problem, sentence string, ok bool) {
	p, ok = errors.AsType[*rest.Problem](err)
	ref, named := catalog.ParseRef(c.Param("id"))
	if !ok || !named || ref.UUID == "" {
		return ref, p, "", false
	}
	switch {
	case p.Code == "video_requires_password":
	case p.Code == "incorrect_video_password":
		sentence = "This is not the password of the video."
	case p.Status == http.StatusTooManyRequests && c.Request().Method == http.MethodPost:
		sentence = p.Detail
	default:
		return ref, p, "", false
	}
	for name, value := range p.Header {
		c.Response().Header().Set(name, value)
	}
	return ref, p, sentence, true
}

// askPassword shows the form for the password of a video in place of a refusal
// for want of it; any other error is returned as it is.
func (s *Site) askPassword(c echo.Context, err error) error {
	ref, p, sentence, ok := asked(c, err)
	if !ok {
		return err
	}
	return s.pages.Password(c.Response(), p.Status, &PasswordPage{
		Shell: s.shell(c), Action: "/w/" + catalog.ShortUUID(ref.UUID) + "/password", Error: sentence,
	})
}

// askInFrame is askPassword for a frame of another site, whose form comes back to
// the same address.
func (s *Site) askInFrame(c echo.Context, err error) error {
	ref, p, sentence, ok := asked(c, err)
	if !ok {
		return err
	}
	short := catalog.ShortUUID(ref.UUID)
	action := "/videos/embed/" + short
	if q := c.Request().URL.RawQuery; q != "" {
		action += "?" + q
	}
	return s.pages.AskInFrame(c.Response(), p.Status, &EmbedPage{Shell: s.shell(c), Title: "Protected video", URL: "/w/" + short, Ask: action, Error: sentence})
}

// postPassword tries a password and keeps the right one in the browser.
func (s *Site) postPassword(c echo.Context) error {
	v, err := s.try(c)
	if err != nil {
		return s.askPassword(c, err)
	}
	return c.Redirect(http.StatusSeeOther, "/w/"+v.ShortUUID())
}

// postInFrame tries a password and plays. Browsers keep no cookie of a frame of
// another site, so the addresses of the files carry a token instead.
func (s *Site) postInFrame(c echo.Context) error {
	v, err := s.try(c)
	if err != nil {
		return s.askInFrame(c, err)
	}
	token := ""
	if s.o.FileToken != nil {
		ctx := c.Request().Context()
		if token, err = s.o.FileToken(ctx, rest.Current(ctx), v.Video); err != nil {
			return err
		}
	}
	return s.playInFrame(c, v, nil, token)
}

// try opens a video by the password of a form.
func (s *Site) try(c echo.Context) (*loaded, error) {
	r := c.Request()
	if !s.ourOrigin(r) { // SEC-48
		return nil, rest.Forbidden("The form of this server must be used")
	}
	ref, ok := catalog.ParseRef(c.Param("id"))
	if !ok || ref.UUID == "" {
		return nil, rest.NotFound("Video not found")
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxPasswordForm)
	given := r.PostFormValue("password")
	c.SetRequest(r.WithContext(rest.WithGuess(r.Context(), rest.Guess{Password: given, From: c.RealIP()})))
	v, err := s.load(c)
	if err == nil {
		c.SetCookie(rest.PasswordCookie(v.UUID, given, s.o.Config.Webserver.HTTPS))
	}
	return v, err
}

// withToken has the addresses of a player's files open the video by themselves.
func (p *Player) withToken(token string) {
	add := func(address string) string {
		if address == "" {
			return ""
		}
		query := "videoFileToken=" + url.QueryEscape(token)
		if strings.HasSuffix(address, ".m3u8") { // the server adds it to what a playlist names
			query += "&reinjectVideoFileToken=true"
		}
		address, at, _ := strings.Cut(address, "#")
		if at != "" {
			query += "#" + at
		}
		return address + "?" + query
	}
	p.HLS, p.Poster = add(p.HLS), add(p.Poster)
	for i := range p.Sources {
		p.Sources[i].URL = add(p.Sources[i].URL)
	}
	for i := range p.Tracks {
		p.Tracks[i].URL = add(p.Tracks[i].URL)
	}
}
