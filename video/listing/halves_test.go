package listing_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestMergedPages: moderators page through what is listed and what is not, and
// users through what is listed and what is internal, as through one list, in every
// order, whatever they narrow it to, on small instances and on large ones.
func TestMergedPages(t *testing.T) {
	for _, n := range []int{40, 12_000} {
		if n > 1000 && testing.Short() {
			continue
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) { mergedPages(t, d, n) })
		})
	}
}

func mergedPages(t *testing.T, d *db.DB, n int) {
	w := catalogtest.New(t, d)
	u, bob, mod := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser), w.User("mod", rest.RoleModerator)
	seed(w, u, n)
	w.Tx(func(tx *db.Tx) error {
		return tx.Exec("UPDATE videos SET state = CASE WHEN id % 7 = 0 THEN 2 ELSE state END, listed = (id % 5 <> 0), category = id % 3, privacy = CASE WHEN id % 11 = 0 AND local THEN 4 ELSE privacy END").Error
	})
	w.Do(mod, "GET", "/api/v1/videos", nil) // so that it is known how many there are
	const shown = "privacy IN (1, 4) AND state = 1 AND listed"
	for _, c := range []struct {
		who          *catalogtest.User
		query, where string
	}{
		{bob, "", shown},
		{bob, "isLocal=true", shown + " AND local"},
		{bob, "isLocal=false", shown + " AND NOT local"},
		{bob, "categoryOneOf=2&nsfw=false", shown + " AND category = 2"},
		{bob, "privacyOneOf=1", "privacy = 1 AND state = 1 AND listed"},
		{nil, "", "privacy = 1 AND state = 1 AND listed"},
		{mod, "include=1&privacyOneOf=1&privacyOneOf=3", "privacy IN (1, 3)"},
		{mod, "include=1&privacyOneOf=3", "privacy = 3"},
		{mod, "privacyOneOf=1&privacyOneOf=3", "privacy IN (1, 3) AND state = 1"},
		{mod, "include=1&categoryOneOf=2&isLocal=true", "privacy IN (1, 4) AND category = 2 AND local"},
		{mod, "include=1&isLocal=false", "privacy IN (1, 4) AND NOT local"},
		{mod, "include=1&durationMin=600", "privacy IN (1, 4) AND duration >= 600"},
	} {
		for sort, order := range map[string]string{
			"-publishedAt": "published_at DESC, id DESC", "publishedAt": "published_at, id", "-views": "views DESC, id DESC", "name": "name, id",
			"localVideoFilesSize": "COALESCE(files_size, 0), id", "-localVideoFilesSize": "COALESCE(files_size, 0) DESC, id DESC",
		} {
			var all []string
			if err := d.Read(t.Context()).Raw("SELECT name FROM videos WHERE " + c.where + " ORDER BY " + order).Scan(&all).Error; err != nil {
				t.Fatal(err)
			}
			for _, start := range []int{0, min(7, len(all)), len(all) / 2, max(0, len(all)-3)} {
				path := fmt.Sprintf("/api/v1/videos?%s&sort=%s&start=%d", c.query, sort, start)
				if got, want := names(t, w, c.who, path), all[start:min(start+15, len(all))]; !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", path, got, want)
				}
			}
			if a := w.Do(c.who, "GET", "/api/v1/videos?count=0&"+c.query, nil).JSON(t); a["total"] != float64(len(all)) {
				t.Errorf("%s: total %v, want %d", c.query, a["total"], len(all))
			}
		}
	}
}

// TestInternalVideos: who is signed in finds internal videos wherever videos are
// listed; strangers do not.
func TestInternalVideos(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		w.Video(alice, "Regatta for all")
		inside := w.Video(alice, "Regatta inside", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Internal })
		hidden := w.Video(alice, "Regatta blocked", func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Internal })
		w.Tx(func(tx *db.Tx) error {
			return errors.Join(
				tx.Exec("UPDATE videos SET state = 1, views = 5").Error,
				tx.Exec("UPDATE videos SET blocked = TRUE, listed = FALSE WHERE id = ?", hidden.ID).Error,
				tx.Exec("INSERT INTO video_views (video_id, hour, views) VALUES (?, ?, 9), (?, ?, 9)", inside.ID, db.Now(), hidden.ID, db.Now()).Error,
				tx.Exec("INSERT INTO follows (follower_id, target_id, state, iri, created_at, updated_at) VALUES (?, ?, 'accepted', 'x', ?, ?)",
					bob.ActorID, alice.ChannelActorID, db.Now(), db.Now()).Error,
			)
		})
		for _, path := range []string{
			"videos", "videos?sort=-trending", "videos?sort=-hot", "videos?sort=-best", "videos?sort=-localVideoFilesSize", "videos?isLocal=true",
			"accounts/alice/videos", "video-channels/" + alice.Name + "_channel/videos", "search/videos?search=regatta", "users/me/subscriptions/videos",
		} {
			if got := names(t, w, bob, "/api/v1/"+path); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"Regatta for all", "Regatta inside"}) {
				t.Errorf("%s: a user finds %q", path, got)
			}
			if path == "users/me/subscriptions/videos" {
				continue
			}
			if got := names(t, w, nil, "/api/v1/"+path); !slices.Equal(got, []string{"Regatta for all"}) {
				t.Errorf("%s: a stranger finds %q", path, got)
			}
		}
		if got := names(t, w, bob, "/api/v1/users/me/subscriptions/videos?privacyOneOf=1"); !slices.Equal(got, []string{"Regatta for all"}) {
			t.Errorf("public ones of subscriptions: %q", got)
		}
	})
}

// TestHiddenMeanwhile: what is no longer public is at once in no list, though the
// order of far pages and of ranked lists was found before.
func TestHiddenMeanwhile(t *testing.T) {
	if testing.Short() {
		t.Skip("seeds 12,000 rows")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		u := w.User("alice", rest.RoleUser)
		seed(w, u, 12_000)
		w.Do(nil, "GET", "/api/v1/videos", nil)
		for i, path := range []string{"/api/v1/videos?start=2000", "/api/v1/videos?sort=-hot", "/api/v1/videos?hasHLSFiles=false"} {
			before := names(t, w, nil, path)
			if len(before) != 15 {
				t.Fatalf("%s: %d videos", path, len(before))
			}
			change := "UPDATE videos SET privacy = 3 WHERE name = ?"
			if i == 1 {
				change = "UPDATE videos SET state = 2 WHERE name = ?"
			}
			w.Tx(func(tx *db.Tx) error { return tx.Exec(change, before[4]).Error })
			if got := names(t, w, nil, path); !slices.Equal(got, slices.Delete(before, 4, 5)) {
				t.Errorf("%s: %q, want %q", path, got, before)
			}
		}
	})
}
