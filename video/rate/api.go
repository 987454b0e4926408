package rate

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

func (s *Service) routes(r *rest.Router) {
	r.API.PUT("/videos/:id/rate", rest.SignedIn, s.put)
	r.API.GET("/users/me/videos/:id/rating", rest.SignedIn, s.get)
	r.API.GET("/accounts/:name/ratings", rest.Owner, s.list)
}

func (s *Service) put(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	v, err := s.o.Catalog.Find(ctx, p, c.Param("id"))
	if err != nil {
		return err
	}
	var body struct {
		Rating input.Optional[string] `json:"rating"`
	}
	if err := input.JSON(c, &body); err != nil {
		return err
	}
	kind := Kind(body.Rating.Value)
	if kind != Like && kind != Dislike && kind != None {
		return rest.Invalid("body", "rating", "Should be like, dislike or none", body.Rating.Value)
	}
	err = s.Set(ctx, p.ActorID, v.ID, kind)
	if errors.Is(err, catalog.ErrNotFound) {
		return rest.NotFound("Video not found")
	}
	if err != nil {
		return err
	}
	return rest.NoContent(c)
}

func (s *Service) get(c echo.Context) error {
	ctx := c.Request().Context()
	p := rest.Current(ctx)
	v, err := s.o.Catalog.Find(ctx, p, c.Param("id"))
	if err != nil {
		return err
	}
	kind, err := s.Of(ctx, p.ActorID, v.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		VideoID int64 `json:"videoId"`
		Rating  Kind  `json:"rating"`
	}{v.ID, kind})
}

// rated is one video that an account has rated.
type rated struct {
	Video  catalog.VideoJSON `json:"video"`
	Rating Kind              `json:"rating"`
}

func (s *Service) list(c echo.Context) error {
	ctx := c.Request().Context()
	page, err := rest.ParsePage(c, "-createdAt", "createdAt")
	if err != nil {
		return err
	}
	kind := Kind(c.QueryParam("rating"))
	if kind != "" && kind != Like && kind != Dislike {
		return rest.Invalid("query", "rating", "Should be like or dislike", string(kind))
	}
	a, err := s.o.Channels.ShownAccount(ctx, rest.Current(ctx), c.Param("name"))
	if errors.Is(err, db.ErrNotFound) {
		return rest.NotFound("Account not found")
	}
	if err != nil {
		return err
	}
	if a.ID != rest.Current(ctx).AccountID {
		return rest.Forbidden("Only the owner of this account can access this resource")
	}
	rows, total, err := s.rated(ctx, a, kind, page)
	if err != nil {
		return err
	}
	data, err := s.shown(ctx, rows)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, rest.NewList(total, data))
}

// found is a rate with the name of its video.
type found struct {
	VideoUUID string `gorm:"column:video_uuid"`
	Type      Kind
}

// rated lists what an account thinks of the videos that it may see now: its own,
// and what is not hidden from it (SEC-54).
func (s *Service) rated(ctx context.Context, a *channel.Account, kind Kind, page rest.Page) (rows []found, total int64, err error) {
	query := func() *gorm.DB {
		q := s.o.DB.Read(ctx).Table("video_rates r").Joins("JOIN videos v ON v.id = r.video_id").
			Joins("JOIN channels ch ON ch.id = v.channel_id").Where("r.actor_id = ?", a.ActorID).
			Where("(ch.account_id = ? OR NOT v.blocked AND v.state = ? AND (v.privacy IN ? OR v.privacy = ? AND v.local = ?))", a.ID, catalog.Published,
				[]catalog.Privacy{catalog.Public, catalog.Unlisted}, catalog.Internal, true)
		if kind != "" {
			q = q.Where("r.type = ?", kind)
		}
		return q
	}
	if err := query().Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count rates: %w", err)
	}
	err = query().Select("v.uuid AS video_uuid, r.type").Order(page.Order("r.created_at", "r.id")).
		Offset(page.Start).Limit(page.Count).Scan(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("list rates: %w", err)
	}
	return rows, total, nil
}

// shown adds the videos to rates.
func (s *Service) shown(ctx context.Context, rows []found) ([]rated, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	uuids := make([]string, len(rows))
	for i := range rows {
		uuids[i] = rows[i].VideoUUID
	}
	videos, _, err := s.o.Listing.List(ctx, listing.Filter{
		All: true, UUIDs: uuids, SkipCount: true, Page: rest.Page{Count: len(uuids), Sort: "createdAt"},
	})
	if err != nil {
		return nil, err
	}
	byUUID := make(map[string]*catalog.Listed, len(videos))
	for i := range videos {
		byUUID[videos[i].UUID] = &videos[i]
	}
	out := make([]rated, 0, len(rows))
	for _, r := range rows {
		if v := byUUID[r.VideoUUID]; v != nil { // else it was deleted just now
			out = append(out, rated{s.o.Catalog.APIVideo(v, false), r.Type})
		}
	}
	return out, nil
}
