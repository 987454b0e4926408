// Package picture takes the pictures of users and of other servers and makes
// plain JPEGs of a given size of them. It knows nobody of the project.
package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // decoders of what is sent
	"image/jpeg"
	_ "image/png"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

// Limits of a picture.
const (
	MaxBytes  = 8 << 20    // bytes
	maxPixels = 40_000_000 // from its header, before decoding (SEC-41)
	quality   = 85
)

// ErrRefused says that bytes are no picture that is taken.
var ErrRefused = errors.New("not a JPEG, PNG, WebP or GIF picture of a sensible size")

// Reencode makes a JPEG of exactly width by height from a picture: cut to the
// shape, metadata dropped (SEC-41).
func Reencode(data []byte, width, height int) ([]byte, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: %d bytes", ErrRefused, len(data))
	}
	head, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > maxPixels/head.Height {
		return nil, fmt.Errorf("%w: %dx%d", ErrRefused, head.Width, head.Height)
	}
	src, _, err := image.Decode(bytes.NewReader(data)) // of an animation, its first frame
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	dst := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	draw.BiLinear.Scale(dst, dst.Bounds(), src, cover(src.Bounds(), width, height), draw.Over, nil)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, dst, &jpeg.Options{Quality: quality}); err != nil {
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
