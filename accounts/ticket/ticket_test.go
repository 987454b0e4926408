package ticket_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/accounts/ticket"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

func issue(t *testing.T, d *db.DB, purpose string, subject int64, life time.Duration) (plain string) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) (err error) {
		plain, err = ticket.Issue(tx, purpose, subject, "the data", life)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func use(t *testing.T, d *db.DB, purpose string, subject int64, plain string) (data string, err error) {
	t.Helper()
	err = d.Tx(t.Context(), func(tx *db.Tx) (err error) {
		data, err = ticket.Use(tx, purpose, subject, plain)
		return err
	})
	return data, err
}

func TestTickets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		plain := issue(t, d, "reset", 1, time.Hour)
		for name, c := range map[string]struct {
			purpose string
			subject int64
			plain   string
		}{
			"another purpose": {"verify", 1, plain},
			"another subject": {"reset", 2, plain},
			"another ticket":  {"reset", 1, strings.Repeat("0", 64)},
			"none":            {"reset", 1, ""},
			"long":            {"reset", 1, strings.Repeat("a", 1000)},
			"zero byte":       {"reset", 1, "\x00"},
		} {
			if data, err := use(t, d, c.purpose, c.subject, c.plain); !errors.Is(err, ticket.ErrInvalid) {
				t.Errorf("%s: %q, %v", name, data, err)
			}
		}
		var rows []map[string]any
		if err := d.Read(t.Context()).Table("tickets").Find(&rows).Error; err != nil || len(rows) != 1 || strings.Contains(fmt.Sprint(rows), plain) {
			t.Errorf("tickets %v, %v, want one without the secret", rows, err)
		}
		if data, err := use(t, d, "reset", 1, plain); err != nil || data != "the data" {
			t.Errorf("the right twin: %q, %v", data, err)
		}
		if _, err := use(t, d, "reset", 1, plain); !errors.Is(err, ticket.ErrInvalid) {
			t.Errorf("a second use: %v", err)
		}
		first, second := issue(t, d, "reset", 1, time.Hour), issue(t, d, "reset", 1, time.Hour)
		if _, err := use(t, d, "reset", 1, first); !errors.Is(err, ticket.ErrInvalid) {
			t.Errorf("one that was replaced: %v", err)
		}
		if _, err := use(t, d, "reset", 1, second); err != nil {
			t.Errorf("the one in its place: %v", err)
		}
		over := issue(t, d, "reset", 1, -time.Second)
		if _, err := use(t, d, "reset", 1, over); !errors.Is(err, ticket.ErrInvalid) {
			t.Errorf("one that is over: %v", err)
		}
		if err := d.Tx(t.Context(), ticket.DeleteExpired); err != nil {
			t.Fatal(err)
		}
		var n int64
		if err := d.Read(t.Context()).Table("tickets").Count(&n).Error; err != nil || n != 0 {
			t.Errorf("%d tickets are left, %v", n, err)
		}
	})
}

// TestOnce uses one ticket from many sides at once.
func TestOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		plain := issue(t, d, "reset", 1, time.Hour)
		var wg sync.WaitGroup
		var won atomic.Int32
		for range 8 {
			wg.Go(func() {
				switch _, err := use(t, d, "reset", 1, plain); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, ticket.ErrInvalid):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d uses of one ticket", won.Load())
		}
	})
}
