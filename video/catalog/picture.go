package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // decoders of what users and other servers send
	"image/jpeg"
	_ "image/png"
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Limits of a picture.
const (
	MaxPicture       = 8 << 20    // bytes
	maxPicturePixels = 40_000_000 // from its header, before decoding (SEC-41)
	pictureQuality   = 85
)

// ErrPicture says that bytes are no picture that is taken.
var ErrPicture = errors.New("not a JPEG, PNG, WebP or GIF picture of a sensible size")

// Reencode makes a JPEG of exactly width by height from a picture: cut to the
// shape, metadata dropped (SEC-41).
func Reencode(data []byte, width, height int) ([]byte, error) {
	if len(data) > MaxPicture {
		return nil, fmt.Errorf("%w: %d bytes", ErrPicture, len(data))
	}
	head, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > maxPicturePixels/head.Height {
		return nil, fmt.Errorf("%w: %dx%d", ErrPicture, head.Width, head.Height)
	}
	src, _, err := image.Decode(bytes.NewReader(data)) // of an animation, its first frame
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	draw.BiLinear.Scale(dst, dst.Bounds(), src, cover(src.Bounds(), width, height), draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, dst, &jpeg.Options{Quality: pictureQuality}); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return out.Bytes(), nil
}

// cover is the largest middle part of b that has the shape of width by height.
func cover(b image.Rectangle, width, height int) image.Rectangle {
	w, h := b.Dx(), b.Dy()
	if w*height > h*width {
		w = h * width / height
	} else {
		h = w * height / width
	}
	w, h = max(w, 1), max(h, 1)
	x, y := b.Min.X+(b.Dx()-w)/2, b.Min.Y+(b.Dy()-h)/2
	return image.Rect(x, y, x+w, y+h)
}

// NewThumbnail re-encodes a picture in the size of a type, stores it under a new
// name and returns its row.
func (s *Service) NewThumbnail(ctx context.Context, kind int, data []byte) (Thumbnail, error) {
	t := Thumbnail{Type: kind, Filename: uuid.NewString() + ".jpg", Width: MiniatureWidth, Height: MiniatureHeight, Stored: true}
	if kind == Preview {
		t.Width, t.Height = PreviewWidth, PreviewHeight
	}
	out, err := Reencode(data, t.Width, t.Height)
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
	out, err := Reencode(data, t.Width, t.Height)
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
func (s *Service) readMultipart(c echo.Context) (Input, []Thumbnail, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 2*MaxPicture+maxJSON)
	if err := r.ParseMultipartForm(2*MaxPicture + maxJSON); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, nil, err
		}
		return nil, nil, rest.BadRequest("The form cannot be read")
	}
	in, err := InputFromForm(r.MultipartForm.Value)
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
		if errors.Is(err, ErrPicture) {
			return nil, rest.Invalid("body", p.name, "Should be a JPEG, PNG or WebP picture of at most 8 MB", nil)
		}
		return nil, err
	}
	return slices.Clip(out), nil
}

func readFile(h *multipart.FileHeader) ([]byte, error) {
	if h.Size > MaxPicture {
		return nil, ErrPicture
	}
	f, err := h.Open()
	if err != nil {
		return nil, fmt.Errorf("open part: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxPicture+1))
	if err != nil {
		return nil, fmt.Errorf("read part: %w", err)
	}
	return data, nil
}
