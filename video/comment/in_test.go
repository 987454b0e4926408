package comment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

const public = "https://www.w3.org/ns/activitystreams#Public"

// village is our instance with a video, and another server with people.
type village struct {
	*videotest.Site
	t     *testing.T
	far   *aptest.Remote
	bob   *aptest.Actor
	alice *videotest.User
	v     *catalog.Video
	n     int
}

func newVillage(t *testing.T, o videotest.Options, change ...func(*catalog.NewVideo)) *village {
	t.Helper()
	w := &village{t: t, Site: videotest.Serve(t, dbtest.SQLite(t), o), far: aptest.New(t)}
	w.alice, w.bob = w.User("alice", rest.RoleUser), w.far.Actor("Person", "bob")
	w.v = w.Publish(w.alice, "To be talked about", change...)
	return w
}

// note is a Note by bob below alice's video, with changes; nil removes a member.
func (w *village) note(change m) m {
	w.n++
	id := fmt.Sprintf("%s/notes/%d", w.far.Origin, w.n)
	n := m{
		"type": "Note", "id": id, "attributedTo": w.bob.IRI, "inReplyTo": w.v.IRI, "content": "<p>Hello</p>",
		"published": "2026-01-02T03:04:05Z", "to": []string{public}, "cc": []string{w.alice.Account.IRI}, "url": id,
	}
	maps.Copy(n, change)
	for k, v := range n {
		if v == nil {
			delete(n, k)
		}
	}
	return n
}

// send delivers an activity and waits until it is worked off.
func (w *village) send(by *aptest.Actor, kind string, object any, more m) {
	w.t.Helper()
	before := w.Count("inbox", "")
	if got := by.Post(w.Origin+"/inbox", by.Activity(kind, object, more)); got != 204 {
		w.t.Fatalf("%s: status %d", kind, got)
	}
	w.settled(before + 1)
}

func (w *village) settled(rows int64) {
	w.t.Helper()
	aptest.Eventually(w.t, "an empty inbox", func() bool {
		return w.Count("inbox", "") >= rows && w.Count("inbox", "state IN ('waiting', 'active') OR state NOT IN ('done', 'dropped', 'dead')") == 0
	})
}

// outcome is what became of the newest activity.
func (w *village) outcome() (state, why string) {
	w.t.Helper()
	var row struct{ State, LastError string }
	if err := w.DB.Read(context.Background()).Raw("SELECT state, last_error FROM inbox ORDER BY id DESC LIMIT 1").Scan(&row).Error; err != nil {
		w.t.Fatal(err)
	}
	return row.State, row.LastError
}

// TestNotes: which Notes become comments, and with what text; each refusal has
// its accepted twin in the first row (PT federation 4 Note, SEC-12, SEC-30,
// SEC-36, SEC-37).
func TestNotes(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	refused := ""
	for _, c := range []struct {
		name   string
		change m
		text   string // "": not taken
	}{
		{"as it should be", nil, "<p>Hello</p>"},
		{"PeerTube's Markdown", m{"content": "a *b* <script>x</script>", "mediaType": "text/markdown"}, "a *b*"},
		{"plain text", m{"content": "1 < 2", "mediaType": "text/plain"}, "1 &lt; 2"},
		{"Markdown beside HTML", m{"content": "<p>a <em>b</em></p>", "source": m{"content": "a *b*", "mediaType": "text/markdown"}}, "a *b*"},
		{"languages alone", m{"content": nil, "contentMap": m{"fr": "<p>Salut</p>", "en": "<p>Hi</p>"}}, "<p>Hi</p>"},
		{"scalars for lists", m{"to": public, "cc": nil}, "<p>Hello</p>"},
		{"unlisted", m{"to": []string{w.bob.IRI + "/followers"}, "cc": []string{public}}, "<p>Hello</p>"},
		{"short form of public", m{"to": []string{"as:Public"}}, "<p>Hello</p>"},
		{"list of types", m{"type": []string{"Note", "Thing"}}, "<p>Hello</p>"},
		{"url as a link", m{"url": m{"type": "Link", "href": w.far.Origin + "/@bob/1"}}, "<p>Hello</p>"},
		{"no url", m{"url": nil}, "<p>Hello</p>"},
		{"content warning", m{"summary": "cw <b>x</b>"}, "cw &lt;b&gt;x&lt;/b&gt;\n\n<p>Hello</p>"},
		{
			"attachment alone",
			m{"content": "", "attachment": []m{{"type": "Image", "url": w.far.Origin + "/a.png", "name": "a cat"}}},
			`<a href="` + w.far.Origin + `/a.png" rel="nofollow noopener ugc" target="_blank">a cat</a>`,
		},
		{"handlers", m{"content": `<p onclick="x()">a<img src=x onerror=y()></p>`}, "<p>a</p>"},
		{"hidden characters", m{"content": "a\u202eb\u200bc"}, "abc"},
		{"embedded in inReplyTo", m{"inReplyTo": m{"type": "Video", "id": w.v.IRI}}, "<p>Hello</p>"},

		{"no content", m{"content": ""}, refused},
		{"nothing but markup", m{"content": "<script>x</script>"}, refused},
		{"bad url", m{"url": "javascript:x"}, refused},
		{"bad date", m{"published": "yesterday"}, refused},
		{"no date", m{"published": nil}, refused},
		{"bad approval", m{"replyApproval": "x"}, refused},
		{"to followers only", m{"to": []string{w.bob.IRI + "/followers"}}, refused},
		{"direct", m{"to": []string{w.alice.Account.IRI}, "cc": nil}, refused},
		{"by somebody else of the host", m{"attributedTo": w.far.Origin + "/users/carl"}, refused},
		{"by one of another host", m{"attributedTo": "https://elsewhere.example/users/bob"}, refused},
		{"by one of ours", m{"attributedTo": w.alice.Account.IRI}, refused},
		{"answers a number", m{"inReplyTo": 7}, refused},
		{"answers what is not here", m{"inReplyTo": w.v.IRI + "/comments/999"}, refused},
		{"answers a page", m{"inReplyTo": w.Origin + "/about"}, refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			n := w.note(c.change)
			w.send(w.bob, "Create", n, nil)
			got := byIRI(t, w.Site, n["id"].(string))
			switch {
			case c.text == refused && got != nil:
				t.Errorf("taken: %q", got.Text)
			case c.text != refused && got == nil:
				state, why := w.outcome()
				t.Errorf("not taken: %s, %s", state, why)
			case got != nil && got.Text != c.text:
				t.Errorf("text %q, want %q", got.Text, c.text)
			}
		})
	}
	w.t = t
	if n, want := w.Video(w.v.IRI).Comments, w.Count("comments", ""); n != want {
		t.Errorf("%d comments counted, %d rows", n, want)
	}
}

// TestLongNote: a long text is cut, not refused (SEC-36).
func TestLongNote(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	n := w.note(m{"content": "<p><strong>" + strings.Repeat("é", 12_000)})
	w.send(w.bob, "Create", n, nil)
	got := byIRI(t, w.Site, n["id"].(string))
	if got == nil || strings.Count(got.Text, "é") > 10_000 || strings.Count(got.Text, "é") < 9_900 || !strings.HasSuffix(got.Text, "</strong></p>") {
		t.Errorf("kept: %v", got)
	}
	future := w.note(m{"published": "2999-01-01T00:00:00Z"})
	w.send(w.bob, "Create", future, nil)
	if got := byIRI(t, w.Site, future["id"].(string)); got == nil || got.CreatedAt.Year() > 2100 {
		t.Errorf("from the future: %+v", got)
	}
}

// TestOutsideCreateIsAHint: what an actor says of a Note that is not its own is
// asked for at its origin (SEC-11, SEC-12, SEC-17).
func TestOutsideCreateIsAHint(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	mallory := aptest.New(t).Actor("Person", "mallory")
	n := w.note(m{"content": "<p>never said</p>"})
	w.send(mallory, "Create", n, nil)
	if n := w.Count("comments", ""); n != 0 {
		t.Error("stored from another's embedding")
	}
	genuine := w.note(m{"content": "<p>at its origin</p>"})
	w.far.Serve(genuine["id"].(string), genuine)
	lie := maps.Clone(genuine)
	lie["content"] = "<p>lie</p>"
	w.send(mallory, "Create", lie, nil)
	if got := byIRI(t, w.Site, genuine["id"].(string)); got != nil {
		t.Errorf("mallory's Create of bob's note became %q", got.Text)
	}
	w.send(w.bob, "Create", genuine["id"], nil) // the id alone, by its author
	if got := byIRI(t, w.Site, genuine["id"].(string)); got == nil || got.Text != "<p>at its origin</p>" {
		t.Errorf("named by its author: %+v", got)
	}
}

// TestHiddenVideos: below a video that is hidden, or without comments, nothing
// is taken, and the reason does not tell which (SEC-18).
func TestHiddenVideos(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*catalog.NewVideo)
		edit   m
		taken  bool
	}{
		{"public", nil, nil, true},
		{"unlisted", nil, m{"privacy": 2}, true},
		{"private", nil, m{"privacy": 3}, false},
		{"comments off", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsDisabled }, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var change []func(*catalog.NewVideo)
			if c.change != nil {
				change = append(change, c.change)
			}
			w := newVillage(t, videotest.Options{}, change...)
			if c.edit != nil {
				w.Edit(w.alice, w.v, c.edit)
			}
			w.send(w.bob, "Create", w.note(nil), nil)
			if n := w.Count("comments", "") == 1; n != c.taken {
				t.Errorf("taken: %v", n)
			}
			if n := w.Video(w.v.IRI).Comments == 1; n != c.taken {
				t.Errorf("counted: %v", n)
			}
		})
	}
	t.Run("not of other servers", func(t *testing.T) {
		w := newVillage(t, videotest.Options{NoRemoteComments: true})
		w.send(w.bob, "Create", w.note(nil), nil)
		if n := w.Count("comments", ""); n != 0 {
			t.Error("taken")
		}
		say(t, w.Site, w.alice, w.v, 0, "ours are")
	})
}

// TestThreads: answers are followed upwards until a known comment or a video
// (PT federation 4 Note), no further than the budget (SEC-29), and not in
// circles.
func TestThreads(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	chain := func(length int, top string) (leaf m) {
		above := top
		for range length {
			n := w.note(m{"inReplyTo": above})
			w.far.Serve(n["id"].(string), n)
			above, leaf = n["id"].(string), n
		}
		return leaf
	}
	leaf := chain(5, w.v.IRI)
	w.send(w.bob, "Create", leaf, nil)
	got := byIRI(t, w.Site, leaf["id"].(string))
	if got == nil || w.Count("comments", "thread_id = ?", got.ThreadID) != 5 || w.Video(w.v.IRI).Comments != 5 {
		t.Fatalf("a thread of five: %+v, %d rows", got, w.Count("comments", ""))
	}
	if root := comments(t, w.Site)[0]; root.ParentID != nil || root.Replies != 4 || root.ID != got.ThreadID {
		t.Errorf("root %+v", root)
	}

	tooDeep := chain(30, w.v.IRI)
	before := w.far.Fetches("")
	w.send(w.bob, "Create", tooDeep, nil)
	if fetched := w.far.Fetches("") - before; byIRI(t, w.Site, tooDeep["id"].(string)) != nil || fetched > 20 {
		t.Errorf("a thread of thirty: %d fetches", fetched)
	}

	one, two := w.note(nil), w.note(nil)
	one["inReplyTo"], two["inReplyTo"] = two["id"], one["id"]
	w.far.Serve(one["id"].(string), one)
	w.far.Serve(two["id"].(string), two)
	w.send(w.bob, "Create", one, nil)
	if byIRI(t, w.Site, one["id"].(string)) != nil {
		t.Error("a circle was taken")
	}

	private := w.note(m{"to": []string{w.bob.IRI + "/followers"}, "cc": nil})
	w.far.Serve(private["id"].(string), private)
	below := w.note(m{"inReplyTo": private["id"]})
	w.send(w.bob, "Create", below, nil)
	if byIRI(t, w.Site, private["id"].(string)) != nil || byIRI(t, w.Site, below["id"].(string)) != nil {
		t.Error("what was said to some was taken")
	}

	stone := m{"type": "Tombstone", "id": w.far.Origin + "/notes/stone", "formerType": "Note", "inReplyTo": w.v.IRI, "published": "2026-01-01T00:00:00Z", "deleted": "2026-01-02T00:00:00Z"}
	w.far.Serve(stone["id"].(string), stone)
	under := w.note(m{"inReplyTo": stone["id"]})
	w.send(w.bob, "Create", under, nil)
	top := byIRI(t, w.Site, stone["id"].(string))
	if top == nil || top.DeletedAt == nil || top.ActorID != nil || top.Replies != 1 || byIRI(t, w.Site, under["id"].(string)) == nil {
		t.Errorf("below a tombstone: %+v", top)
	}

	aside := w.note(m{"inReplyTo": nil})
	w.send(w.bob, "Create", aside, nil)
	if state, why := w.outcome(); state != "done" || byIRI(t, w.Site, aside["id"].(string)) != nil {
		t.Errorf("a note that answers nothing: %s %s", state, why)
	}
}

// TestUpdateAndDelete: only the author changes and only the author and the owner
// of the video delete (SEC-14), whatever the document says.
func TestUpdateAndDelete(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	carl, mallory := w.far.Actor("Person", "carl"), aptest.New(t).Actor("Person", "mallory")
	n := w.note(nil)
	id := n["id"].(string)
	w.send(w.bob, "Create", n, nil)
	text := func() string { return byIRI(t, w.Site, id).Text }

	edit := func(by string, content string) m {
		c := maps.Clone(n)
		c["attributedTo"], c["content"], c["updated"] = by, content, "2026-02-02T03:04:05Z"
		return c
	}
	w.send(carl, "Update", edit(carl.IRI, "<p>carl's now</p>"), nil)
	w.send(carl, "Update", edit(w.bob.IRI, "<p>in bob's name</p>"), nil)
	w.send(mallory, "Update", edit(w.bob.IRI, "<p>from afar</p>"), nil)
	if text() != "<p>Hello</p>" {
		t.Errorf("changed by a stranger: %q", text())
	}
	w.send(w.bob, "Update", edit(w.bob.IRI, "<p>better</p>"), nil)
	if text() != "<p>better</p>" {
		t.Errorf("not changed by its author: %q", text())
	}
	w.send(w.bob, "Update", n, nil) // late: older than what is here
	if text() != "<p>better</p>" {
		t.Errorf("an old text won: %q", text())
	}

	for name, by := range map[string]*aptest.Actor{"carl of the same host": carl, "mallory": mallory} {
		w.send(by, "Delete", id, nil)
		w.send(by, "Delete", m{"type": "Tombstone", "id": id, "attributedTo": by.IRI}, nil)
		if text() == "" {
			t.Errorf("deleted by %s", name)
		}
	}
	w.send(w.bob, "Delete", m{"type": "Tombstone", "id": id}, nil)
	if text() != "" || w.Video(w.v.IRI).Comments != 0 {
		t.Error("not deleted by its author")
	}
	w.send(w.bob, "Create", n, m{"id": id + "/again"})
	if text() != "" {
		t.Error("came back")
	}
	unknown := w.note(nil)
	w.send(w.bob, "Delete", unknown["id"], nil)
	w.send(w.bob, "Create", unknown, nil) // late
	if byIRI(t, w.Site, unknown["id"].(string)) != nil {
		t.Error("a note deleted before it came is here")
	}
}

// TestForward: what others say below our videos is passed on unchanged, once,
// and not back to its host; what they say elsewhere is not (SEC-21).
func TestForward(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	third := aptest.New(t)
	ted := third.Actor("Person", "ted")
	for _, follower := range []*aptest.Actor{ted, w.far.Actor("Person", "fan")} {
		if got := follower.Post(w.Origin+"/inbox", follower.Activity("Follow", w.alice.Channel.IRI, nil)); got != 204 {
			t.Fatal(got)
		}
	}
	aptest.Eventually(t, "both followers", func() bool { return w.Count("follows", "state = 'accepted'") == 2 })
	act := w.bob.Activity("Create", w.note(nil), m{"signature": m{"type": "RsaSignature2017", "signatureValue": "abc"}})
	body, err := json.Marshal(act)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := w.bob.Post(w.Origin+"/inbox", body); got != 204 {
			t.Fatal(got)
		}
	}
	got := third.Await("Create")
	for _, r := range third.Received() {
		if o, ok := r.Doc["object"].(m); ok && o["type"] == "Note" {
			got = r
		}
	}
	aptest.Eventually(t, "the note at the third server", func() bool {
		for _, r := range third.Received() {
			if string(r.Body) == string(body) {
				got = r
				return true
			}
		}
		return false
	})
	if !strings.Contains(got.Header.Get("Signature")+got.Header.Get("Signature-Input"), w.Instance().IRI) {
		t.Errorf("not signed by the instance: %v", got.Header)
	}
	elsewhere := w.note(m{"inReplyTo": w.far.Origin + "/notes/1"})
	w.send(w.bob, "Create", elsewhere, nil) // below bob's own note, which is below our video: passed on
	hidden := w.note(m{"to": []string{w.bob.IRI + "/followers"}, "cc": nil})
	w.send(w.bob, "Create", hidden, nil)
	jobstest.Drain(t, w.DB)
	count := func(r *aptest.Remote, id string) (n int) {
		for _, x := range r.Received() {
			if o, ok := x.Doc["object"].(m); ok && o["id"] == id {
				n++
			}
		}
		return n
	}
	noteID := act["object"].(m)["id"].(string)
	for _, c := range []struct {
		where *aptest.Remote
		id    string
		want  int
	}{{third, noteID, 1}, {third, elsewhere["id"].(string), 1}, {third, hidden["id"].(string), 0}, {w.far, noteID, 0}} {
		if n := count(c.where, c.id); n != c.want {
			t.Errorf("%s at %s: %d times, want %d", c.id, c.where.Host, n, c.want)
		}
	}
}

// TestAnswersAboutOurs: only the owner of a remote video approves or refuses
// what we say there (SEC-14).
func TestAnswersAboutOurs(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	remote := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	owner := remote.User("owner", rest.RoleUser)
	v := remote.Publish(owner, "Elsewhere", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsApproval })
	w.Follow(remote.Instance().IRI)
	here := w.Await(v.IRI)
	c := say(t, w.Site, w.alice, here, 0, "May I?")
	if !c.Held {
		t.Fatal("not held")
	}
	for _, kind := range []string{"ApproveReply", "RejectReply"} {
		w.send(w.bob, kind, c.IRI, m{"inReplyTo": v.IRI})
		if got := byIRI(t, w.Site, c.IRI); !got.Held || got.DeletedAt != nil {
			t.Errorf("%s by a stranger: %+v", kind, got)
		}
	}
	aptest.Eventually(t, "the comment at its server", func() bool { return byIRI(t, remote, c.IRI) != nil })
	path := fmt.Sprintf("/videos/%s/comments/%d/approve", v.UUID, byIRI(t, remote, c.IRI).ID)
	if a := remote.As(owner, "POST", path, nil); a.Status != 204 {
		t.Fatalf("approve: %d %s", a.Status, a.Body)
	}
	aptest.Eventually(t, "the approval", func() bool { return !byIRI(t, w.Site, c.IRI).Held })
}

// TestUnapproved: below another server's video that asks for approval, a claim
// of approval is checked there.
func TestUnapproved(t *testing.T) {
	w := newVillage(t, videotest.Options{})
	remote := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	owner := remote.User("owner", rest.RoleUser)
	v := remote.Publish(owner, "Elsewhere", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsApproval })
	w.Follow(remote.Instance().IRI)
	w.Await(v.IRI)
	for name, approval := range map[string]any{
		"none": nil, "of the author": w.far.Origin + "/approval", "invented": v.IRI + "/comments/77/approve-reply",
	} {
		n := w.note(m{"inReplyTo": v.IRI, "replyApproval": approval})
		w.send(w.bob, "Create", n, nil)
		if byIRI(t, w.Site, n["id"].(string)) != nil {
			t.Errorf("taken with approval: %s", name)
		}
	}
	mine := say(t, remote, owner, v, 0, "The owner needs none")
	aptest.Eventually(t, "the owner's", func() bool { return byIRI(t, w.Site, mine.IRI) != nil })
}

// TestRecorded plays what PeerTube 6.3 and GoToSocial sent, with our names in
// the place of theirs.
func TestRecorded(t *testing.T) {
	raw, err := os.ReadFile("../../activitypub/testdata/signed-requests.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []struct{ Name, Body string }
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	recorded := map[string]string{}
	for _, r := range all {
		recorded[r.Name] = r.Body
	}
	w := newVillage(t, videotest.Options{})
	user1 := w.far.Actor("Person", "user1")
	say(t, w.Site, w.alice, w.v, 0, "below it GoToSocial answers")
	ours := comments(t, w.Site)[0].IRI
	names := strings.NewReplacer(
		"http://localhost:9012/accounts/bob", w.bob.IRI, "http://localhost:9012", w.far.Origin,
		"http://localhost:9011/videos/watch/c3b47eec-2d62-4cac-86cb-104daedde723", w.v.IRI,
		"http://localhost:9011/videos/watch/233c4eb0-fa89-44d4-9a40-8059fcfff470", w.v.IRI,
		"http://localhost:9011/accounts/alice", w.alice.Account.IRI, "http://localhost:9011", w.Origin,
		"https://gts1.test", w.far.Origin, "https://peer.test/notes/1", ours, "https://peer.test/users/rec", w.alice.Account.IRI,
	)
	for _, c := range []struct {
		name     string
		by       *aptest.Actor
		state    string // of the activity
		comments int64  // that readers see below the video afterwards
	}{
		{"peertube-6.3/Create-Note-by-account", w.bob, "done", 2},
		{"peertube-6.3/Create-Note-by-account-approved", w.bob, "done", 3},
		{"gotosocial-0.20/out-create-reply", user1, "done", 4},
		{"gotosocial-0.20/out-create-note-public-mention", user1, "done", 4}, // answers nothing
		{"gotosocial-0.20/out-create-note-direct", user1, "done", 4},
		{"gotosocial-0.20/out-create-note-unlisted-cw", user1, "done", 4},
		{"gotosocial-0.20/out-create-note-followers", user1, "done", 4},
		{"gotosocial-0.20/out-update-note", user1, "done", 4}, // of one that is no comment
		{"gotosocial-0.20/out-like", user1, "done", 4},        // of a comment
		{"gotosocial-0.20/out-announce", user1, "done", 4},
		{"gotosocial-0.20/out-undo-like", user1, "done", 4},
		{"gotosocial-0.20/out-delete-note", user1, "done", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			body := names.Replace(recorded[c.name])
			before := w.Count("inbox", "")
			if got := c.by.Post(w.Origin+"/inbox", []byte(body)); got != 204 {
				t.Fatalf("status %d", got)
			}
			w.settled(before + 1)
			if state, why := w.outcome(); state != c.state {
				t.Errorf("%s: %s", state, why)
			}
			if n := w.Video(w.v.IRI).Comments; n != c.comments {
				t.Errorf("%d comments, want %d", n, c.comments)
			}
		})
	}
	var reply string
	for _, x := range comments(t, w.Site) {
		if strings.Contains(x.IRI, "/statuses/") {
			reply = x.Text
		}
	}
	if want := `<p><a href="https://peer.test/@rec" rel="nofollow noopener ugc" target="_blank">@rec</a> a reply</p>`; reply != want {
		t.Errorf("GoToSocial's text: %s", reply)
	}
	approvals := 0
	aptest.Eventually(t, "approvals of three comments", func() bool {
		approvals = 0
		for _, r := range w.far.Received() {
			if r.Doc["type"] == "ApproveReply" {
				approvals++
				if !strings.HasPrefix(r.Path, "/users/") {
					t.Fatalf("an approval in the inbox %s", r.Path)
				}
			}
		}
		return approvals == 3
	})
}

// TestForwardAfterApproval: what a server that knows no approvals said, and what
// was held, is passed on when the owner lets it through, as it was received.
func TestForwardAfterApproval(t *testing.T) {
	w := newVillage(t, videotest.Options{}, func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsApproval })
	third := aptest.New(t)
	ted := third.Actor("Person", "ted")
	if got := ted.Post(w.Origin+"/inbox", ted.Activity("Follow", w.alice.Channel.IRI, nil)); got != 204 {
		t.Fatal(got)
	}
	aptest.Eventually(t, "the follower", func() bool { return w.Count("follows", "state = 'accepted'") == 1 })
	for _, c := range []struct {
		name   string
		change m
		passed bool
	}{{"of Mastodon", nil, true}, {"of PeerTube, which sends it again", m{"replyApproval": json.RawMessage("null")}, false}} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			n := w.note(c.change)
			body, err := json.Marshal(w.bob.Activity("Create", n, nil))
			if err != nil {
				t.Fatal(err)
			}
			before := w.Count("inbox", "")
			if got := w.bob.Post(w.Origin+"/inbox", body); got != 204 {
				t.Fatal(got)
			}
			w.settled(before + 1)
			jobstest.Drain(t, w.DB)
			passed := func() bool {
				for _, r := range third.Received() {
					if string(r.Body) == string(body) {
						return true
					}
				}
				return false
			}
			held := byIRI(t, w.Site, n["id"].(string))
			if held == nil || !held.Held || passed() {
				t.Fatalf("before approval: %+v, passed on: %v", held, passed())
			}
			if a := w.As(w.alice, "POST", fmt.Sprintf("/videos/%s/comments/%d/approve", w.v.UUID, held.ID), nil); a.Status != 204 {
				t.Fatalf("approve: %d %s", a.Status, a.Body)
			}
			jobstest.Drain(t, w.DB)
			if passed() != c.passed {
				t.Errorf("passed on: %v, want %v", passed(), c.passed)
			}
			edited := maps.Clone(n)
			edited["content"], edited["updated"] = "<p>something else</p>", "2026-03-03T03:04:05Z"
			w.send(w.bob, "Update", edited, nil)
			if got := byIRI(t, w.Site, held.IRI); !got.Held || got.Text != "<p>something else</p>" {
				t.Errorf("an approved text was replaced unseen: %+v", got)
			}
		})
	}
}
