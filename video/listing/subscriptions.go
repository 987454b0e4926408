package listing

import (
	"context"
	"fmt"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"
)

// listFollowed lists the videos of the channels that the user has subscribed to.
func (s *Service) listFollowed(c echo.Context) error {
	f, err := s.parseFilter(c, "-publishedAt")
	if err != nil {
		return err
	}
	f.FollowedBy = f.Viewer.AccountID
	return s.Answer(c, f, false)
}

// followed narrows a list to the channels that an account follows.
func (f *Filter) followed(q *query) {
	if f.FollowedBy != 0 {
		q.and(`v.channel_id IN (SELECT c.id FROM accounts me JOIN follows f ON f.follower_id = me.actor_id
 JOIN channels c ON c.actor_id = f.target_id WHERE me.id = ? AND f.state = 'accepted')`, f.FollowedBy)
	}
}

// followsOf names the state of an account's subscriptions: it is another one when
// one begins, is accepted or ends.
func (s *Service) followsOf(ctx context.Context, pool gorm.ConnPool, account int64) (string, error) {
	var count, last int64
	err := pool.QueryRowContext(ctx, bind(s.db.Dialect(), `SELECT COUNT(*), COALESCE(MAX(f.id), 0) FROM accounts me
 JOIN follows f ON f.follower_id = me.actor_id WHERE me.id = ? AND f.state = 'accepted'`), account).Scan(&count, &last)
	return fmt.Sprint(" ", count, "/", last, " "), err
}
