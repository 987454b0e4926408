package transport

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"github.com/kinemesh/kinemesh/activitypub/signature"
)

// Schemes keeps for good which kind of signature a host has taken.
type Schemes interface {
	// Scheme gives the kind, or "" when the host is not known. A failure is the
	// same as not knowing.
	Scheme(ctx context.Context, host string) signature.Scheme
	// Took notes that the host has taken a request signed so.
	Took(ctx context.Context, host string, s signature.Scheme)
}

// maxHosts bounds the memory of knocks; when full, all are forgotten.
const maxHosts = 20_000

// knocks remembers how hosts want requests signed (federation-behaviours 6).
type knocks struct {
	first  signature.Scheme
	stored Schemes // nil: memory alone

	mu    sync.Mutex
	hosts map[string]habit
}

// habit is how requests to a host are signed. The scheme is stored; the rest
// is found out again after a restart.
type habit struct {
	scheme signature.Scheme // "" while nothing is known
	// wanted is what the host asked for beyond what we sign anyway.
	wanted *signature.Wanted
	// pathOnly says that the host checks GETs without their query.
	pathOnly bool
}

func newKnocks(cfg Config) *knocks {
	k := &knocks{first: cfg.FirstKnock, stored: cfg.Schemes, hosts: map[string]habit{}}
	if k.first == "" {
		k.first = signature.Cavage // every peer takes it
	}
	return k
}

func (k *knocks) habit(ctx context.Context, host string) habit {
	k.mu.Lock()
	h, ok := k.hosts[host]
	k.mu.Unlock()
	if !ok && k.stored != nil {
		h = habit{scheme: k.stored.Scheme(ctx, host)}
	}
	if !ok {
		k.put(host, h)
	}
	return h
}

func (k *knocks) put(host string, h habit) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.hosts) >= maxHosts {
		clear(k.hosts)
	}
	k.hosts[host] = h
}

// opening is how a request to a host is signed at first.
func (k *knocks) opening(ctx context.Context, u *url.URL) signature.Knock {
	h := k.habit(ctx, u.Host)
	s := h.scheme
	if s == "" {
		s = k.first
	}
	if s == signature.RFC9421 {
		return signature.Knock{Scheme: s, Wanted: h.wanted}
	}
	return signature.Knock{Scheme: s, PathOnly: h.pathOnly && u.RawQuery != ""}
}

// took remembers that a host has taken a knock.
func (k *knocks) took(ctx context.Context, host string, n signature.Knock) {
	h := k.habit(ctx, host)
	was := h
	h.scheme, h.pathOnly = n.Scheme, h.pathOnly || n.PathOnly
	if n.Wanted != nil && n.Wanted.Repeatable() {
		h.wanted = n.Wanted
	}
	if h == was {
		return
	}
	k.put(host, h)
	if h.scheme != was.scheme && k.stored != nil {
		k.stored.Took(ctx, host, h.scheme)
	}
}

// doubted are the answers of a server that did not understand the signature.
// 403 is among them since Pleroma's kind answers so; 400 since Mastodon does to
// a signature that it cannot read.
func doubted(status int) bool {
	return status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusForbidden
}

// others lists how to sign after an answer that doubts the first signature: as
// the server asks by Accept-Signature (RFC 9421 5.2), else in the other
// scheme; and a GET answered 401 also without its query (federation-behaviours
// 2).
func others(u *url.URL, first signature.Knock, method string, resp *http.Response) []signature.Knock {
	second := signature.Knock{Scheme: first.Scheme.Other()}
	if w := signature.ParseAcceptSignature(resp.Header); w != nil && (first.Scheme != signature.RFC9421 || w.AsksMore()) {
		second = signature.Knock{Scheme: signature.RFC9421, Wanted: w}
	}
	out := []signature.Knock{second}
	if method == http.MethodGet && u.RawQuery != "" && resp.StatusCode == http.StatusUnauthorized && !first.PathOnly {
		out = append(out, signature.Knock{Scheme: signature.Cavage, PathOnly: true})
	}
	return out
}

// knock sends a signed request and, when the answer doubts the signature, at
// once again signed in another way: to the caller both are one attempt. When
// all are doubted, the first answer counts.
func (c *Client) knock(ctx context.Context, r request, u *url.URL) (*http.Response, error) {
	if r.sign == nil {
		return c.send(ctx, r, u, signature.Knock{})
	}
	first := c.knocks.opening(ctx, u)
	resp, err := c.send(ctx, r, u, first)
	if err != nil {
		return nil, err
	}
	if !doubted(resp.StatusCode) {
		// A document that anybody may read proves nothing of its signature.
		if r.method == http.MethodPost && success(resp) {
			c.knocks.took(ctx, u.Host, first)
		}
		return resp, nil
	}
	for _, k := range others(u, first, r.method, resp) {
		if !spend(ctx) { // SEC-29
			break
		}
		drain(resp)
		resp.Body = http.NoBody
		again, err := c.send(ctx, r, u, k)
		if err != nil {
			return nil, err
		}
		if success(again) {
			c.knocks.took(ctx, u.Host, k)
		}
		if !doubted(again.StatusCode) {
			return again, nil
		}
		drain(again)
	}
	return resp, nil
}

func success(resp *http.Response) bool { return resp.StatusCode/100 == 2 }
