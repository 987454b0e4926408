package feed

import (
	"cmp"
	"context"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/chapter"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	nsPodcast = "https://podcastindex.org/namespace/1.0"
	nsItunes  = "http://www.itunes.com/dtds/podcast-1.0.dtd"
)

// podcastNamespace is that of podcast:guid (Podcasting 2.0).
var podcastNamespace = uuid.MustParse("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")

type podcastDoc struct {
	XMLName xml.Name       `xml:"rss"`
	Version string         `xml:"version,attr"`
	Podcast string         `xml:"xmlns:podcast,attr"`
	Itunes  string         `xml:"xmlns:itunes,attr"`
	DC      string         `xml:"xmlns:dc,attr"`
	Content string         `xml:"xmlns:content,attr"`
	Atom    string         `xml:"xmlns:atom,attr"`
	Channel podcastChannel `xml:"channel"`
}

type podcastChannel struct {
	Title       string        `xml:"title"`
	Link        string        `xml:"link"`
	Description string        `xml:"description"`
	Language    string        `xml:"language,omitempty"`
	Built       string        `xml:"lastBuildDate"`
	Docs        string        `xml:"docs"`
	Generator   string        `xml:"generator"`
	GUID        string        `xml:"podcast:guid"`
	Medium      string        `xml:"podcast:medium"`
	Locked      podcastLocked `xml:"podcast:locked"`
	Person      podcastPerson `xml:"podcast:person"`
	Author      string        `xml:"itunes:author"`
	Owner       string        `xml:"itunes:owner>itunes:name"`
	Category    itunesText    `xml:"itunes:category"`
	Explicit    bool          `xml:"itunes:explicit"`
	Cover       *itunesImage  `xml:"itunes:image"`
	Image       *rssImage     `xml:"image"`
	Copyright   string        `xml:"copyright"`
	Self        rssSelf       `xml:"atom:link"`
	Items       []podcastItem `xml:"item"`
}

type podcastLocked struct {
	Text string `xml:",chardata"`
}

type podcastPerson struct {
	Href string `xml:"href,attr,omitempty"`
	Name string `xml:",chardata"`
}

type itunesText struct {
	Text string `xml:"text,attr"`
}

type itunesImage struct {
	Href string `xml:"href,attr"`
}

type podcastItem struct {
	Title       string              `xml:"title"`
	Link        string              `xml:"link"`
	GUID        podcastGUID         `xml:"guid"`
	Date        string              `xml:"pubDate"`
	Description string              `xml:"description,omitempty"`
	Content     string              `xml:"content:encoded,omitempty"`
	Creator     string              `xml:"dc:creator"`
	Person      podcastPerson       `xml:"podcast:person"`
	Category    string              `xml:"category,omitempty"`
	Trackers    []string            `xml:"podcast:tracker"`
	Interact    podcastInteract     `xml:"podcast:socialInteract"`
	Transcripts []podcastTranscript `xml:"podcast:transcript"`
	Chapters    *podcastChapters    `xml:"podcast:chapters"`
	License     string              `xml:"podcast:license,omitempty"`
	Enclosure   *rssEnclosure       `xml:"enclosure"`
	Alternates  []podcastAlternate  `xml:"podcast:alternateEnclosure"`
	Duration    int                 `xml:"itunes:duration"`
	Image       *itunesImage        `xml:"itunes:image"`
	Explicit    bool                `xml:"itunes:explicit"`
}

type podcastGUID struct {
	Permanent bool   `xml:"isPermaLink,attr"`
	Text      string `xml:",chardata"`
}

type podcastInteract struct {
	URI      string `xml:"uri,attr"`
	Protocol string `xml:"protocol,attr"`
	Account  string `xml:"accountUrl,attr"`
}

type podcastTranscript struct {
	URL      string `xml:"url,attr"`
	Type     string `xml:"type,attr"`
	Language string `xml:"language,attr"`
	Rel      string `xml:"rel,attr"`
}

type podcastChapters struct {
	URL  string `xml:"url,attr"`
	Type string `xml:"type,attr"`
}

type podcastAlternate struct {
	Type    string          `xml:"type,attr"`
	Length  int64           `xml:"length,attr,omitempty"`
	Bitrate float64         `xml:"bitrate,attr,omitempty"`
	Height  int             `xml:"height,attr,omitempty"`
	Lang    string          `xml:"lang,attr,omitempty"`
	Title   string          `xml:"title,attr"`
	Default bool            `xml:"default,attr"`
	Sources []podcastSource `xml:"podcast:source"`
}

type podcastSource struct {
	URI  string `xml:"uri,attr"`
	Type string `xml:"contentType,attr,omitempty"`
}

// podcast is the feed of a channel for podcast players.
func (s *Service) podcast(c echo.Context) error {
	ctx := c.Request().Context()
	if c.QueryParam("videoChannelId") == "" {
		return rest.Invalid("query", "videoChannelId", "Should be the id of a channel", nil)
	}
	kind := acceptable(c.Request().Header.Get("Accept"), formats["rss"].types)
	if kind == "" {
		return &rest.Problem{Status: http.StatusNotAcceptable, Detail: "You should accept " + typeRSS}
	}
	who, err := s.owner(c)
	if err != nil {
		return err
	}
	ch, err := s.o.Channels.ChannelByID(ctx, who.channelID)
	if err != nil {
		return missing(err, "Video channel not found")
	}
	f, err := s.filter(c)
	if err != nil {
		return err
	}
	f.ChannelID, f.Page.Count, f.NSFW = who.channelID, maxEpisodes, nil
	out, err := s.newFeed(ctx)
	if err != nil {
		return err
	}
	out.about(*who, s.urls.Origin)
	if err := s.fill(ctx, out, f); err != nil {
		return err
	}
	out.Self = s.self(c)
	account := s.o.Channels.APIAccountSummary(ch.Account)
	name := cmp.Or(account.DisplayName, account.Name)
	doc := podcastDoc{
		Version: "2.0", Podcast: nsPodcast, Itunes: nsItunes, DC: nsDC, Content: nsContent, Atom: nsAtom,
		Channel: podcastChannel{
			Title: out.Title, Link: out.Link, Description: out.Description, Built: httpDate(out.Updated), Docs: rssDocs,
			Generator: out.Generator, GUID: podcastID(out.Self), Medium: "video", Locked: podcastLocked{"no"},
			Person: podcastPerson{s.page("/a/", account.Name, account.Host), name}, Author: name, Owner: name, Category: itunesText{"TV & Film"},
			Copyright: out.Rights, Self: rssSelf{out.Self, "self", typeRSS},
		},
	}
	// Players of podcasts show JPEG and PNG alone, which avatars are.
	if out.Image != s.urls.Origin+iconPath {
		doc.Channel.Cover, doc.Channel.Image = &itunesImage{out.Image}, &rssImage{out.Title, out.Image, out.Link}
	}
	for i := range out.Items {
		e := s.episode(&out.Items[i], doc.Channel.Person)
		doc.Channel.Explicit = doc.Channel.Explicit || e.Explicit
		doc.Channel.Items = append(doc.Channel.Items, e)
	}
	body, err := encodeXML(doc)
	if err != nil {
		return err
	}
	return answer(c, kind, false, body)
}

// podcastID is the podcast:guid of a feed: of its address without the scheme and
// slashes at the end.
func podcastID(self string) string {
	_, rest, _ := strings.Cut(self, "://")
	return uuid.NewSHA1(podcastNamespace, []byte(strings.TrimRight(rest, "/"))).String()
}

func (s *Service) episode(e *item, by podcastPerson) podcastItem {
	v := e.video
	p := podcastItem{
		Title: e.Title, Link: e.Link, GUID: podcastGUID{true, e.Link}, Date: httpDate(e.Date), Description: e.Summary, Content: e.HTML,
		Creator: by.Name, Person: by, Interact: podcastInteract{v.IRI, "activitypub", by.Href}, Duration: v.Duration, Explicit: v.NSFW,
	}
	if v.Category != nil {
		p.Category = label.Category(*v.Category)
	}
	if v.Licence != nil {
		p.License = label.Licence(*v.Licence)
	}
	if v.Local {
		p.Trackers = s.urls.Trackers()
	}
	for i := range v.captions {
		c := &v.captions[i]
		p.Transcripts = append(p.Transcripts, podcastTranscript{s.urls.Origin + c.Path(), "text/vtt", c.Language, "captions"})
	}
	if v.chapters {
		p.Chapters = &podcastChapters{s.urls.Origin + "/feeds/podcast/chapters/" + v.UUID + ".json", "application/json+chapters"}
	}
	if v.PreviewName != "" {
		p.Image = &itunesImage{v.preview()}
	}
	best := v.best()
	if best != nil {
		p.Enclosure = &rssEnclosure{s.urls.File(&v.Video, best), best.Size, mimeOf(best)}
	}
	for i := range v.files {
		p.Alternates = append(p.Alternates, s.alternate(v, &v.files[i], &v.files[i] == best))
	}
	if v.playlist != nil {
		p.Alternates = append(p.Alternates, podcastAlternate{
			Type: "application/x-mpegURL", Lang: language(v), Title: "HLS", Default: best != nil && len(v.files) == 0,
			Sources: []podcastSource{{URI: s.urls.Master(&v.Video, v.playlist)}},
		})
	}
	return p
}

func language(v *video) string {
	if v.Language == nil {
		return ""
	}
	return *v.Language
}

func (s *Service) alternate(v *video, f *catalog.File, first bool) podcastAlternate {
	a := podcastAlternate{
		Type: mimeOf(f), Length: f.Size, Height: f.Height, Lang: language(v), Title: label.Resolution(f.Resolution), Default: first,
		Sources: []podcastSource{{URI: s.urls.File(&v.Video, f)}},
	}
	if v.Duration > 0 {
		a.Bitrate = float64(f.Size*8) / float64(v.Duration)
	}
	if t := s.urls.Torrent(&v.Video, f); t != "" {
		a.Sources = append(a.Sources, podcastSource{t, "application/x-bittorrent"})
	}
	if m := s.urls.Magnet(&v.Video, f); m != "" {
		a.Sources = append(a.Sources, podcastSource{URI: m})
	}
	return a
}

type chapterDoc struct {
	Version  string         `json:"version"`
	Chapters []chapterStart `json:"chapters"`
}

type chapterStart struct {
	Start int    `json:"startTime"`
	Title string `json:"title"`
}

func (s *Service) chapterDocument(ctx context.Context, v *catalog.Video) (chapterDoc, error) {
	list, err := chapter.Of(s.o.DB.Read(ctx), v)
	out := chapterDoc{"1.2.0", make([]chapterStart, len(list))}
	for i, c := range list {
		out.Chapters[i] = chapterStart{c.Timecode, c.Title}
	}
	return out, err
}
