package federation

import (
	"context"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
	"github.com/kinemesh/kinemesh/jobs/jobstest"
)

// TestChangedGathers lets twenty changes of counts become one Update, which
// goes out some seconds later.
func TestChangedGathers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		alice := s.owner("alice")
		v := s.publish(alice, "Much liked")
		jobstest.Drain(t, s.DB)
		private := s.private(alice, "Alone")
		jobstest.Drain(t, s.DB)
		before := s.Count("outbox", "type = 'Update'")
		s.StopJobs() // however long the changes take, nothing goes out meanwhile
		for range 20 {
			s.tx(func(tx *db.Tx) error { return s.fed.Changed(tx, v.ID) })
			s.tx(func(tx *db.Tx) error { return s.fed.Changed(tx, private.ID) })
		}
		s.tx(func(tx *db.Tx) error { return s.fed.Changed(tx, 1<<40) }) // none
		if n := s.Count("jobs", "kind = 'video.federate' AND state = 'waiting'"); n != 1 {
			t.Fatalf("%d jobs wait, want 1", n)
		}
		var job struct{ CreatedAt, RunAt time.Time }
		if err := d.Read(t.Context()).Raw("SELECT created_at, run_at FROM jobs WHERE kind = 'video.federate' AND state = 'waiting'").Scan(&job).Error; err != nil {
			t.Fatal(err)
		}
		if wait := job.RunAt.Sub(job.CreatedAt); wait < 2*time.Second || wait > updateAfter {
			t.Errorf("the Update goes out in %v", wait)
		}
		if got := s.reload(v.IRI); !got.UpdatedAt.After(v.UpdatedAt) {
			t.Error("the document keeps its date")
		}
		s.tx(func(tx *db.Tx) error {
			return tx.Exec("UPDATE jobs SET run_at = created_at WHERE kind = 'video.federate'").Error
		})
		s.StartJobs()
		jobstest.Drain(t, s.DB)
		if n := s.Count("outbox", "type = 'Update'") - before; n != 1 {
			t.Errorf("%d Updates for 20 changes", n)
		}
	})
}

// TestFollowListsAtOnce looks at the lists right after a follow and its end.
func TestFollowListsAtOnce(t *testing.T) {
	pair(t, func(t *testing.T, a, b *site) {
		alice := a.owner("alice")
		v := a.publish(alice, "Found by its address")
		jobstest.Drain(t, a.DB)
		if _, err := b.fed.Resolve(t.Context(), v.IRI); err != nil {
			t.Fatal(err)
		}
		if b.reload(v.IRI).Listed {
			t.Fatal("listed without a follow")
		}
		channel := b.reload(v.IRI).Owner.ChannelActorID
		other, err := b.Engine.Actors.ByID(t.Context(), channel)
		if err != nil {
			t.Fatal(err)
		}
		b.follow(other.IRI)
		if !b.reload(v.IRI).Listed {
			t.Error("not listed when its channel is followed")
		}
		if err := b.Engine.Unfollow(context.Background(), b.Instance(), other); err != nil {
			t.Fatal(err)
		}
		if b.reload(v.IRI).Listed {
			t.Error("listed when the follow has ended")
		}
	})
}
