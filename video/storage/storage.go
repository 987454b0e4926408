package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// Errors of every [Store].
var (
	// ErrNotFound: there is no object under the key.
	ErrNotFound = errors.New("object not found")
	// ErrKey: the key is not one that a store accepts, or leads to something
	// that is no object.
	ErrKey = errors.New("invalid object key")
	// ErrFull: there is no room. Nothing of the object was kept (REL-16).
	ErrFull = errors.New("storage is full")
)

// Object is what is known of a stored object.
type Object struct {
	Key     string
	Size    int64
	ModTime time.Time
}

// Store keeps objects. All methods may be called at once, also for the same
// key; the last Put or PutFile that returns decides. They end early with the
// error of ctx. Other errors are ErrKey, ErrNotFound, ErrFull or the medium's.
type Store interface {
	// Put stores all of r and returns how many bytes that were. When r or the
	// medium fails, the object that was there before is still there.
	Put(ctx context.Context, key string, r io.Reader) (size int64, err error)

	// PutFile stores the local file at path, an absolute path that the caller
	// made, and takes it away from there: by a rename where that is possible,
	// so that large files are not copied. When it fails the file is still
	// there, and the object as it was before.
	PutFile(ctx context.Context, key, path string) error

	// Open returns the bytes of an object. The caller closes it. What Open
	// returns offers io.Seeker for ranges; reading it does not load the whole.
	Open(ctx context.Context, key string) (io.ReadSeekCloser, error)

	// Stat returns size and time of an object.
	Stat(ctx context.Context, key string) (Object, error)

	// Delete removes an object. An absent one is no error.
	Delete(ctx context.Context, key string) error

	// Walk calls fn for every object whose key begins with the folder prefix
	// ("" is all), folder by folder, each in the order of its names. An error of fn ends it and is
	// returned. Objects that come or go meanwhile may or may not be told.
	Walk(ctx context.Context, prefix string, fn func(Object) error) error

	// URL is the address of an object for clients. public means that anybody
	// who has it may fetch it there, so the server need not hand out the bytes;
	// u is empty when the store has no address of its own.
	URL(key string) (u string, public bool)
}

// maxKey bounds a key, maxName a name in it; the second is what file systems
// allow.
const (
	maxKey  = 1024
	maxName = 255
)

// CheckKey returns ErrKey unless key is relative, clean, of printable ASCII,
// without hidden names and without characters that mean something to a shell, a
// URL or another file system.
func CheckKey(key string) error {
	if key == "." || len(key) > maxKey || !fs.ValidPath(key) {
		return fmt.Errorf("%w: %.80q", ErrKey, key)
	}
	for name := range strings.SplitSeq(key, "/") {
		if len(name) > maxName || name[0] == '.' || strings.HasSuffix(name, ".") {
			return fmt.Errorf("%w: %.80q", ErrKey, key)
		}
	}
	for i := range len(key) {
		switch c := key[i]; {
		case c <= ' ', c >= 0x7f, strings.IndexByte(`\:*?"<>|%~`, c) >= 0:
			return fmt.Errorf("%w: %.80q", ErrKey, key)
		}
	}
	return nil
}
