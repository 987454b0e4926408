package rig

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// Front gives instances the https addresses that they tell, all on loopback: it
// ends TLS with certificates of an authority of its own, and clients reach it
// as their HTTP proxy, so that neither name servers nor port 443 are needed.
type Front struct {
	Proxy string // URL of the proxy
	CA    string // file with the certificate of the authority, PEM

	listener net.Listener // of the proxy
	inner    chan net.Conn
	done     chan struct{}
	server   *http.Server
	sites    map[string]*httputil.ReverseProxy
}

// NewFront starts a front for hosts, each with the port on loopback where its
// instance listens. The authority is written into dir.
func NewFront(ctx context.Context, dir string, hosts map[string]int) (*Front, error) {
	f := &Front{CA: filepath.Join(dir, "ca.pem"), inner: make(chan net.Conn), done: make(chan struct{}), sites: map[string]*httputil.ReverseProxy{}}
	var names []string
	for host, port := range hosts {
		names = append(names, host)
		target := &url.URL{Scheme: "http", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
		f.sites[host] = &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		}}
	}
	certificate, err := f.authority(names)
	if err != nil {
		return nil, err
	}
	if f.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	f.Proxy = "http://" + f.listener.Addr().String()
	f.server = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if site := f.sites[r.Host]; site != nil {
			site.ServeHTTP(w, r)
			return
		}
		http.NotFound(w, r)
	})}
	go func() {
		_ = f.server.Serve(tls.NewListener(tunnels{f}, &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}))
	}() // until Close
	go f.accept()
	return f, nil
}

// authority makes a certificate for names and writes who vouches for it.
func (f *Front) authority(names []string) (*tls.Certificate, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	from, until := time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority of a test"}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: from, NotAfter: until,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, os.WriteFile(f.CA, text, 0o600)
}

// accept takes the CONNECT requests of clients.
func (f *Front) accept() {
	proxy := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, port, err := net.SplitHostPort(r.Host)
		if r.Method != http.MethodConnect || err != nil || port != "443" || f.sites[host] == nil {
			http.Error(w, "this proxy leads to the instances of a test alone", http.StatusForbidden)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
			_ = conn.Close()
			return
		}
		select {
		case f.inner <- conn:
		case <-f.done:
			_ = conn.Close()
		}
	})}
	_ = proxy.Serve(f.listener) // until Close
}

// Client is an HTTP client that goes through the front and trusts its authority.
func (f *Front) Client() (*http.Client, error) {
	text, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in " + f.CA)
	}
	proxy, err := url.Parse(f.Proxy)
	if err != nil {
		return nil, err
	}
	return &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{
		Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
	}}, nil
}

// Close stops the front.
func (f *Front) Close() {
	close(f.done)
	_ = f.listener.Close()
	_ = f.server.Close()
}

// tunnels are the connections that clients have been given, as a listener.
type tunnels struct{ f *Front }

func (t tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-t.f.inner:
		return conn, nil
	case <-t.f.done:
		return nil, net.ErrClosed
	}
}

func (t tunnels) Close() error   { return nil }
func (t tunnels) Addr() net.Addr { return t.f.listener.Addr() }
