package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
)

// TestSEC19Pages: what is on a blocked server has no pages, and neither has what
// is on a limited one for strangers. Pages are there again when the rule is taken
// back, and those of other servers stay.
func TestSEC19Pages(t *testing.T) {
	x := newTube(t)
	w := &catalogtest.World{T: t, DB: x.DB, Catalog: x.catalog}
	carol, dave := w.Remote("carol", "a.second.example"), w.Remote("dave", "third.example")
	far := w.SaveRemote(catalogtest.RemoteVideo(carol, "0a11ce00-0000-4000-8000-000000000001"))
	other := w.SaveRemote(catalogtest.RemoteVideo(dave, "0a11ce00-0000-4000-8000-000000000002"))
	err := x.DB.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("UPDATE videos SET listed = TRUE WHERE local = FALSE").Error })
	if err != nil {
		t.Fatal(err)
	}
	pages := func(uuid, name, host string) []string {
		return []string{
			"/w/" + uuid, "/videos/embed/" + uuid, "/c/" + name + "_channel@" + host, "/a/" + name + "@" + host,
			"/@" + name + "@" + host, "/search?search=" + url.QueryEscape("@"+name+"@"+host),
		}
	}
	look := func(when string, shown bool) {
		t.Helper()
		absent := pages("0a11ce00-0000-4000-8000-0000000000aa", "nobody", "a.second.example")
		theirs := pages(far.UUID, "carol", "a.second.example")
		for i, path := range theirs {
			got, none := x.get(path, ""), x.get(absent[i], "")
			if ok := got.Code < http.StatusBadRequest && got.Code == x.get(pages(other.UUID, "dave", "third.example")[i], "").Code; ok != shown {
				t.Errorf("%s: %s answers %d", when, path, got.Code)
			}
			if shown {
				continue
			}
			if text := strings.ReplaceAll(got.Body.String(), path, absent[i]); got.Code != none.Code || strings.Contains(text, "second.example/") {
				t.Errorf("%s: %s answers %d, an absent one %d: %s", when, path, got.Code, none.Code, text)
			}
		}
		for _, path := range pages(other.UUID, "dave", "third.example") {
			if got := x.get(path, ""); got.Code >= http.StatusBadRequest {
				t.Errorf("%s: %s of another server answers %d", when, path, got.Code)
			}
		}
	}
	look("without a rule", true)
	for _, action := range []string{hostrule.Block, hostrule.Limit} {
		if err := x.Rules.Set(t.Context(), "second.example", action, ""); err != nil {
			t.Fatal(err)
		}
		look(action, false)
	}
	if err := x.Rules.Remove(t.Context(), "second.example", ""); err != nil {
		t.Fatal(err)
	}
	look("taken back", true)
}
