package catalog_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// SEC-68: a private video is not on the tracker, a public or unlisted one is.
func TestPrivateVideosHaveNoSwarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		v := w.Video(w.User("alice", rest.RoleUser), "Film")
		w.WithFiles(v)
		var hashes []string
		if err := d.Read(t.Context()).Model(&catalog.Infohash{}).Where("video_id = ?", v.ID).Order("hash").Pluck("hash", &hashes).Error; err != nil {
			t.Fatal(err)
		}
		if len(hashes) < 5 {
			t.Fatalf("%d infohashes, want those of two torrents and the swarms of one rendition", len(hashes))
		}
		for privacy, want := range map[catalog.Privacy]bool{
			catalog.Public: true, catalog.Unlisted: true, catalog.Private: false, catalog.Internal: false, catalog.Password: false,
		} {
			w.Tx(func(tx *db.Tx) error {
				return tx.Model(&catalog.Video{}).Where("id = ?", v.ID).UpdateColumn("privacy", privacy).Error
			})
			for _, h := range hashes {
				if got, err := w.Catalog.KnownInfohash(t.Context(), h); err != nil || got != want {
					t.Errorf("privacy %d, %s: admitted %v (%v), want %v", privacy, h, got, err, want)
				}
			}
		}
	})
}
