package web_test

import (
	"net/http/httptest"
	"net/url"
	"regexp"
	"testing"

	"github.com/kinemesh/kinemesh/config"
)

func TestBroadcastMessageIsOnEveryPage(t *testing.T) {
	x := newTube(t, func(c *config.Config) {
		c.BroadcastMessage = config.BroadcastMessage{Enabled: true, Message: "Back at **noon** <script>alert(1)</script>", Level: "warning"}
	})
	v := x.video("Tide")
	for _, path := range []string{"/", "/login", "/w/" + v.ShortUUID(), "/c/mara_channel", "/search?search=tide"} {
		w := x.get(path, "")
		wants(t, w, 200, `<div class="flash bad" role="status">`, "<strong>noon</strong>")
		lacks(t, w, "<script>alert(1)")
	}
	changed, err := x.Config.With(map[string]any{"broadcast_message.enabled": false})
	if err != nil {
		t.Fatal(err)
	}
	x.Config.Adopt(changed)
	lacks(t, x.get("/", ""), "noon")
}

// TestDismissedBroadcast: a message that may be closed stays closed in that
// browser, until there is another one.
func TestDismissedBroadcast(t *testing.T) {
	x := newTube(t, func(c *config.Config) {
		c.BroadcastMessage = config.BroadcastMessage{Enabled: true, Message: "Back at noon", Level: "info", Dismissable: true}
	})
	set := func(values map[string]any) {
		t.Helper()
		changed, err := x.Config.With(values)
		if err != nil {
			t.Fatal(err)
		}
		x.Config.Adopt(changed)
	}
	form := func(w *httptest.ResponseRecorder) url.Values {
		t.Helper()
		found := regexp.MustCompile(`action="/broadcast/dismiss".*name="message" value="([^"]+)"`).FindStringSubmatch(w.Body.String())
		if found == nil {
			t.Fatalf("no button: %s", w.Body)
		}
		return url.Values{"message": {found[1]}}
	}
	button := form(x.get("/", ""))
	if w := x.post("/broadcast/dismiss", button, "Sec-Fetch-Site", "cross-site"); w.Code != 403 || len(w.Result().Cookies()) != 0 {
		t.Errorf("from another site: %d", w.Code)
	}
	if w := x.post("/broadcast/dismiss", url.Values{"message": {"another"}}, "Sec-Fetch-Site", "same-origin"); len(w.Result().Cookies()) != 0 {
		t.Errorf("another message: %v", w.Result().Cookies())
	}
	for from, to := range map[string]string{
		origin + "/videos/browse?scope=local": "/videos/browse?scope=local", "": "/", "https://elsewhere.example//evil.example/x": "/",
	} {
		w := x.post("/broadcast/dismiss", button, "Sec-Fetch-Site", "same-origin", "Referer", from)
		if w.Code != 303 || w.Header().Get("Location") != to {
			t.Errorf("from %s: %d to %s, want %s", from, w.Code, w.Header().Get("Location"), to)
		}
	}
	w := x.post("/broadcast/dismiss", button, "Sec-Fetch-Site", "same-origin")
	cookies := w.Result().Cookies()
	if len(cookies) != 1 || cookies[0].MaxAge < 86400 || !cookies[0].Secure || cookies[0].Path != "/" {
		t.Fatalf("cookies %v", cookies)
	}
	closed := cookies[0].Name + "=" + cookies[0].Value
	lacks(t, x.get("/", closed), "Back at noon", "/broadcast/dismiss")
	wants(t, x.get("/", ""), 200, "Back at noon")
	wants(t, x.get("/", "broadcast=other"), 200, "Back at noon")
	set(map[string]any{"broadcast_message.message": "Back at one"})
	wants(t, x.get("/", closed), 200, "Back at one", "/broadcast/dismiss")
	set(map[string]any{"broadcast_message.dismissable": false})
	body := x.get("/", closed)
	wants(t, body, 200, "Back at noon")
	lacks(t, body, "/broadcast/dismiss")
}
