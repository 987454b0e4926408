package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/ffmpeg"
	"github.com/kinemesh/kinemesh/video/storage"
)

// pictureBatch is how many videos are looked at between two looks at the
// database.
const pictureBatch = 100

// redrawn is a video with new pictures, or why it has none.
type redrawn struct {
	UUID  string `json:"uuid"`
	Name  string `json:"name"`
	Error string `json:"error,omitempty"`
}

func (o Options) regenerateThumbnails() activitypub.Command {
	const use = "videos regenerate-thumbnails"
	var one string
	var missing, asJSON bool
	return activitypub.Command{
		Use: use, Short: "Take the pictures of videos from their files again",
		Long: "Take thumbnail and preview of the videos of this server from their files again. Pictures that an owner has\n" +
			"sent are kept, unless --video names the video or the file of the picture is gone. With --missing only pictures\n" +
			"whose file is gone are made.",
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&one, "video", "", "only of this video: id, UUID or short UUID")
			fs.BoolVar(&missing, "missing", false, "only where the file of a picture is gone")
			fs.BoolVar(&asJSON, "json", false, "print JSON")
		},
		Run: func(ctx context.Context, out io.Writer, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("%s takes flags only, not %q", use, args[0])
			}
			d := drawing{o: o, r: report{out, asJSON}, missing: missing, videos: []redrawn{}}
			if one != "" {
				if err := d.named(ctx, one); err != nil {
					return err
				}
			} else if err := d.all(ctx); err != nil {
				return err
			}
			failed := 0
			for _, v := range d.videos {
				if v.Error != "" {
					failed++
				}
			}
			if err := d.r.end(map[string]any{"videos": d.videos}, "%d videos have new pictures", len(d.videos)-failed); err != nil {
				return err
			}
			if failed > 0 {
				return fmt.Errorf("%d videos have none", failed)
			}
			return nil
		},
	}
}

// drawing is one run.
type drawing struct {
	o       Options
	r       report
	missing bool
	videos  []redrawn
}

func (d *drawing) named(ctx context.Context, id string) error {
	ref, ok := catalog.ParseRef(id)
	if !ok {
		return fmt.Errorf("--video %q should be the id, UUID or short UUID of a video", id)
	}
	q := d.o.DB.Read(ctx).Model(&catalog.Video{}).Where("local AND id = ?", ref.ID)
	if ref.UUID != "" {
		q = d.o.DB.Read(ctx).Model(&catalog.Video{}).Where("local AND uuid = ?", ref.UUID)
	}
	var ids []int64
	if err := q.Limit(1).Pluck("id", &ids).Error; err != nil {
		return fmt.Errorf("find video: %w", err)
	}
	if len(ids) == 0 {
		return fmt.Errorf("there is no video %q of this server", id)
	}
	v, err := d.o.Catalog.ByID(ctx, ids[0])
	if err != nil {
		return err
	}
	return d.redraw(ctx, v, !d.missing)
}

func (d *drawing) all(ctx context.Context) error {
	last := int64(0)
	for {
		var ids []int64
		if err := d.o.DB.Read(ctx).Model(&catalog.Video{}).Where("local AND id > ?", last).Order("id").Limit(pictureBatch).Pluck("id", &ids).Error; err != nil {
			return fmt.Errorf("list videos: %w", err)
		}
		for _, id := range ids {
			last = id
			v, err := d.o.Catalog.ByID(ctx, id)
			if errors.Is(err, catalog.ErrNotFound) { // deleted meanwhile
				continue
			}
			if err != nil {
				return err
			}
			if err := d.redraw(ctx, v, false); err != nil {
				return err
			}
		}
		if len(ids) < pictureBatch {
			return nil
		}
	}
}

// redraw gives a video new pictures where it needs some; every says that all are
// to be new. A file that cannot be read is noted and stops nothing.
func (d *drawing) redraw(ctx context.Context, v *catalog.Video, every bool) error {
	m, err := d.o.Catalog.Media(ctx, v.ID)
	if err != nil {
		return err
	}
	var kinds []int
	for _, kind := range []int{catalog.Miniature, catalog.Preview} {
		t := m.Thumbnail(kind)
		gone := t == nil
		if t != nil {
			_, err := d.o.Store.Stat(ctx, t.Key())
			if gone = errors.Is(err, storage.ErrNotFound); err != nil && !gone {
				return err
			}
		}
		if gone || every || !d.missing && t.Automatic {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	done := redrawn{UUID: v.UUID, Name: v.Name}
	if err := d.draw(ctx, v, m, kinds); err != nil {
		if ctx.Err() != nil {
			return err
		}
		done.Error = err.Error()
	}
	d.videos = append(d.videos, done)
	if done.Error != "" {
		return d.r.line("%s %s: %s", v.UUID, v.Name, done.Error)
	}
	return d.r.line("%s %s", v.UUID, v.Name)
}

func (d *drawing) draw(ctx context.Context, v *catalog.Video, m *catalog.Media, kinds []int) error {
	frame, err := d.frame(ctx, v, m)
	if err != nil {
		return err
	}
	var made []catalog.Thumbnail
	var keys []string
	for _, kind := range kinds {
		t, err := d.o.Catalog.NewThumbnail(ctx, kind, frame)
		if err != nil {
			return err
		}
		t.Automatic = true
		made, keys = append(made, t), append(keys, t.Key())
	}
	return d.o.DB.Tx(ctx, func(tx *db.Tx) error {
		fresh, err := catalog.Lock(tx, v.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			return jobs.Insert(tx, catalog.DeleteFilesArgs{Keys: keys})
		}
		if err != nil {
			return err
		}
		if err := d.o.Catalog.SetThumbnails(tx, fresh, made); err != nil {
			return err
		}
		return d.o.Changed(tx, v.ID)
	})
}

// frame takes a picture from the largest file of a video; of sound it is its
// waveform.
func (d *drawing) frame(ctx context.Context, v *catalog.Video, m *catalog.Media) ([]byte, error) {
	key := v.SourceKey
	resolution := -1
	for _, files := range [][]catalog.File{m.Files, m.HLS} {
		for i := range files {
			if f := &files[i]; f.Filename != "" && f.Resolution > resolution {
				key, resolution = catalog.FileKey(v, f), f.Resolution
			}
		}
	}
	if key == "" {
		return nil, errors.New("no file of it is stored")
	}
	dir, err := os.MkdirTemp("", "kinemesh-thumbnails-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a folder of this run
	path, err := storage.Local(ctx, d.o.Store, key, filepath.Join(dir, "input"))
	if err != nil {
		return nil, err
	}
	info, err := d.o.Tool.Probe(ctx, path)
	if err != nil {
		return nil, err
	}
	image := ffmpeg.Image{Path: filepath.Join(dir, "frame.jpg"), Width: catalog.PreviewWidth, Height: catalog.PreviewHeight}
	if source := (ffmpeg.Source{Path: path, Info: info}); info.Video != nil {
		err = d.o.Tool.Thumbnail(ctx, source, image)
	} else {
		err = d.o.Tool.Waveform(ctx, source, image)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(image.Path)
}
