package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// ask sends a request with headers, names and values by turns.
func (s *whole) ask(method, path, token string, header ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Host = s.cfg.Host()
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "From" { // an address of the client
			r.RemoteAddr = header[i+1]
			continue
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// smallClip encodes a second of video with sound.
func smallClip(t testing.TB, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=s=320x180:r=10:d=2", "-f", "lavfi", "-i", "sine=d=2",
		"-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", out)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v %s", err, msg)
	}
	return out
}

// publish uploads a clip as a user and waits until all is made of it.
func (s *whole) publish(token, name string) (uuid string) {
	s.t.Helper()
	channel := s.must("GET", "/api/v1/users/me", token, nil).at("videoChannels", 0, "id")
	a := s.form("POST", "/api/v1/videos/upload", token, map[string]string{
		"channelId": fmt.Sprint(channel), "name": name, "privacy": "1", "waitTranscoding": "true", "videofile": "@" + smallClip(s.t, "clip.mp4"),
	})
	if a.Code != http.StatusOK {
		s.t.Fatalf("upload: %d %s", a.Code, a.Body)
	}
	uuid = a.at("video", "uuid").(string)
	s.eventually("storyboard of "+name, func() bool {
		boards, _ := s.must("GET", "/api/v1/videos/"+uuid+"/storyboards", token, nil).at("storyboards").([]any)
		return len(boards) > 0
	})
	return uuid
}

// addresses are where the bytes of a video are, as its owner reads them.
func (s *whole) addresses(token, uuid string) map[string]string {
	s.t.Helper()
	d := s.must("GET", "/api/v1/videos/"+uuid, token, nil)
	out := map[string]string{}
	add := func(name string, v any) {
		text, _ := v.(string)
		if text == "" {
			s.t.Fatalf("the video has no %s", name)
		}
		out[name] = strings.TrimPrefix(text, wholeOrigin)
	}
	for _, f := range []string{"fileUrl", "fileDownloadUrl", "torrentUrl", "torrentDownloadUrl", "metadataUrl"} {
		add(f, d.at("files", 0, f))
		add("HLS "+f, d.at("streamingPlaylists", 0, "files", 0, f))
	}
	add("media playlist", d.at("streamingPlaylists", 0, "files", 0, "playlistUrl"))
	add("master playlist", d.at("streamingPlaylists", 0, "playlistUrl"))
	add("segment hashes", d.at("streamingPlaylists", 0, "segmentsSha256Url"))
	add("thumbnail", d.at("thumbnailPath"))
	add("preview", d.at("previewPath"))
	add("caption", s.must("GET", "/api/v1/videos/"+uuid+"/captions", token, nil).at("data", 0, "captionPath"))
	add("storyboard", s.must("GET", "/api/v1/videos/"+uuid+"/storyboards", token, nil).at("storyboards", 0, "storyboardPath"))
	out["generated download"] = fmt.Sprintf("/download/videos/generate/%s?videoFileIds=%v", uuid, d.at("files", 0, "id"))
	return out
}

// onlooker is somebody who wants to see a video.
type onlooker struct {
	name     string
	bearer   string
	password string
	token    string // of files
	from     string // an address of its own, for who is locked out
}

// TestSEC54 is the matrix of privacies, viewers and ways to a video: who may not
// see it gets nothing of it anywhere.
func TestSEC54(t *testing.T) {
	if testing.Short() {
		t.Skip("transcodes a video")
	}
	d := dbtest.SQLite(t)
	s := startWhole(t, d)
	alice, bob, mod := s.user("alice", rest.RoleUser), s.user("bob", rest.RoleUser), s.user("mod", rest.RoleModerator)
	const name, password = "Quiet harbour film", "open sesame"
	uuid := s.publish(alice, name)
	vtt := filepath.Join(t.TempDir(), "en.vtt")
	if err := os.WriteFile(vtt, []byte("WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a := s.form("PUT", "/api/v1/videos/"+uuid+"/captions/en", alice, map[string]string{"captionfile": "@" + vtt}); a.Code != 204 {
		t.Fatalf("caption: %d %s", a.Code, a.Body)
	}
	s.must("POST", "/api/v1/videos/"+uuid+"/comment-threads", alice, map[string]any{"text": "Mooring lines of the " + name})
	public := s.addresses(alice, uuid)
	channel := s.must("GET", "/api/v1/users/me", alice, nil).at("videoChannels", 0, "id")
	handle := s.must("GET", "/api/v1/users/me", alice, nil).at("videoChannels", 0, "name").(string)
	for _, p := range []struct {
		privacy                      int
		anybody, users, withPassword bool
		listed                       bool
	}{
		{1, true, true, true, true},
		{2, true, true, true, false},
		{3, false, false, false, false},
		{4, false, true, false, false},
		{5, false, false, true, false},
	} {
		change := map[string]any{"privacy": p.privacy}
		if p.privacy == 5 {
			change["videoPasswords"] = []string{password}
		}
		s.must("PUT", "/api/v1/videos/"+uuid, alice, change)
		s.eventually("new torrents", func() bool {
			var n int64
			err := d.Read(t.Context()).Model(&jobs.Job{}).Where("kind = ? AND state IN ('waiting', 'active')", catalog.TorrentArgs{}.Kind()).Count(&n).Error
			return err == nil && n == 0
		})
		short := s.must("GET", "/api/v1/videos/"+uuid, alice, nil).at("shortUUID").(string)
		ways := s.addresses(alice, uuid)
		for way, path := range map[string]string{
			"details": "", "description": "/description", "captions": "/captions", "chapters": "/chapters", "storyboards": "/storyboards",
			"comments": "/comment-threads",
		} {
			ways[way] = "/api/v1/videos/" + uuid + path
		}
		ways["page"], ways["frame"] = "/w/"+short, "/videos/embed/"+uuid
		tokens := func(bearer string, header ...string) string {
			w := s.ask("POST", "/api/v1/videos/"+uuid+"/token", bearer, header...)
			if w.Code != 200 {
				return "none"
			}
			return answer{w, t}.at("files", "token").(string)
		}
		guess := []string{rest.VideoPasswordHeader, password}
		for who, sees := range map[onlooker]bool{
			{name: "nobody"}:                           p.anybody,
			{name: "another user", bearer: bob}:        p.users,
			{name: "the owner", bearer: alice}:         true,
			{name: "a moderator", bearer: mod}:         true,
			{name: "the password", password: password}: p.anybody || p.withPassword,
			{name: "a wrong password", password: "open barley", from: "203.0.113.7:1024"}: p.anybody,
			{name: "the owner's file token", token: tokens(alice)}:                        true,
			{name: "a password's file token", token: tokens("", guess...)}:                p.anybody || p.withPassword,
			{name: "a junk file token", token: "AAAA"}:                                    p.anybody,
		} {
			for way, path := range ways {
				file := !strings.HasPrefix(path, "/api/") && way != "page" && way != "frame"
				want := sees
				if who.token != "" && !file {
					want = p.anybody // such a token opens files alone (SEC-55)
				}
				at := path
				if who.token != "" {
					at += map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")] + "videoFileToken=" + url.QueryEscape(who.token)
				}
				w := s.ask("GET", at, who.bearer, rest.VideoPasswordHeader, who.password, "From", cmp.Or(who.from, "203.0.113.6:1024"))
				if got := w.Code == http.StatusOK; got != want {
					t.Errorf("privacy %d, %s, %s: %d, want it open: %v", p.privacy, way, who.name, w.Code, want)
				}
				if !want && (strings.Contains(w.Body.String(), name) || strings.Contains(w.Body.String(), "ftyp")) {
					t.Errorf("privacy %d, %s, %s: the refusal tells of the video: %.300s", p.privacy, way, who.name, w.Body)
				}
				if want && !p.anybody && strings.HasPrefix(w.Header().Get("Cache-Control"), "public") {
					t.Errorf("privacy %d, %s, %s: may be kept by others: %s", p.privacy, way, who.name, w.Header().Get("Cache-Control"))
				}
			}
		}
		s.closed(p.privacy, p.listed, p.anybody, uuid, handle, name, fmt.Sprint(channel), map[string]string{"nobody": "", "another user": bob})
		// What was open is shut at once, at its old addresses too.
		for way, path := range public {
			if w := s.ask("GET", path, ""); !p.anybody && w.Code == http.StatusOK {
				t.Errorf("privacy %d: %s is still open at %s", p.privacy, way, path)
			}
		}
	}
}

// closed looks for a video where many are told of at once.
func (s *whole) closed(privacy int, listed, anybody bool, uuid, handle, name, channel string, who map[string]string) {
	s.t.Helper()
	watch := wholeOrigin + "/w/" + uuid
	for way, path := range map[string]string{
		"list": "/api/v1/videos?count=100&nsfw=both", "search": "/api/v1/search/videos?search=harbour", "account": "/api/v1/accounts/alice/videos",
		"channel": "/api/v1/video-channels/" + handle + "/videos", "overview": "/api/v1/overviews/videos?page=1", "sitemap": "/sitemap.xml",
		"RSS": "/feeds/videos.xml", "Atom": "/feeds/videos.atom?accountName=alice", "JSON feed": "/feeds/videos.json?videoChannelName=" + handle,
		"podcast": "/feeds/podcast/videos.xml?videoChannelId=" + channel, "comment feed": "/feeds/video-comments.xml?accountName=alice",
		"search by address": "/api/v1/search/videos?search=" + url.QueryEscape(watch), "start page": "/", "channel page": "/c/" + handle,
		"oEmbed": "/services/oembed?url=" + url.QueryEscape(watch), "object": "/videos/watch/" + uuid, "channel's outbox": "/video-channels/" + handle + "/outbox?page=1",
		"comments of the video": "/feeds/video-comments.json?videoId=" + uuid,
	} {
		var header []string
		open := listed
		switch way {
		case "object":
			header, open = []string{"Accept", "application/activity+json"}, anybody
		case "channel's outbox":
			header = []string{"Accept", "application/activity+json"}
		case "oEmbed", "search by address", "comments of the video":
			open = anybody
		}
		for viewer, token := range who {
			open := open
			if internal := privacy == 4 && token != ""; internal {
				open = open || slices.Contains([]string{"search by address", "list", "search", "overview", "account", "channel", "start page", "channel page"}, way)
			}
			w := s.ask("GET", path, token, header...)
			if got := strings.Contains(w.Body.String(), name); got && !open {
				s.t.Errorf("privacy %d: %s tells %s of the video: %d", privacy, way, viewer, w.Code)
			} else if !got && open && way != "overview" && way != "sitemap" && way != "channel's outbox" {
				s.t.Errorf("privacy %d: %s does not tell %s of the video: %d %.300s", privacy, way, viewer, w.Code, w.Body)
			}
		}
	}
}
