package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/video/playlist"
	"github.com/kinemesh/kinemesh/web"
	"github.com/kinemesh/kinemesh/web/rest"
)

const origin = "https://" + accountstest.Host

// tube is an instance with its pages, on a real database.
type tube struct {
	*accountstest.Env
	t       *testing.T
	catalog *catalog.Service
	// playlists are shown on pages.
	playlists *playlist.Service
	server    *web.Server
	owner     *user.User
	channel   int64
}

func newTube(t *testing.T, change ...func(*config.Config)) *tube {
	t.Helper()
	e := accountstest.New(t, dbtest.SQLite(t), change...)
	files := &catalogtest.Files{}
	log := slog.New(slog.DiscardHandler)
	c, err := catalog.New(catalog.Options{
		DB: e.DB, Channels: e.Channels, Origin: e.Config.Origin(), Logger: log, PutFile: files.Put, DeleteFile: files.Delete,
	})
	if err != nil {
		t.Fatal(err)
	}
	lists := listing.New(listing.Options{DB: e.DB, Catalog: c, Channels: e.Channels})
	playlists := playlist.New(playlist.Options{DB: e.DB, Engine: e.Engine, Catalog: c, Listing: lists, Channels: e.Channels, Logger: log})
	site, err := web.NewSite(web.SiteOptions{
		Config: e.Config, DB: e.DB, Catalog: c, Channels: e.Channels, Users: e.Users, OAuth: e.OAuth, Registrations: e.Registrations, Version: "1.2.3", Logger: log,
		Comments: comment.New(comment.Options{DB: e.DB, Engine: e.Engine, Catalog: c, Channels: e.Channels, Logger: log}),
		Listing:  lists, Playlists: playlists, Subscriptions: e.Subscriptions, Notifications: e.Notifications,
		Totals: func(context.Context) (web.Totals, error) {
			return web.Totals{Users: 12, LocalVideos: 345, Videos: 67_890}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := web.NewServer(web.ServerOptions{
		Config: e.Config, Logger: log, Authenticate: e.OAuth.Authenticate, AuthenticateAdmin: e.OAuth.AuthenticateStrict,
		Register: []func(*rest.Router){site.Routes}, PageError: site.Error,
		Dashboard: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the queues themselves") }),
	})
	if err != nil {
		t.Fatal(err)
	}
	x := &tube{Env: e, t: t, catalog: c, playlists: playlists, server: s}
	x.owner, _ = e.User("mara", rest.RoleUser)
	x.channel = x.channelOf(x.owner)
	return x
}

func (x *tube) channelOf(u *user.User) int64 {
	x.t.Helper()
	owned, err := x.Channels.OfUsers(x.t.Context(), u.ID)
	if err != nil || len(owned[u.ID].Channels) == 0 {
		x.t.Fatalf("channels of %s: %v", u.Username, err)
	}
	return owned[u.ID].Channels[0].ID
}

// video publishes a video; change may alter it before.
func (x *tube) video(name string, change ...func(*catalog.NewVideo)) *catalog.Video {
	x.t.Helper()
	n := catalog.NewVideo{ChannelID: x.channel, Attributes: catalog.NewAttributes(), Duration: 83, AspectRatio: 1.7778, SourceSize: 1000}
	n.Attributes.Name, n.Attributes.Privacy = name, catalog.Public
	for _, f := range change {
		f(&n)
	}
	var v *catalog.Video
	err := x.DB.Tx(x.t.Context(), func(tx *db.Tx) (err error) {
		if v, err = x.catalog.Create(tx, n); err != nil {
			return err
		}
		f := catalog.File{
			Resolution: 720, Width: 1280, Height: 720, FPS: 30, Size: 5_000_000, Extname: ".mp4", HasAudio: true, HasVideo: true,
			Filename: v.UUID + "-720.mp4", TorrentFilename: v.UUID + ".torrent", InfoHash: strings.Repeat("ab", 20), Metadata: "{}",
		}
		if err := x.catalog.AddFile(tx, v, &f); err != nil {
			return err
		}
		p := catalog.StreamingPlaylist{Filename: v.UUID + "-master.m3u8", SegmentsFilename: v.UUID + "-sha.json"}
		if err := x.catalog.SetPlaylist(tx, v, &p); err != nil {
			return err
		}
		h := f
		h.ID, h.PlaylistID, h.Filename, h.PlaylistName, h.TorrentFilename, h.InfoHash = 0, &p.ID, v.UUID+"-f.mp4", v.UUID+".m3u8", "", ""
		if err := x.catalog.AddFile(tx, v, &h); err != nil {
			return err
		}
		return x.catalog.SetThumbnails(tx, v, []catalog.Thumbnail{
			{Type: catalog.Miniature, Filename: v.UUID + "-t.jpg", Width: 280, Height: 157, Stored: true},
			{Type: catalog.Preview, Filename: v.UUID + "-p.jpg", Width: 850, Height: 480, Stored: true},
		})
	})
	if err != nil {
		x.t.Fatal(err)
	}
	return v
}

func private(n *catalog.NewVideo)  { n.Attributes.Privacy = catalog.Private }
func unlisted(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Unlisted }

// waiting gives the video a file that is still to be made.
func waiting(n *catalog.NewVideo) {
	n.Attributes.WaitTranscoding = true
	n.Renditions = []catalog.Rendition{{Kind: catalog.KindWeb, Resolution: 720, FPS: 30, Required: true}}
}

// get asks for a page as a browser does. session is a cookie, empty for nobody.
func (x *tube) get(path, session string) *httptest.ResponseRecorder {
	x.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", "text/html")
	if session != "" {
		r.Header.Set("Cookie", session)
	}
	w := httptest.NewRecorder()
	x.server.ServeHTTP(w, r)
	return w
}

// post sends a form; header are pairs.
func (x *tube) post(path string, form url.Values, header ...string) *httptest.ResponseRecorder {
	x.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	x.server.ServeHTTP(w, r)
	return w
}

func (x *tube) signIn(name string) string {
	x.t.Helper()
	w := x.post("/login", url.Values{"username": {name}, "password": {accountstest.Password}}, "Sec-Fetch-Site", "same-origin")
	for _, c := range w.Result().Cookies() {
		if c.Name == oauth.CookieName && c.Value != "" {
			return c.Name + "=" + c.Value
		}
	}
	x.t.Fatalf("no session: %d %s", w.Code, w.Body)
	return ""
}

func wants(t *testing.T, w *httptest.ResponseRecorder, status int, parts ...string) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("status %d, want %d; Location %q", w.Code, status, w.Header().Get("Location"))
	}
	for _, p := range parts {
		if !strings.Contains(w.Body.String(), p) {
			t.Errorf("no %q in the page", p)
		}
	}
}

func lacks(t *testing.T, w *httptest.ResponseRecorder, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(w.Body.String(), p) {
			t.Errorf("%q is in the page", p)
		}
	}
}

func TestListsShowWhatAllMaySee(t *testing.T) {
	x := newTube(t)
	w := x.get("/", "")
	wants(t, w, 200, "No videos yet")
	shown := x.video("Low tide")
	x.video("Hidden one", unlisted)
	x.video("Secret one", private)
	for _, path := range []string{"/", "/videos/browse", "/videos/browse?scope=local", "/search?search=tide", "/c/mara_channel", "/a/mara"} {
		w := x.get(path, "")
		wants(t, w, 200, "Low tide", "/w/"+shown.ShortUUID(), "/lazy-static/thumbnails/"+shown.UUID)
		lacks(t, w, "Hidden one", "Secret one")
	}
	w = x.get("/videos/browse?scope=federated", "")
	wants(t, w, 200)
	lacks(t, w, "Low tide")
	w = x.get("/search?search=nothing-like-it", "")
	wants(t, w, 200, "Nothing found")
}

func TestOwnersSeeAllOfTheirs(t *testing.T) {
	x := newTube(t)
	x.video("Secret one", private)
	x.video("Being made", waiting)
	x.User("other", rest.RoleUser)
	wants(t, x.get("/c/mara_channel", x.signIn("mara")), 200, "Secret one", "Private", "Being made", "Transcoding")
	wants(t, x.get("/a/mara", x.signIn("mara")), 200, "Secret one")
	lacks(t, x.get("/c/mara_channel", x.signIn("other")), "Secret one", "Being made")
}

func TestListsGoOn(t *testing.T) {
	x := newTube(t)
	for i := range 26 {
		x.video(fmt.Sprintf("Video number %02d", i))
	}
	w := x.get("/", "")
	wants(t, w, 200, `href="/?start=24"`, "Show more", "Video number 25", "Video number 02")
	lacks(t, w, "Video number 01")
	w = x.get("/?start=24", "")
	wants(t, w, 200, "Video number 01", "Video number 00")
	lacks(t, w, "Show more", "Video number 02")
	for _, bad := range []string{"/?start=-1", "/?start=x", "/?sort=password", "/videos/browse?scope=all", "/videos/browse?categoryOneOf=x"} {
		wants(t, x.get(bad, ""), 400, "cannot be understood")
	}
}

func TestWatchPage(t *testing.T) {
	x := newTube(t)
	x.video("Another one")
	v := x.video("Low tide", func(n *catalog.NewVideo) {
		n.Attributes.Description, n.Attributes.Tags = "**Slow** film", []string{"sea side"}
	})
	for _, id := range []string{v.ShortUUID(), v.UUID} {
		wants(t, x.get("/w/"+id, ""), 200, "<h1>Low tide</h1>", "<strong>Slow</strong> film", "Another one", "#sea side",
			`hls="/static/streaming-playlists/hls/`+v.UUID+"/"+v.UUID+`-master.m3u8"`,
			`swarm="`+origin+"/static/streaming-playlists/hls/"+v.UUID+"/"+v.UUID+`-master.m3u8"`,
			`trackers="[&#34;wss://`+accountstest.Host+`/tracker/socket&#34;]"`, `sha256="/static/streaming-playlists/hls/`+v.UUID,
			`src="/static/web-videos/`+v.UUID+`-720.mp4" type="video/mp4"`, `poster="/lazy-static/previews/`+v.UUID,
			"/download/web-videos/"+v.UUID, "magnet:?xs=", `<link rel="canonical" href="`+origin+"/w/"+v.ShortUUID()+`">`,
			`href="`+origin+"/services/oembed?url=")
	}
	w := x.get("/w/"+v.ShortUUID()+"?autoplay=0", "")
	lacks(t, w, " autoplay")
	wants(t, x.get("/w/"+v.ShortUUID()+"?autoplay=1", ""), 200, " autoplay")
	for _, none := range []string{"/w/xyz", "/w/1x", "/w/00000000-0000-4000-8000-000000000000", "/videos/watch/xyz", "/videos/embed/xyz"} {
		wants(t, x.get(none, ""), 404, "Nothing here")
	}
}

func TestPeerToPeerCanBeOff(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"pages":   func(c *config.Config) { c.Defaults.P2P.Webapp.Enabled = false },
		"tracker": func(c *config.Config) { c.Tracker.Enabled = false },
	} {
		x := newTube(t, change)
		w := x.get("/w/"+x.video("Low tide").ShortUUID(), "")
		wants(t, w, 200, "hls=")
		if strings.Contains(w.Body.String(), " trackers=") {
			t.Errorf("%s off: the page announces a tracker", name)
		}
	}
	x := newTube(t)
	v := x.video("Private one", private)
	w := x.get("/w/"+v.ShortUUID(), x.signIn("mara"))
	wants(t, w, 200, "hls=\"/static/streaming-playlists/hls/private/")
	lacks(t, w, " trackers=")
}

func TestWhoMayWatch(t *testing.T) {
	x := newTube(t)
	x.User("other", rest.RoleUser)
	mara, other := x.signIn("mara"), x.signIn("other")
	secret, hidden, made := x.video("Secret one", private), x.video("Hidden one", unlisted), x.video("Being made", waiting)
	for _, tt := range []struct {
		name    string
		v       *catalog.Video
		session string
		status  int
	}{
		{"private, its owner", secret, mara, 200},
		{"private, another user", secret, other, 403},
		{"private, nobody", secret, "", 303}, // to the login form
		{"unlisted, nobody", hidden, "", 200},
		{"transcoding, its owner", made, mara, 200},
		{"transcoding, nobody", made, "", 404},
	} {
		for _, path := range []string{"/w/", "/videos/embed/"} {
			w := x.get(path+tt.v.ShortUUID(), tt.session)
			if w.Code != tt.status {
				t.Errorf("%s%s: %d, want %d", path, tt.name, w.Code, tt.status)
			}
			if tt.status != 200 && strings.Contains(w.Body.String(), tt.v.Name) {
				t.Errorf("%s%s: the title is shown", path, tt.name)
			}
		}
	}
	wants(t, x.get("/w/"+hidden.ShortUUID(), ""), 200, `content="noindex"`)
}

func TestEmbed(t *testing.T) {
	x := newTube(t)
	v := x.video("Low tide")
	w := x.get("/videos/embed/"+v.UUID, "")
	wants(t, w, 200, "kinemesh-player", `href="`+origin+"/w/"+v.ShortUUID()+`"`, "Low tide</a>")
	lacks(t, w, " autoplay", `class="top"`)
	if !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors *") || w.Header().Get("X-Frame-Options") != "" {
		t.Errorf("the frame cannot be shown elsewhere: %v", w.Header())
	}
	if w := x.get("/w/"+v.ShortUUID(), ""); !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Error("the watch page can be framed")
	}
	lacks(t, x.get("/videos/embed/"+v.UUID+"?title=0", ""), "k-title")
}

func TestAddresses(t *testing.T) {
	x := newTube(t)
	v := x.video("Low tide")
	for path, want := range map[string]string{
		"/videos/watch/" + v.UUID:                "/w/" + v.ShortUUID(),
		"/videos/watch/" + v.ShortUUID():         "/w/" + v.ShortUUID(),
		fmt.Sprintf("/videos/watch/%d", v.ID):    "/w/" + v.ShortUUID(),
		"/video-channels/mara_channel":           "/c/mara_channel",
		"/accounts/mara":                         "/a/mara",
		"/@mara":                                 "/a/mara",
		"/@mara_channel":                         "/c/mara_channel",
		"/videos/local":                          "/videos/browse?scope=local",
		"/home":                                  "/",
		"/search?search=%40mara_channel":         "/c/mara_channel",
		"/search?search=%40mara%40kinemesh.test": "/a/mara",
		"/search?search=" + url.QueryEscape(origin+"/w/"+v.ShortUUID()): "/w/" + v.ShortUUID(),
	} {
		w := x.get(path, "")
		if w.Code < 300 || w.Code > 399 || w.Header().Get("Location") != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, w.Header().Get("Location"), want)
		}
	}
	for _, path := range []string{"/c/nobody", "/a/nobody", "/@nobody", "/no/such/page"} {
		wants(t, x.get(path, ""), 404, "Nothing here")
	}
}

func TestLogin(t *testing.T) {
	x := newTube(t)
	wants(t, x.get("/login?return=/videos/upload", ""), 200, `value="/videos/upload"`)
	good := url.Values{"username": {"mara"}, "password": {accountstest.Password}, "return": {"/videos/upload"}}
	for _, tt := range []struct {
		name   string
		form   url.Values
		header []string
		status int
		text   string
	}{
		{"wrong password", url.Values{"username": {"mara"}, "password": {"no"}}, []string{"Sec-Fetch-Site", "same-origin"}, 400, "password is wrong"},
		{"unknown user", url.Values{"username": {"nobody"}, "password": {"no"}}, []string{"Sec-Fetch-Site", "same-origin"}, 400, "password is wrong"},
		{"from another site", good, []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"from nowhere", good, nil, 403, ""},
		{"by another origin", good, []string{"Origin", "https://evil.example"}, 403, ""},
		{"right", good, []string{"Sec-Fetch-Site", "same-origin"}, 303, ""},
		{"right, older browser", good, []string{"Origin", origin}, 303, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := x.post("/login", tt.form, tt.header...)
			wants(t, w, tt.status, tt.text)
			cookies := w.Result().Cookies()
			if (tt.status == 303) != (len(cookies) > 0) {
				t.Errorf("%d cookies", len(cookies))
			}
			for _, c := range cookies {
				if !c.HttpOnly || !c.Secure || c.SameSite == http.SameSiteNoneMode || c.SameSite == http.SameSiteDefaultMode {
					t.Errorf("cookie %v", c)
				}
			}
			if tt.status == 303 && w.Header().Get("Location") != "/videos/upload" {
				t.Errorf("goes to %q", w.Header().Get("Location"))
			}
			if tt.status == 400 {
				lacks(t, w, "no\"") // the password is not written back
			}
		})
	}
}

// SEC-42: the way back never leaves the site.
func TestLoginReturnsToThisSite(t *testing.T) {
	x := newTube(t)
	for to, want := range map[string]string{
		"/w/abc?start=1": "/w/abc?start=1", "": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/",
		"/\t/evil.example": "/", "javascript:alert(1)": "/", "evil.example": "/", "/login?return=/login": "/", "/logout": "/",
	} {
		w := x.post("/login", url.Values{"username": {"mara"}, "password": {accountstest.Password}, "return": {to}}, "Sec-Fetch-Site", "same-origin")
		if w.Code != 303 || w.Header().Get("Location") != want {
			t.Errorf("return=%q goes to %q, want %q", to, w.Header().Get("Location"), want)
		}
	}
}

func TestLogout(t *testing.T) {
	x := newTube(t)
	session := x.signIn("mara")
	wants(t, x.get("/", session), 200, "Log out", "@mara")
	if w := x.post("/logout", nil, "Cookie", session, "Sec-Fetch-Site", "cross-site"); w.Code != 403 {
		t.Errorf("another site logs users out: %d", w.Code)
	}
	wants(t, x.get("/", session), 200, "Log out")
	w := x.post("/logout", nil, "Cookie", session, "Sec-Fetch-Site", "same-origin")
	if w.Code != 303 || len(w.Result().Cookies()) == 0 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("logout: %d %v", w.Code, w.Result().Cookies())
	}
	lacks(t, x.get("/", session), "Log out") // the session is over, whoever has the cookie
}

func TestPublishPage(t *testing.T) {
	x := newTube(t, func(c *config.Config) { c.User.VideoQuota = 10_000_000_000 })
	w := x.get("/videos/upload", "")
	if w.Code != 303 || w.Header().Get("Location") != "/login?return=%2Fvideos%2Fupload" {
		t.Errorf("nobody gets %d %q", w.Code, w.Header().Get("Location"))
	}
	x.video("Low tide", func(n *catalog.NewVideo) { n.SourceSize = 2_000_000_000 })
	wants(t, x.get("/videos/upload", x.signIn("mara")), 200, `data-privacy="3"`, ">Public</option>", ">Unlisted</option>",
		fmt.Sprintf(`<option value="%d">`, x.channel), ">Music</option>", ">Attribution</option>", ">English</option>", "8.00 GB left")
}

func TestProgress(t *testing.T) {
	x := newTube(t)
	v := x.video("Being made", waiting)
	x.User("other", rest.RoleUser)
	w := x.get("/videos/progress/"+v.UUID, x.signIn("mara"))
	var got struct{ State, Percent, Done, Total int }
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != 200 || got.State != int(catalog.ToTranscode) || got.Total != 1 {
		t.Errorf("progress: %d %s (%v)", w.Code, w.Body, err)
	}
	for _, session := range []string{"", x.signIn("other")} {
		if w := x.get("/videos/progress/"+v.UUID, session); w.Code != 404 {
			t.Errorf("others get %d", w.Code)
		}
	}
	public := x.video("Low tide")
	if w := x.get("/videos/progress/"+public.UUID, ""); w.Code != 404 {
		t.Errorf("progress of others' public videos: %d", w.Code)
	}
}

func TestDashboardLeadsToTheLogin(t *testing.T) {
	x := newTube(t)
	x.User("boss", rest.RoleAdmin)
	const path = web.DashboardRoot + "/"
	if w := x.get(path, ""); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/login?return=") {
		t.Errorf("nobody gets %d %q", w.Code, w.Header().Get("Location"))
	}
	w := x.get(path, x.signIn("boss")) // without the cookie for administration
	wants(t, w, 401, `href="`+path+`"`, "Continue")
	lacks(t, w, "the queues themselves")
}

func TestThemeCookie(t *testing.T) {
	x := newTube(t)
	wants(t, x.get("/", "theme=dark"), 200, `<html lang="en" data-theme="dark">`)
	lacks(t, x.get("/", "theme=evil"), "data-theme=")
}

func TestSensitiveVideos(t *testing.T) {
	nsfw := func(n *catalog.NewVideo) { n.Attributes.NSFW = true }
	for policy, want := range map[string]struct{ listed, blurred bool }{
		"display": {true, false}, "blur": {true, true}, "warn": {true, true}, "do_not_list": {false, false},
	} {
		x := newTube(t, func(c *config.Config) { c.Instance.DefaultNSFWPolicy = policy })
		x.video("Sensitive one", nsfw)
		body := x.get("/", "").Body.String()
		if strings.Contains(body, "Sensitive one") != want.listed || strings.Contains(body, `class="blur"`) != want.blurred {
			t.Errorf("policy %s: listed %v, blurred %v", policy, strings.Contains(body, "Sensitive one"), strings.Contains(body, `class="blur"`))
		}
	}
}

func TestClientFilesAreServed(t *testing.T) {
	x := newTube(t)
	body := x.get("/", "").Body.String()
	_, rest, _ := strings.Cut(body, `<script type="module" src="`)
	src, _, _ := strings.Cut(rest, `"`)
	w := x.get(src, "")
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/javascript") {
		t.Errorf("%s: %d %v", src, w.Code, w.Header())
	}
}
