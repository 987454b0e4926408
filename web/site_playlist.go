package web

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// playlist shows a playlist and those of its videos that the viewer may see.
func (s *Site) playlist(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.o.Playlists.Shown(c)
	if err != nil {
		return err
	}
	part, err := rest.ParsePage(c, "position", "position")
	if err != nil {
		return err
	}
	part.Count = pageSize
	videos, total, err := s.o.Playlists.Videos(ctx, rest.Current(ctx), p, part)
	if err != nil {
		return err
	}
	owner, err := s.o.Channels.AccountByID(ctx, p.AccountID)
	if err != nil {
		return notFound(err, "No such playlist")
	}
	path := "/w/p/" + catalog.ShortUUID(p.UUID)
	v := &PlaylistPage{
		ListPage: ListPage{
			Shell: s.shell(c), Title: p.Name, Canonical: path, Pager: Pager{Total: total},
			Empty: Empty{Title: "No videos here", Text: "Videos that are added to this playlist appear here."},
		},
		Owner:       Person{Name: nameOf(owner.Actor.Name, owner.Actor.Username), URL: "/a/" + owner.Actor.Handle(), Avatar: owner.Pictures.Avatar.At(avatarWidth)},
		Description: s.texts.HTML(p.Description), Summary: s.texts.Summary(p.Description),
		EmbedURL: "/video-playlists/embed/" + p.UUID, OEmbedURL: "/services/oembed?format=json&url=" + url.QueryEscape(s.origin+path),
		Indexed: p.Privacy == catalog.Public,
	}
	for i := range videos {
		v.Cards = append(v.Cards, s.card(&videos[i]))
	}
	if v.Picture = p.PicturePath(); v.Picture == "" && len(v.Cards) > 0 {
		v.Picture = v.Cards[0].Thumbnail
	}
	if next := part.Start + pageSize; int64(next) < total {
		v.Pager.Next = path + "?start=" + strconv.Itoa(next)
	}
	if p.Privacy != catalog.Public {
		v.Badge = p.Privacy.Label()
	}
	if p.Privacy != catalog.Private {
		v.ActivityPub = p.IRI
	}
	if !p.Local {
		v.RemoteURL = p.IRI
	}
	return s.pages.Playlist(c.Response(), v)
}

// oldPlaylist leads from other addresses of a playlist to its page.
func (s *Site) oldPlaylist(c echo.Context) error {
	p, err := s.o.Playlists.Shown(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusMovedPermanently, "/w/p/"+catalog.ShortUUID(p.UUID))
}

// embedPlaylist plays the video of a playlist that playlistPosition names, the
// first one unless it does, in a frame of another site; below it are the others.
func (s *Site) embedPlaylist(c echo.Context) error {
	ctx := c.Request().Context()
	p, err := s.o.Playlists.Shown(c)
	if err != nil {
		return err
	}
	videos, _, err := s.o.Playlists.Videos(ctx, rest.Current(ctx), p, rest.Page{Count: rest.MaxCount})
	if err != nil {
		return err
	}
	if len(videos) == 0 {
		return rest.NotFound("This playlist has no video that can be played")
	}
	at, err := strconv.Atoi(c.QueryParam("playlistPosition"))
	if err != nil || at < 1 || at > len(videos) {
		at = 1
	}
	var list []Card
	for i := range videos {
		card := s.card(&videos[i])
		card.URL, card.Current = c.Request().URL.Path+"?playlistPosition="+strconv.Itoa(i+1), i+1 == at
		list = append(list, card)
	}
	c.SetParamValues(videos[at-1].UUID)
	return s.embedWith(c, list)
}
