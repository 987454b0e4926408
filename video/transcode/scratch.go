package transcode

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	scratchPrefix = "transcode-"
	lockName      = ".lock"
	// lockGrace is how long a folder may exist without its lock.
	lockGrace = time.Minute
)

// scratch is a folder for one run. The lock on a file in it goes with the
// process, however that ends, so others know that the folder is left behind.
type scratch struct {
	dir  string
	lock *os.File
}

func (s *Service) newScratch() (*scratch, error) {
	dir, err := os.MkdirTemp(s.o.Dir, scratchPrefix)
	if err != nil {
		return nil, fmt.Errorf("scratch folder: %w", err)
	}
	f, err := lockFile(filepath.Join(dir, lockName), os.O_CREATE)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("scratch folder: %w", err), os.RemoveAll(dir))
	}
	return &scratch{dir, f}, nil
}

// Close removes the folder.
func (s *scratch) Close() error { return errors.Join(os.RemoveAll(s.dir), s.lock.Close()) }

func lockFile(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0o600) //nolint:gosec // a name of ours
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// clean removes the folders of runs whose process is dead.
func (s *Service) clean() error {
	entries, err := os.ReadDir(s.o.Dir)
	if err != nil {
		return fmt.Errorf("scratch folder: %w", err)
	}
	var errs []error
	for _, e := range entries {
		dir := filepath.Join(s.o.Dir, e.Name())
		if !strings.HasPrefix(e.Name(), scratchPrefix) {
			continue
		}
		f, err := lockFile(filepath.Join(dir, lockName), 0)
		switch {
		case err == nil:
			errs = append(errs, (&scratch{dir, f}).Close())
		case errors.Is(err, os.ErrNotExist): // died before it had a lock, or has none yet
			if fi, err := e.Info(); err == nil && time.Since(fi.ModTime()) > lockGrace {
				errs = append(errs, os.RemoveAll(dir))
			}
		}
	}
	return errors.Join(errs...)
}
