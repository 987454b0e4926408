package delivery

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/signature"
)

// outcome is what became of a host's batch.
type outcome struct {
	host     Host // as it is now
	results  []result
	troubled bool // came out of the slots for hosts in trouble
	learned  bool // the host differs from its row
	opened   bool // the breaker opened
	returned bool // the breaker closed
}

// result is what became of one attempt; err nil means delivered.
type result struct {
	row      Receipt
	activity string
	err      error
	down     bool // the host is broken, so the activity is not to blame
	class    string
}

// worker sends a host's batch: activities about different objects side by
// side, those about one object one after the other.
type worker struct {
	o       *Outbox
	pump    *pump
	host    Host
	rows    []Receipt
	entries map[int64]*Entry
	from    map[int64]*actor.Actor
	out     *outcome

	mu     sync.Mutex
	chains [][]Receipt
	tries  int // requests that ended
	ends   time.Time
	isLate bool
}

func (w *worker) run(ctx context.Context) {
	before := w.host
	w.ends = time.Now().Add(batchTime)
	w.chains = chains(w.rows)
	var wg sync.WaitGroup
	for i := range min(hostSlots, len(w.chains)) {
		wg.Go(func() { w.send(ctx, i) })
	}
	wg.Wait()
	if w.isLate {
		w.pump.late.Add(-1)
	}
	w.out.host = w.host
	w.out.learned = w.host.Failures != before.Failures || w.host.Slow != before.Slow || before.State != Closed || w.host.WaitUntil != before.WaitUntil
	w.out.opened = before.Failures < breakAfter && w.host.Failures >= breakAfter
	w.out.returned = before.State != Closed && w.tries > 0 && w.host.Failures == 0
	w.pump.ended <- w.out
}

// chains sorts deliveries by inbox and object; each list is in order.
func chains(rows []Receipt) [][]Receipt {
	at := map[[2]string]int{}
	var out [][]Receipt
	for _, r := range rows {
		k := [2]string{r.Inbox, r.ObjectKey}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// send works on one chain after the other until the batch is at its end. The
// first of the host's goroutines stay when the host turns out to be in
// trouble.
func (w *worker) send(ctx context.Context, place int) {
	for {
		w.mu.Lock()
		if len(w.chains) == 0 || w.stopped(ctx, place) {
			w.mu.Unlock()
			return
		}
		chain := w.chains[0]
		w.chains = w.chains[1:]
		w.mu.Unlock()
		for _, r := range chain {
			if !w.attempt(ctx, r) {
				break
			}
			w.mu.Lock()
			stop := w.stopped(ctx, place)
			w.mu.Unlock()
			if stop {
				return
			}
		}
	}
}

func (w *worker) stopped(ctx context.Context, place int) bool {
	switch {
	case ctx.Err() != nil || time.Now().After(w.ends):
		return true
	case w.host.State == Open:
		return true
	case w.host.WaitUntil != nil && w.host.WaitUntil.After(w.o.now()):
		return true // it asked us to wait
	case w.host.Failures > 0 || w.host.Slow:
		return place >= shakySlots
	}
	return false
}

// attempt sends one activity and tells whether the next of its chain may go.
func (w *worker) attempt(ctx context.Context, r Receipt) bool {
	e := w.entries[r.OutboxID]
	if e == nil || w.from[e.ActorID] == nil {
		return true // its activity or actor was removed, and the delivery with it
	}
	w.mu.Lock()
	troubled := w.host.Failures > 0 || w.host.Slow
	w.mu.Unlock()
	release, err := w.o.slots.take(ctx, troubled, w.late)
	if err != nil {
		return false
	}
	start := time.Now()
	sign := w.o.actors.Signer(w.from[e.ActorID])
	signed := func(req *http.Request, body []byte, k signature.Knock) error {
		if err := sign(req, body, k); err != nil {
			return ownError{err}
		}
		return nil
	}
	err = w.o.transport.Post(w.o.extend(ctx, w.from[e.ActorID], e, r.Host), signed, r.Inbox, []byte(e.Raw))
	release()
	if ctx.Err() != nil && err != nil {
		return false // given up here: says nothing
	}
	return w.learn(r, e.Type, err, time.Since(start))
}

// learn keeps the result of an attempt.
func (w *worker) learn(r Receipt, activity string, err error, took time.Duration) bool {
	now := w.o.now()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tries++
	class := w.host.Class()
	w.host.Slow = took > slowAnswer
	switch {
	case hostDown(err):
		w.host.failed(now, err)
	case err == nil || statusOf(err) > 0:
		w.host.lives(now, statusOf(err))
	}
	w.out.results = append(w.out.results, result{
		row: r, activity: activity, err: err, class: class, down: hostDown(err) && w.host.Failures >= breakAfter,
	})
	return err == nil || final(err)
}

// late makes room for another host while this one takes its time.
func (w *worker) late() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isLate {
		return
	}
	w.isLate = true
	w.pump.late.Add(1)
	select {
	case w.pump.nudge <- struct{}{}:
	default:
	}
}
