// Package feed answers with feeds of videos and comments for feed readers and
// podcast players, as RSS, Atom and JSON.
//
// Invariants
//   - a feed holds what anybody may see, whoever asks; but for that of somebody's
//     subscriptions, which a token in the address opens (SEC-54)
//   - texts of people are escaped by the encoders alone; what is HTML went
//     through the sanitiser before (SEC-37, SEC-39)
//   - the same content is the same bytes, so that its ETag holds
//
// Specifications: RSS 2.0, Atom (RFC 4287), JSON Feed 1, Media RSS, Podcasting
// 2.0; reference REST sections 10 and 12 (Video Feeds).
package feed

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	// maxAge is how long a feed may be kept.
	maxAge = 15 * time.Minute
	// maxEpisodes bounds a podcast.
	maxEpisodes = 100
)

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Catalog  *catalog.Service
	Listing  *listing.Service
	Channels *channel.Service
	Comments *comment.Service

	// Instance is its name and what it says of itself.
	Instance func() (name, description string)
	// Videos and CommentCount are how many a feed holds.
	VideoCount, CommentCount func() int

	// Subscriber is nil when a token is that of an account's feeds, db.ErrNotFound
	// when it is not.
	Subscriber func(ctx context.Context, accountID int64, token string) error
}

// Service makes feeds. It is safe for concurrent use.
type Service struct {
	o    Options
	urls catalog.URLs
}

// New returns a Service.
func New(o Options) *Service { return &Service{o: o, urls: o.Catalog.URLs()} }

// Routes registers the addresses.
func (s *Service) Routes(r *rest.Router) {
	for path, h := range map[string]echo.HandlerFunc{
		"/feeds/:file":                   s.general,
		"/feeds/podcast/videos.xml":      s.podcast,
		"/feeds/podcast/chapters/:video": s.chapters,
	} {
		r.Root.GET(path, rest.Anyone, func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderAccessControlAllowOrigin, "*")
			return h(c)
		})
	}
}

// general answers /feeds/NAME.FORMAT.
func (s *Service) general(c echo.Context) error {
	name, ext, _ := strings.Cut(c.Param("file"), ".")
	read, ok := map[string]func(echo.Context) (*feed, error){
		"videos": s.videos, "video-comments": s.comments, "subscriptions": s.subscriptions,
	}[name]
	if !ok {
		return rest.NotFound("Feed not found")
	}
	if f := c.QueryParam("format"); f != "" {
		ext = f
	}
	as, ok := formats[ext]
	if !ok {
		return rest.Invalid("params", "format", "Should be one of xml, rss, rss2, atom, atom1, json, json1", ext)
	}
	kind := acceptable(c.Request().Header.Get("Accept"), as.types)
	if kind == "" {
		return &rest.Problem{
			Status: http.StatusNotAcceptable,
			Detail: "You should accept at least one of the following content-types: " + strings.Join(as.types, ", "),
		}
	}
	f, err := read(c)
	if err != nil {
		return err
	}
	f.Self = s.self(c)
	body, err := as.encode(f)
	if err != nil {
		return err
	}
	return answer(c, kind, f.private, body)
}

// self is the address of the feed that is asked for.
func (s *Service) self(c echo.Context) string { return s.urls.Origin + c.Request().URL.RequestURI() }

// format is one form of a feed.
type format struct {
	types  []string // that clients may accept; the first is answered to those that accept anything
	encode func(*feed) ([]byte, error)
}

const (
	typeXML  = "application/xml"
	typeRSS  = "application/rss+xml"
	typeAtom = "application/atom+xml"
	typeJSON = "application/json"
	typeText = "text/xml"
)

var formats = map[string]format{
	"":      {[]string{typeXML, typeText, typeRSS}, encodeRSS},
	"xml":   {[]string{typeXML, typeText, typeRSS}, encodeRSS},
	"rss":   {[]string{typeRSS, typeXML, typeText}, encodeRSS},
	"rss2":  {[]string{typeRSS, typeXML, typeText}, encodeRSS},
	"atom":  {[]string{typeAtom, typeXML, typeText}, encodeAtom},
	"atom1": {[]string{typeAtom, typeXML, typeText}, encodeAtom},
	"json":  {[]string{typeJSON, "application/feed+json"}, encodeJSON},
	"json1": {[]string{typeJSON, "application/feed+json"}, encodeJSON},
}

// acceptable is the first of types that an Accept header names; empty when it
// names none. Weights are left aside: each type is the same document.
func acceptable(accept string, types []string) string {
	if strings.TrimSpace(accept) == "" {
		return types[0]
	}
	var ranges []string
	for r := range strings.SplitSeq(accept, ",") {
		kind, _, _ := strings.Cut(r, ";")
		ranges = append(ranges, strings.ToLower(strings.TrimSpace(kind)))
	}
	for _, t := range types {
		major, _, _ := strings.Cut(t, "/")
		for _, r := range []string{t, major + "/*", "*/*"} {
			if slices.Contains(ranges, r) {
				return t
			}
		}
	}
	return ""
}

// answer writes a feed, or that the client has it.
func answer(c echo.Context, kind string, private bool, body []byte) error {
	h := c.Response().Header()
	cache := "max-age=" + strconv.Itoa(int(maxAge.Seconds()))
	if private {
		cache = "private, " + cache
	}
	h.Set(echo.HeaderCacheControl, cache)
	h.Add(echo.HeaderVary, echo.HeaderAccept)
	sum := sha256.Sum256(body)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	h.Set("ETag", tag)
	if strings.Contains(c.Request().Header.Get("If-None-Match"), tag) {
		return c.NoContent(http.StatusNotModified)
	}
	return c.Blob(http.StatusOK, kind+"; charset=utf-8", body)
}

// encodeXML writes a document.
func encodeXML(doc any) ([]byte, error) {
	out, err := xml.Marshal(doc)
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), out...), nil
}

// feed is what all forms are made of.
type feed struct {
	Title, Description string
	Link, Self         string
	Image              string
	Generator          string
	Rights             string
	Author             person
	Updated            time.Time
	Items              []item
	Media              bool // items are videos

	private bool
}

type person struct{ Name, URL string }

// item is a video, or a comment.
type item struct {
	Title   string
	Link    string
	Summary string // plain
	HTML    string
	Date    time.Time
	Author  person
	video   *video // nil: a comment
}

// newFeed is the feed of the whole instance, with its avatar, or the mark of its
// pages.
func (s *Service) newFeed(ctx context.Context) (*feed, error) {
	name, description := s.o.Instance()
	origin := s.urls.Origin
	pictures, err := s.o.Channels.InstancePictures(ctx)
	if err != nil {
		return nil, err
	}
	f := &feed{
		Title: name, Description: description, Link: origin, Generator: "Kinemesh - " + origin,
		Author: person{Name: name},
		Rights: "All rights reserved, unless otherwise specified in the terms specified at " + origin +
			"/about and potential licenses granted by each content's rightholder.",
	}
	if f.Image = origin + iconPath; pictures.Avatar != nil {
		f.Image = origin + largest(channel.Images(pictures.Avatar))
	}
	return f, nil
}

// iconPath is where web/instance has the mark of the pages.
const iconPath = "/favicon.svg"

// about makes a feed that of an account or a channel.
func (f *feed) about(a owner, origin string) {
	f.Title, f.Link, f.Author = a.name, a.page, person{a.name, a.page}
	f.Description = cmp.Or(plain(a.description), a.name)
	if a.picture != "" {
		f.Image = origin + a.picture
	}
}

// dated dates a feed by its newest item, so that it stays the same until there
// is another.
func (f *feed) dated() {
	f.Updated = time.Unix(0, 0).UTC()
	for _, i := range f.Items {
		if i.Date.After(f.Updated) {
			f.Updated = i.Date
		}
	}
}

// owner is an account or a channel that a feed is about.
type owner struct {
	accountID, channelID             int64 // one of them
	name, description, picture, page string
}

// owner reads which account or channel a feed is asked for; nil for none.
func (s *Service) owner(c echo.Context) (*owner, error) {
	ctx, p := c.Request().Context(), (*rest.Principal)(nil)
	account := func(a *channel.Account, err error) (*owner, error) {
		if err != nil {
			return nil, missing(err, "Account not found")
		}
		j := s.o.Channels.APIAccount(a)
		return &owner{
			accountID: a.ID, name: j.DisplayName, description: a.Actor.Summary, picture: largest(j.Avatars),
			page: s.urls.Origin + "/a/" + a.Actor.Handle(),
		}, nil
	}
	ofChannel := func(ch *channel.Channel, err error) (*owner, error) {
		if err != nil {
			return nil, missing(err, "Video channel not found")
		}
		j := s.o.Channels.APIChannelOnly(ch)
		return &owner{
			channelID: ch.ID, name: j.DisplayName, description: ch.Actor.Summary, picture: largest(j.Avatars),
			page: s.urls.Origin + "/c/" + ch.Actor.Handle(),
		}, nil
	}
	var check rest.Checker
	accountID, channelID := queryID(c, &check, "accountId"), queryID(c, &check, "videoChannelId")
	if err := check.Err(); err != nil {
		return nil, err
	}
	switch {
	case channelID != 0:
		ch, err := s.o.Channels.ChannelByID(ctx, channelID)
		if err == nil { // by its handle, as everybody may see it
			ch, err = s.o.Channels.ShownChannel(ctx, p, ch.Actor.Handle())
		}
		return ofChannel(ch, err)
	case c.QueryParam("videoChannelName") != "":
		return ofChannel(s.o.Channels.ShownChannel(ctx, p, c.QueryParam("videoChannelName")))
	case accountID != 0:
		a, err := s.o.Channels.AccountByID(ctx, accountID)
		if err == nil {
			a, err = s.o.Channels.ShownAccount(ctx, p, a.Actor.Handle())
		}
		return account(a, err)
	case c.QueryParam("accountName") != "":
		return account(s.o.Channels.ShownAccount(ctx, p, c.QueryParam("accountName")))
	}
	return nil, nil
}

func missing(err error, detail string) error {
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound(detail)
	}
	return err
}

func queryID(c echo.Context, check *rest.Checker, name string) int64 {
	s := c.QueryParam(name)
	if s == "" {
		return 0
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 {
		check.Refuse("query", name, "Should be an id", s)
		return 0
	}
	return id
}

// largest is the path of the picture with the most pixels; empty without one.
func largest(pictures []channel.Image) string {
	path, width := "", -1
	for i := range pictures {
		if pictures[i].Width > width {
			path, width = pictures[i].Path, pictures[i].Width
		}
	}
	return path
}

// chapters answers with the chapters of a video for podcast players.
func (s *Service) chapters(c echo.Context) error {
	id, ok := strings.CutSuffix(c.Param("video"), ".json")
	if !ok {
		return rest.NotFound("Video not found")
	}
	v, err := s.o.Catalog.Find(c.Request().Context(), nil, id)
	if err != nil {
		return err
	}
	if v.Privacy != catalog.Public { // with a password it would be, but feeds are for all
		return rest.NotFound("Video not found")
	}
	doc, err := s.chapterDocument(c.Request().Context(), v)
	if err != nil {
		return err
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return answer(c, "application/json+chapters", false, body)
}
