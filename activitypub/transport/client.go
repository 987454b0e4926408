package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/strict"
)

// Limits of one request (SEC-25, SEC-27).
const (
	connectTimeout   = 5 * time.Second
	firstByteTimeout = 5 * time.Second
	totalTimeout     = 10 * time.Second
	maxRedirects     = 3
	maxDocument      = 1 << 20
	maxHeaderBytes   = 64 << 10
	maxDrain         = 64 << 10 // read from an answer nobody looks at
	connsPerHost     = 8
)

// Content types and what we ask for.
const (
	ActivityJSON = "application/activity+json"
	LinkedData   = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
	acceptAP     = ActivityJSON + ", " + LinkedData
	activityNS   = "https://www.w3.org/ns/activitystreams"
)

// Config is what a Client needs of the settings.
type Config struct {
	AllowHTTP     bool           // federation.allow_http
	AllowNetworks []netip.Prefix // federation.allow_networks
	Ports         []int          // beside 80 and 443
	UserAgent     string
	RootCAs       *x509.CertPool // nil: those of the system
	// Blocked says that nothing may go to a host (in iri's spelling); it is
	// asked before every request and redirect. nil blocks none.
	Blocked func(ctx context.Context, host string) bool
	// Lookup resolves a name; nil means the system's resolver.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// FirstKnock is how requests to an unknown host are signed
	// (federation.first_knock); "" means draft-cavage.
	FirstKnock signature.Scheme
	// Schemes keeps what hosts have taken; nil remembers it in memory alone.
	Schemes Schemes
}

// Signer signs a request in an actor's name at the moment of sending, in the
// way of k. A nil Signer leaves the request unsigned.
type Signer func(req *http.Request, body []byte, k signature.Knock) error

// Client sends requests; it is safe for concurrent use.
type Client struct {
	cfg    Config
	http   *http.Client
	knocks *knocks
}

// New makes a Client. It keeps idle connections; Close drops them.
func New(cfg Config) *Client {
	t := &http.Transport{
		Proxy:                  nil, // SEC-24: no proxy from the environment
		DialContext:            newDialer(cfg).dial,
		TLSClientConfig:        &tls.Config{RootCAs: cfg.RootCAs, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    connectTimeout,
		ResponseHeaderTimeout:  firstByteTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           64,
		MaxIdleConnsPerHost:    2,
		MaxConnsPerHost:        connsPerHost,
		IdleConnTimeout:        30 * time.Second,
		ForceAttemptHTTP2:      true,
	}
	return &Client{cfg: cfg, knocks: newKnocks(cfg), http: &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Get fetches an ActivityPub document. The document may name any id: a caller
// that believes it compares the id with the address it asked for.
func (c *Client) Get(ctx context.Context, as Signer, address string) (json.RawMessage, error) {
	body, _, err := c.fetch(ctx, request{
		method: http.MethodGet, url: address, accept: acceptAP, sign: as, limit: maxDocument, accepts: isActivity,
	})
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", address, err)
	}
	return checked(address, body)
}

// GetJSON fetches any JSON document without a signature: WebFinger, nodeinfo.
func (c *Client) GetJSON(ctx context.Context, address string) (json.RawMessage, error) {
	body, _, err := c.fetch(ctx, request{
		method: http.MethodGet, url: address, accept: "application/jrd+json, application/json", limit: maxDocument, accepts: isJSON,
	})
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", address, err)
	}
	return checked(address, body)
}

func checked(address string, body []byte) (json.RawMessage, error) {
	if err := strict.Check(body, strict.Activity); err != nil {
		return nil, fmt.Errorf("get %s: %w", address, err)
	}
	return body, nil
}

// GetFile fetches up to maxBytes of anything and tells its media type as the
// sender claims it.
func (c *Client) GetFile(ctx context.Context, address string, maxBytes int64) (body []byte, mediaType string, err error) {
	body, mediaType, err = c.fetch(ctx, request{method: http.MethodGet, url: address, accept: "*/*", limit: maxBytes})
	if err != nil {
		return nil, "", fmt.Errorf("get %s: %w", address, err)
	}
	return body, mediaType, nil
}

// Post delivers body to an inbox. nil means that the server took it (2xx).
func (c *Client) Post(ctx context.Context, as Signer, inbox string, body []byte) error {
	_, _, err := c.fetch(ctx, request{
		method: http.MethodPost, url: inbox, accept: acceptAP, sign: as, body: body, limit: maxDrain, ignoreBody: true,
	})
	if err != nil {
		return fmt.Errorf("post to %s: %w", inbox, err)
	}
	return nil
}

// request is one fetch with its rules.
type request struct {
	method, url, accept string
	sign                Signer
	body                []byte
	limit               int64
	accepts             func(contentType string) bool // nil: anything
	ignoreBody          bool
	span                *span // a part of a file is asked for
}

// fetch follows redirects by hand so that each hop is checked, counted and
// signed like the first one (SEC-25).
func (c *Client) fetch(ctx context.Context, r request) ([]byte, string, error) {
	ctx, cancel := context.WithTimeout(ctx, totalTimeout)
	defer cancel()
	seen := map[string]bool{}
	for hop := 0; ; hop++ {
		u, err := c.checkURL(ctx, r.url)
		if err != nil {
			return nil, "", err
		}
		if !spend(ctx) { // SEC-29
			return nil, "", ErrBudget
		}
		resp, err := c.knock(ctx, r, u)
		if err != nil {
			return nil, "", err
		}
		next := redirectTarget(resp)
		if next == "" {
			return c.read(resp, r)
		}
		drain(resp)
		seen[u.String()] = true
		to, err := u.Parse(next)
		switch {
		case err != nil || r.method != http.MethodGet || hop >= maxRedirects:
			return nil, "", fmt.Errorf("%w: hop %d", ErrRedirect, hop+1)
		case seen[to.String()]:
			return nil, "", fmt.Errorf("%w: loop", ErrRedirect)
		}
		r.url = to.String()
	}
}

func (c *Client) checkURL(ctx context.Context, address string) (*url.URL, error) {
	u, err := iri.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	if u.Scheme != "https" && !c.cfg.AllowHTTP { // SEC-24
		return nil, fmt.Errorf("%w: scheme %s", ErrURL, u.Scheme)
	}
	if c.cfg.Blocked != nil && c.cfg.Blocked(ctx, u.Host) { // SEC-19
		return nil, fmt.Errorf("%w: %s", ErrBlocked, u.Host)
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

func (c *Client) send(ctx context.Context, r request, u *url.URL, k signature.Knock) (*http.Response, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrURL, err)
	}
	req.Header.Set("Accept", r.accept)
	req.Header.Set("User-Agent", c.cfg.UserAgent)
	if r.body != nil {
		req.Header.Set("Content-Type", ActivityJSON)
	}
	addHeaders(req)
	if r.span != nil {
		r.span.ask(req)
	}
	if r.sign != nil {
		if err := r.sign(req, r.body, k); err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
	}
	return c.http.Do(req)
}

func redirectTarget(resp *http.Response) string {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location")
	}
	return ""
}

func (c *Client) read(resp *http.Response, r request) ([]byte, string, error) {
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		drain(resp)
		return nil, "", statusError(resp, time.Now())
	}
	if r.span != nil && !r.span.answered(resp) {
		drain(resp)
		return nil, "", ErrRange
	}
	contentType := resp.Header.Get("Content-Type")
	if r.ignoreBody {
		drain(resp)
		return nil, contentType, nil
	}
	if r.accepts != nil && !r.accepts(contentType) {
		return nil, "", fmt.Errorf("%w: %q", ErrContentType, contentType)
	}
	// The transport has undone gzip: the limit counts what comes out.
	body, err := io.ReadAll(io.LimitReader(resp.Body, r.limit+1))
	if err != nil {
		return nil, "", fmt.Errorf("read answer: %w", err)
	}
	if int64(len(body)) > r.limit {
		return nil, "", fmt.Errorf("%w: over %d bytes", ErrTooLarge, r.limit)
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType = "application/octet-stream"
	}
	return body, mediaType, nil
}

// drain reads a little so that the connection can serve again.
func drain(resp *http.Response) {
	defer resp.Body.Close()
	// What cannot be read only costs the connection.
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
}

// IsActivity tells whether a content type is ActivityPub's: activity+json, or
// ld+json with the ActivityStreams profile (SEC-26; AP 3.2).
func IsActivity(contentType string) bool { return isActivity(contentType) }

func isActivity(contentType string) bool {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch mediaType {
	case ActivityJSON:
		return true
	case "application/ld+json":
		return slices.Contains(strings.Fields(params["profile"]), activityNS)
	}
	return false
}

func isJSON(contentType string) bool {
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == "application/json" || strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json"))
}
