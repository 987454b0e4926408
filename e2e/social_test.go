package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// said is a comment as clients get it.
type said struct {
	ID        int    `json:"id"`
	URL       string `json:"url"`
	Text      string `json:"text"`
	IsDeleted bool   `json:"isDeleted"`
	Replies   int    `json:"totalReplies"`
	Account   *struct {
		Name, Host string
	} `json:"account"`
}

// threads lists the roots below a video.
func threads(ctx context.Context, c *rig.Client, video string) (list []said, all int, err error) {
	var out struct {
		Data []said `json:"data"`
		All  int    `json:"totalNotDeletedComments"`
	}
	err = c.Get(ctx, "/api/v1/videos/"+video+"/comment-threads", &out)
	return out.Data, out.All, err
}

// TestSocial lets people of two instances comment on a video, answer, like and
// take it back, both ways.
func TestSocial(t *testing.T) {
	ctx := slow(t, 3*time.Minute)
	a, b := start(ctx, t, rig.Options{}), start(ctx, t, rig.Options{})
	follow(ctx, t, b, a)
	onA, onB := root(ctx, t, a), root(ctx, t, b)
	clip, err := rig.Clip(ctx, t.TempDir(), 2, 320, 180)
	if err != nil {
		t.Fatal(err)
	}
	v, err := onA.Upload(ctx, clip, rig.Fields{"name": "Talk about it"})
	if err != nil {
		t.Fatal(err)
	}
	if v, err = onA.WaitPublished(ctx, v.UUID, time.Minute); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, time.Minute, "B has the video", func(ctx context.Context) (bool, error) {
		_, err := onB.Video(ctx, v.UUID)
		if hasStatus(err, http.StatusNotFound) {
			return false, nil
		}
		return err == nil, err
	})
	post := func(c *rig.Client, below int, text string) said {
		path := "/api/v1/videos/" + v.UUID + "/comment-threads"
		if below != 0 {
			path = fmt.Sprintf("/api/v1/videos/%s/comments/%d", v.UUID, below)
		}
		var out struct{ Comment said }
		if err := c.Send(ctx, http.MethodPost, path, map[string]string{"text": text}, &out); err != nil {
			t.Fatal(err)
		}
		return out.Comment
	}
	// find waits for a root of the other instance.
	find := func(c *rig.Client, url string, ok func(said) bool) (found said) {
		eventually(ctx, t, time.Minute, url, func(ctx context.Context) (bool, error) {
			list, _, err := threads(ctx, c, v.UUID)
			for _, s := range list {
				if s.URL == url && ok(s) {
					found = s
					return true, nil
				}
			}
			return false, err
		})
		return found
	}

	fromB := post(onB, 0, "Greetings from *B*")
	atA := find(onA, fromB.URL, func(s said) bool { return s.Text == fromB.Text && s.Account != nil && s.Account.Host == b.Host })
	answer := post(onA, atA.ID, "Greetings to B")
	atB := find(onB, fromB.URL, func(s said) bool { return s.Replies == 1 })
	fromA := post(onA, 0, "By the owner")
	find(onB, fromA.URL, func(said) bool { return true })

	rate := func(c *rig.Client, kind string) {
		if err := c.Send(ctx, http.MethodPut, "/api/v1/videos/"+v.UUID+"/rate", map[string]string{"rating": kind}, nil); err != nil {
			t.Fatal(err)
		}
	}
	counts := func(likes, dislikes int, there ...*rig.Client) {
		for _, c := range there {
			eventually(ctx, t, time.Minute, fmt.Sprint(likes, " likes, ", dislikes, " dislikes at ", c.Origin), func(ctx context.Context) (bool, error) {
				var got struct{ Likes, Dislikes int }
				err := c.Get(ctx, "/api/v1/videos/"+v.UUID, &got)
				return got.Likes == likes && got.Dislikes == dislikes, err
			})
		}
	}
	rate(onB, "like")
	counts(1, 0, onA)
	rate(onB, "dislike")
	rate(onA, "like")
	counts(1, 1, onA, onB)
	rate(onB, "none")
	counts(1, 0, onA)

	remove := func(c *rig.Client, id int) {
		if _, err := c.Do(ctx, http.MethodDelete, fmt.Sprintf("/api/v1/videos/%s/comments/%d", v.UUID, id), http.NoBody, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	remove(onB, atB.ID) // by its author, an answer hangs below it
	find(onA, fromB.URL, func(s said) bool { return s.IsDeleted && s.Text == "" && s.Replies == 1 })
	remove(onA, answer.ID)
	remove(onA, fromA.ID)
	for _, c := range []*rig.Client{onA, onB} {
		eventually(ctx, t, time.Minute, "nothing left at "+c.Origin, func(ctx context.Context) (bool, error) {
			list, all, err := threads(ctx, c, v.UUID)
			return len(list) == 0 && all == 0, err
		})
	}
}

// TestCommentsPage shows comments in a browser: what others wrote runs nothing,
// and everybody can read and use them.
func TestCommentsPage(t *testing.T) {
	i, v := shared.get(t)
	ctx := slow(t, 5*time.Minute)
	c := root(ctx, t, i)
	var first struct{ Comment said }
	for n, text := range []string{
		"Plain, *with* a [link](https://example.org) and a line\nbelow",
		"<script>window.ran = 1</script>after", "<img src=x onerror=\"window.ran = 1\">after", "<<u></u>script>window.ran = 1<<u></u>/script>after",
		"[click](javascript:window.ran=1) after", "<svg/onload=window.ran=1>after", "<a href=\" javascript:window.ran=1\">after</a>",
		"<iframe srcdoc=\"<script>parent.ran = 1</script>\"></iframe>after", "</textarea><style>@import'//x'</style>after",
		"<b onmouseover=window.ran=1 style=position:fixed;inset:0>after</b>",
	} {
		path := "/api/v1/videos/" + v.UUID + "/comment-threads"
		if n > 0 && n%3 == 0 {
			path = fmt.Sprintf("/api/v1/videos/%s/comments/%d", v.UUID, first.Comment.ID)
		}
		var out struct{ Comment said }
		if err := c.Send(ctx, http.MethodPost, path, map[string]string{"text": text}, &out); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if n == 0 {
			first = out
		}
		defer func() {
			_, _ = c.Do(ctx, http.MethodDelete, fmt.Sprintf("/api/v1/videos/%s/comments/%d", v.UUID, out.Comment.ID), http.NoBody, nil, nil) // other tests share the video
		}()
	}
	axe, err := os.ReadFile(filepath.Join(npmPackages(ctx, t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	browser := startBrowser(ctx, t)
	for _, look := range looks {
		page, err := browser.Open(ctx, i.Origin+"/w/"+v.ShortUUID+"?autoplay=0", look.o)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Ran      bool
			Shown    int
			Overlaps []string
		}
		err = page.Eval(ctx, `({ ran: 'ran' in window, shown: [...document.querySelectorAll('#comments .say')].filter(e => e.checkVisibility()).length,
			overlaps: [...document.querySelectorAll('#comments *')].filter(e => e.scrollWidth > document.documentElement.clientWidth).map(e => e.className) })`, &got)
		if err != nil {
			t.Fatal(err)
		}
		if got.Ran || got.Shown != 10 || len(got.Overlaps) > 0 {
			t.Errorf("%s: %+v", look.name, got)
		}
		var violations []string
		if err := page.Eval(ctx, string(axe)+"; true", nil); err != nil {
			t.Fatal(err)
		}
		err = page.Eval(ctx, `axe.run('#comments', { resultTypes: ['violations'] }).then(r => r.violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 160)))`, &violations)
		if err != nil {
			t.Fatal(err)
		}
		for _, violation := range violations {
			t.Errorf("%s: %s", look.name, violation)
		}
		if err := page.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}
