package serve

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// How long answers may be kept. Objects never change under their name; media is
// kept shorter, since a video may become private.
const (
	cacheMedia   = "public, max-age=7200"
	cacheForever = "public, max-age=31536000, immutable"
	cachePrivate = "private, no-cache" // kept by the viewer, asked for each time
)

const (
	// maxRanges of one request (SEC-64). The standard library sees to it that
	// they are not longer than the file together.
	maxRanges = 16
	// Every sendPiece of an answer must be taken by the client within sendStall.
	sendPiece = 1 << 20
	sendStall = 2 * time.Minute
)

// send answers with an object, or a part of it, with the type of its name.
func (s *Serve) send(c echo.Context, key, cache string) error {
	ctx, r := c.Request().Context(), c.Request()
	if u, public := s.o.Store.URL(key); public && u != "" && cache != cachePrivate {
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		return c.Redirect(http.StatusFound, u)
	}
	f, err := s.o.Store.Open(ctx, key)
	if errors.Is(err, storage.ErrNotFound) || errors.Is(err, storage.ErrKey) {
		return notFound()
	}
	if err != nil {
		return err
	}
	defer f.Close()
	size, changed, err := s.stat(c, key, f)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	if strings.Count(r.Header.Get("Range"), ",") >= maxRanges {
		h.Set("Content-Range", "bytes */"+strconv.FormatInt(size, 10))
		return &rest.Problem{Status: http.StatusRequestedRangeNotSatisfiable, Detail: "Too many ranges"}
	}
	h.Set(echo.HeaderContentType, typeOf(key))
	h.Set(echo.HeaderCacheControl, cache)
	h.Set("ETag", `"`+path.Base(key)+"-"+strconv.FormatInt(size, 36)+`"`)
	http.ServeContent(newSender(c.Response()), r, "", changed, f)
	return nil
}

// stat asks an open object for its size and time, or else the store.
func (s *Serve) stat(c echo.Context, key string, f io.ReadSeekCloser) (int64, time.Time, error) {
	if st, ok := f.(interface{ Stat() (fs.FileInfo, error) }); ok {
		fi, err := st.Stat()
		if err != nil {
			return 0, time.Time{}, err
		}
		return fi.Size(), fi.ModTime(), nil
	}
	o, err := s.o.Store.Stat(c.Request().Context(), key)
	if errors.Is(err, storage.ErrNotFound) {
		return 0, time.Time{}, notFound()
	}
	return o.Size, o.ModTime, err
}

// sender writes an answer in pieces, each with a time limit of its own, and lets
// the system copy files to the network by itself.
type sender struct {
	*echo.Response
	rc *http.ResponseController
}

func newSender(w *echo.Response) *sender { return &sender{w, http.NewResponseController(w)} }

// Write implements io.Writer.
func (s *sender) Write(b []byte) (int, error) {
	_ = s.rc.SetWriteDeadline(time.Now().Add(sendStall)) // where there are deadlines
	return s.Response.Write(b)
}

// bottom is the connection's own writer, unless something stands before it that
// changes what is written.
func bottom(w http.ResponseWriter) http.ResponseWriter {
	for {
		r, ok := w.(*echo.Response)
		if !ok {
			return w
		}
		w = r.Writer
	}
}

// ReadFrom implements io.ReaderFrom.
func (s *sender) ReadFrom(r io.Reader) (int64, error) {
	to, fast := bottom(s.Writer).(io.ReaderFrom)
	part, limited := r.(*io.LimitedReader)
	if !fast || !limited {
		return io.Copy(struct{ io.Writer }{s}, r)
	}
	if !s.Committed {
		s.WriteHeader(http.StatusOK)
	}
	var sent int64
	for part.N > 0 {
		piece := &io.LimitedReader{R: part.R, N: min(part.N, sendPiece)}
		_ = s.rc.SetWriteDeadline(time.Now().Add(sendStall))
		n, err := to.ReadFrom(piece)
		sent += n
		part.N -= n
		s.Size += n
		if err != nil || n == 0 {
			return sent, err
		}
	}
	return sent, nil
}
