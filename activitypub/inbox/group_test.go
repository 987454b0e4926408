package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// received is a row as the inbox makes it.
func received(id, proof string) *Row {
	now := db.Now()
	return &Row{
		ActivityID: id, Actor: "https://a.example/u", Signer: "https://a.example/u", Host: "a.example", Type: "Like", Object: "https://b.example/1",
		Proof: proof, Raw: `{"a":"b"}`, State: Waiting, NextAt: now, ReceivedAt: now,
	}
}

// What comes while a commit is under way shares the next one; one that comes
// alone waits for nobody.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var commits []int
		g := group{commit: func(_ context.Context, rows []*Row) ([]bool, error) {
			commits = append(commits, len(rows))
			time.Sleep(10 * time.Millisecond)
			return make([]bool, len(rows)), nil
		}}
		begun := time.Now()
		if _, err := g.add(t.Context(), received("alone", "p")); err != nil || time.Since(begun) != 10*time.Millisecond {
			t.Errorf("alone: %v after %v", err, time.Since(begun))
		}
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				if i > 0 {
					time.Sleep(time.Millisecond) // the first one is committing
				}
				if _, err := g.add(t.Context(), received(fmt.Sprint(i), fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if text := fmt.Sprint(commits); text != "[1 1 128 128 43]" {
			t.Errorf("commits of %s rows", text)
		}
		if _, err := g.add(t.Context(), received("after", "p")); err != nil || len(commits) != 6 {
			t.Errorf("after the rush: %v, %d commits", err, len(commits))
		}
	})
}

// A row that cannot be stored fails alone, and so does a panic; whoever leads,
// nobody waits for ever.
func TestGroupFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := errors.New("bad row")
		g := group{commit: func(_ context.Context, rows []*Row) ([]bool, error) {
			time.Sleep(time.Millisecond)
			fresh := make([]bool, len(rows))
			for i, r := range rows {
				switch r.ActivityID {
				case "bad":
					return nil, bad
				case "panic":
					panic("store")
				}
				fresh[i] = true
			}
			return fresh, nil
		}}
		var stored, failed atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			id := fmt.Sprint(i)
			switch i {
			case 40, 0:
				id = "bad"
			case 60:
				id = "panic"
			}
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				if i%3 == 0 {
					cancel() // its client has gone: the others' commit goes on
				}
				defer cancel()
				fresh, err := g.add(ctx, received(id, id))
				switch {
				case err == nil && fresh:
					stored.Add(1)
				case err != nil && (id == "bad" || id == "panic"):
					failed.Add(1)
				default:
					t.Errorf("row %s: %v, %v", id, fresh, err)
				}
			})
		}
		wg.Wait()
		if stored.Load() != 97 || failed.Load() != 3 {
			t.Errorf("%d stored, %d failed", stored.Load(), failed.Load())
		}
	})
}

// One statement stores a group, tells what is new, and wakes one job.
func TestCommitRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := New(Options{DB: d, Logger: slog.New(slog.DiscardHandler)})
		rows := []*Row{
			received("1", "p1"), received("2", "p2"), received("1", "p3"), // the same activity, signed twice
			received("4", "p2"),                      // the same signature
			received("5", "p5"), received("5", "p5"), // the same request
			{ActivityID: `quote " ' \ {} , NULL`, Actor: "https://a.example/u", Signer: "s", Proof: "p6", Raw: "ü\n\"\\", State: Bulk, ReceivedAt: db.Now()},
		}
		fresh, err := b.commitRows(t.Context(), rows)
		if err != nil || fmt.Sprint(fresh) != "[true true false false true false true]" {
			t.Fatalf("fresh %v, %v", fresh, err)
		}
		again, err := b.commitRows(t.Context(), rows[:2])
		if err != nil || fmt.Sprint(again) != "[false false]" {
			t.Errorf("again: fresh %v, %v", again, err)
		}
		var got []Row
		if err := d.Read(t.Context()).Order("id").Find(&got).Error; err != nil || len(got) != 4 {
			t.Fatalf("%d rows, %v", len(got), err)
		}
		last := got[3]
		if last.Raw != "ü\n\"\\" || last.State != Bulk || last.ActivityID != rows[6].ActivityID || !got[0].ReceivedAt.Equal(rows[0].ReceivedAt) {
			t.Errorf("stored %+v", last)
		}
		if got[0].ActivityID != "1" || got[1].ActivityID != "2" || got[2].ActivityID != "5" {
			t.Errorf("order %s %s %s", got[0].ActivityID, got[1].ActivityID, got[2].ActivityID)
		}
		var jobs int64
		if err := d.Read(t.Context()).Table("jobs").Where("kind = 'activitypub.process'").Count(&jobs).Error; err != nil || jobs != 1 {
			t.Errorf("%d jobs, %v", jobs, err)
		}
	})
}

// REL-01: what could not be committed is not acknowledged.
func TestNoCommitNoAnswer(t *testing.T) {
	d := dbtest.SQLite(t)
	b := New(Options{DB: d, Logger: slog.New(slog.DiscardHandler)})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if fresh, err := b.group.add(t.Context(), received("1", "p1")); err == nil || fresh {
		t.Errorf("stored %v without a database", fresh)
	}
}

// Keys in use are held for a while, not for ever, and not more than some.
func TestHeldKeys(t *testing.T) {
	now := time.Now()
	k := newKeys(func() time.Time { return now })
	for i := range maxKeys + 10 {
		k.put(fmt.Sprint(i), heldKey{})
	}
	if len(k.m) > maxKeys {
		t.Errorf("%d keys are held", len(k.m))
	}
	last := fmt.Sprint(maxKeys + 9)
	if _, ok := k.get(last); !ok {
		t.Error("a key in use is not held")
	}
	now = now.Add(keyTime + time.Second)
	if _, ok := k.get(last); ok {
		t.Error("a key is held for ever")
	}
}
