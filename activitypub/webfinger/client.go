package webfinger

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub/iri"
)

// Errors of look-ups.
var (
	ErrAnswer = errors.New("unusable answer")
	ErrNoSelf = errors.New("no ActivityPub link")
)

// Fetcher is what a Client needs of transport.
type Fetcher interface {
	GetJSON(ctx context.Context, address string) (json.RawMessage, error)
	GetFile(ctx context.Context, address string, maxBytes int64) (body []byte, mediaType string, err error)
}

// Client looks names up. Scheme is https, or http in test mode.
type Client struct {
	Fetch  Fetcher
	Scheme string
}

// Result is what a host says about a handle. Nothing in it is proven: the
// caller fetches Self and checks that the actor's own host answers for the
// same handle (SEC-20).
type Result struct {
	Subject Handle
	Self    string // IRI of the actor
}

// Lookup asks h.Host for h (RFC 7033). When the WebFinger path is unknown
// there, host-meta is asked for another one.
func (c *Client) Lookup(ctx context.Context, h Handle) (Result, error) {
	address := c.Scheme + "://" + h.Host + "/.well-known/webfinger?resource=" + url.QueryEscape(h.Resource())
	raw, err := c.Fetch.GetJSON(ctx, address)
	if err != nil {
		other, metaErr := c.template(ctx, h)
		if metaErr != nil || other == address {
			return Result{}, fmt.Errorf("webfinger %s: %w", h, err)
		}
		if raw, err = c.Fetch.GetJSON(ctx, other); err != nil {
			return Result{}, fmt.Errorf("webfinger %s: %w", h, err)
		}
	}
	return parseAnswer(c.Scheme, raw)
}

func parseAnswer(scheme string, raw []byte) (Result, error) {
	var doc Document
	if err := json.Unmarshal(raw, &doc); err != nil {
		return Result{}, fmt.Errorf("%w: webfinger", ErrAnswer)
	}
	subject, err := ParseHandle(scheme, doc.Subject)
	if err != nil {
		return Result{}, fmt.Errorf("%w: subject: %w", ErrAnswer, err)
	}
	for _, l := range doc.Links {
		if l.Rel == "self" && isActivityType(l.Type) && iri.Valid(l.Href) {
			return Result{Subject: subject, Self: l.Href}, nil
		}
	}
	return Result{}, ErrNoSelf
}

func isActivityType(t string) bool {
	return t == ActivityType || strings.HasPrefix(t, "application/ld+json") && strings.Contains(t, "https://www.w3.org/ns/activitystreams")
}

const maxHostMeta = 64 << 10

// template asks host-meta where WebFinger lies. The answer must stay on the
// host that was asked.
func (c *Client) template(ctx context.Context, h Handle) (string, error) {
	body, _, err := c.Fetch.GetFile(ctx, c.Scheme+"://"+h.Host+"/.well-known/host-meta", maxHostMeta)
	if err != nil {
		return "", err
	}
	t := ParseHostMeta(body)
	address := strings.ReplaceAll(t, "{uri}", url.QueryEscape(h.Resource()))
	if iri.Host(address) != h.Host {
		return "", fmt.Errorf("%w: host-meta", ErrAnswer)
	}
	return address, nil
}

// ParseHostMeta gives the lrdd template of a host-meta document in XML or
// JSON, "" when there is none.
func ParseHostMeta(body []byte) string {
	type link struct {
		Rel      string `xml:"rel,attr" json:"rel"`
		Template string `xml:"template,attr" json:"template"`
	}
	var doc struct {
		Links []link `xml:"Link" json:"links"`
	}
	if json.Unmarshal(body, &doc) != nil && xml.Unmarshal(body, &doc) != nil {
		return ""
	}
	for _, l := range doc.Links {
		if l.Rel == "lrdd" && strings.Contains(l.Template, "{uri}") {
			return l.Template
		}
	}
	return ""
}

// ServerActor finds the instance actor of a host: the NodeInfo link that
// PeerTube gives (PT federation 5), else WebFinger of peertube@host.
func (c *Client) ServerActor(ctx context.Context, host string) (string, error) {
	raw, err := c.Fetch.GetJSON(ctx, c.Scheme+"://"+host+"/.well-known/nodeinfo")
	if err == nil {
		if l := linkOf(raw, RelApplication); iri.Host(l) == host {
			return l, nil
		}
	}
	r, err := c.Lookup(ctx, Handle{Name: "peertube", Host: host})
	if err != nil {
		return "", err
	}
	return r.Self, nil
}

// Software asks a host's NodeInfo what runs there.
func (c *Client) Software(ctx context.Context, host string) (name, version string, err error) {
	raw, err := c.Fetch.GetJSON(ctx, c.Scheme+"://"+host+"/.well-known/nodeinfo")
	if err != nil {
		return "", "", fmt.Errorf("nodeinfo of %s: %w", host, err)
	}
	for _, rel := range []string{Rel21, Rel20} {
		address := linkOf(raw, rel)
		if iri.Host(address) != host {
			continue
		}
		body, err := c.Fetch.GetJSON(ctx, address)
		if err != nil {
			return "", "", fmt.Errorf("nodeinfo of %s: %w", host, err)
		}
		var doc NodeInfo
		if json.Unmarshal(body, &doc) != nil {
			return "", "", fmt.Errorf("nodeinfo of %s: %w", host, ErrAnswer)
		}
		return clip(doc.Software.Name), clip(doc.Software.Version), nil
	}
	return "", "", fmt.Errorf("nodeinfo of %s: %w", host, ErrAnswer)
}

func clip(s string) string { return s[:min(len(s), 100)] }

func linkOf(raw []byte, rel string) string {
	var doc struct{ Links []Link }
	if json.Unmarshal(raw, &doc) != nil {
		return ""
	}
	for _, l := range doc.Links {
		if l.Rel == rel && iri.Valid(l.Href) {
			return l.Href
		}
	}
	return ""
}
