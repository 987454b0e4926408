package main

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestProtectedInFrame: the frame of a protected video asks for its password and
// then plays without cookies, which browsers do not keep for frames of other sites.
func TestProtectedInFrame(t *testing.T) {
	if testing.Short() {
		t.Skip("transcodes a video")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := startWhole(t, d)
		alice := s.user("alice", rest.RoleUser)
		const name = "Quiet harbour film"
		uuid := s.publish(alice, name)
		s.must("PUT", "/api/v1/videos/"+uuid, alice, m{"privacy": 5, "videoPasswords": []string{"open sesame"}})
		frame := "/videos/embed/" + s.must("GET", "/api/v1/videos/"+uuid, alice, nil).at("shortUUID").(string)
		page := func(w *httptest.ResponseRecorder) string {
			t.Helper()
			if h := w.Header(); h.Get("X-Frame-Options") != "" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors *") {
				t.Errorf("it may not be framed: %v", h)
			}
			if c := w.Header().Get("Cache-Control"); w.Code != 200 && c != "no-store" {
				t.Errorf("the question may be kept: %s", c)
			}
			return w.Body.String()
		}
		asked := s.ask("GET", frame+"?title=0", "")
		if body := page(asked); asked.Code != 403 || !strings.Contains(body, `action="`+frame+`?title=0"`) || strings.Contains(body, name) {
			t.Fatalf("the frame: %d %s", asked.Code, body)
		}
		post := func(password string, header ...string) *httptest.ResponseRecorder {
			t.Helper()
			r := httptest.NewRequest("POST", frame, strings.NewReader(url.Values{"password": {password}}.Encode()))
			r.Host = s.cfg.Host()
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for i := 0; i+1 < len(header); i += 2 {
				r.Header.Set(header[i], header[i+1])
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			return w
		}
		ours := []string{"Sec-Fetch-Site", "same-origin"}
		if w := post("open barley", ours...); w.Code != 403 || !strings.Contains(page(w), "not the password") || strings.Contains(w.Body.String(), name) {
			t.Errorf("a wrong password: %d %s", w.Code, w.Body)
		}
		if w := post("open sesame", "Sec-Fetch-Site", "cross-site"); w.Code != 403 || strings.Contains(w.Body.String(), name) {
			t.Errorf("a form of another site: %d", w.Code)
		}
		right := post("open sesame", ours...)
		body := page(right)
		if right.Code != 200 || !strings.Contains(body, name) {
			t.Fatalf("the right password: %d %s", right.Code, body)
		}
		found := regexp.MustCompile(` (?:hls|src|poster)="(/[^"]+)"`).FindAllStringSubmatch(body, -1)
		var lists, others int
		for _, f := range found {
			address := html.UnescapeString(f[1])
			if strings.HasPrefix(address, "/client/") || strings.HasPrefix(address, "/assets/") {
				continue
			}
			w := s.ask("GET", address, "")
			if w.Code != http.StatusOK {
				t.Errorf("%s: %d", address, w.Code)
			}
			if plain, _, _ := strings.Cut(address, "?"); s.ask("GET", plain, "").Code == http.StatusOK {
				t.Errorf("%s is open without the token", plain)
			}
			if !strings.Contains(address, ".m3u8") {
				others++
				continue
			}
			lists++
			for line := range strings.Lines(w.Body.String()) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' && !strings.Contains(line, "videoFileToken=") {
					t.Errorf("%s names %s without the token", address, line)
				}
			}
		}
		if lists < 2 || others < 2 { // the attribute and the source; the file and the poster
			t.Errorf("%d playlists and %d files are named in %s", lists, others, body)
		}
	})
}
