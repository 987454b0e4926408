package inbox

import (
	"log/slog"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// The rows of a slow worker stay its own; once it is gone or done, they do not.
func TestHoldRenewsTheLease(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const lease = 150 * time.Millisecond
		b := &Inbox{o: Options{DB: d}, log: slog.New(slog.DiscardHandler)}
		now := db.Now()
		rows := []Row{
			{ActivityID: "https://a.example/1", Actor: "https://a.example/u", Signer: "https://a.example/u", Host: "a.example", Type: "Like", Proof: "p1", Raw: "{}", State: Active, NextAt: now.Add(lease), ReceivedAt: now},
			{ActivityID: "https://a.example/2", Actor: "https://a.example/u", Signer: "https://a.example/u", Host: "a.example", Type: "Like", Proof: "p2", Raw: "{}", State: Done, NextAt: now.Add(lease), ReceivedAt: now},
		}
		if err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.Create(&rows).Error }); err != nil {
			t.Fatal(err)
		}
		next := func() (active, done time.Time) {
			var got []Row
			if err := d.Read(t.Context()).Order("id").Find(&got).Error; err != nil {
				t.Fatal(err)
			}
			return got[0].NextAt, got[1].NextAt
		}
		letGo := b.hold(t.Context(), rows, lease)
		until := time.Now().Add(10 * time.Second)
		active, done := next()
		for ; !active.After(now.Add(3 * lease)); active, done = next() {
			if time.Now().After(until) {
				t.Fatalf("the lease ends at %v, it was never renewed", active)
			}
			time.Sleep(lease / 10)
		}
		if done.After(now.Add(lease + time.Millisecond)) {
			t.Error("the lease of a row that is done was renewed")
		}
		letGo()
		active, _ = next()
		time.Sleep(2 * lease)
		if after, _ := next(); !after.Equal(active) {
			t.Error("the lease is renewed after the work has ended")
		}
	})
}

func TestPauses(t *testing.T) {
	for n := 1; n <= 8; n++ {
		if p := pause(n); p < 10*time.Second || p > 4*time.Hour {
			t.Errorf("pause %d is %v", n, p)
		}
	}
}
