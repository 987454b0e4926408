package tracker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/kinemesh/kinemesh/tracker/swarm"
)

const (
	announceInterval = 10 * time.Minute // HTTP clients; swarm.DefaultAddrAge allows for two
	minInterval      = time.Minute
	socketInterval   = 2 * time.Minute // below the idle limit of sockets
	maxPeers         = 50              // SEC-65
	maxScrape        = 255             // torrents in one scrape
	allowTimeout     = 5 * time.Second // for one answer of Options.Allow
	pruneEvery       = time.Minute
)

// Messages that viewers and administrators know from PeerTube.
const (
	reasonDisabled   = "Tracker is disabled on this instance."
	reasonFullScrape = "Full scrapes are not allowed"
)

// InfoHash names a torrent or an HLS swarm.
type InfoHash = swarm.Hash

// Allow says whether a private tracker serves a torrent. It is asked at every
// announce, so it should answer from memory; an error is answered as a failure
// that asks the client to come back, and logged.
type Allow func(context.Context, InfoHash) (bool, error)

// Options are what a Server is made of. The zero value is a disabled tracker.
type Options struct {
	Enabled bool
	// Private trackers serve the torrents that Allow admits; without Allow
	// that is none. Others serve every torrent.
	Private bool
	Allow   Allow

	// RejectTooManyAnnounces refuses the sixteenth announce of one address
	// for one torrent within five minutes.
	RejectTooManyAnnounces bool

	// ClientIP finds the client's address (SEC-50); nil takes that of the
	// connection and believes no header.
	ClientIP func(*http.Request) netip.Addr
	// CheckOrigin decides whether pages of an origin may open a socket; nil
	// lets all of them, since viewers on other instances join the same swarm.
	CheckOrigin func(*http.Request) bool

	// MaxSocketsPerIP limits open sockets of one IPv4 address or IPv6 /64;
	// 0 means 100 (SEC-67).
	MaxSocketsPerIP int

	Logger *slog.Logger // nil discards
	// LogUnknownInfoHash logs refused torrents at level Info.
	LogUnknownInfoHash bool
	// AnonymizeIP cuts addresses in logs to /16 and /32 (IPv6).
	AnonymizeIP bool
	// Registerer takes the metrics; nil keeps them unregistered.
	Registerer prometheus.Registerer
	Now        func() time.Time // nil is time.Now
}

// Server is a tracker. Its methods may be called concurrently.
type Server struct {
	opts     Options
	log      *slog.Logger
	swarms   *swarm.Table[*socket]
	mux      *http.ServeMux
	upgrader websocket.Upgrader
	metrics  *metrics
	window   announceWindow
	suspects suspects

	mu       sync.Mutex // guards what follows
	sockets  map[*socket]struct{}
	perHost  map[netip.Prefix]int
	stopping bool
	wg       sync.WaitGroup // reading and writing goroutines of sockets
}

// New returns a tracker that is ready to serve. Run must run beside it, or
// peers never expire. It panics when Options.Registerer holds the metrics of
// another tracker already.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.ClientIP == nil {
		o.ClientIP = remoteAddr
	}
	if o.CheckOrigin == nil {
		o.CheckOrigin = func(*http.Request) bool { return true }
	}
	if o.MaxSocketsPerIP <= 0 {
		o.MaxSocketsPerIP = 100
	}
	s := &Server{
		opts:    o,
		log:     o.Logger,
		swarms:  swarm.New[*socket](swarm.Options{Now: o.Now}),
		mux:     http.NewServeMux(),
		sockets: make(map[*socket]struct{}),
		perHost: make(map[netip.Prefix]int),
	}
	s.upgrader = newUpgrader(o.CheckOrigin)
	s.metrics = newMetrics(o.Registerer, s)
	s.mux.HandleFunc("GET /tracker/announce", s.serveAnnounce)
	s.mux.HandleFunc("GET /tracker/scrape", s.serveScrape)
	s.mux.HandleFunc("GET /tracker/socket", s.serveSocket)
	return s
}

// Handler serves the three routes of the tracker.
func (s *Server) Handler() http.Handler { return s.mux }

// Run expires peers until ctx ends. Then it closes all sockets, waits until
// they are gone, and returns nil; new ones are refused from that moment.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.swarms.Run(ctx) })
	g.Go(func() error { return s.prune(ctx) })
	err := g.Wait()
	s.stop()
	return err
}

// prune forgets old suspects and announce counts.
func (s *Server) prune(ctx context.Context) error {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			now := s.opts.Now()
			s.suspects.prune(now)
			s.window.prune(now)
		}
	}
}

func (s *Server) stop() {
	s.mu.Lock()
	s.stopping = true
	open := make([]*socket, 0, len(s.sockets))
	for c := range s.sockets {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		c.finish(closedShutdown, websocket.CloseGoingAway)
	}
	s.wg.Wait()
}

// failure is why a request is refused, as its client is told.
type failure struct {
	reason string
	retry  int    // minutes until it makes sense to ask again, or never (BEP 31)
	result string // label of the metric
	hangUp bool   // on a socket: close it after telling
}

const never = -1

func malformed(reason string) *failure {
	return &failure{reason: reason, retry: never, result: resultMalformed}
}

// admit decides whether the client at addr may take part in a torrent.
func (s *Server) admit(ctx context.Context, addr netip.Addr, h InfoHash) *failure {
	now := s.opts.Now()
	host := hostOf(addr)
	if s.suspects.banned(now, host) {
		return &failure{reason: "Too many unknown info hashes", retry: int(banTime / time.Minute), result: resultBanned, hangUp: true}
	}
	if s.opts.Private {
		ok, err := s.known(ctx, h)
		if err != nil {
			if !errors.Is(err, context.Canceled) { // else the client has gone
				s.log.ErrorContext(ctx, "tracker: look up info hash", "info_hash", h, "error", err)
			}
			return &failure{reason: "Cannot look up the infoHash now", retry: 1, result: resultError}
		}
		if !ok {
			return s.refuseUnknown(ctx, now, addr, h)
		}
	}
	return nil
}

func (s *Server) known(ctx context.Context, h InfoHash) (bool, error) {
	if s.opts.Allow == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, allowTimeout)
	defer cancel()
	return s.opts.Allow(ctx, h)
}

func (s *Server) refuseUnknown(ctx context.Context, now time.Time, addr netip.Addr, h InfoHash) *failure {
	banned := s.suspects.unknown(now, hostOf(addr), h)
	level := slog.LevelDebug
	if s.opts.LogUnknownInfoHash {
		level = slog.LevelInfo
	}
	if s.log.Enabled(ctx, level) {
		s.log.Log(ctx, level, "tracker: unknown info hash", "info_hash", h, "banned", banned)
	}
	if banned && s.log.Enabled(ctx, slog.LevelDebug) {
		s.log.DebugContext(ctx, "tracker: address banned for unknown info hashes", "ip", s.logIP(addr), "for", banTime)
	}
	// No "never": the video may be published a moment later.
	return &failure{reason: "Unknown infoHash " + h.String(), retry: 30, result: resultUnknown, hangUp: banned}
}

// tooOften counts an announce against the limit for its address and torrent.
func (s *Server) tooOften(addr netip.Addr, h InfoHash) *failure {
	if !s.opts.RejectTooManyAnnounces || !s.window.over(s.opts.Now(), hostOf(addr), h) {
		return nil
	}
	return &failure{reason: "Too many announces for this torrent", retry: int(windowTime / time.Minute), result: resultLimited}
}

// logIP returns an address as logs may show it (SEC-68).
func (s *Server) logIP(addr netip.Addr) string {
	if !s.opts.AnonymizeIP {
		return addr.String()
	}
	bits := 16
	if addr.Is6() {
		bits = 32
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}

// clientAddr returns the address of a request's client, which is not valid
// when it cannot be told.
func (s *Server) clientAddr(r *http.Request) netip.Addr {
	return s.opts.ClientIP(r).Unmap().WithZone("")
}

func remoteAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}
