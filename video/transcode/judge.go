package transcode

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
)

// fullWait is how long a job waits for room on the disk.
const fullWait = time.Minute

// judge decides what becomes of a rendition whose making failed: nothing to do
// (nil), again after a pause, another attempt (the error), or the end of it.
func (s *Service) judge(ctx context.Context, w *work, err error) (time.Duration, error) {
	if errors.Is(context.Cause(ctx), jobs.ErrCancelled) {
		ctx, err = context.WithoutCancel(ctx), jobs.ErrCancelled
	}
	switch {
	case ctx.Err() != nil:
		return 0, err // the server stops: the attempt is taken up again
	case errors.Is(err, errDone), errors.Is(err, catalog.ErrNotFound):
		return 0, nil
	case isFull(err):
		s.log.WarnContext(ctx, "no room to transcode", "video", w.video.UUID, "error", err)
		return fullWait, nil
	}
	reason, final := verdict(err)
	if n, most := jobs.Attempt(ctx); !final && n < most {
		return 0, err
	}
	failErr := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, w.video.ID)
		if err != nil {
			return err
		}
		r, err := catalog.LoadRendition(tx.DB, w.rendition.ID)
		if err != nil || r.State == catalog.RenditionDone || r.VideoID != v.ID {
			return err
		}
		return s.o.Catalog.FailRendition(tx, r, reason)
	})
	if errors.Is(failErr, catalog.ErrNotFound) {
		return 0, nil
	}
	if failErr != nil {
		return 0, errors.Join(err, failErr)
	}
	return 0, jobs.Discard(fmt.Errorf("video %s, %s %d: %w", w.video.UUID, w.rendition.Kind, w.rendition.Resolution, err))
}

// verdict is what the owner may read of an error (SEC-53: no path, no command),
// and whether another attempt is pointless.
func verdict(err error) (reason string, final bool) {
	var limit *ffmpeg.LimitError
	var tool *ffmpeg.ToolError
	switch {
	case errors.Is(err, jobs.ErrCancelled):
		return "transcoding was cancelled", true
	case errors.As(err, &limit):
		return limit.Error(), true
	case errors.Is(err, ffmpeg.ErrContainer), errors.Is(err, ffmpeg.ErrUnreadable):
		return ffmpeg.ErrUnreadable.Error(), true
	case errors.Is(err, errNoInput), errors.Is(err, storage.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return "the uploaded file is not there any more", true
	case errors.Is(err, ffmpeg.ErrTimeout):
		return "transcoding took too long", true
	case errors.As(err, &tool):
		return "the file could not be transcoded", false
	}
	return "transcoding failed", false
}

func isFull(err error) bool {
	return errors.Is(err, storage.ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
