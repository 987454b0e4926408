package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// maxMuxed is how many files go into one download: pictures and sound.
const maxMuxed = 2

// generate puts files of a video into one and sends it while it is made; nothing
// is stored.
func (s *Serve) generate(c echo.Context) error {
	ref, ok := catalog.ParseRef(c.Param("id"))
	if !ok {
		return notFound()
	}
	ctx := c.Request().Context()
	v, err := s.video(ctx, ref)
	if err != nil {
		return err
	}
	if v.Privacy == catalog.Unlisted && ref.UUID == "" {
		return notFound() // its UUID is its secret
	}
	p, err := s.permit(c, v)
	if err != nil {
		return err
	}
	if !v.DownloadEnabled && !catalog.IsOwner(p, v) && !p.IsModerator() {
		return rest.Forbidden("This video is not for download")
	}
	files, err := s.chosen(c, v)
	if err != nil {
		return err
	}
	select {
	case s.generating <- struct{}{}:
		defer func() { <-s.generating }()
	default:
		return &rest.Problem{
			Status: http.StatusTooManyRequests, Detail: "Too many parallel downloads on this server. Please try again later.",
			Header: map[string]string{"Retry-After": "30"},
		}
	}
	inputs, err := s.inputs(ctx, v, files)
	if err != nil {
		return err
	}
	return s.sendMuxed(c, v, files, inputs)
}

// chosen loads the files that the request names.
func (s *Serve) chosen(c echo.Context, v *catalog.Video) ([]catalog.File, error) {
	given := rest.QueryValues(c, "videoFileIds")
	ids := make([]int64, 0, maxMuxed)
	for _, g := range given {
		id, err := strconv.ParseInt(g, 10, 64)
		if err != nil || id <= 0 || len(ids) == maxMuxed || slices.Contains(ids, id) {
			return nil, rest.Invalid("query", "videoFileIds", fmt.Sprintf("Should be 1 to %d ids of files", maxMuxed), g)
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, rest.Invalid("query", "videoFileIds", fmt.Sprintf("Should be 1 to %d ids of files", maxMuxed), nil)
	}
	if !v.Local || s.o.Tool == nil {
		return nil, notFound()
	}
	var rows []catalog.File
	err := s.o.DB.Read(c.Request().Context()).Omit("metadata").Where("video_id = ? AND id IN ?", v.ID, ids).Order("resolution DESC, id").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("look up files: %w", err)
	}
	if len(rows) != len(ids) {
		return nil, notFound()
	}
	return rows, nil
}

// inputs examines the files.
func (s *Serve) inputs(ctx context.Context, v *catalog.Video, files []catalog.File) ([]ffmpeg.Source, error) {
	store, ok := s.o.Store.(interface {
		Path(key string) (string, error)
	})
	if !ok {
		return nil, &rest.Problem{Status: http.StatusNotImplemented, Detail: "Files in this storage cannot be put together"}
	}
	out := make([]ffmpeg.Source, len(files))
	for i := range files {
		path, err := store.Path(catalog.FileKey(v, &files[i]))
		if errors.Is(err, storage.ErrNotFound) {
			return nil, notFound()
		}
		if err != nil {
			return nil, err
		}
		info, err := s.o.Tool.Probe(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("examine %s: %w", files[i].Filename, err)
		}
		out[i] = ffmpeg.Source{Path: path, Info: info}
	}
	return out, nil
}

func (s *Serve) sendMuxed(c echo.Context, v *catalog.Video, files []catalog.File, inputs []ffmpeg.Source) error {
	h, name := c.Response().Header(), safeName(v.Name)+"-"+strconv.Itoa(files[0].Resolution)+"p.mp4"
	h.Set(echo.HeaderContentType, "video/mp4")
	if !slices.ContainsFunc(inputs, func(in ffmpeg.Source) bool { return in.Info.Video != nil }) {
		h.Set(echo.HeaderContentType, "audio/mp4")
		name = safeName(v.Name) + ".m4a"
	}
	h.Set(echo.HeaderCacheControl, "private, no-store")
	attach(c, name)
	if c.Request().Method == http.MethodHead {
		return c.NoContent(http.StatusOK)
	}
	w := newSender(c.Response())
	err := s.o.Tool.Mux(c.Request().Context(), inputs, struct{ writer }{w})
	if err == nil || !c.Response().Committed {
		return err
	}
	// The client must not take what it has for the whole.
	_ = w.rc.SetWriteDeadline(time.Unix(1, 0))
	if errors.Is(err, context.Canceled) { // who asked has gone
		err = nil
	} else {
		err = fmt.Errorf("generate a download of %s: %w", v.UUID, err)
	}
	return err
}

// writer keeps the copying of files by the system away from a pipe.
type writer interface{ Write(b []byte) (int, error) }
