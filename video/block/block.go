// Package block keeps videos from everybody but their owners and moderators:
// blocks that a moderator makes, with a reason that the owner reads, and blocks
// that new videos are under until a moderator has looked at them.
//
// That a video is blocked, and whether other servers may have it, stands in its
// row, where every way to it looks (video/catalog, SEC-54); why, stands here.
//
// Specifications: reference REST 12 (Video Blocks), enumerations. Imports no
// sibling but catalog and listing.
package block

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Errors of the operations.
var (
	ErrNotFound = errors.New("video is not blocked")
	ErrBlocked  = errors.New("video is blocked already")
	ErrRemote   = errors.New("a video of another server is not for us to take back")
)

// Type says how a block came to be; the numbers go over the API.
type Type int

// The types.
const (
	Manual   Type = 1 // by a moderator
	Awaiting Type = 2 // of a new video, until a moderator has looked at it
	Tagged   Type = 3 // by an automatic tag, until then
)

// reason is what the owner reads of a block that nobody made.
const reason = "Waits for a moderator to look at it"

// Block is a row of video_blocks.
type Block struct {
	ID           int64
	VideoID      int64
	Type         Type
	Reason       string // for the owner
	InternalNote string // for moderators
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// TableName implements gorm's Tabler.
func (Block) TableName() string { return "video_blocks" }

// Options are what a Service needs.
type Options struct {
	DB      *db.DB
	Catalog *catalog.Service
	Listing *listing.Service
	Config  *config.Config
}

// Service holds the operations on blocks. It is safe for concurrent use; its
// function fields are set before the server starts.
type Service struct {
	// Blocked and Unblocked hear, in the transaction, what happens to a video. One
	// of type Awaiting or Tagged is new when it is unblocked: nobody has seen it
	// before. nil hears nothing.
	Blocked, Unblocked func(tx *db.Tx, v *catalog.Video, b *Block) error

	o Options
}

// New returns a Service.
func New(o Options) *Service { return &Service{o: o} }

// NewBlock is a block of a moderator.
type NewBlock struct {
	Reason, InternalNote string
	Unfederate           bool // other servers shall drop the video, too
}

// Add blocks a video.
func (s *Service) Add(ctx context.Context, videoID int64, n NewBlock) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, videoID)
		if err != nil {
			return err
		}
		if n.Unfederate && !v.Local {
			return ErrRemote
		}
		if v.Blocked {
			return ErrBlocked
		}
		return s.block(tx, v, n.Unfederate, Block{Type: Manual, Reason: n.Reason, InternalNote: n.InternalNote})
	})
}

func (s *Service) block(tx *db.Tx, v *catalog.Video, withheld bool, b Block) error {
	b.VideoID, b.CreatedAt = v.ID, db.Now()
	b.UpdatedAt = b.CreatedAt
	if err := tx.Create(&b).Error; err != nil {
		return fmt.Errorf("block video: %w", err)
	}
	if err := s.o.Catalog.SetBlock(tx, v, true, withheld); err != nil {
		return err
	}
	v.BlockReason = b.Reason
	if s.Blocked == nil {
		return nil
	}
	return s.Blocked(tx, v, &b)
}

// Change is what a moderator writes anew; nil leaves a text alone.
type Change struct{ Reason, InternalNote *string }

// Update changes the texts of a block.
func (s *Service) Update(ctx context.Context, videoID int64, c Change) error {
	set := map[string]any{"updated_at": db.Now()}
	if c.Reason != nil {
		set["reason"] = *c.Reason
	}
	if c.InternalNote != nil {
		set["internal_note"] = *c.InternalNote
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		res := tx.Model(&Block{}).Where("video_id = ?", videoID).UpdateColumns(set)
		if res.Error != nil {
			return fmt.Errorf("change block: %w", res.Error)
		}
		if res.RowsAffected == 0 {
			return ErrNotFound
		}
		return nil
	})
}

// Remove lets a video be seen again, by other servers, too.
func (s *Service) Remove(ctx context.Context, videoID int64) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, videoID)
		if err != nil {
			return err
		}
		var rows []Block
		if err := tx.Clauses(clause.Returning{}).Where("video_id = ?", v.ID).Delete(&rows).Error; err != nil {
			return fmt.Errorf("unblock video: %w", err)
		}
		if len(rows) == 0 {
			return ErrNotFound
		}
		if err := s.o.Catalog.SetBlock(tx, v, false, false); err != nil {
			return err
		}
		v.BlockReason = ""
		if s.Unblocked == nil {
			return nil
		}
		return s.Unblocked(tx, v, &rows[0])
	})
}

// bypass is the flag of users whose videos nobody has to look at first.
const bypass = 1

// Written blocks what a moderator has to look at first: the new videos of users
// where auto_blacklist.videos.of_users says so, and videos with an automatic tag
// whose policy it is; tags are those that the video had not before. It is called
// in the transaction that writes the video.
func (s *Service) Written(tx *db.Tx, v *catalog.Video, w catalog.Writing, tags []string) error {
	if v.Blocked {
		return nil
	}
	b := Block{Type: Awaiting, Reason: reason}
	wanted := w.New && v.Local && s.o.Config.Current().AutoBlacklist.Videos.OfUsers.Enabled
	if len(tags) > 0 {
		var hits []string
		err := tx.Table("auto_tag_policies").Where("account_id = 0 AND name IN ?", tags).Order("name").Pluck("name", &hits).Error
		if err != nil {
			return fmt.Errorf("look up policies: %w", err)
		}
		if len(hits) > 0 {
			b.Type, b.InternalNote, wanted = Tagged, "Automatic tags: "+strings.Join(hits, ", "), true
		}
	}
	if !wanted {
		return nil
	}
	trusted, err := s.trusted(tx, w.By)
	if err != nil || trusted {
		return err
	}
	return s.block(tx, v, v.Local, b)
}

// trusted tells whether the videos of a user need no look.
func (s *Service) trusted(tx *db.Tx, userID int64) (bool, error) {
	if userID == 0 {
		return false, nil
	}
	var n int64
	err := tx.Table("users").Where("id = ? AND (role <= ? OR admin_flags & ? <> 0)", userID, rest.RoleModerator, bypass).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look up user: %w", err)
	}
	return n > 0, nil
}

// Filter says which blocks a list holds.
type Filter struct {
	Page   rest.Page
	Type   Type   // 0: any
	Search string // in the name of the video, its channel and the reason
}

// sorts are the columns that lists sort by.
var sorts = map[string]string{
	"id": "b.id", "createdAt": "b.created_at", "name": "v.name", "duration": "v.duration", "views": "v.views",
	"likes": "v.likes", "dislikes": "v.dislikes", "uuid": "v.uuid",
}

// Listed is a block in a list.
type Listed struct {
	Block
	Video    *catalog.Listed `gorm:"-"`
	UUID     string          `gorm:"column:uuid"`
	Withheld bool
}

// List lists blocks with their videos, and tells how many there are.
func (s *Service) List(ctx context.Context, f Filter) (rows []Listed, total int64, err error) {
	q := s.o.DB.Read(ctx).Table("video_blocks b").Joins("JOIN videos v ON v.id = b.video_id")
	if f.Type != 0 {
		q = q.Where("b.type = ?", f.Type)
	}
	if f.Search != "" {
		like := "%" + db.Like(strings.ToLower(f.Search)) + "%"
		q = q.Where(`(lower(v.name) LIKE ? ESCAPE '\' OR lower(b.reason) LIKE ? ESCAPE '\' OR v.channel_id IN (
 SELECT ch.id FROM channels ch JOIN actors a ON a.id = ch.actor_id WHERE lower(a.username) LIKE ? ESCAPE '\' OR lower(a.name) LIKE ? ESCAPE '\'))`,
			like, like, like, like)
	}
	q = q.Session(&gorm.Session{})
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count blocks: %w", err)
	}
	err = q.Select("b.*, v.uuid, v.withheld").Order(f.Page.Order(sorts[f.Page.Sort], "b.id")).
		Offset(f.Page.Start).Limit(f.Page.Count).Scan(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list blocks: %w", err)
	}
	return rows, total, s.addVideos(ctx, rows)
}

func (s *Service) addVideos(ctx context.Context, rows []Listed) error {
	if len(rows) == 0 {
		return nil
	}
	uuids := make([]string, len(rows))
	for i := range rows {
		uuids[i] = rows[i].UUID
	}
	videos, _, err := s.o.Listing.List(ctx, listing.Filter{
		All: true, UUIDs: uuids, SkipCount: true, Page: rest.Page{Count: len(uuids), Sort: "createdAt"},
	})
	if err != nil {
		return err
	}
	byID := make(map[int64]*catalog.Listed, len(videos))
	for i := range videos {
		byID[videos[i].ID] = &videos[i]
	}
	for i := range rows {
		rows[i].Video = byID[rows[i].VideoID]
	}
	return nil
}
