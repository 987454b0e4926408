package feed

import (
	"encoding/json"
	"encoding/xml"
	"time"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
)

type atomDoc struct {
	XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID        string      `xml:"id"`
	Title     string      `xml:"title"`
	Updated   string      `xml:"updated"`
	Generator string      `xml:"generator"`
	Author    atomPerson  `xml:"author"`
	Links     []atomLink  `xml:"link"`
	Subtitle  string      `xml:"subtitle,omitempty"`
	Logo      string      `xml:"logo,omitempty"`
	Rights    string      `xml:"rights"`
	Entries   []atomEntry `xml:"entry"`
}

type atomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri,omitempty"`
}

type atomLink struct {
	Rel    string `xml:"rel,attr,omitempty"`
	Href   string `xml:"href,attr"`
	Type   string `xml:"type,attr,omitempty"`
	Length int64  `xml:"length,attr,omitempty"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type atomEntry struct {
	Title     string        `xml:"title"`
	ID        string        `xml:"id"`
	Links     []atomLink    `xml:"link"`
	Updated   string        `xml:"updated"`
	Published string        `xml:"published"`
	Summary   string        `xml:"summary,omitempty"`
	Content   *atomText     `xml:"content"`
	Author    *atomPerson   `xml:"author"`
	Category  *atomCategory `xml:"category"`
}

type atomCategory struct {
	Term  string `xml:"term,attr"`
	Label string `xml:"label,attr"`
}

func isoDate(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// encodeAtom makes Atom (RFC 4287).
func encodeAtom(f *feed) ([]byte, error) {
	doc := atomDoc{
		ID: f.Link, Title: f.Title, Updated: isoDate(f.Updated), Generator: f.Generator, Author: atomPerson{f.Author.Name, f.Author.URL},
		Links:    []atomLink{{Rel: "alternate", Href: f.Link}, {Rel: "self", Href: f.Self, Type: typeAtom}},
		Subtitle: f.Description, Logo: f.Image, Rights: f.Rights,
	}
	for i := range f.Items {
		e := &f.Items[i]
		a := atomEntry{
			Title: e.Title, ID: e.Link, Links: []atomLink{{Href: e.Link}}, Updated: isoDate(e.Date), Published: isoDate(e.Date), Summary: e.Summary,
		}
		if e.HTML != "" {
			a.Content = &atomText{"html", e.HTML}
		}
		if e.Author.Name != "" {
			a.Author = &atomPerson{e.Author.Name, e.Author.URL}
		}
		if v := e.video; v != nil {
			if v.Category != nil {
				name := label.Category(*v.Category)
				a.Category = &atomCategory{name, name}
			}
			if best := v.best(); best != nil {
				a.Links = append(a.Links, atomLink{"enclosure", v.urls.File(&v.Video, best), mimeOf(best), best.Size})
			}
		}
		doc.Entries = append(doc.Entries, a)
	}
	return encodeXML(doc)
}

type jsonDoc struct {
	Version     string     `json:"version"`
	Title       string     `json:"title"`
	HomePage    string     `json:"home_page_url"`
	FeedURL     string     `json:"feed_url"`
	Description string     `json:"description"`
	Icon        string     `json:"icon"`
	Author      jsonAuthor `json:"author"`
	Items       []jsonItem `json:"items"`
}

type jsonAuthor struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

type jsonItem struct {
	ID          string           `json:"id"`
	HTML        string           `json:"content_html"`
	URL         string           `json:"url"`
	Title       string           `json:"title"`
	Summary     string           `json:"summary,omitempty"`
	Image       string           `json:"image,omitempty"`
	Attachments []jsonAttachment `json:"attachments,omitempty"`
	Published   string           `json:"date_published"`
	Modified    string           `json:"date_modified"`
	Author      *jsonAuthor      `json:"author,omitempty"`
}

type jsonAttachment struct {
	Title    string `json:"title"`
	URL      string `json:"url"`
	Size     int64  `json:"size_in_bytes"`
	MimeType string `json:"mime_type"`
	Duration int    `json:"duration_in_seconds,omitempty"`
}

// encodeJSON makes a JSON Feed 1. Attachments are the torrents, and the file
// itself.
func encodeJSON(f *feed) ([]byte, error) {
	doc := jsonDoc{
		Version: "https://jsonfeed.org/version/1", Title: f.Title, HomePage: f.Link, FeedURL: f.Self, Description: f.Description, Icon: f.Image,
		Author: jsonAuthor(f.Author), Items: []jsonItem{},
	}
	for i := range f.Items {
		e := &f.Items[i]
		j := jsonItem{
			ID: e.Link, HTML: e.HTML, URL: e.Link, Title: e.Title, Summary: e.Summary, Published: isoDate(e.Date), Modified: isoDate(e.Date),
		}
		if e.Author.Name != "" {
			j.Author = &jsonAuthor{e.Author.Name, e.Author.URL}
		}
		if e.video != nil {
			e.video.json(&j)
		}
		doc.Items = append(doc.Items, j)
	}
	return json.Marshal(doc)
}

func (v *video) json(j *jsonItem) {
	for _, list := range [][]catalog.File{v.files, v.hls} {
		for i := range list {
			if t := v.urls.Torrent(&v.Video, &list[i]); t != "" {
				j.Attachments = append(j.Attachments, jsonAttachment{Title: v.Name, URL: t, Size: list[i].Size, MimeType: "application/x-bittorrent"})
			}
		}
	}
	if best := v.best(); best != nil {
		j.Attachments = append(j.Attachments, jsonAttachment{v.Name, v.urls.File(&v.Video, best), best.Size, mimeOf(best), v.Duration})
	}
	if v.PreviewName != "" {
		j.Image = v.preview()
	}
}
