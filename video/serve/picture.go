package serve

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	// maxFetching bounds the remote videos whose pictures are fetched at once for
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
		v, t, err := s.findPicture(c.Request().Context(), kind, name)
		if err != nil {
			return err
		}
		if _, err := s.permit(c, v); err != nil {
			return err
		}
		if !t.Stored {
			if err := s.fetch(c.Request().Context(), v, t); err != nil {
				return err
			}
		}
		return s.send(c, t.Key(), s.cache(v, cacheForever))
	}
}

// fetch gets the missing pictures of a remote video, once for all who wait. It
// goes on when the one who asked first goes away.
func (s *Serve) fetch(ctx context.Context, v *catalog.Video, t *catalog.Thumbnail) error {
	if s.FetchPictures == nil || v.Local {
		return notFound()
	}
	_, err, _ := s.fetches.Do(strconv.FormatInt(v.ID, 10), func() (any, error) {
		select {
		case s.fetching <- struct{}{}:
			defer func() { <-s.fetching }()
		default:
			return nil, &rest.Problem{
				Status: http.StatusServiceUnavailable, Code: "busy", Detail: "Too many pictures are being fetched",
				Header: map[string]string{"Retry-After": "5"},
			}
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
		defer cancel()
		if err := s.FetchPictures(ctx, v.ID); err != nil {
			s.log.InfoContext(ctx, "pictures of a remote video not fetched", "video", v.IRI, "error", err)
			return nil, notFound()
		}
		return nil, nil
	})
	if err != nil {
		return err
	}
	var stored []bool
	err = s.o.DB.Read(ctx).Model(&catalog.Thumbnail{}).Where("id = ? AND filename = ?", t.ID, t.Filename).Pluck("stored", &stored).Error
	if err != nil {
		return fmt.Errorf("look up picture: %w", err)
	}
	if len(stored) == 0 || !stored[0] {
		return notFound()
	}
	return nil
}

// avatar serves the pictures of accounts and channels, which are for everyone.
func (s *Serve) avatar(c echo.Context) error {
	name, err := named(c)
	if err != nil {
		return err
	}
	switch typeOf(name) {
	case "image/jpeg", "image/png", "image/webp":
		return s.send(c, "avatars/"+name, cacheForever)
	}
	return notFound()
}
