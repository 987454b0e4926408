package main

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestSEC54BlockedVideo: a blocked video is at none of its addresses and in none of
// the lists, feeds and pages of the server, for everybody but its owner and
// moderators; all is back when the block is taken back.
func TestSEC54BlockedVideo(t *testing.T) {
	if testing.Short() {
		t.Skip("transcodes")
	}
	s := &scenario{whole: startWhole(t, dbtest.SQLite(t), "TRANSCODING_WEB_VIDEOS_ENABLED=true")}
	s.files()
	s.people()
	s.publish()
	s.talk()
	s.collect()
	own, holders := s.addressesOf(s.video), s.holdersOf(s.video)
	v := s.must("GET", "/api/v1/videos/"+s.video, s.alice, nil)
	traces := []string{s.video, v.at("shortUUID").(string), "Boats in the harbour"}
	look := func(when string, blocked bool) {
		t.Helper()
		for _, path := range own {
			for who, token := range map[string]string{"a stranger": "", "another user": s.bob} {
				a := s.get(path, token)
				refused := a.Code == http.StatusForbidden || a.Code == http.StatusNotFound
				if blocked && !refused || !blocked && a.Code >= http.StatusBadRequest {
					t.Errorf("%s: %s gets %d from %s", when, who, a.Code, path)
				}
				if !blocked {
					continue
				}
				for _, trace := range traces[2:] {
					if strings.Contains(a.Body.String(), trace) {
						t.Errorf("%s: %s reads %q at %s", when, who, trace, path)
					}
				}
			}
			if a := s.get(path, s.mod); a.Code >= http.StatusBadRequest && !forStrangers(path) {
				t.Errorf("%s: a moderator gets %d from %s", when, a.Code, path)
			}
		}
		for _, path := range holders {
			a := s.get(path, "")
			if a.Code != http.StatusOK {
				t.Errorf("%s: %d from %s", when, a.Code, path)
			}
			found := false
			for _, trace := range traces {
				found = found || strings.Contains(a.Body.String(), trace)
			}
			if found == blocked {
				t.Errorf("%s: %s holds it: %v", when, path, found)
			}
		}
	}
	hash := s.infohashOf(s.video)
	peers := func(when string, want bool) {
		t.Helper()
		if got, err := s.app.video.Infohashes.Allow(t.Context(), hash); err != nil || got != want {
			t.Errorf("%s: the tracker admits its swarm: %v, %v", when, got, err)
		}
	}
	look("at first", false)
	peers("at first", true)
	s.must("POST", "/api/v1/videos/"+s.video+"/blacklist", s.mod, m{"reason": "Too many boats"})
	look("blocked", true)
	peers("blocked", false)
	if a := s.must("GET", "/api/v1/videos/"+s.video, s.alice, nil); a.at("blacklisted") != true || a.at("blacklistedReason") != "Too many boats" {
		t.Errorf("the owner reads %s", a.Body)
	}
	s.must("DELETE", "/api/v1/videos/"+s.video+"/blacklist", s.mod, nil)
	look("taken back", false)
	peers("taken back", true)
}

// forStrangers tells of what is answered to everybody as to a stranger.
func forStrangers(path string) bool {
	return strings.HasPrefix(path, "ap:") || strings.HasPrefix(path, "/services/") || strings.HasPrefix(path, "/feeds/")
}

// infohashOf is the hash of the first torrent of a video.
func (s *scenario) infohashOf(id string) (hash [20]byte) {
	s.t.Helper()
	magnet := s.must("GET", "/api/v1/videos/"+id, "", nil).at("files", 0, "magnetUri").(string)
	_, digits, _ := strings.Cut(magnet, "urn:btih:")
	raw, err := hex.DecodeString(digits[:40])
	if err != nil {
		s.t.Fatalf("%s: %v", magnet, err)
	}
	copy(hash[:], raw)
	return hash
}

// get asks for a page or file; "ap:" before the path asks for the ActivityPub
// document.
func (s *scenario) get(path, token string) answer {
	s.t.Helper()
	path, document := strings.CutPrefix(path, "ap:")
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.Host = s.cfg.Host()
	if document {
		r.Header.Set("Accept", "application/activity+json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return answer{w, s.t}
}

// addressesOf are the addresses of a video and of everything that belongs to it, as
// the API tells them.
func (s *scenario) addressesOf(id string) (out []string) {
	s.t.Helper()
	v := s.must("GET", "/api/v1/videos/"+id, "", nil)
	short := v.at("shortUUID").(string)
	api := "/api/v1/videos/" + id
	out = []string{
		api, "/api/v1/videos/" + short, fmt.Sprint("/api/v1/videos/", v.at("id")), api + "/description", api + "/captions", api + "/chapters",
		api + "/storyboards", api + "/comment-threads", fmt.Sprint(api, "/comment-threads/", s.thread),
		"/w/" + short, "/w/" + id, "/videos/embed/" + id, "/videos/embed/" + short,
		"/services/oembed?url=" + url.QueryEscape(s.cfg.Origin()+"/w/"+short), "/feeds/video-comments.xml?videoId=" + id,
		fmt.Sprintf("/download/videos/generate/%s?videoFileIds=%v", id, v.at("files", 0, "id")),
	}
	for _, part := range []string{"", "/activity", "/comments", "/likes", "/announces", "/chapters", fmt.Sprint("/comments/", s.thread)} {
		out = append(out, "ap:/videos/watch/"+id+part)
	}
	out = append(out, v.at("thumbnailPath").(string), v.at("previewPath").(string))
	for _, name := range []string{"captions", "storyboards"} {
		list := s.must("GET", api+"/"+name, "", nil)
		for key, row := range map[string]string{"captions": "data", "storyboards": "storyboards"} {
			if key == name {
				out = append(out, list.at(row, 0, map[string]string{"captions": "captionPath", "storyboards": "storyboardPath"}[name]).(string))
			}
		}
	}
	var walk func(x any)
	walk = func(x any) {
		switch x := x.(type) {
		case []any:
			for _, e := range x {
				walk(e)
			}
		case map[string]any:
			for name, e := range x {
				if address, ok := e.(string); ok && strings.HasSuffix(name, "Url") {
					if path, ours := strings.CutPrefix(address, s.cfg.Origin()); ours {
						out = append(out, path)
					}
				}
				walk(e)
			}
		}
	}
	walk(v.at("files"))
	walk(v.at("streamingPlaylists"))
	return out
}

// holdersOf are the lists, feeds and pages of others' where a video stands.
func (s *scenario) holdersOf(id string) []string {
	s.t.Helper()
	v := s.must("GET", "/api/v1/videos/"+id, "", nil)
	return []string{
		"/api/v1/videos", "/api/v1/videos?sort=-trending", "/api/v1/search/videos?search=harbour", "/api/v1/search/videos?search=" + url.QueryEscape(v.at("url").(string)),
		"/api/v1/accounts/alice/videos", "/api/v1/video-channels/alice_channel/videos", fmt.Sprintf("/api/v1/video-playlists/%v/videos", s.playlist),
		"/feeds/videos.xml", "/feeds/videos.json", fmt.Sprintf("/feeds/podcast/videos.xml?videoChannelId=%v", v.at("channel", "id")), "/feeds/video-comments.xml",
		"/", "/videos/browse", "/search?search=harbour", "/c/alice_channel", "/a/alice", "/sitemap.xml",
	}
}
