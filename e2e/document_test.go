package e2e

import (
	"bytes"
	"context"
	"image"
	_ "image/jpeg" // storyboards
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// TestDocument publishes a video with subtitles, chapters and a playlist on one
// instance and looks at all of them, and the storyboard, on another.
func TestDocument(t *testing.T) {
	ctx := slow(t, 3*time.Minute)
	a, b := start(ctx, t, rig.Options{}), start(ctx, t, rig.Options{})
	follow(ctx, t, b, a)
	onA, onB := root(ctx, t, a), root(ctx, t, b)
	clip, err := rig.Clip(ctx, t.TempDir(), 4, 320, 180)
	if err != nil {
		t.Fatal(err)
	}
	v, err := onA.Upload(ctx, clip, rig.Fields{"name": "In parts", "language": "en", "description": "A *film*"})
	if err != nil {
		t.Fatal(err)
	}
	if v, err = onA.WaitPublished(ctx, v.UUID, time.Minute); err != nil {
		t.Fatal(err)
	}
	api := "/api/v1/videos/" + v.UUID
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("captionfile", "x.srt")
	if err == nil {
		_, err = io.WriteString(part, "1\n00:00:01,000 --> 00:00:02,000\nBonjour\n")
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := onA.Do(ctx, http.MethodPut, api+"/captions/fr", &form, http.Header{"Content-Type": {w.FormDataContentType()}}, nil); err != nil {
		t.Fatal(err)
	}
	chapters := map[string]any{"chapters": []map[string]any{{"timecode": 0, "title": "Start"}, {"timecode": 2, "title": "End"}}}
	if err := onA.Send(ctx, http.MethodPut, api+"/chapters", chapters, nil); err != nil {
		t.Fatal(err)
	}
	var me struct{ VideoChannels []struct{ ID int } }
	if err := onA.Get(ctx, "/api/v1/users/me", &me); err != nil {
		t.Fatal(err)
	}
	var made struct{ VideoPlaylist struct{ UUID string } }
	err = onA.Send(ctx, http.MethodPost, "/api/v1/video-playlists", map[string]any{"displayName": "My list", "privacy": 1, "videoChannelId": me.VideoChannels[0].ID}, &made)
	if err == nil {
		err = onA.Send(ctx, http.MethodPost, "/api/v1/video-playlists/"+made.VideoPlaylist.UUID+"/videos", map[string]any{"videoId": v.UUID, "startTimestamp": 1}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}

	var captions struct {
		Data []struct {
			CaptionPath string
			Language    struct{ ID string }
		}
	}
	var boards struct {
		Storyboards []struct {
			StoryboardPath                                                     string
			TotalWidth, TotalHeight, SpriteWidth, SpriteHeight, SpriteDuration int
		}
	}
	var parts struct {
		Chapters []struct {
			Timecode int
			Title    string
		}
	}
	var list struct {
		Data []struct {
			StartTimestamp int
			Video          struct{ UUID string }
		}
	}
	for what, got := range map[string]func(context.Context) (bool, error){
		"the subtitles": func(ctx context.Context) (bool, error) {
			err := onB.Get(ctx, api+"/captions", &captions)
			return len(captions.Data) == 1, err
		},
		"the chapters": func(ctx context.Context) (bool, error) {
			err := onB.Get(ctx, api+"/chapters", &parts)
			return len(parts.Chapters) == 2 && parts.Chapters[1].Title == "End" && parts.Chapters[1].Timecode == 2, err
		},
		"the storyboard": func(ctx context.Context) (bool, error) {
			err := onB.Get(ctx, api+"/storyboards", &boards)
			return len(boards.Storyboards) == 1, err
		},
		"the playlist": func(ctx context.Context) (bool, error) {
			err := onB.Get(ctx, "/api/v1/video-playlists/"+made.VideoPlaylist.UUID+"/videos", &list)
			return len(list.Data) == 1 && list.Data[0].Video.UUID == v.UUID && list.Data[0].StartTimestamp == 1, err
		},
	} {
		eventually(ctx, t, time.Minute, what+" on B", func(ctx context.Context) (bool, error) {
			ok, err := got(ctx)
			if hasStatus(err, http.StatusNotFound) {
				return false, nil
			}
			return ok, err
		})
	}
	res, body := fetch(ctx, t, b.Origin+captions.Data[0].CaptionPath, "")
	if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/vtt") || string(body) != "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nBonjour\n" {
		t.Errorf("subtitles from B: %d %s %q", res.StatusCode, kind, body)
	}
	board := boards.Storyboards[0]
	_, body = fetch(ctx, t, b.Origin+board.StoryboardPath, "")
	img, _, err := image.DecodeConfig(bytes.NewReader(body))
	if err != nil || img.Width != board.TotalWidth || img.Height != board.TotalHeight || board.SpriteWidth != 192 || board.SpriteDuration != 1 {
		t.Errorf("storyboard from B: %+v of %+v, %v", img, board, err)
	}
	_, page := fetch(ctx, t, b.Origin+"/w/"+v.UUID, "")
	for _, want := range []string{`<track kind="subtitles"`, `srclang="fr"`, "<summary>Chapters</summary>", "?start=2&amp;autoplay=1"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page on B lacks %s", want)
		}
	}
}
