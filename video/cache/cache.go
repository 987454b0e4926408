// Package cache bounds how many files of other servers' videos are kept that were
// fetched because somebody looked at them: pictures, captions and storyboards.
//
// Invariants
//   - what was fetched first goes first; it is fetched again when somebody looks
//   - no row names a file that is not here for longer than it takes to delete it
//   - files of this server's videos stay
//
// Specifications: configuration cache.*. Imports of its siblings catalog, picture
// and storage.
package cache

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/picture"
	"github.com/kinemesh/kinemesh/video/storage"
)

const (
	every = time.Hour
	// step is how many files one transaction takes note of.
	step = 100
)

// Options are what a [Service] needs.
type Options struct {
	DB     *db.DB
	Store  storage.Store
	Limits func() config.Cache
}

// Service deletes files. It is safe for concurrent use.
type Service struct{ o Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o} }

// EvictArgs deletes what is more than the settings allow.
type EvictArgs struct{}

// Kind implements jobs.Args.
func (EvictArgs) Kind() string { return "video.evict" }

// Jobs are those of this feature.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{jobs.Handle(s.evict, jobs.Attempts(1), jobs.Keep(every))}
}

// Periodic says when they run.
func (s *Service) Periodic() []jobs.Periodic {
	return []jobs.Periodic{{Name: "video.evict", Every: every, Args: EvictArgs{}}}
}

func (s *Service) evict(ctx context.Context, _ EvictArgs) error {
	most := s.o.Limits()
	return errors.Join(
		s.pictures(ctx, most.Previews.Size),
		named(ctx, s, most.Captions.Size, func(c *catalog.Caption) file { return file{name: c.Filename, key: c.Key()} }),
		named(ctx, s, most.Storyboards.Size, func(b *catalog.Storyboard) file { return file{name: b.Filename, key: b.Key()} }),
	)
}

// file is one that was fetched.
type file struct {
	name    string // in its row
	key     string // in storage
	at      time.Time
	picture *catalog.Thumbnail // of which it is
}

// pictures trims those of videos.
func (s *Service) pictures(ctx context.Context, most int) error {
	rows, err := picture.Fetched(s.o.DB.Read(ctx))
	if err != nil {
		return err
	}
	files := make([]file, len(rows))
	for i := range rows {
		files[i] = file{key: rows[i].Key(), picture: &rows[i]}
	}
	return s.trim(ctx, most, files, func(tx *db.Tx, gone []file) error {
		for _, f := range gone {
			if _, err := picture.Store(tx, f.picture, false); err != nil {
				return err
			}
		}
		return nil
	})
}

// named trims the files of a table with a row for each.
func named[Row any](ctx context.Context, s *Service, most int, of func(*Row) file) error {
	var rows []Row
	err := s.o.DB.Read(ctx).Where("stored AND EXISTS (SELECT 1 FROM videos v WHERE v.id = video_id AND v.local = FALSE)").Find(&rows).Error
	if err != nil {
		return fmt.Errorf("list fetched files: %w", err)
	}
	files := make([]file, len(rows))
	for i := range rows {
		files[i] = of(&rows[i])
	}
	return s.trim(ctx, most, files, func(tx *db.Tx, gone []file) error {
		names := make([]string, len(gone))
		for i, f := range gone {
			names[i] = f.name
		}
		return tx.Model(new(Row)).Where("filename IN ?", names).UpdateColumn("stored", false).Error
	})
}

// trim deletes files until most are left; note writes that some are gone.
func (s *Service) trim(ctx context.Context, most int, files []file, note func(*db.Tx, []file) error) error {
	if len(files) <= most {
		return nil
	}
	for i := range files {
		o, err := s.o.Store.Stat(ctx, files[i].key)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return fmt.Errorf("look at fetched file: %w", err)
		}
		files[i].at = o.ModTime // of one that is not there: before all others
	}
	slices.SortFunc(files, func(a, b file) int { return a.at.Compare(b.at) })
	for part := range slices.Chunk(files[:len(files)-most], step) {
		for _, f := range part {
			// First the file, then the row: the other way round, one that somebody
			// fetches again in between would be deleted. Until the row says so, it is
			// not found.
			if err := s.o.Store.Delete(ctx, f.key); err != nil {
				return fmt.Errorf("delete fetched file: %w", err)
			}
		}
		if err := s.o.DB.Tx(ctx, func(tx *db.Tx) error { return note(tx, part) }); err != nil {
			return fmt.Errorf("note deleted files: %w", err)
		}
	}
	return nil
}
