package catalog_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

func picture(w, h int) image.Image {
	m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White, color.RGBA{200, 0, 0, 255}})
	for i := range m.Pix {
		m.Pix[i] = byte(i % 3)
	}
	return m
}

func pngOf(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, picture(w, h)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReencode(t *testing.T) {
	var g bytes.Buffer
	frames := &gif.GIF{}
	for range 50 {
		frames.Image = append(frames.Image, picture(60, 40).(*image.Paletted))
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
		{"too many bytes", make([]byte, catalog.MaxPicture+1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := catalog.Reencode(c.data, 280, 157)
			if !c.ok {
				if !errors.Is(err, catalog.ErrPicture) {
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
	if err := jpeg.Encode(&b, picture(64, 64), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestUpdatePictures(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
	v := w.Video(alice, "Pictured")
	w.WithFiles(v)
	w.TakeJobs()
	send := func(who *catalogtest.User, file []byte, fields ...string) catalogtest.Answer {
		var b bytes.Buffer
		f := multipart.NewWriter(&b)
		for i := 0; i+1 < len(fields); i += 2 {
			if err := f.WriteField(fields[i], fields[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		p, err := f.CreateFormFile("thumbnailfile", "../../evil.php")
		if err == nil {
			_, err = p.Write(file)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return w.Do(who, "PUT", "/api/v1/videos/"+v.UUID, &b, "Content-Type", f.FormDataContentType())
	}
	for name, c := range map[string]struct {
		who  *catalogtest.User
		file []byte
		want int
	}{
		"someone else": {bob, pngOf(t, 20, 20), 403},
		"no picture":   {alice, []byte("GIF89a but not really"), 400},
	} {
		if a := send(c.who, c.file); a.Status != c.want {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
		if keys := w.Files.Keys(); len(keys) != 0 {
			t.Errorf("%s stored %v", name, keys)
		}
	}
	if a := send(alice, pngOf(t, 20, 20), "name", "x"); a.Status != 400 { // pictures are fine, the name is not
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if jobs := w.TakeJobs(); len(jobs) != 1 || strings.Count(jobs[0].Args, ".jpg") != 2 {
		t.Errorf("what was stored in vain is not deleted: %v", jobs)
	}
	if a := send(alice, pngOf(t, 20, 20), "name", "New picture", "tags[0]", "aa", "tags[1]", "bb", "category", "null"); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	body := w.Do(nil, "GET", "/api/v1/videos/"+v.UUID, nil).JSON(t)
	for _, k := range []string{"thumbnailPath", "previewPath"} {
		key := strings.TrimPrefix(body[k].(string), "/lazy-static/")
		if len(w.Files.Get(key)) == 0 || strings.Contains(key, "evil") {
			t.Errorf("%s: %s is not stored", k, key)
		}
	}
	if body["name"] != "New picture" || len(body["tags"].([]any)) != 2 {
		t.Errorf("fields of the form: %v %v", body["name"], body["tags"])
	}
	var dropped int
	for _, j := range w.TakeJobs() {
		dropped += strings.Count(j.Args, v.UUID+"-t.jpg") + strings.Count(j.Args, v.UUID+"-p.jpg")
	}
	if dropped != 2 {
		t.Errorf("%d of 2 former pictures are deleted", dropped)
	}
}
