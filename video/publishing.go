package video

import (
	"github.com/kinemesh/kinemesh/video/feed"
	"github.com/kinemesh/kinemesh/video/source"
	"github.com/kinemesh/kinemesh/video/stats"
)

// publishing assembles what people do with videos once they are there.
func (v *Video) publishing() {
	o, cfg := v.o, v.o.Config
	v.source = source.New(o.DB, v.Catalog)
	v.stats = stats.New(o.DB, v.Catalog, nil)
	v.feeds = feed.New(feed.Options{
		DB: o.DB, Catalog: v.Catalog, Listing: v.Listing, Channels: o.Channels, Comments: v.Comments,
		Instance: func() (name, description string) {
			i := cfg.Current().Instance
			return i.Name, i.ShortDescription
		},
		VideoCount:   func() int { return cfg.Feeds.Videos.Count },
		CommentCount: func() int { return cfg.Feeds.Comments.Count },
		Subscriber:   o.FeedToken,
	})
}
