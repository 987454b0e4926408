package redundancy_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/aptest/peertube"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/redundancy"
	"github.com/kinemesh/kinemesh/video/storage"
)

const (
	masterText = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"v-0.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv-720.m3u8\n"
	mediaText  = "#EXTM3U\n#EXT-X-MAP:URI=\"v-720.mp4\",BYTERANGE=\"700@0\"\n#EXTINF:4,\n#EXT-X-BYTERANGE:900@700\nv-720.mp4\n#EXT-X-ENDLIST\n"
)

// theirs is a video of another server with its files there.
func (s *site) theirs(r *aptest.Remote) (v *catalog.Video, media []byte) {
	s.t.Helper()
	person := s.world.Insert("actors", m{"iri": r.Origin + "/accounts/bob", "type": "Person", "username": "bob", "host": r.Host, "inbox": r.Origin + "/inbox"})
	account := s.world.Insert("accounts", m{"actor_id": person})
	group := s.world.Insert("actors", m{"iri": r.Origin + "/video-channels/bob", "type": "Group", "username": "bob_channel", "host": r.Host, "inbox": "x"})
	u := &catalogtest.User{AccountID: account, ActorID: person, ChannelID: s.world.Insert("channels", m{"actor_id": group, "account_id": account, "local": false})}
	v = s.world.Video(u, "Theirs")
	media = make([]byte, 2_500_000) // three parts
	random := rand.NewChaCha8([32]byte{})
	if _, err := random.Read(media); err != nil {
		s.t.Fatal(err)
	}
	base := r.Origin + "/static/hls/" + v.UUID + "/"
	s.exec("UPDATE videos SET local = ?, iri = ? WHERE id = ?", false, r.Origin+"/videos/watch/"+v.UUID, v.ID)
	s.world.Tx(func(tx *db.Tx) error {
		err := tx.Exec("UPDATE videos SET playlist_url = ?, segments_url = ? WHERE id = ?", base+"v-master.m3u8", base+"v-hashes.json", v.ID).Error
		if err != nil {
			return err
		}
		for i, name := range []string{"v-720.mp4", "v-0.mp4"} {
			f := catalog.File{VideoID: v.ID, PlaylistID: &v.ID, Resolution: 720 * (1 - i), FPS: 30, Size: int64(len(media)), URL: base + name}
			if err := tx.Create(&f).Error; err != nil {
				return err
			}
		}
		return nil
	})
	for name, text := range map[string]string{
		"v-master.m3u8": masterText, "v-720.m3u8": mediaText, "v-0.m3u8": strings.ReplaceAll(mediaText, "v-720", "v-0"), "v-hashes.json": "{}",
		"v-720.mp4": string(media), "v-0.mp4": string(media),
	} {
		s.serveFile(r, v, name, text)
	}
	v, err := s.catalog.ByID(s.t.Context(), v.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return v, media
}

func (s *site) serveFile(r *aptest.Remote, v *catalog.Video, name, text string) {
	r.Handle("/static/hls/"+v.UUID+"/"+name, func(w http.ResponseWriter, req *http.Request) {
		http.ServeContent(w, req, "", time.Time{}, strings.NewReader(text))
	})
}

func (s *site) copyID() (id int64) {
	s.t.Helper()
	if err := s.DB.Read(s.t.Context()).Raw("SELECT id FROM redundancies").Scan(&id).Error; err != nil {
		s.t.Fatal(err)
	}
	return id
}

// sent lists what went out, each as PeerTube takes it.
func (s *site) sent() (out []m) {
	s.t.Helper()
	var rows []string
	if err := s.DB.Read(s.t.Context()).Table("outbox").Order("id").Pluck("raw", &rows).Error; err != nil {
		s.t.Fatal(err)
	}
	for _, raw := range rows {
		for _, reason := range peertube.Check([]byte(raw)) {
			s.t.Errorf("PeerTube refuses %s: %s", raw, reason)
		}
		var doc m
		if err := json.Unmarshal([]byte(raw), &doc); err != nil {
			s.t.Fatal(err)
		}
		out = append(out, doc)
	}
	return out
}

// TestMirror: an administrator has a video copied; it is offered when it is
// whole, served, and goes again with its files.
func TestMirror(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		r := aptest.New(t)
		v, media := s.theirs(r)
		mirror := func() int {
			return s.API("POST", "/server/redundancy/videos", fmt.Sprintf(`{"videoId":%d}`, v.ID)).Status
		}
		for _, want := range []int{204, 409} {
			if got := mirror(); got != want {
				t.Fatalf("answered %d, want %d", got, want)
			}
		}
		if got := s.copies(v); len(got) != 0 || len(s.sent()) != 0 {
			t.Errorf("offered before it is whole: %v", got)
		}
		args := redundancy.MirrorArgs{CopyID: s.copyID()}
		for range 2 { // a job may run twice
			if err := s.try("video.mirror", args); err != nil {
				t.Fatal(err)
			}
		}
		base := s.Origin + "/static/redundancy/hls/" + v.UUID
		if got := s.copies(v); len(got) != 1 || got[0] != base {
			t.Errorf("players are given %v", got)
		}
		for name, want := range map[string][]byte{"v-master.m3u8": []byte(masterText), "v-720.m3u8": []byte(mediaText), "v-720.mp4": media, "v-0.mp4": media, "v-hashes.json": []byte("{}")} {
			if a := s.Get("/static/redundancy/hls/"+v.UUID+"/"+name, "*/*"); a.Status != 200 || !bytes.Equal(a.Body, want) {
				t.Errorf("%s: %d, %d bytes", name, a.Status, len(a.Body))
			}
		}
		a := s.Do("GET", "/static/redundancy/hls/"+v.UUID+"/v-720.mp4", "", map[string]string{"Range": "bytes=700-1599"})
		if a.Status != 206 || !bytes.Equal(a.Body, media[700:1600]) || a.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("a range: %d, %d bytes", a.Status, len(a.Body))
		}
		for _, path := range []string{v.UUID + "/none.mp4", v.UUID + "/..%2fsecret", "00000000-0000-4000-8000-000000000000/v-720.mp4", "1/v-720.mp4"} {
			if a := s.Get("/static/redundancy/hls/"+path, "*/*"); a.Status != 404 {
				t.Errorf("%s: %d", path, a.Status)
			}
		}
		s.checkTold(r, v, base)
		one := s.API("GET", "/server/redundancy/videos?target=remote-videos", "").JSON["data"].([]any)[0].(m)["redundancies"].(m)["streamingPlaylists"].([]any)[0].(m)
		if one["strategy"] != "manual" || one["size"] != 5_000_000.0 {
			t.Errorf("in the list: %v", one)
		}
		if a := s.API("DELETE", fmt.Sprint("/server/redundancy/videos/", s.copyID()), ""); a.Status != 204 {
			t.Fatalf("drop: %d %s", a.Status, a.Body)
		}
		s.work("video.expire-redundancy")
		if got := s.files(); len(got) != 0 || len(s.copies(v)) != 0 {
			t.Errorf("after it was dropped: files %v", got)
		}
		sent := s.sent()
		if last := sent[len(sent)-1]; last["type"] != "Undo" || last["object"].(m)["id"] != sent[0]["id"] {
			t.Errorf("not withdrawn: %v", last)
		}
		if got := mirror(); got != 204 {
			t.Errorf("once more: %d", got)
		}
	})
}

// checkTold looks at what the origin gets, and at the document.
func (s *site) checkTold(r *aptest.Remote, v *catalog.Video, base string) {
	s.t.Helper()
	sent := s.sent()
	if len(sent) != 1 || sent[0]["type"] != "Create" {
		s.t.Fatalf("sent %v", sent)
	}
	doc := sent[0]["object"].(m)
	if doc["object"] != v.IRI || doc["url"].(m)["href"] != base || doc["expires"] != nil {
		s.t.Errorf("CacheFile %v", doc)
	}
	if n := s.Count("deliveries", "inbox = ?", r.Origin+"/inbox"); n != 1 || s.Count("deliveries", "") != 1 {
		s.t.Errorf("%d deliveries to the origin", n)
	}
	path := strings.TrimPrefix(doc["id"].(string), s.Origin)
	for p, typ := range map[string]string{path: "CacheFile", path + "/activity": "Create"} {
		if a := s.Get(p, "application/activity+json"); a.Status != 200 || a.JSON["type"] != typ {
			s.t.Errorf("%s: %d %s", p, a.Status, a.Body)
		}
	}
	if a := s.Get(path+"/else", "application/activity+json"); a.Status != 404 {
		s.t.Errorf("no document: %d", a.Status)
	}
}

func (s *site) files() (out []string) {
	s.t.Helper()
	err := s.store.Walk(s.t.Context(), "redundancy", func(o storage.Object) error { out = append(out, o.Key); return nil })
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// TestMirrorRefused: what cannot be copied.
func TestMirrorRefused(t *testing.T) {
	each(t, func(t *testing.T, s *site) {
		ours := s.video("Ours")
		r := aptest.New(t)
		v, _ := s.theirs(r)
		for body, want := range map[string]int{
			fmt.Sprintf(`{"videoId":%d}`, ours.ID): 400, `{"videoId":9999}`: 404, `{}`: 400, `[]`: 400, `{"videoId":"x"}`: 400,
		} {
			if got := s.API("POST", "/server/redundancy/videos", body); got.Status != want {
				t.Errorf("%s: %d %s, want %d", body, got.Status, got.Body, want)
			}
		}
		for name, text := range map[string]string{
			"another folder":  "#EXTM3U\n../v-720.m3u8\n",
			"another server":  "#EXTM3U\nhttp://elsewhere.example/v-720.m3u8\n",
			"a hidden file":   "#EXTM3U\n.htaccess\n",
			"an unknown file": "#EXTM3U\nv-other.m3u8\n",
		} {
			s.serveFile(r, v, "v-master.m3u8", text)
			s.serveFile(r, v, "v-other.m3u8", "#EXTM3U\nv-secret.mp4\n")
			if err := s.catalogMirror(v); err == nil {
				t.Errorf("%s: copied", name)
			}
			if n := s.Count("redundancies", "state = 'failed' AND last_error <> ''"); n != 1 {
				t.Errorf("%s: not marked as failed", name)
			}
		}
		if len(s.sent()) != 0 || len(s.copies(v)) != 0 {
			t.Error("a failed copy is offered")
		}
		s.work("video.expire-redundancy")
		if got := s.files(); len(got) != 0 {
			t.Errorf("left behind: %v", got)
		}
	})
}

// catalogMirror begins a copy and works on it.
func (s *site) catalogMirror(v *catalog.Video) error {
	s.t.Helper()
	if a := s.API("POST", "/server/redundancy/videos", fmt.Sprintf(`{"videoId":%d}`, v.ID)); a.Status != 204 {
		s.t.Fatalf("answered %d %s", a.Status, a.Body)
	}
	return s.try("video.mirror", redundancy.MirrorArgs{CopyID: s.copyID()})
}
