package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// quarters is a picture with another colour in each corner.
func quarters(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{A: 255}
			switch {
			case x < w/2 && y < h/2:
				c.R = 255
			case y < h/2:
				c.G = 255
			case x < w/2:
				c.B = 255
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withExif puts an Exif block with an orientation and a place into a JPEG.
func withExif(t testing.TB, data []byte, orientation byte) []byte {
	t.Helper()
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(orientation) + "\x00\x00\x00\x00\x00\x00GPS 48.8 N 2.3 E")
	body := append([]byte("Exif\x00\x00"), tiff...)
	head := []byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(len(body) + 2)}
	return append(append(head, body...), data[2:]...)
}

// giantPNG claims to be 60,000 x 60,000 in a kilobyte.
func giantPNG(t testing.TB) []byte {
	t.Helper()
	data := pngOf(t, quarters(10, 10))
	binary.BigEndian.PutUint32(data[16:], 60_000)
	binary.BigEndian.PutUint32(data[20:], 60_000)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

// endlessGIF has 100,000 frames.
func endlessGIF(t testing.TB) []byte {
	t.Helper()
	var one bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 60, 60), color.Palette{color.Black, color.White})
	if err := gif.EncodeAll(&one, &gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{1}}); err != nil {
		t.Fatal(err)
	}
	tiny := "\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00"
	return append(one.Bytes()[:one.Len()-1], strings.Repeat(tiny, 100_000)+";"...)
}

// polyglot is a PNG that is an HTML page for who sniffs.
func polyglot(t testing.TB) []byte {
	t.Helper()
	data := pngOf(t, quarters(64, 64))
	text := []byte("tEXtComment\x00<html><script>alert(1)</script></html>")
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(text)-4))
	chunk = append(chunk, text...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(text))
	out := append(append(append([]byte{}, data[:33]...), chunk...), data[33:]...)
	return append(out, "<html><script>alert(1)</script></html>"...)
}

// bomb is a PNG within the limit of pixels whose data is much longer than it says.
func bomb(t testing.TB) []byte {
	t.Helper()
	data := pngOf(t, quarters(10, 10))
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	for range 20 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	idat := append([]byte("IDAT"), z.Bytes()...)
	out := append([]byte{}, data[:33]...)
	out = binary.BigEndian.AppendUint32(out, uint32(z.Len()))
	out = append(out, idat...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(idat))
	return append(out, data[len(data)-12:]...)
}

// TestSEC41Render takes what people send and what they should not send.
func TestSEC41Render(t *testing.T) {
	sizes := []Size{{150, 150}, {48, 48}}
	holed := quarters(300, 300)
	holed.SetNRGBA(10, 10, color.NRGBA{})
	for _, c := range []struct {
		name      string
		data      []byte
		extension string // empty: refused
	}{
		{"png", pngOf(t, quarters(2000, 900)), jpg},
		{"see-through png", pngOf(t, holed), pngs},
		{"small and tall", pngOf(t, quarters(9, 1600)), jpg},
		{"one pixel", pngOf(t, quarters(1, 1)), jpg},
		{"jpeg with a place in it", withExif(t, jpegOf(t, quarters(64, 64)), 1), jpg},
		{"gif of 100,000 frames", endlessGIF(t), pngs + jpg},
		{"png and html", polyglot(t), jpg},
		{"60,000x60,000", giantPNG(t), ""},
		{"more data than pixels", bomb(t), ""},
		{"html", []byte("<html><img src=x onerror=alert(1)>"), ""},
		{"svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), ""},
		{"cut off", pngOf(t, quarters(50, 50))[:90], ""},
		{"nothing", nil, ""},
		{"too many bytes", make([]byte, MaxBytes+1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files, extension, err := render(c.data, sizes, true)
			if c.extension == "" {
				if !errors.Is(err, ErrRefused) {
					t.Errorf("error %v, want ErrRefused", err)
				}
				return
			}
			if err != nil || !strings.Contains(c.extension, extension) {
				t.Fatalf("extension %q, %v, want %q", extension, err, c.extension)
			}
			for i, size := range sizes {
				m, format, err := image.Decode(bytes.NewReader(files[i]))
				if err != nil || m.Bounds().Dx() != size.Width || m.Bounds().Dy() != size.Height || "."+strings.Replace(format, "jpeg", "jpg", 1) != extension {
					t.Errorf("%v: %s %v, %v", size, format, m.Bounds(), err)
				}
				for _, left := range []string{"GPS", "Exif", "html", "script"} {
					if bytes.Contains(files[i], []byte(left)) {
						t.Errorf("%v: %q is still in it", size, left)
					}
				}
			}
		})
	}
}

// TestOrientation turns pictures as the camera was held: where the red corner of
// the sensor goes.
func TestOrientation(t *testing.T) {
	corner := func(m image.Image, x, y int) string {
		r, g, b, _ := m.At(x, y).RGBA()
		switch {
		case r > 0x8000:
			return "red"
		case g > 0x8000:
			return "green"
		case b > 0x8000:
			return "blue"
		}
		return "black"
	}
	for orientation, want := range map[byte][4]string{ // top left, top right, bottom left, bottom right
		0: {"red", "green", "blue", "black"}, // no such value
		1: {"red", "green", "blue", "black"},
		2: {"green", "red", "black", "blue"},
		3: {"black", "blue", "green", "red"},
		4: {"blue", "black", "red", "green"},
		5: {"red", "blue", "green", "black"},
		6: {"blue", "red", "black", "green"},
		7: {"black", "green", "blue", "red"},
		8: {"green", "black", "red", "blue"},
		9: {"red", "green", "blue", "black"},
	} {
		files, _, err := render(withExif(t, jpegOf(t, quarters(80, 80)), orientation), []Size{{40, 40}}, true)
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := image.Decode(bytes.NewReader(files[0]))
		if err != nil {
			t.Fatal(err)
		}
		if got := [4]string{corner(m, 5, 5), corner(m, 35, 5), corner(m, 5, 35), corner(m, 35, 35)}; got != want {
			t.Errorf("orientation %d: corners %v, want %v", orientation, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	p := &Picture{Kind: Banner, Name: "n", Extension: jpg, Sizes: Banner.Sizes()}
	for width, want := range map[int]string{
		0: "/lazy-static/banners/n-600.jpg", 600: "/lazy-static/banners/n-600.jpg",
		601: "/lazy-static/banners/n-1920.jpg", 5000: "/lazy-static/banners/n-1920.jpg",
	} {
		if got := p.At(width); got != want {
			t.Errorf("At(%d) = %s, want %s", width, got, want)
		}
	}
	if got := (*Picture)(nil).At(48); got != "" {
		t.Errorf("path of no picture: %q", got)
	}
	var l Sizes
	for _, bad := range []any{nil, 7, "12", "axb"} {
		if err := l.Scan(bad); err == nil {
			t.Errorf("Scan(%v) is taken", bad)
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add(pngOf(f, quarters(8, 5)))
	f.Add(withExif(f, jpegOf(f, quarters(8, 8)), 6))
	f.Add([]byte("GIF89a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if head, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && head.Width*head.Height > 1<<20 {
			t.Skip("slow")
		}
		files, _, err := render(data, []Size{{28, 16}}, true)
		if err != nil {
			return
		}
		c, _, err := image.DecodeConfig(bytes.NewReader(files[0]))
		if err != nil || c.Width != 28 || c.Height != 16 {
			t.Fatalf("%v %v", c, err)
		}
	})
}
