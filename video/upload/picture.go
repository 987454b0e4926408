package upload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// encodePictures makes the pictures that a user sent ready to be stored, by key
// (SEC-41). A thumbnail without a preview serves as both.
func encodePictures(d *details, sent map[string][]byte) (map[string][]byte, error) {
	out := map[string][]byte{}
	for i := range d.Pictures {
		t := &d.Pictures[i]
		field := thumbnailField
		if t.Type == catalog.Preview && sent[previewField] != nil {
			field = previewField
		}
		if sent[field] == nil {
			continue
		}
		data, err := picture.Reencode(sent[field], t.Width, t.Height)
		if errors.Is(err, picture.ErrRefused) {
			return nil, rest.Invalid("body", field, "Should be a JPEG, PNG or WebP picture of at most 8 MB", nil)
		}
		if err != nil {
			return nil, err
		}
		out[t.Key()] = data
	}
	return out, nil
}

func (u *Upload) store(ctx context.Context, objects map[string][]byte) error {
	for key, data := range objects {
		if _, err := u.o.Store.Put(ctx, key, bytes.NewReader(data)); err != nil {
			return fmt.Errorf("store picture: %w", err)
		}
	}
	return nil
}

// makePictures takes the pictures that are not stored yet, because the user
// sent none, from the video itself.
func (u *Upload) makePictures(ctx context.Context, s *session, d *details, info *ffmpeg.Info) error {
	var missing []*catalog.Thumbnail
	for i := range d.Pictures {
		_, err := u.o.Store.Stat(ctx, d.Pictures[i].Key())
		if errors.Is(err, storage.ErrNotFound) {
			missing = append(missing, &d.Pictures[i])
		} else if err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	frame, err := u.frame(ctx, s, info)
	if err != nil {
		return err
	}
	made := map[string][]byte{}
	for _, t := range missing {
		t.Automatic = true
		if made[t.Key()], err = picture.Reencode(frame, t.Width, t.Height); err != nil {
			return err
		}
	}
	return u.store(ctx, made)
}

// frame takes one picture, large enough for all sizes, from a video; of sound it
// is its waveform.
func (u *Upload) frame(ctx context.Context, s *session, info *ffmpeg.Info) ([]byte, error) {
	dir, err := os.MkdirTemp(u.o.Dir, framesPrefix)
	if err != nil {
		return nil, fmt.Errorf("folder for pictures: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the cleaner finds it
	image := ffmpeg.Image{Path: filepath.Join(dir, "frame.jpg"), Width: catalog.PreviewWidth, Height: catalog.PreviewHeight}
	source := ffmpeg.Source{Path: u.path(s.ID), Info: info}
	if info.Video != nil {
		err = u.o.Tool.Thumbnail(ctx, source, image)
	} else {
		err = u.o.Tool.Waveform(ctx, source, image)
	}
	if err != nil {
		return nil, pictureFault(err)
	}
	data, err := os.ReadFile(image.Path)
	if err != nil {
		return nil, fmt.Errorf("read picture: %w", err)
	}
	return data, nil
}

// pictureFault judges a file of which no picture could be taken: when the tool
// gave up on it, there is nothing in it to watch. A full disk is not its fault.
func pictureFault(err error) error {
	if _, ok := errors.AsType[*ffmpeg.ToolError](err); ok && !isFull(err) {
		return fileError{fmt.Errorf("%w: %w", ffmpeg.ErrUnreadable, err)}
	}
	return fault(err)
}
