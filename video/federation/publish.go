package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
)

// federate brings what other servers know of a local video to what it is now:
// its row tells what went out, so the job may run at any time. Everything it
// publishes, and the mark that it did, is one transaction.
func (s *Service) federate(ctx context.Context, a catalog.FederateArgs) error {
	if a.IRI != "" {
		return s.publishGone(ctx, a)
	}
	v, err := s.catalog.ByID(ctx, a.VideoID)
	if errors.Is(err, catalog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := s.cast(ctx, v)
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, v.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			return jobs.Done(ctx, tx)
		}
		if err != nil {
			return err
		}
		if v.Owner.ChannelActorID != c.channel.ID {
			return fmt.Errorf("the channel of video %d is changing", v.ID) // tried again
		}
		switch wanted, known := s.catalog.Federates(v), v.FederatedAt != nil; {
		case wanted && !known:
			err = s.publishNew(tx, v, c)
		case wanted:
			err = s.publishChange(tx, v, c)
		case known:
			err = s.publishHidden(tx, v, c)
		}
		if err != nil {
			return err
		}
		return jobs.Done(ctx, tx)
	})
}

// updateAfter is how long changes of counts are gathered before other servers
// are told.
const updateAfter = 5 * time.Second

// Changed has other servers told what a local video is now, in tx: one Update
// for all changes of [updateAfter]. A remote or hidden video, or none, is no
// error: there is nothing to tell.
func (s *Service) Changed(tx *db.Tx, videoID int64) error {
	v, err := catalog.Lock(tx, videoID)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && !v.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.catalog.ChangedSoon(tx, v, updateAfter)
}

// cast are the actors that have a part in a video's federation.
type cast struct {
	people
	instance *actor.Actor
	shares   []catalog.Share
	sharers  []*actor.Actor // by whom it was shared, us and others
}

func (s *Service) cast(ctx context.Context, v *catalog.Video) (*cast, error) {
	c := &cast{}
	if err := s.db.Read(ctx).Where("video_id = ?", v.ID).Order("id").Find(&c.shares).Error; err != nil {
		return nil, fmt.Errorf("load shares: %w", err)
	}
	ids := []int64{v.Owner.AccountActorID, v.Owner.ChannelActorID}
	for _, sh := range c.shares {
		ids = append(ids, sh.ActorID)
	}
	actors, err := s.engine.Actors.ByIDs(ctx, ids)
	if err != nil {
		return nil, err
	}
	if c.instance, err = s.engine.Actors.Instance(ctx); err != nil {
		return nil, err
	}
	c.account, c.channel = actors[v.Owner.AccountActorID], actors[v.Owner.ChannelActorID]
	if c.account == nil || c.channel == nil {
		return nil, fmt.Errorf("video %d: its account or channel is gone", v.ID)
	}
	for _, sh := range c.shares {
		if a := actors[sh.ActorID]; a != nil {
			c.sharers = append(c.sharers, a)
		}
	}
	return c, nil
}

// involved are the actors whose followers know the video (PT federation 3).
func (c *cast) involved() []*actor.Actor {
	out := []*actor.Actor{c.channel, c.instance}
	seen := map[int64]bool{c.channel.ID: true, c.instance.ID: true, c.account.ID: true}
	for _, a := range c.sharers {
		if !seen[a.ID] {
			seen[a.ID] = true
			out = append(out, a)
		}
	}
	return append(out, c.account)
}

func idsOf(actors []*actor.Actor) []int64 {
	out := make([]int64, len(actors))
	for i, a := range actors {
		out[i] = a.ID
	}
	return out
}

// publishNew sends the Create to the followers of the account, and an Announce
// by the channel and one by the instance to the followers of all involved.
func (s *Service) publishNew(tx *db.Tx, v *catalog.Video, c *cast) error {
	m, err := catalog.LoadMedia(tx.DB, v.ID)
	if err != nil {
		return err
	}
	again, err := publishedBefore(tx, v.IRI+"/activity")
	if err != nil {
		return err
	}
	doc, err := vocab.Build(vocab.Video, s.activity("Create", v.IRI+"/activity"+again, v, m, c.people))
	if err != nil {
		return err
	}
	if err := s.engine.Outbox.Publish(tx, c.account, doc, activitypub.Delivery{FollowersOf: []int64{c.account.ID}}); err != nil {
		return err
	}
	for _, by := range []*actor.Actor{c.channel, c.instance} {
		if err := s.publishAnnounce(tx, v, by, c, again); err != nil {
			return err
		}
	}
	return setFederated(tx, v, db.Now())
}

// publishedBefore is "" for an activity that was never sent, else what makes its
// id another one: servers take each id once, and a video that was taken back and
// is public again must reach them.
func publishedBefore(tx *db.Tx, id string) (string, error) {
	var n int64
	if err := tx.Table("outbox").Where("iri = ?", id).Count(&n).Error; err != nil {
		return "", fmt.Errorf("look up activity: %w", err)
	}
	if n == 0 {
		return "", nil
	}
	return "/" + vocab.Time(db.Now()), nil
}

func (s *Service) publishAnnounce(tx *db.Tx, v *catalog.Video, by *actor.Actor, c *cast, again string) error {
	id := announceID(v, by.ID)
	doc, err := vocab.Build(vocab.Base, announce(v, id+again, by, c.involved()))
	if err != nil {
		return err
	}
	if err := s.catalog.AddShare(tx, v, by.ID, id+again); err != nil {
		return err
	}
	return s.engine.Outbox.Publish(tx, by, doc, activitypub.Delivery{FollowersOf: idsOf(c.involved())})
}

func setFederated(tx *db.Tx, v *catalog.Video, at any) error {
	if err := tx.Model(&catalog.Video{}).Where("id = ?", v.ID).UpdateColumn("federated_at", at).Error; err != nil {
		return fmt.Errorf("note federation: %w", err)
	}
	return nil
}

// publishChange sends the whole document as an Update; when the video has moved
// to another channel, the former one takes its Announce back and the new one
// announces.
func (s *Service) publishChange(tx *db.Tx, v *catalog.Video, c *cast) error {
	m, err := catalog.LoadMedia(tx.DB, v.ID)
	if err != nil {
		return err
	}
	announced := false
	for _, a := range c.sharers {
		switch {
		case a.ID == c.channel.ID:
			announced = true
		case a.Local() && a.Type == actor.Group:
			if err := s.publishUndo(tx, v, a, c); err != nil {
				return err
			}
		}
	}
	id := v.IRI + "/updates/" + vocab.Time(db.Now())
	doc, err := vocab.Build(vocab.Video, s.activity("Update", id, v, m, c.people))
	if err != nil {
		return err
	}
	d := activitypub.Delivery{FollowersOf: idsOf(c.involved()), Coalesce: "Update " + v.IRI}
	if err := s.engine.Outbox.Publish(tx, c.account, doc, d); err != nil {
		return err
	}
	if announced {
		return nil
	}
	again, err := publishedBefore(tx, announceID(v, c.channel.ID))
	if err != nil {
		return err
	}
	return s.publishAnnounce(tx, v, c.channel, c, again)
}

func (s *Service) publishUndo(tx *db.Tx, v *catalog.Video, by *actor.Actor, c *cast) error {
	inner := announce(v, announceID(v, by.ID), by, c.involved())
	for _, sh := range c.shares {
		if sh.ActorID == by.ID {
			inner.ID = sh.IRI
		}
	}
	doc, err := vocab.Build(vocab.Base, vocab.Wire{
		To: inner.To, Cc: []string{}, Type: "Undo", ID: inner.ID + "/undo", Actor: by.IRI, Object: inner,
	})
	if err != nil {
		return err
	}
	if err := s.catalog.RemoveShare(tx, v, by.ID); err != nil {
		return err
	}
	return s.engine.Outbox.Publish(tx, by, doc, activitypub.Delivery{FollowersOf: idsOf(c.involved())})
}

// publishHidden takes back a video that others may not have any more.
func (s *Service) publishHidden(tx *db.Tx, v *catalog.Video, c *cast) error {
	if err := s.publishDelete(tx, v.IRI, c.account, c.involved()); err != nil {
		return err
	}
	if err := tx.Where("video_id = ?", v.ID).Delete(&catalog.Share{}).Error; err != nil {
		return fmt.Errorf("drop shares: %w", err)
	}
	return setFederated(tx, v, nil)
}

// publishGone tells that a video was deleted. Its address answers 410 from now
// on.
func (s *Service) publishGone(ctx context.Context, a catalog.FederateArgs) error {
	instance, err := s.engine.Actors.Instance(ctx)
	if err != nil {
		return err
	}
	actors, err := s.engine.Actors.ByIDs(ctx, append([]int64{a.ActorID}, a.Shared...))
	if err != nil {
		return err
	}
	account := actors[a.ActorID]
	if account == nil {
		return nil
	}
	involved := []*actor.Actor{}
	for _, id := range a.Shared {
		if sharer := actors[id]; sharer != nil && id != account.ID {
			involved = append(involved, sharer)
		}
	}
	if len(involved) == 0 {
		involved = append(involved, instance)
	}
	involved = append(involved, account)
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		err := tx.Exec("INSERT INTO tombstones (iri, created_at) VALUES (?, ?) ON CONFLICT (iri) DO NOTHING", a.IRI, db.Now()).Error
		if err != nil {
			return fmt.Errorf("leave tombstone: %w", err)
		}
		if account.GoneAt == nil { // else its own Delete says enough
			if err := s.publishDelete(tx, a.IRI, account, involved); err != nil {
				return err
			}
		}
		return jobs.Done(ctx, tx)
	})
}

func (s *Service) publishDelete(tx *db.Tx, iri string, account *actor.Actor, involved []*actor.Actor) error {
	id := iri + "/delete"
	again, err := publishedBefore(tx, id)
	if err != nil {
		return err
	}
	doc, err := vocab.Build(vocab.Base, vocab.Wire{
		To: followers(involved), Cc: []string{}, Type: "Delete", ID: id + again, Actor: account.IRI, Object: iri,
	})
	if err != nil {
		return err
	}
	return s.engine.Outbox.Publish(tx, account, doc, activitypub.Delivery{FollowersOf: idsOf(involved)})
}
