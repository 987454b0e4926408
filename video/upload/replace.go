package upload

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// replacePath is where the file of a video is replaced, by the same protocol.
const replacePath = "/videos/:id/source/replace-resumable"

// replaced is the video whose file the request replaces, when it may.
func (u *Upload) replaced(c echo.Context) (*catalog.Video, error) {
	ctx := c.Request().Context()
	v, err := u.o.Catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return nil, err
	}
	if u.o.Replace == nil || !u.o.Replace() {
		return nil, rest.Forbidden("Updating the file of an existing video is not allowed on this instance")
	}
	return v, replaceable(v)
}

func replaceable(v *catalog.Video) error {
	switch {
	case v.IsLive:
		return rest.BadRequest("Cannot edit a live video")
	case v.State == catalog.ToTranscode, v.State == catalog.ToEdit:
		return rest.Conflict("Cannot edit video that is already waiting for transcoding/edition")
	case v.State != catalog.Published && v.State != catalog.TranscodingFailed:
		return rest.Conflict("The file of this video cannot be replaced now")
	}
	return nil
}

// openReplace begins a session that gives a video another file.
func (u *Upload) openReplace(c echo.Context) error {
	v, err := u.replaced(c)
	if err != nil {
		return err
	}
	ctx, p := c.Request().Context(), rest.Current(c.Request().Context())
	size, err := openHeaders(c.Request().Header)
	if err != nil {
		return err
	}
	in, _, err := readMeta(c)
	if err != nil {
		return err
	}
	d := &details{Replaces: v.ID, ChannelID: v.ChannelID}
	if name := in["filename"]; len(name) > 0 {
		d.Filename = cleanFilename(name[0])
	}
	if d.Filename == "" {
		return rest.Invalid("body", "filename", "Should be the name of the file", nil)
	}
	if err := u.checkFile(d.Filename, size); err != nil {
		return err
	}
	// A file may come back after another one.
	mark, err := fingerprint(p.UserID, size, fmt.Sprint("replaces ", v.UUID, v.UploadedAt, d.Filename), in, nil)
	if err != nil {
		return err
	}
	s, err := u.begin(ctx, &session{ID: newID(), UserID: p.UserID, Fingerprint: mark, Size: size, State: stateOpen}, d, nil)
	if err != nil {
		return problem(err)
	}
	return u.opened(c, s)
}

func (u *Upload) putReplace(c echo.Context) error {
	v, err := u.ofSession(c)
	if err != nil {
		return err
	}
	return u.receiveChunk(c, v.ID)
}

func (u *Upload) abortReplace(c echo.Context) error {
	v, err := u.ofSession(c)
	if err != nil {
		return err
	}
	return u.abortOf(c, v.ID)
}

// ofSession is the video of a session that goes on: what state it is in by now
// is looked at when the file is there.
func (u *Upload) ofSession(c echo.Context) (*catalog.Video, error) {
	ctx := c.Request().Context()
	return u.o.Catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id"))
}

// replace gives the video another file, in the transaction that ends the session.
func (u *Upload) replace(tx *db.Tx, userID int64, d *details, n catalog.NewVideo) (*catalog.Video, error) {
	v, err := catalog.Lock(tx, d.Replaces)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, fileError{unknownSession()}
	}
	if err != nil {
		return nil, err
	}
	role := rest.RoleUser
	if err := tx.Raw("SELECT role FROM users WHERE id = ?", userID).Scan(&role).Error; err != nil {
		return nil, err
	}
	if p := (&rest.Principal{UserID: userID, Role: role}); !catalog.IsOwner(p, v) && !p.IsModerator() { // SEC-44
		return nil, fileError{rest.Forbidden("This video belongs to someone else")}
	}
	if err := replaceable(v); err != nil {
		return nil, err
	}
	if err := u.o.Catalog.Replace(tx, v, n); err != nil {
		return nil, err
	}
	return catalog.Lock(tx, v.ID)
}

// onlyAutomatic leaves to d the pictures that the video had taken from its file:
// those that its owner sent stay.
func (u *Upload) onlyAutomatic(ctx context.Context, d *details) error {
	m, err := u.o.Catalog.Media(ctx, d.Replaces)
	if err != nil {
		return err
	}
	d.Pictures = slices.DeleteFunc(d.Pictures, func(t catalog.Thumbnail) bool {
		has := m.Thumbnail(t.Type)
		return has != nil && !has.Automatic
	})
	return nil
}

// done answers for a finished session: with the new video, or that the file of an
// old one was replaced.
func (u *Upload) done(c echo.Context, v *catalog.Video, replaces int64) error {
	if replaces != 0 {
		return rest.NoContent(c)
	}
	return c.JSON(http.StatusOK, answerOf(v))
}
