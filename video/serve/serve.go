package serve

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/labstack/echo/v4"
	"golang.org/x/sync/singleflight"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/password"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what [New] needs.
type Options struct {
	DB      *db.DB
	Catalog *catalog.Service
	Store   storage.Store
	Secret  string // secrets.peertube

	// Tool puts generated downloads together; nil: there are none. MaxGenerated of
	// them run at a time (download_generate_video.max_parallel_downloads).
	Tool         *ffmpeg.Tool
	MaxGenerated int

	// OpenPrivateFiles hands out private files without asking who wants them
	// (static_files.private_files_require_auth is false).
	OpenPrivateFiles bool
	Logger           *slog.Logger
}

// Serve hands out files. It is safe for concurrent use; its function field is
// set before the server starts.
type Serve struct {
	o      Options
	log    *slog.Logger
	urls   catalog.URLs
	tokens tokens

	// FetchPictures fetches the pictures of a remote video that are not stored
	// yet. nil: such a picture is 404.
	FetchPictures func(ctx context.Context, videoID int64) error
	// FetchCaptions and FetchStoryboard do so for the captions and the storyboard.
	FetchCaptions, FetchStoryboard func(ctx context.Context, videoID int64) error

	// ActorPicture gives the storage key of a picture of an account or channel, by
	// its folder and name. db.ErrNotFound when there is none. nil: there are none.
	ActorPicture func(ctx context.Context, folder, file string) (key string, err error)

	// PlaylistPicture gives the storage key of a playlist's own picture and tells
	// whether it is for everybody. db.ErrNotFound when p gets none. nil: there are none.
	PlaylistPicture func(ctx context.Context, p *rest.Principal, file string) (key string, open bool, err error)

	// Passwords are those of protected videos; nil: there are none.
	Passwords *password.Service

	generating chan struct{} // one for each generated download that runs

	fetches  singleflight.Group
	fetching chan struct{}
}

// New returns a Serve.
func New(o Options) (*Serve, error) {
	if o.Secret == "" {
		return nil, errors.New("serve: no secret to sign file tokens with")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Serve{
		o: o, log: o.Logger, urls: o.Catalog.URLs(), tokens: newTokens(o.Secret), fetching: make(chan struct{}, maxFetching),
		generating: make(chan struct{}, max(1, o.MaxGenerated)),
	}, nil
}

// Routes registers the paths. All of them are open to anyone; each handler asks
// who may see the video.
func (s *Serve) Routes(r *rest.Router) {
	for path, h := range map[string]echo.HandlerFunc{
		"/static/web-videos/:file":                            s.webVideo,
		"/static/web-videos/private/:file":                    s.webVideo,
		"/static/webseed/:file":                               s.webVideo, // in old torrents
		"/static/streaming-playlists/hls/:uuid/:file":         s.hls,
		"/static/streaming-playlists/hls/private/:uuid/:file": s.hls,
		"/static/redundancy/hls/:uuid/:file":                  s.copied,

		"/lazy-static/thumbnails/:file":     s.picture(catalog.Miniature),
		"/lazy-static/previews/:file":       s.picture(catalog.Preview),
		"/lazy-static/torrents/:file":       s.torrent,
		"/lazy-static/video-captions/:file": s.caption,
		"/lazy-static/storyboards/:file":    s.storyboard,
		"/lazy-static/avatars/:file":        s.actorPicture("avatars"),
		"/lazy-static/banners/:file":        s.actorPicture("banners"),

		"/download/videos/generate/:id":                  s.generate,
		"/download/original-video-files/:file":           s.downloadSource,
		"/download/torrents/:file":                       s.downloadTorrent,
		"/download/web-videos/:file":                     s.downloadWebVideo,
		"/download/streaming-playlists/hls/videos/:file": s.downloadHLS,
	} {
		r.Root.GET(path, rest.Anyone, crossOrigin(h))
		r.Root.Handle(http.MethodOptions, path, rest.Anyone, crossOrigin(preflight))
	}
	r.API.POST("/videos/:id/token", rest.Anyone, s.newToken)
}

// crossOrigin lets players on other sites read the answer. There are never
// credentials in such requests (SEC-48): the star forbids them.
func crossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderAccessControlAllowOrigin, "*")
		h.Set(echo.HeaderAccessControlExposeHeaders, "Accept-Ranges, Content-Length, Content-Range, Content-Disposition, ETag, Last-Modified")
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		return next(c)
	}
}

func preflight(c echo.Context) error {
	h := c.Response().Header()
	h.Set(echo.HeaderAccessControlAllowMethods, "GET, HEAD, OPTIONS")
	h.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, If-None-Match, If-Range, Range, X-Peertube-Video-Password")
	h.Set(echo.HeaderAccessControlMaxAge, "86400")
	return c.NoContent(http.StatusNoContent)
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,120}(\.[a-z0-9]{1,10}){1,2}$`)

func notFound() *rest.Problem { return rest.NotFound("File not found") }

// named is the file name of the request, when it can be one of ours.
func named(c echo.Context) (string, error) {
	name := c.Param("file")
	if !fileName.MatchString(name) {
		return "", notFound()
	}
	return name, nil
}
