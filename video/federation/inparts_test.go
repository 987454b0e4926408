package federation

import (
	"maps"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
)

const there = "http://localhost:9011"

// TestCaptionForms reads the address of a caption in all its forms; what cannot
// be fetched as WebVTT is left out and nothing is refused.
func TestCaptionForms(t *testing.T) {
	link := m{"type": "Link", "mediaType": "text/vtt", "href": there + "/a.vtt"}
	list := m{"type": "Link", "mediaType": "application/x-mpegURL", "href": there + "/a.m3u8"}
	item := func(code any, url any) m { return m{"identifier": code, "name": "x", "url": url} }
	for name, c := range map[string]struct {
		items []any
		want  int
	}{
		"string, as 6.3 has it":   {[]any{item("en", there+"/a.vtt")}, 1},
		"one link":                {[]any{item("en", link)}, 1},
		"list, as 8.0 has it":     {[]any{item("en", []any{list, link})}, 1},
		"two languages":           {[]any{item("en", link), item("fr", link)}, 2},
		"one language twice":      {[]any{item("en", link), item("en", there+"/b.vtt")}, 1},
		"only a playlist":         {[]any{item("en", []any{list})}, 0},
		"unknown language":        {[]any{item("xx-unknown", link)}, 0},
		"number for language":     {[]any{item(3, link)}, 0},
		"no address":              {[]any{item("en", nil)}, 0},
		"address of another kind": {[]any{item("en", "javascript:alert(1)")}, 0},
		"no object":               {[]any{"en"}, 0},
	} {
		in, err := parse(edit(t, m{"subtitleLanguage": c.items}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(in.Captions) != c.want || (c.want > 0 && in.Captions[0].RemoteURL != there+"/a.vtt") {
			t.Errorf("%s: %+v", name, in.Captions)
		}
	}
	in, err := parse(edit(t, m{"subtitleLanguage": []any{m{"identifier": "en", "automaticallyGenerated": true, "url": link}}}))
	if err != nil || !in.Captions[0].Generated {
		t.Errorf("by a machine: %+v, %v", in, err)
	}
}

// TestStoryboardForms leaves out a storyboard that cannot be shown.
func TestStoryboardForms(t *testing.T) {
	board := func(key string, v any) m {
		b := m{"mediaType": "image/jpeg", "href": there + "/b.jpg", "width": 1920, "height": 216, "tileWidth": 192, "tileHeight": 108, "tileDuration": "PT1S"}
		if key != "" {
			b[key] = v
		}
		return b
	}
	for name, c := range map[string]struct {
		board m
		taken bool
	}{
		"whole":            {board("", nil), true},
		"long tiles":       {board("tileDuration", "PT90S"), true},
		"png":              {board("mediaType", "image/png"), true},
		"svg":              {board("mediaType", "image/svg+xml"), false},
		"no address":       {board("href", "x"), false},
		"wide":             {board("width", 20_000), false},
		"no height":        {board("height", nil), false},
		"tile of nothing":  {board("tileWidth", 0), false},
		"tile too large":   {board("tileWidth", 1921), false},
		"tile in minutes":  {board("tileDuration", "PT1M"), false},
		"tile without end": {board("tileDuration", "PT0S"), false},
	} {
		in, err := parse(edit(t, m{"preview": []any{m{"type": "Image", "rel": []any{"storyboard"}, "url": []any{c.board}}}}))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if (in.Storyboard != nil) != c.taken {
			t.Errorf("%s: %+v", name, in.Storyboard)
		}
	}
	in, err := parse(edit(t, m{"preview": []any{m{"type": "Image", "rel": []any{"poster"}, "url": []any{board("", nil)}}}}))
	if err != nil || in.Storyboard != nil {
		t.Errorf("a preview of another kind: %+v, %v", in, err)
	}
}

// TestLiveRepairs is PT federation 4, "repaired silently", of lives.
func TestLiveRepairs(t *testing.T) {
	live := func(change m) m {
		out := m{"isLiveBroadcast": true, "liveSaveReplay": true, "permanentLive": true, "latencyMode": 3, "dvrWindow": "PT600S", "schedules": []any{m{"startDate": "2027-01-01T00:00:00Z"}}}
		maps.Copy(out, change)
		return out
	}
	type want struct {
		live, replay, permanent bool
		latency, dvr            int
	}
	for name, c := range map[string]struct {
		change m
		want   want
	}{
		"all of it":         {live(nil), want{true, true, true, 3, 600}},
		"no live":           {live(m{"isLiveBroadcast": "yes"}), want{latency: 1}},
		"replay is a text":  {live(m{"liveSaveReplay": "x"}), want{true, false, true, 3, 600}},
		"permanent missing": {live(m{"permanentLive": nil}), want{true, true, false, 3, 600}},
		"latency unknown":   {live(m{"latencyMode": 9}), want{true, true, true, 1, 600}},
		"window in hours":   {live(m{"dvrWindow": "PT1H"}), want{true, true, true, 3, 0}},
		"bad schedules":     {live(m{"schedules": "tomorrow"}), want{true, true, true, 3, 600}},
	} {
		in, err := parse(edit(t, c.change))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v := in.Video
		if got := (want{v.IsLive, v.LiveSaveReplay, v.PermanentLive, v.LatencyMode, v.DVRWindow}); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// TestSummaryIsAReasonOnlyOfSensitiveVideos: of others it is a description.
func TestSummaryIsAReasonOnlyOfSensitiveVideos(t *testing.T) {
	for sensitive, want := range map[bool]string{true: "blood", false: ""} {
		in, err := parse(edit(t, m{"sensitive": sensitive, "summary": "blood"}))
		if err != nil || in.Video.NSFWSummary != want {
			t.Errorf("sensitive %v: %q, %v", sensitive, in.Video.NSFWSummary, err)
		}
	}
}

// TestUnlisted sends unlisted videos where the settings say so, and no others:
// they arrive as unlisted and go like others.
func TestUnlisted(t *testing.T) {
	for name, on := range map[string]bool{"sent": true, "not sent": false} {
		t.Run(name, func(t *testing.T) {
			a := serve(t, dbtest.SQLite(t), func(o *catalog.Options) { o.FederateUnlisted = on })
			b := serve(t, dbtest.SQLite(t))
			alice := a.owner("alice")
			b.follow(a.Instance().IRI)
			v := a.private(alice, "By address alone")
			a.edit(alice, v, m{"privacy": 2})
			jobstest.Drain(t, a.DB)
			jobstest.Drain(t, b.DB)
			if !on {
				if b.find(v.IRI) != nil {
					t.Error("an unlisted video was sent")
				}
				return
			}
			aptest.Eventually(t, "the video", func() bool { return b.find(v.IRI) != nil })
			aptest.Eventually(t, "its privacy", func() bool { return b.reload(v.IRI).Privacy == catalog.Unlisted })
			if names := b.names(); len(names) != 0 {
				t.Errorf("listed there: %v", names)
			}
			if n := a.Count("outbox", "raw LIKE '%activitystreams#Public\"%' AND type = 'Announce' AND raw LIKE '%\"cc\":[]%'"); n != 0 {
				t.Errorf("%d Announces in public", n)
			}
			a.edit(alice, v, m{"privacy": 3})
			aptest.Eventually(t, "the video to be gone", func() bool { return b.find(v.IRI) == nil })
		})
	}
}
