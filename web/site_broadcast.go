package web

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web/rest"
)

// broadcastCookie names the message that a visitor has closed.
const (
	broadcastCookie = "broadcast"
	dismissedFor    = 365 * 24 * time.Hour
)

// broadcast puts the message of the administrators on a page, unless the visitor
// has closed it.
func (s *Site) broadcast(r *http.Request, v *Shell) {
	m := s.o.Config.Current().BroadcastMessage
	if !m.Enabled {
		return
	}
	if m.Dismissable {
		v.Dismiss = nameOfMessage(m)
		if c, err := r.Cookie(broadcastCookie); err == nil && c.Value == v.Dismiss {
			return
		}
	}
	v.Broadcast, v.Loud = s.texts.HTML(m.Message), m.Level != "info"
}

// nameOfMessage is another one for each message, so that a new one is shown again.
func nameOfMessage(m config.BroadcastMessage) string {
	sum := sha256.Sum256([]byte(m.Level + " " + m.Message))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// dismiss closes the message for a visitor.
func (s *Site) dismiss(c echo.Context) error {
	r := c.Request()
	if !s.ourOrigin(r) { // SEC-48
		return rest.Forbidden("The button of this server must be used")
	}
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxPasswordForm)
	if m := s.o.Config.Current().BroadcastMessage; m.Enabled && m.Dismissable && r.PostFormValue("message") == nameOfMessage(m) {
		c.SetCookie(&http.Cookie{ //nolint:gosec // without https there is no other
			Name: broadcastCookie, Value: nameOfMessage(m), Path: "/", MaxAge: int(dismissedFor.Seconds()), HttpOnly: true,
			Secure: s.o.Config.Webserver.HTTPS, SameSite: http.SameSiteLaxMode,
		})
	}
	to := "/"
	if from, err := url.Parse(r.Referer()); err == nil {
		to = safeReturn(from.RequestURI())
	}
	return c.Redirect(http.StatusSeeOther, to)
}
