package video

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/kinemesh/kinemesh/accounts/user"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/video/report"
)

// TellUsers has users know what their videos take, what they did, and which
// playlists each of them has.
func (v *Video) TellUsers(users *user.Service) {
	users.Used, users.UsageSQL, users.UsedSQL, users.KeptUsage = v.Catalog.Used, usageSQL, usedSQL, kept.New(v.o.DB, "videos")
	users.Stats, users.SpecialPlaylists = v.statsOf, v.specialPlaylists
}

// usageSQL tells what the videos of some users take (see
// user.Service.UsageSQL): the uploads as they came, which count for the quota,
// with those that are running, and all files made of them.
const usageSQL = `SELECT user_id, SUM(used) AS used, SUM(daily) AS daily, SUM(files) AS files FROM (
 SELECT ac.user_id, v.source_size AS used, CASE WHEN v.created_at > @since THEN v.source_size ELSE 0 END AS daily,
   COALESCE(v.files_size, 0) AS files
  FROM accounts ac JOIN channels ch ON ch.account_id = ac.id JOIN videos v ON v.channel_id = ch.id WHERE ac.user_id IN @ids
 UNION ALL
 SELECT u.user_id, u.size, CASE WHEN u.created_at > @since THEN u.size ELSE 0 END, 0 FROM uploads u WHERE u.state <> 'done' AND u.user_id IN @ids
) of_videos GROUP BY user_id`

// usedSQL tells what counts for the quota of every user (see
// user.Service.UsedSQL). The index videos_used has it.
const usedSQL = `SELECT user_id, SUM(used) AS used FROM (
 SELECT ac.user_id, x.used FROM (SELECT v.channel_id, SUM(v.source_size) AS used FROM videos v WHERE v.local = TRUE GROUP BY v.channel_id) x
  JOIN channels ch ON ch.id = x.channel_id JOIN accounts ac ON ac.id = ch.account_id WHERE ac.user_id IS NOT NULL
 UNION ALL
 SELECT u.user_id, u.size FROM uploads u WHERE u.state <> 'done'
) of_users GROUP BY user_id`

// statsOf counts what a user did, for administrators.
func (v *Video) statsOf(ctx context.Context, userID int64) (out user.Stats, err error) {
	err = v.o.DB.Read(ctx).Raw(`WITH own AS (
  SELECT ac.actor_id FROM accounts ac WHERE ac.user_id = @user
  UNION SELECT ch.actor_id FROM channels ch JOIN accounts ac ON ac.id = ch.account_id WHERE ac.user_id = @user)
 SELECT
  (SELECT COUNT(*) FROM videos v JOIN channels ch ON ch.id = v.channel_id JOIN accounts ac ON ac.id = ch.account_id WHERE ac.user_id = @user) AS videos,
  (SELECT COUNT(*) FROM abuses WHERE flagged_id IN (SELECT actor_id FROM own)) AS abuses,
  (SELECT COUNT(*) FROM abuses WHERE flagged_id IN (SELECT actor_id FROM own) AND state = @accepted) AS abuses_accepted,
  (SELECT COUNT(*) FROM abuses WHERE reporter_id IN (SELECT actor_id FROM own)) AS abuses_created,
  (SELECT COUNT(*) FROM comments WHERE actor_id IN (SELECT actor_id FROM own) AND deleted_at IS NULL) AS comments`,
		sql.Named("user", userID), sql.Named("accepted", report.Accepted)).Scan(&out).Error
	if err != nil {
		return out, fmt.Errorf("statistics of user %d: %w", userID, err)
	}
	return out, nil
}

// specialPlaylists are the playlists that each user has: "watch later".
func (v *Video) specialPlaylists(ctx context.Context, accountID int64) ([]user.SpecialPlaylist, error) {
	p, err := v.Playlists.WatchLaterOf(ctx, accountID)
	if err != nil {
		return nil, fmt.Errorf("playlists of account %d: %w", accountID, err)
	}
	return []user.SpecialPlaylist{{ID: p.ID, Name: p.Name, Type: p.Type}}, nil
}
