package picture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

const evictEvery = time.Hour

// EvictArgs deletes fetched pictures of other servers that are more than
// [Options.MaxFetched].
type EvictArgs struct{}

// Kind implements jobs.Args.
func (EvictArgs) Kind() string { return "accounts.evict_pictures" }

// Periodic says when jobs run.
func (s *Service) Periodic() []jobs.Periodic {
	return []jobs.Periodic{{Name: "accounts.evict_pictures", Every: evictEvery, Args: EvictArgs{}}}
}

// evict deletes what was fetched first. It is fetched again when somebody looks.
func (s *Service) evict(ctx context.Context, _ EvictArgs) error {
	if s.o.MaxFetched == nil {
		return nil
	}
	if s.Files == nil {
		return jobs.Discard(errors.New("pictures: no storage"))
	}
	var rows []Picture
	if err := s.o.DB.Read(ctx).Where("stored AND remote_url <> ''").Find(&rows).Error; err != nil {
		return fmt.Errorf("list fetched pictures: %w", err)
	}
	most := s.o.MaxFetched()
	if len(rows) <= most {
		return nil
	}
	at := func(p *Picture) time.Time {
		if p.TriedAt == nil { // by a version that did not note it
			return time.Time{}
		}
		return *p.TriedAt
	}
	slices.SortFunc(rows, func(a, b Picture) int { return at(&b).Compare(at(&a)) })
	for i := range rows[most:] {
		p := &rows[most+i]
		// First the files, then the row: the other way round, those that somebody
		// fetches again in between would be deleted.
		for _, key := range p.Keys() {
			if err := s.Files.Delete(ctx, key); err != nil {
				return fmt.Errorf("delete picture: %w", err)
			}
		}
		err := s.o.DB.Tx(ctx, func(tx *db.Tx) error {
			return tx.Model(&Picture{}).Where("name = ?", p.Name).UpdateColumns(map[string]any{"stored": false, "tried_at": nil}).Error
		})
		if err != nil {
			return fmt.Errorf("note deleted picture: %w", err)
		}
	}
	return nil
}
