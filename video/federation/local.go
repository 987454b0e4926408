package federation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/chapter"
)

// local answers for the documents of our videos (PT federation 2): the video at
// its id and at its page, its Create, its Announces and chapters. Comments and
// rates answer for theirs. What anyone may not see is not there (SEC-54).
func (s *Service) local(ctx context.Context, path string) (any, error) {
	id, part, ok := documentPath(path)
	if !ok {
		return nil, nil
	}
	ref, ok := catalog.ParseRef(id)
	if !ok || ref.UUID == "" { // a number is no name in the fediverse
		return nil, fmt.Errorf("%w: %s", activitypub.ErrNotFound, path)
	}
	v, err := s.catalog.Get(ctx, ref)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, s.goneOrNever(ctx, ref.UUID)
	}
	if err != nil {
		return nil, err
	}
	if !v.Local || !s.catalog.CanSee(ctx, nil, v) {
		return nil, fmt.Errorf("%w: %s", activitypub.ErrNotFound, path)
	}
	switch part {
	case "", "activity":
		return s.document(ctx, v, part)
	case "announces":
		return s.announces(ctx, v)
	case "chapters":
		list, err := chapter.Of(s.db.Read(ctx), v)
		if err != nil {
			return nil, err
		}
		return vocab.Build(vocab.Chapters, chapter.ToDocument(v, list))
	}
	if n, ok := strings.CutPrefix(part, "announces/"); ok {
		return s.announceBy(ctx, v, n)
	}
	return nil, fmt.Errorf("%w: %s", activitypub.ErrNotFound, path)
}

// documentPath splits a path below /videos/watch or /w.
func documentPath(path string) (id, part string, ok bool) {
	rest, ok := strings.CutPrefix(path, "/videos/watch/")
	if !ok {
		if rest, ok = strings.CutPrefix(path, "/w/"); !ok {
			return "", "", false
		}
	}
	id, part, _ = strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if id == "p" || id == "playlist" { // playlists lie below
		return "", "", false
	}
	return id, part, true
}

// goneOrNever tells a deleted video from one that never was.
func (s *Service) goneOrNever(ctx context.Context, uuid string) error {
	var n int64
	if err := s.db.Read(ctx).Table("tombstones").Where("iri = ?", s.urls.Video(uuid)).Count(&n).Error; err != nil {
		return fmt.Errorf("look up tombstone: %w", err)
	}
	if n > 0 {
		return activitypub.ErrGone
	}
	return fmt.Errorf("%w: video %s", activitypub.ErrNotFound, uuid)
}

func (s *Service) document(ctx context.Context, v *catalog.Video, part string) (any, error) {
	actors, err := s.engine.Actors.ByIDs(ctx, []int64{v.Owner.AccountActorID, v.Owner.ChannelActorID})
	if err != nil {
		return nil, err
	}
	p := people{account: actors[v.Owner.AccountActorID], channel: actors[v.Owner.ChannelActorID]}
	if p.account == nil || p.channel == nil || p.account.GoneAt != nil || p.channel.GoneAt != nil {
		return nil, activitypub.ErrGone
	}
	m, err := s.catalog.Media(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	if part == "activity" {
		return vocab.Build(vocab.Video, s.activity("Create", v.IRI+"/activity", v, m, p))
	}
	return vocab.Build(vocab.Video, s.wire(v, m, p))
}

// announces lists who shared the video, newest first, page by page.
func (s *Service) announces(ctx context.Context, v *catalog.Video) (any, error) {
	return activitypub.Paged(ctx, v.IRI+"/announces", func(ctx context.Context, offset, limit int) (items []string, total int64, err error) {
		q := s.db.Read(ctx).Model(&catalog.Share{}).Where("video_id = ?", v.ID)
		if err := q.Count(&total).Error; err != nil {
			return nil, 0, fmt.Errorf("count shares: %w", err)
		}
		if limit == 0 {
			return nil, total, nil
		}
		err = s.db.Read(ctx).Model(&catalog.Share{}).Where("video_id = ?", v.ID).Order("id DESC").Offset(offset).Limit(limit).Pluck("iri", &items).Error
		if err != nil {
			return nil, 0, fmt.Errorf("list shares: %w", err)
		}
		return items, total, nil
	})
}

// announceBy is the Announce of the video by one of our actors. After a video
// was taken back and published again, its id has a second part.
func (s *Service) announceBy(ctx context.Context, v *catalog.Video, n string) (any, error) {
	number, _, _ := strings.Cut(n, "/")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: announce %q", activitypub.ErrNotFound, n)
	}
	c, err := s.cast(ctx, v)
	if err != nil {
		return nil, err
	}
	for _, sh := range c.shares {
		for _, a := range c.sharers {
			if a.ID == id && sh.ActorID == id && a.Local() {
				return vocab.Build(vocab.Base, announce(v, sh.IRI, a, c.involved()))
			}
		}
	}
	return nil, fmt.Errorf("%w: announce %q", activitypub.ErrNotFound, n)
}
