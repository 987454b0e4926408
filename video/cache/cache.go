// Package cache bounds how many files of other servers' videos are kept that were
// fetched because somebody looked at them: pictures, captions and storyboards.
//
// Invariants
//   - what was fetched first goes first; it is fetched again when somebody looks
//   - no row names a file that is not here for longer than it takes to delete it
//   - files of this server's videos stay
//
// Specifications: configuration cache.*. Imports of its siblings catalog and
// storage.
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
		trim(ctx, s, most.Previews.Size, func(t *catalog.Thumbnail) file { return file{t.Filename, t.Key(), time.Time{}} }),
		trim(ctx, s, most.Captions.Size, func(c *catalog.Caption) file { return file{c.Filename, c.Key(), time.Time{}} }),
		trim(ctx, s, most.Storyboards.Size, func(b *catalog.Storyboard) file { return file{b.Filename, b.Key(), time.Time{}} }),
	)
}

// file is one that was fetched.
type file struct {
	name string // in its row
	key  string // in storage
	at   time.Time
}

// trim deletes files of one table until most are left.
func trim[Row any](ctx context.Context, s *Service, most int, of func(*Row) file) error {
	var rows []Row
	err := s.o.DB.Read(ctx).Where("stored AND EXISTS (SELECT 1 FROM videos v WHERE v.id = video_id AND v.local = FALSE)").Find(&rows).Error
	if err != nil {
		return fmt.Errorf("list fetched files: %w", err)
	}
	if len(rows) <= most {
		return nil
	}
	files := make([]file, len(rows))
	for i := range rows {
		files[i] = of(&rows[i])
		o, err := s.o.Store.Stat(ctx, files[i].key)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return fmt.Errorf("look at fetched file: %w", err)
		}
		files[i].at = o.ModTime // of one that is not there: before all others
	}
	slices.SortFunc(files, func(a, b file) int { return a.at.Compare(b.at) })
	for part := range slices.Chunk(files[:len(files)-most], step) {
		names := make([]string, len(part))
		for i, f := range part {
			// First the file, then the row: the other way round, one that somebody
			// fetches again in between would be deleted. Until the row says so, it is
			// not found.
			if err := s.o.Store.Delete(ctx, f.key); err != nil {
				return fmt.Errorf("delete fetched file: %w", err)
			}
			names[i] = f.name
		}
		err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
			return tx.Model(new(Row)).Where("filename IN ?", names).UpdateColumn("stored", false).Error
		})
		if err != nil {
			return fmt.Errorf("note deleted files: %w", err)
		}
	}
	return nil
}
