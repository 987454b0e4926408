package notification_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/accounts/accountstest"
	"github.com/kinemesh/kinemesh/accounts/mail/mailtest"
	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// server runs with its jobs. Events of type NewVideo go to whom audience says;
// what they are about is a video named after its id.
type server struct {
	*accountstest.Env
	t        *testing.T
	audience notification.Audience
}

func serve(t *testing.T, d *db.DB, change ...func(*config.Config)) *server {
	t.Helper()
	s := &server{Env: accountstest.New(t, d, change...), t: t}
	s.Notifications.Use(&notification.Source{
		Audience: func(_ context.Context, e notification.Event) (notification.Audience, error) {
			if e.Object < 0 {
				return s.audience, notification.ErrGone
			}
			return s.audience, nil
		},
		Describe: func(_ context.Context, to *rest.Principal, items []*notification.Item) error {
			for _, it := range items {
				it.JSON.Video = &notification.Video{ID: it.ObjectID, Name: fmt.Sprintf("Video %d for %s", it.ObjectID, to.Username), ShortUUID: "short"}
			}
			return nil
		},
	}, notification.NewVideo)
	jobstest.Run(t, d, s.Module().Jobs...)
	return s
}

// notify tells of events and waits until everybody knows.
func (s *server) notify(events ...notification.Event) {
	s.t.Helper()
	s.tx(func(tx *db.Tx) error {
		for _, e := range events {
			if err := s.Notifications.Notify(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	jobstest.Drain(s.t, s.DB)
}

func (s *server) tx(fn func(tx *db.Tx) error) {
	s.t.Helper()
	if err := s.DB.Tx(context.Background(), fn); err != nil {
		s.t.Fatal(err)
	}
}

// exec changes rows in ways that no operation offers.
func (s *server) exec(query string, args ...any) {
	s.t.Helper()
	s.tx(func(tx *db.Tx) error { return tx.Exec(query, args...).Error })
}

// list is what a user is told, newest first: the object of each.
func (s *server) list(token, query string) (objects []int64, total int) {
	s.t.Helper()
	a := s.Do(http.MethodGet, "/api/v1/users/me/notifications"+query, token, nil)
	if a.Code != http.StatusOK {
		s.t.Fatalf("list %s: %d %s", query, a.Code, a.Text())
	}
	out := decode(s.t, a)
	objects = []int64{}
	for _, n := range out.Data {
		if n.Video != nil {
			objects = append(objects, n.Video.ID)
		}
	}
	return objects, out.Total
}

// answer is a list as the API gives it.
type answer struct {
	Total int                 `json:"total"`
	Data  []notification.JSON `json:"data"`
}

// dates are only written by the server.
var dates = regexp.MustCompile(`,"(createdAt|updatedAt)":"[^"]*"`)

func decode(t *testing.T, a accountstest.Answer) (out answer) {
	t.Helper()
	if err := json.Unmarshal(dates.ReplaceAll(a.Body.Bytes(), nil), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// rows are the notifications of a user that are in the database, by object.
func (s *server) rows(userID int64) (out []notification.Row) {
	s.t.Helper()
	if err := s.DB.Read(context.Background()).Where("user_id = ?", userID).Order("id").Find(&out).Error; err != nil {
		s.t.Fatal(err)
	}
	return out
}

// TestList: users see their own notifications, can narrow, order and page them,
// and mark them read.
func TestList(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		ann, annToken := s.User("ann", rest.RoleUser)
		_, benToken := s.User("ben", rest.RoleUser)
		s.audience = notification.OneUser(ann.ID)
		for i := range 5 { // one after the other, to know their order
			s.notify(notification.Event{Type: notification.NewVideo, Object: int64(i + 1)})
		}
		s.notify(notification.Event{Type: notification.NewUser, Object: ann.ID}) // moderators hear of it, of whom there is none
		rows := s.rows(ann.ID)
		if len(rows) != 5 {
			t.Fatalf("%d rows, want 5", len(rows))
		}
		if _, total := s.list(benToken, ""); total != 0 {
			t.Errorf("ben sees %d notifications of ann", total)
		}
		read := func(token string, ids ...int64) {
			t.Helper()
			if a := s.Do(http.MethodPost, "/api/v1/users/me/notifications/read", token, map[string]any{"ids": ids}); a.Code != 204 {
				t.Fatalf("read: %d %s", a.Code, a.Text())
			}
		}
		read(annToken, rows[1].ID, rows[3].ID, 1<<40)
		for query, want := range map[string][]int64{
			"": {5, 4, 3, 2, 1}, "?sort=createdAt": {1, 2, 3, 4, 5}, "?count=2&start=1": {4, 3}, "?count=0": {},
			"?unread=true": {5, 3, 1}, "?unread=false": {4, 2}, "?sort=read": {1, 3, 5, 2, 4}, "?sort=-read": {4, 2, 5, 3, 1},
			"?typeOneOf=1": {5, 4, 3, 2, 1}, "?typeOneOf=2&typeOneOf=3": {}, "?typeOneOf[]=2&typeOneOf[]=1&unread=true": {5, 3, 1},
		} {
			got, total := s.list(annToken, query)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
			if !strings.ContainsAny(query, "unread,typeOneOf") && total != 5 {
				t.Errorf("%s: total = %d", query, total)
			}
		}
		unread := func() int64 {
			t.Helper()
			n, err := s.Notifications.Unread(t.Context(), ann.ID)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := unread(); n != 3 {
			t.Errorf("unread = %d, want 3", n)
		}
		if a := s.Do(http.MethodPost, "/api/v1/users/me/notifications/read-all", annToken, nil); a.Code != 204 || unread() != 0 {
			t.Errorf("read-all: %d, %d left", a.Code, unread())
		}
	})
}

// TestSEC44ForeignNotifications: the ids of another user's notifications change
// nothing and show nothing.
func TestSEC44ForeignNotifications(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		ann, _ := s.User("ann", rest.RoleUser)
		_, benToken := s.User("ben", rest.RoleUser)
		s.audience = notification.OneUser(ann.ID)
		s.notify(notification.Event{Type: notification.NewVideo, Object: 1})
		before := s.rows(ann.ID)
		a := s.Do(http.MethodPost, "/api/v1/users/me/notifications/read", benToken, map[string]any{"ids": []int64{before[0].ID}})
		if a.Code != 204 {
			t.Errorf("read of a foreign id: %d, want 204 as PeerTube answers", a.Code)
		}
		s.Do(http.MethodPost, "/api/v1/users/me/notifications/read-all", benToken, nil)
		s.Do(http.MethodPut, "/api/v1/users/me/notification-settings", benToken, allSettings(0))
		if diff := cmp.Diff(before, s.rows(ann.ID)); diff != "" {
			t.Errorf("ben changed ann's: %s", diff)
		}
		set, err := s.Notifications.Settings(t.Context(), ann.ID)
		if err != nil || set[ann.ID]["newVideoFromSubscription"] != 1 {
			t.Errorf("ann's settings = %v, %v", set[ann.ID], err)
		}
	})
}

// allSettings is a body that sets every value.
func allSettings(value int) map[string]any {
	out := map[string]any{}
	for _, name := range []string{
		"newVideoFromSubscription", "newCommentOnMyVideo", "abuseAsModerator", "videoAutoBlacklistAsModerator", "blacklistOnMyVideo",
		"myVideoPublished", "myVideoImportFinished", "newUserRegistration", "commentMention", "newFollow", "newInstanceFollower",
		"autoInstanceFollowing", "abuseNewMessage", "abuseStateChange", "newPeerTubeVersion", "myVideoStudioEditionFinished",
		"myVideoTranscriptionGenerated", "newPluginVersion",
	} {
		out[name] = value
	}
	return out
}

// TestSettings: users set by type how they are told, and see it in their profile;
// what is wrong changes nothing.
func TestSettings(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		_, token := s.User("ann", rest.RoleUser)
		get := func() map[string]any {
			t.Helper()
			return s.Do(http.MethodGet, "/api/v1/users/me", token, nil).JSON()["notificationSettings"].(map[string]any)
		}
		var recorded struct {
			Body struct {
				Settings map[string]any `json:"notificationSettings"`
			} `json:"body"`
		}
		raw, err := os.ReadFile("../testdata/users-me.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &recorded); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(recorded.Body.Settings, get()); diff != "" {
			t.Errorf("defaults are not PeerTube's: %s", diff)
		}
		put := func(change map[string]any, without ...string) accountstest.Answer {
			t.Helper()
			body := allSettings(3)
			maps.Copy(body, change)
			for _, name := range without {
				delete(body, name)
			}
			return s.Do(http.MethodPut, "/api/v1/users/me/notification-settings", token, body)
		}
		before := get()
		for name, a := range map[string]accountstest.Answer{
			"too high": put(map[string]any{"newFollow": 4}), "negative": put(map[string]any{"newFollow": -1}),
			"text": put(map[string]any{"newFollow": "toto"}), "null": put(map[string]any{"commentMention": nil}),
			"fraction": put(map[string]any{"newFollow": 1.5}), "list": put(map[string]any{"abuseStateChange": []int{1}}),
			"missing": put(nil, "newVideoFromSubscription"),
		} {
			if a.Code != 400 || !strings.Contains(a.Text(), "invalid-params") {
				t.Errorf("%s: %d %s", name, a.Code, a.Text())
			}
		}
		if diff := cmp.Diff(before, get()); diff != "" {
			t.Errorf("a refused request changed settings: %s", diff)
		}
		// An older client knows fewer names, and a newer one more.
		if a := put(map[string]any{"fromTheFuture": 9}, "myVideoTranscriptionGenerated"); a.Code != 204 {
			t.Fatalf("put: %d %s", a.Code, a.Text())
		}
		want := map[string]any{}
		for name := range before {
			want[name] = float64(3)
		}
		want["myVideoTranscriptionGenerated"] = float64(1)
		if diff := cmp.Diff(want, get()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestBadInputs: what is wrong is refused by name, and changes nothing.
func TestBadInputs(t *testing.T) {
	s := serve(t, dbtest.SQLite(t))
	ann, token := s.User("ann", rest.RoleUser)
	s.audience = notification.OneUser(ann.ID)
	s.notify(notification.Event{Type: notification.NewVideo, Object: 1})
	before := s.rows(ann.ID)
	const list, read = "/api/v1/users/me/notifications", "/api/v1/users/me/notifications/read"
	for _, c := range []struct {
		name, method, path, token string
		body                      any
		status                    int
	}{
		{"list without a token", "GET", list, "", nil, 401},
		{"bad token", "GET", list, "none", nil, 401},
		{"count", "GET", list + "?count=101", token, nil, 400},
		{"sort", "GET", list + "?sort=-name", token, nil, 400},
		{"unread", "GET", list + "?unread=perhaps", token, nil, 400},
		{"type 0", "GET", list + "?typeOneOf=0", token, nil, 400},
		{"no type", "GET", list + "?typeOneOf=video", token, nil, 400},
		{"read without a token", "POST", read, "", map[string]any{"ids": []int{1}}, 401},
		{"read without ids", "POST", read, token, map[string]any{}, 400},
		{"no ids", "POST", read, token, map[string]any{"ids": []int{}}, 400},
		{"text", "POST", read, token, map[string]any{"ids": []string{"hello"}}, 400},
		{"one id", "POST", read, token, map[string]any{"ids": 1}, 400},
		{"too many", "POST", read, token, map[string]any{"ids": make([]int, 1001)}, 400},
		{"read-all without a token", "POST", read + "-all", "", nil, 401},
		{"settings without a token", "PUT", "/api/v1/users/me/notification-settings", "", allSettings(1), 401},
	} {
		if a := s.Do(c.method, c.path, c.token, c.body); a.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.Code, a.Text(), c.status)
		}
	}
	if diff := cmp.Diff(before, s.rows(ann.ID)); diff != "" {
		t.Error(diff)
	}
}

// TestEverybodyOnce: an event reaches all of a large audience once, however often
// it is told; the one who did it, those who muted that one, those who do not want
// to hear and those who are blocked are left out.
func TestEverybodyOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const many = 2300 // three steps
		s := serve(t, d)
		channel, _ := s.User("channel", rest.RoleUser)
		target := s.actorOf(channel)
		s.crowd(many, target.ID)
		named := map[string]int64{}
		for _, name := range []string{"doer", "muter", "hostmuter", "deaf", "blocked", "mailer"} {
			u, _ := s.User(name, rest.RoleUser)
			named[name] = u.ID
			s.exec("INSERT INTO follows (follower_id, target_id, state, iri, created_at, updated_at) VALUES (?, ?, 'accepted', ?, ?, ?)",
				s.actorOf(u).ID, target.ID, name, db.Now(), db.Now())
		}
		doer := s.actor("doer")
		account := func(name string) (id int64) {
			s.tx(func(tx *db.Tx) error {
				return tx.Raw("SELECT id FROM accounts WHERE user_id = ?", named[name]).Scan(&id).Error
			})
			return id
		}
		s.exec("INSERT INTO muted_accounts (account_id, actor_id, created_at) VALUES (?, ?, ?)", account("muter"), doer.ID, db.Now())
		s.exec("INSERT INTO muted_hosts (account_id, host, created_at) VALUES (?, '', ?)", account("hostmuter"), db.Now())
		s.exec("INSERT INTO notification_settings (user_id, name, value) VALUES (?, 'newVideoFromSubscription', 0)", named["deaf"])
		s.exec("INSERT INTO notification_settings (user_id, name, value) VALUES (?, 'newVideoFromSubscription', 2)", named["mailer"])
		s.exec("UPDATE users SET blocked = TRUE WHERE id = ?", named["blocked"])
		s.audience = notification.Followers(target.ID)
		e := notification.Event{Type: notification.NewVideo, Object: 7, By: doer.ID}
		s.notify(e, e)
		s.notify(e)
		var got struct{ Rows, Users, Listed int64 }
		s.tx(func(tx *db.Tx) error {
			return tx.Raw(`SELECT count(*) AS "rows", count(DISTINCT user_id) AS users,
				SUM(CASE WHEN web THEN 1 ELSE 0 END) AS listed FROM notifications`).Scan(&got).Error
		})
		if got.Rows != many+1 || got.Users != many+1 || got.Listed != many {
			t.Errorf("%+v, want %d users once, and one of them by mail alone", got, many+1)
		}
		for name, want := range map[string]int{"doer": 0, "muter": 0, "hostmuter": 0, "deaf": 0, "blocked": 0, "mailer": 1} {
			if n := len(s.rows(named[name])); n != want {
				t.Errorf("%s was told %d times, want %d", name, n, want)
			}
		}
		if list, total := s.list(s.Token("mailer"), ""); total != 0 {
			t.Errorf("who wants mail alone finds %v in the list", list)
		}
		s.notify(notification.Event{Type: notification.NewVideo, Object: -1})
		if n := len(s.rows(named["mailer"])); n != 1 {
			t.Errorf("somebody was told of what is gone: %d", n)
		}
		s.tx(func(tx *db.Tx) error { return s.Notifications.Forget(tx, 7, notification.NewVideo) })
		jobstest.Drain(t, s.DB)
		s.tx(func(tx *db.Tx) error { return tx.Raw("SELECT count(*) FROM notifications").Scan(&got.Rows).Error })
		if got.Rows != 0 {
			t.Errorf("%d notifications of a deleted object are left", got.Rows)
		}
	})
}

// crowd makes users who follow an actor, faster than one by one.
func (s *server) crowd(n int, target int64) {
	s.t.Helper()
	now := "'" + db.Now().Format("2006-01-02 15:04:05.000000+00:00") + "'"
	numbers := fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n)
	if s.DB.Dialect() == db.Postgres {
		now += "::timestamptz"
		numbers = fmt.Sprintf("WITH n(i) AS (SELECT generate_series(1, %d)) ", n)
	}
	insert := func(into, values, from string) {
		s.exec("INSERT INTO " + into + " " + numbers + "SELECT " + values + ", " + now + ", " + now + " FROM " + from)
	}
	insert("users (username, email, password_hash, role, created_at, updated_at)", "'crowd' || i, 'crowd' || i, 'x', 2", "n")
	insert("actors (iri, type, username, host, inbox, created_at, updated_at)", "'https://kinemesh.test/accounts/crowd' || i, 'Person', 'crowd' || i, '', ''", "n")
	insert("accounts (actor_id, user_id, created_at, updated_at)", "a.id, u.id", "actors a JOIN users u ON u.username = a.username AND a.host = '' WHERE a.username LIKE 'crowd%'")
	insert("follows (follower_id, target_id, state, iri, created_at, updated_at)", fmt.Sprintf("id, %d, 'accepted', iri", target), "actors WHERE username LIKE 'crowd%'")
}

func (s *server) actor(username string) *actor.Actor {
	s.t.Helper()
	u, err := s.Users.ByUsername(context.Background(), username)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.actorOf(u)
}

func (s *server) actorOf(u *user.User) *actor.Actor {
	s.t.Helper()
	a, err := s.Channels.AccountOfUser(context.Background(), u.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return a.Actor
}

// TestFollows: users hear of a follower of theirs once, however often that one
// comes back; administrators hear of servers.
func TestFollows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d, func(c *config.Config) { c.Followings.Instance.AutoFollowBack.Enabled = true })
		ann, annToken := s.User("ann", rest.RoleUser)
		s.User("ben", rest.RoleUser)
		_, adminToken := s.User("boss", rest.RoleAdmin)
		owned, err := s.Channels.OfUsers(t.Context(), ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		channel, ben := owned[ann.ID].Channels[0].Actor, s.actor("ben")
		follow := func(follower, target *actor.Actor, state string) {
			t.Helper()
			s.tx(func(tx *db.Tx) error {
				_, _, err := s.Actors.SaveFollow(tx, follower, target, state, "https://x.test/"+follower.Username+target.Username)
				return err
			})
		}
		unfollow := func(follower, target *actor.Actor) {
			t.Helper()
			s.tx(func(tx *db.Tx) error { _, err := s.Actors.DeleteFollow(tx, follower.ID, target.ID); return err })
		}
		follow(ben, channel, actor.Accepted)
		unfollow(ben, channel)
		follow(ben, channel, actor.Accepted)
		follow(s.actor("ann"), channel, actor.Accepted) // oneself
		instance, err := s.Actors.Instance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		remote := s.remote(actor.Application, "peertube")
		follow(remote, instance, actor.Pending)
		follow(instance, remote, actor.Pending)
		other := s.remote(actor.Application, "peertube2")
		follow(instance, other, actor.Pending) // an administrator's will: nobody is told
		jobstest.Drain(t, d)

		a := s.Do(http.MethodGet, "/api/v1/users/me/notifications", annToken, nil)
		follows := a.JSON()["data"].([]any)
		if len(follows) != 1 {
			t.Fatalf("ann is told %s", a.Text())
		}
		want := wantShape(t, 10)
		got := follows[0].(map[string]any)
		if diff := cmp.Diff(shape(want), shape(got)); diff != "" {
			t.Errorf("not in PeerTube's form: %s", diff)
		}
		f := got["actorFollow"].(map[string]any)
		if f["follower"].(map[string]any)["name"] != "ben" || f["following"].(map[string]any)["name"] != "ann_channel" ||
			f["following"].(map[string]any)["type"] != "channel" || f["state"] != "accepted" {
			t.Errorf("actorFollow = %v", f)
		}
		admin := decode(t, s.Do(http.MethodGet, "/api/v1/users/me/notifications?sort=createdAt", adminToken, nil))
		told := map[notification.Type]string{}
		for _, n := range admin.Data {
			told[n.Type] = n.ActorFollow.Follower.Host + " > " + n.ActorFollow.Following.Host + " " + n.ActorFollow.Following.Type
		}
		if diff := cmp.Diff(map[notification.Type]string{
			notification.InstanceFollower:  "peer.test > kinemesh.test instance",
			notification.InstanceFollowing: "kinemesh.test > peer.test instance",
		}, told); diff != "" {
			t.Error(diff)
		}
		unfollow(ben, channel)
		got = s.Do(http.MethodGet, "/api/v1/users/me/notifications", annToken, nil).JSON()["data"].([]any)[0].(map[string]any)
		if _, there := got["actorFollow"]; there {
			t.Errorf("a follow that ended is shown: %v", got)
		}
	})
}

// remote is an actor of peer.test.
func (s *server) remote(kind, name string) *actor.Actor {
	s.t.Helper()
	a := &actor.Actor{
		IRI: "https://peer.test/" + name, Type: kind, Username: name, Host: "peer.test", Inbox: "https://peer.test/inbox",
		Indexable: true, Discoverable: true, CreatedAt: db.Now(), UpdatedAt: db.Now(),
	}
	s.tx(func(tx *db.Tx) error { return tx.Create(a).Error })
	return a
}

// wantShape is a recorded notification of PeerTube.
func wantShape(t *testing.T, kind float64) map[string]any {
	t.Helper()
	raw, err := os.ReadFile("testdata/users-me-notifications.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Response struct {
			Body struct{ Data []map[string]any } `json:"body"`
		} `json:"response"`
	}
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(recorded.Response.Body.Data, func(n map[string]any) bool { return n["type"] == kind && len(n) > 5 })
	if i < 0 {
		t.Fatalf("no recorded notification of type %v", kind)
	}
	return recorded.Response.Body.Data[i]
}

// shape replaces values by the names of their types; what lists hold is not
// looked at.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[k] = shape(e)
		}
		return out
	case []any:
		return "list"
	}
	return fmt.Sprintf("%T", v)
}

// TestUsers: moderators hear of who registered, with PeerTube's account, and of
// who asks to; what is gone is left out.
func TestUsers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		_, modToken := s.User("mod", rest.RoleModerator)
		new1, newToken := s.User("newcomer", rest.RoleUser)
		s.tx(func(tx *db.Tx) error { return s.Notifications.UserCreated(tx, new1.ID) })
		s.exec(`INSERT INTO registrations (state, username, email, password_hash, account_display_name, reason, created_at, updated_at)
			VALUES (1, 'asker', 'asker@x.test', 'x', 'asker', 'why not', ?, ?)`, db.Now(), db.Now())
		s.tx(func(tx *db.Tx) error { return s.Notifications.RegistrationAsked(tx, 1) })
		jobstest.Drain(t, d)
		if _, total := s.list(newToken, ""); total != 0 {
			t.Error("a plain user hears of registrations")
		}
		get := func() answer {
			t.Helper()
			return decode(t, s.Do(http.MethodGet, "/api/v1/users/me/notifications?sort=createdAt", modToken, nil))
		}
		out := get()
		byType := map[notification.Type]notification.JSON{}
		for _, n := range out.Data {
			byType[n.Type] = n
		}
		if n := byType[notification.NewUser]; n.Account == nil || n.Account.Name != "newcomer" || n.Text().Path != "/a/newcomer@kinemesh.test" {
			t.Errorf("new user: %+v", n)
		}
		if n := byType[notification.NewRegistration]; n.Registration == nil || n.Registration.Username != "asker" {
			t.Errorf("registration: %+v", n)
		}
		s.exec("DELETE FROM registrations")
		for _, n := range get().Data {
			if n.Registration != nil {
				t.Errorf("a registration that is gone is shown: %+v", n)
			}
		}
	})
}

// TestOldOnesGo: notifications are removed after the time of the settings.
func TestOldOnesGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d, func(c *config.Config) { c.Notifications.MaxAge = 30 * 24 * time.Hour })
		ann, token := s.User("ann", rest.RoleUser)
		s.audience = notification.OneUser(ann.ID)
		s.notify(notification.Event{Type: notification.NewVideo, Object: 1}, notification.Event{Type: notification.NewVideo, Object: 2})
		s.exec("UPDATE notifications SET created_at = ? WHERE object_id = 1", db.Now().Add(-31*24*time.Hour))
		for _, h := range s.Notifications.Jobs() {
			if h.Kind == (notification.CleanArgs{}).Kind() {
				if err := h.Work(t.Context(), []byte("{}")); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got, _ := s.list(token, ""); len(got) != 1 || got[0] != 2 {
			t.Errorf("left are %v, want the one that is not old", got)
		}
	})
}

// TestMail: who wants it gets a mail, from a real mail server's view: with what
// happened, the way there and the way out, once, and without a word about others.
func TestMail(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		server := mailtest.New(t, mailtest.Options{})
		s := serve(t, d, server.Use, func(c *config.Config) { c.Signup.RequiresEmailVerification = true })
		ids := map[string]int64{}
		for name, value := range map[string]int{"both": 3, "mail": 2, "web": 1, "unverified": 3} {
			u, _ := s.User(name, rest.RoleUser)
			ids[name] = u.ID
			s.exec("INSERT INTO notification_settings (user_id, name, value) VALUES (?, 'newVideoFromSubscription', ?)", u.ID, value)
		}
		s.exec("UPDATE users SET email_verified = FALSE WHERE username = 'unverified'")
		s.audience = notification.Audience{Tables: "users u", Where: "u.role = ?", Args: []any{rest.RoleUser}}
		e := notification.Event{Type: notification.NewVideo, Object: 1}
		s.notify(e)
		s.notify(e)
		jobstest.Drain(t, d)
		got := map[string]mailtest.Mail{}
		for _, m := range server.Mails() {
			if _, twice := got[m.To]; twice {
				t.Errorf("%s got two mails", m.To)
			}
			got[m.To] = m
		}
		if len(got) != 2 {
			t.Fatalf("mails went to %v", slices.Collect(maps.Keys(got)))
		}
		for _, name := range []string{"both", "mail"} {
			m := got[name+"@example.com"]
			if !strings.Contains(m.Subject(), "Video 1 for "+name) {
				t.Errorf("subject of %s = %q", name, m.Subject())
			}
			for what, text := range map[string]string{"text": m.Text, "HTML": m.HTML} {
				for _, want := range []string{"Video 1 for " + name, "https://kinemesh.test/w/short", "https://kinemesh.test/my-account/notifications#settings"} {
					if !strings.Contains(text, want) {
						t.Errorf("%s of %s lacks %q: %s", what, name, want, text)
					}
				}
				if strings.Contains(text, "example.com") {
					t.Errorf("%s of %s names an address: %s", what, name, text)
				}
			}
		}
		if len(s.rows(ids["unverified"])) != 1 {
			t.Error("who has not verified the address is not told in the list")
		}

		// What has no page is told without a link to one.
		mod, _ := s.User("mod", rest.RoleModerator)
		s.exec("INSERT INTO notification_settings (user_id, name, value) VALUES (?, 'newUserRegistration', 2)", mod.ID)
		s.exec(`INSERT INTO registrations (state, username, email, password_hash, account_display_name, channel_handle, channel_display_name, reason, created_at, updated_at)
			VALUES (1, 'newcomer', 'new@example.org', '', 'N', '', 'N', 'Birds', ?, ?)`, db.Now(), db.Now())
		var id int64
		if err := d.Read(t.Context()).Raw("SELECT max(id) FROM registrations").Scan(&id).Error; err != nil {
			t.Fatal(err)
		}
		s.tx(func(tx *db.Tx) error { return s.Notifications.RegistrationAsked(tx, id) })
		jobstest.Drain(t, d)
		m := server.Mails()[len(server.Mails())-1]
		if !strings.Contains(m.Subject(), "newcomer asks for an account") || m.To != "mod@example.com" {
			t.Fatalf("the mail of a registration: %q to %s", m.Subject(), m.To)
		}
		for _, text := range []string{m.Text, m.HTML} {
			if strings.Contains(text, "/admin") || strings.Contains(text, "Or open this address") || !strings.Contains(text, "#settings") {
				t.Errorf("the mail of a registration: %s", text)
			}
		}
	})
}
