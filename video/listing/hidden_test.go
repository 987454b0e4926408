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

// SEC-19: what comes from a server that is blocked or limited is in no list, and
// is there again when the rule is taken back.
func TestListHidesBlockedServers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		rules := hostrule.New(hostrule.Options{DB: d, Own: "tube.example", Logger: slog.New(slog.DiscardHandler)})
		w := catalogtest.New(t, d, func(o *catalog.Options) {
			actors, err := actor.New(actor.Options{DB: d, Origin: catalogtest.Origin, Logger: o.Logger})
			if err != nil {
				t.Fatal(err)
			}
			o.Channels = channel.New(channel.Options{DB: d, Actors: actors, Logger: o.Logger, Rules: rules})
		})
		u := w.User("alice", rest.RoleUser)
		seed(w, u, 2)
		carol, dave := w.Remote("carol", "a.second.example"), w.Remote("dave", "third.example")
		w.SaveRemote(catalogtest.RemoteVideo(carol, "0a11ce00-0000-4000-8000-000000000001"))
		w.SaveRemote(catalogtest.RemoteVideo(dave, "0a11ce00-0000-4000-8000-000000000002"))
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Exec("UPDATE videos SET listed = TRUE, name = 'Far ' || (SELECT a.host FROM channels c JOIN actors a ON a.id = c.actor_id WHERE c.id = channel_id) WHERE local = FALSE").Error
		})
		if err != nil {
			t.Fatal(err)
		}
		far := func() (out []string) {
			for _, n := range names(t, w, nil, "/api/v1/videos?count=50") {
				if len(n) > 4 && n[:4] == "Far " {
					out = append(out, n[4:])
				}
			}
			slices.Sort(out)
			return out
		}
		check := func(when string, want ...string) {
			t.Helper()
			if got := far(); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		check("before", "a.second.example", "third.example")
		for _, r := range []struct{ host, action string }{{"second.example", hostrule.Block}, {"third.example", hostrule.Limit}} {
			if err := rules.Set(t.Context(), r.host, r.action, ""); err != nil {
				t.Fatal(err)
			}
		}
		check("with rules")
		if err := rules.Remove(t.Context(), "second.example", ""); err != nil {
			t.Fatal(err)
		}
		check("one taken back", "a.second.example")
	})
}
