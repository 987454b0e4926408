package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/web/openapi/openapitest"
)

// Client speaks the REST API of one instance.
type Client struct {
	Origin string
	Token  string
	HTTP   *http.Client
}

// Video is what the tests look at.
type Video struct {
	ID        int    `json:"id"`
	UUID      string `json:"uuid"`
	ShortUUID string `json:"shortUUID"`
	Name      string `json:"name"`
	URL       string `json:"url"`
	IsLocal   bool   `json:"isLocal"`
	Duration  int    `json:"duration"`
	State     struct {
		ID    int    `json:"id"`
		Label string `json:"label"`
	} `json:"state"`
	Files              []File `json:"files"`
	StreamingPlaylists []struct {
		PlaylistURL       string `json:"playlistUrl"`
		SegmentsSha256URL string `json:"segmentsSha256Url"`
		Files             []File `json:"files"`
	} `json:"streamingPlaylists"`
}

// File is a media file of a video.
type File struct {
	FileURL    string `json:"fileUrl"`
	TorrentURL string `json:"torrentUrl"`
	MagnetURI  string `json:"magnetUri"`
	Size       int64  `json:"size"`
	Resolution struct {
		ID int `json:"id"`
	} `json:"resolution"`
}

// StatusError is an answer that is no success.
type StatusError struct {
	Request string
	Status  int
	Body    string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: status %d: %.500s", e.Request, e.Status, e.Body)
}

// NewClient returns a client without a token.
func (i *Instance) NewClient() *Client {
	return &Client{Origin: i.Origin, HTTP: &http.Client{Timeout: 2 * time.Minute}}
}

// Root returns a client of the user root.
func (i *Instance) Root(ctx context.Context) (*Client, error) {
	c := i.NewClient()
	return c, c.Login(ctx, "root", Password)
}

// Login takes a token by the password grant.
func (c *Client) Login(ctx context.Context, username, password string) error {
	var app struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := c.Get(ctx, "/api/v1/oauth-clients/local", &app); err != nil {
		return err
	}
	form := url.Values{
		"client_id": {app.ID}, "client_secret": {app.Secret}, "grant_type": {"password"},
		"username": {username}, "password": {password},
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	_, err := c.Do(ctx, http.MethodPost, "/api/v1/users/token", strings.NewReader(form.Encode()),
		http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, &token)
	c.Token = token.AccessToken
	return err
}

// Do sends a request to a path or URL and reads a JSON answer into out, unless
// out is nil.
func (c *Client) Do(ctx context.Context, method, path string, body io.Reader, h http.Header, out any) (*http.Response, error) {
	target := path
	if strings.HasPrefix(path, "/") {
		target = c.Origin + path
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, h)
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return res, err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return res, &StatusError{method + " " + path, res.StatusCode, string(text)}
	}
	if target == c.Origin+path { // an answer of the instance has to be as it is described
		if d := openapitest.Differences(method, req.URL.Path, res.StatusCode, res.Header, text); len(d) > 0 {
			return res, fmt.Errorf("%s %s: %d is not as web/openapi/src says: %s", method, path, res.StatusCode, strings.Join(d, "; "))
		}
	}
	if out != nil && len(text) > 0 && res.StatusCode < http.StatusMultipleChoices {
		if err := json.Unmarshal(text, out); err != nil {
			return res, fmt.Errorf("%s %s: %w: %.200s", method, path, err, text)
		}
	}
	return res, nil
}

// Get reads JSON.
func (c *Client) Get(ctx context.Context, path string, out any) error {
	_, err := c.Do(ctx, http.MethodGet, path, http.NoBody, nil, out)
	return err
}

// Send sends JSON.
func (c *Client) Send(ctx context.Context, method, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	_, err = c.Do(ctx, method, path, bytes.NewReader(text), http.Header{"Content-Type": {"application/json"}}, out)
	return err
}

// AddUser makes an ordinary user with the password of the rig.
func (c *Client) AddUser(ctx context.Context, name string) error {
	return c.Send(ctx, http.MethodPost, "/api/v1/users", map[string]any{
		"username": name, "email": name + "@example.org", "password": Password, "role": 2, "videoQuota": -1, "videoQuotaDaily": -1,
	}, nil)
}

// Follow makes the instance follow another.
func (c *Client) Follow(ctx context.Context, host string) error {
	return c.Send(ctx, http.MethodPost, "/api/v1/server/following", map[string]any{"hosts": []string{host}}, nil)
}

// Following reports whether the follow of host was accepted.
func (c *Client) Following(ctx context.Context, host string) (bool, error) {
	var list struct {
		Data []struct {
			State     string `json:"state"`
			Following struct {
				Host string `json:"host"`
			} `json:"following"`
		} `json:"data"`
	}
	if err := c.Get(ctx, "/api/v1/server/following?count=100", &list); err != nil {
		return false, err
	}
	for _, f := range list.Data {
		if f.Following.Host == host && f.State == "accepted" {
			return true, nil
		}
	}
	return false, nil
}

// Videos lists what visitors see, newest first.
func (c *Client) Videos(ctx context.Context) ([]Video, error) {
	var list struct {
		Data []Video `json:"data"`
	}
	err := c.Get(ctx, "/api/v1/videos?count=100&sort=-publishedAt&nsfw=both", &list)
	return list.Data, err
}

// Video reads one video by any of its ids.
func (c *Client) Video(ctx context.Context, id string) (Video, error) {
	var v Video
	err := c.Get(ctx, "/api/v1/videos/"+id, &v)
	return v, err
}

// Channel is the id of the first channel of the signed-in user.
func (c *Client) Channel(ctx context.Context) (int, error) {
	var me struct {
		VideoChannels []struct {
			ID int `json:"id"`
		} `json:"videoChannels"`
	}
	if err := c.Get(ctx, "/api/v1/users/me", &me); err != nil {
		return 0, err
	}
	if len(me.VideoChannels) == 0 {
		return 0, fmt.Errorf("the user has no channel")
	}
	return me.VideoChannels[0].ID, nil
}

// Fields are the metadata of an upload.
type Fields map[string]any

// fields adds what every upload must say.
func (c *Client) fields(ctx context.Context, file string, f Fields) (Fields, error) {
	channel, err := c.Channel(ctx)
	if err != nil {
		return nil, err
	}
	all := Fields{"channelId": channel, "name": "A clip", "privacy": 1, "filename": filepath.Base(file)}
	maps.Copy(all, f)
	return all, nil
}

// Upload publishes a file in one multipart request.
func (c *Client) Upload(ctx context.Context, file string, f Fields) (Video, error) {
	all, err := c.fields(ctx, file, f)
	if err != nil {
		return Video{}, err
	}
	delete(all, "filename")
	src, err := os.Open(file)
	if err != nil {
		return Video{}, err
	}
	defer src.Close()
	pr, pw := io.Pipe()
	form := multipart.NewWriter(pw)
	go func() {
		for k, v := range all {
			if many, ok := v.([]string); ok {
				for n, one := range many {
					_ = form.WriteField(fmt.Sprintf("%s[%d]", k, n), one) // as browsers' libraries do
				}
				continue
			}
			_ = form.WriteField(k, fmt.Sprint(v))
		}
		part, err := form.CreateFormFile("videofile", filepath.Base(file))
		if err == nil {
			_, err = io.Copy(part, src)
		}
		if err == nil {
			err = form.Close()
		}
		pw.CloseWithError(err)
	}()
	var out struct {
		Video Video `json:"video"`
	}
	_, err = c.Do(ctx, http.MethodPost, "/api/v1/videos/upload", pr, http.Header{"Content-Type": {form.FormDataContentType()}}, &out)
	return out.Video, err
}

// OpenUpload begins a resumable upload and returns its URL.
func (c *Client) OpenUpload(ctx context.Context, file string, f Fields) (string, error) {
	all, err := c.fields(ctx, file, f)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(all)
	if err != nil {
		return "", err
	}
	res, err := c.Do(ctx, http.MethodPost, "/api/v1/videos/upload-resumable", bytes.NewReader(text), http.Header{
		"Content-Type":            {"application/json"},
		"X-Upload-Content-Length": {strconv.FormatInt(info.Size(), 10)},
		"X-Upload-Content-Type":   {"video/mp4"},
	}, nil)
	if err != nil {
		return "", err
	}
	location, err := res.Location()
	if err != nil {
		return "", fmt.Errorf("open upload: status %d: %w", res.StatusCode, err)
	}
	return location.String(), nil
}

// ContinueUpload sends what the server does not have yet, in chunks, and
// returns the video. pace slows each chunk down, so that it can be interrupted.
func (c *Client) ContinueUpload(ctx context.Context, uploadURL, file string, chunk int64, pace time.Duration) (Video, error) {
	src, err := os.Open(file)
	if err != nil {
		return Video{}, err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return Video{}, err
	}
	total := info.Size()
	var out struct {
		Video Video `json:"video"`
	}
	res, err := c.put(ctx, uploadURL, fmt.Sprintf("bytes */%d", total), http.NoBody, 0, &out)
	for err == nil && res.StatusCode == http.StatusPermanentRedirect {
		var from int64
		if from, err = stored(res); err != nil {
			break
		}
		size := min(chunk, total-from)
		body := &slowReader{io.NewSectionReader(src, from, size), pace, size}
		res, err = c.put(ctx, uploadURL, fmt.Sprintf("bytes %d-%d/%d", from, from+size-1, total), body, size, &out)
	}
	return out.Video, err
}

func (c *Client) put(ctx context.Context, target, contentRange string, body io.Reader, size int64, out any) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, target, body)
	if err != nil {
		return nil, err
	}
	req.ContentLength = size
	req.Header.Set("Content-Range", contentRange)
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Authorization", "Bearer "+c.Token)
	client := *c.HTTP
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // 308 is "go on" here
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	switch res.StatusCode {
	case http.StatusOK:
		return res, json.Unmarshal(text, out)
	case http.StatusPermanentRedirect:
		return res, nil
	}
	return nil, &StatusError{"PUT " + contentRange, res.StatusCode, string(text)}
}

// stored reads how many bytes the server has from "Range: bytes=0-N".
func stored(res *http.Response) (int64, error) {
	text := res.Header.Get("Range")
	if text == "" {
		return 0, nil
	}
	_, last, ok := strings.Cut(strings.TrimPrefix(text, "bytes="), "-")
	n, err := strconv.ParseInt(last, 10, 64)
	if !ok || err != nil {
		return 0, fmt.Errorf("unreadable Range %q", text)
	}
	return n + 1, nil
}

// slowReader spreads its bytes over a time.
type slowReader struct {
	r    io.Reader
	pace time.Duration
	size int64
}

const slowStep = 16 << 10

func (s *slowReader) Read(p []byte) (int, error) {
	if s.pace > 0 {
		p = p[:min(len(p), slowStep)]
		time.Sleep(s.pace * time.Duration(len(p)) / time.Duration(max(s.size, slowStep)))
	}
	return s.r.Read(p)
}

// WaitPublished waits until the video is published with at least one web video
// and one HLS file, and returns it.
func (c *Client) WaitPublished(ctx context.Context, id string, limit time.Duration) (Video, error) {
	var v Video
	err := Eventually(ctx, limit, "video "+id+" is published", func(ctx context.Context) (bool, error) {
		var err error
		v, err = c.Video(ctx, id)
		return v.State.ID == 1 && len(v.Files) > 0 && len(v.StreamingPlaylists) > 0 && len(v.StreamingPlaylists[0].Files) > 0, err
	})
	return v, err
}
