package webfinger

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseHandle(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"alice@a.example", "alice@a.example"},
		{"@alice@a.example", "alice@a.example"},
		{"acct:alice@a.example", "alice@a.example"},
		{"acct:Alice@A.Example", "Alice@a.example"},
		{"alice@a.example:443", "alice@a.example"},
		{"alice@localhost:9011", "alice@localhost:9011"},
		{"alice@a.example.", "alice@a.example"},
		{"a.b_c-d:e@a.example", "a.b_c-d:e@a.example"},
		{"alice@bücher.example", "alice@xn--bcher-kva.example"},
		{"alice@xn--bcher-kva.example", "alice@xn--bcher-kva.example"},
		// refused
		{"", ""},
		{"alice", ""},
		{"@", ""},
		{"@a.example", ""},
		{"alice@", ""},
		{"alice@@a.example", ""},
		{"alice@a.example@b.example", ""},
		{"al ice@a.example", ""},
		{"alice@a.example/x", ""},
		{"аlice@a.example", ""},
		{"alice@a.example\n", ""},
		{"alice@a..example", ""},
		{"alice@127.1", ""},
		{"https://a.example/@alice", ""},
		{strings.Repeat("a", 5000) + "@a.example", ""},
		{"alice@" + strings.Repeat("a.", 2500) + "example", ""},
	} {
		h, err := ParseHandle("https", c.in)
		if c.want == "" {
			if !errors.Is(err, ErrHandle) {
				t.Errorf("ParseHandle(%.40q) = %v, %v", c.in, h, err)
			}
			continue
		}
		if err != nil || h.String() != c.want {
			t.Errorf("ParseHandle(%q) = %v, %v, want %s", c.in, h, err, c.want)
		}
		if again, err := ParseHandle("https", h.Resource()); err != nil || again != h {
			t.Errorf("%q reads as %v again: %v", h.Resource(), again, err)
		}
	}
	a, _ := ParseHandle("https", "Alice@a.example")
	b, _ := ParseHandle("https", "alice@A.EXAMPLE")
	if c, _ := ParseHandle("https", "alice@b.example"); !a.Equal(b) || a.Equal(c) {
		t.Error("handles are compared in lower case")
	}
}

// web is a scripted internet.
type web map[string]string

var errNotThere = errors.New("404")

func (w web) GetJSON(_ context.Context, address string) (json.RawMessage, error) {
	if s, ok := w[address]; ok {
		return json.RawMessage(s), nil
	}
	return nil, errNotThere
}

func (w web) GetFile(_ context.Context, address string, _ int64) ([]byte, string, error) {
	if s, ok := w[address]; ok {
		return []byte(s), "application/xrd+xml", nil
	}
	return nil, "", errNotThere
}

func TestLookup(t *testing.T) {
	const path = "https://a.example/.well-known/webfinger?resource=acct%3Aalice%40a.example"
	self := func(typ, href string) string {
		return `{"subject":"acct:alice@a.example","links":[{"rel":"profile","href":"https://a.example/@alice"},{"rel":"self","type":"` + typ + `","href":"` + href + `"}]}`
	}
	good := self("application/activity+json", "https://a.example/u/alice")
	for _, c := range []struct {
		name string
		web  web
		want string
	}{
		{"plain", web{path: good}, "https://a.example/u/alice"},
		{"ld+json", web{path: self(`application/ld+json; profile=\"https://www.w3.org/ns/activitystreams\"`, "https://a.example/u/alice")}, "https://a.example/u/alice"},
		{"host-meta says where", web{
			"https://a.example/.well-known/host-meta":                                       string(HostMetaXML("https://a.example/sub")),
			"https://a.example/sub/.well-known/webfinger?resource=acct%3Aalice%40a.example": good,
		}, "https://a.example/u/alice"},
		{"host-meta leads elsewhere", web{
			"https://a.example/.well-known/host-meta":                                      string(HostMetaXML("https://evil.example")),
			"https://evil.example/.well-known/webfinger?resource=acct%3Aalice%40a.example": good,
		}, ""},
		{"unknown", web{}, ""},
		{"page instead of an actor", web{path: self("text/html", "https://a.example/@alice")}, ""},
		{"link is no URL", web{path: self("application/activity+json", "javascript:alert(1)")}, ""},
		{"no links", web{path: `{"subject":"acct:alice@a.example"}`}, ""},
		{"no subject", web{path: `{"links":[]}`}, ""},
		{"list", web{path: `[]`}, ""},
		{"wrong types", web{path: `{"subject":5,"links":"x"}`}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := Client{Fetch: c.web, Scheme: "https"}
			r, err := client.Lookup(t.Context(), Handle{"alice", "a.example"})
			if r.Self != c.want || (err == nil) != (c.want != "") {
				t.Errorf("Lookup = %+v, %v", r, err)
			}
		})
	}
}

func TestServerActor(t *testing.T) {
	links := func(href string) string { return `{"links":[{"rel":"` + RelApplication + `","href":"` + href + `"}]}` }
	finger := `{"subject":"acct:peertube@a.example","links":[{"rel":"self","type":"application/activity+json","href":"https://a.example/f"}]}`
	for name, c := range map[string]struct {
		web  web
		want string
	}{
		"nodeinfo":                    {web{"https://a.example/.well-known/nodeinfo": links("https://a.example/n")}, "https://a.example/n"},
		"nodeinfo names another host": {web{"https://a.example/.well-known/nodeinfo": links("https://evil.example/n")}, ""},
		"webfinger":                   {web{"https://a.example/.well-known/webfinger?resource=acct%3Apeertube%40a.example": finger}, "https://a.example/f"},
		"neither":                     {web{}, ""},
	} {
		client := Client{Fetch: c.web, Scheme: "https"}
		if got, err := client.ServerActor(t.Context(), "a.example"); got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestSoftware(t *testing.T) {
	client := Client{Scheme: "https", Fetch: web{
		"https://a.example/.well-known/nodeinfo": `{"links":[{"rel":"` + Rel20 + `","href":"https://a.example/n"}]}`,
		"https://a.example/n":                    string(read(t, "nodeinfo-2.0.json")),
		"https://b.example/.well-known/nodeinfo": `{"links":[{"rel":"` + Rel20 + `","href":"https://a.example/n"}]}`,
	}}
	if name, version, err := client.Software(t.Context(), "a.example"); name != "peertube" || version != "6.3.2" || err != nil {
		t.Errorf("Software = %s %s %v", name, version, err)
	}
	if _, _, err := client.Software(t.Context(), "b.example"); err == nil {
		t.Error("nodeinfo of another host believed")
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("../testdata/docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestDocuments compares ours with those that PeerTube answers.
func TestDocuments(t *testing.T) {
	const origin = "http://localhost:9011"
	compare := func(name string, ours any, theirs []byte) {
		t.Helper()
		raw, err := json.Marshal(ours)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(raw, &a) != nil || json.Unmarshal(theirs, &b) != nil {
			t.Fatal("no JSON")
		}
		if diff := cmp.Diff(b, a); diff != "" {
			t.Errorf("%s (-PeerTube +ours):\n%s", name, diff)
		}
	}
	compare("webfinger", Answer(origin, Handle{"alice", "localhost:9011"}, origin+"/accounts/alice"), read(t, "webfinger-account.json"))
	links := NodeInfoLinks(origin, origin+"/accounts/peertube")
	links.Links = append(links.Links[:1], links.Links[2]) // PeerTube has no 2.1
	compare("nodeinfo links", links, read(t, "nodeinfo-wellknown.json"))
	if ours, theirs := string(HostMetaXML(origin)), string(read(t, "host-meta.xml")); ours != theirs {
		t.Errorf("host-meta %s, PeerTube %s", ours, theirs)
	}
	if got := ParseHostMeta(HostMetaXML("https://a.example/?a&b")); got != "https://a.example/?a&b/.well-known/webfinger?resource={uri}" {
		t.Errorf("host-meta read back: %s", got)
	}
	raw, _ := json.Marshal(HostMetaJSON(origin))
	if got := ParseHostMeta(raw); got != origin+"/.well-known/webfinger?resource={uri}" {
		t.Errorf("host-meta.json read back: %s", got)
	}
	for version, repository := range map[string]bool{"2.0": false, "2.1": true} {
		n := NewNodeInfo(version, Software{Name: "kinemesh", Version: "1", Repository: "https://a.example/code"})
		raw, _ := json.Marshal(n)
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		if m["version"] != version || (n.Software.Repository != "") != repository {
			t.Errorf("nodeinfo %s: %s", version, raw)
		}
		for _, key := range []string{"software", "protocols", "services", "openRegistrations", "usage", "metadata"} {
			if m[key] == nil {
				t.Errorf("nodeinfo %s has no %s", version, key)
			}
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"subject":"acct:a@b.example","links":[{"rel":"self","type":"application/activity+json","href":"https://b.example/a"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if r, err := parseAnswer("https", raw); err == nil && (r.Self == "" || r.Subject.Host == "") {
			t.Fatalf("%q gives %+v", raw, r)
		}
		ParseHostMeta(raw)
		linkOf(raw, Rel20)
	})
}

func FuzzHandle(f *testing.F) {
	f.Add("acct:alice@a.example:8443")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHandle("https", s)
		if err != nil {
			return
		}
		if again, err := ParseHandle("https", h.String()); err != nil || again != h {
			t.Fatalf("%q gives %v, then %v, %v", s, h, again, err)
		}
	})
}
