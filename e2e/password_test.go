package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// TestProtectedVideo: the page of a protected video asks for its password, plays
// once it is right, and only in that browser.
func TestProtectedVideo(t *testing.T) {
	ctx := slow(t, 3*time.Minute)
	i, _ := shared.get(t)
	c := root(ctx, t, i)
	clip, err := rig.Clip(ctx, t.TempDir(), 5, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Upload(ctx, clip, rig.Fields{"name": "For friends", "privacy": 5, "videoPasswords": []string{"Grüße, friend"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitPublished(ctx, v.UUID, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(ctx, t)
	page, err := browser.Open(ctx, i.Origin+"/w/"+v.ShortUUID, rig.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := func(p *rig.Page) (s string) {
		t.Helper()
		if err := p.Eval(ctx, "document.title + ' ' + (document.body?.innerText ?? '')", &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	send := func(password string) {
		t.Helper()
		if err := page.Eval(ctx, `document.querySelector('#password').value = '`+password+`'; document.querySelector('form.panel').submit(); true`, nil); err != nil {
			t.Fatal(err)
		}
	}
	if s := text(page); !strings.Contains(s, "asks for a password") || strings.Contains(s, "For friends") {
		t.Fatalf("before: %s", s)
	}
	send("a guess")
	eventually(ctx, t, 30*time.Second, "the wrong password is refused", func(context.Context) (bool, error) {
		return strings.Contains(text(page), "not the password"), nil
	})
	send("Grüße, friend")
	eventually(ctx, t, 30*time.Second, "the right password leads to the video", func(context.Context) (bool, error) {
		return strings.Contains(text(page), "For friends"), nil
	})
	if err := page.Eval(ctx, "(v => { if (v) { v.muted = true; v.play().catch(() => {}) } return true })(document.querySelector('video'))", nil); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, time.Minute, "it plays", func(ctx context.Context) (bool, error) {
		n, err := page.Frames(ctx)
		return n > 5, err
	})
	other, err := browser.Open(ctx, i.Origin+"/w/"+v.ShortUUID, rig.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s := text(other); strings.Contains(s, "For friends") {
		t.Errorf("another browser sees: %s", s)
	}

	// The page for frames does the same.
	if page, err = browser.Open(ctx, i.Origin+"/videos/embed/"+v.ShortUUID, rig.PageOptions{}); err != nil {
		t.Fatal(err)
	}
	if s := text(page); !strings.Contains(s, "asks for a password") || strings.Contains(s, "For friends") {
		t.Fatalf("the frame before: %s", s)
	}
	if err := page.Eval(ctx, `document.querySelector('#password').value = 'Grüße, friend'; document.querySelector('form').submit(); true`, nil); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, 30*time.Second, "the frame has the video", func(context.Context) (bool, error) {
		return strings.Contains(text(page), "For friends"), nil
	})
	if err := page.Eval(ctx, `(v => { v.muted = true; v.play().catch(() => {}); return true })(document.querySelector('video'))`, nil); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, time.Minute, "the frame plays", func(ctx context.Context) (bool, error) {
		n, err := page.Frames(ctx)
		return n > 5, err
	})
}
