package tracker

import "github.com/prometheus/client_golang/prometheus"

// Label values of kinemesh_tracker_requests_total.
const (
	transportHTTP = "http"
	transportWS   = "ws"

	actionAnnounce = "announce"
	actionScrape   = "scrape"
	actionAnswer   = "answer"

	resultOK        = "ok"
	resultMalformed = "malformed" // not what the protocol asks for
	resultUnknown   = "unknown"   // a torrent that is not served
	resultBanned    = "banned"    // address asked for too many unknown torrents
	resultLimited   = "limited"   // too often, or too many torrents on one socket
	resultConflict  = "conflict"  // peer id of another connection
	resultDropped   = "dropped"   // answer without an outstanding offer
	resultDisabled  = "disabled"
	resultError     = "error" // our own fault
)

// Label values of kinemesh_tracker_sockets_closed_total.
const (
	closedClient   = "client"   // by the client, or the network
	closedIdle     = "idle"     // said nothing for three minutes
	closedSlow     = "slow"     // did not read what was sent to it
	closedPolicy   = "policy"   // banned, or a second peer id
	closedShutdown = "shutdown" // the server stops
)

// Label values of kinemesh_tracker_sockets_refused_total.
const (
	refusedDisabled = "disabled"
	refusedBanned   = "banned"
	refusedTooMany  = "too_many" // of one address
	refusedUpgrade  = "upgrade"  // no WebSocket handshake, a foreign origin, or no address
	refusedShutdown = "shutdown"
)

type metrics struct {
	// transport: http, ws. action: announce, scrape, answer. result: ok,
	// malformed, unknown, banned, limited, conflict, dropped, disabled, error.
	requests *prometheus.CounterVec
	// kind: offer, answer.
	relayed *prometheus.CounterVec
	// reason: client, idle, slow, policy, shutdown.
	socketsClosed *prometheus.CounterVec
	// reason: disabled, banned, too_many, upgrade, shutdown.
	socketsRefused *prometheus.CounterVec

	// The children that busy paths count on, found once.
	httpAnnounceOK, wsAnnounceOK, wsAnswerOK, offers, answers prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, s *Server) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kinemesh_tracker_" + name, Help: help}, labels)
	}
	m := &metrics{
		requests:       counter("requests_total", "Announces, scrapes and answers by outcome.", "transport", "action", "result"),
		relayed:        counter("relayed_total", "WebRTC offers and answers passed on.", "kind"),
		socketsClosed:  counter("sockets_closed_total", "Sockets that ended.", "reason"),
		socketsRefused: counter("sockets_refused_total", "Sockets that were not opened.", "reason"),
	}
	m.httpAnnounceOK = m.requests.WithLabelValues(transportHTTP, actionAnnounce, resultOK)
	m.wsAnnounceOK = m.requests.WithLabelValues(transportWS, actionAnnounce, resultOK)
	m.wsAnswerOK = m.requests.WithLabelValues(transportWS, actionAnswer, resultOK)
	m.offers = m.relayed.WithLabelValues("offer")
	m.answers = m.relayed.WithLabelValues("answer")
	if reg == nil {
		return m
	}
	gauge := func(name, help string, labels prometheus.Labels, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kinemesh_tracker_" + name, Help: help, ConstLabels: labels}, value)
	}
	// kind: ipv4, ipv6, socket.
	peers := func(kind string, value func() float64) prometheus.Collector {
		return gauge("peers", "Peers in all swarms.", prometheus.Labels{"kind": kind}, value)
	}
	reg.MustRegister(
		m.requests, m.relayed, m.socketsClosed, m.socketsRefused,
		peers("ipv4", func() float64 { return float64(s.swarms.Stats().IPv4) }),
		peers("ipv6", func() float64 { return float64(s.swarms.Stats().IPv6) }),
		peers("socket", func() float64 { return float64(s.swarms.Stats().Sockets) }),
		gauge("swarms", "Torrents with peers.", nil, func() float64 { return float64(s.swarms.Stats().Swarms) }),
		gauge("sockets", "Open sockets.", nil, func() float64 {
			s.mu.Lock()
			defer s.mu.Unlock()
			return float64(len(s.sockets))
		}),
	)
	return m
}

func (m *metrics) count(transport, action, result string) {
	m.requests.WithLabelValues(transport, action, result).Inc()
}
