package notify

import (
	"context"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/video/comment"
	"github.com/kinemesh/kinemesh/video/report"
	"github.com/kinemesh/kinemesh/web/rest"
)

// fresh is for how long something of another server is news: what is read from
// others' collections is mostly old.
const fresh = 48 * time.Hour

// Options are what a Service needs.
type Options struct {
	DB            *db.DB
	Catalog       *catalog.Service
	Channels      *channel.Service
	Notifications *notification.Service
	Origin        string // https://host
	Host          string
}

// Service hears what happens. It is safe for concurrent use.
type Service struct {
	o       Options
	mention mentions
}

// New returns a Service and has the notifications ask it about their types.
func New(o Options) *Service {
	s := &Service{o, newMentions(o.Origin)}
	o.Notifications.Use(&notification.Source{Audience: s.toVideo, Describe: s.describeVideos},
		notification.NewVideo, notification.VideoPublished, notification.VideoBlocked, notification.VideoUnblocked, notification.VideoQuarantined)
	o.Notifications.Use(&notification.Source{Audience: s.toComment, Describe: s.describeComments}, notification.NewComment, notification.Mention)
	o.Notifications.Use(&notification.Source{Audience: s.toReport, Describe: s.describeReports},
		notification.NewAbuse, notification.AbuseChanged, notification.AbuseMessage)
	return s
}

// Hear has the features tell of what happens.
func (s *Service) Hear(comments *comment.Service, reports *report.Service) {
	s.o.Catalog.Moved, s.o.Catalog.Dropped = s.videoMoved, s.videoDropped
	comments.Said = s.commentSaid
	reports.Filed, reports.Decided, reports.Said = s.reportFiled, s.reportDecided, s.reportSaid
}

// video is the API's form of v for those who may see it, else nil.
func (s *Service) video(ctx context.Context, to *rest.Principal, v *catalog.Video) *notification.Video {
	if v == nil || !s.o.Catalog.CanSee(ctx, to, v) {
		return nil
	}
	return &notification.Video{
		ID: v.ID, UUID: v.UUID, ShortUUID: v.ShortUUID(), Name: v.Name,
		State: &notification.State{ID: int(v.State), Label: v.State.Label()},
	}
}

// accounts are the authors of things, by the ids of their actors.
func (s *Service) accounts(ctx context.Context, actorIDs []int64) (map[int64]*notification.Actor, error) {
	found, err := s.o.Channels.AccountsByActors(ctx, actorIDs)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]*notification.Actor, len(found))
	for id, a := range found {
		out[id] = notification.ActorOf(s.o.Channels.APIAccountSummary(a))
	}
	return out, nil
}
