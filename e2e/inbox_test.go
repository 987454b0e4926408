package e2e

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/aptest"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/e2e/rig"
)

var inboxKills = flag.Int("inbox-kills", 0, "how often TestReliabilityInbox kills the server; 0: three times, without waiting for leases")

// deliveriesASecond is the load under which the server is killed.
const deliveriesASecond = 50

// Killed with -9 at any moment under fifty deliveries a second, the server has
// lost nothing that it has acknowledged, and no comment is there twice. REL-01
func TestReliabilityInbox(t *testing.T) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			kills := cmp.Or(*inboxKills, 3)
			ctx := slow(t, time.Duration(kills)*10*time.Second+5*time.Minute)
			database, redis := e.urls(t)
			i := start(ctx, t, rig.Options{DatabaseURL: database, RedisURL: redis, Settings: map[string]any{"transcoding.enabled": false}})
			c := root(ctx, t, i)
			clip, err := rig.Clip(ctx, t.TempDir(), 1, 160, 90)
			if err != nil {
				t.Fatal(err)
			}
			v, err := c.Upload(ctx, clip, rig.Fields{"name": "Commented"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.WaitPublished(ctx, v.UUID, time.Minute); err != nil {
				t.Fatal(err)
			}
			s := &storm{t: t, target: i.Origin, video: i.Origin + "/videos/watch/" + v.UUID, acked: map[string]bool{}, other: map[int]int{}}
			s.people(8)
			ctx, calm := context.WithCancel(ctx)
			defer calm()
			done := make(chan struct{})
			go func() { defer close(done); s.blow(ctx) }()
			seed := uint64(time.Now().UnixNano())
			random := rand.New(rand.NewPCG(seed, 2))
			for range kills {
				time.Sleep(time.Duration(200+random.IntN(1000)) * time.Millisecond)
				if err := i.Kill(); err != nil {
					t.Fatal(err)
				}
				if *inboxKills == 0 {
					endLeases(t, databaseOf(i, database))
				}
				if err := i.Launch(context.WithoutCancel(ctx)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(500 * time.Millisecond)
			calm()
			<-done
			s.settled(t, i, databaseOf(i, database), c, v)
			t.Logf("seed %d: %d kills, %d of %d deliveries acknowledged, the others got %v", seed, kills, len(s.acked), s.sent, s.other)
		})
	}
}

// databaseOf is where an instance keeps its data.
func databaseOf(i *rig.Instance, url string) string {
	return cmp.Or(url, "sqlite:"+filepath.Join(i.Dir, "data", "kinemesh.db"))
}

// endLeases does what 15 seconds do while no server runs: what the killed one
// had in work can be taken again.
func endLeases(t *testing.T, database string) {
	t.Helper()
	d, err := db.Open(t.Context(), database, db.MaxConns(2))
	if err == nil {
		err = d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Table("inbox").Where("state = ?", inbox.Active).Update("next_at", db.Now()).Error
		})
		err = errors.Join(err, d.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// storm delivers comments without end.
type storm struct {
	t             *testing.T
	target, video string
	remote        *aptest.Remote
	actors        []*aptest.Actor

	mu    sync.Mutex
	acked map[string]bool // ids of notes whose activity got 204
	sent  int
	other map[int]int // answers but 204; 0: none
}

func (s *storm) people(n int) {
	s.remote = aptest.New(s.t)
	for i := range n {
		s.actors = append(s.actors, s.remote.Actor(actor.Person, fmt.Sprint("visitor", i)))
	}
}

// blow sends until ctx ends, each request once: what is not acknowledged is
// another server's to send again.
func (s *storm) blow(ctx context.Context) {
	tick := time.NewTicker(time.Second / deliveriesASecond)
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	client := &http.Client{Timeout: 20 * time.Second}
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		by := s.actors[n%len(s.actors)]
		id := fmt.Sprintf("%s/notes/%d", s.remote.Origin, n)
		note := map[string]any{
			"type": "Note", "id": id, "url": id, "attributedTo": by.IRI, "inReplyTo": s.video, "content": fmt.Sprintf("<p>Comment %d</p>", n),
			"published": time.Now().UTC().Format(time.RFC3339), "to": []string{"https://www.w3.org/ns/activitystreams#Public"}, "cc": []string{},
		}
		wg.Go(func() {
			req := by.Request(s.target+"/inbox", by.Activity("Create", note, map[string]any{"id": id + "/activity"}))
			res, err := client.Do(req.WithContext(context.WithoutCancel(ctx)))
			s.mu.Lock()
			defer s.mu.Unlock()
			s.sent++
			if err != nil {
				s.other[0]++
				return // killed
			}
			res.Body.Close()
			if res.StatusCode != http.StatusNoContent {
				s.other[res.StatusCode]++
			}
			switch res.StatusCode {
			case http.StatusNoContent:
				s.acked[id] = true
			case http.StatusServiceUnavailable, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusInternalServerError:
				// stopping, its key not at hand, or too fast: not acknowledged
			default:
				s.t.Errorf("a delivery got %d", res.StatusCode)
			}
		})
	}
}

// settled waits until nothing waits any more; then what was acknowledged has
// been processed, and is there once.
func (s *storm) settled(t *testing.T, i *rig.Instance, database string, c *rig.Client, v rig.Video) {
	t.Helper()
	ctx := t.Context()
	if len(s.acked) == 0 {
		t.Fatal("nothing was acknowledged")
	}
	d, err := db.Open(ctx, database, db.MaxConns(2))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	eventually(ctx, t, 3*time.Minute, "everything is processed", func(ctx context.Context) (bool, error) {
		var waiting int64
		err := d.Read(ctx).Table("inbox").Where("done_at IS NULL").Count(&waiting).Error
		return waiting == 0, err
	})
	missing := maps.Clone(s.acked)
	var processed, stored []string
	err = errors.Join(
		d.Read(ctx).Table("inbox").Where("state = 'done'").Pluck("object", &processed).Error,
		d.Read(ctx).Table("comments").Pluck("iri", &stored).Error,
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range processed {
		delete(missing, id)
	}
	for id := range missing {
		var why struct{ State, LastError string }
		if err := d.Read(ctx).Table("inbox").Where("object = ?", id).Take(&why).Error; err != nil {
			t.Errorf("acknowledged and lost: %s: %v", id, err)
			continue
		}
		t.Errorf("acknowledged and %s: %s: %s", why.State, id, why.LastError)
	}
	there := map[string]bool{}
	for _, id := range stored {
		there[id] = true
	}
	for id := range s.acked {
		if !there[id] {
			t.Errorf("acknowledged, and no comment: %s", id)
		}
	}
	var list struct{ Total int }
	if err := c.Get(ctx, "/api/v1/videos/"+v.UUID+"/comment-threads", &list); err != nil || list.Total != len(stored) || len(stored) < len(s.acked) {
		t.Errorf("%d threads are shown (%v), %d comments stored, %d acknowledged", list.Total, err, len(stored), len(s.acked))
	}
}
