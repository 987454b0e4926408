package comment

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// RemoveArgs buries what an actor has said: below the videos of an account, or
// everywhere.
type RemoveArgs struct {
	ActorID int64 `json:"actorId"`
	OwnerID int64 `json:"ownerId,omitempty"` // account; 0: everywhere
}

// Kind implements jobs.Args.
func (RemoveArgs) Kind() string { return "video.remove_comments" }

// removeStep is how many comments are looked up at once.
const removeStep = 100

// Scopes of a removal.
const (
	scopeMine     = "my-videos"
	scopeInstance = "instance"
)

// removeAll takes the wish of a user to be rid of what somebody has said.
func (s *Service) removeAll(c echo.Context) error {
	var body struct {
		AccountName string `json:"accountName"`
		Scope       string `json:"scope"`
	}
	if err := input.JSON(c, &body); err != nil {
		return err
	}
	handle := strings.TrimSpace(body.AccountName)
	var check rest.Checker
	if handle == "" || !input.Plain(handle) {
		check.Refuse("body", "accountName", "Should be name or name@host", body.AccountName)
	}
	if body.Scope != scopeMine && body.Scope != scopeInstance {
		check.Refuse("body", "scope", "Should be my-videos or instance", body.Scope)
	}
	if err := check.Err(); err != nil {
		return err
	}
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	args := RemoveArgs{OwnerID: p.AccountID}
	if body.Scope == scopeInstance {
		if !p.IsModerator() {
			return rest.Forbidden("User cannot remove any comments of this instance.")
		}
		args.OwnerID = 0
	}
	a, err := s.channels.AccountByHandle(ctx, handle)
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Account not found")
	}
	if err != nil {
		return err
	}
	args.ActorID = a.ActorID
	if err := s.db.Tx(ctx, func(tx *db.Tx) error { return jobs.Insert(tx, args) }); err != nil {
		return err
	}
	return rest.NoContent(c)
}

// removeThem buries them, each comment in a transaction of its own, which tells who has it.
// What is buried is not found again, so it may run twice.
func (s *Service) removeThem(ctx context.Context, a RemoveArgs) error {
	for {
		var rows []Comment
		q := s.db.Read(ctx).Where("actor_id = ? AND deleted_at IS NULL", a.ActorID)
		if a.OwnerID != 0 {
			q = q.Where("video_id IN (SELECT v.id FROM videos v JOIN channels ch ON ch.id = v.channel_id WHERE ch.account_id = ?)", a.OwnerID)
		}
		if err := q.Order("id").Limit(removeStep).Find(&rows).Error; err != nil {
			return fmt.Errorf("comments to remove: %w", err)
		}
		for i := range rows {
			if err := s.removeOne(ctx, &rows[i]); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, catalog.ErrNotFound) {
				return err
			}
		}
		if len(rows) < removeStep {
			return nil
		}
	}
}

func (s *Service) removeOne(ctx context.Context, c *Comment) error {
	v, err := s.catalog.ByID(ctx, c.VideoID)
	if err != nil {
		return err
	}
	around, err := s.people(ctx, v, c)
	if err != nil {
		return err
	}
	return s.change(ctx, c, func(tx *db.Tx, v *catalog.Video, c *Comment) error { return s.takeDown(tx, v, c, around) })
}
