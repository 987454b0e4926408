// Package listing answers with lists of videos: which ones, in what order, page
// by page, for the REST API and for pages. It reads rows of the catalog and
// writes none.
//
// Invariants
//   - every value of a client becomes a parameter (SEC-51)
//   - what is kept of a list holds for everybody who sends the same conditions;
//     what depends on the viewer is among them
//   - a list reads one table, along an index, and adds owners and pictures in
//     one query each
//
// Specifications: reference REST sections 1 to 3, 12. Imports of its
// siblings catalog and source.
package listing

import (
	"context"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/moderation"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/kept"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// Options are what a [Service] needs.
type Options struct {
	DB       *db.DB
	Catalog  *catalog.Service
	Channels *channel.Service
	Mutes    *moderation.Service // nil: nobody is muted
	HideNSFW func() bool         // whether lists leave sensitive videos out unless asked; nil: no
	// TrendingDays is how many days of views make a trend; nil: 7.
	TrendingDays func() int
}

// Service lists videos. It is safe for concurrent use; its function fields are
// set before the server starts.
type Service struct {
	// AutoTagged is the condition on the videos v that carry one of some
	// automatic tags; nil: there are no such tags.
	AutoTagged func(tags []string) (condition string, args []any)
	// AutoTags are the automatic tags of videos, by their ids; nil: none.
	AutoTags func(ctx context.Context, ids []int64) (map[int64][]string, error)

	db       *db.DB
	catalog  *catalog.Service
	channels *channel.Service
	mutes    *moderation.Service
	host     string
	hideNSFW func() bool
	owners   owners
	kept     *kept.Kept

	trendingDays func() int
}

// New returns a Service.
func New(o Options) *Service {
	if o.HideNSFW == nil {
		o.HideNSFW = func() bool { return false }
	}
	if o.TrendingDays == nil {
		o.TrendingDays = func() int { return 7 }
	}
	return &Service{
		db: o.DB, catalog: o.Catalog, channels: o.Channels, mutes: o.Mutes, host: o.Catalog.URLs().Host, hideNSFW: o.HideNSFW,
		trendingDays: o.TrendingDays, kept: kept.New(o.DB, "videos"),
	}
}
