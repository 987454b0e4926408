package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/form"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxMeta bounds what comes along with a file: fields and pictures (SEC-63).
const maxMeta = 10 << 20

// open begins a session, or finds the one that the same user opened for the
// same file and metadata.
func (u *Upload) open(c echo.Context) error {
	ctx, p := c.Request().Context(), rest.Current(c.Request().Context())
	size, err := openHeaders(c.Request().Header)
	if err != nil {
		return err
	}
	in, pictures, err := readMeta(c)
	if err != nil {
		return err
	}
	d, err := u.check(ctx, p, in)
	if err != nil {
		return err
	}
	if d.Filename == "" {
		return rest.Invalid("body", "filename", "Should be the name of the file", nil)
	}
	if err := u.checkFile(d.Filename, size); err != nil {
		return err
	}
	mark, err := fingerprint(p.UserID, size, d.Filename, in, pictures)
	if err != nil {
		return err
	}
	s, err := u.begin(ctx, &session{ID: newID(), UserID: p.UserID, Fingerprint: mark, Size: size, State: stateOpen}, d, pictures)
	if err != nil {
		return problem(err)
	}
	return u.opened(c, s)
}

// begin writes the row of a new session and stores the pictures that came with
// it, or finds the old session.
func (u *Upload) begin(ctx context.Context, s *session, d *details, pictures map[string][]byte) (*session, error) {
	old, err := same(u.o.DB.Read(ctx), s.UserID, s.Fingerprint)
	if err != nil {
		return nil, err
	}
	if old != nil && (old.State != stateDone || old.VideoID != nil) {
		return old, nil
	}
	if err := u.room(s.Size); err != nil {
		return nil, err
	}
	d.named()
	if err := s.setDetails(d); err != nil {
		return nil, err
	}
	made, err := encodePictures(d, pictures)
	if err != nil {
		return nil, err
	}
	if old, err = u.create(ctx, s); err != nil || old != nil {
		return old, err
	}
	if err := u.store(ctx, made); err != nil {
		return nil, errors.Join(err, u.drop(ctx, s))
	}
	return s, nil
}

// opened answers with where to send the chunks. 200 with a Range says that a
// part of the file is there. A session that is done answers as a new one: its
// first chunk is answered with the video.
func (u *Upload) opened(c echo.Context, s *session) error {
	h := c.Response().Header()
	h.Set(echo.HeaderLocation, c.Request().URL.Path+"?upload_id="+s.ID)
	h.Set(echo.HeaderAccessControlExposeHeaders, "Location, Range")
	have := min(s.Received, u.partSize(s.ID))
	if s.State == stateDone || have == 0 {
		return c.NoContent(http.StatusCreated)
	}
	if _, err := u.update(c.Request().Context(), s.ID, map[string]any{}); err != nil { // it lives on
		return err
	}
	h.Set("Range", "bytes=0-"+strconv.FormatInt(have-1, 10))
	return c.NoContent(http.StatusOK)
}

func (u *Upload) partSize(id string) int64 {
	fi, err := u.root.Stat(id)
	if err != nil {
		return 0
	}
	return fi.Size()
}

// openHeaders reads what the protocol demands of the first request.
func openHeaders(h http.Header) (size int64, err error) {
	var check rest.Checker
	size, ok := parseSize(h.Get("X-Upload-Content-Length"))
	if !ok || size == 0 {
		check.Refuse("header", "x-upload-content-length", "Should be the size of the file in bytes", h.Get("X-Upload-Content-Length"))
	}
	kind := h.Get("X-Upload-Content-Type")
	if kind == "" {
		check.Refuse("header", "x-upload-content-type", "Should be the type of the file", nil)
	}
	if err := check.Err(); err != nil {
		return 0, err
	}
	if !mediaType(kind) {
		return 0, unsupported(strings.ToValidUTF8(kind[:min(len(kind), 60)], "") + " is no type of videos")
	}
	return size, nil
}

// readMeta reads the body of the first request: JSON, or a form with pictures.
func readMeta(c echo.Context) (form.Input, map[string][]byte, error) {
	r := c.Request()
	kind, _, err := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	if err == nil && kind == echo.MIMEMultipartForm {
		f, err := readForm(r, r.Body, nil)
		if err != nil {
			return nil, nil, err
		}
		in, err := form.FromValues(f.fields)
		return in, f.pictures, err
	}
	if err == nil && kind != echo.MIMEApplicationJSON {
		return nil, nil, &rest.Problem{Status: http.StatusUnsupportedMediaType, Detail: "Send JSON or a multipart form"}
	}
	raw, err := io.ReadAll(http.MaxBytesReader(c.Response(), r.Body, maxMeta))
	if err != nil {
		return nil, nil, err
	}
	in, err := form.FromJSON(raw, form.Upload)
	return in, nil, err
}

// chunkHeaders are what a PUT says of its body.
type chunkHeaders struct {
	byteRange
	sum *checksum // nil: none
}

func parseChunk(r *http.Request) (chunkHeaders, error) {
	span, ok := parseContentRange(r.Header.Get("Content-Range"))
	if !ok {
		return chunkHeaders{}, rest.Invalid("header", "content-range", "Should be like bytes 0-99/500 or bytes */500", r.Header.Get("Content-Range"))
	}
	if !span.ask && r.ContentLength >= 0 && r.ContentLength != span.length() {
		return chunkHeaders{}, rest.Invalid("header", "content-length", "Should be the length of the range", r.ContentLength)
	}
	sum, err := parseChecksum(r.Header)
	return chunkHeaders{span, sum}, err
}

// put takes a chunk or a question. It is the only way on for a session, also
// for one whose server was killed while it was being finished.
func (u *Upload) put(c echo.Context) error { return u.receiveChunk(c, 0) }

// receiveChunk is put for the sessions of new videos, or of one that is replaced.
func (u *Upload) receiveChunk(c echo.Context, replaces int64) error {
	ctx, r := c.Request().Context(), c.Request()
	head, err := parseChunk(r)
	if err != nil {
		return err
	}
	user := rest.Current(ctx).UserID
	s, err := u.find(u.o.DB.Read(ctx), user, c.QueryParam("upload_id"), replaces)
	if err != nil {
		return err
	}
	if s == nil {
		return unknownSession()
	}
	if s.State == stateDone {
		return u.cached(ctx, c, s, replaces)
	}
	b := newBody(c.Response(), r, u.o.Stall)
	defer b.close()
	w, release, err := u.claim(ctx, s.ID, b.interrupt)
	if err != nil {
		return problem(err)
	}
	defer release()
	return u.locked(ctx, s.ID, func(p *part) error {
		s, err := u.find(u.o.DB.Read(ctx), user, s.ID, replaces) // as the one before left it
		switch {
		case err != nil:
			return err
		case s == nil:
			return unknownSession()
		case s.State == stateDone:
			return u.cached(ctx, c, s, replaces)
		case head.total != s.Size:
			return rest.Conflict("The total size is not that of the upload")
		}
		s.Received = min(s.Received, p.size)
		if !head.ask {
			if err := u.chunk(ctx, s, p, b, head); err != nil {
				return u.failed(ctx, s, err)
			}
		}
		if s.Received < s.Size {
			return u.answerRange(c, s)
		}
		b.finished()
		u.hold(w)
		return u.complete(ctx, c, s, p, replaces)
	})
}

// complete answers with the video of an upload that is all there.
func (u *Upload) complete(ctx context.Context, c echo.Context, s *session, p *part, replaces int64) error {
	if err := p.Truncate(s.Size); err != nil { // a killed process may have written more
		return fmt.Errorf("cut part: %w", err)
	}
	v, err := u.finish(context.WithoutCancel(ctx), s)
	if err != nil {
		return u.failed(ctx, s, err)
	}
	return u.done(c, v, replaces)
}

// locked runs fn with the part of an upload locked against other processes.
func (u *Upload) locked(ctx context.Context, id string, fn func(*part) error) error {
	p, err := u.openPart(ctx, id)
	if err != nil {
		return problem(err)
	}
	defer p.Close() //nolint:errcheck // what counts was synced before
	return fn(p)
}

// failed gives an error its answer. A file that can never become a video is
// dropped at once.
func (u *Upload) failed(ctx context.Context, s *session, err error) error {
	if errors.As(err, new(fileError)) {
		if dropErr := u.drop(ctx, s); dropErr != nil {
			u.log.WarnContext(ctx, "refused upload not removed", "upload", s.ID, "error", dropErr)
		}
	}
	return problem(err)
}

// chunk receives one chunk and makes it durable. Of a chunk that breaks off,
// what came is kept, unless there is a checksum for the whole of it.
func (u *Upload) chunk(ctx context.Context, s *session, p *part, b *body, head chunkHeaders) error {
	span, sum := head.byteRange, head.sum
	if span.first != s.Received {
		return rest.Conflict(fmt.Sprintf("The next chunk should start at byte %d", s.Received))
	}
	if err := u.room(span.length()); err != nil {
		return err
	}
	each := func(n int64) error { return u.durable(ctx, s, p, span.first+n) }
	var hash io.Writer
	if sum != nil {
		hash, each = sum, nil
	}
	n, err := p.copyTo(b, span.first, span.length(), hash, each)
	switch {
	case err == nil && sum != nil && !sum.ok():
		return &rest.Problem{Status: statusChecksum, Code: "checksum_mismatch", Detail: "The checksum of the chunk does not match"}
	case err == nil:
		if k, _ := b.Read(make([]byte, 1)); k > 0 {
			return rest.Invalid("header", "content-range", "Should cover the whole body", nil)
		}
	}
	if n > 0 && (sum == nil || err == nil) {
		if err := u.durable(ctx, s, p, span.first+n); err != nil {
			return err
		}
	}
	if errors.As(err, new(readError)) {
		return rest.BadRequest("The chunk broke off after " + strconv.FormatInt(n, 10) + " bytes")
	}
	if err != nil {
		return err
	}
	if span.first < sniffable && (s.Received >= sniffable || s.Received == s.Size) {
		if err := p.sniff(); err != nil {
			return fileError{err}
		}
	}
	return nil
}

// durable makes the first n bytes of a part safe and writes down how many that
// are, in this order (REL-14).
func (u *Upload) durable(ctx context.Context, s *session, p *part, n int64) error {
	if err := p.Sync(); err != nil {
		return fmt.Errorf("sync part: %w", err)
	}
	gone, err := u.update(context.WithoutCancel(ctx), s.ID, map[string]any{"received": n})
	if err != nil {
		return err
	}
	if gone {
		return unknownSession()
	}
	s.Received = n
	return nil
}

// answerRange says how much is there.
func (u *Upload) answerRange(c echo.Context, s *session) error {
	h := c.Response().Header()
	if s.Received > 0 {
		h.Set("Range", "bytes=0-"+strconv.FormatInt(s.Received-1, 10))
	}
	h.Set(echo.HeaderAccessControlExposeHeaders, "Range")
	return c.NoContent(http.StatusPermanentRedirect)
}

type apiVideo struct {
	ID        int64  `json:"id"`
	ShortUUID string `json:"shortUUID"`
	UUID      string `json:"uuid"`
}

// apiUpload answers a finished upload (OpenAPI VideoUploadResponse).
type apiUpload struct {
	Video apiVideo `json:"video"`
}

func answerOf(v *catalog.Video) apiUpload {
	return apiUpload{apiVideo{ID: v.ID, ShortUUID: v.ShortUUID(), UUID: v.UUID}}
}

// cached answers a request for an upload that is done with its video again.
func (u *Upload) cached(ctx context.Context, c echo.Context, s *session, replaces int64) error {
	if s.VideoID == nil {
		return unknownSession() // deleted since
	}
	v, err := u.o.Catalog.ByID(ctx, *s.VideoID)
	if errors.Is(err, catalog.ErrNotFound) {
		return unknownSession()
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("X-Resumable-Upload-Cached", "true") // PT
	return u.done(c, v, replaces)
}

// abort ends a session. What is finished already is no session any more.
func (u *Upload) abort(c echo.Context) error { return u.abortOf(c, 0) }

func (u *Upload) abortOf(c echo.Context, replaces int64) error {
	ctx := c.Request().Context()
	s, err := u.find(u.o.DB.Read(ctx), rest.Current(ctx).UserID, c.QueryParam("upload_id"), replaces)
	if err != nil {
		return err
	}
	if s == nil || s.State == stateDone {
		return unknownSession()
	}
	_, release, err := u.claim(ctx, s.ID, nil)
	if err != nil {
		return problem(err)
	}
	defer release()
	err = u.locked(ctx, s.ID, func(*part) error { return u.drop(ctx, s) })
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

// room refuses n more bytes when less than the reserve would stay free (REL-16).
func (u *Upload) room(n int64) error {
	free, err := u.o.Free()
	if err != nil {
		return err
	}
	if free-n < u.o.Reserve {
		return diskFull()
	}
	return nil
}

// checkFile refuses a file by its name and size.
func (u *Upload) checkFile(filename string, size int64) error {
	e := ext(filename)
	if !slices.Contains(playableExts, e) && (!u.o.Transcoding().Enabled || !slices.Contains(furtherExts, e)) {
		return unsupported("its name should end in one of " + strings.Join(u.Extensions(), ", "))
	}
	if u.o.MaxFileSize > 0 && !u.o.MaxFileSize.Allows(size) {
		return tooLarge(u.o.MaxFileSize)
	}
	return nil
}

// Extensions are the endings of files that may be uploaded, with their dots.
func (u *Upload) Extensions() []string {
	if u.o.Transcoding().Enabled {
		return slices.Concat(playableExts, furtherExts)
	}
	return playableExts
}
