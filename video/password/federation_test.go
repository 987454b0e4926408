package password_test

import (
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/password"
	"github.com/kinemesh/kinemesh/video/schedule"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// What other servers have of a video follows its privacy: it goes when the video
// is not for all any more, and comes back at the time that was set.
func TestPrivacyIsFederated(t *testing.T) {
	here := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	there := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	passwords, err := password.New(here.DB, here.Catalog, "secret of the test")
	if err != nil {
		t.Fatal(err)
	}
	here.Catalog.Unlock, here.Catalog.SetPasswords = passwords.Unlock, passwords.Set
	alice := here.User("alice", rest.RoleUser)
	there.Follow(alice.Channel.IRI)
	v := here.Publish(alice, "Harbour")
	there.Await(v.IRI)
	for _, private := range []videotest.M{
		{"privacy": catalog.Password, "videoPasswords": []string{"the key"}}, {"privacy": catalog.Internal}, {"privacy": catalog.Private},
	} {
		here.Edit(alice, v, private)
		aptest.Eventually(t, "the video is gone there", func() bool { return there.Count("videos", "iri = ?", v.IRI) == 0 })
		if a := here.Document("/videos/watch/" + v.UUID); a.Status == 200 {
			t.Errorf("%v: the document is still answered", private)
		}
		here.Edit(alice, v, videotest.M{"scheduleUpdate": videotest.M{"updateAt": time.Now().Add(-time.Second).UTC().Format(time.RFC3339), "privacy": 1}})
		if err := schedule.New(here.DB, here.Catalog).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		there.Await(v.IRI)
	}
}
