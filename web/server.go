package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Limits of every connection (SEC-70).
const (
	headerTime  = 10 * time.Second
	idleTime    = 120 * time.Second // a peer that keeps its sockets loses a delivery with each we close early
	headerBytes = 32 << 10
	drainTime   = 30 * time.Second // for open requests when the server stops, REL-11
	bodyLimit   = "12M"            // of what is not an upload: a picture of 10 MiB and its form
	// gzipLevel makes lists 4 percent longer than 5 does, in 60 percent of its time,
	// which is most of what an answer takes.
	gzipLevel = 3
)

// ServerOptions is what the HTTP server is made of.
type ServerOptions struct {
	Config       *config.Config
	Logger       *slog.Logger
	Authenticate rest.Authenticate
	// Register adds the routes of everything that has some.
	Register []func(*rest.Router)
	// Negotiate answers requests that ask for ActivityPub; may be nil.
	Negotiate echo.MiddlewareFunc
	// Tracker serves /tracker/; may be nil.
	Tracker http.Handler
	// Socket serves /socket.io/; may be nil.
	Socket http.Handler
	// Dashboard serves everything below DashboardRoot to those whom
	// AuthenticateAdmin finds to be administrators; may be nil.
	Dashboard         http.Handler
	AuthenticateAdmin rest.Authenticate
	// PageError writes a page about a problem; without it the problem is
	// answered as to an API client.
	PageError func(echo.Context, *rest.Problem) error
	Metrics   prometheus.Registerer // nil: none
	// Changes grows with every change that this process makes; with it, answers
	// for everybody are given more than once. nil: none is.
	Changes func() uint64
	// Audit notes what is changed; may be nil.
	Audit echo.MiddlewareFunc
}

// DashboardRoot is where the queues are shown, without a slash at the end.
const DashboardRoot = "/admin/system/jobs/queues"

// socketPath is where clients of Socket.IO ask. They name who they are in their
// own way, and wait for as long as there is nothing to tell.
const socketPath = "/socket.io/"

// Server is the HTTP server.
type Server struct {
	o        ServerOptions
	echo     *echo.Echo
	router   *rest.Router
	answers  *answers
	panics   prometheus.Counter
	stopping atomic.Bool
}

// NewServer puts middleware and routes together. A route that was registered
// wrongly is an error.
func NewServer(o ServerOptions) (*Server, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(errorLog{o.Logger})
	s := &Server{o: o, echo: e, answers: &answers{changes: o.Changes, now: time.Now}, panics: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "kinemesh_web_panics_total", Help: "Requests that ended in a panic.",
	})}
	if o.Metrics != nil {
		o.Metrics.MustRegister(s.panics)
	}
	e.IPExtractor = clientIP(o.Config)
	e.HTTPErrorHandler = s.fail
	limits := newLimits(o.Config.RatesLimit, o.Authenticate)
	e.Use(
		middleware.RequestIDWithConfig(middleware.RequestIDConfig{RequestIDHandler: withRequestID}),
		s.logRequest, s.recover, echo.WrapMiddleware(SecurityHeaders), cors, limits.middleware, s.answers.middleware, s.timeout,
		middleware.BodyLimitWithConfig(middleware.BodyLimitConfig{Limit: bodyLimit, Skipper: limitsItself}),
		middleware.GzipWithConfig(middleware.GzipConfig{Skipper: notText, MinLength: 1024, Level: gzipLevel}),
	)
	if o.Negotiate != nil {
		e.Use(o.Negotiate)
	}
	if o.Audit != nil {
		e.Use(o.Audit)
	}
	s.router = rest.NewRouter(e, o.Authenticate)
	for _, register := range o.Register {
		register(s.router)
	}
	if o.Socket != nil {
		h := echo.WrapHandler(o.Socket)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			s.router.Root.Handle(method, socketPath, rest.Anyone, h)
			s.router.Root.Handle(method, strings.TrimSuffix(socketPath, "/"), rest.Anyone, h)
		}
	}
	if o.Tracker != nil {
		h := echo.WrapHandler(o.Tracker)
		for _, path := range []string{"/tracker/announce", "/tracker/scrape", "/tracker/socket"} {
			s.router.Root.GET(path, rest.Anyone, h)
		}
	}
	s.dashboard()
	return s, s.router.Err()
}

// ClientIP is the address of the client as far as trusted proxies tell it
// (SEC-50).
func (s *Server) ClientIP(r *http.Request) string { return s.echo.IPExtractor(r) }

// Routes lists the routes, sorted.
func (s *Server) Routes() []rest.Route { return s.router.Routes() }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// Ready tells whether the server is to get requests: not while it stops.
func (s *Server) Ready() bool { return !s.stopping.Load() }

// Run listens until ctx ends, then finishes the open requests. ready is called
// once connections are taken.
func (s *Server) Run(ctx context.Context, ready func()) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.o.Config.ListenAddress())
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen.port: %s is in use by another program; stop it or choose another port", s.o.Config.ListenAddress())
	}
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	h := &http.Server{
		Handler: s, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
		ErrorLog:    slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(listener) }()
	ready()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.stopping.Store(true)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := h.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("requests cut off at the end: %w", err), h.Close())
	}
	return nil
}

// clientIP believes X-Forwarded-For from the proxies in trust_proxy alone.
func clientIP(c *config.Config) echo.IPExtractor {
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range c.TrustedProxies() {
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen()),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}

// dashboard mounts the queues for administrators (SEC-49). Their pages bring
// inline styles and scripts, so they have a content policy of their own.
func (s *Server) dashboard() {
	if s.o.Dashboard == nil {
		return
	}
	h := echo.WrapHandler(s.o.Dashboard)
	guarded := func(c echo.Context) error {
		p, err := s.o.AuthenticateAdmin(c)
		if err != nil {
			return err
		}
		switch {
		case p == nil:
			return &rest.Problem{Status: http.StatusUnauthorized, Detail: "Log in as an administrator to see the queues"}
		case !p.IsAdmin():
			return rest.Forbidden("Only administrators see the queues")
		}
		c.Response().Header().Set("Content-Security-Policy", "default-src 'self'; script-src 'self' 'unsafe-inline'; "+
			"style-src 'self' 'unsafe-inline'; font-src 'self' data:; "+
			"img-src 'self' data:; frame-ancestors 'none'; form-action 'self'; base-uri 'none'")
		c.Response().Header().Set("Cache-Control", "private, no-store")
		return h(c)
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
		s.router.Root.Handle(method, DashboardRoot, rest.Anyone, guarded)
		s.router.Root.Handle(method, DashboardRoot+"/*", rest.Anyone, guarded)
	}
}

// isPage tells whether the answer to a request is looked at by a person.
func isPage(r *http.Request) bool {
	for _, prefix := range []string{"/api/", "/tracker/", "/inbox", "/static/", "/lazy-static/", "/download/", "/.well-known/", "/nodeinfo/", "/services/"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return false
		}
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// fail answers with an error: as a page to people, as a problem to programs.
func (s *Server) fail(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	if s.o.PageError != nil && isPage(c.Request()) {
		p := rest.AsProblem(err)
		if rest.Failed(err) {
			s.o.Logger.ErrorContext(c.Request().Context(), "page failed", "path", c.Request().URL.Path,
				"request", c.Response().Header().Get(echo.HeaderXRequestID), "error", err)
		}
		if perr := s.o.PageError(c, p); perr == nil {
			return
		} else if c.Response().Committed {
			return
		}
	}
	rest.WriteProblem(c, s.o.Logger, err)
}

// recover makes a panic an error of its own request (SEC-71).
func (s *Server) recover(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p) // net/http's own way to cut a connection
			default:
				s.panics.Inc()
				s.o.Logger.ErrorContext(c.Request().Context(), "request panicked", "path", c.Request().URL.Path,
					"panic", p, "stack", string(debug.Stack()))
				err = echo.NewHTTPError(http.StatusInternalServerError, "Internal server error")
			}
		}()
		return next(c)
	}
}

// errHandled ends the context of a request whose handler has returned: that is
// not a client who left.
var errHandled = errors.New("handled")

// timeout limits the work on one request. Uploads and media take as long as
// the client does.
func (s *Server) timeout(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if isUpload(c) || isMedia(c.Request().URL.Path) || c.Request().URL.Path == "/tracker/socket" || strings.HasPrefix(c.Request().URL.Path, socketPath) {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), s.o.Config.HTTPTimeouts.Request)
		defer cancel()
		ctx, end := context.WithCancelCause(ctx)
		defer end(errHandled)
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// logRequest writes one line a request where the settings ask for it.
func (s *Server) logRequest(next echo.HandlerFunc) echo.HandlerFunc {
	if !s.o.Config.Log.HTTPRequests {
		return next
	}
	return func(c echo.Context) error {
		start := time.Now()
		err := next(c)
		if err != nil {
			c.Error(err)
		}
		s.o.Logger.InfoContext(c.Request().Context(), "request", "method", c.Request().Method, "path", c.Request().URL.Path,
			"status", c.Response().Status, "bytes", c.Response().Size, "took", time.Since(start),
			"request", c.Response().Header().Get(echo.HeaderXRequestID))
		return nil
	}
}

func withRequestID(c echo.Context, id string) { c.Set("request", id) }

// cors lets pages of any origin read the API and the documents, without
// credentials (SEC-48). Files of videos and feeds do it themselves.
func cors(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		path, h := c.Request().URL.Path, c.Response().Header()
		if !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/services/") && !strings.HasPrefix(path, "/.well-known/") &&
			!strings.HasPrefix(path, "/nodeinfo/") && !wantsActivity(c.Request()) {
			return next(c)
		}
		h.Set(echo.HeaderAccessControlAllowOrigin, "*")
		if c.Request().Method != http.MethodOptions {
			h.Set(echo.HeaderAccessControlExposeHeaders, "Range, Location, Retry-After, Content-Range, x-peertube-otp")
			return next(c)
		}
		h.Set(echo.HeaderAccessControlAllowMethods, "GET, HEAD, POST, PUT, DELETE")
		h.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, Content-Range, Digest, Content-MD5, "+
			"X-Upload-Content-Length, X-Upload-Content-Type, x-peertube-otp, x-peertube-video-password")
		h.Set(echo.HeaderAccessControlMaxAge, "86400")
		return c.NoContent(http.StatusNoContent)
	}
}

// isUpload tells whether the body of a request may be as long as the quota
// allows; the upload handlers limit it themselves.
func isUpload(c echo.Context) bool {
	return strings.HasPrefix(c.Request().URL.Path, "/api/v1/videos/upload")
}

// limitsItself tells whether the handler bounds the body: those of uploads and
// of subtitles, which may be longer than a picture.
func limitsItself(c echo.Context) bool {
	return isUpload(c) || c.Path() == "/api/v1/videos/:id/captions/:language"
}

// isMedia tells whether a path leads to bytes that are compressed already and
// may be long.
func isMedia(path string) bool {
	return strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/lazy-static/") || strings.HasPrefix(path, "/download/")
}

func notText(c echo.Context) bool {
	path := c.Request().URL.Path
	return isMedia(path) || isUpload(c) || strings.HasPrefix(path, assetPrefix) || strings.HasPrefix(path, "/tracker/") || strings.HasPrefix(path, socketPath)
}

// errorLog gives what echo itself complains about to slog.
type errorLog struct{ log *slog.Logger }

func (l errorLog) Write(p []byte) (int, error) {
	l.log.Debug("echo", "message", strings.TrimSpace(string(p)))
	return len(p), nil
}
