package user

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
)

// feedToken is what programs read a user's private feeds with. It follows from
// the server's secret, so that the database holds none; each generation has
// another.
func (s *Service) feedToken(userID, generation int64) string {
	mac := hmac.New(sha256.New, []byte(s.o.Config.Secrets.PeerTube))
	mac.Write(fmt.Appendf(nil, "feed token %d %d", userID, generation)) // a hash takes everything
	var id uuid.UUID
	copy(id[:], mac.Sum(nil))
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // RFC 9562 5.8: clients expect a UUID
	return id.String()
}

// ByFeedToken finds the user of an account by the token for its feeds.
// db.ErrNotFound when there is none, the token is not that user's or was
// replaced, or the user is blocked.
func (s *Service) ByFeedToken(ctx context.Context, accountID int64, token string) (*User, error) {
	var u User
	err := s.o.DB.Read(ctx).Joins("JOIN accounts a ON a.user_id = users.id").Where("a.id = ?", accountID).Take(&u).Error
	if err != nil {
		return nil, fmt.Errorf("user of account %d: %w", accountID, err)
	}
	want := s.feedToken(u.ID, u.FeedGeneration)
	if subtle.ConstantTimeCompare([]byte(want), []byte(token)) != 1 || u.Blocked {
		return nil, fmt.Errorf("feed of account %d: %w", accountID, db.ErrNotFound)
	}
	return &u, nil
}

func (s *Service) scopedTokens(c echo.Context) error {
	u, err := s.me(c)
	if err != nil {
		return err
	}
	return s.answerFeedToken(c, u.ID, u.FeedGeneration)
}

// renewScopedTokens ends the token that was given out before.
func (s *Service) renewScopedTokens(c echo.Context) error {
	u, err := s.me(c)
	if err != nil {
		return err
	}
	generation := u.FeedGeneration + 1
	err = s.o.DB.Tx(c.Request().Context(), func(tx *db.Tx) error {
		r := tx.Raw("UPDATE users SET feed_generation = feed_generation + 1 WHERE id = ? RETURNING feed_generation", u.ID).Scan(&generation)
		if r.Error == nil && r.RowsAffected == 0 {
			return errors.New("the user is gone")
		}
		return r.Error
	})
	if err != nil {
		return fmt.Errorf("feed token of user %d: %w", u.ID, err)
	}
	return s.answerFeedToken(c, u.ID, generation)
}

func (s *Service) answerFeedToken(c echo.Context, userID, generation int64) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, map[string]string{"feedToken": s.feedToken(userID, generation)})
}
