package listing_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestModeratorsPages: a moderator pages through what is listed and what is not
// as through one list, in every order, whatever he narrows it to, on small
// instances and on large ones.
func TestModeratorsPages(t *testing.T) {
	for _, n := range []int{40, 12_000} {
		if n > 1000 && testing.Short() {
			continue
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) { moderatorsPages(t, d, n) })
		})
	}
}

func moderatorsPages(t *testing.T, d *db.DB, n int) {
	w := catalogtest.New(t, d)
	u, mod := w.User("alice", rest.RoleUser), w.User("mod", rest.RoleModerator)
	seed(w, u, n)
	w.Tx(func(tx *db.Tx) error {
		return tx.Exec("UPDATE videos SET state = CASE WHEN id % 7 = 0 THEN 2 ELSE state END, listed = (id % 5 <> 0), category = id % 3").Error
	})
	w.Do(mod, "GET", "/api/v1/videos", nil) // so that it is known how many there are
	for _, c := range []struct{ query, where string }{
		{"include=1&privacyOneOf=1&privacyOneOf=3", "privacy IN (1, 3)"},
		{"include=1&privacyOneOf=3", "privacy = 3"},
		{"privacyOneOf=1&privacyOneOf=3", "privacy IN (1, 3) AND state = 1"},
		{"include=1&categoryOneOf=2&isLocal=true", "privacy = 1 AND category = 2 AND local"},
		{"include=1&isLocal=false", "privacy = 1 AND NOT local"},
		{"include=1&durationMin=600", "privacy = 1 AND duration >= 600"},
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
				if got, want := names(t, w, mod, path), all[start:min(start+15, len(all))]; !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", path, got, want)
				}
			}
			if a := w.Do(mod, "GET", "/api/v1/videos?count=0&"+c.query, nil).JSON(t); a["total"] != float64(len(all)) {
				t.Errorf("%s: total %v, want %d", c.query, a["total"], len(all))
			}
		}
	}
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
