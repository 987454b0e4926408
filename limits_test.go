package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestLongSubtitles: subtitles may be longer than other bodies, and the
// configuration says how long.
func TestLongSubtitles(t *testing.T) {
	s, _ := assembleWhole(t, dbtest.SQLite(t))
	c := &cast{whole: s}
	owner := s.user("owner", rest.RoleUser)
	path := "/api/v1/videos/" + c.video("owner").UUID + "/captions/en"
	most := s.must("GET", "/api/v1/config", "", nil).at("videoCaption", "file", "size", "max").(float64)
	if most != 20<<20 {
		t.Errorf("at most %v bytes", most)
	}
	for size, want := range map[int]int{int(most) - 100: 204, int(most) + 100<<10: 413} {
		text := strings.Builder{}
		text.WriteString("WEBVTT\n")
		for i := 0; text.Len() < size; i++ {
			fmt.Fprintf(&text, "\n%02d:%02d:%02d.000 --> %02d:%02d:%02d.900\n%s\n", i/3600, i/60%60, i%60, i/3600, i/60%60, i%60, strings.Repeat("long ", 40))
		}
		file := filepath.Join(t.TempDir(), "long.vtt")
		if err := os.WriteFile(file, []byte(text.String()[:size]), 0o600); err != nil {
			t.Fatal(err)
		}
		if a := s.form("PUT", path, owner, map[string]string{"captionfile": "@" + file}); a.Code != want {
			t.Errorf("%d bytes: %d %.200s, want %d", size, a.Code, a.Body, want)
		}
	}
	if list := s.must("GET", strings.TrimSuffix(path, "/en"), owner, nil); list.at("total") != 1.0 {
		t.Errorf("captions: %s", list.Body)
	}
}

// TestLimitOfMails: who is refused reads of the limit that refused, not of that
// which all requests count for.
func TestLimitOfMails(t *testing.T) {
	s, _ := assembleWhole(t, dbtest.SQLite(t), "RATES_LIMIT_ASK_SEND_EMAIL_MAX=2")
	for i, want := range []int{204, 204, 429} {
		a := s.do("POST", "/api/v1/users/ask-send-verify-email", "", m{"email": "nobody@example.org"})
		h := a.Header()
		if a.Code != want || want == 429 && (h.Get("X-RateLimit-Limit") != "2" || h.Get("X-RateLimit-Remaining") != "0" || h.Get("Retry-After") == "") {
			t.Errorf("request %d: %d %v, want %d", i+1, a.Code, h, want)
		}
		if reset, _ := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); want == 429 && time.Until(time.Unix(reset, 0)) < 4*time.Minute {
			t.Errorf("another mail may be asked for at %v", time.Unix(reset, 0))
		}
	}
}
