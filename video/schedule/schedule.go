// Package schedule changes the privacy of videos at the time that their owner
// has set, in a periodic job. The times are columns of the videos, so they
// survive restarts; a server that was down at a time makes up for it.
package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
)

const (
	// Every is how often due videos are looked for.
	Every = time.Minute
	// batch bounds the videos of one look.
	batch = 200
)

// Args changes the videos that are due.
type Args struct{}

// Kind implements jobs.Args.
func (Args) Kind() string { return "video.schedule" }

// Service runs schedules.
type Service struct {
	db      *db.DB
	catalog *catalog.Service
}

// New returns a Service.
func New(d *db.DB, c *catalog.Service) *Service { return &Service{d, c} }

// Jobs are the job handlers of the package.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{jobs.Handle(func(ctx context.Context, _ Args) error { return s.Run(ctx) }, jobs.Keep(time.Hour))}
}

// Periodic are the periodic jobs of the package.
func (s *Service) Periodic() []jobs.Periodic {
	return []jobs.Periodic{{Name: "video.schedule", Every: Every, Args: Args{}}}
}

// Run changes the videos that are due by now.
func (s *Service) Run(ctx context.Context) error {
	var errs []error
	for {
		var ids []int64
		err := s.db.Read(ctx).Model(&catalog.Video{}).Where("scheduled_at IS NOT NULL AND scheduled_at <= ?", db.Now()).
			Order("scheduled_at, id").Limit(batch).Pluck("id", &ids).Error
		if err != nil {
			return fmt.Errorf("look for scheduled videos: %w", err)
		}
		for _, id := range ids {
			if err := s.one(ctx, id); err != nil {
				errs = append(errs, fmt.Errorf("video %d: %w", id, err))
			}
		}
		if len(ids) < batch || len(errs) > 0 {
			return errors.Join(errs...)
		}
	}
}

// one changes a video, unless it was deleted or scheduled anew meanwhile.
func (s *Service) one(ctx context.Context, id int64) error {
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, id)
		if err != nil {
			return err
		}
		if sch := v.Schedule(); sch == nil || sch.At.After(db.Now()) {
			return nil
		}
		return s.catalog.RunSchedule(tx, v)
	})
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	return err
}
