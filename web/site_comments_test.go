package web_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// say posts the form of a watch page.
func (x *tube) say(v *catalog.Video, session, below, text string, header ...string) int {
	x.t.Helper()
	if len(header) == 0 {
		header = []string{"Sec-Fetch-Site", "same-origin"}
	}
	if session != "" {
		header = append(header, "Cookie", session)
	}
	return x.post("/w/"+v.ShortUUID()+"/comments", url.Values{"text": {text}, "below": {below}}, header...).Code
}

// TestComments: comments are read and written without scripts.
func TestComments(t *testing.T) {
	x := newTube(t)
	x.User("ben", rest.RoleUser)
	mara, ben := x.signIn("mara"), x.signIn("ben")
	v := x.video("Low tide")
	page := "/w/" + v.ShortUUID()
	wants(t, x.get(page, ""), 200, ">Comments</h2>", `href="/login?return=`+page+`"`)
	lacks(t, x.get(page, ""), "<textarea")
	wants(t, x.get(page, ben), 200, `action="`+page+`/comments"`, "<textarea")

	if got := x.say(v, ben, "", "So *calm* <script>alert(1)</script><img src=x onerror=alert(1)>"); got != 303 {
		t.Fatal(got)
	}
	if got := x.say(v, mara, "1", "Thank you"); got != 303 {
		t.Fatal(got)
	}
	w := x.get(page, "")
	wants(t, w, 200, "2 comments</h2>", "So <em>calm</em>", `<a href="/a/ben">`, "Thank you", `<span class="badge">Author</span>`, `id="comment-2"`)
	lacks(t, w, "alert(1)")
	wants(t, x.get(page+";threadId=1", ""), 200, "Thank you") // as PeerTube links to threads

	for name, got := range map[string]int{
		"nobody": x.say(v, "", "", "x"), "empty": x.say(v, ben, "", " "), "below nothing": x.say(v, ben, "77", "x"), "below no number": x.say(v, ben, "x", "x"),
		"from another page": x.say(v, ben, "", "x", "Sec-Fetch-Site", "cross-site"), "too long": x.say(v, ben, "", strings.Repeat("x", 10_001)),
	} {
		if got < 300 || got == 303 && name != "nobody" {
			t.Errorf("%s: %d", name, got)
		}
	}
	wants(t, x.get(page, ""), 200, "2 comments</h2>")

	closed := x.video("Closed", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsDisabled })
	lacks(t, x.get("/w/"+closed.ShortUUID(), ben), `id="comments"`)
	if got := x.say(closed, ben, "", "x"); got != 409 {
		t.Errorf("a closed video: %d", got)
	}
	held := x.video("Reviewed", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsApproval })
	if got := x.say(held, ben, "", "May I?"); got != 303 {
		t.Errorf("a reviewed video: %d", got)
	}
	wants(t, x.get("/w/"+held.ShortUUID(), ben), 200, "May I?", "Waits for review", "sees comments before others do")
	wants(t, x.get("/w/"+held.ShortUUID(), mara), 200, "May I?")
	lacks(t, x.get("/w/"+held.ShortUUID(), ""), "May I?")
}

// TestCommentPages: more threads than a page shows are behind a link.
func TestCommentPages(t *testing.T) {
	x := newTube(t)
	mara := x.signIn("mara")
	v := x.video("Low tide")
	for i := range 21 {
		if got := x.say(v, mara, "", "comment "+strings.Repeat("i", i)+"."); got != 303 {
			t.Fatal(got)
		}
	}
	first := x.get("/w/"+v.ShortUUID(), "")
	wants(t, first, 200, "21 comments", "comments=20#comments", "comment "+strings.Repeat("i", 20)+".")
	lacks(t, first, "comment .")
	second := x.get("/w/"+v.ShortUUID()+"?comments=20", "")
	wants(t, second, 200, "comment .")
	lacks(t, second, "comments=40")
	wants(t, x.get("/w/"+v.ShortUUID()+"?comments=-1", ""), 200, "21 comments")
}
