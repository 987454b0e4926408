package feed

import (
	"encoding/xml"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
)

// Namespaces of RSS documents.
const (
	nsDC      = "http://purl.org/dc/elements/1.1/"
	nsMedia   = "http://search.yahoo.com/mrss/"
	nsContent = "http://purl.org/rss/1.0/modules/content/"
	nsAtom    = "http://www.w3.org/2005/Atom"
)

type rssDoc struct {
	XMLName xml.Name   `xml:"rss"`
	Version string     `xml:"version,attr"`
	DC      string     `xml:"xmlns:dc,attr"`
	Media   string     `xml:"xmlns:media,attr,omitempty"`
	Content string     `xml:"xmlns:content,attr"`
	Atom    string     `xml:"xmlns:atom,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	Description string    `xml:"description"`
	Built       string    `xml:"lastBuildDate"`
	Docs        string    `xml:"docs"`
	Generator   string    `xml:"generator"`
	Image       rssImage  `xml:"image"`
	Copyright   string    `xml:"copyright"`
	Self        rssSelf   `xml:"atom:link"`
	Items       []rssItem `xml:"item"`
}

type rssImage struct {
	Title string `xml:"title"`
	URL   string `xml:"url"`
	Link  string `xml:"link"`
}

type rssSelf struct {
	Href string `xml:"href,attr"`
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
}

type rssItem struct {
	Title       string        `xml:"title"`
	Link        string        `xml:"link"`
	GUID        string        `xml:"guid"`
	Date        string        `xml:"pubDate"`
	Description string        `xml:"description,omitempty"`
	Content     string        `xml:"content:encoded,omitempty"`
	Creator     string        `xml:"dc:creator,omitempty"`
	Category    string        `xml:"category,omitempty"`
	Enclosure   *rssEnclosure `xml:"enclosure"`
	*rssMedia
}

type rssEnclosure struct {
	URL    string `xml:"url,attr"`
	Length int64  `xml:"length,attr"`
	Type   string `xml:"type,attr"`
}

// rssMedia is what Media RSS says of a video.
type rssMedia struct {
	Statistics struct {
		Views int64 `xml:"views,attr"`
	} `xml:"media:community>media:statistics"`
	Embed      rssURL      `xml:"media:embed"`
	Player     rssURL      `xml:"media:player"`
	Group      rssGroup    `xml:"media:group"`
	Thumbnails []rssPic    `xml:"media:thumbnail"`
	Rating     string      `xml:"media:rating"`
	Title      rssTitle    `xml:"media:title"`
	About      *rssTitle   `xml:"media:description"`
	Captions   []rssSubs   `xml:"media:subTitle"`
	Category   *rssSection `xml:"media:category"`
}

type rssURL struct {
	URL string `xml:"url,attr"`
}

type rssPic struct {
	URL    string `xml:"url,attr"`
	Width  int    `xml:"width,attr,omitempty"`
	Height int    `xml:"height,attr,omitempty"`
}

type rssTitle struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type rssSubs struct {
	Type string `xml:"type,attr"`
	Lang string `xml:"lang,attr"`
	Href string `xml:"href,attr"`
}

type rssSection struct {
	Scheme string `xml:"scheme,attr"`
	Label  string `xml:"label,attr"`
	Text   string `xml:",chardata"`
}

type rssGroup struct {
	Peers   []rssPeer    `xml:"media:peerLink"`
	Content []rssContent `xml:"media:content"`
}

type rssPeer struct {
	Type      string `xml:"type,attr"`
	Href      string `xml:"href,attr"`
	IsDefault bool   `xml:"isDefault,attr"`
}

type rssContent struct {
	Type      string `xml:"type,attr"`
	Medium    string `xml:"medium,attr"`
	Height    int    `xml:"height,attr,omitempty"`
	Size      int64  `xml:"fileSize,attr"`
	URL       string `xml:"url,attr"`
	FPS       int    `xml:"framerate,attr,omitempty"`
	Duration  int    `xml:"duration,attr"`
	IsDefault bool   `xml:"isDefault,attr"`
	Lang      string `xml:"lang,attr,omitempty"`
}

func httpDate(t time.Time) string { return t.UTC().Format(http.TimeFormat) }

const rssDocs = "https://validator.w3.org/feed/docs/rss2.html"

// encodeRSS makes RSS 2.0.
func encodeRSS(f *feed) ([]byte, error) {
	doc := rssDoc{
		Version: "2.0", DC: nsDC, Content: nsContent, Atom: nsAtom,
		Channel: rssChannel{
			Title: f.Title, Link: f.Link, Description: f.Description, Built: httpDate(f.Updated), Docs: rssDocs, Generator: f.Generator,
			Image: rssImage{f.Title, f.Image, f.Link}, Copyright: f.Rights, Self: rssSelf{f.Self, "self", typeRSS},
		},
	}
	if f.Media {
		doc.Media = nsMedia
	}
	for i := range f.Items {
		e := &f.Items[i]
		r := rssItem{
			Title: e.Title, Link: e.Link, GUID: e.Link, Date: httpDate(e.Date), Description: e.Summary, Content: e.HTML, Creator: e.Author.Name,
		}
		if e.video != nil {
			e.video.rss(&r)
		}
		doc.Channel.Items = append(doc.Channel.Items, r)
	}
	return encodeXML(doc)
}

// mimeOf is the type of a file.
func mimeOf(f *catalog.File) string {
	audio := !f.HasVideo && f.HasAudio
	switch ext := strings.ToLower(path.Ext(f.Filename + f.Extname)); {
	case ext == ".webm" && audio:
		return "audio/webm"
	case ext == ".webm":
		return "video/webm"
	case ext == ".ogv":
		return "video/ogg"
	case audio:
		return "audio/mp4"
	}
	return "video/mp4"
}

func (v *video) rss(r *rssItem) {
	m := &rssMedia{
		Embed: rssURL{v.urls.Origin + "/videos/embed/" + v.UUID}, Player: rssURL{r.Link}, Rating: "nonadult", Title: rssTitle{"plain", v.Name},
	}
	r.rssMedia = m
	if v.NSFW {
		m.Rating = "adult"
	}
	if r.Description != "" {
		m.About = &rssTitle{"plain", r.Description}
	}
	if v.Category != nil {
		r.Category = label.Category(*v.Category)
		m.Category = &rssSection{v.urls.Origin + "/videos/browse?categoryOneOf=", r.Category, r.Category}
	}
	best := v.best()
	if best != nil {
		r.Enclosure = &rssEnclosure{v.urls.File(&v.Video, best), best.Size, mimeOf(best)}
	}
	for _, list := range [][]catalog.File{v.files, v.hls} {
		for i := range list {
			f := &list[i]
			if t := v.urls.Torrent(&v.Video, f); t != "" {
				m.Group.Peers = append(m.Group.Peers, rssPeer{Type: "application/x-bittorrent", Href: t})
			}
			c := rssContent{
				Type: mimeOf(f), Medium: "video", Height: f.Resolution, Size: f.Size, URL: v.urls.File(&v.Video, f), FPS: max(f.FPS, 0),
				Duration: v.Duration, IsDefault: f == best,
			}
			if !f.HasVideo {
				c.Medium = "audio"
			}
			if v.Language != nil {
				c.Lang = *v.Language
			}
			m.Group.Content = append(m.Group.Content, c)
		}
	}
	for i := range v.captions {
		c := &v.captions[i]
		m.Captions = append(m.Captions, rssSubs{"text/vtt", c.Language, v.urls.Origin + c.Path()})
	}
	if v.PreviewName != "" {
		m.Thumbnails = append(m.Thumbnails, rssPic{v.preview(), catalog.PreviewWidth, catalog.PreviewHeight})
	}
	if v.MiniatureName != "" {
		m.Thumbnails = append(m.Thumbnails, rssPic{v.urls.Origin + "/lazy-static/thumbnails/" + v.MiniatureName, catalog.MiniatureWidth, catalog.MiniatureHeight})
	}
	m.Statistics.Views = v.Views
}

// preview is the address of the large picture.
func (v *video) preview() string { return v.urls.Origin + "/lazy-static/previews/" + v.PreviewName }
