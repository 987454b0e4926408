package kept_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/config/kept"
)

// world is a database that counts how often something is made of it.
type world struct {
	*testing.T
	d    *db.DB
	made atomic.Int64
}

func (w *world) insert(ids ...int) {
	w.Helper()
	err := w.d.Tx(w.Context(), func(tx *db.Tx) error {
		for _, id := range ids {
			if err := tx.Exec("INSERT INTO videos_like (id) VALUES (?)", id).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) count(ctx context.Context) (n int64, err error) {
	w.made.Add(1)
	err = w.d.Read(ctx).Raw("SELECT COUNT(*) FROM videos_like").Scan(&n).Error
	return n, err
}

func (w *world) want(k *kept.Kept, key string, total, made int64) {
	w.Helper()
	n, err := k.Total(w.Context(), key, w.count)
	if err != nil || n != total || w.made.Load() != made {
		w.Errorf("%s: %d (%v), made %d times, want %d, %d", key, n, err, w.made.Load(), total, made)
	}
}

func each(t *testing.T, test func(*world)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Exec("CREATE TABLE videos_like (id BIGINT PRIMARY KEY)").Error }); err != nil {
			t.Fatal(err)
		}
		test(&world{T: t, d: d})
	})
}

// TestFew: of few rows, what has changed is seen at once.
func TestFew(t *testing.T) {
	each(t, func(w *world) {
		k := kept.New(w.d, "videos_like")
		w.want(k, "all", 0, 1)
		w.insert(1, 2)
		w.want(k, "all", 2, 2)
		w.insert(3)
		w.want(k, "all", 3, 3)
		w.want(k, "others", 3, 4)
		if k.Many() {
			w.Error("three rows are many")
		}
	})
}

// TestMany: of many rows, a total stays for a while, each under its key.
func TestMany(t *testing.T) {
	each(t, func(w *world) {
		w.insert(1, 20_000)
		k := kept.New(w.d, "videos_like")
		began := time.Now()
		w.want(k, "all", 2, 1)
		if !k.Many() {
			w.Fatal("the highest id does not tell that there are many")
		}
		w.insert(2)
		n, err := k.Total(w.Context(), "all", w.count)
		if err != nil || (n != 2 && time.Since(began) < 10*time.Second) {
			w.Errorf("after a change: %d, %v", n, err)
		}
		n, err = k.Total(w.Context(), "others", w.count)
		if err != nil || n != 3 {
			w.Errorf("another key: %d, %v", n, err)
		}
	})
}

// TestPage: pages together are the list, each with how many there are; what is
// asked for with other values is another list.
func TestPage(t *testing.T) {
	each(t, func(w *world) {
		w.insert(5, 3, 8, 1, 9)
		k := kept.New(w.d, "videos_like")
		for _, c := range []struct {
			above, start, count int
			want                string
			total               int64
		}{
			{0, 0, 2, "[9 8]", 5}, {0, 2, 2, "[5 3]", 5}, {0, 4, 2, "[1]", 5}, {0, 5, 2, "[]", 5}, {0, 900, 2, "[]", 5}, {0, 1, 0, "[]", 5}, {4, 0, 9, "[9 8 5]", 3}, {9, 0, 9, "[]", 0},
		} {
			ids, total, err := k.Page(w.Context(), c.start, c.count, "SELECT id FROM videos_like WHERE id > ? ORDER BY id DESC", c.above)
			if err != nil || fmt.Sprint(ids) != c.want || total != c.total {
				w.Errorf("above %d, %d from %d: %v of %d, %v, want %s of %d", c.above, c.count, c.start, ids, total, err, c.want, c.total)
			}
		}
		w.insert(10)
		ids, total, err := k.Page(w.Context(), 0, 1, "SELECT id FROM videos_like WHERE id > ? ORDER BY id DESC", 0)
		if err != nil || fmt.Sprint(ids) != "[10]" || total != 6 {
			w.Errorf("after a change: %v of %d, %v", ids, total, err)
		}
	})
}

// TestTogether: who asks at the same time waits for one, and gets what it made
// even when that one has gone away; what failed is not kept.
func TestTogether(t *testing.T) {
	each(t, func(w *world) {
		w.insert(1, 20_000)
		k := kept.New(w.d, "videos_like")
		broken := errors.New("broken")
		if _, err := k.Get(w.Context(), "ids", func(context.Context) (kept.Value, error) { return kept.Value{}, broken }); !errors.Is(err, broken) {
			w.Errorf("an error is told as %v", err)
		}
		started, release := make(chan struct{}), make(chan struct{})
		ids := func(ctx context.Context) (kept.Value, error) {
			if w.made.Add(1) == 1 {
				close(started)
			}
			<-release
			return kept.Value{IDs: []int64{3, 1, 2}}, ctx.Err()
		}
		ctx, leave := context.WithCancel(w.Context())
		gone := make(chan error, 1)
		go func() {
			_, err := k.Get(ctx, "ids", ids)
			gone <- err
		}()
		<-started
		leave()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			w.Errorf("who went away waits on: %v", err)
		}
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				v, err := k.Get(w.Context(), "ids", ids)
				if err != nil || fmt.Sprint(v.IDs) != "[3 1 2]" {
					w.Errorf("%v, %v", v, err)
				}
			})
		}
		close(release)
		wg.Wait()
		if n := w.made.Load(); n != 1 {
			w.Errorf("made %d times", n)
		}
	})
}
