package inbox

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
	leaseTime    = 15 * time.Second // renewed while a row is worked on; rows of a killed process come back then
	activityTime = 2 * time.Minute
	maxAttempts  = 6
)

// Process takes waiting rows until none is due: in order for each actor,
// actors side by side. Rows of a killed process come back when their lease
// ends.
func (b *Inbox) Process(ctx context.Context, _ ProcessArgs) error {
	until := time.Now().Add(drainFor)
	for time.Now().Before(until) {
		many, err := b.processBulk(ctx)
		if err != nil {
			return err
		}
		rows, skipped, err := b.claim(ctx)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			if many+skipped > 0 {
				continue
			}
			return b.wakeLater(ctx)
		}
		letGo := b.hold(ctx, rows, leaseTime)
		err = b.processBatch(ctx, rows)
		letGo()
		if err != nil {
			return errors.Join(err, b.release(ctx, rows))
		}
	}
	return b.o.DB.Tx(ctx, func(tx *db.Tx) error { return jobs.Insert(tx, ProcessArgs{}, jobs.Unique("now")) })
}

// hold renews the leases of rows until the returned function is called, so that
// those of a killed process come back soon and those of a slow one do not.
func (b *Inbox) hold(ctx context.Context, rows []Row, lease time.Duration) func() {
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
			err := b.o.DB.Tx(ctx, func(tx *db.Tx) error {
				return tx.Model(&Row{}).Where("id IN ? AND state = ?", ids, Active).Update("next_at", db.Now().Add(lease)).Error
			})
			if err != nil && ctx.Err() == nil {
				b.log.WarnContext(ctx, "lease of activities not renewed", "error", err)
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
func (b *Inbox) release(ctx context.Context, rows []Row) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	return b.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return tx.Model(&Row{}).Where("id IN ? AND state = ?", ids, Active).
			Updates(map[string]any{"state": Waiting, "next_at": db.Now(), "attempts": gorm.Expr("attempts - 1")}).Error
	})
}

// claimLock is the key of the advisory lock below; any fixed number does.
const claimLock = 0x6b696e65

// claimAlone lets one worker at a time choose rows: two at once would not see
// each other's choice, and could share an actor between them. SQLite has a
// single writer anyway.
func (b *Inbox) claimAlone(tx *db.Tx) error {
	if tx.Dialect() != db.Postgres {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", claimLock).Error
}

func (b *Inbox) processBatch(ctx context.Context, rows []Row) error {
	byActor := map[string][]Row{}
	var order []string
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.ID, b.ID) }) // RETURNING promises no order
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
				if err := b.processRow(ctx, r); err != nil {
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
func (b *Inbox) processRow(ctx context.Context, r Row) error {
	work, cancel := context.WithTimeout(transport.WithBudget(ctx, transport.ActivityBudget), activityTime) // SEC-29
	defer cancel()
	err := b.applyGuarded(work, r)
	if ctx.Err() != nil {
		return ctx.Err() // the lease ends and the row comes back
	}
	return b.finish(ctx, r, err)
}

// applyGuarded turns a panic of a handler into an error: it must hurt only its
// own activity (SEC-71).
func (b *Inbox) applyGuarded(ctx context.Context, r Row) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
			b.log.ErrorContext(ctx, "activity handler panicked", "activity", r.ActivityID, "type", r.Type, "panic", p)
		}
	}()
	return b.apply(ctx, r)
}

func (b *Inbox) apply(ctx context.Context, r Row) error {
	env, err := envelope(r)
	if err != nil {
		return err
	}
	if r.Signer != r.Actor {
		return b.confirm(ctx, r, env)
	}
	if env.ObjectID() == env.Actor {
		defer b.keys.forget(env.Actor) // an actor that changes or goes: its key may not be good any more
	}
	return b.o.Apply(ctx, env)
}

// errBusy says that others have made us ask a host often enough for now.
var errBusy = errors.New("asked too often")

// confirm is for an activity that somebody else brought (SEC-11): it carries a
// proof by its actor, or the origin is asked for it. What is authentic then is
// stored as if the actor had sent it, unless that came already.
func (b *Inbox) confirm(ctx context.Context, r Row, env vocab.Envelope) error {
	row, err := b.prove(ctx, r, env)
	if errors.Is(err, errUnproven) {
		row, err = b.ask(ctx, r, env)
	}
	if err != nil {
		return err
	}
	_, err = b.commitRows(ctx, []*Row{row})
	return err
}

// ask gets an activity from its origin.
func (b *Inbox) ask(ctx context.Context, r Row, env vocab.Envelope) (*Row, error) {
	if b.hints.over(r.Host) {
		return nil, fmt.Errorf("activity at its origin: %w", errBusy)
	}
	b.hints.add(r.Host)
	doc, err := b.o.Actors.FetchDocument(ctx, env.ID)
	if err != nil {
		return nil, fmt.Errorf("activity at its origin: %w", err)
	}
	found, err := vocab.Activity(doc)
	if err != nil {
		return nil, err
	}
	if found.Actor != env.Actor || found.Type != env.Type || !found.OnHost() {
		return nil, fmt.Errorf("%w: %s is something else at its origin", vocab.ErrInvalid, env.ID)
	}
	return newRow(found, found.Actor, fmt.Sprintf("%s%d", markAsked, r.ID), string(doc.Raw())), nil
}

// finish writes the outcome of a row.
func (b *Inbox) finish(ctx context.Context, r Row, err error) error {
	state, next, text := Done, r.NextAt, ""
	var done *time.Time
	now := db.Now()
	switch {
	case err == nil:
		done = &now
	case b.o.Final(err):
		state, text, done = Dropped, err.Error(), &now
		b.log.InfoContext(ctx, "activity dropped", "activity", r.ActivityID, "type", r.Type, "error", err)
	case r.Attempts >= maxAttempts: // REL-10
		state, text, done = Dead, err.Error(), &now
		b.log.ErrorContext(ctx, "activity given up", "activity", r.ActivityID, "type", r.Type, "error", err)
	default:
		state, text, next = Waiting, err.Error(), now.Add(pause(r.Attempts))
		b.log.WarnContext(ctx, "activity will be tried again", "activity", r.ActivityID, "type", r.Type, "error", err)
	}
	label := state
	if state == Waiting {
		label = "retried"
	}
	b.metrics.activities.WithLabelValues(activityLabel(r.Type), label).Inc()
	return b.o.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Model(&Row{}).Where("id = ?", r.ID).Updates(map[string]any{
			"state": state, "last_error": clip(text, 500), "next_at": next, "done_at": done,
		}).Error; err != nil {
			return fmt.Errorf("finish activity: %w", err)
		}
		if state == Done {
			return supersede(tx, r)
		}
		if state == Waiting {
			return jobs.Insert(tx, ProcessArgs{}, jobs.RunAt(next), jobs.Unique(fmt.Sprintf("retry %d", r.ID)))
		}
		return nil
	})
}

// pause grows from 10 s to about an hour, with jitter.
func pause(attempt int) time.Duration {
	p := 10 * time.Second << min(2*(attempt-1), 8)
	return p + rand.N(p/4) //nolint:gosec // jitter is no secret
}

// supersede frees activity ids that PeerTube gives out again: it names a
// Follow, Like or Announce by actor and object, so that one after an Undo has
// the same id as the one before. The proof of the old row stays, so a replay
// of the old request is still known (SEC-07).
func supersede(tx *db.Tx, r Row) error {
	q := tx.Model(&Row{}).Where("id <> ? AND state IN ? AND done_at IS NOT NULL", r.ID, []string{Done, Dropped})
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
func (b *Inbox) wakeLater(ctx context.Context) error {
	var rows []Row
	err := b.o.DB.Read(ctx).Raw(`SELECT i.id, i.next_at FROM inbox i
		WHERE i.state = ? OR (i.state = ? AND NOT EXISTS (SELECT 1 FROM inbox b WHERE b.actor = i.actor AND b.state = ? AND b.next_at > ?))
		ORDER BY i.next_at LIMIT 1`, Active, Waiting, Active, db.Now()).Scan(&rows).Error
	if err != nil || len(rows) == 0 {
		return err
	}
	at := rows[0].NextAt.Add(time.Second)
	if soon := db.Now().Add(time.Second); at.Before(soon) {
		at = soon
	}
	return b.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return jobs.Insert(tx, ProcessArgs{}, jobs.RunAt(at), jobs.Unique("at "+at.Truncate(10*time.Second).Format(time.RFC3339)))
	})
}

// clip cuts a text for a column.
func clip(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }
