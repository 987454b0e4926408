package accounts_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// TestOpenRemote: a channel or account of another server is opened by handle or
// address; its server is asked for those who may, and for nobody else.
func TestOpenRemote(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a := federated(t, d)
		if _, err := a.Users.Create(t.Context(), newUser("alice")); err != nil {
			t.Fatal(err)
		}
		r := aptest.New(t)
		bob := r.Actor(actor.Person, "bob")
		films, orphan := r.Actor(actor.Group, "films"), r.Actor(actor.Group, "orphan")
		films.Doc["attributedTo"], films.Doc["support"] = bob.IRI, "Buy me a tea\u202e"
		films.Publish()
		r.Serve("/c/films", films.Doc)

		anonymous := func(path string) aptest.Answer { return s.Get("/api/v1"+path, "") }
		signedIn := func(path string) aptest.Answer { return s.API(http.MethodGet, path, "") }
		search := func(text string) string { return "/search/video-channels?search=" + url.QueryEscape(text) }
		handle := "films@" + r.Host

		for _, path := range []string{"/video-channels/" + handle, "/accounts/bob@" + r.Host} {
			if got := anonymous(path); got.Status != 404 {
				t.Errorf("anonymous %s: %d", path, got.Status)
			}
		}
		for _, text := range []string{handle, films.IRI} {
			if got := anonymous(search(text)); got.Status != 200 || got.JSON["total"] != 0.0 {
				t.Errorf("anonymous search for %s: %d %s", text, got.Status, got.Body)
			}
		}
		if n := r.Fetches(""); n != 0 {
			t.Fatalf("strangers caused %d requests", n)
		}

		if got := signedIn("/accounts/bob@" + r.Host); got.Status != 200 || got.JSON["url"] == nil || got.JSON["host"] != r.Host {
			t.Errorf("account: %d %s", got.Status, got.Body)
		}
		if got := signedIn("/video-channels/" + handle); got.Status != 200 || got.JSON["support"] != "Buy me a tea" || got.JSON["isLocal"] != false {
			t.Errorf("channel: %d %s", got.Status, got.Body)
		}
		for _, text := range []string{handle, "@" + handle, films.IRI, r.Origin + "/c/films", "films", "FILM"} {
			got := signedIn(search(text))
			if got.Status != 200 || got.JSON["total"] != 1.0 || got.JSON["data"].([]any)[0].(map[string]any)["name"] != "films" {
				t.Errorf("search for %s: %d %s", text, got.Status, got.Body)
			}
		}
		before := r.Fetches("")
		if got := anonymous("/video-channels/" + handle); got.Status != 200 || r.Fetches("") != before {
			t.Errorf("a known channel for strangers: %d, %d requests", got.Status, r.Fetches("")-before)
		}
		for _, path := range []string{
			"/video-channels/orphan@" + r.Host, "/video-channels/bob@" + r.Host, "/accounts/films@" + r.Host, "/accounts/nobody@" + r.Host,
			"/video-channels/x@nowhere.invalid", "/accounts/a@b@c",
		} {
			if got := signedIn(path); got.Status != 404 {
				t.Errorf("%s: %d %s", path, got.Status, got.Body)
			}
		}
		for _, text := range []string{orphan.IRI, bob.IRI, r.Origin + "/nothing", "https://nowhere.invalid/x", "nobody@" + r.Host} {
			if got := signedIn(search(text)); got.Status != 200 || got.JSON["total"] != 0.0 {
				t.Errorf("search for %s: %d %s", text, got.Status, got.Body)
			}
		}
	})
}

// TestSearchChannels: words, hosts and handles narrow the list; what is wrong is
// refused.
func TestSearchChannels(t *testing.T) {
	s, a := federated(t, dbtest.SQLite(t))
	for _, name := range []string{"alice", "bob"} {
		if _, err := a.Users.Create(t.Context(), newUser(name)); err != nil {
			t.Fatal(err)
		}
	}
	r := aptest.New(t)
	owner, films := r.Actor(actor.Person, "owner"), r.Actor(actor.Group, "films")
	films.Doc["attributedTo"] = owner.IRI
	films.Publish()
	if _, err := a.Channels.ResolveRemote(t.Context(), films.IRI); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]float64{
		"": 3, "?search=alice": 1, "?search=%25": 0, "?search=channel": 2, "?search=chan+ALI": 1,
		"?search=allice": 1 /* mistyped */, "?search=alxxe": 0, "?search=lic": 0, "?host=" + r.Host: 1, "?host=" + s.Host: 2, "?host=nowhere.example": 0,
		"?search=" + s.Origin + "/c/alice_channel": 1, "?search=" + s.Origin + "/@alice_channel": 1, "?search=" + s.Origin + "/video-channels/alice_channel": 1,
		"?search=" + s.Origin + "/a/alice_channel": 1, "?search=" + s.Origin + "/c/alice_channel/videos": 1, "?search=" + s.Origin + "/@alice_channel/": 1,
		"?search=" + s.Origin + "/c/films@" + r.Host: 1, "?search=" + s.Origin + "/c/nobody": 0, "?search=" + s.Origin + "/a/alice": 0, "?search=" + s.Origin + "/": 0,
		"?search=" + s.Origin + "/c/alice_channel/inbox": 0, "?search=alice&searchTarget=local": 1, "?search=alice&searchTarget=search-index": 1,
		"?handles=films@" + r.Host + "&handles=alice_channel": 2, "?handles=nobody": 0, "?sort=-createdAt": 3, "?sort=displayName&count=1": 3,
	} {
		if got := s.Get("/api/v1/search/video-channels"+query, ""); got.Status != 200 || got.JSON["total"] != want {
			t.Errorf("%q: %d %s", query, got.Status, got.Body)
		}
	}
	for _, query := range []string{
		"?search=" + strings.Repeat("x", 2001), "?search=%00", "?host=a..b", "?sort=id", "?searchTarget=everywhere", "?count=1000", "?" + strings.Repeat("handles=a&", 51),
	} {
		if got := s.Get("/api/v1/search/video-channels"+query, ""); got.Status != 400 {
			t.Errorf("%.40q: %d", query, got.Status)
		}
	}
}

// TestOpenRefreshes: opening a channel that is stale has it fetched again.
func TestOpenRefreshes(t *testing.T) {
	s, a := federated(t, dbtest.SQLite(t))
	r := aptest.New(t)
	owner, films := r.Actor(actor.Person, "owner"), r.Actor(actor.Group, "films")
	films.Doc["attributedTo"] = owner.IRI
	films.Publish()
	if _, err := a.Channels.ResolveRemote(t.Context(), films.IRI); err != nil {
		t.Fatal(err)
	}
	films.Doc["name"] = "Better films"
	films.Publish()
	err := s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		return tx.Exec("UPDATE actors SET fetched_at = ? WHERE iri = ?", db.Now().Add(-49*time.Hour), films.IRI).Error
	})
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/v1/video-channels/films@" + r.Host
	if got := s.Get(path, ""); got.Status != 200 || got.JSON["displayName"] != "FILMS" {
		t.Errorf("the first reader waits for nobody: %d %s", got.Status, got.Body)
	}
	aptest.Eventually(t, "new name", func() bool { return s.Get(path, "").JSON["displayName"] == "Better films" })
	if got := s.Get("/api/v1/search/video-channels?search=better", ""); got.JSON["total"] != 1.0 {
		t.Errorf("by its new name it is not found: %s", got.Body)
	}
}
