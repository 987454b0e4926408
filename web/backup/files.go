package backup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/video/storage"
)

// file is a line of files.jsonl.
type file struct {
	Folder string `json:"folder"`
	Key    string `json:"key"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// folders are those of the storage that cannot be fetched or made again. Parts
// of unfinished uploads come first: a finished one moves to the sources.
func folders(c *config.Config) (order []string, dirs map[string]string) {
	s := c.Storage
	dirs = map[string]string{
		"avatars": s.Avatars, "web-videos": s.WebVideos, "streaming-playlists": s.StreamingPlaylists,
		"original-video-files": s.OriginalVideoFiles, "previews": s.Previews, "thumbnails": s.Thumbnails,
		"torrents": s.Torrents, "captions": s.Captions, "storyboards": s.Storyboards, "redundancy": s.Redundancy,
	}
	order = slices.Sorted(maps.Keys(dirs))
	dirs["tmp-persistent"] = s.TmpPersistent
	return append([]string{"tmp-persistent"}, order...), dirs
}

// saveFiles copies all files. One that goes meanwhile was named by nothing.
func saveFiles(ctx context.Context, c *config.Config, dir string, m *Manifest) (err error) {
	list, err := os.OpenFile(filepath.Join(dir, filesName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	out := bufio.NewWriter(list)
	defer func() { err = errors.Join(err, out.Flush(), list.Sync(), list.Close()) }()
	order, dirs := folders(c)
	for _, name := range order {
		if err := saveFolder(ctx, name, dirs[name], dir, json.NewEncoder(out), m); err != nil {
			return err
		}
	}
	return nil
}

func saveFolder(ctx context.Context, name, from, dir string, list *json.Encoder, m *Manifest) (err error) {
	source, err := storage.OpenFS(from, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := storage.OpenFS(filepath.Join(dir, filesDir, name), 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return source.Walk(ctx, "", func(o storage.Object) error {
		size, sum, err := copyObject(ctx, source, target, o.Key)
		if errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s/%s: %w", name, o.Key, err)
		}
		m.Files, m.Bytes = m.Files+1, m.Bytes+size
		return list.Encode(file{name, o.Key, size, sum})
	})
}

// copyObject copies and hashes one object.
func copyObject(ctx context.Context, from, to storage.Store, key string) (size int64, sum string, err error) {
	r, err := from.Open(ctx, key)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := sha256.New()
	size, err = to.Put(ctx, key, io.TeeReader(r, h))
	return size, sumOf(h), err
}

func sumOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// errDamaged says that a backup is not as it was written.
var errDamaged = errors.New("the backup is damaged")

// restoreFiles copies the files back and compares them with their hashes.
func restoreFiles(ctx context.Context, c *config.Config, dir string, m *Manifest) (err error) {
	list, err := os.Open(filepath.Join(dir, filesName)) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, list.Close()) }()
	_, dirs := folders(c)
	stores := map[string][2]*storage.FS{}
	defer func() {
		for _, pair := range stores {
			err = errors.Join(err, pair[0].Close(), pair[1].Close())
		}
	}()
	var n int64
	lines := json.NewDecoder(bufio.NewReader(list))
	for {
		var f file
		if err := lines.Decode(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("%w: %s: %w", errDamaged, filesName, err)
		}
		pair, ok := stores[f.Folder]
		if !ok {
			if dirs[f.Folder] == "" {
				return fmt.Errorf("%w: folder %q is not known", errDamaged, f.Folder)
			}
			if pair[0], err = storage.OpenFS(filepath.Join(dir, filesDir, f.Folder), 0); err != nil {
				return err
			}
			if pair[1], err = storage.OpenFS(dirs[f.Folder], 0); err != nil {
				return errors.Join(err, pair[0].Close())
			}
			stores[f.Folder] = pair
		}
		size, sum, err := copyObject(ctx, pair[0], pair[1], f.Key)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", f.Folder, f.Key, err)
		}
		if size != f.Size || sum != f.SHA256 {
			return fmt.Errorf("%w: %s/%s has other bytes", errDamaged, f.Folder, f.Key)
		}
		n++
	}
	if n != m.Files {
		return fmt.Errorf("%w: %d files instead of %d", errDamaged, n, m.Files)
	}
	return nil
}
