package delivery

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/iri"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// Target names who gets an activity. It is not the audience: to and cc are
// part of the document, while delivery follows shares and origins.
type Target struct {
	FollowersOf []int64  // accepted followers of these actors, each shared inbox once
	Inboxes     []string // named inboxes, e.g. an Accept goes to the follower's own
	Except      []string // hosts left out
}

// Options are what an Outbox needs.
type Options struct {
	DB        *db.DB
	Actors    *actor.Service
	Transport *transport.Client
	Logger    *slog.Logger
	Metrics   prometheus.Registerer // nil: none
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Outbox publishes activities and delivers them.
type Outbox struct {
	db        *db.DB
	actors    *actor.Service
	transport *transport.Client
	log       *slog.Logger
	metrics   metrics
	hosts     *hosts
}

// New makes an Outbox.
func New(o Options) *Outbox {
	return &Outbox{
		db: o.DB, actors: o.Actors, transport: o.Transport, log: o.Logger, metrics: newMetrics(o.Metrics), hosts: newHosts(o.Now),
	}
}

// Entry is a row of the table outbox: an activity that was published or forwarded.
type Entry struct {
	ID        int64 `gorm:"primaryKey"`
	IRI       string
	ActorID   int64
	Type      string
	Object    string
	Raw       string
	Listed    bool
	CreatedAt time.Time
}

// TableName names the table.
func (Entry) TableName() string { return "outbox" }

// Receipt is a row of the table deliveries: what became of an activity at an inbox.
type Receipt struct {
	ID          int64 `gorm:"primaryKey"`
	OutboxID    int64
	Inbox       string
	Host        string
	State       string
	Attempts    int
	LastStatus  int
	LastError   string
	CreatedAt   time.Time
	TriedAt     *time.Time
	DeliveredAt *time.Time
}

// TableName names the table.
func (Receipt) TableName() string { return "deliveries" }

// The states of a delivery.
const (
	Pending   = "pending"
	Delivered = "delivered"
	Failed    = "failed"
)

// Publish stores doc in from's outbox and schedules its delivery, in tx. doc
// is what vocab.Build gives, or anything that marshals to an activity with
// its context; its actor must be from. Public Create and Announce show in the
// outbox collection until they are undone or their object is deleted.
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
	row := &Entry{
		IRI: env.ID, ActorID: from.ID, Type: env.Type, Object: env.ObjectID(), Raw: string(raw),
		Listed: (env.Type == "Create" || env.Type == "Announce") && parsed.IsPublic(), CreatedAt: db.Now(),
	}
	return o.schedule(tx, row, d)
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
	row := &Entry{
		IRI: act.ID, ActorID: instance.ID, Type: act.Type, Object: act.Object, Raw: string(act.Raw), CreatedAt: db.Now(),
	}
	return o.schedule(tx, row, d)
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

// schedule writes the row and either its few deliveries or the job that finds
// its many.
func (o *Outbox) schedule(tx *db.Tx, row *Entry, d Target) error {
	if err := tx.Create(row).Error; err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if len(d.FollowersOf) > 0 {
		return jobs.Insert(tx, FanOutArgs{OutboxID: row.ID, Delivery: d})
	}
	return o.spread(tx, row.ID, d.Inboxes, d.Except)
}

// spread makes one delivery and one job for each inbox that is not ours.
func (o *Outbox) spread(tx *db.Tx, outboxID int64, inboxes, except []string) error {
	skip := make(map[string]bool, len(except))
	for _, h := range except {
		skip[h] = true
	}
	seen := make(map[string]bool, len(inboxes))
	for _, box := range inboxes {
		host := iri.Host(box)
		if host == "" || skip[host] || seen[box] || o.actors.ServesHost(host) {
			continue
		}
		seen[box] = true
		fresh, err := insertDelivery(tx, outboxID, box, host)
		if err != nil {
			return err
		}
		if fresh != 0 {
			if err := jobs.Insert(tx, DeliverArgs{DeliveryID: fresh}); err != nil {
				return err
			}
		}
	}
	return nil
}
