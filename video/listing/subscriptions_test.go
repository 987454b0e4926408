package listing_test

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestFollowed lists the videos of the channels that a user has subscribed to,
// whether the instance lists them or not.
func TestFollowed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		rules := hostrule.New(hostrule.Options{DB: d, Own: "tube.example", Logger: slog.New(slog.DiscardHandler)})
		w := catalogtest.New(t, d, func(o *catalog.Options) {
			actors, err := actor.New(actor.Options{DB: d, Origin: catalogtest.Origin, Logger: o.Logger})
			if err != nil {
				t.Fatal(err)
			}
			o.Channels = channel.New(channel.Options{DB: d, Actors: actors, Logger: o.Logger, Rules: rules})
		})
		alice, bob, eve := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("eve", rest.RoleUser)
		carol, dave := w.Remote("carol", "far.example"), w.Remote("dave", "third.example")
		w.Video(alice, "By Alice")
		w.Video(alice, "Private", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		w.Video(alice, "Unlisted", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Unlisted })
		w.Video(eve, "By Eve")
		for i, u := range []*catalogtest.User{carol, dave} {
			v := w.SaveRemote(catalogtest.RemoteVideo(u, "0a11ce00-0000-4000-8000-00000000000"+string(rune('1'+i))))
			w.Tx(func(tx *db.Tx) error {
				return tx.Exec("UPDATE videos SET name = ? WHERE id = ?", "By "+u.Name, v.ID).Error
			})
		}
		subscribe := func(u, target *catalogtest.User, state string) {
			w.Insert("follows", map[string]any{
				"follower_id": u.ActorID, "target_id": target.ChannelActorID, "state": state, "iri": target.ChannelIRI + u.Name,
			})
		}
		subscribe(bob, alice, actor.Accepted)
		subscribe(bob, carol, actor.Accepted)
		subscribe(bob, dave, actor.Pending)
		const feed = "/api/v1/users/me/subscriptions/videos"
		check := func(u *catalogtest.User, query string, want ...string) {
			t.Helper()
			got := names(t, w, u, feed+query)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s%s: %q, want %q", u.Name, query, got, want)
			}
		}
		check(bob, "", "By Alice", "By carol")
		check(bob, "?isLocal=true", "By Alice")
		check(bob, "?search=afar", "By carol")
		check(bob, "?count=0")
		check(alice, "")
		if a := w.Do(nil, "GET", feed, nil); a.Status != 401 {
			t.Errorf("nobody: %d", a.Status)
		}
		if a := w.Do(bob, "GET", feed+"?sort=hello", nil); a.Status != 400 {
			t.Errorf("unknown sort: %d", a.Status)
		}

		// SEC-19: of a limited server followers are shown, of a blocked one nobody.
		for _, r := range []struct {
			action string
			want   []string
		}{{hostrule.Limit, []string{"By Alice", "By carol"}}, {hostrule.Block, []string{"By Alice"}}} {
			if err := rules.Set(t.Context(), "far.example", r.action, ""); err != nil {
				t.Fatal(err)
			}
			check(bob, "", r.want...)
		}
	})
}

// TestFollowedMany: on an instance with many videos, too, a subscription that
// begins or ends is seen at once.
func TestFollowedMany(t *testing.T) {
	if testing.Short() {
		t.Skip("seeds 12,000 rows")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, bob, eve := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("eve", rest.RoleUser)
		seed(w, alice, 12_000)
		w.Video(eve, "By Eve")
		w.Do(nil, "GET", "/api/v1/videos", nil)
		subscribe := func(target *catalogtest.User) {
			w.Insert("follows", map[string]any{
				"follower_id": bob.ActorID, "target_id": target.ChannelActorID, "state": actor.Accepted, "iri": target.ChannelIRI,
			})
		}
		check := func(when string, total float64, first string) {
			t.Helper()
			a := w.Do(bob, "GET", "/api/v1/users/me/subscriptions/videos?count=1", nil).JSON(t)
			data := a["data"].([]any)
			if a["total"] != total || first == "" != (len(data) == 0) || first != "" && data[0].(map[string]any)["name"] != first {
				t.Errorf("%s: %v of %v, want %q of %v", when, data, a["total"], first, total)
			}
		}
		check("at first", 0, "")
		subscribe(eve)
		check("subscribed to one", 1, "By Eve")
		subscribe(alice)
		check("subscribed to two", 12_000-1_200+1, "By Eve")
		w.Tx(func(tx *db.Tx) error {
			return tx.Exec("DELETE FROM follows WHERE follower_id = ?", bob.ActorID).Error
		})
		check("ended", 0, "")
	})
}
