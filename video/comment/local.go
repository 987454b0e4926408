package comment

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// local answers for our documents: comments of ours, below whatever video; what
// carries them; approvals of comments below our videos; the comments of a video
// (PT federation 2). What anyone may not see is not there (SEC-18, SEC-54).
func (s *Service) local(ctx context.Context, path string) (any, error) {
	uuid, id, part, ok := documentPath(path)
	if !ok {
		return nil, nil //nolint:nilnil // the path is none of ours
	}
	notFound := fmt.Errorf("%w: %s", activitypub.ErrNotFound, path)
	ref, ok := catalog.ParseRef(uuid)
	if !ok || ref.UUID == "" {
		return nil, notFound
	}
	v, err := s.catalog.Get(ctx, ref)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && v.Local && !s.catalog.CanSee(ctx, nil, v)) {
		return nil, notFound
	}
	if err != nil {
		return nil, err
	}
	if id == 0 {
		if !v.Local {
			return nil, notFound
		}
		return activitypub.Paged(ctx, v.IRI+"/comments", func(ctx context.Context, offset, limit int) ([]string, int64, error) {
			return s.collection(ctx, v, offset, limit)
		})
	}
	c, err := s.byID(ctx, id)
	if errors.Is(err, ErrNotFound) || (err == nil && c.VideoID != v.ID) {
		return nil, notFound
	}
	if err != nil {
		return nil, err
	}
	if part == approvePart {
		return s.approvalDocument(ctx, v, c)
	}
	return s.document(ctx, v, c, part)
}

// document is a local comment, or its Create.
func (s *Service) document(ctx context.Context, v *catalog.Video, c *Comment, part string) (any, error) {
	if !c.Local || c.Held && v.Local { // the server of a remote video asks for what it is to decide about
		return nil, fmt.Errorf("%w: comment %d", activitypub.ErrNotFound, c.ID)
	}
	if c.DeletedAt != nil {
		return s.tombstone(ctx, v, c, part)
	}
	p, err := s.people(ctx, v, c)
	if err != nil {
		return nil, err
	}
	if p.author == nil || p.author.GoneAt != nil {
		return nil, activitypub.ErrGone
	}
	above, err := s.aboveOf(ctx, v, c)
	if err != nil {
		return nil, err
	}
	switch part {
	case "":
		return vocab.Build(vocab.Comment, s.note(c, above, p))
	case activityPart, approvedPart:
		return s.create(c, above, p, part)
	}
	return nil, fmt.Errorf("%w: %s", activitypub.ErrNotFound, part)
}

// tombstone is what stands in the place of a deleted comment. While something
// hangs below it, other servers must get past it to the video, so it is a
// document; else it is gone (AP 6.4).
func (s *Service) tombstone(ctx context.Context, v *catalog.Video, c *Comment, part string) (any, error) {
	if part == deletePart { // who got it passed on asks whether it is true
		return s.deletion(ctx, v, c)
	}
	var answers int64
	if err := s.db.Read(ctx).Model(&Comment{}).Where("parent_id = ?", c.ID).Count(&answers).Error; err != nil {
		return nil, fmt.Errorf("count answers: %w", err)
	}
	if answers == 0 || part != "" {
		return nil, activitypub.ErrGone
	}
	above, err := s.aboveOf(ctx, v, c)
	if err != nil {
		return nil, err
	}
	return vocab.Build(vocab.Base, wireTombstone{
		ID: c.IRI, Type: "Tombstone", FormerType: "Note", InReplyTo: above,
		Published: vocab.Time(c.CreatedAt), Updated: vocab.Time(c.UpdatedAt), Deleted: vocab.Time(*c.DeletedAt),
	})
}

// deletion is the Delete of a local comment.
func (s *Service) deletion(ctx context.Context, v *catalog.Video, c *Comment) (any, error) {
	p, err := s.people(ctx, v, c)
	if err != nil {
		return nil, err
	}
	if p.author == nil {
		return nil, activitypub.ErrGone
	}
	return s.deleted(c, p.author, p)
}

// approvalDocument is the owner's approval of a comment below a local video.
func (s *Service) approvalDocument(ctx context.Context, v *catalog.Video, c *Comment) (any, error) {
	if !v.Local || !c.Visible() || c.ActorID == nil || c.Approval != s.approvalID(v, c, approvePart) {
		return nil, fmt.Errorf("%w: approval of comment %d", activitypub.ErrNotFound, c.ID)
	}
	actors, err := s.engine.Actors.ByIDs(ctx, []int64{v.Owner.AccountActorID, *c.ActorID})
	if err != nil {
		return nil, err
	}
	owner, author := actors[v.Owner.AccountActorID], actors[*c.ActorID]
	if owner == nil || author == nil {
		return nil, activitypub.ErrGone
	}
	return s.answer(v, c, "ApproveReply", approvePart, owner, author.IRI)
}

// collection lists the comments below a local video that readers see, oldest
// first, as PeerTube does.
func (s *Service) collection(ctx context.Context, v *catalog.Video, offset, limit int) ([]string, int64, error) {
	gone, err := s.leftOut(ctx, nil, v)
	if err != nil {
		return nil, 0, err
	}
	total := v.Comments
	for i := range gone {
		total = max(0, total-gone[i].All)
	}
	if limit == 0 {
		return nil, total, nil
	}
	var items []string
	q := s.db.Read(ctx).Model(&Comment{}).Where("video_id = ? AND held = ? AND deleted_at IS NULL", v.ID, false)
	err = s.shown(ctx, q, nil).
		Order("id").Offset(offset).Limit(limit).Pluck("iri", &items).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list comments: %w", err)
	}
	return items, total, nil
}

// page sends a browser that follows the link of a comment to the video.
func (s *Service) page(c echo.Context) error {
	ctx := c.Request().Context()
	_, id, _, ok := documentPath(c.Request().URL.Path)
	if !ok || id == 0 {
		return echo.ErrNotFound
	}
	found, err := s.byID(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return echo.ErrNotFound
	}
	if err != nil {
		return err
	}
	v, err := s.catalog.ByID(ctx, found.VideoID)
	if err != nil {
		return err
	}
	if p := rest.Current(ctx); !s.shows(ctx, p, found) || !s.catalog.CanSee(ctx, p, v) { // SEC-18, SEC-19
		return echo.ErrNotFound
	}
	return c.Redirect(http.StatusFound, fmt.Sprintf("/w/%s;threadId=%d", v.ShortUUID(), found.ThreadID))
}
