package federation

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// encoder is a Service that can only write documents.
func encoder() *Service {
	return &Service{urls: catalog.URLs{Origin: "https://tube.example", Host: "tube.example"}}
}

var cast1 = people{
	account: &actor.Actor{ID: 1, IRI: "https://tube.example/accounts/alice", Followers: "https://tube.example/accounts/alice/followers"},
	channel: &actor.Actor{ID: 2, IRI: "https://tube.example/video-channels/c", Followers: "https://tube.example/video-channels/c/followers"},
}

// anyVideo makes a video with whatever an owner may write.
func anyVideo(r *rand.Rand) (*catalog.Video, *catalog.Media) {
	id := uuid.NewString()
	text := func(least, most int) string {
		const signs = "abc äöü 日本語 <b>&\"'\\ \n# * _ [x](https://x.example) 🎬"
		all := []rune(signs)
		var b strings.Builder
		for range least + r.IntN(most-least+1) {
			b.WriteRune(all[r.IntN(len(all))])
		}
		return b.String()
	}
	name := "n" + strings.ReplaceAll(strings.Join(strings.Fields(text(3, 60)), "_"), "\n", "") + "me"
	at := time.Date(2020+r.IntN(5), 1, 2, 3, 4, 5, r.IntN(1000)*1e6, time.UTC)
	v := &catalog.Video{
		ID: 7, UUID: id, IRI: "https://tube.example/videos/watch/" + id, Local: true, Name: name, Privacy: catalog.Public,
		State: catalog.Published, Duration: r.IntN(100000), Views: r.Int64N(1e9), NSFW: r.IntN(2) == 0, WaitTranscoding: r.IntN(2) == 0,
		DownloadEnabled: r.IntN(2) == 0, CommentsPolicy: catalog.CommentsPolicy(1 + r.IntN(3)), PublishedAt: at, UpdatedAt: at.Add(time.Hour),
		AspectRatio: []float64{0, 1.7778, 0.5625}[r.IntN(3)],
	}
	if r.IntN(2) == 0 {
		c, l, lang := 1+r.IntN(18), 1+r.IntN(9), []string{"en", "pt-PT", "zh-Hans"}[r.IntN(3)]
		v.Category, v.Licence, v.Language, v.OriginallyPublishedAt = &c, &l, &lang, &at
		v.Description, v.Support, v.NSFWSummary = "d"+strings.TrimSpace(text(5, 3000))+"d", "s"+strings.TrimSpace(text(3, 500))+"s", "why"
	}
	m := &catalog.Media{
		Thumbnails: []catalog.Thumbnail{{Type: catalog.Miniature, Filename: "t.jpg", Width: 280, Height: 157}, {Type: catalog.Preview, Filename: "p.jpg", Width: 850, Height: 480}},
		Playlist:   &catalog.StreamingPlaylist{ID: 3, Filename: "m.m3u8", SegmentsFilename: "s.json"},
	}
	if r.IntN(2) == 0 {
		v.NSFWFlags, v.Downloads, v.UploadedAt = r.IntN(4), r.Int64N(1e6), &at
		m.Captions = []catalog.Caption{{Language: "en", Filename: "x-en.vtt", Stored: true}, {Language: "pt-PT", Filename: "x-pt-PT.vtt", Generated: true}}
		m.Storyboard = &catalog.Storyboard{Filename: "b.jpg", TotalWidth: 1920, TotalHeight: 216, SpriteWidth: 192, SpriteHeight: 108, SpriteDuration: 1 + r.IntN(100)}
	}
	if v.LatencyMode = 1; r.IntN(4) == 0 {
		v.IsLive, v.LatencyMode, v.PermanentLive, v.LiveSaveReplay, v.DVRWindow = true, 1+r.IntN(3), r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(10000)
		v.State = catalog.WaitingForLive
	}
	for range r.IntN(6) {
		m.Tags = append(m.Tags, fmt.Sprintf("tag%d", r.IntN(1000)))
	}
	slices.Sort(m.Tags)
	m.Tags = slices.Compact(m.Tags)
	list := int64(3)
	for i, res := range []int{1080, 720, 480, 240}[r.IntN(4):] {
		f := catalog.File{
			ID: int64(10 + i), Resolution: res, Width: res * 16 / 9, Height: res, FPS: 24 + r.IntN(37), Size: r.Int64N(1e10), Extname: ".mp4",
			HasAudio: r.IntN(2) == 0, HasVideo: true, Filename: fmt.Sprint(res, ".mp4"), TorrentFilename: fmt.Sprint(res, ".torrent"),
			InfoHash: fmt.Sprintf("%040x", r.Int64()),
		}
		m.Files = append(m.Files, f)
		f.ID, f.PlaylistID, f.Filename, f.TorrentFilename = f.ID+100, &list, fmt.Sprint(res, "-fragmented.mp4"), fmt.Sprint(res, "-hls.torrent")
		m.HLS = append(m.HLS, f)
	}
	return v, m
}

// TestRoundTrip writes 300 videos of all kinds: each passes the independent
// reader, and reads back as what it was.
func TestRoundTrip(t *testing.T) {
	s := encoder()
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		v, media := anyVideo(r)
		raw, err := vocab.Build(vocab.Video, s.wire(v, media, cast1))
		if err != nil {
			t.Fatal(err)
		}
		if bad := peertube.Check(raw); len(bad) > 0 {
			t.Fatalf("video %d: %v\n%s", n, bad, raw)
		}
		in, err := parse(object(t, raw))
		if err != nil {
			t.Fatalf("video %d: %v\n%s", n, err, raw)
		}
		got, want := in.Video, *v
		want.ID, want.Local = 0, false
		if !want.NSFW {
			want.NSFWSummary = ""
		}
		sameExtras(t, s, in, &want, media)
		if got.Name != want.Name || got.Description != want.Description || got.Support != want.Support || got.UUID != want.UUID ||
			got.IRI != want.IRI || got.Duration != want.Duration || got.Views != want.Views || got.NSFW != want.NSFW ||
			got.NSFWSummary != want.NSFWSummary || got.CommentsPolicy != want.CommentsPolicy || got.DownloadEnabled != want.DownloadEnabled ||
			got.WaitTranscoding != want.WaitTranscoding || got.AspectRatio != want.AspectRatio || got.Privacy != want.Privacy ||
			!got.PublishedAt.Equal(want.PublishedAt) || !got.UpdatedAt.Equal(want.UpdatedAt) || !same(got.Category, want.Category) ||
			!same(got.Licence, want.Licence) || !same(got.Language, want.Language) || !slices.Equal(in.Tags, media.Tags) {
			t.Fatalf("video %d reads back as\n%+v, was\n%+v", n, got, want)
		}
		if len(in.Files) != len(media.Files) || len(in.HLS) != len(media.HLS) || len(in.Infohashes) != len(media.HLS) || len(in.Trackers) != 2 {
			t.Fatalf("video %d: %d and %d files, %d swarms", n, len(in.Files), len(in.HLS), len(in.Infohashes))
		}
		for i, f := range in.Files {
			w := media.Files[i]
			if f.InfoHash != w.InfoHash || f.Size != w.Size || f.Resolution != w.Resolution || f.FPS != w.FPS || f.HasAudio != w.HasAudio ||
				f.URL != s.urls.File(v, &w) || f.Magnet != s.urls.Magnet(v, &w) || f.MetadataURL != s.urls.Metadata(v, &w) || f.TorrentURL != s.urls.Torrent(v, &w) {
				t.Fatalf("video %d: file %+v, was %+v", n, f, w)
			}
		}
	}
}

// sameExtras compares captions, storyboard and what lives say.
func sameExtras(t *testing.T, s *Service, in *incoming, want *catalog.Video, media *catalog.Media) {
	t.Helper()
	got := in.Video
	if got.NSFWFlags != want.NSFWFlags || (got.UploadedAt == nil) != (want.UploadedAt == nil) ||
		got.IsLive != want.IsLive || got.LatencyMode != want.LatencyMode || got.PermanentLive != want.PermanentLive ||
		got.LiveSaveReplay != want.LiveSaveReplay || got.DVRWindow != want.DVRWindow || got.State != want.State || got.Downloads != want.Downloads ||
		got.PartsURL != want.IRI+"/chapters" || got.SharesURL != want.IRI+"/announces" {
		t.Fatalf("reads back as\n%+v, was\n%+v", got, *want)
	}
	if len(in.Captions) != len(media.Captions) {
		t.Fatalf("%d captions, were %d", len(in.Captions), len(media.Captions))
	}
	for i, c := range in.Captions {
		if w := media.Captions[i]; c.Language != w.Language || c.Generated != w.Generated || c.RemoteURL != s.urls.Origin+w.Path() {
			t.Fatalf("caption %+v, was %+v", c, w)
		}
	}
	b := in.Storyboard
	if (b == nil) != (media.Storyboard == nil) {
		t.Fatalf("storyboard %+v", b)
	}
	if w := media.Storyboard; b != nil && (b.RemoteURL != s.urls.Origin+w.Path() || b.TotalWidth != w.TotalWidth || b.TotalHeight != w.TotalHeight ||
		b.SpriteWidth != w.SpriteWidth || b.SpriteHeight != w.SpriteHeight || b.SpriteDuration != w.SpriteDuration) {
		t.Fatalf("storyboard %+v, was %+v", b, w)
	}
}

// TestShownElsewhere looks at the members by which servers of other kinds show a
// video: Mastodon name, summary, language and the page; GoToSocial page and
// hashtags; Lemmy the audience.
func TestShownElsewhere(t *testing.T) {
	s := encoder()
	en := "en"
	v := &catalog.Video{
		IRI: "https://tube.example/videos/watch/c3b47eec-2d62-4cac-86cb-104daedde723", UUID: "c3b47eec-2d62-4cac-86cb-104daedde723",
		Name: "Cats", Description: "# Cats\n\nA *film* about [cats](https://c.example) & dogs.", Language: &en, Privacy: catalog.Public,
		NSFWSummary: "blood", NSFWFlags: 1,
	}
	m := &catalog.Media{Tags: []string{"big cats"}}
	w := s.wire(v, m, cast1)
	if w.Summary == nil || *w.Summary != "Cats A film about cats & dogs." {
		t.Errorf("summary %q", *w.Summary)
	}
	if w.NameMap["en"] != "Cats" || w.ContentMap["en"] != v.Description || *w.Content != v.Description {
		t.Errorf("maps %v %v", w.NameMap, w.ContentMap)
	}
	if l := w.URL[0]; l.MediaType != "text/html" || l.Href != "https://tube.example/w/qaE6eZjhjKMoBWRTpW8WbP" {
		t.Errorf("first link %+v", l)
	}
	if w.Tag[0] != (wireTag{"Hashtag", "big cats", "https://tube.example/videos/browse?tagsOneOf=big+cats"}) || w.Tag[1] != (wireTag{Type: "SensitiveTag", Name: "violent"}) {
		t.Errorf("tags %+v", w.Tag)
	}
	if w.Audience != cast1.channel.IRI || !slices.Equal(w.To, []string{vocab.Public, cast1.channel.IRI}) || !slices.Equal(w.Cc, []string{cast1.account.Followers}) {
		t.Errorf("audience %q, to %q, cc %q", w.Audience, w.To, w.Cc)
	}
	v.NSFW = true
	if w := s.wire(v, m, cast1); *w.Summary != "blood" || !w.Sensitive {
		t.Errorf("the reason of a sensitive video: %q", *w.Summary)
	}
	v.NSFWSummary = ""
	if w := s.wire(v, m, cast1); w.Summary != nil {
		t.Errorf("a description stands as the reason: %q", *w.Summary)
	}
	v.NSFW, v.Description = false, strings.Repeat("long words ", 100)
	if got := *s.wire(v, m, cast1).Summary; len([]rune(got)) > maxShort+1 || !strings.HasSuffix(got, " words…") && !strings.HasSuffix(got, " long…") {
		t.Errorf("summary %q", got)
	}
}

func same[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// TestActivityShapes compares what we send, member by member, with what
// PeerTube 6.3 sent.
func TestActivityShapes(t *testing.T) {
	var recorded map[string]json.RawMessage
	if err := json.Unmarshal(read(t, "activities-peertube-6.3.json"), &recorded); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dbtest.SQLite(t))
	alice := s.owner("alice")
	v := s.publish(alice, "Shaped")
	jobstest.Drain(t, s.DB)
	base := "/videos/watch/" + v.UUID
	for name, got := range map[string][]byte{
		"announce": s.get(fmt.Sprintf("%s/announces/%d", base, alice.channel.ID)).Body,
		"activity": s.get(base + "/activity").Body,
		"chapters": s.get(base + "/chapters").Body,
	} {
		sameOrder(t, recorded[name], got, "signature")
	}
	shares := members(t, s.get(base+"/announces").Body)
	for _, k := range members(t, recorded["announces"]) {
		if !slices.Contains(shares, k) {
			t.Errorf("announces lack %s", k)
		}
	}
	var ann, want map[string]any
	if err := json.Unmarshal(s.get(fmt.Sprintf("%s/announces/%d", base, alice.channel.ID)).Body, &ann); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(recorded["announce"], &want); err != nil {
		t.Fatal(err)
	}
	delete(want, "signature")
	if got, want := slices.Sorted(maps.Keys(ann)), slices.Sorted(maps.Keys(want)); !slices.Equal(got, want) {
		t.Errorf("members of an Announce: %v, PeerTube has %v", got, want)
	}
	to := []any{vocab.Public, alice.channel.Followers, s.Instance().Followers, alice.account.Followers}
	if fmt.Sprint(ann["to"]) != fmt.Sprint(to) || fmt.Sprint(ann["cc"]) != "[]" {
		t.Errorf("audience of an Announce: %v %v, want %v", ann["to"], ann["cc"], to)
	}
	if err := s.catalog.Delete(t.Context(), alice.Principal, catalog.Ref{ID: v.ID}); err != nil {
		t.Fatal(err)
	}
	jobstest.Drain(t, s.DB)
	del := s.outbox("Delete")
	sameOrder(t, recorded["delete"], []byte(del), "signature")
	if !strings.Contains(del, `"object":"`+v.IRI+`"`) || !strings.Contains(del, `"id":"`+v.IRI+`/delete"`) {
		t.Errorf("Delete: %s", del)
	}
}

// outbox is the newest activity of a type that was published.
func (s *site) outbox(kind string) string {
	s.t.Helper()
	var raw []string
	err := s.DB.Read(context.Background()).Table("outbox").Where("type = ?", kind).Order("id DESC").Limit(1).Pluck("raw", &raw).Error
	if err != nil || len(raw) == 0 {
		s.t.Fatalf("no %s in the outbox: %v", kind, err)
	}
	return raw[0]
}

// TestWhoSigns checks who publishes what (PT federation 3), and that ids are
// new when something is said again.
func TestWhoSigns(t *testing.T) {
	s := serve(t, dbtest.SQLite(t))
	alice := s.owner("alice")
	v := s.publish(alice, "Signed")
	jobstest.Drain(t, s.DB)
	actorOf := func(raw string) string {
		var doc struct{ Actor string }
		if err := json.Unmarshal([]byte(raw), &doc); err != nil {
			t.Fatal(err)
		}
		return doc.Actor
	}
	if got := actorOf(s.outbox("Create")); got != alice.account.IRI {
		t.Errorf("Create by %s", got)
	}
	var sharers []string
	err := s.DB.Read(t.Context()).Raw(`SELECT a.iri FROM outbox o JOIN actors a ON a.id = o.actor_id WHERE o.type = 'Announce' ORDER BY o.id`).Scan(&sharers).Error
	if err != nil || !slices.Equal(sharers, []string{alice.channel.IRI, s.Instance().IRI}) {
		t.Errorf("Announces by %v (%v)", sharers, err)
	}
	s.edit(alice, v, m{"name": "Signed again"})
	jobstest.Drain(t, s.DB)
	first := s.outbox("Update")
	if actorOf(first) != alice.account.IRI || !strings.Contains(first, `"id":"`+v.IRI+`/updates/2`) || !strings.Contains(first, `"name":"Signed again"`) {
		t.Errorf("Update: %.400s", first)
	}
	s.edit(alice, v, m{"privacy": 3})
	jobstest.Drain(t, s.DB)
	s.edit(alice, v, m{"privacy": 1})
	jobstest.Drain(t, s.DB)
	var ids []string
	if err := s.DB.Read(t.Context()).Table("outbox").Where("type = 'Create'").Order("id").Pluck("iri", &ids).Error; err != nil {
		t.Fatal(err)
	}
	if len(ids) != 2 || ids[0] != v.IRI+"/activity" || !strings.HasPrefix(ids[1], v.IRI+"/activity/2") {
		t.Errorf("ids of the Creates: %v", ids)
	}
	// Private from the start: not a word.
	before := s.Count("outbox", "")
	hidden := s.publish(alice, "Never out", func(n *catalog.NewVideo) {})
	jobstest.Drain(t, s.DB)
	if s.Count("outbox", "") != before+3 || s.reload(hidden.IRI).FederatedAt == nil {
		t.Errorf("%d activities for a new video, want 3", s.Count("outbox", "")-before)
	}
	before = s.Count("outbox", "")
	s.edit(alice, hidden, m{"privacy": 2})
	jobstest.Drain(t, s.DB)
	if s.Count("outbox", "") != before+1 || s.reload(hidden.IRI).FederatedAt != nil { // unlisted is taken back
		t.Errorf("%d activities for one made unlisted, want 1 Delete", s.Count("outbox", "")-before)
	}
	s.edit(alice, hidden, m{"name": "Still hidden"})
	jobstest.Drain(t, s.DB)
	if s.Count("outbox", "") != before+1 {
		t.Error("a change of an unlisted video went out")
	}
}
