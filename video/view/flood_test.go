package view_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/video/catalog"
)

var flood = flag.Int("flood", 20_000, "Views in TestFlood; the measure is 200000")

// count counts the statements that go through the handle of a database from
// now on; the function gives the number.
func count(t *testing.T, d *db.DB) func() int64 {
	t.Helper()
	var n atomic.Int64
	name := "count " + t.Name() + fmt.Sprint(&n)
	err := d.Tx(context.Background(), func(tx *db.Tx) error {
		c := tx.Callback()
		one := func(*gorm.DB) { n.Add(1) }
		for _, err := range []error{
			c.Raw().After("gorm:raw").Register(name, one), c.Query().After("gorm:query").Register(name, one),
			c.Row().After("gorm:row").Register(name, one), c.Create().After("gorm:create").Register(name, one),
			c.Update().After("gorm:update").Register(name, one), c.Delete().After("gorm:delete").Register(name, one),
		} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n.Load
}

// TestFlood: a premiere. Many Views by many servers of 100 videos become a few
// thousand statements, the counts are right to the last one, and the memory
// stays flat.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const videos, servers = 100, 20
		s := serve(t, d)
		var list []*catalog.Video
		for i := range videos {
			list = append(list, s.video(fmt.Sprint("Video ", i)))
		}
		var by []*aptest.Actor
		for range servers {
			a := application(aptest.New(t))
			s.post(a, aView(a, list[0].IRI, "first", nil)) // so that it is known here
			by = append(by, a)
		}
		s.process()
		statements := count(t, s.DB)
		began := time.Now()
		s.fill(*flood, list, by)
		filled, inserts := time.Since(began), statements()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		stop := peak(t)
		began = time.Now()
		s.process()
		took, used := time.Since(began), statements()-inserts
		highest := stop()
		runtime.GC()
		runtime.ReadMemStats(&after)
		t.Logf("%d Views of %d videos by %d servers: stored in %v with %d statements, taken in %v with %d statements; heap %d MiB before, %d highest, %d after",
			*flood, videos, servers, filled.Round(time.Millisecond), inserts, took.Round(time.Millisecond), used,
			before.HeapAlloc>>20, highest>>20, after.HeapAlloc>>20)
		if most := int64(*flood/1000*12 + 100); used > most {
			t.Errorf("%d statements, want at most %d", used, most)
		}
		if highest > before.HeapAlloc+96<<20 {
			t.Errorf("the heap grew by %d MiB", (highest-before.HeapAlloc)>>20)
		}
		for i, v := range list {
			want := int64(*flood / videos)
			if i == 0 {
				want += servers
			}
			if got := s.reload(v.ID).Views; got != want {
				t.Errorf("video %d: %d views, want %d", i, got, want)
			}
		}
		if n := s.Count("inbox", "state <> 'done'"); n != 0 {
			t.Errorf("%d rows are not done", n)
		}
	})
}

// fill stores Views as the inbox does when requests come in quickly: many a
// statement. What the request's signature costs is measured elsewhere.
func (s *site) fill(n int, list []*catalog.Video, by []*aptest.Actor) {
	s.t.Helper()
	const group = 100
	now := db.Now()
	for i := 0; i < n; i += group {
		var rows []m
		for j := i; j < i+group; j++ {
			a, v := by[j%len(by)], list[j%len(list)]
			doc := aView(a, v.IRI, fmt.Sprint(j), nil)
			raw, err := json.Marshal(doc)
			if err != nil {
				s.t.Fatal(err)
			}
			rows = append(rows, m{
				"activity_id": fmt.Sprint(doc["id"], " ", j), "actor": a.IRI, "signer": a.IRI, "host": "remote.example", "type": "View",
				"object": v.IRI, "proof": fmt.Sprint("proof ", j), "raw": string(raw), "state": "bulk", "next_at": now, "received_at": now,
			})
		}
		s.world.Tx(func(tx *db.Tx) error { return tx.Table("inbox").Create(rows).Error })
	}
}

// peak watches the heap; the function ends that and gives the highest value.
func peak(t *testing.T) func() uint64 {
	t.Helper()
	var highest uint64
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		var now runtime.MemStats
		for {
			runtime.ReadMemStats(&now)
			highest = max(highest, now.HeapAlloc)
			select {
			case <-end:
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 {
		close(end)
		<-ended
		return highest
	}
}
