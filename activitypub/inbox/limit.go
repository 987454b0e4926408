package inbox

import (
	"net"
	"strconv"
	"sync"
	"time"
)

// perMinute counts events per name in windows of a minute.
type perMinute struct {
	limit int
	now   func() time.Time
	mu    sync.Mutex
	start time.Time
	n     map[string]int
}

// Limits a minute; maxNames bounds the memory.
const (
	maxFailures = 60  // refused signatures of one client address (SEC-33)
	maxHints    = 100 // activities asked for at one host because others brought them (SEC-29)
	maxNames    = 50_000
)

func newPerMinute(limit int, now func() time.Time) *perMinute {
	if now == nil {
		now = time.Now
	}
	return &perMinute{limit: limit, now: now, n: map[string]int{}}
}

func (p *perMinute) over(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn()
	return p.n[name] >= p.limit
}

func (p *perMinute) add(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn()
	if len(p.n) < maxNames {
		p.n[name]++
	}
}

func (p *perMinute) turn() {
	if t := p.now(); t.Sub(p.start) >= time.Minute || t.Before(p.start) {
		p.start = t
		clear(p.n)
	}
}

// network counts an IPv6 client by its /64.
func network(address string) string {
	ip := net.ParseIP(address)
	if ip == nil || ip.To4() != nil {
		return address
	}
	return ip.Mask(net.CIDRMask(64, 128)).String() + "/" + strconv.Itoa(64)
}
