package comment

import (
	"context"
	"fmt"
	"slices"

	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// known tells whether other servers have v, so that something said below it is
// for them too (SEC-18).
func (s *Service) known(v *catalog.Video) bool { return !v.Local || s.catalog.Federates(v) }

// target is who gets what is said below v: of a local video everybody who has
// it, of a remote one its server, which passes it on; and who is answered (PT
// federation 3).
func (p *people) target(v *catalog.Video) activitypub.Delivery {
	d := activitypub.Delivery{}
	if p.author != nil && p.author.Local() {
		d.FollowersOf = append(d.FollowersOf, p.author.ID)
	}
	for _, a := range p.shared {
		if !slices.Contains(d.FollowersOf, a.ID) {
			d.FollowersOf = append(d.FollowersOf, a.ID)
		}
	}
	if !v.Local {
		d.Inboxes = append(d.Inboxes, p.account.SharedOrOwnInbox())
	}
	for _, a := range p.above {
		if !a.Local() {
			d.Inboxes = append(d.Inboxes, a.SharedOrOwnInbox())
		}
	}
	return d
}

// publishCreate sends a local comment out. One that waits for the owner of a
// remote video goes to its server alone; one that waits for ours stays here.
func (s *Service) publishCreate(tx *db.Tx, v *catalog.Video, c *Comment, p *people) error {
	if !s.known(v) || (c.Held && v.Local) {
		return nil
	}
	above := v.IRI
	if c.ParentID != nil {
		var parent Comment
		if err := tx.Where("id = ?", *c.ParentID).Take(&parent).Error; err != nil {
			return fmt.Errorf("load comment: %w", err)
		}
		above = parent.IRI
	}
	part, d := activityPart, p.target(v)
	switch {
	case c.Held:
		d = activitypub.Delivery{Inboxes: []string{p.account.SharedOrOwnInbox()}}
	case !v.Local && c.Approval != "":
		part = approvedPart
	}
	doc, err := s.create(c, above, p, part)
	if err != nil {
		return err
	}
	return s.engine.Outbox.Publish(tx, p.author, doc, d)
}

// publishDelete tells that a comment is gone, by its author or by the owner of
// the video (PT federation 3).
func (s *Service) publishDelete(tx *db.Tx, v *catalog.Video, c *Comment, by *actor.Actor, p *people) error {
	if !s.known(v) {
		return nil
	}
	doc, err := s.deleted(c, by, p)
	if err != nil {
		return err
	}
	d := p.target(v)
	if p.author != nil && !p.author.Local() {
		d.Inboxes = append(d.Inboxes, p.author.SharedOrOwnInbox())
	}
	return s.engine.Outbox.Publish(tx, by, doc, d)
}

// publishApproval lets the author's server know that a comment below a local
// video is welcome. PeerTube expects it whether approval is asked for or not,
// and in the author's own inbox (PT wire 6.3 Comments).
func (s *Service) publishApproval(tx *db.Tx, v *catalog.Video, c *Comment, owner, author *actor.Actor) error {
	if c.Local || c.Approval != "" || author == nil || author.GoneAt != nil {
		return nil
	}
	c.Approval = s.approvalID(v, c, approvePart)
	if err := update(tx, c, map[string]any{"approval": c.Approval}); err != nil {
		return err
	}
	doc, err := s.answer(v, c, "ApproveReply", approvePart, owner, author.IRI)
	if err != nil {
		return err
	}
	return s.engine.Outbox.Publish(tx, owner, doc, activitypub.Delivery{Inboxes: []string{author.Inbox}})
}

// publishReject tells the author's server that a held comment will not be shown.
func (s *Service) publishReject(tx *db.Tx, v *catalog.Video, c *Comment, owner, author *actor.Actor) error {
	doc, err := s.answer(v, c, "RejectReply", rejectPart, owner, author.IRI)
	if err != nil {
		return err
	}
	return s.engine.Outbox.Publish(tx, owner, doc, activitypub.Delivery{Inboxes: []string{author.Inbox}})
}

// forward passes on what somebody says below a video of ours, to all who have
// the video (AP 7.1.2, SEC-21). What is held is passed on when it is approved.
func (s *Service) forward(tx *db.Tx, v *catalog.Video, c *Comment, act *activitypub.Activity) error {
	if act == nil || c.Held || !v.Local || !s.catalog.Federates(v) || c.Local && act.Type != "Delete" {
		return nil
	}
	if c.ActorID != nil && act.Type != "Delete" { // what neither we nor the owner want to see is not for us to spread
		muted, err := moderation.Muted(tx.DB, v.Owner.AccountID, *c.ActorID)
		if err != nil || muted {
			return err
		}
	}
	to, err := receivers(tx, v)
	if err != nil {
		return err
	}
	return s.engine.Outbox.Forward(tx, act, activitypub.Delivery{FollowersOf: to})
}

// forwardPending passes on what was held and is approved, where the author's
// server does not do so itself.
func (s *Service) forwardPending(ctx context.Context, tx *db.Tx, v *catalog.Video, raw string) error {
	if raw == "" || !s.catalog.Federates(v) {
		return nil
	}
	env, err := vocab.ParseActivity([]byte(raw))
	if err != nil {
		return err
	}
	author, err := s.engine.Actors.ByIRI(ctx, env.Actor)
	if err != nil {
		return err
	}
	to, err := receivers(tx, v)
	if err != nil {
		return err
	}
	return s.engine.Outbox.Outbox.Forward(tx, delivery.Received{
		ID: env.ID, Type: env.Type, Object: env.ObjectID(), Host: author.Host, Raw: []byte(raw),
	}, activitypub.Delivery{FollowersOf: to})
}

// receivers are the actors whose followers have a local video.
func receivers(tx *db.Tx, v *catalog.Video) ([]int64, error) {
	ids, err := catalog.Involved(tx.DB, v.ID)
	if err != nil {
		return nil, err
	}
	for _, id := range []int64{v.Owner.ChannelActorID, v.Owner.AccountActorID} {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
