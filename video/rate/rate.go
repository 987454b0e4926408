package rate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/listing"
)

// Kind is what somebody thinks of a video.
type Kind string

// The kinds.
const (
	Like    Kind = "like"
	Dislike Kind = "dislike"
	None    Kind = "none"
)

// activity is the type of the activity that says so.
func (k Kind) activity() string {
	if k == Dislike {
		return "Dislike"
	}
	return "Like"
}

// Rate is a row of video_rates.
type Rate struct {
	ID        int64
	VideoID   int64
	ActorID   int64
	Type      Kind
	IRI       string `gorm:"column:iri"`
	CreatedAt time.Time
}

// TableName implements gorm's Tabler.
func (Rate) TableName() string { return "video_rates" }

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Engine   *activitypub.Engine
	Catalog  *catalog.Service
	Listing  *listing.Service
	Channels *channel.Service
	// Changed tells other servers, in tx, that the counts of a local video
	// changed; many changes may become one.
	Changed func(tx *db.Tx, videoID int64) error
	Logger  *slog.Logger
}

// Service holds the operations on rates. It is safe for concurrent use.
type Service struct{ o Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o} }

// Module is this feature's part of the module. Its documents lie below those of
// videos and actors, so it is asked for them first.
func (s *Service) Module() activitypub.Module {
	on := func(activity, object string, do func(context.Context, *activitypub.Activity) error) activitypub.Handler {
		return activitypub.Handler{On: activitypub.On{Activity: activity, Object: object}, Do: do}
	}
	return activitypub.Module{
		Handlers: []activitypub.Handler{
			on("Like", "Video", s.onRate),
			on("Dislike", "Video", s.onRate),
			on("Undo", "Like", s.onUndo),
			on("Undo", "Dislike", s.onUndo),
		},
		Objects:      []activitypub.ObjectType{{Type: "Like", Local: s.local}},
		Jobs:         []jobs.Handler{jobs.Handle(s.readCounts, jobs.Attempts(3), jobs.Timeout(time.Minute), jobs.Keep(time.Hour))},
		ActorDeleted: func(ctx context.Context, a *actor.Actor) error { return s.dropActor(ctx, a.ID) },
		Routes:       s.routes,
	}
}

// Of is what an actor thinks of a video.
func (s *Service) Of(ctx context.Context, actorID, videoID int64) (Kind, error) {
	r, err := find(s.o.DB.Read(ctx), actorID, videoID)
	if err != nil || r == nil {
		return None, err
	}
	return r.Type, nil
}

// Set makes p think so of a video, and tells whom it concerns. What p thinks
// already changes nothing.
func (s *Service) Set(ctx context.Context, actorID, videoID int64, kind Kind) error {
	actors, err := s.o.Engine.Actors.ByIDs(ctx, []int64{actorID})
	if err != nil {
		return err
	}
	by := actors[actorID]
	if by == nil || !by.Local() {
		return fmt.Errorf("rate: actor %d is none of ours", actorID)
	}
	v, err := s.o.Catalog.ByID(ctx, videoID)
	if err != nil {
		return err
	}
	owner, err := s.o.Engine.Actors.ByID(ctx, v.Owner.AccountActorID)
	if err != nil {
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, videoID)
		if err != nil {
			return err
		}
		old, err := find(tx.DB, actorID, videoID)
		if err != nil || old == nil && kind == None || old != nil && old.Type == kind {
			return err
		}
		if old != nil {
			if err := s.drop(tx, v, old); err != nil {
				return err
			}
			if err := s.publishUndo(tx, v, old, by, owner); err != nil {
				return err
			}
		}
		if kind == None {
			return nil
		}
		r, err := s.add(tx, v, by, kind, "")
		if err != nil {
			return err
		}
		return s.publish(tx, v, r, by, owner)
	})
}

func find(g *gorm.DB, actorID, videoID int64) (*Rate, error) {
	var rows []Rate
	if err := g.Where("actor_id = ? AND video_id = ?", actorID, videoID).Limit(1).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("load rate: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // no rate is an answer
	}
	return &rows[0], nil
}

// add writes a rate and counts it. The video's row is locked. id is "" for one
// of ours, which gets a name of its own: the same actor may rate a video again,
// and servers take each id once.
func (s *Service) add(tx *db.Tx, v *catalog.Video, by *actor.Actor, kind Kind, id string) (*Rate, error) {
	r := &Rate{VideoID: v.ID, ActorID: by.ID, Type: kind, IRI: id, CreatedAt: db.Now()}
	if err := tx.Create(r).Error; err != nil {
		return nil, fmt.Errorf("save rate: %w", err)
	}
	if id == "" { // PT federation 2
		r.IRI = by.IRI + "/" + string(kind) + "s/" + strconv.FormatInt(r.ID, 10)
		if err := tx.Model(&Rate{}).Where("id = ?", r.ID).UpdateColumn("iri", r.IRI).Error; err != nil {
			return nil, fmt.Errorf("name rate: %w", err)
		}
	}
	return r, s.count(tx, v, kind, 1)
}

// drop removes a rate and its count.
func (s *Service) drop(tx *db.Tx, v *catalog.Video, r *Rate) error {
	res := tx.Where("id = ?", r.ID).Delete(&Rate{})
	if res.Error != nil {
		return fmt.Errorf("drop rate: %w", res.Error)
	}
	if res.RowsAffected == 0 {
		return nil
	}
	return s.count(tx, v, r.Type, -1)
}

// count changes the numbers on the video, and has others told of ours. A remote
// one's change too, until its server says what they are.
func (s *Service) count(tx *db.Tx, v *catalog.Video, kind Kind, delta int64) error {
	likes, dislikes := delta, int64(0)
	if kind == Dislike {
		likes, dislikes = 0, delta
	}
	if err := catalog.CountRates(tx, v.ID, likes, dislikes); err != nil {
		return err
	}
	if !v.Local || s.o.Changed == nil {
		return nil
	}
	return s.o.Changed(tx, v.ID)
}

// wireRate is a Like or Dislike; its members stand in PeerTube's order.
type wireRate struct {
	To     []string `json:"to"`
	Cc     []string `json:"cc"`
	ID     string   `json:"id"`
	Type   string   `json:"type"`
	Actor  string   `json:"actor"`
	Object string   `json:"object"`
}

type wireUndo struct {
	To     []string `json:"to"`
	Cc     []string `json:"cc"`
	Type   string   `json:"type"`
	ID     string   `json:"id"`
	Actor  string   `json:"actor"`
	Object wireRate `json:"object"`
}

// document is a rate as everybody may read it.
func document(v *catalog.Video, r *Rate, by *actor.Actor) wireRate {
	return wireRate{[]string{vocab.Public}, []string{by.Followers}, r.IRI, r.Type.activity(), by.IRI, v.IRI}
}

// publish tells the server of a remote video, and nobody else (PT federation 3).
func (s *Service) publish(tx *db.Tx, v *catalog.Video, r *Rate, by, owner *actor.Actor) error {
	if v.Local {
		return nil
	}
	w := document(v, r, by)
	w.To, w.Cc = []string{owner.IRI}, []string{}
	doc, err := vocab.Build(vocab.Base, w)
	if err != nil {
		return err
	}
	return s.send(tx, by, owner, doc)
}

func (s *Service) publishUndo(tx *db.Tx, v *catalog.Video, r *Rate, by, owner *actor.Actor) error {
	if v.Local {
		return nil
	}
	doc, err := vocab.Build(vocab.Base, wireUndo{
		To: []string{owner.IRI}, Cc: []string{}, Type: "Undo", ID: r.IRI + "/undo", Actor: by.IRI, Object: document(v, r, by),
	})
	if err != nil {
		return err
	}
	return s.send(tx, by, owner, doc)
}

func (s *Service) send(tx *db.Tx, by, owner *actor.Actor, doc json.RawMessage) error {
	return s.o.Engine.Outbox.Publish(tx, by, doc, activitypub.Delivery{Inboxes: []string{owner.SharedOrOwnInbox()}})
}

// onRate takes a Like or Dislike of one of our videos. What others think of
// others' videos their servers count (SEC-17); a hidden one is as if it were not
// there (SEC-18).
func (s *Service) onRate(ctx context.Context, act *activitypub.Activity) error {
	v, err := s.o.Catalog.ByIRI(ctx, act.Object.ID())
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && !v.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	if !s.o.Catalog.CanSee(ctx, nil, v) {
		return activitypub.Drop(fmt.Errorf("%w: %s", activitypub.ErrNotFound, act.Object.ID()))
	}
	kind := Like
	if act.Type == "Dislike" {
		kind = Dislike
	}
	return s.change(ctx, v.ID, func(tx *db.Tx, v *catalog.Video) error {
		old, err := find(tx.DB, act.Actor.ID, v.ID)
		if err != nil || old != nil && old.Type == kind {
			return err
		}
		if old != nil {
			if err := s.drop(tx, v, old); err != nil {
				return err
			}
		}
		_, err = s.add(tx, v, act.Actor, kind, act.ID)
		return err
	})
}

// onUndo takes a rate back. PeerTube sends the Undo of a Like before or after
// the Dislike that takes its place, so one of the other kind stays.
func (s *Service) onUndo(ctx context.Context, act *activitypub.Activity) error {
	v, err := s.o.Catalog.ByIRI(ctx, act.Object.IRI("object"))
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && !v.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.change(ctx, v.ID, func(tx *db.Tx, v *catalog.Video) error {
		old, err := find(tx.DB, act.Actor.ID, v.ID)
		if err != nil || old == nil || !act.Object.Is(old.Type.activity()) {
			return err
		}
		return s.drop(tx, v, old)
	})
}

// change locks a video for fn; one that went meanwhile needs no change.
func (s *Service) change(ctx context.Context, videoID int64, fn func(*db.Tx, *catalog.Video) error) error {
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, videoID)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return fn(tx, v)
	})
}

// dropActor removes what an actor that is gone thought.
func (s *Service) dropActor(ctx context.Context, actorID int64) error {
	var rows []Rate
	if err := s.o.DB.Read(ctx).Where("actor_id = ?", actorID).Order("video_id").Find(&rows).Error; err != nil {
		return fmt.Errorf("rates of an actor: %w", err)
	}
	for i := range rows {
		err := s.change(ctx, rows[i].VideoID, func(tx *db.Tx, v *catalog.Video) error { return s.drop(tx, v, &rows[i]) })
		if err != nil {
			return err
		}
	}
	return nil
}
