package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	// maxFetching bounds the remote videos whose files are fetched at once for
	// viewers who wait for them.
	maxFetching = 16
	// fetchTime is how long a viewer waits.
	fetchTime = 15 * time.Second
)

// picture serves pictures of one type. One of a remote video that is not here
// yet is fetched first.
func (s *Serve) picture(kind int) echo.HandlerFunc {
	return func(c echo.Context) error {
		name, err := named(c)
		if err != nil {
			return err
		}
		if kind == catalog.Miniature && s.PlaylistPicture != nil && strings.HasPrefix(name, picture.OfPlaylist) {
			return s.playlistPicture(c, name)
		}
		v, t, err := s.findPicture(c.Request().Context(), kind, name)
		if err != nil {
			return err
		}
		if _, err := s.permit(c, v); err != nil {
			return err
		}
		if !t.Stored {
			if err := s.fetchOnce(c.Request().Context(), v, t, s.FetchPictures); err != nil {
				return err
			}
			if _, t, err = s.findPicture(c.Request().Context(), kind, name); err != nil {
				return err
			}
			if !t.Stored {
				return notFound()
			}
		}
		return s.send(c, t.Key(), s.cache(c.Request().Context(), v, cacheForever))
	}
}

// fetch is fetchOnce where row, a pointer to the kind's row, notes under filename
// that the file is stored.
func (s *Serve) fetch(ctx context.Context, v *catalog.Video, row any, filename string, do func(context.Context, int64) error) error {
	if err := s.fetchOnce(ctx, v, row, do); err != nil {
		return err
	}
	var stored []bool
	err := s.o.DB.Read(ctx).Model(row).Where("filename = ?", filename).Pluck("stored", &stored).Error
	if err != nil {
		return fmt.Errorf("look up file: %w", err)
	}
	if len(stored) == 0 || !stored[0] {
		return notFound()
	}
	return nil
}

// fetchOnce gets the missing files of a remote video of one kind, that of row, once
// for all who wait. It goes on when the one who asked first goes away.
func (s *Serve) fetchOnce(ctx context.Context, v *catalog.Video, row any, do func(context.Context, int64) error) error {
	if do == nil || v.Local {
		return notFound()
	}
	_, err, _ := s.fetches.Do(fmt.Sprintf("%T %d", row, v.ID), func() (any, error) {
		select {
		case s.fetching <- struct{}{}:
			defer func() { <-s.fetching }()
		default:
			return nil, &rest.Problem{
				Status: http.StatusServiceUnavailable, Code: "busy", Detail: "Too many files are being fetched",
				Header: map[string]string{"Retry-After": "5"},
			}
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
		defer cancel()
		if err := do(ctx, v.ID); err != nil {
			s.log.InfoContext(ctx, "files of a remote video not fetched", "video", v.IRI, "error", err)
			return nil, notFound()
		}
		return nil, nil
	})
	return err
}

// caption serves the subtitles of a video in one language.
func (s *Serve) caption(c echo.Context) error {
	r := &catalog.Caption{}
	v, err := s.extra(c, r, func() int64 { return r.VideoID })
	if err == nil && !r.Stored {
		err = s.fetch(c.Request().Context(), v, r, r.Filename, s.FetchCaptions)
	}
	if err != nil {
		return err
	}
	return s.send(c, r.Key(), s.cache(c.Request().Context(), v, cacheForever))
}

// storyboard serves the picture of the seek bar of a video.
func (s *Serve) storyboard(c echo.Context) error {
	r := &catalog.Storyboard{}
	v, err := s.extra(c, r, func() int64 { return r.VideoID })
	if err == nil && !r.Stored {
		err = s.fetch(c.Request().Context(), v, r, r.Filename, s.FetchStoryboard)
	}
	if err != nil {
		return err
	}
	return s.send(c, r.Key(), s.cache(c.Request().Context(), v, cacheForever))
}

// extra loads the row of the file that is asked for, and its video, which who
// asks may see.
func (s *Serve) extra(c echo.Context, row any, videoID func() int64) (*catalog.Video, error) {
	name, err := named(c)
	if err != nil {
		return nil, err
	}
	ctx := c.Request().Context()
	if err := s.o.DB.Read(ctx).Where("filename = ?", name).Limit(1).Find(row).Error; err != nil {
		return nil, fmt.Errorf("look up file: %w", err)
	}
	if videoID() == 0 {
		return nil, notFound()
	}
	v, err := s.video(ctx, catalog.Ref{ID: videoID()})
	if err != nil {
		return nil, err
	}
	_, err = s.permit(c, v)
	return v, err
}

// playlistPicture serves the own picture of a playlist.
func (s *Serve) playlistPicture(c echo.Context, name string) error {
	ctx := c.Request().Context()
	key, open, err := s.PlaylistPicture(ctx, rest.Current(ctx), name)
	if errors.Is(err, db.ErrNotFound) {
		return notFound()
	}
	if err != nil {
		return err
	}
	if !open {
		return s.send(c, key, cachePrivate)
	}
	return s.send(c, key, cacheForever)
}

// actorPicture serves the avatars or banners of accounts and channels, which are
// for everyone.
func (s *Serve) actorPicture(folder string) echo.HandlerFunc {
	return func(c echo.Context) error {
		name, err := named(c)
		if err != nil {
			return err
		}
		if t := typeOf(name); s.ActorPicture == nil || t != "image/jpeg" && t != "image/png" {
			return notFound()
		}
		key, err := s.ActorPicture(c.Request().Context(), folder, name)
		if errors.Is(err, db.ErrNotFound) {
			return notFound()
		}
		if err != nil {
			return err
		}
		return s.send(c, key, cacheForever)
	}
}
