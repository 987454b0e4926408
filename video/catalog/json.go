package catalog

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/video/picture"
)

// labelled is a number or code of an enumeration with its name.
type labelled struct {
	ID    any    `json:"id"` // null when unknown
	Label string `json:"label"`
}

func numbered(id *int, name func(int) string) labelled {
	if id == nil {
		return labelled{Label: label.Unknown}
	}
	return labelled{*id, name(*id)}
}

func languageOf(code *string) labelled {
	if code == nil {
		return labelled{Label: label.Unknown}
	}
	return labelled{*code, label.Language(*code)}
}

// apiTime prints times as PeerTube does: UTC with milliseconds.
func apiTime(t time.Time) channel.Time { return channel.Time(t) }

// apiThumbnail is a picture in the form of newer clients.
type apiThumbnail struct {
	FileURL     string `json:"fileUrl"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	AspectRatio string `json:"aspectRatio"`
}

// Listed is a video in a list.
type Listed struct {
	Video                      // Description holds its beginning only
	Account, Channel           channel.Summary
	MiniatureName, PreviewName string
}

// VideoJSON is a video in a list (OpenAPI Video).
type VideoJSON struct {
	ID                    int64           `json:"id"`
	UUID                  string          `json:"uuid"`
	ShortUUID             string          `json:"shortUUID"`
	URL                   string          `json:"url"`
	Name                  string          `json:"name"`
	Category              labelled        `json:"category"`
	Licence               labelled        `json:"licence"`
	Language              labelled        `json:"language"`
	Privacy               labelled        `json:"privacy"`
	NSFW                  bool            `json:"nsfw"`
	NSFWFlags             int             `json:"nsfwFlags"`
	NSFWSummary           *string         `json:"nsfwSummary"`
	TruncatedDescription  *string         `json:"truncatedDescription"`
	Description           *string         `json:"description"`
	IsLocal               bool            `json:"isLocal"`
	Duration              int             `json:"duration"`
	AspectRatio           *float64        `json:"aspectRatio"`
	Views                 int64           `json:"views"`
	Viewers               int64           `json:"viewers"`
	Likes                 int64           `json:"likes"`
	Dislikes              int64           `json:"dislikes"`
	Comments              int64           `json:"comments"`
	ThumbnailPath         string          `json:"thumbnailPath"`
	PreviewPath           string          `json:"previewPath"`
	Thumbnails            []apiThumbnail  `json:"thumbnails"`
	EmbedPath             string          `json:"embedPath"`
	CreatedAt             channel.Time    `json:"createdAt"`
	UpdatedAt             channel.Time    `json:"updatedAt"`
	PublishedAt           channel.Time    `json:"publishedAt"`
	OriginallyPublishedAt *channel.Time   `json:"originallyPublishedAt"`
	IsLive                bool            `json:"isLive"`
	LiveSchedules         []string        `json:"liveSchedules"`
	Account               channel.Summary `json:"account"`
	Channel               channel.Summary `json:"channel"`

	UserHistory *UserHistory `json:"userHistory,omitempty"`
	apiIncluded

	// For the owner and moderators.
	WaitTranscoding   *bool        `json:"waitTranscoding,omitempty"`
	State             *labelled    `json:"state,omitempty"`
	ScheduledUpdate   *apiSchedule `json:"scheduledUpdate,omitempty"`
	Blacklisted       *bool        `json:"blacklisted,omitempty"`
	BlacklistedReason **string     `json:"blacklistedReason,omitempty"` // null without one
	AutomaticTags     []string     `json:"automaticTags,omitzero"`
}

// apiSchedule is when a video changes its privacy (OpenAPI VideoScheduledUpdate).
type apiSchedule struct {
	UpdateAt channel.Time `json:"updateAt"`
	Privacy  Privacy      `json:"privacy"`
}

func scheduleToAPI(v *Video) *apiSchedule {
	sch := v.Schedule()
	if sch == nil {
		return nil
	}
	return &apiSchedule{apiTime(sch.At), sch.Privacy}
}

// Sizes of pictures (tracker reference 5).
const (
	MiniatureWidth  = picture.MiniatureWidth
	MiniatureHeight = picture.MiniatureHeight
	PreviewWidth    = picture.PreviewWidth
	PreviewHeight   = picture.PreviewHeight
)

// APIVideo is a row of a list as the API answers with it. own adds what only the
// owner and moderators read.
func (s *Service) APIVideo(l *Listed, own bool) VideoJSON {
	a := VideoJSON{
		ID: l.ID, UUID: l.UUID, ShortUUID: ShortUUID(l.UUID), URL: l.IRI, Name: l.Name,
		Category: numbered(l.Category, label.Category), Licence: numbered(l.Licence, label.Licence), Language: languageOf(l.Language),
		Privacy: labelled{int(l.Privacy), l.Privacy.Label()}, NSFW: l.NSFW, NSFWFlags: l.NSFWFlags, NSFWSummary: orNull(l.NSFWSummary),
		IsLocal: l.Local, Duration: l.Duration, Views: l.Views, Likes: l.Likes, Dislikes: l.Dislikes, Comments: l.Comments,
		EmbedPath: "/videos/embed/" + l.UUID, CreatedAt: apiTime(l.CreatedAt), UpdatedAt: apiTime(l.UpdatedAt),
		PublishedAt: apiTime(l.PublishedAt), OriginallyPublishedAt: channel.TimePtr(l.OriginallyPublishedAt),
		IsLive: l.IsLive, LiveSchedules: []string{}, Account: l.Account, Channel: l.Channel,
	}
	if s.Viewers != nil {
		a.Viewers = s.Viewers(l.ID)
	}
	if l.AspectRatio != 0 {
		a.AspectRatio = &l.AspectRatio
	}
	a.TruncatedDescription = orNull(Truncate(l.Description))
	a.Description = a.TruncatedDescription
	if l.MiniatureName != "" {
		a.ThumbnailPath = "/lazy-static/thumbnails/" + l.MiniatureName
		a.Thumbnails = append(a.Thumbnails, apiThumbnail{s.urls.Origin + a.ThumbnailPath, MiniatureWidth, MiniatureHeight, "16:9"})
	}
	if l.PreviewName != "" {
		a.PreviewPath = "/lazy-static/previews/" + l.PreviewName
		a.Thumbnails = append(a.Thumbnails, apiThumbnail{s.urls.Origin + a.PreviewPath, PreviewWidth, PreviewHeight, "16:9"})
	}
	if a.Thumbnails == nil {
		a.Thumbnails = []apiThumbnail{}
	}
	if own {
		a.WaitTranscoding, a.State = &l.WaitTranscoding, &labelled{int(l.State), l.State.Label()}
		a.Blacklisted, a.BlacklistedReason = &l.Blocked, new(orNull(l.BlockReason))
		a.ScheduledUpdate = scheduleToAPI(&l.Video)
	}
	return a
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Truncate shortens a description to what lists show of it, at a space where
// there is one.
func Truncate(s string) string {
	if len(s) <= truncatedLength || utf8.RuneCountInString(s) <= truncatedLength {
		return s
	}
	const omission = "..."
	cut := 0
	for i := range s {
		if cut == truncatedLength-len(omission) {
			s = s[:i]
			break
		}
		cut++
	}
	if i := strings.LastIndexAny(s, " \n"); i > 0 {
		s = strings.TrimRight(s[:i], " ,\n")
	}
	return s + omission
}

// apiFile is a file of a video (OpenAPI VideoFile).
type apiFile struct {
	ID                 int64    `json:"id"`
	Resolution         labelled `json:"resolution"`
	Width              *int     `json:"width"`
	Height             *int     `json:"height"`
	MagnetURI          *string  `json:"magnetUri"`
	Size               int64    `json:"size"`
	FPS                int      `json:"fps"`
	TorrentURL         *string  `json:"torrentUrl"`
	TorrentDownloadURL *string  `json:"torrentDownloadUrl"`
	FileURL            string   `json:"fileUrl"`
	PlaylistURL        *string  `json:"playlistUrl,omitempty"`
	FileDownloadURL    string   `json:"fileDownloadUrl"`
	MetadataURL        *string  `json:"metadataUrl"`
	HasAudio           bool     `json:"hasAudio"`
	HasVideo           bool     `json:"hasVideo"`
	Storage            *int     `json:"storage"` // 0 file system; null of a remote file
}

func (s *Service) fileToAPI(v *Video, f *File) apiFile {
	a := apiFile{
		ID: f.ID, Resolution: labelled{f.Resolution, label.Resolution(f.Resolution)}, Size: f.Size, FPS: f.FPS,
		MagnetURI: orNull(s.urls.Magnet(v, f)), TorrentURL: orNull(s.urls.Torrent(v, f)),
		TorrentDownloadURL: orNull(s.urls.TorrentDownload(v, f)), FileURL: s.urls.File(v, f),
		PlaylistURL: orNull(s.urls.MediaPlaylist(v, f)), FileDownloadURL: s.urls.FileDownload(v, f),
		MetadataURL: orNull(s.urls.Metadata(v, f)), HasAudio: f.HasAudio, HasVideo: f.HasVideo,
	}
	if f.Width > 0 {
		a.Width = &f.Width
	}
	if f.Height > 0 {
		a.Height = &f.Height
	}
	if v.Local {
		a.Storage = new(int)
	}
	return a
}

// apiPlaylist is a streaming playlist (OpenAPI VideoStreamingPlaylists).
type apiPlaylist struct {
	ID                int64     `json:"id"`
	Type              int       `json:"type"`
	PlaylistURL       string    `json:"playlistUrl"`
	SegmentsSha256URL string    `json:"segmentsSha256Url"`
	Redundancies      []apiCopy `json:"redundancies"`
	Files             []apiFile `json:"files"`
}

// apiCopy is where else the files of a playlist are.
type apiCopy struct {
	BaseURL string `json:"baseUrl"`
}

// apiDetails is one video in full (OpenAPI VideoDetails).
type apiDetails struct {
	VideoJSON
	// These replace the short forms of VideoJSON.
	Account channel.AccountJSON `json:"account"`
	Channel channel.ChannelJSON `json:"channel"`

	Blacklisted        bool          `json:"blacklisted"`
	BlacklistedReason  *string       `json:"blacklistedReason"`
	StreamingPlaylists []apiPlaylist `json:"streamingPlaylists"`
	Files              []apiFile     `json:"files"`
	Support            *string       `json:"support"`
	DescriptionPath    string        `json:"descriptionPath"`
	Tags               []string      `json:"tags"`
	CommentsEnabled    bool          `json:"commentsEnabled"`
	CommentsPolicy     labelled      `json:"commentsPolicy"`
	DownloadEnabled    bool          `json:"downloadEnabled"`
	WaitTranscoding    bool          `json:"waitTranscoding"`
	InputFileUpdatedAt *channel.Time `json:"inputFileUpdatedAt"`
	State              labelled      `json:"state"`
	TrackerURLs        []string      `json:"trackerUrls"`
}

// detailsToAPI is one video in full.
func (s *Service) detailsToAPI(v *Video, m *Media, ch *channel.Channel) apiDetails {
	l := Listed{Video: *v}
	if t := m.Thumbnail(Miniature); t != nil {
		l.MiniatureName = t.Filename
	}
	if t := m.Thumbnail(Preview); t != nil {
		l.PreviewName = t.Filename
	}
	d := apiDetails{
		VideoJSON: s.APIVideo(&l, false), Account: s.opts.Channels.APIAccount(ch.Account), Channel: s.opts.Channels.APIChannel(ch),
		StreamingPlaylists: s.playlistsToAPI(v, m), Files: s.filesToAPI(v, m.Files), Support: orNull(v.Support),
		DescriptionPath: "/api/v1/videos/" + v.UUID + "/description", Tags: m.Tags,
		CommentsEnabled: v.CommentsPolicy != CommentsDisabled,
		CommentsPolicy:  labelled{int(v.CommentsPolicy), v.CommentsPolicy.Label()}, DownloadEnabled: v.DownloadEnabled,
		WaitTranscoding: v.WaitTranscoding, State: labelled{int(v.State), v.State.Label()}, TrackerURLs: m.Trackers,
		InputFileUpdatedAt: channel.TimePtr(v.UploadedAt),
		Blacklisted:        v.Blocked, BlacklistedReason: orNull(v.BlockReason),
	}
	d.Description, d.ScheduledUpdate = orNull(v.Description), scheduleToAPI(v)
	if d.Tags == nil {
		d.Tags = []string{}
	}
	if v.Local {
		d.TrackerURLs = s.urls.Trackers()
	}
	if d.TrackerURLs == nil {
		d.TrackerURLs = []string{}
	}
	return d
}

func (s *Service) playlistsToAPI(v *Video, m *Media) []apiPlaylist {
	p := m.Playlist
	if p == nil {
		return []apiPlaylist{}
	}
	copies := make([]apiCopy, len(m.Copies))
	for i, u := range m.Copies {
		copies[i].BaseURL = u
	}
	return []apiPlaylist{{
		ID: p.ID, Type: typeHLS, PlaylistURL: s.urls.Master(v, p), SegmentsSha256URL: s.urls.Segments(v, p),
		Redundancies: copies, Files: s.filesToAPI(v, m.HLS),
	}}
}

func (s *Service) filesToAPI(v *Video, files []File) []apiFile {
	out := make([]apiFile, len(files))
	for i := range files {
		out[i] = s.fileToAPI(v, &files[i])
	}
	return out
}
