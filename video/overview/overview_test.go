package overview_test

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/overview"
	"github.com/kinemesh/kinemesh/web/rest"
)

func open(t *testing.T, d *db.DB) *catalogtest.World {
	t.Helper()
	w := catalogtest.New(t, d)
	w.Routes = func(r *rest.Router) {
		overview.New(overview.Options{DB: d, Catalog: w.Catalog, Listing: w.Listing}).Routes(r)
	}
	return w
}

func TestOverview(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := open(t, d)
		alice, bob := w.User("alice", rest.RoleUser), w.User("bob", rest.RoleUser)
		music, film := 1, 2
		with := func(category *int, tags ...string) func(*catalog.NewVideo) {
			return func(n *catalog.NewVideo) { n.Attributes.Category, n.Attributes.Tags = category, tags }
		}
		w.Video(alice, "One", with(&music, "Cats"))
		w.Video(alice, "Two", with(&music, "cats", "dogs"))
		w.Video(alice, "Three", with(&music, "dogs", "cats"))
		w.Video(bob, "Four", with(&film))
		w.Video(bob, "Five", with(&film))
		w.Video(bob, "Alone", with(nil, "birds"))
		w.Video(bob, "Hidden", with(&film, "birds"), func(n *catalog.NewVideo) { n.Attributes.Privacy = catalog.Private })
		for page, want := range map[string]string{
			"":        "[map[id:1 label:Music] Three Two One] [bob_channel Alone Five Four] [cats Three Two One]",
			"?page=1": "[map[id:1 label:Music] Three Two One] [bob_channel Alone Five Four] [cats Three Two One]",
			"?page=2": "[map[id:2 label:Films] Five Four] [alice_channel Three Two One] [dogs Three Two]",
			"?page=3": "",
		} {
			body := w.Do(nil, "GET", "/api/v1/overviews/videos"+page, nil).JSON(t)
			var got []string
			for kind, key := range map[string]string{"categories": "category", "channels": "channel", "tags": "tag"} {
				for _, b := range body[kind].([]any) {
					b := b.(map[string]any)
					what := b[key]
					if kind == "channels" {
						what = what.(map[string]any)["name"]
					}
					line := []any{what}
					for _, v := range b["videos"].([]any) {
						line = append(line, v.(map[string]any)["name"])
					}
					got = append(got, fmt.Sprint(line))
				}
			}
			slices.SortFunc(got, func(a, b string) int { return order(a) - order(b) })
			text := strings.Join(got, " ")
			// Alice and Bob have as many videos each: either may come first.
			text = strings.NewReplacer("alice_channel Three Two One", "A", "bob_channel Alone Five Four", "A").Replace(text)
			want = strings.NewReplacer("alice_channel Three Two One", "A", "bob_channel Alone Five Four", "A").Replace(want)
			if text != want {
				t.Errorf("page %q: %s, want %s", page, text, want)
			}
		}
		for _, page := range []string{"0", "11", "x", "-1"} {
			if a := w.Do(nil, "GET", "/api/v1/overviews/videos?page="+page, nil); a.Status != 400 || !strings.Contains(string(a.Body), "from 1 to 10") {
				t.Errorf("page %s: %d %s", page, a.Status, a.Body)
			}
		}
		// A change is seen at once.
		w.Video(bob, "Six", with(&film))
		w.Video(bob, "Seven", with(&film))
		if a := w.Do(nil, "GET", "/api/v1/overviews/videos", nil); !strings.Contains(string(a.Body), `"label":"Films"}`) {
			t.Errorf("the first category is not films: %s", a.Body)
		}
	})
}

func order(line string) int {
	switch {
	case strings.HasPrefix(line, "[map"):
		return 0
	case strings.Contains(line, "_channel"):
		return 1
	}
	return 2
}

// urls are the addresses in a site map.
func urls(t *testing.T, w *catalogtest.World, path string) (out []string) {
	t.Helper()
	a := w.Do(nil, "GET", path, nil)
	var doc struct {
		URLs []struct {
			Loc string `xml:"loc"`
		} `xml:"url"`
		Parts []struct {
			Loc string `xml:"loc"`
		} `xml:"sitemap"`
	}
	if err := xml.Unmarshal(a.Body, &doc); err != nil || a.Status != 200 {
		t.Fatalf("%s: %d %v %s", path, a.Status, err, a.Body)
	}
	for _, u := range append(doc.URLs, doc.Parts...) {
		out = append(out, strings.TrimPrefix(u.Loc, catalogtest.Origin))
	}
	return out
}

func TestSiteMap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := open(t, d)
		alice := w.User("alice", rest.RoleUser)
		v := w.Video(alice, `Cats & "<dogs>"`)
		w.WithFiles(v)
		for _, p := range []catalog.Privacy{catalog.Unlisted, catalog.Private, catalog.Internal} {
			w.Video(alice, "Hidden", func(n *catalog.NewVideo) { n.Attributes.Privacy = p })
		}
		blocked := w.Video(alice, "Blocked")
		w.Tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE videos SET blocked = TRUE, listed = FALSE WHERE id = ?", blocked.ID).Error
		})
		carol := w.Remote("carol", "far.example")
		w.Follow(carol.ChannelActorID)
		w.SaveRemote(catalogtest.RemoteVideo(carol, "0a11ce00-0000-4000-8000-000000000001"))

		pages := []string{"/", "/videos/browse?scope=local", "/c/alice_channel/videos", "/a/alice/video-channels"}
		if got, want := urls(t, w, "/sitemap.xml"), append(slices.Clone(pages), "/w/"+v.ShortUUID()); !slices.Equal(got, want) {
			t.Errorf("the map of a small instance has %q, want %q", got, want)
		}
		a := w.Do(nil, "GET", "/sitemap.xml", nil)
		for _, want := range []string{
			"<video:title>Cats &amp; &#34;&lt;dogs&gt;&#34;</video:title>", catalogtest.Origin + "/lazy-static/thumbnails/" + v.UUID + "-t.jpg",
			"<video:family_friendly>YES</video:family_friendly>",
		} {
			if !strings.Contains(string(a.Body), want) {
				t.Errorf("no %s in %s", want, a.Body)
			}
		}
		if a.Header.Get("Cache-Control") != "max-age=86400" {
			t.Errorf("Cache-Control %q", a.Header.Get("Cache-Control"))
		}

		// A larger one has an index of maps.
		late := w.Video(alice, "Late")
		w.Tx(func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET id = 5000 WHERE id = ?", late.ID).Error })
		if got, want := urls(t, w, "/sitemap.xml"), []string{"/sitemaps/pages.xml", "/sitemaps/0.xml", "/sitemaps/2.xml"}; !slices.Equal(got, want) {
			t.Errorf("the index has %q, want %q", got, want)
		}
		for path, want := range map[string][]string{"pages": pages, "0": {"/w/" + v.ShortUUID()}, "2": {"/w/" + late.ShortUUID()}} {
			if got := urls(t, w, "/sitemaps/"+path+".xml"); !slices.Equal(got, want) {
				t.Errorf("part %s has %q, want %q", path, got, want)
			}
		}
		for _, path := range []string{"1.xml", "-1.xml", "x.xml", "0", "99999999999999999999.xml"} {
			if a := w.Do(nil, "GET", "/sitemaps/"+path, nil); a.Status != 404 {
				t.Errorf("part %s: %d", path, a.Status)
			}
		}
	})
}
