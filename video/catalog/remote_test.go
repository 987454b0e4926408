package catalog_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

var day = catalogtest.Day

func TestSaveRemote(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		carol := w.Remote("carol", "far.example")
		const uuid = "0a11ce00-0000-4000-8000-000000000001"
		v := w.SaveRemote(catalogtest.RemoteVideo(carol, uuid))
		if v.Local || v.Listed || v.Owner.UserID != 0 || v.Owner.AccountID != carol.AccountID {
			t.Errorf("row %+v", v)
		}
		m, err := w.Catalog.Media(t.Context(), v.ID)
		if err != nil || len(m.Files) != 2 || len(m.HLS) != 1 || m.Playlist == nil || len(m.Trackers) != 1 || len(m.Tags) != 1 {
			t.Fatalf("%+v %v", m, err)
		}
		for _, h := range []string{"00000000000000000000000000000000000000aa", "00000000000000000000000000000000000000bb"} {
			if ok, err := w.Catalog.KnownInfohash(t.Context(), h); !ok || err != nil {
				t.Errorf("infohash %s is not admitted (%v)", h, err)
			}
		}
		if ok, _ := w.Catalog.KnownInfohash(t.Context(), "00000000000000000000000000000000000000cc"); ok {
			t.Error("an unknown infohash is admitted")
		}
		if got := kinds(w.TakeJobs()); !slices.Equal(got, []string{"video.remote-thumbnail"}) {
			t.Errorf("jobs %v", got)
		}

		newer := catalogtest.RemoteVideo(carol, uuid)
		newer.Video.UpdatedAt, newer.Video.Name = day.Add(time.Hour), "Changed"
		newer.Files, newer.Tags = newer.Files[:1], nil
		newer.Files[0].Size = 1001
		again := w.SaveRemote(newer)
		m2, err := w.Catalog.Media(t.Context(), v.ID)
		if err != nil || again.ID != v.ID || again.Name != "Changed" || len(m2.Files) != 1 || len(m2.Tags) != 0 {
			t.Errorf("after the update: %+v %+v %v", again, m2, err)
		}
		if m2.Files[0].ID != m.Files[0].ID || m2.Files[0].Size != 1001 {
			t.Errorf("file %+v, before %+v", m2.Files[0], m.Files[0])
		}
		if got := w.TakeJobs(); len(got) != 0 {
			t.Errorf("unchanged picture is fetched again: %v", got)
		}
		older := catalogtest.RemoteVideo(carol, uuid)
		older.Video.Name = "Late"
		if late := w.SaveRemote(older); late.Name != "Changed" || w.Reload(v.ID).Name != "Changed" {
			t.Errorf("an older document changed the name to %q", late.Name)
		}
	})
}

func TestSaveRemoteKeepsOthers(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	carol := w.Remote("carol", "far.example")
	local := w.Video(w.User("alice", rest.RoleUser), "Ours")
	for name, change := range map[string]func(*catalog.Remote){
		"the UUID of a local video": func(r *catalog.Remote) { r.Video.UUID = local.UUID },
		"the id of a local video":   func(r *catalog.Remote) { r.Video.IRI = local.IRI },
	} {
		r := catalogtest.RemoteVideo(carol, "0a11ce00-0000-4000-8000-000000000002")
		change(&r)
		err := w.DB.Tx(t.Context(), func(tx *db.Tx) error {
			_, _, err := w.Catalog.SaveRemote(tx, r)
			return err
		})
		if !errors.Is(err, catalog.ErrConflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := w.Reload(local.ID); got.Name != "Ours" || !got.Local {
		t.Errorf("the local video became %+v", got)
	}
}

// TestListed checks each reason for which a remote video is listed, and that it
// leaves the lists with it.
func TestListed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		carol := w.Remote("carol", "far.example")
		sharer := w.Remote("dave", "third.example")
		v := w.SaveRemote(catalogtest.RemoteVideo(carol, "0a11ce00-0000-4000-8000-000000000001"))
		refresh := func() bool { // as the periodic job does
			for _, h := range w.Catalog.Jobs() {
				if h.Kind == "video.relist" {
					if err := h.Work(t.Context(), []byte("{}")); err != nil {
						t.Fatal(err)
					}
				}
			}
			return w.Reload(v.ID).Listed
		}
		unfollow := func(id int64) {
			w.Tx(func(tx *db.Tx) error { return tx.Exec("DELETE FROM follows WHERE target_id = ?", id).Error })
		}
		for name, id := range map[string]int64{"channel": carol.ChannelActorID, "account": carol.ActorID} {
			w.Follow(id)
			if !refresh() {
				t.Errorf("follow of the %s: not listed", name)
			}
			unfollow(id)
			if refresh() {
				t.Errorf("unfollow of the %s: still listed", name)
			}
		}
		w.Follow(sharer.ChannelActorID)
		share := func(fn func(tx *db.Tx) error, want bool) {
			t.Helper()
			w.Tx(fn)
			if got := w.Reload(v.ID).Listed; got != want {
				t.Errorf("listed %v, want %v", got, want)
			}
		}
		share(func(tx *db.Tx) error { return w.Catalog.AddShare(tx, v, sharer.ActorID, "https://third.example/a/1") }, false)
		share(func(tx *db.Tx) error {
			return w.Catalog.AddShare(tx, v, sharer.ChannelActorID, "https://third.example/a/2")
		}, true)
		share(func(tx *db.Tx) error {
			return w.Catalog.AddShare(tx, v, sharer.ChannelActorID, "https://third.example/a/2")
		}, true)
		share(func(tx *db.Tx) error { return w.Catalog.RemoveShare(tx, v, sharer.ChannelActorID) }, false)
	})
}

func TestLookup(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t), func(o *catalog.Options) {
		o.RemoteURI = func() catalog.RemoteURI { return catalog.RemoteURI{Users: true} }
	})
	bob := w.User("bob", rest.RoleUser)
	v := w.Video(bob, "Here")
	far := w.SaveRemote(catalogtest.RemoteVideo(w.Remote("carol", "far.example"), "0a11ce00-0000-4000-8000-000000000001"))
	asked := 0
	w.Catalog.Resolve = func(_ context.Context, uri string) (int64, error) {
		asked++
		if uri == "https://far.example/w/new" {
			return far.ID, nil
		}
		return 0, catalog.ErrNotFound
	}
	for _, c := range []struct {
		who     *catalogtest.User
		uri     string
		total   float64
		resolve int
	}{
		{nil, v.IRI, 1, 0},
		{nil, catalogtest.Origin + "/w/" + v.ShortUUID(), 1, 0},
		{nil, catalogtest.Origin + "/about", 0, 0},
		{bob, far.IRI, 1, 0},
		{nil, far.IRI, 0, 0},
		{bob, "https://far.example/w/new", 1, 1},
		{nil, "https://far.example/w/new", 0, 0},
		{bob, "https://far.example/nothing", 0, 1},
	} {
		asked = 0
		a := w.Do(c.who, "GET", "/api/v1/search/videos?search="+c.uri, nil)
		if a.Status != 200 || a.JSON(t)["total"] != c.total || asked != c.resolve {
			t.Errorf("%s as %v: %d, %d asked: %s", c.uri, c.who.Principal(), a.Status, asked, a.Body)
		}
	}
}

func TestQuota(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		size := func(n int64) func(*catalog.NewVideo) { return func(v *catalog.NewVideo) { v.SourceSize = n } }
		old := w.Video(alice, "old", size(100))
		w.Video(alice, "new", size(10))
		w.Video(bob, "other", size(7))
		w.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE videos SET created_at = ? WHERE id = ?", db.Now().Add(-25*time.Hour), old.ID).Error
		})
		for id, state := range map[string]string{"u1": "open", "u2": "done"} {
			w.Tx(func(tx *db.Tx) error {
				return tx.Exec(`INSERT INTO uploads (id, user_id, fingerprint, metadata, size, state, created_at, updated_at)
 VALUES (?, ?, 'f', '{}', 1000, ?, ?, ?)`, id, alice.ID, state, db.Now(), db.Now()).Error
			})
		}
		total, daily, err := w.Catalog.Used(t.Context(), alice.ID)
		if err != nil || total != 1110 || daily != 1010 {
			t.Errorf("Used = %d, %d, %v; want 1110, 1010", total, daily, err)
		}
		if total, daily, err = w.Catalog.Used(t.Context(), 999); err != nil || total != 0 || daily != 0 {
			t.Errorf("Used of nobody = %d, %d, %v", total, daily, err)
		}
	})
}

// TestInfohashes compares with what PeerTube 6.3 wrote into a document.
func TestInfohashes(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	const uuid = "4e1f7426-616c-46c3-b6b8-94c83bbf1c5f"
	r := catalogtest.RemoteVideo(w.Remote("carol", "far.example"), uuid)
	r.Playlist.URL = "http://localhost:9011/static/streaming-playlists/hls/" + uuid + "/485203fe-551e-42c8-a402-930be08b9903-master.m3u8"
	v := w.SaveRemote(r)
	all := infohashes(t, w, v.ID)
	if !slices.Contains(all, "6efb3a33f771feaa051e7fd36140cf2ca1c37615") {
		t.Errorf("not among %v", all)
	}
	for _, h := range all {
		if len(h) != 40 {
			t.Errorf("%s is not 20 bytes", h)
		}
	}
	w.Tx(func(tx *db.Tx) error { return w.Catalog.SetSwarms(tx, v, "00000000000000000000000000000000000000ee") })
	for h, want := range map[string]bool{ // given ones are replaced, computed ones stay
		"00000000000000000000000000000000000000ee": true, "00000000000000000000000000000000000000bb": false,
		"00000000000000000000000000000000000000aa": true, "6efb3a33f771feaa051e7fd36140cf2ca1c37615": true,
	} {
		if got, err := w.Catalog.KnownInfohash(t.Context(), h); got != want || err != nil {
			t.Errorf("%s admitted: %v, want %v (%v)", h, got, want, err)
		}
	}
}

func TestReplaceFileDropsObjects(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	v := w.Video(w.User("alice", rest.RoleUser), "Film")
	w.WithFiles(v)
	w.TakeJobs()
	m, err := w.Catalog.Media(t.Context(), v.ID)
	if err != nil {
		t.Fatal(err)
	}
	f := m.Files[0]
	f.Filename = "new-720.mp4"
	w.Tx(func(tx *db.Tx) error { return w.Catalog.AddFile(tx, v, &f) })
	if f.ID != m.Files[0].ID {
		t.Errorf("the file's id changed from %d to %d", m.Files[0].ID, f.ID)
	}
	list := w.TakeJobs()
	if want := `{"keys":["web-videos/` + v.UUID + `-web-720.mp4"]}`; len(list) != 1 || list[0].Args != want {
		t.Errorf("jobs %v, want %s", list, want)
	}
	w.Tx(func(tx *db.Tx) error {
		return w.Catalog.SetTorrent(tx, v, f.ID, "new.torrent", "00000000000000000000000000000000000000dd")
	})
	list = w.TakeJobs() // and other servers hear of it
	if len(list) != 2 || list[0].Args != `{"keys":["torrents/`+v.UUID+`-720.torrent"]}` || list[1].Kind != "video.federate" {
		t.Errorf("jobs %v", list)
	}
	if ok, _ := w.Catalog.KnownInfohash(t.Context(), "00000000000000000000000000000000000000dd"); !ok {
		t.Error("the new torrent is not admitted")
	}
	if ok, _ := w.Catalog.KnownInfohash(t.Context(), "6d43fead57e8eb647b5e8643fb5ab0c16ba8a4ae"); ok {
		t.Error("the old torrent is still admitted")
	}
}
