package federation_test

import (
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestStaleShares: who shares a remote video is read from its server: channels and
// servers, by what their own servers say (SEC-12); and forgotten when it is not
// listed any more.
func TestStaleShares(t *testing.T) {
	w, far := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{}), aptest.New(t)
	mine := w.Publish(w.User("alice", rest.RoleUser), "Mine")
	remote := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{})
	owner := remote.User("owner", rest.RoleUser)
	v := remote.Publish(owner, "Elsewhere")
	jobstest.Drain(t, remote.DB)
	app, group, person := far.Actor("Application", "app"), far.Actor("Application", "liar"), far.Actor("Person", "boost")
	announce := func(by *aptest.Actor, object string) string {
		doc := by.Activity("Announce", object, nil)
		far.Serve(doc["id"].(string), doc)
		return doc["id"].(string)
	}
	good := announce(app, v.IRI)
	list := []string{good, announce(person, v.IRI), announce(group, mine.IRI), w.Origin + "/accounts/peertube/nothing"}
	for i, id := range list { // the server of the video has heard of all of them
		a, err := remote.Engine.Actors.Fetch(t.Context(), []string{app.IRI, person.IRI, group.IRI, w.Instance().IRI}[i])
		if err != nil {
			t.Fatal(err)
		}
		remote.Tx(func(tx *db.Tx) error { return remote.Catalog.AddShare(tx, v, a.ID, id) })
	}
	w.Follow(remote.Instance().IRI)
	w.Await(v.IRI)
	sharers := func() (out []string) {
		err := w.DB.Read(t.Context()).Raw("SELECT a.iri FROM video_shares s JOIN actors a ON a.id = s.actor_id JOIN videos v ON v.id = s.video_id WHERE v.iri = ? ORDER BY a.iri", v.IRI).Scan(&out).Error
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	want := []string{app.IRI, owner.Channel.IRI, remote.Instance().IRI}
	slices.Sort(want)
	aptest.Eventually(t, "the shares", func() bool { return slices.Equal(sharers(), want) })
	jobstest.Drain(t, w.DB)
	if got := sharers(); !slices.Equal(got, want) {
		t.Errorf("shared by %v", got)
	}

	remote.Tx(func(tx *db.Tx) error { return tx.Exec("DELETE FROM video_shares WHERE iri = ?", good).Error })
	w.Tx(func(tx *db.Tx) error {
		old := db.Now().Add(-72 * 3600e9)
		if err := tx.Exec("UPDATE video_shares SET created_at = ?", old).Error; err != nil {
			return err
		}
		return tx.Exec("UPDATE video_crawls SET read_at = ?", old).Error
	})
	remote.Edit(owner, v, videotest.M{"name": "Another name"})
	aptest.Eventually(t, "the share to be gone", func() bool { return !slices.Contains(sharers(), app.IRI) && len(sharers()) == 2 })
}
