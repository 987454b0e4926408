package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/web/rest"
)

const notificationsPath = "/my-account/notifications"

// NotificationsPage is what a user was told, and how the user wants to be told.
type NotificationsPage struct {
	Shell
	Notices  []Notice
	Next     string // URL of the next part, empty at the end
	Settings []notification.Setting
	Mail     bool // the server sends mails
	Saved    bool
}

// Notice is one notification.
type Notice struct {
	ID       int64
	Sentence string
	URL      string // empty: there is no page about it
	Written  time.Time
	Unread   bool
	Name     string // of who caused it, for the picture; may be empty
	Picture  string
}

// notificationRoutes registers the page of notifications and what its forms
// send.
func (s *Site) notificationRoutes(r *rest.Router) {
	r.Root.GET(notificationsPath, rest.SignedIn, s.notifications)
	for path, do := range map[string]echo.HandlerFunc{
		notificationsPath + "/read":     s.readNotifications,
		notificationsPath + "/settings": s.saveNotificationSettings,
	} {
		r.Root.POST(path, rest.SignedIn, func(c echo.Context) error {
			if !s.ourOrigin(c.Request()) {
				return rest.Forbidden("The form of this server must be used")
			}
			return do(c)
		})
	}
}

func (s *Site) notifications(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt")
	if err != nil {
		return err
	}
	page.Count = pageSize
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	items, total, err := s.o.Notifications.List(ctx, p, notification.Filter{Page: page})
	if err != nil {
		return err
	}
	v := &NotificationsPage{Shell: s.shell(c), Mail: s.o.Notifications.Mails(), Saved: c.QueryParam("saved") != ""}
	for i := range items {
		v.Notices = append(v.Notices, s.notice(&items[i].JSON))
	}
	if shown := page.Start + len(items); int64(shown) < total {
		v.Next = notificationsPath + "?start=" + strconv.Itoa(shown)
	}
	if v.Settings, err = s.o.Notifications.Choices(ctx, p); err != nil {
		return err
	}
	v.Robots = "noindex"
	c.Response().Header().Set("Cache-Control", "no-store")
	return s.pages.render(c.Response(), http.StatusOK, PolicyPage, "notifications.html", v)
}

func (s *Site) notice(n *notification.JSON) Notice {
	text := n.Text()
	out := Notice{ID: n.ID, Sentence: text.Sentence, URL: text.Path, Written: n.CreatedAt.Time(), Unread: !n.Read}
	if by := n.By(); by != nil {
		out.Name = by.DisplayName
		for _, a := range by.Avatars {
			if a.Width >= avatarWidth && (out.Picture == "" || a.Width < 2*avatarWidth) {
				out.Picture = a.Path
			}
		}
	}
	return out
}

// readNotifications marks one notification read, or all, and shows the page
// again.
func (s *Site) readNotifications(c echo.Context) error {
	var ids []int64
	if text := c.FormValue("id"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return rest.BadRequest("No notification has this id")
		}
		ids = []int64{id}
	}
	ctx := c.Request().Context()
	if err := s.o.Notifications.MarkRead(ctx, rest.Current(ctx).UserID, ids); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, notificationsPath)
}

func (s *Site) saveNotificationSettings(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	offered, err := s.o.Notifications.Choices(ctx, p)
	if err != nil {
		return err
	}
	values := map[string]int{}
	for _, set := range offered {
		values[set.Name] = set.Value &^ notification.Web
		if c.FormValue("web-"+set.Name) != "" {
			values[set.Name] |= notification.Web
		}
		if s.o.Notifications.Mails() { // else the form has no boxes for it
			values[set.Name] &^= notification.Mail
			if c.FormValue("mail-"+set.Name) != "" {
				values[set.Name] |= notification.Mail
			}
		}
	}
	if err := s.o.Notifications.ChangeSettings(ctx, p.UserID, values); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, notificationsPath+"?saved=yes#settings")
}
