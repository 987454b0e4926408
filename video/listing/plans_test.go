//go:build !race

package listing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/listing"
	"github.com/kinemesh/kinemesh/web/rest"
)

// TestPlans looks at the plans of the lists over 100,000 videos: each reads its
// page from an index, without sorting. The race detector has nothing to find
// here and makes SQLite many times slower, so this runs without it.
func TestPlans(t *testing.T) {
	if testing.Short() {
		t.Skip("seeds 100,000 rows")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := catalogtest.New(t, d)
		u := w.User("alice", rest.RoleUser)
		seed(w, u, 100_000)
		yes := true
		for _, c := range []struct {
			index  string
			filter listing.Filter
		}{
			{"videos_published", listing.Filter{Page: rest.Page{Sort: "publishedAt", Desc: true, Count: 15}}},
			{"videos_published", listing.Filter{Page: rest.Page{Sort: "publishedAt", Count: 15}}},
			{"videos_local", listing.Filter{Page: rest.Page{Sort: "publishedAt", Desc: true, Count: 15}, Local: &yes}},
			{"videos_views", listing.Filter{Page: rest.Page{Sort: "views", Desc: true, Count: 15}}},
			{"videos_likes", listing.Filter{Page: rest.Page{Sort: "likes", Desc: true, Count: 15}}},
			{"videos_name", listing.Filter{Page: rest.Page{Sort: "name", Count: 15}}},
			{"videos_created", listing.Filter{Page: rest.Page{Sort: "createdAt", Desc: true, Count: 15}}},
			{"videos_duration", listing.Filter{Page: rest.Page{Sort: "duration", Count: 15}}},
			{"videos_comments", listing.Filter{Page: rest.Page{Sort: "comments", Desc: true, Count: 15}}},
			{"videos_original", listing.Filter{Page: rest.Page{Sort: "originallyPublishedAt", Desc: true, Count: 15}}},
			{"videos_published", listing.Filter{
				Page: rest.Page{Sort: "publishedAt", Desc: true, Start: 5000, Count: 15}, NSFW: new(bool), DurationMin: new(int),
			}},
			{"videos_channel", listing.Filter{Page: rest.Page{Sort: "publishedAt", Desc: true, Count: 15}, ChannelID: u.ChannelID, All: true}},
			{"videos_privacy", listing.Filter{Page: rest.Page{Sort: "publishedAt", Desc: true, Count: 15}, All: true, Privacies: []int{3}}},
			{"videos_state", listing.Filter{Page: rest.Page{Sort: "publishedAt", Desc: true, Count: 15}, All: true, States: []int{2}}},
		} {
			plan, err := w.Listing.Explain(t.Context(), c.filter)
			if err != nil {
				t.Fatal(err)
			}
			// Only the 15 rows of the page may be sorted again after the join.
			if !strings.Contains(plan, c.index) || strings.Contains(plan, "Seq Scan on videos") || strings.Contains(plan, "SCAN v\n") {
				t.Errorf("sort %q does not read %s:\n%s", c.filter.Page.Sort, c.index, plan)
			}
			if d.Dialect() == db.Postgres && c.index == "videos_published" && !strings.Contains(plan, "Index Only Scan") {
				t.Errorf("the conditions are not looked up in %s alone:\n%s", c.index, plan)
			}
			began := time.Now()
			rows, total, err := w.Listing.List(t.Context(), c.filter)
			if few := len(c.filter.Privacies)+len(c.filter.States) > 0; err != nil || !few && (len(rows) != 15 || total < 50_000) {
				t.Errorf("%d rows of %d: %v", len(rows), total, err)
			}
			t.Logf("%-12s desc=%v: %v with count", c.filter.Page.Sort, c.filter.Page.Desc, time.Since(began).Round(10*time.Microsecond))
		}
		// So is that of a user, from what is listed for everybody and what is internal.
		reader := &rest.Principal{UserID: u.ID, AccountID: u.AccountID, Role: rest.RoleUser}
		for sort, index := range map[string]string{"publishedAt": "videos_published", "views": "videos_views"} {
			plan, err := w.Listing.Explain(t.Context(), listing.Filter{Page: rest.Page{Sort: sort, Desc: true, Count: 15}, Viewer: reader})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(plan, index) || !strings.Contains(plan, "videos_privacy") || strings.Contains(plan, "Seq Scan on videos") || strings.Contains(plan, "SCAN v\n") {
				t.Errorf("users' list by %s does not read %s and videos_privacy:\n%s", sort, index, plan)
			}
		}
		// A moderator's list is merged from what is listed for everybody and the rest.
		for sort, index := range map[string]string{"publishedAt": "videos_published", "views": "videos_views"} {
			plan, err := w.Listing.Explain(t.Context(), listing.Filter{
				Page: rest.Page{Sort: sort, Desc: true, Count: 15}, All: true, Moderated: true, Privacies: []int{1, 3},
			})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(plan, index) || !strings.Contains(plan, "videos_unlisted") || strings.Contains(plan, "Seq Scan on videos") || strings.Contains(plan, "SCAN v\n") {
				t.Errorf("moderators' list by %s does not read %s and videos_unlisted:\n%s", sort, index, plan)
			}
		}
		// Files are only here of videos of this server: those come first or last.
		for _, c := range []struct {
			filter       listing.Filter
			here, others bool // holds videos of this server, of others
		}{
			{listing.Filter{}, true, true},
			{listing.Filter{All: true, Moderated: true, Privacies: []int{1, 3}}, true, true},
			{listing.Filter{All: true, Moderated: true, Local: &yes}, true, false},
			{listing.Filter{All: true, Moderated: true, Local: new(bool)}, false, true},
		} {
			for _, desc := range []bool{true, false} {
				c.filter.Page = rest.Page{Sort: "localVideoFilesSize", Desc: desc, Count: 15}
				plan, err := w.Listing.Explain(t.Context(), c.filter)
				if err != nil {
					t.Fatal(err)
				}
				byID := map[db.Dialect]string{db.SQLite: "PRIMARY KEY (rowid>?)", db.Postgres: "Index Cond: (id > 0)"}[d.Dialect()]
				if strings.Contains(plan, "videos_files_size") != c.here || strings.Contains(plan, byID) != c.others ||
					strings.Contains(plan, "Seq Scan on videos") || strings.Contains(plan, "SCAN v\n") {
					t.Errorf("by size of files, with %+v:\n%s", c, plan)
				}
			}
		}
		// Far pages are cut from the whole list, which is no scan of the table either.
		for _, sort := range listing.Sorts() {
			for who, f := range map[string]listing.Filter{"strangers": {}, "users": {Viewer: reader}, "moderators": {All: true, Moderated: true}} {
				f.Page, f.NSFW = rest.Page{Sort: sort, Desc: true}, new(bool)
				plan, err := w.Listing.ExplainWhole(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(plan, "Seq Scan on videos") || strings.Contains(plan, "SCAN v\n") {
					t.Errorf("all by %s, for %s:\n%s", sort, who, plan)
				}
			}
		}
		// What a search finds is read from its index.
		plan, err := w.Listing.Explain(t.Context(), listing.Filter{Page: rest.Page{Sort: "publishedAt", Desc: true, Count: 15}, Search: "lantern"})
		if err != nil {
			t.Fatal(err)
		}
		index := map[db.Dialect]string{db.SQLite: "SCAN video_search VIRTUAL TABLE", db.Postgres: "Bitmap Index Scan on videos_search"}[d.Dialect()]
		if !strings.Contains(plan, index) || strings.Contains(plan, "Seq Scan on videos") {
			t.Errorf("a search does not read %s:\n%s", index, plan)
		}
	})
}
