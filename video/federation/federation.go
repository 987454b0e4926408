package federation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/crawl"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/activitypub/vocab"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/chapter"
	"github.com/kinemesh/kinemesh/video/picture"
)

// Options are what a Service needs.
type Options struct {
	DB        *db.DB
	Engine    *activitypub.Engine
	Catalog   *catalog.Service
	Channels  *channel.Service
	Transport *transport.Client // for pictures
	Logger    *slog.Logger
}

// Service federates videos. It is safe for concurrent use.
type Service struct {
	db       *db.DB
	engine   *activitypub.Engine
	catalog  *catalog.Service
	channels *channel.Service
	files    *transport.Client
	log      *slog.Logger
	urls     catalog.URLs

	partsAfter time.Duration // how long after a document its chapters are read

	// Saved hears of every document of a remote video that was stored, in the
	// transaction that did it. It is set before the server starts; nil: nobody.
	Saved func(tx *db.Tx, v *catalog.Video, o vocab.Object) error
}

// New returns a Service and lets the catalog resolve addresses through it.
func New(o Options) *Service {
	s := &Service{
		db: o.DB, engine: o.Engine, catalog: o.Catalog, channels: o.Channels, files: o.Transport, log: o.Logger,
		urls: o.Catalog.URLs(), partsAfter: 2 * time.Second,
	}
	o.Catalog.Resolve, o.Catalog.Touched = s.Resolve, s.touched
	return s
}

// Module is this feature's part of the module.
func (s *Service) Module() activitypub.Module {
	on := func(activity, object string, do func(context.Context, *activitypub.Activity) error) activitypub.Handler {
		return activitypub.Handler{On: activitypub.On{Activity: activity, Object: object}, Do: do}
	}
	return activitypub.Module{
		Handlers: []activitypub.Handler{
			on("Create", "Video", s.onDocument),
			on("Update", "Video", s.onDocument),
			on("Delete", "Video", s.onDelete),
			on("Announce", "Video", s.onAnnounce),
			on("Undo", "Announce", s.onUndoAnnounce),
		},
		Objects: []activitypub.ObjectType{{Type: "Video", Local: s.local, Has: s.has, Ingest: s.Ingest, Remove: s.remove}},
		Jobs: []jobs.Handler{
			jobs.Handle(s.federate, jobs.As("federate-video")),
			jobs.Handle(s.fetchParts, jobs.Attempts(3), jobs.Keep(time.Hour)),
			jobs.Handle(s.fetchThumbnails, jobs.Attempts(4), jobs.Timeout(5*time.Minute)),
		},
		Counts:        s.counts,
		Collections:   []crawl.Kind{{Name: sharesKind, Take: s.takeShare, Done: s.sharesTaken}},
		FollowChanged: s.followChanged,
		ActorDeleted:  func(ctx context.Context, a *actor.Actor) error { return s.catalog.DropActor(ctx, a.ID) },
	}
}

// followChanged lists the videos of an actor, or takes them out of the lists,
// as the instance follows it or does not any more (PT federation 5).
func (s *Service) followChanged(tx *db.Tx, c actor.FollowChange) error {
	if !c.Follower.Local() || c.Follower.Type != actor.Application || (c.State == actor.Accepted) == (c.Was == actor.Accepted) {
		return nil
	}
	return s.catalog.RefreshListedOf(tx, c.Target.ID)
}

// has tells whether a video is stored here.
func (s *Service) has(ctx context.Context, iri string) (bool, error) {
	_, err := s.catalog.ByIRI(ctx, iri)
	if errors.Is(err, catalog.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// remove drops a remote video that is gone at its origin.
func (s *Service) remove(ctx context.Context, iri string) error {
	found, err := s.catalog.ByIRI(ctx, iri)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && found.Local) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		v, err := catalog.Lock(tx, found.ID)
		if errors.Is(err, catalog.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return s.catalog.Drop(tx, v)
	})
}

// Resolve fetches the video at an address of another server, which may be its
// page, and returns its row's id; catalog.ErrNotFound when there is none.
func (s *Service) Resolve(ctx context.Context, uri string) (int64, error) {
	doc, err := s.engine.Actors.FetchPart(transport.WithBudget(ctx, transport.ActivityBudget), uri)
	if err == nil && doc.ID() != uri { // SEC-10: whatever was shown there, its origin is asked
		doc, err = s.engine.Actors.FetchDocument(ctx, doc.ID())
	}
	if err == nil && !doc.Is("Video") {
		return 0, fmt.Errorf("%s, a %s: %w", uri, doc.Type(), catalog.ErrNotFound)
	}
	if err == nil {
		err = s.Ingest(ctx, doc)
	}
	if err != nil {
		s.log.InfoContext(ctx, "address not resolved", "address", uri, "error", err)
		return 0, fmt.Errorf("resolve %s: %w", uri, catalog.ErrNotFound)
	}
	v, err := s.catalog.ByIRI(ctx, doc.ID())
	if err != nil {
		return 0, err
	}
	return v.ID, nil
}

// touched has a remote video that somebody opens fetched again when it is stale
// (PT federation 6).
func (s *Service) touched(ctx context.Context, v *catalog.Video) {
	var at time.Time
	if v.FetchedAt != nil {
		at = *v.FetchedAt
	}
	if err := s.engine.Touch(ctx, v.IRI, at); err != nil {
		s.log.WarnContext(ctx, "stale video not refreshed", "video", v.IRI, "error", err)
	}
}

// Ingest stores a document that came from its origin.
func (s *Service) Ingest(ctx context.Context, o vocab.Object) error {
	_, err := s.ingest(ctx, o)
	return err
}

func (s *Service) ingest(ctx context.Context, o vocab.Object) (*catalog.Video, error) {
	if s.engine.Actors.IsLocal(o.ID()) { // SEC-13
		return nil, activitypub.Drop(fmt.Errorf("%w: %s is ours", vocab.ErrInvalid, o.ID()))
	}
	in, err := parse(o)
	if err != nil {
		return nil, activitypub.Drop(err)
	}
	ch, err := s.channelOf(ctx, in)
	if err != nil {
		return nil, err
	}
	in.Video.ChannelID = ch.ID
	var v *catalog.Video
	err = s.db.Tx(ctx, func(tx *db.Tx) (err error) {
		var changed bool
		v, changed, err = s.catalog.SaveRemote(tx, in.Remote)
		if err == nil && s.Saved != nil {
			err = s.Saved(tx, v, o)
		}
		if err == nil && changed {
			err = s.backfillShares(tx, v)
		}
		if err != nil || !changed || v.PartsURL == "" {
			return err
		}
		// PeerTube sends many Updates in a row.
		key := strconv.FormatInt(v.ID, 10)
		return jobs.Insert(tx, catalog.RemotePartsArgs{VideoID: v.ID}, jobs.Unique(key), jobs.RunAt(db.Now().Add(s.partsAfter)))
	})
	if errors.Is(err, catalog.ErrConflict) {
		return nil, activitypub.Drop(fmt.Errorf("save %s: %w", o.ID(), err))
	}
	if err != nil {
		return nil, fmt.Errorf("save %s: %w", o.ID(), err)
	}
	return v, nil
}

// channelOf finds the channel among those to whom a document is attributed: a
// Group on the video's host.
func (s *Service) channelOf(ctx context.Context, in *incoming) (*channel.Channel, error) {
	var last error
	for _, id := range in.owners {
		ch, err := s.channels.ResolveRemote(ctx, id)
		switch {
		case err == nil:
			return ch, nil
		case errors.Is(err, channel.ErrNotChannel), errors.Is(err, channel.ErrForeign):
			last = err
		default:
			return nil, fmt.Errorf("channel of %s: %w", in.Video.IRI, err)
		}
	}
	return nil, activitypub.Drop(fmt.Errorf("%w: %s belongs to no channel: %w", vocab.ErrInvalid, in.Video.IRI, last))
}

// fetchParts reads the chapters of a remote video at its origin.
func (s *Service) fetchParts(ctx context.Context, a catalog.RemotePartsArgs) error {
	v, err := s.catalog.ByID(ctx, a.VideoID)
	if errors.Is(err, catalog.ErrNotFound) || (err == nil && (v.Local || v.PartsURL == "")) {
		return nil
	}
	if err != nil {
		return err
	}
	doc, err := s.engine.Actors.FetchDocument(transport.WithBudget(ctx, transport.ActivityBudget), v.PartsURL)
	switch {
	case err == nil:
	case !transport.Temporary(err):
		s.log.InfoContext(ctx, "chapters not taken", "video", v.IRI, "error", err)
		return nil
	default:
		return fmt.Errorf("fetch chapters of %s: %w", v.IRI, err)
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error { return chapter.Set(tx, v.ID, chapter.FromDocument(doc)) })
}

// FetchPictures fetches the pictures of a remote video that are not stored yet.
func (s *Service) FetchPictures(ctx context.Context, videoID int64) error {
	return s.fetchThumbnails(ctx, catalog.RemoteThumbnailArgs{VideoID: videoID})
}

// fetchThumbnails fetches what is missing of a remote video's pictures.
func (s *Service) fetchThumbnails(ctx context.Context, a catalog.RemoteThumbnailArgs) error {
	m, err := s.catalog.Media(ctx, a.VideoID)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range m.Thumbnails {
		if t.Stored || t.RemoteURL == "" {
			continue
		}
		data, _, err := s.files.GetFile(ctx, t.RemoteURL, picture.MaxBytes)
		if err == nil {
			err = s.catalog.StoreRemote(ctx, &t, data)
		}
		switch {
		case err == nil:
		case errors.Is(err, picture.ErrRefused) || (!transport.Temporary(err) && transport.Gone(err)):
			s.log.InfoContext(ctx, "picture of a remote video not taken", "address", t.RemoteURL, "error", err)
		default:
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
