package upload

import (
	"context"
	"errors"
	"io"
	"math"
	"mime/multipart"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// legacy takes a video in one request. The file is streamed to the disk; the
// fields may stand before or after it.
func (u *Upload) legacy(c echo.Context) error {
	ctx, r := c.Request().Context(), c.Request()
	p := rest.Current(ctx)
	limit, err := u.limit(ctx, p.UserID)
	if err != nil {
		return err
	}
	least := max(1, r.ContentLength-maxMeta) // of the file, when the length is known
	if err := limit.check(least); err != nil {
		return err
	}
	s := &session{ID: newID(), UserID: p.UserID, Size: least, State: stateOpen}
	if _, err := u.create(ctx, s); err != nil {
		return err
	}
	b := newBody(c.Response(), r, u.o.Stall)
	defer b.close()
	_, release, err := u.claim(ctx, s.ID, nil)
	if err != nil {
		return problem(err)
	}
	defer release()
	var v *catalog.Video
	err = u.locked(ctx, s.ID, func(part *part) error {
		if err := u.receive(ctx, s, part, b, r, limit); err != nil {
			return err
		}
		b.finished()
		v, err = u.finish(context.WithoutCancel(ctx), s)
		return err
	})
	if err != nil { // nobody can go on with it
		if dropErr := u.drop(ctx, s); dropErr != nil {
			u.log.WarnContext(ctx, "broken upload not removed", "upload", s.ID, "error", dropErr)
		}
		return problem(err)
	}
	return c.JSON(http.StatusOK, answerOf(v))
}

// receive reads the form, with the file into part, and makes s complete.
func (u *Upload) receive(ctx context.Context, s *session, part *part, b *body, r *http.Request, limit limits) error {
	var filename string
	var size int64
	f, err := readForm(r, b, func(file *multipart.Part) error {
		if filename != "" {
			return rest.Invalid("body", videoField, "Should be one file", nil)
		}
		if filename = cleanFilename(file.FileName()); filename == "" {
			return rest.Invalid("body", videoField, "Should be a file with a name", nil)
		}
		if err := u.checkFile(filename, 0); err != nil {
			return err
		}
		if t := file.Header.Get(echo.HeaderContentType); t != "" && !mediaType(t) {
			return unsupported("its type is not that of a video")
		}
		var err error
		size, err = u.receiveFile(part, file, limit)
		return err
	})
	if err != nil {
		return err
	}
	if filename == "" {
		return rest.Invalid("body", videoField, "Should be the video file", nil)
	}
	in, err := form.FromValues(f.fields)
	if err != nil {
		return err
	}
	d, err := u.check(ctx, rest.Current(ctx), in)
	if err != nil {
		return err
	}
	if err := part.sniff(); err != nil {
		return err
	}
	if err := part.Sync(); err != nil {
		return err
	}
	d.Filename = filename
	d.named()
	if err := s.setDetails(d); err != nil {
		return err
	}
	made, err := encodePictures(d, f.pictures)
	if err != nil {
		return err
	}
	if err := u.resize(ctx, s, size); err != nil {
		return err
	}
	return u.store(ctx, made)
}

// receiveFile streams the file to the disk in pieces, so that its limits and the
// room are looked at on the way.
func (u *Upload) receiveFile(part *part, file io.Reader, limit limits) (int64, error) {
	var size int64
	for {
		if err := u.room(syncEvery); err != nil {
			return size, err
		}
		n, err := part.copyTo(file, size, syncEvery, nil, nil)
		size += n
		if err := limit.check(size); err != nil {
			return size, err
		}
		if err == nil {
			continue
		}
		if _, ok := errors.AsType[readError](err); !ok {
			return size, err
		}
		// The end of a part is io.EOF, that of a body within a part is not.
		if !errors.Is(err, io.EOF) {
			return size, brokenForm(err)
		}
		if size == 0 {
			return 0, unreadable("Video file unreadable.")
		}
		return size, nil
	}
}

// limits is what one file may take.
type limits struct {
	u    *Upload
	left int64 // of the quota
}

func (l limits) check(size int64) error {
	if m := l.u.o.MaxFileSize; m > 0 && !m.Allows(size) {
		return tooLarge(m)
	}
	if size > l.left {
		return quotaReached()
	}
	return nil
}

// limit reads how much of the quota is left. It is a first look, so that a file
// which is far too large is refused on the way; the reservation decides.
func (u *Upload) limit(ctx context.Context, userID int64) (limits, error) {
	l := limits{u: u, left: math.MaxInt64}
	err := u.o.DB.Tx(ctx, func(tx *db.Tx) error {
		total, daily, err := lockUser(tx, userID)
		if err != nil {
			return err
		}
		usedTotal, usedDaily, err := catalog.LoadUsed(tx.DB, userID)
		if err != nil {
			return err
		}
		l.left = math.MaxInt64
		if total >= 0 {
			l.left = min(l.left, total-usedTotal)
		}
		if daily >= 0 {
			l.left = min(l.left, daily-usedDaily)
		}
		return nil
	})
	return l, err
}
