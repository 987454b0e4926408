// Package instance answers what a client has to know of this server before it
// does anything: ping, health, configuration, the texts about the instance.
//
// Every value is true: a feature that the server does not have is told as
// switched off.
package instance

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// CompatibleVersion is the version of PeerTube's API that clients are told, for
// they switch features by it.
const CompatibleVersion = "6.3.2"

// Options are what the endpoints tell.
type Options struct {
	Config  *config.Config
	Version string // of this server
	// Pictures are those of the instance; nil: it has none.
	Pictures func(context.Context) (avatars, banners []channel.Image, err error)
	// Ready tells whether the server can do its work, with a sentence when not.
	Ready func(context.Context) error
	// SignupOpen tells whether a visitor from c may register.
	SignupOpen func(c echo.Context) (bool, error)
	// ClientIP finds the client's address as the server trusts it.
	ClientIP func(*http.Request) string
	// Waiting is the number of activities received and not yet processed.
	Waiting func(context.Context) (int64, error)
	// Metrics are shown to administrators (SEC-49); nil: none are.
	Metrics prometheus.Gatherer
	// VideoExtensions lists the endings of files that may be uploaded.
	VideoExtensions func() []string
	// DB has the pages that administrators write and what is counted.
	DB *db.DB
	// Mail takes the messages of the contact form; nil: there is none.
	Mail *mail.Service
	// Commands are what administrators may have done at once, by name.
	Commands map[string]func(context.Context) error
}

// Instance holds the endpoints.
type Instance struct {
	o        Options
	contacts *user.Limiter
	started  time.Time

	mu      sync.Mutex
	stats   object    // as counted last
	counted time.Time // when
}

// New returns the endpoints.
func New(o Options) *Instance {
	return &Instance{o: o, contacts: user.NewLimiter(o.Config.ContactForm.Interval, 1), started: time.Now()}
}

// Routes registers them.
func (i *Instance) Routes(r *rest.Router) {
	r.API.GET("/ping", rest.Anyone, func(c echo.Context) error { return c.String(http.StatusOK, "pong") })
	r.API.GET("/config", rest.Anyone, i.config)
	r.API.GET("/config/about", rest.Anyone, i.about)
	r.API.GET("/server/stats", rest.Anyone, i.getStats)
	r.API.GET("/server/debug", rest.Admin, i.debug)
	r.API.POST("/server/debug/run-command", rest.Admin, i.runCommand)
	r.API.POST("/server/contact", rest.Anyone, i.contact)
	r.API.GET("/custom-pages/homepage/instance", rest.Anyone, i.getHomepage)
	r.API.PUT("/custom-pages/homepage/instance", rest.Admin, i.putHomepage)
	r.API.GET("/plugins", rest.Admin, i.plugins)
	r.API.POST("/client-config/update-language", rest.Anyone, i.language)
	r.API.POST("/client-config/update-interface-language", rest.Anyone, i.language)
	r.Root.GET("/healthz", rest.Anyone, func(c echo.Context) error { return c.String(http.StatusOK, "ok") })
	r.Root.GET("/readyz", rest.Anyone, i.ready)
	r.Root.GET("/robots.txt", rest.Anyone, i.robots)
	i.wellKnown(r.Root)
	if i.o.Metrics != nil {
		r.Root.GET("/metrics", rest.Admin, echo.WrapHandler(promhttp.HandlerFor(i.o.Metrics, promhttp.HandlerOpts{})))
	}
}

// ready answers 503 while the server cannot do its work (REL-23).
func (i *Instance) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), 5*time.Second)
	defer cancel()
	if err := i.o.Ready(ctx); err != nil {
		return &rest.Problem{
			Status: http.StatusServiceUnavailable, Code: "not_ready", Detail: "The server is not ready",
			Header: map[string]string{"Retry-After": "5"},
		}
	}
	return c.String(http.StatusOK, "ready")
}

func (i *Instance) robots(c echo.Context) error {
	c.Response().Header().Set(echo.HeaderCacheControl, fileAge)
	return c.String(http.StatusOK, strings.TrimRight(i.o.Config.Current().Instance.Robots, "\n")+"\n")
}
