// Package source tells owners about the file that their video was made of, and
// hands out the file itself where the server keeps it. Replacing it is a part of
// video/upload.
//
// Specifications: reference REST section 12 (Video source). Imports no sibling
// but catalog.
package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Service answers for sources. It is safe for concurrent use.
type Service struct {
	db      *db.DB
	catalog *catalog.Service
}

// New returns a Service.
func New(d *db.DB, c *catalog.Service) *Service { return &Service{d, c} }

// Routes registers the endpoints.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/videos/:id/source", rest.Owner, s.get)
	r.API.DELETE("/videos/:id/source/file", rest.Admin, s.remove)
}

type labelled struct {
	ID    int    `json:"id"`
	Label string `json:"label"`
}

// JSON is a source as the API answers with it (OpenAPI VideoSource).
type JSON struct {
	Filename    string          `json:"filename"` // before 6.1
	Name        string          `json:"inputFilename"`
	FileURL     *string         `json:"fileUrl"`
	DownloadURL *string         `json:"fileDownloadUrl"`
	Resolution  labelled        `json:"resolution"`
	Size        int64           `json:"size"`
	Width       int             `json:"width"`
	Height      int             `json:"height"`
	FPS         int             `json:"fps"`
	Metadata    json.RawMessage `json:"metadata"`
	CreatedAt   channel.Time    `json:"createdAt"`
}

func notFound(err error) error {
	if errors.Is(err, catalog.ErrNotFound) {
		return rest.NotFound("Video source not found")
	}
	return err
}

func (s *Service) get(c echo.Context) error {
	ctx := c.Request().Context()
	v, err := s.catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return err
	}
	src, err := catalog.LoadSource(s.db.Read(ctx), v.ID)
	if err != nil {
		return notFound(err)
	}
	return c.JSON(http.StatusOK, s.toAPI(src))
}

// Of gives what videos were made of, by their ids; what is not known is not there.
func (s *Service) Of(ctx context.Context, ids []int64) (map[int64]*JSON, error) {
	var rows []catalog.Source
	if err := s.db.Read(ctx).Where("video_id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load sources: %w", err)
	}
	out := make(map[int64]*JSON, len(rows))
	for i := range rows {
		src := s.toAPI(&rows[i])
		out[rows[i].VideoID] = &src
	}
	return out, nil
}

func (s *Service) toAPI(src *catalog.Source) JSON {
	out := JSON{
		Filename: src.Filename, Name: src.Filename, Resolution: labelled{src.Resolution, label.Resolution(src.Resolution)}, Size: src.Size,
		Width: src.Width, Height: src.Height, FPS: src.FPS, Metadata: json.RawMessage(src.Metadata), CreatedAt: channel.Time(src.CreatedAt),
	}
	if src.Metadata == "" {
		out.Metadata = nil
	}
	if src.KeptName != "" {
		at := s.catalog.URLs().SourceDownload(src)
		out.DownloadURL = &at
	}
	return out
}

// remove deletes the kept file.
func (s *Service) remove(c echo.Context) error {
	ctx := c.Request().Context()
	v, err := s.catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return err
	}
	if err := s.db.Tx(ctx, func(tx *db.Tx) error { return catalog.ForgetSource(tx, v.ID) }); err != nil {
		return notFound(err)
	}
	return rest.NoContent(c)
}
