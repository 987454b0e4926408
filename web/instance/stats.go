package instance

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	dto "github.com/prometheus/client_model/go"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
)

// countEvery is how old the numbers may be. Counting a million rows takes a
// second.
const countEvery = time.Minute

// getStats answers with what indexes of servers collect.
func (i *Instance) getStats(c echo.Context) error {
	stats, err := i.counts(c.Request().Context())
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "max-age=14400")
	return c.JSON(http.StatusOK, stats)
}

// Totals are the users, the videos of this server and all videos, as the
// statistics tell them.
func (i *Instance) Totals(ctx context.Context) (users, local, videos int64, err error) {
	stats, err := i.counts(ctx)
	if err != nil {
		return 0, 0, 0, err
	}
	number := func(name string) int64 { n, _ := stats[name].(int64); return n }
	return number("totalUsers"), number("totalLocalVideos"), number("totalVideos"), nil
}

// counts counts again when that was long ago; one request at a time does it.
func (i *Instance) counts(ctx context.Context) (object, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stats != nil && time.Since(i.counted) < countEvery {
		return i.stats, nil
	}
	out, err := i.fromRows(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.federation(ctx, out); err != nil {
		return nil, err
	}
	i.stats, i.counted = out, time.Now()
	return out, nil
}

// counted is what the tables say.
type counted struct {
	TotalUsers, TotalDailyActiveUsers, TotalWeeklyActiveUsers, TotalMonthlyActiveUsers, TotalModerators, TotalAdmins int64
	TotalLocalVideos, TotalLocalVideoViews, TotalVideos, TotalLocalVideoFilesSize                                    int64
	TotalLocalVideoComments, TotalVideoComments                                                                      int64
	TotalLocalVideoChannels, DailyChannels, WeeklyChannels, MonthlyChannels, TotalLocalPlaylists                     int64
	TotalInstanceFollowers, TotalInstanceFollowing                                                                   int64
	TotalAbuses, TotalAbusesProcessed, TotalRegistrationRequests, TotalRegistrationRequestsProcessed                 int64
	AverageAbuseSeconds, AverageRegistrationSeconds                                                                  *float64
	UsedBytes, UsedVideos, UsedFiles                                                                                 int64
}

// statsQuery has one sub-select for each group of numbers; the times are those
// of a day, a week and a month ago.
func statsQuery(d db.Dialect) string {
	seconds := func(from, to string) string {
		if d == db.Postgres {
			return fmt.Sprintf("EXTRACT(EPOCH FROM %s - %s)", to, from)
		}
		return fmt.Sprintf("(julianday(%s) - julianday(%s)) * 86400", to, from)
	}
	return `SELECT u.*, v.*, vf.*, co.*, ch.*, ac.*, pl.*, fo.*, ab.*, re.*, rd.*
	FROM (SELECT COUNT(*) AS total_users,
			COUNT(CASE WHEN last_login_at > @day THEN 1 END) AS total_daily_active_users,
			COUNT(CASE WHEN last_login_at > @week THEN 1 END) AS total_weekly_active_users,
			COUNT(CASE WHEN last_login_at > @month THEN 1 END) AS total_monthly_active_users,
			COUNT(CASE WHEN role = 1 THEN 1 END) AS total_moderators,
			COUNT(CASE WHEN role = 0 THEN 1 END) AS total_admins FROM users) u,
		(SELECT COUNT(*) AS total_videos, COUNT(CASE WHEN local THEN 1 END) AS total_local_videos,
			COALESCE(SUM(CASE WHEN local THEN views END), 0) AS total_local_video_views
			FROM videos WHERE privacy = 1 AND state = 1) v,
		(SELECT COALESCE(SUM(files_size), 0) AS total_local_video_files_size FROM videos WHERE files_size IS NOT NULL) vf,
		(SELECT COUNT(*) AS total_video_comments, COUNT(CASE WHEN local THEN 1 END) AS total_local_video_comments
			FROM comments WHERE deleted_at IS NULL) co,
		(SELECT COUNT(*) AS total_local_video_channels FROM channels WHERE local) ch,
		(SELECT COUNT(DISTINCT CASE WHEN published_at > @day THEN channel_id END) AS daily_channels,
			COUNT(DISTINCT CASE WHEN published_at > @week THEN channel_id END) AS weekly_channels,
			COUNT(DISTINCT channel_id) AS monthly_channels
			FROM videos WHERE privacy = 1 AND state = 1 AND local AND published_at > @month) ac,
		(SELECT COUNT(*) AS total_local_playlists FROM playlists WHERE local AND privacy = 1 AND type = 1) pl,
		(SELECT COUNT(CASE WHEN t.id = f.target_id THEN 1 END) AS total_instance_followers,
			COUNT(CASE WHEN t.id = f.follower_id THEN 1 END) AS total_instance_following
			FROM follows f JOIN actors t ON t.id IN (f.target_id, f.follower_id)
			WHERE t.username = @instance AND t.host = '' AND f.state = 'accepted') fo,
		(SELECT COUNT(*) AS total_abuses, COUNT(CASE WHEN state <> 1 THEN 1 END) AS total_abuses_processed,
			AVG(CASE WHEN state <> 1 THEN ` + seconds("created_at", "processed_at") + ` END) AS average_abuse_seconds FROM abuses) ab,
		(SELECT COUNT(*) AS total_registration_requests, COUNT(CASE WHEN state <> 1 THEN 1 END) AS total_registration_requests_processed,
			AVG(CASE WHEN state <> 1 THEN ` + seconds("created_at", "processed_at") + ` END) AS average_registration_seconds FROM registrations) re,
		(SELECT COALESCE(SUM(size), 0) AS used_bytes, COUNT(DISTINCT video_id) AS used_videos, COUNT(*) AS used_files
			FROM redundancies WHERE local AND state = 'ready') rd`
}

func (i *Instance) fromRows(ctx context.Context) (object, error) {
	var n counted
	now := db.Now()
	err := i.o.DB.Read(ctx).Raw(statsQuery(i.o.DB.Dialect()), map[string]any{
		"day": now.AddDate(0, 0, -1), "week": now.AddDate(0, 0, -7), "month": now.AddDate(0, -1, 0), "instance": actor.InstanceName,
	}).Scan(&n).Error
	if err != nil {
		return nil, fmt.Errorf("stats: %w", err)
	}
	return object{
		"totalUsers": n.TotalUsers, "totalDailyActiveUsers": n.TotalDailyActiveUsers, "totalWeeklyActiveUsers": n.TotalWeeklyActiveUsers,
		"totalMonthlyActiveUsers": n.TotalMonthlyActiveUsers, "totalModerators": n.TotalModerators, "totalAdmins": n.TotalAdmins,
		"totalLocalVideos": n.TotalLocalVideos, "totalLocalVideoViews": n.TotalLocalVideoViews, "totalVideos": n.TotalVideos,
		"totalLocalVideoFilesSize": n.TotalLocalVideoFilesSize, "totalLocalVideoComments": n.TotalLocalVideoComments,
		"totalVideoComments": n.TotalVideoComments, "totalLocalVideoChannels": n.TotalLocalVideoChannels,
		"totalLocalDailyActiveVideoChannels": n.DailyChannels, "totalLocalWeeklyActiveVideoChannels": n.WeeklyChannels,
		"totalLocalMonthlyActiveVideoChannels": n.MonthlyChannels, "totalLocalPlaylists": n.TotalLocalPlaylists,
		"totalInstanceFollowers": n.TotalInstanceFollowers, "totalInstanceFollowing": n.TotalInstanceFollowing,
		"totalAbuses": n.TotalAbuses, "totalAbusesProcessed": n.TotalAbusesProcessed, "averageAbuseResponseTimeMs": milliseconds(n.AverageAbuseSeconds),
		"totalRegistrationRequests": n.TotalRegistrationRequests, "totalRegistrationRequestsProcessed": n.TotalRegistrationRequestsProcessed,
		"averageRegistrationRequestResponseTimeMs": milliseconds(n.AverageRegistrationSeconds),
		"videosRedundancy": []object{{
			"strategy": "manual", "totalSize": nil, "totalUsed": n.UsedBytes, "totalVideos": n.UsedVideos, "totalVideoFiles": n.UsedFiles,
		}},
	}, nil
}

func milliseconds(seconds *float64) any {
	if seconds == nil {
		return nil
	}
	return int64(*seconds * 1000)
}

// activityTypes are those that are counted one by one.
func activityTypes() []string {
	return []string{
		"Create", "Update", "Delete", "Follow", "Accept", "Reject", "Announce", "Undo", "Like", "Dislike", "Flag", "View",
		"ApproveReply", "RejectReply",
	}
}

// federation adds what became of activities since the process started.
func (i *Instance) federation(ctx context.Context, out object) error {
	waiting, err := i.o.Waiting(ctx)
	if err != nil {
		return err
	}
	var done, failed int64
	success, failure := map[string]int64{}, map[string]int64{}
	for _, m := range i.activities() {
		var kind, result string
		for _, l := range m.GetLabel() {
			switch l.GetName() {
			case "activity":
				kind = l.GetValue()
			case "result":
				result = l.GetValue()
			}
		}
		n := int64(m.GetCounter().GetValue())
		switch result {
		case "done":
			success[kind], done = success[kind]+n, done+n
		case "dropped", "dead":
			failure[kind], failed = failure[kind]+n, failed+n
		}
	}
	for _, kind := range activityTypes() {
		out["totalActivityPub"+kind+"MessagesSuccesses"] = success[kind]
		out["totalActivityPub"+kind+"MessagesErrors"] = failure[kind]
	}
	out["totalActivityPubMessagesProcessed"], out["totalActivityPubMessagesSuccesses"], out["totalActivityPubMessagesErrors"] = done+failed, done, failed
	out["activityPubMessagesProcessedPerSecond"] = float64(done+failed) / max(1, time.Since(i.started).Seconds())
	out["totalActivityPubMessagesWaiting"] = waiting
	return nil
}

// activities are the counters of the inbox.
func (i *Instance) activities() []*dto.Metric {
	if i.o.Metrics == nil {
		return nil
	}
	families, err := i.o.Metrics.Gather()
	if err != nil {
		return nil // /metrics tells what is wrong
	}
	for _, f := range families {
		if f.GetName() == "kinemesh_activitypub_activities_total" {
			return f.GetMetric()
		}
	}
	return nil
}
