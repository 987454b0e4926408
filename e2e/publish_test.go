package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// fetch reads a URL, or a part of it, as any visitor may.
func fetch(ctx context.Context, t *testing.T, url, byteRange string) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if byteRange != "" {
		req.Header.Set("Range", "bytes="+byteRange)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

// A file comes in by either way, is published with everything a viewer needs,
// and is there after the next start too.
func TestPublish(t *testing.T) {
	ways := map[string]func(context.Context, *rig.Client, string) (rig.Video, error){
		"in one request": func(ctx context.Context, c *rig.Client, clip string) (rig.Video, error) {
			return c.Upload(ctx, clip, rig.Fields{"name": "Published"})
		},
		"in parts": func(ctx context.Context, c *rig.Client, clip string) (rig.Video, error) {
			url, err := c.OpenUpload(ctx, clip, rig.Fields{"name": "Published"})
			if err != nil {
				return rig.Video{}, err
			}
			return c.ContinueUpload(ctx, url, clip, uploadChunk, 0)
		},
	}
	for _, e := range engines() {
		for way, upload := range ways {
			t.Run(e.name+" "+way, func(t *testing.T) {
				ctx := slow(t, 3*time.Minute)
				i := startOn(ctx, t, e, nil)
				c := root(ctx, t, i)
				clip, err := rig.Clip(ctx, t.TempDir(), 6, 640, 360)
				if err != nil {
					t.Fatal(err)
				}
				v, err := upload(ctx, c, clip)
				if err != nil {
					t.Fatal(err)
				}
				v = complete(ctx, t, c, v.UUID)
				if err := i.Stop(); err != nil {
					t.Fatal(err)
				}
				if out, err := i.Run(ctx, "check"); err != nil {
					t.Errorf("kinemesh check: %v\n%s", err, out)
				}
				if err := i.Launch(ctx); err != nil {
					t.Fatal(err)
				}
				after := complete(ctx, t, i.NewClient(), v.UUID)
				if after.Files[0].FileURL != v.Files[0].FileURL || after.Name != "Published" {
					t.Errorf("after the second start: %+v, before: %+v", after, v)
				}
			})
		}
	}
}

// complete waits for both resolutions, then looks at every file of a video.
func complete(ctx context.Context, t *testing.T, c *rig.Client, id string) rig.Video {
	t.Helper()
	var v rig.Video
	eventually(ctx, t, 2*time.Minute, "the video has all its files", func(ctx context.Context) (bool, error) {
		var err error
		v, err = c.Video(ctx, id)
		return v.State.ID == 1 && len(v.Files) == 2 && len(v.StreamingPlaylists) == 1 && len(v.StreamingPlaylists[0].Files) == 2, err
	})
	hls := v.StreamingPlaylists[0]
	for _, f := range slices.Concat(v.Files, hls.Files) {
		res, body := fetch(ctx, t, f.FileURL, "")
		if res.StatusCode != http.StatusOK || int64(len(body)) != f.Size || res.Header.Get("Content-Type") != "video/mp4" {
			t.Errorf("%s: %s with %d bytes of %s, want %d of video/mp4", f.FileURL, res.Status, len(body), res.Header.Get("Content-Type"), f.Size)
		}
		res, part := fetch(ctx, t, f.FileURL, "100-299")
		if res.StatusCode != http.StatusPartialContent || !bytes.Equal(part, body[100:300]) || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s by Range: %s with %d bytes, %v", f.FileURL, res.Status, len(part), res.Header)
		}
		if res, torrent := fetch(ctx, t, f.TorrentURL, ""); res.StatusCode != http.StatusOK || !bytes.HasPrefix(torrent, []byte("d8:announce")) {
			t.Errorf("%s: %s, %.20q", f.TorrentURL, res.Status, torrent)
		}
		if !strings.HasPrefix(f.MagnetURI, "magnet:?") {
			t.Errorf("magnet %q", f.MagnetURI)
		}
	}
	if res, master := fetch(ctx, t, hls.PlaylistURL, ""); res.StatusCode != http.StatusOK || strings.Count(string(master), "#EXT-X-STREAM-INF") != 2 {
		t.Errorf("master playlist: %s\n%s", res.Status, master)
	}
	if err := segments(ctx, t, hls.SegmentsSha256URL, hls.Files); err != nil {
		t.Error(err)
	}
	return v
}

// segments fetches every segment by Range and compares its hash.
func segments(ctx context.Context, t *testing.T, url string, files []rig.File) error {
	t.Helper()
	_, text := fetch(ctx, t, url, "")
	var hashes map[string]map[string]string
	if err := json.Unmarshal(text, &hashes); err != nil {
		return err
	}
	if len(hashes) != len(files) {
		return fmt.Errorf("hashes of %v, want those of %d files", slices.Collect(maps.Keys(hashes)), len(files))
	}
	for _, f := range files {
		name := f.FileURL[strings.LastIndex(f.FileURL, "/")+1:]
		if len(hashes[name]) == 0 {
			return errors.New("no hash for " + name)
		}
		for byteRange, want := range hashes[name] {
			if _, body := fetch(ctx, t, f.FileURL, byteRange); sum(body) != want {
				return fmt.Errorf("segment %s of %s has hash %s, want %s", byteRange, name, sum(body), want)
			}
		}
	}
	return nil
}
