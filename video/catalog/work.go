package catalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// ReconcileArgs looks after renditions whose job came to an end without saying
// so, as when it was run out of its attempts by a machine that kept failing.
type ReconcileArgs struct{}

// Kind implements jobs.Args.
func (ReconcileArgs) Kind() string { return "video.reconcile" }

// RelistArgs lists remote videos by the follows as they are now.
type RelistArgs struct{}

// Kind implements jobs.Args.
func (RelistArgs) Kind() string { return "video.relist" }

// Jobs are the job handlers of the catalog.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Handle(s.deleteFilesJob, jobs.Attempts(10)),
		jobs.Handle(func(ctx context.Context, _ ReconcileArgs) error { return s.Reconcile(ctx) }, jobs.Keep(time.Hour)),
		jobs.Handle(func(ctx context.Context, _ RelistArgs) error { return s.relistChanged(ctx) }, jobs.Keep(10*time.Minute)),
	}
}

// Periodic are the catalog's periodic jobs.
func (s *Service) Periodic() []jobs.Periodic {
	return []jobs.Periodic{
		{Name: "video.reconcile", Every: 10 * time.Minute, Args: ReconcileArgs{}},
		{Name: "video.relist", Every: time.Hour, Args: RelistArgs{}},
	}
}

// deleteFilesJob deletes stored objects. One that is gone already is no error.
func (s *Service) deleteFilesJob(ctx context.Context, a DeleteFilesArgs) error {
	if s.opts.DeleteFile == nil {
		return jobs.Discard(errors.New("catalog: no storage"))
	}
	var errs []error
	for _, k := range a.Keys {
		if err := s.opts.DeleteFile(ctx, k); err != nil {
			errs = append(errs, fmt.Errorf("delete %s: %w", k, err))
		}
	}
	return errors.Join(errs...)
}

// stuckAfter is how long a rendition may be queued without a live job before it
// is looked after: a job's row is written with the rendition's, so there is no
// race to wait for but that of a running transaction.
const stuckAfter = time.Minute

// Reconcile finds queued renditions without a live job: one whose job is dead
// has failed, one without any is planned anew.
func (s *Service) Reconcile(ctx context.Context) error {
	var rows []Rendition
	err := s.db.Read(ctx).Where("state = ? AND updated_at < ?", RenditionQueued, db.Now().Add(-stuckAfter)).
		Order("id").Limit(500).Find(&rows).Error
	if err != nil {
		return fmt.Errorf("look for stuck renditions: %w", err)
	}
	for i := range rows {
		if err := s.db.Tx(ctx, func(tx *db.Tx) error { return s.reconcile(tx, &rows[i]) }); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

func (s *Service) reconcile(tx *db.Tx, r *Rendition) error {
	if _, err := Lock(tx, r.VideoID); err != nil {
		return err
	}
	fresh, err := LoadRendition(tx.DB, r.ID)
	if err != nil || fresh.State != RenditionQueued {
		return err
	}
	var found []jobs.Job
	err = tx.Where("kind = ? AND unique_key = ?", TranscodeArgs{}.Kind(), strconv.FormatInt(r.ID, 10)).
		Order("id DESC").Limit(1).Find(&found).Error
	if err != nil {
		return fmt.Errorf("look up job: %w", err)
	}
	switch {
	case len(found) == 0 || found[0].State == jobs.Finished:
		if err := setRendition(tx, r.ID, map[string]any{"state": RenditionPlanned}); err != nil {
			return err
		}
		return s.Advance(tx, r.VideoID)
	case found[0].State == jobs.Dead:
		return s.FailRendition(tx, r, found[0].LastError)
	}
	return nil
}

// relistChanged refreshes the lists when follows have changed since it did so
// last in this process.
func (s *Service) relistChanged(ctx context.Context) error {
	var now struct {
		Count int64
		Last  string
	}
	err := s.db.Read(ctx).Raw(`SELECT COUNT(*) AS count, COALESCE(CAST(MAX(updated_at) AS TEXT), '') AS last
 FROM follows WHERE follower_id IN (SELECT id FROM actors WHERE host = '' AND type = 'Application')`).Scan(&now).Error
	if err != nil {
		return fmt.Errorf("look at follows: %w", err)
	}
	state := now.Last + " " + strconv.FormatInt(now.Count, 10)
	if last := s.follows.Load(); last != nil && *last == state {
		return nil
	}
	if err := s.db.Tx(ctx, s.RefreshListed); err != nil {
		return err
	}
	s.follows.Store(&state)
	return nil
}
