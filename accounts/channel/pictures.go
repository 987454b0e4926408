package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/picture"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxForm is how large a form with one picture may be.
const maxForm = picture.MaxBytes + 64<<10

// owner finds the local actor whose picture a request changes.
type owner func(echo.Context) (actorID int64, err error)

// pictureRoutes registers the routes that set and remove pictures.
func (s *Service) pictureRoutes(r *rest.Router) {
	for _, p := range []struct {
		path   string
		access rest.Access
		kind   picture.Kind
		of     owner
		silent bool // a new picture is not answered
	}{
		{"/users/me/avatar", rest.SignedIn, picture.Avatar, me, false},
		{"/video-channels/:handle/avatar", rest.Owner, picture.Avatar, s.pictured, false},
		{"/video-channels/:handle/banner", rest.Owner, picture.Banner, s.pictured, false},
		{"/config/instance-avatar", rest.Admin, picture.Avatar, s.instance, true},
		{"/config/instance-banner", rest.Admin, picture.Banner, s.instance, true},
	} {
		r.API.POST(p.path+"/pick", p.access, s.pick(p.kind, p.of, p.silent))
		r.API.DELETE(p.path, p.access, s.unpick(p.kind, p.of))
	}
}

func me(c echo.Context) (int64, error) { return rest.Current(c.Request().Context()).ActorID, nil }

func (s *Service) pictured(c echo.Context) (int64, error) {
	ch, err := s.editable(c)
	if err != nil {
		return 0, err
	}
	return ch.ActorID, nil
}

func (s *Service) instance(c echo.Context) (int64, error) {
	a, err := s.o.Actors.Instance(c.Request().Context())
	if err != nil {
		return 0, err
	}
	return a.ID, nil
}

// pick takes a picture from the field avatarfile or bannerfile of a form.
func (s *Service) pick(kind picture.Kind, of owner, silent bool) echo.HandlerFunc {
	field, answer := "avatarfile", "avatars"
	if kind == picture.Banner {
		field, answer = "bannerfile", "banners"
	}
	return func(c echo.Context) error {
		actorID, err := of(c) // before the body is read
		if err != nil {
			return err
		}
		data, err := readPart(c, field)
		if err != nil {
			return err
		}
		p, err := s.SetPicture(c.Request().Context(), actorID, kind, data)
		if errors.Is(err, picture.ErrRefused) {
			return rest.Invalid("body", field, "Should be a PNG, JPEG, WebP or GIF picture of at most 40 megapixels", nil)
		}
		if err != nil {
			return err
		}
		if silent {
			return rest.NoContent(c)
		}
		return c.JSON(http.StatusOK, map[string]any{answer: Images(p)})
	}
}

func (s *Service) unpick(kind picture.Kind, of owner) echo.HandlerFunc {
	return func(c echo.Context) error {
		actorID, err := of(c)
		if err != nil {
			return err
		}
		if err := s.RemovePicture(c.Request().Context(), actorID, kind); err != nil {
			return err
		}
		return rest.NoContent(c)
	}
}

// readPart reads the file of a form without keeping more of the form than that.
func readPart(c echo.Context, field string) ([]byte, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, maxForm)
	form, err := r.MultipartReader()
	if err != nil {
		return nil, rest.Invalid("body", field, "Should be a file in a multipart form", nil)
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, rest.Invalid("body", field, "Is missing", nil)
		}
		if err == nil && part.FormName() == field && part.FileName() != "" {
			var data []byte
			if data, err = io.ReadAll(io.LimitReader(part, picture.MaxBytes+1)); err == nil && len(data) <= picture.MaxBytes {
				return data, nil
			}
		}
		_, tooLarge := errors.AsType[*http.MaxBytesError](err)
		switch {
		case tooLarge, err == nil && part.FormName() == field && part.FileName() != "":
			return nil, &rest.Problem{
				Status: http.StatusRequestEntityTooLarge, Detail: "A picture may have at most 4 MB",
				Header: map[string]string{"X-File-Maximum-Size": "4M"},
			}
		case err != nil:
			return nil, rest.BadRequest("The form cannot be read")
		}
	}
}

// SetPicture makes what somebody sent the picture of a local actor and tells its
// followers. [picture.ErrRefused] when it is no picture that is taken.
func (s *Service) SetPicture(ctx context.Context, actorID int64, kind picture.Kind, data []byte) (*picture.Picture, error) {
	p, err := s.o.Pictures.Make(ctx, kind, data)
	if err != nil {
		return nil, err
	}
	err = s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := s.touch(tx, actorID); err != nil {
			return err
		}
		if err := s.o.Pictures.Save(tx, actorID, p); err != nil {
			return err
		}
		return s.tell(tx, actorID)
	})
	if err != nil {
		s.o.Pictures.Forget(ctx, p)
		return nil, err
	}
	return p, nil
}

// RemovePicture takes a picture of a local actor away and tells its followers;
// when there is none, nothing happens.
func (s *Service) RemovePicture(ctx context.Context, actorID int64, kind picture.Kind) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		had, err := s.o.Pictures.Remove(tx, actorID, kind)
		if err != nil || !had {
			return err
		}
		if err := s.touch(tx, actorID); err != nil {
			return err
		}
		return s.tell(tx, actorID)
	})
}

// touch notes that an actor changed. Its row stays locked until the end, so that
// of two pictures at once the later one counts whole.
func (s *Service) touch(tx *db.Tx, actorID int64) error {
	done := tx.Exec("UPDATE actors SET updated_at = ? WHERE id = ? AND host = '' AND gone_at IS NULL", db.Now(), actorID)
	if done.Error != nil {
		return fmt.Errorf("actor %d: %w", actorID, done.Error)
	}
	if done.RowsAffected == 0 {
		return fmt.Errorf("actor %d: %w", actorID, db.ErrNotFound)
	}
	return nil
}

// InstancePictures are those of the instance itself.
func (s *Service) InstancePictures(ctx context.Context) (picture.Set, error) {
	a, err := s.o.Actors.Instance(ctx)
	if err != nil {
		return picture.Set{}, err
	}
	sets, err := s.o.Pictures.Of(ctx, a.ID)
	return sets[a.ID], err
}

// PicturesOf finds the pictures of actors, in one query whatever their number.
func (s *Service) PicturesOf(ctx context.Context, actorIDs ...int64) (map[int64]picture.Set, error) {
	return s.o.Pictures.Of(ctx, actorIDs...)
}
