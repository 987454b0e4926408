package caption

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what a Service needs.
type Options struct {
	DB        *db.DB
	Catalog   *catalog.Service
	Transport *transport.Client // for files of other servers
	// Put stores an object.
	Put    func(ctx context.Context, key string, r io.Reader) error
	Logger *slog.Logger
}

// Service keeps captions. It is safe for concurrent use.
type Service struct{ o Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o} }

// Routes registers the REST endpoints.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/videos/:id/captions", rest.Anyone, s.list)
	r.API.POST("/videos/:id/captions/generate", rest.Owner, s.generate)
	r.API.PUT("/videos/:id/captions/:language", rest.Owner, s.put)
	r.API.DELETE("/videos/:id/captions/:language", rest.Owner, s.remove)
}

type apiLanguage struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// apiCaption is a caption as clients get it (OpenAPI VideoCaption).
type apiCaption struct {
	Language               apiLanguage  `json:"language"`
	AutomaticallyGenerated bool         `json:"automaticallyGenerated"`
	CaptionPath            string       `json:"captionPath"`
	FileURL                string       `json:"fileUrl"`
	M3U8URL                *string      `json:"m3u8Url"` // no server of ours makes playlists of captions
	UpdatedAt              channel.Time `json:"updatedAt"`
}

func (s *Service) list(c echo.Context) error {
	ctx := c.Request().Context()
	v, err := s.o.Catalog.Find(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return err
	}
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	out := make([]apiCaption, len(m.Captions))
	for i := range m.Captions {
		r := &m.Captions[i]
		out[i] = apiCaption{
			Language: apiLanguage{r.Language, label.Language(r.Language)}, AutomaticallyGenerated: r.Generated,
			CaptionPath: r.Path(), FileURL: s.o.Catalog.URLs().Origin + r.Path(), UpdatedAt: channel.Time(r.UpdatedAt),
		}
	}
	return c.JSON(http.StatusOK, rest.NewList(int64(len(out)), out))
}

// generate would have a machine write subtitles down; there is none here.
func (s *Service) generate(c echo.Context) error {
	ctx := c.Request().Context()
	if _, err := s.o.Catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id")); err != nil {
		return err
	}
	return rest.BadRequest("Video transcription is disabled on this instance")
}

// unwritten are the languages of videos that subtitles cannot have: sign languages,
// and none.
var unwritten = strings.Fields("sgn ase asq sdl bfi bzs csl cse dsl fsl gsg pks jsl sfs swl rsl fse zxx")

// own finds the video and the language of a request that changes a caption.
func (s *Service) own(c echo.Context) (*catalog.Video, string, error) {
	ctx := c.Request().Context()
	v, err := s.o.Catalog.FindOwn(ctx, rest.Current(ctx), c.Param("id"))
	if err != nil {
		return nil, "", err
	}
	language := c.Param("language")
	if label.Language(language) == label.Unknown {
		return nil, "", rest.Invalid("params", "captionLanguage", "Should be a known language code", language)
	}
	return v, language, nil
}

func (s *Service) put(c echo.Context) error {
	v, language, err := s.own(c)
	if err != nil {
		return err
	}
	if slices.Contains(unwritten, language) {
		return rest.Invalid("params", "captionLanguage", "Should be a language that is written", language)
	}
	data, err := readFile(c)
	if err != nil {
		return err
	}
	clean, err := Clean(data)
	if err != nil {
		return rest.Invalid("body", "captionfile", fmt.Sprintf("Should be WebVTT or SubRip subtitles of at most %d MB", MaxBytes>>20), nil)
	}
	if err := s.Set(c.Request().Context(), v, language, clean); err != nil {
		return err
	}
	return rest.NoContent(c)
}

func readFile(c echo.Context) ([]byte, error) {
	r := c.Request()
	r.Body = http.MaxBytesReader(c.Response(), r.Body, MaxBytes+64<<10)
	h, err := c.FormFile("captionfile")
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, err
		}
		return nil, rest.Invalid("body", "captionfile", "Should be a file", nil)
	}
	return input.Part(h, MaxBytes)
}

// Set stores cleaned WebVTT as the caption of a local video in a language.
func (s *Service) Set(ctx context.Context, v *catalog.Video, language string, clean []byte) error {
	row := catalog.Caption{Language: language, Filename: catalog.CaptionName(language), Stored: true}
	if err := s.o.Put(ctx, row.Key(), bytes.NewReader(clean)); err != nil {
		return fmt.Errorf("store caption: %w", err)
	}
	err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		fresh, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		return s.o.Catalog.SetCaption(tx, fresh, &row)
	})
	if err == nil {
		return nil
	}
	drop := s.o.DB.Tx(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		return jobs.Insert(tx, catalog.DeleteFilesArgs{Keys: []string{row.Key()}})
	})
	return errors.Join(err, drop)
}

func (s *Service) remove(c echo.Context) error {
	v, language, err := s.own(c)
	if err != nil {
		return err
	}
	err = s.o.DB.Tx(c.Request().Context(), func(tx *db.Tx) error {
		fresh, err := catalog.Lock(tx, v.ID)
		if err != nil {
			return err
		}
		return s.o.Catalog.DropCaption(tx, fresh, language)
	})
	if errors.Is(err, catalog.ErrNotFound) {
		return rest.NotFound("Video caption not found")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

// Fetch gets the captions of a remote video that are not stored yet. A file that
// holds no subtitles is left where it is; the error is that of a server which
// may answer later.
func (s *Service) Fetch(ctx context.Context, videoID int64) error {
	m, err := s.o.Catalog.Media(ctx, videoID)
	if err != nil {
		return err
	}
	var errs []error
	for i := range m.Captions {
		r := &m.Captions[i]
		if r.Stored || r.RemoteURL == "" {
			continue
		}
		err := s.fetch(ctx, r)
		switch {
		case err == nil:
		case errors.Is(err, ErrFormat) || !transport.Temporary(err):
			s.o.Logger.InfoContext(ctx, "caption of a remote video not taken", "address", r.RemoteURL, "error", err)
		default:
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (s *Service) fetch(ctx context.Context, r *catalog.Caption) error {
	data, _, err := s.o.Transport.GetFile(ctx, r.RemoteURL, MaxBytes)
	if err != nil {
		return fmt.Errorf("fetch caption: %w", err)
	}
	clean, err := Clean(data)
	if err != nil {
		return err
	}
	if err := s.o.Put(ctx, r.Key(), bytes.NewReader(clean)); err != nil {
		return fmt.Errorf("store caption: %w", err)
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error { return catalog.NoteStored(tx, r, r.Filename) })
}
