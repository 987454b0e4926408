package activitypub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// keep is how long received activities and receipts stay; the time window of
// signatures is far shorter.
const keep = 14 * 24 * time.Hour

// CleanArgs drops old rows of inbox and outbox.
type CleanArgs struct{}

// Kind names the job.
func (CleanArgs) Kind() string { return "activitypub.clean" }

func (e *Engine) clean(ctx context.Context, _ CleanArgs) error {
	before := db.Now().Add(-keep)
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Where("done_at <= ?", before).Delete(&inbox.Row{}).Error; err != nil {
			return fmt.Errorf("clean inbox: %w", err)
		}
		if err := inbox.CleanBulk(tx); err != nil {
			return err
		}
		if err := errors.Join(e.crawler.Clean(tx, before), e.cleanRefreshes(tx)); err != nil {
			return err
		}
		return e.Outbox.Clean(tx, before)
	})
}

func (e *Engine) ownJobs() []jobs.Handler {
	return append(slices.Concat(e.Outbox.Jobs(), e.crawler.Jobs()), []jobs.Handler{
		jobs.Handle(e.Inbox.Process, jobs.InQueue("inbox"), jobs.Attempts(10), jobs.Timeout(15*time.Minute), jobs.Keep(time.Hour), jobs.As("activitypub-inbox")),
		jobs.Handle(e.crawl, jobs.InQueue("default"), jobs.Attempts(5), jobs.As("activitypub-http-fetcher")),
		jobs.Handle(e.refresh, jobs.InQueue("default"), jobs.Attempts(refreshAttempts), jobs.Keep(time.Hour), jobs.As("activitypub-refresher")),
		jobs.Handle(e.followJob, jobs.InQueue("default"), jobs.Attempts(5), jobs.As("activitypub-follow")),
		jobs.Handle(e.followAgain, jobs.InQueue("default"), jobs.Attempts(10), jobs.As("activitypub-follow")),
		jobs.Handle(e.followMoved, jobs.InQueue("default"), jobs.Attempts(10), jobs.As("activitypub-follow")),
		jobs.Handle(e.syncFollowers, jobs.InQueue("default"), jobs.Attempts(refreshAttempts), jobs.Keep(time.Hour), jobs.As("activitypub-follow")),
		jobs.Handle(e.actorDeleted, jobs.InQueue("default"), jobs.Attempts(10), jobs.As("actor-deleted")),
		jobs.Handle(e.clean, jobs.InQueue("default"), jobs.Keep(time.Hour)),
	}...)
}

func ownPeriodic() []jobs.Periodic {
	return []jobs.Periodic{
		{Name: "activitypub.process", Every: 30 * time.Second, Args: inbox.ProcessArgs{}},
		{Name: "activitypub.clean", Every: time.Hour, Args: CleanArgs{}},
	}
}
