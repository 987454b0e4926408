package webfinger

import (
	"encoding/xml"
	"fmt"
)

// Link relations and types.
const (
	ActivityType   = "application/activity+json"
	RelSubscribe   = "http://ostatus.org/schema/1.0/subscribe"
	RelApplication = "https://www.w3.org/ns/activitystreams#Application"
	Rel20          = "http://nodeinfo.diaspora.software/ns/schema/2.0"
	Rel21          = "http://nodeinfo.diaspora.software/ns/schema/2.1"
)

// Document is a WebFinger answer (RFC 7033 4.4).
type Document struct {
	Subject string   `json:"subject"`
	Aliases []string `json:"aliases,omitempty"`
	Links   []Link   `json:"links"`
}

// Link is one link of an answer.
type Link struct {
	Rel      string `json:"rel"`
	Type     string `json:"type,omitempty"`
	Href     string `json:"href,omitempty"`
	Template string `json:"template,omitempty"`
}

// Answer is what we say about one of our actors, as PeerTube does.
func Answer(origin string, h Handle, actor string) Document {
	return Document{
		Subject: h.Resource(),
		Aliases: []string{actor},
		Links: []Link{
			{Rel: "self", Type: ActivityType, Href: actor},
			{Rel: RelSubscribe, Template: origin + "/remote-interaction?uri={uri}"},
		},
	}
}

func lrdd(origin string) string { return origin + "/.well-known/webfinger?resource={uri}" }

// HostMetaXML is our host-meta document (RFC 6415).
func HostMetaXML(origin string) []byte {
	var escaped xmlText
	if err := xml.EscapeText(&escaped, []byte(lrdd(origin))); err != nil {
		return nil
	}
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">
  <Link rel="lrdd" type="application/xrd+xml" template="%s"/>
</XRD>`, escaped)
}

type xmlText []byte

func (t *xmlText) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	return len(p), nil
}

// HostMetaJSON is the same in JSON (RFC 6415 3).
func HostMetaJSON(origin string) Document {
	return Document{Links: []Link{{Rel: "lrdd", Type: "application/jrd+json", Template: lrdd(origin)}}}
}

// Discovery is /.well-known/nodeinfo.
type Discovery struct {
	Links []Link `json:"links"`
}

// NodeInfoLinks names our NodeInfo documents and, as PeerTube does, the
// instance actor.
func NodeInfoLinks(origin, instanceActor string) Discovery {
	return Discovery{Links: []Link{
		{Rel: Rel20, Href: origin + "/nodeinfo/2.0.json"},
		{Rel: Rel21, Href: origin + "/nodeinfo/2.1.json"},
		{Rel: RelApplication, Href: instanceActor},
	}}
}

// NodeInfo is a NodeInfo document, schema 2.0 or 2.1.
type NodeInfo struct {
	Version           string         `json:"version"`
	Software          Software       `json:"software"`
	Protocols         []string       `json:"protocols"`
	Services          Services       `json:"services"`
	OpenRegistrations bool           `json:"openRegistrations"`
	Usage             Usage          `json:"usage"`
	Metadata          map[string]any `json:"metadata"`
}

// Software names what runs here; Repository and Homepage are 2.1 only.
type Software struct {
	Name       string `json:"name"`
	Version    string `json:"version"`
	Repository string `json:"repository,omitempty"`
	Homepage   string `json:"homepage,omitempty"`
}

// Services lists what else is spoken.
type Services struct {
	Inbound  []string `json:"inbound"`
	Outbound []string `json:"outbound"`
}

// Usage holds the numbers.
type Usage struct {
	Users         Users `json:"users"`
	LocalPosts    int64 `json:"localPosts"`
	LocalComments int64 `json:"localComments"`
}

// Users counts local users.
type Users struct {
	Total          int64 `json:"total"`
	ActiveMonth    int64 `json:"activeMonth"`
	ActiveHalfyear int64 `json:"activeHalfyear"`
}

// NewNodeInfo fills what never changes; version is "2.0" or "2.1".
func NewNodeInfo(version string, s Software) NodeInfo {
	if version == "2.0" {
		s.Repository, s.Homepage = "", ""
	}
	return NodeInfo{
		Version: version, Software: s, Protocols: []string{"activitypub"},
		Services: Services{Inbound: []string{}, Outbound: []string{"atom1.0", "rss2.0"}},
		Metadata: map[string]any{"taxonomy": map[string]string{"postsName": "Videos"}},
	}
}

// NodeInfoType is the content type of a NodeInfo document.
func NodeInfoType(version string) string {
	return fmt.Sprintf(`application/json; charset=utf-8; profile="http://nodeinfo.diaspora.software/ns/schema/%s#"`, version)
}
