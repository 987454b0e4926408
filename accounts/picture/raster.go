package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // decoders of what is sent
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

// Limits of a picture.
const (
	MaxBytes  = 4 << 20
	maxPixels = 40_000_000 // from its header, before decoding (SEC-41)
	quality   = 88
)

// ErrRefused says that bytes are no picture that is taken.
var ErrRefused = errors.New("not a JPEG, PNG, WebP or GIF picture of a sensible size")

// The two kinds of files that are made.
const (
	jpg  = ".jpg"
	pngs = ".png"
)

// render makes a file of each size of a picture, largest first: cut to the
// shape, turned as its camera was held, everything but pixels dropped (SEC-41).
// The files are JPEGs; where see-through parts may stay, PNGs when there are any.
func render(data []byte, sizes []Size, mayBeClear bool) (files [][]byte, extension string, err error) {
	if len(data) > MaxBytes {
		return nil, "", fmt.Errorf("%w: %d bytes", ErrRefused, len(data))
	}
	src, err := decode(data)
	if err != nil {
		return nil, "", err
	}
	extension = jpg
	for i, size := range sizes {
		cut := scale(src, size)
		if i == 0 && mayBeClear && !cut.Opaque() {
			extension = pngs
		}
		var out bytes.Buffer
		if extension == pngs {
			err = png.Encode(&out, cut)
		} else {
			err = encode(&out, cut)
		}
		if err != nil {
			return nil, "", fmt.Errorf("encode picture: %w", err)
		}
		files = append(files, out.Bytes())
		if src.Bounds().Dx() >= size.Width && sameShape(size, sizes) {
			src = cut // the next is smaller, and this one much faster to read
		}
	}
	return files, extension, nil
}

// JPEG makes a file of one size of a picture, for those who have limits of their own:
// cut, turned, with nothing but pixels (SEC-41).
func JPEG(data []byte, size Size) ([]byte, error) {
	src, err := decode(data)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := encode(&out, scale(src, size)); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return out.Bytes(), nil
}

func encode(out io.Writer, m *image.RGBA) error {
	return jpeg.Encode(out, onWhite(m), &jpeg.Options{Quality: quality})
}

// decode reads a picture, of an animation its first frame.
func decode(data []byte) (image.Image, error) {
	head, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if head.Width <= 0 || head.Height <= 0 || head.Width > maxPixels/head.Height {
		return nil, fmt.Errorf("%w: %dx%d", ErrRefused, head.Width, head.Height)
	}
	src, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if format == "jpeg" {
		return turn(src, orientation(data)), nil
	}
	return src, nil
}

// scale is the middle of a picture in a size. Of the types of pictures RGBA is
// the one that is scaled to fast.
func scale(src image.Image, to Size) *image.RGBA {
	dst := image.NewRGBA(image.Rect(0, 0, to.Width, to.Height))
	draw.BiLinear.Scale(dst, dst.Bounds(), src, cover(src.Bounds(), to), draw.Src, nil)
	return dst
}

// cover is the largest middle part of b that has the shape of a size.
func cover(b image.Rectangle, to Size) image.Rectangle {
	w, h := b.Dx(), b.Dy()
	if w*to.Height > h*to.Width {
		w = h * to.Width / to.Height
	} else {
		h = w * to.Height / to.Width
	}
	w, h = max(w, 1), max(h, 1)
	x, y := b.Min.X+(b.Dx()-w)/2, b.Min.Y+(b.Dy()-h)/2
	return image.Rect(x, y, x+w, y+h)
}

// sameShape tells whether all sizes have the shape of one, so that a smaller
// one can be made of a larger one.
func sameShape(one Size, sizes []Size) bool {
	for _, s := range sizes {
		if s.Width*one.Height != one.Width*s.Height {
			return false
		}
	}
	return true
}

func onWhite(src *image.RGBA) image.Image {
	if src.Opaque() {
		return src
	}
	dst := image.NewRGBA(src.Bounds())
	draw.Draw(dst, dst.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(dst, dst.Bounds(), src, src.Bounds().Min, draw.Over)
	return dst
}

// orientation is how a JPEG is to be turned, 1 to 8, by its Exif block; 1 when
// it does not say.
func orientation(data []byte) int {
	for i := 2; i+4 <= len(data) && data[i] == 0xff; { // the segments before the pixels
		marker, length := data[i+1], int(binary.BigEndian.Uint16(data[i+2:]))
		if marker == 0xda || length < 2 || i+2+length > len(data) {
			return 1
		}
		if body, ok := bytes.CutPrefix(data[i+4:i+2+length], []byte("Exif\x00\x00")); ok && marker == 0xe1 {
			return exifOrientation(body)
		}
		i += 2 + length
	}
	return 1
}

// exifOrientation looks for tag 0x112 in the first directory of a TIFF block.
func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.BigEndian
	if string(tiff[:2]) == "II" {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 0x112 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// turn undoes an orientation of Exif.
func turn(src image.Image, orientation int) image.Image {
	if orientation == 1 {
		return src
	}
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	in := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(in, in.Bounds(), src, b.Min, draw.Src)
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			copy(out.Pix[out.PixOffset(tx, ty):][:4], in.Pix[in.PixOffset(x, y):][:4])
		}
	}
	return out
}
