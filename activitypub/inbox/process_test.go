package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/config/db/dbtest"
)

// fill writes rows as they are when they have been received.
func fill(t *testing.T, d *db.DB, rows ...inbox.Row) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error { return tx.CreateInBatches(rows, 200).Error })
	if err != nil {
		t.Fatal(err)
	}
}

// row is an activity of an actor as it waits.
func row(host, actor, typ, object string, n int) inbox.Row {
	id, now := fmt.Sprintf("https://%s/activities/%s-%d", host, typ, n), db.Now()
	by := "https://" + host + "/" + actor
	return inbox.Row{
		ActivityID: id, Actor: by, Signer: by, Host: host, Type: typ, Object: object, Proof: id, State: inbox.Waiting, NextAt: now, ReceivedAt: now,
		Raw: fmt.Sprintf(`{"id":%q,"type":%q,"actor":%q,"object":{"id":%q,"type":"Note","content":"%d"}}`, id, typ, by, object, n),
	}
}

// plain is an inbox whose activities are taken by apply.
func plain(d *db.DB, apply func(context.Context, vocab.Envelope) error) *inbox.Inbox {
	return inbox.New(inbox.Options{
		DB: d, Enabled: true, Apply: apply, Final: func(error) bool { return false }, Logger: slog.New(slog.DiscardHandler),
	})
}

// heard collects what was applied.
type heard struct {
	mu  sync.Mutex
	log []string
}

func (h *heard) apply(_ context.Context, env vocab.Envelope) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, env.Type+" "+env.ObjectID()+" "+env.Object.String("content"))
	return nil
}

func states(t *testing.T, d *db.DB, where string, args ...any) string {
	t.Helper()
	var rows []struct {
		State string
		N     int
	}
	err := d.Read(t.Context()).Table("inbox").Select("state, count(*) AS n").Where(where, args...).Group("state").Order("state").Scan(&rows).Error
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(rows)
}

// TestUpdatesOfOneObject: of the Updates that wait, the newest is processed; what
// another actor, a messenger or another activity says of the object stays.
func TestUpdatesOfOneObject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const note, other = "https://a.example/notes/1", "https://a.example/notes/2"
		rows := []inbox.Row{row("a.example", "bob", "Create", note, 0)}
		for n := 1; n <= 120; n++ { // more than two batches
			rows = append(rows, row("a.example", "bob", "Update", note, n))
		}
		rows = append(rows, row("a.example", "bob", "Update", other, 121), row("a.example", "eve", "Update", note, 122), row("a.example", "bob", "Delete", other, 123))
		fill(t, d, rows...)
		var h heard
		if err := plain(d, h.apply).Process(t.Context(), inbox.ProcessArgs{}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(h.log)
		want := []string{
			"Create " + note + " 0", "Delete " + other + " 123", "Update " + note + " 120", "Update " + note + " 122", "Update " + other + " 121",
		}
		slices.Sort(want)
		if !slices.Equal(h.log, want) {
			t.Errorf("processed %q, want %q", h.log, want)
		}
		if got := states(t, d, "last_error = 'superseded by a newer Update'"); got != "[{done 119}]" {
			t.Errorf("superseded: %s", got)
		}
		if got := states(t, d, "1 = 1"); got != "[{done 124}]" {
			t.Errorf("all: %s", got)
		}
	})
}

// TestUpdateByAMessenger: what somebody else brings replaces no Update.
func TestUpdateByAMessenger(t *testing.T) {
	d := dbtest.SQLite(t)
	own, brought := row("a.example", "bob", "Update", "https://a.example/notes/1", 1), row("a.example", "bob", "Update", "https://a.example/notes/1", 2)
	brought.Signer = "https://evil.example/u"
	brought.NextAt = db.Now().Add(time.Hour) // it would ask the origin
	fill(t, d, own, brought)
	var h heard
	if err := plain(d, h.apply).Process(t.Context(), inbox.ProcessArgs{}); err != nil {
		t.Fatal(err)
	}
	if len(h.log) != 1 {
		t.Errorf("processed %q, want the actor's own Update", h.log)
	}
}

// TestHostsTakeTurns: a host that has sent thousands of activities delays what
// others sent by no more than a batch.
func TestHostsTakeTurns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var rows []inbox.Row
		for n := range 2000 {
			rows = append(rows, row("flood.example", fmt.Sprint("u", n%20), "Like", "https://us.example/1", n))
		}
		for n := range 60 { // more hosts than fit into a batch
			rows = append(rows, row(fmt.Sprintf("quiet%02d.example", n), "bob", "Like", "https://us.example/2", n))
		}
		fill(t, d, rows...)
		var mu sync.Mutex
		quiet, total, last := 0, 0, 0
		err := plain(d, func(_ context.Context, env vocab.Envelope) error {
			mu.Lock()
			defer mu.Unlock()
			total++
			if strings.Contains(env.Actor, "quiet") {
				quiet++
				last = total
			}
			return nil
		}).Process(t.Context(), inbox.ProcessArgs{})
		if err != nil {
			t.Fatal(err)
		}
		if quiet != 60 || total != 2060 {
			t.Fatalf("%d of 60 and %d of 2060 processed", quiet, total)
		}
		if last > 200 {
			t.Errorf("the last of the quiet hosts came at place %d", last)
		}
	})
}

// TestOrderOfAnActor: turns do not change the order of what one actor sent.
func TestOrderOfAnActor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var rows []inbox.Row
		for n := range 400 {
			rows = append(rows, row(fmt.Sprintf("h%d.example", n%3), fmt.Sprint("u", n%2), "Like", "https://us.example/1", n))
		}
		fill(t, d, rows...)
		last := map[string]int{}
		var mu sync.Mutex
		err := plain(d, func(_ context.Context, env vocab.Envelope) error {
			mu.Lock()
			defer mu.Unlock()
			var n int
			if _, err := fmt.Sscan(env.Object.String("content"), &n); err != nil || n < last[env.Actor] {
				t.Errorf("%s: %d after %d (%v)", env.Actor, n, last[env.Actor], err)
			}
			last[env.Actor] = n
			return nil
		}).Process(t.Context(), inbox.ProcessArgs{})
		if err != nil || len(last) != 6 {
			t.Errorf("%d actors, %v", len(last), err)
		}
	})
}

// poisonChild names the database for the process that TestPoison kills.
const poisonChild = "KINEMESH_TEST_POISON"

// TestPoisonChild is no test: it is the process that works on the rows.
func TestPoisonChild(t *testing.T) {
	url := os.Getenv(poisonChild)
	if url == "" {
		t.Skip("run by TestPoison")
	}
	d, err := db.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = plain(d, func(_ context.Context, env vocab.Envelope) error {
		switch env.ObjectID() {
		case "https://us.example/kill":
			os.Exit(3)
		case "https://us.example/panic":
			panic("poison")
		case "https://us.example/fail":
			return errors.New("it never works")
		}
		return nil
	}).Process(t.Context(), inbox.ProcessArgs{})
	if err != nil {
		t.Fatal(err)
	}
}

// REL-10: one activity that kills its process, one that panics and one that
// always fails, among a thousand: they end dead with their reason, the killer
// after three processes, and all others are done.
func TestPoison(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	d := dbtest.SQLite(t)
	var file struct{ File string }
	if err := d.Read(t.Context()).Raw("SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file).Error; err != nil {
		t.Fatal(err)
	}
	var rows []inbox.Row
	for n := range 1000 {
		rows = append(rows, row(fmt.Sprintf("h%d.example", n%7), fmt.Sprint("u", n%50), "Like", "https://us.example/fine", n))
	}
	for n, what := range []string{"kill", "panic", "fail"} {
		at := 100 + 300*n
		rows[at] = row("h1.example", what, "Like", "https://us.example/"+what, at)
	}
	fill(t, d, rows...)
	const kills = 6
	killed := 0
	for run := 0; ; run++ {
		if run == 30 {
			t.Fatalf("after 30 processes: %s", states(t, d, "1 = 1"))
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPoisonChild$")
		cmd.Env = append(os.Environ(), poisonChild+"=sqlite:"+file.File)
		out, err := cmd.CombinedOutput()
		exit, isExit := errors.AsType[*exec.ExitError](err)
		switch {
		case isExit && exit.ExitCode() == 3:
			killed++
		case err != nil:
			t.Fatalf("%v: %s", err, out)
		}
		if run == kills { // the killer has had its six: nobody waited for the others
			if got := states(t, d, "object = 'https://us.example/fine'"); got != "[{done 997}]" {
				t.Errorf("after %d processes: %s", run+1, got)
			}
		}
		var left int64
		if err := d.Read(t.Context()).Table("inbox").Where("done_at IS NULL").Count(&left).Error; err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			break
		}
		// Leases and pauses end.
		err = d.Tx(t.Context(), func(tx *db.Tx) error {
			return tx.Table("inbox").Where("done_at IS NULL").Update("next_at", db.Now().Add(-time.Second)).Error
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if killed != kills {
		t.Errorf("%d processes were killed, want %d", killed, kills)
	}
	var dead []inbox.Row
	if err := d.Read(t.Context()).Where("state = ?", inbox.Dead).Order("actor").Find(&dead).Error; err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range dead {
		got = append(got, r.Actor[len("https://h1.example/"):]+": "+r.LastError)
	}
	want := "fail: it never works, kill: the process died each time this was worked on, panic: panic: poison"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("dead: %s; want %s", text, want)
	}
}

// BenchmarkProcess is how fast committed activities reach their handlers, and
// are done: rows of 40 hosts and 200 actors, handlers that do nothing.
func BenchmarkProcess(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *db.DB
	}{
		{"sqlite", func(tb testing.TB) *db.DB { return dbtest.SQLite(tb) }},
		{"postgres", func(tb testing.TB) *db.DB { return dbtest.Postgres(tb) }},
	} {
		b.Run(engine.name, func(b *testing.B) {
			d := engine.open(b)
			rows := make([]inbox.Row, b.N)
			for n := range rows {
				rows[n] = row(fmt.Sprintf("h%d.example", n%40), fmt.Sprint("u", n%200), "Like", "https://us.example/1", n)
			}
			if err := d.Tx(b.Context(), func(tx *db.Tx) error { return tx.CreateInBatches(rows, 200).Error }); err != nil {
				b.Fatal(err)
			}
			box := plain(d, func(context.Context, vocab.Envelope) error { return nil })
			b.ReportAllocs()
			b.ResetTimer()
			if err := box.Process(b.Context(), inbox.ProcessArgs{}); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "processed/s")
		})
	}
}
