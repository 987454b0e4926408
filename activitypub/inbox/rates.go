package inbox

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/activitypub/actor"
)

// Limits bound what proven senders may bring: so much a second, and so much at
// once after a pause (SEC-35). A zero field means the default.
type Limits struct {
	HostRate, ActorRate   int // activities a second
	HostBurst, ActorBurst int
}

// DefaultLimits are those of SEC-35.
var DefaultLimits = Limits{HostRate: 50, HostBurst: 500, ActorRate: 10, ActorBurst: 100}

func (l Limits) orDefaults() Limits {
	for _, f := range []struct {
		have *int
		def  int
	}{
		{&l.HostRate, DefaultLimits.HostRate},
		{&l.HostBurst, DefaultLimits.HostBurst},
		{&l.ActorRate, DefaultLimits.ActorRate},
		{&l.ActorBurst, DefaultLimits.ActorBurst},
	} {
		if *f.have <= 0 {
			*f.have = f.def
		}
	}
	return l
}

// rates counts what hosts and actors send. Only who has proven to be somebody
// is counted, so that nobody can use up what is another's.
type rates struct {
	now    func() time.Time
	mu     sync.Mutex
	hosts  buckets
	actors buckets
}

func newRates(l Limits, now func() time.Time) *rates {
	if now == nil {
		now = time.Now
	}
	l = l.orDefaults()
	return &rates{now: now, hosts: newBuckets(l.HostRate, l.HostBurst), actors: newBuckets(l.ActorRate, l.ActorBurst)}
}

// take counts n activities of an actor, or of the host alone when actor is "",
// and gives 0, or counts none and tells how long to wait.
func (r *rates) take(host, actor string, n int) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.now()
	need := float64(n)
	h, a := r.hosts.at(host, t), &bucket{tokens: need}
	if actor != "" {
		a = r.actors.at(actor, t)
	}
	if wait := max(r.hosts.wait(h, need), r.actors.wait(a, need)); wait > 0 {
		return wait
	}
	h.tokens -= need
	a.tokens -= need
	return 0
}

// buckets hold what each name may still send. A full bucket says nothing, so it
// is dropped when the map has doubled: what is left are names that have sent
// something within burst/rate seconds.
type buckets struct {
	rate, burst float64
	m           map[string]*bucket
	sweepAt     int
}

type bucket struct {
	tokens float64
	at     time.Time
}

// minSweep is the size below which no bucket is dropped.
const minSweep = 4096

func newBuckets(rate, burst int) buckets {
	return buckets{rate: float64(rate), burst: float64(burst), m: map[string]*bucket{}, sweepAt: minSweep}
}

// at gives the bucket of a name as it is now.
func (b *buckets) at(name string, now time.Time) *bucket {
	k := b.m[name]
	if k == nil {
		if len(b.m) >= b.sweepAt {
			b.sweep(now)
		}
		k = &bucket{tokens: b.burst, at: now}
		b.m[name] = k
		return k
	}
	b.fill(k, now)
	return k
}

func (b *buckets) fill(k *bucket, now time.Time) {
	if passed := now.Sub(k.at).Seconds(); passed > 0 {
		k.tokens = math.Min(b.burst, k.tokens+passed*b.rate)
	}
	k.at = now // also when the clock was set back
}

func (b *buckets) sweep(now time.Time) {
	for name, k := range b.m {
		if b.fill(k, now); k.tokens >= b.burst {
			delete(b.m, name)
		}
	}
	b.sweepAt = max(minSweep, 2*len(b.m))
}

// wait tells when a bucket has so many tokens. More than it can ever hold wait
// for a full one.
func (b *buckets) wait(k *bucket, need float64) time.Duration {
	if lack := math.Min(need, b.burst) - k.tokens; lack > 0 {
		return time.Duration(lack / b.rate * float64(time.Second))
	}
	return 0
}

// full tells how long a host, and an actor unless that is "", must wait before
// anything is taken from them.
func (r *rates) full(host, actor string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.now()
	var wait time.Duration
	if k := r.hosts.m[host]; k != nil {
		r.hosts.fill(k, t)
		wait = r.hosts.wait(k, 1)
	}
	if k := r.actors.m[actor]; k != nil {
		r.actors.fill(k, t)
		wait = max(wait, r.actors.wait(k, 1))
	}
	return wait
}

// admitted refuses early, before the body is read and the signature checked,
// what claims to come from one that is over its limits: a flood must be cheap
// to refuse. Nobody but the owner of a key can bring it there.
func (b *Inbox) admitted(keyID string) error {
	var owner string
	if h, ok := b.keys.get(keyID); ok {
		owner = charged(h.owner)
	}
	return tooMuch(keyID, b.rates.full(b.o.Actors.KeyHost(keyID), owner))
}

// admit refuses what is over the limits, before anything is stored; the sender
// is told when to come again (SEC-35).
func (b *Inbox) admit(signer *actor.Actor, n int) error {
	return tooMuch(signer.IRI, b.rates.take(signer.Host, charged(signer), n))
}

// charged names the actor whose limit counts, or is "" when that of its host
// does alone. The Application of a PeerTube sends the Views and the copies of
// all its people, and what is refused does not come again.
func charged(a *actor.Actor) string {
	if a.Type == actor.Application {
		return ""
	}
	return a.IRI
}

func tooMuch(who string, wait time.Duration) error {
	if wait == 0 {
		return nil
	}
	return &refusal{status: http.StatusTooManyRequests, label: "rate", after: wait, err: fmt.Errorf("%s sends too much", who)}
}

// retryAfter is a header value: whole seconds, at least one.
func retryAfter(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}
