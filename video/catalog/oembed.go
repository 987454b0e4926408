package catalog

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/web/rest"
)

// Size of an embedded player.
const embedWidth, embedHeight = 560, 315

type apiOEmbed struct {
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

// oEmbed answers with the player of a video for other sites. Who asks is never
// signed in, so only what anyone may see is embedded (SEC-54).
func (s *Service) oEmbed(c echo.Context) error {
	if f := c.QueryParam("format"); f != "" && f != "json" {
		return &rest.Problem{Status: http.StatusNotImplemented, Detail: "Requested format is not implemented on server."}
	}
	u, err := url.Parse(c.QueryParam("url"))
	if err != nil || u.Host == "" {
		return rest.Invalid("query", "url", "Should be the address of a video", c.QueryParam("url"))
	}
	ref, ok := s.localRef(u)
	if !ok {
		return rest.NotFound("Video not found")
	}
	ctx := c.Request().Context()
	v, err := s.Find(ctx, nil, ref.text())
	if err != nil {
		return err
	}
	var check rest.Checker
	maxWidth, maxHeight := queryNumber(c, &check, "maxwidth"), queryNumber(c, &check, "maxheight")
	if err := check.Err(); err != nil {
		return err
	}
	ch, err := s.opts.Channels.ChannelByID(ctx, v.ChannelID)
	if err != nil {
		return err
	}
	m, err := s.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	width, height := fit(embedWidth, embedHeight, maxWidth, maxHeight)
	out := apiOEmbed{
		Type: "video", Version: "1.0", Width: width, Height: height, Title: v.Name,
		// SEC-39: the title is a stranger's text.
		HTML: fmt.Sprintf(`<iframe width="%d" height="%d" sandbox="allow-same-origin allow-scripts allow-popups allow-forms" `+
			`title="%s" src="%s" frameborder="0" allowfullscreen></iframe>`,
			width, height, html.EscapeString(v.Name), html.EscapeString(s.urls.Origin+"/videos/embed/"+v.UUID)),
		AuthorName: s.opts.Channels.APIChannelSummary(ch).DisplayName, AuthorURL: ch.Actor.IRI,
		ProviderName: s.opts.InstanceName(), ProviderURL: s.urls.Origin,
	}
	if t := m.Thumbnail(Preview); t != nil && (maxWidth == nil || *maxWidth >= t.Width) && (maxHeight == nil || *maxHeight >= t.Height) {
		out.ThumbnailURL, out.ThumbnailWidth, out.ThumbnailHeight = s.urls.Origin+ThumbnailPath(t), t.Width, t.Height
	}
	return c.JSON(http.StatusOK, out)
}

func queryNumber(c echo.Context, check *rest.Checker, name string) *int {
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

func fit(width, height int, maxWidth, maxHeight *int) (w, h int) {
	if maxWidth != nil {
		width = min(width, *maxWidth)
	}
	if maxHeight != nil {
		height = min(height, *maxHeight)
	}
	return width, height
}

// text is the form of r that ParseRef reads.
func (r Ref) text() string {
	if r.UUID != "" {
		return r.UUID
	}
	return strconv.FormatInt(r.ID, 10)
}
