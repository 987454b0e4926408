package activitypub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/crawl"
	"github.com/kinemesh/kinemesh/activitypub/delivery"
	"github.com/kinemesh/kinemesh/activitypub/followsync"
	"github.com/kinemesh/kinemesh/activitypub/hostrule"
	"github.com/kinemesh/kinemesh/activitypub/inbox"
	"github.com/kinemesh/kinemesh/activitypub/signature"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/activitypub/webfinger"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/migrations"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Errors that modules give and get.
var (
	ErrNotFound = actor.ErrNotFound
	ErrGone     = actor.ErrGone
)

// dropError is an error that no retry can mend.
type dropError struct{ err error }

func (e dropError) Error() string { return e.err.Error() }
func (e dropError) Unwrap() error { return e.err }

// Drop wraps an error for which an activity is dropped instead of retried:
// the document is invalid, the sender may not do this. Drop(nil) is nil.
func Drop(err error) error {
	if err == nil {
		return nil
	}
	return dropError{err}
}

// dropped tells whether err is final: wrapped by Drop, or one of those that
// say that a document or an actor is no good.
func dropped(err error) bool {
	if _, ok := errors.AsType[dropError](err); ok {
		return true
	}
	return errors.Is(err, vocab.ErrInvalid) || errors.Is(err, actor.ErrInvalid) || errors.Is(err, actor.ErrGone) ||
		errors.Is(err, transport.ErrBudget) || transport.Gone(err) || !transport.Temporary(err)
}

// Final tells whether err is one that no retry can mend, for jobs of modules that
// ask other servers.
func Final(err error) bool { return dropped(err) }

// Options are what an Engine needs.
type Options struct {
	DB        *db.DB
	Transport *transport.Client
	// Origin is the public address without a slash at the end.
	Origin     string
	Federation config.Federation
	Followers  config.Followers
	Followings config.Followings
	// Follow is Followers and Followings as they are now; nil: as they are above.
	Follow   func() (config.Followers, config.Followings)
	Software webfinger.Software
	// OpenRegistrations and Metadata fill NodeInfo; both may be nil.
	OpenRegistrations func(context.Context) bool
	Metadata          func(context.Context) map[string]any
	// Rules say which hosts are blocked or limited (SEC-19); nil has none. The
	// Transport must ask the same.
	Rules *hostrule.Rules
	// Blocked tells whether a host is blocked; nil asks Rules.
	Blocked func(ctx context.Context, host string) bool
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: none
	// Now is the clock of the signature window; nil means time.Now.
	Now func() time.Time
	// NewKey makes the keys of our actors; nil: [actor.GenerateKey].
	NewKey func() (*actor.Key, error)
}

// Engine is the federation of one server. Make it with New, plug modules in
// with Use, and call Prepare after the migrations.
type Engine struct {
	Actors *actor.Service
	Inbox  *inbox.Inbox
	Outbox *Outbox
	// Pictures gives those of actors as the API shows them, by the actors' ids;
	// nil: nobody has any. It is set before the server starts.
	Pictures func(ctx context.Context, actorIDs ...int64) (map[int64]Pictures, error)

	db      *db.DB
	o       Options
	log     *slog.Logger
	crawler *crawl.Crawler
	// followers are the digests of our actors' followers.
	followers *followsync.Cache

	modules  []Module
	handlers map[On]Handler
	bulk     map[string]func(*db.Tx, []*Activity) ([]*Activity, error)
	objects  []ObjectType
	claimed  map[string]string // what is registered, and by whom
}

// New makes an Engine that knows no content yet.
func New(o Options) (*Engine, error) {
	if o.Follow == nil {
		o.Follow = func() (config.Followers, config.Followings) { return o.Followers, o.Followings }
	}
	actors, err := actor.New(actor.Options{
		DB: o.DB, Transport: o.Transport, Origin: o.Origin, MinRSABits: o.Federation.MinRSABits,
		Unsigned: !o.Federation.SignFederatedFetches, FreshFor: o.Federation.RefreshAfter, Logger: o.Logger, Now: o.Now, NewKey: o.NewKey,
	})
	if err != nil {
		return nil, err
	}
	if o.Rules != nil && o.Blocked == nil {
		o.Blocked = o.Rules.Blocked
	}
	e := &Engine{
		Actors: actors, db: o.DB, o: o, log: o.Logger,
		handlers: map[On]Handler{}, bulk: map[string]func(*db.Tx, []*Activity) ([]*Activity, error){}, claimed: map[string]string{},
	}
	e.Inbox = inbox.New(inbox.Options{
		DB: o.DB, Actors: actors, Enabled: o.Federation.Enabled, Blocked: o.Blocked, Apply: e.dispatch, Handles: e.takes, Gone: e.suspect, Followers: e.compareFollowers, Final: dropped,
		Limits: inbox.Limits{
			HostRate: o.Federation.InboxLimits.HostRate, HostBurst: o.Federation.InboxLimits.HostBurst,
			ActorRate: o.Federation.InboxLimits.ActorRate, ActorBurst: o.Federation.InboxLimits.ActorBurst,
		},
		Bulk: e.inBulk, ApplyMany: e.dispatchMany,
		Policy: signature.Policy{
			Serves: actors.ServesHost, HTTPS: actors.HTTPS(), MinRSABits: o.Federation.MinRSABits, Now: o.Now,
		},
		Logger: o.Logger, Metrics: o.Metrics, Now: o.Now,
	})
	e.Outbox = &Outbox{delivery.New(delivery.Options{
		FollowersHeader: e.followersHeader, Received: e.printReceived,
		DB: o.DB, Actors: actors, Transport: o.Transport, Blocked: o.Blocked, Seal: e.seal, Retention: o.Federation.DeliveryRetention, Logger: o.Logger, Metrics: o.Metrics, Now: o.Now,
	})}
	e.crawler = e.newCrawler()
	e.followers = &followsync.Cache{Load: actors.FollowersByHost}
	actors.FollowChanged, actors.Saved, actors.Stale = e.followChanged, e.actorSaved, e.touchActor
	if err := e.Use(e.Module()); err != nil {
		return nil, err
	}
	return e, nil
}

// Module is the engine's own part: follows, actors, discovery.
func (e *Engine) Module() Module {
	return Module{
		Name:        "activitypub",
		Handlers:    e.ownHandlers(),
		Jobs:        e.ownJobs(),
		Periodic:    append(ownPeriodic(), e.Outbox.Periodic()...),
		Routes:      e.routes,
		Commands:    Commands(e.Outbox, e.Inbox, e.o.Rules),
		Collections: []crawl.Kind{{Name: outboxKind, Take: e.takePublished}},
		Migrations:  []migrations.Set{migrations.Activitypub},
	}
}

// Use plugs modules in, lower floors first. Whatever two modules claim both
// is an error, so the server does not start with it.
func (e *Engine) Use(modules ...Module) error {
	for _, m := range modules {
		if m.Name == "" {
			return errors.New("a module has no name")
		}
		if err := e.claimAll(m); err != nil {
			return err
		}
		for _, h := range m.Handlers {
			e.handlers[h.On] = h
		}
		for _, h := range m.Bulk {
			e.bulk[h.Activity] = h.Do
		}
		for _, k := range m.Collections {
			if err := e.crawler.Use(k); err != nil {
				return fmt.Errorf("module %s: %w", m.Name, err)
			}
		}
		e.objects = append(e.objects, m.Objects...)
		e.modules = append(e.modules, m)
	}
	return nil
}

func (e *Engine) claimAll(m Module) error {
	var keys []string
	for _, h := range m.Handlers {
		keys = append(keys, fmt.Sprintf("activity %s of %q", h.On.Activity, h.On.Object))
		if h.On.Activity == "" || h.Do == nil {
			return fmt.Errorf("module %s: a handler is incomplete", m.Name)
		}
	}
	for _, h := range m.Bulk {
		keys = append(keys, "many of "+h.Activity)
		if h.Activity == "" || h.Do == nil {
			return fmt.Errorf("module %s: a handler for many is incomplete", m.Name)
		}
	}
	for _, o := range m.Objects {
		keys = append(keys, "object "+o.Type)
	}
	for _, k := range m.Collections {
		keys = append(keys, "collections "+k.Name)
	}
	for _, j := range m.Jobs {
		keys = append(keys, "job "+j.Kind)
	}
	for _, p := range m.Periodic {
		keys = append(keys, "periodic "+p.Name)
	}
	for _, s := range m.Migrations {
		keys = append(keys, "migrations "+s.Name)
	}
	for _, k := range append(keys, "module "+m.Name) {
		if by, taken := e.claimed[k]; taken {
			return fmt.Errorf("module %s: %s is registered already by %s", m.Name, k, by)
		}
		e.claimed[k] = m.Name
	}
	return nil
}

// Prepare checks that the public address is still the one of the first start
// and makes the instance actor and the keys that actors of older releases
// lack. It runs after the migrations.
func (e *Engine) Prepare(ctx context.Context) error {
	if err := e.Actors.CheckOrigin(ctx); err != nil {
		return err
	}
	if _, err := e.Actors.Instance(ctx); err != nil {
		return fmt.Errorf("instance actor: %w", err)
	}
	if e.o.Rules != nil {
		if err := e.o.Rules.Prepare(ctx); err != nil {
			return err
		}
	}
	return e.Actors.GiveEd25519(ctx)
}

// actorSaved tells the rules and the modules, lower floors first.
func (e *Engine) actorSaved(tx *db.Tx, a *actor.Actor) error {
	if e.o.Rules != nil {
		if err := e.o.Rules.Seen(tx, a.Host); err != nil {
			return err
		}
	}
	for _, m := range e.modules {
		if m.ActorSaved == nil {
			continue
		}
		if err := m.ActorSaved(tx, a); err != nil {
			return fmt.Errorf("module %s: %w", m.Name, err)
		}
	}
	return nil
}

// followChanged tells the modules, lower floors first.
func (e *Engine) followChanged(tx *db.Tx, c actor.FollowChange) error {
	if c.Target.Local() {
		tx.AfterCommit(func() { e.followers.Forget(c.Target.ID) })
	}
	for _, m := range e.modules {
		if m.FollowChanged == nil {
			continue
		}
		if err := m.FollowChanged(tx, c); err != nil {
			return fmt.Errorf("module %s: %w", m.Name, err)
		}
	}
	return nil
}

// Modules lists what is plugged in, the engine's own module first.
func (e *Engine) Modules() []Module { return slices.Clone(e.modules) }

// Jobs lists the job handlers of all modules.
func (e *Engine) Jobs() (out []jobs.Handler) {
	for _, m := range e.modules {
		out = append(out, m.Jobs...)
	}
	return out
}

// Periodic lists the periodic jobs of all modules.
func (e *Engine) Periodic() (out []jobs.Periodic) {
	for _, m := range e.modules {
		out = append(out, m.Periodic...)
	}
	return out
}

// Routes registers the routes of all modules.
func (e *Engine) Routes(r *rest.Router) {
	for _, m := range e.modules {
		if m.Routes != nil {
			m.Routes(r)
		}
	}
}

// Registered lists what the modules have claimed, sorted, for documentation.
func (e *Engine) Registered() []string {
	out := make([]string, 0, len(e.claimed))
	for k, by := range e.claimed {
		out = append(out, k+" ("+by+")")
	}
	slices.SortFunc(out, strings.Compare)
	return out
}

// blocked tells whether the host of an identifier is blocked.
func (e *Engine) blocked(ctx context.Context, host string) bool {
	return e.o.Blocked != nil && e.o.Blocked(ctx, host)
}
