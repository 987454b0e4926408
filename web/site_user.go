package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/web/rest"
)

// ourOrigin tells whether a browser sent a form from one of our pages (SEC-48).
func (s *Site) ourOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin"
	}
	return r.Header.Get("Origin") == s.origin
}

// safeReturn is where to go after signing in: a path of this site, the home
// page instead of anything else (SEC-42).
func safeReturn(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") ||
		strings.HasPrefix(to, "/login") || strings.HasPrefix(to, "/logout") {
		return "/"
	}
	return to
}

func (s *Site) login(c echo.Context) error {
	to := safeReturn(c.QueryParam("return"))
	if rest.Current(c.Request().Context()) != nil {
		return c.Redirect(http.StatusSeeOther, to)
	}
	return s.pages.Login(c.Response(), http.StatusOK, &LoginPage{Shell: s.shell(c), Return: to})
}

// postLogin begins a browser session.
func (s *Site) postLogin(c echo.Context) error {
	if !s.ourOrigin(c.Request()) {
		return rest.Forbidden("The login form of this server must be used")
	}
	ctx := c.Request().Context()
	name, to := c.FormValue("username"), safeReturn(c.FormValue("return"))
	u, err := s.o.OAuth.Login(ctx, user.Attempt{
		Login: name, Password: c.FormValue("password"), OTP: c.FormValue("code"), IP: c.RealIP(),
	})
	if err != nil {
		problem, ok := errors.AsType[*rest.Problem](oauth.LoginProblem(err))
		if !ok {
			return err
		}
		for key, value := range problem.Header {
			c.Response().Header().Set(key, value)
		}
		return s.pages.Login(c.Response(), problem.Status, &LoginPage{
			Shell: s.shell(c), Username: name, Error: loginSentence(problem), Return: to,
			Code: problem.Code == "missing_two_factor" || problem.Code == "invalid_two_factor",
		})
	}
	token, expires, err := s.o.OAuth.NewSession(ctx, u.ID, oauth.PlaceOf(c))
	if err != nil {
		return err
	}
	for _, cookie := range s.o.OAuth.Cookies(token, expires) {
		c.SetCookie(cookie)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, to)
}

// loginSentence says to people why they are not let in.
func loginSentence(p *rest.Problem) string {
	switch p.Code {
	case "invalid_grant":
		return "The user name or the password is wrong."
	case "account_blocked":
		return "This account is blocked."
	case "email_not_verified":
		return "The e-mail address of this account is not verified yet."
	case "missing_two_factor":
		return "Now enter your password again, and the code that your authenticator shows."
	case "invalid_two_factor":
		return "This code is wrong, or was used before. Wait for the next one."
	case "account_waiting_for_approval":
		return "A moderator has not decided about your registration yet."
	case "account_approval_rejected":
		return "Your registration was rejected."
	case "too_long_password":
		return "This password is too long."
	}
	return p.Detail
}

// logout ends the session of the cookie; without one it does nothing.
func (s *Site) logout(c echo.Context) error {
	if !s.ourOrigin(c.Request()) {
		return rest.Forbidden("The button of this server must be used")
	}
	for _, cookie := range c.Request().CookiesNamed(oauth.CookieName) {
		if cookie.Value == "" {
			continue
		}
		if err := s.o.OAuth.EndSession(c.Request().Context(), cookie.Value); err != nil {
			return err
		}
	}
	for _, cookie := range s.o.OAuth.Cookies("", time.Time{}) {
		c.SetCookie(cookie)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, "/")
}

// languages are offered on the publish page, in this order; videos may have
// any language that the catalog knows by the API.
var languages = [...]string{
	"en", "ar", "bg", "bn", "ca", "cs", "da", "de", "el", "eo", "es", "et", "eu", "fa", "fi", "fr", "ga", "gl", "he", "hi",
	"hr", "hu", "id", "is", "it", "ja", "kab", "ko", "lt", "lv", "ms", "nb", "nl", "nn", "oc", "pl", "pt", "ro", "ru", "sk",
	"sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "vi", "zh",
}

const unknownLabel = "Unknown"

func (s *Site) publish(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	if p == nil {
		return s.toLogin(c)
	}
	owned, err := s.o.Channels.OfUsers(ctx, p.UserID)
	if err != nil {
		return err
	}
	u, err := s.o.Users.ByID(ctx, p.UserID)
	if err != nil {
		return err
	}
	defaults := s.o.Config.Current().Defaults.Publish
	v := &PublishPage{
		Shell: s.shell(c), InitialPrivacy: int(catalog.Private), QuotaLeft: -1,
		MaxSize: max(0, int64(s.o.Config.Upload.MaxFileSize)), MaxChunk: int64(s.o.Config.Client.Videos.ResumableUpload.MaxChunkSize),
	}
	for _, ch := range owned[p.UserID].Channels {
		v.Channels = append(v.Channels, Option{Value: strconv.FormatInt(ch.ID, 10), Label: nameOf(ch.Actor.Name, ch.Actor.Username)})
	}
	for _, privacy := range []catalog.Privacy{catalog.Public, catalog.Unlisted, catalog.Private} {
		v.Privacies = append(v.Privacies, Option{strconv.Itoa(int(privacy)), privacy.Label(), int(privacy) == defaults.Privacy})
	}
	v.Categories = numbered(label.Category, 0)
	v.Licences = numbered(label.Licence, defaults.Licence)
	for _, code := range languages {
		if label := label.Language(code); label != unknownLabel {
			v.Languages = append(v.Languages, Option{Value: code, Label: label})
		}
	}
	if u.VideoQuota >= 0 {
		used, _, err := s.o.Catalog.Used(ctx, u.ID)
		if err != nil {
			return err
		}
		v.QuotaLeft = max(0, u.VideoQuota-used)
	}
	return s.pages.Publish(c.Response(), v)
}

// numbered lists the labels of a table that begins with 1.
func numbered(label func(int) string, selected int) (out []Option) {
	for id := 1; label(id) != unknownLabel; id++ {
		out = append(out, Option{strconv.Itoa(id), label(id), id == selected})
	}
	return out
}

// progressJSON is how far a video of the signed-in user is.
type progressJSON struct {
	State   int    `json:"state"`
	Label   string `json:"label"`
	Percent int    `json:"percent"`
	Done    int    `json:"done"`
	Total   int    `json:"total"`
	Error   string `json:"error"`
}

// progress answers the publish page while the server prepares a video.
func (s *Site) progress(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	v, err := s.o.Catalog.Find(ctx, p, c.Param("id"))
	if err != nil {
		return err
	}
	if !catalog.IsOwner(p, v) && !p.IsModerator() {
		return rest.NotFound("Video not found")
	}
	var rows []catalog.Rendition
	err = s.o.DB.Read(ctx).Select("state", "progress").Where("video_id = ?", v.ID).Order("id").Limit(100).Find(&rows).Error
	if err != nil {
		return err
	}
	out := progressJSON{State: int(v.State), Label: v.State.Label(), Total: len(rows), Error: v.LastError}
	for _, r := range rows {
		if r.State == catalog.RenditionDone {
			out.Done++
			out.Percent += 100
		} else {
			out.Percent += r.Progress
		}
	}
	if len(rows) > 0 {
		out.Percent /= len(rows)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, out)
}
