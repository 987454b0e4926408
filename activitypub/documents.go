package activitypub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/web/rest"
)

// contentType of every document; PeerTube sends the charset too.
const contentType = "application/activity+json; charset=utf-8"

// defaultPageSize is how many items a page of a collection holds when nothing
// else is said.
const defaultPageSize = 10

// maxPage bounds the offset of a page.
const maxPage = 100_000

// Negotiate answers GET requests that accept ActivityPub (AP 3.2): actors,
// their collections, and the documents of modules. Everything else goes on to
// the pages.
func (e *Engine) Negotiate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, "/api/") {
			return next(c)
		}
		if !wantsActivity(r.Header.Get("Accept")) {
			return next(c)
		}
		doc, err := e.document(r.Context(), r.URL.Path, r.URL.Query().Get("page"))
		switch {
		case errors.Is(err, ErrGone):
			return e.gone(c)
		case errors.Is(err, ErrNotFound):
			return notFound(err, "Not found")
		case err != nil:
			return err
		case doc == nil:
			return next(c)
		}
		rest.Share(c)
		return e.sendDocument(c, doc)
	}
}

// gone answers 410 with a Tombstone (AP 6.4).
func (e *Engine) gone(c echo.Context) error {
	doc, err := vocab.Build(vocab.Base, map[string]string{"type": "Tombstone", "id": e.Actors.Origin() + c.Request().URL.Path})
	if err != nil {
		return err
	}
	c.Response().Header().Add("Vary", "Accept")
	return c.Blob(http.StatusGone, contentType, doc)
}

// wantsActivity tells whether an Accept header prefers ActivityPub to a page.
func wantsActivity(accept string) bool {
	activity, page := -1.0, -1.0
	for part := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := quality(params)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "application/activity+json", "application/ld+json":
			activity = max(activity, q)
		case "text/html", "application/xhtml+xml":
			page = max(page, q)
		}
	}
	return activity > 0 && activity >= page
}

func quality(params string) float64 {
	for p := range strings.SplitSeq(params, ";") {
		if v, ok := strings.CutPrefix(strings.TrimSpace(p), "q="); ok {
			if q, err := strconv.ParseFloat(v, 64); err == nil {
				return q
			}
		}
	}
	return 1
}

// document finds what lies at a path; nil when nothing of ActivityPub does.
func (e *Engine) document(ctx context.Context, path, page string) (json.RawMessage, error) {
	ctx = withPage(ctx, page, e.pageSize())
	for _, t := range e.objects {
		if t.Local == nil {
			continue
		}
		doc, err := t.Local(ctx, path)
		if err != nil {
			return nil, err
		}
		if doc != nil {
			return delivery.Raw(doc)
		}
	}
	kinds, name, part, ok := actorPath(path)
	if !ok {
		return nil, nil
	}
	a, err := e.Actors.ByUsername(ctx, name)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(kinds, a.Type) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, path)
	}
	if a.GoneAt != nil {
		return nil, ErrGone
	}
	if part == "" {
		extra, err := e.actorFields(ctx, a)
		if err != nil {
			return nil, err
		}
		return actor.Document(a, extra)
	}
	return e.collection(ctx, a, part, page)
}

// actorPath reads /accounts/NAME, /video-channels/NAME, their short forms /a
// and /c, and the collections below (PT federation 2).
func actorPath(path string) (kinds, name, part string, ok bool) {
	s := strings.Split(strings.Trim(path, "/"), "/")
	if len(s) < 2 || len(s) > 3 {
		return "", "", "", false
	}
	switch s[0] {
	case "accounts", "a":
		kinds = actor.Person + " " + actor.Application
	case "video-channels", "c":
		kinds = actor.Group
	default:
		return "", "", "", false
	}
	if len(s) == 3 {
		switch s[2] {
		case "outbox", "followers", "following", "playlists":
			part = s[2]
		default:
			return "", "", "", false
		}
	}
	return kinds, s[1], part, true
}

// collection answers for a collection of one of our actors.
func (e *Engine) collection(ctx context.Context, a *actor.Actor, part, page string) (json.RawMessage, error) {
	return paged(asked{page, e.pageSize()}, a.IRI+"/"+part, func(offset, limit int) (any, int64, error) { return e.items(ctx, a, part, offset, limit) })
}

// items gives a part of a collection and its size; limit 0 only counts.
func (e *Engine) items(ctx context.Context, a *actor.Actor, part string, offset, limit int) (any, int64, error) {
	switch part {
	case "outbox":
		return e.published(ctx, a, offset, limit)
	case "followers":
		return e.Actors.CollectionPage(ctx, actor.FollowersOf, a.ID, offset, limit)
	case "following":
		return e.Actors.CollectionPage(ctx, actor.FollowedBy, a.ID, offset, limit)
	}
	return []string{}, 0, nil // playlists: a module that has some answers before
}

// published gives a page of the outbox, newest first. The object stands there
// by its id: the copy inside the activity may be old by now.
func (e *Engine) published(ctx context.Context, a *actor.Actor, offset, limit int) (any, int64, error) {
	rows, total, err := e.Outbox.Listed(ctx, a.ID, offset, limit)
	if err != nil {
		return nil, 0, err
	}
	out := make([]map[string]any, 0, len(rows))
	for _, r := range rows {
		doc, err := vocab.Parse([]byte(r.Raw))
		if err != nil {
			return nil, 0, err
		}
		out = append(out, map[string]any{
			"type": r.Type, "id": r.IRI, "actor": a.IRI, "object": r.Object, "to": doc.To(), "cc": nonNil(doc.Cc()),
		})
	}
	return out, total, nil
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
