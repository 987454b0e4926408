package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/web/rest"
)

// NewThumbnail re-encodes a picture in the size of a type, stores it under a new
// name and returns its row.
func (s *Service) NewThumbnail(ctx context.Context, kind int, data []byte) (Thumbnail, error) {
	t := Thumbnail{Type: kind, Filename: uuid.NewString() + ".jpg", Width: MiniatureWidth, Height: MiniatureHeight, Stored: true}
	if kind == Preview {
		t.Width, t.Height = PreviewWidth, PreviewHeight
	}
	out, err := picture.Reencode(data, t.Width, t.Height)
	if err != nil {
		return t, err
	}
	if s.opts.PutFile == nil {
		return t, errors.New("catalog: no storage")
	}
	if err := s.opts.PutFile(ctx, t.Key(), bytes.NewReader(out)); err != nil {
		return t, fmt.Errorf("store picture: %w", err)
	}
	return t, nil
}

// StoreRemote stores the picture of a remote video that was fetched from
// t.RemoteURL, re-encoded, and notes that it is here. When the row has another
// address by now, nothing happens.
func (s *Service) StoreRemote(ctx context.Context, t *Thumbnail, data []byte) error {
	out, err := picture.Reencode(data, t.Width, t.Height)
	if err != nil {
		return err
	}
	if s.opts.PutFile == nil {
		return errors.New("catalog: no storage")
	}
	if err := s.opts.PutFile(ctx, t.Key(), bytes.NewReader(out)); err != nil {
		return fmt.Errorf("store picture: %w", err)
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		done := tx.Model(&Thumbnail{}).Where("id = ? AND filename = ?", t.ID, t.Filename).UpdateColumn("stored", true)
		if done.Error != nil {
			return fmt.Errorf("note picture: %w", done.Error)
		}
		if done.RowsAffected == 0 {
			return deleteFiles(tx, t.Key())
		}
		return nil
	})
}

// forget deletes pictures whose rows were not written.
func (s *Service) forget(ctx context.Context, pictures []Thumbnail) {
	if len(pictures) == 0 {
		return
	}
	keys := make([]string, len(pictures))
	for i := range pictures {
		keys[i] = pictures[i].Key()
	}
	err := s.db.Tx(context.WithoutCancel(ctx), func(tx *db.Tx) error { return deleteFiles(tx, keys...) })
	if err != nil {
		s.log.WarnContext(ctx, "unused pictures stay", "keys", keys, "error", err)
	}
}

// readMultipart reads a form with the pictures thumbnailfile and previewfile.
// One of them alone serves for both sizes when it is the thumbnail.
func (s *Service) readMultipart(c echo.Context) (form.Input, []Thumbnail, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 2*picture.MaxBytes+maxJSON)
	if err := r.ParseMultipartForm(2*picture.MaxBytes + maxJSON); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, nil, err
		}
		return nil, nil, rest.BadRequest("The form cannot be read")
	}
	in, err := form.FromValues(r.MultipartForm.Value)
	if err != nil {
		return nil, nil, err
	}
	pictures, err := s.Pictures(r.Context(), r.MultipartForm.File)
	return in, pictures, err
}

// Pictures stores the pictures that came with a form. A thumbnail without a
// preview serves as both.
func (s *Service) Pictures(ctx context.Context, files map[string][]*multipart.FileHeader) ([]Thumbnail, error) {
	mini, preview := files["thumbnailfile"], files["previewfile"]
	if len(preview) == 0 {
		preview = mini
	}
	var out []Thumbnail
	for _, p := range []struct {
		kind  int
		name  string
		files []*multipart.FileHeader
	}{{Miniature, "thumbnailfile", mini}, {Preview, "previewfile", preview}} {
		if len(p.files) == 0 {
			continue
		}
		data, err := readFile(p.files[0])
		if err == nil {
			var t Thumbnail
			if t, err = s.NewThumbnail(ctx, p.kind, data); err == nil {
				out = append(out, t)
				continue
			}
		}
		s.forget(ctx, out)
		if errors.Is(err, picture.ErrRefused) {
			return nil, rest.Invalid("body", p.name, "Should be a JPEG, PNG or WebP picture of at most 8 MB", nil)
		}
		return nil, err
	}
	return slices.Clip(out), nil
}

func readFile(h *multipart.FileHeader) ([]byte, error) {
	if h.Size > picture.MaxBytes {
		return nil, picture.ErrRefused
	}
	f, err := h.Open()
	if err != nil {
		return nil, fmt.Errorf("open part: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, picture.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	return data, nil
}
