package transcode

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/video/torrent"
)

// attempts of a transcoding job; what a file does to ffmpeg once it does again.
const attempts = 3

// Options are what [New] needs.
type Options struct {
	DB       *db.DB
	Catalog  *catalog.Service
	Store    storage.Store
	Executor Executor
	// Dir is the scratch folder. On the file system of Store, no file is copied.
	Dir    string
	MaxFPS func() int // transcoding.fps.max
	// CopyOnly takes streams over as they are: transcoding.enabled is off, and
	// the upload let only files in that play.
	CopyOnly func() bool
	// Plan decides which renditions of a kind are made of a file.
	Plan func(info *ffmpeg.Info, kind string) ([]catalog.Rendition, error)
	// AllowList hears of new info hashes; nil when no tracker runs here.
	AllowList *torrent.AllowList
	Logger    *slog.Logger
}

// Service makes the files of videos. It is safe for concurrent use.
type Service struct {
	o   Options
	log *slog.Logger
}

// New returns a service, makes its scratch folder and removes what dead
// processes left there.
func New(o Options) (*Service, error) {
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("transcode: scratch folder: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Service{o: o, log: o.Logger}
	return s, s.clean()
}

// Jobs are the job handlers of the package.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Handle(s.transcode, jobs.InQueue("media"), jobs.As("video-transcoding"), jobs.Attempts(attempts), jobs.Timeout(0)),
		jobs.Handle(s.torrents, jobs.Timeout(time.Hour)),
	}
}

// transcode works on one rendition.
func (s *Service) transcode(ctx context.Context, a catalog.TranscodeArgs) error {
	w, err := s.load(ctx, a)
	if err != nil || w == nil {
		return err
	}
	err = s.make(ctx, w)
	if err == nil {
		return nil
	}
	if errors.Is(err, errWebOpen) {
		return s.o.DB.Tx(ctx, func(tx *db.Tx) error { return awaitWeb(ctx, tx, w.rendition) })
	}
	wait, err := s.judge(ctx, w, err)
	if err != nil || wait == 0 {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error { return again(ctx, tx, w.rendition, wait) })
}

// again has r worked on after wait, without using up an attempt.
func again(ctx context.Context, tx *db.Tx, r *catalog.Rendition, wait time.Duration) error {
	args := catalog.TranscodeArgs{VideoID: r.VideoID, RenditionID: r.ID}
	err := jobs.Insert(tx, args, jobs.Unique(fmt.Sprint(r.ID)), jobs.RunAt(db.Now().Add(wait)))
	return errors.Join(err, jobs.Done(ctx, tx))
}

// webWait is how long HLS waits before it looks again whether the web file of
// its resolution is there: copying that costs nothing, encoding twice does.
const webWait = 10 * time.Second

// awaitWeb has r worked on when the web file of its resolution is there, and at
// once if that came while we looked: who made it saw no job to wake.
func awaitWeb(ctx context.Context, tx *db.Tx, r *catalog.Rendition) error {
	if _, err := catalog.Lock(tx, r.VideoID); err != nil { // finish holds it, too
		return err
	}
	open, err := webOpen(tx.DB, r)
	if err != nil {
		return err
	}
	if !open {
		return again(ctx, tx, r, 0)
	}
	return again(ctx, tx, r, webWait)
}

// work is one rendition to make.
type work struct {
	rendition *catalog.Rendition
	video     *catalog.Video
	media     *catalog.Media
}

// load returns nil when there is nothing to do.
func (s *Service) load(ctx context.Context, a catalog.TranscodeArgs) (*work, error) {
	r, err := catalog.LoadRendition(s.o.DB.Read(ctx), a.RenditionID)
	if errors.Is(err, catalog.ErrNotFound) { // deleted with its video
		return nil, nil
	}
	if err != nil || r.State == catalog.RenditionDone {
		return nil, err
	}
	v, err := s.o.Catalog.ByID(ctx, r.VideoID)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := s.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	return &work{rendition: r, video: v, media: m}, nil
}

// make makes the rendition; errWebOpen when it is too early for that.
func (s *Service) make(ctx context.Context, w *work) error {
	tmp, err := s.newScratch()
	if err != nil {
		return err
	}
	defer tmp.Close() //nolint:errcheck // the next start removes it
	in, err := s.input(ctx, w, tmp.dir)
	if err != nil {
		return err
	}
	start := time.Now()
	made, err := s.encode(ctx, w, in, tmp.dir)
	if err != nil {
		return err
	}
	if err := s.publish(ctx, w, made); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "rendition made", "video", w.video.UUID, "kind", w.rendition.Kind, "resolution", made.file.Resolution,
		"copied", in.plan.Copies(), "size", made.file.Size, "took", time.Since(start).Round(time.Millisecond))
	return nil
}
