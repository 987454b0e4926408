package catalog

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

// Source is a row of video_sources: the upload that a local video was made of
// last.
type Source struct {
	VideoID    int64  `gorm:"primaryKey;autoIncrement:false"`
	Filename   string // as the user had it
	Size       int64
	Width      int
	Height     int
	Resolution int
	FPS        int    `gorm:"column:fps"`
	Metadata   string // what ffprobe said, JSON
	KeptName   string // name of the file where it is kept; empty: it is not
	CreatedAt  time.Time
}

// TableName implements gorm's Tabler.
func (Source) TableName() string { return "video_sources" }

const sources = "sources/"

// Key is where the kept file lies in storage; empty when it is not kept.
func (s *Source) Key() string {
	if s.KeptName == "" {
		return ""
	}
	return sources + strings.TrimSuffix(s.KeptName, path.Ext(s.KeptName))
}

// LoadSource loads the source of a video; ErrNotFound when it is not known.
func LoadSource(g *gorm.DB, videoID int64) (*Source, error) {
	var rows []Source
	if err := g.Where("video_id = ?", videoID).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load source: %w", err)
	}
	if len(rows) == 0 {
		return nil, ErrNotFound
	}
	return &rows[0], nil
}

// SetSource notes what a video is made of now. The file of a former source is
// deleted by a job.
func SetSource(tx *db.Tx, src *Source) error {
	if err := dropSource(tx, src.VideoID); err != nil {
		return err
	}
	src.CreatedAt = db.Now()
	if err := tx.Create(src).Error; err != nil {
		return fmt.Errorf("save source: %w", err)
	}
	return nil
}

// ForgetSource deletes the kept file of a video, by a job; ErrNotFound when none
// is kept.
func ForgetSource(tx *db.Tx, videoID int64) error {
	src, err := LoadSource(tx.DB, videoID)
	if err != nil {
		return err
	}
	key := src.Key()
	if key == "" {
		return ErrNotFound
	}
	if err := tx.Model(src).UpdateColumn("kept_name", "").Error; err != nil {
		return fmt.Errorf("forget source: %w", err)
	}
	return deleteFiles(tx, key)
}

// dropSource removes the row, and the file that it keeps.
func dropSource(tx *db.Tx, videoID int64) error {
	var rows []Source
	if err := tx.Where("video_id = ?", videoID).Find(&rows).Error; err != nil || len(rows) == 0 {
		return err
	}
	if err := tx.Where("video_id = ?", videoID).Delete(&Source{}).Error; err != nil {
		return fmt.Errorf("drop source: %w", err)
	}
	return deleteFiles(tx, rows[0].Key())
}

var plainExt = regexp.MustCompile(`^\.[a-z0-9]{1,10}$`)

// leaveSource keeps the upload of a video that all is made of, or has it deleted.
func (s *Service) leaveSource(tx *db.Tx, v *Video) error {
	if s.opts.KeepSources == nil || !s.opts.KeepSources() {
		return deleteFiles(tx, v.SourceKey)
	}
	ext := strings.ToLower(path.Ext(v.SourceName))
	if !plainExt.MatchString(ext) {
		ext = ".bin"
	}
	kept := tx.Model(&Source{}).Where("video_id = ?", v.ID).UpdateColumn("kept_name", strings.TrimPrefix(v.SourceKey, sources)+ext)
	if kept.Error != nil {
		return fmt.Errorf("keep source: %w", kept.Error)
	}
	if kept.RowsAffected == 0 {
		return deleteFiles(tx, v.SourceKey)
	}
	return nil
}

// Replace makes a local video, which tx has locked, one of another file: what was
// made of the former goes, and n's renditions are made. Attributes, comments,
// captions and chapters stay. Of n it reads what comes from the file.
func (s *Service) Replace(tx *db.Tx, v *Video, n NewVideo) error {
	m, err := LoadMedia(tx.DB, v.ID)
	if err != nil {
		return err
	}
	now := db.Now()
	err = tx.Model(&Video{}).Where("id = ?", v.ID).UpdateColumns(map[string]any{
		"duration": n.Duration, "aspect_ratio": n.AspectRatio, "source_name": n.SourceName, "source_key": n.SourceKey,
		"source_size": n.SourceSize, "uploaded_at": now, "updated_at": now, "state": ToTranscode, "last_error": "",
	}).Error
	if err == nil {
		err = tx.Where("video_id = ?", v.ID).Delete(&Rendition{}).Error
	}
	if err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	for _, step := range []func() error{
		func() error { return deleteFiles(tx, v.SourceKey) },
		func() error { return s.DropFiles(tx, v, m.Playlist, slices.Concat(m.Files, m.HLS)...) },
		func() error { return dropStoryboard(tx, v) },
		func() error { return s.SetThumbnails(tx, v, n.Thumbnails) },
		func() error { return PlanRenditions(tx, v.ID, n.Renditions) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return s.Advance(tx, v.ID)
}

// PlanRenditions writes renditions to be made. Those of a kind and resolution
// that the video has are made anew. The caller calls [Service.Advance].
func PlanRenditions(tx *db.Tx, videoID int64, list []Rendition) error {
	now := db.Now()
	for _, r := range list {
		err := tx.Where("video_id = ? AND kind = ? AND resolution = ?", videoID, r.Kind, r.Resolution).Delete(&Rendition{}).Error
		if err != nil {
			return fmt.Errorf("replace rendition: %w", err)
		}
		r.ID, r.VideoID, r.State, r.CreatedAt, r.UpdatedAt = 0, videoID, RenditionPlanned, now, now
		if err := tx.Create(&r).Error; err != nil {
			return fmt.Errorf("create rendition: %w", err)
		}
	}
	return nil
}

// DropFiles removes files of a local video, and with playlist its HLS playlist,
// whose files are among them; their objects are deleted by a job. The caller has
// other servers told.
func (s *Service) DropFiles(tx *db.Tx, v *Video, playlist *StreamingPlaylist, files ...File) error {
	var keys []string
	for i := range files {
		keys = append(keys, fileKeys(v, &files[i])...)
		if err := tx.Where("id = ? AND video_id = ?", files[i].ID, v.ID).Delete(&File{}).Error; err != nil {
			return fmt.Errorf("drop file: %w", err)
		}
	}
	if playlist != nil {
		keys = append(keys, playlistKeys(v, playlist)...)
		if err := dropPlaylist(tx, v); err != nil {
			return err
		}
		if err := s.SetSwarms(tx, v); err != nil {
			return err
		}
	}
	if err := s.filesChanged(tx, v); err != nil {
		return err
	}
	return deleteFiles(tx, keys...)
}
