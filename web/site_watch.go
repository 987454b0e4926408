package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/chapter"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
	"github.com/kinemesh/kinemesh/web/wording"
)

const (
	hlsType = "application/vnd.apple.mpegurl"
	// fallbackHeight is the progressive file that browsers without HLS and
	// without scripts get, or the nearest to it.
	fallbackHeight = 720
)

// loaded is a video with all that its pages show.
type loaded struct {
	*catalog.Video
	media   *catalog.Media
	channel *channel.Channel
}

// load finds the video of a page that the viewer may see.
func (s *Site) load(c echo.Context) (*loaded, error) {
	ctx := c.Request().Context()
	id, _, _ := strings.Cut(c.Param("id"), ";") // PeerTube adds ;threadId=
	v, err := s.o.Catalog.Find(ctx, rest.Current(ctx), id)
	if err != nil {
		return nil, err
	}
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	ch, err := s.o.Channels.ChannelByID(ctx, v.ChannelID)
	if err != nil {
		return nil, notFound(err, "Video not found")
	}
	return &loaded{v, m, ch}, nil
}

// oldWatch answers the address that is also the ActivityPub id; requests for
// the object never come here.
func (s *Site) oldWatch(c echo.Context) error {
	ref, ok := catalog.ParseRef(c.Param("id"))
	if !ok {
		return rest.NotFound("Video not found")
	}
	if ref.UUID != "" {
		return c.Redirect(http.StatusMovedPermanently, "/w/"+catalog.ShortUUID(ref.UUID))
	}
	v, err := s.load(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusMovedPermanently, "/w/"+v.ShortUUID())
}

func (s *Site) watch(c echo.Context) error {
	v, err := s.load(c)
	if err != nil {
		return s.askPassword(c, err)
	}
	path := "/w/" + v.ShortUUID()
	account := v.channel.Account.Actor
	w := &WatchPage{
		Shell: s.shell(c), Player: s.player(c, v), UUID: v.UUID, Title: v.Name, URL: path,
		EmbedURL: "/videos/embed/" + v.ShortUUID(), OEmbedURL: "/services/oembed?url=" + url.QueryEscape(s.origin+path),
		Published: v.PublishedAt, Views: v.Views, Likes: v.Likes, Channel: person(v.channel), Followers: v.channel.Actor.FollowersCount,
		Account:     Person{Name: nameOf(account.Name, account.Username), Handle: "@" + account.Handle(), URL: "/a/" + account.Handle()},
		Description: s.texts.HTML(v.Description), Summary: s.texts.Summary(v.Description), Badge: badge(v.Video), NSFW: v.NSFW,
		Indexed: v.Local && v.Open(),
	}
	if w.Subscribe, err = s.subscribeButton(c, v.channel); err != nil {
		return err
	}
	w.Width, w.Height = frame(v.AspectRatio)
	if w.Summary == "" {
		w.Summary = v.Name + ", by " + w.Channel.Name
	}
	if v.Privacy == catalog.Public && !v.Blocked {
		w.ActivityPub = v.IRI
	}
	if !v.Local {
		w.Host, w.RemoteURL = v.channel.Actor.Host, webAddress(v.IRI)
	}
	for _, tag := range v.media.Tags {
		w.Tags = append(w.Tags, Chip{Label: tag, URL: "/videos/browse?tagsOneOf=" + url.QueryEscape(tag)})
	}
	if w.Chapters, err = s.chapters(c, v, path); err != nil {
		return err
	}
	w.Details = s.details(v)
	w.Downloads = s.downloads(v)
	if f := progressive(v.media.Files); f != nil && w.Indexed {
		w.FileURL = s.urls.File(v.Video, f)
	}
	if w.Comments, err = s.comments(c, v, path); err != nil {
		return err
	}
	if w.Next, err = s.next(c, v.ID); err != nil {
		return err
	}
	rest.Share(c)
	return s.pages.Watch(c.Response(), w)
}

func (s *Site) embed(c echo.Context) error { return s.embedWith(c, nil) }

func (s *Site) embedWith(c echo.Context, list []Card) error {
	v, err := s.load(c)
	if err != nil {
		return s.askInFrame(c, err)
	}
	return s.playInFrame(c, v, list, "")
}

// playInFrame writes the player for a frame of another site. token opens the files
// of a video that is not for everyone; empty: there is none.
func (s *Site) playInFrame(c echo.Context, v *loaded, list []Card, token string) error {
	player := s.player(c, v)
	if token != "" {
		player.withToken(token)
	}
	player.Autoplay = switched(c, "autoplay", false)
	player.P2P = player.P2P && s.o.Config.Current().Defaults.P2P.Embed.Enabled
	return s.pages.Embed(c.Response(), &EmbedPage{
		Shell: s.shell(c), Player: player, Title: v.Name, URL: "/w/" + v.ShortUUID(), ShowTitle: switched(c, "title", true), List: list,
	})
}

// switched reads a switch in the query: 0 and false are off, anything else is on.
func switched(c echo.Context, name string, otherwise bool) bool {
	switch c.QueryParam(name) {
	case "":
		return otherwise
	case "0", "false":
		return false
	}
	return true
}

// frame is the size that previews give a video of an aspect ratio.
func frame(ratio float64) (width, height int) {
	const height720, width1280 = 720, 1280
	switch {
	case ratio <= 0 || math.IsNaN(ratio) || math.IsInf(ratio, 0):
		return width1280, height720
	case ratio >= float64(width1280)/height720:
		return width1280, max(1, int(math.Round(width1280/ratio)))
	}
	return max(1, int(math.Round(height720*ratio))), height720
}

// player says what the video element and its script get.
func (s *Site) player(c echo.Context, v *loaded) Player {
	p := Player{
		Label: v.Name, Duration: v.Duration, Poster: catalog.ThumbnailPath(v.media.Thumbnail(catalog.Preview)),
		Autoplay: switched(c, "autoplay", s.o.Config.Current().Defaults.Player.AutoPlay), UUID: v.UUID,
	}
	if list := v.media.Playlist; list != nil && len(v.media.HLS) > 0 {
		master := s.urls.Master(v.Video, list)
		p.HLS = s.local(master)
		p.Sources = append(p.Sources, Source{p.HLS, hlsType})
		s.peers(&p, v, master)
	}
	for i := range v.media.Captions {
		t := &v.media.Captions[i]
		p.Tracks = append(p.Tracks, Track{t.Path(), t.Language, label.Language(t.Language)})
	}
	f := progressive(v.media.Files)
	if f == nil {
		f = progressive(v.media.HLS) // fragmented, and played as a file too
	}
	if f != nil {
		p.Sources = append(p.Sources, Source{s.local(s.urls.File(v.Video, f)), mimeType(f)})
	}
	switch {
	case v.State == catalog.TranscodingFailed:
		p.Notice, p.Detail = "This video could not be prepared", "Transcoding the file failed. Only you see this page."
	case len(p.Sources) == 0 && v.Local:
		p.Notice, p.Detail = "This video is being prepared", "It can be watched here when the first file is ready. Only you see this page."
		p.Waiting = true
	case len(p.Sources) == 0:
		p.Notice, p.Detail = "This video has no file that can be played here", "Its server may offer more."
		p.Link, p.Action = webAddress(v.IRI), "Open it there"
	}
	s.viewerSettings(c, v, &p)
	return p
}

// chapters are the links to where the chapters of a video begin.
func (s *Site) chapters(c echo.Context, v *loaded, path string) ([]ChapterLink, error) {
	list, err := chapter.Of(s.o.DB.Read(c.Request().Context()), v.Video)
	if err != nil {
		return nil, err
	}
	out := make([]ChapterLink, len(list))
	for i, l := range list {
		out[i] = ChapterLink{wording.Clock(l.Timecode), l.Title, fmt.Sprintf("%s?start=%d&autoplay=1", path, l.Timecode)}
	}
	return out, nil
}

// peers fills in what viewers need to find each other. Private videos are left
// out: their swarms would be known to whoever has an address once.
func (s *Site) peers(p *Player, v *loaded, master string) {
	cfg := s.o.Config.Current()
	segments := s.urls.Segments(v.Video, v.media.Playlist)
	if !cfg.Defaults.P2P.Webapp.Enabled || segments == "" || (v.Privacy != catalog.Public && v.Privacy != catalog.Unlisted) {
		return
	}
	if v.Local {
		if cfg.Tracker.Enabled {
			p.Trackers = []string{s.urls.WebSocket() + "/tracker/socket"}
		}
	} else {
		for _, t := range v.media.Trackers {
			if strings.HasPrefix(t, "wss://") || (strings.HasPrefix(t, "ws://") && !cfg.Webserver.HTTPS) {
				p.Trackers = append(p.Trackers, t)
			}
		}
	}
	if len(p.Trackers) == 0 {
		return
	}
	// The origin's address of the playlist names the swarm on every instance.
	p.P2P, p.Swarm, p.SHA256, p.ICEServers = true, master, s.local(segments), cfg.WebRTC.STUNServers
}

// viewerSettings applies what a signed-in viewer chose; an explicit query wins.
func (s *Site) viewerSettings(c echo.Context, v *loaded, p *Player) {
	ctx := c.Request().Context()
	who := rest.Current(ctx)
	if who == nil {
		return
	}
	u, err := s.o.Users.ByID(ctx, who.UserID)
	if err != nil {
		return
	}
	set, err := s.o.Users.SettingsOf(u)
	if err != nil {
		return
	}
	p.P2P = p.P2P && set.P2PEnabled
	p.Autoplay = switched(c, "autoplay", set.AutoPlayVideo)
	if set.VideosHistoryEnabled && c.QueryParam("start") == "" && !v.IsLive {
		p.resume(s.stoppedAt(ctx, who, v))
	}
}

// stoppedAt is where a user stopped watching, in seconds. A page is worth no less
// without it.
func (s *Site) stoppedAt(ctx context.Context, who *rest.Principal, v *loaded) int {
	if s.o.Catalog.WatchedAt == nil {
		return 0
	}
	at, err := s.o.Catalog.WatchedAt(ctx, who.UserID, []int64{v.ID})
	if err != nil {
		s.o.Logger.WarnContext(ctx, "history not read", "error", err)
	}
	return at[v.ID]
}

// resume has the player begin where the viewer stopped, unless that was at the
// end. Addresses say it too, for browsers without scripts (W3C Media Fragments
// 4.2.1).
func (p *Player) resume(at int) {
	if at <= 0 || at >= p.Duration-1 {
		return
	}
	p.Start = at
	for i := range p.Sources {
		p.Sources[i].URL += "#t=" + strconv.Itoa(at)
	}
}

// progressive picks the file nearest to fallbackHeight; nil without files.
func progressive(files []catalog.File) *catalog.File {
	var best *catalog.File
	distance := func(f *catalog.File) int { return max(f.Resolution-fallbackHeight, fallbackHeight-f.Resolution) }
	for i := range files {
		if f := &files[i]; f.HasVideo && (best == nil || distance(f) < distance(best)) {
			best = f
		}
	}
	if best == nil && len(files) > 0 {
		return &files[0] // sound alone
	}
	return best
}

func mimeType(f *catalog.File) string {
	switch strings.ToLower(f.Extname) {
	case ".webm":
		return "video/webm"
	case ".ogv":
		return "video/ogg"
	}
	return "video/mp4"
}

func (s *Site) details(v *loaded) []Detail {
	out := []Detail{{Name: "Privacy", Value: v.Privacy.Label()}}
	if v.Blocked {
		out = append(out, Detail{Name: "Blocked", Value: cmp.Or(v.BlockReason, "By the moderators of this server")})
	}
	if v.Category != nil {
		out = append(out, Detail{"Category", label.Category(*v.Category), fmt.Sprintf("/videos/browse?categoryOneOf=%d", *v.Category)})
	}
	if v.Licence != nil {
		out = append(out, Detail{Name: "Licence", Value: label.Licence(*v.Licence)})
	}
	if v.Language != nil {
		out = append(out, Detail{"Language", label.Language(*v.Language), "/videos/browse?languageOneOf=" + url.QueryEscape(*v.Language)})
	}
	out = append(out, Detail{Name: "Published", Value: v.PublishedAt.UTC().Format("2 January 2006")})
	if t := v.OriginallyPublishedAt; t != nil {
		out = append(out, Detail{Name: "First published", Value: t.UTC().Format("2 January 2006")})
	}
	out = append(out, Detail{Name: "Duration", Value: wording.Clock(v.Duration)})
	if v.Local {
		return append(out, Detail{Name: "Origin", Value: "This server"})
	}
	return append(out, Detail{"Origin", v.channel.Actor.Host, webAddress(v.IRI)})
}

func (s *Site) downloads(v *loaded) (out []DownloadFile) {
	if !v.DownloadEnabled {
		return nil
	}
	files := v.media.Files
	if len(files) == 0 {
		files = v.media.HLS
	}
	for i := range files {
		f := &files[i]
		out = append(out, DownloadFile{
			Label: label.Resolution(f.Resolution), Size: f.Size, URL: s.local(s.urls.FileDownload(v.Video, f)),
			Torrent: s.local(s.urls.TorrentDownload(v.Video, f)), Magnet: s.urls.Magnet(v.Video, f),
		})
	}
	return out
}

// next are other recent videos, for the column beside the player.
func (s *Site) next(c echo.Context, except int64) ([]Card, error) {
	f := listing.Filter{Page: rest.Page{Count: nextSize + 1, Sort: "publishedAt", Desc: true}, SkipCount: true}
	if s.o.Config.Current().Instance.DefaultNSFWPolicy == "do_not_list" {
		no := false
		f.NSFW = &no
	}
	f.Viewer = rest.Current(c.Request().Context())
	rows, _, err := s.o.Listing.List(c.Request().Context(), f)
	if err != nil {
		return nil, err
	}
	cards := make([]Card, 0, nextSize)
	for i := range rows {
		if rows[i].ID != except && len(cards) < nextSize {
			cards = append(cards, s.card(&rows[i]))
		}
	}
	return cards, nil
}
