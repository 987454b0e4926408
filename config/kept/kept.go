// Package kept keeps for a short time what is dear to make of large tables: the
// totals of lists, and the ids of those whose order no index gives at once.
//
// What this process has changed is seen immediately, what another one has,
// within a second. Where many rows are, both may be older, since to count
// 100,000 rows anew after each change would make every list slow: what is asked
// for often is ten seconds old at most, what nobody asked for meanwhile is given
// once more as it was, up to a minute old, and made anew behind.
package kept

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

const (
	fresh     = time.Second
	freshMany = 10 * time.Second
	staleMany = time.Minute
	makeTime  = 30 * time.Second // for what is made behind
	many      = 10_000           // rows
	maxKept   = 2_000            // values
	maxIDs    = 4 << 20          // of all values: 32 MB
)

// Value is what is kept under a key.
type Value struct {
	Total int64
	IDs   []int64
}

// Kept holds values of one table. It is safe for concurrent use.
type Kept struct {
	db    *db.DB
	table string
	sf    singleflight.Group

	mu     sync.Mutex
	byKey  map[string]entry
	ids    int // in all entries
	big    bool
	looked time.Time // when big was found out
}

type entry struct {
	Value
	changes uint64
	at      time.Time
}

// New returns a Kept for lists of a table, which has an id.
func New(d *db.DB, table string) *Kept {
	return &Kept{db: d, table: table, byKey: map[string]entry{}}
}

// Many tells whether the table has many rows, once something was kept.
func (k *Kept) Many() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.big
}

// Total returns the number that is kept under key, or has it counted.
func (k *Kept) Total(ctx context.Context, key string, count func(context.Context) (int64, error)) (int64, error) {
	v, err := k.Get(ctx, key, func(ctx context.Context) (v Value, err error) {
		v.Total, err = count(ctx)
		return v, err
	})
	return v.Total, err
}

// Get returns what is kept under key, or has it made. Those who ask at the same
// time wait for one.
func (k *Kept) Get(ctx context.Context, key string, load func(context.Context) (Value, error)) (Value, error) {
	changes, now := k.db.Changes(), time.Now()
	known, age := k.known(key, changes, now)
	if age == isFresh {
		return known.Value, nil
	}
	// Those who wait must not end with the one who went first.
	made := k.sf.DoChan(key, func() (any, error) {
		if e, age := k.known(key, changes, now); age == isFresh {
			return e.Value, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTime)
		defer cancel()
		v, err := load(ctx)
		if err != nil {
			return v, err
		}
		return v, k.keep(ctx, key, entry{Value: v, changes: changes, at: now})
	})
	if age == isStale {
		return known.Value, nil
	}
	select {
	case r := <-made:
		if r.Err != nil {
			return Value{}, r.Err
		}
		return r.Val.(Value), nil
	case <-ctx.Done():
		return Value{}, ctx.Err()
	}
}

// Page cuts count ids from start on out of those that a query gives in their
// order, which are kept, and tells how many there are.
func (k *Kept) Page(ctx context.Context, start, count int, query string, args ...any) (ids []int64, total int64, err error) {
	v, err := k.Get(ctx, fmt.Sprintf("%s\x00%#v", query, args), func(ctx context.Context) (v Value, err error) {
		err = k.db.AlongIndexes(ctx, func(g *gorm.DB) error {
			v.IDs, err = db.IDs(g, query, args...)
			return err
		})
		return v, err
	})
	return Cut(v.IDs, start, count), int64(len(v.IDs)), err
}

// Cut is the part of ids that a page shows.
func Cut(ids []int64, start, count int) []int64 {
	start = min(start, len(ids))
	return ids[start:min(start+count, len(ids))]
}

type state int

const (
	isUnknown state = iota
	isStale         // to be given once more
	isFresh
)

func (k *Kept) known(key string, changes uint64, now time.Time) (entry, state) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e, ok := k.byKey[key]
	age := now.Sub(e.at)
	switch {
	case ok && (age < fresh && e.changes == changes || age < freshMany && k.big):
		return e, isFresh
	case ok && k.big && age < staleMany:
		return e, isStale
	}
	return e, isUnknown
}

func (k *Kept) keep(ctx context.Context, key string, e entry) error {
	if err := k.measure(ctx, e.at); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.byKey) >= maxKept || k.ids+len(e.IDs) > maxIDs {
		k.byKey, k.ids = map[string]entry{}, 0
	}
	k.ids += len(e.IDs) - len(k.byKey[key].IDs)
	k.byKey[key] = e
	return nil
}

// measure finds out whether there are many rows. The highest id tells without
// counting.
func (k *Kept) measure(ctx context.Context, now time.Time) error {
	k.mu.Lock()
	known := k.big || now.Sub(k.looked) < freshMany
	k.mu.Unlock()
	if known {
		return nil
	}
	var highest int64
	if err := k.db.Read(ctx).Raw("SELECT COALESCE(MAX(id), 0) FROM " + k.table).Scan(&highest).Error; err != nil {
		return fmt.Errorf("highest id of %s: %w", k.table, err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.big, k.looked = highest > many, now
	return nil
}
