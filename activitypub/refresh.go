package activitypub

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm/clause"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// refreshAttempts is how often a stale object is asked for before that is put
// off until it is looked at after another federation.refresh_after.
const refreshAttempts = 3

// defaultRefreshAfter is federation.refresh_after when an Engine is made
// without settings.
const defaultRefreshAfter = 48 * time.Hour

// RefreshArgs fetches an actor or object of another server again.
type RefreshArgs struct{ IRI string }

// Kind names the job.
func (RefreshArgs) Kind() string { return "activitypub.refresh" }

// refreshRow is a row of the table refreshes.
type refreshRow struct {
	IRI     string `gorm:"primaryKey"`
	AskedAt time.Time
}

func (refreshRow) TableName() string { return "refreshes" }

// RefreshAfter is how old a copy may be before looking at it has it fetched
// again.
func (e *Engine) RefreshAfter() time.Duration {
	if e.o.Federation.RefreshAfter > 0 {
		return e.o.Federation.RefreshAfter
	}
	return defaultRefreshAfter
}

// Touch says that somebody looks at the copy of something remote that was
// fetched at a time. When that is federation.refresh_after ago or more, a job
// fetches it again: the module that owns it gets it by Ingest, or by Remove when
// its origin answers 404 or 410. It is asked for once in that time, whoever
// looks and whatever comes of it. Modules call it where they show an object
// (PT federation 6); it must not be called inside a transaction.
func (e *Engine) Touch(ctx context.Context, iri string, fetchedAt time.Time) error {
	if fetchedAt.After(db.Now().Add(-e.RefreshAfter())) || e.Actors.IsLocal(iri) {
		return nil
	}
	return e.once(ctx, iri, e.RefreshAfter(), RefreshArgs{IRI: iri})
}

// once inserts a job, unless one was inserted under the same key within a time.
func (e *Engine) once(ctx context.Context, key string, every time.Duration, job jobs.Args) error {
	before := db.Now().Add(-every)
	var fresh int64
	err := e.db.Read(ctx).Model(&refreshRow{}).Where("iri = ? AND asked_at > ?", key, before).Count(&fresh).Error
	if err != nil || fresh > 0 {
		return err
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		res := tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "iri"}},
			Where:     clause.Where{Exprs: []clause.Expression{clause.Lte{Column: "refreshes.asked_at", Value: before}}},
			DoUpdates: clause.AssignmentColumns([]string{"asked_at"}),
		}).Create(&refreshRow{IRI: key, AskedAt: db.Now()})
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		return jobs.Insert(tx, job, jobs.Unique(key))
	})
}

// touchActor has a stale actor fetched again.
func (e *Engine) touchActor(ctx context.Context, a *actor.Actor) error {
	var at time.Time
	if a.FetchedAt != nil {
		at = *a.FetchedAt
	}
	return e.Touch(ctx, a.IRI, at)
}

// suspect has the server of an actor asked whether the actor is gone.
func (e *Engine) suspect(ctx context.Context, id string) error { return e.Touch(ctx, id, time.Time{}) }

// refresh fetches an actor or object again. What its server says is gone is
// removed, with everything that modules hold of it; other errors are put off.
func (e *Engine) refresh(ctx context.Context, args RefreshArgs) error {
	if e.Actors.IsLocal(args.IRI) {
		return nil
	}
	ctx = transport.WithBudget(ctx, transport.ActivityBudget)
	a, err := e.Actors.ByIRI(ctx, args.IRI)
	switch {
	case err == nil:
		err = e.refreshActor(ctx, a)
	case errors.Is(err, ErrNotFound):
		err = e.RefreshObject(ctx, args.IRI)
	}
	if err == nil {
		return nil
	}
	if n, most := jobs.Attempt(ctx); !dropped(err) && n < most {
		return fmt.Errorf("refresh %s: %w", args.IRI, err)
	}
	e.log.InfoContext(ctx, "not refreshed", "iri", args.IRI, "error", err)
	return nil
}

func (e *Engine) refreshActor(ctx context.Context, a *actor.Actor) error {
	if a.GoneAt != nil {
		return nil
	}
	fresh, err := e.Actors.Refresh(ctx, a.IRI)
	if errors.Is(err, ErrGone) {
		return e.db.Tx(ctx, func(tx *db.Tx) error { return e.remove(tx, a) })
	}
	if err != nil {
		return err
	}
	if err := e.countFollows(ctx, fresh); err != nil {
		e.log.DebugContext(ctx, "follow counts not fetched", "actor", a.IRI, "error", err)
	}
	return nil
}

// cleanRefreshes forgets what may be asked for again anyway.
func (e *Engine) cleanRefreshes(tx *db.Tx) error {
	err := tx.Where("asked_at < ?", db.Now().Add(-e.RefreshAfter())).Delete(&refreshRow{}).Error
	if err != nil {
		return fmt.Errorf("clean refreshes: %w", err)
	}
	return nil
}
