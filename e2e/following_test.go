package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"mime/multipart"
	"net/http"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// picture is a PNG with a disc in its middle.
func picture(t *testing.T, w, h int, ground, disc color.RGBA) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Bounds(), image.NewUniform(ground), image.Point{}, draw.Src)
	r := min(w, h) / 3
	for y := -r; y <= r; y++ {
		for x := -r; x <= r; x++ {
			if x*x+y*y <= r*r {
				m.SetRGBA(w/2+x, h/2+y, disc)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pick uploads a picture.
func pick(ctx context.Context, t *testing.T, c *rig.Client, path, field string, data []byte) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, "picture.png")
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = form.Close()
	}
	if err == nil {
		_, err = c.Do(ctx, http.MethodPost, "/api/v1"+path+"/pick", &body, http.Header{"Content-Type": {form.FormDataContentType()}}, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pickAll gives root and its channel pictures.
func pickAll(ctx context.Context, t *testing.T, c *rig.Client) {
	t.Helper()
	sea, sand, sun := color.RGBA{11, 90, 120, 255}, color.RGBA{235, 214, 180, 255}, color.RGBA{240, 140, 40, 255}
	pick(ctx, t, c, "/users/me/avatar", "avatarfile", picture(t, 700, 700, sand, sea))
	pick(ctx, t, c, "/video-channels/root_channel/avatar", "avatarfile", picture(t, 1600, 1600, sea, sun))
	pick(ctx, t, c, "/video-channels/root_channel/banner", "bannerfile", picture(t, 1920, 500, sun, sand))
}

// shown is a channel as clients get it.
type shown struct {
	Name    string
	Support string
	Avatars []struct {
		Width int
		Path  string
	}
	Banners []struct {
		Width int
		Path  string
	}
	ViewsPerDay []struct {
		Date  time.Time
		Views int
	}
	TotalViews *int
}

// TestSubscriptionsAcross lets a user of one server follow a channel of another,
// whose instance it does not follow: its videos are in the feed, its pictures are
// here, made anew.
func TestSubscriptionsAcross(t *testing.T) {
	ctx := slow(t, 4*time.Minute)
	a, b := start(ctx, t, rig.Options{}), start(ctx, t, rig.Options{})
	onA, onB := root(ctx, t, a), root(ctx, t, b)
	pickAll(ctx, t, onA)
	clip, err := rig.Clip(ctx, t.TempDir(), 2, 320, 180)
	if err != nil {
		t.Fatal(err)
	}
	handle := "root_channel@" + a.Host
	subscriptions := "/api/v1/users/me/subscriptions"
	if err := onB.Send(ctx, http.MethodPost, subscriptions, map[string]string{"uri": handle}, nil); err != nil {
		t.Fatal(err)
	}
	var followed shown
	eventually(ctx, t, time.Minute, "B knows the channel", func(ctx context.Context) (bool, error) {
		err := onB.Get(ctx, subscriptions+"/"+handle, &followed)
		if hasStatus(err, http.StatusNotFound) {
			return false, nil
		}
		return err == nil, err
	})
	for _, p := range []struct {
		path          string
		width, height int
	}{{followed.Avatars[len(followed.Avatars)-1].Path, 600, 600}, {followed.Banners[0].Path, 600, 100}, {followed.Banners[1].Path, 1920, 317}} {
		resp, data := raw(ctx, t, b.Origin+p.path)
		m, format, err := image.Decode(bytes.NewReader(data))
		if err != nil || format != "jpeg" || m.Bounds().Dx() != p.width || m.Bounds().Dy() != p.height || resp.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%s: %d %v, %v", p.path, resp.StatusCode, resp.Header, err)
		}
	}
	eventually(ctx, t, time.Minute, "A has the follower", func(ctx context.Context) (bool, error) {
		var out struct{ Total int }
		err := onA.Get(ctx, "/api/v1/video-channels/root_channel/followers", &out)
		return out.Total == 1, err
	})

	v, err := onA.Upload(ctx, clip, rig.Fields{"name": "For those who follow"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = onA.WaitPublished(ctx, v.UUID, time.Minute); err != nil {
		t.Fatal(err)
	}
	feed := func(ctx context.Context, c *rig.Client, path string) (n int, err error) {
		var out struct {
			Data []struct {
				UUID    string
				Channel shown
			}
		}
		err = c.Get(ctx, path, &out)
		for _, e := range out.Data {
			if e.UUID == v.UUID && len(e.Channel.Avatars) == 3 {
				n++
			}
		}
		return n, err
	}
	eventually(ctx, t, time.Minute, "the video in the feed", func(ctx context.Context) (bool, error) {
		n, err := feed(ctx, onB, subscriptions+"/videos")
		return n == 1, err
	})
	if n, err := feed(ctx, onB, "/api/v1/videos"); err != nil || n != 0 {
		t.Errorf("%d in the lists of a server that does not follow, %v", n, err)
	}
	if n, err := feed(ctx, onB, subscriptions+"/videos?isLocal=true"); err != nil || n != 0 {
		t.Errorf("%d local ones, %v", n, err)
	}

	// A text of support for all videos reaches B.
	if err := onA.Send(ctx, http.MethodPut, "/api/v1/video-channels/root_channel", map[string]any{"support": "Buy me a tea", "bulkVideosSupportUpdate": true}, nil); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, time.Minute, "the support text at B", func(ctx context.Context) (bool, error) {
		var got struct{ Support string }
		err := onB.Get(ctx, "/api/v1/videos/"+v.UUID, &got)
		return got.Support == "Buy me a tea", err
	})
	var own struct{ Data []shown }
	if err := onA.Get(ctx, "/api/v1/accounts/root/video-channels?withStats=true", &own); err != nil || len(own.Data[0].ViewsPerDay) != 31 || own.Data[0].TotalViews == nil {
		t.Errorf("stats of the owner: %+v, %v", own, err)
	}
	own.Data = nil
	if err := a.NewClient().Get(ctx, "/api/v1/accounts/root/video-channels?withStats=true", &own); err != nil || own.Data[0].ViewsPerDay != nil || own.Data[0].TotalViews != nil {
		t.Errorf("stats for a stranger: %+v, %v", own, err)
	}

	if _, err := onB.Do(ctx, http.MethodDelete, subscriptions+"/"+handle, http.NoBody, nil, nil); err != nil {
		t.Fatal(err)
	}
	if n, err := feed(ctx, onB, subscriptions+"/videos"); err != nil || n != 0 {
		t.Errorf("%d in the feed after the end, %v", n, err)
	}
	lookAtPictures(ctx, t, a, v.ShortUUID)
}

// lookAtPictures opens pages and sees that each of their pictures is there.
func lookAtPictures(ctx context.Context, t *testing.T, i *rig.Instance, video string) {
	t.Helper()
	browser := startBrowser(ctx, t)
	for path, want := range map[string]int{"/": 1, "/c/root_channel": 2, "/a/root": 2, "/w/" + video: 1} {
		page, err := browser.Open(ctx, i.Origin+path, rig.PageOptions{})
		if err != nil {
			t.Fatal(err)
		}
		eventually(ctx, t, 30*time.Second, fmt.Sprint(want, " pictures on ", path), func(ctx context.Context) (bool, error) {
			var n int
			err := page.Eval(ctx, `[...document.querySelectorAll('img.av, img.banner')].filter(i => i.naturalWidth > 0).length`, &n)
			return n >= want, err
		})
		if errs := page.Errors(); len(errs) > 0 {
			t.Errorf("%s: %v", path, errs)
		}
		if err := page.Close(ctx); err != nil {
			t.Error(err)
		}
	}
}

// raw asks for a file.
func raw(ctx context.Context, t *testing.T, address string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, data
}
