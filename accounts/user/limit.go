package user

import (
	"fmt"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/web/rest"
)

// maxKeys bounds the memory of a Limiter, about 10 MB.
const maxKeys = 50_000

// Limiter counts attempts per key within fixed windows, as PeerTube's limits
// do: a window begins with the first attempt. It is safe for concurrent use and
// counts within this process.
type Limiter struct {
	window time.Duration
	max    int
	now    func() time.Time

	mu   sync.Mutex
	keys map[string]*attempts // guarded by mu
}

type attempts struct {
	n     int
	reset time.Time
}

// NewLimiter allows limit attempts per key in each window.
func NewLimiter(window time.Duration, limit int) *Limiter {
	return &Limiter{window: window, max: limit, now: time.Now, keys: map[string]*attempts{}}
}

// TooManyError says that there were more attempts than Limit. After Retry there
// may be another.
type TooManyError struct {
	Limit int
	Retry time.Duration
}

// Error implements error.
func (e *TooManyError) Error() string { return fmt.Sprintf("too many attempts, retry in %s", e.Retry) }

// Problem is the answer. Its headers tell of this limit; those of the limit that
// all requests count for stand there already.
func (e *TooManyError) Problem() *rest.Problem {
	wait := max(1, int(math.Ceil(e.Retry.Seconds())))
	return &rest.Problem{
		Status: http.StatusTooManyRequests, Detail: "Too many attempts, please try again later.",
		Header: map[string]string{
			"Retry-After": strconv.Itoa(wait), "X-RateLimit-Limit": strconv.Itoa(e.Limit), "X-RateLimit-Remaining": "0",
			"X-RateLimit-Reset": strconv.FormatInt(time.Now().Add(time.Duration(wait)*time.Second).Unix(), 10),
		},
	}
}

// Allow notes an attempt for all keys. It returns nil if every one of them is
// within the limit.
func (l *Limiter) Allow(keys ...string) (many *TooManyError) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, k := range keys {
		a := l.at(k, now)
		a.n++
		if left := a.reset.Sub(now); a.n > l.max && (many == nil || many.Retry < left) {
			many = &TooManyError{Limit: l.max, Retry: left}
		}
	}
	return many
}

// Undo takes one attempt back, for limits that count successes only.
func (l *Limiter) Undo(keys ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, k := range keys {
		if a := l.at(k, now); a.n > 0 {
			a.n--
		}
	}
}

// at finds the window of a key. The caller holds mu.
func (l *Limiter) at(key string, now time.Time) *attempts {
	a := l.keys[key]
	if a != nil && now.Before(a.reset) {
		return a
	}
	if a == nil && len(l.keys) >= maxKeys {
		l.makeRoom(now)
	}
	a = &attempts{reset: now.Add(l.window)}
	l.keys[key] = a
	return a
}

// makeRoom drops windows that are over, and a tenth of the others when none
// is. Who fills the table with that many addresses is not stopped by a limit.
func (l *Limiter) makeRoom(now time.Time) {
	for k, a := range l.keys {
		if !now.Before(a.reset) {
			delete(l.keys, k)
		}
	}
	for k := range l.keys {
		if len(l.keys) < maxKeys*9/10 {
			return
		}
		delete(l.keys, k)
	}
}

// AddressKey is the key of a client's address. An IPv6 client owns a whole /64
// and counts as one.
func AddressKey(ip string) string {
	host := ip
	if h, _, err := net.SplitHostPort(ip); err == nil {
		host = h
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return "ip:" + host
	}
	a = a.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return "ip:" + p.String()
		}
	}
	return "ip:" + a.String()
}

// LoginKey is the key of the account that someone tries to enter.
func LoginKey(login string) string {
	login = strings.ToLower(strings.TrimSpace(login))
	if len(login) > 100 {
		login = login[:100]
	}
	return "login:" + login
}
