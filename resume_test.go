package main

import (
	"fmt"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestResumeTime: what a player tells is where the video goes on, in every
// answer that says so; a player that tells no time undoes nothing.
func TestResumeTime(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := assembleWhole(t, d)
		c := &cast{whole: s}
		s.user("owner", rest.RoleUser)
		fan, v := s.user("fan", rest.RoleUser), c.video("owner")
		views := "/api/v1/videos/" + v.UUID + "/views"
		is := func(want any) {
			t.Helper()
			list := s.must("GET", "/api/v1/users/me/history/videos", fan, nil)
			details, _ := s.must("GET", "/api/v1/videos/"+v.UUID, fan, nil).at("userHistory").(m)
			if want == nil {
				if list.at("total") != 0.0 || details != nil {
					t.Errorf("goes on at %v, history %s; want none", details, list.Body)
				}
				return
			}
			if got := list.at("data", 0, "userHistory", "currentTime"); got != want || list.at("total") != 1.0 {
				t.Errorf("the history says %v, want %v: %s", got, want, list.Body)
			}
			if details["currentTime"] != want {
				t.Errorf("the video goes on at %v, want %v", details["currentTime"], want)
			}
		}
		is(nil)
		for _, step := range []struct {
			body   any
			status int
			want   any
		}{
			{m{"currentTime": 7}, 204, 7.0},
			{m{"currentTime": 12, "viewEvent": "seek"}, 204, 12.0},
			{nil, 400, 12.0},
			{"", 400, 12.0},
			{m{}, 400, 12.0},
			{m{"sessionId": "a"}, 400, 12.0},
			{m{"currentTime": nil}, 400, 12.0},
			{m{"currentTime": 3}, 204, 3.0},
			{m{"currentTime": 0}, 204, 0.0}, // the viewer began again
		} {
			if a := s.do("POST", views, fan, step.body); a.Code != step.status {
				t.Errorf("views %v: %d %s, want %d", step.body, a.Code, a.Body, step.status)
			}
			is(step.want)
		}

		// Who wants no history gets none, and keeps what there was.
		s.must("PUT", "/api/v1/users/me", fan, m{"videosHistoryEnabled": false})
		s.must("POST", views, fan, m{"currentTime": 15})
		is(0.0)
		s.must("PUT", "/api/v1/users/me", fan, m{"videosHistoryEnabled": true})
		s.must("POST", views, fan, m{"currentTime": 16})
		is(16.0)
	})
}

// TestHistoryOfNewUsers: whether new users have a history is a setting that
// administrators change at run time; who is there already keeps what he has.
func TestHistoryOfNewUsers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := assembleWhole(t, d)
		c := &cast{whole: s}
		s.user("owner", rest.RoleUser)
		root, v := s.login("root"), c.video("owner")
		kept := func(token string) string {
			s.must("POST", "/api/v1/videos/"+v.UUID+"/views", token, m{"currentTime": 5})
			me := s.must("GET", "/api/v1/users/me", token, nil)
			return fmt.Sprint(me.at("videosHistoryEnabled"), s.must("GET", "/api/v1/users/me/history/videos", token, nil).at("total"))
		}
		early := s.user("early", rest.RoleUser)
		if a := s.do("PUT", "/api/v1/config/custom", root, m{"user": m{"history": m{"videos": m{"enabled": false}}}}); a.Code != 200 {
			t.Fatalf("settings: %d %s", a.Code, a.Body)
		}
		if got := kept(early); got != "true 1" {
			t.Errorf("a user of before: %s, want true 1", got)
		}
		if got := kept(s.user("late", rest.RoleUser)); got != "false 0" {
			t.Errorf("a user of after: %s, want false 0", got)
		}
		if got := s.must("GET", "/api/v1/config/custom", root, nil).at("user", "history", "videos", "enabled"); got != false {
			t.Errorf("the settings say %v, want false", got)
		}
	})
}
