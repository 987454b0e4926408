package video

import (
	"time"

	"github.com/kinemesh/kinemesh/video/history"
	"github.com/kinemesh/kinemesh/video/overview"
)

// discover assembles the features that lead to videos.
func (v *Video) discover() {
	o, cfg := v.o, v.o.Config
	v.History = history.New(history.Options{
		DB: o.DB, Catalog: v.Catalog, Listing: v.Listing,
		MaxAge: func() time.Duration { return cfg.Current().History.Videos.MaxAge },
	})
	v.overview = overview.New(overview.Options{DB: o.DB, Catalog: v.Catalog, Listing: v.Listing, HideNSFW: v.hideNSFW})
}

// hideNSFW tells whether lists leave sensitive videos out unless asked.
func (v *Video) hideNSFW() bool {
	return v.o.Config.Current().Instance.DefaultNSFWPolicy == "do_not_list"
}

func (v *Video) trendingDays() int { return v.o.Config.Current().Trending.Videos.IntervalDays }
