package upload

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// statusChecksum is what the protocol answers when a chunk's checksum is wrong.
const statusChecksum = 460

func quotaReached() *rest.Problem {
	return &rest.Problem{
		Status: http.StatusRequestEntityTooLarge, Code: "quota_reached",
		Detail: "The user video quota is exceeded with this video.",
	}
}

func tooLarge(limit config.Size) *rest.Problem {
	return &rest.Problem{
		Status: http.StatusRequestEntityTooLarge, Code: "max_file_size_reached",
		Detail: "This file is too large: at most " + limit.String() + " are allowed.",
	}
}

func tooMany() *rest.Problem {
	return &rest.Problem{
		Status: http.StatusTooManyRequests, Code: "too_many_uploads",
		Detail: fmt.Sprintf("You have %d unfinished uploads. Finish or abort some first.", maxOpen),
	}
}

func busy() *rest.Problem {
	return &rest.Problem{
		Status: http.StatusServiceUnavailable, Code: "upload_in_progress", Detail: "The upload is already being processed",
		Header: map[string]string{"Retry-After": "5"},
	}
}

func diskFull() *rest.Problem {
	return &rest.Problem{
		Status: http.StatusInsufficientStorage, Code: "insufficient_storage",
		Detail: "The server has no room for this file at the moment.",
	}
}

func unsupported(what string) *rest.Problem {
	return &rest.Problem{
		Status: http.StatusUnsupportedMediaType,
		Detail: "This file is not supported: " + what,
	}
}

func unreadable(why string) *rest.Problem {
	return &rest.Problem{Status: http.StatusUnprocessableEntity, Detail: why}
}

func unknownSession() *rest.Problem { return rest.NotFound("Upload not found") }

// problem turns the errors of the tools and of the disk into answers.
func problem(err error) error {
	if p, ok := errors.AsType[*rest.Problem](err); ok {
		return p
	}
	if limit, ok := errors.AsType[*ffmpeg.LimitError](err); ok {
		return unreadable(limit.Error()) // SEC-60
	}
	switch {
	case errors.Is(err, errBusy):
		return busy()
	case errors.Is(err, ffmpeg.ErrContainer):
		return unsupported("its content is not that of a known video or audio file")
	case errors.Is(err, ffmpeg.ErrUnreadable), errors.Is(err, ffmpeg.ErrNoPicture), errors.As(err, new(fileError)):
		return unreadable("Video file unreadable.")
	case errors.Is(err, storage.ErrFull), isFull(err):
		return diskFull()
	}
	return err
}

// fileError marks errors that condemn the file: trying again is of no use.
type fileError struct{ error }

func (f fileError) Unwrap() error { return f.error }

// fault marks err when it is a judgement on the file.
func fault(err error) error {
	for _, of := range []error{
		ffmpeg.ErrContainer, ffmpeg.ErrUnreadable, ffmpeg.ErrLimits, ffmpeg.ErrNoPicture, ffmpeg.ErrTimeout, ffmpeg.ErrOutput,
	} {
		if errors.Is(err, of) {
			return fileError{err}
		}
	}
	return err
}
