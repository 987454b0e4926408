package catalog_test

import (
	"testing"

	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Clients look at files[0].torrentUrl from the moment of the upload on.
func TestFilesWhileTranscoding(t *testing.T) {
	w := catalogtest.New(t, dbtest.SQLite(t))
	alice := w.User("alice", rest.RoleUser)
	v := w.Video(alice, "Fresh", func(n *catalog.NewVideo) {
		n.Renditions = []catalog.Rendition{
			{Kind: catalog.KindWeb, Resolution: 720, FPS: 25, Required: true}, {Kind: catalog.KindWeb, Resolution: 360, FPS: 25},
		}
	})
	files := func() []any { return w.Do(alice, "GET", "/api/v1/videos/"+v.UUID, nil).JSON(t)["files"].([]any) }
	got := files()
	if len(got) != 1 {
		t.Fatalf("files = %v, want the one that is being made", got)
	}
	f := got[0].(map[string]any)
	if f["torrentUrl"] != nil || f["magnetUri"] != nil || f["resolution"].(map[string]any)["id"] != 720.0 {
		t.Errorf("the file that is being made: %v", f)
	}
	w.WithFiles(v)
	if f := files()[0].(map[string]any); f["torrentUrl"] == nil || f["id"] == 0.0 {
		t.Errorf("the file that was made: %v", f)
	}
	without := w.Video(alice, "Nothing to make", func(n *catalog.NewVideo) { n.Renditions = nil })
	if got := w.Do(alice, "GET", "/api/v1/videos/"+without.UUID, nil).JSON(t)["files"].([]any); len(got) != 0 {
		t.Errorf("files of a video that none are made of: %v", got)
	}
}
