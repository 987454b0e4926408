package catalog

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Routes registers the module's REST endpoints on videos.
func (s *Service) Routes(r *rest.Router) {
	for path, labels := range map[string]json.RawMessage{
		"/videos/categories": label.Categories(), "/videos/licences": label.Licences(),
		"/videos/languages": label.Languages(), "/videos/privacies": label.Numbers(privacies),
	} {
		r.API.GET(path, rest.Anyone, func(c echo.Context) error { return c.JSONBlob(http.StatusOK, labels) })
	}
	r.API.GET("/videos/:id", rest.Anyone, s.details)
	r.API.GET("/videos/:id/", rest.Anyone, s.details) // clients ask so too
	r.API.DELETE("/videos/:id", rest.Owner, s.remove)
	r.API.GET("/videos/:id/description", rest.Anyone, s.description)
	r.API.GET("/videos/:id/metadata/:file", rest.Anyone, s.metadata)
}

// Problem turns the errors of the operations into answers.
func Problem(err error) error {
	switch {
	case errors.Is(err, ErrNotFound):
		return rest.NotFound("Video not found")
	case errors.Is(err, ErrForbidden):
		return rest.Forbidden("This video belongs to someone else")
	case errors.Is(err, ErrConflict):
		return rest.Conflict("Another video has this identity")
	}
	return err
}

func (s *Service) find(c echo.Context) (*Video, error) {
	return s.Find(c.Request().Context(), rest.Current(c.Request().Context()), c.Param("id"))
}

func (s *Service) details(c echo.Context) error {
	v, err := s.find(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	m, err := s.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	ch, err := s.opts.Channels.ChannelByID(ctx, v.ChannelID)
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Video not found") // its channel is being deleted
	}
	if err != nil {
		return err
	}
	d := s.detailsToAPI(v, m, ch)
	if v.Local && v.State == ToTranscode && len(m.Files) == 0 {
		if d.Files, err = s.pending(ctx, v); err != nil {
			return err
		}
	}
	short := []VideoJSON{d.VideoJSON}
	if err := s.Complete(ctx, rest.Current(ctx), short); err != nil {
		return err
	}
	d.UserHistory = short[0].UserHistory
	rest.Share(c)
	return c.JSON(http.StatusOK, d)
}

func (s *Service) remove(c echo.Context) error {
	ref, ok := ParseRef(c.Param("id"))
	if !ok {
		return rest.NotFound("Video not found")
	}
	ctx := c.Request().Context()
	if err := s.Delete(ctx, rest.Current(ctx), ref); err != nil {
		return Problem(err)
	}
	return rest.NoContent(c)
}

func (s *Service) description(c echo.Context) error {
	v, err := s.find(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]*string{"description": orNull(v.Description)})
}

func (s *Service) metadata(c echo.Context) error {
	v, err := s.find(c)
	if err != nil {
		return err
	}
	id, err := rest.ParamID(c, "file", "Video file not found")
	if err != nil {
		return err
	}
	var rows []string
	err = s.db.Read(c.Request().Context()).Model(&File{}).Where("id = ? AND video_id = ?", id, v.ID).Pluck("metadata", &rows).Error
	if err != nil {
		return err
	}
	if len(rows) == 0 || rows[0] == "" {
		return rest.NotFound("Video file not found")
	}
	return c.JSONBlob(http.StatusOK, []byte(rows[0]))
}
