package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/playlist"
	"github.com/kinemesh/kinemesh/web/rest"
)

// remotePath is where other servers send our users who want to follow or to
// answer something that they saw there (webfinger.RelSubscribe).
const remotePath = "/remote-interaction"

// maxURI bounds what may be named.
const maxURI = 2000

// remoteInteraction leads a user to our page of what uri names: there it can be
// subscribed to, or commented on.
func (s *Site) remoteInteraction(c echo.Context) error {
	uri := strings.TrimSpace(c.QueryParam("uri"))
	if uri == "" || len(uri) > maxURI {
		return rest.Invalid("query", "uri", "Should be a handle or an address", uri)
	}
	if rest.Current(c.Request().Context()) == nil {
		return s.toLogin(c)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	to, err := s.pageOf(c, uri)
	if err != nil {
		return err
	}
	if to == "" {
		return s.pages.Error(c.Response(), &ErrorPage{
			Shell: s.shell(c), Status: http.StatusNotFound, Title: "Nothing found",
			Text: "There is no channel, account, video or playlist at “" + uri + "” that can be shown here.",
			Link: "/search?search=" + url.QueryEscape(uri), Action: "Search for it",
		})
	}
	return c.Redirect(http.StatusSeeOther, to)
}

// pageOf is our page of what a handle or an address names, empty when there is
// none. Other servers are asked where the settings let the user do so. It leads
// nowhere else, whatever is named (SEC-42).
func (s *Site) pageOf(c echo.Context, uri string) (string, error) {
	if u, err := url.Parse(uri); err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return s.pageAt(c, u)
	}
	handle := uri
	if scheme := "acct:"; len(uri) > len(scheme) && strings.EqualFold(uri[:len(scheme)], scheme) {
		handle = uri[len(scheme):]
	}
	if handle = strings.TrimPrefix(handle, "@"); handle == "" || strings.ContainsAny(handle, " /?#") {
		return "", nil
	}
	return s.pageOfActor(c, handle)
}

// pageAt is our page of what is at an address.
func (s *Site) pageAt(c echo.Context, u *url.URL) (string, error) {
	ctx := c.Request().Context()
	who := rest.Current(ctx)
	u.Fragment = ""
	v, err := s.o.Catalog.Lookup(ctx, who, u.String())
	if err == nil {
		return "/w/" + v.ShortUUID(), nil
	}
	if ctx.Err() != nil {
		return "", err
	}
	if s.o.Playlists != nil {
		p, err := s.o.Playlists.Lookup(ctx, who, u.String())
		if err == nil {
			return "/w/p/" + catalog.ShortUUID(p.UUID), nil
		}
		if !errors.Is(err, playlist.ErrNotFound) {
			return "", err
		}
	}
	return s.pageOfActor(c, u.String())
}

// pageOfActor is the page of a channel or an account, by handle or address.
func (s *Site) pageOfActor(c echo.Context, name string) (string, error) {
	ctx := c.Request().Context()
	who := rest.Current(ctx)
	ch, err := s.o.Channels.Open(ctx, who, name)
	if err == nil {
		return "/c/" + ch.Actor.Handle(), nil
	}
	if !errors.Is(err, db.ErrNotFound) {
		return "", err
	}
	a, err := s.o.Channels.OpenAccount(ctx, who, name)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	}
	return "/a/" + a.Actor.Handle(), nil
}
