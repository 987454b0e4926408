package peertube

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// recorded gives the bodies of everything that a real PeerTube 6.3 posted.
func recorded(t *testing.T) map[string][]byte {
	t.Helper()
	raw, err := os.ReadFile("../../testdata/signed-requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name, Method, Body string }
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, r := range list {
		if strings.HasPrefix(r.Name, "peertube") && r.Method == "POST" {
			out[r.Name] = []byte(r.Body)
		}
	}
	if len(out) < 20 {
		t.Fatalf("%d recorded activities", len(out))
	}
	return out
}

// What PeerTube 6.3 sent and newer versions, or its own validators, refuse.
var refused = map[string]string{
	"peertube-6.3/Create-CacheFile-by-instance-webvideo":      "link to a playlist",
	"peertube-6.3/Undo-Create-CacheFile-by-instance-webvideo": "link to a playlist",
	"peertube-6.3/Flag-by-account-of-video-no-ld-signature":   "@context",
}

func TestTakesWhatPeerTubeSends(t *testing.T) {
	for name, body := range recorded(t) {
		t.Run(name, func(t *testing.T) {
			bad := strings.Join(Check(body), "; ")
			if want := refused[name]; (want == "") != (bad == "") || !strings.Contains(bad, want) {
				t.Errorf("refused for %q, want %q", bad, want)
			}
		})
	}
	for _, name := range []string{
		"actor-account", "actor-channel", "actor-instance", "instance-outbox", "instance-outbox-page1", "playlist", "video", "comment-reply",
	} {
		raw, err := os.ReadFile("../../testdata/docs/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range Check(raw) {
			t.Errorf("%s: %s", name, bad)
		}
	}
}

// Each defect makes one of the recorded documents unacceptable.
func TestRefuses(t *testing.T) {
	docs := recorded(t)
	for _, tt := range []struct {
		name, path string // members with dots between; a number is an index
		value      any    // nil: the member goes away
	}{
		{"Create-Video-by-account", "id", nil},
		{"Create-Video-by-account", "id", "mailto:a@b"},
		{"Create-Video-by-account", "actor", nil},
		{"Create-Video-by-account", "actor", "https://other.example/a"},
		{"Create-Video-by-account", "to", "https://www.w3.org/ns/activitystreams#Public"},
		{"Create-Video-by-account", "cc", []any{"as:Public"}},
		{"Create-Video-by-account", "object", "https://a.example/v"},
		{"Create-Video-by-account", "@context", "https://example.org/"},
		{"Create-Video-by-account", "type", "Offer"},
		{"Create-Video-by-account", "object.type", "Article"},
		{"Create-Video-by-account", "object.id", "https://other.example/v"},
		{"Create-Video-by-account", "object.name", "ab"},
		{"Create-Video-by-account", "object.name", strings.Repeat("a", 121)},
		{"Create-Video-by-account", "object.duration", "PT1M"},
		{"Create-Video-by-account", "object.uuid", "x"},
		{"Create-Video-by-account", "object.views", -1},
		{"Create-Video-by-account", "object.views", "1"},
		{"Create-Video-by-account", "object.published", "yesterday"},
		{"Create-Video-by-account", "object.category", map[string]any{"identifier": "x", "name": "y"}},
		{"Create-Video-by-account", "object.content", "ab"},
		{"Create-Video-by-account", "object.attributedTo", []any{}},
		{"Create-Video-by-account", "object.icon", []any{}},
		{"Create-Video-by-account", "object.url", "https://a.example"},
		{"Create-Video-by-account", "object.subtitleLanguage", "en"},
		{"Create-Video-by-account", "object.preview", "x"},
		{"Create-Video-by-account", "object.likes", nil},
		{"Create-Video-by-account", "object.to", []any{}},
		{"Create-Note-by-account", "object.content", ""},
		{"Create-Note-by-account", "object.inReplyTo", nil},
		{"Create-Note-by-account", "object.published", nil},
		{"Create-Note-by-account", "object.url", "x"},
		{"Create-Note-by-account", "object.attributedTo", "https://other.example/a"},
		{"Create-Note-by-account", "object.replyApproval", "yes"},
		{"Create-Note-by-account", "object.tag", []any{map[string]any{"type": "Mention", "href": "x", "name": "@a"}}},
		{"Create-Playlist-by-account", "object.name", ""},
		{"Create-Playlist-by-account", "object.totalItems", "3"},
		{"Create-Playlist-by-account", "object.uuid", nil},
		{"Create-Playlist-by-account", "object.attributedTo", []any{"https://other.example/c"}},
		{"Create-CacheFile-by-instance-hls", "object.object", nil},
		{"Create-CacheFile-by-instance-hls", "object.expires", "soon"},
		{"Create-CacheFile-by-instance-hls", "object.url", "https://a.example"},
		{"Create-WatchAction-by-instance", "object.duration", "12"},
		{"Create-WatchAction-by-instance", "object.actionStatus", "x"},
		{"Create-WatchAction-by-instance", "object.watchSections", nil},
		{"Update-Group-by-channel", "object.attributedTo", nil},
		{"Update-Group-by-channel", "object.publicKey", nil},
		{"Update-Person-by-account", "object.preferredUsername", "a b"},
		{"Update-Person-by-account", "object.inbox", nil},
		{"Update-Person-by-account", "object.summary", "ab"},
		{"Delete-by-account-of-video", "object", nil},
		{"Like-by-account-of-video", "object", map[string]any{"id": "https://a.example/v"}},
		{"Undo-Like-by-account", "object", "https://a.example/like"},
		{"Undo-Like-by-account", "object.actor", "https://a.example/other"},
		{"Accept-Follow-by-channel-to-actor-inbox", "object", "https://a.example/follow"},
		{"ApproveReply-by-account-of-comment-to-actor-inbox", "inReplyTo", nil},
		{"Flag-by-account-of-account", "object", []any{"https://a.example/a"}},
		{"Flag-by-account-of-account", "content", "x"},
		{"Flag-by-account-of-account", "tag", []any{map[string]any{"type": "Hashtag", "name": "boring"}}},
		{"View-by-instance-of-video-viewer", "expires", "later"},
		{"View-by-instance-of-video-v2-counter", "result.userInteractionCount", "many"},
	} {
		t.Run(tt.name+" "+tt.path, func(t *testing.T) {
			var doc map[string]any
			if err := json.Unmarshal(docs["peertube-6.3/"+tt.name], &doc); err != nil {
				t.Fatal(err)
			}
			at, path := doc, strings.Split(tt.path, ".")
			for _, p := range path[:len(path)-1] {
				at = at[p].(map[string]any)
			}
			if at[path[len(path)-1]] = tt.value; tt.value == nil {
				delete(at, path[len(path)-1])
			}
			raw, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			if len(Check(raw)) == 0 {
				t.Errorf("%s = %v passes", tt.path, tt.value)
			}
		})
	}
}
