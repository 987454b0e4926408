// Package redundancy keeps the copies of videos that other servers offer, so
// that players may load from there, and makes copies of theirs here.
//
// Invariants
//   - a copy belongs to the actor that made it known; nobody else changes or
//     withdraws it (SEC-16), and an actor has one for each video
//   - its address is on its owner's host
//   - what has expired is told to nobody, and no copy before it is whole
//
// Specifications: PT federation 2, 3, 4 (CacheFile). Imports no sibling but
// catalog and storage.
package redundancy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/storage"
)

// Whose copies are accepted (remote_redundancy.videos.accept_from).
const (
	Nobody     = "nobody"
	Followings = "followings"
	Anybody    = "anybody"
)

// Copy is a row of redundancies.
type Copy struct {
	ID        int64
	IRI       string `gorm:"column:iri"`
	VideoID   int64
	ActorID   int64
	Local     bool   // made by this server
	URL       string `gorm:"column:url"` // folder of the HLS files
	Strategy  string
	State     string // loading, ready, failed; of others ready
	Size      int64
	LastError string
	ExpiresAt *time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TableName implements gorm's Tabler.
func (Copy) TableName() string { return "redundancies" }

// ready is the state of a copy that players are told of.
const ready = "ready"

// Options are what a Service needs.
type Options struct {
	DB         *db.DB
	Engine     *activitypub.Engine
	Catalog    *catalog.Service
	AcceptFrom string // Nobody, Followings or Anybody
	Files      *transport.Client
	Store      storage.Store
	Logger     *slog.Logger
}

// Service keeps copies. It is safe for concurrent use.
type Service struct {
	o   Options
	db  *db.DB
	log *slog.Logger
}

// New returns a Service.
func New(o Options) *Service { return &Service{o: o, db: o.DB, log: o.Logger} }

// ExpireArgs forgets copies that have expired.
type ExpireArgs struct{}

// Kind implements jobs.Args.
func (ExpireArgs) Kind() string { return "video.expire-redundancy" }

// Module is this feature's part of the module.
func (s *Service) Module() activitypub.Module {
	on := func(activity, object string, do func(context.Context, *activitypub.Activity) error) activitypub.Handler {
		return activitypub.Handler{On: activitypub.On{Activity: activity, Object: object}, Do: do}
	}
	return activitypub.Module{
		Handlers: []activitypub.Handler{
			on("Create", "CacheFile", s.onCopy),
			on("Update", "CacheFile", s.onCopy),
			on("Delete", "CacheFile", s.onDelete),
			on("Undo", "Create", s.onUndo),
		},
		Objects: []activitypub.ObjectType{{Type: "CacheFile", Local: s.local, Has: s.has, Remove: s.remove}},
		Jobs: []jobs.Handler{
			jobs.Handle(s.expire, jobs.Keep(time.Hour)),
			jobs.Handle(s.mirror, jobs.Timeout(mirrorTime), jobs.As("video-redundancy")),
		},
		Periodic:     []jobs.Periodic{{Name: "video.expire-redundancy", Every: time.Hour, Args: ExpireArgs{}}},
		Routes:       s.routes,
		ActorDeleted: s.actorDeleted,
	}
}

// byIRI finds a copy; nil when there is none.
func byIRI(tx *db.Tx, iri string) (*Copy, error) {
	var rows []Copy
	if err := tx.Where("iri = ?", iri).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load copy: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}

func (s *Service) has(ctx context.Context, iri string) (bool, error) {
	var n int64
	err := s.db.Read(ctx).Model(&Copy{}).Where("iri = ?", iri).Count(&n).Error
	return n > 0, err
}

// remove drops a copy that is gone at its origin.
func (s *Service) remove(ctx context.Context, iri string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Where("iri = ? AND local = ?", iri, false).Delete(&Copy{}).Error
	})
}

func (s *Service) actorDeleted(ctx context.Context, a *actor.Actor) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error { return tx.Where("actor_id = ?", a.ID).Delete(&Copy{}).Error })
}

func (s *Service) expire(ctx context.Context, _ ExpireArgs) error {
	if err := s.sweep(ctx); err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := tx.Where("local = ? AND expires_at <= ?", false, db.Now()).Delete(&Copy{}).Error; err != nil {
			return fmt.Errorf("expire copies: %w", err)
		}
		return jobs.Done(ctx, tx)
	})
}

// accepts tells whether copies of an actor are made use of.
func (s *Service) accepts(ctx context.Context, a *actor.Actor) (bool, error) {
	switch s.o.AcceptFrom {
	case Anybody:
		return true, nil
	case Followings:
		instance, err := s.o.Engine.Actors.Instance(ctx)
		if err != nil {
			return false, err
		}
		var n int64
		err = s.db.Read(ctx).Table("follows f").Joins("JOIN actors t ON t.id = f.target_id").
			Where("f.follower_id = ? AND f.state = ? AND t.host = ?", instance.ID, actor.Accepted, a.Host).Count(&n).Error
		if err != nil {
			return false, fmt.Errorf("whom we follow: %w", err)
		}
		return n > 0, nil
	}
	return false, nil
}

// parse reads a CacheFile (PT federation 4). nil without an error is one of a
// progressive file, which nobody offers any more.
func (s *Service) parse(o vocab.Object, by *actor.Actor) (*Copy, error) {
	invalid := func(what string) error { return fmt.Errorf("%w: CacheFile %s: %s", vocab.ErrInvalid, o.ID(), what) }
	if !by.OnHost(o.ID()) { // SEC-16
		return nil, invalid("its owner is elsewhere")
	}
	c := &Copy{IRI: o.ID(), ActorID: by.ID, State: ready}
	if o.Has("expires") {
		at, ok := o.Time("expires")
		if !ok {
			return nil, invalid("expires")
		}
		c.ExpiresAt = &at
	}
	link, ok := o.Object("url")
	if !ok {
		return nil, invalid("url")
	}
	if link.String("mediaType") != "application/x-mpegURL" {
		return nil, nil
	}
	c.URL = strings.TrimSuffix(link.String("href"), "/")
	u, err := url.Parse(c.URL)
	https := strings.HasPrefix(s.o.Catalog.URLs().Origin, "https://")
	switch {
	case err != nil || len(c.URL) > 2000 || !by.OnHost(c.URL): // players go there: nowhere but to its owner
		return nil, invalid("url on another host")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "https" && (https || u.Scheme != "http")):
		return nil, invalid("url")
	}
	return c, nil
}

// onCopy takes Create and Update of a CacheFile.
func (s *Service) onCopy(ctx context.Context, act *activitypub.Activity) error {
	c, err := s.parse(act.Object, act.Actor)
	if err != nil {
		return activitypub.Drop(err)
	}
	accepted, err := s.accepts(ctx, act.Actor)
	if err != nil || !accepted || c == nil {
		return err
	}
	v, err := s.o.Catalog.ByIRI(ctx, act.Object.IRI("object"))
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && !s.o.Catalog.CanSee(ctx, nil, v)) { // SEC-18
		return nil
	}
	if err != nil {
		return err
	}
	c.VideoID = v.ID
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		old, err := byIRI(tx, c.IRI)
		if err != nil {
			return err
		}
		if old != nil && (old.ActorID != act.Actor.ID || old.VideoID != v.ID) { // SEC-14, SEC-16
			return activitypub.Drop(fmt.Errorf("%w: %s changes %s", vocab.ErrInvalid, act.Actor.IRI, c.IRI))
		}
		return s.save(tx, c, old, v, act)
	})
}

// save writes a copy and tells those who know the video.
func (s *Service) save(tx *db.Tx, c, old *Copy, v *catalog.Video, act *activitypub.Activity) error {
	c.CreatedAt, c.UpdatedAt = db.Now(), db.Now()
	if old != nil {
		c.CreatedAt = old.CreatedAt
	}
	if err := tx.Where("video_id = ? AND actor_id = ?", v.ID, act.Actor.ID).Delete(&Copy{}).Error; err != nil {
		return fmt.Errorf("replace copy: %w", err)
	}
	if c.ExpiresAt == nil || c.ExpiresAt.After(db.Now()) {
		err := tx.Raw("SELECT COALESCE(SUM(size), 0) FROM video_files WHERE video_id = ? AND playlist_id IS NOT NULL", v.ID).Scan(&c.Size).Error
		if err == nil {
			c.ID = 0
			err = tx.Create(c).Error
		}
		if err != nil {
			return fmt.Errorf("save copy: %w", err)
		}
	}
	return s.forward(tx, v, act)
}

// forward passes on what concerns a video of ours (PT federation 7).
func (s *Service) forward(tx *db.Tx, v *catalog.Video, act *activitypub.Activity) error {
	if !v.Federates() || v.FederatedAt == nil {
		return nil
	}
	involved, err := catalog.Involved(tx.DB, v.ID)
	if err != nil || len(involved) == 0 {
		return err
	}
	return s.o.Engine.Outbox.Forward(tx, act, activitypub.Delivery{FollowersOf: involved})
}

// onDelete withdraws a copy.
func (s *Service) onDelete(ctx context.Context, act *activitypub.Activity) error {
	return s.withdraw(ctx, act, act.Object.ID())
}

// onUndo takes the Undo of a Create, by which PeerTube withdraws a copy. The
// engine has checked that the Create is the actor's own.
func (s *Service) onUndo(ctx context.Context, act *activitypub.Activity) error {
	return s.withdraw(ctx, act, act.Object.IRI("object"))
}

func (s *Service) withdraw(ctx context.Context, act *activitypub.Activity, iri string) error {
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		c, err := byIRI(tx, iri)
		if err != nil || c == nil {
			return err
		}
		if c.ActorID != act.Actor.ID { // SEC-14, SEC-16
			return activitypub.Drop(fmt.Errorf("%w: %s withdraws %s", vocab.ErrInvalid, act.Actor.IRI, iri))
		}
		if err := tx.Where("id = ?", c.ID).Delete(&Copy{}).Error; err != nil {
			return fmt.Errorf("withdraw copy: %w", err)
		}
		v, err := catalog.Lock(tx, c.VideoID)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.forward(tx, v, act)
	})
}
