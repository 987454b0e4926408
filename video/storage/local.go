package storage

import (
	"context"
	"errors"
	"io"
	"os"
)

// Local is the path of an object as a file on this machine, for tools that read
// files: the object itself where st keeps files, else a copy at to, an absolute
// path of a file that is not there yet. The caller only reads it. The error is
// [ErrNotFound] when there is no such object.
func Local(ctx context.Context, st Store, key, to string) (string, error) {
	if _, err := st.Stat(ctx, key); err != nil {
		return "", err
	}
	if fs, ok := st.(interface{ Path(string) (string, error) }); ok {
		if path, err := fs.Path(key); !errors.Is(err, errors.ErrUnsupported) {
			return path, err
		}
	}
	r, err := st.Open(ctx, key)
	if err != nil {
		return "", err
	}
	defer r.Close()
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the caller's own
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, r)
	return to, errors.Join(err, f.Close())
}
