package delivery

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// topic wakes a running pump after a commit that wrote deliveries.
const topic = "deliveries"

const (
	leaseTime   = 30 * time.Second // longer than a batch: batchTime and one request
	batchTime   = 5 * time.Second  // no further request of a batch begins after
	maxHosts    = 2 * quickSlots   // hosts at once, those in overtime apart
	maxLate     = 384              // hosts in overtime at once
	roundRows   = 512              // deliveries read at once, over all hosts
	leastRows   = 4                // of each host
	gather      = 15 * time.Millisecond
	lookAgain   = time.Second
	maxReceipts = 500
)

// DeliverArgs makes the deliveries that are due. One job does so for all
// hosts: the rows of deliveries and hosts say what is to be done.
type DeliverArgs struct{}

// Kind names the job.
func (DeliverArgs) Kind() string { return "activitypub.deliver" }

// pump sends what is due until nothing is.
type pump struct {
	o       *Outbox
	ended   chan *outcome
	nudge   chan struct{}   // a host went into overtime, so there is room
	running map[string]bool // hosts in troubled slots or not
	trouble int             // hosts in trouble among them
	late    atomic.Int64    // workers in overtime
	backlog []*outcome      // ended, not written
}

// deliver is the job. A second one in this process only makes the first look
// once more.
func (o *Outbox) deliver(ctx context.Context, _ DeliverArgs) error {
	o.mu.Lock()
	if o.running {
		o.again = true
		o.mu.Unlock()
		return nil
	}
	o.running, o.again = true, false
	o.mu.Unlock()
	for {
		err := o.run(ctx)
		o.mu.Lock()
		if err == nil && o.again && ctx.Err() == nil {
			o.again = false
			o.mu.Unlock()
			continue
		}
		o.running = false
		o.mu.Unlock()
		if err != nil {
			return err
		}
		return o.rest(ctx)
	}
}

// rest ends the job and inserts the one for the time when something is due
// next.
func (o *Outbox) rest(ctx context.Context) error {
	at, err := o.nextDue(ctx)
	if err != nil {
		return err
	}
	return o.db.Tx(ctx, func(tx *db.Tx) error {
		if !at.IsZero() {
			err := jobs.Insert(tx, DeliverArgs{}, jobs.RunAt(at), jobs.Unique(fmt.Sprint("at ", at.Unix())))
			if err != nil {
				return err
			}
		}
		return jobs.Done(ctx, tx)
	})
}

// nextDue is when the next host can be sent to; zero when nothing waits.
func (o *Outbox) nextDue(ctx context.Context) (time.Time, error) {
	var h Host
	err := o.db.Read(ctx).Where("next_at IS NOT NULL").
		Order("CASE WHEN lease_until > next_at AND (wait_until IS NULL OR lease_until > wait_until) THEN lease_until WHEN wait_until > next_at THEN wait_until ELSE next_at END").
		Limit(1).Find(&h).Error
	if err != nil {
		return time.Time{}, fmt.Errorf("next delivery: %w", err)
	}
	if h.NextAt == nil {
		return time.Time{}, nil
	}
	at := *h.NextAt
	for _, t := range []*time.Time{h.WaitUntil, h.LeaseUntil} {
		if t != nil && t.After(at) {
			at = *t
		}
	}
	return at, nil
}

// run claims hosts, has workers send to them, and writes what became of it.
func (o *Outbox) run(ctx context.Context) error {
	p := &pump{o: o, ended: make(chan *outcome, maxHosts+maxLate), nudge: make(chan struct{}, 1), running: map[string]bool{}}
	wake, stop := o.db.Listen(topic)
	defer stop()
	work, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		claimed, err := p.claim(work)
		if err != nil {
			return errors.Join(err, p.finish(ctx, cancel))
		}
		if claimed == 0 && len(p.running) == 0 {
			return nil
		}
		if claimed > 0 && len(p.running) < maxHosts/2 {
			continue // there may be more
		}
		timer := time.NewTimer(lookAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return errors.Join(ctx.Err(), p.finish(ctx, cancel))
		case <-wake:
		case <-p.nudge:
		case <-timer.C:
		case out := <-p.ended:
			p.collect(out)
		}
		timer.Stop()
		if err := p.write(ctx); err != nil {
			return errors.Join(err, p.finish(ctx, cancel))
		}
	}
}

// collect takes an outcome and those that follow within moments, so that one
// transaction writes many.
func (p *pump) collect(first *outcome) {
	p.backlog = append(p.backlog, first)
	rows := len(first.results)
	timer := time.NewTimer(gather)
	defer timer.Stop()
	for rows < maxReceipts && len(p.backlog) < len(p.running) {
		select {
		case out := <-p.ended:
			p.backlog = append(p.backlog, out)
			rows += len(out.results)
		case <-timer.C:
			return
		}
	}
}

// write stores the backlog and lets go of its hosts.
func (p *pump) write(ctx context.Context) error {
	if len(p.backlog) == 0 {
		return nil
	}
	if err := p.o.store(ctx, p.backlog); err != nil {
		return err
	}
	for _, out := range p.backlog {
		delete(p.running, out.host.Host)
		if out.troubled {
			p.trouble--
		}
	}
	p.backlog = p.backlog[:0]
	return nil
}

// finish waits for the workers and writes what they know already: what is
// lost here is sent twice.
func (p *pump) finish(ctx context.Context, cancel context.CancelFunc) error {
	cancel()
	for n := len(p.running) - len(p.backlog); n > 0; n-- {
		p.backlog = append(p.backlog, <-p.ended)
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer stop()
	return p.write(ctx)
}

// claim takes the leases of hosts that are due, as many as there is room for,
// and starts their workers. It tells how many.
func (p *pump) claim(ctx context.Context) (int, error) {
	now := p.o.now()
	room := maxHosts - (len(p.running) - int(p.late.Load()))
	room = min(room, maxHosts+maxLate-len(p.running))
	troubled := troubledSlots - p.trouble
	if room <= 0 && troubled <= 0 {
		return 0, nil
	}
	var hosts []Host
	err := p.o.db.Tx(ctx, func(tx *db.Tx) error {
		hosts = hosts[:0]
		for _, c := range []struct {
			which string
			n     int
		}{{"failures = 0 AND slow = FALSE", room}, {"(failures > 0 OR slow = TRUE)", troubled}} {
			if c.n <= 0 {
				continue
			}
			due, err := lease(tx, c.which, now, c.n)
			if err != nil {
				return err
			}
			hosts = append(hosts, due...)
		}
		return nil
	})
	if err != nil || len(hosts) == 0 {
		return 0, err
	}
	return len(hosts), p.start(ctx, hosts)
}

// lease claims up to n due hosts. Nothing is written when there is none.
func lease(tx *db.Tx, which string, now time.Time, n int) ([]Host, error) {
	due := `next_at <= ? AND (wait_until IS NULL OR wait_until <= ?) AND (lease_until IS NULL OR lease_until <= ?) AND ` + which
	var out []Host
	err := tx.Raw(`UPDATE hosts SET lease_until = ?, state = CASE WHEN state = 'open' THEN 'half-open' ELSE state END
		WHERE host IN (SELECT host FROM hosts WHERE next_at IS NOT NULL AND `+due+` ORDER BY next_at, host LIMIT ?`+tx.Dialect().SkipLocked()+`)
		RETURNING *`, now.Add(leaseTime), now, now, now, n).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("claim hosts: %w", err)
	}
	return out, nil
}

// start reads what is due for the hosts and sends it. A host that this process
// still works on keeps its new lease and is left alone.
func (p *pump) start(ctx context.Context, hosts []Host) error {
	var fresh []Host
	for _, h := range hosts {
		if !p.running[h.Host] {
			fresh = append(fresh, h)
		}
	}
	rows, err := p.o.due(ctx, fresh)
	if err != nil {
		return err
	}
	entries, from, err := p.o.activities(ctx, rows)
	if err != nil {
		return err
	}
	for _, h := range fresh {
		w := &worker{
			o: p.o, pump: p, host: h, rows: rows[h.Host], entries: entries, from: from,
			out: &outcome{troubled: h.Failures > 0 || h.Slow},
		}
		p.running[h.Host] = true
		if w.out.troubled {
			p.trouble++
		}
		go w.run(ctx)
	}
	return nil
}

// due reads the deliveries to make now: of a broken host one to probe it with,
// of others those whose time has come, the oldest first. Nothing overtakes
// what waits for the same inbox about the same object, because insert and
// store give all of it one time.
func (o *Outbox) due(ctx context.Context, hosts []Host) (map[string][]Receipt, error) {
	out := map[string][]Receipt{}
	var names []string
	for _, h := range hosts {
		if h.State == Closed {
			names = append(names, h.Host)
			continue
		}
		var probe []Receipt
		err := o.db.Read(ctx).Raw(`SELECT * FROM deliveries d WHERE host = ? AND state = 'pending' AND NOT EXISTS
			(SELECT 1 FROM deliveries b WHERE b.object_key = d.object_key AND b.inbox = d.inbox AND b.state = 'pending' AND b.outbox_id < d.outbox_id)
			ORDER BY attempts, outbox_id, id LIMIT 1`, h.Host).Scan(&probe).Error
		if err != nil {
			return nil, fmt.Errorf("due deliveries: %w", err)
		}
		out[h.Host] = probe
	}
	if len(names) == 0 {
		return out, nil
	}
	now, each := o.now(), max(roundRows/len(names), leastRows)
	var rows []Receipt
	q := o.db.Read(ctx)
	if len(names) == 1 {
		q = q.Raw(`SELECT * FROM deliveries WHERE host = ? AND state = 'pending' AND next_at <= ? ORDER BY outbox_id, id LIMIT ?`, names[0], now, each)
	} else {
		q = q.Raw(`SELECT * FROM (SELECT d.*, row_number() OVER (PARTITION BY d.host ORDER BY d.outbox_id, d.id) AS place
			FROM deliveries d WHERE d.host IN ? AND d.state = 'pending' AND d.next_at <= ?) AS due WHERE place <= ? ORDER BY outbox_id, id`, names, now, each)
	}
	if err := q.Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("due deliveries: %w", err)
	}
	for _, r := range rows {
		out[r.Host] = append(out[r.Host], r)
	}
	return out, nil
}

// activities reads what is to be sent and in whose name.
func (o *Outbox) activities(ctx context.Context, rows map[string][]Receipt) (map[int64]*Entry, map[int64]*actor.Actor, error) {
	entries, actors := map[int64]*Entry{}, map[int64]*actor.Actor{}
	var ids []int64
	for _, list := range rows {
		for _, r := range list {
			if _, ok := entries[r.OutboxID]; !ok {
				entries[r.OutboxID] = nil
				ids = append(ids, r.OutboxID)
			}
		}
	}
	if len(ids) == 0 {
		return entries, actors, nil
	}
	var list []*Entry
	if err := o.db.Read(ctx).Select("id", "actor_id", "type", "raw").Where("id IN ?", ids).Find(&list).Error; err != nil {
		return nil, nil, fmt.Errorf("activities to deliver: %w", err)
	}
	var by []int64
	for _, e := range list {
		entries[e.ID] = e
		if _, ok := actors[e.ActorID]; !ok {
			actors[e.ActorID] = nil
			by = append(by, e.ActorID)
		}
	}
	actors, err := o.actors.ByIDs(ctx, by)
	return entries, actors, err
}
