package playlist_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/playlist"
	"github.com/kinemesh/kinemesh/video/videotest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// shown is a playlist of a site with the names of its videos, "" when there is
// none.
func shown(t *testing.T, s *videotest.Site, iri string) string {
	t.Helper()
	p, err := s.Playlists.ByIRI(t.Context(), iri)
	if err != nil {
		return ""
	}
	var names []string
	err = s.DB.Read(t.Context()).Raw(`SELECT v.name FROM playlist_elements e JOIN videos v ON v.id = e.video_id
 WHERE e.playlist_id = ? ORDER BY e.position`, p.ID).Scan(&names).Error
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s/%d: %s", p.Name, p.Privacy, strings.Join(names, ", "))
}

func call(t *testing.T, s *videotest.Site, u *videotest.User, method, path string, body any, want int) m {
	t.Helper()
	a := s.As(u, method, path, body)
	if a.Status != want {
		t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
	return a.JSON
}

// TestCrosses lets a playlist appear on another instance, change, move, hide,
// return and vanish.
func TestCrosses(t *testing.T) {
	serve := func(t *testing.T, d *db.DB) *videotest.Site { return videotest.Serve(t, d, videotest.Options{}) }
	test := func(t *testing.T, a, b *videotest.Site) {
		alice := a.User("alice", rest.RoleUser)
		b.Follow(a.Instance().IRI)
		one, two := a.Publish(alice, "one"), a.Publish(alice, "two")
		b.Await(one.IRI)
		made := call(t, a, alice, "POST", "/video-playlists", m{"displayName": "Public list", "description": "A list", "privacy": 1, "videoChannelId": alice.ChannelID}, 200)
		uuid := made["videoPlaylist"].(m)["uuid"].(string)
		path, iri := "/video-playlists/"+uuid, a.Origin+"/video-playlists/"+uuid
		var ids []int64
		for _, v := range []int64{one.ID, two.ID} {
			e := call(t, a, alice, "POST", path+"/videos", m{"videoId": v, "startTimestamp": 2, "stopTimestamp": 9}, 200)
			ids = append(ids, int64(e["videoPlaylistElement"].(m)["id"].(float64)))
		}
		eventually := func(want string) {
			t.Helper()
			aptest.Eventually(t, want, func() bool { return shown(t, b, iri) == want })
		}
		eventually("Public list/1: one, two")
		there := b.As(nil, "GET", path, nil).JSON
		if there["isLocal"] != false || there["description"] != "A list" || there["videoChannel"].(m)["name"] != "alice_channel" || there["ownerAccount"].(m)["name"] != "alice" {
			t.Errorf("there: %v", there)
		}
		e := b.As(nil, "GET", path+"/videos", nil).JSON["data"].([]any)[0].(m)
		if e["startTimestamp"] != 2.0 || e["stopTimestamp"] != 9.0 || e["video"].(m)["name"] != "one" {
			t.Errorf("element there: %v", e)
		}
		documents(t, a, path, ids[0], one.IRI)

		call(t, a, alice, "POST", path+"/videos/reorder", m{"startPosition": 2, "insertAfterPosition": 0}, 204)
		call(t, a, alice, "PUT", path, m{"displayName": "Renamed"}, 204)
		eventually("Renamed/1: two, one")
		call(t, a, alice, "DELETE", fmt.Sprintf("%s/videos/%d", path, ids[1]), nil, 204)
		eventually("Renamed/1: one")
		call(t, a, alice, "PUT", path, m{"privacy": 3}, 204)
		eventually("")
		if got := a.Document(path); got.Status != 404 {
			t.Errorf("the document of a private playlist: %d", got.Status)
		}
		call(t, a, alice, "PUT", path, m{"privacy": 2}, 204)
		eventually("Renamed/2: one")
		call(t, a, alice, "DELETE", path, nil, 204)
		eventually("")
		aptest.Eventually(t, "the tombstone", func() bool { return a.Document(path).Status == 410 })
	}
	t.Run("sqlite", func(t *testing.T) { test(t, serve(t, dbtest.SQLite(t)), serve(t, dbtest.SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, serve(t, dbtest.Postgres(t)), serve(t, dbtest.Postgres(t))) })
}

// documents asks for everything of a playlist and passes it through a reader
// that shares nothing with the writer.
func documents(t *testing.T, a *videotest.Site, path string, element int64, video string) {
	t.Helper()
	for p, want := range map[string][]string{
		path:               {`"type":"Playlist"`, `"totalItems":2`, `"first":"` + a.Origin + path + `?page=1"`, `"attributedTo":["` + a.Origin + `/video-channels/alice_channel"]`},
		path + "?page=1":   {`"partOf":"` + a.Origin + path + `"`, fmt.Sprintf(`"orderedItems":["%s%s/videos/%d"`, a.Origin, path, element)},
		path + "/activity": {`"type":"Create"`, `"object":{`},
		fmt.Sprintf("%s/videos/%d", path, element): {`"type":"PlaylistElement"`, `"url":"` + video + `"`, `"position":1`, `"startTimestamp":2`, `"stopTimestamp":9`},
		"/accounts/alice/playlists":                {`"totalItems":1`},
		"/accounts/alice/playlists?page=1":         {`"orderedItems":["` + a.Origin + path + `"]`},
		"/video-channels/alice_channel/playlists":  {`"totalItems":1`},
	} {
		got := a.Document(p)
		if got.Status != 200 {
			t.Errorf("%s: %d", p, got.Status)
			continue
		}
		for _, w := range want {
			if !strings.Contains(string(got.Body), w) {
				t.Errorf("%s lacks %s: %s", p, w, got.Body)
			}
		}
		if strings.Contains(p, "?page") || strings.HasSuffix(p, "/playlists") {
			continue // the checker knows whole documents
		}
		if bad := peertube.Check(got.Body); len(bad) > 0 {
			t.Errorf("%s: PeerTube would refuse: %v %s", p, bad, got.Body)
		}
	}
	for _, p := range []string{path + "/videos/99999", path + "/videos/x", path + "/secret", path + "?page=0", "/accounts/nobody/playlists", "/video-playlists/00000000-0000-4000-8000-000000000000"} {
		if got := a.Document(p); got.Status != 404 {
			t.Errorf("%s: %d", p, got.Status)
		}
	}
}

// peer is another server with two people, each with a channel, and a playlist
// that PeerTube 6.3 sent.
type peer struct {
	*aptest.Remote
	person, group, instance, otherGroup *aptest.Actor
	doc                                 m
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	p := &peer{Remote: aptest.New(t)}
	p.person, p.group, p.instance = p.Actor("Person", "alice"), p.Actor("Group", "alice_channel"), p.Actor("Application", "peertube")
	other := p.Actor("Person", "eve")
	p.otherGroup = p.Actor("Group", "eve_channel")
	for g, owner := range map[*aptest.Actor]*aptest.Actor{p.group: p.person, p.otherGroup: other} {
		g.Doc["attributedTo"] = []any{m{"type": "Person", "id": owner.IRI}}
		g.Publish()
	}
	iri := p.Origin + "/video-playlists/7d016e79-a962-41a5-b5c7-0d2cff32cae9"
	p.doc = m{
		"to": []any{vocab.Public}, "cc": []any{p.person.IRI + "/followers"}, "id": iri, "type": "Playlist", "totalItems": 0, "name": "Public list",
		"content": "A list", "mediaType": "text/markdown", "uuid": "7d016e79-a962-41a5-b5c7-0d2cff32cae9", "published": "2026-11-23T20:37:25.668Z",
		"updated": "2026-11-23T20:37:25.668Z", "attributedTo": []any{p.group.IRI},
		"icon": m{"type": "Image", "url": p.Origin + "/p.jpg", "mediaType": "image/jpeg", "width": 280, "height": 157},
	}
	p.Serve(iri, p.doc)
	return p
}

func (p *peer) with(change m) m {
	out := m{}
	maps.Copy(out, p.doc)
	for k, v := range change {
		if v == nil {
			delete(out, k)
		} else {
			out[k] = v
		}
	}
	return out
}

func object(t *testing.T, doc m) vocab.Object {
	t.Helper()
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	o, err := vocab.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestRejected is PT federation 4, "Others", of playlists: each refusal has a
// twin that is taken.
func TestRejected(t *testing.T) {
	s, p := videotest.Serve(t, dbtest.SQLite(t), videotest.Options{}), newPeer(t)
	iri := p.doc["id"].(string)
	if err := s.Playlists.Ingest(t.Context(), object(t, p.doc)); err != nil || shown(t, s, iri) != "Public list/1: " {
		t.Fatalf("the recorded document: %v, %q", err, shown(t, s, iri))
	}
	for name, c := range map[string]struct{ bad, ok m }{
		"type":                 {m{"type": "OrderedCollection"}, m{"type": []any{"Playlist"}}},
		"totalItems":           {m{"totalItems": "1"}, m{"totalItems": 7}},
		"totalItems missing":   {m{"totalItems": nil}, m{}},
		"no name":              {m{"name": ""}, m{"name": "x"}},
		"long name":            {m{"name": strings.Repeat("x", 121)}, m{"name": strings.Repeat("x", 120)}},
		"uuid":                 {m{"uuid": "7"}, m{}},
		"published":            {m{"published": "yesterday"}, m{"published": "2026-01-01T00:00:00Z"}},
		"updated":              {m{"updated": nil}, m{"updated": "2027-01-01T00:00:00Z"}},
		"no channel":           {m{"attributedTo": []any{}}, m{"attributedTo": []any{}, "audience": p.group.IRI}},
		"a Person":             {m{"attributedTo": []any{p.person.IRI}}, m{"attributedTo": []any{p.group.IRI}}},
		"channel of elsewhere": {m{"attributedTo": []any{"https://elsewhere.example/c"}}, m{}},
		"audience elsewhere":   {m{"audience": "https://elsewhere.example/c"}, m{"audience": p.group.IRI}},
		"another account's":    {m{"attributedTo": []any{p.otherGroup.IRI}}, m{}},
		"ours":                 {m{"id": s.Origin + "/video-playlists/7d016e79-a962-41a5-b5c7-0d2cff32cae9"}, m{}},
	} {
		if err := s.Playlists.Ingest(t.Context(), object(t, p.with(c.bad))); err == nil {
			t.Errorf("%s: %v was taken", name, c.bad)
		}
		if err := s.Playlists.Ingest(t.Context(), object(t, p.with(c.ok))); err != nil {
			t.Errorf("%s: %v: %v", name, c.ok, err)
		}
	}
	// Unlisted by its audience, and never older than what is here.
	if err := s.Playlists.Ingest(t.Context(), object(t, p.with(m{"to": []any{}, "updated": "2028-01-01T00:00:00Z", "name": "Later"}))); err != nil {
		t.Fatal(err)
	}
	if err := s.Playlists.Ingest(t.Context(), object(t, p.doc)); err != nil {
		t.Fatal(err)
	}
	if got := shown(t, s, iri); got != "Later/2: " {
		t.Errorf("stored %q", got)
	}
	if err := s.Playlists.Ingest(t.Context(), object(t, p.with(m{"id": p.Origin + "/video-playlists/other"}))); err == nil {
		t.Error("two playlists have one UUID")
	}
	jobstest.Drain(t, s.DB)
}

// TestSigners: a playlist lies in a channel of who signs; strangers, also of the
// same server, neither make, change nor delete it, and nobody puts one into a
// channel of ours (SEC-14, SEC-16).
func TestSigners(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, p := videotest.Serve(t, d, videotest.Options{}), newPeer(t)
		ours := s.User("bob", rest.RoleUser)
		iri := p.doc["id"].(string)
		eve := p.Actor("Person", "mallory")
		send := func(by *aptest.Actor, kind string, object any) int {
			id := fmt.Sprintf("%s/%s/%d", by.IRI, kind, s.Count("inbox", "1 = 1"))
			status := by.Post(s.Origin+"/inbox", m{"@context": "https://www.w3.org/ns/activitystreams", "type": kind, "id": id, "actor": by.IRI, "to": []any{vocab.Public}, "object": object})
			jobstest.Drain(t, s.DB)
			return status
		}
		send(eve, "Create", p.doc)
		if got := shown(t, s, iri); got != "" {
			t.Errorf("made by a stranger: %q", got)
		}
		send(p.person, "Create", p.doc)
		if got := shown(t, s, iri); got != "Public list/1: " {
			t.Fatalf("made by its owner: %q", got)
		}
		renamed := p.with(m{"name": "Taken over", "updated": "2027-01-01T00:00:00Z"})
		send(eve, "Update", renamed)
		send(eve, "Update", p.with(m{"name": "Taken over", "updated": "2027-01-01T00:00:00Z", "attributedTo": []any{p.otherGroup.IRI}}))
		send(eve, "Delete", iri)
		if got := shown(t, s, iri); got != "Public list/1: " {
			t.Errorf("changed by a stranger: %q", got)
		}
		into := p.with(m{"id": p.Origin + "/video-playlists/2", "uuid": "7d016e79-a962-41a5-b5c7-0d2cff32cae8", "attributedTo": []any{ours.Channel.IRI}})
		send(p.person, "Create", into)
		if n := s.Count("playlists", "channel_id = ?", ours.ChannelID); n != 0 {
			t.Error("a channel of ours has a playlist of another server")
		}
		send(p.person, "Update", renamed)
		if got := shown(t, s, iri); got != "Taken over/1: " {
			t.Errorf("changed by its owner: %q", got)
		}
		local, err := s.Playlists.Create(t.Context(), ours.AccountID, playlist.Attributes{Name: "Ours", Privacy: 1, ChannelID: &ours.ChannelID})
		if err != nil {
			t.Fatal(err)
		}
		send(p.person, "Delete", local.IRI)
		if got := shown(t, s, local.IRI); got == "" {
			t.Error("a playlist of ours was deleted by another server")
		}
		send(p.person, "Delete", iri)
		if got := shown(t, s, iri); got != "" {
			t.Errorf("deleted by its owner: %q", got)
		}
	})
}

// TestOwnersGo: with its channel a playlist becomes private and is taken back from
// who had it, with its account it goes.
func TestOwnersGo(t *testing.T) {
	serve := func(t *testing.T, d *db.DB) *videotest.Site { return videotest.Serve(t, d, videotest.Options{}) }
	test := func(t *testing.T, a, b *videotest.Site) {
		ctx := t.Context()
		alice := a.User("alice", rest.RoleUser)
		account, err := a.Channels.AccountByID(ctx, alice.AccountID)
		if err != nil {
			t.Fatal(err)
		}
		key, err := actor.NewKey(aptest.Key(t))
		if err != nil {
			t.Fatal(err)
		}
		second, err := channelOf(ctx, a, account, key)
		if err != nil {
			t.Fatal(err)
		}
		newList := func(name string, privacy int, channelID int64) (path, iri string) {
			made := call(t, a, alice, "POST", "/video-playlists", m{"displayName": name, "privacy": privacy, "videoChannelId": channelID}, 200)
			path = "/video-playlists/" + made["videoPlaylist"].(m)["uuid"].(string)
			return path, a.Origin + path
		}
		b.Follow(second.Actor.IRI) // and nobody else: it has to hear of the playlist yet
		path, iri := newList("Public list", 1, second.ID)
		picturesCross(t, a, path)
		unlisted, _ := newList("Unlisted list", 2, second.ID)
		other, otherIRI := newList("Another list", 1, alice.ChannelID)
		aptest.Eventually(t, "the playlist at "+b.Host, func() bool { return shown(t, b, iri) == "Public list/1: " })
		aptest.Eventually(t, "the other one sent", func() bool { return a.Count("playlists", "iri = ? AND federated_at IS NOT NULL", otherIRI) == 1 })

		if err := a.Channels.Delete(ctx, second); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, unlisted} { // at once, not when a job has run
			got := call(t, a, alice, "GET", p, nil, 200)
			if got["privacy"].(m)["id"] != 3.0 || got["videoChannel"] != nil || got["videoChannelPosition"] != nil {
				t.Errorf("after its channel: %v", got)
			}
			if n := a.Count("playlists", "iri = ? AND position = 0 AND channel_id IS NULL AND federated_at IS NULL", a.Origin+p); n != 1 {
				t.Errorf("%s keeps something of its channel", p)
			}
			call(t, a, nil, "GET", p, nil, 401)
		}
		if got := a.Document(path); got.Status != 404 {
			t.Errorf("its document: %d", got.Status)
		}
		if n := a.Count("outbox", "type = 'Delete' AND object = ?", iri); n != 1 {
			t.Errorf("%d Deletes of the playlist", n)
		}
		aptest.Eventually(t, "Delete delivered", func() bool {
			return a.Count("deliveries", "host = ? AND state = 'delivered' AND outbox_id IN (SELECT id FROM outbox WHERE type = 'Delete' AND object = ?)", b.Host, iri) == 1
		})
		aptest.Eventually(t, "no playlist at "+b.Host, func() bool { return shown(t, b, iri) == "" })
		aptest.Eventually(t, "no channel", func() bool { return a.Count("channels", "id = ?", second.ID) == 0 })
		call(t, a, alice, "PUT", path, m{"privacy": 1}, 400)
		call(t, a, alice, "PUT", path, m{"privacy": 1, "videoChannelId": second.ID}, 403)
		if got := shown(t, a, otherIRI); got != "Another list/1: " {
			t.Errorf("the playlist of the other channel: %q", got)
		}

		b.Follow(alice.Channel.IRI)
		call(t, a, alice, "PUT", path, m{"privacy": 1, "videoChannelId": alice.ChannelID}, 204) // it returns
		call(t, a, alice, "PUT", other, m{"description": "Sent again"}, 204)
		for _, i := range []string{iri, otherIRI} {
			aptest.Eventually(t, i+" at "+b.Host, func() bool { return strings.Contains(shown(t, b, i), " list/1: ") })
		}
		a.Tx(func(tx *db.Tx) error { return a.Channels.DeleteAccount(tx, account) })
		aptest.Eventually(t, "no playlists", func() bool {
			return a.Count("playlists", "") == 0 && b.Count("playlists", "") == 0 && a.Count("accounts", "id = ?", alice.AccountID) == 0
		})
		aptest.Eventually(t, "410", func() bool { return a.Document(path).Status == 410 })
	}
	t.Run("sqlite", func(t *testing.T) { test(t, serve(t, dbtest.SQLite(t)), serve(t, dbtest.SQLite(t))) })
	t.Run("postgres", func(t *testing.T) { test(t, serve(t, dbtest.Postgres(t)), serve(t, dbtest.Postgres(t))) })
}

// picturesCross: the own picture of a playlist is its icon, and that of its player.
func picturesCross(t *testing.T, a *videotest.Site, path string) {
	t.Helper()
	a.Tx(func(tx *db.Tx) error {
		return tx.Exec("UPDATE playlists SET thumbnail = 'playlist-x.jpg' WHERE iri = ?", a.Origin+path).Error
	})
	got := a.Document(path)
	want := `"icon":{"type":"Image","url":"` + a.Origin + `/lazy-static/thumbnails/playlist-x.jpg","mediaType":"image/jpeg","width":280,"height":157}`
	if !strings.Contains(string(got.Body), want) {
		t.Errorf("%s lacks %s: %s", path, want, got.Body)
	}
	page := a.Origin + "/w/p/" + strings.TrimPrefix(path, "/video-playlists/")
	if got := a.Ask(nil, "GET", "/services/oembed?url="+url.QueryEscape(page), nil); got.JSON["thumbnail_url"] != a.Origin+"/lazy-static/thumbnails/playlist-x.jpg" {
		t.Errorf("oEmbed: %d %s", got.Status, got.Body)
	}
}

// channelOf makes another channel of an account.
func channelOf(ctx context.Context, s *videotest.Site, account *channel.Account, key *actor.Key) (c *channel.Channel, err error) {
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		c, err = s.Channels.CreateChannel(tx, channel.NewChannel{Account: account, Name: "second", DisplayName: "Second", Key: key})
		return err
	})
	return c, err
}

// TestSearchAddress: a playlist of another server is found at its page, too. Who
// may not have others asked finds what is known, and the document's own id counts.
func TestSearchAddress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, p := videotest.Serve(t, d, videotest.Options{}), newPeer(t)
		bob := s.User("bob", rest.RoleUser)
		iri, id := p.doc["id"].(string), p.doc["uuid"].(string)
		search := func(u *videotest.User, address string) any {
			t.Helper()
			got := call(t, s, u, "GET", "/search/video-playlists?search="+url.QueryEscape(address), nil, 200)
			if got["total"] == 1.0 && got["data"].([]any)[0].(m)["url"] != iri {
				t.Errorf("%s is %v", address, got["data"])
			}
			return got["total"]
		}
		pages := []string{p.Origin + "/w/p/" + catalog.ShortUUID(id), p.Origin + "/w/p/" + id, p.Origin + "/videos/watch/playlist/" + id}
		for _, page := range pages {
			p.Serve(page, p.doc)
		}
		p.Serve(p.Origin+"/elsewhere", p.with(m{"id": "https://elsewhere.example/video-playlists/" + id}))
		p.Serve(p.Origin+"/other", p.group.Doc)
		before := p.Fetches("")
		if got := search(nil, pages[0]); got != 0.0 || p.Fetches("") != before {
			t.Errorf("a stranger finds %v and causes %d requests", got, p.Fetches("")-before)
		}
		for _, none := range []string{p.Origin + "/elsewhere", p.Origin + "/other", p.Origin + "/nothing"} {
			if got := search(bob, none); got != 0.0 {
				t.Errorf("%s: %v", none, got)
			}
		}
		if got := search(bob, pages[0]); got != 1.0 || p.Fetches(iri) != 1 {
			t.Errorf("at its page: %v, asked for by its id %d times", got, p.Fetches(iri))
		}
		jobstest.Drain(t, s.DB)
		before = p.Fetches("")
		for _, page := range append(pages, iri) {
			if got := search(nil, page); got != 1.0 {
				t.Errorf("known, at %s: %v", page, got)
			}
		}
		if n := p.Fetches("") - before; n != 0 {
			t.Errorf("what is known caused %d requests", n)
		}
	})
}
