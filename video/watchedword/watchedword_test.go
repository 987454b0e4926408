package watchedword_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

type m = videotest.M

// site is an instance with alice, bob and a moderator.
type site struct {
	*videotest.Site
	t               *testing.T
	alice, bob, mod *videotest.User
}

func each(t *testing.T, test func(t *testing.T, s *site)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &site{Site: videotest.Serve(t, d, videotest.Options{}), t: t}
		s.alice, s.bob, s.mod = s.User("alice", rest.RoleUser), s.User("bob", rest.RoleUser), s.User("mod", rest.RoleModerator)
		test(t, s)
	})
}

// want fails unless the request is answered with status.
func (s *site) want(status int, who *videotest.User, method, path string, body any) aptest.Answer {
	s.t.Helper()
	a := s.As(who, method, path, body)
	if a.Status != status {
		s.t.Errorf("%s %s %v: %d %s, want %d", method, path, body, a.Status, a.Body, status)
	}
	return a
}

// list makes a list of watched words and returns its path.
func (s *site) list(who *videotest.User, scope, name string, words ...string) string {
	s.t.Helper()
	a := s.want(200, who, "POST", "/watched-words/"+scope+"/lists", m{"listName": name, "words": words})
	return fmt.Sprint("/watched-words/", scope, "/lists/", a.JSON["watchedWordsList"].(m)["id"])
}

// tags are the automatic tags of the newest comment in a list for review.
func (s *site) tags(who *videotest.User, path string) string {
	s.t.Helper()
	data := s.want(200, who, "GET", path, nil).JSON["data"].([]any)
	if len(data) == 0 {
		return "no comment"
	}
	return fmt.Sprint(data[0].(m)["automaticTags"])
}

// TestLists: lists are made, changed and removed, each by whom they are of.
func TestLists(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		for scope, who := range map[string]*videotest.User{"server": s.mod, "accounts/alice": s.alice} {
			lists := "/watched-words/" + scope + "/lists"
			first := s.list(who, scope, "Bad", "spam", " ham ", "spam")
			s.list(who, scope, "Annoying", "first")
			got := s.want(200, who, "GET", lists+"?sort=listName", nil).JSON
			rows := got["data"].([]any)
			if got["total"] != 2.0 || len(rows) != 2 || rows[0].(m)["listName"] != "Annoying" || fmt.Sprint(rows[1].(m)["words"]) != "[spam ham]" ||
				rows[1].(m)["createdAt"] == nil || rows[1].(m)["updatedAt"] == nil {
				t.Errorf("%s: %v", scope, got)
			}
			if got := s.want(200, who, "GET", lists+"?count=1&start=1&sort=-createdAt", nil).JSON["data"].([]any); got[0].(m)["listName"] != "Bad" {
				t.Errorf("%s, second page: %v", scope, got)
			}
			s.want(204, who, "PUT", first, m{"words": []string{"eggs"}})
			s.want(204, who, "PUT", first, m{"listName": "Worse"})
			available := s.want(200, who, "GET", "/automatic-tags/"+scope+"/available", nil).JSON["available"]
			want := "[map[name:external-link type:core] map[name:Annoying type:watched-words-list] map[name:Worse type:watched-words-list]]"
			if fmt.Sprint(available) != want {
				t.Errorf("%s: available %v", scope, available)
			}
			s.want(204, who, "DELETE", first, nil)
			s.want(404, who, "DELETE", first, nil)
			if got := s.want(200, who, "GET", lists, nil).JSON["total"]; got != 1.0 {
				t.Errorf("%s: %v lists are left", scope, got)
			}
		}
	})
}

// TestSEC43Words: routes by role, lists of others (SEC-44) and bad inputs; nothing
// changes.
func TestSEC43Words(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		theirs, servers := s.list(s.bob, "accounts/bob", "Bob's", "spam"), s.list(s.mod, "server", "Server's", "spam")
		taken := s.list(s.alice, "accounts/alice", "Taken", "spam")
		number := func(path string) string { return path[strings.LastIndexByte(path, '/'):] }
		long := strings.Repeat("ä", 101)
		many := make([]string, 501)
		for i := range many {
			many[i] = fmt.Sprint("word", i)
		}
		const account, server = "/watched-words/accounts/alice/lists", "/watched-words/server/lists"
		good := m{"listName": "New", "words": []string{"x"}}
		before := s.Count("watched_word_lists", "name IN ('Taken', 'Bob''s', 'Server''s') AND words = '[\"spam\"]'")
		for _, c := range []struct {
			name         string
			who          *videotest.User
			method, path string
			body         any
			status       int
		}{
			{"nobody's account list", nil, "GET", account, nil, 401},
			{"nobody's server list", nil, "POST", server, good, 401},
			{"a user's server list", s.alice, "GET", server, nil, 403},
			{"a user adds for the server", s.alice, "POST", server, good, 403},
			{"a user changes the server's", s.alice, "PUT", servers, good, 403},
			{"a user removes the server's", s.alice, "DELETE", servers, nil, 403},
			{"another's lists", s.bob, "GET", account, nil, 403},
			{"a moderator and an account's lists", s.mod, "GET", account, nil, 403},
			{"add for another", s.bob, "POST", account, good, 403},
			{"change another's", s.alice, "PUT", account + number(theirs), good, 404},
			{"change another's by its path", s.alice, "PUT", theirs, good, 403},
			{"remove another's", s.alice, "DELETE", account + number(theirs), nil, 404},
			{"remove the server's as one's own", s.alice, "DELETE", account + number(servers), nil, 404},
			{"remove an account's as the server's", s.mod, "DELETE", server + number(theirs), nil, 404},
			{"no account", s.alice, "GET", "/watched-words/accounts/nobody/lists", nil, 404},
			{"no number", s.alice, "DELETE", account + "/x", nil, 404},
			{"no name", s.alice, "POST", account, m{"words": []string{"x"}}, 400},
			{"a blank name", s.alice, "POST", account, m{"listName": " ", "words": []string{"x"}}, 400},
			{"a long name", s.alice, "POST", account, m{"listName": long, "words": []string{"x"}}, 400},
			{"the name of the other tag", s.alice, "POST", account, m{"listName": "external-link", "words": []string{"x"}}, 400},
			{"no words", s.alice, "POST", account, m{"listName": "New"}, 400},
			{"an empty list", s.alice, "POST", account, m{"listName": "New", "words": []string{}}, 400},
			{"a blank word", s.alice, "POST", account, m{"listName": "New", "words": []string{"x", " "}}, 400},
			{"a long word", s.alice, "POST", account, m{"listName": "New", "words": []string{long}}, 400},
			{"too many words", s.alice, "POST", account, m{"listName": "New", "words": many}, 400},
			{"numbers", s.alice, "POST", account, m{"listName": "New", "words": []int{5}}, 400},
			{"a text", s.alice, "POST", account, m{"listName": "New", "words": "x"}, 400},
			{"a taken name", s.alice, "POST", account, m{"listName": "Taken", "words": []string{"x"}}, 409},
			{"another's name", s.mod, "PUT", server + number(taken), m{"listName": "Taken"}, 404},
			{"nothing for a name", s.alice, "PUT", taken, m{"listName": nil}, 400},
			{"nothing for words", s.alice, "PUT", taken, m{"words": nil}, 400},
			{"a sort", s.alice, "GET", account + "?sort=words", nil, 400},
			{"available for nobody", nil, "GET", "/automatic-tags/accounts/alice/available", nil, 401},
			{"available for another", s.bob, "GET", "/automatic-tags/accounts/alice/available", nil, 403},
			{"available for the server", s.bob, "GET", "/automatic-tags/server/available", nil, 403},
			{"another's policy", s.bob, "GET", "/automatic-tags/policies/accounts/alice/comments", nil, 403},
			{"another's policy set", s.bob, "PUT", "/automatic-tags/policies/accounts/alice/comments", m{"review": []string{}}, 403},
			{"nobody's policy", nil, "PUT", "/automatic-tags/policies/accounts/alice/comments", m{"review": []string{}}, 401},
			{"the server's policy", s.bob, "PUT", "/automatic-tags/policies/server/videos", m{"autoBlock": []string{}}, 403},
			{"no policy", s.alice, "PUT", "/automatic-tags/policies/accounts/alice/comments", m{}, 400},
			{"another policy", s.alice, "PUT", "/automatic-tags/policies/accounts/alice/comments", m{"autoBlock": []string{}}, 400},
			{"an unknown tag", s.alice, "PUT", "/automatic-tags/policies/accounts/alice/comments", m{"review": []string{"Bob's"}}, 400},
			{"an unknown tag of the server", s.mod, "PUT", "/automatic-tags/policies/server/videos", m{"autoBlock": []string{"Taken"}}, 400},
		} {
			if a := s.As(c.who, c.method, c.path, c.body); a.Status != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
			}
		}
		if a := s.As(s.alice, "PUT", "/automatic-tags/policies/accounts/alice/comments", m{"review": []string{"nope"}}); !strings.Contains(string(a.Body), `"path":"review"`) {
			t.Errorf("the problem names another field: %s", a.Body)
		}
		if a := s.As(s.mod, "PUT", "/automatic-tags/policies/server/videos", m{"autoBlock": []string{"nope"}}); !strings.Contains(string(a.Body), `"path":"autoBlock"`) {
			t.Errorf("the server's problem names another field: %s", a.Body)
		}
		if n := s.Count("watched_word_lists", ""); n != 3 || before != 3 || s.Count("auto_tag_policies", "") != 0 {
			t.Errorf("%d lists, %d policies", n, s.Count("auto_tag_policies", ""))
		}
		if n := s.Count("watched_word_lists", "name IN ('Taken', 'Bob''s', 'Server''s') AND words = '[\"spam\"]'"); n != before {
			t.Errorf("%d lists are as they were, of %d", n, before)
		}
		s.Tx(func(tx *db.Tx) error {
			for i := range 99 {
				err := tx.Exec("INSERT INTO watched_word_lists (account_id, name, words, created_at, updated_at) VALUES (?, ?, '[]', ?, ?)",
					s.alice.AccountID, fmt.Sprint("list ", i), db.Now(), db.Now()).Error
				if err != nil {
					return err
				}
			}
			return nil
		})
		s.want(409, s.alice, "POST", account, good)
	})
}

// TestComments: comments get the tags of the server and of the owner of the video;
// what the owner wants to see first is held, of others and of other servers.
func TestComments(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		v := s.Publish(s.alice, "Talked about")
		mine, all := "/users/me/videos/comments", "/videos/comments"
		s.list(s.mod, "server", "Rude", "idiot")
		annoying := s.list(s.alice, "accounts/alice", "Annoying", "first", "free money")
		say := func(who *videotest.User, text string) m {
			t.Helper()
			return s.want(200, who, "POST", "/videos/"+v.UUID+"/comment-threads", m{"text": text}).JSON["comment"].(m)
		}
		check := func(text, owner, server string) {
			t.Helper()
			if got := s.tags(s.alice, mine); got != owner {
				t.Errorf("%q: the owner's tags are %s, want %s", text, got, owner)
			}
			if got := s.tags(s.mod, all); got != server {
				t.Errorf("%q: the server's tags are %s, want %s", text, got, server)
			}
		}
		for _, c := range []struct{ text, owner, server string }{
			{"Nice", "[]", "[]"},
			{"FIRST!", "[Annoying]", "[]"},
			{"You *idiot*, get free money", "[Annoying]", "[Rude]"},
			{"firstly see https://other.example/x", "[external-link]", "[external-link]"},
			{"see " + s.Origin + "/w/x", "[]", "[]"},
		} {
			if said := say(s.bob, c.text); said["heldForReview"] != false {
				t.Errorf("%q is held", c.text)
			}
			check(c.text, c.owner, c.server)
		}
		for query, want := range map[string]float64{
			mine + "?autoTagOneOf=Annoying": 2, mine + "?autoTagOneOf=Rude": 0, mine + "?autoTagOneOf=Annoying&autoTagOneOf=external-link": 3,
		} {
			if got := s.want(200, s.alice, "GET", query, nil).JSON["total"]; got != want {
				t.Errorf("%s: %v, want %v", query, got, want)
			}
		}
		if got := s.want(200, s.mod, "GET", all+"?autoTagOneOf=Rude", nil).JSON["total"]; got != 1.0 {
			t.Errorf("rude comments: %v", got)
		}
		policy := "/automatic-tags/policies/accounts/alice/comments"
		s.want(204, s.alice, "PUT", policy, m{"review": []string{"Annoying", "Annoying"}})
		s.want(204, s.alice, "PUT", annoying, m{"listName": "Not again"})
		if got := s.want(200, s.alice, "GET", policy, nil).JSON; fmt.Sprint(got["review"]) != "[Not again]" {
			t.Errorf("policy: %v", got)
		}
		if got := s.want(200, s.alice, "GET", mine+"?autoTagOneOf="+url.QueryEscape("Not again"), nil).JSON["total"]; got != 2.0 {
			t.Errorf("under the new name: %v", got)
		}
		outbox := s.Count("outbox", "")
		held := say(s.bob, "First, again")
		if held["heldForReview"] != true || s.Count("outbox", "") != outbox {
			t.Errorf("not held: %v", held)
		}
		if say(s.alice, "My own first")["heldForReview"] != false || say(s.mod, "A first of the moderator")["heldForReview"] != false {
			t.Error("the owner and moderators wait for nobody")
		}
		shown := func() float64 {
			t.Helper()
			return s.want(200, nil, "GET", "/videos/"+v.UUID+"/comment-threads", nil).JSON["total"].(float64)
		}
		if n := shown(); n != 7 {
			t.Errorf("%v threads are shown", n)
		}
		s.want(204, s.alice, "POST", fmt.Sprintf("/videos/%s/comments/%v/approve", v.UUID, held["id"]), nil)
		if n := shown(); n != 8 || s.Count("outbox", "") <= outbox {
			t.Errorf("%v threads are shown once it is approved", n)
		}
		s.want(204, s.alice, "DELETE", annoying, nil)
		if n := s.Count("comment_auto_tags", "name LIKE 'Not%'") + s.Count("auto_tag_policies", ""); n != 0 {
			t.Errorf("%d tags and policies of a list that is gone", n)
		}
	})
}

// TestCommentsFromElsewhere: a comment of another server is held, too; a text that
// changes is looked at again.
func TestCommentsFromElsewhere(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		v := s.Publish(s.alice, "Talked about")
		s.list(s.alice, "accounts/alice", "Annoying", "first")
		s.want(204, s.alice, "PUT", "/automatic-tags/policies/accounts/alice/comments", m{"review": []string{"Annoying"}})
		r := aptest.New(t)
		carl := r.Actor(actor.Person, "carl")
		say := func(kind, id, text, updated string) (held bool, tags string) {
			t.Helper()
			note := m{
				"type": "Note", "id": carl.IRI + id, "attributedTo": carl.IRI, "inReplyTo": v.IRI, "content": text, "url": carl.IRI + id,
				"published": "2026-01-02T03:04:05Z", "updated": updated, "to": []string{"https://www.w3.org/ns/activitystreams#Public"},
			}
			if status := carl.Post(s.Origin+"/inbox", carl.Activity(kind, note, nil)); status != http.StatusNoContent {
				t.Fatalf("%s: %d", text, status)
			}
			aptest.Eventually(t, "an empty inbox", func() bool {
				return s.Count("inbox", "state NOT IN ('done', 'dropped', 'dead')") == 0
			})
			return s.Count("comments", "iri = ? AND held", carl.IRI+id) == 1, s.tags(s.alice, "/users/me/videos/comments")
		}
		if held, tags := say("Create", "/notes/1", `<p>Nice <a href="https://x.example/first">link</a></p>`, "2026-01-02T03:04:05Z"); held || tags != "[]" {
			t.Errorf("a nice one: %v, %s", held, tags)
		}
		if held, tags := say("Update", "/notes/1", "<p>FIRST</p>", "2026-01-03T03:04:05Z"); !held || tags != "[Annoying]" {
			t.Errorf("a nice one that changes: %v, %s", held, tags)
		}
		if held, tags := say("Create", "/notes/2", "<p>first</p>", "2026-01-02T03:04:06Z"); !held || tags != "[Annoying]" {
			t.Errorf("an annoying one: %v, %s", held, tags)
		}
		if n := s.Count("comments", "iri = ? AND pending <> ''", carl.IRI+"/notes/2"); n != 1 {
			t.Error("what has to be passed on after approval is not kept")
		}
	})
}

// TestVideos: videos get the server's tags, which moderators see and filter by, and
// which block where the policy says so.
func TestVideos(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.list(s.mod, "server", "Casino", "casino", "roulette")
		tagged := func(query string) (out []string) {
			t.Helper()
			for _, v := range s.want(200, s.mod, "GET", "/videos?include=64&sort=name&"+query, nil).JSON["data"].([]any) {
				out = append(out, fmt.Sprint(v.(m)["name"], v.(m)["automaticTags"]))
			}
			return out
		}
		s.Publish(s.alice, "A walk")
		v := s.Publish(s.alice, "Big Casino win", func(n *catalog.NewVideo) { n.Attributes.Description = "At https://casino.example/" })
		if got := tagged(""); !slices.Equal(got, []string{"A walk[]", "Big Casino win[external-link Casino]"}) &&
			!slices.Equal(got, []string{"A walk[]", "Big Casino win[Casino external-link]"}) {
			t.Errorf("tags: %q", got)
		}
		if got := tagged("autoTagOneOf=Casino"); len(got) != 1 {
			t.Errorf("with the tag: %q", got)
		}
		s.want(401, s.alice, "GET", "/videos?autoTagOneOf=Casino", nil)
		s.Edit(s.alice, v, m{"name": "Big win", "description": nil})
		if got := tagged("autoTagOneOf=Casino"); len(got) != 0 {
			t.Errorf("after it is taken off: %q", got)
		}
		s.want(204, s.mod, "PUT", "/automatic-tags/policies/server/videos", m{"autoBlock": []string{"Casino"}})
		if got := s.want(200, s.mod, "GET", "/automatic-tags/policies/server/videos", nil).JSON; fmt.Sprint(got["autoBlock"]) != "[Casino]" {
			t.Errorf("policy: %v", got)
		}
		s.Edit(s.alice, v, m{"name": "Roulette win"})
		s.want(403, nil, "GET", "/videos/"+v.UUID, nil)
		block := s.want(200, s.mod, "GET", "/videos/blacklist?type=3", nil).JSON["data"].([]any)
		if len(block) != 1 || block[0].(m)["internalNote"] != "Automatic tags: Casino" || block[0].(m)["unfederated"] != true {
			t.Errorf("block: %v", block)
		}
		s.want(204, s.mod, "DELETE", "/videos/"+v.UUID+"/blacklist", nil)
		s.Edit(s.alice, v, m{"description": "More of it"}) // looked at already
		s.want(200, nil, "GET", "/videos/"+v.UUID, nil)
		if own := s.Publish(s.mod, "Casino of the moderator"); own.Blocked {
			t.Error("a moderator's video waits for a moderator")
		}
	})
}
