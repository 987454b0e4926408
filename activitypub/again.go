package activitypub

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// FollowAgainArgs asks once more for what a row of follows stands for.
type FollowAgainArgs struct{ ID int64 }

// Kind names the job.
func (FollowAgainArgs) Kind() string { return "activitypub.follow_again" }

// FollowAgain makes the follows of a server right to which others do not know
// under its ids any more: who followed it from elsewhere does not, and whom it
// followed there is asked again once its jobs run. Who has rejected it is left
// alone. It returns how many followers went and how many follows are asked for.
func FollowAgain(tx *db.Tx) (gone, again int64, err error) {
	const remote, local = "(SELECT id FROM actors WHERE host <> '')", "(SELECT id FROM actors WHERE host = '')"
	res := tx.Exec("DELETE FROM follows WHERE follower_id IN " + remote + " AND target_id IN " + local)
	if res.Error != nil {
		return 0, 0, fmt.Errorf("followers from elsewhere: %w", res.Error)
	}
	var ids []int64
	err = tx.Model(&actor.Follow{}).Where("follower_id IN "+local+" AND target_id IN "+remote+" AND state <> ?", actor.Rejected).
		Order("id").Pluck("id", &ids).Error
	if err != nil {
		return 0, 0, fmt.Errorf("follows elsewhere: %w", err)
	}
	for _, id := range ids {
		err := tx.Model(&actor.Follow{}).Where("id = ?", id).Updates(map[string]any{"state": actor.Pending, "updated_at": db.Now()}).Error
		if err != nil {
			return 0, 0, fmt.Errorf("follow %d: %w", id, err)
		}
		if err := jobs.Insert(tx, FollowAgainArgs{id}, jobs.Unique(strconv.FormatInt(id, 10))); err != nil {
			return 0, 0, err
		}
	}
	return res.RowsAffected, int64(len(ids)), nil
}

// followAgain asks for a follow that waits. A second run finds another row, or
// none.
func (e *Engine) followAgain(ctx context.Context, a FollowAgainArgs) error {
	rows, err := e.Actors.FollowsByIDs(ctx, []int64{a.ID})
	if err != nil || len(rows) == 0 || rows[0].State != actor.Pending {
		return err
	}
	f := rows[0]
	if f.Follower == nil || f.Target == nil || !f.Follower.Local() || f.Target.GoneAt != nil {
		return nil
	}
	err = e.Follow(ctx, f.Follower, f.Target.IRI)
	if errors.Is(err, ErrBlocked) || dropped(err) {
		return jobs.Discard(err) // the list of jobs says why
	}
	return err
}
