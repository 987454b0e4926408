package password

import (
	"encoding/json"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxBody bounds what the owner sends.
const maxBody = 1 << 20

// Routes registers the endpoints.
func (s *Service) Routes(r *rest.Router) {
	const path = "/videos/:id/passwords"
	r.API.GET(path, rest.Owner, s.list)
	r.API.PUT(path, rest.Owner, s.replace)
	r.API.POST(path, rest.Owner, s.add)
	r.API.DELETE(path+"/:password", rest.Owner, s.remove)
}

// own is the protected video that the request may change.
func (s *Service) own(c echo.Context) (*catalog.Video, error) {
	ctx := c.Request().Context()
	v, err := s.catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return nil, err
	}
	return v, protected(v)
}

func protected(v *catalog.Video) error {
	if v.Privacy != catalog.Password {
		return rest.BadRequest("This video is not password protected")
	}
	return nil
}

// apiPassword is a password (OpenAPI VideoPassword).
type apiPassword struct {
	ID        int64        `json:"id"`
	Password  string       `json:"password"`
	VideoID   int64        `json:"videoId"`
	CreatedAt channel.Time `json:"createdAt"`
	UpdatedAt channel.Time `json:"updatedAt"`
}

func (s *Service) list(c echo.Context) error {
	page, err := rest.ParsePage(c, "-createdAt", "createdAt")
	if err != nil {
		return err
	}
	v, err := s.own(c)
	if err != nil {
		return err
	}
	var rows []Password
	q := s.db.Read(c.Request().Context()).Model(&Password{}).Where("video_id = ?", v.ID)
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return err
	}
	if err := q.Order(page.Order("created_at", "id")).Offset(page.Start).Limit(page.Count).Find(&rows).Error; err != nil {
		return err
	}
	data := make([]apiPassword, len(rows))
	for i := range rows {
		p := &rows[i]
		data[i] = apiPassword{ID: p.ID, VideoID: p.VideoID, CreatedAt: channel.Time(p.CreatedAt), UpdatedAt: channel.Time(p.UpdatedAt)}
		text, err := s.box.Open(p.Sealed, owner(v.ID))
		if err != nil {
			return err
		}
		data[i].Password = string(text)
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}

// read decodes a JSON body.
func read(c echo.Context, into any) error {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, maxBody))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return rest.BadRequest("The request body should be a JSON object with passwords")
	}
	return nil
}

// change runs do on the video, locked and protected still.
func (s *Service) change(c echo.Context, v *catalog.Video, do func(tx *db.Tx) error) error {
	err := s.db.Tx(c.Request().Context(), func(tx *db.Tx) error {
		locked, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		if err := protected(locked); err != nil {
			return err
		}
		return do(tx)
	})
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

// check refuses passwords that a video may not have.
func check(field string, given []string) error {
	var refused rest.Checker
	catalog.CheckPasswords(&refused, field, given)
	return refused.Err()
}

func (s *Service) replace(c echo.Context) error {
	v, err := s.own(c)
	if err != nil {
		return err
	}
	var body struct {
		Passwords []string `json:"passwords"`
	}
	if err := read(c, &body); err != nil {
		return err
	}
	if err := check("passwords", body.Passwords); err != nil {
		return err
	}
	return s.change(c, v, func(tx *db.Tx) error { return s.Set(tx, v.ID, body.Passwords) })
}

func (s *Service) add(c echo.Context) error {
	v, err := s.own(c)
	if err != nil {
		return err
	}
	var body struct {
		Password string `json:"password"`
	}
	if err := read(c, &body); err != nil {
		return err
	}
	if err := check("password", []string{body.Password}); err != nil {
		return err
	}
	return s.change(c, v, func(tx *db.Tx) error {
		var n int64
		if err := tx.Model(&Password{}).Where("video_id = ?", v.ID).Count(&n).Error; err != nil {
			return err
		}
		if n >= catalog.MaxPasswords {
			return rest.Conflict("This video has too many passwords")
		}
		row := s.row(v.ID, body.Password)
		added, err := add(tx, &row)
		if err == nil && !added {
			err = rest.Invalid("body", "password", "Should not be a password of the video already", nil)
		}
		return err
	})
}

func (s *Service) remove(c echo.Context) error {
	v, err := s.own(c)
	if err != nil {
		return err
	}
	id, err := rest.ParamID(c, "password", "Video password not found")
	if err != nil {
		return err
	}
	return s.change(c, v, func(tx *db.Tx) error {
		var ids []int64
		if err := tx.Model(&Password{}).Where("video_id = ?", v.ID).Order("id").Limit(2).Pluck("id", &ids).Error; err != nil {
			return err
		}
		if len(ids) == 1 && ids[0] == id {
			return rest.Forbidden("Cannot delete the last password of the protected video")
		}
		res := tx.Where("id = ? AND video_id = ?", id, v.ID).Delete(&Password{})
		if res.Error == nil && res.RowsAffected == 0 {
			return rest.NotFound("Video password not found")
		}
		return res.Error
	})
}
