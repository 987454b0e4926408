package transcode_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/anacrolix/torrent/metainfo"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/catalog/catalogtest"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/hls"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/torrent"
	"github.com/kinemesh/kinemesh/video/transcode"
	"github.com/kinemesh/kinemesh/web/rest"
)

var tool = sync.OnceValues(func() (*ffmpeg.Tool, error) { return ffmpeg.Find(context.Background()) })

// clip makes a file with ffmpeg.
func clip(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	tl, err := tool()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command(tl.FFmpeg, append(append([]string{"-v", "error"}, args...), path)...).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v: %s", name, err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// film is H.264 and AAC, 320x180, 5 s.
func film(t *testing.T) []byte {
	return clip(t, "film.mp4", "-f", "lavfi", "-i", "testsrc=s=320x180:r=25:d=5", "-f", "lavfi", "-i", "sine=d=5",
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac", "-b:a", "96k", "-ac", "2")
}

// env is an instance with real storage, database and ffmpeg.
type env struct {
	*catalogtest.World
	store   *storage.FS
	opts    transcode.Options
	service *transcode.Service
	alice   *catalogtest.User
	scratch string
}

func newEnv(t *testing.T, d *db.DB, change ...func(*transcode.Options)) *env {
	t.Helper()
	tl, err := tool()
	if err != nil {
		t.Fatal(err)
	}
	store, err := storage.OpenFS(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	w := catalogtest.New(t, d, func(o *catalog.Options) {
		o.DeleteFile = store.Delete
		o.PutFile = func(ctx context.Context, key string, r io.Reader) error {
			_, err := store.Put(ctx, key, r)
			return err
		}
	})
	e := &env{World: w, store: store, alice: w.User("alice", rest.RoleUser), scratch: filepath.Join(store.Scratch(), "transcode")}
	e.opts = transcode.Options{
		DB: d, Catalog: w.Catalog, Store: store, Executor: transcode.Local{Tool: tl}, Dir: e.scratch, MaxFPS: func() int { return 60 },
		Logger: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&e.opts)
	}
	if e.service, err = transcode.New(e.opts); err != nil {
		t.Fatal(err)
	}
	return e
}

// both are the renditions of one resolution.
func both(res int, required bool) []catalog.Rendition {
	return []catalog.Rendition{{Kind: catalog.KindWeb, Resolution: res, FPS: 25, Required: required}, {Kind: catalog.KindHLS, Resolution: res, FPS: 25}}
}

// upload makes the video of a finished upload.
func (e *env) upload(name string, data []byte, renditions []catalog.Rendition, change ...func(*catalog.NewVideo)) *catalog.Video {
	e.T.Helper()
	key := "sources/" + uuid.NewString()
	if _, err := e.store.Put(context.Background(), key, bytes.NewReader(data)); err != nil {
		e.T.Fatal(err)
	}
	return e.Video(e.alice, name, append([]func(*catalog.NewVideo){func(n *catalog.NewVideo) {
		n.SourceKey, n.SourceSize, n.Renditions = key, int64(len(data)), renditions
	}}, change...)...)
}

// run runs all jobs until none is left.
func (e *env) run() {
	e.T.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r, err := jobs.NewRunner(jobs.Options{DB: e.DB, Handlers: e.handlers(), Logger: slog.New(slog.DiscardHandler), Concurrency: map[string]int{"media": 2}})
	if err != nil {
		e.T.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			e.T.Errorf("runner: %v", err)
		}
	})
	jobstest.Drain(e.T, e.DB)
	stop()
	wg.Wait()
}

func (e *env) handlers() []jobs.Handler {
	federate := jobs.Handle(func(context.Context, catalog.FederateArgs) error { return nil })
	return slices.Concat(e.service.Jobs(), e.Catalog.Jobs(), []jobs.Handler{federate})
}

// work runs the handler of one rendition as a worker would, without a queue.
func (e *env) work(r catalog.Rendition) error {
	e.T.Helper()
	raw, err := json.Marshal(catalog.TranscodeArgs{VideoID: r.VideoID, RenditionID: r.ID})
	if err != nil {
		e.T.Fatal(err)
	}
	return e.service.Jobs()[0].Work(e.T.Context(), raw)
}

func (e *env) renditions(v *catalog.Video) []catalog.Rendition {
	e.T.Helper()
	var rows []catalog.Rendition
	if err := e.DB.Read(e.T.Context()).Where("video_id = ?", v.ID).Order("id").Find(&rows).Error; err != nil {
		e.T.Fatal(err)
	}
	return rows
}

func (e *env) media(v *catalog.Video) *catalog.Media {
	e.T.Helper()
	m, err := e.Catalog.Media(e.T.Context(), v.ID)
	if err != nil {
		e.T.Fatal(err)
	}
	return m
}

func (e *env) object(key string) []byte {
	e.T.Helper()
	r, err := e.store.Open(e.T.Context(), key)
	if err != nil {
		e.T.Fatalf("object %s: %v", key, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		e.T.Fatal(err)
	}
	return b
}

func (e *env) keys() []string {
	e.T.Helper()
	var out []string
	if err := e.store.Walk(e.T.Context(), "", func(o storage.Object) error { out = append(out, o.Key); return nil }); err != nil {
		e.T.Fatal(err)
	}
	return out
}

// complete checks everything that a viewer, a player and a BitTorrent client
// need of a video, and that nothing else lies around.
func (e *env) complete(v *catalog.Video, web, hlsRes []int) *catalog.Media {
	t := e.T
	t.Helper()
	v = e.Reload(v.ID)
	m := e.media(v)
	resolutions := func(files []catalog.File) (out []int) {
		for _, f := range files {
			out = append(out, f.Resolution)
		}
		return out
	}
	if diff := cmp.Diff([][]int{web, hlsRes}, [][]int{resolutions(m.Files), resolutions(m.HLS)}); diff != "" {
		t.Fatalf("files: %s", diff)
	}
	want := []string{}
	for _, f := range slices.Concat(m.Files, m.HLS) {
		data := e.object(catalog.FileKey(v, &f))
		want = append(want, catalog.FileKey(v, &f), catalog.TorrentKey(f.TorrentFilename))
		if int64(len(data)) != f.Size || f.Extname != ".mp4" || f.Metadata == "" {
			t.Errorf("file %+v has %d bytes", f, len(data))
		}
		e.seeds(v, &f, data)
	}
	if m.Playlist != nil {
		want = append(want, catalog.HLSKey(v.UUID, m.Playlist.Filename), catalog.HLSKey(v.UUID, m.Playlist.SegmentsFilename))
		for _, f := range m.HLS {
			want = append(want, catalog.HLSKey(v.UUID, f.PlaylistName))
		}
		e.plays(v, m)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, e.keys()); diff != "" {
		t.Errorf("storage: %s", diff)
	}
	if left, err := os.ReadDir(e.scratch); err != nil || len(left) > 0 {
		t.Errorf("scratch folder holds %v, %v", left, err)
	}
	return m
}

// seeds checks the torrent of a file.
func (e *env) seeds(v *catalog.Video, f *catalog.File, data []byte) {
	t := e.T
	t.Helper()
	mi, err := metainfo.Load(bytes.NewReader(e.object(catalog.TorrentKey(f.TorrentFilename))))
	if err != nil {
		t.Fatal(err)
	}
	info, err := mi.UnmarshalInfo()
	if err != nil {
		t.Fatal(err)
	}
	var pieces []byte
	for p := range slices.Chunk(data, int(info.PieceLength)) {
		sum := sha1.Sum(p)
		pieces = append(pieces, sum[:]...)
	}
	if !bytes.Equal(pieces, info.Pieces) || info.Length != f.Size || info.PieceLength != torrent.PieceLength(f.Size) {
		t.Errorf("torrent of %s is not of its bytes", f.Filename)
	}
	if mi.HashInfoBytes().HexString() != f.InfoHash {
		t.Errorf("info hash %s, want %s", f.InfoHash, mi.HashInfoBytes().HexString())
	}
	if want := fmt.Sprintf("%s %dp.mp4", v.Name, f.Resolution); info.Name != want {
		t.Errorf("name in torrent = %q, want %q", info.Name, want)
	}
	urls := e.Catalog.URLs()
	seeds := []string{urls.File(v, f)}
	if v.Privacy != catalog.Public {
		seeds = nil
	}
	if diff := cmp.Diff(seeds, []string(mi.UrlList)); diff != "" {
		t.Errorf("web seeds: %s", diff)
	}
	trackers := [][]string{{"wss://videos.example/tracker/socket"}, {"https://videos.example/tracker/announce"}}
	if diff := cmp.Diff(trackers, [][]string(mi.AnnounceList)); diff != "" {
		t.Errorf("trackers: %s", diff)
	}
	if ok, err := e.Catalog.KnownInfohash(t.Context(), f.InfoHash); err != nil || !ok && v.Privacy == catalog.Public {
		t.Errorf("the tracker does not know %s: %v", f.InfoHash, err)
	}
}

// plays checks the playlists, the segment hashes and the swarms.
func (e *env) plays(v *catalog.Video, m *catalog.Media) {
	t := e.T
	t.Helper()
	master := string(e.object(catalog.HLSKey(v.UUID, m.Playlist.Filename)))
	sums, err := hls.ParseSegments(e.object(catalog.HLSKey(v.UUID, m.Playlist.SegmentsFilename)))
	if err != nil {
		t.Fatal(err)
	}
	if len(sums) != len(m.HLS) || strings.Count(master, "#EXT-X-STREAM-INF") != len(m.HLS) {
		t.Errorf("%d files, %d with hashes, master %s", len(m.HLS), len(sums), master)
	}
	at := -1
	for i, f := range slices.Backward(m.HLS) { // the smallest first
		entry := "\n" + f.PlaylistName + "\n"
		if next := strings.Index(master, entry); next <= at {
			t.Errorf("%s is not at its place in %s", f.PlaylistName, master)
		} else {
			at = next
		}
		if f.HasVideo && !strings.Contains(master, fmt.Sprintf("RESOLUTION=%dx%d,FRAME-RATE=%d,CODECS=\"avc1.", f.Width, f.Height, f.FPS)) {
			t.Errorf("no entry for %+v in %s", f, master)
		}
		list, err := hls.ParseMedia(e.object(catalog.HLSKey(v.UUID, f.PlaylistName)))
		if err != nil || list.File != f.Filename {
			t.Fatalf("media playlist: %+v, %v", list, err)
		}
		data := e.object(catalog.FileKey(v, &f))
		got := sums[len(m.HLS)-1-i]
		if got.Name != f.Filename || len(got.Sums) != len(list.Segments) {
			t.Fatalf("hashes of %s: %+v", f.Filename, got)
		}
		for k, s := range list.Segments {
			sum := sha256.Sum256(data[s.Offset : s.Offset+s.Length])
			if got.Sums[k].Range != s.String() || got.Sums[k].SHA != hex.EncodeToString(sum[:]) {
				t.Errorf("segment %s of %s has another hash", s, f.Filename)
			}
		}
		last := list.Segments[len(list.Segments)-1]
		if end := last.Offset + last.Length; end > f.Size {
			t.Errorf("the playlist goes to %d, the file to %d", end, f.Size)
		}
	}
	swarm := sha1.Sum([]byte("2" + e.Catalog.URLs().Master(v, m.Playlist) + "+V0"))
	if ok, err := e.Catalog.KnownInfohash(t.Context(), hex.EncodeToString(swarm[:])); err != nil || !ok && v.Privacy == catalog.Public {
		t.Errorf("the tracker does not know the swarm: %v", err)
	}
	var hashes []string
	if err := e.DB.Read(t.Context()).Model(&catalog.Infohash{}).Where("video_id = ?", v.ID).Order("hash").Pluck("hash", &hashes).Error; err != nil {
		t.Fatal(err)
	}
	if n := len(m.Files) + len(m.HLS) + 4*len(m.HLS); len(hashes) < n && v.Privacy == catalog.Public { // four generations of players
		t.Errorf("%d info hashes, want at least %d", len(hashes), n)
	}
}
