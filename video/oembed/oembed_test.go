package oembed_test

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestVideosAndPlaylistsAreEmbedded by each of their addresses, with the keys
// of the recorded answer.
func TestVideosAndPlaylistsAreEmbedded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{Idle: true})
		alice := s.User("alice", rest.RoleUser)
		v := s.Publish(alice, `Tide "and" <b>foam</b>`)
		list := s.Ask(alice, "POST", "/api/v1/video-playlists", map[string]any{"displayName": "Best <of>", "privacy": 1, "videoChannelId": alice.ChannelID}).JSON["videoPlaylist"].(map[string]any)
		hidden := s.Ask(alice, "POST", "/api/v1/video-playlists", map[string]any{"displayName": "Mine", "privacy": 3}).JSON["videoPlaylist"].(map[string]any)
		s.Ask(alice, "POST", "/api/v1/video-playlists/"+list["uuid"].(string)+"/videos", map[string]any{"videoId": v.ID})
		ask := func(address, more string) (int, map[string]any) {
			a := s.Ask(nil, "GET", "/services/oembed?format=json&url="+url.QueryEscape(address)+more, nil)
			return a.Status, a.JSON
		}
		for _, path := range []string{"/w/" + v.ShortUUID(), "/videos/watch/" + v.UUID, "/videos/embed/" + v.UUID + "/"} {
			status, a := ask(s.Origin+path, "")
			if status != 200 || a["title"] != v.Name || a["width"] != 560.0 || a["provider_name"] != "Test" ||
				!strings.Contains(a["html"].(string), `src="`+s.Origin+"/videos/embed/"+v.UUID+`"`) || strings.Contains(a["html"].(string), "<b>") {
				t.Errorf("%s: %d %v", path, status, a)
			}
		}
		uuid, short := list["uuid"].(string), list["shortUUID"].(string)
		for _, path := range []string{"/w/p/" + short, "/videos/watch/playlist/" + uuid, "/video-playlists/embed/" + uuid} {
			status, a := ask(s.Origin+path, "&maxwidth=300&maxheight=200")
			if status != 200 || a["title"] != "Best <of>" || a["width"] != 300.0 || a["height"] != 200.0 || a["author_name"] == "" ||
				!strings.Contains(a["html"].(string), `src="`+s.Origin+"/video-playlists/embed/"+uuid+`"`) || strings.Contains(a["html"].(string), "<of>") {
				t.Errorf("%s: %d %v", path, status, a)
			}
		}
		for address, want := range map[string]int{
			s.Origin + "/w/p/" + hidden["shortUUID"].(string): 401, s.Origin + "/w/p/none": 404, s.Origin + "/a/alice": 404,
			"https://other.example/w/" + v.ShortUUID(): 404, "/w/" + v.ShortUUID(): 400, "": 400, "https://": 400,
		} {
			if status, a := ask(address, ""); status != want {
				t.Errorf("%q: %d %v, want %d", address, status, a, want)
			}
		}
		if a := s.Ask(alice, "GET", "/services/oembed?url="+url.QueryEscape(s.Origin+"/w/p/"+hidden["shortUUID"].(string)), nil); a.Status != 401 {
			t.Errorf("a private playlist, to its owner: %d", a.Status)
		}
		if a := s.Ask(nil, "GET", "/services/oembed?format=xml&url="+url.QueryEscape(v.IRI), nil); a.Status != 501 {
			t.Errorf("xml: %d", a.Status)
		}
		recorded(t, func() map[string]any { _, a := ask(s.Origin+"/w/"+v.ShortUUID(), ""); return a }())
	})
}

// recorded compares the keys with those that PeerTube answers.
func recorded(t *testing.T, got map[string]any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/oembed.json")
	if err != nil {
		t.Fatal(err)
	}
	var r struct{ Response struct{ Body map[string]any } }
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	for k := range r.Response.Body {
		if _, ok := got[k]; !ok {
			t.Errorf("no %s", k)
		}
	}
	for k := range got {
		if _, ok := r.Response.Body[k]; !ok {
			t.Errorf("%s is not in PeerTube's answer", k)
		}
	}
}
