package view

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"github.com/kinemesh/kinemesh/activitypub"
	"github.com/kinemesh/kinemesh/config"
	"github.com/kinemesh/kinemesh/config/db"
	"github.com/kinemesh/kinemesh/jobs"
	"github.com/kinemesh/kinemesh/video/catalog"
	"github.com/kinemesh/kinemesh/web/rest"
)

// Options are what a Service needs.
type Options struct {
	DB       *db.DB
	Engine   *activitypub.Engine
	Catalog  *catalog.Service
	Settings config.ViewsVideos
	// Changed has other servers told what a local video is now.
	Changed func(tx *db.Tx, videoID int64) error
	// Watched hears where a user is in a video; nil hears nothing.
	Watched func(ctx context.Context, userID, videoID int64, at float64) error
	Logger  *slog.Logger
	Now     func() time.Time // nil: time.Now
}

// Service counts views and viewers. It is safe for concurrent use.
type Service struct {
	o       Options
	db      *db.DB
	log     *slog.Logger
	process string // names this process among the sources of viewers

	players players // of this process
	local   lives   // who has viewed what, of our viewers
	remote  lives   // which Views of others have come
	commits commits
	others  others // viewers of whom other sources tell
}

// New returns a Service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	var name [8]byte
	rand.Read(name[:])
	s := &Service{
		o: o, db: o.DB, log: o.Logger, process: "here " + hex.EncodeToString(name[:]),
		players: newPlayers(o.Settings.CountViewAfter),
		local:   newLives(o.Settings.ViewExpiration), remote: newLives(o.Settings.ViewExpiration),
	}
	s.commits.commit = s.commitViews
	return s
}

// Module is this feature's part of the module.
func (s *Service) Module() activitypub.Module {
	on := func(activity, object string, do func(context.Context, *activitypub.Activity) error) activitypub.Handler {
		return activitypub.Handler{On: activitypub.On{Activity: activity, Object: object}, Do: do}
	}
	return activitypub.Module{
		Handlers: []activitypub.Handler{
			on("View", "Video", s.onOne),
			on("Download", "Video", s.onOne),
			on("Create", "WatchAction", s.onWatchAction),
		},
		Bulk: []activitypub.Bulk{{Activity: "View", Do: s.onViews}, {Activity: "Download", Do: s.onDownloads}},
		Objects: []activitypub.ObjectType{
			{Type: "WatchAction", Local: s.localWatchAction},
		},
		Jobs: []jobs.Handler{
			jobs.Handle(s.tellViews, jobs.Attempts(3), jobs.As("video-views-stats")),
			jobs.Handle(s.tellViewers, jobs.Attempts(1), jobs.Keep(time.Hour)),
		},
		Periodic: []jobs.Periodic{
			{Name: "video.tell-views", Every: s.o.Settings.LocalBufferUpdateInterval, Args: TellViewsArgs{}},
			{Name: "video.tell-viewers", Every: viewersEvery, Args: TellViewersArgs{}},
		},
		Services: []activitypub.Service{{Name: "video viewers", Role: config.RoleWeb, Run: s.Run}},
		Routes: func(r *rest.Router) {
			r.API.POST("/videos/:id/views", rest.Anyone, s.post)
			r.API.POST("/videos/:id/watching", rest.Anyone, s.post)
			r.API.PUT("/videos/:id/watching", rest.Anyone, s.post)
		},
	}
}

// Times of the loop of a process.
const (
	tick       = 5 * time.Second
	playerLife = time.Minute // a player that is silent for so long has stopped
)

// Run writes down who watches here, and what those have watched who stopped,
// until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), tick)
			defer cancel()
			return s.leave(last)
		case <-t.C:
		}
		if err := s.Flush(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "viewers not written", "error", err)
		}
	}
}

// Flush is one turn of [Service.Run].
func (s *Service) Flush(ctx context.Context) error {
	now := s.o.Now()
	if err := s.writeWatched(ctx, s.players.stopped(now.Add(-playerLife))); err != nil {
		return err
	}
	if err := s.writeViewers(ctx, s.players.playing(), now); err != nil {
		return err
	}
	return s.others.read(ctx, s.db, s.process)
}

// leave writes down what was watched before the process ends.
func (s *Service) leave(ctx context.Context) error {
	s.commits.wait()
	err := s.writeWatched(ctx, s.players.stopped(s.o.Now().Add(time.Hour)))
	if err != nil {
		return err
	}
	return s.db.Tx(ctx, func(tx *db.Tx) error {
		return tx.Exec("DELETE FROM video_viewers WHERE source = ?", s.process).Error
	})
}

// Viewers tells how many watch a video now.
func (s *Service) Viewers(videoID int64) int64 {
	here := s.players.count(videoID)
	total, known, more := s.others.of(videoID)
	if known {
		return max(total, here)
	}
	return here + more
}

// commits writes the views of players that report at the same time together.
type commits struct {
	commit func(context.Context, map[int64]int64) error

	mu   sync.Mutex
	busy bool
	next *round
	wg   sync.WaitGroup
}

// round is what one transaction writes.
type round struct {
	views map[int64]int64
	done  chan struct{}
	err   error
}

// commitTime bounds one transaction.
const commitTime = 20 * time.Second

// add returns when the view of a video is committed.
func (c *commits) add(ctx context.Context, videoID int64) error {
	c.mu.Lock()
	if c.next == nil {
		c.next = &round{views: map[int64]int64{}, done: make(chan struct{})}
	}
	r := c.next
	r.views[videoID]++
	if !c.busy {
		c.busy = true
		// The transaction belongs to all who wait for it, so it outlives each.
		c.wg.Go(func() { c.run(context.WithoutCancel(ctx)) })
	}
	c.mu.Unlock()
	<-r.done // whoever left before could not tell whether the view counts
	return r.err
}

func (c *commits) run(ctx context.Context) {
	for {
		c.mu.Lock()
		r := c.next
		c.next = nil
		c.busy = r != nil
		c.mu.Unlock()
		if r == nil {
			return
		}
		work, cancel := context.WithTimeout(ctx, commitTime)
		r.err = c.commit(work, r.views)
		cancel()
		close(r.done)
	}
}

func (c *commits) wait() { c.wg.Wait() }
