package playlist

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// pageSize is how many elements a page of a playlist names.
const pageSize = 50

// local answers for playlists of ours, their elements, and the playlists of our
// actors (PT federation 2). What anyone may not see is not there.
func (s *Service) local(ctx context.Context, path string) (any, error) {
	p := strings.Split(strings.Trim(path, "/"), "/")
	if len(p) == 3 && p[2] == "playlists" {
		return s.ofActor(ctx, p[0], p[1])
	}
	id, part, ok := documentPath(path)
	if !ok {
		return nil, nil //nolint:nilnil // the path is none of ours
	}
	notFound := fmt.Errorf("%w: %s", activitypub.ErrNotFound, path)
	ref, ok := catalog.ParseRef(id)
	if !ok || ref.UUID == "" {
		return nil, notFound
	}
	list, err := byRef(s.db.Read(ctx), ref)
	if errors.Is(err, ErrNotFound) {
		return nil, s.goneOrNever(ctx, ref.UUID)
	}
	if err != nil {
		return nil, err
	}
	if !federates(list) {
		return nil, notFound
	}
	c, err := s.castOf(ctx, list)
	if err != nil {
		return nil, err
	}
	if c.account == nil || c.account.GoneAt != nil {
		return nil, activitypub.ErrGone
	}
	if n, ok := strings.CutPrefix(part, "videos/"); ok {
		return s.elementDocument(ctx, list, n)
	}
	w, err := s.document(ctx, list, c)
	if err != nil {
		return nil, err
	}
	switch {
	case part == "activity":
		return vocab.Build(vocab.Playlist, vocab.Wire{To: w.To, Cc: w.Cc, Type: "Create", ID: list.IRI + "/activity", Actor: c.account.IRI, Object: w})
	case part != "":
		return nil, notFound
	case activitypub.Page(ctx) != "":
		return s.page(ctx, list, w)
	}
	return vocab.Build(vocab.Playlist, w)
}

// documentPath splits the addresses of a playlist: its id, and its pages.
func documentPath(path string) (id, part string, ok bool) {
	for _, prefix := range []string{"/video-playlists/", "/w/p/", "/videos/watch/playlist/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			id, part, _ = strings.Cut(strings.TrimSuffix(rest, "/"), "/")
			return id, part, id != "embed"
		}
	}
	return "", "", false
}

func (s *Service) goneOrNever(ctx context.Context, uuid string) error {
	var n int64
	if err := s.db.Read(ctx).Table("tombstones").Where("iri = ?", s.iriOf(uuid)).Count(&n).Error; err != nil {
		return fmt.Errorf("look up tombstone: %w", err)
	}
	if n > 0 {
		return activitypub.ErrGone
	}
	return fmt.Errorf("%w: playlist %s", activitypub.ErrNotFound, uuid)
}

// page is a page of a playlist, with the addresses of its elements.
func (s *Service) page(ctx context.Context, p *Playlist, w wirePlaylist) (any, error) {
	n, err := strconv.Atoi(activitypub.Page(ctx))
	if err != nil || n < 1 || n > maxElements {
		return nil, fmt.Errorf("%w: page %q", activitypub.ErrNotFound, activitypub.Page(ctx))
	}
	var ids []int64
	err = s.db.Read(ctx).Model(&Element{}).Where("playlist_id = ?", p.ID).Order("position, id").
		Offset((n-1)*pageSize).Limit(pageSize).Pluck("id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("list elements: %w", err)
	}
	items := []string{}
	for _, id := range ids {
		items = append(items, s.elementIRI(p, id))
	}
	w.ID, w.PartOf, w.First, w.OrderedItems = p.IRI+"?page="+strconv.Itoa(n), p.IRI, "", &items
	if int64(n)*pageSize < w.TotalItems {
		w.Next = p.IRI + "?page=" + strconv.Itoa(n+1)
	}
	return vocab.Build(vocab.Playlist, w)
}

// elementDocument is one element; one whose video not everybody may see is not
// there.
func (s *Service) elementDocument(ctx context.Context, p *Playlist, n string) (any, error) {
	id, err := strconv.ParseInt(n, 10, 64)
	notFound := fmt.Errorf("%w: element %q", activitypub.ErrNotFound, n)
	if err != nil {
		return nil, notFound
	}
	var rows []Element
	if err := s.db.Read(ctx).Where("id = ? AND playlist_id = ?", id, p.ID).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load element: %w", err)
	}
	if len(rows) == 0 || rows[0].VideoID == nil {
		return nil, notFound
	}
	e := rows[0]
	v, err := s.catalog.ByID(ctx, *e.VideoID)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && v.Privacy != catalog.Public && v.Privacy != catalog.Unlisted) {
		return nil, notFound
	}
	if err != nil {
		return nil, err
	}
	return vocab.Build(vocab.Playlist, wireElement{
		s.elementIRI(p, e.ID), "PlaylistElement", v.IRI, e.Position, e.StartTimestamp, e.StopTimestamp,
	})
}

// ofActor is the collection of an actor's public playlists.
func (s *Service) ofActor(ctx context.Context, kind, name string) (any, error) {
	var where string
	switch kind {
	case "accounts", "a":
		where = "account_id IN (SELECT x.id FROM accounts x WHERE x.actor_id = ?)"
	case "video-channels", "c":
		where = "channel_id IN (SELECT x.id FROM channels x WHERE x.actor_id = ?)"
	default:
		return nil, nil //nolint:nilnil // the path is none of ours
	}
	a, err := s.engine.Actors.ByUsername(ctx, name)
	if err != nil {
		return nil, err
	}
	if a.GoneAt != nil {
		return nil, activitypub.ErrGone
	}
	where += " AND local = ? AND privacy = ? AND type = ?"
	args := []any{a.ID, true, catalog.Public, Regular}
	return activitypub.Paged(ctx, a.IRI+"/playlists", func(ctx context.Context, offset, limit int) (items []string, total int64, err error) {
		if err := s.db.Read(ctx).Model(&Playlist{}).Where(where, args...).Count(&total).Error; err != nil {
			return nil, 0, fmt.Errorf("count playlists: %w", err)
		}
		if limit == 0 {
			return nil, total, nil
		}
		err = s.db.Read(ctx).Model(&Playlist{}).Where(where, args...).Order("id DESC").Offset(offset).Limit(limit).Pluck("iri", &items).Error
		if err != nil {
			return nil, 0, fmt.Errorf("list playlists: %w", err)
		}
		return items, total, nil
	})
}
