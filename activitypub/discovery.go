package activitypub

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
	"github.com/kinemesh/kinemesh/web/rest"
)

// routes registers inboxes, discovery and the REST endpoints of follows.
func (e *Engine) routes(r *rest.Router) {
	r.Root.POST("/inbox", rest.Anyone, e.Inbox.Post)
	r.Root.POST("/accounts/:name/inbox", rest.Anyone, e.postOwnInbox)
	r.Root.POST("/video-channels/:name/inbox", rest.Anyone, e.postOwnInbox)
	r.Root.GET("/.well-known/webfinger", rest.Anyone, e.getWebFinger)
	r.Root.GET("/.well-known/host-meta", rest.Anyone, e.getHostMeta)
	r.Root.GET("/.well-known/host-meta.json", rest.Anyone, e.getHostMetaJSON)
	r.Root.GET("/.well-known/nodeinfo", rest.Anyone, e.getNodeInfoLinks)
	r.Root.GET("/nodeinfo/2.0.json", rest.Anyone, e.getNodeInfo("2.0"))
	r.Root.GET("/nodeinfo/2.1.json", rest.Anyone, e.getNodeInfo("2.1"))
	r.Root.GET("/accounts/:name"+syncPart, rest.Anyone, e.getFollowersPart)
	r.Root.GET("/video-channels/:name"+syncPart, rest.Anyone, e.getFollowersPart)
	e.followRoutes(r)
	e.Outbox.Routes(r)
	e.Inbox.Routes(r)
	if e.o.Rules != nil {
		hostrule.API{
			Rules: e.o.Rules, Name: actor.InstanceName, Host: e.Actors.Host(), URL: e.Actors.LocalIRI(actor.Application, actor.InstanceName),
			Since: func(ctx context.Context) (time.Time, error) {
				a, err := e.Actors.Instance(ctx)
				if err != nil {
					return time.Time{}, err
				}
				return a.CreatedAt.UTC(), nil
			},
		}.Routes(r)
	}
}

// postOwnInbox is POST to the inbox of one of our actors.
func (e *Engine) postOwnInbox(c echo.Context) error {
	a, err := e.Actors.ByUsername(c.Request().Context(), c.Param("name"))
	if err != nil {
		return notFound(err, "Actor not found")
	}
	if a.GoneAt != nil {
		return &rest.Problem{Status: http.StatusGone, Detail: "Actor is gone"}
	}
	return e.Inbox.Post(c)
}

// notFound makes a 404 of ErrNotFound and leaves other errors.
func notFound(err error, detail string) error {
	if errors.Is(err, ErrNotFound) {
		return rest.NotFound(detail)
	}
	return err
}

// getWebFinger answers for our actors (RFC 7033): by acct: or by their URL.
func (e *Engine) getWebFinger(c echo.Context) error {
	resource := c.QueryParam("resource")
	ctx := c.Request().Context()
	var a *actor.Actor
	h, err := webfinger.ParseHandle(e.Actors.Scheme(), resource)
	switch {
	case err == nil && strings.HasPrefix(resource, "acct:"):
		if !e.Actors.ServesHost(h.Host) {
			return rest.NotFound("Actor not found")
		}
		a, err = e.Actors.ByUsername(ctx, h.Name)
	case strings.HasPrefix(resource, e.Actors.Origin()+"/"):
		a, err = e.Actors.ByIRI(ctx, resource)
	default:
		return rest.Invalid("query", "resource", "Should be acct:name@host or the URL of an actor", resource)
	}
	if err != nil {
		return notFound(err, "Actor not found")
	}
	if !a.Local() || a.GoneAt != nil {
		return rest.NotFound("Actor not found")
	}
	allowAll(c)
	c.Response().Header().Set(echo.HeaderContentType, "application/jrd+json; charset=utf-8")
	return c.JSON(http.StatusOK, webfinger.Answer(e.Actors.Origin(), webfinger.Handle{Name: a.Username, Host: e.Actors.Host()}, a.IRI))
}

// allowAll lets scripts of any page read discovery documents (RFC 7033 5).
func allowAll(c echo.Context) { c.Response().Header().Set("Access-Control-Allow-Origin", "*") }

func (e *Engine) getHostMeta(c echo.Context) error {
	allowAll(c)
	return c.Blob(http.StatusOK, "application/xml; charset=utf-8", webfinger.HostMetaXML(e.Actors.Origin()))
}

func (e *Engine) getHostMetaJSON(c echo.Context) error {
	allowAll(c)
	return c.JSON(http.StatusOK, webfinger.HostMetaJSON(e.Actors.Origin()))
}

func (e *Engine) getNodeInfoLinks(c echo.Context) error {
	allowAll(c)
	instance := e.Actors.LocalIRI(actor.Application, actor.InstanceName)
	return c.JSON(http.StatusOK, webfinger.NodeInfoLinks(e.Actors.Origin(), instance))
}

// getNodeInfo answers with what the modules count.
func (e *Engine) getNodeInfo(version string) echo.HandlerFunc {
	return func(c echo.Context) error {
		ctx := c.Request().Context()
		doc := webfinger.NewNodeInfo(version, e.o.Software)
		n := map[string]int64{}
		for _, m := range e.modules {
			if m.Counts == nil {
				continue
			}
			counts, err := m.Counts(ctx)
			if err != nil {
				return errors.Join(errors.New("count for nodeinfo"), err)
			}
			maps.Copy(n, counts)
		}
		doc.Usage.Users.Total, doc.Usage.Users.ActiveMonth, doc.Usage.Users.ActiveHalfyear = n["users"], n["activeMonth"], n["activeHalfyear"]
		doc.Usage.LocalPosts, doc.Usage.LocalComments = n["localPosts"], n["localComments"]
		if e.o.OpenRegistrations != nil {
			doc.OpenRegistrations = e.o.OpenRegistrations(ctx)
		}
		if e.o.Metadata != nil {
			maps.Copy(doc.Metadata, e.o.Metadata(ctx))
		}
		allowAll(c)
		c.Response().Header().Set("Cache-Control", "max-age=600")
		c.Response().Header().Set(echo.HeaderContentType, webfinger.NodeInfoType(version))
		return c.JSON(http.StatusOK, doc)
	}
}
