package main

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/e2e/rig"
	"github.com/kinemesh/kinemesh/web/rest"
)

// exchange is one request with its answer.
type exchange struct {
	name   string // of a recorded answer, when PeerTube was asked the same
	method string
	path   string // with its query
	answer
}

// scenario is a day of a small server: people sign in, publish, talk, follow,
// report and moderate, and look at everything that the API shows of it.
type scenario struct {
	*whole
	exchanges []exchange

	root, mod, alice, bob  string // tokens
	video, second          string // UUIDs of alice's videos
	thread, reply          any    // ids of comments
	playlist               any
	clip, picture, caption string
}

// m is a JSON object.
type m = map[string]any

// runScenario plays it on one database.
func runScenario(t *testing.T, d *db.DB) *scenario {
	t.Helper()
	s := &scenario{whole: startWhole(t, d, "TRANSCODING_ORIGINAL_FILE_KEEP=true", "TRANSCODING_WEB_VIDEOS_ENABLED=true")}
	s.files()
	s.people()
	s.publish()
	s.talk()
	s.collect()
	s.moderate()
	s.look()
	return s
}

// call makes a request that has to succeed and keeps the answer.
func (s *scenario) call(name, method, path, token string, body any) answer {
	s.t.Helper()
	a := s.do(method, "/api/v1"+path, token, body)
	s.keep(name, method, path, a)
	return a
}

func (s *scenario) keep(name, method, path string, a answer) {
	s.t.Helper()
	s.exchanges = append(s.exchanges, exchange{name, method, "/api/v1" + path, a})
	if a.Code >= http.StatusBadRequest {
		s.t.Errorf("%s %s: %d %.300s", method, path, a.Code, a.Body)
	}
}

// upload sends a multipart form of one file besides other fields.
func (s *scenario) upload(method, path, token string, fields map[string]string) answer {
	s.t.Helper()
	a := s.form(method, "/api/v1"+path, token, fields)
	s.keep("", method, path, a)
	return a
}

func (s *scenario) files() {
	dir := s.t.TempDir()
	var err error
	if s.clip, err = rig.Clip(context.Background(), dir, 2, 426, 240); err != nil {
		s.t.Fatal(err)
	}
	s.picture, s.caption = filepath.Join(dir, "picture.png"), filepath.Join(dir, "caption.vtt")
	img := image.NewRGBA(image.Rect(0, 0, 320, 200))
	for x := range 320 {
		img.Set(x, x/2, color.White)
	}
	f, err := os.Create(s.picture)
	if err == nil {
		err = png.Encode(f, img)
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.WriteFile(s.caption, []byte("WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"), 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scenario) people() {
	client := s.call("oauth-clients-local", "GET", "/oauth-clients/local", "", nil)
	s.root, s.mod = s.login("root"), s.user("mod", rest.RoleModerator)
	for _, name := range []string{"alice", "bob"} {
		s.call("", "POST", "/users", s.root, m{
			"username": name, "email": name + "@example.org", "password": wholePassword, "role": 2, "videoQuota": -1, "videoQuotaDaily": -1,
		})
	}
	token := func(name, user string) answer {
		return s.call(name, "POST", "/users/token", "", url.Values{
			"client_id": {client.at("client_id").(string)}, "client_secret": {client.at("client_secret").(string)},
			"grant_type": {"password"}, "username": {user}, "password": {wholePassword},
		})
	}
	a := token("users-token", "alice")
	b := s.call("users-token-refresh", "POST", "/users/token", "", url.Values{
		"client_id": {client.at("client_id").(string)}, "client_secret": {client.at("client_secret").(string)},
		"grant_type": {"refresh_token"}, "refresh_token": {a.at("refresh_token").(string)},
	})
	s.alice, s.bob = b.at("access_token").(string), token("", "bob").at("access_token").(string)
	s.call("", "PUT", "/users/me", s.alice, m{"displayName": "Alice Example", "description": "Films boats"})
	s.call("", "PUT", "/video-channels/alice_channel", s.alice, m{"displayName": "Boats", "description": "All kinds", "support": "Thank you"})
	s.upload("POST", "/users/me/avatar/pick", s.alice, map[string]string{"avatarfile": "@" + s.picture})
	s.upload("POST", "/video-channels/alice_channel/avatar/pick", s.alice, map[string]string{"avatarfile": "@" + s.picture})
	s.upload("POST", "/video-channels/alice_channel/banner/pick", s.alice, map[string]string{"bannerfile": "@" + s.picture})
	s.call("", "POST", "/users/me/subscriptions", s.bob, m{"uri": "alice_channel@" + s.cfg.Host()})
}

func (s *scenario) publish() {
	var channel any
	for _, c := range s.must("GET", "/api/v1/users/me", s.alice, nil).at("videoChannels").([]any) {
		channel = c.(m)["id"]
	}
	post := func(name string) string {
		a := s.upload("POST", "/videos/upload", s.alice, map[string]string{
			"channelId": fmt.Sprint(channel), "name": name, "privacy": "1", "videofile": "@" + s.clip,
		})
		return a.at("video", "uuid").(string)
	}
	s.video, s.second = post("Boats in the harbour"), post("A second one")
	s.call("", "PUT", "/videos/"+s.video, s.alice, m{
		"category": 15, "licence": 1, "language": "en", "description": "All *boats* of the day", "support": "Thank you",
		"tags": []string{"boats", "harbour"}, "originallyPublishedAt": "2020-05-06T07:08:09.000Z",
	})
	s.upload("PUT", "/videos/"+s.video+"/captions/en", s.alice, map[string]string{"captionfile": "@" + s.caption})
	s.call("", "PUT", "/videos/"+s.video+"/chapters", s.alice, m{"chapters": []m{{"timecode": 0, "title": "Start"}, {"timecode": 1, "title": "End"}}})
	for _, id := range []string{s.video, s.second} {
		s.eventually("the video is published with all its files", func() bool {
			v := s.do("GET", "/api/v1/videos/"+id, s.alice, nil)
			lists := v.at("streamingPlaylists").([]any)
			return v.at("state", "id") == 1.0 && len(v.at("files").([]any)) > 0 && len(lists) > 0 && len(lists[0].(m)["files"].([]any)) > 0
		})
	}
	s.eventually("the storyboard is there", func() bool {
		return len(s.do("GET", "/api/v1/videos/"+s.video+"/storyboards", "", nil).at("storyboards").([]any)) > 0
	})
}

func (s *scenario) talk() {
	video := "/videos/" + s.video
	a := s.call("", "POST", video+"/comment-threads", s.bob, m{"text": "What a **boat**"})
	s.thread = a.at("comment", "id")
	a = s.call("", "POST", video+fmt.Sprintf("/comments/%v", s.thread), s.alice, m{"text": "Thank you, @bob"})
	s.reply = a.at("comment", "id")
	s.call("", "PUT", video+"/rate", s.bob, m{"rating": "like"})
	s.call("users-me-rating", "GET", "/users/me"+video+"/rating", s.bob, nil)
	s.call("", "POST", video+"/views", s.bob, m{"currentTime": 1})
}

func (s *scenario) collect() {
	a := s.upload("POST", "/video-playlists", s.alice, map[string]string{
		"displayName": "All boats", "privacy": "1", "videoChannelId": fmt.Sprint(s.must("GET", "/api/v1/video-channels/alice_channel", "", nil).at("id")),
		"description": "In their order", "thumbnailfile": "@" + s.picture,
	})
	s.playlist = a.at("videoPlaylist", "id")
	shown := s.must("GET", fmt.Sprintf("/api/v1/video-playlists/%v", s.playlist), "", nil).at("thumbnailPath").(string)
	if pic := s.do("GET", shown, "", nil); pic.Code != 200 || pic.Header().Get("Content-Type") != "image/jpeg" {
		s.t.Errorf("the picture of a playlist at %s: %d", shown, pic.Code)
	}
	path := fmt.Sprintf("/video-playlists/%v/videos", s.playlist)
	e := s.call("", "POST", path, s.alice, m{"videoId": s.video, "startTimestamp": 1})
	s.call("", "POST", path, s.alice, m{"videoId": s.second})
	s.call("", "PUT", fmt.Sprintf("%s/%v", path, e.at("videoPlaylistElement", "id")), s.alice, m{"startTimestamp": 1, "stopTimestamp": 2})
	s.call("", "POST", path+"/reorder", s.alice, m{"startPosition": 1, "insertAfterPosition": 2})
}

func (s *scenario) moderate() {
	v := s.must("GET", "/api/v1/videos/"+s.video, "", nil)
	a := s.call("", "POST", "/abuses", s.bob, m{"reason": "Too many boats", "predefinedReasons": []string{"thumbnails"}, "video": m{"id": v.at("id"), "startAt": 0, "endAt": 1}})
	s.call("", "POST", "/abuses", s.bob, m{"reason": "Rude", "comment": m{"id": s.reply}})
	s.call("", "POST", "/abuses", s.bob, m{"reason": "Rude", "account": m{"id": v.at("account", "id")}})
	abuse := fmt.Sprintf("/abuses/%v", a.at("abuse", "id"))
	s.call("", "POST", abuse+"/messages", s.mod, m{"message": "How many are too many?"})
	s.call("", "GET", abuse+"/messages", s.bob, nil)
	s.call("", "PUT", abuse, s.mod, m{"state": 3, "moderationComment": "Seen"})
	s.call("", "POST", "/videos/"+s.second+"/blacklist", s.mod, m{"reason": "To be looked at"})
	s.call("", "GET", "/videos/blacklist", s.mod, nil)
	s.call("", "DELETE", "/videos/"+s.second+"/blacklist", s.mod, nil)
	s.eventually("alice is told of her video and of the comment", func() bool {
		told := map[string]bool{}
		for _, n := range s.do("GET", "/api/v1/users/me/notifications?count=100", s.alice, nil).at("data").([]any) {
			for member := range n.(m) {
				told[member] = true
			}
		}
		return told["video"] && told["comment"]
	})
	s.call("", "POST", "/users/me/blocklist/accounts", s.alice, m{"accountName": "mod"})
	s.call("", "POST", "/users/me/blocklist/servers", s.alice, m{"host": "rude.example"})
	s.call("", "POST", "/server/blocklist/servers", s.mod, m{"host": "worse.example"})
	s.call("", "POST", "/watched-words/server/lists", s.mod, m{"listName": "Boats", "words": []string{"boat"}})
	s.call("", "POST", "/watched-words/accounts/alice/lists", s.alice, m{"listName": "Ships", "words": []string{"ship"}})
}

// look asks for everything that can be seen. Names are those of the recorded
// answers.
func (s *scenario) look() {
	video, bob := "/videos/"+s.video, s.must("GET", "/api/v1/users/me", s.bob, nil).at("id")
	s.call("video-token", "POST", video+"/token", s.alice, nil)
	for _, c := range [][3]string{ // name, token, path
		{"account", "", "/accounts/alice"},
		{"accounts", "", "/accounts"},
		{"account-videos", "", "/accounts/alice/videos"},
		{"account-channels", "", "/accounts/alice/video-channels"},
		{"account-playlists", "", "/accounts/alice/video-playlists"},
		{"account-followers", s.alice, "/accounts/alice/followers"},
		{"", s.bob, "/accounts/bob/ratings"},
		{"video-channels", "", "/video-channels"},
		{"video-channel", "", "/video-channels/alice_channel"},
		{"video-channel-videos", "", "/video-channels/alice_channel/videos"},
		{"", "", "/video-channels/alice_channel/video-playlists"},
		{"video-channel-followers", s.alice, "/video-channels/alice_channel/followers"},
		{"", s.alice, "/accounts/alice/video-channels?withStats=true"},
		{"videos", "", "/videos"},
		{"video", "", video},
		{"video-description", "", video + "/description"},
		{"video-captions", "", video + "/captions"},
		{"video-chapters", "", video + "/chapters"},
		{"video-storyboards", "", video + "/storyboards"},
		{"video-comment-threads", "", video + "/comment-threads"},
		{"video-comment-thread", "", fmt.Sprintf("%s/comment-threads/%v", video, s.thread)},
		{"", s.mod, "/videos/comments"},
		{"", s.alice, "/users/me/videos/comments"},
		{"video-source", s.alice, video + "/source"},
		{"video-stats-overall", s.alice, video + "/stats/overall"},
		{"video-stats-retention", s.alice, video + "/stats/retention"},
		{"video-stats-timeseries", s.alice, video + "/stats/timeseries/viewers"},
		{"", s.alice, video + "/stats/user-agent"},
		{"videos-categories", "", "/videos/categories"},
		{"videos-licences", "", "/videos/licences"},
		{"videos-languages", "", "/videos/languages"},
		{"videos-privacies", "", "/videos/privacies"},
		{"video-playlists", "", "/video-playlists"},
		{"video-playlist", "", fmt.Sprintf("/video-playlists/%v", s.playlist)},
		{"video-playlist-videos", "", fmt.Sprintf("/video-playlists/%v/videos", s.playlist)},
		{"video-playlists-privacies", "", "/video-playlists/privacies"},
		{"overviews-videos", "", "/overviews/videos"},
		{"search-videos", "", "/search/videos?search=boats"},
		{"search-videos-by-uri", "", "/search/videos?search=" + url.QueryEscape(s.cfg.Origin()+"/w/"+s.video)},
		{"search-video-channels", "", "/search/video-channels?search=boats"},
		{"search-video-playlists", "", "/search/video-playlists?search=boats"},
		{"users-me", s.alice, "/users/me"},
		{"users-me-quota", s.alice, "/users/me/video-quota-used"},
		{"users-me-videos", s.alice, "/users/me/videos"},
		{"users-me-notifications", s.alice, "/users/me/notifications"},
		{"users-me-subscriptions-b", s.bob, "/users/me/subscriptions"},
		{"users-me-subscriptions-videos-b", s.bob, "/users/me/subscriptions/videos"},
		{"", s.bob, "/users/me/subscriptions/alice_channel@" + s.cfg.Host()},
		{"", s.bob, "/users/me/subscriptions/exist?uris=alice_channel@" + s.cfg.Host()},
		{"", s.bob, "/users/me/history/videos"},
		{"", s.bob, "/users/me/abuses"},
		{"", s.alice, fmt.Sprint("/users/me/video-playlists/videos-exist?videoIds=", s.must("GET", "/api/v1"+video, "", nil).at("id"))},
		{"", s.alice, "/users/me/blocklist/accounts"},
		{"", s.alice, "/users/me/blocklist/servers"},
		{"", s.alice, "/users/scoped-tokens"},
		{"blocklist-status", s.alice, "/blocklist/status?accounts=mod&hosts=rude.example"},
		{"user-admin", s.root, fmt.Sprintf("/users/%v?withStats=true", bob)},
		{"users-list-admin", s.root, "/users"},
		{"", s.bob, fmt.Sprintf("/users/%v/token-sessions", bob)},
		{"", s.root, "/users/autocomplete?search=al"},
		{"", s.mod, "/users/registrations"},
		{"abuses", s.mod, "/abuses"},
		{"", s.mod, "/server/blocklist/accounts"},
		{"", s.mod, "/server/blocklist/servers"},
		{"", s.mod, "/watched-words/server/lists"},
		{"", s.alice, "/watched-words/accounts/alice/lists"},
		{"", s.mod, "/automatic-tags/server/available"},
		{"", s.alice, "/automatic-tags/accounts/alice/available"},
		{"", s.alice, "/automatic-tags/policies/accounts/alice/comments"},
		{"config", "", "/config"},
		{"config-about", "", "/config/about"},
		{"config-custom", s.root, "/config/custom"},
		{"plugins", s.root, "/plugins"},
		{"server-stats", "", "/server/stats"},
		{"server-debug", s.root, "/server/debug"},
		{"jobs-all", s.root, "/jobs"},
		{"jobs-completed", s.root, "/jobs/completed"},
		{"", "", "/server/followers"},
		{"", "", "/server/following"},
		{"", s.root, "/server/redundancy/videos?target=my-videos"},
		{"", s.root, "/server/logs?startDate=2026-01-01T00:00:00.000Z"},
		{"", s.root, "/server/audit-logs?startDate=2026-01-01T00:00:00.000Z"},
	} {
		s.call(c[0], "GET", c[2], c[1], nil)
	}
}

// refusals are requests that PeerTube was asked, too, and refused.
func (s *scenario) refusals() map[string]answer {
	return map[string]answer{
		"video-404":             s.do("GET", "/api/v1/videos/00000000-0000-4000-8000-000000000000", "", nil),
		"videos-bad-sort":       s.do("GET", "/api/v1/videos?sort=foo", "", nil),
		"users-me-unauthorized": s.do("GET", "/api/v1/users/me", "", nil),
	}
}
