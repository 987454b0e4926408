package activitypub

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/actor"
)

// authorizeFetch demands a good signature of a server that is not blocked, when
// federation.authorized_fetch is set. The instance actor is readable by
// everybody: two servers that demand signatures would else ask each other for
// keys without end (federation-behaviours 9 and 10). Such an answer depends on
// who asks, so no shared cache may keep it (SEC-31).
func (e *Engine) authorizeFetch(c echo.Context) error {
	if !e.o.Federation.AuthorizedFetch {
		c.Response().Header().Add("Vary", "Accept")
		return nil
	}
	h := c.Response().Header()
	h.Set("Vary", "Accept, Signature")
	if kinds, name, part, ok := actorPath(c.Request().URL.Path); ok && kinds != actor.Group && name == actor.InstanceName && part == "" {
		return nil
	}
	h.Set("Cache-Control", "private, no-store")
	_, err := e.Inbox.Reader(c)
	return err
}

// sendDocument answers with an ActivityPub document to those who may read it.
func (e *Engine) sendDocument(c echo.Context, doc []byte) error {
	if err := e.authorizeFetch(c); err != nil {
		return err
	}
	return c.Blob(http.StatusOK, contentType, doc)
}
