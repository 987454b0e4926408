package notification

import (
	"context"
	"time"

	"github.com/kinemesh/kinemesh/accounts/channel"
	"github.com/kinemesh/kinemesh/accounts/mail"
	"github.com/kinemesh/kinemesh/activitypub/actor"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Topic is what [db.DB.Listen] hears when this process has written notifications.
const Topic = "notifications"

// Row is a row of notifications.
type Row struct {
	ID        int64
	UserID    int64
	Type      Type
	ObjectID  int64
	Event     int64
	Web       bool // listed; else it went by mail alone
	Read      bool
	CreatedAt time.Time
	UpdatedAt time.Time
}

// TableName is for GORM.
func (Row) TableName() string { return "notifications" }

// Item is a row with what the API says of it.
type Item struct {
	Row
	JSON JSON
}

// Source knows some types of notifications.
type Source struct {
	// Audience tells who is to hear of an event; [ErrGone] when nobody is any more.
	Audience func(ctx context.Context, e Event) (Audience, error)
	// Describe sets in JSON what the rows are about, for the user to whom they
	// belong, in a fixed number of queries. What is gone or hidden from the user
	// is left out.
	Describe func(ctx context.Context, to *rest.Principal, items []*Item) error
}

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Channels *channel.Service
	Actors   *actor.Service
	Config   *config.Config
	Mail     *mail.Service
}

// Service is safe for concurrent use once its sources are set.
type Service struct {
	o       Options
	sources map[Type]*Source
}

// New returns a Service that knows what happens to users and follows. The
// features of other packages add theirs with [Service.Use].
func New(o Options) *Service {
	s := &Service{o: o, sources: map[Type]*Source{}}
	s.Use(&Source{Audience: s.toStaff, Describe: s.describeUsers}, NewUser)
	s.Use(&Source{Audience: s.toStaff, Describe: s.describeRegistrations}, NewRegistration)
	s.Use(&Source{Audience: s.toFollowed, Describe: s.describeFollows}, NewFollow, InstanceFollower, InstanceFollowing)
	return s
}

// Use has a source know some types. It is called at start.
func (s *Service) Use(src *Source, types ...Type) {
	for _, t := range types {
		s.sources[t] = src
	}
}

// Jobs are the handlers of the package.
func (s *Service) Jobs() []jobs.Handler {
	return []jobs.Handler{
		jobs.Handle(s.tell, jobs.As("notify"), jobs.Keep(time.Hour)),
		jobs.Handle(s.mail, jobs.Keep(time.Hour)),
		jobs.Handle(s.forget, jobs.Keep(time.Hour)),
		jobs.Handle(s.clean, jobs.Keep(time.Hour)),
	}
}

// cleanEvery is how often old rows are looked for.
const cleanEvery = 6 * time.Hour

// Periodic are the periodic jobs of the package.
func (s *Service) Periodic() []jobs.Periodic {
	return []jobs.Periodic{{Name: "notification.clean", Every: cleanEvery, Args: CleanArgs{}}}
}
