package web

import (
	"encoding/json"
	"flag"
	"fmt"
	"html/template"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "write the golden files again")

const evil = `</script><script>alert(1)</script>"'><img src=x onerror=alert(2)>`

func testPages(t *testing.T) *Pages {
	t.Helper()
	p, err := NewPages(embedded(t), true)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shell(path string) Shell {
	return Shell{Instance: "Test Tube", Origin: "https://tube.example", Path: path, Version: "1.0"}
}

func sampleWatch() *WatchPage {
	return &WatchPage{
		Shell: shell("/w/abc"),
		Player: Player{
			Label: "Low tide", HLS: "/static/streaming-playlists/hls/u/m.m3u8",
			Sources: []Source{
				{"/static/streaming-playlists/hls/u/m.m3u8", "application/vnd.apple.mpegurl"},
				{"/static/web-videos/u-720.mp4", "video/mp4"},
			},
			Poster: "/lazy-static/previews/p.jpg", Duration: 83, P2P: true,
			Trackers: []string{"wss://tube.example/tracker/socket"}, SHA256: "/static/streaming-playlists/hls/u/s.json",
			Swarm: "https://tube.example/static/streaming-playlists/hls/u/m.m3u8", ICEServers: []string{"stun:stun.example:3478"},
		},
		UUID: "9c9de5e8-0a1e-484a-b099-e80766180a6d", Title: "Low tide", URL: "/w/abc", EmbedURL: "/videos/embed/abc",
		OEmbedURL:   "/services/oembed?url=https%3A%2F%2Ftube.example%2Fw%2Fabc",
		ActivityPub: "https://tube.example/videos/watch/9c9de5e8-0a1e-484a-b099-e80766180a6d",
		Published:   time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Views: 1234,
		Channel: Person{Name: "Shore Films", Handle: "@shore", URL: "/c/shore"},
		Account: Person{Name: "Mara", Handle: "@mara", URL: "/a/mara"}, Followers: 12,
		Description: "<p>One pool.</p>", Summary: "One pool.", Tags: []Chip{{Label: "sea", URL: "/search?search=sea"}},
		Details:   []Detail{{Name: "Licence", Value: "Attribution"}},
		Downloads: []DownloadFile{{Label: "720p", Size: 5e6, URL: "/download/web-videos/u-720.mp4", Torrent: "/download/torrents/t.torrent", Magnet: "magnet:?xt=urn:btih:aa"}},
		Width:     1280, Height: 720, Indexed: true, FileURL: "https://tube.example/static/web-videos/u-720.mp4",
	}
}

// render runs f and returns the page, parsed.
func render(t *testing.T, f func(w *httptest.ResponseRecorder) error) (*httptest.ResponseRecorder, *html.Node) {
	t.Helper()
	w := httptest.NewRecorder()
	if err := f(w); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(strings.NewReader(w.Body.String()))
	if err != nil {
		t.Fatal(err)
	}
	return w, doc
}

// elements returns every element named tag.
func elements(n *html.Node, tag string) (out []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == tag {
			out = append(out, d)
		}
	}
	return out
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// meta lists what a preview of the page is made of.
func meta(doc *html.Node) string {
	var b strings.Builder
	for _, n := range elements(doc, "title") {
		fmt.Fprintf(&b, "title: %s\n", text(n))
	}
	for _, n := range elements(doc, "meta") {
		if key := attr(n, "property") + attr(n, "name"); key != "" && key != "viewport" && key != "theme-color" {
			fmt.Fprintf(&b, "%s: %s\n", key, attr(n, "content"))
		}
	}
	for _, n := range elements(doc, "link") {
		if rel := attr(n, "rel"); rel == "canonical" || rel == "alternate" {
			fmt.Fprintf(&b, "%s %s: %s\n", rel, attr(n, "type"), attr(n, "href"))
		}
	}
	for _, n := range elements(doc, "script") {
		if attr(n, "type") == "application/ld+json" {
			var v any
			if err := json.Unmarshal([]byte(text(n)), &v); err != nil {
				fmt.Fprintf(&b, "ld+json: %v\n", err)
				continue
			}
			raw, _ := json.MarshalIndent(v, "", "  ")
			fmt.Fprintf(&b, "ld+json: %s\n", raw)
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestMetaTags(t *testing.T) {
	p := testPages(t)
	_, watch := render(t, func(w *httptest.ResponseRecorder) error { return p.Watch(w, sampleWatch()) })
	golden(t, "watch.meta", meta(watch))

	_, home := render(t, func(w *httptest.ResponseRecorder) error {
		return p.List(w, &ListPage{Shell: shell("/"), Canonical: "/"})
	})
	golden(t, "home.meta", meta(home))

	_, channel := render(t, func(w *httptest.ResponseRecorder) error {
		return p.Actor(w, &ActorPage{
			ListPage: ListPage{Shell: shell("/c/shore"), Title: "Shore Films", Canonical: "/c/shore"},
			Name:     "Shore Films", Handle: "shore@tube.example", Avatar: "/lazy-static/avatars/a.png", Summary: "Slow films",
			ActivityPub: "https://tube.example/video-channels/shore",
		})
	})
	golden(t, "channel.meta", meta(channel))
}

func TestPrivateVideosAreNotIndexed(t *testing.T) {
	p := testPages(t)
	v := sampleWatch()
	v.Indexed = false
	_, doc := render(t, func(w *httptest.ResponseRecorder) error { return p.Watch(w, v) })
	if !strings.Contains(meta(doc), "robots: noindex") {
		t.Error("an unlisted video may be indexed")
	}
	_, doc = render(t, func(w *httptest.ResponseRecorder) error { return p.Watch(w, sampleWatch()) })
	if strings.Contains(meta(doc), "robots:") {
		t.Error("a public video is kept from search engines")
	}
}

// allPages renders every page with text in every place that others can fill.
func allPages(p *Pages, text string) map[string]func(w *httptest.ResponseRecorder) error {
	sh := shell("/")
	sh.Query, sh.Instance = text, text
	sh.Viewer = Viewer{SignedIn: true, Username: "mara", Name: text, Admin: true}
	cards := []Card{{URL: "/w/1", Title: text, Thumbnail: "/t.jpg", Channel: text, ChannelURL: "/c/1", Host: text, Badge: text, NSFW: true}}
	list := ListPage{Shell: sh, Title: text, Intro: text, Chips: []Chip{{Label: text, URL: "/"}}, Cards: cards, Pager: Pager{Next: "/?start=1"}, Canonical: "/"}
	watch := sampleWatch()
	watch.Shell, watch.Title, watch.Player.Label, watch.Summary, watch.Host, watch.Badge = sh, text, text, text, text, text
	watch.Channel.Name, watch.Account.Handle, watch.Tags[0].Label = text, text, text
	watch.Details[0].Value, watch.Details[0].URL = text, "javascript:alert(1)"
	watch.Downloads[0].Magnet = "javascript:alert(1)"
	watch.Player.Trackers, watch.Player.Swarm = []string{text}, text
	watch.Next = cards
	embed := &EmbedPage{Shell: sh, Player: watch.Player, Title: text, URL: "/w/1", ShowTitle: true}
	people := []Person{{Name: text, Handle: text, URL: "/c/1", Note: text}}
	return map[string]func(w *httptest.ResponseRecorder) error{
		"home": func(w *httptest.ResponseRecorder) error { return p.List(w, &list) },
		"search": func(w *httptest.ResponseRecorder) error {
			return p.Search(w, &SearchPage{ListPage: list, Term: text, Channels: people, Resolved: text})
		},
		"actor": func(w *httptest.ResponseRecorder) error {
			return p.Actor(w, &ActorPage{ListPage: list, Name: text, Handle: text, Summary: text, OwnerName: text, OwnerURL: "/a/1", Channels: people, Remote: true, RemoteURL: "https://x.example"})
		},
		"watch": func(w *httptest.ResponseRecorder) error { return p.Watch(w, watch) },
		"embed": func(w *httptest.ResponseRecorder) error { return p.Embed(w, embed) },
		"login": func(w *httptest.ResponseRecorder) error {
			return p.Login(w, 400, &LoginPage{Shell: sh, Username: text, Error: text, Return: text})
		},
		"publish": func(w *httptest.ResponseRecorder) error {
			return p.Publish(w, &PublishPage{Shell: sh, Channels: []Option{{Value: text, Label: text}}})
		},
		"error": func(w *httptest.ResponseRecorder) error {
			return p.Error(w, &ErrorPage{Shell: sh, Status: 404, Title: text, Text: text, RequestID: text})
		},
	}
}

// SEC-39: text of others stays text in elements, attributes and JSON.
func TestTextNeverBecomesMarkup(t *testing.T) {
	p := testPages(t)
	plain := allPages(p, "harmless")
	for name, f := range allPages(p, evil) {
		t.Run(name, func(t *testing.T) {
			w, doc := render(t, f)
			_, twin := render(t, plain[name])
			for _, tag := range []string{"script", "img", "iframe", "a", "input"} {
				if got, want := len(elements(doc, tag)), len(elements(twin, tag)); got != want {
					t.Errorf("%d <%s>, %d with harmless text", got, tag, want)
				}
			}
			for d := range doc.Descendants() {
				for _, a := range d.Attr {
					if strings.HasPrefix(a.Key, "on") || strings.Contains(strings.ToLower(a.Val), "javascript:") {
						t.Errorf("<%s %s=%q>", d.Data, a.Key, a.Val)
					}
					if a.Key == "style" {
						t.Errorf("<%s style=%q>: the content policy forbids it", d.Data, a.Val)
					}
				}
			}
			for _, s := range elements(doc, "script") {
				switch attr(s, "type") {
				case "application/ld+json":
					if strings.ContainsAny(text(s), "<>&\u2028\u2029") || !json.Valid([]byte(text(s))) {
						t.Errorf("JSON-LD is not safe: %s", text(s))
					}
				default:
					if attr(s, "src") == "" {
						t.Error("an inline script, which the content policy forbids")
					}
				}
			}
			if w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
				t.Errorf("type %q", w.Header().Get("Content-Type"))
			}
		})
	}
}

func TestPlayerAttributes(t *testing.T) {
	p := testPages(t)
	_, doc := render(t, func(w *httptest.ResponseRecorder) error { return p.Watch(w, sampleWatch()) })
	player := elements(doc, "kinemesh-player")[0]
	for name, want := range map[string]string{
		"hls": "/static/streaming-playlists/hls/u/m.m3u8", "duration": "83", "label": "Low tide",
		"trackers": `["wss://tube.example/tracker/socket"]`, "ice": `[{"urls":"stun:stun.example:3478"}]`,
		"swarm":  "https://tube.example/static/streaming-playlists/hls/u/m.m3u8",
		"sha256": "/static/streaming-playlists/hls/u/s.json",
	} {
		if got := attr(player, name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	// Without JavaScript: HLS for browsers that play it, then a file.
	video := elements(player, "video")[0]
	sources := elements(video, "source")
	if len(sources) != 2 || attr(sources[0], "type") != "application/vnd.apple.mpegurl" || attr(sources[1], "type") != "video/mp4" {
		t.Errorf("sources: %d", len(sources))
	}
	if !hasAttr(video, "controls") || attr(video, "poster") == "" {
		t.Error("the video has no controls or no poster")
	}

	v := sampleWatch()
	v.Player.P2P, v.Player.Autoplay = false, true
	_, doc = render(t, func(w *httptest.ResponseRecorder) error { return p.Watch(w, v) })
	player = elements(doc, "kinemesh-player")[0]
	if hasAttr(player, "p2p") || hasAttr(player, "trackers") || !hasAttr(player, "autoplay") {
		t.Error("peers are announced although they are not allowed")
	}

	v = sampleWatch()
	v.Player.Notice = "This video is being prepared"
	_, doc = render(t, func(w *httptest.ResponseRecorder) error { return p.Watch(w, v) })
	if len(elements(doc, "video")) != 0 || !strings.Contains(text(doc), "being prepared") {
		t.Error("a video that is not ready shows a player")
	}
}

func hasAttr(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func TestErrorPages(t *testing.T) {
	p := testPages(t)
	for status, words := range map[int]string{
		401: "Please log in", 403: "You may not see this", 404: "Nothing here", 410: "This was deleted", 500: "Something went wrong", 418: "Something went wrong",
	} {
		w, doc := render(t, func(w *httptest.ResponseRecorder) error {
			return p.Error(w, &ErrorPage{Shell: shell("/x"), Status: status, RequestID: "abc"})
		})
		if w.Code != status || !strings.Contains(text(doc), words) || !strings.Contains(text(doc), "abc") {
			t.Errorf("%d: status %d, %q", status, w.Code, text(elements(doc, "main")[0]))
		}
	}
}

func TestListStates(t *testing.T) {
	p := testPages(t)
	_, doc := render(t, func(w *httptest.ResponseRecorder) error {
		return p.List(w, &ListPage{Shell: shell("/"), Empty: Empty{Title: "No videos yet", Link: "/videos/upload", Action: "Publish one"}})
	})
	if main := elements(doc, "main")[0]; !strings.Contains(text(main), "No videos yet") || !strings.Contains(text(main), "Publish one") {
		t.Errorf("empty list: %q", text(main))
	}
	cards := make([]Card, 8)
	for i := range cards {
		cards[i] = Card{URL: fmt.Sprintf("/w/%d", i), Title: "T", Thumbnail: "/t.jpg", Channel: "C", ChannelURL: "/c/c"}
	}
	_, doc = render(t, func(w *httptest.ResponseRecorder) error {
		return p.List(w, &ListPage{Shell: shell("/"), Cards: cards, Pager: Pager{Next: "/?start=8"}})
	})
	lazy := 0
	for _, img := range elements(elements(doc, "main")[0], "img") {
		if attr(img, "loading") == "lazy" {
			lazy++
		}
	}
	if lazy != 2 {
		t.Errorf("%d pictures load late, want all after the sixth", lazy)
	}
	if !strings.Contains(text(doc), "Show more") {
		t.Error("no way to the rest of the list")
	}
}

func TestMenusFollowTheViewer(t *testing.T) {
	p := testPages(t)
	for _, tt := range []struct {
		name   string
		viewer Viewer
		want   []string
		not    []string
	}{
		{"anonymous", Viewer{}, []string{"/login"}, []string{"/logout", "/admin/"}},
		{"user", Viewer{SignedIn: true, Username: "mara", Name: "Mara"}, []string{"/logout", "/a/mara", "/videos/upload"}, []string{`href="/login"`, "/admin/"}},
		{"admin", Viewer{SignedIn: true, Username: "root", Name: "Root", Admin: true}, []string{"/admin/system/jobs/queues/"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := shell("/")
			s.Viewer = tt.viewer
			w, _ := render(t, func(w *httptest.ResponseRecorder) error { return p.List(w, &ListPage{Shell: s}) })
			for _, x := range tt.want {
				if !strings.Contains(w.Body.String(), x) {
					t.Errorf("no %s", x)
				}
			}
			for _, x := range tt.not {
				if strings.Contains(w.Body.String(), x) {
					t.Errorf("%s is offered", x)
				}
			}
		})
	}
}

func TestThemeAndSizes(t *testing.T) {
	p := testPages(t)
	s := shell("/")
	s.Theme = "dark"
	cards := make([]Card, 24)
	for i := range cards {
		cards[i] = Card{URL: fmt.Sprintf("/w/%022d", i), Title: strings.Repeat("word ", 12), Thumbnail: fmt.Sprintf("/lazy-static/thumbnails/%036d.jpg", i), Channel: "Some channel", ChannelURL: "/c/some_channel@peer.example", Host: "peer.example"}
	}
	w, doc := render(t, func(w *httptest.ResponseRecorder) error { return p.List(w, &ListPage{Shell: s, Cards: cards}) })
	if attr(elements(doc, "html")[0], "data-theme") != "dark" {
		t.Error("the chosen theme is not in the first answer")
	}
	if n := gzipped(t, w.Body.Bytes()); n > 20_000 {
		t.Errorf("home weighs %d bytes, budget 20000", n)
	}
	v := sampleWatch()
	v.Next, v.Description = cards[:12], template.HTML("<p>"+strings.Repeat("Some words of text. ", 300)+"</p>")
	w, _ = render(t, func(w *httptest.ResponseRecorder) error { return p.Watch(w, v) })
	if n := gzipped(t, w.Body.Bytes()); n > 20_000 {
		t.Errorf("watch weighs %d bytes, budget 20000", n)
	}
}

func TestMagnetURL(t *testing.T) {
	if got := (DownloadFile{Magnet: "magnet:?xt=urn:btih:aa"}).MagnetURL(); got != "magnet:?xt=urn:btih:aa" {
		t.Errorf("a magnet link became %q", got)
	}
	if got := (DownloadFile{Magnet: "javascript:alert(1)"}).MagnetURL(); got != "" {
		t.Errorf("%q is let through", got)
	}
}
