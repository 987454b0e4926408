package web_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestNotificationsPage: users see what is new on every page, read it without
// scripts, mark it read, and choose how they are told.
func TestNotificationsPage(t *testing.T) {
	x := newTube(t)
	x.User("ben", rest.RoleUser)
	moderator, _ := x.User("mod", rest.RoleModerator)
	mara, mod, ben := x.signIn("mara"), x.signIn("mod"), x.signIn("ben")
	const page = "/my-account/notifications"
	if w := x.get(page, ""); w.Code != 303 || w.Header().Get("Location") != "/login?return=%2Fmy-account%2Fnotifications" {
		t.Errorf("nobody: %d %v", w.Code, w.Header())
	}
	wants(t, x.get(page, mara), 200, "Nothing new", `aria-label="Notifications"`, "A new video of a channel that I follow")
	lacks(t, x.get(page, mara), "A new report")
	lacks(t, x.get("/", ""), page)

	who, err := x.Users.ByUsername(t.Context(), "ben")
	if err != nil {
		t.Fatal(err)
	}
	if err := x.DB.Tx(t.Context(), func(tx *db.Tx) error { return x.Notifications.UserCreated(tx, who.ID) }); err != nil {
		t.Fatal(err)
	}
	jobstest.Run(t, x.DB, x.Module().Jobs...)
	jobstest.Drain(t, x.DB)
	wants(t, x.get("/", mod), 200, `aria-label="Notifications, 1 new"`, `<b class="count" aria-hidden="true">1</b>`)
	wants(t, x.get(page, mod), 200, `<li class="new">`, "ben registered</a>", `href="/a/ben@kinemesh.test"`, "Mark all as read", "A new report")
	lacks(t, x.get(page, ben), "registered")

	rows, _, err := x.Notifications.List(t.Context(), &rest.Principal{UserID: moderator.ID}, notification.Filter{Page: rest.Page{Count: 1, Sort: "createdAt", Desc: true}})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	id := url.Values{"id": {strconv.FormatInt(rows[0].ID, 10)}}
	press := func(session, path string, form url.Values, site string) (int, string) {
		t.Helper()
		w := x.post(path, form, "Sec-Fetch-Site", site, "Cookie", session)
		return w.Code, w.Header().Get("Location")
	}
	for name, got := range map[string]int{
		"of another site":         first(press(mod, page+"/read", id, "cross-site")),
		"no id":                   first(press(mod, page+"/read", url.Values{"id": {"x"}}, "same-origin")),
		"signed out":              first(press("none=none", page+"/read", id, "same-origin")),
		"settings from elsewhere": first(press(mod, page+"/settings", url.Values{}, "cross-site")),
	} {
		if got < 400 {
			t.Errorf("%s: %d", name, got)
		}
	}
	if code, _ := press(ben, page+"/read", id, "same-origin"); code != 303 { // a foreign id does nothing
		t.Errorf("foreign id: %d", code)
	}
	wants(t, x.get("/", mod), 200, `aria-label="Notifications, 1 new"`)
	if code, to := press(mod, page+"/read", id, "same-origin"); code != 303 || to != page {
		t.Errorf("read: %d %s", code, to)
	}
	wants(t, x.get(page, mod), 200, "ben registered</a>", `aria-label="Notifications"`)
	lacks(t, x.get(page, mod), "Mark as read")

	wants(t, x.get(page, mod), 200, `name="web-newFollow" checked`)
	lacks(t, x.get(page, mod), "mail-newFollow") // this server sends none
	if code, to := press(mod, page+"/settings", url.Values{"web-commentMention": {"on"}}, "same-origin"); code != 303 || to != page+"?saved=yes#settings" {
		t.Errorf("settings: %d %s", code, to)
	}
	wants(t, x.get(page+"?saved=yes", mod), 200, "Saved.", `name="web-newFollow" aria`, `name="web-commentMention" checked`)
	set, err := x.Notifications.Settings(t.Context(), moderator.ID)
	if err != nil || set[moderator.ID]["abuseAsModerator"] != notification.Mail {
		t.Errorf("what the form has no box for was changed: %v, %v", set, err)
	}
}

func first(code int, _ string) int { return code }
