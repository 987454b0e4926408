package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// TestBroadcastIsClosed: the button of a message closes it on the page at once and
// on the next ones.
func TestBroadcastIsClosed(t *testing.T) {
	i, _ := shared.get(t)
	ctx := slow(t, 3*time.Minute)
	c := root(ctx, t, i)
	set := func(enabled bool) {
		t.Helper()
		message := map[string]any{"enabled": enabled, "message": "Back at **noon**", "level": "warning", "dismissable": true}
		if err := c.Send(ctx, http.MethodPut, "/api/v1/config/custom", map[string]any{"broadcastMessage": message}, nil); err != nil {
			t.Fatal(err)
		}
	}
	set(true)
	defer set(false)
	page, err := startBrowser(ctx, t).Open(ctx, i.Origin+"/", rig.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	shown := func() bool {
		t.Helper()
		var text string
		if err := page.Eval(ctx, "document.body?.innerText ?? ''", &text); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(text, "Back at noon")
	}
	if !shown() {
		t.Fatal("there is no message")
	}
	if err := page.Eval(ctx, "window.same = true; document.querySelector('[data-dismiss] button').click(); true", nil); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, 20*time.Second, "the message is gone", func(context.Context) (bool, error) { return !shown(), nil })
	var same bool
	if err := page.Eval(ctx, "window.same === true", &same); err != nil || !same {
		t.Errorf("it took a new page to close the message: %v", err)
	}
	if err := page.Goto(ctx, i.Origin+"/login"); err != nil {
		t.Fatal(err)
	}
	if shown() {
		t.Error("the next page has it again")
	}
	for _, e := range page.Errors() {
		t.Errorf("error in the page: %s", e)
	}
}
