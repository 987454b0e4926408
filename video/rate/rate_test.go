package rate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = videotest.M

func rateAs(t *testing.T, s *videotest.Site, u *videotest.User, v *catalog.Video, kind string) {
	t.Helper()
	if a := s.As(u, "PUT", "/videos/"+v.UUID+"/rate", m{"rating": kind}); a.Status != 204 {
		t.Fatalf("rate: %d %s", a.Status, a.Body)
	}
}

// counts are the likes and dislikes on a site's row.
func counts(s *videotest.Site, iri string) [2]int64 {
	v, err := s.Catalog.ByIRI(context.Background(), iri)
	if err != nil {
		return [2]int64{-1, -1}
	}
	return [2]int64{v.Likes, v.Dislikes}
}

// TestThreeInstances: bob on B changes his mind about alice's video on A, over
// and over; A counts, B and C learn the numbers from A.
func TestThreeInstances(t *testing.T) {
	run := func(t *testing.T, da, db *db.DB) {
		a, b, c := videotest.Serve(t, da, videotest.Options{}), videotest.Serve(t, db, videotest.Options{}), videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
		alice, bob := a.User("alice", rest.RoleUser), b.User("bob", rest.RoleUser)
		b.Follow(a.Instance().IRI)
		c.Follow(a.Instance().IRI)
		v := a.Publish(alice, "To be judged")
		atB := b.Await(v.IRI)
		c.Await(v.IRI)
		for _, step := range []struct {
			kind string
			want [2]int64
		}{{"like", [2]int64{1, 0}}, {"dislike", [2]int64{0, 1}}, {"none", [2]int64{0, 0}}, {"like", [2]int64{1, 0}}, {"none", [2]int64{0, 0}}, {"like", [2]int64{1, 0}}} {
			rateAs(t, b, bob, atB, step.kind)
			if got := counts(b, v.IRI); got != step.want {
				t.Errorf("%s at B: %v at once", step.kind, got)
			}
			aptest.Eventually(t, fmt.Sprint(step, " at A"), func() bool { return counts(a, v.IRI) == step.want })
		}
		rateAs(t, a, alice, v, "like") // tells nobody but by the Update
		aptest.Eventually(t, "A's numbers at B and C", func() bool {
			return counts(b, v.IRI) == [2]int64{2, 0} && counts(c, v.IRI) == [2]int64{2, 0}
		})
		if n := a.Count("outbox", "type IN ('Like', 'Dislike')"); n != 0 {
			t.Errorf("A sent %d likes", n)
		}
		if n := a.Count("outbox", "type = 'Update'"); n > 8 {
			t.Errorf("%d Updates for 7 changes", n)
		}
		likes := a.Document("/videos/watch/" + v.UUID + "/likes?page=1")
		items, ok := likes.JSON["orderedItems"].([]any)
		if !ok || len(items) != 2 || likes.JSON["totalItems"] != 2.0 || !strings.HasPrefix(fmt.Sprint(items[0]), bob.Account.IRI+"/likes/") {
			t.Errorf("likes: %s", likes.Body)
		}
		doc := b.Document(strings.TrimPrefix(fmt.Sprint(items[0]), b.Origin))
		if doc.Status != 200 || doc.JSON["type"] != "Like" || doc.JSON["actor"] != bob.Account.IRI || doc.JSON["object"] != v.IRI {
			t.Errorf("bob's like: %d %s", doc.Status, doc.Body)
		}
	}
	t.Run("sqlite", func(t *testing.T) { run(t, dbtest.SQLite(t), dbtest.SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { run(t, dbtest.Postgres(t), dbtest.Postgres(t)) })
}

// village is our instance with a video, and another server with bob.
type village struct {
	*videotest.Site
	t     *testing.T
	far   *aptest.Remote
	bob   *aptest.Actor
	alice *videotest.User
	v     *catalog.Video
}

func newVillage(t *testing.T) *village {
	t.Helper()
	w := &village{t: t, Site: videotest.Serve(t, dbtest.SQLite(t), videotest.Options{}), far: aptest.New(t)}
	w.alice, w.bob = w.User("alice", rest.RoleUser), w.far.Actor("Person", "bob")
	w.v = w.Publish(w.alice, "To be judged")
	return w
}

// deliver posts a body and waits until it is worked off.
func (w *village) deliver(by *aptest.Actor, doc any) {
	w.t.Helper()
	before := w.Count("inbox", "")
	if got := by.Post(w.Origin+"/inbox", doc); got != 204 {
		w.t.Fatalf("status %d", got)
	}
	aptest.Eventually(w.t, "an empty inbox", func() bool {
		return w.Count("inbox", "") > before && w.Count("inbox", "state NOT IN ('done', 'dropped', 'dead')") == 0
	})
}

// TestIncoming: one row an actor, whatever is sent and in whatever order.
func TestIncoming(t *testing.T) {
	w := newVillage(t)
	carl := w.far.Actor("Person", "carl")
	serial := 0
	like := func(by *aptest.Actor, kind string) m {
		serial++                                                                                                   // else two of one second are one signed request
		return by.Activity(kind, w.v.IRI, m{"id": by.IRI + "/" + strings.ToLower(kind) + "s/1", "serial": serial}) // one id always, as PeerTube
	}
	undo := func(by *aptest.Actor, kind string) m {
		return by.Activity("Undo", like(by, kind), m{"id": by.IRI + "/" + strings.ToLower(kind) + "s/1/undo"})
	}
	for _, step := range []struct {
		name string
		by   *aptest.Actor
		doc  m
		want [2]int64
	}{
		{"like", w.bob, like(w.bob, "Like"), [2]int64{1, 0}},
		{"another id", w.bob, w.bob.Activity("Like", w.v.IRI, nil), [2]int64{1, 0}},
		{"carl's", carl, like(carl, "Like"), [2]int64{2, 0}},
		{"carl undoes bob's", carl, carl.Activity("Undo", like(w.bob, "Like"), nil), [2]int64{2, 0}},
		{"dislike before the undo", w.bob, like(w.bob, "Dislike"), [2]int64{1, 1}},
		{"the undo of the like", w.bob, undo(w.bob, "Like"), [2]int64{1, 1}},
		{"undo", w.bob, undo(w.bob, "Dislike"), [2]int64{1, 0}},
		{"again, under the first id", w.bob, like(w.bob, "Like"), [2]int64{2, 0}},
		{"and undone under the first id", w.bob, undo(w.bob, "Like"), [2]int64{1, 0}},
		{"undo of nothing", w.bob, undo(w.bob, "Dislike"), [2]int64{1, 0}},
		{"like of what is not here", w.bob, w.bob.Activity("Like", w.Origin+"/videos/watch/00000000-0000-4000-8000-000000000000", nil), [2]int64{1, 0}},
		{"boost by a person", w.bob, w.bob.Activity("Announce", w.v.IRI, nil), [2]int64{1, 0}},
	} {
		t.Run(step.name, func(t *testing.T) {
			w.t = t
			w.deliver(step.by, step.doc)
			if got := counts(w.Site, w.v.IRI); got != step.want {
				t.Errorf("%v, want %v", got, step.want)
			}
			if n := w.Count("video_rates", ""); n != step.want[0]+step.want[1] {
				t.Errorf("%d rows", n)
			}
		})
	}
	w.t = t
	if n := w.Count("video_shares", "actor_id IN (SELECT id FROM actors WHERE iri = ?)", w.bob.IRI); n != 0 {
		t.Error("a person shares")
	}
	w.Edit(w.alice, w.v, m{"privacy": 3})
	w.deliver(w.bob, like(w.bob, "Like")) // SEC-18
	if got := counts(w.Site, w.v.IRI); got != [2]int64{1, 0} {
		t.Errorf("a hidden video has %v", got)
	}
}

// TestReplay: the same request, sent again after the Undo, has no effect
// (SEC-07); nor has a Like in another's name (SEC-11).
func TestReplay(t *testing.T) {
	w := newVillage(t)
	doc := w.bob.Activity("Like", w.v.IRI, m{"id": w.bob.IRI + "/likes/1"})
	body, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	first := w.bob.Request(w.Origin+"/inbox", body)
	header := first.Header.Clone()
	if got := aptest.Send(t, first); got != 204 {
		t.Fatal(got)
	}
	aptest.Eventually(t, "the like", func() bool { return counts(w.Site, w.v.IRI) == [2]int64{1, 0} })
	w.deliver(w.bob, w.bob.Activity("Undo", doc, nil))
	replay := w.bob.Request(w.Origin+"/inbox", body)
	replay.Header = header
	if got := aptest.Send(t, replay); got != 204 {
		t.Fatal(got)
	}
	jobstest.Drain(t, w.DB)
	if got := counts(w.Site, w.v.IRI); got != [2]int64{0, 0} {
		t.Errorf("after the replay: %v", got)
	}
	mallory := aptest.New(t).Actor("Person", "mallory")
	w.deliver(mallory, w.bob.Activity("Like", w.v.IRI, nil)) // its origin does not know it
	if got := counts(w.Site, w.v.IRI); got != [2]int64{0, 0} {
		t.Errorf("in another's name: %v", got)
	}
}

// TestOthersVideos: what others think of others' videos is not counted here; the
// numbers are those of the video's server (SEC-17).
func TestOthersVideos(t *testing.T) {
	w := newVillage(t)
	remote := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	owner := remote.User("owner", rest.RoleUser)
	v := remote.Publish(owner, "Elsewhere")
	rateAs(t, remote, owner, v, "dislike")
	w.Follow(remote.Instance().IRI)
	w.Await(v.IRI)
	aptest.Eventually(t, "the origin's numbers", func() bool { return counts(w.Site, v.IRI) == [2]int64{0, 1} })
	w.deliver(w.bob, w.bob.Activity("Like", v.IRI, nil))
	if got := counts(w.Site, v.IRI); got != [2]int64{0, 1} {
		t.Errorf("after bob's like: %v", got)
	}
	if n := w.Count("video_shares", "video_id IN (SELECT id FROM videos WHERE iri = ?)", v.IRI); n < 1 {
		t.Errorf("%d shares", n)
	}
}

// TestRecorded plays what PeerTube 6.3 sent, with our names in the place of
// theirs.
func TestRecorded(t *testing.T) {
	raw, err := os.ReadFile("../../activitypub/testdata/signed-requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct{ Name, Body string }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	w := newVillage(t)
	user1 := w.far.Actor("Person", "user1")
	names := strings.NewReplacer(
		"http://localhost:9012/accounts/bob", w.bob.IRI, "http://localhost:9012", w.far.Origin,
		"http://localhost:9011/videos/watch/c3b47eec-2d62-4cac-86cb-104daedde723", w.v.IRI, "http://localhost:9011", w.Origin,
		"https://gts1.test", w.far.Origin, "https://peer.test/notes/1", w.v.IRI, "https://peer.test", w.Origin,
	)
	for i, step := range []struct {
		name string
		by   *aptest.Actor
		want [2]int64
	}{
		{"peertube-6.3/Like-by-account-of-video", w.bob, [2]int64{1, 0}},
		{"peertube-6.3/Dislike-by-account-of-video", w.bob, [2]int64{0, 1}},
		{"peertube-6.3/Undo-Like-by-account", w.bob, [2]int64{0, 1}},
		{"peertube-6.3/Undo-Dislike-by-account", w.bob, [2]int64{0, 0}},
		{"peertube-6.3/Like-by-account-of-video", w.bob, [2]int64{1, 0}},
		{"gotosocial-0.20/out-like", user1, [2]int64{2, 0}},
		{"gotosocial-0.20/out-announce", user1, [2]int64{2, 0}},
		{"gotosocial-0.20/out-undo-announce", user1, [2]int64{2, 0}},
		{"gotosocial-0.20/out-undo-like", user1, [2]int64{1, 0}},
	} {
		for _, r := range all {
			if r.Name != step.name {
				continue
			}
			w.deliver(step.by, []byte(names.Replace(r.Body)+strings.Repeat(" ", i)))
			if got := counts(w.Site, w.v.IRI); got != step.want {
				t.Errorf("%s: %v, want %v", step.name, got, step.want)
			}
		}
	}
	if n := w.Count("inbox", "state <> 'done'"); n != 0 {
		t.Errorf("%d activities were not taken", n)
	}
}

func TestAPI(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := videotest.Serve(t, d, videotest.Options{Idle: true})
		alice, bob := s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser)
		v, second, hidden := s.Publish(alice, "One"), s.Publish(alice, "Two"), s.Publish(alice, "Hidden later")
		path := "/videos/" + v.UUID + "/rate"
		rating := func(u *videotest.User) any {
			return s.As(u, "GET", fmt.Sprintf("/users/me/videos/%d/rating", v.ID), nil).JSON["rating"]
		}
		if got := rating(bob); got != "none" {
			t.Errorf("rating %v", got)
		}
		for _, step := range []struct {
			kind string
			want [2]int64
		}{{"like", [2]int64{1, 0}}, {"like", [2]int64{1, 0}}, {"dislike", [2]int64{0, 1}}, {"none", [2]int64{0, 0}}, {"none", [2]int64{0, 0}}, {"like", [2]int64{1, 0}}} {
			rateAs(t, s, bob, v, step.kind)
			if got := counts(s, v.IRI); got != step.want || rating(bob) != step.kind {
				t.Errorf("%s: %v, %v", step.kind, got, rating(bob))
			}
		}
		rateAs(t, s, bob, second, "dislike")
		rateAs(t, s, bob, hidden, "like")
		s.Edit(alice, hidden, m{"privacy": 3})
		before := s.Count("video_rates", "")
		for _, c := range []struct {
			name, method, path string
			who                *videotest.User
			body               any
			status             int
		}{
			{"nobody rates", "PUT", path, nil, m{"rating": "like"}, 401},
			{"something else", "PUT", path, bob, m{"rating": "love"}, 400},
			{"absent", "PUT", path, bob, m{}, 400},
			{"number", "PUT", path, bob, m{"rating": 1}, 400},
			{"unknown video", "PUT", "/videos/999/rate", bob, m{"rating": "like"}, 404},
			{"hidden video", "PUT", "/videos/" + hidden.UUID + "/rate", bob, m{"rating": "dislike"}, 403},
			{"nobody's rating", "GET", "/users/me/videos/" + v.UUID + "/rating", nil, nil, 401},
			{"rating of an unknown video", "GET", "/users/me/videos/999/rating", bob, nil, 404},
			{"ratings of another", "GET", "/accounts/bob/ratings", alice, nil, 403},
			{"ratings for nobody", "GET", "/accounts/bob/ratings", nil, nil, 401},
			{"ratings of nobody", "GET", "/accounts/nobody/ratings", bob, nil, 404},
			{"ratings of a kind", "GET", "/accounts/bob/ratings?rating=love", bob, nil, 400},
			{"ratings in some order", "GET", "/accounts/bob/ratings?sort=name", bob, nil, 400},
		} {
			if a := s.As(c.who, c.method, c.path, c.body); a.Status != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
			}
		}
		if n := s.Count("video_rates", ""); n != before {
			t.Errorf("%d rates, had %d", n, before)
		}
		for query, want := range map[string]string{
			"": "2 Two:dislike One:like", "?sort=createdAt": "2 One:like Two:dislike", "?rating=like": "1 One:like", "?start=1": "2 One:like", "?start=5": "2",
		} {
			a := s.As(bob, "GET", "/accounts/bob/ratings"+query, nil)
			var list struct {
				Total int
				Data  []struct {
					Rating string
					Video  struct{ Name string }
				}
			}
			if err := json.Unmarshal(a.Body, &list); err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprint(list.Total)
			for _, r := range list.Data {
				got += " " + r.Video.Name + ":" + r.Rating
			}
			if got != want {
				t.Errorf("%q: %s, want %s", query, got, want)
			}
		}
		for range 2 {
			if err := s.Rates.Module().ActorDeleted(t.Context(), bob.Account); err != nil {
				t.Fatal(err)
			}
		}
		if got := counts(s, v.IRI); got != [2]int64{0, 0} || s.Count("video_rates", "") != 0 {
			t.Errorf("after bob is gone: %v", got)
		}
	})
}

// TestOurDocuments holds what we publish against a reader that shares nothing
// with the writer.
func TestOurDocuments(t *testing.T) {
	w := newVillage(t)
	remote := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	owner := remote.User("owner", rest.RoleUser)
	v := remote.Publish(owner, "Elsewhere")
	w.Follow(remote.Instance().IRI)
	here := w.Await(v.IRI)
	rateAs(t, w.Site, w.alice, here, "like")
	rateAs(t, w.Site, w.alice, here, "dislike")
	rateAs(t, w.Site, w.alice, w.v, "like")
	var rows []struct{ Raw, Type string }
	err := w.DB.Read(t.Context()).Table("outbox").Select("raw, type").Where("type IN ?", []string{"Like", "Dislike", "Undo"}).Order("id").Find(&rows).Error
	if err != nil || len(rows) != 3 || rows[0].Type+rows[1].Type+rows[2].Type != "LikeUndoDislike" {
		t.Fatalf("published: %v, %v", rows, err)
	}
	for _, r := range rows {
		for _, bad := range peertube.Check([]byte(r.Raw)) {
			t.Errorf("%s\n%s", bad, r.Raw)
		}
		var doc m
		if err := json.Unmarshal([]byte(r.Raw), &doc); err != nil {
			t.Fatal(err)
		}
		if to := fmt.Sprint(doc["to"]); to != "["+owner.Account.IRI+"]" {
			t.Errorf("%s to %s", r.Type, to)
		}
	}
	for _, part := range []string{"/likes", "/dislikes", "/likes?page=1"} {
		a := w.Document("/videos/watch/" + w.v.UUID + part)
		if a.Status != 200 {
			t.Errorf("%s: %d", part, a.Status)
		}
		for _, bad := range peertube.Check(a.Body) {
			t.Errorf("%s: %s", part, bad)
		}
	}
	if a := w.Document("/videos/watch/" + w.v.UUID + "/likes?page=x"); a.Status != 404 {
		t.Errorf("page x: %d", a.Status)
	}
	w.Edit(w.alice, w.v, m{"privacy": 3})
	like := w.Document("/videos/watch/" + w.v.UUID + "/likes")
	if like.Status != 404 {
		t.Errorf("likes of a hidden video: %d", like.Status)
	}
}
