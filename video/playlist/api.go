package playlist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/fulltext"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	maxName        = 120
	minDescription = 3
	maxDescription = 1_000
	maxJSON        = 64 << 10
)

// Routes registers the REST endpoints.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/video-playlists/privacies", rest.Anyone, func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"1": "Public", "2": "Unlisted", "3": "Private"})
	})
	r.API.GET("/video-playlists", rest.Anyone, s.list)
	r.API.GET("/search/video-playlists", rest.Anyone, s.search)
	r.API.GET("/accounts/:name/video-playlists", rest.Anyone, s.listOfAccount)
	r.API.GET("/video-channels/:handle/video-playlists", rest.Anyone, s.listOfChannel)
	r.API.GET("/users/me/video-playlists/videos-exist", rest.SignedIn, s.exist)
	r.API.POST("/video-playlists", rest.SignedIn, s.create)
	r.API.GET("/video-playlists/:id", rest.Anyone, s.get)
	r.API.PUT("/video-playlists/:id", rest.Owner, s.update)
	r.API.DELETE("/video-playlists/:id", rest.Owner, s.delete)

	r.API.GET("/video-playlists/:id/videos", rest.Anyone, s.videos)
	r.API.POST("/video-playlists/:id/videos", rest.Owner, s.add)
	r.API.POST("/video-playlists/:id/videos/reorder", rest.Owner, s.reorder)
	r.API.PUT("/video-playlists/:id/videos/:element", rest.Owner, s.cut)
	r.API.DELETE("/video-playlists/:id/videos/:element", rest.Owner, s.take)
}

func notFound() *rest.Problem { return rest.NotFound("Video playlist not found") }

// problem turns the errors of the operations into answers.
func problem(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return notFound()
	case errors.Is(err, errOrder):
		return rest.BadRequest("Start position, insert position or length is not within the playlist")
	}
	return err
}

// find finds the playlist that a request names, unless its server is hidden from
// who asks (SEC-19); ref is how it was named.
func (s *Service) find(c echo.Context) (p *Playlist, ref catalog.Ref, who *rest.Principal, err error) {
	ctx := c.Request().Context()
	who = rest.Current(ctx)
	ref, ok := catalog.ParseRef(c.Param("id"))
	if !ok {
		return nil, ref, who, notFound()
	}
	if p, err = byRef(s.db.Read(ctx), ref); err != nil {
		return nil, ref, who, problem(err)
	}
	if ok, err := s.shows(ctx, who, p); err != nil || !ok {
		return nil, ref, who, cmp.Or(err, error(notFound()))
	}
	return p, ref, who, nil
}

// Shown finds the playlist that the parameter id of a request names, when who
// asks may see it; else the error is a *rest.Problem. An unlisted one is found by
// its UUID alone, which is its secret.
func (s *Service) Shown(c echo.Context) (*Playlist, error) {
	p, ref, who, err := s.find(c)
	if err != nil {
		return nil, err
	}
	own := who != nil && who.AccountID == p.AccountID
	switch {
	case own || (who.IsModerator() && p.Type == Regular):
	case p.Privacy == catalog.Unlisted && ref.UUID == "":
		return nil, notFound()
	case p.Privacy == catalog.Private && who == nil:
		return nil, &rest.Problem{Status: http.StatusUnauthorized, Detail: "Please authenticate to see this playlist"}
	case p.Privacy == catalog.Private:
		return nil, rest.Forbidden("Cannot get this private video playlist")
	}
	return p, nil
}

// shows tells whether p is shown a playlist (SEC-19).
func (s *Service) shows(ctx context.Context, p *rest.Principal, l *Playlist) (bool, error) {
	if l.Local || !s.channels.Rules().Any(ctx) {
		return true, nil
	}
	var owner int64
	if err := s.db.Read(ctx).Raw("SELECT actor_id FROM accounts WHERE id = ?", l.AccountID).Scan(&owner).Error; err != nil {
		return false, fmt.Errorf("owner of playlist: %w", err)
	}
	return s.channels.Shows(ctx, p, catalog.HostOf(l.IRI), owner), nil
}

// own finds the playlist of a request that changes it: its owner's, of this
// instance (SEC-44). moderators may delete.
func (s *Service) own(c echo.Context, moderators bool) (*Playlist, error) {
	p, _, who, err := s.find(c)
	if err != nil {
		return nil, err
	}
	if !p.Local || (who.AccountID != p.AccountID && (!moderators || !who.IsModerator())) {
		return nil, rest.Forbidden("This playlist belongs to someone else")
	}
	return p, nil
}

// read reads a body: JSON, or a form, which may bring a picture.
func read(c echo.Context, fields form.Fields) (form.Input, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil {
		kind = echo.MIMEApplicationJSON
	}
	switch kind {
	case echo.MIMEMultipartForm:
		r.Body = http.MaxBytesReader(c.Response(), r.Body, picture.MaxBytes+maxJSON)
		if err := r.ParseMultipartForm(maxJSON); err != nil {
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				return nil, err
			}
			return nil, rest.BadRequest("The form cannot be read")
		}
		return form.FromValues(r.MultipartForm.Value)
	case echo.MIMEApplicationForm:
		r.Body = http.MaxBytesReader(c.Response(), r.Body, maxJSON)
		if err := r.ParseForm(); err != nil {
			return nil, rest.BadRequest("The form cannot be read")
		}
		return form.FromValues(r.PostForm)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxJSON))
	if err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return form.Input{}, nil
	}
	return form.FromJSON(body, fields)
}

// apply changes what a body names.
func apply(in form.Input, a *Attributes) error {
	var c rest.Checker
	if v, _, ok := in.Get("displayName"); ok {
		a.Name = input.Line(v) // SEC-38
	}
	if n := utf8.RuneCountInString(a.Name); n < 1 || n > maxName {
		c.Refuse("body", "displayName", fmt.Sprintf("Should have 1 to %d characters", maxName), a.Name)
	}
	if v, ok := in["description"]; ok {
		a.Description = strings.TrimSpace(input.Text(strings.Join(v, "")))
		if n := utf8.RuneCountInString(a.Description); n != 0 && (n < minDescription || n > maxDescription) {
			c.Refuse("body", "description", fmt.Sprintf("Should have %d to %d characters, or none", minDescription, maxDescription), nil)
		}
	}
	if n, ok := in.Int(&c, "privacy"); ok {
		a.Privacy = catalog.Privacy(n)
		if n < 1 || n > 3 {
			c.Refuse("body", "privacy", "Should be 1 (public), 2 (unlisted) or 3 (private)", n)
		}
	}
	if v, ok := in["videoChannelId"]; ok {
		a.ChannelID = nil
		if len(v) > 0 && v[0] != "" && v[0] != "null" {
			if n, ok := in.Int(&c, "videoChannelId"); ok {
				a.ChannelID = &n
			}
		}
	}
	if a.Privacy == catalog.Public && a.ChannelID == nil {
		c.Refuse("body", "videoChannelId", "A public playlist should belong to a channel", nil)
	}
	return c.Err()
}

// withPicture reads a body and has do write what it says, with the name of the
// picture that came along and is stored; empty: there was none.
func (s *Service) withPicture(c echo.Context, do func(in form.Input, pic string) error) error {
	in, err := read(c, form.Playlist)
	if err != nil {
		return err
	}
	var files []*multipart.FileHeader
	if f := c.Request().MultipartForm; f != nil {
		files = f.File[pictureField]
	}
	ctx := c.Request().Context()
	kept, err := s.keep(ctx, files)
	if err != nil {
		return err
	}
	name := ""
	if len(kept) > 0 {
		name = kept[0].Filename
	}
	if err := do(in, name); err != nil {
		s.catalog.Forget(ctx, kept)
		return problem(err)
	}
	return nil
}

func (s *Service) create(c echo.Context) error {
	ctx := c.Request().Context()
	var p *Playlist
	err := s.withPicture(c, func(in form.Input, pic string) (err error) {
		a := Attributes{Privacy: catalog.Private, Picture: pic}
		if err = apply(in, &a); err == nil {
			p, err = s.Create(ctx, rest.Current(ctx).AccountID, a)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{
		"videoPlaylist": map[string]any{"id": p.ID, "uuid": p.UUID, "shortUUID": catalog.ShortUUID(p.UUID)},
	})
}

func (s *Service) get(c echo.Context) error {
	p, err := s.Shown(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if !p.Local && p.FetchedAt != nil && s.engine != nil {
		if err := s.engine.Touch(ctx, p.IRI, *p.FetchedAt); err != nil {
			s.log.WarnContext(ctx, "stale playlist not refreshed", "playlist", p.IRI, "error", err)
		}
	}
	out, err := s.toAPI(ctx, []int64{p.ID}, "TRUE")
	if err != nil {
		return err
	}
	if len(out) == 0 {
		return notFound()
	}
	return c.JSON(http.StatusOK, out[0])
}

func (s *Service) update(c echo.Context) error {
	p, err := s.own(c, false)
	if err != nil {
		return err
	}
	if p.Type == WatchLater {
		return rest.BadRequest("Cannot update a watch later playlist")
	}
	err = s.withPicture(c, func(in form.Input, pic string) error {
		return s.Update(c.Request().Context(), p.ID, func(a *Attributes) error {
			a.Picture = pic
			return apply(in, a)
		})
	})
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) delete(c echo.Context) error {
	p, err := s.own(c, true)
	if err != nil {
		return err
	}
	if p.Type == WatchLater {
		return rest.BadRequest("Cannot delete a watch later playlist")
	}
	if err := s.Delete(c.Request().Context(), p.ID); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

// sorts are the fields that lists sort by.
var sorts = map[string]string{
	"name": "name", "displayName": "name", "createdAt": "created_at", "updatedAt": "updated_at", "videoChannelPosition": "position", "match": "updated_at",
}

// public is written out, since SQLite plans a query with a parameter twice.
var public = fmt.Sprintf("privacy = %d", catalog.Public)

// condition is which playlists are listed.
type condition struct {
	where string
	args  []any
	own   bool // of one account or channel: who changes them looks at once
}

// answer lists the playlists for which w holds.
func (s *Service) answer(c echo.Context, defaultSort string, w condition) error {
	page, err := rest.ParsePage(c, defaultSort, "name", "displayName", "createdAt", "updatedAt", "videoChannelPosition", "match")
	if err != nil {
		return err
	}
	if t := c.QueryParam("playlistType"); t == "1" || t == "2" {
		w.where, w.args = w.where+" AND type = ?", append(w.args, t[0]-'0')
	}
	ctx := c.Request().Context()
	if s.channels.Rules().Any(ctx) { // SEC-19
		hidden, more := hostrule.Hidden(channel.Viewer(rest.Current(ctx)))
		w.where += " AND (local = TRUE OR account_id NOT IN (SELECT id FROM accounts WHERE actor_id IN (" + hidden + ")))"
		w.args = append(w.args, more...)
	}
	if s.channels.Hidden != nil && !w.own { // who is asked for by name is shown
		if hidden, more, some := s.channels.Hidden(ctx, rest.Current(ctx)); some {
			w.where += " AND account_id NOT IN (SELECT id FROM accounts WHERE actor_id IN (" + hidden + "))"
			w.args = append(w.args, more...)
		}
	}
	ids, total, err := s.matching(ctx, page, strings.TrimSpace(c.QueryParam("search")), w)
	if err != nil {
		return err
	}
	out, err := s.toAPI(ctx, ids, w.where, w.args...) // of many, the ids may be older than what was hidden
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

// matching narrows a list to those that a text finds. When there are none, a word of
// it may be mistyped by one letter.
func (s *Service) matching(ctx context.Context, page rest.Page, text string, w condition) (ids []int64, total int64, err error) {
	if text == "" {
		return s.pageOf(ctx, page, w)
	}
	with := func(q fulltext.Query) ([]int64, int64, error) {
		found, arg := q.Condition(s.db.Dialect(), searchIndex)
		return s.pageOf(ctx, page, condition{w.where + " AND " + found, append(slices.Clip(w.args), arg), w.own})
	}
	q := fulltext.Parse(text)
	if len(q) == 0 {
		return nil, 0, nil // punctuation
	}
	if ids, total, err = with(q); err != nil || total > 0 {
		return ids, total, err
	}
	if q, err = q.Near(s.db.Read(ctx)); err != nil || q == nil {
		return nil, 0, err
	}
	return with(q)
}

func (s *Service) pageOf(ctx context.Context, page rest.Page, w condition) (ids []int64, total int64, err error) {
	query := "SELECT id FROM playlists WHERE " + w.where + " ORDER BY " + page.Order(sorts[page.Sort], "id")
	if w.own {
		ids, err = db.IDs(s.db.Read(ctx), query, w.args...)
		ids, total = kept.Cut(ids, page.Start, page.Count), int64(len(ids))
	} else {
		ids, total, err = s.kept.Page(ctx, page.Start, page.Count, query, w.args...)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("list playlists: %w", err)
	}
	return ids, total, nil
}

func (s *Service) list(c echo.Context) error {
	return s.answer(c, "-createdAt", condition{where: public})
}

func (s *Service) listOfAccount(c echo.Context) error {
	ctx := c.Request().Context()
	a, err := s.channels.ShownAccount(ctx, rest.Current(ctx), c.Param("name"))
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Account not found")
	}
	if err != nil {
		return err
	}
	if who := rest.Current(ctx); who != nil && who.AccountID == a.ID {
		if _, err := s.WatchLaterOf(ctx, a.ID); err != nil {
			return err
		}
		return s.answer(c, "-createdAt", condition{"account_id = ?", []any{a.ID}, true})
	}
	return s.answer(c, "-createdAt", condition{"account_id = ? AND " + public, []any{a.ID}, true})
}

func (s *Service) listOfChannel(c echo.Context) error {
	ctx := c.Request().Context()
	ch, err := s.channels.ShownChannel(ctx, rest.Current(ctx), c.Param("handle"))
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Video channel not found")
	}
	if err != nil {
		return err
	}
	if who := rest.Current(ctx); who != nil && who.AccountID == ch.AccountID {
		return s.answer(c, "videoChannelPosition", condition{"channel_id = ?", []any{ch.ID}, true})
	}
	return s.answer(c, "videoChannelPosition", condition{"channel_id = ? AND " + public, []any{ch.ID}, true})
}

// visible finds the video that a client puts on a playlist and may see.
func (s *Service) visible(ctx context.Context, id string) (*catalog.Video, error) {
	return s.catalog.Find(ctx, rest.Current(ctx), id)
}
