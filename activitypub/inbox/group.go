package inbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// Limits of a group.
const (
	maxGroup  = 128
	groupTime = 20 * time.Second
)

// group commits the activities of several requests in one transaction. The
// first request commits at once; those that come meanwhile wait, and one of
// them commits for all. So nobody waits for company, and under load a commit
// carries many.
type group struct {
	commit func(context.Context, []*Row) (fresh []bool, err error)

	mu      sync.Mutex
	busy    bool
	waiting []*entry
}

// entry is a row that waits for its commit.
type entry struct {
	row  *Row
	wake chan []*entry // receives a group to commit, or nil when it is done

	fresh bool
	err   error
}

// add returns when row is committed, or was before (then fresh is false). It
// does not end with ctx: the row may be part of a commit under way.
func (g *group) add(ctx context.Context, row *Row) (fresh bool, err error) {
	e := &entry{row: row}
	g.mu.Lock()
	if !g.busy {
		g.busy = true
		g.mu.Unlock()
		g.lead(ctx, []*entry{e})
		return e.fresh, e.err
	}
	e.wake = make(chan []*entry, 1)
	g.waiting = append(g.waiting, e)
	g.mu.Unlock()
	if mine := <-e.wake; mine != nil {
		g.lead(ctx, mine)
	}
	return e.fresh, e.err
}

// lead commits a group and hands over to the next one.
func (g *group) lead(ctx context.Context, mine []*entry) {
	defer func() {
		for _, e := range mine[1:] { // the first one is ours
			e.wake <- nil
		}
		g.next()
	}()
	// The group belongs to all who wait, so it outlives the one who leads.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), groupTime)
	defer cancel()
	err := g.try(ctx, mine)
	if err != nil && len(mine) > 1 { // one row must not fail its neighbours
		for i := range mine {
			mine[i].err = g.try(ctx, mine[i:i+1])
		}
	}
}

// try commits entries together. Should the commit panic, they fail all.
func (g *group) try(ctx context.Context, entries []*entry) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store activities: panic: %v", p)
		}
		for _, e := range entries {
			e.err = err
		}
	}()
	rows := make([]*Row, len(entries))
	for i, e := range entries {
		rows[i] = e.row
	}
	fresh, err := g.commit(ctx, rows)
	if err != nil {
		return err
	}
	for i, e := range entries {
		e.fresh = fresh[i]
	}
	return nil
}

// next lets the longest waiting one lead all that wait.
func (g *group) next() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.busy = false
		return
	}
	n := min(len(g.waiting), maxGroup)
	mine := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	mine[0].wake <- mine
}

// commitRows stores rows, and the job that will take them, in one
// transaction (REL-01), and tells which of them are new: a repeat, or the
// same request replayed, changes nothing (SEC-07).
func (b *Inbox) commitRows(ctx context.Context, rows []*Row) (fresh []bool, err error) {
	err = b.o.DB.Tx(ctx, func(tx *db.Tx) error {
		fresh, err = insertRows(tx, rows)
		return err
	})
	return fresh, err
}

// insertRows inserts all rows with one statement.
func insertRows(tx *db.Tx, rows []*Row) ([]bool, error) {
	query, args := insertStatement(tx.Dialect(), rows)
	// GORM would take an array apart, and looks at every argument.
	found, err := tx.Statement.ConnPool.QueryContext(tx.Statement.Context, query, args...)
	if err != nil {
		return nil, fmt.Errorf("store activities: %w", err)
	}
	stored, err := proofsOf(found)
	if err != nil {
		return nil, fmt.Errorf("store activities: %w", err)
	}
	none := len(stored) == 0
	fresh := make([]bool, len(rows))
	for i, r := range rows {
		fresh[i] = stored[r.Proof]
		delete(stored, r.Proof) // the same request twice in one group
	}
	if none {
		return fresh, nil
	}
	return fresh, jobs.Insert(tx, ProcessArgs{}, jobs.Unique("now"))
}

// proofsOf reads what a statement returns.
func proofsOf(found *sql.Rows) (stored map[string]bool, err error) {
	defer func() { err = errors.Join(err, found.Close()) }()
	stored = map[string]bool{}
	for found.Next() {
		var proof string
		if err := found.Scan(&proof); err != nil {
			return nil, err
		}
		stored[proof] = true
	}
	return stored, found.Err()
}

// columns of a new row, in the order of texts; the last two are times.
const columns = "activity_id, actor, signer, host, type, object, proof, raw, state, next_at, received_at"

// texts are the columns of a row that may differ from those of its group.
func (r *Row) texts() [9]string {
	return [9]string{r.ActivityID, r.Actor, r.Signer, r.Host, r.Type, r.Object, r.Proof, r.Raw, r.State}
}

// insertStatement makes one statement for all rows. PostgreSQL gets arrays,
// so that one plan serves any number of rows.
func insertStatement(dialect db.Dialect, rows []*Row) (string, []any) {
	now := rows[0].ReceivedAt
	const conflict = " ON CONFLICT DO NOTHING RETURNING proof"
	if dialect == db.Postgres {
		var texts [9][]string
		for _, r := range rows {
			for i, v := range r.texts() {
				texts[i] = append(texts[i], v)
			}
		}
		args := make([]any, 0, 10)
		for _, t := range texts {
			args = append(args, t)
		}
		return "INSERT INTO inbox (" + columns + `)
			SELECT activity_id, actor, signer, host, type, object, proof, raw, state, $10::timestamptz, $10::timestamptz
			FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
			WITH ORDINALITY AS r (activity_id, actor, signer, host, type, object, proof, raw, state, n) ORDER BY n` + conflict, append(args, now)
	}
	args := make([]any, 0, 11*len(rows))
	for _, r := range rows {
		for _, v := range r.texts() {
			args = append(args, v)
		}
		args = append(args, now, now)
	}
	const one = "(?,?,?,?,?,?,?,?,?,?,?)"
	return "INSERT INTO inbox (" + columns + ") VALUES " + strings.Repeat(one+",", len(rows)-1) + one + conflict, args
}
