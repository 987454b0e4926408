package video

import (
	"errors"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/rate"
)

// social assembles what people say and think of videos.
func (v *Video) social() {
	o := v.o
	v.Comments = comment.New(comment.Options{
		DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, Channels: o.Channels, Mutes: o.Mutes, Words: v.words, Logger: o.Logger,
		AcceptRemote: func() bool { return o.Config.Current().VideoComments.AcceptRemoteComments },
	})
	v.rate = rate.New(rate.Options{
		DB: o.DB, Engine: o.Engine, Catalog: v.Catalog, Listing: v.Listing, Channels: o.Channels, Changed: v.federation.Changed, Logger: o.Logger,
	})
	v.federation.Saved = func(tx *db.Tx, saved *catalog.Video, doc vocab.Object) error {
		return errors.Join(v.Comments.VideoSaved(tx, saved, doc), v.rate.VideoSaved(tx, saved, doc))
	}
}
