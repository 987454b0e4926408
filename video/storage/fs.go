package storage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	dirMode  = 0o750
	fileMode = 0o640
	// scratch is where objects are written before they get their key. No key
	// begins with a dot, so nothing in it can be asked for.
	scratch = ".tmp"
	// stale is how long something there may lie untouched.
	stale = 24 * time.Hour
	// copyBuffer is how much is copied between two looks at the context.
	copyBuffer = 256 << 10
)

// FS is a Store in a folder.
type FS struct {
	root    *os.Root
	dir     string // absolute
	reserve uint64
}

var _ Store = (*FS)(nil)

// OpenFS opens the store in dir and makes the folder when it is not there.
// Objects are refused with ErrFull while less than reserve bytes are free.
// Several processes may have the same folder open. Parts that a former process
// left behind are removed after a day.
func OpenFS(dir string, reserve uint64) (*FS, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	root, err := os.OpenRoot(dir) // SEC-56
	if err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	s := &FS{root: root, dir: dir, reserve: reserve}
	if err := s.clean(time.Now()); err != nil {
		return nil, errors.Join(fmt.Errorf("open storage: %w", err), root.Close())
	}
	return s, nil
}

// clean removes what in the scratch folder nobody has written to for long:
// several processes may share a store, so what is young may be in use.
func (s *FS) clean(now time.Time) error {
	if err := s.root.MkdirAll(scratch, dirMode); err != nil {
		return err
	}
	newest := map[string]time.Time{} // of everything below each entry
	err := fs.WalkDir(s.root.FS(), scratch, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || name == scratch {
			return nil
		}
		if err != nil {
			return err
		}
		entry, _, _ := strings.Cut(strings.TrimPrefix(name, scratch+"/"), "/")
		fi, err := d.Info()
		if err == nil && fi.ModTime().After(newest[entry]) {
			newest[entry] = fi.ModTime()
		}
		return nil
	})
	for entry, t := range newest {
		if now.Sub(t) > stale {
			err = errors.Join(err, s.root.RemoveAll(path.Join(scratch, entry)))
		}
	}
	return err
}

// Close releases the folder. Objects that are open stay readable.
func (s *FS) Close() error { return s.root.Close() }

// Free is how many bytes can still be stored, the reserve left out.
func (s *FS) Free() (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &st); err != nil {
		return 0, fmt.Errorf("free space: %w", err)
	}
	free := st.Bavail * uint64(st.Bsize) //nolint:gosec // a block size is positive; the types differ between systems
	return free - min(free, s.reserve), nil
}

// In tells whether dir is the folder of the store.
func (s *FS) In(dir string) bool {
	mine, err := os.Stat(s.dir)
	if err != nil {
		return false
	}
	theirs, err := os.Stat(dir)
	return err == nil && os.SameFile(mine, theirs)
}

// Scratch is a folder on the same file system for work in progress; PutFile
// moves a file from there without copying. Who makes a folder in it removes it;
// what is left behind goes after a day.
func (s *FS) Scratch() string { return filepath.Join(s.dir, scratch) }

// Path is where the object lies, for tools that read files by name. It says
// nothing about whether there is one.
func (s *FS) Path(key string) (string, error) {
	if err := s.check(key); err != nil {
		return "", err
	}
	return filepath.Join(s.dir, filepath.FromSlash(key)), nil
}

// URL says that the server itself hands the bytes out.
func (s *FS) URL(string) (string, bool) { return "", false }

// Put implements Store.
func (s *FS) Put(ctx context.Context, key string, r io.Reader) (int64, error) {
	if err := s.room(key); err != nil {
		return 0, err
	}
	part := path.Join(scratch, rand.Text())
	n, err := s.write(ctx, part, r)
	if err == nil {
		err = s.publish(part, key)
	}
	if err != nil {
		return 0, s.failed(part, key, err)
	}
	return n, nil
}

// PutFile implements Store.
func (s *FS) PutFile(ctx context.Context, key, file string) error {
	if err := s.check(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if fi, err := os.Lstat(file); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	} else if !fi.Mode().IsRegular() {
		return fmt.Errorf("store %s: %w: source is no file", key, ErrKey)
	}
	part := path.Join(scratch, rand.Text())
	err := s.adopt(file, part)
	if errors.Is(err, syscall.EXDEV) { // another file system
		return s.copyFile(ctx, key, file)
	}
	if err == nil {
		if err = s.publish(part, key); err != nil { // give it back
			err = errors.Join(err, os.Rename(filepath.Join(s.dir, part), file))
		}
	}
	if err != nil {
		return s.failed(part, key, err)
	}
	return nil
}

// adopt brings a finished file to the disk and under a name of ours.
func (s *FS) adopt(file, part string) error {
	f, err := os.Open(file) //nolint:gosec // a path that the server made
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(file, filepath.Join(s.dir, part)) // part is ours entirely
}

func (s *FS) copyFile(ctx context.Context, key, file string) error {
	f, err := os.Open(file) //nolint:gosec // a path that the server made
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	defer f.Close() //nolint:errcheck // only read
	if _, err := s.Put(ctx, key, f); err != nil {
		return err
	}
	return os.Remove(file)
}

// write makes a part with all of r on the disk.
func (s *FS) write(ctx context.Context, part string, r io.Reader) (int64, error) {
	f, err := s.root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return 0, err
	}
	n, err := io.CopyBuffer(onlyWriter{f}, &contextReader{ctx, r}, make([]byte, copyBuffer))
	if err == nil {
		err = f.Sync()
	}
	return n, errors.Join(err, f.Close())
}

// publish gives a part its key. Deleting the last object of a folder removes
// the folder, so one that was there may be gone at the rename.
func (s *FS) publish(part, key string) error {
	dir := path.Dir(key)
	for try := 0; ; try++ {
		err := s.root.MkdirAll(dir, dirMode)
		if err == nil {
			err = s.root.Rename(part, key)
		}
		if err == nil {
			break
		}
		// Another caller made or removed the folder meanwhile; a file in its place stays.
		if (!errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist)) || try == 10 {
			return err
		}
	}
	for ; ; dir = path.Dir(dir) { // the names, too, must survive a power cut
		if err := s.sync(dir); err != nil {
			return err
		}
		if dir == "." {
			return nil
		}
	}
}

func (s *FS) sync(dir string) error {
	f, err := s.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) { // deleted meanwhile, by someone else
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// failed drops a part and gives err the store's words.
func (s *FS) failed(part, key string, err error) error {
	_ = s.root.Remove(part)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		err = fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, fs.ErrExist):
		err = fmt.Errorf("%w: %w", ErrKey, err)
	}
	return fmt.Errorf("store %s: %w", key, err)
}

// Open implements Store. What it returns is an *os.File.
func (s *FS) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	// A link put there after the look-up would be followed by Open, and an
	// object put there anew is another file: only the same one is handed out.
	for range 10 {
		fi, err := s.lookup(key)
		if err != nil {
			return nil, err
		}
		f, err := s.root.Open(key)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, missing(key, err)
		}
		if now, err := f.Stat(); err == nil && os.SameFile(fi, now) {
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %s changes all the time", ErrNotFound, key)
}

// Stat implements Store.
func (s *FS) Stat(ctx context.Context, key string) (Object, error) {
	if err := ctx.Err(); err != nil {
		return Object{}, err
	}
	fi, err := s.lookup(key)
	if err != nil {
		return Object{}, err
	}
	return Object{Key: key, Size: fi.Size(), ModTime: fi.ModTime()}, nil
}

// lookup finds the regular file under a key without following links.
func (s *FS) lookup(key string) (fs.FileInfo, error) {
	if err := s.check(key); err != nil {
		return nil, err
	}
	fi, err := s.root.Lstat(key)
	if err != nil {
		return nil, missing(key, err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return fi, nil
}

// check refuses bad keys and keys that pass through a symbolic link.
func (s *FS) check(key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	for i, c := range key {
		if c != '/' {
			continue
		}
		fi, err := s.root.Lstat(key[:i])
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing below it either
		}
		if err != nil {
			return missing(key, err)
		}
		if !fi.IsDir() {
			return fmt.Errorf("%w: %s is no folder", ErrKey, key[:i])
		}
	}
	return nil
}

func (s *FS) room(key string) error {
	if err := s.check(key); err != nil {
		return err
	}
	if s.reserve == 0 {
		return nil
	}
	free, err := s.Free()
	if err != nil {
		return err
	}
	if free == 0 {
		return fmt.Errorf("store %s: %w: less than the reserve of %d bytes is free", key, ErrFull, s.reserve)
	}
	return nil
}

// Delete implements Store. Folders that it leaves empty go, too.
func (s *FS) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := s.lookup(key); errors.Is(err, ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if err := s.root.Remove(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil { // not empty
			return s.sync(dir)
		}
	}
	return s.sync(".")
}

// Walk implements Store.
func (s *FS) Walk(ctx context.Context, prefix string, fn func(Object) error) error {
	prefix = strings.TrimSuffix(prefix, "/")
	start := prefix
	if prefix == "" {
		start = "."
	} else if err := s.check(prefix); err != nil {
		return err
	}
	return fs.WalkDir(s.root.FS(), start, func(key string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist): // nothing there, or deleted meanwhile
			return nil
		case err != nil:
			return err
		case d.IsDir() && key == scratch:
			return fs.SkipDir
		case !d.Type().IsRegular() || !validKey(key):
			return nil
		}
		fi, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return fn(Object{Key: key, Size: fi.Size(), ModTime: fi.ModTime()})
	})
}

func validKey(key string) bool { return CheckKey(key) == nil }

// missing gives an error of a look-up the store's words.
func missing(key string, err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return fmt.Errorf("look up %s: %w", key, err)
}

// contextReader ends with the error of its context.
type contextReader struct {
	ctx context.Context //nolint:containedctx // lives as long as one call
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// onlyWriter hides the file's own copying, which would not ask the context.
type onlyWriter struct{ io.Writer }
