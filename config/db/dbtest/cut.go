package dbtest

import (
	"errors"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/config/db"
)

// ErrCut is what a database answers that has been cut off.
var ErrCut = errors.New("cut")

// Cutter makes a database fail at a chosen statement, to see what becomes of
// work that ends there (REL-02).
type Cutter struct {
	one, all, seen atomic.Int64
}

// Cut puts a Cutter before all statements that go to d by GORM.
func Cut(t testing.TB, d *db.DB) *Cutter {
	t.Helper()
	c := &Cutter{}
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		err := c.watch(tx.DB)
		if read := d.Read(t.Context()); read.Callback() != tx.Callback() { // SQLite reads by other connections
			err = errors.Join(err, c.watch(read))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *Cutter) watch(g *gorm.DB) error {
	cb := g.Callback()
	return errors.Join(
		cb.Create().Before("gorm:create").Register("cut", c.hook), cb.Update().Before("gorm:update").Register("cut", c.hook),
		cb.Query().Before("gorm:query").Register("cut", c.hook), cb.Delete().Before("gorm:delete").Register("cut", c.hook),
		cb.Raw().Before("gorm:raw").Register("cut", c.hook), cb.Row().Before("gorm:row").Register("cut", c.hook),
	)
}

func (c *Cutter) hook(g *gorm.DB) {
	n := c.seen.Add(1)
	if all := c.all.Load(); n == c.one.Load() || all > 0 && n >= all {
		_ = g.AddError(ErrCut) // it keeps the error
	}
}

// At lets the nth statement from now on fail, and no other, as a database does
// that is away for a moment.
func (c *Cutter) At(n int64) { c.set(n, 0) }

// From lets the nth statement from now on fail and all that follow, as for a
// process that is killed there.
func (c *Cutter) From(n int64) { c.set(0, n) }

// Mend lets no statement fail any more and tells how many there were since At,
// From, Cut or the last Mend.
func (c *Cutter) Mend() int64 {
	n := c.seen.Load()
	c.set(0, 0)
	return n
}

func (c *Cutter) set(one, all int64) {
	c.one.Store(one)
	c.all.Store(all)
	c.seen.Store(0)
}
