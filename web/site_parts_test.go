package web_test

import (
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/chapter"
)

// TestSubtitlesAndChapters looks for both in the page of a video; titles are
// strangers' text (SEC-39).
func TestSubtitlesAndChapters(t *testing.T) {
	x := newTube(t)
	v := x.video("Spoken")
	page := func(path string) string {
		w := x.get(path, "")
		if w.Code != 200 {
			t.Fatalf("%s: %d", path, w.Code)
		}
		return w.Body.String()
	}
	if p := page("/w/" + v.ShortUUID()); strings.Contains(p, "<track") || strings.Contains(p, "Chapters") {
		t.Error("a video without subtitles and chapters shows some")
	}
	c := &catalog.Caption{Language: "fr", Filename: "x-fr.vtt", Stored: true}
	err := x.DB.Tx(t.Context(), func(tx *db.Tx) error {
		if err := x.catalog.SetCaption(tx, v, c); err != nil {
			return err
		}
		return chapter.Set(tx, v.ID, []chapter.Chapter{{Timecode: 0, Title: "Start"}, {Timecode: 75, Title: `<script>alert("x")</script>`}})
	})
	if err != nil {
		t.Fatal(err)
	}
	track := `<track kind="subtitles" src="/lazy-static/video-captions/x-fr.vtt" srclang="fr" label="French">`
	watch := page("/w/" + v.ShortUUID())
	for _, want := range []string{
		track, "<summary>Chapters</summary>", `<a class="link" href="/w/` + v.ShortUUID() + `?start=75&amp;autoplay=1" rel="nofollow">&lt;script&gt;`, "<dt>1:15</dt>",
	} {
		if !strings.Contains(watch, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if !strings.Contains(page("/videos/embed/"+v.ShortUUID()), track) {
		t.Error("the embedded player lacks the subtitles")
	}
}
