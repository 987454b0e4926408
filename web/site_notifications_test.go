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

// TestNotificationLinks: whatever a notification is about, its link leads to a
// page of this server, or there is none.
func TestNotificationLinks(t *testing.T) {
	x := newTube(t)
	mara := x.signIn("mara")
	shown := x.video("Low tide")
	video := &notification.Video{ID: shown.ID, UUID: shown.UUID, ShortUUID: shown.ShortUUID(), Name: shown.Name}
	account := &notification.Actor{Name: "mara", DisplayName: "Mara", Host: x.Config.Host()}
	server := &notification.Actor{Name: "peertube", DisplayName: "peertube", Host: "other.example", NoAccount: true}
	reports := []*notification.Abuse{
		nil,
		{},
		{Video: video},
		{Account: account},
		{Comment: &notification.AbuseComment{ID: 4, ThreadID: 3, Video: video}},
		{Comment: &notification.AbuseComment{ThreadID: 3}},
	}
	follows := []*notification.Follow{
		nil,
		{Follower: account, Following: notification.Followed{Type: "account"}},
		{Follower: account, Following: notification.Followed{Type: "channel"}},
		{Follower: server, State: "pending"},
		{Follower: server, State: "accepted"},
	}
	var all []notification.JSON
	for kind := range notification.Type(40) {
		for _, report := range reports {
			for state := range 4 {
				if report != nil {
					report.State = state
				}
				for _, follow := range follows {
					all = append(all, notification.JSON{
						Type: kind, Video: video, Abuse: report, Account: account, ActorFollow: follow,
						Comment: &notification.Comment{ID: 4, ThreadID: 3, Account: account, Video: video}, Registration: &notification.Registration{Username: "nora"},
					})
				}
			}
		}
		all = append(all, notification.JSON{Type: kind}, notification.JSON{Type: kind, Comment: &notification.Comment{ID: 4}},
			notification.JSON{Type: kind, VideoBlock: &notification.Block{Video: video}}, notification.JSON{Type: kind, Account: server})
	}
	links := map[string]bool{}
	for i := range all {
		text := all[i].Text()
		if (text.Action == "") != (text.Path == "") {
			t.Errorf("type %d: %+v", all[i].Type, text)
		}
		links[text.Path] = true
	}
	delete(links, "")
	for path := range links {
		if w := x.get(path, mara); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/w/" + video.ShortUUID, "/w/" + video.ShortUUID + "?autoplay=0#comment-4", "/a/mara@" + x.Config.Host()} {
		if !links[path] {
			t.Errorf("nothing leads to %s: %v", path, links)
		}
	}
}

func first(code int, _ string) int { return code }
