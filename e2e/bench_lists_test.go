package e2e

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/e2e/rig"
	"github.com/kinemesh/kinemesh/e2e/seed"
	"github.com/kinemesh/kinemesh/migrations"
)

var (
	benchVideos   = flag.Int("bench-videos", 100_000, "videos of the instance whose lists are measured")
	benchComments = flag.Int("bench-comments", 1_000_000, "comments of that instance")
	benchOnly     = flag.String("bench-only", "", "measure the lists whose names contain this")
	benchOrigin   = flag.String("bench-origin", "", "measure the running server at this address, which has been seeded")
	benchSeconds  = flag.Int("bench-seconds", 4, "how long each list is asked for")
)

// aimP99 is what a list may take at concurrency 16, on two cores of which the
// client takes its share.
const aimP99 = 50 * time.Millisecond

// endpoint is a list in several variants, which are asked for in turn.
type endpoint struct {
	name  string
	paths []string // below /api/v1
	token bool
}

// each makes one path of every value.
func each(format string, values ...any) (out []string) {
	for _, v := range values {
		out = append(out, fmt.Sprintf(format, v))
	}
	return out
}

// deep are pages up to the end of n rows.
func deep(format string, n int) []string {
	return each(format, 0, n/100, n/10, n/4, n/2, 3*n/4, n-n/10, n-20)
}

func listEndpoints(n int, threads []string) []endpoint {
	shown := n * 97 / 100
	lists := []endpoint{
		{name: "newest videos", paths: []string{"/videos?count=15"}},
		{name: "newest videos, far pages", paths: deep("/videos?start=%d", shown)},
		{name: "local videos, far pages", paths: deep("/videos?isLocal=true&start=%d", n/2*95/100)},
		{name: "trending, hot, best", paths: []string{"/videos?sort=-trending", "/videos?sort=-hot", "/videos?sort=-best", "/videos?sort=-trending&start=490", "/videos?sort=-hot&start=5000"}},
		{name: "videos of a category", paths: append(each("/videos?categoryOneOf=%d", 1, 2, 3, 5, 8, 13, 18), deep("/videos?categoryOneOf=1&start=%d", shown*3/4/18)...)},
		{name: "videos by language and length", paths: each("/videos?languageOneOf=%v&durationMin=600&durationMax=1200&nsfw=false", "ja", "de", "_unknown", "fr", "eo")},
		{name: "videos with tags", paths: append(each("/videos?tagsOneOf=%v", "music", "cats", "the", "tokio", "音楽"), "/videos?tagsAllOf=the&tagsAllOf=of", "/videos?tagsOneOf=the&sort=-views")},
		{name: "videos with files", paths: []string{"/videos?hasHLSFiles=true", "/videos?hasWebVideoFiles=false", "/videos?hasHLSFiles=false"}},
		{name: "videos of a host", paths: each("/videos?host=h%d.example", 1, 7, 23, 49)},
		{name: "videos without a count", paths: deep("/videos?skipCount=true&start=%d", shown)},
		{name: "search videos", paths: each("/search/videos?search=%v", "music", "the", "cats+dogs", "live+concert+guitar", "音楽", "猫", "мир", "tra", "garden+of+the", "bicycel", "zzzzzz")},
		{name: "search videos, far and sorted", paths: []string{"/search/videos?search=the&start=400", "/search/videos?search=music&start=700", "/search/videos?search=of&sort=-publishedAt", "/search/videos?search=night&sort=-views&categoryOneOf=4"}},
		{name: "search channels", paths: each("/search/video-channels?search=%v", "music", "the", "channel1", "channel", "канал", "katzz")},
		{name: "search playlists", paths: each("/search/video-playlists?search=%v", "music", "the", "live", "日本", "museun")},
		{name: "overviews", paths: each("/overviews/videos?page=%d", 1, 2, 3, 5, 10)},
		{name: "videos of an account", paths: append(each("/accounts/person%d/videos", 2, 5, 7, 10), each("/accounts/person%d/videos?start=60&sort=-views", 2, 5, 7)...)},
		{name: "videos of a channel", paths: each("/video-channels/channel%d/videos?sort=-createdAt", 2, 5, 7, 10)},
		{name: "channels", paths: deep("/video-channels?start=%d", n/100/2)},
		{name: "accounts", paths: deep("/accounts?start=%d", n/20)},
		{name: "playlists", paths: deep("/video-playlists?start=%d", n/50)},
		{name: "comment threads", paths: each("/videos/%d/comment-threads?count=20", 3, 2, 7920, n/2, n-1)},
		{name: "comments of a thread", paths: threads},
		{name: "videos of a playlist", paths: each("/video-playlists/%d/videos", 2, 17, 500, n/50-1)},
		{name: "playlists and channels of an account", paths: append(each("/accounts/person%d/video-channels", 2, 5, 7), each("/accounts/person%d/video-playlists", 2, 5, 7)...)},
		{name: "playlists of a channel", paths: each("/video-channels/channel%d/video-playlists", 2, 5, 7)},
		{name: "my subscriptions", token: true, paths: append(deep("/users/me/subscriptions?start=%d", n/1000), "/users/me/subscriptions?search=channel1")},
		{name: "follows of the instance", token: true, paths: deep("/server/following?start=%d", n/200)},
		{name: "jobs", token: true, paths: []string{"/jobs", "/jobs/completed", "/jobs/failed"}},
		{name: "my videos", token: true, paths: []string{"/users/me/videos", "/users/me/videos?search=x"}},
		{name: "my subscriptions' videos", token: true, paths: append(deep("/users/me/subscriptions/videos?start=%d", n/10), "/users/me/subscriptions/videos?sort=-views")},
		{name: "all kinds of videos, signed in", token: true, paths: append(deep("/videos?start=%d", shown), "/videos?sort=-views", "/videos?sort=-views&start=900", "/videos?sort=-hot",
			"/videos?sort=-trending", "/videos?sort=-localVideoFilesSize", "/videos?categoryOneOf=5", "/videos?tagsOneOf=music", "/search/videos?search=the", "/accounts/person2/videos")},
		{name: "my history", token: true, paths: deep("/users/me/history/videos?start=%d", n/100)},
		{name: "my notifications", token: true, paths: []string{"/users/me/notifications"}},
		{name: "all comments, for moderators", token: true, paths: deep("/videos/comments?start=%d", *benchComments)},
		{name: "all videos, for moderators", token: true, paths: []string{"/videos?include=1&privacyOneOf=1&privacyOneOf=3", "/videos?include=1&privacyOneOf=3&sort=-views", "/videos?include=1&start=5000&sort=-localVideoFilesSize"}},
		{name: "users, for administrators", token: true, paths: []string{"/users", "/users?sort=-videoQuotaUsed", "/users?search=person9", "/users?start=400"}},
	}
	for _, sort := range []string{"-views", "-likes", "-comments", "name", "duration", "-createdAt", "-originallyPublishedAt"} {
		lists = append(lists, endpoint{name: "videos by " + strings.TrimPrefix(sort, "-"), paths: deep("/videos?sort="+sort+"&start=%d", shown)})
	}
	return slices.DeleteFunc(lists, func(e endpoint) bool { return !strings.Contains(e.name, *benchOnly) })
}

// TestBenchLists prints how fast every list of a large instance is, on both
// databases.
func TestBenchLists(t *testing.T) {
	if !*benchServer {
		t.Skip("run by make bench")
	}
	if *benchOrigin != "" {
		ctx := slow(t, 40*time.Minute)
		c := &rig.Client{Origin: *benchOrigin, HTTP: http.DefaultClient}
		if err := c.Login(ctx, "root", rig.Password); err != nil {
			t.Fatal(err)
		}
		measureLists(ctx, t, c, *benchOrigin)
		return
	}
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			ctx := slow(t, 40*time.Minute)
			i := startOn(ctx, t, e, map[string]any{"log.level": "warn"})
			if err := i.Stop(); err != nil {
				t.Fatal(err)
			}
			fill(ctx, t, i)
			if err := i.Launch(ctx); err != nil {
				t.Fatal(err)
			}
			measureLists(ctx, t, root(ctx, t, i), e.name)
		})
	}
}

// measureLists prints a line a list. No two requests have the same address, so
// that none is answered with what another was answered a moment before.
func measureLists(ctx context.Context, t *testing.T, c *rig.Client, name string) {
	t.Helper()
	fmt.Printf("%-36s %10s %10s %10s   (%s, %d videos, concurrency %d)\n", "list", "requests/s", "p50", "p99", name, *benchVideos, listWorkers)
	var found struct {
		Data []struct {
			ID int64 `json:"id"`
		} `json:"data"`
	}
	if err := c.Get(ctx, "/api/v1/videos/3/comment-threads?count=10", &found); err != nil || len(found.Data) == 0 {
		t.Fatalf("threads of a video: %d, %v", len(found.Data), err)
	}
	var threads []string
	for _, thread := range found.Data {
		threads = append(threads, fmt.Sprintf("/videos/3/comment-threads/%d", thread.ID))
	}
	for _, list := range listEndpoints(*benchVideos, threads) {
		token := ""
		if list.token {
			token = c.Token
		}
		urls := make([]string, len(list.paths))
		for n, p := range list.paths {
			urls[n] = c.Origin + "/api/v1" + p + "?"
			if strings.Contains(p, "?") {
				urls[n] = strings.TrimSuffix(urls[n], "?") + "&"
			}
			urls[n] += "request="
		}
		for _, u := range urls { // what is kept of lists is there after the first time
			if _, err := c.Do(ctx, http.MethodGet, u, nil, nil, nil); err != nil {
				t.Error(err)
			}
		}
		rate, p50, p99 := loadAs(ctx, t, time.Duration(*benchSeconds)*time.Second, token, "*/*", func(n int) string {
			return urls[n%len(urls)] + strconv.Itoa(n)
		})
		note := ""
		if p99 > aimP99 {
			note = fmt.Sprintf("  above %v", aimP99)
		}
		fmt.Printf("%-36s %10.0f %10s %10s%s\n", list.name, rate, round(p50), round(p99), note)
	}
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// fill seeds the database of a stopped instance.
func fill(ctx context.Context, t *testing.T, i *rig.Instance) {
	t.Helper()
	d, err := db.Open(ctx, i.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := migrations.Up(ctx, d, migrations.All()...); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = seed.Fill(ctx, d, seed.Options{Videos: *benchVideos, Comments: *benchComments, Remote: 50, Origin: i.Origin})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("seeded %d videos and %d comments in %v\n", *benchVideos, *benchComments, time.Since(began).Round(time.Second))
}
