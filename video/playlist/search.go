package playlist

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

// search answers GET /search/video-playlists: by words, or by the address of one
// playlist, which may be fetched from its server.
func (s *Service) search(c echo.Context) error {
	var check rest.Checker
	rest.QuerySearchTarget(c, &check)
	uuids := listing.QueryUUIDs(c, &check, "uuids")
	if err := check.Err(); err != nil {
		return err
	}
	if q := strings.TrimSpace(c.QueryParam("search")); strings.HasPrefix(q, "https://") || strings.HasPrefix(q, "http://") {
		return s.searchURL(c, q)
	}
	w := condition{where: public}
	if len(uuids) > 0 {
		w.where += " AND uuid IN (?" + strings.Repeat(", ?", len(uuids)-1) + ")"
		for _, u := range uuids {
			w.args = append(w.args, u)
		}
	}
	return s.answer(c, "-match", w)
}

// searchURL finds the playlist at an address, at its origin when p may.
func (s *Service) searchURL(c echo.Context, address string) error {
	ctx := c.Request().Context()
	var ids []int64
	p, err := s.Lookup(ctx, rest.Current(ctx), address)
	if err == nil {
		ids = append(ids, p.ID)
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	out, err := s.toAPI(ctx, ids, "TRUE")
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(int64(len(out)), out))
}

// Lookup finds the playlist at an address, its id or that of its page: one that is
// known, or where who may, one that its server is asked for. ErrNotFound when there
// is none that all who know its address may see.
func (s *Service) Lookup(ctx context.Context, who *rest.Principal, address string) (*Playlist, error) {
	p, err := s.byAddress(ctx, address)
	elsewhere := !iri.SameHost(address, s.catalog.URLs().Origin)
	if errors.Is(err, ErrNotFound) && elsewhere && s.engine != nil && s.catalog.RemoteAllowed(who) {
		p, err = s.fetchAddress(transport.WithBudget(ctx, transport.ActivityBudget), address)
	}
	if err != nil {
		return nil, err
	}
	if ok, err := s.shows(ctx, who, p); err != nil {
		return nil, err
	} else if !ok || p.Privacy == catalog.Private {
		return nil, ErrNotFound
	}
	return p, nil
}

// byAddress finds a known playlist by its id or the address of its page.
func (s *Service) byAddress(ctx context.Context, address string) (*Playlist, error) {
	p, err := s.ByIRI(ctx, address)
	if !errors.Is(err, ErrNotFound) {
		return p, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, ErrNotFound
	}
	id, part, ok := documentPath(u.Path)
	ref, isRef := catalog.ParseRef(id)
	if !ok || !isRef || ref.UUID == "" || part != "" { // a number does not open what is unlisted
		return nil, ErrNotFound
	}
	if p, err = byRef(s.db.Read(ctx), ref); err != nil {
		return nil, err
	}
	if !iri.SameHost(p.IRI, address) {
		return nil, ErrNotFound
	}
	return p, nil
}

// fetchAddress asks for the playlist at an address: its id, or its page, whose
// server must give the playlist's document there too. What such a page shows counts
// only as a hint: the playlist is asked for under its own id (SEC-10). Whatever is
// wrong with the answer, there is no such playlist for the reader.
func (s *Service) fetchAddress(ctx context.Context, address string) (*Playlist, error) {
	doc, err := s.engine.Actors.FetchPart(ctx, address)
	id := ""
	if err == nil {
		id, err = s.hinted(ctx, address, doc)
	}
	if err != nil {
		s.log.InfoContext(ctx, "playlist not resolved", "address", address, "error", err)
		return nil, ErrNotFound
	}
	return s.ByIRI(ctx, id)
}

// hinted stores the playlist whose document was found at an address.
func (s *Service) hinted(ctx context.Context, address string, doc vocab.Object) (id string, err error) {
	id = doc.ID()
	switch {
	case !doc.Is("Playlist") || !iri.SameHost(address, id):
		return "", fmt.Errorf("%w: %s is a %q called %q", vocab.ErrInvalid, address, doc.Type(), id)
	case iri.Equal(address, id):
		return id, s.engine.Ingest(ctx, doc)
	}
	return id, s.engine.FetchObject(ctx, id)
}
