package activitypub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/crawl"
	"github.com/kinemesh/kinemesh/activitypub/followsync"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
)

// How often and how late followers are compared (FEP-8fcf).
const (
	syncEvery = time.Hour        // at most, for one actor
	syncGrace = 10 * time.Minute // a follow that changed since may be on its way
	syncPart  = "/followers_synchronization"
)

// SyncArgs compares our follows of a remote actor with what its server says.
type SyncArgs struct {
	ActorID int64
	URL     string // of the part of its followers that is ours
}

// Kind names the job.
func (SyncArgs) Kind() string { return "activitypub.sync_followers" }

// followersHeader tells a host which followers of one of our actors live there.
func (e *Engine) followersHeader(ctx context.Context, from *actor.Actor, host string) (name, value string) {
	ids, err := e.followers.On(ctx, from.ID, host)
	if err != nil {
		e.log.WarnContext(ctx, "followers not compared", "actor", from.IRI, "error", err)
		return "", ""
	}
	h := followsync.Header{Collection: from.Followers, URL: from.IRI + syncPart, Digest: ids}
	return followsync.HeaderName, h.String()
}

// getFollowersPart answers with the followers of one of our actors that live on
// the server that asks, and only to it (FEP-8fcf).
func (e *Engine) getFollowersPart(c echo.Context) error {
	reader, err := e.Inbox.Reader(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	a, err := e.Actors.ByIRI(ctx, strings.TrimSuffix(e.Actors.Origin()+c.Request().URL.Path, syncPart))
	if err == nil && (!a.Local() || a.GoneAt != nil) {
		err = ErrNotFound
	}
	if err != nil {
		return notFound(err, "Actor not found")
	}
	ids, err := e.Actors.FollowersOn(ctx, a.ID, reader.Host)
	if err != nil {
		return err
	}
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": "OrderedCollection", "id": a.IRI + syncPart, "totalItems": len(ids), "orderedItems": nonNil(ids),
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "private, no-store") // SEC-31
	return c.Blob(http.StatusOK, contentType, doc)
}

// compareFollowers hears what a remote actor says about its followers here.
// When we count them otherwise, a job asks for the list.
func (e *Engine) compareFollowers(ctx context.Context, a *actor.Actor, header string) {
	h, err := followsync.Parse(header, a.Followers)
	if err != nil {
		e.log.DebugContext(ctx, "followers not compared", "actor", a.IRI, "error", err)
		return
	}
	ours, err := e.Actors.FollowersOn(ctx, a.ID, "")
	if err == nil && followsync.Digest(ours) != h.Digest {
		err = e.once(ctx, "followers of "+a.IRI, syncEvery, SyncArgs{ActorID: a.ID, URL: h.URL})
	}
	if err != nil {
		e.log.WarnContext(ctx, "followers not compared", "actor", a.IRI, "error", err)
	}
}

// syncFollowers repairs what differs: our follows that the other side does not
// know are rejected, those that it has accepted are accepted, and follows that
// only the other side knows are undone there.
func (e *Engine) syncFollowers(ctx context.Context, args SyncArgs) error {
	a, err := e.Actors.ByID(ctx, args.ActorID)
	if err != nil || a.Local() || a.GoneAt != nil {
		return err
	}
	listed := map[string]bool{}
	items := 0
	err = e.Collection(ctx, args.URL, func(_ context.Context, o vocab.Object) error {
		if items++; e.Actors.IsLocal(o.ID()) {
			listed[o.ID()] = true
		}
		return nil
	})
	if err != nil {
		if dropped(err) {
			e.log.InfoContext(ctx, "list of followers not read", "actor", a.IRI, "error", err)
			return nil
		}
		return err
	}
	var follows []actor.Follow
	err = e.db.Read(ctx).Preload("Follower").Where("target_id = ?", a.ID).Order("id").Find(&follows).Error
	if err != nil {
		return fmt.Errorf("follows of %s: %w", a.IRI, err)
	}
	var errs []error
	for _, f := range follows {
		if !f.Follower.Local() {
			continue
		}
		here := listed[f.Follower.IRI]
		if f.State != actor.Rejected {
			delete(listed, f.Follower.IRI)
		}
		if items < crawl.MaxItems || here { // a cut list proves no absence
			errs = append(errs, e.repairFollow(ctx, a, f, here))
		}
	}
	for id := range listed {
		errs = append(errs, e.undoStray(ctx, a, id))
	}
	return errors.Join(errs...)
}

// repairFollow takes over what the other side says about our follow.
func (e *Engine) repairFollow(ctx context.Context, a *actor.Actor, f actor.Follow, listed bool) error {
	state := f.State
	switch {
	case f.State == actor.Pending && listed:
		state = actor.Accepted
	case f.State == actor.Accepted && !listed && f.UpdatedAt.Before(db.Now().Add(-syncGrace)):
		state = actor.Rejected
	}
	if state == f.State {
		return nil
	}
	e.log.InfoContext(ctx, "follow repaired", "follower", f.Follower.IRI, "target", a.IRI, "was", f.State, "is", state)
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		changed, err := e.Actors.SetFollowState(tx, &f, state)
		if err != nil || !changed || state != actor.Accepted {
			return err
		}
		return jobs.Insert(tx, CrawlArgs{ActorID: a.ID}, jobs.Unique(fmt.Sprint(a.ID)))
	})
}

// undoStray undoes a follow that only the other side knows.
func (e *Engine) undoStray(ctx context.Context, a *actor.Actor, id string) error {
	from, err := e.Actors.ByIRI(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && from.GoneAt != nil {
		return nil // nobody is left who could sign
	}
	if err != nil {
		return err
	}
	follow := fmt.Sprintf("%s/follows/stray-%d", from.IRI, a.ID)
	doc, err := vocab.Build(vocab.Base, map[string]any{
		"type": "Undo", "id": follow + "/undo/" + isoTime(db.Now()), "actor": from.IRI, "to": []string{a.IRI},
		"object": followFields(follow, from.IRI, a.IRI),
	})
	if err != nil {
		return err
	}
	return e.db.Tx(ctx, func(tx *db.Tx) error {
		return e.Outbox.Publish(tx, from, doc, Delivery{Inboxes: []string{a.Inbox}})
	})
}
