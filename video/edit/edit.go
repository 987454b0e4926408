// Package edit takes the changes that owners make to their videos: fields as JSON
// or as a form, with pictures or without. What a change does is the catalog's.
//
// Specifications: reference REST section 12 (PUT /videos/{id}).
package edit

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxJSON bounds the body of a change without pictures.
const maxJSON = 256 << 10

// Edit takes changes. It is safe for concurrent use.
type Edit struct{ catalog *catalog.Service }

// New returns an Edit.
func New(c *catalog.Service) *Edit { return &Edit{c} }

// Routes registers the endpoint.
func (e *Edit) Routes(r *rest.Router) { r.API.PUT("/videos/:id", rest.Owner, e.update) }

func (e *Edit) update(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	v, err := e.catalog.FindOwn(ctx, p, c.Param("id")) // before a picture is stored (SEC-44)
	if err != nil {
		return err
	}
	in, pictures, err := e.readForm(c)
	if err != nil {
		return err
	}
	if err := e.catalog.Update(ctx, p, catalog.Ref{ID: v.ID}, in, pictures); err != nil {
		e.catalog.Forget(ctx, pictures)
		return catalog.Problem(err)
	}
	return rest.NoContent(c)
}

// readForm reads an update: JSON, a form, or a form with pictures.
func (e *Edit) readForm(c echo.Context) (form.Input, []catalog.Thumbnail, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err != nil {
		kind = echo.MIMEApplicationJSON
	}
	switch kind {
	case echo.MIMEMultipartForm:
		return e.readMultipart(c)
	case echo.MIMEApplicationForm:
		r.Body = http.MaxBytesReader(c.Response(), r.Body, maxJSON)
		if err := r.ParseForm(); err != nil {
			return nil, nil, rest.BadRequest("The form cannot be read")
		}
		in, err := form.FromValues(r.PostForm)
		return in, nil, err
	case echo.MIMEApplicationJSON:
		body, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxJSON))
		if err != nil {
			return nil, nil, err
		}
		if len(body) == 0 {
			return form.Input{}, nil, nil
		}
		in, err := form.FromJSON(body, form.Video)
		return in, nil, err
	}
	return nil, nil, &rest.Problem{Status: http.StatusUnsupportedMediaType, Detail: "Send JSON or a form"}
}

// readMultipart reads a form with the pictures thumbnailfile and previewfile.
// One of them alone serves for both sizes when it is the thumbnail.
func (e *Edit) readMultipart(c echo.Context) (form.Input, []catalog.Thumbnail, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, 2*picture.MaxBytes+maxJSON)
	if err := r.ParseMultipartForm(2*picture.MaxBytes + maxJSON); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, nil, err
		}
		return nil, nil, rest.BadRequest("The form cannot be read")
	}
	in, err := form.FromValues(r.MultipartForm.Value)
	if err != nil {
		return nil, nil, err
	}
	pictures, err := e.pictures(r.Context(), r.MultipartForm.File)
	return in, pictures, err
}

// pictures stores the pictures that came with a form. A thumbnail without a
// preview serves as both.
func (e *Edit) pictures(ctx context.Context, files map[string][]*multipart.FileHeader) ([]catalog.Thumbnail, error) {
	mini, preview := files["thumbnailfile"], files["previewfile"]
	if len(preview) == 0 {
		preview = mini
	}
	var out []catalog.Thumbnail
	for _, p := range []struct {
		kind  int
		name  string
		files []*multipart.FileHeader
	}{{catalog.Miniature, "thumbnailfile", mini}, {catalog.Preview, "previewfile", preview}} {
		if len(p.files) == 0 {
			continue
		}
		data, err := picture.ReadPart(p.files[0])
		if err == nil {
			var t catalog.Thumbnail
			if t, err = e.catalog.NewThumbnail(ctx, p.kind, data); err == nil {
				out = append(out, t)
				continue
			}
		}
		e.catalog.Forget(ctx, out)
		if errors.Is(err, picture.ErrRefused) {
			return nil, rest.Invalid("body", p.name, "Should be a JPEG, PNG or WebP picture of at most 8 MB", nil)
		}
		return nil, err
	}
	return slices.Clip(out), nil
}
