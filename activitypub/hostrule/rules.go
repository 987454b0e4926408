package hostrule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/config/db"
)

// What a rule may say about a host.
const (
	Block = "block" // nothing is sent, fetched, accepted or shown
	Limit = "limit" // shown to followers only
	Allow = "allow" // as in mode open, whatever the mode and shorter rules say
)

// The modes: what holds for hosts without a rule.
const (
	Open      = "open"
	Limited   = "limited"
	Allowlist = "allowlist"
)

// Lag is how long another process may take to see a change.
const Lag = 2 * time.Second

// Errors of changes.
var (
	ErrHost     = errors.New("not a host name")
	ErrOwnHost  = errors.New("the host is this server")
	ErrAction   = errors.New("a rule is block, limit or allow")
	ErrNotFound = db.ErrNotFound
)

// Standing is what holds for a host.
type Standing int

// The standings.
const (
	Full          Standing = iota // as everybody else
	FollowersOnly                 // its content is shown to followers only
	Blocked                       // there is nothing to do with it
)

// Options are what Rules need.
type Options struct {
	DB *db.DB
	// Mode is federation.mode; "" means Open.
	Mode string
	// Own is the host of this server, for which no rule counts.
	Own    string
	Logger *slog.Logger
}

// Rules answer for hosts. They are safe for concurrent use.
type Rules struct {
	db   *db.DB
	mode string
	own  string
	log  *slog.Logger

	current atomic.Pointer[snapshot]
	loading sync.Mutex
}

// snapshot is the rules as they were at some time.
type snapshot struct {
	version string
	rules   map[string]string // action by host
	checked time.Time
	unknown bool // the database has not answered yet
}

// New makes Rules; they are read when they are first asked.
func New(o Options) *Rules {
	r := &Rules{db: o.DB, mode: o.Mode, own: o.Own, log: o.Logger}
	if r.mode == "" {
		r.mode = Open
	}
	return r
}

// Blocked tells whether there is nothing to do with a host: no fetch, no
// delivery, no activity. The host may be in any spelling and have a port.
func (r *Rules) Blocked(ctx context.Context, host string) bool {
	return r.Standing(ctx, host) == Blocked
}

// Standing tells what holds for a host. "" is this server itself.
func (r *Rules) Standing(ctx context.Context, host string) Standing {
	s := r.snapshot(ctx)
	switch {
	case s.unknown:
		return Blocked
	case host == "" || len(s.rules) == 0 && r.mode == Open:
		return Full
	}
	return r.standing(s.rules, host)
}

func (r *Rules) standing(rules map[string]string, host string) Standing {
	name, err := normal(host)
	if err != nil {
		return Blocked // nothing good has such a name
	}
	if without, _ := cutPort(name); name == r.own || without == r.own {
		return Full
	}
	switch match(rules, name) {
	case Block:
		return Blocked
	case Limit:
		return FollowersOnly
	case Allow:
		return Full
	}
	switch r.mode {
	case Limited:
		return FollowersOnly
	case Allowlist:
		return Blocked
	}
	return Full
}

// match finds the rule with the longest name: the host with its port, without
// it, then everything above it, label by label.
func match(rules map[string]string, name string) string {
	if a, ok := rules[name]; ok {
		return a
	}
	host, hasPort := cutPort(name)
	if a, ok := rules[host]; ok && hasPort {
		return a
	}
	if strings.HasPrefix(host, "[") || isAddress(host) {
		return "" // the end of an address is no name
	}
	for {
		var ok bool
		if _, host, ok = strings.Cut(host, "."); !ok {
			return ""
		}
		if a, ok := rules[host]; ok {
			return a
		}
	}
}

// cutPort takes the port off a host in its normal form.
func cutPort(name string) (host string, had bool) {
	i := strings.LastIndexByte(name, ':')
	if i < 0 || strings.HasSuffix(name, "]") {
		return name, false
	}
	return name[:i], true
}

func isAddress(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" || last[0] < '0' || last[0] > '9' {
		return false
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// normal gives the one spelling of a host: lower case, punycode, no dot at the
// end, no default port.
func normal(host string) (string, error) {
	if isNormal(host) {
		return host, nil
	}
	for strings.HasSuffix(host, "..") {
		host = strings.TrimSuffix(host, ".")
	}
	name, err := iri.NormalHost("https", host)
	if err != nil {
		return "", fmt.Errorf("%w: %q", ErrHost, host)
	}
	return name, nil
}

// isNormal saves the way through IDNA for what nearly all hosts look like.
func isNormal(host string) bool {
	if host == "" || len(host) > 253 || host[len(host)-1] == '.' || strings.Contains(host, "..") {
		return false
	}
	for _, c := range []byte(host) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return false
		}
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last[0] < '0' || last[0] > '9'
}

// snapshot gives the rules, not older than Lag.
func (r *Rules) snapshot(ctx context.Context) *snapshot {
	return r.read(ctx, r.db.Read(context.WithoutCancel(ctx)))
}

// read is snapshot for who has a connection already: a transaction that waits
// for a second one may wait for itself.
func (r *Rules) read(ctx context.Context, q *gorm.DB) *snapshot {
	s := r.current.Load()
	if s != nil && time.Since(s.checked) < Lag {
		return s
	}
	if s != nil && !r.loading.TryLock() {
		return s // somebody is at it
	}
	if s == nil {
		r.loading.Lock()
		if s = r.current.Load(); s != nil {
			r.loading.Unlock()
			return s
		}
	}
	defer r.loading.Unlock()
	fresh, err := load(q, s)
	if err == nil {
		r.current.Store(fresh)
		return fresh
	}
	r.log.WarnContext(ctx, "rules for hosts not read", "error", err)
	if s == nil {
		return &snapshot{unknown: true}
	}
	return s
}

// load reads the rules, unless old is what the database has still.
func load(q *gorm.DB, old *snapshot) (*snapshot, error) {
	version, err := fact(q, factVersion)
	if err != nil {
		return nil, err
	}
	fresh := &snapshot{version: version, checked: time.Now()}
	if old != nil && old.version == version {
		fresh.rules = old.rules
		return fresh, nil
	}
	fresh.rules, err = readRules(q)
	return fresh, err
}
