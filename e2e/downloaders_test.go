package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/e2e/rig"
)

// secure is an instance with an https address, and how clients get there.
type secure struct {
	*rig.Instance
	front *rig.Front
}

func startSecure(ctx context.Context, t *testing.T, host string) (*secure, *rig.Client) {
	t.Helper()
	port, err := rig.FreePort(ctx)
	if err != nil {
		t.Fatal(err)
	}
	i := start(ctx, t, rig.Options{Hostname: host, HTTPS: true, Port: port, Settings: map[string]any{"federation.allow_http": false}})
	front, err := rig.NewFront(ctx, t.TempDir(), map[string]int{host: port})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	c := i.NewClient()
	if c.HTTP, err = front.Client(); err != nil {
		t.Fatal(err)
	}
	if err := c.Login(ctx, "root", rig.Password); err != nil {
		t.Fatal(err)
	}
	return &secure{i, front}, c
}

// run runs a client that finds the way by a proxy and trusts the authority of
// the test alone, and gives what it prints.
func (s *secure) run(ctx context.Context, t *testing.T, dir, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir, "SSL_CERT_FILE="+s.front.CA)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out.Bytes(), errs.Bytes())
	}
	return out.String()
}

// published is a video of root with all that downloaders ask for.
func published(ctx context.Context, t *testing.T, c *rig.Client) rig.Video {
	t.Helper()
	clip, err := rig.Clip(ctx, t.TempDir(), 4, 320, 240)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.Upload(ctx, clip, rig.Fields{
		"name": "Kept elsewhere", "category": 2, "licence": 1, "language": "fr", "nsfw": false,
		"description": strings.Repeat("A long description for those who ask for it. ", 10) + "\n\n0:00 Begin\n0:02 End\n",
		"tags":        []string{"kept", "elsewhere"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WaitPublished(ctx, v.UUID, 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, 2*time.Minute, "all files are there", func(ctx context.Context) (bool, error) {
		v, err = c.Video(ctx, v.UUID)
		return err == nil && v.State.ID == 1 && len(v.Files) > 0 && len(v.StreamingPlaylists) > 0, err
	})
	var body bytes.Buffer
	body.WriteString("--b\r\nContent-Disposition: form-data; name=\"captionfile\"; filename=\"a.vtt\"\r\n\r\nWEBVTT\n\n00:00.000 --> 00:02.000\nBonjour\n\r\n--b--\r\n")
	if _, err := c.Do(ctx, http.MethodPut, "/api/v1/videos/"+v.UUID+"/captions/fr", &body, http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, nil); err != nil {
		t.Fatal(err)
	}
	return v
}

// yt-dlp finds a video behind its page and takes it with all that is told of it.
func TestYtDlp(t *testing.T) {
	ctx := slow(t, 5*time.Minute)
	s, c := startSecure(ctx, t, "videos.kinemesh.test")
	v := published(ctx, t, c)
	dir := t.TempDir()
	options := []string{"--proxy", s.front.Proxy, "--compat-options", "no-certifi", "--no-progress"}

	address := "peertube:" + s.Host + ":" + v.ShortUUID
	if found := s.run(ctx, t, dir, "yt-dlp", append(options, "--flat-playlist", "--print", "url", s.Origin+"/w/"+v.ShortUUID)...); !strings.Contains(found, address) {
		t.Errorf("on the page it finds %q, and not %s", found, address)
	}
	t.Run("video", func(t *testing.T) {
		s.run(ctx, t, dir, "yt-dlp", append(options, "--write-info-json", "--write-subs", "--sub-langs", "all", "--write-thumbnail",
			"-o", "taken.%(ext)s", address)...)
		var info struct {
			Extractor   string   `json:"extractor"`
			ID          string   `json:"id"`
			Title       string   `json:"title"`
			Description string   `json:"description"`
			Uploader    string   `json:"uploader"`
			Channel     string   `json:"channel"`
			ChannelURL  string   `json:"channel_url"`
			Duration    float64  `json:"duration"`
			Language    string   `json:"language"`
			License     string   `json:"license"`
			Categories  []string `json:"categories"`
			Tags        []string `json:"tags"`
			Views       *int     `json:"view_count"`
			Age         int      `json:"age_limit"`
			Formats     []struct {
				ID  string `json:"format_id"`
				URL string `json:"url"`
			} `json:"formats"`
		}
		text, err := os.ReadFile(filepath.Join(dir, "taken.info.json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &info); err != nil {
			t.Fatal(err)
		}
		if info.Extractor != "PeerTube" || info.Title != "Kept elsewhere" || info.Uploader == "" || info.Channel == "" ||
			info.ChannelURL != s.Origin+"/video-channels/root_channel" || info.Duration != float64(v.Duration) || info.Language != "fr" ||
			info.License != "Attribution" || !slices.Equal(info.Categories, []string{"Films"}) || !slices.Equal(info.Tags, []string{"kept", "elsewhere"}) ||
			info.Views == nil || info.Age != 0 || !strings.Contains(info.Description, "0:02 End") || len(info.Formats) < 2 {
			t.Errorf("it tells %+v", info)
		}
		if subs, err := os.ReadFile(filepath.Join(dir, "taken.fr.vtt")); err != nil || !strings.Contains(string(subs), "Bonjour") {
			t.Errorf("the subtitles are %q, %v", subs, err)
		}
		if pictures, err := filepath.Glob(filepath.Join(dir, "taken.jpg")); err != nil || len(pictures) != 1 {
			t.Errorf("no thumbnail, %v", err)
		}
		taken, err := os.ReadFile(filepath.Join(dir, "taken.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("%x", sha256.Sum256(taken))
		if got != sumOf(ctx, t, c, v.Files[0].FileURL) && got != sumOf(ctx, t, c, v.StreamingPlaylists[0].Files[0].FileURL) {
			t.Error("what was taken is no file of the server's")
		}
	})
}

// TestFeedEnclosures: a podcatcher that knows nothing but a feed downloads what
// it encloses, and a torrent client what its peer links lead to.
func TestFeedEnclosures(t *testing.T) {
	i, v := shared.get(t)
	ctx := slow(t, 3*time.Minute)
	c := i.NewClient()
	size := v.Files[0].Size
	for _, path := range []string{"/feeds/videos.xml?videoChannelName=root_channel", "/feeds/podcast/videos.xml?videoChannelId=1"} {
		var feed struct {
			Items []struct {
				Title     string `xml:"title"`
				Enclosure struct {
					URL    string `xml:"url,attr"`
					Length int64  `xml:"length,attr"`
				} `xml:"enclosure"`
				Peers []struct {
					Href string `xml:"href,attr"`
				} `xml:"http://search.yahoo.com/mrss/ group>peerLink"`
			} `xml:"channel>item"`
		}
		text := body(ctx, t, c, i.Origin+path)
		if err := xml.Unmarshal(text, &feed); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		taken := 0
		for _, item := range feed.Items {
			if item.Title != v.Name {
				continue
			}
			urls := []string{item.Enclosure.URL}
			if len(item.Peers) > 0 { // the others take as long
				urls = append(urls, item.Peers[0].Href)
			}
			for n, url := range urls {
				dir := filepath.Join(t.TempDir(), strconv.Itoa(n))
				if out, err := exec.CommandContext(ctx, "aria2c", append(aria2Options, "--seed-time=0", "--follow-torrent=mem", "--dir="+dir, url)...).CombinedOutput(); err != nil {
					t.Fatalf("aria2c %s: %v\n%s", url, err, out)
				}
				if sum := sumOfOnly(t, dir); sum != sumOf(ctx, t, c, v.Files[0].FileURL) && sum != sumOf(ctx, t, c, v.StreamingPlaylists[0].Files[0].FileURL) {
					t.Errorf("%s leads to no file of the video", url)
				}
				taken++
			}
			if item.Enclosure.Length != size && item.Enclosure.Length != v.StreamingPlaylists[0].Files[0].Size {
				t.Errorf("%s: the enclosure says %d bytes", path, item.Enclosure.Length)
			}
		}
		if taken == 0 {
			t.Errorf("%s has nothing of %q:\n%.2000s", path, v.Name, text)
		}
	}
}

func body(ctx context.Context, t *testing.T, c *rig.Client, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	return text
}

// TestNewPipe makes the calls of NewPipe in its order, as they were recorded,
// and looks for the members that it reads.
func TestNewPipe(t *testing.T) {
	i, _ := shared.get(t)
	ctx := slow(t, 3*time.Minute)
	c := root(ctx, t, i)
	v := published(ctx, t, c)
	eventually(ctx, t, time.Minute, "the storyboard", func(ctx context.Context) (bool, error) {
		var made struct {
			Storyboards []any `json:"storyboards"`
		}
		err := c.Get(ctx, "/api/v1/videos/"+v.UUID+"/storyboards", &made)
		return len(made.Storyboards) > 0, err
	})
	if err := c.Send(ctx, http.MethodPost, "/api/v1/videos/"+v.UUID+"/comment-threads", map[string]any{"text": "Seen on the phone"}, nil); err != nil {
		t.Fatal(err)
	}
	var list struct {
		Made struct {
			UUID string `json:"uuid"`
		} `json:"videoPlaylist"`
	}
	if err := c.Send(ctx, http.MethodPost, "/api/v1/video-playlists", map[string]any{"displayName": "For the phone", "privacy": 1, "videoChannelId": 1}, &list); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(ctx, http.MethodPost, "/api/v1/video-playlists/"+list.Made.UUID+"/videos", map[string]any{"videoId": v.UUID}, nil); err != nil {
		t.Fatal(err)
	}
	c.Token = "" // it never logs in
	const item = "total data.0.uuid data.0.name data.0.duration data.0.views data.0.isLive data.0.thumbnailPath data.0.previewPath data.0.publishedAt " +
		"data.0.account.name data.0.account.host data.0.account.displayName data.0.account.avatars data.0.channel.name data.0.channel.avatars"
	for _, call := range []struct{ path, members string }{
		{"/config", "instance.name serverVersion"},
		{"/videos/" + v.UUID, "uuid name description duration views likes dislikes isLive privacy.id licence.label category.label language.id tags nsfw thumbnailPath previewPath " +
			"publishedAt support commentsEnabled downloadEnabled account.name account.host account.displayName account.avatars channel.name channel.host channel.displayName channel.avatars " +
			"files.0.fileUrl files.0.torrentUrl files.0.resolution.label files.0.resolution.id files.0.hasAudio files.0.hasVideo streamingPlaylists.0.playlistUrl streamingPlaylists.0.files.0.fileUrl " +
			"streamingPlaylists.0.files.0.playlistUrl streamingPlaylists.0.files.0.resolution.label trackerUrls"},
		{"/videos/" + v.UUID + "/description", "description"},
		{"/videos/" + v.UUID + "/captions", "total data.0.language.id data.0.captionPath data.0.automaticallyGenerated"},
		{"/videos/" + v.UUID + "/storyboards", "storyboards.0.storyboardPath storyboards.0.totalHeight storyboards.0.totalWidth storyboards.0.spriteHeight storyboards.0.spriteWidth storyboards.0.spriteDuration"},
		{"/videos/" + v.UUID + "/chapters", "chapters.0.title chapters.0.timecode chapters.1.title"},
		{"/videos/" + v.UUID + "/comment-threads?start=0&count=12&sort=-createdAt", "total data.0.text data.0.createdAt data.0.account.name data.0.account.avatars data.0.totalReplies data.0.totalRepliesFromVideoAuthor data.0.threadId data.0.url"},
		{"/search/videos?start=0&count=12&search=Kept", item},
		{"/search/video-channels?start=0&count=12&search=root", "total data.0.name data.0.host data.0.displayName data.0.followersCount data.0.avatars"},
		{"/search/video-playlists?start=0&count=12&search=phone", "total data.0.uuid data.0.displayName data.0.videosLength data.0.thumbnailPath data.0.ownerAccount.displayName data.0.url"},
		{"/accounts/root", "name host displayName followersCount avatars description"},
		{"/accounts/root/videos?start=0&count=12", item},
		{"/accounts/root/video-channels?start=0&count=12", "total data.0.name data.0.displayName data.0.avatars data.0.followersCount"},
		{"/video-channels/root_channel", "name host displayName followersCount avatars banners description ownerAccount.name ownerAccount.displayName"},
		{"/video-channels/root_channel/videos?start=0&count=12", item},
		{"/video-channels/root_channel/video-playlists?start=0&count=12", "total data.0.uuid data.0.displayName data.0.videosLength"},
		{"/video-playlists/" + list.Made.UUID, "uuid displayName description videosLength thumbnailPath ownerAccount.displayName videoChannel.displayName"},
		{"/video-playlists/" + list.Made.UUID + "/videos?start=0&count=12", "total data.0.video.uuid data.0.video.name data.0.video.thumbnailPath"},
		{"/videos?start=0&count=12&sort=-trending", item},
		{"/videos?start=0&count=12&sort=-likes", item},
		{"/videos?start=0&count=12&sort=-publishedAt", item},
		{"/videos?start=0&count=12&sort=-publishedAt&filter=local", item},
		{"/videos?start=0&count=12&sort=-publishedAt&isLocal=true", item},
	} {
		var answer any
		if err := c.Get(ctx, "/api/v1"+call.path, &answer); err != nil {
			t.Errorf("%s: %v", call.path, err)
			continue
		}
		for member := range strings.FieldsSeq(call.members) {
			if missing := lacks(answer, strings.Split(member, ".")); missing {
				t.Errorf("%s has no %s", call.path, member)
			}
		}
	}
}

// lacks tells whether there is nothing at the end of a path into an answer.
func lacks(answer any, path []string) bool {
	for _, name := range path {
		switch at := answer.(type) {
		case map[string]any:
			value, ok := at[name]
			if !ok {
				return true
			}
			answer = value
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(at) {
				return true
			}
			answer = at[n]
		default:
			return true
		}
	}
	last := path[len(path)-1]
	return answer == nil && last != "support" && last != "description" // null: nothing was written
}

// sumOf is the checksum of what a URL answers.
func sumOf(ctx context.Context, t *testing.T, c *rig.Client, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	h := sha256.New()
	if _, err := io.Copy(h, res.Body); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, res.Status, err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
