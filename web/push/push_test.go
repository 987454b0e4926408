package push_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/push"
	"github.com/kinemesh/kinemesh/web/rest"
)

// limit is how long a test waits for what must come.
const limit = time.Minute

type server struct {
	*accountstest.Env
	world   *catalogtest.World
	viewers sync.Map // number by video
	url     string
	t       *testing.T
}

func serve(t *testing.T, d *db.DB) *server {
	t.Helper()
	s := &server{Env: accountstest.New(t, d), t: t}
	files := &catalogtest.Files{}
	videos, err := catalog.New(catalog.Options{
		DB: d, Channels: s.Channels, Origin: s.Config.Origin(), Logger: slog.New(slog.DiscardHandler), PutFile: files.Put, DeleteFile: files.Delete,
	})
	if err != nil {
		t.Fatal(err)
	}
	videos.Viewers = func(id int64) int64 {
		n, _ := s.viewers.LoadOrStore(id, int64(0))
		return n.(int64)
	}
	s.world = &catalogtest.World{T: t, DB: d, Catalog: videos, Files: files}
	jobstest.Run(t, d, s.Module().Jobs...)
	p := push.New(push.Options{
		DB: d, OAuth: s.OAuth, Notifications: s.Notifications, Catalog: videos, Logger: slog.New(slog.DiscardHandler),
		ClientIP: func(r *http.Request) string { return r.RemoteAddr },
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	h := httptest.NewServer(p.Handler())
	s.url = "ws" + strings.TrimPrefix(h.URL, "http") + "/socket.io/?EIO=4&transport=websocket"
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		h.Close()
	})
	return s
}

// notify tells a user that somebody registered.
func (s *server) notify(about *user.User) {
	s.t.Helper()
	s.world.Tx(func(tx *db.Tx) error { return s.Notifications.UserCreated(tx, about.ID) })
}

// socket is a client in a namespace.
type socket struct {
	ws    *websocket.Conn
	space string
	t     *testing.T
}

func (s *server) dial(space, query, auth string) *socket {
	s.t.Helper()
	ws, res, err := websocket.DefaultDialer.DialContext(s.t.Context(), s.url+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	s.t.Cleanup(func() { ws.Close() })
	c := &socket{ws, space, s.t}
	c.send("0", auth)
	return c
}

func (c *socket) send(kind, data string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte("4"+kind+c.space+","+data)); err != nil {
		c.t.Fatal(err)
	}
}

// next is the next packet for the namespace, without what names it.
func (c *socket) next() (kind, data string) {
	c.t.Helper()
	if err := c.ws.SetReadDeadline(time.Now().Add(limit)); err != nil {
		c.t.Fatal(err)
	}
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			c.t.Fatalf("%s: %v", c.space, err)
		}
		if kind, data, ok := strings.Cut(string(raw), c.space+","); ok {
			return strings.TrimPrefix(kind, "4"), data
		}
	}
}

// settle returns when what was sent is handled: the answer to a connect comes
// after it.
func (c *socket) settle() {
	c.t.Helper()
	at := &socket{c.ws, "/nowhere", c.t}
	at.send("0", "")
	at.want("4", `{"message":"Invalid namespace"}`)
}

func (c *socket) want(kind, prefix string) string {
	c.t.Helper()
	k, data := c.next()
	if k != kind || !strings.HasPrefix(data, prefix) {
		c.t.Fatalf("%s: got %s %s, want %s %s", c.space, k, data, kind, prefix)
	}
	return data
}

const told = "/user-notifications"

// TestNotifications: users get what they are told at once, in the form of the
// list, and nobody else's; a client without a good token is told so.
func TestNotifications(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		newcomer, userToken := s.User("newcomer", rest.RoleUser)
		other, _ := s.User("other", rest.RoleUser)
		_, token := s.User("mod", rest.RoleModerator)
		s.notify(newcomer)
		jobstest.Drain(t, d)

		for name, c := range map[string]*socket{
			"no token": s.dial(told, "", ""), "a bad one": s.dial(told, "&accessToken=none", ""), "no namespace": s.dial("/attic", "&accessToken="+token, ""),
		} {
			if kind, data := c.next(); kind != "4" || data != `{"message":"Unauthorized"}` && name != "no namespace" {
				t.Errorf("%s: %s %s", name, kind, data)
			}
		}
		inQuery := s.dial(told, "&accessToken="+token, "")
		inAuth := s.dial(told, "", `{"accessToken":"`+token+`"}`)
		stranger := s.dial(told, "&accessToken="+userToken, "")
		for _, c := range []*socket{inQuery, inAuth, stranger} {
			c.want("0", `{"sid":`)
		}
		s.notify(other)
		for _, c := range []*socket{inQuery, inAuth} {
			data := c.want("2", `["new-notification",{`)
			var got []any
			if err := json.Unmarshal([]byte(data), &got); err != nil {
				t.Fatal(err)
			}
			want := s.Do(http.MethodGet, "/api/v1/users/me/notifications?count=1", token, nil).JSON()["data"].([]any)[0]
			if diff := cmp.Diff(want, got[1]); diff != "" {
				t.Errorf("not as the list has it: %s", diff)
			}
		}
		// What comes next for the stranger is its own.
		s.world.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE users SET role = 1 WHERE username = 'newcomer'").Error })
		third, _ := s.User("third", rest.RoleUser)
		s.notify(third)
		if data := stranger.want("2", `["new-notification",{`); !strings.Contains(data, `"third"`) {
			t.Errorf("the stranger got %s", data)
		}
	})
}

// TestSEC47SocketsEnd: a socket ends with the session that opened it, whatever
// ends that, and hears nothing more; a client that only replaces its token keeps
// it.
func TestSEC47SocketsEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		_, admin := s.User("admin", rest.RoleAdmin)
		for name, end := range map[string]func(u *user.User, token string) accountstest.Answer{
			"logged out": func(_ *user.User, token string) accountstest.Answer {
				return s.Do(http.MethodPost, "/api/v1/users/revoke-token", token, nil)
			},
			"password changed": func(_ *user.User, token string) accountstest.Answer {
				return s.Do(http.MethodPut, "/api/v1/users/me", token, map[string]any{
					"password": "another horse 1", "currentPassword": accountstest.Password,
				})
			},
			"blocked": func(u *user.User, _ string) accountstest.Answer {
				return s.Do(http.MethodPost, fmt.Sprintf("/api/v1/users/%d/block", u.ID), admin, map[string]any{})
			},
			"deleted": func(u *user.User, _ string) accountstest.Answer {
				return s.Do(http.MethodDelete, fmt.Sprintf("/api/v1/users/%d", u.ID), admin, nil)
			},
		} {
			u, token := s.User("u"+strings.ReplaceAll(name, " ", ""), rest.RoleModerator)
			c := s.dial(told, "&accessToken="+token, "")
			c.want("0", `{"sid":`)
			if a := end(u, token); a.Code/100 != 2 {
				t.Fatalf("%s: %d %s", name, a.Code, a.Text())
			}
			about, _ := s.User("about"+strings.ReplaceAll(name, " ", ""), rest.RoleUser)
			s.notify(about)
			c.want("1", "")
		}

		s.User("keeper", rest.RoleModerator)
		pair := s.Form("/api/v1/users/token", s.LoginForm("keeper", accountstest.Password)).JSON()
		c := s.dial(told, "&accessToken="+pair["access_token"].(string), "")
		c.want("0", `{"sid":`)
		form := s.LoginForm("", "")
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", pair["refresh_token"].(string))
		if a := s.Form("/api/v1/users/token", form); a.Code != http.StatusOK {
			t.Fatalf("refresh: %d %s", a.Code, a.Text())
		}
		last, _ := s.User("last", rest.RoleUser)
		s.notify(last)
		c.want("2", `["new-notification",{`)
	})
}

// TestLiveVideos: who subscribes to a video hears of its viewers and its state,
// until it unsubscribes or may not see the video any more (SEC-54).
func TestLiveVideos(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		u, token := s.User("owner", rest.RoleUser)
		owned, err := s.Channels.OfUsers(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		owner := &catalogtest.User{ID: u.ID, AccountID: owned[u.ID].Account.ID, ChannelID: owned[u.ID].Channels[0].ID}
		open := s.world.Video(owner, "Open", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Public })
		hidden := s.world.Video(owner, "Hidden", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		s.world.Tx(func(tx *db.Tx) error {
			return tx.Model(&catalog.Video{}).Where("1 = 1").UpdateColumns(map[string]any{"state": catalog.Published, "listed": true}).Error
		})

		const live = "/live-videos"
		subscribe := func(c *socket, verb string, ids ...int64) {
			t.Helper()
			for _, id := range ids {
				c.send("2", fmt.Sprintf(`["%s",{"videoId":%d}]`, verb, id))
			}
			c.settle()
		}
		anyone, its, bad := s.dial(live, "", ""), s.dial(live, "&accessToken="+token, ""), s.dial(live, "&accessToken=bad", "")
		bad.want("4", `{"message":"Unauthorized"}`)
		for _, c := range []*socket{anyone, its} {
			c.want("0", `{"sid":`)
			for _, nothing := range []string{`["subscribe"]`, `["subscribe",{"videoId":"no"}]`, `["subscribe",7]`, `["other",{"videoId":1}]`} {
				c.send("2", nothing)
			}
			subscribe(c, "subscribe", 987654, hidden.ID, open.ID)
		}
		viewers := func(n int) string { return fmt.Sprintf(`["views-change",{"viewers":%d}]`, n) }

		s.viewers.Store(hidden.ID, int64(5))
		its.want("2", viewers(5))
		s.viewers.Store(open.ID, int64(7))
		its.want("2", viewers(7))
		anyone.want("2", viewers(7)) // nothing of the hidden one came before
		set := func(column string, value any) {
			t.Helper()
			s.world.Tx(func(tx *db.Tx) error {
				return tx.Model(&catalog.Video{}).Where("id = ?", open.ID).UpdateColumn(column, value).Error
			})
		}
		set("state", catalog.LiveEnded)
		for _, c := range []*socket{anyone, its} {
			c.want("2", fmt.Sprintf(`["state-change",{"state":%d}]`, catalog.LiveEnded))
		}

		subscribe(its, "unsubscribe", hidden.ID)
		set("privacy", catalog.Private)
		s.viewers.Store(hidden.ID, int64(6))
		s.viewers.Store(open.ID, int64(8))
		its.want("2", viewers(8)) // the owner may go on
		set("privacy", catalog.Public)
		s.viewers.Store(open.ID, int64(9))
		its.want("2", viewers(9))
		subscribe(anyone, "subscribe", open.ID)
		s.viewers.Store(open.ID, int64(10))
		for kind, data := anyone.next(); data != viewers(10); kind, data = anyone.next() {
			if kind != "2" || data != viewers(8) { // the turn that saw the 8 may have begun before
				t.Fatalf("a stranger heard %s of a private video", data)
			}
		}
	})
}
