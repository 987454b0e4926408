package instance_test

import (
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestStatsCount counts rows of each kind, and none that should not count.
func TestStatsCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := db.Now()
		old := now.Add(-10 * 24 * time.Hour)
		exec := func(sql string, args ...any) {
			t.Helper()
			if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec(sql, args...).Error }); err != nil {
				t.Fatal(err)
			}
		}
		actor := func(id int, kind, name, host string) {
			exec(`INSERT INTO actors (id, type, username, host, iri, inbox, created_at, updated_at) VALUES (?, ?, ?, ?, ?, '', ?, ?)`,
				id, kind, name, host, "https://"+host+"/"+name, now, now)
		}
		actor(1, "Application", "peertube", "")
		actor(2, "Person", "ann", "")
		actor(3, "Group", "ann_channel", "")
		actor(4, "Group", "far_channel", "far.example")
		actor(5, "Application", "peertube", "far.example")
		actor(6, "Person", "far", "far.example")
		for id, role := range map[int]int{1: 0, 2: 1, 3: 2} {
			exec(`INSERT INTO users (id, username, email, password_hash, role, last_login_at, created_at, updated_at) VALUES (?, ?, ?, '', ?, ?, ?, ?)`,
				id, string(rune('a'+id)), string(rune('a'+id))+"@example.org", role, map[bool]time.Time{true: now, false: old}[id == 1], now, now)
		}
		exec(`INSERT INTO accounts (id, actor_id, user_id, created_at, updated_at) VALUES (1, 2, 1, ?, ?), (2, 6, NULL, ?, ?)`, now, now, now, now)
		exec(`INSERT INTO channels (id, actor_id, account_id, local, created_at, updated_at) VALUES (1, 3, 1, TRUE, ?, ?), (2, 4, 2, FALSE, ?, ?)`, now, now, now, now)
		video := func(id, channel, privacy, state, views int, local bool, at time.Time) {
			exec(`INSERT INTO videos (id, uuid, iri, channel_id, local, name, privacy, state, views, files_size, published_at, created_at, updated_at)
				VALUES (?, ?, ?, ?, ?, 'x', ?, ?, ?, ?, ?, ?, ?)`, id, string(rune('a'+id)), string(rune('a'+id)), channel, local, privacy, state, views,
				map[bool]any{true: id * 1000}[local], at, now, now)
		}
		video(1, 1, 1, 1, 30, true, old)
		video(2, 1, 3, 1, 7, true, now)
		video(3, 1, 1, 2, 7, true, now)
		video(4, 2, 1, 1, 99, false, now)
		exec(`INSERT INTO comments (iri, video_id, local, text, created_at, updated_at, deleted_at) VALUES ('1', 1, TRUE, '', ?, ?, NULL), ('2', 1, FALSE, '', ?, ?, NULL), ('3', 1, TRUE, '', ?, ?, ?)`,
			now, now, now, now, now, now, now)
		exec(`INSERT INTO follows (follower_id, target_id, state, iri, created_at, updated_at) VALUES (5, 1, 'accepted', '1', ?, ?), (1, 4, 'accepted', '2', ?, ?), (1, 5, 'pending', '3', ?, ?)`,
			now, now, now, now, now, now)
		exec(`INSERT INTO abuses (iri, object, type, local, reason, state, processed_at, created_at, updated_at) VALUES ('1', 'o', 'video', TRUE, '', 1, NULL, ?, ?), ('2', 'o', 'video', TRUE, '', 3, ?, ?, ?)`,
			now, now, now, now.Add(-10*time.Second), now)
		got := body(t, get(serve(t, d, nil, nil, nil), "/api/v1/server/stats"))
		for name, want := range map[string]float64{
			"totalUsers": 3, "totalDailyActiveUsers": 1, "totalWeeklyActiveUsers": 1, "totalMonthlyActiveUsers": 3, "totalAdmins": 1, "totalModerators": 1,
			"totalLocalVideos": 1, "totalLocalVideoViews": 30, "totalVideos": 2, "totalLocalVideoFilesSize": 6000,
			"totalLocalVideoComments": 1, "totalVideoComments": 2, "totalLocalVideoChannels": 1,
			"totalLocalDailyActiveVideoChannels": 0, "totalLocalMonthlyActiveVideoChannels": 1,
			"totalInstanceFollowers": 1, "totalInstanceFollowing": 1, "totalAbuses": 2, "totalAbusesProcessed": 1,
			"totalActivityPubMessagesProcessed": 7, "totalActivityPubCreateMessagesSuccesses": 5, "totalActivityPubLikeMessagesErrors": 2,
			"totalActivityPubMessagesWaiting": 3,
		} {
			if got[name] != want {
				t.Errorf("%s = %v, want %v", name, got[name], want)
			}
		}
		if ms, _ := got["averageAbuseResponseTimeMs"].(float64); ms < 9900 || ms > 10100 {
			t.Errorf("averageAbuseResponseTimeMs = %v", got["averageAbuseResponseTimeMs"])
		}
		if w := get(serve(t, d, nil, nil, nil), "/api/v1/server/stats"); w.Header().Get("Cache-Control") != "max-age=14400" {
			t.Errorf("Cache-Control %q", w.Header().Get("Cache-Control"))
		}
	})
}
