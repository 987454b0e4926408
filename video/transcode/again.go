package transcode

import (
	"context"
	"errors"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// errRunning refuses to transcode a video twice at a time.
var errRunning = &rest.Problem{
	Status: 409, Code: "video_already_being_transcoded", Detail: "This video is already being transcoded",
}

// Again makes the files of one kind of a local video anew, from its upload where
// that is kept, else from its largest file. force does so while others are made,
// for a video that got stuck.
func (s *Service) Again(ctx context.Context, v *catalog.Video, kind string, force bool) error {
	switch {
	case !v.Local:
		return rest.BadRequest("Cannot run transcoding job on a remote video")
	case v.IsLive:
		return rest.BadRequest("Cannot run transcoding job on a live")
	case s.o.CopyOnly():
		return rest.BadRequest("Cannot run transcoding job because transcoding is disabled on this instance")
	}
	planned, err := s.plan(ctx, v, kind)
	if err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		var running int64
		err = tx.Model(&catalog.Rendition{}).Where("video_id = ? AND state IN ?", v.ID,
			[]string{catalog.RenditionPlanned, catalog.RenditionQueued}).Count(&running).Error
		if err != nil {
			return err
		}
		if running > 0 && !force {
			return errRunning
		}
		// What failed before does not keep the video from being published.
		if err := tx.Where("video_id = ? AND state = ?", v.ID, catalog.RenditionFailed).Delete(&catalog.Rendition{}).Error; err != nil {
			return err
		}
		if err := catalog.PlanRenditions(tx, v.ID, planned); err != nil {
			return err
		}
		return s.o.Catalog.Advance(tx, v.ID)
	})
}

// plan probes what there is and decides what is made of it.
func (s *Service) plan(ctx context.Context, v *catalog.Video, kind string) ([]catalog.Rendition, error) {
	tmp, err := s.newScratch()
	if err != nil {
		return nil, err
	}
	defer tmp.Close() //nolint:errcheck // the next start removes it
	key, err := s.sourceKey(ctx, v)
	if err != nil {
		return nil, err
	}
	if key == "" {
		m, err := s.o.Catalog.Media(ctx, v.ID)
		if err != nil {
			return nil, err
		}
		f := (&work{media: m}).largest()
		if f == nil {
			return nil, rest.BadRequest("This video has no file to transcode from")
		}
		key = catalog.FileKey(v, f)
	}
	in, err := s.open(ctx, key, tmp.dir)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, rest.BadRequest("This video has no file to transcode from")
	}
	if err != nil {
		return nil, err
	}
	return s.o.Plan(in.info, kind)
}
