package transcode

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
)

// errWebOpen: the web file of the resolution is being made.
var errWebOpen = errors.New("waits for the web file")

// errNoInput: neither the upload nor any file of the video is left.
var errNoInput = errors.New("nothing to transcode from")

// input is what a rendition is made of.
type input struct {
	path  string
	info  *ffmpeg.Info
	plan  ffmpeg.Rendition
	still string
}

// input picks the file to start from and plans the encoding.
func (s *Service) input(ctx context.Context, w *work, dir string) (*input, error) {
	r := w.rendition
	if r.Kind == catalog.KindHLS {
		if f := w.webFile(); f != nil {
			in, err := s.open(ctx, catalog.FileKey(w.video, f), dir)
			if err == nil {
				// We made this file, so whatever it is may be taken over.
				in.plan = ffmpeg.Plan(in.info, 0, s.o.MaxFPS())
				in.plan.CopyVideo, in.plan.CopyAudio = true, true
			}
			return in, err
		}
		open, err := webOpen(s.o.DB.Read(ctx), r)
		if err != nil {
			return nil, err
		}
		if open {
			return nil, errWebOpen
		}
	}
	key, err := s.sourceKey(ctx, w.video)
	if err != nil {
		return nil, err
	}
	if key == "" {
		f := w.largest()
		if f == nil {
			return nil, errNoInput
		}
		key = catalog.FileKey(w.video, f)
	}
	in, err := s.open(ctx, key, dir)
	if err != nil {
		return nil, err
	}
	in.plan = ffmpeg.Plan(in.info, r.Resolution, s.o.MaxFPS())
	if s.o.CopyOnly != nil && s.o.CopyOnly() && ffmpeg.Plays(in.info) {
		in.plan.CopyVideo, in.plan.CopyAudio, in.plan.FPS = true, true, 0
	}
	if in.info.Video == nil {
		in.still, err = s.still(ctx, w, dir)
	}
	return in, err
}

// sourceKey is where the upload lies; empty when it is gone.
func (s *Service) sourceKey(ctx context.Context, v *catalog.Video) (string, error) {
	if v.SourceKey != "" {
		return v.SourceKey, nil
	}
	src, err := catalog.LoadSource(s.o.DB.Read(ctx), v.ID)
	if errors.Is(err, catalog.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return src.Key(), nil
}

// webFile is the web file of the rendition's resolution, which an odd or absent
// picture has rounded.
func (w *work) webFile() *catalog.File {
	for i, f := range w.media.Files {
		if f.Resolution == w.rendition.Resolution&^1 || w.rendition.Resolution == 0 {
			return &w.media.Files[i]
		}
	}
	return nil
}

// largest is the file with the highest resolution.
func (w *work) largest() *catalog.File {
	switch {
	case len(w.media.Files) > 0:
		return &w.media.Files[0]
	case len(w.media.HLS) > 0:
		return &w.media.HLS[0]
	}
	return nil
}

// webOpen tells whether the web file of r is being made or waits for it.
func webOpen(g *gorm.DB, r *catalog.Rendition) (bool, error) {
	var n int64
	err := g.Model(&catalog.Rendition{}).
		Where("video_id = ? AND kind = ? AND resolution = ? AND state IN ?", r.VideoID, catalog.KindWeb, r.Resolution,
			[]string{catalog.RenditionPlanned, catalog.RenditionQueued}).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look up web rendition: %w", err)
	}
	return n > 0, nil
}

// open makes an object a local file and probes it.
func (s *Service) open(ctx context.Context, key, dir string) (*input, error) {
	path, err := storage.Local(ctx, s.o.Store, key, filepath.Join(dir, "input"))
	if err != nil {
		return nil, err
	}
	info, err := s.o.Executor.Probe(ctx, path)
	if err != nil {
		return nil, err
	}
	return &input{path: path, info: info}, nil
}

// still is the picture of a video that is sound alone: its preview.
func (s *Service) still(ctx context.Context, w *work, dir string) (string, error) {
	t := w.media.Thumbnail(catalog.Preview)
	if t == nil || !t.Stored {
		return "", nil
	}
	path, err := storage.Local(ctx, s.o.Store, t.Key(), filepath.Join(dir, "still.jpg"))
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	return path, err
}
