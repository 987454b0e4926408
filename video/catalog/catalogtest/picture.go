package catalogtest

import (
	"bytes"
	"image"
	"image/png"
	"testing"
)

// PNG is a picture of a size.
func PNG(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
