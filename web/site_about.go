package web

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/web/rest"
	"github.com/kinemesh/kinemesh/web/wording"
)

const aboutPath = "/about/instance"

// Totals are numbers of the server, as its statistics tell them.
type Totals struct{ Users, LocalVideos, Videos int64 }

// AboutPage is what the administrators say of the server, and what it is.
type AboutPage struct {
	Shell
	Lead      string // one sentence
	Avatar    string // paths
	Banner    string
	Sections  []Section
	Facts     []Detail
	Canonical string
	Summary   string // plain text, for meta tags
}

// Section is one text with its title; ID is for links to it.
type Section struct {
	ID, Title string
	Text      template.HTML // sanitised
}

// aboutRoutes registers the page and its other addresses, which clients of
// PeerTube know.
func (s *Site) aboutRoutes(r *rest.Router) {
	r.Root.GET(aboutPath, rest.Anyone, s.about)
	for _, path := range []string{"/about", "/about/peertube"} {
		r.Root.GET(path, rest.Anyone, moved(aboutPath))
	}
	r.Root.GET("/about/contact", rest.Anyone, moved(aboutPath+"#facts"))
}

func (s *Site) about(c echo.Context) error {
	ctx := c.Request().Context()
	cfg := s.o.Config.Current()
	pictures, err := s.o.Channels.InstancePictures(ctx)
	if err != nil {
		return err
	}
	v := &AboutPage{
		Shell: s.shell(c), Lead: cfg.Instance.ShortDescription, Canonical: aboutPath, Sections: s.aboutSections(&cfg.Instance),
		Avatar: pictures.Avatar.At(avatarWidthLarge), Banner: pictures.Banner.At(bannerWidth),
		Summary: cmp.Or(cfg.Instance.ShortDescription, s.texts.Summary(cfg.Instance.Description), "About "+cfg.Instance.Name),
	}
	if v.Facts, err = s.aboutFacts(ctx, cfg); err != nil {
		return err
	}
	rest.Share(c)
	return s.pages.render(c.Response(), http.StatusOK, PolicyPage, "about.html", v)
}

// aboutSections are the texts that there are.
func (s *Site) aboutSections(n *config.Instance) []Section {
	var out []Section
	for _, t := range [][3]string{
		{"description", "What this is", n.Description},
		{"creation-reason", "Why it was made", n.CreationReason},
		{"administrator", "Who runs it", n.Administrator},
		{"maintenance", "How long it will be kept", n.MaintenanceLifetime},
		{"business-model", "How it is paid for", n.BusinessModel},
		{"support", "Support it", n.Support.Text},
		{"moderation", "Moderation", n.ModerationInformation},
		{"code-of-conduct", "Code of conduct", n.CodeOfConduct},
		{"terms", "Terms", n.Terms},
		{"hardware", "What it runs on", n.HardwareInformation},
	} {
		if text := s.texts.HTML(t[2]); text != "" {
			out = append(out, Section{t[0], t[1], text})
		}
	}
	return out
}

// aboutFacts are what can be said in a line.
func (s *Site) aboutFacts(ctx context.Context, cfg *config.Config) (out []Detail, err error) {
	if s.o.Totals != nil {
		n, err := s.o.Totals(ctx)
		if err != nil {
			return nil, err
		}
		out = append(out, Detail{Name: "Users", Value: wording.Count(n.Users)}, Detail{Name: "Videos here", Value: wording.Count(n.LocalVideos)},
			Detail{Name: "Videos in all", Value: wording.Count(n.Videos)})
	}
	add := func(name, value, address string) {
		if value != "" {
			out = append(out, Detail{Name: name, Value: value, URL: address})
		}
	}
	n := &cfg.Instance
	var languages, categories []string
	for _, code := range n.Languages {
		languages = append(languages, label.Language(code))
	}
	for _, id := range n.Categories {
		categories = append(categories, label.Category(id))
	}
	add("Languages", strings.Join(languages, ", "), "")
	add("Categories", strings.Join(categories, ", "), "")
	add("Country", n.ServerCountry, "")
	for _, link := range [][2]string{
		{"Website", n.Social.ExternalLink}, {"Mastodon", n.Social.MastodonLink}, {"Bluesky", n.Social.BlueskyLink}, {"X", n.Social.XLink},
	} {
		add(link[0], strings.TrimPrefix(webAddress(link[1]), "https://"), link[1])
	}
	if cfg.ContactForm.Enabled && cfg.SMTP.Enabled() { // as the configuration tells clients
		add("Contact", cfg.Admin.Email, "mailto:"+cfg.Admin.Email)
	}
	add("Version", "Kinemesh "+s.o.Version, "")
	return out, nil
}
