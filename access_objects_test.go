package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// request is a good request to a route: its path with objects of the owner that
// were made for it, and what to send.
func (c *cast) request(t *testing.T, r rest.Route) (path string, body any) {
	t.Helper()
	o := &objects{cast: c, route: r, made: map[string]string{}}
	var parts []string
	for segment := range strings.SplitSeq(r.Path, "/") {
		if name, isParam := strings.CutPrefix(segment, ":"); isParam {
			segment = o.param(name)
			o.made[name] = segment
		}
		parts = append(parts, segment)
	}
	path = strings.Join(parts, "/")
	for prefix, query := range map[string]string{
		"GET /api/v1/users/me/subscriptions/exist": "uris=owner_channel@kinemesh.test", "GET /api/v1/search/videos": "search=x", "GET /api/v1/search/video-channels": "search=x",
		"GET /api/v1/search/video-playlists": "search=x", "GET /api/v1/users/me/video-playlists/videos-exist": "videoIds=1",
		"GET /api/v1/server/redundancy/videos": "target=my-videos", "GET /api/v1/users/autocomplete": "search=ow",
		"GET /api/v1/server/logs": "startDate=2026-01-01T00:00:00.000Z", "GET /api/v1/server/audit-logs": "startDate=2026-01-01T00:00:00.000Z",
	} {
		if r.Method+" "+r.Path == prefix {
			path += "?" + query
		}
	}
	return path, o.body()
}

// objects are made for one request.
type objects struct {
	*cast
	route rest.Route
	made  map[string]string
}

// under tells whether the route lies below a path of the API.
func (o *objects) under(prefix string) bool { return strings.HasPrefix(o.route.Path, "/api/v1"+prefix) }

func (o *objects) post(path, who string, body any, at ...any) string {
	o.t.Helper()
	return fmt.Sprint(o.must("POST", "/api/v1"+path, o.tokens[who], body).at(at...))
}

// count gives names that were not there before.
func (o *objects) fresh(name string) string {
	o.n++
	return fmt.Sprint(name, o.n)
}

func (o *objects) param(name string) string {
	o.t.Helper()
	switch name {
	case "id":
		return o.id()
	case "name", "accountName":
		if o.under("/users/me/blocklist") || o.under("/server/blocklist") {
			path := strings.TrimSuffix(strings.TrimPrefix(o.route.Path, "/api/v1"), "/:accountName")
			for _, who := range []string{"owner", "other", "moderator", "admin"} {
				o.do("POST", "/api/v1"+path, o.tokens[who], m{"accountName": "third"})
			}
			return "third"
		}
		return "owner"
	case "handle":
		switch {
		case o.under("/users/me/subscriptions"):
			for who, token := range o.tokens {
				if who != "anonymous" {
					o.do("POST", "/api/v1/users/me/subscriptions", token, m{"uri": "third_channel@kinemesh.test"})
				}
			}
			return "third_channel@kinemesh.test"
		case o.under("/server"):
			return "nobody@far.example"
		}
		handle := o.fresh("channel_")
		o.post("/video-channels", "owner", m{"name": handle, "displayName": handle}, "videoChannel", "id")
		return handle
	case "comment":
		return o.post("/videos/"+o.made["id"]+"/comment-threads", "third", m{"text": "Said"}, "comment", "id")
	case "element":
		v := o.video("owner")
		return o.post("/video-playlists/"+o.made["id"]+"/videos", "owner", m{"videoId": v.ID}, "videoPlaylistElement", "id")
	case "abuse":
		return o.post("/abuses", "owner", m{"reason": "Why not", "account": m{"id": o.must("GET", "/api/v1/accounts/third", "", nil).at("id")}}, "abuse", "id")
	case "message":
		o.must("POST", "/api/v1/abuses/"+o.made["abuse"]+"/messages", o.tokens["owner"], m{"message": "Here"})
		return fmt.Sprint(o.must("GET", "/api/v1/abuses/"+o.made["abuse"]+"/messages", o.tokens["owner"], nil).at("data", 0, "id"))
	case "list", "listId":
		path, who := "/watched-words/server/lists", "moderator"
		if o.under("/watched-words/accounts") {
			path, who = "/watched-words/accounts/owner/lists", "owner"
		}
		return o.post(path, who, m{"listName": o.fresh("List "), "words": []string{"boat"}}, "watchedWordsList", "id")
	case "password":
		return fmt.Sprint(o.must("GET", "/api/v1/videos/"+o.made["id"]+"/passwords", o.tokens["owner"], nil).at("data", 0, "id"))
	case "tokenSessionId", "session":
		o.login("owner")
		return fmt.Sprint(o.must("GET", "/api/v1/users/"+o.made["id"]+"/token-sessions", o.tokens["owner"], nil).at("data", 0, "id"))
	case "registrationId", "registration":
		return o.registration()
	case "language", "captionLanguage":
		o.form("PUT", "/api/v1/videos/"+o.made["id"]+"/captions/en", o.tokens["owner"], map[string]string{"captionfile": "@" + strings.TrimSuffix(o.picture, "picture.png") + "caption.vtt"})
		return "en"
	case "file":
		return fmt.Sprint(o.must("GET", "/api/v1/videos/"+o.made["id"], o.tokens["owner"], nil).at("files", 0, "id"))
	case "host":
		if o.under("/users/me/blocklist") {
			for _, who := range []string{"owner", "other", "moderator", "admin"} {
				o.do("POST", "/api/v1/users/me/blocklist/servers", o.tokens[who], m{"host": "rude.example"})
			}
		} else {
			o.do("POST", "/api/v1/server/blocklist/servers", o.tokens["moderator"], m{"host": "rude.example"})
		}
		return "rude.example"
	case "hostOrHandle":
		return "far.example"
	case "state":
		return "completed"
	case "metric":
		return "viewers"
	default:
		return "1"
	}
}

func (o *objects) registration() string {
	name := o.fresh("asks_")
	a := o.must("POST", "/api/v1/users/registrations/request", "", m{
		"username": name, "email": name + "@example.org", "password": wholePassword, "registrationReason": "I like boats",
	})
	return fmt.Sprint(a.at("id"))
}

func (o *objects) id() string {
	o.t.Helper()
	switch {
	case o.under("/users/registrations"):
		return o.registration()
	case o.under("/users/:id/two-factor"), o.under("/users/:id/token-sessions"):
		return fmt.Sprint(o.must("GET", "/api/v1/users/me", o.tokens["owner"], nil).at("id"))
	case o.under("/users/me/"):
		return o.video("owner").UUID
	case o.under("/users/"):
		name := o.fresh("plain_")
		o.user(name, rest.RoleUser)
		for _, u := range o.must("GET", "/api/v1/users?search="+name, o.tokens["admin"], nil).at("data").([]any) {
			return fmt.Sprint(u.(m)["id"])
		}
		return "0"
	case o.under("/video-playlists/"):
		id := fmt.Sprint(o.form("POST", "/api/v1/video-playlists", o.tokens["owner"], map[string]string{"displayName": o.fresh("List "), "privacy": "2"}).at("videoPlaylist", "id"))
		if strings.HasSuffix(o.route.Path, "/reorder") {
			o.post("/video-playlists/"+id+"/videos", "owner", m{"videoId": o.video("owner").ID}, "videoPlaylistElement", "id")
			o.post("/video-playlists/"+id+"/videos", "owner", m{"videoId": o.video("owner").ID}, "videoPlaylistElement", "id")
		}
		return id
	case strings.Contains(o.route.Path, "/passwords"):
		return o.video("owner", func(a *catalog.Attributes) {
			a.Privacy, a.Passwords = catalog.Password, []string{"first one", "second one"}
		}).UUID
	case o.under("/videos/:id/blacklist") && o.route.Method != "POST":
		id := o.video("owner").UUID
		o.must("POST", "/api/v1/videos/"+id+"/blacklist", o.tokens["moderator"], nil)
		return id
	default:
		return o.video("owner").UUID
	}
}

// body is what the route takes; nil: nothing.
func (o *objects) body() any {
	key := o.route.Method + " " + strings.TrimPrefix(o.route.Path, "/api/v1")
	name := o.fresh("new_")
	picture := "@" + o.picture
	caption := "@" + strings.TrimSuffix(o.picture, "picture.png") + "caption.vtt"
	switch key {
	case "POST /abuses":
		return m{"reason": "Why not", "account": m{"id": o.must("GET", "/api/v1/accounts/third", "", nil).at("id")}}
	case "PUT /abuses/:abuse":
		return m{"state": 3}
	case "POST /abuses/:abuse/messages":
		return m{"message": "Here"}
	case "PUT /automatic-tags/policies/accounts/:accountName/comments":
		return m{"review": []string{"external-link"}}
	case "PUT /automatic-tags/policies/server/videos":
		return m{"autoBlock": []string{"external-link"}}
	case "PUT /config/custom":
		return o.must("GET", "/api/v1/config/custom", o.tokens["admin"], nil).JSON()
	case "POST /bulk/remove-comments-of":
		return m{"accountName": "third", "scope": "my-videos"}
	case "POST /client-config/update-interface-language", "POST /client-config/update-language":
		return m{"language": "en"}
	case "POST /config/instance-avatar/pick", "POST /users/me/avatar/pick", "POST /video-channels/:handle/avatar/pick":
		return map[string]string{"avatarfile": picture}
	case "POST /config/instance-banner/pick", "POST /video-channels/:handle/banner/pick":
		return map[string]string{"bannerfile": picture}
	case "PUT /custom-pages/homepage/instance":
		return m{"content": "Welcome"}
	case "POST /server/blocklist/accounts", "POST /users/me/blocklist/accounts":
		o.do("DELETE", o.route.Path+"/third", o.tokens["moderator"], nil)
		return m{"accountName": "third"}
	case "POST /server/blocklist/servers", "POST /users/me/blocklist/servers":
		return m{"host": strings.ReplaceAll(name, "_", "") + ".example"}
	case "POST /server/contact":
		return m{"fromEmail": "me@example.org", "fromName": "Me", "subject": "Hello", "body": "How are you?"}
	case "POST /server/debug/run-command":
		return m{"command": "remove-dandling-resumable-uploads"}
	case "POST /server/federation/deadletters/received/retry", "POST /server/federation/deliveries/resend":
		return m{"host": "far.example"}
	case "POST /server/following":
		return m{"hosts": []string{name[:3] + "far.example"}}
	case "POST /server/logs/client":
		return m{"message": "Oh", "url": wholeOrigin + "/", "level": "error"}
	case "POST /server/redundancy/videos":
		return m{"videoId": 1}
	case "POST /users":
		return m{"username": name, "email": name + "@example.org", "password": wholePassword, "role": 2}
	case "POST /users/ask-reset-password", "POST /users/ask-send-verify-email", "POST /users/registrations/ask-send-verify-email":
		return m{"email": "nobody@example.org"}
	case "POST /users/register":
		return m{"username": name, "email": name + "@example.org", "password": wholePassword}
	case "POST /users/registrations/request":
		return m{"username": name, "email": name + "@example.org", "password": wholePassword, "registrationReason": "I like boats"}
	case "PUT /users/me":
		return m{"displayName": "A name"}
	case "POST /users/me/history/videos/remove":
		return m{}
	case "POST /users/me/new-feature-info/read":
		return m{"feature": 1}
	case "PUT /users/me/notification-settings":
		return o.must("GET", "/api/v1/users/me", o.tokens["owner"], nil).at("notificationSettings")
	case "POST /users/me/notifications/read":
		return m{"ids": []int{1}}
	case "POST /users/me/subscriptions":
		return m{"uri": "third_channel@kinemesh.test"}
	case "PUT /users/:id":
		return m{"videoQuota": 1000}
	case "POST /users/:id/block":
		return m{"reason": "Rude"}
	case "POST /users/:id/two-factor/disable":
		return m{"currentPassword": wholePassword}
	case "POST /video-channels":
		return m{"name": name, "displayName": name}
	case "PUT /video-channels/:handle":
		return m{"displayName": "Another name"}
	case "POST /video-playlists":
		return m{"displayName": "A list", "privacy": 3}
	case "PUT /video-playlists/:id":
		return m{"displayName": "Another name"}
	case "POST /video-playlists/:id/videos":
		return m{"videoId": o.video("owner").ID}
	case "POST /video-playlists/:id/videos/reorder":
		return m{"startPosition": 1, "insertAfterPosition": 2}
	case "PUT /video-playlists/:id/videos/:element":
		return m{"startTimestamp": 1}
	case "POST /videos/upload-resumable", "POST /videos/:id/source/replace-resumable":
		return nil
	case "PUT /videos/:id":
		return m{"name": "Another name"}
	case "POST /videos/:id/blacklist", "PUT /videos/:id/blacklist":
		return m{"reason": "To be looked at"}
	case "PUT /videos/:id/captions/:language":
		return map[string]string{"captionfile": caption}
	case "PUT /videos/:id/chapters":
		return m{"chapters": []m{{"timecode": 0, "title": "Start"}}}
	case "POST /videos/:id/comment-threads", "POST /videos/:id/comments/:comment":
		return m{"text": "Said"}
	case "POST /videos/:id/passwords":
		return m{"password": "a third one"}
	case "PUT /videos/:id/passwords":
		return m{"passwords": []string{"another one"}}
	case "PUT /videos/:id/rate":
		return m{"rating": "like"}
	case "POST /videos/:id/transcoding":
		return m{"transcodingType": "hls", "forceTranscoding": true}
	case "POST /videos/:id/views", "POST /videos/:id/watching", "PUT /videos/:id/watching":
		return m{"currentTime": 1}
	case "POST /watched-words/server/lists", "POST /watched-words/accounts/:accountName/lists":
		return m{"listName": name, "words": []string{"boat"}}
	case "PUT /watched-words/server/lists/:listId", "PUT /watched-words/accounts/:accountName/lists/:listId":
		return m{"listName": name, "words": []string{"ship"}}
	}
	if strings.HasPrefix(key, "POST /users/registrations/") {
		return m{"moderationResponse": "Decided"}
	}
	if strings.HasPrefix(key, "POST ") || strings.HasPrefix(key, "PUT ") {
		return m{}
	}
	return nil
}
