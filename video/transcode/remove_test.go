package transcode_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/hls"
	"github.com/kinemesh/kinemesh/video/transcode"
	"github.com/kinemesh/kinemesh/web/rest"
)

// again plans 144p of a kind.
func again(o *transcode.Options) {
	o.Plan = func(_ *ffmpeg.Info, kind string) ([]catalog.Rendition, error) {
		return []catalog.Rendition{{Kind: kind, Resolution: 144, FPS: 25, Required: true}}, nil
	}
	o.CopyOnly = func() bool { return false }
}

// Administrators take files away and have them made again; the playlists and
// the addresses follow, and a video keeps one kind.
func TestFilesGoAndComeBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := newEnv(t, d, again)
		e.Routes = e.service.Routes
		admin, mod := e.User("boss", rest.RoleAdmin), e.User("mod", rest.RoleModerator)
		v := e.upload("Film", film(t), append(both(180, true), both(144, false)...))
		e.run()
		path := "/api/v1/videos/" + v.UUID
		do := func(method, path string, body any, want int) {
			t.Helper()
			if a := e.Do(admin, method, path, body); a.Status != want {
				t.Errorf("%s %s: %d %s, want %d", method, path, a.Status, a.Body, want)
			}
		}
		media := func() *catalog.Media {
			t.Helper()
			m, err := e.Catalog.Media(t.Context(), v.ID)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		before := media()
		if len(before.Files) != 2 || len(before.HLS) != 2 {
			t.Fatalf("%d files, %d of HLS", len(before.Files), len(before.HLS))
		}
		// Not for others, not what is not there.
		for who, u := range map[string]int{"mod": e.Do(mod, "DELETE", path+"/hls", nil).Status, "owner": e.Do(e.alice, "DELETE", path+"/web-videos", nil).Status} {
			if u != 403 {
				t.Errorf("%s: %d", who, u)
			}
		}
		do("DELETE", path+"/hls/999999", nil, 404)
		do("DELETE", path+"/hls/x", nil, 404)
		do("DELETE", fmt.Sprint(path, "/hls/", before.Files[0].ID), nil, 404)
		do("DELETE", "/api/v1/videos/999999/hls", nil, 404)
		do("POST", path+"/transcoding", map[string]any{"transcodingType": "avi"}, 400)
		do("POST", path+"/transcoding", nil, 400)

		// One rendition of HLS: the master playlist names the other alone.
		do("DELETE", fmt.Sprint(path, "/hls/", before.HLS[1].ID), nil, 204)
		m := media()
		if len(m.HLS) != 1 || m.HLS[0].ID != before.HLS[0].ID || m.Playlist == nil || m.Playlist.Filename == before.Playlist.Filename {
			t.Fatalf("after one rendition went: %+v", m.Playlist)
		}
		master := string(e.object(catalog.HLSKey(v.UUID, m.Playlist.Filename)))
		if strings.Contains(master, before.HLS[1].PlaylistName) || !strings.Contains(master, before.HLS[0].PlaylistName) {
			t.Errorf("master playlist: %s", master)
		}
		sums, err := hls.ParseSegments(e.object(catalog.HLSKey(v.UUID, m.Playlist.SegmentsFilename)))
		if err != nil || len(sums) != 1 || sums[0].Name != before.HLS[0].Filename {
			t.Errorf("segment hashes: %v, %v", sums, err)
		}
		e.run()
		if _, err := e.store.Stat(t.Context(), catalog.FileKey(v, &before.HLS[1])); err == nil {
			t.Error("the bytes of the removed rendition stay")
		}
		// One progressive file, then all of HLS; the last kind stays.
		do("DELETE", fmt.Sprint(path, "/web-videos/", before.Files[0].ID), nil, 204)
		do("DELETE", fmt.Sprint(path, "/web-videos/", before.Files[0].ID), nil, 404)
		do("DELETE", path+"/hls", nil, 204)
		do("DELETE", path+"/hls", nil, 400)
		do("DELETE", path+"/web-videos", nil, 400)
		do("DELETE", fmt.Sprint(path, "/web-videos/", before.Files[1].ID), nil, 400)
		if m := media(); m.Playlist != nil || len(m.HLS) != 0 || len(m.Files) != 1 {
			t.Errorf("what is left: %+v", m)
		}
		// And back again, from the file that is left.
		do("POST", path+"/transcoding", map[string]any{"transcodingType": "hls"}, 204)
		do("POST", path+"/transcoding", map[string]any{"transcodingType": "hls"}, 409)
		e.run()
		m = e.complete(e.Reload(v.ID), []int{144}, []int{144})
		if got := e.Reload(v.ID); got.State != catalog.Published {
			t.Errorf("state %d", got.State)
		}
		do("DELETE", path+"/web-videos", nil, 204)
		do("DELETE", path+"/hls", nil, 400)
		do("DELETE", fmt.Sprint(path, "/hls/", m.HLS[0].ID), nil, 400)
	})
}
