package upload_test

import (
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/upload"
	"github.com/kinemesh/kinemesh/web/rest"
)

type storageObject = storage.Object

func TestLegacy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d)
		channel := field{"channelId", "", strconv.FormatInt(e.channelID, 10)}
		file := field{"videofile", "holiday film.MP4", string(sized(t, 200_000))}

		// As the command line client of PeerTube sends it: the file last.
		a := e.legacy(e.token, field{"name", "", "Holiday"}, channel, field{"privacy", "", "1"}, field{"waitTranscoding", "", "true"},
			field{"nsfw", "", "false"}, field{"commentsEnabled", "", "true"}, field{"tags[0]", "", "sea"}, field{"tags[1]", "", "sun"},
			field{"category", "", "2"}, field{"licence", "", "7"}, field{"language", "", "en"}, file)
		v := e.video(a)
		m, err := e.catalog.Media(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		if v.Name != "Holiday" || !v.WaitTranscoding || v.Privacy != catalog.Public || *v.Category != 2 || *v.Licence != 7 ||
			*v.Language != "en" || fmt.Sprint(m.Tags) != "[sea sun]" || v.SourceName != "holiday film.MP4" || v.CommentsPolicy != catalog.CommentsEnabled {
			t.Errorf("video %+v, tags %v", v, m.Tags)
		}
		if sum(e.stored(v.SourceKey)) != sum([]byte(file.value)) {
			t.Error("the source is not the file")
		}
		e.checkPictures(v)

		// The file first, tags repeated, both pictures.
		a = e.legacy(e.token, file, channel, field{"name", "", "Other order"}, field{"tags", "", "one"}, field{"tags", "", "two"},
			field{"thumbnailfile", "t.jpg", string(picture(t, "red"))}, field{"previewfile", "p.jpg", string(picture(t, "blue"))})
		v = e.video(a)
		e.checkPictures(v)
		if v.Privacy != catalog.Private {
			t.Errorf("privacy %d, want private when nothing is said", v.Privacy)
		}

		// Sound alone gets a picture, too.
		a = e.legacy(e.token, channel, field{"name", "", "A tone"}, field{"videofile", "tone.flac", string(sound(t))})
		e.checkPictures(e.video(a))

		if p := e.parts(); len(p) != 0 {
			t.Errorf("left behind: %v", p)
		}
		total, _, err := e.catalog.Used(t.Context(), e.alice.ID)
		if want := int64(400_000 + len(sound(t))); err != nil || total != want {
			t.Errorf("used %d, %v, want %d", total, err, want)
		}
	})
}

func TestRefusedLegacy(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d, func(o *upload.Options) { o.MaxFileSize = 300 * config.KiB })
		_, bob := e.User("bob", rest.RoleUser)
		e.exec("UPDATE users SET video_quota = 250000 WHERE id = ?", e.alice.ID)
		channel := field{"channelId", "", strconv.FormatInt(e.channelID, 10)}
		name := field{"name", "", "Refused"}
		file := field{"videofile", "a.mp4", string(sized(t, 100_000))}
		many := []field{name, channel}
		for i := range 60 {
			many = append(many, field{"x" + strconv.Itoa(i), "", "1"})
		}
		for _, c := range []struct {
			name   string
			token  string
			fields []field
			status int
			says   string
		}{
			{"nobody", "", []field{name, channel, file}, 401, ""},
			{"someone else's channel", bob, []field{name, channel, file}, 403, ""},
			{"an unknown channel", e.token, []field{name, {"channelId", "", "98765"}, file}, 400, "Unknown video"},
			{"no channel", e.token, []field{name, file}, 400, "channelId"},
			{"no name", e.token, []field{channel, file}, 400, `"name"`},
			{"no file", e.token, []field{name, channel}, 400, "videofile"},
			{"two files", e.token, []field{name, channel, file, file}, 400, "videofile"},
			{"a file without a name", e.token, []field{name, channel, {"videofile", "", file.value}}, 400, "videofile"},
			{"an empty file", e.token, []field{name, channel, {"videofile", "a.mp4", ""}}, 422, "unreadable"},
			{"a wrong extension", e.token, []field{name, channel, {"videofile", "a.exe", file.value}}, 415, ".mp4"},
			{"a page with a good name", e.token, []field{name, channel, {"videofile", "a.mp4", "<html>" + strings.Repeat("x", 9000)}}, 415, "not supported"},
			{"a cut file", e.token, []field{name, channel, {"videofile", "a.mp4", string(clip(t)[:600])}}, 422, "unreadable"},
			{"a wrong field", e.token, []field{name, channel, {"category", "", "99"}, file}, 400, "category"},
			{"a picture that is none", e.token, []field{name, channel, {"thumbnailfile", "a.jpg", "GIF?"}, file}, 400, "thumbnailfile"},
			{"over the quota", e.token, []field{name, channel, {"videofile", "a.mp4", string(sized(t, 250_001))}}, 413, "quota_reached"},
			{"too large", e.token, []field{name, channel, {"videofile", "a.mp4", string(sized(t, 300<<10+1))}}, 413, "max_file_size_reached"},
			{"too many parts", e.token, many, 413, "parts"},
			{"too much beside the file", e.token, []field{name, channel, {"description", "", strings.Repeat("x", 10<<20)}, file}, 413, "too large"},
		} {
			a := e.legacy(c.token, c.fields...)
			if a.Code != c.status || !strings.Contains(a.Text(), c.says) {
				t.Errorf("%s: %d %.300s, want %d %q", c.name, a.Code, a.Text(), c.status, c.says)
			}
		}
		if a := e.Do("POST", "/api/v1/videos/upload", e.token, `{"name":"x"}`); a.Code != 400 {
			t.Errorf("JSON: %d", a.Code)
		}
		if n := e.count("SELECT COUNT(*) FROM uploads") + e.count("SELECT COUNT(*) FROM videos"); n != 0 {
			t.Errorf("%d rows of refused uploads", n)
		}
		if p := e.parts(); len(p) != 0 {
			t.Errorf("left behind: %v", p)
		}
		e.video(e.legacy(e.token, name, channel, field{"videofile", "a.mp4", string(sized(t, 250_000))}))
	})
}

// TestLegacyBroken: the connection breaks within the file.
func TestLegacyBroken(t *testing.T) {
	e := newEnv(t, dbtest.SQLite(t))
	srv := httptest.NewServer(e.Echo)
	defer srv.Close()
	body, ct := form(t, field{"name", "", "Broken"}, field{"videofile", "a.mp4", string(sized(t, 200_000))})
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST /api/v1/videos/upload HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		accountstest.Host, e.token, ct, len(body), body[:150_000])
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "row of the upload", func() bool { return e.count("SELECT COUNT(*) FROM uploads") == 1 })
	waitFor(t, "part of the upload", func() bool { return len(e.parts()) == 1 })
	conn.Close()
	waitFor(t, "end of the upload", func() bool { return e.count("SELECT COUNT(*) FROM uploads") == 0 && len(e.parts()) == 0 })
}

// TestFlatMemory uploads 200 MB in both ways and looks at the heap (REL-15).
func TestFlatMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 600 MB")
	}
	e := newEnv(t, dbtest.SQLite(t))
	srv := httptest.NewServer(e.Echo)
	defer srv.Close()
	const size = 200 << 20
	head := clip(t)
	path := t.TempDir() + "/large.mp4"
	if err := os.WriteFile(path, append(head, 0, 0, 0, 0, 'f', 'r', 'e', 'e'), 0o600); err != nil {
		t.Fatal(err)
	}
	// A box of size 0 reaches to the end of the file.
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	peak := make(chan uint64)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	go watchHeap(stop, peak)
	e.sendLarge(srv, path, size)
	close(stop)
	if grown := int64(<-peak) - int64(before.HeapInuse); grown > 64<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}
