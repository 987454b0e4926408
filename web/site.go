package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/registration"
	"github.com/kinemesh/kinemesh/accounts/subscription"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/video/playlist"
	"github.com/kinemesh/kinemesh/web/rest"
	"github.com/kinemesh/kinemesh/web/wording"
)

const (
	pageSize = 24
	nextSize = 12
)

// SiteOptions are what the pages stand on.
type SiteOptions struct {
	Config   *config.Config
	DB       *db.DB
	Catalog  *catalog.Service
	Listing  *listing.Service
	Channels *channel.Service
	Users    *user.Service
	OAuth    *oauth.Service
	Comments *comment.Service // nil: pages show none
	// Notifications have a page, and a bell on every page; nil: they have not.
	Notifications *notification.Service
	// Subscriptions are the channels that users follow; nil: they follow none.
	Subscriptions *subscription.Service
	// Registrations are those that moderators approve; nil: there are none.
	Registrations *registration.Service
	Playlists     *playlist.Service // nil: there are none
	// FileToken gives who may see a video a token that opens its files where there
	// are no cookies; nil: there is none.
	FileToken func(ctx context.Context, p *rest.Principal, v *catalog.Video) (string, error)
	// Totals counts what the server has; nil: its page does not tell.
	Totals  func(ctx context.Context) (Totals, error)
	Version string
	Logger  *slog.Logger
}

// Site is the pages for people: it fills views from the services and has
// [Pages] write them. It is safe for concurrent use.
type Site struct {
	o      SiteOptions
	assets *Assets
	pages  *Pages
	texts  *wording.Markdown
	origin string
	urls   catalog.URLs
}

// NewSite reads the embedded client and the templates.
func NewSite(o SiteOptions) (*Site, error) {
	assets, err := NewAssets()
	if err != nil {
		return nil, err
	}
	pages, err := NewPages(assets, o.Config.Webserver.HTTPS)
	if err != nil {
		return nil, err
	}
	return &Site{o: o, assets: assets, pages: pages, texts: wording.NewMarkdown(), origin: o.Config.Origin(), urls: o.Catalog.URLs()}, nil
}

// Routes registers the pages and the client's files. Every page is open to
// anyone; those for signed-in people lead to the login form.
func (s *Site) Routes(r *rest.Router) {
	get := func(path string, h echo.HandlerFunc) { r.Root.GET(path, rest.Anyone, h) }
	get(assetPrefix+"*", echo.WrapHandler(s.assets))
	get("/", s.home)
	get("/services/redirect/accounts/:handle", s.leadToAccount)
	get("/services/redirect/actors/:handle", s.leadToActor)
	get("/home", moved("/"))
	get("/videos/browse", s.browse)
	get("/videos/local", moved("/videos/browse?scope=local"))
	get("/videos/recently-added", moved("/videos/browse?sort=-publishedAt"))
	get("/videos/trending", moved("/videos/browse?sort=-trending"))
	get("/videos/most-liked", moved("/videos/browse?sort=-likes"))
	get("/videos/overview", moved("/"))
	get("/search", s.search)
	get(remotePath, s.remoteInteraction)
	get("/w/:id", s.watch)
	r.Root.POST("/w/:id/comments", rest.Anyone, s.postComment)
	r.Root.POST("/w/:id/password", rest.Anyone, s.postPassword)
	get("/videos/watch/:id", s.oldWatch)
	get("/videos/embed/:id", s.embed)
	r.Root.POST("/videos/embed/:id", rest.Anyone, s.postInFrame)
	if s.o.Playlists != nil {
		get("/w/p/:id", s.playlist)
		get("/videos/watch/playlist/:id", s.oldPlaylist)
		get("/video-playlists/:id", s.oldPlaylist)
		get("/video-playlists/embed/:id", s.embedPlaylist)
	}
	for _, sub := range []string{"", "/videos"} {
		get("/c/:name"+sub, s.channel)
		get("/video-channels/:name"+sub, s.toActor("/c/"))
	}
	for _, sub := range []string{"", "/videos", "/video-channels"} {
		get("/a/:name"+sub, s.account)
		get("/accounts/:name"+sub, s.toActor("/a/"))
	}
	get("/@:name", s.anyActor)
	if s.o.Subscriptions != nil {
		s.followRoutes(r)
	}
	get("/videos/upload", s.publish)
	get("/videos/progress/:id", s.progress)
	get("/login", s.login)
	r.Root.POST("/login", rest.Anyone, s.postLogin)
	r.Root.POST("/logout", rest.Anyone, s.logout)
	r.Root.POST("/broadcast/dismiss", rest.Anyone, s.dismiss)
	s.accountRoutes(r)
	s.aboutRoutes(r)
	if s.o.Notifications != nil {
		s.notificationRoutes(r)
	}
}

// Error answers a problem as a page; it is [ServerOptions.PageError].
func (s *Site) Error(c echo.Context, p *rest.Problem) error {
	if p.Status == http.StatusUnauthorized && c.Request().Method == http.MethodGet && rest.Current(c.Request().Context()) == nil {
		// Who is not signed in may be allowed to see it after signing in.
		return s.toLogin(c)
	}
	v := &ErrorPage{Shell: s.shell(c), Status: p.Status}
	if p.Status == http.StatusUnauthorized {
		// The administration's cookie comes along from our own pages only.
		v.Title, v.Text = "One more step", "For safety this page opens only from a page of this server."
		v.Link, v.Action = c.Request().URL.RequestURI(), "Continue"
	}
	if p.Status >= http.StatusInternalServerError {
		v.RequestID = c.Response().Header().Get(echo.HeaderXRequestID)
	}
	for name, value := range p.Header {
		c.Response().Header().Set(name, value)
	}
	return s.pages.Error(c.Response(), v)
}

// shell is what stands around every page. Errors of it are not worth a page:
// the viewer is then shown as an anonymous one.
func (s *Site) shell(c echo.Context) Shell {
	r := c.Request()
	v := Shell{
		Instance: s.o.Config.Current().Instance.Name, Origin: s.origin, Path: r.URL.Path,
		SignUp: s.o.Config.Current().Signup.Enabled, Version: s.o.Version, Unread: -1,
	}
	s.broadcast(r, &v)
	if scope := r.URL.Query().Get("scope"); r.URL.Path == "/videos/browse" && scope != "" {
		v.Path += "?scope=" + scope
	}
	if cookie, err := r.Cookie("theme"); err == nil && (cookie.Value == "dark" || cookie.Value == "light") {
		v.Theme = cookie.Value
	}
	p := rest.Current(r.Context())
	if p == nil { // an error page of a path without a route
		p, _ = s.o.OAuth.Authenticate(c) // a bad token is nobody here
	}
	if p != nil {
		v.Viewer = Viewer{SignedIn: true, Username: p.Username, Name: p.Username, Admin: p.IsAdmin()}
		if a, err := s.o.Channels.AccountByID(r.Context(), p.AccountID); err == nil {
			v.Viewer.Name, v.Viewer.Avatar = nameOf(a.Actor.Name, a.Actor.Username), a.Pictures.Avatar.At(avatarWidth)
		}
		if s.o.Notifications != nil {
			v.Unread, _ = s.o.Notifications.Unread(r.Context(), p.UserID) // no page is worth less for an error
		}
	}
	return v
}

func nameOf(name, username string) string {
	if name != "" {
		return name
	}
	return username
}

// local makes an address of this instance a path, so that pages work under any
// name that the server is reached by; others stay as they are.
func (s *Site) local(address string) string { return strings.TrimPrefix(address, s.origin) }

// moved answers old addresses.
func moved(to string) echo.HandlerFunc {
	return func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, to) }
}

// toLogin leads to the login form and from there back.
func (s *Site) toLogin(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, "/login?return="+url.QueryEscape(c.Request().URL.RequestURI()))
}

// page reads start and sort; lists of pages have a fixed length.
func page(c echo.Context, sort string) (rest.Page, error) {
	p, err := rest.ParsePage(c, sort, listing.Sorts()...)
	p.Count = pageSize
	return p, err
}

// list loads one part of a list and where the next one is. One video more than
// shown tells whether there is a next part.
func (s *Site) list(c echo.Context, f listing.Filter) ([]Card, Pager, error) {
	if s.o.Config.Current().Instance.DefaultNSFWPolicy == "do_not_list" && !f.All {
		no := false
		f.NSFW = &no
	}
	f.Viewer = rest.Current(c.Request().Context())
	shown := f.Page.Count
	f.Page.Count++
	rows, total, err := s.o.Listing.List(c.Request().Context(), f)
	if err != nil {
		return nil, Pager{}, err
	}
	pager := Pager{Total: total}
	if len(rows) > shown {
		rows = rows[:shown]
		q := c.Request().URL.Query()
		q.Set("start", strconv.Itoa(f.Page.Start+shown))
		pager.Next = c.Request().URL.Path + "?" + q.Encode()
	}
	cards := make([]Card, len(rows))
	for i := range rows {
		cards[i] = s.card(&rows[i])
	}
	return cards, pager, nil
}

func (s *Site) card(v *catalog.Listed) Card {
	card := Card{
		URL: "/w/" + v.ShortUUID(), Title: v.Name, Duration: v.Duration, Live: v.IsLive, Views: v.Views,
		Published: v.PublishedAt, Channel: nameOf(v.Channel.DisplayName, v.Channel.Name), ChannelURL: "/c/" + v.Channel.Name, ChannelAvatar: avatarOf(v.Channel.Avatars),
		NSFW: v.NSFW, Blur: v.NSFW && s.o.Config.Current().Instance.DefaultNSFWPolicy != "display", Badge: badge(&v.Video),
	}
	if v.MiniatureName != "" {
		card.Thumbnail = "/lazy-static/thumbnails/" + v.MiniatureName
	}
	if !v.Local {
		card.Host = v.Channel.Host
		card.ChannelURL += "@" + v.Channel.Host
	}
	return card
}

// badge tells what sets a video apart from one that all can see.
func badge(v *catalog.Video) string {
	switch {
	case v.Blocked:
		return "Blocked"
	case v.State == catalog.ToTranscode:
		return "Transcoding"
	case v.State != catalog.Published:
		return v.State.Label()
	case v.Privacy != catalog.Public:
		return v.Privacy.Label()
	}
	return ""
}

// chips are the ways through the lists.
func chips(c echo.Context) []Chip {
	here := c.Request().URL.Path + "?" + c.QueryParam("scope") + c.QueryParam("sort")
	all := []Chip{
		{Label: "Recently added", URL: "/", Current: here == "/?"},
		{Label: "Local", URL: "/videos/browse?scope=local", Icon: "local", Current: here == "/videos/browse?local"},
		{Label: "Fediverse", URL: "/videos/browse?scope=federated", Icon: "fed", Current: here == "/videos/browse?federated"},
		{Label: "Most viewed", URL: "/videos/browse?sort=-views", Icon: "eye", Current: here == "/videos/browse?-views"},
	}
	return all
}

func (s *Site) emptyList() Empty {
	return Empty{
		Title: "No videos yet", Text: "Publish one, or follow another server to see its videos here.",
		Link: "/videos/upload", Action: "Publish a video",
	}
}

func (s *Site) home(c echo.Context) error {
	p, err := page(c, "-publishedAt")
	if err != nil {
		return err
	}
	cards, pager, err := s.list(c, listing.Filter{Page: p, SkipCount: true})
	if err != nil {
		return err
	}
	rest.Share(c)
	return s.pages.List(c.Response(), &ListPage{
		Shell: s.shell(c), Chips: chips(c), Cards: cards, Pager: pager, Empty: s.emptyList(), Canonical: "/",
	})
}

func (s *Site) browse(c echo.Context) error {
	p, err := page(c, "-publishedAt")
	if err != nil {
		return err
	}
	f := listing.Filter{Page: p, SkipCount: true, TagsOneOf: rest.QueryValues(c, "tagsOneOf"), Languages: rest.QueryValues(c, "languageOneOf")}
	for _, text := range rest.QueryValues(c, "categoryOneOf") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return rest.Invalid("query", "categoryOneOf", "Should be a number", text)
		}
		f.Categories = append(f.Categories, n)
	}
	title := "Videos"
	switch scope := c.QueryParam("scope"); scope {
	case "local":
		yes := true
		f.Local, title = &yes, "Local videos"
	case "federated", "":
		if scope != "" {
			no := false
			f.Local, title = &no, "Videos of other servers"
		}
	default:
		return rest.Invalid("query", "scope", "Should be local or federated", scope)
	}
	cards, pager, err := s.list(c, f)
	if err != nil {
		return err
	}
	v := &ListPage{
		Shell: s.shell(c), Title: title, Chips: chips(c), Cards: cards, Pager: pager, Empty: s.emptyList(),
		Canonical: c.Request().URL.RequestURI(),
	}
	return s.pages.List(c.Response(), v)
}

// search finds videos by words. An address or handle leads straight to what it
// names when it is known, or may be fetched.
func (s *Site) search(c echo.Context) error {
	p, err := page(c, "-match")
	if err != nil {
		return err
	}
	term := strings.TrimSpace(c.QueryParam("search"))
	if term != "" {
		if to := s.resolve(c, term); to != "" {
			return c.Redirect(http.StatusSeeOther, to)
		}
	}
	v := &SearchPage{Term: term, ListPage: ListPage{
		Shell: s.shell(c), Title: "Search", Canonical: "/search",
		Empty: Empty{Title: "Nothing found", Text: "Try other words, or the address of a video on another server."},
	}}
	v.Query = term
	if term == "" {
		v.Empty = Empty{Title: "What are you looking for?", Text: "Words of a title, a tag, or the address of a video on another server."}
		return s.pages.Search(c.Response(), v)
	}
	if v.Cards, v.Pager, err = s.list(c, listing.Filter{Page: p, Search: term}); err != nil {
		return err
	}
	return s.pages.Search(c.Response(), v)
}

// resolve is the page of what an address or handle names, empty when there is
// none. The redirect goes to our own page in each case (SEC-42).
func (s *Site) resolve(c echo.Context, term string) string {
	ctx := c.Request().Context()
	if strings.HasPrefix(term, "http://") || strings.HasPrefix(term, "https://") {
		v, err := s.o.Catalog.Lookup(ctx, rest.Current(ctx), term)
		if err != nil {
			return ""
		}
		return "/w/" + v.ShortUUID()
	}
	handle, isHandle := strings.CutPrefix(term, "@")
	if !isHandle || strings.ContainsAny(handle, " /") {
		return ""
	}
	return s.actorPath(c, handle)
}

// actorPath is the page of a channel or account, empty when there is none.
func (s *Site) actorPath(c echo.Context, handle string) string {
	ctx := c.Request().Context()
	if ch, err := s.o.Channels.ShownChannel(ctx, rest.Current(ctx), handle); err == nil {
		return "/c/" + ch.Actor.Handle()
	}
	if a, err := s.o.Channels.ShownAccount(ctx, rest.Current(ctx), handle); err == nil {
		return "/a/" + a.Actor.Handle()
	}
	return ""
}

func (s *Site) anyActor(c echo.Context) error {
	if to := s.actorPath(c, c.Param("name")); to != "" {
		return c.Redirect(http.StatusFound, to)
	}
	return rest.NotFound("Nobody has this name")
}

// toActor answers PeerTube's older addresses of channels and accounts, which
// are also their ActivityPub ids.
func (s *Site) toActor(prefix string) echo.HandlerFunc {
	return func(c echo.Context) error {
		return c.Redirect(http.StatusMovedPermanently, prefix+url.PathEscape(c.Param("name")))
	}
}

// notFound makes a missing row a 404 and leaves other errors alone.
func notFound(err error, detail string) error {
	if errors.Is(err, db.ErrNotFound) || errors.Is(err, catalog.ErrNotFound) {
		return rest.NotFound(detail)
	}
	return err
}
