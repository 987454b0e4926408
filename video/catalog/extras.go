package catalog

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

// Caption is a row of video_captions: the subtitles of a video in one language,
// WebVTT. One of a remote video is fetched when somebody asks for it; until then
// Stored is false.
type Caption struct {
	ID        int64
	VideoID   int64
	Language  string
	Filename  string // base name below /lazy-static/video-captions
	RemoteURL string `gorm:"column:remote_url"`
	Generated bool   // by a machine
	Stored    bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TableName implements gorm's Tabler.
func (Caption) TableName() string { return "video_captions" }

// Key is where the file lies in storage.
func (c *Caption) Key() string { return "captions/" + c.Filename }

// Path is its path on this instance.
func (c *Caption) Path() string { return "/lazy-static/video-captions/" + c.Filename }

// CaptionName is a new name for the file of a caption.
func CaptionName(language string) string { return uuid.NewString() + "-" + language + ".vtt" }

// Storyboard is a row of storyboards: many small pictures of a video in one, a
// line after the other. One of a remote video is fetched when somebody asks for
// it.
type Storyboard struct {
	VideoID        int64  `gorm:"primaryKey;autoIncrement:false"`
	Filename       string // base name below /lazy-static/storyboards
	RemoteURL      string `gorm:"column:remote_url"`
	Stored         bool
	TotalWidth     int
	TotalHeight    int
	SpriteWidth    int
	SpriteHeight   int
	SpriteDuration int // seconds that each stands for
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// TableName implements gorm's Tabler.
func (Storyboard) TableName() string { return "storyboards" }

// Key is where the picture lies in storage.
func (s *Storyboard) Key() string { return "storyboards/" + s.Filename }

// Path is its path on this instance.
func (s *Storyboard) Path() string { return "/lazy-static/storyboards/" + s.Filename }

func loadExtras(g *gorm.DB, videoID int64, m *Media) error {
	if err := g.Where("video_id = ?", videoID).Order("language").Find(&m.Captions).Error; err != nil {
		return fmt.Errorf("load captions: %w", err)
	}
	var boards []Storyboard
	if err := g.Where("video_id = ?", videoID).Limit(1).Find(&boards).Error; err != nil {
		return fmt.Errorf("load storyboard: %w", err)
	}
	if len(boards) > 0 {
		m.Storyboard = &boards[0]
	}
	return nil
}

// extraKeys are the stored objects of captions and storyboard.
func (m *Media) extraKeys() (keys []string) {
	for i := range m.Captions {
		if m.Captions[i].Stored {
			keys = append(keys, m.Captions[i].Key())
		}
	}
	if m.Storyboard != nil && m.Storyboard.Stored {
		keys = append(keys, m.Storyboard.Key())
	}
	return keys
}

// SetCaption writes the row of a caption in place of the one of its language,
// whose file is deleted by a job, and has other servers told. The file of c is
// stored already, or is remote.
func (s *Service) SetCaption(tx *db.Tx, v *Video, c *Caption) error {
	now := db.Now()
	c.VideoID, c.CreatedAt, c.UpdatedAt = v.ID, now, now
	if _, err := dropCaptions(tx, v, "language = ?", c.Language); err != nil {
		return err
	}
	c.ID = 0
	if err := tx.Create(c).Error; err != nil {
		return fmt.Errorf("save caption: %w", err)
	}
	if !v.Local {
		return nil
	}
	return s.Changed(tx, v)
}

// DropCaption removes the caption of a language; ErrNotFound when there is none.
func (s *Service) DropCaption(tx *db.Tx, v *Video, language string) error {
	n, err := dropCaptions(tx, v, "language = ?", language)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNotFound
	}
	return s.Changed(tx, v)
}

func dropCaptions(tx *db.Tx, v *Video, where string, args ...any) (int, error) {
	var rows []Caption
	if err := tx.Where("video_id = ?", v.ID).Where(where, args...).Find(&rows).Error; err != nil {
		return 0, fmt.Errorf("load captions: %w", err)
	}
	var keys []string
	for i := range rows {
		if rows[i].Stored {
			keys = append(keys, rows[i].Key())
		}
		if err := tx.Where("id = ?", rows[i].ID).Delete(&Caption{}).Error; err != nil {
			return 0, fmt.Errorf("drop caption: %w", err)
		}
	}
	return len(rows), deleteFiles(tx, keys...)
}

// SetStoryboard writes the row of a video's storyboard; the file of a former one
// is deleted by a job. Of a local video other servers are told.
func (s *Service) SetStoryboard(tx *db.Tx, v *Video, b *Storyboard) error {
	if err := dropStoryboard(tx, v); err != nil {
		return err
	}
	now := db.Now()
	b.VideoID, b.CreatedAt, b.UpdatedAt = v.ID, now, now
	if err := tx.Create(b).Error; err != nil {
		return fmt.Errorf("save storyboard: %w", err)
	}
	if !v.Local {
		return nil
	}
	return s.Changed(tx, v)
}

func dropStoryboard(tx *db.Tx, v *Video) error {
	var old []Storyboard
	if err := tx.Where("video_id = ?", v.ID).Limit(1).Find(&old).Error; err != nil {
		return fmt.Errorf("load storyboard: %w", err)
	}
	if len(old) == 0 {
		return nil
	}
	if err := tx.Where("video_id = ?", v.ID).Delete(&Storyboard{}).Error; err != nil {
		return fmt.Errorf("drop storyboard: %w", err)
	}
	if !old[0].Stored {
		return nil
	}
	return deleteFiles(tx, old[0].Key())
}

// NoteStored notes that the file of a remote video's caption or storyboard is
// here; row is *Caption or *Storyboard. When the row names another file by now,
// that of row is deleted.
func NoteStored(tx *db.Tx, row interface{ Key() string }, filename string) error {
	done := tx.Model(row).Where("filename = ?", filename).UpdateColumn("stored", true)
	if done.Error != nil {
		return fmt.Errorf("note file: %w", done.Error)
	}
	if done.RowsAffected == 0 {
		return deleteFiles(tx, row.Key())
	}
	return nil
}

// saveRemoteExtras makes captions and storyboard of a remote video those of its
// document. What has not changed keeps its file.
func (s *Service) saveRemoteExtras(tx *db.Tx, v *Video, r *Remote) error {
	have := &Media{}
	if err := loadExtras(tx.DB, v.ID, have); err != nil {
		return err
	}
	for i := range have.Captions {
		h := &have.Captions[i]
		if !slices.ContainsFunc(r.Captions, func(c Caption) bool { return c.Language == h.Language && c.RemoteURL == h.RemoteURL }) {
			if _, err := dropCaptions(tx, v, "id = ?", h.ID); err != nil {
				return err
			}
		}
	}
	for i := range r.Captions {
		c := &r.Captions[i]
		if slices.ContainsFunc(have.Captions, func(h Caption) bool { return c.Language == h.Language && c.RemoteURL == h.RemoteURL }) {
			continue
		}
		c.Filename, c.Stored = CaptionName(c.Language), false
		if err := s.SetCaption(tx, v, c); err != nil {
			return err
		}
	}
	b := r.Storyboard
	switch {
	case b == nil:
		return dropStoryboard(tx, v)
	case have.Storyboard != nil && have.Storyboard.RemoteURL == b.RemoteURL && have.Storyboard.TotalWidth == b.TotalWidth && have.Storyboard.TotalHeight == b.TotalHeight:
		return nil
	}
	b.Filename, b.Stored = uuid.NewString()+".jpg", false
	return s.SetStoryboard(tx, v, b)
}
