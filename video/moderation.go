package video

import (
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/block"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/watchedword"
)

// moderation assembles what keeps videos from people: automatic tags and blocks.
func (v *Video) moderation() {
	o := v.o
	v.words = watchedword.New(watchedword.Options{DB: o.DB, Channels: o.Channels, Host: o.Config.Host()})
	v.Listing.AutoTagged, v.Listing.AutoTags = watchedword.VideosWith, v.words.OfVideos
	v.block = block.New(block.Options{DB: o.DB, Catalog: v.Catalog, Listing: v.Listing, Config: o.Config})
	v.Catalog.Written = func(tx *db.Tx, written *catalog.Video, w catalog.Writing) error {
		tags, err := v.words.TagVideo(tx, written)
		if err != nil {
			return err
		}
		return v.block.Written(tx, written, w, tags)
	}
	v.block.Blocked = func(tx *db.Tx, blocked *catalog.Video, b *block.Block) error {
		tx.AfterCommit(v.Infohashes.Forget)
		return v.notify.Blocked(tx, blocked, b)
	}
	v.block.Unblocked = func(tx *db.Tx, shown *catalog.Video, b *block.Block) error {
		tx.AfterCommit(v.Infohashes.Forget)
		return v.notify.Unblocked(tx, shown, b)
	}
}
