package catalog

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/jobs"
)

// NewVideo is a finished upload.
type NewVideo struct {
	UUID        string // canonical; empty: a new one
	ChannelID   int64
	Attributes  Attributes
	Duration    int // seconds
	AspectRatio float64
	SourceName  string // as the user had it
	SourceKey   string // in storage
	SourceSize  int64
	Renditions  []Rendition // Kind, Resolution, FPS, Required
	Thumbnails  []Thumbnail // Type, Filename, Width, Height; stored already
}

// Create writes the rows of a finished upload and starts what its state needs.
// The caller has checked that the channel is the user's, the quota and the
// attributes.
func (s *Service) Create(tx *db.Tx, n NewVideo) (*Video, error) {
	now := db.Now()
	if n.UUID == "" {
		n.UUID = uuid.NewString()
	}
	v := &Video{
		UUID: n.UUID, IRI: s.urls.Video(n.UUID), ChannelID: n.ChannelID, Local: true, Listed: true, State: ToTranscode,
		Duration: n.Duration, AspectRatio: n.AspectRatio, SourceName: n.SourceName, SourceKey: n.SourceKey,
		SourceSize: n.SourceSize, FilesSize: new(int64), PublishedAt: now, CreatedAt: now, UpdatedAt: now,
	}
	v.set(n.Attributes)
	if err := tx.Create(v).Error; err != nil {
		return nil, fmt.Errorf("create video: %w", err)
	}
	if err := errors.Join(saveTags(tx, v.ID, n.Attributes.Tags), fulltext.Learn(tx, v.Folded)); err != nil {
		return nil, err
	}
	if err := s.savePasswords(tx, v, Public, n.Attributes.Passwords); err != nil {
		return nil, err
	}
	if err := s.SetThumbnails(tx, v, n.Thumbnails); err != nil {
		return nil, err
	}
	if err := PlanRenditions(tx, v.ID, n.Renditions); err != nil {
		return nil, err
	}
	if err := s.created(tx, v); err != nil {
		return nil, err
	}
	if err := s.Advance(tx, v.ID); err != nil {
		return nil, err
	}
	return Lock(tx, v.ID)
}

func saveTags(tx *db.Tx, videoID int64, tags []string) error {
	if err := tx.Where("video_id = ?", videoID).Delete(&Tag{}).Error; err != nil {
		return fmt.Errorf("replace tags: %w", err)
	}
	for i, t := range tags {
		row := Tag{VideoID: videoID, Position: i, Folded: FoldTag(t)}
		if t != row.Folded {
			row.Name = &t
		}
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("save tag: %w", err)
		}
	}
	return nil
}

// progress counts what became of a video's renditions.
type progress struct {
	open         int // planned or queued
	openRequired int
	failed       string // the error of a required one
}

// Advance looks at a local video's renditions and does what its state needs:
//
//	state           renditions                          does
//	any             planned                             inserts their jobs
//	to transcode    a required one failed               state: transcoding failed
//	to transcode    all settled, or all required ones   publishes
//	                and waitTranscoding is off
//	failed          required ones planned again         state: to transcode
//	published       one was settled                     tells other servers
//	any             all settled, none required failed   deletes the upload, or keeps it
//
// It is the only place where a local video's state changes, but for a file that
// is replaced, which begins anew. It may run at any
// time and any number of times.
func (s *Service) Advance(tx *db.Tx, videoID int64) error {
	v, err := Lock(tx, videoID)
	if err != nil {
		return err
	}
	var rows []Rendition
	if err := tx.Where("video_id = ?", videoID).Order("id").Find(&rows).Error; err != nil {
		return fmt.Errorf("load renditions: %w", err)
	}
	var p progress
	for _, r := range rows {
		if err := p.take(tx, r); err != nil {
			return err
		}
	}
	pending := v.State == ToTranscode || v.State == TranscodingFailed
	if pending {
		err = s.settle(tx, v, p)
	} else if v.State == Published {
		err = s.Changed(tx, v)
	}
	if err != nil {
		return err
	}
	if p.open == 0 && p.failed == "" && v.SourceKey != "" {
		if err := tx.Model(&Video{}).Where("id = ?", v.ID).UpdateColumn("source_key", "").Error; err != nil {
			return fmt.Errorf("forget upload: %w", err)
		}
		if s.opts.Storyboards() {
			if err := jobs.Insert(tx, StoryboardArgs{VideoID: v.ID}, jobs.Unique(strconv.FormatInt(v.ID, 10))); err != nil {
				return err
			}
		}
		return s.leaveSource(tx, v)
	}
	return nil
}

func (p *progress) take(tx *db.Tx, r Rendition) error {
	switch r.State {
	case RenditionPlanned:
		args := TranscodeArgs{VideoID: r.VideoID, RenditionID: r.ID}
		if err := jobs.Insert(tx, args, jobs.Unique(strconv.FormatInt(r.ID, 10))); err != nil {
			return err
		}
		if err := setRendition(tx, r.ID, map[string]any{"state": RenditionQueued, "progress": 0, "last_error": ""}); err != nil {
			return err
		}
		fallthrough
	case RenditionQueued:
		p.open++
		if r.Required {
			p.openRequired++
		}
	case RenditionFailed:
		if r.Required {
			p.failed = r.LastError
			if p.failed == "" {
				p.failed = "transcoding failed"
			}
		}
	}
	return nil
}

// settle moves a video that is not published yet to the state its renditions
// allow.
func (s *Service) settle(tx *db.Tx, v *Video, p progress) error {
	now, before := db.Now(), *v
	set := map[string]any{}
	switch {
	case p.failed != "":
		if v.State == TranscodingFailed {
			return nil
		}
		set["state"], set["last_error"] = TranscodingFailed, p.failed
	case p.openRequired > 0 || (v.WaitTranscoding && p.open > 0):
		if v.State == ToTranscode {
			return nil
		}
		set["state"], set["last_error"] = ToTranscode, ""
	default:
		set["state"], set["last_error"] = Published, ""
		v.State = Published
		if v.UploadedAt == nil { // else only its file is new
			set["published_at"], v.PublishedAt = now, now
		}
	}
	set["updated_at"] = now
	if err := tx.Model(&Video{}).Where("id = ?", v.ID).UpdateColumns(set).Error; err != nil {
		return fmt.Errorf("change state: %w", err)
	}
	if v.State != Published {
		return nil
	}
	if v.UploadedAt == nil {
		if err := s.moved(tx, &before, v); err != nil {
			return err
		}
	}
	return s.federate(tx, v, FederateCreate)
}

// Changed notes that something which stands in a video's document has changed,
// such as its files or torrents, and has other servers told.
func (s *Service) Changed(tx *db.Tx, v *Video) error { return s.changed(tx, v) }

// ChangedSoon is [Service.Changed] for what changes often, as counts do: other
// servers are told once for all changes until after.
func (s *Service) ChangedSoon(tx *db.Tx, v *Video, after time.Duration) error {
	return s.changed(tx, v, jobs.RunAt(db.Now().Add(after)))
}

func (s *Service) changed(tx *db.Tx, v *Video, when ...jobs.Option) error {
	// A later document must have a later date, or one that is delivered late
	// would win.
	v.UpdatedAt = db.Now()
	if err := tx.Model(&Video{}).Where("id = ?", v.ID).UpdateColumn("updated_at", v.UpdatedAt).Error; err != nil {
		return fmt.Errorf("date video: %w", err)
	}
	return s.federate(tx, v, FederateUpdate, when...)
}

// federate inserts the job that tells other servers what is new about v. Where
// there is nothing to tell, now or before, it does nothing.
func (s *Service) federate(tx *db.Tx, v *Video, what string, when ...jobs.Option) error {
	if !v.Local || (!s.Federates(v) && v.FederatedAt == nil) {
		return nil
	}
	opts := append(when, jobs.Unique(strconv.FormatInt(v.ID, 10)))
	return jobs.Insert(tx, FederateArgs{VideoID: v.ID, What: what}, opts...)
}

func setRendition(tx *db.Tx, id int64, set map[string]any) error {
	set["updated_at"] = db.Now()
	if err := tx.Model(&Rendition{}).Where("id = ?", id).UpdateColumns(set).Error; err != nil {
		return fmt.Errorf("change rendition: %w", err)
	}
	return nil
}

// FinishRendition marks a rendition made and advances its video. The file's row
// is written in the same transaction.
func (s *Service) FinishRendition(tx *db.Tx, r *Rendition) error {
	if err := setRendition(tx, r.ID, map[string]any{"state": RenditionDone, "progress": 100, "last_error": ""}); err != nil {
		return err
	}
	return s.Advance(tx, r.VideoID)
}

// FailRendition marks a rendition as given up, with a reason that its owner may
// read, and advances its video.
func (s *Service) FailRendition(tx *db.Tx, r *Rendition, reason string) error {
	if err := setRendition(tx, r.ID, map[string]any{"state": RenditionFailed, "last_error": reason}); err != nil {
		return err
	}
	return s.Advance(tx, r.VideoID)
}

// SetProgress notes how far a rendition is, in percent.
func (s *Service) SetProgress(tx *db.Tx, renditionID int64, percent int) error {
	return setRendition(tx, renditionID, map[string]any{"progress": min(max(percent, 0), 100)})
}

// LoadRendition loads a rendition; ErrNotFound when it, or its video, is gone.
func LoadRendition(g *gorm.DB, id int64) (*Rendition, error) {
	var rows []Rendition
	if err := g.Where("id = ?", id).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load rendition: %w", err)
	}
	if len(rows) == 0 {
		return nil, ErrNotFound
	}
	return &rows[0], nil
}
