package report_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestAPI walks through the life of a report.
func TestAPI(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.user("bob", rest.RoleUser)
		s.user("eve", rest.RoleUser)
		s.user("mod", rest.RoleModerator)
		v := s.world.Video(s.alice, "Reported")
		private := s.world.Video(s.alice, "Private", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		comment, _ := s.comment(v, s.alice.ActorID, "A text", nil)
		hidden, _ := s.comment(private, s.alice.ActorID, "A text", nil)

		for _, c := range []struct {
			name   string
			body   any
			status int
		}{
			{"a video", m{"reason": "It is bad", "video": m{"id": v.ID}}, 200},
			{"a comment", m{"reason": "It is bad", "comment": m{"id": comment}, "predefinedReasons": []string{"spamOrMisleading"}}, 200},
			{"an account", m{"reason": "Bad person", "account": m{"id": s.alice.AccountID}}, 200},
			{"no reason", m{"video": m{"id": v.ID}}, 400},
			{"a long reason", m{"reason": strings.Repeat("a", 3001), "video": m{"id": v.ID}}, 400},
			{"a reason of spaces", m{"reason": "    ", "video": m{"id": v.ID}}, 400},
			{"an unknown reason", m{"reason": "It is bad", "video": m{"id": v.ID}, "predefinedReasons": []string{"boredom"}}, 400},
			{"two things", m{"reason": "It is bad", "video": m{"id": v.ID}, "account": m{"id": s.alice.AccountID}}, 400},
			{"nothing", m{"reason": "It is bad"}, 400},
			{"times", m{"reason": "It is bad", "video": m{"id": v.ID, "startAt": 9, "endAt": 3}}, 400},
			{"types", m{"reason": 5}, 400},
			{"no video", m{"reason": "It is bad", "video": m{"id": 9999}}, 404},
			{"a private video", m{"reason": "It is bad", "video": m{"id": private.ID}}, 403}, // SEC-54
			{"a comment below it", m{"reason": "It is bad", "comment": m{"id": hidden}}, 404},
			{"no comment", m{"reason": "It is bad", "comment": m{"id": 9999}}, 404},
			{"no account", m{"reason": "It is bad", "account": m{"id": 9999}}, 404},
		} {
			if a := s.as("bob", "POST", "/abuses", c.body); a.Status != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
			}
		}
		if n := s.Count("abuses", ""); n != 3 {
			t.Fatalf("%d reports", n)
		}
		s.showReports(v, comment)
		s.workOn()
	})
}

// showReports checks what moderators and the reporter read.
func (s *site) showReports(v *catalog.Video, comment int64) {
	list := func(who, query string) []any {
		s.t.Helper()
		a := s.as(who, "GET", query, nil)
		if a.Status != 200 {
			s.t.Fatalf("%s: %d %s", query, a.Status, a.Body)
		}
		return a.JSON(s.t)["data"].([]any)
	}
	all := list("mod", "/abuses?sort=createdAt")
	if len(all) != 3 {
		s.t.Fatalf("%d reports", len(all))
	}
	first, second := all[0].(m), all[1].(m)
	video := first["video"].(m)
	if video["uuid"] != v.UUID || video["deleted"] != false || video["countReports"] != 1.0 || video["nthReport"] != 1.0 || first["comment"] != nil ||
		first["reporterAccount"].(m)["name"] != "bob" || first["flaggedAccount"].(m)["name"] != "alice" || first["moderationComment"] != nil ||
		first["countReportsForReporter"] != 3.0 || first["state"].(m)["label"] != "Pending" || video["channel"].(m)["name"] != "alice_channel" {
		s.t.Errorf("report of a video: %v", first)
	}
	if c := second["comment"].(m); c["id"] != float64(comment) || c["text"] != "A text" || c["deleted"] != false || second["video"] != nil ||
		fmt.Sprint(second["predefinedReasons"]) != "[spamOrMisleading]" {
		s.t.Errorf("report of a comment: %v", second)
	}
	mine := list("bob", "/users/me/abuses")
	if len(mine) != 3 {
		s.t.Errorf("bob has %d reports", len(mine))
	}
	if _, shown := mine[0].(m)["reporterAccount"]; shown {
		s.t.Error("the reporter reads what is for moderators")
	}
	if n := len(list("eve", "/users/me/abuses")); n != 0 {
		s.t.Errorf("eve reads %d reports of others", n)
	}
	for query, want := range map[string]int{
		"filter=video": 1, "filter=comment": 1, "filter=account": 1, "state=1": 3, "state=2": 0, "predefinedReason=spamOrMisleading": 1,
		"predefinedReason=rights": 0, "search=reported": 2, "search=BAD": 3, "search=alice": 3, "search=100%25": 0, "searchReporter=bob": 3,
		"searchReporter=eve": 0, "searchReportee=alice": 3, "searchVideo=reported": 2, "searchVideoChannel=alice": 2, "videoIs=deleted": 0,
		"videoIs=blacklisted": 0, "count=1": 1, "id=" + fmt.Sprint(first["id"]): 1,
	} {
		if n := len(list("mod", "/abuses?"+query)); n != want {
			s.t.Errorf("%s: %d reports, want %d", query, n, want)
		}
	}
	for _, bad := range []string{"state=4", "state=x", "filter=all", "predefinedReason=x", "videoIs=x", "sort=reason", "id=-1"} {
		if a := s.as("mod", "GET", "/abuses?"+bad, nil); a.Status != 400 {
			s.t.Errorf("%s: %d", bad, a.Status)
		}
	}
	s.world.Tx(func(tx *db.Tx) error { return tx.Exec("DELETE FROM videos WHERE id = ?", v.ID).Error })
	if video := list("mod", "/abuses?videoIs=deleted&filter=video")[0].(m)["video"].(m); video["deleted"] != true || video["name"] != "Reported" {
		s.t.Errorf("report of a deleted video: %v", video)
	}
}

// workOn checks who may do what with a report.
func (s *site) workOn() {
	var id int64
	if err := s.DB.Read(s.t.Context()).Raw("SELECT MIN(id) FROM abuses").Scan(&id).Error; err != nil {
		s.t.Fatal(err)
	}
	path := fmt.Sprint("/abuses/", id)
	for _, c := range []struct {
		who, method, path string
		body              any
		status            int
	}{
		{"", "POST", "/abuses", m{"reason": "It is bad", "account": m{"id": 1}}, 401},
		{"", "GET", "/abuses", nil, 401},
		{"bob", "GET", "/abuses", nil, 403},
		{"bob", "PUT", path, m{"state": 3}, 403},
		{"bob", "DELETE", path, nil, 403},
		{"mod", "PUT", path, m{"state": 3, "moderationComment": "Agreed"}, 204},
		{"mod", "PUT", path, m{"state": 4}, 400},
		{"mod", "PUT", path, m{"moderationComment": "a"}, 400},
		{"mod", "PUT", "/abuses/9999", m{"state": 2}, 404},
		{"mod", "PUT", "/abuses/x", m{"state": 2}, 404},
		{"bob", "POST", path + "/messages", m{"message": "Please look"}, 200},
		{"mod", "POST", path + "/messages", m{"message": "I have"}, 200},
		{"eve", "POST", path + "/messages", m{"message": "I read along"}, 403},
		{"eve", "GET", path + "/messages", nil, 403},
		{"", "GET", path + "/messages", nil, 401},
		{"bob", "POST", path + "/messages", m{"message": "a"}, 400},
		{"bob", "GET", "/abuses/9999/messages", nil, 404},
	} {
		if a := s.as(c.who, c.method, c.path, c.body); a.Status != c.status {
			s.t.Errorf("%s %s %s: %d %s, want %d", c.who, c.method, c.path, a.Status, a.Body, c.status)
		}
	}
	data := s.as("bob", "GET", path+"/messages", nil).JSON(s.t)["data"].([]any)
	if len(data) != 2 || data[0].(m)["byModerator"] != false || data[1].(m)["byModerator"] != true || data[1].(m)["account"].(m)["name"] != "mod" {
		s.t.Fatalf("messages: %v", data)
	}
	if got := s.as("bob", "GET", "/users/me/abuses?state=3", nil).JSON(s.t)["data"].([]any); len(got) != 1 || got[0].(m)["countMessages"] != 2.0 {
		s.t.Errorf("accepted: %v", got)
	}
	theirs := fmt.Sprint(path, "/messages/", data[1].(m)["id"])
	mine := fmt.Sprint(path, "/messages/", data[0].(m)["id"])
	for _, c := range []struct {
		who, path string
		status    int
	}{{"bob", theirs, 403}, {"mod", mine, 403}, {"eve", mine, 403}, {"bob", mine, 204}, {"bob", mine, 404}, {"bob", path + "/messages/x", 404}} {
		if a := s.as(c.who, "DELETE", c.path, nil); a.Status != c.status {
			s.t.Errorf("%s deletes %s: %d, want %d", c.who, c.path, a.Status, c.status)
		}
	}
	if a := s.as("mod", "DELETE", path, nil); a.Status != 204 || s.Count("abuse_messages", "") != 0 {
		s.t.Errorf("delete: %d, %d messages left", a.Status, s.Count("abuse_messages", ""))
	}
	if a := s.as("mod", "DELETE", path, nil); a.Status != 404 {
		s.t.Errorf("delete twice: %d", a.Status)
	}
}

// TestFromElsewhere: the reporter of another server reads no messages.
func TestFromElsewhere(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		s.user("mod", rest.RoleModerator)
		bob := s.remote(aptest.New(t), "bob")
		id := s.world.Insert("abuses", m{
			"iri": "x", "object": s.alice.AccountIRI, "type": "account", "local": false, "reporter_id": bob.ActorID, "flagged_id": s.alice.ActorID,
			"reason": "It is bad", "state": 1,
		})
		path := fmt.Sprint("/abuses/", id, "/messages")
		if a := s.as("mod", "POST", path, m{"message": "Hello"}); a.Status != 400 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		got := s.as("mod", "GET", "/abuses", nil).JSON(t)["data"].([]any)[0].(m)
		if got["reporterAccount"].(m)["host"] == "" || got["reporterAccount"].(m)["name"] != "bob" {
			t.Errorf("reporter: %v", got["reporterAccount"])
		}
	})
}
