package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/console"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// Target names who gets an activity. It is not the audience: to and cc are
// part of the document, while delivery follows shares and origins.
type Target struct {
	FollowersOf []int64  `json:",omitempty"` // accepted followers of these actors, each shared inbox once
	Inboxes     []string `json:",omitempty"` // named inboxes, e.g. an Accept goes to the follower's own
	Except      []string `json:",omitempty"` // hosts left out
	// Coalesce names what the activity tells the newest state of: while it
	// waits for an inbox, a newer one with the same name takes its place there.
	// The Updates of one object by one actor do so without being told.
	Coalesce string `json:",omitempty"`
}

// Options are what an Outbox needs.
type Options struct {
	DB        *db.DB
	Actors    *actor.Service
	Transport *transport.Client
	// Blocked tells hosts that nothing is scheduled for (SEC-19); nil blocks
	// none. What waits for one is given up when its turn comes, because the
	// Transport asks the same.
	Blocked func(ctx context.Context, host string) bool
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil: none
	// Retention is how long an activity waits for a host that is away; 0 means
	// 30 days.
	Retention time.Duration
	// Seal adds the proofs that an activity carries in itself, once, before it
	// is stored; nil adds none.
	Seal func(tx *db.Tx, from *actor.Actor, raw []byte) ([]byte, error)
	// FollowersHeader gives the header that tells a host which followers of from
	// live there (FEP-8fcf); name "" adds none. nil is never asked.
	FollowersHeader func(ctx context.Context, from *actor.Actor, host string) (name, value string)
	// Received prints what was received and given up, for the command that lists
	// what was not delivered.
	Received func(ctx context.Context, out io.Writer, f Filter, l console.Listing) error
	// Now is the clock of deliveries and pauses; nil means time.Now.
	Now func() time.Time
}

// Outbox publishes activities and delivers them.
type Outbox struct {
	db        *db.DB
	actors    *actor.Service
	transport *transport.Client
	blocked   func(ctx context.Context, host string) bool
	header    func(ctx context.Context, from *actor.Actor, host string) (name, value string)
	log       *slog.Logger
	metrics   metrics
	retention time.Duration
	received  func(ctx context.Context, out io.Writer, f Filter, l console.Listing) error
	seal      func(tx *db.Tx, from *actor.Actor, raw []byte) ([]byte, error)
	clock     func() time.Time
	slots     *slots

	mu      sync.Mutex
	running bool // a pump of this process is at work
	again   bool // and is to look once more before it ends

	down downHosts
}

// New makes an Outbox.
func New(o Options) *Outbox {
	out := &Outbox{
		db: o.DB, actors: o.Actors, transport: o.Transport, blocked: o.Blocked, log: o.Logger, retention: o.Retention, seal: o.Seal, header: o.FollowersHeader, received: o.Received, clock: o.Now,
		slots: newSlots(),
	}
	if out.retention == 0 {
		out.retention = defaultRetention
	}
	if out.clock == nil {
		out.clock = time.Now
	}
	out.metrics = newMetrics(out, o.Metrics)
	return out
}

// now is the time as the database keeps it.
func (o *Outbox) now() time.Time { return o.clock().UTC().Truncate(time.Microsecond) }

// Entry is a row of the table outbox: an activity that was published or
// forwarded.
type Entry struct {
	ID        int64 `gorm:"primaryKey"`
	IRI       string
	ActorID   int64
	Type      string
	Object    string
	Raw       string
	Listed    bool
	Target    string // JSON of Target
	ObjectKey string
	Spread    bool
	CreatedAt time.Time
}

// TableName names the table.
func (Entry) TableName() string { return "outbox" }

// Receipt is a row of the table deliveries: what became of an activity at an
// inbox.
type Receipt struct {
	ID          int64 `gorm:"primaryKey"`
	OutboxID    int64
	Inbox       string
	Host        string
	State       string
	Attempts    int
	LastStatus  int
	LastError   string
	ObjectKey   string
	MergeKey    string
	NextAt      time.Time
	CreatedAt   time.Time
	TriedAt     *time.Time
	DeliveredAt *time.Time
}

// TableName names the table.
func (Receipt) TableName() string { return "deliveries" }

// The states of a delivery.
const (
	Pending    = "pending"
	Delivered  = "delivered"
	Failed     = "failed"     // given up, or refused for good
	Superseded = "superseded" // made needless by a newer activity before it was sent
)

// Publish stores doc in from's outbox and schedules its delivery, in tx. doc
// is what vocab.Build gives, or anything that marshals to an activity with
// its context; its actor must be from. Public Create and Announce show in the
// outbox collection until they are undone or their object is deleted.
//
// Each inbox gets the activities about one object in the order in which they
// were published.
func (o *Outbox) Publish(tx *db.Tx, from *actor.Actor, doc any, d Target) error {
	raw, err := Raw(doc)
	if err != nil {
		return err
	}
	parsed, err := vocab.Parse(raw)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	env, err := vocab.Activity(parsed)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if !from.Local() || env.Actor != from.IRI {
		return fmt.Errorf("publish: %w: %s in the outbox of %s", vocab.ErrInvalid, env.Actor, from.IRI)
	}
	if err := unlist(tx, from, env); err != nil {
		return err
	}
	key, err := objectKey(tx, from, env)
	if err != nil {
		return err
	}
	if o.seal != nil {
		if raw, err = o.seal(tx, from, raw); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return o.schedule(tx, &Entry{
		IRI: env.ID, ActorID: from.ID, Type: env.Type, Object: env.ObjectID(), Raw: string(raw), ObjectKey: key,
		Listed: (env.Type == "Create" || env.Type == "Announce") && parsed.IsPublic(), CreatedAt: o.now(),
	}, d)
}

// Received is an activity that came from another server.
type Received struct {
	ID, Type, Object string
	Host             string // of its actor
	Raw              []byte
}

// Forward schedules a received activity for others, body unchanged, in tx; it
// is sent in the name of the instance. Each activity is forwarded once, and
// never back to its sender's host (SEC-21).
func (o *Outbox) Forward(tx *db.Tx, act Received, d Target) error {
	var instance actor.Actor
	err := tx.Where("lower(username) = ? AND host = ''", actor.InstanceName).Take(&instance).Error
	if err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	var before int64
	err = tx.Model(&Entry{}).Where("iri = ? AND actor_id = ?", act.ID, instance.ID).Count(&before).Error
	if err != nil || before > 0 {
		return err
	}
	d.Except = append(append([]string(nil), d.Except...), act.Host)
	return o.schedule(tx, &Entry{
		IRI: act.ID, ActorID: instance.ID, Type: act.Type, Object: act.Object, Raw: string(act.Raw), ObjectKey: cmp.Or(act.Object, act.ID), CreatedAt: o.now(),
	}, d)
}

// Raw gives the bytes of what vocab.Build made, or of anything that marshals.
func Raw(doc any) ([]byte, error) {
	switch d := doc.(type) {
	case json.RawMessage:
		return d, nil
	case []byte:
		return d, nil
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	return raw, nil
}

// unlist takes earlier activities out of the outbox collection that this one
// undoes, deletes or replaces.
func unlist(tx *db.Tx, from *actor.Actor, env vocab.Envelope) error {
	q := tx.Model(&Entry{}).Where("listed = ?", true)
	switch env.Type {
	case "Undo":
		q = q.Where("actor_id = ? AND iri = ?", from.ID, env.ObjectID())
	case "Delete":
		q = q.Where("object = ?", env.ObjectID())
	default:
		q = q.Where("actor_id = ? AND iri = ?", from.ID, env.ID)
	}
	if err := q.Update("listed", false).Error; err != nil {
		return fmt.Errorf("unlist: %w", err)
	}
	return nil
}

// objectKey names what an activity is about, so that an inbox gets one after
// the other of those with the same name: the object, or for an activity about
// an activity (Undo, Accept, Reject) what that one is about.
func objectKey(tx *db.Tx, from *actor.Actor, env vocab.Envelope) (string, error) {
	id := env.ObjectID()
	switch env.Type {
	case "Undo", "Accept", "Reject":
	default:
		if id == "" {
			return env.ID, nil
		}
		return id, nil
	}
	if env.Embedded {
		if inner := env.Object.IRI("object"); inner != "" {
			return inner, nil
		}
	}
	var earlier []string
	err := tx.Model(&Entry{}).Where("iri = ? AND actor_id = ?", id, from.ID).Order("id DESC").Limit(1).Pluck("object_key", &earlier).Error
	if err != nil {
		return "", fmt.Errorf("publish: %w", err)
	}
	if len(earlier) > 0 && earlier[0] != "" {
		return earlier[0], nil
	}
	return id, nil
}

// schedule writes the row and either its few deliveries or the job that finds
// its many.
func (o *Outbox) schedule(tx *db.Tx, row *Entry, d Target) error {
	target, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	// An earlier one about the same object that is not spread yet goes first.
	var ahead int64
	err = tx.Model(&Entry{}).Where("object_key = ? AND spread = FALSE", row.ObjectKey).Count(&ahead).Error
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	row.Target, row.Spread = string(target), len(d.FollowersOf) == 0 && ahead == 0
	if err := tx.Create(row).Error; err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if !row.Spread {
		return jobs.Insert(tx, FanOutArgs{OutboxID: row.ID})
	}
	return o.spread(tx, row, d, d.Inboxes)
}
