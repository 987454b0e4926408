package web_test

import (
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
