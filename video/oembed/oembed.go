// Package oembed tells other sites how to embed a player: the one of a video, or
// of a playlist.
//
// Who asks is never signed in: only what anyone may see is embedded (SEC-54).
//
// Specifications: oEmbed 1.0.
// Imported by: video. Imports video/catalog, video/picture and video/playlist.
package oembed

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/video/playlist"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Size of an embedded player.
const playerWidth, playerHeight = 560, 315

// Options are what a Service needs.
type Options struct {
	Catalog   *catalog.Service
	Channels  *channel.Service
	Playlists *playlist.Service // nil: there are none
	// Provider is the name of the server.
	Provider func() string
}

// Service answers. It is safe for concurrent use.
type Service struct {
	o    Options
	urls catalog.URLs
}

// New returns a Service.
func New(o Options) *Service { return &Service{o, o.Catalog.URLs()} }

// Routes registers the one route.
func (s *Service) Routes(r *rest.Router) { r.Root.GET("/services/oembed", rest.Anyone, s.get) }

// answer is a rich answer of oEmbed 2.3.4.
type answer struct {
	Type            string `json:"type"`
	Version         string `json:"version"`
	HTML            string `json:"html"`
	Width           int    `json:"width"`
	Height          int    `json:"height"`
	Title           string `json:"title"`
	AuthorName      string `json:"author_name"`
	AuthorURL       string `json:"author_url"`
	ProviderName    string `json:"provider_name"`
	ProviderURL     string `json:"provider_url"`
	ThumbnailURL    string `json:"thumbnail_url,omitempty"`
	ThumbnailWidth  int    `json:"thumbnail_width,omitempty"`
	ThumbnailHeight int    `json:"thumbnail_height,omitempty"`
}

// box is the room that a site has.
type box struct{ width, height *int }

func (b box) fit(width, height int) (w, h int) {
	if b.width != nil {
		width = min(width, *b.width)
	}
	if b.height != nil {
		height = min(height, *b.height)
	}
	return width, height
}

func (b box) holds(width, height int) bool {
	return (b.width == nil || *b.width >= width) && (b.height == nil || *b.height >= height)
}

func (s *Service) get(c echo.Context) error {
	if f := c.QueryParam("format"); f != "" && f != "json" {
		return &rest.Problem{Status: http.StatusNotImplemented, Detail: "Requested format is not implemented on server."}
	}
	u, err := url.Parse(c.QueryParam("url"))
	if err != nil || u.Host == "" {
		return rest.Invalid("query", "url", "Should be the address of a video or playlist", c.QueryParam("url"))
	}
	var check rest.Checker
	room := box{number(c, &check, "maxwidth"), number(c, &check, "maxheight")}
	if err := check.Err(); err != nil {
		return err
	}
	if !strings.EqualFold(u.Host, s.urls.Host) {
		return rest.NotFound("Video not found")
	}
	if id, ok := after(u.Path, "/w/p/", "/videos/watch/playlist/", "/video-playlists/embed/"); ok && s.o.Playlists != nil {
		return s.playlist(c, id, room)
	}
	if id, ok := after(u.Path, "/w/", "/videos/watch/", "/videos/embed/"); ok {
		return s.video(c, id, room)
	}
	return rest.NotFound("Video not found")
}

// after returns what follows one of prefixes in path.
func after(path string, prefixes ...string) (id string, ok bool) {
	for _, prefix := range prefixes {
		if id, ok := strings.CutPrefix(path, prefix); ok {
			return strings.TrimSuffix(id, "/"), true
		}
	}
	return "", false
}

func number(c echo.Context, check *rest.Checker, name string) *int {
	s := c.QueryParam(name)
	if s == "" {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		check.Refuse("query", name, "Should be a number", s)
		return nil
	}
	return &n
}

func (s *Service) video(c echo.Context, id string, room box) error {
	ctx := c.Request().Context()
	v, err := s.o.Catalog.Find(ctx, nil, id)
	if err != nil {
		return err
	}
	ch, err := s.o.Channels.ChannelByID(ctx, v.ChannelID)
	if err != nil {
		return err
	}
	out := s.player(v.Name, "/videos/embed/"+v.UUID, room)
	out.AuthorName, out.AuthorURL = s.o.Channels.APIChannelSummary(ch).DisplayName, ch.Actor.IRI
	return s.send(c, out, v.ID, room)
}

func (s *Service) playlist(c echo.Context, id string, room box) error {
	ctx := rest.WithPrincipal(c.Request().Context(), nil)
	c.SetRequest(c.Request().WithContext(ctx))
	c.SetParamNames("id")
	c.SetParamValues(id)
	p, err := s.o.Playlists.Shown(c)
	if err != nil {
		return err
	}
	owner, err := s.o.Channels.AccountByID(ctx, p.AccountID)
	if err != nil {
		return err
	}
	videos, _, err := s.o.Playlists.Videos(ctx, nil, p, rest.Page{Count: 1, Sort: "position"})
	if err != nil {
		return err
	}
	out := s.player(p.Name, "/video-playlists/embed/"+p.UUID, room)
	out.AuthorName, out.AuthorURL = owner.Actor.Name, owner.Actor.IRI
	if out.AuthorName == "" {
		out.AuthorName = owner.Actor.Username
	}
	if p.Thumbnail != "" && room.holds(picture.MiniatureWidth, picture.MiniatureHeight) {
		out.ThumbnailURL, out.ThumbnailWidth, out.ThumbnailHeight = s.urls.Origin+p.PicturePath(), picture.MiniatureWidth, picture.MiniatureHeight
		return c.JSON(http.StatusOK, out)
	}
	var first int64
	if len(videos) > 0 {
		first = videos[0].ID
	}
	return s.send(c, out, first, room)
}

// player is the frame of a page.
func (s *Service) player(title, page string, room box) *answer {
	width, height := room.fit(playerWidth, playerHeight)
	return &answer{
		Type: "video", Version: "1.0", Width: width, Height: height, Title: title,
		// SEC-39: the title is a stranger's text.
		HTML: fmt.Sprintf(`<iframe width="%d" height="%d" sandbox="allow-same-origin allow-scripts allow-popups allow-forms" `+
			`title="%s" src="%s" frameborder="0" allowfullscreen></iframe>`,
			width, height, html.EscapeString(title), html.EscapeString(s.urls.Origin+page)),
		ProviderName: s.o.Provider(), ProviderURL: s.urls.Origin,
	}
}

// send adds the picture of a video, when it fits and there is one.
func (s *Service) send(c echo.Context, out *answer, videoID int64, room box) error {
	if videoID != 0 {
		m, err := s.o.Catalog.Media(c.Request().Context(), videoID)
		if err != nil {
			return err
		}
		if t := m.Thumbnail(catalog.Preview); t != nil && room.holds(t.Width, t.Height) {
			out.ThumbnailURL, out.ThumbnailWidth, out.ThumbnailHeight = s.urls.Origin+catalog.ThumbnailPath(t), t.Width, t.Height
		}
	}
	return c.JSON(http.StatusOK, out)
}
