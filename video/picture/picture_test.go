package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"
)

func sample(w, h int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White, color.RGBA{200, 0, 0, 255}})
	for i := range m.Pix {
		m.Pix[i] = byte(i % 3)
	}
	return m
}

func pngOf(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, sample(w, h)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReencode(t *testing.T) {
	var g bytes.Buffer
	frames := &gif.GIF{}
	for range 50 {
		frames.Image = append(frames.Image, sample(60, 40).(*image.Paletted))
		frames.Delay = append(frames.Delay, 1)
	}
	if err := gif.EncodeAll(&g, frames); err != nil {
		t.Fatal(err)
	}
	exif := append([]byte("\xff\xd8\xff\xe1\x00\x1aExif\x00\x00GPS 48.8 N 2.3 E"), jpegOf(t)[2:]...)
	huge := pngOf(t, 10, 10)
	binary.BigEndian.PutUint32(huge[16:], 60000) // width and height of the header
	binary.BigEndian.PutUint32(huge[20:], 60000)
	for _, c := range []struct {
		name string
		data []byte
		ok   bool
	}{
		{"png", pngOf(t, 1280, 720), true},
		{"tall", pngOf(t, 90, 1600), true},
		{"one pixel", pngOf(t, 1, 1), true},
		{"animation", g.Bytes(), true},
		{"with a position in it", exif, true},
		{"60000x60000", huge, false}, // SEC-41
		{"html", []byte("<html><img src=x onerror=alert(1)>"), false},
		{"svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), false},
		{"cut off", pngOf(t, 50, 50)[:60], false},
		{"nothing", nil, false},
		{"too many bytes", make([]byte, MaxBytes+1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := Reencode(c.data, 280, 157)
			if !c.ok {
				if !errors.Is(err, ErrRefused) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			m, format, err := image.Decode(bytes.NewReader(out))
			if err != nil || format != "jpeg" || m.Bounds().Dx() != 280 || m.Bounds().Dy() != 157 {
				t.Errorf("%s %v %v", format, m.Bounds(), err)
			}
			if bytes.Contains(out, []byte("GPS")) {
				t.Error("metadata stays")
			}
		})
	}
}

func jpegOf(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, sample(64, 64), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func FuzzReencode(f *testing.F) {
	var b bytes.Buffer
	if err := png.Encode(&b, sample(8, 5)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("GIF89a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := Reencode(data, 28, 16)
		if err != nil {
			return
		}
		c, format, err := image.DecodeConfig(bytes.NewReader(out))
		if err != nil || format != "jpeg" || c.Width != 28 || c.Height != 16 {
			t.Fatalf("%v %s %v", c, format, err)
		}
	})
}
