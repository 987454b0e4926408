package subscription

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/input"
	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/activitypub/transport"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Engine   *activitypub.Engine
	Channels *channel.Service
}

// Service is safe for concurrent use.
type Service struct{ o Options }

// New returns a Service.
func New(o Options) *Service { return &Service{o} }

// Handle names an actor of a host, ours where Host is empty.
type Handle struct{ Name, Host string }

// ParseHandle reads "name@host". ok is false for anything else.
func (s *Service) ParseHandle(text string) (h Handle, ok bool) {
	name, host, found := strings.Cut(text, "@")
	if !found || name == "" || host == "" || len(text) > 510 || strings.ContainsAny(host, "@/?# ") || strings.ContainsAny(name, "/?# ") || !input.Plain(text) {
		return Handle{}, false
	}
	h = Handle{Name: strings.ToLower(name), Host: strings.ToLower(host)}
	if s.o.Engine.Actors.ServesHost(h.Host) {
		h.Host = ""
	}
	return h, true
}

// AddArgs makes an account follow a channel of another server.
type AddArgs struct {
	ActorID int64 // of the account
	Handle  string
}

// Kind implements jobs.Args.
func (AddArgs) Kind() string { return "accounts.subscribe" }

// Jobs are the job handlers.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{jobs.Handle(s.add, jobs.As("activitypub-follow"))}
}

// Add makes an account follow a channel: one that is known at once, and any other
// in a job, which looks for it on its server. db.ErrNotFound when there is none
// here.
func (s *Service) Add(ctx context.Context, actorID int64, h Handle) error {
	handle := h.Name
	if h.Host != "" {
		handle += "@" + h.Host
	}
	ch, err := s.o.Channels.ChannelByHandle(ctx, handle)
	if h.Host == "" || err == nil || !errors.Is(err, db.ErrNotFound) {
		if err == nil {
			err = s.Follow(ctx, actorID, ch)
		}
		return err
	}
	return s.o.DB.Tx(ctx, func(tx *db.Tx) error {
		return jobs.Insert(tx, AddArgs{ActorID: actorID, Handle: handle}, jobs.Unique(fmt.Sprint(actorID, " ", handle)))
	})
}

// Follow makes an account follow a channel. activitypub.ErrBlocked when either
// side does not want that.
func (s *Service) Follow(ctx context.Context, actorID int64, ch *channel.Channel) error {
	from, err := s.o.Engine.Actors.ByID(ctx, actorID)
	if err != nil {
		return err
	}
	return s.o.Engine.Follow(ctx, from, ch.Actor.IRI)
}

// Unfollow ends a subscription; none is no error.
func (s *Service) Unfollow(ctx context.Context, actorID int64, ch *channel.Channel) error {
	from, err := s.o.Engine.Actors.ByID(ctx, actorID)
	if err != nil {
		return err
	}
	target, err := s.o.Engine.Actors.ByID(ctx, ch.ActorID) // lists hold a part of it
	if err != nil {
		return err
	}
	return s.o.Engine.Unfollow(ctx, from, target)
}

// Follows tells whether an account follows the actor of a channel, or has asked
// to.
func (s *Service) Follows(ctx context.Context, actorID, channelActorID int64) (bool, error) {
	f, err := actor.FollowBetween(s.o.DB.Read(ctx), actorID, channelActorID)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	return err == nil && f.State != actor.Rejected, err
}

func (s *Service) add(ctx context.Context, a AddArgs) error {
	from, err := s.o.Engine.Actors.ByID(ctx, a.ActorID)
	if errors.Is(err, db.ErrNotFound) || err == nil && from.GoneAt != nil {
		return nil // the user left
	}
	if err != nil {
		return err
	}
	ctx = transport.WithBudget(ctx, transport.ActivityBudget)
	target, err := s.o.Engine.Actors.FetchHandle(ctx, a.Handle)
	if err == nil {
		_, err = s.o.Channels.ResolveRemote(ctx, target.IRI)
	}
	if err == nil {
		err = s.o.Engine.Follow(ctx, from, target.IRI)
	}
	if err != nil && (activitypub.Final(err) || errors.Is(err, channel.ErrNotChannel) || errors.Is(err, channel.ErrForeign)) {
		return jobs.Discard(err) // the list of jobs says why
	}
	return err
}

// subscribed is every follow of a channel by an account that was not refused.
func subscribed(q *gorm.DB, actorID int64) *gorm.DB {
	return q.Table("follows AS f").Joins("JOIN actors a ON a.id = f.target_id").Joins("JOIN channels c ON c.actor_id = f.target_id").
		Where("f.follower_id = ? AND f.state IN ? AND a.gone_at IS NULL", actorID, []string{actor.Accepted, actor.Pending})
}

// Sorts are the fields that lists of subscriptions sort by.
func Sorts() []string { return []string{"id", "createdAt", "channelUpdatedAt"} }

// List gives the channels that an account follows or has asked to follow. A
// search keeps those whose name, display name or host contains it.
func (s *Service) List(ctx context.Context, actorID int64, search string, page rest.Page) ([]*channel.Channel, int64, error) {
	q := subscribed(s.o.DB.Read(ctx), actorID)
	if search = input.Line(search); search != "" {
		like := "%" + db.Like(search) + "%" // SEC-51
		q = q.Where(`(LOWER(a.username) LIKE LOWER(?) ESCAPE '\' OR LOWER(a.name) LIKE LOWER(?) ESCAPE '\' OR a.host LIKE LOWER(?) ESCAPE '\')`, like, like, like)
	}
	q = q.Session(&gorm.Session{})
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count subscriptions: %w", err)
	}
	column := map[string]string{"id": "f.id", "createdAt": "f.created_at", "channelUpdatedAt": "c.updated_at"}[page.Sort]
	if column == "" {
		return nil, 0, fmt.Errorf("sort %q: not known", page.Sort)
	}
	var ids []int64
	if err := q.Order(page.Order(column, "f.id")).Offset(page.Start).Limit(page.Count).Pluck("c.id", &ids).Error; err != nil {
		return nil, 0, fmt.Errorf("list subscriptions: %w", err)
	}
	channels, err := s.o.Channels.CountedByIDs(ctx, ids)
	return channels, total, err
}

// Find gives the channel of a handle that an account follows or has asked to
// follow, db.ErrNotFound otherwise.
func (s *Service) Find(ctx context.Context, actorID int64, h Handle) (*channel.Channel, error) {
	var ids []int64
	err := subscribed(s.o.DB.Read(ctx), actorID).Where("LOWER(a.username) = ? AND a.host = ?", h.Name, h.Host).
		Order("f.id").Limit(1).Pluck("c.id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("subscription to %s: %w", h.Name, err)
	}
	channels, err := s.o.Channels.CountedByIDs(ctx, ids)
	if err == nil && len(channels) == 0 {
		err = fmt.Errorf("subscription to %s: %w", h.Name, db.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return channels[0], nil
}

// Remove ends a subscription. db.ErrNotFound when there is none.
func (s *Service) Remove(ctx context.Context, actorID int64, h Handle) error {
	ch, err := s.Find(ctx, actorID, h)
	if err != nil {
		return err
	}
	return s.Unfollow(ctx, actorID, ch)
}

// Has tells which of some channels an account follows or has asked to follow, in
// one query.
func (s *Service) Has(ctx context.Context, actorID int64, handles []Handle) (map[Handle]bool, error) {
	names := make([]string, len(handles))
	for i, h := range handles {
		names[i] = h.Name
	}
	var rows []struct{ Name, Host string }
	err := subscribed(s.o.DB.Read(ctx), actorID).Where("LOWER(a.username) IN ?", names).
		Select("LOWER(a.username) AS name, a.host").Limit(len(handles) * maxTwins).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("subscriptions: %w", err)
	}
	out := make(map[Handle]bool, len(rows))
	for _, r := range rows {
		out[Handle{r.Name, r.Host}] = true
	}
	return out, nil
}
