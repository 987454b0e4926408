package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// raw sends bytes with headers, names and values by turns.
func (s *whole) raw(method, path, token string, body []byte, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Host = s.cfg.Host()
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// A publisher replaces the file of a video: everything about the video stays but
// what is made of the file.
func TestReplacedFile(t *testing.T) {
	if testing.Short() {
		t.Skip("transcodes videos")
	}
	s := startWhole(t, dbtest.SQLite(t), "VIDEO_FILE_UPDATE_ENABLED=true", "TRANSCODING_ORIGINAL_FILE_KEEP=true")
	alice, bob, root := s.user("alice", rest.RoleUser), s.user("bob", rest.RoleUser), s.login("root")
	uuid := s.publish(alice, "Harbour")
	path := "/api/v1/videos/" + uuid
	s.must("POST", path+"/comment-threads", alice, map[string]any{"text": "Still here"})
	before, old := s.must("GET", path, alice, nil), s.files(alice, uuid)

	source := s.must("GET", path+"/source", alice, nil)
	if source.at("inputFilename") != "clip.mp4" || source.at("width") != 320.0 || source.at("resolution", "id") != 180.0 || source.at("metadata", "format") == nil {
		t.Errorf("source: %s", source.Body)
	}
	kept := strings.TrimPrefix(source.at("fileDownloadUrl").(string), wholeOrigin)
	for who, c := range map[string]struct {
		token string
		code  int
	}{"the owner": {alice, 200}, "another user": {bob, 403}, "nobody": {"", 403}, "an administrator": {root, 200}} {
		if w := s.ask("GET", kept, c.token); w.Code != c.code || (c.code == 200) != (float64(w.Body.Len()) == source.at("size")) {
			t.Errorf("the kept file for %s: %d, %d bytes", who, w.Code, w.Body.Len())
		}
	}

	file := filepath.Join(t.TempDir(), "second cut.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "mandelbrot=s=160x90:r=10", "-t", "4", "-pix_fmt", "yuv420p",
		"-c:v", "libx264", "-preset", "ultrafast", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	replace := path + "/source/replace-resumable"
	size := fmt.Sprint(len(data))
	head := []string{"Content-Type", "application/json", "X-Upload-Content-Length", size, "X-Upload-Content-Type", "video/mp4"}
	name := []byte(`{"filename":"second cut.mp4"}`)
	for what, c := range map[string]struct {
		token string
		body  []byte
		head  []string
		code  int
	}{
		"another user":  {bob, name, head, 403},
		"nobody":        {"none", name, head, 401},
		"no headers":    {alice, name, head[:2], 400},
		"no name":       {alice, []byte(`{}`), head, 400},
		"no video":      {alice, []byte(`{"filename":"virus.exe"}`), head, 415},
		"not its type":  {alice, name, append(head[:4:4], "X-Upload-Content-Type", "text/html"), 415},
		"no such video": {alice, name, head, 404},
	} {
		at := replace
		if what == "no such video" {
			at = strings.Replace(replace, uuid, "999999", 1)
		}
		if w := s.raw("POST", at, c.token, c.body, c.head...); w.Code != c.code {
			t.Errorf("%s: %d %s, want %d", what, w.Code, w.Body, c.code)
		}
	}
	w := s.raw("POST", replace, alice, name, head...)
	if w.Code != http.StatusCreated || !strings.HasPrefix(w.Header().Get("Location"), replace+"?upload_id=") {
		t.Fatalf("open: %d %s %v", w.Code, w.Body, w.Header())
	}
	session := w.Header().Get("Location")
	put := func(at, token string, from, to int) *httptest.ResponseRecorder {
		return s.raw("PUT", at, token, data[from:to], "Content-Type", "application/octet-stream", "Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(data)))
	}
	half := len(data) / 2
	if w := put(session, alice, 0, half); w.Code != http.StatusPermanentRedirect {
		t.Fatalf("first half: %d %s", w.Code, w.Body)
	}
	elsewhere := "/api/v1/videos/upload-resumable" + strings.TrimPrefix(session, replace)
	if w := put(elsewhere, alice, half, len(data)); w.Code != http.StatusNotFound {
		t.Errorf("the session as one of a new video: %d", w.Code)
	}
	if w := put(session, bob, half, len(data)); w.Code != http.StatusForbidden {
		t.Errorf("another user goes on: %d", w.Code)
	}
	if w := put(session, alice, half, len(data)); w.Code != http.StatusNoContent {
		t.Fatalf("second half: %d %s", w.Code, w.Body)
	}
	if w := put(session, alice, half, len(data)); w.Code != http.StatusNoContent {
		t.Errorf("the answer again: %d %s", w.Code, w.Body)
	}
	s.eventually("the new file", func() bool {
		d := s.must("GET", path, alice, nil)
		return d.at("state", "id") == 1.0 && d.at("duration") == 4.0
	})
	s.eventually("the new storyboard", func() bool {
		boards, _ := s.must("GET", path+"/storyboards", alice, nil).at("storyboards").([]any)
		return len(boards) > 0
	})
	after := s.must("GET", path, "", nil)
	for _, field := range []string{"id", "uuid", "name", "publishedAt", "views", "comments"} {
		if before.at(field) != after.at(field) && field != "comments" {
			t.Errorf("%s was %v and is %v", field, before.at(field), after.at(field))
		}
	}
	if after.at("inputFileUpdatedAt") == nil || before.at("inputFileUpdatedAt") != nil || after.at("thumbnailPath") == before.at("thumbnailPath") {
		t.Errorf("replaced at %v; picture %v", after.at("inputFileUpdatedAt"), after.at("thumbnailPath"))
	}
	if total := s.must("GET", path+"/comment-threads", "", nil).at("total"); total != 1.0 {
		t.Errorf("%v comments", total)
	}
	for _, at := range append(old, kept) {
		if w := s.ask("GET", at, alice); w.Code != http.StatusNotFound {
			t.Errorf("the former file at %s: %d", at, w.Code)
		}
	}
	if src := s.must("GET", path+"/source", alice, nil); src.at("inputFilename") != "second cut.mp4" || src.at("width") != 160.0 {
		t.Errorf("source: %s", src.Body)
	}
	s.eventually("deleted files", func() bool { // nothing is left behind, nothing is missing
		gaps, err := s.video.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(gaps) == 0
	})
	// The kept file goes by an administrator's hand alone.
	for _, c := range []struct {
		token string
		code  int
	}{{bob, 403}, {alice, 403}, {root, 204}, {root, 404}} {
		if a := s.do("DELETE", path+"/source/file", c.token, nil); a.Code != c.code {
			t.Errorf("delete the kept file: %d %s, want %d", a.Code, a.Body, c.code)
		}
	}
	if src := s.must("GET", path+"/source", alice, nil); src.at("fileDownloadUrl") != nil {
		t.Errorf("after it was deleted: %s", src.Body)
	}
	if a := s.do("POST", path+"/captions/generate", alice, map[string]any{}); a.Code != 400 {
		t.Errorf("transcription, which is not there: %d %s", a.Code, a.Body)
	}
	if a := s.do("POST", path+"/captions/generate", bob, map[string]any{}); a.Code != 403 {
		t.Errorf("transcription of others' videos: %d %s", a.Code, a.Body)
	}
	if w := s.raw("DELETE", session, alice, nil); w.Code != http.StatusNotFound {
		t.Errorf("abort what is done: %d", w.Code)
	}
}

// files are the addresses of a video's media files.
func (s *whole) files(token, uuid string) (out []string) {
	s.t.Helper()
	d := s.must("GET", "/api/v1/videos/"+uuid, token, nil)
	for _, list := range [][]any{{"files"}, {"streamingPlaylists", 0, "files"}} {
		files, _ := d.at(list...).([]any)
		for i := range files {
			out = append(out, strings.TrimPrefix(d.at(append(list, i, "fileUrl")...).(string), wholeOrigin))
		}
	}
	return out
}

// Replacing files is off unless an administrator turns it on.
func TestReplacingIsOff(t *testing.T) {
	s := startWhole(t, dbtest.SQLite(t))
	alice := s.user("alice", rest.RoleUser)
	channel := s.must("GET", "/api/v1/users/me", alice, nil).at("videoChannels", 0, "id")
	a := s.form("POST", "/api/v1/videos/upload", alice, map[string]string{"channelId": fmt.Sprint(channel), "name": "Harbour", "videofile": "@" + smallClip(t, "clip.mp4")})
	path := fmt.Sprint("/api/v1/videos/", a.at("video", "uuid"), "/source/replace-resumable")
	w := s.raw("POST", path, alice, []byte(`{"filename":"a.mp4"}`), "Content-Type", "application/json", "X-Upload-Content-Length", "9", "X-Upload-Content-Type", "video/mp4")
	if w.Code != http.StatusForbidden {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
