package chapter

import (
	"fmt"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Service answers for chapters. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	catalog *catalog.Service
}

// New returns a Service.
func New(d *db.DB, c *catalog.Service) *Service { return &Service{d, c} }

// Routes registers the REST endpoints.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/videos/:id/chapters", rest.Anyone, s.get)
	r.API.PUT("/videos/:id/chapters", rest.Owner, s.put)
}

type apiChapter struct {
	Timecode int    `json:"timecode"`
	Title    string `json:"title"`
}

func (s *Service) get(c echo.Context) error {
	ctx := c.Request().Context()
	v, err := s.catalog.Find(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return err
	}
	list, err := Of(s.db.Read(ctx), v)
	if err != nil {
		return err
	}
	out := []apiChapter{}
	for _, l := range list {
		out = append(out, apiChapter{l.Timecode, l.Title})
	}
	return c.JSON(http.StatusOK, map[string]any{"chapters": out})
}

func (s *Service) put(c echo.Context) error {
	ctx := c.Request().Context()
	v, err := s.catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return err
	}
	var body struct {
		Chapters input.Optional[[]apiChapter] `json:"chapters"`
	}
	if err := input.JSON(c, &body); err != nil {
		return err
	}
	list, err := check(body.Chapters)
	if err != nil {
		return err
	}
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		fresh, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		if err := Set(tx, v.ID, list); err != nil {
			return err
		}
		return s.catalog.Changed(tx, fresh)
	})
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

func check(given input.Optional[[]apiChapter]) ([]Chapter, error) {
	var c rest.Checker
	if !given.Given() {
		c.Refuse("body", "chapters", "Should be a list of chapters", nil)
	}
	if n := len(given.Value); n > maxChapters {
		c.Refuse("body", "chapters", fmt.Sprintf("Should be %d at most", maxChapters), n)
		return nil, c.Err()
	}
	var out []Chapter
	for _, a := range given.Value {
		title := input.Line(a.Title) // SEC-38
		n := utf8.RuneCountInString(title)
		switch {
		case n < minTitle || n > maxTitle:
			c.Refuse("body", "chapters", fmt.Sprintf("A title should have %d to %d characters", minTitle, maxTitle), a.Title)
		case a.Timecode < 0 || a.Timecode >= maxTimecode:
			c.Refuse("body", "chapters", "A time code should be seconds from the beginning", a.Timecode)
		case slices.ContainsFunc(out, func(o Chapter) bool { return o.Timecode == a.Timecode }):
			c.Refuse("body", "chapters", "Two chapters begin at one time", a.Timecode)
		}
		out = append(out, Chapter{Timecode: a.Timecode, Title: title})
	}
	return out, c.Err()
}
