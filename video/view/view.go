// Package view counts who has watched a video: once for each viewer and hour,
// local videos only. Nothing about a viewer is stored.
//
// Specifications: reference REST 9 (views). Imports no sibling but catalog.
package view

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxBody bounds what a player sends.
const maxBody = 4 << 10

// Service counts views. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	catalog *catalog.Service
	seen    *counter
}

// New returns a Service.
func New(d *db.DB, c *catalog.Service) *Service {
	return &Service{db: d, catalog: c, seen: newCounter()}
}

// Routes registers the calls that players make while they play.
func (s *Service) Routes(r *rest.Router) {
	r.API.POST("/videos/:id/views", rest.Anyone, s.post)
	r.API.POST("/videos/:id/watching", rest.Anyone, s.post)
}

// Count counts a view of a local video, once for each viewer and hour. viewer is
// whatever tells viewers apart.
func (s *Service) Count(ctx context.Context, v *catalog.Video, viewer string) error {
	if !v.Local || v.State != catalog.Published || !s.seen.first(v.ID, viewer, time.Now()) {
		return nil
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		err := tx.Exec("UPDATE videos SET views = views + 1 WHERE id = ?", v.ID).Error
		if err != nil {
			return fmt.Errorf("count view: %w", err)
		}
		return nil
	})
}

func (s *Service) post(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	v, err := s.catalog.Find(ctx, p, c.Param("id"))
	if err != nil {
		return err
	}
	var body struct {
		CurrentTime json.Number `json:"currentTime"`
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &body); err != nil && len(raw) > 0 {
		return rest.BadRequest("The request body should be a JSON object")
	}
	if t, err := body.CurrentTime.Float64(); len(raw) > 0 && (err != nil || t < 0) {
		return rest.Invalid("body", "currentTime", "Should be a time in seconds", body.CurrentTime.String())
	}
	viewer := c.RealIP() + " " + c.Request().UserAgent()
	if p != nil {
		viewer = strconv.FormatInt(p.UserID, 10)
	}
	if err := s.Count(ctx, v, viewer); err != nil {
		return err
	}
	return rest.NoContent(c)
}
