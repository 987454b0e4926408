// Package push tells open pages and apps what happens at once: users of their
// notifications, and everybody who watches of the number of viewers and the state
// of a video. It serves two namespaces of Socket.IO as PeerTube's clients expect
// them.
//
// What there is to tell is read from the database by every process that has
// clients, about once a second and while it has some only. So it does not matter
// which process caused it, and there is no other way that could fail.
//
// Invariants
//   - a socket of a user is closed when its session is revoked or over, and is
//     sent nothing after that was noticed (SEC-47)
//   - a video is told of to those alone who may see it, now (SEC-54)
//
// Specifications: reference REST 14 (socket.io namespaces).
package push

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kinemesh/kinemesh/accounts/notification"
	"github.com/kinemesh/kinemesh/accounts/oauth"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/socketio"
)

// every is how often the database is asked. Within the process that causes it, a
// notification does not wait for that.
const every = time.Second

// askTime bounds what is asked for a client that comes in or subscribes.
const askTime = 10 * time.Second

// Options are what a Service needs.
type Options struct {
	DB            *db.DB
	OAuth         *oauth.Service
	Notifications *notification.Service
	Catalog       *catalog.Service
	ClientIP      func(*http.Request) string
	Logger        *slog.Logger
}

// Service is safe for concurrent use.
type Service struct {
	o      Options
	server *socketio.Server
	users  *users
	videos *videos
}

// New returns a Service.
func New(o Options) *Service {
	s := &Service{o: o, users: newUsers(o), videos: newVideos(o)}
	s.server = socketio.New(socketio.Options{
		ClientIP: o.ClientIP,
		Namespaces: map[string]socketio.Namespace{
			"/":                   {}, // where clients begin that name none
			"/user-notifications": {Admit: s.users.admit, Open: s.users.open, Close: s.users.close},
			"/live-videos":        {Admit: s.videos.admit, Event: s.videos.event, Close: s.videos.close},
		},
	})
	return s
}

// Handler answers below /socket.io/.
func (s *Service) Handler() http.Handler { return s.server }

// Run tells until ctx ends, and closes the sockets then.
func (s *Service) Run(ctx context.Context) error {
	var g errgroup.Group
	g.Go(func() error { return s.server.Run(ctx) })
	g.Go(func() error {
		written, stop := s.o.DB.Listen(notification.Topic)
		defer stop()
		s.loop(ctx, written, "notifications", s.users.tell)
		return nil
	})
	g.Go(func() error {
		s.loop(ctx, nil, "videos", s.videos.tell)
		return nil
	})
	return g.Wait()
}

// loop tells again and again. What fails is tried at the next turn.
func (s *Service) loop(ctx context.Context, wake <-chan struct{}, what string, tell func(context.Context) error) {
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-t.C:
		}
		if err := tell(ctx); err != nil && ctx.Err() == nil {
			s.o.Logger.WarnContext(ctx, "not pushed", "what", what, "error", err)
		}
	}
}
