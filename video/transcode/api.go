package transcode

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Routes registers what administrators may do with the files of videos.
func (s *Service) Routes(r *rest.Router) {
	on := func(do func(echo.Context, *catalog.Video) error) echo.HandlerFunc {
		return func(c echo.Context) error {
			v, err := s.ours(c)
			if err == nil {
				err = do(c, v)
			}
			if errors.Is(err, catalog.ErrNotFound) {
				return rest.NotFound("Video not found")
			}
			if err != nil {
				return err
			}
			return rest.NoContent(c)
		}
	}
	r.API.DELETE("/videos/:id/hls", rest.Admin, on(func(c echo.Context, v *catalog.Video) error {
		return s.RemoveHLS(c.Request().Context(), v)
	}))
	r.API.DELETE("/videos/:id/web-videos", rest.Admin, on(func(c echo.Context, v *catalog.Video) error {
		return s.RemoveWeb(c.Request().Context(), v, 0)
	}))
	r.API.DELETE("/videos/:id/hls/:file", rest.Admin, on(func(c echo.Context, v *catalog.Video) error {
		id, err := rest.ParamID(c, "file", "This HLS playlist does not have this file id")
		if err != nil {
			return err
		}
		return s.RemoveHLSFile(c.Request().Context(), v, id)
	}))
	r.API.DELETE("/videos/:id/web-videos/:file", rest.Admin, on(func(c echo.Context, v *catalog.Video) error {
		id, err := rest.ParamID(c, "file", "This video does not have this Web Video file id")
		if err != nil {
			return err
		}
		return s.RemoveWeb(c.Request().Context(), v, id)
	}))
	r.API.POST("/videos/:id/transcoding", rest.Admin, on(s.again))
}

// ours is the video that the request names, which must be ours.
func (s *Service) ours(c echo.Context) (*catalog.Video, error) {
	ref, ok := catalog.ParseRef(c.Param("id"))
	if !ok {
		return nil, catalog.ErrNotFound
	}
	v, err := s.o.Catalog.Get(c.Request().Context(), ref)
	if err == nil && !v.Local {
		err = rest.BadRequest("Cannot change the files of a remote video")
	}
	return v, err
}

// maxBody bounds the request to transcode.
const maxBody = 4 << 10

func (s *Service) again(c echo.Context, v *catalog.Video) error {
	var body struct {
		Type  string `json:"transcodingType"`
		Force bool   `json:"forceTranscoding"`
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return rest.BadRequest("The request body should be a JSON object")
	}
	kind, ok := map[string]string{"hls": catalog.KindHLS, "web-video": catalog.KindWeb}[body.Type]
	if !ok {
		return rest.Invalid("body", "transcodingType", "Should be hls or web-video", body.Type)
	}
	return s.Again(c.Request().Context(), v, kind, body.Force)
}
