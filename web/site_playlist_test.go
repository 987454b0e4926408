package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/playlist"
)

// TestPlaylistPages: a playlist has a page with those of its videos that the
// viewer may see, old addresses lead there, and frames play it.
func TestPlaylistPages(t *testing.T) {
	x := newTube(t)
	first, second := x.video("First of all"), x.video("Second of all")
	hidden := x.video("Nobody's business", func(v *catalog.NewVideo) { v.Attributes.Privacy = catalog.Private })
	list := func(name string, privacy catalog.Privacy) *playlist.Playlist {
		ch, err := x.Channels.ChannelByID(t.Context(), x.channel)
		if err != nil {
			t.Fatal(err)
		}
		p, err := x.playlists.Create(t.Context(), ch.AccountID, playlist.Attributes{Name: name, Description: "All of **them**", Privacy: privacy, ChannelID: &x.channel})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []*catalog.Video{second, hidden, first} {
			if _, err := x.playlists.Add(t.Context(), p.ID, v.ID, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		return p
	}
	open, secret := list("To watch <i>", catalog.Public), list("Mine alone", catalog.Private)
	path := "/w/p/" + catalog.ShortUUID(open.UUID)
	for uri, want := range map[string]int{origin + path: 303, open.IRI: 303, origin + "/w/p/" + catalog.ShortUUID(secret.UUID): 404} {
		to := x.get("/remote-interaction?uri="+url.QueryEscape(uri), x.signIn("mara"))
		if to.Code != want || want == 303 && to.Header().Get("Location") != path {
			t.Errorf("%s: %d %s", uri, to.Code, to.Header().Get("Location"))
		}
	}
	w := x.get(path, "")
	page := w.Body.String()
	if w.Code != http.StatusOK || strings.Index(page, "Second of all") > strings.Index(page, "First of all") || strings.Contains(page, "Nobody") {
		t.Errorf("the page answers %d, or shows other videos or in another order", w.Code)
	}
	for _, want := range []string{
		"<h1>To watch &lt;i&gt;", "All of <strong>them</strong>", `property="og:title" content="To watch`, `href="/w/` + first.ShortUUID(), ">mara</a>",
		`type="application/json+oembed"`, `/video-playlists/embed/` + open.UUID + `"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if err := x.playlists.Update(t.Context(), open.ID, func(a *playlist.Attributes) error {
		a.Picture = "playlist-x.jpg"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if page := x.get(path, "").Body.String(); !strings.Contains(page, `property="og:image" content="`+origin+`/lazy-static/thumbnails/playlist-x.jpg"`) {
		t.Error("the page does not show the picture of the playlist")
	}
	for _, old := range []string{"/videos/watch/playlist/" + open.UUID, "/video-playlists/" + open.UUID} {
		if w := x.get(old, ""); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != path {
			t.Errorf("%s: %d to %q", old, w.Code, w.Header().Get("Location"))
		}
	}
	for position, name := range map[string]string{"": "Second of all", "2": "First of all", "9": "Second of all", "x": "Second of all"} {
		w := x.get("/video-playlists/embed/"+open.UUID+"?playlistPosition="+position, "")
		if page := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(page, "<title>"+name) || !strings.Contains(page, `aria-current="true">`+name) || strings.Contains(page, "Nobody") {
			t.Errorf("position %q: %d, not %s", position, w.Code, name)
		}
	}
	for _, path := range []string{"/w/p/" + catalog.ShortUUID(secret.UUID), "/video-playlists/embed/" + secret.UUID, "/w/p/none", "/w/p/99999"} {
		if w := x.get(path, ""); w.Code == http.StatusOK || strings.Contains(w.Body.String(), "Mine alone") {
			t.Errorf("a stranger gets %s: %d", path, w.Code)
		}
	}
	session := x.signIn("mara")
	if w := x.get("/w/p/"+catalog.ShortUUID(secret.UUID), session); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Mine alone") || !strings.Contains(w.Body.String(), "Nobody") {
		t.Errorf("the owner gets %d, or not all", w.Code)
	}
}
