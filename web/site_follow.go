package web

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

// followRoutes registers what subscribers use; all of it works without a script.
func (s *Site) followRoutes(r *rest.Router) {
	r.Root.GET("/videos/subscriptions", rest.Anyone, s.subscriptions)
	r.Root.POST("/c/:name/subscribe", rest.Anyone, s.subscribe(true))
	r.Root.POST("/c/:name/unsubscribe", rest.Anyone, s.subscribe(false))
}

// subscriptions shows the videos of the channels that the viewer follows.
func (s *Site) subscriptions(c echo.Context) error {
	p := rest.Current(c.Request().Context())
	if p == nil {
		return s.toLogin(c)
	}
	part, err := page(c, "-publishedAt")
	if err != nil {
		return err
	}
	cards, pager, err := s.list(c, listing.Filter{Page: part, SkipCount: true, Viewer: p, FollowedBy: p.AccountID})
	if err != nil {
		return err
	}
	v := &ListPage{
		Shell: s.shell(c), Title: "Following", Cards: cards, Pager: pager, Canonical: "/videos/subscriptions",
		Empty: Empty{
			Title: "Nothing here yet", Text: "Videos of channels that you subscribe to appear here, from this server and from others.",
			Link: "/", Action: "Look for channels",
		},
	}
	v.Robots = "noindex"
	return s.pages.List(c.Response(), v)
}

// subscribeButton is what the viewer may do with a channel; nil: nothing, it is
// one of the viewer's own.
func (s *Site) subscribeButton(c echo.Context, ch *channel.Channel) (*SubscribeButton, error) {
	if s.o.Subscriptions == nil {
		return nil, nil
	}
	path := "/c/" + ch.Actor.Handle()
	p := rest.Current(c.Request().Context())
	switch {
	case p == nil:
		return &SubscribeButton{Login: "/login?return=" + url.QueryEscape(c.Request().URL.RequestURI())}, nil
	case ch.OwnedBy(p.UserID):
		return nil, nil
	}
	done, err := s.o.Subscriptions.Follows(c.Request().Context(), p.ActorID, ch.ActorID)
	if err != nil {
		return nil, err
	}
	b := &SubscribeButton{Post: path + "/subscribe", Done: done, Return: c.Request().URL.RequestURI()}
	if done {
		b.Post = path + "/unsubscribe"
	}
	return b, nil
}

// subscribe takes the button of a channel.
func (s *Site) subscribe(begin bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !s.ourOrigin(c.Request()) { // SEC-48
			return rest.Forbidden("The button of this server must be used")
		}
		ctx := c.Request().Context()
		ch, err := s.o.Channels.ShownChannel(ctx, rest.Current(ctx), c.Param("name"))
		if err != nil {
			return notFound(err, "No such channel")
		}
		p := rest.Current(ctx)
		if p == nil {
			return c.Redirect(http.StatusSeeOther, "/login?return="+url.QueryEscape("/c/"+ch.Actor.Handle()))
		}
		if begin {
			err = s.o.Subscriptions.Follow(ctx, p.ActorID, ch)
		} else {
			err = s.o.Subscriptions.Unfollow(ctx, p.ActorID, ch)
		}
		if errors.Is(err, activitypub.ErrBlocked) {
			return rest.Forbidden("This channel cannot be followed")
		}
		if err != nil {
			return err
		}
		return c.Redirect(http.StatusSeeOther, safeReturn(c.FormValue("return")))
	}
}
