package transcode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/hls"
	"github.com/kinemesh/kinemesh/video/torrent"
)

// progressEvery bounds how often the progress of a rendition is written.
const progressEvery = 2 * time.Second

// undoTime bounds the clean-up after a failure, also while the server stops.
const undoTime = 10 * time.Second

// made is an encoded rendition.
type made struct {
	path     string // of the media file
	playlist string // path of the media playlist; HLS only
	file     catalog.File
	pieces   torrent.Pieces
	segments hls.File // HLS only
}

// encode runs the executor and examines what came out.
func (s *Service) encode(ctx context.Context, w *work, in *input, dir string) (*made, error) {
	id := uuid.NewString()
	res := in.plan.Resolution
	if in.still != "" {
		res = catalog.PreviewHeight
	}
	p := Profile{
		Kind: w.rendition.Kind, Info: in.info, Rendition: in.plan, Still: in.still, Dir: filepath.Join(dir, "out"),
		File: fmt.Sprintf("%s-%d.mp4", id, res), Progress: s.progress(ctx, w.rendition.ID),
	}
	if p.Kind == catalog.KindHLS {
		p.File = fmt.Sprintf("%s-%d-fragmented.mp4", id, res)
		p.Playlist = fmt.Sprintf("%s-%d.m3u8", id, res)
	}
	if err := os.Mkdir(p.Dir, 0o700); err != nil {
		return nil, err
	}
	out, err := s.o.Executor.Encode(ctx, in.path, p)
	if err != nil {
		return nil, err
	}
	info, err := s.o.Executor.Probe(ctx, out)
	if err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	m := &made{path: out, file: catalog.File{
		Resolution: info.Resolution(), FPS: info.FPS(), Size: info.Size, Extname: ".mp4",
		HasAudio: info.Audio != nil, HasVideo: info.Video != nil, Filename: p.File, PlaylistName: p.Playlist,
		Metadata: string(info.Raw), TorrentFilename: fmt.Sprintf("%s-%d.torrent", id, info.Resolution()),
	}}
	if info.Video != nil {
		m.file.Width, m.file.Height = info.Video.Width, info.Video.Height
	}
	if p.Playlist != "" {
		m.playlist = filepath.Join(p.Dir, p.Playlist)
		m.file.TorrentFilename = fmt.Sprintf("%s-%d-hls.torrent", id, info.Resolution())
	}
	return m, m.hash()
}

// progress writes how far a rendition is, to the job and for its owner.
func (s *Service) progress(ctx context.Context, renditionID int64) func(float64) {
	var mu sync.Mutex
	var last time.Time
	return func(percent float64) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) < progressEvery {
			return
		}
		last = time.Now()
		jobs.Progress(ctx, int(percent))
		err := s.o.DB.Tx(ctx, func(tx *db.Tx) error { return s.o.Catalog.SetProgress(tx, renditionID, int(percent)) })
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "progress not written", "rendition", renditionID, "error", err)
		}
	}
}

// hash reads the file once for its torrent and, for HLS, its segments.
func (m *made) hash() error {
	f, err := os.Open(m.path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	pieces := torrent.NewHasher(m.file.Size)
	r := io.TeeReader(f, pieces)
	if m.playlist != "" {
		list, err := os.ReadFile(m.playlist)
		if err != nil {
			return err
		}
		media, err := hls.ParseMedia(list)
		if err != nil {
			return err
		}
		if m.segments, err = hls.HashSegments(media, r); err != nil {
			return err
		}
	}
	if _, err := io.CopyBuffer(io.Discard, onlyReader{r}, make([]byte, 256<<10)); err != nil {
		return err
	}
	m.pieces = pieces.Finish()
	return nil
}

// onlyReader keeps io.Copy from reading past the hasher.
type onlyReader struct{ io.Reader }

// publish stores the files and writes the rows.
func (s *Service) publish(ctx context.Context, w *work, m *made) error {
	put := &stored{s: s, video: w.video}
	err := s.store(ctx, put, w, m)
	if err == nil && w.rendition.Kind == catalog.KindHLS {
		err = s.publishHLS(ctx, put, w, m)
	} else if err == nil {
		err = s.o.DB.Tx(ctx, func(tx *db.Tx) error { return s.finish(ctx, tx, w, m) })
	}
	if err != nil {
		put.undo(ctx)
		return err
	}
	if s.o.AllowList != nil {
		s.o.AllowList.Forget()
	}
	return nil
}

// store puts the media file, its playlist and its torrent under new keys.
func (s *Service) store(ctx context.Context, put *stored, w *work, m *made) error {
	v := w.video
	f := m.file
	if w.rendition.Kind == catalog.KindHLS {
		f.PlaylistID = new(int64) // it is of a playlist, which has no row yet
		if err := put.file(ctx, catalog.HLSKey(v.UUID, f.PlaylistName), m.playlist); err != nil {
			return err
		}
	}
	if err := put.file(ctx, catalog.FileKey(v, &f), m.path); err != nil {
		return err
	}
	data, hash, err := s.metainfo(v, &f, m.pieces).Marshal()
	if err != nil {
		return err
	}
	m.file.InfoHash = hash
	return put.bytes(ctx, catalog.TorrentKey(f.TorrentFilename), data)
}

// metainfo is the torrent of a file: its name and addresses are the video's of
// this moment.
func (s *Service) metainfo(v *catalog.Video, f *catalog.File, p torrent.Pieces) torrent.Metainfo {
	urls := s.o.Catalog.URLs()
	trackers := slices.Clone(urls.Trackers())
	slices.Reverse(trackers) // sockets first, as PeerTube does
	t := torrent.Metainfo{
		Pieces: p, Name: torrent.InfoName(v.Name, f.Resolution, f.Extname), Trackers: trackers, Created: db.Now(),
	}
	if !isPrivate(v) {
		t.WebSeeds = []string{urls.File(v, f)}
	}
	return t
}

func isPrivate(v *catalog.Video) bool {
	return v.Privacy != catalog.Public && v.Privacy != catalog.Unlisted
}

// finish writes the rows of the rendition. For HLS the playlist's row is there.
func (s *Service) finish(ctx context.Context, tx *db.Tx, w *work, m *made) error {
	v, err := catalog.Lock(tx, w.video.ID)
	if err != nil {
		return err
	}
	r, err := catalog.LoadRendition(tx.DB, w.rendition.ID)
	if err != nil {
		return err
	}
	if r.State == catalog.RenditionDone { // a second run of the same job was quicker
		return errDone
	}
	if err := s.o.Catalog.AddFile(tx, v, &m.file); err != nil {
		return err
	}
	if v.Name != w.video.Name || isPrivate(v) != isPrivate(w.video) { // changed while we worked
		if err := jobs.Insert(tx, catalog.TorrentArgs{VideoID: v.ID}, jobs.Unique(strconv.FormatInt(v.ID, 10))); err != nil {
			return err
		}
	}
	if err := s.setSwarms(tx, v); err != nil {
		return err
	}
	if r.Kind == catalog.KindWeb {
		if err := wake(tx, r); err != nil {
			return err
		}
	}
	if err := s.o.Catalog.FinishRendition(tx, r); err != nil {
		return err
	}
	return jobs.Done(ctx, tx)
}

// wake inserts a job for the HLS rendition that waits for the web file r. Its
// own job comes later and finds nothing to do.
func wake(tx *db.Tx, r *catalog.Rendition) error {
	var hlsIDs []int64
	err := tx.Model(&catalog.Rendition{}).Where("video_id = ? AND kind = ? AND resolution = ? AND state = ?",
		r.VideoID, catalog.KindHLS, r.Resolution, catalog.RenditionQueued).Limit(1).Pluck("id", &hlsIDs).Error
	if err != nil || len(hlsIDs) == 0 {
		return err
	}
	id, args := strconv.FormatInt(hlsIDs[0], 10), catalog.TranscodeArgs{VideoID: r.VideoID, RenditionID: hlsIDs[0]}
	var waiting int64
	err = tx.Model(&jobs.Job{}).Where("kind = ? AND unique_key = ? AND state = ? AND run_at > ?",
		args.Kind(), id, jobs.Waiting, db.Now()).Count(&waiting).Error
	if err != nil || waiting == 0 { // it is not waiting for us
		return err
	}
	return jobs.Insert(tx, args, jobs.Unique("now-"+id))
}

// errDone: there is nothing left to do.
var errDone = errors.New("rendition is done already")

// stored remembers what was put, to take it back when the rows are not written.
type stored struct {
	s     *Service
	video *catalog.Video
	keys  []string
}

func (p *stored) file(ctx context.Context, key, path string) error {
	p.keys = append(p.keys, key)
	return p.s.o.Store.PutFile(ctx, key, path)
}

func (p *stored) bytes(ctx context.Context, key string, data []byte) error {
	p.keys = append(p.keys, key)
	_, err := p.s.o.Store.Put(ctx, key, bytes.NewReader(data))
	return err
}

// undo deletes what was put, but for what a row names: a commit whose answer was
// lost may have happened. What stays is garbage that the checker finds.
func (p *stored) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	m, err := p.s.o.Catalog.Media(ctx, p.video.ID)
	if err != nil {
		p.s.log.WarnContext(ctx, "objects left behind", "keys", p.keys, "error", err)
		return
	}
	named := keysOf(p.video, m)
	for _, key := range p.keys {
		if named[key] {
			continue
		}
		if err := p.s.o.Store.Delete(ctx, key); err != nil {
			p.s.log.WarnContext(ctx, "object left behind", "key", key, "error", err)
		}
	}
	p.keys = nil
}

// keysOf are the objects that a video's rows name.
func keysOf(v *catalog.Video, m *catalog.Media) map[string]bool {
	keys := map[string]bool{}
	if p := m.Playlist; p != nil {
		keys[catalog.HLSKey(v.UUID, p.Filename)] = true
		keys[catalog.HLSKey(v.UUID, p.SegmentsFilename)] = true
	}
	for _, f := range slices.Concat(m.Files, m.HLS) {
		keys[catalog.FileKey(v, &f)] = true
		keys[catalog.HLSKey(v.UUID, f.PlaylistName)] = true
		keys[catalog.TorrentKey(f.TorrentFilename)] = true
	}
	return keys
}

// rendition is what the master playlist says of a stored HLS file.
func rendition(f *catalog.File) (hls.Rendition, error) {
	info, err := ffmpeg.FromRaw([]byte(f.Metadata))
	if err != nil {
		return hls.Rendition{}, fmt.Errorf("metadata of %s: %w", f.Filename, err)
	}
	r := hls.Rendition{
		Resolution: f.Resolution, Width: f.Width, Height: f.Height, Size: f.Size, Duration: info.Duration,
		Codecs: info.Codecs(), Playlist: f.PlaylistName,
	}
	if info.Video != nil {
		r.FPS = float64(f.FPS)
	}
	return r, nil
}
