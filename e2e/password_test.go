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
	i, _ := shared.get(t)
	ctx := slow(t, 6*time.Minute)
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
	read := func(ctx context.Context, p *rig.Page) (s string, err error) {
		err = p.Eval(ctx, "document.title + ' ' + (document.body?.innerText ?? '')", &s)
		return s, err
	}
	text := func(p *rig.Page) string {
		t.Helper()
		s, err := read(ctx, p)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	// says waits while one page follows another, when nothing can be read.
	says := func(want, what string) {
		t.Helper()
		eventually(ctx, t, 30*time.Second, what, func(ctx context.Context) (bool, error) {
			s, err := read(ctx, page)
			return strings.Contains(s, want), err
		})
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
	says("not the password", "the wrong password is refused")
	send("Grüße, friend")
	says("For friends", "the right password leads to the video")
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
	says("For friends", "the frame has the video")
	eventually(ctx, t, time.Minute, "the frame plays", func(ctx context.Context) (bool, error) {
		n, err := page.Frames(ctx)
		return n > 5, err
	})
}
