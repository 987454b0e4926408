package main

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestSEC44ForeignObjects: below an object of one's own, and in what one sends,
// objects of others are refused as unknown ones are, and nothing changes.
func TestSEC44ForeignObjects(t *testing.T) {
	c := newCast(t, dbtest.SQLite(t))
	o := &objects{cast: c, made: map[string]string{}}
	mine, theirs := c.video("owner"), c.video("other")
	locked := func(who string) string {
		return c.video(who, func(a *catalog.Attributes) {
			a.Privacy, a.Passwords = catalog.Password, []string{"first one", "second one"}
		}).UUID
	}
	list := func(who string) string {
		return fmt.Sprint(c.form("POST", "/api/v1/video-playlists", c.tokens[who], map[string]string{"displayName": o.fresh("List "), "privacy": "2"}).at("videoPlaylist", "id"))
	}
	comment := o.post("/videos/"+theirs.UUID+"/comment-threads", "owner", m{"text": "Said"}, "comment", "id")
	element := func(playlist, who string) string {
		return o.post("/video-playlists/"+playlist+"/videos", who, m{"videoId": theirs.ID}, "videoPlaylistElement", "id")
	}
	account := c.must("GET", "/api/v1/accounts/third", "", nil).at("id")
	abuse := func(who string) string {
		return o.post("/abuses", who, m{"reason": "Why not", "account": m{"id": account}}, "abuse", "id")
	}
	messages := func(id, who string) string {
		c.must("POST", "/api/v1/abuses/"+id+"/messages", c.tokens[who], m{"message": "Here"})
		return fmt.Sprint(c.must("GET", "/api/v1/abuses/"+id+"/messages", c.tokens[who], nil).at("data", 0, "id"))
	}
	password := func(id, who string) string {
		return fmt.Sprint(c.must("GET", "/api/v1/videos/"+id+"/passwords", c.tokens[who], nil).at("data", 0, "id"))
	}
	words := o.post("/watched-words/accounts/other/lists", "other", m{"listName": "Boats", "words": []string{"boat"}}, "watchedWordsList", "id")
	me := fmt.Sprint(c.must("GET", "/api/v1/users/me", c.tokens["owner"], nil).at("id"))
	them := fmt.Sprint(c.must("GET", "/api/v1/users/me", c.tokens["other"], nil).at("id"))
	session := fmt.Sprint(c.must("GET", "/api/v1/users/"+them+"/token-sessions", c.tokens["other"], nil).at("data", 0, "id"))
	channel := c.must("GET", "/api/v1/video-channels/other_channel", "", nil).at("id")
	myList, theirList, myAbuse, theirAbuse, myLocked, theirLocked := list("owner"), list("other"), abuse("owner"), abuse("other"), locked("owner"), locked("other")
	theirElement, theirMessage := element(theirList, "other"), messages(theirAbuse, "other")
	for _, r := range []struct {
		method, path string
		body         any
	}{
		{"PUT", "/video-playlists/" + myList + "/videos/" + theirElement, m{"startTimestamp": 1}},
		{"DELETE", "/video-playlists/" + myList + "/videos/" + theirElement, nil},
		{"PUT", "/video-playlists/" + myList, m{"videoChannelId": channel, "privacy": 1}},
		{"POST", "/video-playlists", m{"displayName": "Mine", "privacy": 1, "videoChannelId": channel}},
		{"DELETE", "/videos/" + mine.UUID + "/comments/" + comment, nil},
		{"POST", "/videos/" + mine.UUID + "/comments/" + comment, m{"text": "Here"}},
		{"POST", "/videos/" + mine.UUID + "/comments/" + comment + "/approve", nil},
		{"DELETE", "/abuses/" + myAbuse + "/messages/" + theirMessage, nil},
		{"DELETE", "/videos/" + myLocked + "/passwords/" + password(theirLocked, "other"), nil},
		{"PUT", "/watched-words/accounts/owner/lists/" + words, m{"listName": "Mine", "words": []string{"ship"}}},
		{"DELETE", "/watched-words/accounts/owner/lists/" + words, nil},
		{"POST", "/users/" + me + "/token-sessions/" + session + "/revoke", nil},
		{"PUT", "/videos/" + mine.UUID, m{"channelId": channel}},
	} {
		before := c.dump(true)
		a := c.do(r.method, "/api/v1"+r.path, c.tokens["owner"], r.body)
		if a.Code != 400 && a.Code != 403 && a.Code != 404 {
			t.Errorf("%s %s: %d %s", r.method, r.path, a.Code, a.Body)
		}
		if d := cmp.Diff(texts(before), texts(c.dump(true))); d != "" {
			t.Errorf("%s %s: %d, but it changed something:\n%s", r.method, r.path, a.Code, d)
		}
	}
	if a := c.do("GET", "/api/v1/users/me", c.tokens["other"], nil); a.Code != 200 {
		t.Errorf("the other's session: %d", a.Code)
	}
}

// TestSEC43NoRouteWithoutRule: the table of routes has a rule for each, and
// what leads to the queues and the figures of the process asks for an
// administrator.
func TestSEC43NoRouteWithoutRule(t *testing.T) {
	s, _ := assembleWhole(t, dbtest.SQLite(t))
	routes := s.Routes()
	if len(routes) < 250 {
		t.Fatalf("%d routes", len(routes))
	}
	for _, r := range routes {
		if r.Access < rest.Anyone || r.Access > rest.Admin {
			t.Errorf("%s %s has the rule %d", r.Method, r.Path, r.Access)
		}
		if r.Path == "/metrics" && r.Access != rest.Admin {
			t.Errorf("%s is for %s", r.Path, r.Access)
		}
	}
}
