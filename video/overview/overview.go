// Package overview shows what there is to discover: blocks of videos by
// category, channel and tag, and the map of the site for search engines.
//
// Invariants
//   - only what the public lists hold is shown
//   - each answer reads a bounded part of the newest videos
//
// Specifications: REST 14 (overviews, sitemap.xml). Imports of its siblings
// catalog and listing.
package overview

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/label"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

const (
	maxPages    = 10
	blockVideos = 12
	leastVideos = 2   // of a category, channel or tag that is shown
	newest      = 500 // videos among which they are chosen
	sampleLife  = 30 * time.Second
)

// Options are what a [Service] needs.
type Options struct {
	DB       *db.DB
	Catalog  *catalog.Service
	Listing  *listing.Service
	HideNSFW func() bool // nil: no
}

// Service answers with overviews. It is safe for concurrent use.
type Service struct {
	o  Options
	db *db.DB

	mu     sync.Mutex
	sample sample
}

// New returns a Service.
func New(o Options) *Service {
	if o.HideNSFW == nil {
		o.HideNSFW = func() bool { return false }
	}
	return &Service{o: o, db: o.DB}
}

// Routes registers the overviews and the site map.
func (s *Service) Routes(r *rest.Router) {
	r.API.GET("/overviews/videos", rest.Anyone, s.videos)
	r.Root.GET("/sitemap.xml", rest.Anyone, s.siteMap)
	r.Root.GET("/sitemaps/:part", rest.Anyone, s.sitePart)
}

// sample is what most of the newest videos have in common, the most frequent
// first.
type sample struct {
	categories []int
	channels   []int64
	tags       []string // folded

	full    bool // there are more videos than were looked at
	changes uint64
	at      time.Time
}

// now returns a sample. On a small instance it is always true; on one with many
// videos it may be half a minute old.
func (s *Service) now(ctx context.Context) (sample, error) {
	changes := s.db.Changes()
	s.mu.Lock()
	defer s.mu.Unlock() // one looks, the others wait for it
	age := time.Since(s.sample.at)
	if age < time.Second && s.sample.changes == changes || age < sampleLife && s.sample.full {
		return s.sample, nil
	}
	// Whoever waits must not end with who came first.
	fresh, err := s.look(context.WithoutCancel(ctx))
	if err == nil {
		fresh.changes, fresh.at = changes, time.Now()
		s.sample = fresh
	}
	return fresh, err
}

func (s *Service) look(ctx context.Context) (out sample, err error) {
	from := "SELECT id, channel_id, category FROM videos WHERE privacy = 1 AND state = 1 AND listed = TRUE" +
		" ORDER BY published_at DESC, id DESC LIMIT " + strconv.Itoa(newest)
	by := func(dst any, column, from string) {
		if err == nil {
			err = s.db.Read(ctx).Raw("SELECT "+column+" FROM "+from+" GROUP BY 1 HAVING COUNT(*) >= ? ORDER BY COUNT(*) DESC, 1 LIMIT ?",
				leastVideos, maxPages).Scan(dst).Error
		}
	}
	by(&out.categories, "category", "("+from+") v WHERE category IS NOT NULL")
	by(&out.channels, "channel_id", "("+from+") v")
	by(&out.tags, "t.folded", "("+from+") v JOIN video_tags t ON t.video_id = v.id")
	if err == nil {
		err = s.db.Read(ctx).Raw("SELECT COUNT(*) = ? FROM ("+from+") v", newest).Scan(&out.full).Error
	}
	if err != nil {
		return out, fmt.Errorf("sample videos: %w", err)
	}
	return out, nil
}

// labelled is a category with its name.
type labelled struct {
	ID    int    `json:"id"`
	Label string `json:"label"`
}

// Blocks of an overview.
type (
	categoryBlock struct {
		Category labelled            `json:"category"`
		Videos   []catalog.VideoJSON `json:"videos"`
	}
	channelBlock struct {
		Channel channel.Summary     `json:"channel"`
		Videos  []catalog.VideoJSON `json:"videos"`
	}
	tagBlock struct {
		Tag    string              `json:"tag"`
		Videos []catalog.VideoJSON `json:"videos"`
	}
	blocks struct {
		Categories []categoryBlock `json:"categories"`
		Channels   []channelBlock  `json:"channels"`
		Tags       []tagBlock      `json:"tags"`
	}
)

// videos answers with one category, channel and tag a page.
func (s *Service) videos(c echo.Context) error {
	page := 1
	if text := c.QueryParam("page"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPages {
			return rest.Invalid("query", "page", fmt.Sprintf("Should be a number from 1 to %d", maxPages), text)
		}
		page = n
	}
	ctx := c.Request().Context()
	out := blocks{Categories: []categoryBlock{}, Channels: []channelBlock{}, Tags: []tagBlock{}}
	found, err := s.now(ctx)
	if err != nil {
		return err
	}
	// At most one of each, and in this order.
	categories, channels, tags := at(found.categories, page), at(found.channels, page), at(found.tags, page)
	var filters []listing.Filter
	for _, n := range categories {
		filters = append(filters, s.filter(ctx, listing.Filter{Categories: []int{n}}))
	}
	for _, id := range channels {
		filters = append(filters, s.filter(ctx, listing.Filter{ChannelID: id}))
	}
	for _, tag := range tags {
		filters = append(filters, s.filter(ctx, listing.Filter{TagsOneOf: []string{tag}}))
	}
	lists, err := s.lists(ctx, filters)
	if err != nil {
		return err
	}
	next := func() (videos []catalog.VideoJSON) {
		videos, lists = lists[0], lists[1:]
		return videos
	}
	for _, n := range categories {
		if videos := next(); len(videos) > 0 {
			out.Categories = append(out.Categories, categoryBlock{labelled{n, label.Category(n)}, videos})
		}
	}
	for range channels {
		if videos := next(); len(videos) > 0 {
			out.Channels = append(out.Channels, channelBlock{videos[0].Channel, videos})
		}
	}
	for _, tag := range tags {
		if videos := next(); len(videos) > 0 {
			out.Tags = append(out.Tags, tagBlock{tag, videos})
		}
	}
	rest.Share(c)
	return c.JSON(http.StatusOK, out)
}

// at is what a page shows of a sample: one element, or none when there are fewer.
func at[T any](sample []T, page int) []T {
	if page > len(sample) {
		return nil
	}
	return sample[page-1 : page]
}

// filter completes the conditions of a block.
func (s *Service) filter(ctx context.Context, f listing.Filter) listing.Filter {
	f.Page, f.SkipCount = rest.Page{Count: blockVideos, Sort: "publishedAt", Desc: true}, true
	f.Viewer = rest.Current(ctx)
	if s.o.HideNSFW() {
		f.NSFW = new(bool)
	}
	return f
}

// lists are the videos of blocks, read together.
func (s *Service) lists(ctx context.Context, filters []listing.Filter) ([][]catalog.VideoJSON, error) {
	rows, err := s.o.Listing.First(ctx, filters...)
	if err != nil {
		return nil, err
	}
	out := make([][]catalog.VideoJSON, len(rows))
	var all []catalog.VideoJSON
	for _, list := range rows {
		for i := range list {
			all = append(all, s.o.Catalog.APIVideo(&list[i], false))
		}
	}
	if err := s.o.Catalog.Complete(ctx, rest.Current(ctx), all); err != nil {
		return nil, err
	}
	for i, list := range rows {
		out[i], all = all[:len(list)], all[len(list):]
	}
	return out, nil
}
