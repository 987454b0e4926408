package rig

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Proxy is a reverse proxy on loopback in front of an instance, whose public
// address it has. It can stop giving out media, as a server that is overrun.
type Proxy struct {
	Port      int
	NoMedia   atomic.Bool  // answer requests for media with 503
	Refused   atomic.Int64 // how many were
	server    *http.Server
	forwarded *httputil.ReverseProxy
}

// NewProxy starts a proxy to a port on loopback.
func NewProxy(ctx context.Context, to int) (*Proxy, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	target := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(to))}
	p := &Proxy{Port: l.Addr().(*net.TCPAddr).Port, forwarded: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(l) }() // until Close
	return p, nil
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.NoMedia.Load() && strings.HasPrefix(r.URL.Path, "/static/") {
		p.Refused.Add(1)
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	p.forwarded.ServeHTTP(w, r)
}

// Close stops the proxy.
func (p *Proxy) Close() { _ = p.server.Close() }
