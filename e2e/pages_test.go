package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// looks are the sizes and colours that the pages are judged in.
var looks = []struct {
	name string
	o    rig.PageOptions
}{
	{"wide-light", rig.PageOptions{Width: 1440, Height: 900}},
	{"wide-dark", rig.PageOptions{Width: 1440, Height: 900, Dark: true}},
	{"phone-light", rig.PageOptions{Width: 390, Height: 844, Mobile: true}},
	{"phone-dark", rig.PageOptions{Width: 390, Height: 844, Mobile: true, Dark: true}},
}

// publicPages are what a visitor sees without an account.
func publicPages(v rig.Video) map[string]string {
	return map[string]string{
		"home":    "/",
		"watch":   "/w/" + v.ShortUUID,
		"channel": "/c/root_channel",
		"account": "/a/root",
		"search":  "/search?search=clip",
		"login":   "/login",
		"forgot":  "/reset-password",
		"about":   "/about/instance",
	}
}

// TestAccessibility runs axe-core on the public pages, wide and narrow.
func TestAccessibility(t *testing.T) {
	i, v := shared.get(t)
	ctx := slow(t, 8*time.Minute)
	axe, err := os.ReadFile(filepath.Join(npmPackages(ctx, t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(ctx, t)
	for name, path := range publicPages(v) {
		for _, look := range looks {
			t.Run(name+" "+look.name, func(t *testing.T) {
				page, err := browser.Open(ctx, i.Origin+path, look.o)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = page.Close(ctx) }() // the browser ends soon
				if err := page.Eval(ctx, string(axe)+"; true", nil); err != nil {
					t.Fatal(err)
				}
				var violations []string
				err = page.Eval(ctx, `axe.run({ resultTypes: ['violations'] }).then(r => r.violations.map(v =>
					v.id + ' (' + v.impact + '): ' + v.help + '\n    ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join('\n    ')))`, &violations)
				if err != nil {
					t.Fatal(err)
				}
				for _, violation := range violations {
					t.Error(violation)
				}
				for _, e := range page.Errors() {
					t.Errorf("error in the page: %s", e)
				}
			})
		}
	}
}

func startBrowser(ctx context.Context, t *testing.T) *rig.Browser {
	t.Helper()
	b, err := rig.StartBrowser(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// signIn fills the form of the login page.
func signIn(ctx context.Context, t *testing.T, page *rig.Page, origin string) {
	t.Helper()
	if err := page.Goto(ctx, origin+"/login"); err != nil {
		t.Fatal(err)
	}
	err := page.Eval(ctx, fmt.Sprintf(`document.querySelector('#username').value = 'root'
		document.querySelector('#password').value = %q
		document.querySelector('main form button').click()`, rig.Password), nil)
	if err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, 30*time.Second, "root is signed in", func(ctx context.Context) (bool, error) {
		var path string
		err := page.Eval(ctx, "location.pathname + ' ' + document.readyState", &path)
		return strings.HasSuffix(path, " complete") && !strings.HasPrefix(path, "/login"), err
	})
}

// A user publishes a file in the browser: progress, pause, resume, page.
func TestPublishInTheBrowser(t *testing.T) {
	i, _ := shared.get(t)
	ctx := slow(t, 3*time.Minute)
	clip, err := rig.Clip(ctx, t.TempDir(), 5, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	page, err := startBrowser(ctx, t).Open(ctx, i.Origin+"/", rig.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	signIn(ctx, t, page, i.Origin)
	if err := page.Goto(ctx, i.Origin+"/videos/upload"); err != nil {
		t.Fatal(err)
	}
	if err := page.SetFile(ctx, "#file", clip); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, 30*time.Second, "the form appears", func(ctx context.Context) (bool, error) {
		var shown bool
		err := page.Eval(ctx, `!document.querySelector('#meta').hidden`, &shown)
		return shown, err
	})
	if err := page.Eval(ctx, `document.querySelector('#name').value = 'From the browser'; document.querySelector('#submit').click()`, nil); err != nil {
		t.Fatal(err)
	}
	c := root(ctx, t, i)
	eventually(ctx, t, time.Minute, "the video is listed", func(ctx context.Context) (bool, error) {
		found, err := named(ctx, c, "From the browser")
		return len(found) == 1, err
	})
	for _, e := range page.Errors() {
		t.Errorf("error in the page: %s", e)
	}
}

// Without scripts the watch page still plays.
func TestWatchWithoutScript(t *testing.T) {
	i, v := shared.get(t)
	ctx := slow(t, 2*time.Minute)
	page, err := startBrowser(ctx, t).Open(ctx, i.Origin+"/w/"+v.ShortUUID, rig.PageOptions{NoScript: true})
	if err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, 30*time.Second, "frames are shown", func(ctx context.Context) (bool, error) {
		frames, err := page.DecodedFrames(ctx)
		return frames >= 25, err
	})
}

// The queues are shown to the administrator alone. SEC-49
func TestDashboard(t *testing.T) {
	i, _ := shared.get(t)
	ctx := slow(t, 2*time.Minute)
	const path = "/admin/system/jobs/queues/"
	page, err := startBrowser(ctx, t).Open(ctx, i.Origin+path, rig.PageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const queues = `/Queues|Asynq/.test(document.title + document.body.innerText)`
	var shown bool
	if err := page.Eval(ctx, queues, &shown); err != nil || shown {
		t.Errorf("a visitor sees the queues: %v, %v", shown, err)
	}
	signIn(ctx, t, page, i.Origin)
	if err := page.Goto(ctx, i.Origin+path); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, 30*time.Second, "the administrator sees the queues", func(ctx context.Context) (bool, error) {
		err := page.Eval(ctx, queues, &shown)
		return shown, err
	})
}

// TestScreenshots writes pictures for people to look at.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("run by make screenshots")
	}
	i, v := shared.get(t)
	ctx := slow(t, 5*time.Minute)
	dir, err := filepath.Abs(filepath.Join("..", *screenshots))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	pickAll(ctx, t, root(ctx, t, i))
	browser := startBrowser(ctx, t)
	for _, look := range looks {
		page, err := browser.Open(ctx, i.Origin+"/", look.o)
		if err != nil {
			t.Fatal(err)
		}
		shoot := func(name string) {
			t.Helper()
			if err := page.Screenshot(ctx, filepath.Join(dir, name+"-"+look.name+".png")); err != nil {
				t.Error(err)
			}
		}
		for _, name := range []string{"home", "watch", "channel", "account", "search", "login", "about"} {
			if err := page.Goto(ctx, i.Origin+publicPages(v)[name]); err != nil {
				t.Fatal(err)
			}
			if name == "watch" {
				eventually(ctx, t, 30*time.Second, "the watch page plays", func(ctx context.Context) (bool, error) {
					n, err := page.Frames(ctx)
					return n > 50, err
				})
			}
			shoot(name)
		}
		signIn(ctx, t, page, i.Origin)
		if err := page.Goto(ctx, i.Origin+"/videos/upload"); err != nil {
			t.Fatal(err)
		}
		if err := page.SetFile(ctx, "#file", shared.clip); err != nil {
			t.Fatal(err)
		}
		eventually(ctx, t, 30*time.Second, "the upload runs", func(ctx context.Context) (bool, error) {
			var value float64
			err := page.Eval(ctx, `document.querySelector('#bar').value`, &value)
			return value > 0, err
		})
		shoot("publish")
		if err := page.Goto(ctx, i.Origin+"/admin/system/jobs/queues/"); err != nil {
			t.Fatal(err)
		}
		eventually(ctx, t, 30*time.Second, "the dashboard is drawn", func(ctx context.Context) (bool, error) {
			var text string
			err := page.Eval(ctx, `document.body.innerText`, &text)
			return strings.Contains(text, "default"), err
		})
		shoot("jobs")
		_ = page.Close(ctx) // the browser ends soon
	}
}
