package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Errors of the operations.
var (
	ErrNotFound  = errors.New("video not found")
	ErrForbidden = errors.New("not the owner of the video")
	ErrConflict  = errors.New("another video has this identity")
)

// RemoteURI says who may look up objects of other servers by their address
// (search.remote_uri of the settings).
type RemoteURI struct{ Users, Anonymous bool }

// Options are what a [Service] needs.
type Options struct {
	DB       *db.DB
	Channels *channel.Service
	Origin   string // https://host, no slash at the end
	Logger   *slog.Logger

	// PutFile stores an object and DeleteFile deletes one, an absent one too.
	PutFile    func(ctx context.Context, key string, r io.Reader) error
	DeleteFile func(ctx context.Context, key string) error

	// FederateUnlisted lets other servers have unlisted videos
	// (federation.videos.federate_unlisted).
	FederateUnlisted bool

	Storyboards func() bool // whether every upload gets one, by a job of video/storyboard; nil: none does

	// KeepSources tells whether uploads are kept when all is made of them
	// (transcoding.original_file.keep); nil: none are.
	KeepSources func() bool

	RemoteURI func() RemoteURI // also lets unlisted remote videos be seen; nil: nobody
}

// Service holds the operations on videos. It is safe for concurrent use; its
// function fields are set before the server starts.
type Service struct {
	db   *db.DB
	log  *slog.Logger
	opts Options
	urls URLs

	follows atomic.Pointer[string] // what the lists were made for, see relistChanged

	// Resolve fetches the video at a URL of another server and returns its row
	// id; ErrNotFound when there is none. nil: lookups are answered from the
	// database alone.
	Resolve func(ctx context.Context, uri string) (int64, error)

	// Touched hears that somebody opens a remote video, so that a stale one is
	// fetched again. nil hears nothing.
	Touched func(ctx context.Context, v *Video)

	// Unlock looks at the password that a request brought for a protected video:
	// nil when it opens it, else what to answer. nil opens none.
	Unlock func(ctx context.Context, v *Video) *rest.Problem

	// SetPasswords replaces the passwords of a video; nil: there are none.
	SetPasswords func(tx *db.Tx, videoID int64, passwords []string) error

	// Written hears, in the transaction that does it, that the texts of a video
	// were written, before anybody can see them. It may take the video out of
	// sight by [Service.SetBlock]. nil hears nothing.
	Written func(tx *db.Tx, v *Video, w Writing) error

	// Moved hears, in the transaction that does it, that the state, privacy or block
	// of a video changed, or that a video of another server is new: then before is
	// nil. nil hears nothing.
	Moved func(tx *db.Tx, before, v *Video) error

	// WatchedAt tells where a user stopped watching videos, in seconds; nil: no
	// histories are kept.
	WatchedAt func(ctx context.Context, userID int64, videoIDs []int64) (map[int64]int, error)

	// Dropped hears of a video that is deleted, in the transaction that does it. nil
	// hears nothing.
	Dropped func(tx *db.Tx, v *Video) error

	// Viewers tells how many watch a video now; nil: nobody is known to.
	Viewers func(videoID int64) int64

	// Copies are the addresses of copies of a video's HLS files on other
	// servers; nil: there are none.
	Copies func(ctx context.Context, videoID int64) ([]string, error)
}

// New returns a service.
func New(o Options) (*Service, error) {
	u, err := url.Parse(o.Origin)
	if err != nil || u.Host == "" || strings.HasSuffix(o.Origin, "/") {
		return nil, fmt.Errorf("catalog: origin %q is not an origin", o.Origin)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Storyboards == nil {
		o.Storyboards = func() bool { return false }
	}
	if o.RemoteURI == nil {
		o.RemoteURI = func() RemoteURI { return RemoteURI{} }
	}
	return &Service{
		db: o.DB, log: o.Logger, opts: o, urls: URLs{Origin: o.Origin, Host: u.Host},
	}, nil
}

// URLs builds the addresses of this instance's videos and files.
func (s *Service) URLs() URLs { return s.urls }

// videoColumns and owner columns of [Service.Get] and of lists.
const ownerJoin = ` JOIN channels ch ON ch.id = v.channel_id
 JOIN accounts ac ON ac.id = ch.account_id`

const ownedQuery = `SELECT v.*, COALESCE(ac.user_id, 0) AS owner_user_id, ac.id AS owner_account_id,
 ac.actor_id AS account_actor_id, ch.actor_id AS channel_actor_id, ` + BlockReason + ` AS reason
 FROM videos v` + ownerJoin

// ownedVideo is a row of videos with who owns it.
type ownedVideo struct {
	Video
	OwnerUserID, OwnerAccountID, AccountActorID, ChannelActorID int64

	Reason string
}

func (o *ownedVideo) video() *Video {
	v := o.Video
	v.Owner = Owner{
		UserID: o.OwnerUserID, AccountID: o.OwnerAccountID, AccountActorID: o.AccountActorID, ChannelActorID: o.ChannelActorID,
	}
	v.BlockReason = o.Reason
	v.PartsURL, v.SharesURL = iri.Full(v.IRI, v.PartsURL), iri.Full(v.IRI, v.SharesURL)
	return &v
}

// BlockReason is the reason of a blocked video, as a column of a query for v.
const BlockReason = `CASE WHEN v.blocked THEN (SELECT b.reason FROM video_blocks b WHERE b.video_id = v.id) ELSE '' END`

// get loads one video with its owner. lock keeps others from changing it until
// the transaction ends.
func get(g *gorm.DB, lock, where string, args ...any) (*Video, error) {
	var row ownedVideo
	err := g.Raw(ownedQuery+" WHERE "+where+lock, args...).Scan(&row).Error
	if err != nil {
		return nil, fmt.Errorf("load video: %w", err)
	}
	if row.ID == 0 {
		return nil, ErrNotFound
	}
	return row.video(), nil
}

// Get loads a video with its owner, whoever may see it; ErrNotFound when there
// is none.
func (s *Service) Get(ctx context.Context, ref Ref) (*Video, error) {
	return getRef(s.db.Read(ctx), "", ref)
}

func getRef(g *gorm.DB, lock string, ref Ref) (*Video, error) {
	if ref.UUID != "" {
		return get(g, lock, "v.uuid = ?", ref.UUID)
	}
	return get(g, lock, "v.id = ?", ref.ID)
}

// Lock loads a video with its owner in tx and keeps others from changing it
// until tx ends.
func Lock(tx *db.Tx, id int64) (*Video, error) {
	lock := ""
	if tx.Dialect() == db.Postgres {
		lock = " FOR UPDATE OF v"
	}
	return get(tx.DB, lock, "v.id = ?", id)
}

// ByID loads a video by its row id.
func (s *Service) ByID(ctx context.Context, id int64) (*Video, error) {
	return s.Get(ctx, Ref{ID: id})
}

// ByIRI loads a video by its ActivityPub id.
func (s *Service) ByIRI(ctx context.Context, iri string) (*Video, error) {
	return get(s.db.Read(ctx), "", "v.iri = ?", iri)
}

// Media is what belongs to a video besides its row.
type Media struct {
	Files      []File             // progressive, highest resolution first
	Playlist   *StreamingPlaylist // nil: no HLS
	HLS        []File             // of the playlist, highest resolution first
	Thumbnails []Thumbnail
	Tags       []string
	Trackers   []string  // of a remote video
	Captions   []Caption // by language
	Storyboard *Storyboard
	Copies     []string // folders of copies of the HLS files on other servers (video/redundancy)
}

// Thumbnail returns the picture of a type, nil when there is none.
func (m *Media) Thumbnail(kind int) *Thumbnail {
	for i := range m.Thumbnails {
		if m.Thumbnails[i].Type == kind {
			return &m.Thumbnails[i]
		}
	}
	return nil
}

// Media loads the files, pictures and tags of a video.
func (s *Service) Media(ctx context.Context, videoID int64) (*Media, error) {
	return LoadMedia(s.db.Read(ctx), videoID)
}

// LoadMedia is [Service.Media] on a handle, for use in transactions.
func LoadMedia(g *gorm.DB, videoID int64) (*Media, error) {
	m := &Media{}
	var files []File
	if err := g.Where("video_id = ?", videoID).Order("resolution DESC, fps DESC, id").Find(&files).Error; err != nil {
		return nil, fmt.Errorf("load files: %w", err)
	}
	lists, err := LoadPlaylists(g, videoID)
	if err != nil || len(lists) == 0 {
		return m, err
	}
	home := lists[0].IRI
	if lists[0].Exists() {
		m.Playlist = &lists[0]
	}
	for _, f := range files {
		f.Expand(home)
		if f.PlaylistID == nil {
			m.Files = append(m.Files, f)
		} else {
			m.HLS = append(m.HLS, f)
		}
	}
	if m.Thumbnails, err = picture.Of(g, videoID, home); err != nil {
		return nil, err
	}
	if err := g.Model(&Tag{}).Where("video_id = ?", videoID).Order("position, folded").Pluck("COALESCE(name, folded)", &m.Tags).Error; err != nil {
		return nil, fmt.Errorf("load tags: %w", err)
	}
	if err := g.Model(&Tracker{}).Where("video_id = ?", videoID).Order("url").Pluck("url", &m.Trackers).Error; err != nil {
		return nil, fmt.Errorf("load trackers: %w", err)
	}
	if err := loadCopies(g, videoID, m); err != nil {
		return nil, err
	}
	return m, loadExtras(g, videoID, m)
}
