package notify_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type site struct {
	*videotest.Site
	t *testing.T
}

func serve(t *testing.T, d *db.DB) *site {
	t.Helper()
	return &site{videotest.Serve(t, d, videotest.Options{Notify: true}), t}
}

// list is what a user is told, oldest first, once everything is done.
func (s *site) list(u *videotest.User) []map[string]any {
	s.t.Helper()
	jobstest.Drain(s.t, s.DB)
	a := s.As(u, "GET", "/users/me/notifications?sort=createdAt&count=100", nil)
	if a.Status != 200 {
		s.t.Fatalf("list: %d %s", a.Status, a.Body)
	}
	var out struct{ Data []map[string]any }
	if err := json.Unmarshal(a.Body, &out); err != nil {
		s.t.Fatal(err)
	}
	return out.Data
}

// told is the list in short: the type of each, and the names of what it is about.
func (s *site) told(u *videotest.User) []string {
	s.t.Helper()
	out := []string{}
	for _, n := range s.list(u) {
		var words []string
		for _, path := range []string{
			"comment.account.name", "comment.video.name", "comment.heldForReview", "video.channel.name", "video.name", "videoBlacklist.video.name",
			"abuse.state", "abuse.video.name", "abuse.comment.video.name", "abuse.account.name", "actorFollow.follower.name", "actorFollow.following.name",
		} {
			var at any = n
			for key := range strings.SplitSeq(path, ".") {
				m, _ := at.(map[string]any)
				at = m[key]
			}
			if at != nil && at != false {
				words = append(words, fmt.Sprint(at))
			}
		}
		out = append(out, strings.TrimSpace(fmt.Sprint(n["type"], " ", strings.Join(words, " "))))
	}
	slices.Sort(out)
	return out
}

func (s *site) want(u *videotest.User, what string, want ...string) {
	s.t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(append([]string{}, want...), s.told(u)); diff != "" {
		s.t.Errorf("%s, %s is told: %s", what, u.Username, diff)
	}
}

// do calls the API and wants success.
func (s *site) do(u *videotest.User, method, path string, body any) aptest.Answer {
	s.t.Helper()
	a := s.As(u, method, path, body)
	if a.Status/100 != 2 {
		s.t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a
}

// say writes a comment and returns its id.
func (s *site) say(u *videotest.User, v *catalog.Video, text string) int64 {
	s.t.Helper()
	a := s.do(u, "POST", "/videos/"+v.UUID+"/comment-threads", videotest.M{"text": text})
	return int64(a.JSON["comment"].(map[string]any)["id"].(float64))
}

func (s *site) follow(u *videotest.User, target *actor.Actor) {
	s.t.Helper()
	s.Tx(func(tx *db.Tx) error {
		_, _, err := s.Engine.Actors.SaveFollow(tx, u.Account, target, actor.Accepted, "https://follow.test/"+u.Username+target.Username)
		return err
	})
}

// TestComments: the owner of a video hears of comments below it, people hear when
// they are called, nobody of what they may not read, did themselves or muted.
func TestComments(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		ann, ben, cia := s.User("ann", rest.RoleUser), s.User("ben", rest.RoleUser), s.User("cia", rest.RoleUser)
		v := s.Publish(ann, "Low tide")
		first := s.say(ben, v, "hello @cia and @ann and @ben and @nobody")
		s.say(ann, v, "mine")
		s.want(ann, "after two comments", "2 ben Low tide") // not of her own, nor twice of one that calls her
		s.want(cia, "called", "11 ben Low tide")
		s.want(ben, "after his own")
		if diff := cmp.Diff(shape(recorded(t, 2)), shape(s.list(ann)[0])); diff != "" {
			t.Errorf("not in PeerTube's form: %s", diff)
		}
		s.do(ben, "DELETE", fmt.Sprintf("/videos/%s/comments/%d", v.UUID, first), nil)
		s.want(ann, "after it was deleted", "2") // as PeerTube does
		s.want(cia, "after it was deleted", "11")

		s.Edit(ann, v, videotest.M{"commentsPolicy": catalog.CommentsApproval})
		held := s.say(ben, v, "please, @cia")
		s.want(ann, "one is held", "2", "2 ben Low tide true")
		s.want(cia, "one is held", "11")
		s.do(ann, "POST", fmt.Sprintf("/videos/%s/comments/%d/approve", v.UUID, held), nil)
		s.want(ann, "it is approved", "2", "2 ben Low tide")
		s.want(cia, "it is approved", "11", "11 ben Low tide")

		s.Edit(ann, v, videotest.M{"privacy": catalog.Private})
		s.want(cia, "the video is private", "11", "11")
		s.Edit(ann, v, videotest.M{"privacy": catalog.Public, "commentsPolicy": catalog.CommentsEnabled})
		for _, u := range []*videotest.User{ann, cia} {
			s.do(u, "POST", "/users/me/blocklist/accounts", videotest.M{"accountName": "ben"})
		}
		before := s.told(ann)
		s.say(ben, v, "and again @cia")
		s.want(ann, "ben is muted", before...)
		s.want(cia, "ben is muted", "11", "11 ben Low tide")
	})
}

// TestVideos: subscribers hear of a video once, when everybody may see it, and
// are shown it as long as they may; owners hear what moderators do.
func TestVideos(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		ann, ben, mod := s.User("ann", rest.RoleUser), s.User("ben", rest.RoleUser), s.User("mod", rest.RoleModerator)
		s.follow(ben, ann.Channel)
		s.want(ann, "followed", "10 ben ann_channel")
		v := s.Publish(ann, "Low tide") // private first
		s.want(ben, "published", "1 ann_channel Low tide")
		s.want(mod, "published")
		if diff := cmp.Diff(shape(recorded(t, 6)), shape(s.list(ben)[0])); diff != "" { // as of one's own
			t.Errorf("not in PeerTube's form: %s", diff)
		}
		s.Edit(ann, v, videotest.M{"privacy": catalog.Private})
		s.want(ben, "private again", "1")
		s.Edit(ann, v, videotest.M{"privacy": catalog.Public})
		s.want(ben, "public again", "1 ann_channel Low tide")

		s.do(mod, "POST", "/videos/"+v.UUID+"/blacklist", videotest.M{"reason": "not good"})
		s.want(ann, "blocked", "10 ben ann_channel", "4 Low tide")
		s.want(ben, "blocked", "1")
		s.do(mod, "DELETE", "/videos/"+v.UUID+"/blacklist", nil)
		s.want(ann, "unblocked", "10 ben ann_channel", "4", "5 ann_channel Low tide")
		s.want(ben, "unblocked", "1 ann_channel Low tide")

		s.Config.AutoBlacklist.Videos.OfUsers.Enabled = true
		s.Publish(ann, "High tide")
		s.want(ben, "one waits for review", "1 ann_channel Low tide")
		s.want(mod, "one waits for review", "12 High tide")
		var id int64
		s.Tx(func(tx *db.Tx) error { return tx.Raw("SELECT id FROM videos WHERE name = 'High tide'").Scan(&id).Error })
		s.do(mod, "DELETE", fmt.Sprintf("/videos/%d/blacklist", id), nil)
		s.want(ben, "it was let through", "1 ann_channel High tide", "1 ann_channel Low tide")
		s.want(ann, "it was let through", "10 ben ann_channel", "4", "5 ann_channel Low tide", "6 ann_channel High tide")

		s.do(ann, "DELETE", "/videos/"+v.UUID, nil)
		s.want(ben, "one is deleted", "1 ann_channel High tide")
		s.want(ann, "one is deleted", "10 ben ann_channel", "6 ann_channel High tide")
	})
}

// TestReports: moderators hear of reports, both sides of messages, reporters of
// what became of theirs; what others reported is shown to nobody else.
func TestReports(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		ann, ben := s.User("ann", rest.RoleUser), s.User("ben", rest.RoleUser)
		mod, other := s.User("mod", rest.RoleModerator), s.User("other", rest.RoleModerator)
		v := s.Publish(ann, "Low tide")
		comment := s.say(ann, v, "rude")
		report := func(u *videotest.User, body videotest.M) int64 {
			t.Helper()
			body["reason"] = "I do not like it"
			return int64(s.do(u, "POST", "/abuses", body).JSON["abuse"].(map[string]any)["id"].(float64))
		}
		first := report(ben, videotest.M{"video": videotest.M{"id": v.ID}})
		report(ben, videotest.M{"comment": videotest.M{"id": comment}})
		report(mod, videotest.M{"account": videotest.M{"id": ann.AccountID}})
		s.want(ann, "reported") // a reported user hears nothing
		s.want(ben, "after reporting")
		s.want(mod, "three reports", "3 1 Low tide", "3 1 Low tide")
		s.want(other, "three reports", "3 1 Low tide", "3 1 Low tide", "3 1 ann")

		s.do(mod, "POST", fmt.Sprintf("/abuses/%d/messages", first), videotest.M{"message": "why?"})
		s.do(ben, "POST", fmt.Sprintf("/abuses/%d/messages", first), videotest.M{"message": "because"})
		s.want(ben, "asked", "16 1 Low tide")
		s.want(mod, "answered", "16 1 Low tide", "3 1 Low tide", "3 1 Low tide")
		s.do(mod, "PUT", fmt.Sprintf("/abuses/%d", first), videotest.M{"state": 3})
		s.want(ben, "accepted", "15 3 Low tide", "16 3 Low tide")
		s.do(mod, "PUT", fmt.Sprintf("/abuses/%d", first), videotest.M{"moderationComment": "seen"})
		s.want(ben, "a note changes", "15 3 Low tide", "16 3 Low tide")
		s.do(mod, "DELETE", fmt.Sprintf("/abuses/%d", first), nil)
		s.want(ben, "the report is gone", "15", "16")
	})
}

// TestAcross: people hear what happens on other servers: a subscriber of a new
// video there, an owner of a comment and a follower from there. What is fetched
// because somebody begins to follow is no news.
func TestAcross(t *testing.T) {
	here, there := serve(t, dbtest.SQLite(t)), serve(t, dbtest.SQLite(t))
	ann, ben := here.User("ann", rest.RoleUser), there.User("ben", rest.RoleUser)
	old := here.Publish(ann, "Old")
	here.Tx(func(tx *db.Tx) error {
		return tx.Model(&catalog.Video{}).Where("id = ?", old.ID).UpdateColumn("published_at", db.Now().AddDate(0, -1, 0)).Error
	})
	if err := there.Engine.Follow(t.Context(), ben.Account, ann.Channel.IRI); err != nil {
		t.Fatal(err)
	}
	aptest.Eventually(t, "ben follows", func() bool { return len(here.told(ann)) == 1 })
	here.want(ann, "followed from there", "10 ben ann_channel")
	there.Await(old.IRI)
	v := here.Publish(ann, "New")
	remote := there.Await(v.IRI)
	aptest.Eventually(t, "ben hears of the new video", func() bool { return len(there.told(ben)) > 0 })
	there.want(ben, "a new video there", "1 ann_channel New")
	there.say(ben, remote, "hello @ann@"+here.Host)
	aptest.Eventually(t, "ann hears of the comment", func() bool { return len(here.told(ann)) > 1 })
	here.want(ann, "a comment from there", "10 ben ann_channel", "2 ben New")
	if host := here.list(ann)[1]["comment"].(map[string]any)["account"].(map[string]any)["host"]; host != there.Host {
		t.Errorf("host of the author = %v, want %s", host, there.Host)
	}
}

// recorded is a notification of PeerTube with all that its type has.
func recorded(t *testing.T, kind float64) map[string]any {
	t.Helper()
	raw, err := os.ReadFile("testdata/users-me-notifications.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Response struct {
			Body struct{ Data []map[string]any } `json:"body"`
		} `json:"response"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, n := range file.Response.Body.Data {
		if n["type"] == kind && len(n) > 5 {
			return n
		}
	}
	t.Fatalf("no recorded notification of type %v", kind)
	return nil
}

// shape replaces values by the names of their types. What lists hold is not looked
// at; the state of a video is newer than what was recorded, and a picture is
// there for those who have one.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if k != "state" && k != "avatar" {
				out[k] = shape(e)
			}
		}
		return out
	case []any:
		return "list"
	}
	return fmt.Sprintf("%T", v)
}
