package web

import (
	"fmt"
	"html"
	"html/template"
	"strings"
	"time"
)

// Viewer is who looks at a page; the zero value is an anonymous visitor.
type Viewer struct {
	SignedIn bool
	Username string
	Name     string // display name
	Avatar   string // path; empty: the first letter is shown
	Admin    bool
}

// Shell is what every page needs around its content.
type Shell struct {
	Viewer   Viewer
	Instance string // name of the instance
	Origin   string // https://host, from the configuration (SEC-42)
	Path     string // path of the request, for the current mark in the menus
	Query    string // what the search box holds
	Theme    string // "dark", "light" or "" for the system's choice
	Robots   string // value of the robots meta tag, empty: none
	SignUp   bool   // registration is open
	Unread   int64  // notifications; negative: there is no page of them
	Version  string
	// Broadcast is a message of the administrators, Loud an important one.
	Broadcast template.HTML
	Loud      bool
	Dismiss   string // what stands for the message when it is closed; empty: it stays
}

// Chip is one link of the row above a list.
type Chip struct {
	Label   string
	URL     string
	Icon    string // name in the sprite, may be empty
	Current bool
}

// Card is a video in a list.
type Card struct {
	URL           string // /w/SHORTUUID
	Title         string
	Thumbnail     string // path on this instance (SEC-41); empty: a plain surface
	Duration      int    // seconds
	Live          bool
	Views         int64
	Published     time.Time
	Channel       string // display name
	ChannelURL    string
	ChannelAvatar string
	Host          string // of a remote video
	NSFW          bool
	Blur          bool   // the picture is hidden until the video is opened
	Current       bool   // plays now
	Badge         string // "Private", "Transcoding"; empty for a public one
}

// SubscribeButton follows a channel or ends that.
type SubscribeButton struct {
	Login  string // where a visitor goes instead; empty: signed in
	Post   string // where the form goes
	Return string // where it leads back to, a path of this site
	Done   bool   // the viewer follows already
}

// Pager leads to the next part of a list.
type Pager struct {
	Total int64
	Next  string // URL, empty at the end
}

// Empty is what a list shows without entries.
type Empty struct {
	Title  string
	Text   string
	Link   string
	Action string // text of Link
}

// ListPage is home and every other page that is a grid of videos.
type ListPage struct {
	Shell
	Title string // h1, and the window title
	Intro string
	Chips []Chip
	Cards []Card
	Pager Pager
	Empty Empty
	// Canonical is the path that search engines keep.
	Canonical string
}

// SearchPage is the result of a search.
type SearchPage struct {
	ListPage
	Term     string
	Channels []Person
	Resolved string // hint that a remote address was looked up
}

// PlaylistPage is a playlist with its videos.
type PlaylistPage struct {
	ListPage
	Owner       Person
	Badge       string        // "Private", "Unlisted"; empty for a public one
	Description template.HTML // sanitised
	Summary     string        // plain text, for meta tags
	Picture     string        // path
	EmbedURL    string        // path of the page for frames
	OEmbedURL   string        // path with query
	ActivityPub string        // IRI of the document; empty for a private one
	RemoteURL   string        // its address at the origin
	Indexed     bool          // public: search engines may keep it
}

// Person is an account or channel in a list.
type Person struct {
	Name   string
	Handle string // @name@host
	URL    string
	Avatar string
	Note   string // "12 followers"
}

// ActorPage is a channel or an account.
type ActorPage struct {
	ListPage
	Name        string
	Handle      string // name@host
	Avatar      string
	Banner      string
	Followers   int64
	Description template.HTML // sanitised
	Summary     string        // plain text for meta tags
	Support     template.HTML // sanitised
	OwnerName   string        // of a channel: its account
	OwnerURL    string
	Channels    []Person // of an account
	Subscribe   *SubscribeButton
	Remote      bool
	RemoteURL   string // page at its origin
	ActivityPub string // IRI of the actor's document
	Account     bool   // an account, not a channel
}

// Source is one entry of <video>.
type Source struct {
	URL  string
	Type string
}

// DownloadFile is one file in the download dialog.
type DownloadFile struct {
	Label   string // "720p"
	Size    int64
	URL     string
	Torrent string
	Magnet  string
}

// Player is what <kinemesh-player> gets.
type Player struct {
	Label      string
	HLS        string // master playlist
	Sources    []Source
	Tracks     []Track // subtitles
	Poster     string
	Duration   int
	Autoplay   bool
	P2P        bool     // video and instance allow it
	Trackers   []string // WebSocket announce addresses
	SHA256     string   // segments-sha256.json
	Swarm      string   // the origin's master playlist address
	ICEServers []string // stun: and turn: addresses, may be empty
	UUID       string   // views are counted for it; empty: they are not
	Start      int      // where it begins, in seconds
	// Notice stands instead of the player: transcoding, failed.
	Notice  string
	Detail  string
	Link    string
	Action  string
	Waiting bool // it will be there soon: the page looks again by itself
}

// Track are the subtitles of a video in one language.
type Track struct{ URL, Language, Label string }

// ChapterLink leads to where a chapter begins.
type ChapterLink struct{ Time, Title, URL string }

// Detail is a row of the details below a description.
type Detail struct {
	Name  string
	Value string
	URL   string
}

// WatchPage is the page of one video.
type WatchPage struct {
	Shell
	Player      Player
	UUID        string
	Title       string
	URL         string // path of the page
	EmbedURL    string // path of the embed page
	OEmbedURL   string // path with query
	ActivityPub string // IRI of the video's document
	Published   time.Time
	Views       int64
	Likes       int64
	Channel     Person
	Account     Person
	Subscribe   *SubscribeButton
	Followers   int64
	Host        string        // of a remote video
	RemoteURL   string        // its page at the origin
	Description template.HTML // sanitised
	Summary     string        // plain text, for meta tags
	Tags        []Chip
	Chapters    []ChapterLink
	Details     []Detail
	Downloads   []DownloadFile
	Next        []Card
	Badge       string
	Width       int
	Height      int
	NSFW        bool
	Indexed     bool   // public: search engines may keep it
	FileURL     string // a progressive file, for og:video
	Comments    *Comments
}

// Comments are those below a video; nil: none are shown and none are written.
type Comments struct {
	Total    int64
	Threads  []CommentThread
	More     string // the next threads
	Post     string // where the form goes
	Login    string
	Reviewed bool // who looks at the page writes for the owner first
}

// CommentThread is a comment with what hangs below it.
type CommentThread struct {
	Comment CommentView
	Answers []CommentView
	Hidden  int // answers that are not shown
}

// CommentView is one comment.
type CommentView struct {
	ID      int64
	Author  Person
	Host    string // of another server
	Origin  string // its page there
	ByOwner bool
	Held    bool
	Deleted bool
	Answers string // whom, where it is not the root
	Written time.Time
	Text    template.HTML // sanitised
}

// EmbedPage is a video in a frame on another site.
type EmbedPage struct {
	Shell
	Player    Player
	Title     string
	URL       string // path of the watch page
	ShowTitle bool
	List      []Card // of a playlist

	Ask   string // instead of the player: where the form for the password goes
	Error string // what was wrong with the last one
}

// PasswordPage asks for the password of a video.
type PasswordPage struct {
	Shell
	Action string // where the form goes
	Error  string
}

// LoginPage asks for name and password.
type LoginPage struct {
	Shell
	Username string // kept after an error
	Error    string
	Code     bool   // the code of the second factor is asked for
	Return   string // where to go after, a path of this site
}

// Option is a choice of a select.
type Option struct {
	Value    string
	Label    string
	Selected bool
}

// PublishPage uploads a video.
type PublishPage struct {
	Shell
	Channels   []Option
	Privacies  []Option
	Categories []Option
	Licences   []Option
	Languages  []Option
	// InitialPrivacy is what the video has until "Publish" is pressed.
	InitialPrivacy int
	MaxSize        int64 // bytes, 0: no limit
	MaxChunk       int64 // bytes of one request, 0: as the client likes
	QuotaLeft      int64 // bytes, negative: no limit
}

// ErrorPage tells what went wrong.
type ErrorPage struct {
	Shell
	Status    int
	Title     string
	Text      string
	Link      string
	Action    string
	RequestID string
}

// playerView is what the player template reads: the player and what follows
// from it.
type playerView struct {
	Player
	ICE     []iceServer
	Theatre bool
}

// iceServer is an RTCIceServer of WebRTC.
type iceServer struct {
	URLs string `json:"urls"`
}

func viewPlayer(p Player, theatre bool) playerView {
	v := playerView{Player: p, ICE: []iceServer{}, Theatre: theatre}
	for _, s := range p.ICEServers {
		v.ICE = append(v.ICE, iceServer{URLs: s})
	}
	if v.Trackers == nil {
		v.Trackers = []string{}
	}
	return v
}

// PlayerView is the player of the page, which has room for the theatre mode.
func (p *WatchPage) PlayerView() playerView { return viewPlayer(p.Player, true) }

// PlayerView is the player of the frame.
func (p *EmbedPage) PlayerView() playerView { return viewPlayer(p.Player, false) }

// EmbedCode is the HTML that shows the video on another site. It is escaped
// once here for the frame and again by the template for its place.
func (p *WatchPage) EmbedCode() string {
	return fmt.Sprintf(`<iframe title="%s" width="560" height="315" src="%s" frameborder="0" allowfullscreen sandbox="allow-same-origin allow-scripts allow-popups allow-forms"></iframe>`,
		html.EscapeString(p.Title), html.EscapeString(p.Origin+p.EmbedURL))
}

// MagnetURL marks a magnet link as one that a page may hold; anything else
// becomes empty.
func (f DownloadFile) MagnetURL() template.URL {
	if !strings.HasPrefix(f.Magnet, "magnet:?") {
		return ""
	}
	return template.URL(f.Magnet) //nolint:gosec // the scheme was just checked
}
