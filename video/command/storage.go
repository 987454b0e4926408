package command

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/video/storage"
)

func (o Options) moveStorage() activitypub.Command {
	const use, operands = "videos move-storage", "KIND FOLDER"
	var asJSON bool
	return activitypub.Command{
		Use: use, Operands: operands, Short: "Move stored files from an old folder to where the settings have them",
		Long: "After a folder of the section storage was changed, move what lies in the old one: KIND is its name there\n" +
			"(web_videos, streaming_playlists, original_video_files …), FOLDER the old folder. Each file is copied, read again and\n" +
			"compared by its SHA-256 before it is removed from the old folder. It can be stopped and started again, and the\n" +
			"server may run: files that are not there yet are not found until they are.",
		Flags: func(fs *flag.FlagSet) { fs.BoolVar(&asJSON, "json", false, "print JSON") },
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) != 2 {
				return console.Usage(use, operands+" [--json]")
			}
			to := o.Store.Named[kind(args[0])]
			if to == nil {
				var names []string
				for name := range o.Store.Named {
					names = append(names, setting(name))
				}
				slices.Sort(names)
				return fmt.Errorf("the kind %q should be one of %s", args[0], strings.Join(names, ", "))
			}
			folder, err := filepath.Abs(args[1])
			if err != nil {
				return err
			}
			if info, err := os.Stat(folder); err != nil || !info.IsDir() {
				return fmt.Errorf("%s is no folder", folder)
			}
			if here, ok := to.(*storage.FS); ok && here.In(folder) {
				return fmt.Errorf("%s is where the settings have %s already", folder, args[0])
			}
			return move(ctx, report{out, asJSON}, folder, to)
		},
	}
}

// The settings name the folders as PeerTube does; keys of objects begin with other
// names.
const originals, sources = "original-video-files", "sources"

// kind is how keys of objects begin in the folder that a setting names.
func kind(setting string) string {
	name := strings.ReplaceAll(setting, "_", "-")
	if name == originals {
		return sources
	}
	return name
}

// setting is the name of a folder in the section storage.
func setting(kind string) string {
	if kind == sources {
		kind = originals
	}
	return strings.ReplaceAll(kind, "-", "_")
}

// move moves all objects of a folder into a store.
func move(ctx context.Context, r report, folder string, to storage.Store) (err error) {
	from, err := storage.OpenFS(folder, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	var keys []string
	if err := from.Walk(ctx, "", func(object storage.Object) error { keys = append(keys, object.Key); return nil }); err != nil {
		return err
	}
	var bytes int64
	for _, key := range keys {
		size, err := moveOne(ctx, from, to, key)
		if err != nil {
			return fmt.Errorf("%s: %w; what was moved before stays moved", key, err)
		}
		bytes += size
		if err := r.line("%s", key); err != nil {
			return err
		}
	}
	return r.end(map[string]any{"files": len(keys), "bytes": bytes}, "%d files, %d bytes moved", len(keys), bytes)
}

// moveOne moves one object. One of the same name that is there already is kept
// when it is the same; a different one is an error.
func moveOne(ctx context.Context, from, to storage.Store, key string) (int64, error) {
	want, size, err := sum(ctx, from, key)
	if err != nil {
		return 0, err
	}
	switch have, _, err := sum(ctx, to, key); {
	case err == nil && have != want:
		return 0, errors.New("another file of this name is there already")
	case err == nil:
		return size, from.Delete(ctx, key)
	case !errors.Is(err, storage.ErrNotFound):
		return 0, err
	}
	r, err := from.Open(ctx, key)
	if err != nil {
		return 0, err
	}
	_, err = to.Put(ctx, key, r)
	if err := errors.Join(err, r.Close()); err != nil {
		return 0, err
	}
	have, _, err := sum(ctx, to, key)
	if err != nil {
		return 0, err
	}
	if have != want {
		return 0, errors.Join(errors.New("the copy is not what was read"), to.Delete(ctx, key))
	}
	return size, from.Delete(ctx, key)
}

func sum(ctx context.Context, st storage.Store, key string) (digest [sha256.Size]byte, size int64, err error) {
	r, err := st.Open(ctx, key)
	if err != nil {
		return digest, 0, err
	}
	h := sha256.New()
	size, err = io.Copy(h, r)
	h.Sum(digest[:0])
	return digest, size, errors.Join(err, r.Close())
}
