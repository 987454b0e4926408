package report_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// differences are the members of a recorded answer that ours lacks, or has with
// another type.
func differences(path string, recorded, ours any) (out []string) {
	switch want := recorded.(type) {
	case map[string]any:
		have, ok := ours.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s is %T", path, ours)}
		}
		for name, v := range want {
			if _, ok := have[name]; !ok {
				out = append(out, path+"."+name+" is absent")
				continue
			}
			out = append(out, differences(path+"."+name, v, have[name])...)
		}
	case []any:
		if _, ok := ours.([]any); !ok {
			out = append(out, fmt.Sprintf("%s is %T", path, ours))
		}
	case nil:
	default:
		if ours == nil || fmt.Sprintf("%T", ours) != fmt.Sprintf("%T", want) {
			out = append(out, fmt.Sprintf("%s is %T, recorded as %T", path, ours, want))
		}
	}
	slices.Sort(out)
	return out
}

// TestRecordedList: what PeerTube 6.3 answers of a reported account and of a
// reported video is answered here, too.
func TestRecordedList(t *testing.T) {
	raw, err := os.ReadFile("testdata/abuses.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Response struct{ Body struct{ Data []m } }
	}
	if err := json.Unmarshal(raw, &recorded); err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, s *site) {
		s.user("mod", rest.RoleModerator)
		bob := s.remote(aptest.New(t), "bob")
		v := s.world.Video(s.alice, "Test pattern 720p (updated)")
		s.world.WithFiles(v)
		s.world.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE actors SET summary = 'Channel *description*' WHERE id = ?", s.alice.ChannelActorID).Error
		})
		row := m{"iri": "x", "local": false, "reporter_id": bob.ActorID, "flagged_id": s.alice.ActorID, "state": 1}
		for _, more := range []m{
			{"type": "video", "object": v.IRI, "video_id": v.ID, "video_uuid": v.UUID, "video_name": v.Name, "start_at": 1, "end_at": 5, "reason": "This is a test report", "predefined": "[3]"},
			{"type": "account", "object": s.alice.AccountIRI, "reason": "Account report"},
		} {
			maps.Copy(more, row)
			s.world.Insert("abuses", more)
		}
		got := s.as("mod", "GET", "/abuses?sort=-id", nil).JSON(t)["data"].([]any)
		if len(got) != 2 {
			t.Fatalf("%d reports", len(got))
		}
		for i, want := range recorded.Response.Body.Data {
			for _, d := range differences(fmt.Sprint("report ", i), want, got[i]) {
				t.Error(d)
			}
		}
		first, second := got[0].(m), got[1].(m)
		if first["reason"] != "Account report" || first["countReportsForReporter"] != 2.0 || first["countReportsForReportee"] != 2.0 || first["video"] != nil {
			t.Errorf("of the account: %v", first)
		}
		if video := second["video"].(m); video["startAt"] != 1.0 || video["endAt"] != 5.0 || video["countReports"] != 1.0 || video["nthReport"] != 1.0 ||
			fmt.Sprint(second["predefinedReasons"]) != "[spamOrMisleading]" || video["deleted"] != false || video["thumbnailPath"] == nil {
			t.Errorf("of the video: %v", second)
		}
	})
}

// TestModeratedList: reports of blocked videos are found, and those of muted
// reporters are not shown to whom they are muted for.
func TestModeratedList(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		bob, eve := s.user("bob", rest.RoleUser), s.user("eve", rest.RoleUser)
		mod := s.user("mod", rest.RoleModerator)
		s.user("other", rest.RoleModerator)
		v := s.world.Video(s.alice, "Reported")
		for _, who := range []string{"bob", "eve", "bob"} {
			if a := s.as(who, "POST", "/abuses", m{"reason": "It is bad", "video": m{"id": v.ID}}); a.Status != 200 {
				t.Fatalf("%d %s", a.Status, a.Body)
			}
		}
		list := func(who, query string) []any {
			t.Helper()
			return s.as(who, "GET", "/abuses?sort=id&"+query, nil).JSON(t)["data"].([]any)
		}
		if n := len(list("mod", "videoIs=blacklisted")); n != 0 {
			t.Errorf("%d reports of blocked videos", n)
		}
		for i, row := range list("mod", "") {
			video := row.(m)["video"].(m)
			if video["countReports"] != 3.0 || video["nthReport"] != float64(i+1) || video["blacklisted"] != false {
				t.Errorf("report %d: %v", i+1, video)
			}
		}
		reloaded := s.world.Reload(v.ID)
		s.world.Tx(func(tx *db.Tx) error { return s.catalog.SetBlock(tx, reloaded, true, false) })
		if rows := list("mod", "videoIs=blacklisted"); len(rows) != 3 || rows[0].(m)["video"].(m)["blacklisted"] != true {
			t.Errorf("reports of blocked videos: %v", rows)
		}
		mute := func(by int64, actor int64) {
			t.Helper()
			if err := s.mutes.MuteAccount(t.Context(), by, &channel.Account{ActorID: actor}); err != nil {
				t.Fatal(err)
			}
		}
		mute(mod.AccountID, bob.ActorID)
		if n, others := len(list("mod", "")), len(list("other", "")); n != 1 || others != 3 {
			t.Errorf("with bob muted: %d, for others %d", n, others)
		}
		mute(moderation.Instance, eve.ActorID)
		if n, others := len(list("mod", "")), len(list("other", "")); n != 0 || others != 2 {
			t.Errorf("with eve muted for all: %d, for others %d", n, others)
		}
		if got := s.as("eve", "GET", "/users/me/abuses", nil).JSON(t); got["total"] != 1.0 {
			t.Errorf("eve's own: %v", got["total"])
		}
	})
}
