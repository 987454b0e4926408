package catalog

import (
	"time"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/video/picture"
)

// Video is a row of videos. Owner is loaded by [Service.Get], its like, and
// [Lock]; it is zero elsewhere.
type Video struct {
	ID                    int64
	UUID                  string `gorm:"column:uuid"`
	IRI                   string `gorm:"column:iri"`
	ChannelID             int64
	Local                 bool
	Listed                bool // local, or of an actor this instance follows, or shared by one
	Name                  string
	Folded                string // words of name and tags, for search
	Description           string // Markdown
	Support               string
	Category              *int
	Licence               *int
	Language              *string
	Privacy               Privacy
	State                 State
	NSFW                  bool   `gorm:"column:nsfw"`
	NSFWSummary           string `gorm:"column:nsfw_summary"`
	NSFWFlags             int    `gorm:"column:nsfw_flags"`
	Duration              int    // seconds
	AspectRatio           float64
	Views                 int64
	Likes                 int64
	Dislikes              int64
	Comments              int64
	CommentsPolicy        CommentsPolicy
	DownloadEnabled       bool
	WaitTranscoding       bool
	IsLive                bool
	SourceName            string     // file name of the upload, as the user had it
	SourceSize            int64      // bytes of the upload; what counts against the quota
	SourceKey             string     // where the upload lies until everything is transcoded
	FilesSize             *int64     // bytes of the files made of it; nil: a remote video, whose files are elsewhere
	LastError             string     // why transcoding failed, for the owner
	FederatedAt           *time.Time // when the Create went out; nil: other servers do not have it
	OriginallyPublishedAt *time.Time
	PublishedAt           time.Time
	FetchedAt             *time.Time // of a remote video: when its document was read last
	UploadedAt            *time.Time // when its file was replaced last
	ScheduledAt           *time.Time // when it gets ScheduledPrivacy; nil: it keeps what it has
	ScheduledPrivacy      *Privacy
	Downloads             int64
	LiveSaveReplay        bool
	PermanentLive         bool
	LatencyMode           int    // of a live: 1 default, 2 high latency, 3 small latency
	DVRWindow             int    `gorm:"column:dvr_window"` // of a live: seconds that can be gone back
	PartsURL              string `gorm:"column:parts_url"`  // remote: its chapters
	SharesURL             string `gorm:"column:shares_url"` // remote: who announced it
	CreatedAt             time.Time
	UpdatedAt             time.Time

	Blocked  bool // by moderators: for its owner and them only (video/block)
	Withheld bool // from other servers, too

	Owner       Owner  `gorm:"-"`
	BlockReason string `gorm:"-"` // of a blocked one, loaded with Owner
}

// Owner says to whom a video belongs.
type Owner struct {
	UserID         int64 // 0: on another server
	AccountID      int64
	AccountActorID int64 // the Person
	ChannelActorID int64 // the Group
}

// TableName implements gorm's Tabler.
func (Video) TableName() string { return "videos" }

// ShortUUID is the 22-character form used in page addresses.
func (v *Video) ShortUUID() string { return ShortUUID(v.UUID) }

// Federates tells whether v, as it is now, is something other servers may have
// by all settings (PT federation 3: public, and in a state that federates). See
// [Service.Federates] for unlisted videos.
func (v *Video) Federates() bool { return v.Privacy == Public && v.ready() }

func (v *Video) ready() bool {
	return v.Local && !v.Withheld && (v.State == Published || v.State == WaitingForLive || v.State == LiveEnded)
}

// Federates tells whether other servers may have v as it is now: a public video,
// and where federation.videos.federate_unlisted says so an unlisted one.
func (s *Service) Federates(v *Video) bool {
	return v.ready() && (v.Privacy == Public || (v.Privacy == Unlisted && s.opts.FederateUnlisted))
}

// StreamingPlaylist is the HLS playlist of a video, a part of its row.
type StreamingPlaylist struct {
	ID               int64  // that of the video
	IRI              string `gorm:"column:iri;->"`            // that of the video
	Filename         string `gorm:"column:playlist_filename"` // local: the master playlist
	URL              string `gorm:"column:playlist_url"`      // remote: the master playlist
	SegmentsFilename string
	SegmentsURL      string `gorm:"column:segments_url"`
}

// Exists tells whether the video has a playlist.
func (p *StreamingPlaylist) Exists() bool { return p.Filename != "" || p.URL != "" }

// TableName implements gorm's Tabler.
func (StreamingPlaylist) TableName() string { return "videos" }

// File is a row of video_files: a progressive file, or with PlaylistID the
// fragmented file of an HLS rendition.
type File struct {
	ID              int64
	VideoID         int64
	PlaylistID      *int64
	Resolution      int // the shorter side's class: 720, 1080; 0 for audio only
	Width           int
	Height          int
	FPS             int `gorm:"column:fps"`
	Size            int64
	Extname         string // with the dot
	HasAudio        bool
	HasVideo        bool
	Filename        string // local: base name in storage
	PlaylistName    string // local: base name of the HLS media playlist
	URL             string `gorm:"column:url"` // remote
	TorrentFilename string // base name below /lazy-static/torrents
	TorrentURL      string `gorm:"column:torrent_url"` // remote
	InfoHash        string // 40 hex digits, lower case; empty: no torrent
	Magnet          string // remote: as received
	Metadata        string // what ffprobe said, JSON
	MetadataURL     string `gorm:"column:metadata_url"` // remote
}

// Expand makes the addresses of f whole again, as they are kept without the origin
// of home, the video's IRI.
func (f *File) Expand(home string) {
	f.URL, f.TorrentURL, f.MetadataURL = iri.Full(home, f.URL), iri.Full(home, f.TorrentURL), iri.Full(home, f.MetadataURL)
}

// TableName implements gorm's Tabler.
func (File) TableName() string { return "video_files" }

// Thumbnail is a picture of a video: of Type Miniature, in lists, or Preview,
// behind the player.
type Thumbnail = picture.Picture

// Thumbnail types.
const (
	Miniature = picture.Miniature
	Preview   = picture.Preview
)

// Tag is a row of video_tags.
type Tag struct {
	VideoID  int64
	Position int
	Folded   string  // lower case
	Name     *string // as written; nil: as folded
}

// TableName implements gorm's Tabler.
func (Tag) TableName() string { return "video_tags" }

// Share is a row of video_shares: ActorID announced the video to its followers.
type Share struct {
	ID        int64
	VideoID   int64
	ActorID   int64
	IRI       string `gorm:"column:iri"`
	CreatedAt time.Time
}

// TableName implements gorm's Tabler.
func (Share) TableName() string { return "video_shares" }

// Tracker is a row of video_trackers: where a remote video's peers meet.
type Tracker struct {
	VideoID int64  `gorm:"primaryKey"`
	URL     string `gorm:"primaryKey;column:url"`
}

// TableName implements gorm's Tabler.
func (Tracker) TableName() string { return "video_trackers" }

// Infohash is a row of infohashes: what the tracker admits. Hash is 20 bytes as
// 40 hex digits, lower case.
type Infohash struct {
	Hash    string `gorm:"primaryKey"`
	VideoID int64  `gorm:"primaryKey"`
	Given   bool   // by a document or an encoder, not computed from the rows
}

// TableName implements gorm's Tabler.
func (Infohash) TableName() string { return "infohashes" }

// Rendition kinds.
const (
	KindWeb = "web" // progressive MP4
	KindHLS = "hls" // fragmented MP4 with playlists
)

// Rendition states.
const (
	RenditionPlanned = "planned" // no job yet
	RenditionQueued  = "queued"  // its job is waiting or running
	RenditionDone    = "done"
	RenditionFailed  = "failed"
)

// Rendition is a row of renditions: a file that a local video shall have.
type Rendition struct {
	ID         int64
	VideoID    int64
	Kind       string
	Resolution int
	FPS        int  `gorm:"column:fps"`
	Required   bool // publication waits for it even without waitTranscoding
	State      string
	Progress   int // percent
	LastError  string
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// TableName implements gorm's Tabler.
func (Rendition) TableName() string { return "renditions" }
