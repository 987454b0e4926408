package videotest_test

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = videotest.M

// nowhere is a UUID that no video has.
const nowhere = "00000000-0000-4000-8000-0000000000aa"

// reaction is something that another server does to a video, and the rows that
// come of it.
type reaction struct {
	name, table string
	make        func(far *crew, target string) (*aptest.Actor, m)
}

// crew are the people of another server, each with one key.
type crew struct {
	*aptest.Remote
	known map[string]*aptest.Actor
}

func (c *crew) actor(kind, name string) *aptest.Actor {
	if c.known[name] == nil {
		c.known[name] = c.Actor(kind, name)
	}
	return c.known[name]
}

var reactions = []reaction{
	{"Like", "video_rates", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Person, "liker")
		return by, by.Activity("Like", target, nil)
	}},
	{"Dislike", "video_rates", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Person, "disliker")
		return by, by.Activity("Dislike", target, nil)
	}},
	{"Create of a Note", "comments", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Person, "talker")
		id := by.IRI + "/notes/" + target[len(target)-8:]
		return by, by.Activity("Create", m{
			"type": "Note", "id": id, "attributedTo": by.IRI, "inReplyTo": target, "content": "<p>Hello</p>", "url": id,
			"published": "2026-01-02T03:04:05Z", "to": []string{"https://www.w3.org/ns/activitystreams#Public"},
		}, nil)
	}},
	{"Announce", "video_shares", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Application, "sharer")
		return by, by.Activity("Announce", target, nil)
	}},
	{"View of one who watches", "video_viewers", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Application, "viewer")
		return by, by.Activity("View", target, m{"expires": time.Now().Add(time.Minute).UTC().Format(time.RFC3339)})
	}},
	{"View", "video_views", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Application, "viewer")
		return by, by.Activity("View", target, nil)
	}},
	{"Flag", "abuses", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Person, "reporter")
		return by, by.Activity("Flag", target, m{"content": "bad"})
	}},
	{"Create of a WatchAction", "watch_actions", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Application, "viewer")
		return by, by.Activity("Create", m{
			"type": "WatchAction", "id": far.Origin + "/videos/local-viewer/" + target[len(target)-8:], "duration": "PT15S",
			"startTime": "2026-01-01T00:00:00Z", "endTime": "2026-01-01T00:01:00Z", "object": target,
			"uuid": "cab6455c-9ba9-4f62-9db4-d89349c1f002", "actionStatus": "CompletedActionStatus",
			"watchSections": []m{{"startTimestamp": 0, "endTimestamp": 15}},
		}, nil)
	}},
	{"Create of a CacheFile", "redundancies", func(far *crew, target string) (*aptest.Actor, m) {
		by := far.actor(actor.Application, "mirror")
		return by, by.Activity("Create", m{
			"type": "CacheFile", "id": far.Origin + "/redundancy/" + target[len(target)-8:], "object": target,
			"expires": time.Now().Add(time.Hour).UTC().Format(time.RFC3339),
			"url":     m{"type": "Link", "mediaType": "application/x-mpegURL", "href": far.Origin + "/static/" + target[len(target)-8:]},
		}, nil)
	}},
}

// parts are the documents below a video.
var parts = []string{
	"", "/activity", "/announces", "/announces?page=1", "/likes", "/likes?page=1", "/dislikes", "/comments", "/comments?page=1", "/chapters",
}

// TestSEC18HiddenVideos: what others do to a video that not all may see is
// answered as for one that is not there, and leaves nothing behind; its documents
// are not there either. The public twin takes it all.
func TestSEC18HiddenVideos(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{Others: true})
		far, alice := &crew{aptest.New(t), map[string]*aptest.Actor{}}, s.User("alice", rest.RoleUser)
		targets := map[string]string{"absent": s.Origin + "/videos/watch/" + nowhere}
		for name, set := range map[string]string{
			"private": "privacy = 3", "internal": "privacy = 4", "protected by a password": "privacy = 5", "not ready": "state = 2",
		} {
			v := s.Publish(alice, name)
			s.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET "+set+" WHERE id = ?", v.ID).Error })
			targets[name] = v.IRI
		}
		twin := s.Publish(alice, "public")
		rows := map[string]int64{}
		count := func(table string) int64 {
			if table == "video_shares" { // ours are shared by us, too
				return s.Count(table, "actor_id IN (SELECT id FROM actors WHERE host <> '')")
			}
			return s.Count(table, "")
		}
		for _, r := range reactions {
			t.Run(r.name, func(t *testing.T) {
				want := answer{}
				for _, name := range []string{"absent", "private", "internal", "protected by a password", "not ready"} {
					by, act := r.make(far, targets[name])
					got := deliver(t, s, by, act)
					if want.status == 0 {
						want = got
					}
					if got != want || got.status != http.StatusNoContent {
						t.Errorf("%s: %+v, for an absent one %+v", name, got, want)
					}
				}
				settled(t, s)
				if n := count(r.table); n != rows[r.table] {
					t.Errorf("%d rows, want %d", n, rows[r.table])
				}
				by, act := r.make(far, twin.IRI)
				if got := deliver(t, s, by, act); got != want {
					t.Errorf("public: %+v, want %+v", got, want)
				}
				settled(t, s)
				if n := count(r.table); n != rows[r.table]+1 {
					t.Errorf("public: %d rows, want %d", n, rows[r.table]+1)
				}
				rows[r.table]++
			})
		}
		t.Run("documents", func(t *testing.T) {
			for _, part := range parts {
				if got := s.Document("/videos/watch/" + twin.UUID + part); got.Status != http.StatusOK {
					t.Errorf("public%s: %d", part, got.Status)
				}
				absent := s.Document("/videos/watch/" + nowhere + part)
				for name, iri := range targets {
					got := s.Document(strings.TrimPrefix(iri, s.Origin) + part)
					if got.Status != http.StatusNotFound || absent.Status != http.StatusNotFound || len(got.Body) != len(absent.Body) {
						t.Errorf("%s%s: %d %s, absent: %d %s", name, part, got.Status, got.Body, absent.Status, absent.Body)
					}
				}
			}
		})
	})
}

// TestSEC18HiddenAgain: a video that was public and is private now has no
// documents of comments and rates any more, until it is public again.
func TestSEC18HiddenAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{})
		alice := s.User("alice", rest.RoleUser)
		v := s.Publish(alice, "shy")
		said := s.As(alice, "POST", "/videos/"+v.UUID+"/comment-threads", m{"text": "first"})
		if said.Status != http.StatusOK {
			t.Fatalf("comment: %d %s", said.Status, said.Body)
		}
		note := strings.TrimPrefix(said.JSON["comment"].(m)["url"].(string), s.Origin)
		number := note[strings.LastIndexByte(note, '/'):]
		look := func(want int) {
			t.Helper()
			for _, part := range []string{"", "/activity", "/approve-reply"} {
				got := s.Document(note + part)
				absent := s.Document("/videos/watch/" + nowhere + "/comments" + number + part)
				if got.Status != want || want == http.StatusNotFound && len(got.Body) != len(absent.Body) {
					t.Errorf("%s: %d %s, absent: %s", part, got.Status, got.Body, absent.Body)
				}
			}
			page := s.Ask(nil, "GET", note, nil)
			if found := page.Status == http.StatusFound; found != (want == http.StatusOK) {
				t.Errorf("page of the comment: %d", page.Status)
			}
		}
		look(http.StatusOK)
		s.Edit(alice, v, m{"privacy": 3})
		look(http.StatusNotFound)
		s.Edit(alice, v, m{"privacy": 1})
		look(http.StatusOK)
	})
}

// answer is what a sender sees of an answer besides its headers of date.
type answer struct {
	status, length int
	kind           string
}

func deliver(t *testing.T, s *videotest.Site, by *aptest.Actor, act m) answer {
	t.Helper()
	resp, err := http.DefaultClient.Do(by.Request(s.Origin+"/inbox", maps.Clone(act)))
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	_, err = io.Copy(&body, resp.Body)
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, body.Len(), resp.Header.Get("Content-Type")}
}

// settled waits until what came in is worked off.
func settled(t *testing.T, s *videotest.Site) {
	t.Helper()
	aptest.Eventually(t, "an empty inbox", func() bool {
		return s.Count("inbox", "state NOT IN ('done', 'dropped', 'dead')") == 0
	})
}
