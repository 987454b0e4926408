package redundancy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

func (s *Service) routes(r *rest.Router) {
	r.API.GET("/server/redundancy/videos", rest.Admin, s.list)
	r.API.POST("/server/redundancy/videos", rest.Admin, s.post)
	r.API.DELETE("/server/redundancy/videos/:redundancy", rest.Admin, s.drop)
}

// apiVideo is a video with its copies (OpenAPI VideoRedundancy).
type apiVideo struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	URL          string    `json:"url"`
	UUID         string    `json:"uuid"`
	Redundancies apiCopies `json:"redundancies"`
}

type apiCopies struct {
	Files              []apiCopy `json:"files"` // of progressive files: none
	StreamingPlaylists []apiCopy `json:"streamingPlaylists"`
}

type apiCopy struct {
	ID        int64         `json:"id"`
	FileURL   string        `json:"fileUrl"`
	Strategy  *string       `json:"strategy"`
	CreatedAt channel.Time  `json:"createdAt"`
	UpdatedAt channel.Time  `json:"updatedAt"`
	ExpiresOn *channel.Time `json:"expiresOn"`
	Size      int64         `json:"size"`
}

// list shows others' copies of our videos, or ours of others'.
func (s *Service) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "name", "name")
	if err != nil {
		return err
	}
	target := c.QueryParam("target")
	if target != "my-videos" && target != "remote-videos" {
		return rest.Invalid("query", "target", "Should be my-videos or remote-videos", target)
	}
	query := func() *gorm.DB {
		return s.db.Read(c.Request().Context()).Model(&catalog.Video{}).Where(
			"id IN (SELECT video_id FROM redundancies WHERE local = ?) AND local = ?", target == "remote-videos", target == "my-videos")
	}
	var total int64
	if err := query().Count(&total).Error; err != nil {
		return fmt.Errorf("count videos with copies: %w", err)
	}
	var videos []catalog.Video
	if err := query().Order(page.Order("name", "id")).Offset(page.Start).Limit(page.Count).Find(&videos).Error; err != nil {
		return fmt.Errorf("list videos with copies: %w", err)
	}
	ids := make([]int64, len(videos))
	for i, v := range videos {
		ids[i] = v.ID
	}
	var copies []Copy
	err = s.db.Read(c.Request().Context()).Where("video_id IN ? AND local = ?", ids, target == "remote-videos").Order("id").Find(&copies).Error
	if err != nil {
		return fmt.Errorf("list copies: %w", err)
	}
	out := make([]apiVideo, len(videos))
	for i, v := range videos {
		out[i] = apiVideo{ID: v.ID, Name: v.Name, URL: v.IRI, UUID: v.UUID, Redundancies: apiCopies{[]apiCopy{}, []apiCopy{}}}
		for _, k := range copies {
			if k.VideoID == v.ID {
				out[i].Redundancies.StreamingPlaylists = append(out[i].Redundancies.StreamingPlaylists, toAPI(&k))
			}
		}
	}
	return c.JSON(http.StatusOK, rest.NewList(total, out))
}

func toAPI(k *Copy) apiCopy {
	a := apiCopy{
		ID: k.ID, FileURL: k.URL, Size: k.Size, CreatedAt: channel.Time(k.CreatedAt), UpdatedAt: channel.Time(k.UpdatedAt),
		ExpiresOn: channel.TimePtr(k.ExpiresAt),
	}
	if k.Strategy != "" {
		a.Strategy = &k.Strategy
	}
	return a
}

// post has a video copied.
func (s *Service) post(c echo.Context) error {
	var body struct {
		VideoID json.Number `json:"videoId"`
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &body); err != nil || body.VideoID == "" {
		return rest.Invalid("body", "videoId", "Should be the number of a video", nil)
	}
	ctx := c.Request().Context()
	v, err := s.o.Catalog.Find(ctx, rest.Current(ctx), body.VideoID.String())
	if err == nil {
		err = s.Mirror(ctx, v)
	}
	switch {
	case errors.Is(err, ErrOurs):
		return rest.BadRequest("Cannot create a redundancy on a local video")
	case errors.Is(err, ErrNoPlaylist):
		return rest.BadRequest("Only videos with an HLS playlist are mirrored")
	case errors.Is(err, ErrCopied):
		return rest.Conflict("This video is already mirrored")
	case err != nil:
		return err
	}
	return rest.NoContent(c)
}

// maxBody bounds a request.
const maxBody = 1 << 10

// drop forgets a copy.
func (s *Service) drop(c echo.Context) error {
	id, err := rest.ParamID(c, "redundancy", "Video redundancy not found")
	if err != nil {
		return err
	}
	if err := s.Drop(c.Request().Context(), id); err != nil {
		return err
	}
	return rest.NoContent(c)
}
