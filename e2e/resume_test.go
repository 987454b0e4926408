package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// TestResume: what is played on our pages counts as a view, and goes on where the
// signed-in viewer stopped.
func TestResume(t *testing.T) {
	i, _ := shared.get(t)
	ctx := slow(t, 4*time.Minute)
	c := root(ctx, t, i)
	clip, err := rig.Clip(ctx, t.TempDir(), 40, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Upload(ctx, clip, rig.Fields{"name": "Left halfway", "privacy": 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitPublished(ctx, v.UUID, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	page, err := startBrowser(ctx, t).Open(ctx, i.Origin+"/login", rig.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	signIn(ctx, t, page, i.Origin)
	watch := i.Origin + "/w/" + v.ShortUUID
	at := func() (seconds float64) {
		t.Helper()
		if err := page.Eval(ctx, "document.querySelector('video')?.currentTime ?? 0", &seconds); err != nil {
			t.Fatal(err)
		}
		return seconds
	}
	begin := func() { // which the player may interrupt to load its own source, and goes on
		t.Helper()
		if err := page.Eval(ctx, "(v => { v.muted = true; v.play().catch(() => {}); return true })(document.querySelector('video'))", nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := page.Goto(ctx, watch+"?autoplay=0"); err != nil {
		t.Fatal(err)
	}
	begin()
	eventually(ctx, t, time.Minute, "it has played for a while", func(context.Context) (bool, error) { return at() > 13, nil })
	if err := page.Eval(ctx, "document.querySelector('video').pause(); true", nil); err != nil {
		t.Fatal(err)
	}
	stopped := at()
	var list struct {
		Data []struct {
			UUID        string `json:"uuid"`
			UserHistory struct {
				CurrentTime float64 `json:"currentTime"`
			} `json:"userHistory"`
		} `json:"data"`
	}
	eventually(ctx, t, 30*time.Second, "the history knows where", func(ctx context.Context) (bool, error) {
		err := c.Get(ctx, "/api/v1/users/me/history/videos", &list)
		return len(list.Data) > 0 && list.Data[0].UUID == v.UUID && list.Data[0].UserHistory.CurrentTime >= stopped-1, err
	})
	eventually(ctx, t, 30*time.Second, "a view is counted", func(ctx context.Context) (bool, error) {
		n, err := countsOf(ctx, c, v.UUID)
		return n.Views == 1, err
	})

	if err := page.Goto(ctx, watch+"?autoplay=0&again"); err != nil {
		t.Fatal(err)
	}
	begin()
	eventually(ctx, t, time.Minute, "it plays again", func(ctx context.Context) (bool, error) {
		n, err := page.Frames(ctx)
		return n > 5, err
	})
	if now := at(); now < stopped-1.5 || now > stopped+15 {
		t.Errorf("it goes on at %.1f, and was left at %.1f", now, stopped)
	}
	for _, e := range page.Errors() {
		t.Errorf("error in the page: %s", e)
	}
}
