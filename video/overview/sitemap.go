package overview

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// A site map lists at most 50,000 addresses in 50 MB (sitemaps.org). Ours are
// cut by the ids of videos, so that a part is found without counting; videos of
// other servers leave gaps.
const (
	partIDs         = 2000
	maxActors       = 45_000 // channels, and accounts
	maxDescription  = 2048
	siteMapLife     = "max-age=86400"
	nsSiteMap       = "http://www.sitemaps.org/schemas/sitemap/0.9"
	nsVideo         = "http://www.google.com/schemas/sitemap-video/1.1"
	firstPart       = "pages"
	xmlContentType  = "application/xml; charset=utf-8"
	publicLocalOnly = "privacy = 1 AND state = 1 AND listed = TRUE AND local = TRUE"
)

type xmlIndex struct {
	XMLName xml.Name `xml:"sitemapindex"`
	NS      string   `xml:"xmlns,attr"`
	Parts   []xmlLoc `xml:"sitemap"`
}

type xmlLoc struct {
	Loc string `xml:"loc"`
}

type xmlSet struct {
	XMLName xml.Name `xml:"urlset"`
	NS      string   `xml:"xmlns,attr"`
	Video   string   `xml:"xmlns:video,attr"`
	URLs    []xmlURL `xml:"url"`
}

type xmlURL struct {
	Loc   string    `xml:"loc"`
	Video *xmlVideo `xml:"video:video,omitempty"`
}

type xmlVideo struct {
	Thumbnail   string      `xml:"video:thumbnail_loc"`
	Title       string      `xml:"video:title"`
	Description string      `xml:"video:description"`
	Player      string      `xml:"video:player_loc"`
	Duration    int         `xml:"video:duration,omitempty"`
	Views       int64       `xml:"video:view_count"`
	Published   string      `xml:"video:publication_date"`
	Family      string      `xml:"video:family_friendly"`
	Uploader    xmlUploader `xml:"video:uploader"`
	Live        string      `xml:"video:live"`
}

type xmlUploader struct {
	Info string `xml:"info,attr"`
	Name string `xml:",chardata"`
}

// siteMap is one map of a small instance, and an index of maps of a larger one.
func (s *Service) siteMap(c echo.Context) error {
	ctx := c.Request().Context()
	parts, err := s.parts(ctx)
	if err != nil {
		return err
	}
	origin := s.o.Catalog.URLs().Origin
	if len(parts) > 1 {
		index := xmlIndex{NS: nsSiteMap, Parts: []xmlLoc{{origin + "/sitemaps/" + firstPart + ".xml"}}}
		for _, p := range parts {
			index.Parts = append(index.Parts, xmlLoc{origin + "/sitemaps/" + strconv.FormatInt(p, 10) + ".xml"})
		}
		return writeXML(c, index)
	}
	set, err := s.pages(ctx)
	if err != nil {
		return err
	}
	if len(parts) == 1 {
		videos, err := s.partOf(ctx, parts[0])
		if err != nil {
			return err
		}
		set = append(set, videos...)
	}
	return writeSet(c, set)
}

func (s *Service) sitePart(c echo.Context) error {
	ctx := c.Request().Context()
	name, ok := strings.CutSuffix(c.Param("part"), ".xml")
	if ok && name == firstPart {
		set, err := s.pages(ctx)
		if err != nil {
			return err
		}
		return writeSet(c, set)
	}
	part, err := strconv.ParseInt(name, 10, 32)
	if !ok || err != nil || part < 0 {
		return rest.NotFound("There is no such site map")
	}
	set, err := s.partOf(ctx, part)
	if err != nil {
		return err
	}
	if len(set) == 0 {
		return rest.NotFound("There is no such site map")
	}
	return writeSet(c, set)
}

// parts are the numbers of the maps of videos.
func (s *Service) parts(ctx context.Context) (parts []int64, err error) {
	err = s.db.Read(ctx).Raw("SELECT DISTINCT id / ? AS part FROM videos WHERE "+publicLocalOnly+" ORDER BY 1", partIDs).Scan(&parts).Error
	if err != nil {
		return nil, fmt.Errorf("parts of the site map: %w", err)
	}
	return parts, nil
}

// partOf are the pages of the videos in one part.
func (s *Service) partOf(ctx context.Context, part int64) ([]xmlURL, error) {
	var ids []int64
	err := s.db.Read(ctx).Raw("SELECT id FROM videos WHERE id >= ? AND id < ? AND "+publicLocalOnly+" ORDER BY id", part*partIDs, (part+1)*partIDs).
		Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("site map: %w", err)
	}
	rows, err := s.o.Listing.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]xmlURL, len(rows))
	for i := range rows {
		out[i] = s.page(&rows[i])
	}
	return out, nil
}

func (s *Service) page(v *catalog.Listed) xmlURL {
	u := s.o.Catalog.URLs()
	entry := &xmlVideo{
		Title: v.Name, Description: short(v.Description), Player: u.Origin + "/videos/embed/" + v.UUID, Duration: v.Duration,
		Views: v.Views, Published: v.PublishedAt.UTC().Format("2006-01-02T15:04:05.000Z"), Family: yesNo(!v.NSFW), Live: yesNo(v.IsLive),
		Uploader: xmlUploader{u.Origin + "/c/" + v.Channel.Name + "/videos", v.Channel.DisplayName},
	}
	if entry.Description == "" {
		entry.Description = v.Name // which must not be empty
	}
	if v.MiniatureName != "" {
		entry.Thumbnail = u.Origin + "/lazy-static/thumbnails/" + v.MiniatureName
	}
	return xmlURL{u.Origin + "/w/" + v.ShortUUID(), entry}
}

// pages are the pages that are not videos.
func (s *Service) pages(ctx context.Context) ([]xmlURL, error) {
	origin := s.o.Catalog.URLs().Origin
	out := []xmlURL{{Loc: origin + "/"}, {Loc: origin + "/videos/browse?scope=local"}}
	for _, kind := range []struct{ table, before, after string }{
		{"channels", "/c/", "/videos"}, {"accounts", "/a/", "/video-channels"},
	} {
		var names []string
		err := s.db.Read(ctx).Raw("SELECT a.username FROM actors a JOIN "+kind.table+" t ON t.actor_id = a.id WHERE a.host = '' ORDER BY a.id LIMIT ?", maxActors).
			Scan(&names).Error
		if err != nil {
			return nil, fmt.Errorf("site map: %w", err)
		}
		for _, n := range names {
			out = append(out, xmlURL{Loc: origin + kind.before + n + kind.after})
		}
	}
	return out, nil
}

func writeSet(c echo.Context, urls []xmlURL) error {
	return writeXML(c, xmlSet{NS: nsSiteMap, Video: nsVideo, URLs: urls})
}

func writeXML(c echo.Context, v any) error {
	text, err := xml.Marshal(v)
	if err != nil {
		return err
	}
	rest.Share(c)
	c.Response().Header().Set("Cache-Control", siteMapLife)
	return c.Blob(http.StatusOK, xmlContentType, append([]byte(xml.Header), text...))
}

func short(s string) string {
	if len(s) <= maxDescription {
		return s
	}
	s = s[:maxDescription]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s
}

func yesNo(yes bool) string {
	if yes {
		return "YES"
	}
	return "NO"
}
