package rate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// local answers for the rates of our actors, and for the likes and dislikes of
// our videos (PT federation 2). What anyone may not see is not there (SEC-18).
func (s *Service) local(ctx context.Context, path string) (any, error) {
	p := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(p) != 4 {
		return nil, nil //nolint:nilnil // the path is none of ours
	}
	switch {
	case p[0] == "accounts" && (p[2] == "likes" || p[2] == "dislikes"):
		return s.rateDocument(ctx, path, p[3])
	case p[0] == "videos" && p[1] == "watch" && (p[3] == "likes" || p[3] == "dislikes"):
		return s.collection(ctx, p[2], p[3])
	}
	return nil, nil //nolint:nilnil // as above
}

// rateDocument is the Like or Dislike of one of our actors.
func (s *Service) rateDocument(ctx context.Context, path, number string) (any, error) {
	notFound := fmt.Errorf("%w: %s", activitypub.ErrNotFound, path)
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, notFound
	}
	var r Rate
	err = s.o.DB.Read(ctx).Where("id = ? AND iri = ?", id, s.o.Engine.Actors.Origin()+path).Take(&r).Error
	if errors.Is(err, db.ErrNotFound) {
		return nil, notFound
	}
	if err != nil {
		return nil, fmt.Errorf("load rate: %w", err)
	}
	v, err := s.o.Catalog.ByID(ctx, r.VideoID)
	if err != nil {
		return nil, err
	}
	by, err := s.o.Engine.Actors.ByID(ctx, r.ActorID)
	if err != nil {
		return nil, err
	}
	if v.Local && !s.o.Catalog.CanSee(ctx, nil, v) || by.GoneAt != nil {
		return nil, notFound
	}
	return vocab.Build(vocab.Base, document(v, &r, by))
}

// collection is the likes or the dislikes of one of our videos.
func (s *Service) collection(ctx context.Context, uuid, part string) (any, error) {
	notFound := fmt.Errorf("%w: %s of %s", activitypub.ErrNotFound, part, uuid)
	ref, ok := catalog.ParseRef(uuid)
	if !ok || ref.UUID == "" {
		return nil, notFound
	}
	v, err := s.o.Catalog.Get(ctx, ref)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && (!v.Local || !s.o.Catalog.CanSee(ctx, nil, v))) {
		return nil, notFound
	}
	if err != nil {
		return nil, err
	}
	kind, total := Like, v.Likes
	if part == "dislikes" {
		kind, total = Dislike, v.Dislikes
	}
	return activitypub.Paged(ctx, v.IRI+"/"+part, func(ctx context.Context, offset, limit int) ([]string, int64, error) {
		if limit == 0 {
			return nil, total, nil
		}
		var items []string
		err := s.o.DB.Read(ctx).Model(&Rate{}).Where("video_id = ? AND type = ?", v.ID, kind).
			Order("id").Offset(offset).Limit(limit).Pluck("iri", &items).Error
		if err != nil {
			return nil, 0, fmt.Errorf("list rates: %w", err)
		}
		return items, total, nil
	})
}
