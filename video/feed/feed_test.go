package feed_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/feed"
	"github.com/kinemesh/kinemesh/web/rest"
)

const feedToken = "0f1900d2-da3c-4cde-a231-d4edbfeab2e3"

type world struct {
	*catalogtest.World
	alice, bob *catalogtest.User
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{World: catalogtest.New(t, d)}
	w.alice, w.bob = w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
	w.Routes = feed.New(feed.Options{
		DB: d, Catalog: w.Catalog, Listing: w.Listing,
		Channels: channel.New(channel.Options{
			DB: d, Actors: w.Actors, Logger: slog.New(slog.DiscardHandler), Pictures: picture.New(picture.Options{DB: d}),
		}),
		Comments:   comment.New(comment.Options{DB: d, Catalog: w.Catalog, Channels: w.Options.Channels}),
		Instance:   func() (name, description string) { return "Tests & <b>trials</b>", "A server" },
		VideoCount: func() int { return 3 }, CommentCount: func() int { return 2 },
		Subscriber: func(_ context.Context, accountID int64, token string) error {
			if accountID != w.bob.AccountID || token != feedToken {
				return fmt.Errorf("feed: %w", db.ErrNotFound)
			}
			return nil
		},
	}).Routes
	return w
}

// hostile is a text that ends whatever it stands in.
const hostile = `]]></title></script><script>alert("1 & 2")</script>` + "\u2028\u0001"

// full is a video with all that feeds tell of.
func (w *world) full(u *catalogtest.User, name string, at time.Time) *catalog.Video {
	w.T.Helper()
	category, licence, language := 15, 1, "en"
	v := w.Video(u, name, func(n *catalog.NewVideo) {
		n.Attributes.Description = "A *test* video with [a link](https://example.com) & " + hostile + "\n\n00:00 Begin\n00:05 Middle\n00:10 End"
		n.Attributes.Category, n.Attributes.Licence, n.Attributes.Language, n.Attributes.NSFW = &category, &licence, &language, false
	})
	w.WithFiles(v)
	w.Insert("video_captions", map[string]any{"video_id": v.ID, "language": "en", "filename": v.UUID + "-en.vtt", "stored": true})
	w.Tx(func(tx *db.Tx) error {
		return tx.Exec("UPDATE videos SET state = 1, published_at = ?, views = 7 WHERE id = ?", at, v.ID).Error
	})
	return w.Reload(v.ID)
}

func (w *world) comment(v *catalog.Video, by *catalogtest.User, text string, at time.Time, more ...any) int64 {
	w.T.Helper()
	row := map[string]any{
		"iri": fmt.Sprint(v.IRI, "/comments/", text), "video_id": v.ID, "actor_id": by.ActorID, "local": true, "text": text, "thread_id": 0,
		"created_at": at, "updated_at": at,
	}
	for i := 0; i+1 < len(more); i += 2 {
		row[more[i].(string)] = more[i+1]
	}
	id := w.Insert("comments", row)
	w.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE comments SET thread_id = id WHERE id = ?", id).Error })
	return id
}

func (w *world) get(path string, header ...string) catalogtest.Answer {
	w.T.Helper()
	return w.Do(nil, "GET", path, nil, header...)
}

var install sync.Once

// read has a feed read by packages that feed readers are made of.
func read(t *testing.T, kind string, body []byte) map[string]any {
	t.Helper()
	dir, err := filepath.Abs("../../e2e/npm")
	if err != nil {
		t.Fatal(err)
	}
	install.Do(func() {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", "feedsmith")); err == nil {
			return
		}
		cmd := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--silent", "--ignore-scripts")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v %s", err, out)
		}
	})
	cmd := exec.Command("node", "feeds.mjs", kind)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(string(body))
	out, err := cmd.Output()
	if err != nil {
		exit, _ := errors.AsType[*exec.ExitError](err)
		t.Fatalf("%s feed: %v %s\n%s", kind, err, exit.Stderr, body)
	}
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// dig follows names and numbers into a value.
func dig(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func TestFeedsAreRead(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
		v := w.full(w.alice, "Film "+hostile, noon)
		w.full(w.alice, "Older", noon.Add(-time.Hour))
		watch := catalogtest.Origin + "/w/" + v.ShortUUID()
		id := v.UUID
		for _, c := range []struct {
			kind, path, content string
			want                map[string][]any // value: its place
		}{
			{"rss", "/feeds/videos.xml", "application/xml; charset=utf-8", map[string][]any{
				"Tests & <b>trials</b>": {"title"}, "A server": {"description"}, catalogtest.Origin + "/feeds/videos.xml": {"atom", "links", 0, "href"},
				watch: {"items", 0, "link"}, "Science & Technology": {"items", 0, "categories", 0, "name"}, "Older": {"items", 1, "title"},
				"680948": {"items", 0, "enclosures", 0, "length"}, "alice_channel shown": {"items", 0, "dc", "creators", 0},
				"7": {"items", 0, "media", "community", "statistics", "views"},
			}},
			{"atom", "/feeds/videos.atom?accountName=alice", "application/atom+xml; charset=utf-8", map[string][]any{
				"alice shown": {"title", "value"}, watch: {"entries", 0, "id"}, "2026-05-04T12:00:00.000Z": {"updated"}, "Older": {"entries", 1, "title", "value"},
			}},
			{"json", "/feeds/videos.json?videoChannelName=alice_channel", "application/json; charset=utf-8", map[string][]any{
				"alice_channel shown": {"title"}, watch: {"items", 0, "url"}, "Older": {"items", 1, "title"},
				catalogtest.Origin + "/lazy-static/torrents/" + id + "-720.torrent": {"items", 0, "attachments", 0, "url"},
			}},
			{"podcast", fmt.Sprint("/feeds/podcast/videos.xml?videoChannelId=", w.alice.ChannelID), "application/rss+xml; charset=utf-8", map[string][]any{
				"alice_channel shown": {"title"}, "video": {"medium"}, watch: {"items", 0, "guid"}, "video/mp4": {"items", 0, "enclosure", "type"},
				catalogtest.Origin + "/lazy-static/video-captions/" + id + "-en.vtt": {"items", 0, "podcastTranscripts", 0, "url"},
				catalogtest.Origin + "/feeds/podcast/chapters/" + id + ".json":       {"items", 0, "podcastChapters", "url"},
				"application/json+chapters":                                          {"items", 0, "podcastChapters", "type"},
				catalogtest.Origin + "/static/web-videos/" + id + "-web-720.mp4":     {"items", 0, "alternativeEnclosures", 0, "source", 0, "uri"},
				catalogtest.Origin + "/a/alice":                                      {"items", 0, "podcastSocialInteraction", 0, "profileUrl"},
				"20":                                                                 {"items", 0, "duration"},
			}},
		} {
			a := w.get(c.path)
			if a.Status != 200 || a.Header.Get("Content-Type") != c.content || a.Header.Get("Cache-Control") != "max-age=900" {
				t.Errorf("%s: %d %v %s", c.path, a.Status, a.Header, a.Body)
				continue
			}
			got := read(t, c.kind, a.Body)
			for value, path := range c.want {
				if found := dig(got, path...); fmt.Sprint(found) != value {
					part := got
					if len(path) > 2 {
						part, _ = dig(got, path[:2]...).(map[string]any)
					}
					t.Errorf("%s: %v is %v, want %s in %v", c.path, path, found, value, part)
				}
			}
			if strings.Contains(string(a.Body), "<script") || (c.kind == "json" && strings.Contains(string(a.Body), "\u2028")) {
				t.Errorf("%s: a script or a line separator gets through (SEC-39): %s", c.path, a.Body)
			}
			etag := a.Header.Get("ETag")
			if again := w.get(c.path, "If-None-Match", etag); again.Status != 304 || len(again.Body) > 0 {
				t.Errorf("%s: the same again: %d", c.path, again.Status)
			}
		}
		// The chapters of the description, as players read them.
		chapters := w.get("/feeds/podcast/chapters/" + id + ".json").JSON(t)
		if dig(chapters, "version") != "1.2.0" || dig(chapters, "chapters", 1, "startTime") != 5.0 || dig(chapters, "chapters", 1, "title") != "Middle" {
			t.Errorf("chapters: %v", chapters)
		}
	})
}

// What a feed holds, and of whom.
func TestWhatFeedsHold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		noon := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
		for i := range 4 {
			w.full(w.alice, fmt.Sprint("Alice ", i), noon.Add(time.Duration(i)*time.Hour))
		}
		bobs := w.full(w.bob, "Bob", noon.Add(30*time.Minute))
		hidden := w.full(w.bob, "Hidden", noon.Add(9*time.Hour))
		w.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET privacy = 3 WHERE id = ?", hidden.ID).Error })
		w.comment(bobs, w.alice, "first", noon)
		w.comment(bobs, w.bob, "second", noon.Add(time.Minute))
		w.comment(bobs, w.alice, "third", noon.Add(2*time.Minute))
		w.comment(bobs, w.alice, "held", noon.Add(3*time.Minute), "held", true)
		w.comment(bobs, w.alice, "deleted", noon.Add(3*time.Minute), "deleted_at", noon)
		w.comment(hidden, w.bob, "below a hidden one", noon.Add(4*time.Minute))
		w.Insert("follows", map[string]any{"follower_id": w.bob.ActorID, "target_id": w.alice.ChannelActorID, "state": "accepted", "iri": "https://videos.example/f/1"})
		for path, want := range map[string]string{
			"/feeds/videos.json":                                                                      "[Alice 3 Alice 2 Alice 1]",
			"/feeds/videos.json?sort=name":                                                            "[Alice 0 Alice 1 Alice 2]",
			"/feeds/videos.json?accountName=bob":                                                      "[Bob]",
			"/feeds/videos.json?accountName=bob@videos.example":                                       "[Bob]",
			fmt.Sprint("/feeds/videos.json?accountId=", w.bob.AccountID):                              "[Bob]",
			fmt.Sprint("/feeds/videos.json?videoChannelId=", w.bob.ChannelID):                         "[Bob]",
			"/feeds/videos.json?isLocal=false":                                                        "[]",
			"/feeds/video-comments.json":                                                              "[Bob - alice shown Bob - bob shown]",
			"/feeds/video-comments.json?videoId=" + bobs.UUID:                                         "[Bob - alice shown Bob - bob shown]",
			"/feeds/video-comments.json?accountName=bob":                                              "[Bob - alice shown Bob - bob shown]",
			fmt.Sprint("/feeds/video-comments.json?videoChannelId=", w.alice.ChannelID):               "[]",
			fmt.Sprint("/feeds/subscriptions.json?accountId=", w.bob.AccountID, "&token=", feedToken): "[Alice 3 Alice 2 Alice 1]",
		} {
			a := w.get(path)
			if a.Status != 200 {
				t.Errorf("%s: %d %s", path, a.Status, a.Body)
				continue
			}
			titles := []any{}
			for _, i := range a.JSON(t)["items"].([]any) {
				titles = append(titles, dig(i, "title"))
			}
			if fmt.Sprint(titles) != want {
				t.Errorf("%s: %v, want %s", path, titles, want)
			}
			if private := strings.HasPrefix(a.Header.Get("Cache-Control"), "private"); private != strings.Contains(path, "token=") {
				t.Errorf("%s: Cache-Control %q", path, a.Header.Get("Cache-Control"))
			}
		}
	})
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	v := w.full(w.alice, "Film", time.Now())
	mine := fmt.Sprint("?accountId=", w.bob.AccountID, "&token=")
	for path, want := range map[string]int{
		"/feeds/videos.doc":                                                        400,
		"/feeds/playlists.xml":                                                     404,
		"/feeds/videos.xml?sort=password":                                          400,
		"/feeds/videos.xml?accountName=nobody":                                     404,
		"/feeds/videos.xml?accountId=999":                                          404,
		"/feeds/videos.xml?accountId=x":                                            400,
		"/feeds/videos.xml?videoChannelId=999":                                     404,
		"/feeds/videos.xml?videoChannelName=none":                                  404,
		"/feeds/videos.xml?privacyOneOf=3":                                         401,
		"/feeds/video-comments.xml?videoId=999":                                    404,
		"/feeds/video-comments.xml?videoId=" + v.UUID + "&accountName=alice":       400,
		"/feeds/subscriptions.xml":                                                 400,
		"/feeds/subscriptions.xml" + mine:                                          400,
		"/feeds/subscriptions.xml" + mine + "00000000-0000-0000-0000-000000000000": 403,
		fmt.Sprint("/feeds/subscriptions.xml?accountId=", w.alice.AccountID, "&token=", feedToken): 403,
		"/feeds/subscriptions.xml?accountId=999&token=" + feedToken:                                404,
		"/feeds/podcast/videos.xml":                    400,
		"/feeds/podcast/videos.xml?videoChannelId=999": 404,
		"/feeds/podcast/chapters/999.json":             404,
		"/feeds/podcast/chapters/" + v.UUID:            404,
	} {
		if a := w.get(path); a.Status != want {
			t.Errorf("%s: %d %s, want %d", path, a.Status, a.Body, want)
		}
	}
	for accept, want := range map[string]int{
		"": 200, "*/*": 200, "application/*": 200, "text/html, application/xml;q=0.9": 200, "application/atom+xml": 200, "text/html": 406, "image/png": 406,
	} {
		if a := w.get("/feeds/videos.atom", "Accept", accept); a.Status != want {
			t.Errorf("Accept %q: %d, want %d", accept, a.Status, want)
		}
	}
}

// avatar gives an actor a picture.
func (w *world) avatar(actorID int64, name string) {
	w.T.Helper()
	w.Tx(func(tx *db.Tx) error {
		return tx.Exec("INSERT INTO actor_pictures (actor_id, kind, name, extension, sizes, remote_url, stored, created_at, updated_at) VALUES (?, 1, ?, '.png', '600x600 120x120', '', TRUE, ?, ?)",
			actorID, name, db.Now(), db.Now()).Error
	})
}

// The picture of a feed is that of whom it is about, else that of the server, else
// the mark of the pages, which players of podcasts do not show.
func TestPictures(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	podcast := func(u *catalogtest.User) string {
		return fmt.Sprint("/feeds/podcast/videos.xml?videoChannelId=", u.ChannelID)
	}
	rss, atom, cover := "<image><title>%s</title><url>"+catalogtest.Origin+"%s</url>", "<logo>"+catalogtest.Origin+"%[2]s</logo>", `<itunes:image href="`+catalogtest.Origin+`%[2]s">`
	check := func(path, element, title, picture string) {
		t.Helper()
		if body, want := string(w.get(path).Body), fmt.Sprintf(element, title, picture); !strings.Contains(body, want) {
			t.Errorf("%s lacks %s: %.1500s", path, want, body)
		}
	}
	server, icon := "Tests &amp; &lt;b&gt;trials&lt;/b&gt;", "/favicon.svg"
	check("/feeds/videos.xml", rss, server, icon)
	check("/feeds/videos.atom", atom, "", icon)
	if body := string(w.get(podcast(w.alice)).Body); !strings.Contains(body, "<podcast:guid>") || strings.Contains(body, "<image>") || strings.Contains(body, icon) {
		t.Errorf("a podcast has an icon: %s", body)
	}
	w.avatar(w.alice.ChannelActorID, "alice")
	for _, path := range []string{podcast(w.alice), "/feeds/videos.xml?videoChannelName=alice_channel"} {
		check(path, rss, "alice_channel shown", "/lazy-static/avatars/alice-600.png")
	}
	check(podcast(w.alice), cover, "", "/lazy-static/avatars/alice-600.png")
	check("/feeds/videos.xml", rss, server, icon)
	w.avatar(w.Instance, "ours")
	check("/feeds/videos.xml", rss, server, "/lazy-static/avatars/ours-600.png")
	check("/feeds/video-comments.atom", atom, "", "/lazy-static/avatars/ours-600.png")
	check("/feeds/videos.atom?accountName=bob", atom, "", "/lazy-static/avatars/ours-600.png")
	check(podcast(w.bob), cover, "", "/lazy-static/avatars/ours-600.png")
	check(podcast(w.alice), cover, "", "/lazy-static/avatars/alice-600.png")
}

// The elements of PeerTube's own feeds are there, with their attributes.
func TestElementsArePeerTubes(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t))
	v := w.full(w.alice, "Film", time.Now())
	w.comment(v, w.bob, "hello", time.Now())
	w.avatar(w.alice.ChannelActorID, "alice")
	for recorded, path := range map[string]string{
		"feeds-videos.xml": "/feeds/videos.xml", "feeds-videos-atom.xml": "/feeds/videos.atom", "feeds-comments.xml": "/feeds/video-comments.xml",
		"feeds-podcast.xml": fmt.Sprint("/feeds/podcast/videos.xml?videoChannelId=", w.alice.ChannelID),
	} {
		file, err := os.Open(filepath.Join("testdata", recorded))
		if err != nil {
			t.Fatal(err)
		}
		want, got := elements(t, file), elements(t, strings.NewReader(string(w.get(path).Body)))
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		for e := range want {
			if !got[e] && !left[e] {
				t.Errorf("%s has no %s", path, e)
			}
		}
	}
}

// left are elements of PeerTube's that ours leave out, each for a reason.
var left = map[string]bool{
	"feed/icon":               true, // the same as the logo
	"feed/entry/summary@type": true, // ours is plain text, which is the default
	"rss/channel/owner/email": true, // empty there
}

// elements are the paths of all elements, and with @ their attributes.
func elements(t *testing.T, r io.Reader) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	var path []string
	for d := xml.NewDecoder(r); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		switch x := token.(type) {
		case xml.StartElement:
			path = append(path, x.Name.Local)
			at := strings.Join(path, "/")
			out[at] = true
			for _, a := range x.Attr {
				namespace, plain := a.Name.Space == "xmlns" || a.Name.Local == "xmlns", x.Name.Local == "title" && a.Name.Local == "type"
				if !namespace && !plain {
					out[at+"@"+a.Name.Local] = true
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
}
