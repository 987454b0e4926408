package upload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kinemesh/kinemesh/video/ffmpeg"
)

const (
	// syncEvery is how much is received before it is made durable, so that a long
	// chunk which breaks off is not lost.
	syncEvery = 8 << 20
	// copyBuffer is how much of an upload is in memory.
	copyBuffer = 128 << 10
	// sniffable is how many bytes tell the container.
	sniffable = 4096
	// lockTries and lockPause: how long another process is waited for.
	lockTries = 20
	lockPause = 100 * time.Millisecond
	// linkSuffix names the second name of a part that storage takes over.
	linkSuffix = ".src"
	// framesPrefix begins the names of folders for pictures in the making.
	framesPrefix = "frames-"
)

// part is the file of an upload, locked for this request.
type part struct {
	*os.File
	size int64
}

// openPart opens or makes the file of an upload and locks it; errBusy when
// another process has it.
func (u *Upload) openPart(ctx context.Context, id string) (*part, error) {
	f, err := u.root.OpenFile(id, os.O_RDWR, 0o640)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = u.root.OpenFile(id, os.O_RDWR|os.O_CREATE, 0o640); err == nil {
			err = u.syncDir()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open part: %w", err)
	}
	if err := waitLock(ctx, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	fi, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open part: %w", err), f.Close())
	}
	return &part{f, fi.Size()}, nil
}

func waitLock(ctx context.Context, f *os.File) error {
	for try := 0; ; try++ {
		ok, err := lock(f)
		if ok || err != nil {
			return err
		}
		if try == lockTries {
			return errBusy
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return errBusy
		}
	}
}

// syncDir makes new names durable.
func (u *Upload) syncDir() error {
	d, err := u.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// path is the absolute path of a file in the folder.
func (u *Upload) path(name string) string { return filepath.Join(u.o.Dir, name) }

// removePart deletes the file of an upload and its second name.
func (u *Upload) removePart(id string) error {
	for _, name := range []string{id + linkSuffix, id} {
		if err := u.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove part: %w", err)
		}
	}
	return nil
}

// linkPart gives a complete part a second name, for storage to move away: the
// first stays until the video is written. Where there are no links, it is a
// copy.
func (u *Upload) linkPart(id string) (string, error) {
	name := id + linkSuffix
	if err := u.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("link part: %w", err)
	}
	if err := u.root.Link(id, name); err == nil {
		return u.path(name), nil
	}
	from, err := u.root.Open(id)
	if err != nil {
		return "", fmt.Errorf("copy part: %w", err)
	}
	defer from.Close() //nolint:errcheck // only read
	to, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return "", fmt.Errorf("copy part: %w", err)
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("copy part: %w", err), u.root.Remove(name))
	}
	return u.path(name), nil
}

// sniff refuses a part whose first bytes are those of no media file (SEC-57).
func (p *part) sniff() error {
	_, err := ffmpeg.Sniff(io.NewSectionReader(p, 0, sniffable))
	return err
}

// body reads a request with a limit on silence, until it is interrupted.
type body struct {
	r     io.Reader
	rc    *http.ResponseController
	stall time.Duration
	ended atomic.Bool
	last  atomic.Int64 // when bytes came, nanoseconds

	mu     sync.Mutex
	closed bool // the request is over, guarded by mu
}

var errInterrupted = errors.New("another request goes on with this upload")

func newBody(w http.ResponseWriter, r *http.Request, stall time.Duration) *body {
	b := &body{r: r.Body, rc: http.NewResponseController(w), stall: stall}
	b.last.Store(time.Now().UnixNano())
	_ = b.rc.SetWriteDeadline(time.Time{}) // the answer comes after the examination
	return b
}

// Read implements io.Reader. Where the connection knows no deadlines there is
// no limit on silence either.
func (b *body) Read(p []byte) (int, error) {
	_ = b.rc.SetReadDeadline(time.Now().Add(b.stall))
	if b.ended.Load() {
		return 0, errInterrupted
	}
	n, err := b.r.Read(p)
	if n > 0 {
		b.last.Store(time.Now().UnixNano())
	}
	if err != nil && b.ended.Load() {
		err = errInterrupted
	}
	return n, err
}

// interrupt ends a Read that has waited for takeOverIdle, and those to come.
// Other requests call it, also when this one is over, whose connection may then
// be another's.
func (b *body) interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || time.Since(time.Unix(0, b.last.Load())) < takeOverIdle {
		return
	}
	b.ended.Store(true)
	_ = b.rc.SetReadDeadline(time.Unix(1, 0))
}

// close keeps interrupt from reaching the connection any more.
func (b *body) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
}

// finished takes the limit off: the rest of the request needs no more bytes.
func (b *body) finished() {
	if !b.ended.Load() {
		_ = b.rc.SetReadDeadline(time.Time{})
	}
}

// readError is an error of the client's side of a copy.
type readError struct{ err error }

func (e readError) Error() string { return "receive: " + e.err.Error() }
func (e readError) Unwrap() error { return e.err }

// copyTo writes exactly n bytes of r at offset, calls each with what is written
// after every syncEvery bytes, and tells how many bytes were written. sum and
// each may be nil. An error of r, io.EOF too, comes as a readError.
func (p *part) copyTo(r io.Reader, offset, n int64, sum io.Writer, each func(written int64) error) (int64, error) {
	buf := make([]byte, copyBuffer)
	var written, told int64
	for written < n {
		k, err := r.Read(buf[:min(int64(len(buf)), n-written)])
		if k > 0 {
			if _, err := p.WriteAt(buf[:k], offset+written); err != nil {
				return written, fmt.Errorf("write part: %w", err)
			}
			if sum != nil {
				_, _ = sum.Write(buf[:k]) // a hash never fails
			}
			written += int64(k)
		}
		if each != nil && written-told >= syncEvery && written < n {
			if err := each(written); err != nil {
				return written, err
			}
			told = written
		}
		if err != nil && written < n {
			return written, readError{err}
		}
	}
	return written, nil
}
