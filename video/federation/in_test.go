package federation

import (
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/video/catalog"
)

var update = flag.Bool("update", false, "rewrite golden files")

func read(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func object(t testing.TB, raw []byte) vocab.Object {
	t.Helper()
	o, err := vocab.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// golden compares what was read from a document with testdata/NAME.
func golden(t *testing.T, name string, in *incoming) {
	t.Helper()
	got, err := json.MarshalIndent(map[string]any{"remote": in.Remote, "owners": in.owners}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/"+name, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(strings.TrimSpace(string(read(t, name))), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestRecorded reads what PeerTube 6.3 sent and served.
func TestRecorded(t *testing.T) {
	create := object(t, read(t, "create-video-peertube-6.3.json"))
	o, _ := create.Object("object")
	in, err := parse(o)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "create-video-peertube-6.3.golden", in)
	in, err = parse(object(t, read(t, "video-peertube-6.3.json")))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "video-peertube-6.3.golden", in)
	if len(in.Files) != 3 || len(in.HLS) != 3 || len(in.Infohashes) != 3 || len(in.Trackers) != 2 || len(in.Tags) != 3 {
		t.Errorf("%d files, %d of HLS, %d infohashes, %d trackers, %d tags", len(in.Files), len(in.HLS), len(in.Infohashes), len(in.Trackers), len(in.Tags))
	}
}

// edit returns the recorded document with members changed; a value of nil takes
// a member away, null makes it null.
func edit(t testing.TB, change map[string]any) vocab.Object {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(read(t, "video-peertube-6.3.json"), &doc); err != nil {
		t.Fatal(err)
	}
	for k, v := range change {
		if v == nil {
			delete(doc, k)
		} else {
			doc[k] = v
		}
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return object(t, raw)
}

var null = json.RawMessage("null")

type m map[string]any

// TestRejected is PT federation 4, "what makes PeerTube reject it", and SEC-12:
// each refusal has a twin that is taken.
func TestRejected(t *testing.T) {
	const host = "http://localhost:9011"
	image := m{"type": "Image", "url": host + "/a.jpg", "mediaType": "image/jpeg", "width": 1, "height": 1}
	with := func(key string, v any) m {
		out := m{}
		maps.Copy(out, image)
		out[key] = v
		return out
	}
	for _, c := range []struct {
		name    string
		bad, ok m
	}{
		{"type", m{"type": "Note"}, m{"type": []string{"Video"}}},
		{"id", m{"id": "not a url"}, m{"id": host + "/videos/watch/1"}},
		{"no id", m{"id": nil}, m{}},
		{"url no array", m{"url": host + "/w/1"}, m{"url": []any{}}},
		{"no url", m{"url": nil}, m{"url": []any{m{"type": "Link"}}}},
		{"subtitleLanguage no array", m{"subtitleLanguage": "en"}, m{"subtitleLanguage": nil}},
		{"subtitleLanguage null", m{"subtitleLanguage": m{}}, m{"subtitleLanguage": null}},
		{"preview no array", m{"preview": m{}}, m{"preview": nil}},
		{"no icon", m{"icon": nil}, m{"icon": []any{image}}},
		{"no valid icon", m{"icon": []any{with("type", "Link"), with("url", "x"), with("mediaType", "image/svg+xml"), with("width", "1")}}, m{"icon": []any{m{}, image}}},
		{"icon without size", m{"icon": []any{with("height", nil)}}, m{"icon": image}},
		{"name short", m{"name": "ab"}, m{"name": "abc"}},
		{"name long", m{"name": strings.Repeat("x", 121)}, m{"name": strings.Repeat("ä", 120)}},
		{"name invisible", m{"name": "\u202e\u200b\u2066\u200e"}, m{"name": "\u202eabc"}},
		{"name missing", m{"name": nil}, m{}},
		{"duration in minutes", m{"duration": "PT1M3S"}, m{"duration": "PT63S"}},
		{"duration negative", m{"duration": "PT-3S"}, m{"duration": "PT0S"}},
		{"duration huge", m{"duration": "PT9999999999S"}, m{"duration": "PT86400S"}},
		{"duration number", m{"duration": 20}, m{}},
		{"uuid", m{"uuid": "c3b47eec"}, m{"uuid": "c3b47eec-2d62-4cac-86cb-104daedde724"}},
		{"uuid in braces", m{"uuid": "{c3b47eec-2d62-4cac-86cb-104daedde723}"}, m{}},
		{"category", m{"category": m{"identifier": "music"}}, m{"category": m{"identifier": 3}}},
		{"category negative", m{"category": m{"identifier": "-1"}}, m{"category": nil}},
		{"language", m{"language": m{"identifier": 3}}, m{"language": m{"identifier": "fr"}}},
		{"views negative", m{"views": -1}, m{"views": 0}},
		{"views fraction", m{"views": 1.5}, m{"views": 12}},
		{"views text", m{"views": "3"}, m{}},
		{"published", m{"published": "yesterday"}, m{"published": "2026-01-01T00:00:00Z"}},
		{"updated missing", m{"updated": nil}, m{"updated": "2026-01-01T00:00:00+02:00"}},
		{"originallyPublishedAt", m{"originallyPublishedAt": "1999"}, m{"originallyPublishedAt": null}},
		{"uploadDate", m{"uploadDate": true}, m{"uploadDate": "2026-01-01T00:00:00.000Z"}},
		{"content type", m{"mediaType": "text/plain"}, m{"mediaType": "text/html"}},
		{"content short", m{"content": "ab"}, m{"content": null}},
		{"audience", m{"audience": "everyone"}, m{"audience": host + "/video-channels/alice_channel"}},
		{"embedUrl", m{"embedUrl": "javascript:1"}, m{"embedUrl": null}},
		{"attributedTo empty", m{"attributedTo": []any{}}, m{"attributedTo": []any{m{"type": "Group", "id": host + "/c"}}}},
		{"attributedTo unusable", m{"attributedTo": []any{m{"type": "Robot", "id": host + "/c"}, "x"}}, m{"attributedTo": host + "/c"}},
		{"attributedTo elsewhere", m{"attributedTo": []any{m{"type": "Group", "id": "http://evil.example/c"}}}, m{}}, // SEC-12
		{"person elsewhere", m{"attributedTo": []any{m{"type": "Person", "id": "http://evil.example/a"}, m{"type": "Group", "id": host + "/c"}}}, m{}},
		{"port elsewhere", m{"attributedTo": []any{m{"type": "Group", "id": "http://localhost:9012/c"}}}, m{}},
		{"comments elsewhere", m{"comments": "http://evil.example/comments"}, m{"comments": nil}},
		{"likes elsewhere", m{"likes": "http://evil.example/likes"}, m{"likes": host + "/likes"}},
		{"shares elsewhere", m{"shares": "http://evil.example/shares"}, m{"shares": nil}},
		{"chapters elsewhere", m{"hasParts": "http://evil.example/chapters"}, m{"hasParts": nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := parse(edit(t, c.bad)); !errors.Is(err, vocab.ErrInvalid) {
				t.Errorf("%v: error %v", c.bad, err)
			}
			if _, err := parse(edit(t, c.ok)); err != nil {
				t.Errorf("%v: error %v", c.ok, err)
			}
		})
	}
}

// TestRepaired is what PeerTube mends without a word.
func TestRepaired(t *testing.T) {
	type want = func(v catalog.Video, in *incoming) bool
	for _, c := range []struct {
		name   string
		change m
		want   want
	}{
		{"state", m{"state": "playing"}, func(v catalog.Video, _ *incoming) bool { return v.State == catalog.Published }},
		{"state kept", m{"state": 4}, func(v catalog.Video, _ *incoming) bool { return v.State == catalog.WaitingForLive }},
		{"policy bad", m{"commentsPolicy": 9, "commentsEnabled": nil}, func(v catalog.Video, _ *incoming) bool { return v.CommentsPolicy == catalog.CommentsDisabled }},
		{"policy of old", m{"commentsPolicy": nil}, func(v catalog.Video, _ *incoming) bool { return v.CommentsPolicy == catalog.CommentsEnabled }},
		{"policy approval", m{"commentsPolicy": 3}, func(v catalog.Video, _ *incoming) bool { return v.CommentsPolicy == catalog.CommentsApproval }},
		{"download", m{"downloadEnabled": "no"}, func(v catalog.Video, _ *incoming) bool { return v.DownloadEnabled }},
		{"download off", m{"downloadEnabled": false}, func(v catalog.Video, _ *incoming) bool { return !v.DownloadEnabled }},
		{"waitTranscoding", m{"waitTranscoding": 1}, func(v catalog.Video, _ *incoming) bool { return !v.WaitTranscoding }},
		{"licence", m{"licence": m{"identifier": "99"}}, func(v catalog.Video, _ *incoming) bool { return v.Licence == nil }},
		{"licence by name", m{"licence": m{"identifier": "CC-BY-SA-4.0"}}, func(v catalog.Video, _ *incoming) bool { return *v.Licence == 2 }},
		{"language unknown", m{"language": m{"identifier": "xx"}}, func(v catalog.Video, _ *incoming) bool { return v.Language == nil }},
		{"long content", m{"content": strings.Repeat("é", 12000)}, func(v catalog.Video, _ *incoming) bool { return len([]rune(v.Description)) == 10000 }},
		{"html", m{"content": `<p>Hi <b>you</b> &amp; me<script>alert(1)</script></p>`, "mediaType": "text/html"}, func(v catalog.Video, _ *incoming) bool { return v.Description == "Hi you & me" }},
		{"tags", m{"tag": []any{m{"type": "Hashtag", "name": "x"}, m{"type": "Hashtag", "name": "fine"}, m{"type": "Mention", "name": "nope"}, m{"type": "Hashtag", "name": "FINE"}, m{"type": "SensitiveTag", "name": "violent"}, "x"}}, func(v catalog.Video, in *incoming) bool {
			return len(in.Tags) == 1 && in.Tags[0] == "fine" && v.NSFWFlags == 1
		}},
		{"unlisted", m{"to": []any{}, "cc": []any{vocab.Public}}, func(v catalog.Video, _ *incoming) bool { return v.Privacy == catalog.Unlisted }},
		{"as:Public", m{"to": "as:Public"}, func(v catalog.Video, _ *incoming) bool { return v.Privacy == catalog.Public }},
		{"sensitive", m{"sensitive": true, "summary": "loud"}, func(v catalog.Video, _ *incoming) bool { return v.NSFW && v.NSFWSummary == "loud" }},
		{"owner as text", m{"attributedTo": []any{"http://localhost:9011/c"}}, func(_ catalog.Video, in *incoming) bool { return len(in.owners) == 1 }},
		{"uuid in capitals", m{"uuid": "C3B47EEC-2D62-4CAC-86CB-104DAEDDE723"}, func(v catalog.Video, _ *incoming) bool { return v.UUID == "c3b47eec-2d62-4cac-86cb-104daedde723" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, err := parse(edit(t, c.change))
			if err != nil {
				t.Fatal(err)
			}
			if !c.want(in.Video, in) {
				t.Errorf("%+v", in.Remote)
			}
		})
	}
}

func TestLinks(t *testing.T) {
	const host = "http://localhost:9011/"
	const hash = "6d43fead57e8eb647b5e8643fb5ab0c16ba8a4ae"
	file := func(change m) m {
		out := m{"type": "Link", "mediaType": "video/mp4", "href": host + "a.mp4", "height": 720, "width": 1280, "size": 10, "fps": 30}
		maps.Copy(out, change)
		return out
	}
	magnet := m{"type": "Link", "mediaType": typeMagnet, "href": "magnet:?xt=urn:btih:" + hash + "&dn=x", "height": 720, "fps": 30}
	torrent := m{"type": "Link", "mediaType": typeTorrent, "href": host + "a.torrent", "height": 720, "fps": 30}
	for _, c := range []struct {
		name  string
		links []any
		want  func([]catalog.File) bool
	}{
		{"whole", []any{file(nil), torrent, magnet}, func(f []catalog.File) bool {
			return len(f) == 1 && f[0].InfoHash == hash && f[0].TorrentURL == host+"a.torrent" && f[0].FPS == 30 && f[0].Resolution == 720
		}},
		{"no magnet: no torrent", []any{file(nil), torrent}, func(f []catalog.File) bool { return len(f) == 1 && f[0].TorrentURL == "" }},
		{"magnet of another", []any{file(m{"fps": 60}), magnet}, func(f []catalog.File) bool { return len(f) == 1 && f[0].InfoHash == "" }},
		{"base32", []any{file(nil), m{"mediaType": typeMagnet, "href": "magnet:?xt=urn:btih:NVB75LKX5DVWI626QZB7WWVQYFV2RJFO", "height": 720, "fps": 30}}, func(f []catalog.File) bool { return f[0].InfoHash == hash }},
		{"magnet is javascript", []any{file(nil), m{"mediaType": typeMagnet, "href": "javascript:alert(1)", "height": 720, "fps": 30}}, func(f []catalog.File) bool { return f[0].Magnet == "" }},
		{"portrait", []any{file(m{"height": 1920, "width": 1080})}, func(f []catalog.File) bool { return f[0].Resolution == 1080 }},
		{"audio only", []any{file(m{"height": 0, "width": 0, "mediaType": "audio/mp4"})}, func(f []catalog.File) bool { return !f[0].HasVideo && f[0].HasAudio }},
		{"no fps", []any{file(m{"fps": null})}, func(f []catalog.File) bool { return f[0].FPS == -1 }},
		{"twice", []any{file(nil), file(m{"href": host + "b.mp4"})}, func(f []catalog.File) bool { return len(f) == 1 && f[0].URL == host+"a.mp4" }},
		{"unknown type", []any{file(m{"mediaType": "video/x-flv"})}, none},
		{"script as address", []any{file(m{"href": "javascript:alert(1)"})}, none},
		{"no size", []any{file(m{"size": null})}, none},
		{"negative size", []any{file(m{"size": -1})}, none},
		{"height as text", []any{file(m{"height": "720"})}, none},
		{"negative height", []any{file(m{"height": -720})}, none},
		{"fps below", []any{file(m{"fps": -2})}, none},
		{"not objects", []any{"http://x.example/", 7, null, []any{}}, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, err := parse(edit(t, m{"url": c.links}))
			if err != nil {
				t.Fatal(err)
			}
			if !c.want(in.Files) {
				t.Errorf("%+v", in.Files)
			}
		})
	}
	in, err := parse(edit(t, m{"url": []any{
		m{"type": "Link", "mediaType": typeHLS, "href": host + "m.m3u8", "tag": "x"}, // no array: no playlist
		m{"rel": []any{"tracker", "http"}, "href": "file:///etc/passwd"}, m{"rel": []any{"tracker", "websocket"}, "href": "ws://localhost:9011/s"},
	}}))
	if err != nil || in.Playlist != nil || len(in.Trackers) != 1 {
		t.Errorf("%v %+v %v", err, in.Playlist, in.Trackers)
	}
}

func none(f []catalog.File) bool { return len(f) == 0 }

func FuzzParse(f *testing.F) {
	f.Add(read(f, "video-peertube-6.3.json"))
	f.Add([]byte(`{"type":"Video","id":"https://a.example/1","url":[{"mediaType":"video/mp4","height":1e400}],"name":"abc"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := vocab.Parse(raw)
		if err != nil {
			return
		}
		in, err := parse(o)
		if err != nil {
			return
		}
		if in.Video.IRI == "" || len(in.Video.UUID) != 36 || len(in.owners) == 0 || len(in.Thumbnails) != 2 || in.Video.Duration < 0 {
			t.Fatalf("taken: %+v", in)
		}
		for _, file := range append(in.Files, in.HLS...) {
			if file.Size < 0 || file.Resolution < 0 || !strings.HasPrefix(file.URL, "http") || (file.InfoHash != "" && len(file.InfoHash) != 40) {
				t.Fatalf("file %+v", file)
			}
		}
	})
}
