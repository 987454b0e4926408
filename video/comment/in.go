package comment

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// maxDepth is how far a thread is followed upwards (PT federation 4 Note). The
// budget of an activity ends it earlier where everything has to be fetched
// (SEC-29).
const maxDepth = 100

// onCreate takes a comment, and passes it on when it hangs below one of our
// videos.
func (s *Service) onCreate(ctx context.Context, act *activitypub.Activity) error {
	if !act.Object.Has("inReplyTo") {
		return nil // no comment: what somebody says to the followers
	}
	n, err := parse(act.Object)
	if err != nil {
		return activitypub.Drop(err)
	}
	if !n.deleted && n.author != act.Actor.IRI { // SEC-14
		return activitypub.Drop(reject("%s by %s, sent by %s", n.iri, n.author, act.Actor.IRI))
	}
	return s.ingest(ctx, n, act)
}

// Ingest stores a document that came from its origin.
func (s *Service) Ingest(ctx context.Context, o vocab.Object) error {
	n, err := parse(o)
	if err != nil {
		return activitypub.Drop(err)
	}
	return s.ingest(ctx, n, nil)
}

// ingest stores a note together with what it answers. act is what brought it,
// nil when it was asked for.
func (s *Service) ingest(ctx context.Context, n *note, act *activitypub.Activity) error {
	if s.engine.Actors.IsLocal(n.iri) { // SEC-13
		return activitypub.Drop(reject("%s is ours", n.iri))
	}
	if !s.remote() {
		return activitypub.Drop(errors.New("comments of other servers are not taken here"))
	}
	known, err := s.byIRI(ctx, n.iri)
	if err == nil {
		return s.again(ctx, known, n, act)
	}
	if !errors.Is(err, ErrNotFound) {
		return err
	}
	v, parent, above, err := s.place(ctx, n)
	if err != nil {
		return err
	}
	if err := s.mayHang(ctx, v); err != nil { // before anything above is stored
		return activitypub.Drop(err)
	}
	for _, up := range slices.Backward(above) {
		if parent, err = s.save(ctx, v, parent, up, nil); err != nil {
			return fmt.Errorf("above %s: %w", n.iri, err)
		}
	}
	_, err = s.save(ctx, v, parent, n, act)
	return err
}

// place finds the video below which a note belongs: what it answers is fetched,
// and what that answers, until a video or a known comment is found. above are
// the notes in between, the nearest first.
func (s *Service) place(ctx context.Context, n *note) (v *catalog.Video, parent *Comment, above []*note, err error) {
	seen := map[string]bool{n.iri: true}
	for at := n; len(above) < maxDepth; {
		id := at.inReplyTo
		if seen[id] {
			return nil, nil, nil, activitypub.Drop(reject("in a thread that ends in itself"))
		}
		seen[id] = true
		if parent, err = s.byIRI(ctx, id); err == nil {
			v, err = s.catalog.ByID(ctx, parent.VideoID)
			return v, parent, above, err
		}
		if !errors.Is(err, ErrNotFound) {
			return nil, nil, nil, err
		}
		v, err = s.catalog.ByIRI(ctx, id)
		if err == nil || !errors.Is(err, catalog.ErrNotFound) {
			return v, nil, above, err
		}
		if s.engine.Actors.IsLocal(id) {
			return nil, nil, nil, activitypub.Drop(reject("below %s, which is not here", id))
		}
		o, err := s.engine.Actors.FetchDocument(ctx, id)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("what a note answers: %w", err)
		}
		if o.Is("Video") {
			if err := s.engine.Ingest(ctx, o); err != nil {
				return nil, nil, nil, err
			}
			v, err = s.catalog.ByIRI(ctx, o.ID())
			return v, nil, above, err
		}
		if at, err = parse(o); err != nil {
			return nil, nil, nil, activitypub.Drop(err)
		}
		above = append(above, at)
	}
	return nil, nil, nil, activitypub.Drop(reject("in a thread of more than %d", maxDepth))
}

// mayHang tells whether others may say something below v. One of ours that is
// hidden answers as if it were not there (SEC-18).
func (s *Service) mayHang(ctx context.Context, v *catalog.Video) error {
	if v.Local && !s.catalog.CanSee(ctx, nil, v) {
		return reject("below %s, which is not here", v.IRI)
	}
	if v.CommentsPolicy == catalog.CommentsDisabled {
		return ErrDisabled
	}
	return nil
}

// save stores a note below a video.
func (s *Service) save(ctx context.Context, v *catalog.Video, parent *Comment, n *note, act *activitypub.Activity) (*Comment, error) {
	c := &Comment{IRI: n.iri, URL: n.url, Text: n.text, CreatedAt: n.published, UpdatedAt: n.updated}
	var author *actor.Actor
	if n.deleted {
		c.DeletedAt = &n.updated
	} else {
		var err error
		if author, err = s.authorOf(ctx, n, act); err != nil {
			return nil, err
		}
		c.ActorID, c.raw = &author.ID, pendingOf(n, act)
		if err := s.judge(ctx, v, c, n); err != nil {
			return nil, err
		}
	}
	p, err := s.people(ctx, v, nil)
	if err != nil {
		return nil, err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, v.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			return activitypub.Drop(reject("below a video that is gone"))
		}
		if err != nil {
			return err
		}
		fresh, err := s.insert(tx, v, parent, c)
		if err != nil || !fresh {
			return err
		}
		if !v.Local || n.deleted {
			return nil
		}
		if c.Visible() {
			if err := s.publishApproval(tx, v, c, p.account, author); err != nil {
				return err
			}
		}
		return s.forward(tx, v, c, act)
	})
	if err != nil {
		return nil, err
	}
	if c.ID == 0 { // another delivery was faster
		return s.byIRI(ctx, n.iri)
	}
	return c, nil
}

// authorOf finds the author, and keeps an account row for it.
func (s *Service) authorOf(ctx context.Context, n *note, act *activitypub.Activity) (*actor.Actor, error) {
	var author *actor.Actor
	if act != nil && act.Actor.IRI == n.author {
		author = act.Actor
	} else {
		var err error
		if author, err = s.engine.Actors.Fetch(ctx, n.author); err != nil {
			return nil, fmt.Errorf("author of %s: %w", n.iri, err)
		}
	}
	if _, err := s.channels.EnsureAccount(ctx, author); err != nil {
		return nil, fmt.Errorf("author of %s: %w", n.iri, err)
	}
	return author, nil
}

// judge decides whether a comment of another server is shown at once. Below one
// of our videos its owner may have to see it first; below another server's, that
// server must have approved it, and is asked whether it has.
func (s *Service) judge(ctx context.Context, v *catalog.Video, c *Comment, n *note) error {
	if v.CommentsPolicy != catalog.CommentsApproval || c.by(v.Owner.AccountActorID) {
		return nil
	}
	if v.Local {
		c.Held, c.Pending = true, c.raw
		return nil
	}
	if n.approval == "" || !iri.SameHost(v.IRI, n.approval) {
		return activitypub.Drop(reject("%s is not approved by the owner of the video", n.iri))
	}
	if ok, err := s.approved(ctx, v, n); err != nil || !ok {
		return errors.Join(err, activitypub.Drop(reject("%s is not approved at %s", n.iri, n.approval)))
	}
	c.Approval = n.approval
	return nil
}

// approved asks the server of the video for an approval that a comment claims.
func (s *Service) approved(ctx context.Context, v *catalog.Video, n *note) (bool, error) {
	o, err := s.engine.Actors.FetchDocument(ctx, n.approval)
	if err != nil {
		return false, fmt.Errorf("approval of %s: %w", n.iri, err)
	}
	owner, err := s.engine.Actors.ByID(ctx, v.Owner.AccountActorID)
	if err != nil {
		return false, err
	}
	return o.Is("ApproveReply") && o.IRI("object") == n.iri && o.IRI("actor") == owner.IRI, nil
}

// again takes a document of a comment that is here: a newer text, and the
// activity to pass on.
func (s *Service) again(ctx context.Context, known *Comment, n *note, act *activitypub.Activity) error {
	if n.deleted {
		return s.remove(ctx, n.iri)
	}
	author, err := s.engine.Actors.ByIRI(ctx, n.author)
	if errors.Is(err, activitypub.ErrNotFound) || (err == nil && !known.by(author.ID)) { // SEC-14
		return activitypub.Drop(reject("%s of somebody else", n.iri))
	}
	if err != nil {
		return err
	}
	return s.change(ctx, known, func(tx *db.Tx, v *catalog.Video, c *Comment) error {
		if c.DeletedAt != nil {
			return nil
		}
		if n.updated.After(c.UpdatedAt) && n.text != c.Text {
			if err := s.rewrite(tx, v, c, n, act); err != nil {
				return err
			}
		}
		return s.forward(tx, v, c, act)
	})
}

// rewrite takes a new text. Where the owner looks at comments first, it looks
// again: an approved text must not become another one.
func (s *Service) rewrite(tx *db.Tx, v *catalog.Video, c *Comment, n *note, act *activitypub.Activity) error {
	if err := update(tx, c, map[string]any{"text": n.text, "updated_at": n.updated, "url": n.url}); err != nil {
		return err
	}
	tags, err := s.words.OfComment(tx, v, n.text)
	if err != nil {
		return err
	}
	if err := s.words.TagComment(tx, c.ID, tags); err != nil {
		return err
	}
	if !v.Local || v.CommentsPolicy != catalog.CommentsApproval && !tags.Hold || c.by(v.Owner.AccountActorID) {
		return nil
	}
	return hold(tx, v, c, pendingOf(n, act))
}

// pendingOf is what has to be passed on once a comment that is held is approved:
// what brought it, unless its server passes it on itself.
func pendingOf(n *note, act *activitypub.Activity) string {
	if act == nil || n.approvable {
		return ""
	}
	return string(act.Raw)
}

// onUpdate takes a new text from the author of a comment.
func (s *Service) onUpdate(ctx context.Context, act *activitypub.Activity) error {
	known, err := s.byIRI(ctx, act.Object.ID())
	if errors.Is(err, ErrNotFound) {
		return s.onCreate(ctx, act) // its Create was lost
	}
	if err != nil {
		return err
	}
	n, err := parse(act.Object)
	if err != nil {
		return activitypub.Drop(err)
	}
	if known.Local || n.deleted || n.author != act.Actor.IRI { // SEC-13, SEC-14
		return activitypub.Drop(reject("%s changed by %s", n.iri, act.Actor.IRI))
	}
	return s.again(ctx, known, n, act)
}

// onDelete buries a comment: for its author, and for the owner of the video
// (SEC-14).
func (s *Service) onDelete(ctx context.Context, act *activitypub.Activity) error {
	known, err := s.byIRI(ctx, act.Object.ID())
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.change(ctx, known, func(tx *db.Tx, v *catalog.Video, c *Comment) error {
		byAuthor := c.by(act.Actor.ID)
		if !byAuthor && act.Actor.ID != v.Owner.AccountActorID && act.Actor.ID != v.Owner.ChannelActorID {
			return activitypub.Drop(fmt.Errorf("%w: %s deletes %s", vocab.ErrInvalid, act.Actor.IRI, c.IRI))
		}
		shown := c.Visible()
		if err := bury(tx, v, c); err != nil {
			return err
		}
		if !v.Local || !shown {
			return nil
		}
		return s.forward(tx, v, c, act)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// onApprove hears that the owner of a remote video lets a comment of ours
// through. Who else has it is told now (PT wire 6.3 Comments).
func (s *Service) onApprove(ctx context.Context, act *activitypub.Activity) error {
	return s.answered(ctx, act, func(tx *db.Tx, v *catalog.Video, c *Comment, p *people) error {
		if !c.Held {
			if c.Approval != "" {
				return nil
			}
			return update(tx, c, map[string]any{"approval": act.ID})
		}
		if err := s.show(tx, v, c, act.ID); err != nil {
			return err
		}
		return s.publishCreate(tx, v, c, p)
	})
}

// onReject hears that the owner of a remote video does not want a comment of
// ours. Nobody but that server has it, so nobody is told.
func (s *Service) onReject(ctx context.Context, act *activitypub.Activity) error {
	return s.answered(ctx, act, func(tx *db.Tx, v *catalog.Video, c *Comment, _ *people) error {
		if !c.Held {
			return nil // it was approved before: deleting it takes a Delete
		}
		return bury(tx, v, c)
	})
}

// answered finds the comment of ours that the owner of a remote video decides
// about.
func (s *Service) answered(ctx context.Context, act *activitypub.Activity, fn func(*db.Tx, *catalog.Video, *Comment, *people) error) error {
	known, err := s.byIRI(ctx, act.Object.ID())
	if errors.Is(err, ErrNotFound) || (err == nil && (!known.Local || known.DeletedAt != nil)) {
		return nil
	}
	if err != nil {
		return err
	}
	v, err := s.catalog.ByID(ctx, known.VideoID)
	if err != nil {
		return err
	}
	if v.Local || act.Actor.ID != v.Owner.AccountActorID && act.Actor.ID != v.Owner.ChannelActorID {
		return activitypub.Drop(fmt.Errorf("%w: %s decides about %s", vocab.ErrInvalid, act.Actor.IRI, known.IRI))
	}
	p, err := s.people(ctx, v, known)
	if err != nil {
		return err
	}
	return s.change(ctx, known, func(tx *db.Tx, v *catalog.Video, c *Comment) error { return fn(tx, v, c, p) })
}
