package block

import (
	"errors"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Limits of the texts, in characters.
const minText, maxText = 2, 300

// Routes registers the REST endpoints.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/videos/blacklist", rest.Moderator, s.list)
	r.API.POST("/videos/:id/blacklist", rest.Moderator, s.add)
	r.API.PUT("/videos/:id/blacklist", rest.Moderator, s.update)
	r.API.DELETE("/videos/:id/blacklist", rest.Moderator, s.remove)
}

// problem turns the errors of the operations into PeerTube's answers.
func problem(err error) error {
	switch {
	case errors.Is(err, catalog.ErrNotFound):
		return rest.NotFound("Video not found")
	case errors.Is(err, ErrNotFound):
		return rest.NotFound("Blacklisted video not found")
	case errors.Is(err, ErrBlocked):
		return rest.Conflict("This video is already blacklisted.")
	case errors.Is(err, ErrRemote):
		return rest.Conflict("You cannot unfederate a remote video.")
	}
	return err
}

// body is what a moderator sends.
type body struct {
	Reason       input.Optional[string] `json:"reason"`
	InternalNote input.Optional[string] `json:"internalNote"`
	Unfederate   bool                   `json:"unfederate"`
}

func read(c echo.Context) (b body, err error) {
	if c.Request().ContentLength != 0 { // clients block without a word, too
		if err := input.JSON(c, &b); err != nil {
			return b, err
		}
	}
	var check rest.Checker
	b.Reason.Value = text(&check, "reason", b.Reason)
	b.InternalNote.Value = text(&check, "internalNote", b.InternalNote)
	return b, check.Err()
}

func text(check *rest.Checker, name string, o input.Optional[string]) string {
	if !o.Given() {
		return ""
	}
	clean := input.Text(o.Value)
	if n := utf8.RuneCountInString(clean); n < minText || n > maxText {
		check.Refuse("body", name, "Should have between 2 and 300 characters", o.Value)
	}
	return clean
}

// video is the id of the video that a request names.
func (s *Service) video(c echo.Context) (int64, error) {
	ref, ok := catalog.ParseRef(c.Param("id"))
	if !ok {
		return 0, problem(catalog.ErrNotFound)
	}
	v, err := s.o.Catalog.Get(c.Request().Context(), ref)
	if err != nil {
		return 0, problem(err)
	}
	return v.ID, nil
}

func (s *Service) add(c echo.Context) error {
	id, err := s.video(c)
	if err != nil {
		return err
	}
	b, err := read(c)
	if err != nil {
		return err
	}
	err = s.Add(c.Request().Context(), id, NewBlock{Reason: b.Reason.Value, InternalNote: b.InternalNote.Value, Unfederate: b.Unfederate})
	if err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

func (s *Service) update(c echo.Context) error {
	id, err := s.video(c)
	if err != nil {
		return err
	}
	b, err := read(c)
	if err != nil {
		return err
	}
	var change Change
	if b.Reason.Set {
		change.Reason = &b.Reason.Value
	}
	if b.InternalNote.Set {
		change.InternalNote = &b.InternalNote.Value
	}
	if err := s.Update(c.Request().Context(), id, change); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

func (s *Service) remove(c echo.Context) error {
	id, err := s.video(c)
	if err != nil {
		return err
	}
	if err := s.Remove(c.Request().Context(), id); err != nil {
		return problem(err)
	}
	return rest.NoContent(c)
}

// apiBlock is a block in the API (OpenAPI VideoBlacklist).
type apiBlock struct {
	ID           int64             `json:"id"`
	Reason       *string           `json:"reason"`
	InternalNote *string           `json:"internalNote"`
	Unfederated  bool              `json:"unfederated"`
	Type         Type              `json:"type"`
	Video        catalog.VideoJSON `json:"video"`
	CreatedAt    channel.Time      `json:"createdAt"`
	UpdatedAt    channel.Time      `json:"updatedAt"`
}

func (s *Service) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "id", "createdAt", "name", "duration", "views", "likes", "dislikes", "uuid")
	if err != nil {
		return err
	}
	f := Filter{Page: page, Search: c.QueryParam("search")}
	if t := c.QueryParam("type"); t != "" {
		n, err := strconv.Atoi(t)
		if f.Type = Type(n); err != nil || f.Type < Manual || f.Type > Tagged {
			return rest.Invalid("query", "type", "Should be 1, 2 or 3", t)
		}
	}
	if len(f.Search) > 255 || !input.Plain(f.Search) {
		return rest.Invalid("query", "search", "Should be a text of at most 255 characters", f.Search)
	}
	rows, total, err := s.List(c.Request().Context(), f)
	if err != nil {
		return err
	}
	out := make([]apiBlock, 0, len(rows))
	for i := range rows {
		r := &rows[i]
		if r.Video == nil {
			continue // deleted just now
		}
		out = append(out, apiBlock{
			ID: r.ID, Reason: orNull(r.Reason), InternalNote: orNull(r.InternalNote), Unfederated: r.Withheld, Type: r.Type,
			Video: s.o.Catalog.APIVideo(r.Video, true), CreatedAt: channel.Time(r.CreatedAt), UpdatedAt: channel.Time(r.UpdatedAt),
		})
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
