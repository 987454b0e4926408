package web

import (
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
	"github.com/kinemesh/kinemesh/web/wording"
)

// Widths in which pages show pictures, twice of what the layout says for screens
// with fine pixels.
const (
	avatarWidth      = 104
	avatarWidthLarge = 168
	bannerWidth      = 1920
)

// avatarOf is the path of an avatar in the width that lists show.
func avatarOf(images []channel.Image) string {
	for _, i := range images { // smallest first
		if i.Width >= avatarWidth {
			return i.Path
		}
	}
	return ""
}

// channel shows a channel and its videos; to its owner all of them.
func (s *Site) channel(c echo.Context) error {
	p := rest.Current(c.Request().Context())
	ch, err := s.o.Channels.ShownChannel(c.Request().Context(), p, c.Param("name"))
	if err != nil {
		return notFound(err, "No such channel")
	}
	v := s.actorPage(c, ch.Actor, ch.Pictures, "/c/")
	v.OwnerName, v.OwnerURL = nameOf(ch.Account.Actor.Name, ch.Account.Actor.Username), "/a/"+ch.Account.Actor.Handle()
	v.Support = s.texts.HTML(ch.Support)
	if v.Subscribe, err = s.subscribeButton(c, ch); err != nil {
		return err
	}
	return s.actorVideos(c, v, listing.Filter{ChannelID: ch.ID, All: p != nil && ch.OwnedBy(p.UserID)})
}

// account shows a person, the channels and the latest videos in them.
func (s *Site) account(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	a, err := s.o.Channels.ShownAccount(ctx, p, c.Param("name"))
	if err != nil {
		return notFound(err, "No such account")
	}
	v := s.actorPage(c, a.Actor, a.Pictures, "/a/")
	v.Account = true
	channels, _, err := s.o.Channels.ChannelsOfAccount(ctx, a.ID, "", rest.Page{Count: pageSize, Sort: "createdAt"})
	if err != nil {
		return err
	}
	for _, ch := range channels {
		v.Channels = append(v.Channels, person(ch))
	}
	return s.actorVideos(c, v, listing.Filter{AccountID: a.ID, All: p != nil && a.UserID != nil && *a.UserID == p.UserID})
}

func person(ch *channel.Channel) Person {
	return Person{
		Name: nameOf(ch.Actor.Name, ch.Actor.Username), Handle: "@" + ch.Actor.Handle(), URL: "/c/" + ch.Actor.Handle(),
		Avatar: ch.Pictures.Avatar.At(avatarWidth), Note: wording.Plural(ch.Actor.FollowersCount, "follower", "followers"),
	}
}

func (s *Site) actorPage(c echo.Context, a *actor.Actor, pictures picture.Set, prefix string) *ActorPage {
	name := nameOf(a.Name, a.Username)
	host := a.Host
	if a.Local() {
		host = s.urls.Host
	}
	v := &ActorPage{
		ListPage: ListPage{Shell: s.shell(c), Title: name, Canonical: prefix + a.Handle()},
		Avatar:   pictures.Avatar.At(avatarWidthLarge), Banner: pictures.Banner.At(bannerWidth),
		Name: name, Handle: a.Username + "@" + host, Followers: a.FollowersCount, Description: s.texts.HTML(a.Summary),
		Summary: s.texts.Summary(a.Summary), ActivityPub: a.IRI, Remote: !a.Local(),
	}
	if v.Remote {
		v.RemoteURL = webAddress(a.URL, a.IRI)
		v.Robots = "noindex"
	}
	return v
}

// webAddress is the first of the addresses that a link may lead to.
func webAddress(addresses ...string) string {
	for _, a := range addresses {
		if strings.HasPrefix(a, "https://") || strings.HasPrefix(a, "http://") {
			return a
		}
	}
	return ""
}

func (s *Site) actorVideos(c echo.Context, v *ActorPage, f listing.Filter) (err error) {
	if f.Page, err = page(c, "-publishedAt"); err != nil {
		return err
	}
	if v.Cards, v.Pager, err = s.list(c, f); err != nil {
		return err
	}
	v.Empty = Empty{Title: "No videos yet"}
	if f.All {
		v.Empty = Empty{Title: "You have no videos here yet", Link: "/videos/upload", Action: "Publish one"}
	}
	return s.pages.Actor(c.Response(), v)
}
