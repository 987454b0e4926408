package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// caught keeps what a script that runs would call from opening dialogs, and
// remembers that one did.
const caught = `window.ran = []; for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => { window.ran.push(document.activeElement?.outerHTML ?? 'script') }`

// found lists what runs, or would once it is touched, in a page.
const found = `[...window.ran.map(by => 'ran: ' + by), ...[...document.querySelectorAll('*')].flatMap(e => [
	...[...e.attributes].filter(a => /^on/i.test(a.name)).map(a => e.tagName + ' ' + a.name),
	...(e.matches('a, area, base') && e.href && !/^(https?|mailto|magnet):$/.test(new URL(e.href, location).protocol) ? [e.tagName + ' ' + e.href] : []),
	...(e.tagName === 'IFRAME' && e.srcdoc ? ['srcdoc'] : []),
])]`

// TestSEC37Browser fills every text that users and administrators write with
// the tricks of the corpus and opens the pages that show them in a browser that
// heeds no content policy: no script runs, none lies in wait.
func TestSEC37Browser(t *testing.T) {
	i, _ := shared.get(t)
	ctx := slow(t, 6*time.Minute)
	text, err := os.ReadFile("../activitypub/markup/testdata/scripts.txt")
	if err != nil {
		t.Fatal(err)
	}
	tricks := strings.Split(strings.TrimSpace(string(text)), "\n")
	admin := root(ctx, t, i)
	if err := admin.AddUser(ctx, "mallory"); err != nil {
		t.Fatal(err)
	}
	c := i.NewClient()
	if err := c.Login(ctx, "mallory", rig.Password); err != nil {
		t.Fatal(err)
	}
	v := published(ctx, t, c)
	writer := tricky{t: t, c: c, video: v}
	writer.prepare(ctx)
	page, err := startBrowser(ctx, t).Open(ctx, i.Origin+"/login", rig.PageOptions{NoPolicy: true, First: caught})
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for batch := range slices.Chunk(tricks, 37) {
		writer.fill(ctx, batch)
		for _, path := range []string{
			"/w/" + v.ShortUUID, "/videos/embed/" + v.UUID, "/c/mallory_channel", "/c/mallory_channel/videos", "/a/mallory", "/a/mallory/video-channels",
			"/", "/videos/recently-added", "/search?search=" + url.QueryEscape(batch[0]), "/w/p/" + writer.playlist,
			"/feeds/videos.atom?videoChannelName=mallory_channel", "/feeds/videos.xml?videoChannelName=mallory_channel", "/feeds/video-comments.xml?videoId=" + v.UUID,
			"/services/oembed?format=json&url=" + url.QueryEscape(i.Origin+"/w/"+v.ShortUUID), "/sitemap.xml", "/lazy-static/video-captions/" + writer.caption,
		} {
			if err := page.Goto(ctx, i.Origin+path); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			var bad []string
			if err := page.Eval(ctx, found, &bad); err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			for _, what := range bad {
				t.Errorf("%s, with %q…: %s", path, batch[0], what)
			}
			var there bool
			if err := page.Eval(ctx, "document.documentElement.textContent.includes('alert')", &there); err == nil && there {
				shown++
			}
		}
	}
	if shown < 30 {
		t.Errorf("only %d pages showed any of the texts", shown)
	}
}

// tricky writes everything that a user can write.
type tricky struct {
	t                 *testing.T
	c                 *rig.Client
	video             rig.Video
	playlist, caption string
}

func (w *tricky) send(ctx context.Context, method, path string, in any, out any) {
	w.t.Helper()
	if err := w.c.Send(ctx, method, "/api/v1"+path, in, out); err != nil {
		w.t.Fatal(err)
	}
}

func (w *tricky) prepare(ctx context.Context) {
	var made struct {
		Playlist struct {
			ShortUUID string `json:"shortUUID"`
		} `json:"videoPlaylist"`
	}
	channel, err := w.c.Channel(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	w.send(ctx, http.MethodPost, "/video-playlists", map[string]any{"displayName": "List", "privacy": 1, "videoChannelId": channel}, &made)
	w.playlist = made.Playlist.ShortUUID
	w.send(ctx, http.MethodPost, "/video-playlists/"+w.playlist+"/videos", map[string]any{"videoId": w.video.UUID}, nil)
}

// fill puts tricks into every text. A name of nothing but what is taken out is
// refused, so each begins with a letter.
func (w *tricky) fill(ctx context.Context, tricks []string) {
	w.t.Helper()
	all := "A\n" + strings.Join(tricks, "\n")
	name := func(limit int) string {
		for _, trick := range tricks {
			if one := "A" + trick; len([]rune(one)) <= limit {
				tricks = append(slices.Clone(tricks[1:]), tricks[0])
				return one
			}
		}
		return "None so short"
	}
	w.send(ctx, http.MethodPut, "/videos/"+w.video.UUID, map[string]any{
		"name": name(120), "description": all, "support": all[:min(len(all), 1000)], "tags": []string{name(30), name(29)}, "nsfw": true, "nsfwSummary": name(250),
	}, nil)
	w.send(ctx, http.MethodPut, "/video-channels/mallory_channel", map[string]any{"displayName": name(120), "description": all[:min(len(all), 1000)], "support": all[:min(len(all), 1000)]}, nil)
	w.send(ctx, http.MethodPut, "/users/me", map[string]any{"displayName": name(120), "description": all[:min(len(all), 1000)]}, nil)
	w.send(ctx, http.MethodPut, "/video-playlists/"+w.playlist, map[string]any{"displayName": name(120), "description": all[:min(len(all), 1000)]}, nil)
	w.send(ctx, http.MethodPut, "/videos/"+w.video.UUID+"/chapters", map[string]any{"chapters": []any{map[string]any{"timecode": 0, "title": name(100)}, map[string]any{"timecode": 2, "title": name(100)}}}, nil)
	w.send(ctx, http.MethodPost, "/videos/"+w.video.UUID+"/comment-threads", map[string]any{"text": all}, nil)
	body := fmt.Sprintf("--b\r\nContent-Disposition: form-data; name=\"captionfile\"; filename=\"a.vtt\"\r\n\r\nWEBVTT\n\n00:00.000 --> 00:02.000\n%s\n\r\n--b--\r\n", strings.Join(tricks, "\n"))
	if _, err := w.c.Do(ctx, http.MethodPut, "/api/v1/videos/"+w.video.UUID+"/captions/fr", strings.NewReader(body), http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, nil); err != nil {
		w.t.Fatal(err)
	}
	var captions struct {
		Data []struct {
			Path string `json:"captionPath"`
		} `json:"data"`
	}
	w.send(ctx, http.MethodGet, "/videos/"+w.video.UUID+"/captions", nil, &captions)
	w.caption = captions.Data[0].Path[strings.LastIndex(captions.Data[0].Path, "/")+1:]
}
