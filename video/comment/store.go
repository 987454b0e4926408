package comment

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/watchedword"
)

// lock loads a comment in tx and keeps others from changing it until tx ends.
// The video's row is locked before, always.
func lock(tx *db.Tx, id int64) (*Comment, error) {
	var c Comment
	q := tx.DB
	if tx.Dialect() == db.Postgres {
		q = q.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
	}
	err := q.Where("id = ?", id).Take(&c).Error
	if errors.Is(err, db.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("lock comment: %w", err)
	}
	return &c, nil
}

// change loads a comment with its video, both locked, and runs fn. A video or
// comment that went meanwhile is ErrNotFound.
func (s *Service) change(ctx context.Context, c *Comment, fn func(tx *db.Tx, v *catalog.Video, c *Comment) error) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, c.VideoID)
		if errors.Is(err, catalog.ErrNotFound) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		fresh, err := lock(tx, c.ID)
		if err != nil {
			return err
		}
		return fn(tx, v, fresh)
	})
}

// insert writes a new comment below parent, nil for a root, and counts it. A
// local one gets its names here. It tells false when another delivery of the
// same comment was faster.
func (s *Service) insert(tx *db.Tx, v *catalog.Video, parent, c *Comment) (bool, error) {
	c.VideoID = v.ID
	if parent != nil {
		c.ParentID, c.ThreadID = &parent.ID, parent.ThreadID
	}
	tags, err := s.tagsOf(tx, v, c)
	if err != nil {
		return false, err
	}
	if c.Local {
		c.IRI = "new " + uuid.NewString() // until the row has a number
	}
	res := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "iri"}}, DoNothing: true}).Create(c)
	if res.Error != nil {
		return false, fmt.Errorf("save comment: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return false, nil
	}
	if err := s.words.TagComment(tx, c.ID, tags); err != nil {
		return false, err
	}
	set := map[string]any{}
	if parent == nil {
		c.ThreadID = c.ID
		set["thread_id"] = c.ID
	}
	if c.Local { // PT federation 2
		c.IRI = s.urls.Video(v.UUID) + "/comments/" + strconv.FormatInt(c.ID, 10)
		c.URL = c.IRI
		set["iri"], set["url"] = c.IRI, c.URL
		if v.Local && !c.Held {
			c.Approval = c.IRI + approvePart
			set["approval"] = c.Approval
		}
	}
	if len(set) > 0 {
		if err := update(tx, c, set); err != nil {
			return false, err
		}
	}
	if err := s.said(tx, v, c, true); err != nil || !c.Visible() {
		return true, err
	}
	return true, count(tx, v, c, 1)
}

// tagsOf are the automatic tags of a comment, which may hold it for the owner of
// the video.
func (s *Service) tagsOf(tx *db.Tx, v *catalog.Video, c *Comment) (watchedword.Tags, error) {
	tags, err := s.words.OfComment(tx, v, c.Text)
	if err == nil && tags.Hold && !c.Held && !c.free && !c.by(v.Owner.AccountActorID) {
		c.Held, c.Pending = true, c.raw
	}
	return tags, err
}

func (s *Service) said(tx *db.Tx, v *catalog.Video, c *Comment, isNew bool) error {
	if s.Said == nil {
		return nil
	}
	return s.Said(tx, v, c, isNew)
}

// update writes columns of a comment's row.
func update(tx *db.Tx, c *Comment, set map[string]any) error {
	if err := tx.Model(&Comment{}).Where("id = ?", c.ID).UpdateColumns(set).Error; err != nil {
		return fmt.Errorf("change comment: %w", err)
	}
	return nil
}

// count adds a comment to what readers see of its thread and video, or takes it
// out.
func count(tx *db.Tx, v *catalog.Video, c *Comment, delta int64) error {
	if c.ParentID != nil {
		set := map[string]any{"replies": gorm.Expr("replies + ?", delta)}
		if c.by(v.Owner.AccountActorID) {
			set["author_replies"] = gorm.Expr("author_replies + ?", delta)
		}
		if err := update(tx, &Comment{ID: c.ThreadID}, set); err != nil {
			return err
		}
	}
	return catalog.CountComments(tx, v.ID, delta)
}

// show lets readers see a comment that was held.
func (s *Service) show(tx *db.Tx, v *catalog.Video, c *Comment, approval string) error {
	set := map[string]any{"held": false, "pending": ""}
	if approval != "" {
		set["approval"], c.Approval = approval, approval
	}
	if err := update(tx, c, set); err != nil {
		return err
	}
	c.Held = false
	if c.DeletedAt != nil {
		return nil
	}
	return errors.Join(count(tx, v, c, 1), s.said(tx, v, c, false))
}

// hold takes a comment that readers saw back into review.
func hold(tx *db.Tx, v *catalog.Video, c *Comment, pending string) error {
	if c.Visible() {
		if err := count(tx, v, c, -1); err != nil {
			return err
		}
	}
	c.Held = true
	return update(tx, c, map[string]any{"held": true, "pending": pending})
}

// bury takes the text of a comment away. Its place stays, for what hangs below
// it.
func bury(tx *db.Tx, v *catalog.Video, c *Comment) error {
	if c.DeletedAt != nil {
		return nil
	}
	if c.Visible() {
		if err := count(tx, v, c, -1); err != nil {
			return err
		}
	}
	now := db.Now()
	c.DeletedAt, c.UpdatedAt, c.Text, c.Held = &now, now, "", false
	return update(tx, c, map[string]any{"deleted_at": now, "updated_at": now, "text": "", "held": false, "pending": ""})
}

// remove buries a remote comment that is gone at its origin.
func (s *Service) remove(ctx context.Context, iri string) error {
	c, err := s.byIRI(ctx, iri)
	if errors.Is(err, ErrNotFound) || (err == nil && c.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.change(ctx, c, bury)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// dropActor buries what an actor that is gone has said, and what waits for
// review.
func (s *Service) dropActor(ctx context.Context, actorID int64) error {
	for {
		var rows []Comment
		err := s.db.Read(ctx).Where("actor_id = ? AND deleted_at IS NULL", actorID).Order("id").Limit(100).Find(&rows).Error
		if err != nil {
			return fmt.Errorf("comments of an actor: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		for i := range rows {
			if err := s.change(ctx, &rows[i], bury); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
	}
}
