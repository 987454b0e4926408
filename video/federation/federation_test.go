package federation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// TestTwoInstances lets a video appear, change, move, hide, return and vanish.
func TestTwoInstances(t *testing.T) {
	pair(t, func(t *testing.T, a, b *site) {
		alice := a.owner("alice")
		early := a.publish(alice, "Before the follow")
		jobstest.Drain(t, a.DB)
		b.follow(a.Instance().IRI)
		aptest.Eventually(t, "what was published before", func() bool { v := b.find(early.IRI); return v != nil && v.Listed })

		v := a.publish(alice, "Now & then", func(n *catalog.NewVideo) {
			two, en := 2, "en"
			n.Attributes.Licence, n.Attributes.Language, n.Attributes.Tags = &two, &en, []string{"Eins", "zwei"}
			n.Attributes.Description, n.Attributes.CommentsPolicy = "Some *text*", catalog.CommentsApproval
		})
		aptest.Eventually(t, "the new video", func() bool { v := b.find(v.IRI); return v != nil && v.Listed })
		got := b.reload(v.IRI)
		if got.Name != v.Name || got.UUID != v.UUID || got.Description != v.Description || *got.Licence != 2 || *got.Language != "en" ||
			got.CommentsPolicy != catalog.CommentsApproval || got.Duration != 20 || got.AspectRatio != 1.7778 || got.Local || got.Privacy != catalog.Public {
			t.Errorf("there: %+v", got)
		}
		if d := got.PublishedAt.Sub(v.PublishedAt).Abs(); d > time.Millisecond {
			t.Errorf("published %v, here %v", got.PublishedAt, v.PublishedAt)
		}
		media, err := b.catalog.Media(t.Context(), got.ID)
		if err != nil {
			t.Fatal(err)
		}
		here, err := a.catalog.Media(t.Context(), v.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(media.Files) != 1 || len(media.HLS) != 1 || media.Playlist == nil || len(media.Trackers) != 2 || !slices.Equal(media.Tags, here.Tags) {
			t.Fatalf("there: %+v", media)
		}
		if f := media.Files[0]; f.InfoHash != here.Files[0].InfoHash || f.Magnet != a.catalog.URLs().Magnet(v, &here.Files[0]) || f.URL != a.catalog.URLs().File(v, &here.Files[0]) {
			t.Errorf("file there: %+v", f)
		}
		for _, h := range a.fed.swarms(v, here) {
			if ok, err := b.catalog.KnownInfohash(t.Context(), h); !ok || err != nil {
				t.Errorf("swarm %s is not admitted there: %v", h, err)
			}
		}
		aptest.Eventually(t, "both shares, of the channel and the instance", func() bool { return b.Count("video_shares", "video_id = ?", got.ID) == 2 })

		a.edit(alice, v, m{"name": "Another name", "description": nil, "tags": []string{}})
		aptest.Eventually(t, "the new name", func() bool { return b.reload(v.IRI).Name == "Another name" })
		if got := b.reload(v.IRI); got.Description != "" {
			t.Errorf("description there: %q", got.Description)
		}

		key, err := actor.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		var second int64
		a.tx(func(tx *db.Tx) (err error) {
			_, second, err = a.newChannel(tx, alice, "second", key)
			return err
		})
		a.edit(alice, v, m{"channelId": second})
		aptest.Eventually(t, "the other channel", func() bool {
			ch, err := b.channels.ChannelByID(context.Background(), b.reload(v.IRI).ChannelID)
			return err == nil && ch.Actor.Username == "second"
		})
		aptest.Eventually(t, "the other channel's share", func() bool {
			return b.Count("video_shares", "video_id = ? AND actor_id IN (SELECT id FROM actors WHERE username IN ('second', 'peertube'))", got.ID) == 2 &&
				b.Count("video_shares", "video_id = ?", got.ID) == 2
		})

		a.edit(alice, v, m{"privacy": 3})
		aptest.Eventually(t, "the video to be gone", func() bool { return b.find(v.IRI) == nil })
		if ans := a.get("/videos/watch/" + v.UUID); ans.Status != 404 {
			t.Errorf("the document of a private video: %d", ans.Status)
		}
		a.edit(alice, v, m{"privacy": 1})
		aptest.Eventually(t, "the video to be back", func() bool { v := b.find(v.IRI); return v != nil && v.Listed })

		if err := a.catalog.Delete(t.Context(), alice.Principal, catalog.Ref{UUID: v.UUID}); err != nil {
			t.Fatal(err)
		}
		aptest.Eventually(t, "the video to be deleted", func() bool { return b.find(v.IRI) == nil })
		aptest.Eventually(t, "the tombstone here", func() bool { return a.get("/videos/watch/"+v.UUID).Status == 410 })
		if n := b.Count("tombstones", "iri = ?", v.IRI); n != 1 {
			t.Errorf("%d tombstones there", n)
		}
		if names := b.names(); !slices.Equal(names, []string{"Before the follow"}) {
			t.Errorf("listed there: %v", names)
		}
	})
}

// TestCreateToFollowersOfAccount checks the Create itself, which goes to those
// who follow the account.
func TestCreateToFollowersOfAccount(t *testing.T) {
	a, b := serve(t, dbtest.SQLite(t)), serve(t, dbtest.SQLite(t))
	alice := a.owner("alice")
	b.follow(alice.account.IRI)
	v := a.publish(alice, "By Create")
	aptest.Eventually(t, "the video", func() bool { v := b.find(v.IRI); return v != nil && v.Listed })
	aptest.Eventually(t, "the Create", func() bool { return b.Count("inbox", "type = 'Create' AND state = 'done'") == 1 })
	jobstest.Drain(t, a.DB)
	jobstest.Drain(t, b.DB)
}

// TestOurDocument passes our own documents through a reader that shares nothing
// with the writer.
func TestOurDocument(t *testing.T) {
	s := serve(t, dbtest.SQLite(t))
	alice := s.owner("alice")
	v := s.publish(alice, "Test pattern 720p (updated)", func(n *catalog.NewVideo) {
		one, fifteen, en := 1, 15, "en"
		n.Attributes.Category, n.Attributes.Licence, n.Attributes.Language = &fifteen, &one, &en
		n.Attributes.Description, n.Attributes.Support, n.Attributes.Tags = "A *test*", "Please", []string{"fixture", "test"}
		n.Attributes.NSFW, n.Attributes.NSFWSummary = true, "why"
		first := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
		n.Attributes.OriginallyPublishedAt = &first
	})
	plain := s.publish(alice, "abc", func(n *catalog.NewVideo) { n.Attributes.CommentsPolicy = catalog.CommentsDisabled })
	for _, v := range []*catalog.Video{v, plain} {
		ans := s.get("/videos/watch/" + v.UUID)
		if ans.Status != 200 {
			t.Fatalf("%d %s", ans.Status, ans.Body)
		}
		for _, bad := range peertube.Check(ans.Body) {
			t.Errorf("%s: PeerTube would refuse or lose: %s", v.Name, bad)
		}
	}
	// The checker itself must be able to refuse: what PeerTube takes passes, and
	// each broken member is found.
	var recorded map[string]any
	if err := json.Unmarshal(read(t, "video-peertube-6.3.json"), &recorded); err != nil {
		t.Fatal(err)
	}
	if bad := peertube.Check(read(t, "video-peertube-6.3.json")); len(bad) != 0 {
		t.Errorf("the checker refuses PeerTube's own document: %v", bad)
	}
	for _, k := range []string{"type", "id", "name", "duration", "uuid", "views", "published", "updated", "icon", "url", "attributedTo", "to", "commentsPolicy", "canReply", "likes", "subtitleLanguage"} {
		broken := map[string]any{}
		maps.Copy(broken, recorded)
		delete(broken, k)
		raw, err := json.Marshal(broken)
		if err != nil {
			t.Fatal(err)
		}
		if len(peertube.Check(raw)) == 0 {
			t.Errorf("the checker does not miss %s", k)
		}
	}
	// Member for member: everything PeerTube sends is in ours, in its order.
	sameOrder(t, read(t, "video-peertube-6.3.json"), s.get("/videos/watch/"+v.UUID).Body, "preview")
}

// sameOrder checks that the members of want, but for some, stand in got in the
// same order.
func sameOrder(t *testing.T, want, got []byte, without ...string) {
	t.Helper()
	g := members(t, got)
	at := -1
	for _, k := range members(t, want) {
		if slices.Contains(without, k) {
			continue
		}
		i := slices.Index(g, k)
		if i < 0 {
			t.Errorf("%s is missing", k)
			continue
		}
		if i < at {
			t.Errorf("%s comes too early", k)
		}
		at = i
	}
}

func members(t *testing.T, raw []byte) (out []string) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		var skip json.RawMessage
		if err == nil {
			err = d.Decode(&skip)
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, key.(string))
	}
	return out
}

// TestDocuments asks for every document of a video, and of videos that others
// may not see (SEC-54).
func TestDocuments(t *testing.T) {
	s := serve(t, dbtest.SQLite(t))
	alice := s.owner("alice")
	v := s.publish(alice, "Documented")
	jobstest.Drain(t, s.DB)
	hidden := s.publish(alice, "Hidden")
	s.edit(alice, hidden, m{"privacy": 3})
	unlisted := s.publish(alice, "Unlisted")
	s.edit(alice, unlisted, m{"privacy": 2})
	base := "/videos/watch/" + v.UUID
	for path, want := range map[string]string{
		base: `"type":"Video"`, "/w/" + v.ShortUUID(): `"type":"Video"`, base + "/": `"type":"Video"`,
		base + "/activity": `"type":"Create"`, base + "/announces": `"totalItems":2`, base + "/announces?page=1": `"orderedItems":["`,
		base + "/announces?page=2": `"orderedItems":[]`, base + "/chapters": `"hasPart":[]`,
		fmt.Sprintf("%s/announces/%d", base, alice.channel.ID): `"object":"` + v.IRI + `"`,
		"/videos/watch/" + unlisted.UUID:                       `"to":[]`,
	} {
		ans := s.get(path)
		if ans.Status != 200 || !strings.Contains(string(ans.Body), want) || !strings.HasPrefix(ans.Header.Get("Content-Type"), "application/activity+json") {
			t.Errorf("%s: %d %.300s, want %s", path, ans.Status, ans.Body, want)
		}
		if _, err := vocab.Parse(ans.Body); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{
		fmt.Sprint("/videos/watch/", v.ID), base + "/announces/999", base + "/announces/x", base + "/secrets",
		"/videos/watch/" + hidden.UUID, "/w/" + hidden.ShortUUID(), "/videos/watch/" + hidden.UUID + "/activity",
		"/videos/watch/" + hidden.UUID + "/announces?page=1", base + "/announces?page=x", "/videos/watch/00000000-0000-4000-8000-000000000000", "/videos/watch/%27",
	} {
		if ans := s.get(path); ans.Status != 404 {
			t.Errorf("%s: %d, want 404", path, ans.Status)
		}
	}
}

// far is another server with a channel, its owner and a video.
type far struct {
	*aptest.Remote
	person, group, instance *aptest.Actor
	iri                     string
	doc                     map[string]any
}

func newFar(t *testing.T) *far {
	t.Helper()
	f := &far{Remote: aptest.New(t)}
	f.person, f.group, f.instance = f.Actor("Person", "alice"), f.Actor("Group", "alice_channel"), f.Actor("Application", "peertube")
	f.group.Doc["attributedTo"] = []any{map[string]any{"type": "Person", "id": f.person.IRI}}
	f.group.Publish()
	raw := string(read(t, "video-peertube-6.3.json"))
	for from, to := range map[string]string{
		"http://localhost:9011/accounts/alice": f.person.IRI, "http://localhost:9011/video-channels/alice_channel": f.group.IRI,
	} {
		raw = strings.ReplaceAll(raw, from, to)
	}
	raw = strings.ReplaceAll(raw, "http://localhost:9011", f.Origin)
	if err := json.Unmarshal([]byte(raw), &f.doc); err != nil {
		t.Fatal(err)
	}
	f.iri = f.doc["id"].(string)
	f.Serve(f.iri, f.doc)
	var pic bytes.Buffer
	if err := png.Encode(&pic, image.NewGray(image.Rect(0, 0, 64, 36))); err != nil {
		t.Fatal(err)
	}
	for _, i := range f.doc["icon"].([]any) {
		f.Handle(strings.TrimPrefix(i.(map[string]any)["url"].(string), f.Origin), func(w http.ResponseWriter, _ *http.Request) {
			if _, err := w.Write(pic.Bytes()); err != nil {
				t.Error(err)
			}
		})
	}
	return f
}

// with is the video's document with members changed.
func (f *far) with(change m) map[string]any {
	out := map[string]any{}
	maps.Copy(out, f.doc)
	maps.Copy(out, change)
	return out
}

// send delivers an activity and waits until it was worked on.
func (s *site) send(from *aptest.Actor, kind string, object any, more map[string]any) {
	s.t.Helper()
	if status := from.Post(s.Origin+"/inbox", from.Activity(kind, object, more)); status >= 300 {
		s.t.Fatalf("%s: %d", kind, status)
	}
	aptest.Eventually(s.t, "end of the work on "+kind, func() bool { return s.Count("inbox", "state = 'waiting'") == 0 })
	jobstest.Drain(s.t, s.DB)
}

func (s *site) stored(f *far, actors ...*aptest.Actor) {
	s.t.Helper()
	for _, a := range actors {
		if _, err := s.Engine.Actors.Fetch(context.Background(), a.IRI); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestRecordedCreate lets PeerTube's recorded video arrive: listed, with all its
// files and pictures.
func TestRecordedCreate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, f := serve(t, d), newFar(t)
		s.stored(f, f.group)
		s.tx(func(tx *db.Tx) error {
			return tx.Exec(`INSERT INTO follows (follower_id, target_id, state, iri, created_at, updated_at)
 SELECT ?, id, 'accepted', 'x', ?, ? FROM actors WHERE iri = ?`, s.Instance().ID, db.Now(), db.Now(), f.group.IRI).Error
		})
		s.send(f.person, "Create", f.doc, nil)
		v := s.reload(f.iri)
		if !v.Listed || v.Name != "Test pattern 720p (updated)" || !slices.Equal(s.names(), []string{v.Name}) {
			t.Errorf("%+v", v)
		}
		ans := s.API("GET", "/videos/"+v.UUID, "")
		files, _ := ans.JSON["files"].([]any)
		lists, _ := ans.JSON["streamingPlaylists"].([]any)
		if len(files) != 3 || len(lists) != 1 || len(lists[0].(map[string]any)["files"].([]any)) != 3 {
			t.Fatalf("%d %s", ans.Status, ans.Body)
		}
		media, err := s.catalog.Media(t.Context(), v.ID)
		if err != nil || len(media.Thumbnails) != 2 {
			t.Fatalf("%+v %v", media, err)
		}
		for _, p := range media.Thumbnails { // SEC-41
			cfg, format, err := image.DecodeConfig(bytes.NewReader(s.files.Get(p.Key())))
			if err != nil || !p.Stored || format != "jpeg" || cfg.Width != p.Width || cfg.Height != p.Height {
				t.Errorf("picture %+v: %s %v %v", p, format, cfg, err)
			}
		}
		keys := len(s.files.Keys())
		s.send(f.person, "Delete", f.iri, nil)
		if s.find(f.iri) != nil || keys != 2 || len(s.files.Keys()) != 0 {
			t.Errorf("after the Delete: %v, pictures %v", s.find(f.iri), s.files.Keys())
		}
	})
}

// TestStrangers is SEC-12 and SEC-14: who may not change a video does not, and
// who may does.
func TestStrangers(t *testing.T) {
	s, f := serve(t, dbtest.SQLite(t)), newFar(t)
	evil := aptest.New(t)
	mallory := evil.Actor("Person", "mallory")
	neighbour := f.Actor("Person", "neighbour") // on the video's host
	s.send(f.person, "Create", f.doc, nil)
	v := s.reload(f.iri)
	later := f.with(m{"name": "Taken over", "updated": "2026-12-01T00:00:00.000Z"})
	check := func(what, name string) {
		t.Helper()
		if got := s.find(f.iri); got == nil || got.Name != name || got.ChannelID != v.ChannelID {
			t.Errorf("%s: %+v", what, got)
		}
	}
	const original = "Test pattern 720p (updated)"
	s.send(mallory, "Update", later, nil)
	check("update from another host", original)
	s.send(neighbour, "Update", later, nil)
	check("update by a neighbour", original)
	s.send(mallory, "Delete", f.iri, nil)
	check("delete from another host", original)
	s.send(neighbour, "Delete", f.iri, nil)
	check("delete by a neighbour", original)
	s.send(mallory, "Create", func() map[string]any { // our id, their word
		d := f.with(m{"id": evil.Origin + "/v", "attributedTo": []any{map[string]any{"type": "Group", "id": f.group.IRI}}})
		return d
	}(), nil)
	if n := s.Count("videos", ""); n != 1 {
		t.Errorf("%d videos after a Create with a foreign channel", n)
	}
	s.send(mallory, "Update", f.with(m{"id": evil.Origin + "/v", "attributedTo": []any{map[string]any{"type": "Group", "id": mallory.IRI}}}), nil)
	check("another video with the same UUID", original)
	if n := s.Count("videos", ""); n != 1 {
		t.Errorf("%d videos after one with a taken UUID", n)
	}

	s.send(f.person, "Update", f.with(m{"name": "Older", "updated": "2020-01-01T00:00:00.000Z"}), nil)
	check("an older update", original)
	s.send(f.person, "Update", later, nil)
	check("the owner's update", "Taken over")
	s.send(f.group, "Update", f.with(m{"name": "By the channel", "updated": "2026-12-02T00:00:00.000Z"}), nil)
	check("the channel's update", "By the channel")
	// A neighbour makes us ask the origin, whose word counts.
	f.Serve(f.iri, f.with(m{"name": "As the origin says", "updated": "2026-12-03T00:00:00.000Z"}))
	s.send(neighbour, "Update", f.with(m{"name": "As the neighbour says", "updated": "2026-12-04T00:00:00.000Z"}), nil)
	check("a neighbour's update with news", "As the origin says")
	s.send(f.person, "Delete", f.iri, nil)
	if s.find(f.iri) != nil {
		t.Error("the owner's delete did nothing")
	}
}

// TestLocalIsSafe sends what would change a video of ours.
func TestLocalIsSafe(t *testing.T) {
	s, f := serve(t, dbtest.SQLite(t)), newFar(t)
	v := s.publish(s.owner("alice"), "Ours")
	s.send(f.instance, "Delete", v.IRI, nil)
	s.send(f.person, "Update", f.with(m{"id": v.IRI}), nil)
	s.send(f.person, "Create", f.with(m{"uuid": v.UUID}), nil)
	if got := s.reload(v.IRI); !got.Local || got.Name != "Ours" {
		t.Errorf("%+v", got)
	}
	if s.find(f.iri) != nil {
		t.Error("a video with the UUID of ours is stored")
	}
	// Sharing is welcome.
	s.send(f.instance, "Announce", v.IRI, nil)
	if n := s.Count("video_shares", "video_id = ? AND iri LIKE ?", v.ID, f.Origin+"%"); n != 1 {
		t.Errorf("%d shares by the other server, want 1", n)
	}
}

// TestAnnounce checks who may share, and that shares can be taken back.
func TestAnnounce(t *testing.T) {
	s, f := serve(t, dbtest.SQLite(t)), newFar(t)
	shares := func() int64 { return s.Count("video_shares", "") }
	s.send(f.person, "Announce", f.iri, nil) // a Person's share counts for nothing
	if s.find(f.iri) != nil {
		t.Error("stored for a Person's Announce")
	}
	share := f.instance.Activity("Announce", f.iri, nil)
	s.send(f.instance, "Announce", f.with(m{"name": "Not what the origin says"}), map[string]any{"id": share["id"]}) // SEC-17
	if v := s.find(f.iri); v == nil || v.Name != "Test pattern 720p (updated)" || shares() != 1 {
		t.Fatalf("%+v, %d shares", v, shares())
	}
	s.send(f.group, "Announce", f.iri, nil)
	s.send(f.group, "Announce", f.iri, nil)
	if shares() != 2 || f.Fetches(f.iri) != 2 { // one for the Person's, one when it was stored
		t.Errorf("%d shares, %d fetches; want 2 and 2", shares(), f.Fetches(f.iri))
	}
	s.send(f.person, "Undo", share, nil) // not the Person's
	if shares() != 2 {
		t.Error("somebody else took a share back")
	}
	s.send(f.instance, "Undo", share, nil)
	if shares() != 1 {
		t.Errorf("%d shares after the Undo", shares())
	}
	s.send(f.group, "Announce", f.Origin+"/videos/watch/none", nil)
	if n := s.Count("videos", ""); n != 1 {
		t.Errorf("%d videos", n)
	}
}

// TestTombstoneFirst lets a Delete overtake its Create.
func TestTombstoneFirst(t *testing.T) {
	s, f := serve(t, dbtest.SQLite(t)), newFar(t)
	s.send(f.person, "Delete", f.iri, nil)
	f.ServeStatus(f.iri, http.StatusGone)
	s.send(f.person, "Create", f.doc, nil)
	if s.find(f.iri) != nil {
		t.Error("a deleted video came back")
	}
	f.Serve(f.iri, f.doc) // published again
	s.send(f.person, "Update", f.doc, nil)
	if s.find(f.iri) == nil {
		t.Error("a video that is there again is not taken")
	}
}

// TestResolve looks a video up by its addresses.
func TestResolve(t *testing.T) {
	s, f := serve(t, dbtest.SQLite(t)), newFar(t)
	f.Serve("/w/short", f.doc)                                                              // a page that answers with the document
	f.Serve("/lies", f.with(m{"name": "A lie"}))                                            // another's id
	f.Serve("/note", map[string]any{"type": "Note", "id": f.Origin + "/note"})              // something else
	f.Serve("/bad", f.with(m{"id": f.Origin + "/bad", "duration": "long"}))                 // refused
	f.Serve("/alien", f.with(m{"id": s.Origin + "/videos/watch/" + f.iri[len(f.iri)-36:]})) // claims to be ours
	id, err := s.fed.Resolve(t.Context(), f.Origin+"/lies")
	if err != nil || s.reload(f.iri).ID != id || s.reload(f.iri).Name == "A lie" {
		t.Errorf("%d %v %+v", id, err, s.find(f.iri))
	}
	for _, uri := range []string{f.iri, f.Origin + "/w/short"} {
		if got, err := s.fed.Resolve(t.Context(), uri); err != nil || got != id {
			t.Errorf("%s: %d %v", uri, got, err)
		}
	}
	for _, uri := range []string{f.Origin + "/note", f.Origin + "/bad", f.Origin + "/alien", f.Origin + "/none", "http://127.0.0.1:1/x"} {
		if got, err := s.fed.Resolve(t.Context(), uri); err == nil {
			t.Errorf("%s: %d", uri, got)
		}
	}
	ans := s.API("GET", "/search/videos?search="+f.iri, "")
	if ans.Status != 200 || ans.JSON["total"] != 1.0 {
		t.Errorf("search by address: %d %s", ans.Status, ans.Body)
	}
}

// TestActorGone removes what a deleted actor had.
func TestActorGone(t *testing.T) {
	s, f := serve(t, dbtest.SQLite(t)), newFar(t)
	s.send(f.person, "Create", f.doc, nil)
	s.send(f.group, "Announce", f.iri, nil)
	f.ServeStatus(f.group.IRI, http.StatusGone)
	s.send(f.group, "Delete", f.group.IRI, nil)
	if s.find(f.iri) != nil || s.Count("video_shares", "") != 0 || len(s.files.Keys()) != 0 {
		t.Errorf("left: %+v, %d shares, %v", s.find(f.iri), s.Count("video_shares", ""), s.files.Keys())
	}
}

// TestBadPictures keeps the video when its pictures are none.
func TestBadPictures(t *testing.T) {
	s, f := serve(t, dbtest.SQLite(t)), newFar(t)
	f.ServeStatus(f.doc["icon"].([]any)[0].(map[string]any)["url"].(string), http.StatusNotFound)
	f.Handle(strings.TrimPrefix(f.doc["icon"].([]any)[1].(map[string]any)["url"].(string), f.Origin), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/jpeg")
		if _, err := w.Write([]byte("<svg onload=alert(1)>")); err != nil {
			t.Error(err)
		}
	})
	s.send(f.person, "Create", f.doc, nil)
	if s.find(f.iri) == nil || len(s.files.Keys()) != 0 {
		t.Errorf("%+v %v", s.find(f.iri), s.files.Keys())
	}
}

// TestFederateTwice runs the job again and again: nothing more goes out.
func TestFederateTwice(t *testing.T) {
	s := serve(t, dbtest.SQLite(t))
	alice := s.owner("alice")
	v := s.publish(alice, "Once")
	jobstest.Drain(t, s.DB)
	count := func(kind string) int64 { return s.Count("outbox", "type = ?", kind) }
	if count("Create") != 1 || count("Announce") != 2 || s.reload(v.IRI).FederatedAt == nil {
		t.Errorf("%d Creates, %d Announces", count("Create"), count("Announce"))
	}
	for range 3 {
		if err := s.fed.federate(t.Context(), catalog.FederateArgs{VideoID: v.ID, What: catalog.FederateCreate}); err != nil {
			t.Fatal(err)
		}
	}
	if count("Create") != 1 || count("Announce") != 2 {
		t.Errorf("again: %d Creates, %d Announces", count("Create"), count("Announce"))
	}
	if err := s.catalog.Delete(t.Context(), alice.Principal, catalog.Ref{ID: v.ID}); err != nil {
		t.Fatal(err)
	}
	jobstest.Drain(t, s.DB)
	if count("Delete") != 1 {
		t.Errorf("%d Deletes", count("Delete"))
	}
	if err := s.fed.federate(t.Context(), catalog.FederateArgs{VideoID: v.ID, What: catalog.FederateUpdate}); err != nil {
		t.Errorf("a job for a video that is gone: %v", err)
	}
}
