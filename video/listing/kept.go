package listing

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/kinemesh/kinemesh/config/db"
)

// What is kept of lists: their totals, and the ids of those whose order no index
// gives at once. What this process has changed is seen immediately, what another
// one has, within a second. Where many videos are, both may be older, since to
// count 100,000 rows anew after each view would make every list slow: what is
// asked for often is ten seconds old at most, what nobody asked for meanwhile is
// given once more as it was, up to a minute old, and made anew behind.
const (
	fresh     = time.Second
	freshMany = 10 * time.Second
	staleMany = time.Minute
	makeTime  = 30 * time.Second // for what is made behind
	many      = 10_000           // videos
	farStart  = 1_000            // from here on a page is far
	maxKept   = 2_000            // totals and orders
	maxIDs    = 4 << 20          // of all orders: 32 MB
)

// kept remembers totals and orders. The zero value is not ready: see newKept.
type kept struct {
	db *db.DB
	sf singleflight.Group

	mu     sync.Mutex
	byKey  map[string]keptEntry
	ids_   int // in all entries
	big    bool
	looked time.Time // when big was found out
}

type keptEntry struct {
	total   int64
	ids     []int64
	changes uint64
	at      time.Time
}

func newKept(d *db.DB) *kept { return &kept{db: d, byKey: map[string]keptEntry{}} }

// whole tells whether a page is better cut from the ids of the whole list: where
// there are many videos, when it is far or no index finds its videos in their
// order.
func (k *kept) whole(f *Filter) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	narrowed := len(f.Categories)+len(f.Licences)+len(f.Languages) > 0 || f.DurationMin != nil || f.DurationMax != nil || f.Host != ""
	return k.big && (f.Page.Start >= farStart || f.Page.Sort == "localVideoFilesSize" || f.NotWatched || f.HasHLS != nil || f.HasWeb != nil ||
		len(f.TagsOneOf)+len(f.TagsAllOf)+len(f.words)+len(f.AutoTags) > 0 || narrowed && f.Page.Sort != "publishedAt")
}

// get returns what is kept under key, or has it made. Those who ask at the same
// time wait for one.
func (k *kept) get(ctx context.Context, key string, load func(context.Context) (keptEntry, error)) (keptEntry, error) {
	changes, now := k.db.Changes(), time.Now()
	known, state := k.known(key, changes, now)
	if state == isFresh {
		return known, nil
	}
	// Those who wait must not end with the one who went first.
	made := k.sf.DoChan(key, func() (any, error) {
		if e, state := k.known(key, changes, now); state == isFresh {
			return e, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), makeTime)
		defer cancel()
		e, err := load(ctx)
		if err != nil {
			return e, err
		}
		e.changes, e.at = changes, now
		return e, k.keep(ctx, key, e)
	})
	if state == isStale {
		return known, nil
	}
	select {
	case r := <-made:
		if r.Err != nil {
			return keptEntry{}, r.Err
		}
		return r.Val.(keptEntry), nil
	case <-ctx.Done():
		return keptEntry{}, ctx.Err()
	}
}

type keptState int

const (
	isUnknown keptState = iota
	isStale             // to be given once more
	isFresh
)

func (k *kept) known(key string, changes uint64, now time.Time) (keptEntry, keptState) {
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

func (k *kept) keep(ctx context.Context, key string, e keptEntry) error {
	if err := k.measure(ctx, e.at); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.byKey) >= maxKept || k.ids_+len(e.ids) > maxIDs {
		k.byKey, k.ids_ = map[string]keptEntry{}, 0
	}
	k.ids_ += len(e.ids) - len(k.byKey[key].ids)
	k.byKey[key] = e
	return nil
}

// measure finds out whether there are many videos. The highest id tells without
// counting.
func (k *kept) measure(ctx context.Context, now time.Time) error {
	k.mu.Lock()
	known := k.big || now.Sub(k.looked) < freshMany
	k.mu.Unlock()
	if known {
		return nil
	}
	var highest int64
	if err := k.db.Read(ctx).Raw("SELECT COALESCE(MAX(id), 0) FROM videos").Scan(&highest).Error; err != nil {
		return fmt.Errorf("highest id: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.big, k.looked = highest > many, now
	return nil
}

// total is how many videos there are for q.
func (s *Service) total(ctx context.Context, pool *sql.DB, q *query) (int64, error) {
	e, err := s.kept.get(ctx, q.key("total"), func(ctx context.Context) (e keptEntry, err error) {
		text := bind(s.db.Dialect(), "SELECT COUNT(*) FROM videos v"+q.sql())
		if err = pool.QueryRowContext(ctx, text, q.args...).Scan(&e.total); err != nil {
			err = fmt.Errorf("count videos: %w", err)
		}
		return e, err
	})
	return e.total, err
}

// order makes the ids of a list.
type order func(ctx context.Context, s *Service, pool *sql.DB, f *Filter, q *query) ([]int64, error)

// ids are the ids that an order gives for q.
func (k *kept) ids(ctx context.Context, s *Service, name string, by order, pool *sql.DB, f *Filter, q *query) ([]int64, error) {
	if f.Viewer != nil && f.Page.Sort == "best" {
		name = fmt.Sprint(name, " for ", f.Viewer.UserID)
	}
	e, err := k.get(ctx, q.key("ids by "+name), func(ctx context.Context) (e keptEntry, err error) {
		e.ids, err = by(ctx, s, pool, f, q)
		return e, err
	})
	return e.ids, err
}

// allIDs are the ids of a whole list, as far as pages may be asked for.
func allIDs(ctx context.Context, s *Service, pool *sql.DB, f *Filter, q *query) ([]int64, error) {
	var head []int64
	if rank := ranked(f); rank != nil {
		var err error
		if head, err = rank(ctx, s, pool, f, q); err != nil {
			return nil, err
		}
	}
	first := make(map[int64]bool, len(head))
	for _, id := range head {
		first[id] = true
	}
	ids := head
	err := s.each(ctx, pool, "SELECT v.id FROM videos v"+q.sql()+" ORDER BY "+f.order()+" LIMIT 1000100", q.args, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		if !first[id] {
			ids = append(ids, id)
		}
		return err
	})
	return ids, err
}
