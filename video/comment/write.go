package comment

import (
	"context"
	"errors"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Add writes a comment of p below a video, or with parent below a comment of
// it. text must have passed [Clean].
func (s *Service) Add(ctx context.Context, p *rest.Principal, v *catalog.Video, parent *Comment, text string) (*Comment, error) {
	if parent != nil && parent.Held {
		return nil, ErrHeld
	}
	around, err := s.peopleOf(ctx, v, p.ActorID, parent)
	if err != nil {
		return nil, err
	}
	c := &Comment{ActorID: &p.ActorID, Local: true, Text: text, CreatedAt: db.Now()}
	c.UpdatedAt = c.CreatedAt
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		if v.CommentsPolicy == catalog.CommentsDisabled {
			return ErrDisabled
		}
		c.free = catalog.IsOwner(p, v) || v.Local && p.IsModerator()
		c.Held = v.CommentsPolicy == catalog.CommentsApproval && !c.free
		c.ID = 0 // the transaction may run twice
		if _, err := s.insert(tx, v, parent, c); err != nil {
			return err
		}
		return s.publishCreate(tx, v, c, around)
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Delete buries a comment for its author, the owner of the video or a
// moderator, and tells who has it.
func (s *Service) Delete(ctx context.Context, p *rest.Principal, c *Comment) error {
	v, err := s.catalog.ByID(ctx, c.VideoID)
	if err != nil {
		return err
	}
	around, err := s.people(ctx, v, c)
	if err != nil {
		return err
	}
	return s.change(ctx, c, func(tx *db.Tx, v *catalog.Video, c *Comment) error {
		if !c.by(p.ActorID) && !catalog.IsOwner(p, v) && !p.IsModerator() {
			return ErrForbidden
		}
		if c.DeletedAt != nil {
			return ErrDeleted
		}
		return s.takeDown(tx, v, c, around)
	})
}

// takeDown buries a comment and tells who has it. One that is buried is left alone.
func (s *Service) takeDown(tx *db.Tx, v *catalog.Video, c *Comment, around *people) error {
	if c.DeletedAt != nil {
		return nil
	}
	held := c.Held
	if err := bury(tx, v, c); err != nil {
		return err
	}
	return s.tellGone(tx, v, c, held, around)
}

// tellGone chooses in whose name the others hear of it. Below another server's
// video a moderator takes a foreign comment out of what is shown here, and
// nobody is told.
func (s *Service) tellGone(tx *db.Tx, v *catalog.Video, c *Comment, held bool, p *people) error {
	var by *actor.Actor
	switch {
	case p.author != nil && p.author.Local() && p.author.GoneAt == nil:
		by = p.author
	case v.Local:
		by = p.account
	default:
		return nil
	}
	if !held {
		return s.publishDelete(tx, v, c, by, p)
	}
	switch {
	case c.Local && v.Local: // nobody else has it
		return nil
	case c.Local:
		return s.publishDelete(tx, v, c, by, &people{author: p.author, account: p.account, channel: p.channel})
	case p.author != nil && p.author.GoneAt == nil:
		return s.publishReject(tx, v, c, p.account, p.author)
	}
	return nil
}

// Approve lets readers see a comment that was held, for the owner of the video
// or a moderator.
func (s *Service) Approve(ctx context.Context, p *rest.Principal, c *Comment) error {
	v, err := s.catalog.ByID(ctx, c.VideoID)
	if err != nil {
		return err
	}
	around, err := s.people(ctx, v, c)
	if err != nil {
		return err
	}
	return s.change(ctx, c, func(tx *db.Tx, v *catalog.Video, c *Comment) error {
		switch {
		case !v.Local || !catalog.IsOwner(p, v) && !p.IsModerator():
			return ErrForbidden
		case c.DeletedAt != nil:
			return ErrDeleted
		case !c.Held:
			return ErrNotHeld
		}
		pending, approval := c.Pending, ""
		if c.Local {
			approval = c.IRI + approvePart
		}
		if err := s.show(tx, v, c, approval); err != nil {
			return err
		}
		if c.Local {
			return s.publishCreate(tx, v, c, around)
		}
		return errors.Join(
			s.publishApproval(tx, v, c, around.account, around.author),
			s.forwardPending(ctx, tx, v, pending),
		)
	})
}
