// Package storyboard makes the picture of the seek bar of each local video, many
// small ones in one, answers for it, and fetches that of remote videos when
// somebody asks for it.
//
// Invariants
//   - a picture of another server is encoded anew before it is stored (SEC-41)
//   - the job may run twice: it ends when there is one already
//
// Specifications: PT federation 4 (preview), reference REST 12. Imports no
// sibling but catalog, ffmpeg, picture and storage.
package storyboard

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Sizes as PeerTube has them.
const (
	maxSprite = 192 // pixels, the longer side of a small picture
	maxEdge   = 10  // small pictures a line, and lines
)

// Options are what a Service needs.
type Options struct {
	DB        *db.DB
	Catalog   *catalog.Service
	Store     storage.Store
	Tool      *ffmpeg.Tool
	Transport *transport.Client // for pictures of other servers
	Dir       string            // scratch folder
	Logger    *slog.Logger
}

// Service makes and fetches storyboards. It is safe for concurrent use.
type Service struct{ o Options }

// New returns a Service and makes its scratch folder.
func New(o Options) (*Service, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	return &Service{o}, nil
}

// Jobs are the job handlers.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{jobs.Handle(s.make, jobs.InQueue("media"), jobs.As("generate-video-storyboard"), jobs.Attempts(3), jobs.Timeout(2*time.Hour))}
}

// Routes registers the REST endpoint.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/videos/:id/storyboards", rest.Anyone, s.get)
}

// apiStoryboard is a storyboard as clients get it (OpenAPI Storyboard).
type apiStoryboard struct {
	StoryboardPath string `json:"storyboardPath"`
	FileURL        string `json:"fileUrl"`
	TotalHeight    int    `json:"totalHeight"`
	TotalWidth     int    `json:"totalWidth"`
	SpriteWidth    int    `json:"spriteWidth"`
	SpriteHeight   int    `json:"spriteHeight"`
	SpriteDuration int    `json:"spriteDuration"`
}

func (s *Service) get(c echo.Context) error {
	ctx := c.Request().Context()
	v, err := s.o.Catalog.Find(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return err
	}
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	out := []apiStoryboard{}
	if b := m.Storyboard; b != nil {
		out = append(out, apiStoryboard{
			b.Path(), s.o.Catalog.URLs().Origin + b.Path(), b.TotalHeight, b.TotalWidth, b.SpriteWidth, b.SpriteHeight, b.SpriteDuration,
		})
	}
	return c.JSON(http.StatusOK, map[string]any{"storyboards": out})
}

// Grid is how the small pictures of a video are laid out.
type Grid struct{ Columns, Rows, Width, Height, Every int }

// Plan lays out the storyboard of a video of so many seconds and a ratio of
// width to height: one picture a second, fewer of a video that would not fit.
func Plan(seconds int, ratio float64) Grid {
	seconds = max(seconds, 1)
	if ratio <= 0 {
		ratio = 16.0 / 9
	}
	g := Grid{Width: maxSprite, Height: even(maxSprite / ratio)}
	if ratio < 1 {
		g.Width, g.Height = even(maxSprite*ratio), maxSprite
	}
	total := min(seconds, maxEdge*maxEdge)
	g.Every = (seconds + total - 1) / total
	total = (seconds + g.Every - 1) / g.Every
	if total <= maxEdge {
		g.Columns, g.Rows = total, 1
		return g
	}
	for g.Rows = 1; g.Rows < maxEdge; g.Rows++ {
		for g.Columns = g.Rows; g.Columns <= maxEdge; g.Columns++ {
			if g.Rows*g.Columns >= total {
				return g
			}
		}
	}
	g.Columns = maxEdge
	return g
}

func even(f float64) int { return max(2, 2*int(math.Round(f/2))) }

// make makes the storyboard of a local video.
func (s *Service) make(ctx context.Context, a catalog.StoryboardArgs) error {
	v, err := s.o.Catalog.ByID(ctx, a.VideoID)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	f := smallest(m)
	if !v.Local || m.Storyboard != nil || f == nil {
		return nil
	}
	dir, err := os.MkdirTemp(s.o.Dir, "storyboard-")
	if err != nil {
		return fmt.Errorf("scratch folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of this run
	row, err := s.draw(ctx, v, f, dir)
	if errors.Is(err, ffmpeg.ErrNoPicture) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("storyboard of video %d: %w", v.ID, err)
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		fresh, err := catalog.Lock(tx, v.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			if err := jobs.Insert(tx, catalog.DeleteFilesArgs{Keys: []string{row.Key()}}); err != nil {
				return err
			}
			return jobs.Done(ctx, tx)
		}
		if err == nil {
			err = s.o.Catalog.SetStoryboard(tx, fresh, row)
		}
		if err != nil {
			return err
		}
		return jobs.Done(ctx, tx)
	})
}

// smallest is the file that costs least to decode and still shows enough.
func smallest(m *catalog.Media) *catalog.File {
	var best *catalog.File
	for _, list := range [][]catalog.File{m.Files, m.HLS} {
		for i := range list {
			f := &list[i]
			if !f.HasVideo || f.Filename == "" {
				continue
			}
			if best == nil || (f.Resolution < best.Resolution && f.Resolution >= maxSprite) || best.Resolution < maxSprite && f.Resolution > best.Resolution {
				best = f
			}
		}
	}
	return best
}

// draw makes the picture of a file and stores it.
func (s *Service) draw(ctx context.Context, v *catalog.Video, f *catalog.File, dir string) (*catalog.Storyboard, error) {
	path, err := storage.Local(ctx, s.o.Store, catalog.FileKey(v, f), filepath.Join(dir, "input.mp4"))
	if err != nil {
		return nil, err
	}
	info, err := s.o.Tool.Probe(ctx, path)
	if err != nil {
		return nil, err
	}
	if info.Video == nil {
		return nil, ffmpeg.ErrNoPicture
	}
	g := Plan(v.Duration, info.Ratio())
	out := filepath.Join(dir, "storyboard.jpg")
	err = s.o.Tool.Storyboard(ctx, ffmpeg.Source{Path: path, Info: info}, ffmpeg.Sprites{
		Path: out, Width: g.Width, Height: g.Height, Columns: g.Columns, Rows: g.Rows, Every: time.Duration(g.Every) * time.Second,
	}, func(percent float64) { jobs.Progress(ctx, int(percent)) })
	if err != nil {
		return nil, err
	}
	row := &catalog.Storyboard{
		Filename: uuid.NewString() + ".jpg", Stored: true, TotalWidth: g.Columns * g.Width, TotalHeight: g.Rows * g.Height,
		SpriteWidth: g.Width, SpriteHeight: g.Height, SpriteDuration: g.Every,
	}
	if err := s.o.Store.PutFile(ctx, row.Key(), out); err != nil {
		return nil, fmt.Errorf("store storyboard: %w", err)
	}
	return row, nil
}

// Fetch gets the storyboard of a remote video when it is not stored yet.
func (s *Service) Fetch(ctx context.Context, videoID int64) error {
	m, err := s.o.Catalog.Media(ctx, videoID)
	if err != nil {
		return err
	}
	b := m.Storyboard
	if b == nil || b.Stored || b.RemoteURL == "" {
		return nil
	}
	data, _, err := s.o.Transport.GetFile(ctx, b.RemoteURL, picture.MaxBytes)
	if err == nil {
		data, err = picture.Reencode(data, b.TotalWidth, b.TotalHeight)
	}
	if err != nil {
		if errors.Is(err, picture.ErrRefused) || !transport.Temporary(err) {
			s.o.Logger.InfoContext(ctx, "storyboard of a remote video not taken", "address", b.RemoteURL, "error", err)
			return nil
		}
		return fmt.Errorf("fetch storyboard: %w", err)
	}
	if _, err := s.o.Store.Put(ctx, b.Key(), bytes.NewReader(data)); err != nil {
		return fmt.Errorf("store storyboard: %w", err)
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error { return catalog.NoteStored(tx, b, b.Filename) })
}
