package caption_test

import (
	"bytes"
	"log/slog"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/caption"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	srt = "1\n00:00:01,000 --> 00:00:02,000\nHello\n"
	vtt = "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n"
)

func setUp(t *testing.T, d *db.DB) (*catalogtest.World, *caption.Service) {
	t.Helper()
	w := catalogtest.New(t, d)
	s := caption.New(caption.Options{
		DB: d, Catalog: w.Catalog, Put: w.Files.Put, Transport: aptest.Transport(t), Logger: slog.New(slog.DiscardHandler),
	})
	w.Routes = s.Routes
	return w, s
}

// form is a request's body with one file.
func form(t *testing.T, field, name, text string) (body *bytes.Buffer, kind string) {
	t.Helper()
	body = &bytes.Buffer{}
	m := multipart.NewWriter(body)
	f, err := m.CreateFormFile(field, name)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err == nil {
		err = m.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return body, m.FormDataContentType()
}

func TestAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, _ := setUp(t, d)
		alice, bob, mod := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("mod", rest.RoleModerator)
		v := w.Video(alice, "Spoken")
		path := "/api/v1/videos/" + v.UUID + "/captions"
		put := func(who *catalogtest.User, language, field, text string) int {
			body, kind := form(t, field, "x.srt", text)
			return w.Do(who, "PUT", path+"/"+language, body, "Content-Type", kind).Status
		}
		w.TakeJobs()
		if got := put(alice, "en", "captionfile", srt); got != 204 {
			t.Fatalf("upload: %d", got)
		}
		if n := len(w.TakeJobs("video.federate")); n != 1 {
			t.Errorf("other servers are told by %d jobs", n)
		}
		if got := put(mod, "pt-PT", "captionfile", vtt); got != 204 {
			t.Errorf("a moderator: %d", got)
		}
		list := w.Do(nil, "GET", path, nil).JSON(t)
		first := list["data"].([]any)[0].(map[string]any)
		file := first["captionPath"].(string)
		if list["total"] != 2.0 || first["language"].(map[string]any)["id"] != "en" || first["language"].(map[string]any)["label"] != "English" ||
			first["automaticallyGenerated"] != false || !strings.HasPrefix(file, "/lazy-static/video-captions/") || !strings.HasSuffix(file, "-en.vtt") ||
			first["fileUrl"] != catalogtest.Origin+file || first["m3u8Url"] != nil || first["updatedAt"] == nil {
			t.Errorf("list %v", list)
		}
		key := "captions/" + strings.TrimPrefix(file, "/lazy-static/video-captions/")
		if got := string(w.Files.Get(key)); got != vtt {
			t.Errorf("stored %q", got)
		}

		w.TakeJobs()
		if got := put(alice, "en", "captionfile", strings.Replace(srt, "Hello", "Bye", 1)); got != 204 {
			t.Fatalf("once more: %d", got)
		}
		if jobs := w.TakeJobs("video.delete-files"); len(jobs) != 1 || !strings.Contains(jobs[0].Args, key) {
			t.Errorf("the former file stays: %v", jobs)
		}
		if a := w.Do(nil, "GET", path, nil).JSON(t); a["total"] != 2.0 {
			t.Errorf("two captions of one language: %v", a)
		}

		for name, c := range map[string]struct {
			who                  *catalogtest.User
			language, field, txt string
			want                 int
		}{
			"nobody": {nil, "en", "captionfile", srt, 401}, "another": {bob, "en", "captionfile", srt, 403},
			"language": {alice, "xx-none", "captionfile", srt, 400}, "a sign language": {alice, "ase", "captionfile", srt, 400}, "field": {alice, "en", "file", srt, 400},
			"a page": {alice, "fr", "captionfile", "<html>", 400}, "too large": {alice, "fr", "captionfile", strings.Repeat("x", 21<<20), 413},
		} {
			if got := put(c.who, c.language, c.field, c.txt); got != c.want {
				t.Errorf("%s: %d, want %d", name, got, c.want)
			}
		}
		for _, c := range []struct {
			who      *catalogtest.User
			language string
			want     int
		}{{nil, "en", 401}, {bob, "en", 403}, {alice, "de", 404}, {alice, "en", 204}, {alice, "en", 404}, {mod, "pt-PT", 204}} {
			if a := w.Do(c.who, "DELETE", path+"/"+c.language, nil); a.Status != c.want {
				t.Errorf("delete %s: %d, want %d", c.language, a.Status, c.want)
			}
		}
		if a := w.Do(nil, "GET", path, nil).JSON(t); a["total"] != 0.0 {
			t.Errorf("deleted: %v", a)
		}
		far := w.SaveRemote(catalogtest.RemoteVideo(w.Remote("carol", "far.example"), "0a11ce00-0000-4000-8000-000000000001"))
		body, kind := form(t, "captionfile", "x.vtt", vtt)
		if a := w.Do(mod, "PUT", "/api/v1/videos/"+far.UUID+"/captions/en", body, "Content-Type", kind); a.Status != 403 {
			t.Errorf("of a remote video: %d", a.Status)
		}
		if got := put(alice, "en", "captionfile", srt); got != 204 {
			t.Fatal(got)
		}
		w.TakeJobs()
		w.Tx(func(tx *db.Tx) error {
			v, err := catalog.Lock(tx, v.ID)
			if err != nil {
				return err
			}
			return w.Catalog.Drop(tx, v)
		})
		if jobs := w.TakeJobs("video.delete-files"); len(jobs) != 1 || !strings.Contains(jobs[0].Args, "captions/") {
			t.Errorf("deleting the video leaves the file: %v", jobs)
		}
	})
}

// TestFetch gets the captions of a remote video when they are asked for: what is
// no WebVTT is not stored, and what its server takes back goes.
func TestFetch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, s := setUp(t, d)
		far := aptest.New(t)
		answer := map[string]string{"/en.vtt": "WEBVTT\n\nSTYLE\nx\n\n00:01.000 --> 00:02.000\nHello", "/fr.vtt": "<html><script>alert(1)</script>", "/de.vtt": strings.Repeat("x", 5<<20)}
		away := true
		for path, text := range answer {
			far.Handle(path, func(r http.ResponseWriter, _ *http.Request) {
				if away {
					r.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				if _, err := r.Write([]byte(text)); err != nil {
					t.Log(err)
				}
			})
		}
		doc := catalogtest.RemoteVideo(w.Remote("carol", "far.example"), "0a11ce00-0000-4000-8000-000000000001")
		for _, l := range []string{"en", "fr", "de", "it"} {
			doc.Captions = append(doc.Captions, catalog.Caption{Language: l, RemoteURL: far.Origin + "/" + l + ".vtt", Generated: l == "en"})
		}
		v := w.SaveRemote(doc)
		stored := func() (out []string) {
			m, err := w.Catalog.Media(t.Context(), v.ID)
			if err != nil {
				t.Fatal(err)
			}
			for i := range m.Captions {
				if c := &m.Captions[i]; c.Stored {
					out = append(out, c.Language+" "+string(w.Files.Get(c.Key())))
				}
			}
			return out
		}
		if err := s.Fetch(t.Context(), v.ID); err == nil || len(stored()) != 0 {
			t.Errorf("its server is away: %v, %q", err, stored())
		}
		away = false
		if err := s.Fetch(t.Context(), v.ID); err != nil {
			t.Error(err)
		}
		if got := stored(); len(got) != 1 || got[0] != "en "+vtt {
			t.Errorf("stored %q", got)
		}
		w.SaveRemote(doc)
		if got := stored(); len(got) != 1 {
			t.Errorf("the same document again: %q", got)
		}
		w.TakeJobs()
		doc.Captions = doc.Captions[1:2]
		w.SaveRemote(doc)
		if m, err := w.Catalog.Media(t.Context(), v.ID); err != nil || len(m.Captions) != 1 || len(stored()) != 0 {
			t.Errorf("taken back: %+v, %v", m.Captions, err)
		}
		if jobs := w.TakeJobs("video.delete-files"); len(jobs) != 1 {
			t.Errorf("the file stays: %v", jobs)
		}
	})
}
