package upload

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Values of [Options] that are not set.
const (
	DefaultExpireAfter = time.Hour
	DefaultReserve     = 1 << 30 // REL-16
	defaultStall       = time.Minute
)

// maxOpen bounds the unfinished uploads of one user.
const maxOpen = 100

// cleanEvery is how often expired uploads are looked for.
const cleanEvery = 5 * time.Minute

// Options are what [New] needs. What has a default says so.
type Options struct {
	DB       *db.DB
	Catalog  *catalog.Service
	Channels *channel.Service
	Store    storage.Store
	Tool     *ffmpeg.Tool

	// Dir is the folder of the parts. On the file system of Store, no file is
	// copied. It is made when it is not there.
	Dir         string
	Transcoding func() config.Transcoding
	Defaults    func() config.DefaultsPublish
	MaxFileSize config.Size // upload.max_file_size; zero or less is no limit

	// Replace tells whether files of videos may be replaced
	// (video_file.update.enabled); nil: they may not.
	Replace func() bool

	ExpireAfter time.Duration // without activity; an hour when zero
	Reserve     int64         // bytes that stay free on the disk; 1 GiB when zero, none when negative
	Stall       time.Duration // how long a client may send nothing; a minute when zero
	// Free is how many bytes the file system of Dir has free; asked of the
	// system when nil.
	Free   func() (int64, error)
	Logger *slog.Logger
}

// Upload takes uploads. It is safe for concurrent use.
type Upload struct {
	o    Options
	log  *slog.Logger
	root *os.Root // Dir

	finishers chan struct{} // bounds the files that are examined at once

	mu    sync.Mutex
	works map[string]*work // by id of the upload, guarded by mu
}

// New returns an Upload. Close releases its folder.
func New(o Options) (*Upload, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("folder of uploads: %w", err)
	}
	o.Dir = dir
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("folder of uploads: %w", err)
	}
	root, err := os.OpenRoot(dir) // SEC-56
	if err != nil {
		return nil, fmt.Errorf("folder of uploads: %w", err)
	}
	if o.ExpireAfter <= 0 {
		o.ExpireAfter = DefaultExpireAfter
	}
	switch {
	case o.Reserve == 0:
		o.Reserve = DefaultReserve
	case o.Reserve < 0:
		o.Reserve = 0
	}
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	if o.Free == nil {
		o.Free = func() (int64, error) { return freeBytes(dir) }
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Upload{
		o: o, log: o.Logger, root: root, works: map[string]*work{},
		finishers: make(chan struct{}, max(2, runtime.NumCPU())),
	}, nil
}

// Close releases the folder of the parts.
func (u *Upload) Close() error { return u.root.Close() }

const (
	legacyPath    = "/videos/upload"
	resumablePath = "/videos/upload-resumable"
)

// Routes registers the endpoints.
func (u *Upload) Routes(r *rest.Router) {
	r.API.POST(legacyPath, rest.SignedIn, u.legacy)
	r.API.POST(resumablePath, rest.SignedIn, u.open)
	r.API.PUT(resumablePath, rest.SignedIn, u.put)
	r.API.DELETE(resumablePath, rest.SignedIn, u.abort)
	r.API.POST(replacePath, rest.Owner, u.openReplace)
	r.API.PUT(replacePath, rest.Owner, u.putReplace)
	r.API.DELETE(replacePath, rest.Owner, u.abortReplace)
}

// CleanArgs removes uploads that nobody goes on with.
type CleanArgs struct{}

// Kind implements jobs.Args.
func (CleanArgs) Kind() string { return "video.upload-clean" }

// Jobs are the job handlers of the package.
func (u *Upload) Jobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Handle(func(ctx context.Context, _ CleanArgs) error { return u.Clean(ctx) }, jobs.Keep(time.Hour)),
	}
}

// Periodic are the periodic jobs of the package.
func (u *Upload) Periodic() []jobs.Periodic {
	return []jobs.Periodic{{Name: "video.upload-clean", Every: cleanEvery, Args: CleanArgs{}}}
}

// errBusy says that someone else works on the upload and cannot be interrupted.
var errBusy = errors.New("upload is being worked on")

const (
	// takeOver is how long a request waits for the one it takes over from.
	takeOver = 10 * time.Second
	// takeOverIdle is how long the other must have received nothing by then: a
	// request that is delivered late must not disturb the one that works.
	takeOverIdle  = time.Second
	takeOverPause = 50 * time.Millisecond
)

// work is what a request does with an upload. A client that comes back after a
// broken connection is often faster than the server's notice of the break, so a
// new request interrupts the one that waits for bytes in vain.
type work struct {
	interrupt func()        // when it is idle; nil: cannot be interrupted
	done      chan struct{} // closed at its end
}

// claim makes the caller the only one in this process who works on an upload;
// release ends that. interrupt may be called from other goroutines, also
// after that. The error is errBusy when that is not to be had.
func (u *Upload) claim(ctx context.Context, id string, interrupt func()) (w *work, release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, takeOver)
	defer cancel()
	for {
		u.mu.Lock()
		other := u.works[id]
		if other == nil {
			w := &work{interrupt: interrupt, done: make(chan struct{})}
			u.works[id] = w
			u.mu.Unlock()
			return w, func() { u.release(id, w) }, nil
		}
		stop := other.interrupt
		u.mu.Unlock()
		if stop == nil {
			return nil, nil, errBusy
		}
		stop()
		select {
		case <-other.done:
		case <-time.After(takeOverPause):
		case <-ctx.Done():
			return nil, nil, errBusy
		}
	}
}

func (u *Upload) release(id string, w *work) {
	u.mu.Lock()
	delete(u.works, id)
	u.mu.Unlock()
	close(w.done)
}

// hold keeps others from interrupting w from now on.
func (u *Upload) hold(w *work) {
	u.mu.Lock()
	w.interrupt = nil
	u.mu.Unlock()
}
