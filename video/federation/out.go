package federation

import (
	"crypto/sha1" //nolint:gosec // info hashes are SHA-1
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/markup"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
)

// people are the actors that stand in a video's documents.
type people struct{ account, channel *actor.Actor }

// wireNamed is a category, licence or language.
type wireNamed struct {
	Identifier string `json:"identifier"`
	Name       string `json:"name"`
}

type wireTag struct {
	Type string `json:"type"`
	Name string `json:"name"`
	Href string `json:"href,omitempty"`
}

// wireCaption is an item of subtitleLanguage. Since 8.0 its url is a list; 6.3
// wrote a string there, and reads lists too.
type wireCaption struct {
	wireNamed
	AutomaticallyGenerated bool       `json:"automaticallyGenerated"`
	URL                    []wireLink `json:"url"`
}

type wireStoryboard struct {
	Type string      `json:"type"`
	Rel  []string    `json:"rel"`
	URL  []wireBoard `json:"url"`
}

type wireBoard struct {
	MediaType    string `json:"mediaType"`
	Href         string `json:"href"`
	Width        int    `json:"width"`
	Height       int    `json:"height"`
	TileWidth    int    `json:"tileWidth"`
	TileHeight   int    `json:"tileHeight"`
	TileDuration string `json:"tileDuration"`
}

type wireImage struct {
	Type      string `json:"type"`
	URL       string `json:"url"`
	MediaType string `json:"mediaType"`
	Width     int    `json:"width"`
	Height    int    `json:"height"`
}

type wireOwner struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type wireProperty struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// wireLink is a Link in url and in the tag of a playlist. The order of its
// members is PeerTube's.
type wireLink struct {
	Type       string         `json:"type"`
	Name       string         `json:"name,omitempty"`
	Rel        []string       `json:"rel,omitempty"`
	MediaType  string         `json:"mediaType,omitempty"`
	Href       string         `json:"href,omitempty"`
	Height     *int           `json:"height,omitempty"`
	Width      *int           `json:"width,omitempty"`
	Size       *int64         `json:"size,omitempty"`
	FPS        *int           `json:"fps,omitempty"`
	Attachment []wireProperty `json:"attachment,omitempty"`
	Tag        []wireLink     `json:"tag,omitempty"`
}

// wireVideo is a Video document with its members in PeerTube's order. Members
// without a value that PeerTube sends as null are pointers without omitempty.
type wireVideo struct {
	To                    []string         `json:"to"`
	Cc                    []string         `json:"cc"`
	Type                  string           `json:"type"`
	ID                    string           `json:"id"`
	Name                  string           `json:"name"`
	NameMap               languageMap      `json:"nameMap,omitempty"`
	Duration              string           `json:"duration"`
	UUID                  string           `json:"uuid"`
	Category              *wireNamed       `json:"category,omitempty"`
	Licence               *wireNamed       `json:"licence,omitempty"`
	Language              *wireNamed       `json:"language,omitempty"`
	Views                 int64            `json:"views"`
	Downloads             int64            `json:"downloads"`
	Sensitive             bool             `json:"sensitive"`
	Summary               *string          `json:"summary,omitempty"`
	WaitTranscoding       bool             `json:"waitTranscoding"`
	State                 int              `json:"state"`
	CommentsEnabled       bool             `json:"commentsEnabled"`
	CanReply              *string          `json:"canReply"`
	CommentsPolicy        int              `json:"commentsPolicy"`
	DownloadEnabled       bool             `json:"downloadEnabled"`
	Published             string           `json:"published"`
	OriginallyPublishedAt *string          `json:"originallyPublishedAt"`
	Updated               string           `json:"updated"`
	UploadDate            *string          `json:"uploadDate"`
	Schedules             *[]struct{}      `json:"schedules,omitempty"` // of a live
	Tag                   []wireTag        `json:"tag"`
	MediaType             string           `json:"mediaType"`
	Content               *string          `json:"content"`
	ContentMap            languageMap      `json:"contentMap,omitempty"`
	Support               *string          `json:"support"`
	SubtitleLanguage      []wireCaption    `json:"subtitleLanguage"`
	Icon                  []wireImage      `json:"icon"`
	Preview               []wireStoryboard `json:"preview,omitempty"`
	AspectRatio           *float64         `json:"aspectRatio,omitempty"`
	URL                   []wireLink       `json:"url"`
	Likes                 string           `json:"likes"`
	Dislikes              string           `json:"dislikes"`
	Shares                string           `json:"shares"`
	Comments              string           `json:"comments"`
	HasParts              string           `json:"hasParts"`
	EmbedURL              string           `json:"embedUrl"`
	AttributedTo          []wireOwner      `json:"attributedTo"`
	Audience              string           `json:"audience"`
	IsLiveBroadcast       bool             `json:"isLiveBroadcast"`
	LiveSaveReplay        *bool            `json:"liveSaveReplay"`
	PermanentLive         *bool            `json:"permanentLive"`
	LatencyMode           *int             `json:"latencyMode"`
	DVRWindow             *string          `json:"dvrWindow,omitempty"`
}

// languageMap is a text by its language (AS2 4.7): Mastodon takes the language
// of a video from it.
type languageMap map[string]string

// audience is to and cc of a video and its Create and Update (PT federation 3).
func audience(v *catalog.Video, p people) (to, cc []string) {
	if v.Privacy != catalog.Public {
		return []string{}, []string{vocab.Public}
	}
	return []string{vocab.Public, p.channel.IRI}, []string{p.account.Followers}
}

// wire makes the document of a local video (PT federation 4 Video).
func (s *Service) wire(v *catalog.Video, m *catalog.Media, p people) wireVideo {
	to, cc := audience(v, p)
	w := wireVideo{
		To: to, Cc: cc, Type: "Video", ID: v.IRI, Name: v.Name, Duration: seconds(v.Duration), UUID: v.UUID,
		Views: v.Views, Sensitive: v.NSFW, Summary: orNull(summary(v)), WaitTranscoding: v.WaitTranscoding, State: int(v.State),
		CommentsEnabled: v.CommentsPolicy != catalog.CommentsDisabled, CommentsPolicy: int(v.CommentsPolicy),
		DownloadEnabled: v.DownloadEnabled, Published: vocab.Time(v.PublishedAt), Updated: vocab.Time(v.UpdatedAt),
		Tag: s.tags(v, m), MediaType: "text/markdown", Support: orNull(v.Support), SubtitleLanguage: s.captions(m),
		Icon: []wireImage{}, Preview: s.preview(m), Downloads: v.Downloads, EmbedURL: s.urls.Origin + "/videos/embed/" + v.UUID, URL: s.links(v, m), Likes: v.IRI + "/likes", Dislikes: v.IRI + "/dislikes",
		Shares: v.IRI + "/announces", Comments: v.IRI + "/comments", HasParts: v.IRI + "/chapters",
		AttributedTo: []wireOwner{{"Person", p.account.IRI}, {"Group", p.channel.IRI}}, Audience: p.channel.IRI, IsLiveBroadcast: v.IsLive,
	}
	if len(v.Description) >= minContent { // a shorter one makes PeerTube refuse the video
		w.Content = &v.Description
	}
	if v.Language != nil {
		w.NameMap = languageMap{*v.Language: v.Name}
		if w.Content != nil {
			w.ContentMap = languageMap{*v.Language: v.Description}
		}
	}
	if v.CommentsPolicy == catalog.CommentsApproval {
		w.CanReply = orNull(vocab.Public)
	}
	if v.Category != nil {
		w.Category = &wireNamed{strconv.Itoa(*v.Category), label.Category(*v.Category)}
	}
	if v.Licence != nil {
		w.Licence = &wireNamed{strconv.Itoa(*v.Licence), label.Licence(*v.Licence)}
	}
	if v.Language != nil {
		w.Language = &wireNamed{*v.Language, label.Language(*v.Language)}
	}
	if v.OriginallyPublishedAt != nil {
		w.OriginallyPublishedAt = orNull(vocab.Time(*v.OriginallyPublishedAt))
	}
	if v.AspectRatio > 0 {
		w.AspectRatio = &v.AspectRatio
	}
	if v.UploadedAt != nil {
		w.UploadDate = orNull(vocab.Time(*v.UploadedAt))
	}
	if v.IsLive {
		w.Schedules = &[]struct{}{}
		w.LiveSaveReplay, w.PermanentLive, w.LatencyMode = &v.LiveSaveReplay, &v.PermanentLive, &v.LatencyMode
		w.DVRWindow = orNull(seconds(v.DVRWindow))
	}
	for i := range m.Thumbnails {
		t := &m.Thumbnails[i]
		w.Icon = append(w.Icon, wireImage{"Image", s.urls.Origin + catalog.ThumbnailPath(t), "image/jpeg", t.Width, t.Height})
	}
	return w
}

func seconds(n int) string { return "PT" + strconv.Itoa(n) + "S" }

// maxShort bounds the summary of a video, in characters.
const maxShort = 240

// summary is what servers show that do not show the content: Mastodon puts it
// below the name. PeerTube keeps it as the reason why a video is sensitive and
// shows it with those alone, so that a sensitive video has its reason here or
// nothing, and any other the beginning of its description, without markup.
func summary(v *catalog.Video) string {
	if v.NSFW {
		return v.NSFWSummary
	}
	text := strings.Join(strings.Fields(markup.Plain(markup.Render(v.Description))), " ")
	if utf8.RuneCountInString(text) <= maxShort {
		return text
	}
	text = markup.Clip(text, maxShort)
	if i := strings.LastIndexByte(text, ' '); i > 0 {
		text = text[:i]
	}
	return text + "…"
}

// sensitiveTags are the bits of nsfw_flags as PeerTube names them.
var sensitiveTags = []struct {
	flag int
	name string
}{{1, "violent"}, {2, "explicitSex"}}

func (s *Service) tags(v *catalog.Video, m *catalog.Media) []wireTag {
	out := []wireTag{}
	for _, t := range m.Tags {
		out = append(out, wireTag{"Hashtag", t, s.urls.Origin + "/videos/browse?tagsOneOf=" + url.QueryEscape(t)})
	}
	for _, t := range sensitiveTags {
		if v.NSFWFlags&t.flag != 0 {
			out = append(out, wireTag{Type: "SensitiveTag", Name: t.name})
		}
	}
	return out
}

func (s *Service) captions(m *catalog.Media) []wireCaption {
	out := []wireCaption{}
	for i := range m.Captions {
		c := &m.Captions[i]
		out = append(out, wireCaption{
			wireNamed{c.Language, label.Language(c.Language)},
			c.Generated,
			[]wireLink{{Type: "Link", MediaType: "text/vtt", Href: s.urls.Origin + c.Path()}},
		})
	}
	return out
}

func (s *Service) preview(m *catalog.Media) []wireStoryboard {
	b := m.Storyboard
	if b == nil {
		return nil
	}
	return []wireStoryboard{{"Image", []string{"storyboard"}, []wireBoard{{
		"image/jpeg", s.urls.Origin + b.Path(), b.TotalWidth, b.TotalHeight, b.SpriteWidth, b.SpriteHeight, seconds(b.SpriteDuration),
	}}}}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// links is the url list of a document, in PeerTube's order: pages, progressive
// files, playlist, trackers.
func (s *Service) links(v *catalog.Video, m *catalog.Media) []wireLink {
	out := []wireLink{
		{Type: "Link", MediaType: "text/html", Href: s.urls.Watch(v.UUID)},
		{Type: "Link", MediaType: "text/html", Href: v.IRI},
	}
	for i := range m.Files {
		out = append(out, s.fileLinks(v, &m.Files[i], "web-video")...)
	}
	if m.Playlist != nil {
		tags := []wireLink{}
		for _, f := range s.swarms(v, m) {
			tags = append(tags, wireLink{Type: "Infohash", Name: f})
		}
		if href := s.urls.Segments(v, m.Playlist); href != "" {
			tags = append(tags, wireLink{Type: "Link", Name: "sha256", MediaType: "application/json", Href: href})
		}
		for i := range m.HLS {
			tags = append(tags, s.fileLinks(v, &m.HLS[i], "fragmented")...)
		}
		out = append(out, wireLink{Type: "Link", MediaType: typeHLS, Href: s.urls.Master(v, m.Playlist), Tag: tags})
	}
	for _, t := range s.urls.Trackers() {
		kind := "http"
		if strings.HasPrefix(t, "ws") {
			kind = "websocket"
		}
		out = append(out, wireLink{Type: "Link", Name: "tracker-" + kind, Rel: []string{"tracker", kind}, Href: t})
	}
	return out
}

// swarms are the names of the peer-to-peer swarms of a playlist, one a
// rendition, as PeerTube 6.3 computes them (reference tracker 1).
func (s *Service) swarms(v *catalog.Video, m *catalog.Media) []string {
	out := make([]string, len(m.HLS))
	for i := range out {
		sum := sha1.Sum([]byte("2" + s.urls.Master(v, m.Playlist) + "+V" + strconv.Itoa(i))) //nolint:gosec // info hashes are SHA-1
		out[i] = hex.EncodeToString(sum[:])
	}
	return out
}

// mediaTypes are the media types of files by extension.
var mediaTypes = map[string]string{".mp4": "video/mp4", ".webm": "video/webm", ".ogv": "video/ogg"}

// fileLinks are the four links of one file: itself, metadata, torrent, magnet.
func (s *Service) fileLinks(v *catalog.Video, f *catalog.File, format string) []wireLink {
	kind := mediaTypes[f.Extname]
	if kind == "" {
		kind = "video/mp4"
	}
	height := f.Height
	if height == 0 {
		height = f.Resolution
	}
	link := func(l wireLink) wireLink {
		l.Type, l.Height, l.Width, l.FPS = "Link", &height, &f.Width, &f.FPS
		return l
	}
	var streams []wireProperty
	for _, c := range []struct {
		has  bool
		name string
	}{{f.HasAudio, "audio"}, {f.HasVideo, "video"}} {
		if c.has {
			streams = append(streams, wireProperty{"PropertyValue", "ffprobe_codec_type", c.name})
		}
	}
	out := []wireLink{
		link(wireLink{
			MediaType: kind, Href: s.urls.File(v, f), Size: &f.Size,
			Attachment: append(streams, wireProperty{"PropertyValue", "peertube_format_flag", format}),
		}),
		link(wireLink{Rel: []string{"metadata", kind}, MediaType: "application/json", Href: s.urls.Metadata(v, f)}),
	}
	if magnet := s.urls.Magnet(v, f); magnet != "" {
		out = append(out,
			link(wireLink{MediaType: typeTorrent, Href: s.urls.Torrent(v, f)}),
			link(wireLink{MediaType: typeMagnet, Href: magnet}))
	}
	return out
}

// activity is the Create or Update of a video by its account.
func (s *Service) activity(kind, id string, v *catalog.Video, m *catalog.Media, p people) vocab.Wire {
	w := s.wire(v, m, p)
	return vocab.Wire{To: w.To, Cc: w.Cc, Type: kind, ID: id, Actor: p.account.IRI, Object: w}
}

// announceID names the Announce of a video by one of our actors.
func announceID(v *catalog.Video, actorID int64) string {
	return v.IRI + "/announces/" + strconv.FormatInt(actorID, 10)
}

// announce is the Announce of a video; involved are the actors whose followers
// hear of it.
func announce(v *catalog.Video, id string, by *actor.Actor, involved []*actor.Actor) vocab.Wire {
	to, cc := followers(involved), []string{}
	if v.Privacy != catalog.Public {
		to, cc = to[1:], []string{vocab.Public}
	}
	return vocab.Wire{To: to, Cc: cc, Type: "Announce", ID: id, Actor: by.IRI, Object: v.IRI}
}

// followers is the audience of what goes to the followers of actors.
func followers(of []*actor.Actor) []string {
	out := []string{vocab.Public}
	for _, a := range of {
		if a.Followers != "" && !slices.Contains(out, a.Followers) {
			out = append(out, a.Followers)
		}
	}
	return out
}
