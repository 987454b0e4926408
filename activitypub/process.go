package activitypub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// ProcessArgs drains the inbox. There is one job for all rows, not one a row
// (ARCHITECTURE 8).
type ProcessArgs struct{}

// Kind names the job.
func (ProcessArgs) Kind() string { return "activitypub.process" }

// Limits of a drain.
const (
	drainBatch   = 50
	drainActors  = 8 // actors served at once
	drainFor     = 2 * time.Minute
	inboxLease   = 30 * time.Second // renewed while a row is worked on
	activityTime = 2 * time.Minute
	maxAttempts  = 6
)

// processInbox takes waiting rows until none is due: in order for each actor,
// actors side by side. Rows of a killed process come back when their lease
// ends.
func (e *Engine) processInbox(ctx context.Context, _ ProcessArgs) error {
	until := time.Now().Add(drainFor)
	for time.Now().Before(until) {
		rows, err := e.claim(ctx)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return e.wakeLater(ctx)
		}
		letGo := e.hold(ctx, rows, inboxLease)
		err = e.processBatch(ctx, rows)
		letGo()
		if err != nil {
			return errors.Join(err, e.release(ctx, rows))
		}
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error { return jobs.Insert(tx, ProcessArgs{}, jobs.Unique("now")) })
}

// claim leases due rows. Actors of whom another worker has rows are left to
// it, which keeps the order.
func (e *Engine) claim(ctx context.Context) (rows []inboxRow, err error) {
	now := db.Now()
	err = e.db.Tx(ctx, func(tx *db.Tx) error {
		if err := e.claimAlone(tx); err != nil {
			return err
		}
		return tx.Raw(`UPDATE inbox SET state = ?, attempts = attempts + 1, next_at = ?
			WHERE id IN (SELECT i.id FROM inbox i WHERE i.state IN (?, ?) AND i.next_at <= ?
				AND NOT EXISTS (SELECT 1 FROM inbox b WHERE b.actor = i.actor AND b.state = ? AND b.next_at > ?)
				ORDER BY i.id LIMIT ?`+tx.Dialect().SkipLocked()+`)
			RETURNING *`,
			inboxActive, now.Add(inboxLease), inboxWaiting, inboxActive, now, inboxActive, now, drainBatch).Scan(&rows).Error
	})
	if err != nil {
		return nil, fmt.Errorf("claim activities: %w", err)
	}
	return rows, nil
}

// hold renews the leases of rows until the returned function is called, so that
// those of a killed process come back soon and those of a slow one do not.
func (e *Engine) hold(ctx context.Context, rows []inboxRow, lease time.Duration) func() {
	ctx, cancel := context.WithCancel(ctx)
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := e.db.Tx(ctx, func(tx *db.Tx) error {
				return tx.Model(&inboxRow{}).Where("id IN ? AND state = ?", ids, inboxActive).Update("next_at", db.Now().Add(lease)).Error
			})
			if err != nil && ctx.Err() == nil {
				e.log.WarnContext(ctx, "lease of activities not renewed", "error", err)
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// releaseTime bounds what is done after the end of a context.
const releaseTime = 3 * time.Second

// release gives back what was claimed and not finished, as at a shutdown, so
// that the next process need not wait for the lease. It costs no attempt.
func (e *Engine) release(ctx context.Context, rows []inboxRow) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Model(&inboxRow{}).Where("id IN ? AND state = ?", ids, inboxActive).
			Updates(map[string]any{"state": inboxWaiting, "next_at": db.Now(), "attempts": gorm.Expr("attempts - 1")}).Error
	})
}

// claimLock is the key of the advisory lock below; any fixed number does.
const claimLock = 0x6b696e65

// claimAlone lets one worker at a time choose rows: two at once would not see
// each other's choice, and could share an actor between them. SQLite has a
// single writer anyway.
func (e *Engine) claimAlone(tx *db.Tx) error {
	if tx.Dialect() != db.Postgres {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", claimLock).Error
}

func (e *Engine) processBatch(ctx context.Context, rows []inboxRow) error {
	byActor := map[string][]inboxRow{}
	var order []string
	slices.SortFunc(rows, func(a, b inboxRow) int { return cmp.Compare(a.ID, b.ID) }) // RETURNING promises no order
	for _, r := range rows {
		if byActor[r.Actor] == nil {
			order = append(order, r.Actor)
		}
		byActor[r.Actor] = append(byActor[r.Actor], r)
	}
	var g errgroup.Group
	g.SetLimit(drainActors)
	for _, a := range order {
		g.Go(func() error {
			for _, r := range byActor[a] {
				if err := e.processRow(ctx, r); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// processRow applies one activity and notes the outcome. Its own errors are
// those of the database.
func (e *Engine) processRow(ctx context.Context, r inboxRow) error {
	work, cancel := context.WithTimeout(transport.WithBudget(ctx, transport.ActivityBudget), activityTime) // SEC-29
	defer cancel()
	err := e.applyGuarded(work, r)
	if ctx.Err() != nil {
		return ctx.Err() // the lease ends and the row comes back
	}
	return e.finish(ctx, r, err)
}

// applyGuarded turns a panic of a handler into an error: it must hurt only its
// own activity (SEC-71).
func (e *Engine) applyGuarded(ctx context.Context, r inboxRow) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			e.log.ErrorContext(ctx, "activity handler panicked", "activity", r.ActivityID, "type", r.Type, "panic", p)
		}
	}()
	return e.apply(ctx, r)
}

func (e *Engine) apply(ctx context.Context, r inboxRow) error {
	env, err := vocab.ParseActivity([]byte(r.Raw))
	if err != nil {
		return err
	}
	if r.Signer != r.Actor {
		return e.confirm(ctx, r, env)
	}
	return e.dispatch(ctx, env)
}

// errBusy says that others have made us ask a host often enough for now.
var errBusy = errors.New("asked too often")

// confirm asks the origin for an activity that somebody else brought
// (SEC-11). What it gives there is stored as if the actor had sent it, unless
// that came already.
func (e *Engine) confirm(ctx context.Context, r inboxRow, env vocab.Envelope) error {
	if e.hints.over(r.Host) {
		return fmt.Errorf("activity at its origin: %w", errBusy)
	}
	e.hints.add(r.Host)
	doc, err := e.Actors.FetchDocument(ctx, env.ID)
	if err != nil {
		return fmt.Errorf("activity at its origin: %w", err)
	}
	found, err := vocab.Activity(doc)
	if err != nil {
		return err
	}
	if found.Actor != env.Actor || found.Type != env.Type || !found.OnHost() {
		return Drop(fmt.Errorf("%w: %s is something else at its origin", vocab.ErrInvalid, env.ID))
	}
	row := newInboxRow(found, found.Actor, fmt.Sprintf("origin %d", r.ID), string(doc.Raw()))
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		_, err := insertInbox(tx, row)
		return err
	})
}

// finish writes the outcome of a row.
func (e *Engine) finish(ctx context.Context, r inboxRow, err error) error {
	state, next, text := inboxDone, r.NextAt, ""
	var done *time.Time
	now := db.Now()
	switch {
	case err == nil:
		done = &now
	case dropped(err):
		state, text, done = inboxDropped, err.Error(), &now
		e.log.InfoContext(ctx, "activity dropped", "activity", r.ActivityID, "type", r.Type, "error", err)
	case r.Attempts >= maxAttempts: // REL-10
		state, text, done = inboxDead, err.Error(), &now
		e.log.ErrorContext(ctx, "activity given up", "activity", r.ActivityID, "type", r.Type, "error", err)
	default:
		state, text, next = inboxWaiting, err.Error(), now.Add(inboxPause(r.Attempts))
		e.log.WarnContext(ctx, "activity will be tried again", "activity", r.ActivityID, "type", r.Type, "error", err)
	}
	label := state
	if state == inboxWaiting {
		label = "retried"
	}
	e.metrics.activities.WithLabelValues(activityLabel(r.Type), label).Inc()
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Model(&inboxRow{}).Where("id = ?", r.ID).Updates(map[string]any{
			"state": state, "last_error": clip(text, 500), "next_at": next, "done_at": done,
		}).Error; err != nil {
			return fmt.Errorf("finish activity: %w", err)
		}
		if state == inboxDone {
			return supersede(tx, r)
		}
		if state == inboxWaiting {
			return jobs.Insert(tx, ProcessArgs{}, jobs.RunAt(next), jobs.Unique(fmt.Sprintf("retry %d", r.ID)))
		}
		return nil
	})
}

// inboxPause grows from 10 s to about an hour, with jitter.
func inboxPause(attempt int) time.Duration {
	p := 10 * time.Second << min(2*(attempt-1), 8)
	return p + rand.N(p/4) //nolint:gosec // jitter is no secret
}

// supersede frees activity ids that PeerTube gives out again: it names a
// Follow, Like or Announce by actor and object, so that one after an Undo has
// the same id as the one before. The proof of the old row stays, so a replay
// of the old request is still known (SEC-07).
func supersede(tx *db.Tx, r inboxRow) error {
	q := tx.Model(&inboxRow{}).Where("id <> ? AND state IN ?", r.ID, []string{inboxDone, inboxDropped})
	switch r.Type {
	case "Undo":
		q = q.Where("activity_id = ? AND actor = ?", r.Object, r.Actor)
	case "Delete":
		q = q.Where("object = ? AND host = ?", r.Object, r.Host)
	default:
		q = q.Where("host = ? AND ((type = 'Undo' AND object = ?) OR (type = 'Delete' AND object = ? AND object <> ''))",
			r.Host, r.ActivityID, r.Object)
	}
	// A space is in no identifier, so the new value collides with none.
	err := q.Update("activity_id", gorm.Expr("activity_id || ' ' || id")).Error
	if err != nil {
		return fmt.Errorf("free activity ids: %w", err)
	}
	return nil
}

// wakeLater makes sure that rows which are leased or wait for another attempt
// are looked at in time.
func (e *Engine) wakeLater(ctx context.Context) error {
	var rows []inboxRow
	err := e.db.Read(ctx).Raw(`SELECT i.id, i.next_at FROM inbox i
		WHERE i.state = ? OR (i.state = ? AND NOT EXISTS (SELECT 1 FROM inbox b WHERE b.actor = i.actor AND b.state = ? AND b.next_at > ?))
		ORDER BY i.next_at LIMIT 1`, inboxActive, inboxWaiting, inboxActive, db.Now()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	at := rows[0].NextAt.Add(time.Second)
	if soon := db.Now().Add(time.Second); at.Before(soon) {
		at = soon
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		return jobs.Insert(tx, ProcessArgs{}, jobs.RunAt(at), jobs.Unique("at "+at.Truncate(10*time.Second).Format(time.RFC3339)))
	})
}

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
		if err := tx.Where("done_at <= ?", before).Delete(&inboxRow{}).Error; err != nil {
			return fmt.Errorf("clean inbox: %w", err)
		}
		err := tx.Where(`listed = ? AND created_at <= ? AND NOT EXISTS
			(SELECT 1 FROM deliveries d WHERE d.outbox_id = outbox.id AND d.state = ?)`, false, before, deliveryPending).
			Delete(&outboxRow{}).Error
		if err != nil {
			return fmt.Errorf("clean outbox: %w", err)
		}
		return nil
	})
}

func (e *Engine) ownJobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Handle(e.processInbox, jobs.InQueue("inbox"), jobs.Attempts(10), jobs.Timeout(15*time.Minute), jobs.Keep(time.Hour), jobs.As("activitypub-inbox")),
		jobs.Handle(e.fanOut, jobs.InQueue("default"), jobs.Attempts(10), jobs.As("activitypub-http-broadcast")),
		jobs.Handle(e.deliver, jobs.InQueue("deliver"), jobs.Attempts(10), jobs.Timeout(time.Minute), jobs.Keep(time.Hour), jobs.As("activitypub-http-unicast")),
		jobs.Handle(e.crawl, jobs.InQueue("default"), jobs.Attempts(5), jobs.Timeout(crawlTime+time.Minute), jobs.As("activitypub-http-fetcher")),
		jobs.Handle(e.followJob, jobs.InQueue("default"), jobs.Attempts(5), jobs.As("activitypub-follow")),
		jobs.Handle(e.actorDeleted, jobs.InQueue("default"), jobs.Attempts(10), jobs.As("actor-deleted")),
		jobs.Handle(e.clean, jobs.InQueue("default"), jobs.Keep(time.Hour)),
	}
}

func ownPeriodic() []jobs.Periodic {
	return []jobs.Periodic{
		{Name: "activitypub.process", Every: 30 * time.Second, Args: ProcessArgs{}},
		{Name: "activitypub.clean", Every: time.Hour, Args: CleanArgs{}},
	}
}

// clip cuts a text for a column.
func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }
