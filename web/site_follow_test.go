package web_test

import (
	"net/url"
	"testing"

	"github.com/kinemesh/kinemesh/web/rest"
)

// TestSubscribe: channels are followed, seen and left again without scripts.
func TestSubscribe(t *testing.T) {
	x := newTube(t)
	x.User("ben", rest.RoleUser)
	mara, ben := x.signIn("mara"), x.signIn("ben")
	v := x.video("Low tide")
	watch, page, feed := "/w/"+v.ShortUUID(), "/c/mara_channel", "/videos/subscriptions"
	press := func(session, path, to string, header ...string) (int, string) {
		if len(header) == 0 {
			header = []string{"Sec-Fetch-Site", "same-origin"}
		}
		if session != "" {
			header = append(header, "Cookie", session)
		}
		w := x.post(path, url.Values{"return": {to}}, header...)
		return w.Code, w.Header().Get("Location")
	}

	wants(t, x.get(page, ""), 200, `href="/login?return=%2Fc%2Fmara_channel" rel="nofollow">Subscribe</a>`)
	lacks(t, x.get(page, mara), ">Subscribe<") // her own
	lacks(t, x.get("/a/mara", ben), ">Subscribe<")
	wants(t, x.get(watch, ben), 200, `action="/c/mara_channel/subscribe"`)
	wants(t, x.get(feed, ben), 200, "Nothing here yet")
	if w := x.get(feed, ""); w.Code != 303 || w.Header().Get("Location") != "/login?return=%2Fvideos%2Fsubscriptions" {
		t.Errorf("nobody: %d %v", w.Code, w.Header())
	}

	for name, got := range map[string]func() (int, string){
		"from another page":   func() (int, string) { return press(ben, page+"/subscribe", page, "Sec-Fetch-Site", "cross-site") },
		"no such channel":     func() (int, string) { return press(ben, "/c/nobody/subscribe", page) },
		"an account":          func() (int, string) { return press(ben, "/c/mara/subscribe", page) },
		"leave what is not":   func() (int, string) { return press(ben, "/c/nobody/unsubscribe", page) },
		"signed out, by form": func() (int, string) { return press("", page+"/subscribe", page) },
	} {
		code, to := got()
		if code < 400 && to != "/login?return=%2Fc%2Fmara_channel" {
			t.Errorf("%s: %d %s", name, code, to)
		}
	}
	lacks(t, x.get(feed, ben), "Low tide")

	if code, to := press(ben, page+"/subscribe", watch); code != 303 || to != watch {
		t.Errorf("subscribe: %d %s", code, to)
	}
	wants(t, x.get(watch, ben), 200, `action="/c/mara_channel/unsubscribe"`, ">Unsubscribe<", "1 follower")
	wants(t, x.get(feed, ben), 200, "Low tide", `<a href="/videos/subscriptions" aria-current="page">`)
	if code, to := press(ben, page+"/unsubscribe", "https://elsewhere.test/"); code != 303 || to != "/" { // SEC-42
		t.Errorf("unsubscribe: %d %s", code, to)
	}
	lacks(t, x.get(feed, ben), "Low tide")
	wants(t, x.get(page, ben), 200, ">Subscribe<", "0 followers")
}
