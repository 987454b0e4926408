package web

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/web/rest"
)

// limits counts the requests of each client in fixed windows, one count a class
// of routes. Moderators are exempt. Logging in and registering have limits of their own beside them.
type limits struct {
	auth    rest.Authenticate
	classes map[string]*window
}

// maxClients bounds the memory of one window; above it the oldest counts go.
const maxClients = 100_000

// pollFactor is how many times the limit users may read once they have signed
// in: the command line made for PeerTube asks for its video twenty times a
// second until the first file is transcoded.
const pollFactor = 5

func mayPoll(r *http.Request, taken, limit int) bool {
	return r.Method == http.MethodGet && taken <= pollFactor*limit
}

// window counts the requests of clients until it ends.
type window struct {
	rule config.RateLimit

	mu     sync.Mutex
	ends   time.Time
	counts map[netip.Addr]int
}

func newLimits(r config.RatesLimit, auth rest.Authenticate) *limits {
	return &limits{auth: auth, classes: map[string]*window{
		"api": {rule: r.API}, "activity_pub": {rule: r.ActivityPub}, "well_known": {rule: r.WellKnown}, "client": {rule: r.Client},
		"feeds": {rule: r.Feeds}, "download_generate_video": {rule: r.DownloadGenerateVideo},
	}}
}

// classOf names the limit that a request counts for; empty for bytes of media
// and the tracker, which has limits of its own.
func classOf(r *http.Request) string {
	path := r.URL.Path
	switch {
	case strings.HasPrefix(path, "/download/videos/generate/"):
		return "download_generate_video"
	case path == "/api/v1/ping", strings.HasPrefix(path, "/tracker/"), strings.HasPrefix(path, socketPath), isMedia(path), strings.HasPrefix(path, assetPrefix),
		path == "/healthz", path == "/readyz", strings.HasPrefix(path, DashboardRoot):
		return ""
	case strings.HasPrefix(path, "/api/v1/videos/upload-resumable"):
		return "" // chunks: as many as the client's line gives
	case strings.HasPrefix(path, "/api/"):
		return "api"
	case strings.HasPrefix(path, "/feeds/"):
		return "feeds"
	case strings.HasPrefix(path, "/.well-known/"), strings.HasPrefix(path, "/nodeinfo/"):
		return "well_known"
	case r.Method == http.MethodPost && (path == "/inbox" || strings.HasSuffix(path, "/inbox")), wantsActivity(r):
		return "activity_pub"
	}
	return "client"
}

func wantsActivity(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/activity+json") || strings.Contains(accept, "application/ld+json")
}

// take counts one request and tells how many are left and when the window ends.
func (w *window) take(addr netip.Addr, now time.Time) (left int, ends time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !now.Before(w.ends) || len(w.counts) >= maxClients {
		w.ends, w.counts = now.Add(w.rule.Window), map[netip.Addr]int{}
	}
	w.counts[addr]++
	return w.rule.Max - w.counts[addr], w.ends
}

// client is what a limit counts: an IPv4 address or an IPv6 /64.
func client(ip string) netip.Addr {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Addr{}
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

func (l *limits) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		w := l.classes[classOf(c.Request())]
		if w == nil {
			return next(c)
		}
		now := time.Now()
		left, ends := w.take(client(c.RealIP()), now)
		h := c.Response().Header()
		h.Set("X-RateLimit-Limit", strconv.Itoa(w.rule.Max))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, left)))
		h.Set("X-RateLimit-Reset", strconv.FormatInt(ends.Unix(), 10))
		if left >= 0 {
			return next(c)
		}
		// Who it is is asked only of those above the limit.
		if p, err := l.auth(c); err == nil && p != nil && (p.IsModerator() || mayPoll(c.Request(), w.rule.Max-left, w.rule.Max)) {
			return next(c)
		}
		wait := max(1, int(ends.Sub(now).Seconds()+0.999))
		return &rest.Problem{
			Status: http.StatusTooManyRequests, Detail: "Too many requests, please try again later",
			Header: map[string]string{echo.HeaderRetryAfter: strconv.Itoa(wait)},
		}
	}
}
